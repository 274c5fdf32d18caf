"""Attacks by whoever holds keys: a stolen gate key, a gate that decided under races, an intermediate rollback."""

from __future__ import annotations

import base64
import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from project import AGENT, DAY, HOUR, reasons_of
from tampering import set_in
from world import key_of

from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.digest import Digest, digest_json, digest_of, hex_of
from bspec_opa.foundation.errors import BspecError, ExitCode, TrustError
from bspec_opa.foundation.times import format_time
from bspec_opa.trust.dsse import IN_TOTO_PAYLOAD_TYPE, sign_envelope
from bspec_opa.trust.statement import Subject, parse_statement, record_statement
from bspec_opa.workflow.checkout.session import require_same_root
from bspec_opa.workflow.promote import Keys, promote

if TYPE_CHECKING:
    from collections.abc import Callable

    from project import Project, Shelf

NOBODY = digest_of(b"nobody signed this")


def stolen(project: Project, genuine: Project, change: Callable[[Any], object]) -> None:
    """A line that the genuine gate key signed, in a ledger that the genuine ledger key signed, and in the lock."""
    line = genuine.lines()[-1] + b"\n"
    project.lock.write_bytes(genuine.lock.read_bytes()[: -len(line)])
    shutil.copytree(genuine.state / "objects", project.state / "objects", dirs_exist_ok=True)
    project.record()
    forged = project.reforge(line, change, by="gate")
    project.append(("promotion", forged))
    project.lock.write_bytes(project.lock.read_bytes() + forged if project.lock.exists() else forged)


def twins(shelf: Shelf, tmp_path: Any, stage: str, after: str) -> tuple[Project, Project]:
    """A project about to be promoted, and the same one promoted."""
    return shelf.project(stage, tmp_path / "victim"), shelf.project(after, tmp_path / "genuine")


@pytest.mark.parametrize("stages", [("signed", "staged"), ("ready", "live")])
def test_the_same_line_appended_by_hand_verifies(shelf: Shelf, tmp_path: Any, stages: tuple[str, str]) -> None:
    """What follows fails for the forgery, not for how it got there."""
    victim, genuine = twins(shelf, tmp_path, *stages)
    stolen(victim, genuine, lambda _: None)
    assert victim.verify().lines == genuine.verify().lines


def twice(predicate: Any) -> None:
    """Cross-checked by one engine that agrees with itself."""
    predicate["decision"]["engines"] *= 2
    predicate["decision"]["assurance"] = "cross-checked"


FORGERIES: dict[str, Callable[[Any], object]] = {
    "an approver": set_in("approvals", 0, "principal", to="mallory"),
    "a role": set_in("approvals", 0, "role", to="nobody"),
    "an approval": lambda p: p["approvals"].append({"id": NOBODY, "principal": "sam", "role": "security"}),
    "no approval": set_in("approvals", to=[]),
    "a submit": set_in("submits", to=[NOBODY]),
    "no evidence": set_in("evidence", to=[]),
    "a request": set_in("request", to=NOBODY),
    "a waiver": set_in("waivers", to=[NOBODY]),
    "a rejected record": lambda p: p["rejected"].append({"type": "approval", "id": "x", "reason": "trust.revoked"}),
    "a smaller change": set_in("change", "verdict", to="cosmetic"),
    "other items": set_in("change", "items", to=[]),
    "a surface": set_in("surface_digest", to=NOBODY),
    "a schema": set_in("schema_digest", to=NOBODY),
    "a schema's name": set_in("schema", to="behavior.intent/v2"),
    "a view": set_in("view", to=NOBODY),
    "an input": set_in("input_digest", to=NOBODY),
    "an earlier moment": lambda p: p.update(now="2026-05-31T12:30:00Z"),
    "an earlier signature": lambda p: p.update(signed_at="2026-05-31T12:30:00Z"),
    "an earlier tree": lambda p: p["decided_on"].update(tree_size=p["decided_on"]["tree_size"] - 1),
    "another tree": lambda p: p["decided_on"].update(root_hash=NOBODY),
    "another ledger": lambda p: p["decided_on"].update(origin="elsewhere.example/bspec"),
    "a rule less": lambda p: p["decision"]["rules"].pop(),
    "a rule twice": lambda p: p["decision"]["rules"].append(p["decision"]["rules"][0]),
    "a rule that warned": lambda p: p["decision"]["rules"][0].update(status="warn"),
    "a rule of its own": lambda p: p["decision"]["rules"].append({"id": "global.a.b", "status": "pass"}),
    "more assurance": lambda p: p["decision"].update(assurance="cross-checked"),
    "less assurance": lambda p: p["decision"].update(assurance="asserted"),
    "an engine": lambda p: p["decision"]["engines"].append(p["decision"]["engines"][0]),
    "an engine's kind": lambda p: p["decision"]["engines"][0].update(kind="rest"),
    "the engine twice": twice,
    "an engine's bundle": lambda p: p["decision"]["engines"][0].update(bundle_digest=NOBODY),
    "an engine's word": lambda p: p["decision"]["engines"][0].update(provenance="echoed"),
    "a bundle": lambda p: p["bundles"][0].update(digest=NOBODY),
    "a revision": lambda p: p["bundles"][0].update(revision=NOBODY),
    "two bundles": lambda p: p["bundles"].append({**p["bundles"][0], "name": "other"}),
    "a source": set_in("source", to="missing"),
    "a base": set_in("base", to=NOBODY),
    "a place": set_in("seq", to=7),
    "a predecessor": set_in("previous", to=NOBODY),
    "an environment": set_in("environment", to="staging"),
}


@pytest.mark.attack("A76")
@pytest.mark.parametrize("name", FORGERIES)
def test_a_line_signed_by_the_stolen_gate_key_over_invented_facts(shelf: Shelf, tmp_path: Any, name: str) -> None:
    victim, genuine = twins(shelf, tmp_path, "ready", "live")
    stolen(victim, genuine, FORGERIES[name])
    refused_by_verify(victim, name)


def refused_by_verify(project: Project, name: str) -> None:
    """Exit 7, the line is named, and nothing is remembered of it."""
    with pytest.raises(TrustError) as raised:
        project.verify()
    if "assurance" in name or "engine" in name:
        assert raised.value.code == "verify.weak-assurance"
    (problem,) = raised.value.problems
    assert raised.value.exit_code == ExitCode.TRUST
    assert raised.value.code.startswith(("verify.", "lock.", "ledger.object", "trust."))
    assert problem.location is not None
    assert "\n" not in problem.message


@pytest.mark.attack("A76")
@pytest.mark.parametrize("missing", ["approval", "request", "submit"])
def test_a_stolen_gate_key_invents_a_record_and_the_input_with_it(shelf: Shelf, tmp_path: Any, missing: str) -> None:
    """The stored input says what the line says; the ledger does not."""
    victim, genuine = twins(shelf, tmp_path, "signed", "staged")
    victim.only(missing).unlink()
    victim.record()
    ledger = victim.ledger()
    line = genuine.lines()[-1] + b"\n"
    shutil.copytree(genuine.state / "objects", victim.state / "objects", dirs_exist_ok=True)
    forged = victim.reforge(line, lambda p: p.update(decided_on=ledger.head()), by="gate")
    victim.append(("promotion", forged))
    victim.lock.write_bytes(forged)
    with victim.refused("verify.facts-differ", ExitCode.TRUST):
        victim.verify()


@pytest.mark.attack("A76")
def test_a_stolen_gate_key_binds_other_artifacts(shelf: Shelf, tmp_path: Any) -> None:
    victim, genuine = twins(shelf, tmp_path, "signed", "staged")
    victim.record()
    shutil.copytree(genuine.state / "objects", victim.state / "objects", dirs_exist_ok=True)
    statement = parse_statement(base64.b64decode(json.loads(genuine.lines()[-1])["payload"]))
    predicate: Any = json.loads(canonical_bytes(statement.predicate))
    predicate["binding"]["components"][0]["digest"] = NOBODY
    bound = digest_json(predicate["binding"])
    subjects = [
        Subject("binding", bound) if s.name == "binding" else Subject(s.name, NOBODY) if "component" in s.name else s
        for s in statement.subjects
    ]
    payload = record_statement("promotion", subjects, predicate).payload()
    forged = sign_envelope(payload, IN_TOTO_PAYLOAD_TYPE, [key_of("gate")]).to_bytes()
    victim.append(("promotion", forged))
    victim.lock.write_bytes(forged)
    with victim.refused("verify.facts-differ", ExitCode.TRUST):
        victim.verify()


@pytest.mark.attack("A76")
def test_a_stolen_gate_key_names_an_artifact_more(shelf: Shelf, tmp_path: Any) -> None:
    victim, genuine = twins(shelf, tmp_path, "signed", "staged")
    victim.record()
    shutil.copytree(genuine.state / "objects", victim.state / "objects", dirs_exist_ok=True)
    statement = parse_statement(base64.b64decode(json.loads(genuine.lines()[-1])["payload"]))
    subjects = [*statement.subjects, Subject("artifact:tool:shell", NOBODY)]
    payload = record_statement("promotion", subjects, statement.predicate).payload()
    forged = sign_envelope(payload, IN_TOTO_PAYLOAD_TYPE, [key_of("gate")]).to_bytes()
    victim.append(("promotion", forged))
    victim.lock.write_bytes(forged)
    with victim.refused("verify.facts-differ", ExitCode.TRUST, "subjects"):
        victim.verify()


@pytest.mark.attack("A76")
@pytest.mark.attack("A18")
def test_a_line_under_an_older_root_than_the_records_before_it(shelf: Shelf, tmp_path: Any) -> None:
    """The old root had an approver whom the new one lacks; the ledger knows that the new one was in use."""
    victim, genuine = twins(shelf, tmp_path, "signed", "staged")
    victim.record()
    victim.now += HOUR
    victim.next_root()
    victim.attest("boundary", "functional", raw_log={"digest": digest_of(b"under the new root")})
    victim.record()
    head = victim.ledger().head()
    forged = victim.reforge(genuine.lines()[-1] + b"\n", lambda p: p.update(decided_on=head), by="gate")
    victim.append(("promotion", forged))
    victim.lock.write_bytes(forged)
    with victim.refused("verify.facts-differ", ExitCode.TRUST, "was decided under trust root version 1"):
        victim.verify()


@pytest.mark.attack("A88")
def test_a_newer_root_is_noticed(signed: Project) -> None:
    session = signed.session()
    require_same_root(session)
    signed.next_root()
    with signed.refused("promotion.newer-root", ExitCode.STORE):
        require_same_root(session)


@pytest.mark.attack("A76")
def test_production_does_not_follow_an_invented_staging_line(shelf: Shelf, tmp_path: Any) -> None:
    victim, genuine = twins(shelf, tmp_path, "signed", "staged")
    stolen(victim, genuine, FORGERIES["an earlier moment"])
    victim.now += HOUR
    victim.attest("boundary", "functional", raw_log={"digest": digest_of(b"x")})
    victim.sign_all("production", "environment-admin", "security", "risk-owner")
    before = victim.lock.read_bytes()
    victim.record()
    with victim.refused("verify.facts-differ", ExitCode.TRUST):
        victim.promote("production")
    assert victim.lock.read_bytes() == before


class Interrupted:
    """The gate's signer; something happens between the decision and the append."""

    def __init__(self, *actions: Callable[[], object]) -> None:
        self._key = key_of("gate")
        self._actions = list(actions)
        self.keyid = self._key.keyid
        self.public = self._key.public

    def sign(self, message: bytes) -> bytes:
        if self._actions:
            self._actions.pop(0)()
        return self._key.sign(message)


def promote_while(project: Project, *actions: Callable[[], object], environment: str = "staging") -> Any:
    return promote(project.session(), environment, Keys(gate=Interrupted(*actions), ledger=key_of("ledger")))


@pytest.mark.attack("A88")
def test_a_reject_sequenced_between_decision_and_append(signed: Project) -> None:
    def reject() -> None:
        signed.approve("security", reject=True, by="sam")
        signed.record()

    outcome = promote_while(signed, reject)
    assert outcome.line is None
    assert reasons_of(outcome.evaluation) == ["floor.open-reject", "promotion.all.no_reject"]
    assert outcome.evaluation.exit_code == ExitCode.DENIED
    assert not signed.lock.exists()
    assert [e.kind for e in signed.ledger().entries if e.kind in {"promotion", "denial"}] == ["denial"]


@pytest.mark.attack("A88")
def test_a_new_head_sequenced_between_decision_and_append(signed: Project) -> None:
    outcome = promote_while(signed, signed.promote)
    assert outcome.evaluation is None, "it was current when it was decided again"
    assert len(signed.lines()) == 1
    assert [e.kind for e in signed.ledger().entries].count("promotion") == 1
    signed.verify()


@pytest.mark.attack("A88")
def test_a_new_root_between_decision_and_append(signed: Project) -> None:
    revocation = {"kind": "key", "id": key_of("dana").keyid, "reason": "left"}
    outcome = promote_while(signed, lambda: signed.next_root(lambda p: p["revoked"].append(revocation)))
    assert outcome.line is None
    assert "promotion.all.approvals" in reasons_of(outcome.evaluation)
    assert {r.code for r in outcome.evaluation.rejected} == {"trust.revoked"}
    assert not signed.lock.exists()


@pytest.mark.attack("A88")
def test_a_root_of_a_later_second_than_the_run_began_in(signed: Project) -> None:
    """It is no root of the future: the clock is read again when the decision is."""
    session = signed.session()
    going = replace(session, world=replace(session.world, clock=lambda: signed.now))

    def renew() -> None:
        signed.now += 1
        signed.next_root()

    outcome = promote(going, "staging", Keys(gate=Interrupted(renew), ledger=key_of("ledger")))
    assert outcome.line == digest_of(signed.lines()[0])
    assert outcome.evaluation is not None
    assert outcome.evaluation.request["now_unix"] == signed.now
    assert signed.verify().root_version == 2


@pytest.mark.attack("A88")
def test_what_changes_nothing_is_decided_again_and_allowed(signed: Project) -> None:
    outcome = promote_while(signed, signed.next_root)
    assert outcome.line == digest_of(signed.lines()[0])
    assert signed.verify().root_version == 2


@pytest.mark.attack("A88")
def test_a_ledger_that_never_stands_still(signed: Project) -> None:
    def more() -> None:
        signed.attest("boundary", "functional", raw_log={"digest": digest_of(str(signed.ledger().size).encode())})
        signed.record()

    with pytest.raises(BspecError, match="kept moving") as raised:
        promote_while(signed, more, more, more, more)
    assert raised.value.code == "promotion.moved"
    assert not signed.lock.exists()
    signed.allowed()


@pytest.mark.attack("A90")
def test_old_approvals_are_void_when_the_same_binding_comes_back(staged: Project) -> None:
    """Promoted, replaced by another version, and promoted again: the base is a line, not a binding."""
    first = staged.intent.read_text(encoding="utf-8")
    binding = staged.binding_digest()
    staged.now += HOUR
    staged.change_intent(("version: 1.0.0", "version: 1.0.1"), ("list_invoices, get_invoice", "get_invoice"))
    staged.resolve()
    staged.submit()
    staged.attest_all()
    staged.sign_all("staging", "environment-admin")
    staged.allowed()
    staged.now += HOUR
    staged.write_intent(first)
    staged.resolve()
    assert staged.binding_digest() == binding
    found = staged.denied(code=ExitCode.DENIED)
    assert found == [
        "floor.no-independent-approval",
        "floor.no-request",
        "global.baseline.expansion_bumps_version",
        "promotion.all.approvals",
        "promotion.all.non_author_approval",
        "promotion.all.requested",
    ]


def test_a_foreign_kind_in_the_ledger_is_no_record(signed: Project) -> None:
    """The ledger's key alone makes no record: what an entry holds is verified again."""
    line = {"environment": "staging", "reason": "", "expires": format_time(signed.now + DAY)}
    own: Any = {**line, "base": "genesis", "source": "none"}
    signed.append(("request", signed.forge("request", own, by="mallory")))
    invented: Any = {"kind": "promotion", "approvals": [], "request": NOBODY}
    signed.append(("promotion", signed.forge("promotion", invented, by="mallory")))
    rejected = signed.session().history.rejected
    assert [(r.type, r.code) for r in rejected] == [
        ("request", "trust.unknown-key"),
        ("promotion", "trust.bad-predicate"),
    ]
    assert AGENT in signed.intent.read_text(encoding="utf-8")
    assert hex_of(Digest(NOBODY))
