"""``policy test``: what is shown of a failure, and that nothing is green without proof."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packs import FOLDER, NO_SHELL, NO_SHELL_TEST, RULE, TEST, pack
from policy_tree import Tree, good_tree, organisation_data, write

from bspec_opa.authoring.testing.running import Demand, run_tests
from bspec_opa.bundle.build.composition import Foundation
from bspec_opa.foundation.errors import BspecError, UsageError
from bspec_opa.report.authoring.junit import run_junit
from bspec_opa.report.authoring.tests import run_json, run_text
from bspec_opa.report.writing.style import PLAIN

if TYPE_CHECKING:
    from bspec_opa.authoring.testing.model import Run
    from bspec_opa.bundle.rego.opa_tool import Opa

DATA = "bspec/org/data.json"
HEAD = NO_SHELL_TEST.partition("found(class)")[0]
FINDING = '{"msg": "tool billing_read_api is of class shell", "path": "/tools/0/class"}'


class Bench:
    """Writes a pack and tests it."""

    def __init__(self, root: Path, foundation: Foundation, opa: Opa) -> None:
        self.root, self._foundation, self._opa = root, foundation, opa

    def __call__(self, tree: Tree, minimum: int = 100, pattern: str = "") -> Run:
        return run_tests(write(self.root, tree), self._foundation, self._opa, Demand(minimum, pattern))


@pytest.fixture
def bench(tmp_path: Path, foundation: Foundation, opa: Opa) -> Bench:
    return Bench(tmp_path / "policies", foundation, opa)


def test_a_pack_that_is_right(bench: Bench) -> None:
    run = bench(pack())
    assert run.exit_code == 0
    assert [(t.name, t.status, t.cases, t.at.line) for t in run.tests] == [
        ("test_fail", "passed", 1, 11),
        ("test_success", "passed", 2, 15),
    ]
    assert (run.rules, run.covered, run.problems) == (("global.payments.no_shell",), 100.0, ())
    assert [(c.file, c.missed) for c in run.coverage] == [(str(bench.root / RULE), ())]
    assert run_text(run, PLAIN) == "PASSED  2 of 2 tests passed; 1 rule of yours; 100.0% of their lines reached\n"


# What exits 0 in other tools. Each is one change to a pack that is green, and none may be.
SHAPE = (
    NO_SHELL_TEST
    + """
test_success_another_shape if {
	found := rule.deny with input as {"intent": {"tools": [{"id": "x", "path": "/a", "class": "crm"}]}}
	found == set()
}
"""
)
GREENS: dict[str, tuple[Tree, int, str, str]] = {
    "a misspelt package of a rule": (
        {RULE: NO_SHELL.replace("payments.no_shell", "payments.no_shel")}, 3, "bundle.layout", "not named after its folder",
    ),
    "a misspelt package of a test": (
        {TEST: NO_SHELL_TEST.replace("no_shell_test", "no_shel_test")}, 3, "bundle.layout", "not named after its folder",
    ),
    "a test in the rule's own package": (
        {TEST: NO_SHELL_TEST.replace("no_shell_test", "no_shell")}, 3, "bundle.layout", "not named after its folder",
    ),
    "input.intnet": ({RULE: NO_SHELL.replace("input.intent", "input.intnet")}, 3, "bundle.rego-invalid", "input.intnet"),
    "a misspelt member": ({RULE: NO_SHELL.replace("t.class ==", "t.clas ==")}, 3, "bundle.rego-invalid", "clas"),
    "a builtin that can fail": (
        {RULE: NO_SHELL.replace('t.class == "shell"', "to_number(t.class) == 1")}, 3, "bundle.forbidden-builtin", "to_number",
    ),
    "a builtin that fails in a test": (
        {TEST: NO_SHELL_TEST + '\ntest_success_negated if not to_number("x")\n'}, 3, "authoring.builtin-failed", "to_number",
    ),
    "an empty file": ({RULE: ""}, 3, "bundle.rego-invalid", "empty module"),
    "an empty file of tests": ({TEST: ""}, 3, "bundle.rego-invalid", "empty module"),
    "a rule without rules": ({RULE: NO_SHELL.partition("deny")[0]}, 3, "bundle.rule-form", "neither deny nor warn"),
    "a misspelt deny": ({RULE: NO_SHELL.replace("deny contains", "dney contains")}, 3, "bundle.rule-form", "dney"),
    "a package of tests without tests": ({TEST: HEAD.partition("import")[0]}, 3, "bundle.test-form", "there is no test"),
    "a misspelt test": ({TEST: NO_SHELL_TEST.replace("test_fail", "tset_fail")}, 3, "bundle.test-form", "tset_fail"),
    "a todo": ({TEST: NO_SHELL_TEST.replace("test_fail", "todo_fail")}, 3, "bundle.test-form", "todo_"),
    "a document of another shape": ({TEST: SHAPE}, 3, "authoring.input-shape", "test_success_another_shape"),
    "data of another shape in a test": (
        {TEST: NO_SHELL_TEST.replace("with input.intent.tools as [tool]", 'with data.bspec.org.forbidden as [{"clas": "x"}]\n\t\twith input.intent.tools as [tool]')},
        3, "authoring.input-shape", "test_success",
    ),
    "no input at all": (
        {TEST: NO_SHELL_TEST + "\ntest_success_nothing if rule.deny == set()\n"}, 3, "authoring.input-shape", "test_success_nothing",
    ),
    "a misspelt place in with": (
        {TEST: NO_SHELL_TEST.replace("with input.intent.tools", "with input.intent.tolls")}, 3, "bundle.test-form", "tolls",
    ),
    "a table without cases": (
        {TEST: NO_SHELL_TEST.replace('["finance", "crm"]', "[]")}, 3, "authoring.no-cases", "test_success ran no case",
    ),
    "a duplicate key in the data": (
        {DATA: json.dumps(organisation_data()).replace('{"name"', '{"min_probe_cases": 9, "name"', 1)}, 3, "document.duplicate-key", "min_probe_cases",
    ),
    "data of another shape": (
        {DATA: json.dumps({**organisation_data(), "limits": {}})}, 3, "bundle.organisation-data", "/limits",
    ),
    "a second rule without tests": (
        {RULE.replace("no_shell", "no_ssh"): NO_SHELL.replace("no_shell", "no_ssh").replace("PAY-01", "PAY-02")},
        3, "authoring.no-tests", "no test of global.payments.no_ssh ran",
    ),
    "METADATA with a blank line": (
        {RULE: NO_SHELL.replace("# custom:", "\n# custom:")}, 3, "bundle.metadata-invalid", "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GREENS)
def test_no_false_green(name: str, bench: Bench) -> None:
    change, code, reason, words = GREENS[name]
    try:
        run = bench({**pack(), **change})
    except BspecError as e:
        problems, exit_code = e.problems, e.exit_code
    else:
        problems, exit_code = run.problems, run.exit_code
    told = [p for p in problems if p.reason.code == reason and words in f"{p.message}{p.hint}"]
    assert (exit_code, bool(told)) == (code, True), [str(p) for p in problems]
    place = told[0].location
    assert place is not None
    assert Path(place.file).is_relative_to(bench.root)
    assert place.line != 0
    assert place.line is not None or reason == "authoring.no-tests" or "empty module" in told[0].message


def test_no_tests_at_all(bench: Bench) -> None:
    run = bench({RULE: NO_SHELL})
    assert run.exit_code == 3
    assert [p.reason.code for p in run.problems] == ["authoring.no-tests"]
    assert run_text(run, PLAIN).splitlines()[-1] == "UNPROVEN  0 of 0 tests passed; 1 rule of yours"


def test_the_difference_of_two_sets(bench: Bench) -> None:
    want = '{"msg": "tool billing_read_api is a shell", "path": "/tools/0/class"}'
    run = bench({**pack(), TEST: NO_SHELL_TEST.replace(FINDING, want)})
    assert run.exit_code == 4
    (test,) = run.failed
    (difference,) = test.differences
    assert (difference.missing, difference.unexpected, difference.common) == ((want,), (FINDING,), 0)
    assert str(difference.at) == f"{bench.root / TEST}:12:2"
    assert run_text(run, PLAIN).splitlines() == [
        "FAIL  test_fail",
        f"  {bench.root / TEST}:11:1",
        f"  {bench.root / TEST}:12:2",
        f'  12 | found("shell") == {{{want}}}',
        "  the sets differ",
        "    expected, and not found",
        f"      - {want}",
        "    found, and not expected",
        f"      + {FINDING}",
        "",
        "FAILED  1 of 2 tests passed; 1 rule of yours",
    ]
    assert run.coverage == ()


def test_the_items_that_both_sets_have_are_counted(bench: Bench) -> None:
    second = '{"msg": "two", "path": ""}'
    run = bench({**pack(), TEST: NO_SHELL_TEST.replace(FINDING, f"{FINDING}, {second}")})
    (difference,) = run.failed[0].differences
    assert (difference.missing, difference.unexpected, difference.common) == ((second,), (), 1)


def test_each_failing_case_has_its_difference(bench: Bench) -> None:
    run = bench({**pack(), TEST: NO_SHELL_TEST.replace('["finance", "crm"]', '["finance", "shell", "crm"]')})
    (test,) = run.failed
    assert [(d.case, d.missing, d.unexpected) for d in test.differences] == [("shell", (), (FINDING,))]
    assert test.cases == 3


COMPARISONS = {
    "expected on the left": (f'{{{FINDING}}} == found("crm")', ((FINDING,), (), ())),
    "two numbers": ('count(found("crm")) == 1', (("1",), ("0",), ())),
    "a variable": ('xs := found("shell")\n\tys := found("crm")\n\txs == ys', ((), (FINDING,), ())),
    "an inequality": ('n := count(found("crm"))\n\tn > 0', ((), (), (("n", "0"),))),
    "a negation": ('n := count(found("shell"))\n\tnot n == 1', ((), (), (("n", "1"),))),
    "undefined": ('some d in found("crm")\n\td.path == "x"', ((), (), ())),
}


def test_other_comparisons(bench: Bench) -> None:
    tests = [f"test_other_{n} if {{\n\t{body}\n}}\n" for n, (body, _) in enumerate(COMPARISONS.values())]
    run = bench({**pack(), TEST: "\n".join([NO_SHELL_TEST, *tests])}, pattern="test_other")
    found = {t.name: (d.missing, d.unexpected, d.values) for t in run.failed for d in t.differences}
    assert found == {f"test_other_{n}": want for n, (_, want) in enumerate(COMPARISONS.values())}
    sources = {d.source for t in run.failed for d in t.differences}
    assert sources <= {line.strip() for body, _ in COMPARISONS.values() for line in body.splitlines()}


def test_a_comparison_in_a_helper(bench: Bench) -> None:
    helper = (
        '\nsame(class, want) if {\n\tdenials := found(class)\n\tdenials == want\n}\n\ntest_other if same("crm", {%s})\n'
    )
    run = bench({**pack(), TEST: NO_SHELL_TEST + helper % FINDING}, pattern="test_other")
    assert run.failed[0].differences[0].missing == (FINDING,)


def test_a_rule_with_two_values_is_an_error(bench: Bench) -> None:
    twice = NO_SHELL_TEST + '\nclass := c if some c in ["a", "b"]\n\ntest_other if found(class) == set()\n'
    run = bench({**pack(), TEST: twice})
    (test,) = run.failed
    assert (test.status, test.name, "produced conflicting values" in test.message) == ("error", "test_other", True)


def test_lines_that_no_test_reaches(bench: Bench) -> None:
    second = '\ndeny contains {"msg": $"tool {t.id} is of class ssh", "path": ""} if {\n\tsome t in input.intent.tools\n\tt.class == "ssh"\n}\n'
    run = bench({**pack(), RULE: NO_SHELL + second})
    assert (run.exit_code, run.failed, run.problems) == (4, (), ())
    line = NO_SHELL.count("\n") + 2
    assert [m for c in run.coverage for m in c.missed] == [(line, second.splitlines()[1])]
    text = run_text(run, PLAIN).splitlines()
    assert text[:3] == [
        "UNCOVERED  no test reaches 1 line",
        f"  {bench.root / RULE}",
        f"  {line} | {second.splitlines()[1]}",
    ]
    assert re.fullmatch(r"FAILED  2 of 2 tests passed; 1 rule of yours; [0-9.]+% of their lines reached, and", text[-2])
    assert text[-1] == "  100% is demanded"
    assert bench({**pack(), RULE: NO_SHELL + second}, minimum=50).exit_code == 0


def test_some_tests_alone(bench: Bench) -> None:
    run = bench(pack(), pattern="test_fail")
    assert ([t.name for t in run.tests], run.exit_code, run.coverage) == (["test_fail"], 0, ())
    assert "only tests that match 'test_fail'" in run_text(run, PLAIN)
    nothing = bench(pack(), pattern="test_none")
    assert (nothing.exit_code, [p.reason.code for p in nothing.problems]) == (3, ["authoring.no-tests"])
    with pytest.raises(UsageError) as error:
        bench(pack(), pattern="(")
    assert error.value.code == "authoring.bad-run-pattern"


def test_the_tests_of_a_whole_library(tmp_path: Path, opa: Opa) -> None:
    run = run_tests(write(tmp_path, good_tree()), Foundation(), opa, Demand(0))
    assert run.exit_code == 3
    untested = {p.message.split()[3] for p in run.problems if p.reason.code == "authoring.no-tests"}
    assert untested == {"global.tools.unbounded", "promotion.all.requested", "promotion.production.carried"}


def test_documents(bench: Bench) -> None:
    second = '{"msg": "two", "path": ""}'
    run = bench({**pack(), TEST: NO_SHELL_TEST.replace(FINDING, f"{FINDING}, {second}")})
    document = run_json(run)
    assert (document["exit_code"], document["passed"], document["failed"]) == (4, 1, 1)
    text = run_junit(run)
    assert '<testsuites name="bspec-opa policy test" tests="2" failures="1" errors="0">' in text
    assert '<failure message="the sets differ">* the sets differ\n' in text
    unproven = bench(
        {
            RULE: NO_SHELL,
            f"{FOLDER}/no_shell_test.rego": HEAD + "test_x if count(rule.deny) == 0 with input as testing.allowed\n",
        }
    )
    assert (unproven.exit_code, '<testsuite name="proven" tests=' in run_junit(unproven)) == (4, True)
