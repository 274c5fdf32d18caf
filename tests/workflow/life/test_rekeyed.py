"""Whoever gets a new key, loses a role or forges a line makes nothing forgotten: what restricts outlives them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from project import DAY, RUNS, TRUST, Project, grown, live, ready, reasons_of, record_id, replaced, signed, staged
from waiving import WAIVED_TEXT, WAIVING_TRUST, lift
from world import key_entry, key_of

from bspec_opa.foundation.errors import ExitCode
from bspec_opa.foundation.times import format_time
from bspec_opa.workflow.issue import request
from bspec_opa.workflow.life.recording import open_authentic
from bspec_opa.workflow.life.revoking import find_target, revoke

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from project import Shelf

OLD = "entry:13"
"""The line that ``replaced`` goes back to."""


def revoked(project: Project, what: str, mode: str = "retired") -> None:
    project.now += 60
    opened = open_authentic(project.root, project.world)
    revoke(opened, find_target(opened, what), mode, "in error", (key_of("pat"), key_of("ledger")))
    project.now += 60


def rekeyed(project: Project, who: str, new: str) -> None:
    """A routine: somebody's key is replaced."""

    def change(root: Any) -> None:
        old = key_of(who).keyid
        root["keys"] = [k for k in root["keys"] if k["id"] != old] + [key_entry(new, "record")]
        next(p for p in root["principals"] if p["id"] == who)["keys"] = [key_of(new).keyid]

    _changed(project, change)


def lost_role(project: Project, who: str, role: str) -> None:
    def lose(root: Any) -> None:
        root["grants"] = [g for g in root["grants"] if (g["principal"], g["role"]) != (who, role)]

    _changed(project, lose)


def _changed(project: Project, change: Callable[[Any], None]) -> None:
    project.now += 60
    project.next_root(change)
    project.now += 60


def approval_of_old(project: Project) -> Any:
    """One by the environment-admin, whose key is dana's, that the line to go back to counted."""
    dana = key_of("dana").keyid
    approvals = (e for e in project.ledger().entries if e.kind == "approval" and 7 < e.seq < 13)
    return next(e for e in approvals if cast("Any", e.body["signatures"])[0]["keyid"] == dana)


@pytest.mark.attack("A85")
@pytest.mark.parametrize(
    "how",
    [
        "rekeyed before",
        "rekeyed after",
        "role lost",
        "key revoked and replaced",
    ],
)
def test_nothing_goes_back_to_what_the_root_revokes_whoever_holds_which_key(replaced: Project, how: str) -> None:
    approval = approval_of_old(replaced)
    if how == "role lost":
        lost_role(replaced, "dana", "environment-admin")
    if how in {"rekeyed before", "key revoked and replaced"}:
        rekeyed(replaced, "dana", "dana-new")
    if how == "key revoked and replaced":
        replaced.revoke("key", approval.body["signatures"][0]["keyid"], "stolen")
    else:
        replaced.revoke("record", approval.record_id, "signed under duress")
    if how == "rekeyed after":
        rekeyed(replaced, "dana", "dana-new")
    with replaced.refused("rollback.line-does-not-count", ExitCode.TRUST, "that was revoked by trust root"):
        replaced.going_back(OLD)


@pytest.mark.attack("A83")
def test_a_revoked_run_comes_back_under_no_new_key_of_its_signer(signed: Project) -> None:
    log = {"digest": f"sha256:{'5' * 64}"}
    first = signed.attest("constraint", "functional", raw_log=log)
    signed.record()
    revoked(signed, first.record.id)
    rekeyed(signed, "eve", "eve-new")
    for question, method in RUNS:  # what merely permits has to be signed anew
        signed.attest(question, method, by="eve-new")
    signed.attest("constraint", "functional", raw_log=log, by="eve-new")
    pools: Any = signed.evaluate("staging").request["evidence"]
    assert {p["cases"] for p in pools if (p["question"], p["method"]) == ("constraint", "functional")} == {250}


@pytest.mark.attack("A83")
def test_what_a_revoked_run_saw_denies_after_its_signer_has_a_new_key(signed: Project) -> None:
    seen = signed.attest("boundary", "functional", n=251, observed_tools=["billing_read_api/delete_invoice"])
    signed.approve("environment-admin")
    signed.record()
    revoked(signed, seen.record.id)
    rekeyed(signed, "eve", "eve-new")
    for question, method in RUNS:
        signed.attest(question, method, by="eve-new")
    signed.approve("environment-admin")
    signed.request("staging")
    outcome = signed.promote("staging")
    assert outcome.evaluation is not None
    assert reasons_of(outcome.evaluation) == ["promotion.all.observed_tools"]


@pytest.mark.attack("A84")
@pytest.mark.parametrize("how", ["rekeyed", "role lost"])
def test_revoked_waivers_count_as_renewals_whoever_holds_which_key(shelf: Shelf, tmp_path: Path, how: str) -> None:
    project = Project(tmp_path, shelf.cache)
    project.found(WAIVED_TEXT, WAIVING_TRUST)
    project.submit()
    project.attest_all()
    made = [lift(project, valid_for="P10D")]
    for days in (20, 30):
        project.now += 60
        made.append(lift(project, valid_for=f"P{days}D", renews=made[-1].id))
    project.record()
    for one in made:
        revoked(project, one.id)
    if how == "rekeyed":
        rekeyed(project, "sam", "sam-new")
    else:
        lost_role(project, "sam", "waiver-approver")
    with project.refused("waiver.renewal", ExitCode.TRUST):
        lift(project, valid_for="P40D", by="sam-new" if how == "rekeyed" else "rita")


@pytest.mark.attack("A80")
def test_who_asked_for_an_emergency_in_vain_reviews_it_with_no_new_key(shelf: Shelf, tmp_path: Path) -> None:
    both = TRUST.replace("{role: finance-controller}, {role: reviewer}", "{role: promoter}, {role: reviewer}")
    project = Project(tmp_path, shelf.cache)
    project.found(trust=both)
    for step in (signed, staged, ready, live, grown, replaced):
        step(project)
    project.now += 60
    mine = request(project.going_back(OLD, emergency=True), "production", key_of("fred"), reason="mine", valid_for=None)
    project.now += 60
    project.sign_rollback(OLD, "environment-admin", emergency=True)
    outcome = project.rollback(OLD, emergency=True)
    project.now += 60
    revoked(project, mine.record.id)
    rekeyed(project, "fred", "fred-new")
    with project.refused("review.involved", ExitCode.TRUST):
        project.review(f"entry:{outcome.entry}", by="fred-new")


@pytest.mark.attack("A80")
@pytest.mark.parametrize("named", [1, 2])
def test_an_author_stays_one_whichever_root_the_submit_names(resolved: Project, named: int) -> None:
    """Signed with a key of the newest root and a tool of one's own that names an older one; then the key is replaced."""
    first = resolved.newest_root()

    def with_another_key(root: Any) -> None:
        root["keys"].append(key_entry("alice-3", "record"))
        next(p for p in root["principals"] if p["id"] == "alice")["keys"].append(key_of("alice-3").keyid)

    def without_it(root: Any) -> None:
        root["keys"] = [k for k in root["keys"] if k["id"] != key_of("alice-3").keyid]
        next(p for p in root["principals"] if p["id"] == "alice")["keys"].remove(key_of("alice-3").keyid)

    _changed(resolved, with_another_key)
    resolved.submit(by="alice-3")
    if named == 1:
        older = {"version": first.version, "digest": first.digest}
        file = resolved.only("submit")
        data = resolved.reforge(file.read_bytes(), lambda said: said.update(trust_root=older), by="alice-3")
        file.unlink()
        resolved.put("submit", data)
    resolved.record()
    _changed(resolved, without_it)
    resolved.submit(by="bob")
    resolved.attest_all()
    resolved.approve("environment-admin", by="alice")
    resolved.request()
    outcome = resolved.promote("staging")
    assert outcome.line is None
    assert outcome.evaluation is not None
    assert "alice" in outcome.evaluation.request["authors"]  # type: ignore[operator] # a list of names


def with_a_restriction(project: Project, *, reject: bool) -> str:
    """A change that everybody has signed for, and one who rejects it or a run that failed; the record's id."""
    project.now += DAY
    project.change_intent(("version: 1.0.0", "version: 1.1.0"), ("max_steps: 20", "max_steps: 30"))
    project.submit()
    project.attest_all()
    project.sign_all("staging", "environment-admin", "security", "risk-owner")
    project.now += 5
    made = (
        project.approve("security", reject=True, reason="no", by="dana")
        if reject
        else project.attest("privilege", "functional", n=251, failed=251)
    )
    project.record()
    return str(made.record.id)


@pytest.mark.attack("A83")
@pytest.mark.parametrize(
    ("reject", "revocation"),
    [
        (False, "compromised"),
        (True, "compromised"),
        (False, "by the root"),
        (True, "by the root"),
        (False, "with the gate's key"),
    ],
)
def test_a_void_line_uses_up_nothing_that_restricts(staged: Project, revocation: str, *, reject: bool) -> None:
    """A thief of the gate's key names a reject or a failing run in a line, and the organisation revokes the line."""
    restriction = with_a_restriction(staged, reject=reject)
    kept = set(reasons_of(staged.evaluate("staging")))

    def change(said: dict[str, Any]) -> None:
        said.update(signed_at=format_time(staged.now), nonce="f" * 32)
        if reject:
            said["approvals"] = [{"id": restriction, "principal": "dana", "role": "security"}]
        else:
            said["waivers"] = [restriction]

    forged = staged.reforge(staged.lines()[-1], change, by="gate")
    entry = staged.append(("promotion", forged)).size - 1
    if revocation == "compromised":
        revoked(staged, f"entry:{entry}", "compromised")
    elif revocation == "by the root":
        staged.revoke("record", record_id(forged), "forged")
    else:
        staged.now += DAY
        place = {"tree_size": entry, "root_hash": staged.ledger().root_at(entry)}
        stolen = {"kind": "key", "id": key_of("gate").keyid, "reason": "stolen", "mode": "compromised"}
        staged.next_root(lambda root: root["revoked"].append({**stolen, "last_good": place}))
    for file in staged.inbox.rglob("*.json"):  # only the ledger knows of it now
        file.unlink()
    found = staged.evaluate("staging")
    assert kept & {
        "floor.open-reject",
        "floor.no-evidence",
        "promotion.all.evidence",
        "promotion.all.no_open_reject",
    } <= set(reasons_of(found))
    pools: Any = found.request["evidence"]
    counted = {run for pool in pools for run in pool["runs"]} | {a["id"] for a in found.request["approvals"]}  # type: ignore[union-attr,index,call-overload] # a list of objects
    assert restriction in counted
