"""Facts to OPA input: closed, canonical, and the same digest whatever the nonce is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from intents import TEXT

from bspec_opa.foundation.errors import BspecError, ExitCode
from bspec_opa.gate.decision import Decision, Finding, RuleOutcome
from bspec_opa.gate.request import Facts, build_request, check_request, input_digest
from bspec_opa.intent.change import change_of
from bspec_opa.intent.load import load_intent
from bspec_opa.intent.projection import intent_input

NOW = 1_777_593_600


def facts() -> Facts:
    loaded = load_intent(TEXT.encode(), "behavior.intent")
    change = {k: v for k, v in change_of(None, loaded).to_json().items() if k != "digest"} | {"base": "genesis"}
    return Facts("promote", "staging", NOW, intent_input(loaded, NOW), loaded.surface_digest, change)


def test_the_nonce_is_not_in_the_digest() -> None:
    one, two = build_request(facts(), "0" * 64), build_request(facts(), "1" * 64)
    assert one != two
    assert input_digest(one) == input_digest(two)
    assert input_digest(build_request(replace(facts(), now=NOW + 1), "0" * 64)) != input_digest(one)


@pytest.mark.parametrize(
    "change",
    [
        {"environment": 1},
        {"now": 1.5},
        {"approvals": [{}]},
        {"binding": [{}, {}]},
        {"authors": [None]},
        {"predecessor_expected": 1},
    ],
)
def test_what_does_not_fit_the_closed_schema_is_a_bug_and_reaches_no_engine(change: dict[str, Any]) -> None:
    with pytest.raises(BspecError) as raised:
        build_request(replace(facts(), **change), "0" * 64)
    assert (raised.value.code, raised.value.exit_code) == ("gate.input-shape", ExitCode.INTERNAL)


def test_a_member_more_or_less() -> None:
    request = build_request(facts(), "0" * 64)
    for wrong in ({**request, "allow": True}, {k: v for k, v in request.items() if k != "waivers"}, {}):
        with pytest.raises(BspecError) as raised:
            check_request(wrong)
        assert raised.value.code == "gate.input-shape"


def test_what_a_decision_lists() -> None:
    found = Finding("m", "/p")
    rules = (
        RuleOutcome("global.a.a", "pass", "low"),
        RuleOutcome("global.a.b", "deny", "low", denied=(found,)),
        RuleOutcome("global.a.c", "deny", "low", denied=(found,), pending=(found,)),
        RuleOutcome("global.a.d", "warn", "low", warned=(found,)),
    )
    decision = Decision(rules)
    assert [
        [r.id[-1] for r in part] for part in (decision.passed, decision.denied, decision.pending, decision.warned)
    ] == [
        ["a"],
        ["b"],
        ["c"],
        ["d"],
    ]
    assert decision.exit_code == ExitCode.DENIED
    assert Decision(rules[:1] + rules[2:]).exit_code == ExitCode.PENDING
    assert Decision(()).exit_code == ExitCode.DENIED
    assert not Decision(()).allowed
