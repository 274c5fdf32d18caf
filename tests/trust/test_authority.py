from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from world import DAY, World, digest, grant, key_of, refused

from bspec_opa.foundation.digest import digest_of
from bspec_opa.foundation.errors import BspecError
from bspec_opa.foundation.times import format_time
from bspec_opa.trust.authority import RESERVED_ROLES, ROLE_OF, require_not_revoked, verify_record
from bspec_opa.trust.dsse import (
    IN_TOTO_PAYLOAD_TYPE,
    TRUST_ROOT_PAYLOAD_TYPE,
    Envelope,
    Signature,
    parse_envelope,
    sign_envelope,
)
from bspec_opa.trust.statement import RECORD_TYPES, Subject
from bspec_opa.trust.withdrawal import scope_digest

SIGNED_BY = {
    "submit": ("alice", "team:support", "author"),
    "evidence": ("eve", "team:quality", "evaluator"),
    "approval": ("dana", "team:platform", "environment-admin"),
    "waiver": ("sam", "team:security", "waiver-approver"),
    "request": ("pat", "team:platform", "promoter"),
    "review": ("rita", "team:risk", "reviewer"),
    "promotion": ("gate", "gate", "gate"),
    "rollback": ("gate", "gate", "gate"),
    "denial": ("gate", "gate", "gate"),
    "revocation": ("pat", "team:platform", "revoker"),
    "retirement": ("pat", "team:platform", "retirer"),
}


@pytest.mark.parametrize("record", RECORD_TYPES)
def test_a_good_record_of_every_type_is_verified(world: World, record: str) -> None:
    data = world.record(record)
    found = world.verify(data)
    assert found.type == record
    assert (found.principal, found.group, found.role) == SIGNED_BY[record]
    assert found.keyid == key_of(found.principal).keyid
    assert found.envelope == data
    assert found.id == digest_of(parse_envelope(data, "r").payload)
    assert found.predicate["action"] == record
    assert found.agent == World.AGENT
    assert found.environment == (None if record == "submit" else "staging")
    assert found.signed_unix == World.NOW


def test_roles_follow_from_the_type() -> None:
    assert {r: role for r, (_, _, role) in SIGNED_BY.items() if r != "approval"} == ROLE_OF
    people = {"author", "evaluator", "promoter", "waiver-approver", "reviewer", "revoker", "retirer"}
    assert {*people, "gate"} == RESERVED_ROLES


@pytest.mark.attack("A12")
def test_two_keys_of_a_person_are_one_principal(world: World) -> None:
    one, two = world.verify(world.submit()), world.verify(world.submit(by="alice-2"))
    assert one.keyid != two.keyid
    assert (one.principal, one.group) == (two.principal, two.group) == ("alice", "team:support")


@pytest.mark.attack("A13")
def test_a_name_in_the_body_is_not_even_taken(world: World) -> None:
    predicate = world.predicate("approval") | {"principal": "rita", "approver": "rita"}
    with refused("trust.bad-predicate"):
        world.verify(world.sign("approval", predicate, world.subjects("approval"), by="dana"))


@pytest.mark.attack("A13")
def test_a_requester_in_the_body_is_not_the_signer(world: World) -> None:
    assert world.verify(world.waiver(requester="rita")).principal == "sam"


@pytest.mark.attack("A14")
@pytest.mark.parametrize("record", RECORD_TYPES)
def test_only_the_holder_of_the_role_may_sign(world: World, record: str) -> None:
    allowed = {SIGNED_BY[record][0]} | {"submit": {"bob", "alice-2"}, "approval": {"bob"}}.get(record, set())
    found, codes = {}, set()
    for name in ("alice", "alice-2", "bob", "eve", "dana", "sam", "rita", "pat", "gate", "ledger", "root-1", "mallory"):
        try:
            found[name] = world.verify(world.record(record, by=name)).principal
        except BspecError as e:
            codes.add(e.code)
    assert found == {name: name.removesuffix("-2") for name in allowed}
    assert codes == {"trust.role-not-granted", "trust.wrong-purpose", "trust.unknown-key"}


@pytest.mark.attack("A14")
@pytest.mark.parametrize("role", sorted(RESERVED_ROLES))
def test_working_roles_do_not_approve(world: World, role: str) -> None:
    signers = {"author": "alice", "evaluator": "eve", "waiver-approver": "sam", "reviewer": "rita", "gate": "gate"}
    signer = signers.get(role, "pat")
    with refused("trust.role-not-granted"):
        world.verify(world.approval(role=role, by=signer))


@pytest.mark.attack("A14")
def test_role_must_be_granted(world: World) -> None:
    with refused("trust.role-not-granted"):
        world.verify(world.approval(role="security", by="dana"))
    with refused("trust.role-not-granted"):
        world.verify(world.approval(role="nobody-has-it", by="dana"))


@pytest.mark.parametrize(
    ("agents", "environments", "holds"),
    [
        (["*"], ["*"], True),
        (["billing-support"], ["staging"], True),
        (["other-agent", "billing-support"], ["production", "staging"], True),
        (["other-agent"], ["*"], False),
        (["*"], ["production"], False),
    ],
)
def test_role_holds_where_it_is_granted(agents: list[str], environments: list[str], holds: bool) -> None:
    world = World()

    def change(payload: Any) -> None:
        grants = [g for g in payload["grants"] if g["principal"] != "dana"]
        payload["grants"] = [*grants, grant("dana", "environment-admin", agents, environments)]

    world.next_root(change)
    if holds:
        assert world.verify(world.approval()).principal == "dana"
    else:
        with refused("trust.role-not-granted"):
            world.verify(world.approval())


@pytest.mark.attack("A14")
def test_gate_key_signs_no_personal_record_even_if_its_owner_may(world: World) -> None:
    world.next_root(lambda p: p["grants"].append(grant("gate", "environment-admin")))
    with refused("trust.wrong-purpose"):
        world.verify(world.approval(by="gate"))


@pytest.mark.attack("A14")
def test_personal_key_signs_no_lock_line_even_if_its_owner_may(world: World) -> None:
    world.next_root(lambda p: p["grants"].append(grant("dana", "gate")))
    with refused("trust.wrong-purpose"):
        world.verify(world.promotion(by="dana"))


@pytest.mark.parametrize("name", ["ledger", "root-1"])
def test_key_that_belongs_to_no_principal_signs_no_record(world: World, name: str) -> None:
    with refused("trust.wrong-purpose"):
        world.verify(world.approval(by=name))


def test_unknown_key_is_refused(world: World) -> None:
    with refused("trust.unknown-key"):
        world.verify(world.approval(by="mallory"))


@pytest.mark.attack("A77")
def test_only_owners_submit_an_agent(world: World) -> None:
    with refused("trust.not-owner") as e:
        world.verify(world.submit(agent="other-agent"))
    assert "rita" in str(e.value)


def test_owner_without_the_role_does_not_submit(world: World) -> None:
    with refused("trust.role-not-granted"):
        world.verify(world.submit(agent="other-agent", by="rita"))


@pytest.mark.attack("A01")
def test_record_without_a_signature_is_refused(world: World) -> None:
    envelope = parse_envelope(world.approval(), "r")
    with refused("trust.bad-envelope"):
        world.verify(Envelope(envelope.payload_type, envelope.payload, ()).to_bytes())


@pytest.mark.attack("A10")
def test_record_with_two_signatures_is_refused(world: World) -> None:
    data = world.sign("approval", world.predicate("approval"), world.subjects("approval"), by=["dana", "bob"])
    with refused("trust.signature-count"):
        world.verify(data)


@pytest.mark.attack("A02")
def test_signature_of_another_record_is_refused(world: World) -> None:
    one, two = (parse_envelope(world.approval(), "r") for _ in range(2))
    with refused("trust.bad-signature"):
        world.verify(Envelope(one.payload_type, one.payload, two.signatures).to_bytes())


@pytest.mark.attack("A13")
def test_signature_under_somebody_elses_key_id_is_refused(world: World) -> None:
    envelope = parse_envelope(world.approval(), "r")
    stolen = Signature(key_of("rita").keyid, envelope.signatures[0].sig)
    with refused("trust.bad-signature"):
        world.verify(Envelope(envelope.payload_type, envelope.payload, (stolen,)).to_bytes())


@pytest.mark.attack("A03")
def test_record_signed_under_the_trust_roots_type_is_refused(world: World) -> None:
    payload = parse_envelope(world.approval(), "r").payload
    with refused("trust.wrong-type"):
        world.verify(sign_envelope(payload, TRUST_ROOT_PAYLOAD_TYPE, [key_of("dana")]).to_bytes())


@pytest.mark.attack("A03")
def test_trust_root_is_no_record(world: World) -> None:
    with refused("trust.wrong-type"):
        world.verify(world.root_files[0])


@pytest.mark.attack("A03")
def test_approval_renamed_to_another_type_is_refused(world: World) -> None:
    for record in set(RECORD_TYPES) - {"approval"}:
        with refused("trust.bad-predicate"):
            world.verify(world.sign(record, world.predicate("approval"), world.subjects(record), by="dana"))


@pytest.mark.attack("A04")
@pytest.mark.parametrize("payload", [b"", b"{}", b"not json", b'{"_type":1}'])
def test_genuine_signature_over_rubbish_is_refused(world: World, payload: bytes) -> None:
    with refused("trust.bad-statement"):
        world.verify(sign_envelope(payload, IN_TOTO_PAYLOAD_TYPE, [key_of("dana")]).to_bytes())


@pytest.mark.attack("A05")
def test_genuine_statement_of_another_kind_is_refused(world: World) -> None:
    payload = parse_envelope(world.approval(), "r").payload.replace(b"urn:bspec-opa:approval:v1", b"urn:x:approval:v1")
    with refused("trust.wrong-type"):
        world.verify(sign_envelope(payload, IN_TOTO_PAYLOAD_TYPE, [key_of("dana")]).to_bytes())


SURFACE, INTENT, BINDING = (
    Subject("surface", World.SURFACE),
    Subject("behavior.intent", World.INTENT),
    Subject("binding", World.BINDING),
)


@pytest.mark.attack("A06")
@pytest.mark.parametrize("record", RECORD_TYPES)
@pytest.mark.parametrize(
    "subjects",
    [[INTENT], [BINDING], [SURFACE, INTENT], [SURFACE, INTENT, BINDING], [INTENT, BINDING, Subject("x", digest("x"))]],
    ids=lambda s: "+".join(x.name for x in s),
)
def test_subjects_are_exactly_those_of_the_type(world: World, record: str, subjects: list[Subject]) -> None:
    with refused("trust.wrong-subjects"):
        world.verify(world.sign(record, world.predicate(record), subjects, by=SIGNED_BY[record][0]))


@pytest.mark.attack("A06")
def test_a_retirement_is_about_the_agent_and_the_environment_that_it_names(world: World) -> None:
    subjects = world.subjects("retirement")
    for member, value in (("environment", "production"), ("agent", "other-agent")):
        with refused("trust.wrong-subjects"):
            world.verify(world.sign("retirement", world.predicate("retirement", {member: value}), subjects, by="pat"))


@pytest.mark.attack("A77")
@pytest.mark.parametrize("record", ["revocation", "retirement"])
def test_who_may_end_something_in_staging_may_not_in_production(record: str) -> None:
    world = World()

    def change(payload: Any) -> None:
        for held in payload["grants"]:
            if held["principal"] == "pat":
                held["environments"] = ["staging"]

    world.next_root(change)
    world.verify(world.record(record))
    predicate = world.predicate(record, {"environment": "production"})
    subjects = [Subject("agent", scope_digest(predicate))] if record == "retirement" else world.subjects(record)
    with refused("trust.role-not-granted"):
        world.verify(world.sign(record, predicate, subjects, by="pat"))


def test_lock_line_may_have_artifacts(world: World) -> None:
    artifact = Subject("artifact:component:system-prompt", digest("prompt"))
    for record in ("promotion", "rollback"):
        subjects = [*world.subjects(record), artifact]
        found = world.verify(world.sign(record, world.predicate(record), subjects, by="gate"))
        assert found.statement.subjects == tuple(subjects)
    with refused("trust.wrong-subjects"):
        world.verify(world.sign("denial", world.predicate("denial"), [*world.subjects("denial"), artifact], by="gate"))


@pytest.mark.attack("A76")
def test_lock_line_carries_the_binding_that_it_names(world: World) -> None:
    with refused("trust.wrong-subjects"):
        world.verify(world.promotion(binding={"models": [], "tools": [], "components": [{"id": "other"}]}))
    with refused("trust.wrong-subjects"):
        world.verify(world.promotion(binding_digest=digest("other")))


def test_record_of_another_domain_is_refused(world: World) -> None:
    with refused("trust.foreign-domain"):
        world.verify(world.approval(domain="acme-demo"))


@pytest.mark.attack("A77")
@pytest.mark.parametrize(
    "changes", [{"agent": "invented"}, {"environment": "invented"}, {"environment": "Staging"[1:]}]
)
def test_unknown_agent_or_environment_is_refused(world: World, changes: dict[str, str]) -> None:
    with refused("trust.foreign-scope"):
        world.verify(world.approval(**changes))


@pytest.mark.attack("A18")
def test_record_under_a_root_outside_the_chain_is_refused(world: World) -> None:
    for reference in (
        {"version": 1, "digest": digest("another root")},
        {"version": 2, "digest": world.root.digest},
        {"version": 2, "digest": digest("future root")},
    ):
        with refused("trust.foreign-root"):
            world.verify(world.approval(trust_root=reference))


def test_record_under_an_older_root_counts_by_the_newest(world: World) -> None:
    data = world.approval()
    world.next_root()
    assert world.verify(data).principal == "dana"

    def dismiss(payload: Any) -> None:
        payload["grants"] = [g for g in payload["grants"] if g["principal"] != "dana"]

    world.next_root(dismiss)
    with refused("trust.role-not-granted"):
        world.verify(data)
    assert verify_record(data, "r", world.roots[:1], World.NOW).principal == "dana"


@pytest.mark.attack("A16")
def test_record_of_the_future_does_not_count_yet(world: World) -> None:
    data = world.approval(at=World.NOW)
    assert world.verify(data, now=World.NOW).signed_unix == World.NOW
    with refused("trust.bad-moment"):
        world.verify(data, now=World.NOW - 1)


@pytest.mark.attack("A16")
def test_record_from_before_its_root_does_not_count(world: World) -> None:
    assert world.verify(world.approval(at=World.ISSUED)).signed_unix == World.ISSUED
    with refused("trust.bad-moment"):
        world.verify(world.approval(at=World.ISSUED - 1))


@pytest.mark.attack("A16")
def test_record_must_follow_the_root_that_it_names(world: World) -> None:
    world.next_root(lambda p: p.update(issued=format_time(World.NOW - DAY)))
    assert world.verify(world.approval(at=World.NOW - DAY)).signed_unix == World.NOW - DAY
    with refused("trust.bad-moment"):
        world.verify(world.approval(at=World.NOW - DAY - 1))


@pytest.mark.attack("A16")
@pytest.mark.parametrize("kind", ["key", "record"])
def test_revoked_key_or_record_does_not_count(world: World, kind: str) -> None:
    data = world.approval()
    record = world.verify(data)
    require_not_revoked(record, world.root, "r")
    item = {"kind": kind, "id": record.keyid if kind == "key" else record.id, "reason": "laptop stolen"}
    world.next_root(lambda p: p["revoked"].append(item))
    with refused("trust.revoked") as e:
        world.verify(data)
    assert "laptop stolen" in str(e.value)
    with refused("trust.revoked"):
        require_not_revoked(record, world.root, "r")
    assert world.verify(world.approval(role="security")).principal == "sam"


def test_no_root_no_record(world: World) -> None:
    with refused("trust.no-root"):
        verify_record(world.approval(), "r", [], World.NOW)


@pytest.mark.attack("A75")
def test_replaced_root_knows_none_of_the_real_keys(world: World) -> None:
    data = world.approval()

    def replace(payload: Any) -> None:
        payload["principals"] = [{"id": "mallory", "group": "mallory", "keys": [key_of("gate").keyid]}]
        payload["grants"] = []
        payload["agents"] = [{"id": World.AGENT, "owners": ["mallory"]}]
        payload["keys"] = [k for k in payload["keys"] if k["purpose"] != "record"]

    world.next_root(replace)
    with refused("trust.unknown-key"):
        world.verify(data)


def test_errors_name_the_file(world: World) -> None:
    for data in (b"", world.approval(domain="other"), world.approval(by="mallory"), world.approval(agent="x")):
        with pytest.raises(BspecError, match=r"\Ainbox/7\.json: "):
            verify_record(data, "inbox/7.json", world.roots, World.NOW)


@given(
    record=st.sampled_from(sorted(RECORD_TYPES)),
    by=st.sampled_from(["alice", "bob", "eve", "dana", "sam", "rita", "pat", "gate", "mallory"]),
)
def test_a_record_that_counts_is_signed_by_a_holder_of_its_role(record: str, by: str) -> None:
    world = World()
    try:
        found = world.verify(world.record(record, by=by))
    except BspecError:  # refused is fine here; the other tests say why
        return
    assert found.role in world.root.roles_of(by, found.agent, found.environment)
    assert found.principal == by
