"""Attacks by what lies in the inbox: each ends in a denial that names the rule, with nothing written but the denial."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from project import AGENT, DAY, HOUR, NOW, PEOPLE, TRUST, record_id
from tampering import envelope, flip, payload, set_in
from world import key_of

from bspec_opa.foundation.digest import ZERO_DIGEST, digest_of
from bspec_opa.foundation.errors import ExitCode
from bspec_opa.foundation.times import format_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from project import Project

NO_APPROVAL = ["floor.no-independent-approval", "promotion.all.approvals", "promotion.all.non_author_approval"]
NO_SUBMIT = ["floor.no-submit", "promotion.all.submitted"]
NO_REQUEST = ["floor.no-request", "promotion.all.requested"]


@pytest.mark.attack("A01")
@pytest.mark.parametrize("signatures", [[], None])
def test_an_approval_without_signature(signed: Project, signatures: object) -> None:
    signed.swap("approval", envelope(set_in("signatures", to=signatures)))
    assert signed.denied("staging", "trust.bad-envelope") == NO_APPROVAL


@pytest.mark.attack("A02")
@pytest.mark.parametrize("kind", ["submit", "approval", "request"])
def test_a_flipped_bit_in_payload_type_or_signature(signed: Project, kind: str) -> None:
    wanted = {"submit": NO_SUBMIT, "approval": NO_APPROVAL, "request": NO_REQUEST}[kind]
    genuine = signed.only(kind).read_bytes()
    for change, code in (
        (lambda e: e["signatures"][0].update(sig=flip(e["signatures"][0]["sig"])), "trust.bad-signature"),
        (set_in("payloadType", to="application/vnd.in-toto+jsom"), "trust.wrong-type"),
    ):
        signed.swap(kind, envelope(change))
        assert set(wanted) <= set(signed.denied("staging", code))
        signed.only(kind).unlink()
        signed.put(kind, genuine)
    signed.swap(kind, payload(set_in("predicate", "nonce", to="0" * 32)))
    assert set(wanted) <= set(signed.denied("staging", "trust.bad-signature"))


@pytest.mark.attack("A03")
@pytest.mark.parametrize("kind", ["request", "evidence", "submit"])
def test_an_approval_offered_as_evidence_or_request(signed: Project, kind: str) -> None:
    """Neither where it lies nor what it says of itself makes it another record; also if its signer may sign those."""
    approval = signed.only("approval").read_bytes()
    for file in (signed.inbox / kind).iterdir():
        file.unlink()
    missing = {
        "request": NO_REQUEST,
        "evidence": ["floor.no-evidence", "promotion.all.evidence", "promotion.all.scope_probed"],
        "submit": NO_SUBMIT,
    }[kind]
    signed.put(kind, approval)
    assert set(missing) <= set(signed.denied("staging", "file.unreadable"))
    by = {"request": "pat", "evidence": "eve", "submit": "alice"}[kind]
    for change, code in (
        (set_in("predicate", "action", to=kind), "trust.bad-predicate"),
        (set_in("predicateType", to=f"urn:bspec-opa:{kind}:v1"), "trust.bad-predicate"),
    ):
        (file,) = (signed.inbox / kind).iterdir()
        file.unlink()
        signed.put(kind, payload(change, by=by)(approval))
        assert set(missing) <= set(signed.denied("staging", code))


@pytest.mark.attack("A03")
def test_an_approval_offered_as_lock_line(staged: Project) -> None:
    approval = staged.only("approval").read_bytes()
    staged.lock.write_bytes(approval)
    with staged.refused("lock.bad-line", ExitCode.TRUST):
        staged.verify()
    with staged.refused("lock.bad-line", ExitCode.TRUST):
        staged.promote()


@pytest.mark.attack("A04")
@pytest.mark.parametrize(
    ("change", "code"),
    [
        (set_in("predicate", to={}), "trust.bad-predicate"),
        (set_in("predicate", to=[]), "trust.bad-statement"),
        (set_in("predicate", "decision", to="APPROVE"), "trust.bad-predicate"),
        (set_in("predicate", "expires", to=""), "trust.bad-predicate"),
        (set_in("predicate", "approved_by", to="sam"), "trust.bad-predicate"),
        (set_in("predicateType", to="urn:bspec-opa:approval:v2"), "trust.wrong-type"),
        (set_in("subject", to=[]), "trust.bad-statement"),
    ],
)
def test_a_valid_signature_over_a_wrong_predicate(signed: Project, change: Callable[[Any], object], code: str) -> None:
    signed.swap("approval", payload(change, by="dana"))
    assert signed.denied("staging", code) == NO_APPROVAL


@pytest.mark.attack("A05")
def test_other_record_types_do_not_stand_in(signed: Project) -> None:
    for kind in ("approval", "request"):
        signed.only(kind).unlink()
    assert signed.denied() == sorted([*NO_APPROVAL, *NO_REQUEST])


@pytest.mark.attack("A06")
@pytest.mark.parametrize("subject", ["surface", "binding"])
def test_genuine_evidence_of_something_else(resolved: Project, subject: str) -> None:
    resolved.submit()
    for question in ("privilege", "constraint"):
        resolved.attest(question, "functional")
    run = resolved.attest("boundary", "functional")
    subjects = {s.name: s.digest for s in run.record.statement.subjects} | {subject: digest_of(b"another")}
    own = {k: v for k, v in run.record.predicate.items() if k not in {"signed_at", "nonce"}}
    run.file.unlink()
    resolved.put("evidence", resolved.forge("evidence", own, by="eve", subjects=subjects))
    resolved.sign_all("staging", "environment-admin")
    assert resolved.denied() == ["floor.no-evidence", "promotion.all.evidence", "promotion.all.scope_probed"]


@pytest.mark.attack("A07")
@pytest.mark.parametrize(
    "change",
    [
        set_in("predicate", "environment", to="production"),
        set_in("predicate", "base", to=digest_of(b"another line")),
        set_in("predicate", "source", to=digest_of(b"another line")),
        set_in("predicate", "change_digest", to=digest_of(b"another change")),
        set_in("subject", 0, "digest", "sha256", to="0" * 64),
        set_in("subject", 1, "digest", "sha256", to="0" * 64),
    ],
)
def test_an_approval_of_another_environment_base_source_or_version(
    signed: Project, change: Callable[[Any], object]
) -> None:
    signed.swap("approval", payload(change, by="dana"))
    assert signed.denied() == NO_APPROVAL


@pytest.mark.attack("A07")
def test_an_approval_of_another_agent(signed: Project) -> None:
    """It is a genuine record, of somebody else's promotion: it is not even this agent's to reject."""
    signed.swap("approval", payload(set_in("predicate", "agent", to="other-agent"), by="dana"))
    assert signed.denied() == NO_APPROVAL


@pytest.mark.attack("A08")
def test_an_intent_edited_after_its_approval(signed: Project) -> None:
    signed.change_intent(("list_invoices, get_invoice", "list_invoices, get_invoice, send_invoice"))
    found = signed.denied(code=ExitCode.DENIED)
    assert set(NO_APPROVAL + NO_SUBMIT + NO_REQUEST) <= set(found)


@pytest.mark.attack("A12")
def test_an_author_approves_himself_with_his_other_key(signed: Project) -> None:
    signed.only("approval").unlink()
    signed.approve("environment-admin", by="alice")
    assert signed.denied() == NO_APPROVAL
    signed.approve("environment-admin", by="alice-2")
    assert signed.denied() == NO_APPROVAL


@pytest.mark.attack("A12")
@pytest.mark.attack("A80")
def test_one_person_in_two_roles_fills_one(staged: Project) -> None:
    staged.now += 3 * DAY
    staged.approve("environment-admin", "production", by="dana")
    staged.now += 1
    staged.approve("security", "production", by="dana")
    staged.approve("risk-owner", "production")
    staged.request("production")
    evaluation = staged.promote("production").evaluation
    assert evaluation is not None
    assert evaluation.exit_code == ExitCode.PENDING
    missing = [(f.needs.role, f.needs.count) for r in evaluation.decision.pending for f in r.pending if f.needs]
    assert missing == [("environment-admin", 1)]


@pytest.mark.attack("A80")
def test_a_colleague_submits_what_the_author_wrote_and_the_author_approves(resolved: Project) -> None:
    """Whoever submitted any version since the head is an author of the change."""
    resolved.submit("alice")
    resolved.change_intent(("list_invoices, get_invoice", "get_invoice"))
    resolved.resolve()
    resolved.submit("bob")
    resolved.attest_all()
    resolved.approve("environment-admin", by="alice")
    resolved.request()
    assert resolved.denied() == NO_APPROVAL
    resolved.approve("environment-admin", by="dana")
    assert resolved.allowed().entry is not None


@pytest.mark.attack("A80")
def test_two_submitters_of_the_same_are_both_authors(signed: Project) -> None:
    signed.only("approval").unlink()
    signed.submit("bob")
    signed.approve("environment-admin", by="alice")
    assert signed.denied() == NO_APPROVAL


@pytest.mark.attack("A80")
def test_an_author_stays_one_after_losing_the_role(signed: Project) -> None:
    """Submitting, being moved to another team and approving one's own work."""
    signed.only("approval").unlink()
    signed.only("request").unlink()
    signed.record()

    def move(payload: Any) -> None:
        payload["grants"] = [g for g in payload["grants"] if (g["principal"], g["role"]) != ("alice", "author")]

    signed.now += HOUR
    signed.next_root(move)
    signed.submit("bob")
    signed.approve("environment-admin", by="alice")
    signed.request()
    assert signed.denied("staging", "trust.role-not-granted") == NO_APPROVAL


@pytest.mark.attack("A13")
@pytest.mark.parametrize("member", ["reason", "environment"])
def test_identity_comes_from_the_key_alone(signed: Project, member: str) -> None:
    """Eve says that she is dana; the schema has no place for a name, and a reason is no identity."""
    changed = set_in("predicate", "reason", to="signed: dana") if member == "reason" else lambda _: None
    signed.swap("approval", payload(changed, by="eve"))
    assert signed.denied("staging", "trust.role-not-granted") == NO_APPROVAL


@pytest.mark.attack("A14")
@pytest.mark.parametrize(
    ("by", "role", "code"),
    [
        ("eve", "environment-admin", "trust.role-not-granted"),
        ("eve", "evaluator", "trust.role-not-granted"),
        ("gate", "gate", "trust.role-not-granted"),
        ("gate", "environment-admin", "trust.role-not-granted"),
        ("ledger", "environment-admin", "trust.wrong-purpose"),
        ("root-1", "environment-admin", "trust.wrong-purpose"),
        ("mallory", "environment-admin", "trust.unknown-key"),
    ],
)
def test_a_key_of_another_role_signs_an_approval(signed: Project, by: str, role: str, code: str) -> None:
    signed.swap("approval", payload(set_in("predicate", "role", to=role), by=by))
    assert signed.denied("staging", code) == NO_APPROVAL


@pytest.mark.attack("A16")
@pytest.mark.parametrize(("later", "held"), [(-1, True), (0, False), (1, False)])
def test_an_approval_holds_until_the_second_before_it_expires(signed: Project, later: int, held: bool) -> None:
    signed.only("approval").unlink()
    signed.approve("environment-admin", valid_for="PT2H")
    signed.now += 2 * HOUR + later
    if held:
        signed.allowed()
    else:
        assert signed.denied() == NO_APPROVAL


@pytest.mark.attack("A16")
def test_a_request_that_has_expired(signed: Project) -> None:
    signed.only("request").unlink()
    signed.request(valid_for="PT2H")
    signed.now += 2 * HOUR
    assert signed.denied() == NO_REQUEST


@pytest.mark.attack("A16")
@pytest.mark.parametrize(("offset", "code"), [(1, "trust.bad-moment"), (-2 * DAY, "trust.bad-moment")])
def test_an_approval_from_the_future_or_from_before_its_root(signed: Project, offset: int, code: str) -> None:
    signed.swap("approval", payload(set_in("predicate", "signed_at", to=format_time(NOW + offset)), by="dana"))
    assert signed.denied("staging", code) == NO_APPROVAL


@pytest.mark.attack("A16")
@pytest.mark.parametrize("what", ["key", "record"])
def test_a_revoked_key_or_approval(signed: Project, what: str) -> None:
    approval = signed.only("approval").read_bytes()
    name = {"key": key_of("dana").keyid, "record": record_id(approval)}[what]
    revocation = {"kind": what, "id": name, "reason": "lost"}
    signed.now += HOUR
    signed.next_root(lambda p: p["revoked"].append(revocation))
    assert signed.denied("staging", "trust.revoked") == NO_APPROVAL


@pytest.mark.attack("A16")
def test_an_expired_trust_root(staged: Project) -> None:
    staged.now += 365 * DAY
    for act in (staged.promote, staged.verify, staged.evaluate):
        with staged.refused("trust.root-expired", ExitCode.TRUST):
            act()


@pytest.mark.attack("A74")
def test_a_key_that_others_can_read(signed: Project) -> None:
    from bspec_opa.trust.signers import open_signer

    file = signed.base / "gate.pem"
    file.write_bytes(key_of("gate").to_pem())
    file.chmod(0o640)
    with signed.refused("trust.key-exposed", ExitCode.TRUST):
        open_signer(f"file:{file}", environ={}, passphrase=None)


def test_who_there_is() -> None:
    assert all(name in TRUST for name in PEOPLE)
    assert AGENT in TRUST
    assert ZERO_DIGEST not in TRUST
