"""docs/invariant.md names what there is."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import pytest
from model.bounds import SMALL
from model.bugs import RevocationsAtStart
from model.figures import FIGURES, LARGE_FIGURES
from model.properties import OF_LINES, OF_STEPS
from model.search import explore

from bspec_opa.foundation.errors import Reason
from bspec_opa.gate import reasons

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "invariant.md").read_text(encoding="utf-8")
NAMES = sorted(set(re.findall(r"`([^`\n]+)`", PAGE)))
CLAUSES = dict(re.findall(r"^### (\d)\. [^\n]*\n(.*?)(?=^###? )", PAGE, re.MULTILINE | re.DOTALL))
TABLES = "".join(line for text in CLAUSES.values() for line in text.splitlines(keepends=True) if line.startswith("|"))


def named(pattern: str) -> list[str]:
    """Everything on the page of one form."""
    found = [n for n in NAMES if re.fullmatch(pattern, n)]
    assert found, pattern
    return found


def properties_in(text: str) -> set[str]:
    """What stands in the last column."""
    last = [line.rstrip(" |").rpartition("|")[2] for line in text.splitlines() if line.startswith("| ")]
    return {name for cell in last for name in re.findall(r"`(\w+)`", cell)}


@pytest.mark.parametrize("name", named(r"bspec_opa(\.\w+)+"))
def test_every_function_exists(name: str) -> None:
    found: Any = importlib.import_module("bspec_opa")
    path = "bspec_opa"
    for part in name.split(".")[1:]:
        path += f".{part}"
        found = getattr(found, part) if hasattr(found, part) else importlib.import_module(path)


@pytest.mark.parametrize("name", named(r"tests/[\w/]+\.py(::\w+)?"))
def test_every_test_and_file_exists(name: str) -> None:
    path, _, function = name.partition("::")
    text = (ROOT / path).read_text(encoding="utf-8")
    assert not function or f"def {function}(" in text


def test_every_rule_and_every_part_of_the_floor_exists() -> None:
    pages = {p.stem for p in (ROOT / "docs" / "rules").glob("*.md")}
    assert set(named(r"(promotion|global)(\.\w+)+")) <= pages
    floor = {r.code for r in vars(reasons).values() if isinstance(r, Reason) and r.code.startswith("floor.")}
    assert set(named(r"floor\.[\w-]+")) == floor


def test_every_property_stands_in_its_clause() -> None:
    of_lines = {clause: {p.__name__ for p in found} for clause, found in OF_LINES.items()}
    assert set(CLAUSES) == set(of_lines)
    assert all(of_lines[clause] <= properties_in(text) for clause, text in CLAUSES.items())
    every = set().union(*of_lines.values()) | {p.__name__ for p in OF_STEPS}
    assert properties_in(TABLES) == {*every, "converges"}


def test_the_figures_and_the_counterexample_are_those_of_the_model() -> None:
    assert f"{sum(states for states, _, _ in FIGURES.values()):,} states in `make test`" in PAGE
    assert f"{sum(states for states, _, _ in LARGE_FIGURES.values()):,} in `make soak`" in PAGE
    (race,) = (b for b in SMALL if b.name == "race")
    assert explore(RevocationsAtStart(), race).shown() in PAGE
