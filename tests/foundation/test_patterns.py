"""No text makes a pattern explode (attack A68): patterns are ours, none comes from an input, and each stays linear."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import bspec_opa
from bspec_opa.binding.importers.mcp_tools import McpTools
from bspec_opa.bundle.contract.definitions import input_schema
from bspec_opa.bundle.contract.organisation import organisation_schema
from bspec_opa.foundation.limits import MAX_STRING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LONG = MAX_STRING
"""Quadratic patterns take seconds for so many characters, exponential ones for ever, linear ones a millisecond."""
ALLOWED_S = 1.0
PUMPED = (
    *("a", "A", "0", "1", " ", "\t", "\n", "-", ".", "_", "/", "=", "+", "@", ":", "#", "x", "<", ">", "{", "\\", '"', "'"),
    *("a-", "a.", "a/", "0.", "1.", "a@", "a:", "0:", " \n", "1.0.", "a/a@", '\\"', "\\u0000", "{{", "${", "--", "::", "//"),
    *("__local1", "a.rego", "x.rego: ", ">=1,", "AAAA", "\x1b[1", "\u00e9", "P1D", "metadata "),
)  # fmt: skip
ENDS = ("", "!", "\n", "\x00")
SEARCHING = r"(?<![\w.]){}(?:\[[^\]]*\]|\(\))?\.(?:search|sub|subn|split|findall|finditer)\("


def modules() -> Iterator[Any]:
    for found in pkgutil.walk_packages(bspec_opa.__path__, "bspec_opa."):
        if not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)


def patterns_in(value: Any) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif getattr(value, "__annotations__", {}) == {"return": "re.Pattern[str]"}:  # compiled when it is first used
        yield value()
    elif isinstance(value, tuple | list):
        for item in value:
            yield from patterns_in(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from patterns_in(item)


def schema_patterns(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "pattern" and isinstance(item, str):
                yield item
            else:
                yield from schema_patterns(item)
    elif isinstance(value, list):
        for item in value:
            yield from schema_patterns(item)


def compiled() -> Iterator[Any]:
    for module in modules():
        source = inspect.getsource(module)
        for name, value in list(vars(module).items()):
            in_a_table = isinstance(value, tuple | list | dict) and re.search(SEARCHING.format(r"\w+"), source)
            for number, pattern in enumerate(patterns_in(value)):
                searched = in_a_table or re.search(SEARCHING.format(re.escape(name)), source)
                acts = [pattern.match, pattern.fullmatch, *([pattern.search] if searched else [])]
                yield pytest.param(pattern, acts, id=f"{module.__name__}.{name}-{number}")


def schemas() -> Iterator[Any]:
    package = Path(bspec_opa.__file__).parent
    documents = [json.loads(p.read_bytes()) for p in sorted(package.rglob("schemas/*.json"))]
    assert len(documents) > 3
    made = [v for m in modules() for v in vars(m).values() if isinstance(v, dict)]
    found = {p for d in [*documents, *made, input_schema(), organisation_schema()] for p in schema_patterns(d)}
    for text in sorted(found):
        pattern = re.compile(text)
        yield pytest.param(pattern, [pattern.fullmatch, pattern.search], id=f"schema {text}")


def texts(length: int) -> Iterator[str]:
    for pump in PUMPED:
        for end in ENDS:
            yield pump * (length // len(pump)) + end
            yield "a" + pump * (length // len(pump)) + end


def too_slow(acts: list[Callable[[Any], Any]], binary: bool, part: int = 1) -> str | None:
    """The first text that takes too long, in two tries; a part of the length may take that part's square of the time."""
    allowed = ALLOWED_S / part**2
    for text in texts(LONG // part):
        data = text.encode() if binary else text
        for act in acts:
            if _timed(act, data) > allowed and _timed(act, data) > allowed:
                return f"{text[:12]!r} and so on, {text[-3:]!r}"
    return None


def _timed(act: Callable[[Any], Any], data: Any) -> float:
    before = time.process_time()
    act(data)
    return time.process_time() - before


@pytest.mark.attack("A68")
@pytest.mark.parametrize(("pattern", "acts"), [*compiled(), *schemas()])
def test_a_pattern_stays_linear(pattern: re.Pattern[Any], acts: list[Callable[[Any], Any]]) -> None:
    assert too_slow(acts, isinstance(pattern.pattern, bytes)) is None


def test_the_measurement_finds_a_quadratic_one() -> None:
    """On a quarter of the text, where it takes a sixteenth of the time."""
    assert too_slow([re.compile("a[^>]*>").search], binary=False, part=4) == "'aaaaaaaaaaaa' and so on, 'aaa'"


@pytest.mark.attack("A68")
def test_a_pattern_in_an_imported_schema_is_never_run() -> None:
    evil = "a" * 60 + "!"
    schema: Any = {
        "type": "object",
        "properties": {"x": {"type": "string", "pattern": "^(a+)+$", "default": evil, "examples": [evil]}},
        "patternProperties": {"^(a+)+$": {"const": evil}},
    }
    found = McpTools().contract({"tools": [{"name": "a", "inputSchema": schema}]})
    assert found.document["tools"][0]["inputSchema"] == schema  # type: ignore[index,call-overload]
