from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from checks import ALL, BAD, BASE, BROKEN, DENIED, EXCEPTED, PASSED, WARNED, checked, found, is_tame, rule, shown

from bspec_opa.foundation.errors import ExitCode
from bspec_opa.report.check.interface import Manner, Tally, verdict_of

if TYPE_CHECKING:
    from bspec_opa.workflow.facts.checked import Checked


def lines(form: str, *results: Checked, **manner: bool) -> list[str]:
    return shown(form, *results, **manner).splitlines()


def test_text_of_a_denial_has_place_source_and_remedy() -> None:
    assert lines("text", DENIED) == [
        "DENIED   b/behavior.intent  billing 1.0.0",
        "  bundle default sha256:777777777777…, 1 denied, 1 passed",
        "  high      global.tools.one  too much",
        "            a/behavior.intent:3:5",
        "            3 |     read: x",
        "              |     ^^^^ Do less.",
        "",
        "  high      global.tools.one  far too much",
        "            a/behavior.intent:9:5",
        "            9 |     read: x",
        "              |     ^^^^ Do less.",
        "3 tests, 1 passed, 0 warnings, 2 failures, 0 exceptions in 1 file",
    ]


def test_text_of_everything() -> None:
    said = lines("text", *ALL)
    assert [line.split()[0] for line in said if line[:1].isupper()] == [
        "PASSED",
        "DENIED",
        "PASSED",
        "PASSED",
        "FAILED",
        "FAILED",
    ]
    assert "  warning   global.tools.one  hm" in said
    assert "  excepted  conftest.main.deny_x" in said
    assert "  e/x.intent:2:7: no file; name one [file.unreadable]" in said
    assert "  no place [file.unreadable]" in said
    assert said[-1] == "7 tests, 3 passed, 1 warning, 2 failures, 1 exception, 2 files not checked in 6 files"


def test_passed_rules_are_named_where_that_is_wanted() -> None:
    assert "  passed    global.tools.two" in lines("text", DENIED, show_passed=True)
    assert "global.tools.two" not in shown("text", DENIED)


def test_a_finding_about_the_whole_file_has_no_excerpt() -> None:
    said = lines("text", checked(rule(denied=(found("x", line=0),), severity="")))
    assert said[2:4] == ["  denied    global.tools.one  x", "            a/behavior.intent"]


@pytest.mark.parametrize(
    ("result", "fail_on_warn", "code", "verdict"),
    [
        (PASSED, True, 0, "passed"),
        (WARNED, False, 0, "passed"),
        (WARNED, True, 6, "passed"),
        (EXCEPTED, True, 0, "passed"),
        (DENIED, False, 4, "denied"),
        (checked(rule(denied=(found(pending=True),))), False, 5, "pending"),
        (checked(rule(denied=(found(pending=True), found()))), False, 4, "denied"),
        (BROKEN, False, 3, "failed"),
        (checked(rule(), problems=BROKEN.problems), False, 3, "failed"),
        (checked(), False, 1, "failed"),
    ],
)
def test_what_an_intent_exits_with(result: Checked, fail_on_warn: bool, code: int, verdict: str) -> None:
    assert result.exit_code(fail_on_warn=fail_on_warn) == code
    assert verdict_of(result) == verdict


@pytest.mark.attack("A41")
def test_no_rule_and_no_file_are_no_pass() -> None:
    assert Tally(Manner(BASE)).exit_code == ExitCode.INTERNAL
    assert "FAILED" in shown("text", checked())


@pytest.mark.attack("A72")
@pytest.mark.parametrize("form", ["text", "table"])
def test_what_others_wrote_adds_no_line(form: str) -> None:
    hostile, harmless = shown(form, BAD), shown(form, tamed())
    assert len(hostile.splitlines()) == len(harmless.splitlines())
    assert is_tame(hostile)


def tamed() -> Checked:
    return checked(
        rule(denied=(found(),), warned=(found(line=0),)),
        rule("2", lifted=True),
        problems=BROKEN.problems,
    )


def test_table_has_a_row_for_each_finding() -> None:
    said = lines("table", *ALL)
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in said if line.startswith("|")]
    assert rows[0] == ["RESULT", "PLACE", "RULE", "MESSAGE"]
    assert rows[1:] == [
        ["passed", "a/behavior.intent", "2 rules", ""],
        ["denied", "a/behavior.intent:3:5", "global.tools.one", "too much"],
        ["denied", "a/behavior.intent:9:5", "global.tools.one", "far too much"],
        ["passed", "b/behavior.intent", "1 rule", ""],
        ["warning", "a/behavior.intent:3:5", "global.tools.one", "hm"],
        ["excepted", "d/behavior.intent", "conftest.main.deny_x", ""],
        ["error", "e/x.intent:2:7", "file.unreadable", "no file"],
        ["error", "f/x.intent", "file.unreadable", "no place"],
    ]
    assert len({len(line) for line in said[:-1]}) == 1
    assert "global.tools.two" in shown("table", PASSED, show_passed=True)
