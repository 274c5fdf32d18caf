"""What CI systems read, held against other people's schemas and readers; tests/report/assets/README.md says whose."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from checks import ALL, BAD, EXCEPTED, PASSED, checked, found, rule, shown
from jsonschema import Draft202012Validator
from tap.parser import Parser
from xmlschema import XMLSchema

if TYPE_CHECKING:
    from bspec_opa.workflow.facts.checked import Checked

ASSETS = Path(__file__).parent / "assets"
EVERYTHING = [ALL, (BAD,), (BAD, *ALL), (PASSED,), (EXCEPTED,)]
SKIPPING = checked(rule("global.x # SKIP", denied=(found(),)), file="a # TODO.intent")


@pytest.fixture(scope="module")
def sarif() -> Draft202012Validator:
    schema = json.loads((ASSETS / "sarif-2.1.0.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


@pytest.fixture(scope="module")
def junit() -> XMLSchema:
    return XMLSchema(str(ASSETS / "junit-10.xsd"))


def tap(*results: Checked, **manner: bool) -> list[Any]:
    lines = list(Parser().parse_text(shown("tap", *results, **manner)))
    assert {line.category for line in lines} <= {"version", "test", "plan", "diagnostic"}
    return [line for line in lines if line.category == "test"]


@pytest.mark.parametrize("results", EVERYTHING)
def test_sarif_is_valid(results: tuple[Checked, ...], sarif: Draft202012Validator) -> None:
    assert [(list(e.path), e.message) for e in sarif.iter_errors(json.loads(shown("sarif", *results)))] == []


@pytest.mark.parametrize("member", ["version", "runs"])
def test_the_sarif_schema_refuses_what_is_none(member: str, sarif: Draft202012Validator) -> None:
    document = json.loads(shown("sarif", *ALL))
    del document[member]
    assert not sarif.is_valid(document)
    assert not sarif.is_valid({**json.loads(shown("sarif", *ALL)), "more": 1})


def test_every_place_in_sarif_has_a_line(sarif: Draft202012Validator) -> None:
    """Code scanning demands ``region.startLine``; what is about a whole file is shown at its first line."""
    document = json.loads(shown("sarif", *ALL))
    assert sarif.is_valid(document)
    regions = [r["locations"][0]["physicalLocation"]["region"] for r in document["runs"][0]["results"]]
    assert [r["startLine"] for r in regions] == [3, 9, 3, 1, 2, 1]
    assert regions[3] == {"startLine": 1}


@pytest.mark.parametrize("results", EVERYTHING)
@pytest.mark.parametrize("fail_on_warn", [False, True])
def test_junit_is_valid(results: tuple[Checked, ...], fail_on_warn: bool, junit: XMLSchema) -> None:
    text = shown("junit", *results, fail_on_warn=fail_on_warn)
    assert [(e.path, e.reason) for e in junit.iter_errors(text)] == []


def test_the_junit_schema_refuses_what_is_none(junit: XMLSchema) -> None:
    text = shown("junit", *ALL)
    assert not junit.is_valid(text.replace("<failure", "<failing").replace("</failure", "</failing"))
    assert not junit.is_valid(text.replace("<testcase ", '<testcase file="x" '))


@pytest.mark.parametrize("fail_on_warn", [False, True])
def test_tap_is_read_by_another_reader(fail_on_warn: bool) -> None:
    tests = tap(*ALL, fail_on_warn=fail_on_warn)
    assert [t.ok for t in tests] == [True, True, False, True, not fail_on_warn, True, False, False]
    assert [t.skip for t in tests].index(True) == 5
    assert [(t.yaml_block or {}).get("severity") for t in tests] == [
        None, None, "high", None, "warning", None, "error", "error"
    ]  # fmt: skip


@pytest.mark.attack("A72")
def test_no_name_makes_a_directive_in_tap() -> None:
    """A failure that is marked as skipped, or as still to do, is none to a reader."""
    for results in ((SKIPPING,), (BAD,)):
        tests = tap(*results)
        assert [t.ok for t in tests if not t.skip] == [False] * len([t for t in tests if not t.ok])
        assert not any(t.todo or (t.skip and not t.ok) for t in tests)
