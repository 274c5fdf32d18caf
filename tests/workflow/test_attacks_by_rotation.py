"""What a new version of the trust root must not undo: restrictions outlive the key that signed them."""

from __future__ import annotations

import base64
import shutil
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from project import AGENT, DAY, HOUR, RUNS, reasons_of
from publishers import SHIPPED, key, sign
from world import key_of

from bspec_opa.foundation.digest import digest_of
from bspec_opa.foundation.errors import ExitCode
from bspec_opa.report.audit.pack import pages
from bspec_opa.workflow.audit.moment import audit_at
from bspec_opa.workflow.audit.packing import write_pack
from bspec_opa.workflow.checkout.signing import Maker
from bspec_opa.workflow.completing import complete_lock
from bspec_opa.workflow.evaluate import decide, situation_of
from bspec_opa.workflow.facts.reading import read_history
from bspec_opa.workflow.promote import _line

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from project import Project


def add_key(payload: Any, name: str, purpose: str = "record") -> str:
    new = key_of(name).public
    public = base64.b64encode(new.spki).decode()
    payload["keys"].append({"id": new.keyid, "alg": "ed25519", "public": public, "purpose": purpose})
    return new.keyid


def new_key_for(who: str, *, revoke: bool = False) -> Callable[[Any], None]:
    """The next root replaces somebody's key, and revokes the old one only where that is asked for."""

    def change(payload: Any) -> None:
        old, new = key_of(who).keyid, add_key(payload, f"{who}-new")
        payload["keys"] = [k for k in payload["keys"] if k["id"] != old]
        for principal in payload["principals"]:
            principal["keys"] = [new if k == old else k for k in principal["keys"]]
        if revoke:
            payload["revoked"].append({"kind": "key", "id": old, "reason": "stolen"})

    return change


def with_tom(change: Callable[[Any], None]) -> Callable[[Any], None]:
    """Another one in security, so that an approval of theirs is there without sam's."""

    def both(payload: Any) -> None:
        change(payload)
        payload["principals"].append({"id": "tom", "group": "team:security", "keys": [add_key(payload, "tom")]})
        payload["grants"].append({"principal": "tom", "role": "security", "agents": ["*"], "environments": ["*"]})

    return both


def rejected(project: Project, change: Callable[[Any], None], *, lifted: bool = False) -> None:
    """sam rejects, and maybe approves after all; then a new root; then everybody else approves."""
    project.now += 3 * DAY
    project.approve("security", "production", by="sam", reject=True, reason="no")
    project.record()
    project.now += HOUR
    if lifted:
        project.approve("security", "production", by="sam")
        project.record()
        project.now += HOUR
    project.next_root(with_tom(change))
    project.now += HOUR
    project.sign_all("production", "environment-admin", "risk-owner")
    project.approve("security", "production", by="tom")


@pytest.mark.attack("A83")
def test_a_reject_outlives_its_key(staged: Project) -> None:
    """And the same person lifts it with the new one."""
    rejected(staged, new_key_for("sam"))
    found = staged.denied("production", "trust.unknown-key", code=ExitCode.DENIED)
    assert {"floor.open-reject", "promotion.all.no_reject"} <= set(found)
    staged.now += HOUR
    staged.approve("security", "production", by="sam-new")
    staged.allowed("production")
    assert [v.current for v in staged.verify().lines] == [True, True]


@pytest.mark.attack("A83")
def test_a_reject_of_a_revoked_key_is_void(staged: Project) -> None:
    rejected(staged, new_key_for("sam", revoke=True))
    staged.allowed("production")
    staged.verify()


def test_a_reject_that_was_lifted_stays_lifted(staged: Project) -> None:
    rejected(staged, new_key_for("sam"), lifted=True)
    staged.allowed("production")
    staged.verify()


def test_a_retired_key_rejects_nothing_new(staged: Project) -> None:
    """Whoever lost the key can't stop anything by naming the root that still had it."""
    staged.now += 3 * DAY
    late = staged.approve("security", "production", by="sam", reject=True, reason="no")
    staged.next_root(new_key_for("sam"))
    staged.append(("approval", late.record.envelope))
    history = staged.session().history
    assert [r.code for r in history.rejected] == ["trust.unknown-key"]
    assert late.record.id not in {r.record.id for r in history.records}


@pytest.mark.attack("A42")
def test_a_failing_run_outlives_its_key(staged: Project) -> None:
    staged.now += 3 * DAY
    failing = staged.attest(
        "boundary", "red-team", environment="production", failed=200, raw_log={"digest": digest_of(b"x")}
    )
    staged.record()
    staged.now += HOUR
    passing = {r.record.id for r in staged.session().history.of_type("evidence")} - {failing.record.id}
    staged.next_root(new_key_for("eve"))
    staged.now += HOUR
    for question, method in RUNS:
        staged.attest(question, method, environment="production", by="eve-new")
    staged.sign_all("production", "environment-admin", "security", "risk-owner")
    outcome = staged.promote("production")
    assert outcome.evaluation is not None
    assert "promotion.all.evidence" in reasons_of(outcome.evaluation)
    kept = {r.record.id for r in staged.session().history.of_type("evidence")}
    assert failing.record.id in kept
    assert not passing & kept, "a run without failure is attested again"


def promoted_under_the_first_root(project: Project, roots: int = 1) -> None:
    """Whoever has the gate's and the ledger's key leaves the newest root out of what the decision looks at."""
    session = project.session()
    anchor = replace(session.anchor, roots=session.anchor.roots[:roots])
    history = read_history(session.ledger.entries, anchor.roots, session.agent, project.now)
    inbox = replace(session.inbox, records=(), rejected=())
    session = replace(session, anchor=anchor, history=history, inbox=inbox)
    situation = situation_of(session, session.environment("production"), with_inbox=False)
    evaluation = decide(session, situation)
    assert evaluation.decision.allowed, reasons_of(evaluation)
    line = _line(session, situation, evaluation, Maker(anchor, session.agent, project.now), project.keys)
    project.append(("promotion", line.envelope))
    complete_lock(project.lock, project.session().history)


@pytest.mark.attack("A76")
@pytest.mark.parametrize("who", ["alice", "eve", "sam", "pat"])
def test_a_line_that_counts_what_was_revoked_before_it(ready: Project, who: str) -> None:
    """Naming the root before the revocation does not bring a submit, a run, an approval or a request back."""
    ready.record()
    ready.now += HOUR
    ready.next_root(lambda r: r["revoked"].append({"kind": "key", "id": key_of(who).keyid, "reason": "stolen"}))
    ready.now += HOUR
    promoted_under_the_first_root(ready)
    ready.now += HOUR
    with ready.refused("trust.revoked", ExitCode.TRUST, "is revoked by trust root version 2"):
        ready.verify()
    with ready.refused("trust.revoked", ExitCode.TRUST):
        ready.promote("production")


def test_a_line_under_a_root_that_was_being_replaced(ready: Project) -> None:
    """A root takes its time to be everywhere: what neither root revokes counts."""
    ready.record()
    ready.now += HOUR
    ready.next_root()
    ready.now += HOUR
    promoted_under_the_first_root(ready)
    assert [v.current for v in ready.verify().lines] == [True, True]
    assert ready.promote("production").evaluation is None


def test_what_is_revoked_later_was_counted_rightly(live: Project) -> None:
    live.now += HOUR
    live.next_root(lambda r: r["revoked"].append({"kind": "key", "id": key_of("sam").keyid, "reason": "stolen"}))
    assert [v.current for v in live.verify().lines] == [True, True]


def signed_bundle_of(project: Project, sequence: int) -> None:
    """The next root lists no bundle for production any more and names a publisher; the project uses a bundle of its."""

    def change(payload: Any) -> None:
        public = key().public
        shown = {"id": public.id, "alg": public.algorithm, "public": base64.b64encode(public.spki).decode()}
        named = {"name": "security", "key": shown, "scope": "", "minimum_sequence": 1, "max_age_s": 0}
        (policy,) = (p for p in payload["policies"] if p["environment"] == "production")
        policy.update(bundles=[], publishers=[named])

    project.next_root(change)
    path = project.root / "signed.tar.gz"
    path.write_bytes(sign(SHIPPED.read_bytes(), sequence=sequence, at=project.now))
    project.flags["bundle.path"] = str(path)
    project.now += HOUR


def revoked_publisher(payload: Any) -> None:
    payload["revoked"].append({"kind": "key", "id": key().public.fingerprint, "reason": "stolen"})


@pytest.mark.attack("A76")
def test_a_line_on_a_bundle_whose_publisher_was_revoked_before_it(ready: Project) -> None:
    ready.record()
    ready.now += HOUR
    signed_bundle_of(ready, 1)
    ready.next_root(revoked_publisher)
    ready.now += HOUR
    with ready.refused("bundle.not-accepted", ExitCode.TRUST):
        ready.promote("production")
    promoted_under_the_first_root(ready, roots=2)
    ready.now += HOUR
    with ready.refused("trust.revoked", ExitCode.TRUST, "version 3 revokes the key that signed its bundle: stolen"):
        ready.verify()


def test_a_publisher_that_is_revoked_later_was_accepted_rightly(ready: Project) -> None:
    signed_bundle_of(ready, 1)
    assert ready.promote("production").line is not None
    ready.now += HOUR
    ready.next_root(revoked_publisher)
    ready.now += HOUR
    assert [v.current for v in ready.verify().lines] == [True, True]


def test_an_audit_says_that_a_publisher_was_revoked_later(ready: Project, tmp_path: Path) -> None:
    signed_bundle_of(ready, 1)
    ready.promote("production")
    ready.now += HOUR
    ready.next_root(revoked_publisher)
    (found,) = audit_at(ready.root, ready.world, "13", agent=AGENT, environment="production").agents
    said = "publisher of bundle signed: its key was revoked by trust root version 3 of 2026-06-04T14:00:00Z: stolen"
    assert found.line is not None
    assert (found.state, found.line.said_since) == ("authorised", (said,))
    packed = write_pack(tmp_path / "pack", ready.root, ready.world, pages)
    assert [p.line.said_since for p in packed.agents[0].lines] == [(), (said,)]


@pytest.mark.attack("A16")
def test_a_line_on_a_bundle_of_a_publisher_whose_key_was_in_other_hands(ready: Project) -> None:
    signed_bundle_of(ready, 1)
    ready.record()
    size = ready.ledger().size
    assert ready.promote("production").line is not None
    ready.now += HOUR

    def stolen(mode: str, at: int, payload: Any) -> None:
        revoked_publisher(payload)
        head = {"tree_size": at, "root_hash": ready.ledger().root_at(at)}
        payload["revoked"][0] |= {"mode": mode, "last_good": head}

    for mode, at in (("compromised", size + 1), ("retired", size)):
        path = ready.next_root(partial(stolen, mode, at))
        assert [v.current for v in ready.verify().lines] == [True, True]
        path.unlink()
        shutil.rmtree(ready.base / "state")
    ready.next_root(partial(stolen, "compromised", size))
    with ready.refused("trust.revoked", ExitCode.TRUST, "revokes the key that signed its bundle: stolen"):
        ready.verify()


@pytest.mark.attack("A76")
def test_a_line_on_a_bundle_that_no_publisher_signed(ready: Project) -> None:
    """The gate's key alone can't make a bundle acceptable: the listed one isn't any more under the line's root."""
    ready.record()
    ready.now += HOUR
    path = ready.flags.get("bundle.path")
    signed_bundle_of(ready, 1)
    session = ready.session()
    ready.flags["bundle.path"] = path
    unsigned = ready.session().policy
    anchor = replace(session.anchor)
    situation = situation_of(session, session.environment("production"), with_inbox=False)
    evaluation = replace(decide(session, situation), bundle=unsigned.ref)
    engines = tuple(replace(e, bundle_digest=unsigned.ref.digest) for e in evaluation.engines)
    evaluation = replace(evaluation, engines=engines)
    line = _line(
        replace(session, policy=unsigned), situation, evaluation, Maker(anchor, session.agent, ready.now), ready.keys
    )
    ready.append(("promotion", line.envelope))
    complete_lock(ready.lock, ready.session().history)
    ready.now += HOUR
    with ready.refused("verify.replay-differs", ExitCode.TRUST, "not accepted: the bundle carries no signature"):
        ready.verify()
