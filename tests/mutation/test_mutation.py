"""The mutator itself, and a share of the policies' mutants; ``make mutation`` tries all of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from mutation.mutants import mutants_of
from mutation.survivors import Account, load_reasons, rendered
from mutation.trial import INVALID, KILLED, SURVIVED, Policies, TrialError, share_of, try_all

from bspec_opa.bundle.rego.opa_tool import Opa
from bspec_opa.bundle.rego.syntax import parse_module

if TYPE_CHECKING:
    from collections.abc import Mapping

POLICIES = Path(__file__).parents[2] / "policies"
SHARE = 16
"""One in so many mutants is tried here: some ten seconds of one core."""

RULE = """\
# METADATA
# title: Sample
# description: Sample.
package bspec.lib.sample

limit := 3

deny contains {"msg": $"tool {t} is ünknown", "path": ""} if {
	some t in input.tools
	n := count([x | some x in t.x; x > 1])
	n <= limit - 1
	not t.free
	t.kind in {"a", "b"}
}

weak("low", _) := true

weak(_, n) if n != 2

last := "x" if input.y else := min({1})
"""

TEST = """\
package bspec.lib.sample_test

import data.bspec.lib.sample

test_limit if sample.limit == 3

test_weak if {
	sample.weak("low", 2)
	sample.weak("other", 1)
	not sample.weak("other", 2)
}

test_last if sample.last == 1 with input as {}
"""


@pytest.fixture
def opa(opa_path: Path) -> Opa:
    return Opa(opa_path)


@pytest.fixture
def sample(tmp_path: Path, opa: Opa) -> Policies:
    folder = tmp_path / "policies" / "bspec" / "lib" / "sample"
    folder.mkdir(parents=True)
    (folder / "sample.rego").write_text(RULE, encoding="utf-8")
    (folder / "sample_test.rego").write_text(TEST, encoding="utf-8")
    return Policies(tmp_path / "policies", opa)


def test_every_mutant_of_a_sample(sample: Policies) -> None:
    found = {m.name.removeprefix("lib.sample ") for m in sample.mutants()}
    clause = {
        " ".join(part.split()): part
        for part in RULE.split("\n\n")[1:]  # the rules, whole
    }
    whole = {n.partition(": drop rule: ")[2].removesuffix(" => nothing") for n in found if ": drop rule: " in n}
    assert whole == {c.strip() for c in clause}
    assert {n for n in found if ": drop rule: " not in n} == {
        "limit: number: 3 => 4",
        "limit: number: 3 => 2",
        'deny: text: "msg" => "~msg"',
        "deny: text: tool => tool ~",
        "deny: text: is ünknown => is ünknown~",
        'deny: text: "path" => "~path"',
        'deny: text: "" => "~"',
        "deny: operator: > => >=",
        "deny: operator: > => <=",
        "deny: number: 1 => 2",
        "deny: number: 1 => 0",
        "deny: drop condition: x > 1 => true",
        "deny: negation: x > 1 => not x > 1",
        "deny: drop condition: n <= limit - 1 => true",
        "deny: negation: n <= limit - 1 => not n <= limit - 1",
        "deny: operator: <= => <",
        "deny: operator: <= => >",
        "deny: operator: - => +",
        "deny: operator: - => |",
        "deny: number: 1 => 2 #2",
        "deny: number: 1 => 0 #2",
        "deny: drop condition: not t.free => true",
        "deny: negation: not t.free => t.free",
        'deny: drop condition: t.kind in {"a", "b"} => true',
        'deny: negation: t.kind in {"a", "b"} => not t.kind in {"a", "b"}',
        'deny: text: "a" => "~a"',
        'deny: text: "b" => "~b"',
        'deny: drop element: "a", => nothing',
        'deny: drop element: , "b" => nothing',
        'weak: text: "low" => "~low"',
        "weak: boolean: true => false",
        "weak: drop condition: n != 2 => true",
        "weak: negation: n != 2 => not n != 2",
        "weak: operator: != => ==",
        "weak: number: 2 => 3",
        "weak: number: 2 => 1",
        'last: text: "x" => "~x"',
        "last: drop condition: input.y => true",
        "last: negation: input.y => not input.y",
        "last: drop else: else := min({1}) => nothing",
        "last: operator: min => max",
        "last: number: 1 => 2",
        "last: number: 1 => 0",
    }


def test_each_mutant_is_one_change(sample: Policies) -> None:
    mutants = sample.mutants()
    assert len({m.text for m in mutants}) == len({m.name for m in mutants}) == len(mutants)
    assert RULE not in {m.text for m in mutants}
    changed = next(m for m in mutants if m.name.endswith("operator: <= => <"))
    assert changed.text == RULE.replace("n <= limit", "n < limit")
    assert RULE.splitlines()[changed.row - 1].strip() == "n <= limit - 1"


def test_a_name_does_not_move_with_the_lines(tmp_path: Path, opa: Opa, sample: Policies) -> None:
    moved = RULE.replace("limit := 3", "# a comment\n\nlimit := 3")
    (tmp_path / "moved.rego").write_text(moved, encoding="utf-8")
    names = [m.name for m in mutants_of(parse_module(tmp_path, "moved.rego", opa), moved)]
    assert names == [m.name for m in sample.mutants()]


def test_what_becomes_of_a_sample(sample: Policies) -> None:
    mutants = [m for m in sample.mutants() if ".sample limit:" in m.name or ".sample weak:" in m.name]
    outcomes = try_all(sample, mutants, lambda *_: None)
    found = {n.removeprefix("lib.sample "): o for n, o in outcomes.items()}
    assert found == {
        "limit: drop rule: limit := 3 => nothing": INVALID,
        "limit: number: 3 => 4": KILLED,
        "limit: number: 3 => 2": KILLED,
        'weak: drop rule: weak("low", _) := true => nothing': KILLED,
        'weak: text: "low" => "~low"': KILLED,
        "weak: boolean: true => false": KILLED,
        "weak: drop rule: weak(_, n) if n != 2 => nothing": KILLED,
        "weak: drop condition: n != 2 => true": KILLED,
        "weak: negation: n != 2 => not n != 2": KILLED,
        "weak: operator: != => ==": KILLED,
        "weak: number: 2 => 3": KILLED,
        "weak: number: 2 => 1": KILLED,
    }


def test_a_survivor_is_found(sample: Policies) -> None:
    (mutant,) = [m for m in sample.mutants() if m.name.endswith("last: negation: input.y => not input.y")]
    (dropped,) = [m for m in sample.mutants() if m.name.endswith('last: text: "x" => "~x"')]
    outcomes = try_all(sample, [mutant, dropped], lambda *_: None)
    assert outcomes == {mutant.name: KILLED, dropped.name: SURVIVED}


@pytest.mark.parametrize(
    "broken", [TEST.replace("== 3", "== 4"), "package bspec.lib.sample_test\n"], ids=["a test fails", "no test"]
)
def test_nothing_is_killed_by_tests_that_fail_anyway(sample: Policies, broken: str) -> None:
    (sample.root / "bspec" / "lib" / "sample" / "sample_test.rego").write_text(broken, encoding="utf-8")
    with pytest.raises(TrialError):
        try_all(sample, sample.mutants()[:3], lambda *_: None)


@pytest.mark.parametrize(
    ("outcomes", "reasons", "score", "faults"),
    [
        ({"a": KILLED, "b": INVALID}, {}, 100.0, []),
        ({"a": KILLED, "b": SURVIVED}, {"b": "r"}, 50.0, ["the score 50.0 is below 95"]),
        ({f"k{n}": KILLED for n in range(19)} | {"b": SURVIVED}, {"b": "r"}, 95.0, []),
        (
            {f"k{n}": KILLED for n in range(19)} | {"b": SURVIVED},
            {},
            95.0,
            ["survives without a reason: b"],
        ),
        ({"a": KILLED}, {"a": "r"}, 100.0, ["has a reason and does not survive: a"]),
        ({"a": KILLED}, {"gone": "r"}, 100.0, ["has a reason and does not survive: gone"]),
        ({"a": KILLED}, {"z": "r"}, 100.0, []),
        ({"a": INVALID}, {}, 0.0, ["the score 0.0 is below 95"]),
        ({}, {}, 0.0, ["the score 0.0 is below 95"]),
    ],
)
def test_the_account(outcomes: Mapping[str, str], reasons: dict[str, str], score: float, faults: list[str]) -> None:
    account = Account(outcomes, reasons, {*outcomes, "z"})
    assert (account.score, account.faults) == (score, faults)
    assert all(f"FAULT  {f}" in rendered(account) for f in faults)


@pytest.mark.parametrize(
    "text",
    [
        "- mutant: a\n  reason: too short\n",
        "- mutant: a\n",
        "- mutant: a\n  reason: a reason in one sentence\n  more: x\n",
        "- mutant: a\n  reason: a reason in one sentence\n- mutant: a\n  reason: a reason in one sentence\n",
    ],
)
def test_reasons_are_reasons(tmp_path: Path, text: str) -> None:
    (tmp_path / "s.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"not a mutant and a reason|there twice"):
        load_reasons(tmp_path / "s.yaml")


def test_a_share_of_the_policies(opa: Opa) -> None:
    policies = Policies(POLICIES, opa)
    every = policies.mutants()
    names = {m.name for m in every}
    assert len(names) == len(every) > 1500
    share = share_of(every, SHARE)
    assert 60 < len(share) < 200
    account = Account(try_all(policies, share, lambda *_: None), load_reasons(), names)
    assert account.faults == [], rendered(account)
