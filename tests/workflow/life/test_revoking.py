"""Revocations by a record of the ledger: from their entry on nothing rests on what they name, and what was before stays."""

from __future__ import annotations

import base64
import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from project import AGENT, HOUR, reasons_of, record_id
from world import key_of, refused

from bspec_opa.foundation.digest import digest_of
from bspec_opa.foundation.errors import BspecError, ExitCode
from bspec_opa.report.record.view import view_text
from bspec_opa.trust.statement import Subject, record_statement
from bspec_opa.workflow.doctor import examine
from bspec_opa.workflow.evaluate import delegates, situation_of
from bspec_opa.workflow.facts.ending import line_revoked
from bspec_opa.workflow.life.recording import open_authentic
from bspec_opa.workflow.life.revoking import find_target, revoke
from bspec_opa.workflow.promote import promote

if TYPE_CHECKING:
    from project import Project

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.ledger.entry import Entry
    from bspec_opa.workflow.life.revoking import Revoked


def revoked(
    project: Project,
    what: str,
    mode: str = "retired",
    *,
    by: str = "pat",
    reason: str = "in error",
    record: bool = True,
) -> Revoked:
    opened = open_authentic(project.root, project.world)
    keys = (key_of(by), key_of("ledger") if record else None)
    return revoke(opened, find_target(opened, what), mode, reason, keys)


def entry(project: Project, kind: str, number: int = -1) -> Entry:
    return [e for e in project.ledger().entries if e.kind == kind][number]


def run(project: Project) -> Entry:
    """The functional run about boundaries."""
    runs = [e for e in project.ledger().entries if e.kind == "evidence"]
    said: list[Any] = [json.loads(base64.b64decode(str(e.body["payload"])))["predicate"] for e in runs]
    return next(
        e for e, p in zip(runs, said, strict=True) if (p["question"], p["method"]) == ("boundary", "functional")
    )


def line(project: Project, number: int = -1) -> str:
    return digest_of(project.lines()[number])


def test_a_revoked_line_is_not_to_be_deployed_and_stays_what_comes_next_is_compared_with(live: Project) -> None:
    before = live.verify().lines
    deployed = live.base / "deployed.json"
    deployed.write_text(json.dumps(live.deployed()), encoding="utf-8")
    live.verify(deployed, "production")
    live.now += HOUR
    done = revoked(live, line(live))
    assert (done.target.type, done.target.environment, done.put.entry) == ("promotion", "production", 14)
    said = "was revoked at ledger entry 14 of 2026-06-04T13:00:00Z by pat: in error"
    for arguments in ((), (deployed, "production")):
        with live.refused("verify.revoked", ExitCode.TRUST, f"the current line of production {said}"):
            live.verify(*arguments)
    staging = live.base / "staging.json"
    staging.write_text(json.dumps(live.deployed(0)), encoding="utf-8")
    found = live.verify(staging, "staging").lines
    assert [(v.current, v.withdrawn is not None) for v in found] == [(True, False), (True, True)]
    assert [(v.digest, v.rules) for v in found] == [(v.digest, v.rules) for v in before]
    history = live.session().history
    head = history.head("production")
    assert head is not None
    assert (head.line, history.standing("production")) == (line(live), None)
    assert line_revoked(history, head.line) is head.revoked is not None
    assert line_revoked(history, digest_of(live.lines()[0])) is None


def test_what_was_revoked_is_promoted_again_on_new_approvals_and_compared_with_it(live: Project) -> None:
    """The approvals of then named another base; the runs still count."""
    live.now += HOUR
    revoked(live, line(live))
    assert "promotion.all.approvals" in live.denied("production")
    notes = live.evaluate("production").notes
    assert any(n.startswith("the current line of production was revoked at ledger entry 14") for n in notes)
    live.sign_all("production", "environment-admin", "security")
    outcome = live.allowed("production")
    assert outcome.evaluation is not None
    predicate: Any = json.loads(base64.b64decode(json.loads(live.lines()[-1])["payload"]))["predicate"]
    assert (predicate["base"], predicate["change"]["verdict"]) == (digest_of(live.lines()[1]), "cosmetic")
    assert [(v.current, v.withdrawn is not None) for v in live.verify().lines] == [
        (True, False),
        (False, True),
        (True, False),
    ]


@pytest.mark.attack("A90")
def test_nothing_is_promoted_from_a_source_whose_line_is_revoked(ready: Project) -> None:
    """Production's approvals are void: they name a source that is none any more."""
    ready.record()
    revoked(ready, line(ready))
    reasons = ready.denied("production", code=ExitCode.DENIED)
    assert {"floor.no-source", "promotion.all.predecessor_identical"} <= set(reasons)
    notes = ready.evaluate("production").notes
    assert any(n.startswith("staging: its current line was revoked") and "promote to staging again" in n for n in notes)
    with pytest.raises(BspecError, match="its current line was revoked"):
        ready.request("production")
    ready.sign_all("staging", "environment-admin")
    ready.allowed("staging")
    assert {"promotion.all.approvals", "promotion.all.soak"} <= set(ready.denied("production"))


@pytest.mark.attack("A16")
@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        ("approval", "promotion.all.approvals"),
        ("evidence", "promotion.all.evidence"),
        ("request", "promotion.all.requested"),
        ("submit", "promotion.all.submitted"),
    ],
)
def test_a_revoked_record_counts_no_more(signed: Project, kind: str, rule: str) -> None:
    signed.record()
    revoked(signed, (run(signed) if kind == "evidence" else entry(signed, kind)).record_id)
    assert rule in signed.denied("staging", "record.revoked")
    rejected = signed.session().history.rejected
    assert [r.message for r in rejected] == ["it is revoked at ledger entry 8 of 2026-06-01T12:00:00Z by pat: in error"]
    assert rule in [r.id for r in signed.evaluate().decision.rules if r.denied]
    if kind == "submit":
        authors: Any = signed.evaluate().request["authors"]
        assert authors == ["alice"]


@pytest.mark.attack("A16")
def test_what_was_decided_on_it_before_stays_and_replays(staged: Project) -> None:
    revoked(staged, f"entry:{run(staged).seq}")
    assert [(v.current, v.withdrawn) for v in staged.verify().lines] == [(True, None)]
    assert staged.session().history.standing("staging") is not None


@pytest.mark.attack("A16")
def test_what_rests_on_a_compromised_record_is_void_from_its_own_place_on(live: Project) -> None:
    made_up = run(live)
    revoked(live, made_up.record_id, "compromised", reason="made up")
    why = f"rests on the record of ledger entry {made_up.seq}, which is revoked as compromised at ledger entry 14"
    with live.refused("trust.revoked", ExitCode.TRUST, why):
        live.verify()
    history = live.session().history
    assert (history.head("staging"), history.head("production")) == (None, None)
    live.lock.unlink()
    assert "promotion.all.evidence" in live.denied("staging", "history.spent", "record.revoked", "trust.revoked")


@pytest.mark.attack("A16")
def test_a_compromised_line_never_was_and_what_stands_on_it_falls(live: Project) -> None:
    revoked(live, line(live, 0), "compromised")
    history = live.session().history
    assert (history.head("staging"), history.head("production")) == (None, None)
    reasons = [(r.code, r.message) for r in history.rejected if r.type == "promotion"]
    assert [code for code, _ in reasons] == ["record.revoked", "trust.revoked"]
    assert "rests on the source line" in reasons[1][1] or "rests on the previous line" in reasons[1][1]


@pytest.mark.soak
def test_a_line_that_was_retired_can_still_be_called_compromised_and_nothing_else(live: Project) -> None:
    revoked(live, line(live))
    with refused("revoke.already") as e:
        revoked(live, line(live))
    assert "was revoked at ledger entry 14" in str(e.value)
    revoked(live, line(live), "compromised")
    assert live.session().history.head("production") is None
    with refused("revoke.already"):
        revoked(live, line(live), "compromised")


@pytest.mark.attack("A88")
def test_a_revocation_while_a_promotion_is_decided_means_deciding_again(
    signed: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The approval is revoked after the decision, and before the line is appended."""
    from bspec_opa.workflow import promote as promoting

    signed.record()
    approval = entry(signed, "approval").record_id
    append, tries = promoting._append, []

    def interrupted(session: Any, record: Any, keys: Any) -> int:
        tries.append(record.type)
        if len(tries) == 1:
            revoked(signed, approval)
        return append(session, record, keys)

    monkeypatch.setattr(promoting, "_append", interrupted)
    outcome = promote(signed.session(), "staging", signed.keys)
    assert outcome.line is None
    assert tries == ["promotion", "denial"]
    assert [e.kind for e in signed.ledger().entries][-2:] == ["revocation", "denial"]


@pytest.mark.attack("A83")
def test_what_restricts_cannot_be_revoked(signed: Project) -> None:
    """Otherwise a revoker could lift a reject, or pick the run that passed."""
    failed = signed.attest("boundary", "functional", failed=200)
    reject = signed.approve("security", reject=True)
    signed.record()
    for record in (failed.record, reject.record):
        with refused("revoke.not-revocable") as e:
            revoked(signed, record.id)
        assert f"bspec-opa trust revoke {record.id}" in str(e.value)
        own: JsonObject = {"environment": "staging", "type": record.type, "mode": "retired", "reason": "x"}
        signed.append(("revocation", signed.forge("revocation", own, by="pat", subjects={"record": record.id})))
    history = signed.session().history
    assert {r.record.id for r in history.records} >= {failed.record.id, reject.record.id}
    assert [r.code for r in history.rejected] == ["revoke.not-revocable", "revoke.not-revocable"]
    assert "floor.open-reject" in signed.denied("staging", "revoke.not-revocable", code=ExitCode.DENIED)


@pytest.mark.soak
def test_a_revoked_approval_does_not_bring_back_the_one_it_replaced(signed: Project) -> None:
    signed.now += HOUR
    second = signed.approve("environment-admin")
    signed.record()
    revoked(signed, second.record.id)
    assert signed.session().history.of_type("approval") == ()
    assert "promotion.all.approvals" in signed.denied("staging", "record.revoked")


@pytest.mark.attack("A83")
def test_a_revoked_approval_lifts_no_reject(signed: Project) -> None:
    signed.approve("environment-admin", by="alice", reject=True)
    signed.now += HOUR
    lifting = signed.approve("environment-admin", by="alice")
    signed.record()
    revoked(signed, lifting.record.id)
    assert "floor.open-reject" in signed.denied("staging", "record.revoked", code=ExitCode.DENIED)


@pytest.mark.parametrize(
    ("what", "code", "message"),
    [
        ("sha256:" + "0" * 64, "revoke.no-such-record", "neither the ledger nor the inbox"),
        ("entry:99", "revoke.no-such-record", "neither the ledger nor the inbox"),
        (key_of("eve").keyid[:16], "revoke.is-a-key", "bspec-opa trust revoke " + key_of("eve").keyid[:16]),
        ("entry:14", "revoke.not-revocable", "a revocation can't be revoked"),
    ],
)
def test_what_is_no_target(live: Project, what: str, code: str, message: str) -> None:
    revoked(live, line(live, 0))
    with refused(code) as e:
        revoked(live, what)
    assert message in str(e.value)


@pytest.mark.soak
def test_a_denial_is_no_target(grown: Project) -> None:
    with refused("revoke.not-revocable"):
        revoked(grown, entry(grown, "denial").record_id)


@pytest.mark.attack("A14")
@pytest.mark.parametrize("by", ["alice", "eve", "dana", "sam", "gate", "ledger", "root-1"])
def test_only_a_revoker_revokes(signed: Project, by: str) -> None:
    signed.record()
    before = signed.files()
    with pytest.raises(BspecError) as e:
        revoked(signed, entry(signed, "approval").record_id, by=by)
    assert e.value.code in {"trust.role-not-granted", "trust.wrong-purpose", "trust.unknown-key"}
    assert signed.files() == before


@pytest.mark.attack("A77")
def test_of_another_agent_environment_type_or_domain_it_revokes_nothing(signed: Project) -> None:
    signed.record()
    approval = entry(signed, "approval")
    good: JsonObject = {"environment": "staging", "type": "approval", "mode": "retired", "reason": "x"}
    forged: list[bytes] = [
        signed.forge("revocation", {**good, **changed}, by=by, subjects={"record": approval.record_id}, **common)
        for changed, by, common in (
            ({"environment": "production"}, "pat", {}),
            ({"type": "request"}, "pat", {}),
            ({}, "pat", {"agent": "other-agent"}),
            ({}, "pat", {"domain": "another"}),
            ({}, "dana", {}),
            ({}, "mallory", {}),
        )
    ]
    signed.append(*(("revocation", f) for f in forged))
    history = signed.session().history
    assert [r.record.id for r in history.of_type("approval")] == [approval.record_id]
    assert history.withdrawals.revoked == {}
    assert [r.code for r in history.rejected] == [
        "revoke.not-revocable",
        "revoke.not-revocable",
        "trust.foreign-domain",
        "trust.role-not-granted",
        "trust.unknown-key",
    ]
    signed.allowed()


@pytest.mark.attack("A05")
def test_an_edited_or_replayed_revocation_is_refused(signed: Project) -> None:
    signed.record()
    done = revoked(signed, entry(signed, "approval").record_id, record=False)
    envelope = json.loads(done.put.file.read_bytes())
    statement = json.loads(base64.b64decode(envelope["payload"]))
    statement["predicate"]["mode"] = "compromised"
    payload = record_statement("revocation", [Subject("record", done.target.id)], statement["predicate"]).payload()
    edited = json.dumps(
        envelope | {"payload": base64.b64encode(payload).decode()}, sort_keys=True, separators=(",", ":")
    )
    done.put.file.unlink()
    signed.put("revocation", (edited + "\n").encode())
    assert signed.evaluate().decision.allowed
    assert [r.code for r in signed.session().inbox.rejected] == ["trust.bad-signature"]


@pytest.mark.soak
def test_in_the_inbox_it_is_advice_and_record_puts_it_in_force(signed: Project) -> None:
    signed.record()
    done = revoked(signed, entry(signed, "approval").record_id, record=False)
    assert done.put.entry == -1
    assert "promotion.all.approvals" in [r.id for r in signed.evaluate().decision.rules if r.denied]
    assert signed.session().history.withdrawals.revoked == {}
    assert "promotion.all.approvals" in signed.denied("staging", "record.revoked")
    assert [e.kind for e in signed.ledger().entries][-2:] == ["revocation", "denial"]


@pytest.mark.attack("A14")
@pytest.mark.parametrize("mode", ["retired", "compromised"])
def test_what_waits_in_an_inbox_is_told_and_stops_nobody_who_may_not_stop_it(ready: Project, mode: str) -> None:
    """Whoever holds no role, or only in one environment, puts nothing into an inbox that a decision would mind."""
    done = revoked(ready, line(ready), mode, record=False)
    ready.put("revocation", ready.reforge(done.put.file.read_bytes(), lambda p: p.update(nonce="0" * 32), by="sam"))
    wanted = f"NOT IN FORCE YET: line {line(ready)[:19]}… of staging "
    said = f"{'revoked' if mode == 'retired' else mode}, by pat: in error; record or promote takes it from the inbox"
    for notes in (ready.verify().notes, ready.evaluate("staging").notes):
        (told,) = (n for n in notes if n.startswith("NOT IN FORCE YET"))
        assert told.startswith(wanted + said)
        assert told.endswith("voids what rests on it") == (mode == "compromised")
    assert [(v.current, v.withdrawn) for v in ready.verify().lines] == [(True, None)]
    situation = situation_of(ready.session(), ready.session().environment("staging"), with_inbox=True)
    assert f"note      {told}\n" in view_text(situation, ready.evaluate("staging"))
    (noted,) = (f for f in examine(ready.root, ready.world, repair=False) if "NOT IN FORCE YET" in f.message)
    assert noted.message.endswith(f"behavior.lock: {told}")
    done.put.file.unlink()
    assert not any("IN FORCE" in n for n in (*ready.verify().notes, *ready.evaluate("production").notes))
    assert ready.allowed("production").notes == ()


def test_a_promotion_says_what_it_put_in_force(ready: Project) -> None:
    revoked(ready, line(ready), record=False)
    outcome = ready.promote("production")
    (told,) = outcome.notes
    assert told.startswith(f"IN FORCE FROM NOW ON: line {line(ready)[:19]}… of staging revoked, by pat")
    assert outcome.evaluation is not None
    assert "floor.no-source" in reasons_of(outcome.evaluation)


def test_what_lies_in_the_inbox_can_be_revoked_before_it_is_recorded(signed: Project) -> None:
    approval = record_id(next((signed.inbox / "approval").iterdir()).read_bytes())
    done = revoked(signed, approval)
    assert (done.target.entry, done.put.entry) == (-1, 0)
    assert "promotion.all.approvals" in [r.id for r in signed.evaluate().decision.rules if r.denied]
    assert "promotion.all.approvals" in signed.denied("staging", "record.revoked")


@pytest.mark.attack("A16")
def test_a_revocation_outlives_the_key_and_the_role_of_its_signer(live: Project) -> None:
    revoked(live, line(live))
    live.now += HOUR

    def leave(root: Any) -> None:
        root["grants"] = [g for g in root["grants"] if g["role"] != "revoker"]

    live.next_root(leave)
    assert live.session().history.standing("production") is None
    with live.refused("verify.revoked", ExitCode.TRUST):
        live.verify()


@pytest.mark.attack("A76")
def test_a_stolen_gate_key_cannot_build_on_what_is_revoked(ready: Project) -> None:
    """The line is genuine but for its place: it was decided before the revocation and is appended after it."""
    copy = ready.ledger().size
    ready.record()
    outcome = ready.promote("production")
    forged = ready.lines()[-1] + b"\n"
    assert outcome.line is not None
    entries = ready.ledger().entries
    revocation = ready.forge(
        "revocation",
        {"environment": "staging", "type": "promotion", "mode": "retired", "reason": "x"},
        by="pat",
        subjects={"record": entries[copy - 1].record_id},
    )
    rest = [(e.kind, e.record_bytes()) for e in entries[:-1]]
    shutil.rmtree(ready.state / "ledger")
    shutil.rmtree(ready.base / "state")
    ready.append(*rest, ("revocation", revocation), ("promotion", forged))
    with ready.refused("verify.facts-differ", ExitCode.TRUST):
        ready.verify()


def test_an_agent_may_not_delegate_to_one_whose_line_is_revoked(live: Project) -> None:
    def allowed() -> frozenset[str]:
        session = live.session()
        object.__setattr__(session.loaded.intent.constraints, "delegation", (AGENT,))
        return delegates(session, session.environment("production"))

    assert allowed() == {AGENT}
    revoked(live, line(live))
    assert allowed() == frozenset()


@pytest.mark.attack("A20")
def test_what_is_no_record_is_nothing_to_revoke_and_stops_nobody(signed: Project) -> None:
    """Whoever can append to the ledger may append an approval without anything in it."""
    signed.append(("approval", signed.forge("approval", {}, by="dana")))
    empty = entry(signed, "approval").record_id
    own: JsonObject = {"environment": "staging", "type": "approval", "mode": "retired", "reason": "x"}
    signed.append(("revocation", signed.forge("revocation", own, by="pat", subjects={"record": empty})))
    with refused("trust.bad-predicate"):
        revoked(signed, empty)
    assert [r.code for r in signed.session().history.rejected] == ["trust.bad-predicate", "trust.bad-predicate"]
    signed.allowed()
