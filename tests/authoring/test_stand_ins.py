"""A test that puts something in place of what a bundle holds proves nothing: for ``policy test`` and ``policy lint``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from lint_stages import NOW, parsed, rules_in
from packs import NO_SHELL, NO_SHELL_TEST, RULE, TEST, pack
from policy_tree import Tree, write

from bspec_opa.authoring.lint.linting import lint
from bspec_opa.authoring.lint.reading import read_files
from bspec_opa.authoring.stand_ins import stand_ins
from bspec_opa.authoring.testing.running import Demand, run_tests
from bspec_opa.bundle.rego.syntax import Module

if TYPE_CHECKING:
    from pathlib import Path

    from bspec_opa.authoring.testing.model import Run
    from bspec_opa.bundle.build.composition import Foundation
    from bspec_opa.bundle.rego.opa_tool import Opa

BAD = "data.bspec.lib.words.bad"
WORDS, HELPER = "bspec/lib/words/words.rego", "bspec/testing/payments/payments.rego"
LIBRARY = (
    "# METADATA\n# title: Words\n# description: Classes that no agent has.\npackage bspec.lib.words\n\nbad := {x}\n"
)
READS = NO_SHELL.replace("no_shell\n", "no_shell\n\nimport data.bspec.lib.words\n", 1).replace(
    't.class == "shell"', "t.class in words.bad"
)
REPLACED = NO_SHELL_TEST.replace(
    "import data.bspec.rules", "import data.bspec.lib.words\nimport data.bspec.rules"
).replace("with input as testing.allowed with", 'with input as testing.allowed with words.bad as {"shell"}\n\t\twith')
ON_BEHALF = """\
package bspec.testing.payments

import data.bspec.rules.global.payments.no_shell as rule

found(request) := result if {
	result := rule.deny with input as request with data.bspec.lib.words.bad as {"shell"}
}
"""
BY_HELPER = """\
package bspec.rules.global.payments.no_shell_test

import data.bspec.testing
import data.bspec.testing.payments

of(class) := payments.found(json.patch(
	testing.allowed,
	[{"op": "replace", "path": "/intent/tools/0/class", "value": class}],
))

test_fail if of("shell") == {{"msg": "tool billing_read_api is of class shell", "path": "/tools/0/class"}}

test_success[class] if {
	some class in ["finance", "crm"]
	of(class) == set()
}
"""
# The library holds another word than the tests put in its place: built, the rule would deny nothing.
SPOILT: Tree = {WORDS: LIBRARY.replace("{x}", '{"bash"}'), RULE: READS}
HONEST: Tree = {WORDS: LIBRARY.replace("{x}", '{"shell"}'), RULE: READS}


def policy_test(root: Path, tree: Tree, foundation: Foundation, opa: Opa) -> Run:
    return run_tests(write(root / "policies", tree), foundation, opa, Demand())


STOOD_IN: dict[str, tuple[Tree, str, int]] = {
    "a test": ({TEST: REPLACED}, TEST, 9),
    "a helper in the fixtures": ({TEST: BY_HELPER, HELPER: ON_BEHALF}, HELPER, 6),
}


@pytest.mark.parametrize("name", STOOD_IN)
def test_nothing_real_is_tested(name: str, tmp_path: Path, foundation: Foundation, opa: Opa) -> None:
    change, file, line = STOOD_IN[name]
    run = policy_test(tmp_path, {**pack(), **SPOILT, **change}, foundation, opa)
    assert [t.status for t in run.tests] == ["passed", "passed"]
    where = f"{tmp_path / 'policies' / file}:{line}"
    assert run.exit_code == 3
    assert [(p.reason.code, str(p.location).rpartition(":")[0], p.message) for p in run.problems] == [
        (
            "authoring.stand-in",
            where,
            f"{test} puts something in place of {BAD}; no other test expects {missing} of global.payments.no_shell",
        )
        for test, missing in (("test_fail", "findings"), ("test_success", "that nothing is found"))
    ]
    assert all("input and of data.bspec.org" in p.hint for p in run.problems)

    files = read_files(tmp_path / "policies", foundation)
    work = tmp_path / "work"
    work.mkdir()
    found = lint(files, rules_in(work, opa), work, opa, now=NOW).findings
    assert {(f.rule.id, f.file, f.message) for f in found if f.rule.id.startswith("test/")} == {
        ("test/both-outcomes", RULE, "no test expects findings"),
        ("test/both-outcomes", RULE, "no test expects that nothing is found"),
    }
    assert {f.hint.partition(" puts something in place of data.bspec.lib.words.bad, ")[0] for f in found} >= {
        "test_fail"
    }


MORE = """
test_more if {
	found := rule.deny with input as testing.allowed with data.bspec.lib.words.bad as {"x"}
	found == set()
}
"""
REAL_FINDING = """
test_fail if {
	found_by("shell") == {{"msg": "tool billing_read_api is of class shell", "path": "/tools/0/class"}}
}

found_by(class) := result if {
	result := found(class) with data.bspec.lib.words.bad as {"shell"}
}
"""
WARNS = """
warn contains {"msg": "odd", "path": ""} if {
	"odd" in words.bad
	input.nonce == "odd"
}
"""
WARNED = """
test_warned if {
	found := rule.warn with input as testing.allowed with input.nonce as "odd" with data.bspec.lib.words.bad as {"odd"}
	found == {{"msg": "odd", "path": ""}}
}
"""


def test_one_more_test_that_replaces_something_is_welcome(tmp_path: Path, foundation: Foundation, opa: Opa) -> None:
    run = policy_test(tmp_path, {**pack(), **HONEST, TEST: NO_SHELL_TEST + MORE}, foundation, opa)
    assert (run.exit_code, run.problems, len(run.tests), run.covered) == (0, (), 3, 100.0)


def test_one_outcome_alone_is_missed(tmp_path: Path, foundation: Foundation, opa: Opa) -> None:
    """The finding is found only with something in the library's place; that nothing is found is real."""
    head, _, rest = NO_SHELL_TEST.partition("test_fail if")
    tests = head + rest.partition("}\n\n")[2] + REAL_FINDING
    run = policy_test(tmp_path, {**pack(), **SPOILT, TEST: tests}, foundation, opa)
    assert (run.exit_code, [p.message.partition("; ")[2] for p in run.problems]) == (
        3,
        ["no other test expects findings of global.payments.no_shell"],
    )


def test_what_only_such_a_test_reaches_is_not_covered(tmp_path: Path, foundation: Foundation, opa: Opa) -> None:
    tree = {**pack(), **HONEST, RULE: HONEST[RULE] + WARNS, TEST: NO_SHELL_TEST + WARNED}
    run = policy_test(tmp_path, tree, foundation, opa)
    assert (run.exit_code, run.problems) == (4, ())
    assert [text.strip() for c in run.coverage for _, text in c.missed] == WARNS.strip().replace("\t", "").splitlines()[
        :3
    ]


PACKAGE = ("data", "bspec", "rules", "global", "tools", "extra_test")
HEAD = """\
package bspec.rules.global.tools.extra_test
import data.bspec.lib.words
import data.bspec.org as ours
import data.bspec.rules.global.tools.extra as rule
import data.bspec.testing
import data.bspec.testing.acme
import data.bspec.lib.words_test as other
"""
FILES = {
    "bspec/testing/acme/acme.rego": "package bspec.testing.acme\n\nclean := 1\n\nbad(x) := y if y := deep(x)\n\n"
    "deep(x) := y if y := data.bspec.lib.words.f(x) with data.bspec.lib.words.bad as x\n",
    "bspec/lib/words/words_test.rego": "package bspec.lib.words_test\n\nloaded(x) := data.bspec.testing.acme.bad(x)\n",
}
BODIES: dict[str, str] = {
    "test_x if rule.deny == {1} with words.bad as {1}": "data.bspec.lib.words.bad",
    "test_x if rule.deny == {1} with data.bspec.lib.words.bad as {1}": "data.bspec.lib.words.bad",
    "test_x if rule.deny == {1} with rule.deny as {1}": "data.bspec.rules.global.tools.extra.deny",
    "test_x if rule.deny == {1} with input as testing.allowed with count as 1": "count",
    "test_x if rule.deny == {1} with ours.x as 1 with startswith as f": "startswith",
    "test_x if rule.deny == {1} with data.bspec as {}": "data.bspec",
    "test_x if f(1)\nf(x) if g(x)\ng(x) if rule.deny == {x} with words.bad as {x}": "data.bspec.lib.words.bad",
    "test_x[c] if { some c in [1]; rule.deny == {c} with words.bad as {c} }": "data.bspec.lib.words.bad",
    "test_x if acme.bad({1})": "data.bspec.lib.words.bad",
    "test_x if data.bspec.testing.acme.bad({1})": "data.bspec.lib.words.bad",
    "test_x if other.loaded({1})": "data.bspec.lib.words.bad",
    'test_x if { name := "deep"; testing.acme[name]({1}) }': "data.bspec.lib.words.bad",
    "test_x if { some f in [data.bspec.testing]; f.acme }": "data.bspec.lib.words.bad",
    "test_x if rule.deny == {1} with input.now_unix as 1 with ours.x as 1": "",
    "test_x if rule.deny == {1} with data.bspec.org.x as 1 with data.bspec.build.revision as 2": "",
    "test_x if rule.deny == {1} with testing.allowed as {}": "",
    "test_x if rule.deny == {1} with input as acme.clean": "",
    "test_x if f(1)\nf(x) if rule.deny == {x} with input as x\ng(x) if rule.deny == {x} with words.bad as {x}": "",
}


@pytest.mark.parametrize("body", BODIES)
def test_what_is_replaced(body: str, opa: Opa) -> None:
    """Itself, by a helper of its file, of the fixtures or of other tests, and by a name that is computed."""
    files = {**FILES, "bspec/rules/global/tools/extra/extra_test.rego": HEAD + body}
    modules = [m for name, text in files.items() if isinstance(m := parsed(text.encode(), name, opa), Module)]
    assert len(modules) == len(files)
    found = stand_ins(modules).get((PACKAGE, "test_x"))
    assert (found.replaced if found else "") == BODIES[body]
