"""The OPA that explains: bounded, with nothing to find and nothing to reach; too much of one rule hides no other."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bspec_opa.foundation.errors import BspecError
from bspec_opa.gate.decision import Finding, Needs, RuleOutcome
from bspec_opa.intent.load import load_intent
from bspec_opa.workflow.checkout.deciding import read_policy
from bspec_opa.workflow.explain.asking_opa import open_interpreter
from bspec_opa.workflow.explain.explain import traced
from bspec_opa.workflow.normalize import check_request_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.workflow.explain.asking_opa import Interpreter

INTENT = Path(__file__).parents[2] / "examples" / "billing" / "v1" / "behavior.intent"
SMALL, LARGE = "promotion.all.resolved", "promotion.all.approvals"
NEEDS = Needs("resolve")
FOUND: JsonObject = {
    "msg": "models, tools and components are not resolved to identities",
    "path": "",
    "needs": {"kind": "resolve"},
}


@pytest.fixture
def interpreter(opa_path: Path) -> Iterator[Interpreter]:
    environ = {"BSPEC_OPA_OPA": str(opa_path), "HOME": os.environ["HOME"]}
    with open_interpreter(read_policy("default"), environ, Path()) as found:
        yield found


@pytest.fixture(scope="module")
def request_of_it() -> JsonObject:
    loaded = load_intent(INTENT.read_bytes(), "behavior.intent")
    return {**check_request_of(loaded, 1_780_000_000), "action": "promote", "environment": "staging"}


def outcome(rule: str) -> RuleOutcome:
    finding = Finding("m", "", NEEDS)
    return RuleOutcome(rule, "deny", "critical", denied=(finding,), pending=(finding,))


def test_a_trace_that_is_too_large_ends_and_the_other_rules_have_theirs(
    interpreter: Interpreter, request_of_it: JsonObject
) -> None:
    asked = [outcome(LARGE), outcome(SMALL)]
    whole, note = traced(asked, request_of_it, interpreter)
    assert note == ""
    file = "bspec/rules/promotion/all/resolved/resolved.rego"
    path = whole.fired(file, FOUND)
    assert path is not None
    narrow = replace(interpreter, trace_bytes=200_000)
    partly, note = traced(asked, request_of_it, narrow)
    assert note.startswith(f"{LARGE}: OPA's explanation is too large, or OPA failed")
    assert SMALL not in note
    assert partly.fired(file, FOUND) == path
    with pytest.raises(BspecError) as raised:
        narrow.trace([(LARGE, "deny")], request_of_it)
    assert raised.value.code == "bundle.opa-failed"


def test_what_costs_too_much_is_not_waited_for_for_ever(interpreter: Interpreter, request_of_it: JsonObject) -> None:
    asked = [outcome(r) for r in (LARGE, SMALL, "promotion.all.evidence", "promotion.all.submitted")]
    found, note = traced(asked, request_of_it, replace(interpreter, trace_bytes=1))
    assert found.fired("bspec/rules/promotion/all/resolved/resolved.rego", FOUND) is None
    assert note.count("too large, or OPA failed") == 2
    assert note.count("not asked for any more") == 2


@pytest.mark.attack("A69")
def test_a_rule_that_reaches_further_than_the_allow_list_is_not_run(
    interpreter: Interpreter, request_of_it: JsonObject
) -> None:
    """A bundle that somebody else made may hold Rego that was never compiled with our capabilities."""
    (interpreter.folder / "bundle.tar.gz").unlink()
    rule = interpreter.folder / "bundle.tar.gz" / "bspec" / "rules" / "global" / "x" / "y"
    rule.mkdir(parents=True)
    (rule / "y.rego").write_text(
        'package bspec.rules.global.x.y\n\ndeny contains {"msg": opa.runtime().env.HOME, "path": ""}\n', "utf-8"
    )
    with pytest.raises(BspecError) as raised:
        interpreter.trace([("global.x.y", "deny")], request_of_it)
    assert raised.value.code == "bundle.opa-failed"
    assert "undefined function opa.runtime" in str(raised.value)
