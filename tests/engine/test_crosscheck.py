"""A sidecar that says everything right but one denial is found out."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any, Self

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sidecars import Visit, free_port, reply, said

from bspec_opa.engine.crosscheck import CrossChecked, differences
from bspec_opa.engine.interface import Answer, EngineFacts
from bspec_opa.engine.rest import RestEngine
from bspec_opa.foundation.errors import BspecError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from sidecars import Server

    from bspec_opa.engine.embedded import EmbeddedEngine
    from bspec_opa.engine.interface import OpenEngine
    from bspec_opa.foundation.canonical import JsonObject

    Change = Callable[[dict[str, Any]], None]


class Fixed:
    """An engine that always says the same."""

    notes = ("fixed",)

    def __init__(self, decision: Any, kind: Any = "rest") -> None:
        self.decision = decision
        self.facts = (EngineFacts(kind, "0", "r1", None, "echoed"),)
        self.closed = 0

    def decide(self, request: JsonObject) -> Answer:
        return Answer(self.decision, self.facts)

    def close(self) -> None:
        self.closed += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


REQUEST: dict[str, Any] = {
    "nonce": "n1",
    "environment": "staging",
    "tools": [{"id": "", "privilege": "admin", "path": f"/tools/{n}"} for n in range(3)],
}


def lying(truth: EmbeddedEngine, change: Change) -> Callable[[Visit], None]:
    """Decides like the embedded engine, so nonce, revision and digest are right, and then changes the answer."""

    def behave(visit: Visit) -> None:
        request = json.loads(visit.request.partition(b"\r\n\r\n")[2])["input"]
        decision: Any = copy.deepcopy(truth.decide(request).decision)
        change(decision)
        visit.send(reply(said(decision)))

    return behave


NO_ADMIN, NAMED = "global.tools.no_admin", "global.tools.named"


def drop_denial(decision: dict[str, Any]) -> None:
    decision["global"][NO_ADMIN]["deny"].pop()


def pass_rule(decision: dict[str, Any]) -> None:
    decision["global"][NO_ADMIN].update(status="pass", deny=[])


def drop_rule(decision: dict[str, Any]) -> None:
    del decision["global"][NO_ADMIN]


def add_rule(decision: dict[str, Any]) -> None:
    decision["global"]["s3cret"] = decision["global"][NAMED]


def repeat_denial(decision: dict[str, Any]) -> None:
    decision["global"][NAMED]["deny"] *= 2


def waive(decision: dict[str, Any]) -> None:
    rule = decision["global"][NAMED]
    rule.update(status="waived", deny=[], waived=rule["deny"], waivers=["w"])


def truthy(decision: dict[str, Any]) -> None:
    decision["promotion"]["promotion.all.known"]["pending"] = [True]


def both(decision: dict[str, Any]) -> None:
    pass_rule(decision)
    waive(decision)


def drop_part(decision: dict[str, Any]) -> None:
    decision["promotion"] = {}


def part_of_another_kind(decision: dict[str, Any]) -> None:
    decision["promotion"] = []


def no_part(decision: dict[str, Any]) -> None:
    del decision["global"]


def more(decision: dict[str, Any]) -> None:
    decision["s3cret"] = None


def no_digest(decision: dict[str, Any]) -> None:
    del decision["data_digest"]


def old_nonce(decision: dict[str, Any]) -> None:
    decision["nonce"] = "n0"


LIES: dict[Change, str] = {
    drop_denial: NO_ADMIN,
    pass_rule: NO_ADMIN,
    drop_rule: NO_ADMIN,
    add_rule: "a rule that only the sidecar has",
    repeat_denial: NAMED,
    waive: NAMED,
    truthy: "promotion.all.known",
    both: f"{NAMED}, {NO_ADMIN}",
    drop_part: "promotion.all.known",
    part_of_another_kind: "promotion",
    no_part: "global",
    more: "a member that only the sidecar has",
    no_digest: "data_digest",
    old_nonce: "nonce",
}


@pytest.mark.attack("A86")
@pytest.mark.parametrize("change", LIES)
def test_a_lie_is_found(serve: Callable[..., Server], gate: EmbeddedEngine, change: Change) -> None:
    sidecar = RestEngine(serve(lying(gate, change)).url, revision="r1")
    with CrossChecked(sidecar, gate) as engine, pytest.raises(BspecError) as caught:
        engine.decide(REQUEST)
    assert (caught.value.code, caught.value.exit_code) == ("engine.disagreement", ExitCode.ENGINE)
    assert caught.value.problems[0].message == f"sidecar and embedded engine disagree on {LIES[change]}"


def test_an_opa_of_our_own_is_no_sidecar(gate: EmbeddedEngine) -> None:
    decision = json.loads(json.dumps(gate.decide(REQUEST).decision))
    pass_rule(decision)
    with CrossChecked(Fixed(decision, "managed"), gate) as engine, pytest.raises(BspecError) as caught:
        engine.decide(REQUEST)
    assert caught.value.problems[0].message.startswith("managed OPA and embedded engine disagree on ")
    assert caught.value.problems[0].hint.startswith("report the bundle")


@pytest.mark.attack("A27")
@pytest.mark.parametrize("member", ["revision", "data_digest"])
def test_another_bundle_is_no_mere_difference(serve: Callable[..., Server], gate: EmbeddedEngine, member: str) -> None:
    """It is a failure of trust, as when one engine alone is asked, and explains whatever differs besides."""

    def change(decision: dict[str, Any]) -> None:
        pass_rule(decision)
        decision[member] = "x2"

    sidecar = RestEngine(serve(lying(gate, change)).url, revision="r1")
    with CrossChecked(sidecar, gate) as engine, pytest.raises(BspecError) as caught:
        engine.decide(REQUEST)
    assert (caught.value.code, caught.value.exit_code) == ("engine.stale-bundle", ExitCode.TRUST)
    name, wanted = member.replace("_", " "), {"revision": "r1", "data_digest": "d1"}[member]
    assert caught.value.problems[0].message == (
        f"the sidecar decides on another bundle {name} than the accepted one: "
        f"what it has is no digest, wanted is {wanted}"
    )


def reverse(decision: dict[str, Any]) -> None:
    for rule in decision["global"].values():
        rule["deny"].reverse()


def test_order_of_findings_is_no_difference(serve: Callable[..., Server], gate: EmbeddedEngine) -> None:
    server = serve(lying(gate, reverse))
    with RestEngine(server.url, revision="r1") as sidecar:
        answer = CrossChecked(sidecar, gate).decide(REQUEST)
        truth = gate.decide(REQUEST)
    assert answer.decision == truth.decision
    assert [(f.kind, f.provenance) for f in answer.facts] == [("rest", "echoed"), ("embedded", "measured")]


def test_real_opa_agrees(shared_engines: dict[str, Any]) -> None:
    answer = CrossChecked(shared_engines["unix"], shared_engines["embedded"]).decide(REQUEST)
    assert [f.kind for f in answer.facts] == ["rest", "embedded"]


@pytest.mark.attack("A25")
def test_an_unreachable_sidecar_is_not_replaced(gate: EmbeddedEngine) -> None:
    sidecar = RestEngine(f"http://127.0.0.1:{free_port()}", revision="r1")
    with CrossChecked(sidecar, gate) as engine, pytest.raises(BspecError) as caught:
        engine.decide(REQUEST)
    assert caught.value.code == "engine.unreachable"


@pytest.mark.parametrize("decisions", [("allow", {}), ({}, "allow"), ([], {}), (True, 1), ([1], [True])])
def test_whole_decisions_of_other_kinds(decisions: tuple[Any, Any]) -> None:
    assert differences(*decisions) == ["the whole decision"]
    assert differences(decisions[0], copy.deepcopy(decisions[0])) == []


def test_not_every_name_is_listed() -> None:
    rules = {f"r{n:02}": 1 for n in range(25)}
    engine = CrossChecked(Fixed({"global": {}}), Fixed({"global": rules}))
    with pytest.raises(BspecError, match="r18, r19 and 5 more") as caught:
        engine.decide({})
    assert caught.value.code == "engine.disagreement"


class Stubborn(Fixed):
    def close(self) -> None:
        raise OSError("no")


def test_closing_closes_both() -> None:
    one, other = Fixed(1), Fixed(1)
    engine: OpenEngine = CrossChecked(one, other)
    assert engine.notes == ("fixed", "fixed")
    with engine:
        pass
    assert (one.closed, other.closed) == (1, 1)
    with pytest.raises(OSError, match="no"), CrossChecked(Stubborn(1), other):
        pass
    assert other.closed == 2


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(["", "a", "1"]),
    lambda s: st.lists(s, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "global"]), s, max_size=3),
    max_leaves=8,
)


def shuffled(value: Any, data: st.DataObject) -> Any:
    if isinstance(value, list):
        return data.draw(st.permutations([shuffled(v, data) for v in value]))
    if isinstance(value, dict):
        return {k: shuffled(value[k], data) for k in data.draw(st.permutations(list(value)))}
    return value


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(value=JSON, data=st.data())
def test_property_order_is_all_that_may_differ(value: Any, data: st.DataObject) -> None:
    assert differences(value, shuffled(value, data)) == []


@settings(max_examples=200, deadline=None)
@given(one=JSON, other=JSON)
def test_property_agreement_is_symmetric_and_exact(one: Any, other: Any) -> None:
    def multiset(value: Any) -> str:
        if isinstance(value, list):
            return f"L{sorted(multiset(v) for v in value)}"
        if isinstance(value, dict):
            return f"D{sorted((k, multiset(v)) for k, v in value.items())}"
        return f"{type(value).__name__}{value}"

    equal = multiset(one) == multiset(other)
    assert (differences(one, other) == []) is equal
    assert (differences(other, one) == []) is equal
