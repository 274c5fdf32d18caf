"""Revocations from a place in the ledger on: what counted before keeps counting, nothing after it does."""

from __future__ import annotations

import base64
import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from project import DAY, HOUR
from world import key_of, refused

from bspec_opa.foundation.errors import ExitCode
from bspec_opa.foundation.times import format_time
from bspec_opa.ledger.checkpoint import sign_checkpoint
from bspec_opa.ledger.merkle import root_of
from bspec_opa.lock.line import parse_line
from bspec_opa.workflow.doctor import examine
from bspec_opa.workflow.facts.lines import lock_of
from bspec_opa.workflow.recorded.decisions import find_decision

if TYPE_CHECKING:
    from pathlib import Path

    from project import Project

ORIGIN = "billing.example/bspec"


def place(project: Project, size: int | None = None) -> dict[str, Any]:
    ledger = project.ledger()
    at = ledger.size if size is None else size
    return {"tree_size": at, "root_hash": ledger.root_at(at)}


def entry_of(name: str, purpose: str) -> dict[str, Any]:
    key = key_of(name)
    return {
        "id": key.keyid,
        "alg": "ed25519",
        "public": base64.b64encode(key.public.spki).decode(),
        "purpose": purpose,
    }


def revoke(
    project: Project,
    name: str,
    mode: str,
    last_good: dict[str, Any],
    successor: str = "",
    **more: Any,
) -> Path:
    """One more version of the root; the successor's key stands beside the revoked one."""

    def change(payload: Any) -> None:
        identifier = key_of(name).keyid if "kind" not in more else name
        item = {"kind": "key", "id": identifier, "reason": "x", "mode": mode, "last_good": last_good} | more
        payload["revoked"].append(item)
        if not successor:
            return
        old = next(k for k in payload["keys"] if k["id"] == key_of(name).keyid)
        payload["keys"].append(entry_of(successor, old["purpose"]))
        for holder in (payload["ledger"], *payload["principals"]):
            if old["id"] in holder["keys"]:
                holder["keys"].append(key_of(successor).keyid)

    project.now += HOUR
    return project.next_root(change)


def test_a_retired_gate_key_keeps_its_past_and_has_no_future(ready: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    revoke(ready, "gate", "retired", place(ready), "gate-2")
    assert [v.environment for v in ready.verify().lines] == ["staging"]
    with refused("trust.revoked") as e:
        ready.promote("production")
    assert "retired, from ledger entry" in str(e.value)
    gate = key_of("gate-2")
    monkeypatch.setattr(type(ready), "keys", property(lambda _: _keys(gate, key_of("ledger"))))
    ready.allowed("production")
    assert [v.current for v in ready.verify().lines] == [True, True]


def _keys(gate: Any, ledger: Any) -> Any:
    from bspec_opa.workflow.promote import Keys

    return Keys(gate=gate, ledger=ledger)


@pytest.mark.attack("A16")
@pytest.mark.parametrize("mode", ["retired", "compromised"])
def test_the_boundary_is_exact(live: Project, mode: str) -> None:
    """The key counts for the entry below the place and not for the entry at it."""
    line = next(e for e in reversed(live.ledger().entries) if e.kind == "promotion")
    path = revoke(live, "gate", mode, place(live, line.seq + 1))
    assert [v.environment for v in live.verify().lines] == ["staging", "production"]
    path.unlink()
    shutil.rmtree(live.base / "state")
    revoke(live, "gate", mode, place(live, line.seq))
    with live.refused("trust.revoked", ExitCode.TRUST, f"{mode}, from ledger entry {line.seq} on"):
        live.verify()
    assert live.session().history.head("staging") is not None
    assert live.session().history.head("production") is None


@pytest.mark.attack("A16")
def test_evidence_of_a_retired_evaluator_counts_as_long_as_it_was_recorded_before(resolved: Project) -> None:
    resolved.submit()
    resolved.attest_all()
    resolved.record()
    revoke(resolved, "eve", "retired", place(resolved))
    assert resolved.evaluate().rejected == ()
    resolved.sign_all("staging", "environment-admin")
    resolved.allowed()
    assert resolved.verify().lines


@pytest.mark.attack("A16")
def test_evidence_of_a_retired_evaluator_in_the_inbox_does_not_count(resolved: Project) -> None:
    resolved.submit()
    resolved.record()
    resolved.attest_all()
    revoke(resolved, "eve", "retired", place(resolved))
    resolved.sign_all("staging", "environment-admin")
    assert "promotion.all.evidence" in resolved.denied("staging", *["trust.revoked"])


@pytest.mark.attack("A16")
def test_what_was_decided_on_a_stolen_evaluator_key_is_void(staged: Project) -> None:
    """And the lines below the place stand, and it can be promoted again on evidence that counts."""
    first = next(e.seq for e in staged.ledger().entries if e.kind == "evidence")
    revoke(staged, "eve", "compromised", place(staged, first), "eve-2")
    why = f"rests on the record of ledger entry {first}"
    with staged.refused("trust.revoked", ExitCode.TRUST, why):
        staged.verify()
    assert staged.session().history.head("staging") is None
    staged.lock.unlink()
    assert "promotion.all.evidence" in staged.denied("staging", "history.spent", "trust.revoked")
    for question, method in (("boundary", "functional"), ("privilege", "functional"), ("constraint", "functional")):
        staged.attest(question, method, by="eve-2")
    staged.sign_all("staging", "environment-admin")
    staged.allowed()
    assert [v.current for v in staged.verify().lines] == [True]


@pytest.mark.attack("A16")
def test_a_stolen_key_that_was_not_used_since_its_last_good_place_voids_nothing(staged: Project) -> None:
    revoke(staged, "eve", "compromised", place(staged))
    assert [v.current for v in staged.verify().lines] == [True]


@pytest.mark.attack("A16")
def test_what_rests_on_a_void_line_is_void_too(live: Project) -> None:
    """Production was promoted from staging, whose line was signed with a stolen key of another gate."""
    line = next(e for e in live.ledger().entries if e.kind == "promotion")
    void = {"kind": "record", "id": line.record_id}
    revoke(live, line.record_id, "compromised", place(live, line.seq), **void)
    assert live.session().history.head("production") is None
    reasons = [(r.code, r.message) for r in live.session().history.rejected if r.type == "promotion"]
    assert [code for code, _ in reasons] == ["trust.revoked", "trust.revoked"]
    assert "rests on the source line" in reasons[1][1]


def test_a_revocation_without_a_place_means_what_it_meant(live: Project) -> None:
    live.now += HOUR
    item = {"kind": "key", "id": key_of("eve").keyid, "reason": "x"}
    live.next_root(lambda p: p["revoked"].append(item))
    assert [v.current for v in live.verify().lines] == [True, True]


@pytest.mark.attack("A53")
@pytest.mark.attack("A78")
def test_a_ledger_must_begin_with_the_tree_that_the_root_names(staged: Project) -> None:
    """Even where nothing is remembered: older, replaced and missing ledgers are told from the genuine one."""
    head = place(staged)
    revoke(staged, "alice-2", "retired", head)
    staged.verify()
    shutil.rmtree(staged.base / "state")
    for damage, code in ((older, "ledger.rolled-back"), (replaced, "ledger.forked"), (removed, "ledger.rolled-back")):
        kept = staged.base / "kept"
        shutil.copytree(staged.state / "ledger", kept)
        damage(staged)
        for act in (staged.verify, staged.evaluate, staged.promote):
            with staged.refused(code, ExitCode.TRUST):
                act()
        shutil.rmtree(staged.state / "ledger", ignore_errors=True)
        kept.rename(staged.state / "ledger")
    staged.verify()


def rewritten(project: Project, lines: list[bytes], by: str = "ledger") -> None:
    from bspec_opa.ledger.merkle import leaf_hash

    (project.state / "ledger" / "log.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
    note = sign_checkpoint(ORIGIN, len(lines), root_of([leaf_hash(line) for line in lines]), key_of(by))
    (project.state / "ledger" / "checkpoint").write_bytes(note.to_bytes())


def lines_of(project: Project) -> list[bytes]:
    return (project.state / "ledger" / "log.jsonl").read_bytes().splitlines()


def older(project: Project) -> None:
    rewritten(project, lines_of(project)[:-1])


def replaced(project: Project) -> None:
    from bspec_opa.foundation.canonical import canonical_bytes

    *before, last = lines_of(project)
    entry = json.loads(last) | {"at": "2026-06-05T00:00:00Z"}
    project.now = max(project.now, 1_781_000_000)
    rewritten(project, [*before, canonical_bytes(entry)])


def removed(project: Project) -> None:
    shutil.rmtree(project.state / "ledger")


def test_a_ledger_key_is_replaced_in_one_version(ready: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old key vouches for the tree at its place, the new one for all that follow."""
    revoke(ready, "ledger", "retired", place(ready), "ledger-2")
    ready.verify()
    with ready.refused("ledger.checkpoint-signature", ExitCode.TRUST):
        ready.promote("production")
    monkeypatch.setattr(type(ready), "keys", property(lambda _: _keys(key_of("gate"), key_of("ledger-2"))))
    assert ready.promote("production").line is not None
    assert [v.current for v in ready.verify().lines] == [True, True]


@pytest.mark.attack("A53")
def test_a_retired_ledger_key_signs_no_later_tree(ready: Project) -> None:
    head = place(ready)
    ready.record()
    assert ready.ledger().size > head["tree_size"]
    revoke(ready, "ledger", "retired", head, "ledger-2")
    for act in (ready.verify, ready.promote):
        with ready.refused("ledger.checkpoint-signature", ExitCode.TRUST):
            act()


@pytest.mark.attack("A53")
def test_after_a_stolen_ledger_key_the_ledger_goes_on_from_its_last_good_tree(
    ready: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was seen beyond that place was the thief's, so the genuine ledger is no rollback."""
    head = place(ready)
    good = shutil.copytree(ready.state / "ledger", ready.base / "good")
    ready.record()
    ready.verify()
    revoke(ready, "ledger", "compromised", head, "ledger-2")
    with ready.refused("ledger.checkpoint-signature", ExitCode.TRUST):
        ready.verify()
    shutil.copy(good / "checkpoint", ready.state / "ledger" / "checkpoint")
    with ready.refused("ledger.uncheckpointed-tail", ExitCode.TRUST):
        ready.verify()
    examine(ready.root, ready.world, repair=True)
    assert lines_of(ready) == (good / "log.jsonl").read_bytes().splitlines()
    ready.verify()
    monkeypatch.setattr(type(ready), "keys", property(lambda _: _keys(key_of("gate"), key_of("ledger-2"))))
    assert ready.promote("production").line is not None
    ready.verify()
    shutil.rmtree(ready.state / "ledger")
    shutil.copytree(good, ready.state / "ledger")
    with ready.refused("ledger.rolled-back", ExitCode.TRUST):
        ready.verify()


@pytest.mark.attack("A18")
def test_a_fork_below_the_newest_version_is_seen(staged: Project) -> None:
    """Two versions 2 were signed; whoever saw one of them refuses every chain that has the other one in it."""
    staged.now += HOUR
    staged.next_root()
    staged.verify()
    (staged.state / "trust" / "2.root.json").unlink()
    staged.next_root(lambda p: p.update(expires="2026-12-31T00:00:00Z"))
    staged.next_root()
    for act in (staged.verify, staged.promote, staged.evaluate):
        with staged.refused("ledger.root-rolled-back", ExitCode.TRUST, "version 2 is another"):
            act()


# A line that is revoked by its name


def line_entries(project: Project) -> list[Any]:
    return [e for e in project.ledger().entries if e.kind in {"promotion", "rollback"}]


def strike(project: Project, number: int, mode: str) -> None:
    """The next root revokes the line of this number by its name: by default from the ledger's present end on."""
    entry = line_entries(project)[number - 1]
    if mode:
        revoke(project, entry.record_id, mode, place(project), kind="record")
        return
    project.now += HOUR
    project.next_root(lambda p: p["revoked"].append({"kind": "record", "id": entry.record_id, "reason": "x"}))


@pytest.mark.attack("A16")
@pytest.mark.parametrize("mode", ["retired", ""])
def test_lines_after_a_revoked_one_stand_on_their_own(replaced: Project, mode: str) -> None:
    """Production's first line is revoked after its second: it is marked, and is nothing to go back to."""
    strike(replaced, 2, mode)
    verified = replaced.verify()
    assert [bool(v.withdrawn) for v in verified.lines] == [False, True, False, False]
    assert verified.lines[1].withdrawn is not None
    assert verified.lines[1].withdrawn.said.startswith("revoked by trust root version 2 of ")
    with replaced.refused("rollback.line-does-not-count", ExitCode.TRUST, "revoked by trust root version 2"):
        replaced.rollback("entry:13")
    session = replaced.session()
    assert len(lock_of(session.history)) == 4
    assert find_decision("entry:13", session.ledger, session.anchor.roots, replaced.now).entry == 13


@pytest.mark.parametrize("mode", ["retired", ""])
def test_a_revoked_current_line_in_the_middle_is_replaced_and_not_deployed(grown: Project, mode: str) -> None:
    """Staging went on; production's only line is revoked, and what comes next is compared with it."""
    strike(grown, 2, mode)
    with grown.refused("verify.revoked", ExitCode.TRUST, "revoked by trust root version 2"):
        grown.verify()
    grown.now += 3 * DAY
    grown.sign_all("production", "environment-admin", "security", "risk-owner")
    grown.allowed("production")
    assert [(v.current, bool(v.withdrawn)) for v in grown.verify().lines] == [
        (False, False),
        (False, True),
        (True, False),
        (True, False),
    ]
    base = parse_line(grown.lines()[1] + b"\n", "lock").digest
    assert parse_line(grown.lines()[3] + b"\n", "lock").base == base


def test_nothing_is_promoted_from_a_line_that_the_root_revokes(ready: Project) -> None:
    """Retired, it stays what staging's next line is compared with; as a source it is gone."""
    strike(ready, 1, "retired")
    with ready.refused("verify.revoked", ExitCode.TRUST):
        ready.verify()
    assert "floor.no-source" in ready.denied("production", code=ExitCode.DENIED)
    assert ready.session().history.head("staging") is not None
    ready.sign_all("staging", "environment-admin")
    assert ready.allowed().evaluation is not None
    assert [v.current for v in ready.verify().lines] == [False, True]


@pytest.mark.attack("A16")
@pytest.mark.attack("A76")
@pytest.mark.parametrize("mode", ["retired", ""])
def test_a_stolen_gate_key_cannot_carry_on_a_line_that_the_root_revokes(live: Project, mode: str) -> None:
    """Staging's line was revoked a minute before; the gate's says that it was decided under the root of before that.

    Where staging's line had never counted, production's goes on from what is not in the lock, besides.
    """
    item = {"kind": "record", "id": line_entries(live)[0].record_id, "reason": "x"}
    late = {"mode": mode, "last_good": place(live, 9)} if mode else {}
    live.next_root(lambda p: p["revoked"].append(item | late) or p.update(issued=format_time(live.now - 60)))
    with live.refused(
        "trust.revoked", ExitCode.TRUST, {"": "goes on from a line", "retired": "was decided on the line"}[mode]
    ):
        live.verify()


@pytest.mark.attack("A16")
def test_what_goes_on_from_a_compromised_line_falls_with_it(replaced: Project) -> None:
    """Wherever the last good place is, a lock can't go on from what is not in it; the rest is promoted anew."""
    strike(replaced, 2, "compromised")
    history = replaced.session().history
    assert [h.seq for h in (*history.lines("staging"), *history.lines("production"))] == [8]
    with replaced.refused("trust.revoked", ExitCode.TRUST):
        replaced.verify()
