"""SARIF 2.1.0: valid, complete for code scanning, and its fingerprints last."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import pytest
from checks import ALL, BAD, BASE, DENIED, HOSTILE, PASSED, WARNED, checked, found, rule, shown
from jsonschema import Draft202012Validator

from bspec_opa.bundle.reasons import OPA_FAILED
from bspec_opa.workflow.facts.spot import Spot, lasting_path

if TYPE_CHECKING:
    from bspec_opa.workflow.facts.checked import Checked

LEVEL = {"enum": ["none", "note", "warning", "error"]}
MULTIFORMAT = {
    "type": "object",
    "additionalProperties": False,
    "required": ["text"],
    "properties": {"text": {"type": "string", "minLength": 1}, "markdown": {"type": "string", "minLength": 1}},
}
MESSAGE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["text"],
    "properties": {"text": {"type": "string", "minLength": 1}},
}
REGION = {
    "type": "object",
    "additionalProperties": False,
    "required": ["startLine"],
    "properties": {
        "startLine": {"type": "integer", "minimum": 1},
        "startColumn": {"type": "integer", "minimum": 1},
        "endColumn": {"type": "integer", "minimum": 2},
    },
}
LOCATION = {
    "type": "object",
    "additionalProperties": False,
    "required": ["physicalLocation"],
    "properties": {
        "physicalLocation": {
            "type": "object",
            "additionalProperties": False,
            "required": ["artifactLocation"],
            "properties": {
                "artifactLocation": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["uri"],
                    "properties": {
                        "uri": {"type": "string", "pattern": r"^[A-Za-z0-9._~:/%@!$&'()*+,;=-]+$"},
                        "uriBaseId": {"const": "%SRCROOT%"},
                    },
                },
                "region": REGION,
            },
        }
    },
}
RULE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["id", "shortDescription", "help", "defaultConfiguration"],
    "properties": {
        "id": {"type": "string", "minLength": 1},
        "name": {"type": "string", "minLength": 1},
        "shortDescription": MULTIFORMAT,
        "fullDescription": MULTIFORMAT,
        "help": MULTIFORMAT,
        "defaultConfiguration": {"type": "object", "additionalProperties": False, "properties": {"level": LEVEL}},
        "properties": {
            "type": "object",
            "properties": {
                "tags": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
                "security-severity": {"type": "string", "pattern": r"^[0-9]+\.[0-9]$"},
            },
        },
    },
}
RESULT = {
    "type": "object",
    "additionalProperties": False,
    "required": ["ruleId", "ruleIndex", "level", "message", "locations", "partialFingerprints"],
    "properties": {
        "ruleId": {"type": "string"},
        "ruleIndex": {"type": "integer", "minimum": 0},
        "level": LEVEL,
        "message": MESSAGE,
        "locations": {"type": "array", "items": LOCATION, "minItems": 1, "maxItems": 1},
        "partialFingerprints": {
            "type": "object",
            "additionalProperties": {"type": "string", "pattern": "^[0-9a-f]{64}:[1-9][0-9]*$"},
        },
        "suppressions": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["kind"],
                "properties": {"kind": {"enum": ["inSource", "external"]}, "justification": {"type": "string"}},
            },
        },
    },
}
NOTIFICATION = {
    "type": "object",
    "additionalProperties": False,
    "required": ["message"],
    "properties": {
        "level": LEVEL,
        "descriptor": {"type": "object", "additionalProperties": False, "properties": {"id": {"type": "string"}}},
        "message": MESSAGE,
        "locations": {"type": "array", "items": LOCATION},
    },
}
INVOCATION = {
    "type": "object",
    "additionalProperties": False,
    "required": ["executionSuccessful"],
    "properties": {
        "executionSuccessful": {"type": "boolean"},
        "exitCode": {"type": "integer"},
        "exitCodeDescription": {"type": "string"},
        "toolExecutionNotifications": {"type": "array", "items": NOTIFICATION},
    },
}
SARIF = {
    "type": "object",
    "additionalProperties": False,
    "required": ["version", "runs"],
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["tool"],
                "properties": {
                    "tool": {
                        "type": "object",
                        "additionalProperties": False,
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "type": "object",
                                "additionalProperties": False,
                                "required": ["name"],
                                "properties": {
                                    "name": {"type": "string"},
                                    "semanticVersion": {"type": "string"},
                                    "rules": {"type": "array", "items": RULE, "uniqueItems": True},
                                },
                            }
                        },
                    },
                    "invocations": {"type": "array", "items": INVOCATION},
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "results": {"type": "array", "items": RESULT},
                },
            },
        },
    },
}
"""The part of the official schema that is written here, with its required members, and closed."""


def run_of(*results: Checked) -> Any:
    document = json.loads(shown("sarif", *results))
    assert list(Draft202012Validator(SARIF).iter_errors(document)) == []
    (run,) = document["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [r["ruleId"] for r in run["results"]] == [rules[r["ruleIndex"]]["id"] for r in run["results"]]
    assert len({r["id"] for r in rules}) == len(rules)
    return run


def place(result: Any) -> Any:
    return result["locations"][0]["physicalLocation"]


def test_each_finding_is_a_result_with_its_place() -> None:
    run = run_of(*ALL)
    assert [(r["ruleId"], r["level"], r["message"]["text"]) for r in run["results"]] == [
        ("global.tools.one", "error", "too much"),
        ("global.tools.one", "error", "far too much"),
        ("global.tools.one", "warning", "hm"),
        ("conftest.main.deny_x", "note", "but"),
        ("file.unreadable", "error", "no file; name one"),
        ("file.unreadable", "error", "no place"),
    ]
    assert place(run["results"][0]) == {
        "artifactLocation": {"uri": "a/behavior.intent", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 3, "startColumn": 5, "endColumn": 9},
    }
    assert place(run["results"][3])["region"] == {"startLine": 1}
    assert run["results"][3]["suppressions"][0]["kind"] == "external"
    assert run["columnKind"] == "unicodeCodePoints"


def test_rules_have_help_and_a_severity() -> None:
    one, two = run_of(PASSED)["tool"]["driver"]["rules"]
    assert one["help"] == {"text": "Do less.", "markdown": "**One**\n\nDo less."}
    assert one["fullDescription"]["text"] == "What one is about."
    assert one["properties"] == {"tags": ["bundle", "SOC2:CC8.1"], "security-severity": "8.0"}
    assert (one["name"], two["id"]) == ("TOL-01", "global.tools.two")


@pytest.mark.parametrize(
    ("severity", "denied", "warned"),
    [
        ("critical", "error", "warning"),
        ("medium", "error", "warning"),
        ("low", "warning", "note"),
        ("", "error", "warning"),
    ],
)
def test_the_level_is_the_severitys(severity: str, denied: str, warned: str) -> None:
    results = run_of(checked(rule(severity=severity, denied=(found(),), warned=(found("x"),))))["results"]
    assert [r["level"] for r in results] == [denied, warned]


def test_what_was_not_decided_is_no_successful_run() -> None:
    (invocation,) = run_of(DENIED)["invocations"]
    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (True, 4)
    failed = checked(rule(), problems=(OPA_FAILED.problem("gone"),))
    (invocation,) = run_of(failed)["invocations"]
    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (False, 8)
    (notification,) = invocation["toolExecutionNotifications"]
    assert (notification["descriptor"], notification["message"]) == ({"id": "bundle.opa-failed"}, {"text": "gone"})


def fingerprints(*results: Checked) -> list[str]:
    return [r["partialFingerprints"]["bspecFinding/v1"] for r in run_of(*results)["results"]]


def test_fingerprints_outlive_what_does_not_matter() -> None:
    before = found("2 of 3")
    moved = replace(before, message="1 of 3", path="/tools/7/privilege", spot=Spot("a/behavior.intent", 99, 1, 1))
    assert fingerprints(checked(rule(denied=(before,)))) == fingerprints(checked(rule(denied=(moved,))))
    assert fingerprints(WARNED, checked(rule(denied=(before,)))) != fingerprints(WARNED)


def test_fingerprints_tell_findings_apart() -> None:
    here, there = found(), found(file="b/behavior.intent")
    elsewhere = replace(here, lasting="/tools/other/privilege")
    nowhere = (found("one", line=0), found("two", line=0))
    result = checked(rule(denied=(here, here, elsewhere, there, *nowhere)), rule("global.tools.two", denied=(here,)))
    assert len(set(fingerprints(result))) == 7
    first, second = fingerprints(result)[:2]
    assert (first[:64], first[64:], second[64:]) == (second[:64], ":1", ":2")


def test_an_item_is_known_by_its_id() -> None:
    value: Any = {"tools": [{"id": "a"}, {"id": "b", "x": ["one", 2]}, "no id"], "a/b": {"~": 1}}
    assert lasting_path(value, "/tools/1/x/0") == "/tools/b/x/one"
    assert lasting_path(value, "/tools/1/x/1") == "/tools/b/x/1"
    assert lasting_path(value, "/tools/2/privilege") == "/tools/no id/privilege"
    assert lasting_path(value, "/tools/9/privilege") == "/tools/9/privilege"
    assert lasting_path(value, "/a~1b/~0") == "/a~1b/~0"
    assert lasting_path(value, "") == ""


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("a b/ü#?.intent", "a%20b/%C3%BC%23%3F.intent"),
        (str(BASE / "x.intent"), "x.intent"),
        ("/else/x.intent", "file:///else/x.intent"),
        ("http:/x.intent", "http%3A/x.intent"),
        ("\udcff.intent", "%FF.intent"),
    ],
)
def test_uris_are_relative_and_quoted(file: str, uri: str) -> None:
    result = run_of(checked(rule(denied=(found(file=file),)), file=file))["results"][0]
    base = {} if uri.startswith("file://") else {"uriBaseId": "%SRCROOT%"}
    assert place(result)["artifactLocation"] == {"uri": uri, **base}
    assert urlsplit(uri).scheme in {"", "file"}


@pytest.mark.attack("A72", "A73")
def test_anything_is_valid_and_shown_as_text() -> None:
    run = run_of(BAD)
    text = shown("sarif", BAD)
    assert text.isascii()
    for result in run["results"]:
        assert "](http" not in result["message"]["text"]
        assert "\x1b" not in result["message"]["text"]
    described = run["tool"]["driver"]["rules"][1]["help"]["markdown"]
    assert "\\[l\\]\\(http" in described
    assert "\\<b a=" in described
    uri = place(run["results"][0])["artifactLocation"]["uri"]
    assert unquote(uri, errors="surrogateescape").startswith(HOSTILE[:20])
