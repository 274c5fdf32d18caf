"""What CI systems read: JUnit, TAP, workflow commands. Each is read back by a reader of its format."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from checks import ALL, BAD, BASE, DENIED, EXCEPTED, HOSTILE, PASSED, WARNED, checked, is_tame, rule, shown

if TYPE_CHECKING:
    from bspec_opa.workflow.facts.checked import Checked


# JUnit


def junit(*results: Checked, **manner: bool) -> ET.Element:
    return ET.fromstring(shown("junit", *results, **manner))  # noqa: S314 - ours


def test_junit_has_a_case_for_each_intent_and_rule() -> None:
    root = junit(*ALL)
    assert [(s.get("name"), [c.get("name") for c in s]) for s in root] == [
        ("a/behavior.intent", ["global.tools.one", "global.tools.two"]),
        ("b/behavior.intent", ["global.tools.one", "global.tools.two"]),
        ("c/behavior.intent", ["global.tools.one"]),
        ("d/behavior.intent", ["conftest.main.deny_x"]),
        ("e/x.intent", ["intent"]),
        ("f/x.intent", ["intent"]),
    ]
    assert {k: root.get(k) for k in ("tests", "failures", "errors")} == {"tests": "8", "failures": "1", "errors": "2"}
    assert [s.get("failures") for s in root] == ["0", "1", "0", "0", "0", "0"]
    assert [s.get("skipped") for s in root] == ["0", "0", "0", "1", "0", "0"]
    assert [s.get("file") for s in root] == [s.get("name") for s in root]


def test_junit_says_where_and_what_to_do() -> None:
    (failure,) = junit(DENIED).iter("failure")
    assert failure.get("type") == "high"
    assert failure.get("message") == "too much; far too much"
    assert (
        failure.text
        == "* too much\n  at a/behavior.intent:3:5\n  Do less.\n* far too much\n  at a/behavior.intent:9:5\n  Do less."
    )
    (error,) = junit(ALL[4]).iter("error")
    assert (error.get("type"), error.text) == ("file.unreadable", "e/x.intent:2:7: no file; name one")


def test_junit_of_a_warning_passes_unless_warnings_fail() -> None:
    assert [e.tag for e in junit(WARNED).iter()][-1] == "system-out"
    (failure,) = junit(WARNED, fail_on_warn=True).iter("failure")
    assert failure.get("type") == "warning"


@pytest.mark.attack("A72")
def test_junit_of_anything_is_xml() -> None:
    text = shown("junit", BAD)
    assert text.isascii()
    root = ET.fromstring(text)  # noqa: S314 - ours
    assert {e.tag for e in root.iter()} == {"testsuites", "testsuite", "testcase", "error", "failure", "skipped"}
    told = [v for e in root.iter() for v in (*e.attrib.values(), e.text or "")]
    assert not re.search("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "".join(told))
    assert any("\\ufffe" in t and "<b a=" in t for t in told)


# TAP 13


def tap(text: str) -> list[tuple[bool, int, str, str, Any]]:
    """Points: whether ok, number, description, directive, diagnostics; fails where a line has no meaning."""
    head, *lines = text.splitlines()
    assert head == "TAP version 13"
    points: list[tuple[bool, int, str, str, Any]] = []
    plan = 0
    while lines:
        line = lines.pop(0)
        if point := re.fullmatch(r"(not )?ok ([0-9]+) - ((?:[^#\\]|\\.)*?)(?: # (.*))?", line):
            diagnostics = None
            if lines and lines[0] == "  ---":
                end = lines.index("  ...")
                diagnostics = yaml.safe_load("\n".join(lines[1:end]))
                lines = lines[end + 1 :]
            description = re.sub(r"\\(.)", r"\1", point[3])
            points.append((not point[1], int(point[2]), description, point[4] or "", diagnostics))
        elif found := re.fullmatch(r"1\.\.([0-9]+)", line):
            assert not plan
            plan = int(found[1])
        else:
            assert line.startswith("# ")
    assert [p[1] for p in points] == list(range(1, plan + 1))
    return points


def test_tap_has_a_point_for_each_rule() -> None:
    points = tap(shown("tap", *ALL))
    assert [(ok, description, directive) for ok, _, description, directive, _ in points] == [
        (True, "a/behavior.intent global.tools.one", ""),
        (True, "a/behavior.intent global.tools.two", ""),
        (False, "b/behavior.intent global.tools.one", ""),
        (True, "b/behavior.intent global.tools.two", ""),
        (True, "c/behavior.intent global.tools.one", ""),
        (True, "d/behavior.intent conftest.main.deny_x", "SKIP excepted by the policy"),
        (False, "e/x.intent intent", ""),
        (False, "f/x.intent intent", ""),
    ]
    denied, warned, broken = points[2][4], points[4][4], points[6][4]
    assert (denied["severity"], denied["remediation"]) == ("high", "Do less.")
    assert [(f["message"], f["line"], f["column"]) for f in denied["findings"]] == [
        ("too much", 3, 5),
        ("far too much", 9, 5),
    ]
    assert warned["severity"] == "warning"
    assert broken["findings"] == [{"message": "no file", "code": "file.unreadable", "line": 2, "column": 7}]


def test_tap_of_a_warning_fails_if_warnings_fail() -> None:
    assert [p[0] for p in tap(shown("tap", WARNED, fail_on_warn=True))] == [False]


@pytest.mark.attack("A72")
def test_tap_of_anything_has_the_right_points() -> None:
    points = tap(shown("tap", BAD, PASSED))
    assert [p[0] for p in points] == [False, False, True, True, True]
    assert points[1][4]["findings"][0]["message"] == HOSTILE.replace("\udcff", "?")


def test_tap_of_nothing_is_an_empty_plan() -> None:
    assert shown("tap").startswith("TAP version 13\n1..0\n")


# GitHub

COMMAND = re.compile(r"::(?P<level>[a-z]+) (?P<properties>[^:]*)::(?P<data>.*)")


def unescaped(text: str) -> str:
    for code, character in (("%0A", "\n"), ("%0D", "\r"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, character)
    return text


def github(text: str) -> list[tuple[str, dict[str, str], str]]:
    """Commands as the runner reads them; the last line is none."""
    *commands, summary = text.splitlines()
    assert re.fullmatch(r"[0-9a-z, ]+", summary)
    found = []
    for line in commands:
        command = COMMAND.fullmatch(line)
        assert command, line
        properties = dict(p.split("=", 1) for p in command["properties"].split(","))
        found.append((command["level"], {k: unescaped(v) for k, v in properties.items()}, unescaped(command["data"])))
    return found


def test_github_annotates_each_finding() -> None:
    place = {"file": "a/behavior.intent", "col": "5", "endColumn": "9", "title": "global.tools.one"}
    assert github(shown("github", *ALL)) == [
        ("error", {**place, "line": "3", "endLine": "3"}, "too much\nDo less."),
        ("error", {**place, "line": "9", "endLine": "9"}, "far too much\nDo less."),
        ("warning", {**place, "line": "3", "endLine": "3"}, "hm\nDo less."),
        ("notice", {"file": "a/behavior.intent", "title": "conftest.main.deny_x"}, "but"),
        ("error", {"file": "e/x.intent", "line": "2", "col": "7", "title": "file.unreadable"}, "no file\nname one"),
        ("error", {"file": "f/x.intent", "title": "file.unreadable"}, "no place"),
    ]  # fmt: skip
    assert "::too much%0ADo less.\n" in shown("github", DENIED)


@pytest.mark.attack("A72")
def test_github_obeys_no_command_of_somebody_elses() -> None:
    text = shown("github", BAD)
    commands = github(text)
    assert [level for level, _, _ in commands] == ["error", "error", "warning", "notice"]
    assert is_tame(text)
    for _, properties, message in commands:
        assert set(properties) <= {"file", "line", "col", "endLine", "endColumn", "title"}
        assert "%0A::error::" in message  # as it was written, no line break
        assert properties["file"].startswith("a\n::set-env name=x::y")
        assert properties["file"].endswith("`#\\")
        assert properties["title"] == "file.unreadable" or properties["title"].startswith("a\n::set-env")


# Azure

ISSUE = re.compile(r"##vso\[task\.logissue (?P<properties>[^\]]*)\](?P<data>.*)")


def azure(text: str) -> list[tuple[dict[str, str], str]]:
    *commands, summary = text.splitlines()
    assert re.fullmatch(r"[0-9a-z, ]+", summary)
    found = []
    for line in commands:
        command = ISSUE.fullmatch(line)
        assert command, line
        properties = dict(p.split("=", 1) for p in command["properties"].rstrip(";").split(";"))
        found.append((properties, command["data"]))
    return found


def test_azure_logs_each_finding() -> None:
    issues = azure(shown("azuredevops", *ALL))
    assert issues[0] == (
        {
            "type": "error", "sourcepath": "a/behavior.intent", "linenumber": "3", "columnnumber": "5",
            "code": "global.tools.one",
        },
        "too much%0ADo less.",
    )  # fmt: skip
    assert [(p["type"], p["code"]) for p, _ in issues[1:]] == [
        ("error", "global.tools.one"),
        ("warning", "global.tools.one"),
        ("error", "file.unreadable"),
        ("error", "file.unreadable"),
    ]
    assert "linenumber" not in issues[4][0]


@pytest.mark.attack("A72")
def test_azure_obeys_no_command_of_somebody_elses() -> None:
    text = shown("azuredevops", BAD)
    issues = azure(text)
    assert [p["type"] for p, _ in issues] == ["error", "error", "warning"]
    for properties, _ in issues:
        assert set(properties) <= {"type", "sourcepath", "linenumber", "columnnumber", "code"}
        assert properties["sourcepath"].endswith("`#\\")
        assert "code" in properties
    for line in text.splitlines()[:-1]:
        assert line.startswith("##vso[task.logissue ")
        assert "%AZP250A::error::" in line


def test_paths_are_relative_to_where_we_are() -> None:
    inside = checked(rule(), file=str(BASE / "agents" / "x.intent"))
    outside = checked(rule(), file="/elsewhere/x.intent")
    assert [s.get("name") for s in junit(inside, outside)] == ["agents/x.intent", "/elsewhere/x.intent"]


# JSON


def test_json_lines_are_documents_of_their_own() -> None:
    whole = json.loads(shown("json", *ALL))
    lines = [json.loads(line) for line in shown("jsonl", *ALL).splitlines()]
    assert [line["files"][0] for line in lines] == whole["files"]
    assert [line["exit_code"] for line in lines] == [f["exit_code"] for f in whole["files"]] == [0, 4, 0, 0, 3, 3]
    assert whole["exit_code"] == 3
    assert whole["counts"] == {
        "files": 6, "tests": 7, "passed": 3, "warnings": 1, "failures": 2, "exceptions": 1, "errors": 2
    }  # fmt: skip
    (excepted,) = json.loads(shown("json", EXCEPTED))["files"][0]["rules"]
    assert (excepted["status"], excepted["excepted"][0]["message"]) == ("excepted", "but")
