"""A team's own lint rules are checked before they check anything; one that fails is an error, never silence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from lint_stages import NOW, rules_in
from lint_tree import RULE, clean_tree
from policy_tree import write

from bspec_opa.authoring.lint.catalog import SHIPPED
from bspec_opa.authoring.lint.linting import lint
from bspec_opa.authoring.lint.model import REGO
from bspec_opa.authoring.lint.reading import read_files
from bspec_opa.authoring.lint.rego_answers import rego_findings
from bspec_opa.authoring.lint.rego_rules import SHIPPED_RULES, load_rego_rules
from bspec_opa.bundle.rego.opa_tool import Opa
from bspec_opa.foundation.errors import BspecError

if TYPE_CHECKING:
    from pathlib import Path

INVALID, FAILED = "lint.rules-invalid", "lint.rule-failed"
GOOD = 'package bspec.lint.team.never\n\nreport contains x if {\n\tx := {"msg": "m"}\n\tinput.now_unix == 0\n}\n'
ITEM = '{"msg": "m", "file": f, "row": 1, "col": 1, "hint": "h"}'


@pytest.fixture
def opa(opa_path: Path) -> Opa:
    return Opa(opa_path)


def refused(root: Path, files: dict[str, str], opa: Opa) -> set[tuple[str, str, str]]:
    folder, work = write(root / "team", files), root / "work"
    work.mkdir()
    with pytest.raises(BspecError) as error:
        load_rego_rules([folder], work, opa)
    assert error.value.exit_code == 3
    place = str(folder)
    return {(p.reason.code, str(p.location).removeprefix(place).lstrip("/"), p.message) for p in error.value.problems}


CASES: dict[str, tuple[dict[str, str], set[tuple[str, str]]]] = {
    "a misspelt package": (
        {"a.rego": GOOD.replace("bspec.lint", "bspec.lnt")},
        {("a.rego:1:1", "package bspec.lnt.team.never")},
    ),
    "a package without a category": (
        {"a.rego": GOOD.replace("team.never", "never")},
        {("a.rego:1:1", "package bspec.lint.never")},
    ),
    "no report": ({"a.rego": "package bspec.lint.team.never\n\nx := 1\n"}, {("a.rego:1:1", "there is no report"), ("a.rego:3:1", "x is used nowhere")}),
    "a misspelt report beside one": (
        {"a.rego": f"{GOOD}\nreprot contains 1\n"},
        {("a.rego:8:1", "reprot is used nowhere")},
    ),
    "report as a value": (
        {"a.rego": "package bspec.lint.team.never\n\nreport := {1}\n"},
        {("a.rego:3:1", "report is no plain set")},
    ),
    "a path that the input has not": (
        {"a.rego": GOOD.replace("now_unix", "nwo_unix")},
        {("a.rego:5:2", "undefined ref: input.nwo_unix")},
    ),
    "a builtin that reaches a network": (
        {"a.rego": GOOD.replace("input.now_unix == 0", 'http.send({"url": "http://localhost", "method": "get"})')},
        {("a.rego:5:2", "undefined function http.send")},
    ),
    "what can't be parsed": ({"a.rego": "package\n"}, {("a.rego:2", "illegal package")}),
    "an unknown severity": (
        {"a.rego": f"# METADATA\n# title: t\n# custom:\n#   severity: fatal\n{GOOD}"},
        {("a.rego:5:1", "severity is error or warning")},
    ),
    "the name of a shipped rule": (
        {"a.rego": GOOD.replace("team.never", "metadata.todo")},
        {("a.rego:1:1", "there is a lint rule metadata/todo already")},
    ),
    "helpers that shipped rules would use": (
        {"a.rego": GOOD, "b.rego": "package bspec.lint.lib.source\n\nis_test(_) := true\n"},
        {("b.rego:1:1", "there are helpers bspec.lint.lib.source already")},
    ),
    "two of one name": (
        {"a.rego": GOOD, "b.rego": GOOD},
        {("b.rego:1:1", "there is a lint rule team/never already")},
    ),
    "helpers alone": ({"a.rego": "package bspec.lint.lib.more\n\nx := 1\n"}, {("", "holds no lint rule")}),
    "tests alone": ({"a_test.rego": GOOD}, {("", "holds no lint rule")}),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_is_no_lint_rule_is_refused(name: str, tmp_path: Path, opa: Opa) -> None:
    files, expected = CASES[name]
    found = refused(tmp_path, files, opa)
    if name == "what can't be parsed":
        assert {(code, at) for code, at, _ in found} == {(INVALID, at) for at, _ in expected}
    else:
        assert found == {(INVALID, at, message) for at, message in expected}


GOOD_TEST = """\
package bspec.lint.team.never_test

import data.bspec.lint.lib.example
import data.bspec.lint.team.never as rule

test_success if rule.report == set() with input as example.lint_input
"""
TESTED: dict[str, tuple[dict[str, str], set[tuple[str, str]]]] = {
    "a test that fails": (
        {"team/a_test.rego": GOOD_TEST.replace("== set()", "!= set()")},
        {("team/a_test.rego:6:1", "test_success fails")},
    ),
    "a test in the rule's own package": (
        {"a_test.rego": GOOD_TEST.replace("never_test", "never")},
        {("a_test.rego:1:1", "package bspec.lint.team.never")},
    ),
    "a misspelt package": (
        {"a_test.rego": GOOD_TEST.replace("bspec.lint.team.never_test", "bspec.lnt.team.never_test")},
        {("a_test.rego:1:1", "package bspec.lnt.team.never_test")},
    ),
    "no test": (
        {"a_test.rego": GOOD_TEST.replace("test_success", "tset_success")},
        {("a_test.rego:1:1", "there is no test"), ("a_test.rego:6:1", "tset_success is used nowhere")},
    ),
    "a skipped test": (
        {"a_test.rego": f"{GOOD_TEST}\ntodo_test_more if rule.report == set()\n"},
        {("a_test.rego:8:1", "todo_test_more is used nowhere")},
    ),
    "a test that reaches a network": (
        {"a_test.rego": f'{GOOD_TEST}\ntest_more if http.send({{"url": "http://localhost", "method": "get"}})\n'},
        {("a_test.rego:8:14", "undefined function http.send")},
    ),
    "a test that uses nothing of what it imports": (
        {"a_test.rego": GOOD_TEST.replace(" with input as example.lint_input", "")},
        {("a_test.rego:3:1", "import data.bspec.lint.lib.example unused")},
    ),
}


@pytest.mark.parametrize("name", TESTED)
def test_tests_of_lint_rules_are_run(name: str, tmp_path: Path, opa: Opa) -> None:
    files, expected = TESTED[name]
    found = refused(tmp_path, {"a.rego": GOOD, **files}, opa)
    assert found == {("lint.rule-test", at, message) for at, message in expected}


def test_a_test_that_cant_be_parsed_is_refused(tmp_path: Path, opa: Opa) -> None:
    found = refused(tmp_path, {"a.rego": GOOD, "a_test.rego": "package\n"}, opa)
    assert {(code, at) for code, at, _ in found} == {("lint.rule-test", "a_test.rego:2")}


def test_lint_rules_with_good_tests_and_what_may_lie_beside(tmp_path: Path, opa: Opa) -> None:
    helper = "package bspec.lint.lib.ours_test\n\nx := 1\n"
    files = {"a.rego": GOOD, "a_test.rego": GOOD_TEST, "ours_test.rego": helper, "README.md": "#", ".git/HEAD": "x"}
    work = tmp_path / "work"
    work.mkdir()
    found = load_rego_rules([write(tmp_path / "team", files)], work, opa)
    assert [r.rule.id for r in found if not r.rule.owned] == ["team/never"]


LINK = "is a link, which is not followed"


def test_nothing_in_a_folder_of_lint_rules_is_passed_by(tmp_path: Path, opa: Opa) -> None:
    elsewhere = write(tmp_path / "elsewhere", {"b.rego": GOOD.replace("never", "other"), "c/c.rego": GOOD})
    team = write(tmp_path / "team", {"data.json": "{}", "rules.reg": GOOD})
    for name, to in (("b.rego", "b.rego"), ("c", "c"), ("b_test.rego", "b.rego"), ("gone.rego", "nothing")):
        (team / name).symlink_to(elsewhere / to)
    found = refused(tmp_path, {"a.rego": GOOD}, opa)
    assert found == {
        *((INVALID, name, LINK) for name in ("b.rego", "c", "b_test.rego", "gone.rego")),
        *((INVALID, name, "is no lint rule") for name in ("data.json", "rules.reg")),
    }


FAILING: dict[str, tuple[str, str]] = {
    "it fails": ("to_number(f)", FAILED),
    "no such file": (f'x := object.union({ITEM}, {{"file": "elsewhere.rego"}})', FAILED),
    "no finding": ('x := {"msg": "m", "file": f}', FAILED),
    "a string": ("x := f", FAILED),
    "another rule's name": (f'x := object.union({ITEM}, {{"rule": "metadata/todo"}})', FAILED),
}


@pytest.mark.parametrize("name", FAILING)
def test_a_lint_rule_that_fails_is_no_silence(name: str, tmp_path: Path, opa: Opa) -> None:
    body, code = FAILING[name]
    value = body if body.startswith("x :=") else f"x := {body}"
    text = f"package bspec.lint.team.bad\n\nreport contains x if {{\n\tsome f, _ in input.text\n\t{value}\n}}\n"
    team = write(tmp_path / "team", {"bad.rego": text})
    rules = [r for r in load_rego_rules([team], tmp_path, opa) if not r.rule.owned]
    with pytest.raises(BspecError) as error:
        list(rego_findings(rules, {"text": {RULE: []}}, [RULE], tmp_path, opa))
    assert (error.value.code, error.value.exit_code) == (code, 3)


def test_what_is_registered_is_what_the_rules_say(tmp_path: Path, opa: Opa) -> None:
    """The registry needs no OPA; so titles and severities stand there, too."""
    import json

    document = json.loads(opa.run(["inspect", "-a", "-f", "json", str(SHIPPED_RULES)]))
    said = {
        "/".join(p["value"].replace("_", "-") for p in a["path"][3:]): (
            a["annotations"]["title"],
            a["annotations"]["custom"]["severity"],
        )
        for a in document["annotations"]
        if a["annotations"]["scope"] == "package" and a["path"][3]["value"] != "lib"
    }
    assert said == {r.id: (r.title, r.severity) for r in SHIPPED.values() if r.origin == REGO}
    assert {r.rule.id for r in load_rego_rules([], tmp_path, opa)} == said.keys()


def test_the_shipped_rules_pass_their_own_tests_and_every_line_is_covered(opa: Opa) -> None:
    command = ["test", "--coverage", "--threshold", "100", "--fail-on-empty", "--format", "json", str(SHIPPED_RULES)]
    opa.run(command)
    opa.run(["fmt", "--fail", "--list", str(SHIPPED_RULES)])


def test_a_file_that_cant_be_parsed_hides_nothing_of_the_others(tmp_path: Path, opa: Opa) -> None:
    tree = clean_tree()
    tree["bspec/lib/order/order.rego"] = "package bspec.lib.order\n\nprivilege := {"
    tree["bspec/lib/extra/extra.rego"] = "package bspec.lib.extra\n\nx := input.intnet\n"
    files = read_files(write(tmp_path / "policies", tree))
    result = lint(files, rules_in(tmp_path, opa), tmp_path, opa, now=NOW)
    assert {(f.rule.id, f.file.rpartition("/")[2]) for f in result.findings} == {
        ("opa/syntax", "order.rego"),
        ("metadata/missing", "extra.rego"),
        ("reference/unknown-input", "extra.rego"),
    }
    assert result.notes == ("the tests were not run, because the policies do not compile",)
