"""The inputs that rules are measured on: files of ``normalize``, else the fixtures of the tests."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, cast

from bspec_opa.authoring.reasons import BENCH_INPUT
from bspec_opa.bundle.contract.definitions import input_schema
from bspec_opa.bundle.rego.sources import write_tree
from bspec_opa.bundle.shipped import FIXTURES, fixtures
from bspec_opa.foundation.closed_checker import checker
from bspec_opa.foundation.document.load import load_json
from bspec_opa.foundation.errors import Location
from bspec_opa.foundation.files import is_directory, list_files, read_bounded
from bspec_opa.foundation.limits import MAX_DOCUMENT_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bspec_opa.bundle.rego.opa_tool import Opa
    from bspec_opa.foundation.canonical import JsonObject

MAX_INPUTS = 1_000
_FIXTURES = ("allowed", "full")


def read_inputs(named: Sequence[Path]) -> dict[str, JsonObject]:
    """The inputs in files and directories, by path.

    Raises:
        InvalidInputError: there is none, or one is no ``bspec.input/v1``.
    """
    files: list[Path] = []
    for path in named:
        files += list_files(path, ".json", MAX_INPUTS) if is_directory(path) else [path]
    if not files:
        hint = "write some there: bspec-opa normalize INTENT --env ENV > inputs/NAME.json"
        raise BENCH_INPUT.error("holds no *.json file", hint=hint, at=Location(str(named[0])))
    return {str(f): _checked(read_bounded(f, MAX_DOCUMENT_BYTES), str(f)) for f in sorted(set(files))}


def fixture_inputs(opa: Opa) -> dict[str, JsonObject]:
    """The inputs of the fixtures, as OPA evaluates them."""
    with tempfile.TemporaryDirectory(prefix="bspec-opa-") as folder:
        write_tree(Path(folder), fixtures())
        query = f"[{', '.join(f'data.bspec.testing.{n}' for n in _FIXTURES)}]"
        text = opa.run(["eval", "--data", FIXTURES, "--format", "json", query], cwd=Path(folder))
    values = json.loads(text)["result"][0]["expressions"][0]["value"]
    return {f"testing.{name}": value for name, value in zip(_FIXTURES, values, strict=True)}


def _checked(data: bytes, name: str) -> JsonObject:
    document = load_json(data, name)
    bad = checker(input_schema())(document.value)
    if bad:
        message = f"is no bspec.input/v1: {bad[0].pointer or '/'} {bad[0].message}"
        hint = "give what bspec-opa normalize prints"
        raise BENCH_INPUT.error(message, hint=hint, at=document.locate(bad[0].pointer))
    return cast("JsonObject", document.value)
