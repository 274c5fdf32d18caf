"""Where waivers, rollbacks, emergencies, reviews and revocations meet: none is a way around another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from project import DAY, RUNS, TRUST, Project, grown, live, ready, reasons_of, replaced, signed, staged
from waiving import WAIVED_TEXT, WAIVING_TRUST, lift, standing
from world import key_of

from bspec_opa.foundation.digest import digest_of
from bspec_opa.foundation.errors import ExitCode
from bspec_opa.lock.line import parse_line
from bspec_opa.workflow.issue import request
from bspec_opa.workflow.life.recording import open_authentic
from bspec_opa.workflow.life.revoking import find_target, revoke

if TYPE_CHECKING:
    from pathlib import Path

    from project import Shelf

    from bspec_opa.ledger.entry import Entry

OLD, BACK = "entry:13", "entry:34"


def revoked(project: Project, what: str, mode: str = "retired") -> None:
    project.now += 60
    opened = open_authentic(project.root, project.world)
    revoke(opened, find_target(opened, what), mode, "in error", (key_of("pat"), key_of("ledger")))
    project.now += 60


def entries(project: Project, kind: str) -> list[Entry]:
    return [e for e in project.ledger().entries if e.kind == kind]


def founded(shelf: Shelf, base: Path, trust: str) -> Project:
    """A project with other people, up to where production has been replaced."""
    project = Project(base, shelf.cache)
    project.found(trust=trust)
    for step in (signed, staged, ready, live, grown, replaced):
        step(project)
    project.now += 60
    return project


def test_an_empty_name_names_nothing(live: Project) -> None:
    with live.refused("revoke.no-such-record", ExitCode.USAGE):
        find_target(open_authentic(live.root, live.world), "")


@pytest.mark.attack("A85")
def test_a_rollback_deploys_what_its_target_does_so_it_is_revoked_with_it(back: Project) -> None:
    revoked(back, OLD)
    with back.refused("verify.revoked", ExitCode.TRUST):
        back.verify()
    back.now += DAY
    back.sign_all("production", "environment-admin", "security", "risk-owner")
    back.allowed("production")
    for target in (OLD, BACK):
        with back.refused("rollback.line-does-not-count", ExitCode.TRUST):
            back.rollback(target)


@pytest.mark.attack("A85")
def test_nothing_goes_back_to_what_rests_on_a_revoked_record(replaced: Project) -> None:
    revoked(replaced, entries(replaced, "submit")[0].record_id)
    with replaced.refused("rollback.line-does-not-count", ExitCode.TRUST, "rests on a submit that was revoked"):
        replaced.rollback(OLD)


@pytest.mark.attack("A85")
def test_nor_to_what_rests_on_a_record_or_key_that_the_trust_root_revokes(replaced: Project) -> None:
    """One that was merely retired, after it had signed, takes nothing with it."""
    ledger, (submit, *_) = replaced.ledger(), entries(replaced, "submit")
    place = {"tree_size": len(ledger.entries), "root_hash": ledger.root_hash}
    left = {"kind": "key", "id": key_of("rita").keyid, "reason": "left", "mode": "retired", "last_good": place}
    replaced.next_root(lambda root: root["revoked"].append(left))
    assert replaced.going_back(OLD).rollback is not None
    eve = {"kind": "key", "id": key_of("eve").keyid, "reason": "stolen"}
    gone = {"kind": "record", "id": submit.record_id, "reason": "forged"}
    for item, why in ((eve, "revoked by trust root version 3"), (gone, "revoked by trust root version")):
        replaced.next_root(lambda root, item=item: root["revoked"].append(item))  # type: ignore[misc] # the default holds this item fast
        with replaced.refused("rollback.line-does-not-count", ExitCode.TRUST, why):
            replaced.going_back(OLD)


@pytest.mark.attack("A85")
@pytest.mark.parametrize("what", ["key", "record"])
def test_nor_to_what_rests_on_what_the_root_revokes(replaced: Project, what: str) -> None:
    """The line stands, for it was decided on what counted then; verifying it goes on."""
    replaced.revoke(
        what, {"key": key_of("sam").keyid, "record": entries(replaced, "request")[1].record_id}[what], "lost"
    )
    assert len(replaced.verify().lines) == 4
    kind = {"key": "an approval", "record": "a request"}[what]
    with replaced.refused("rollback.line-does-not-count", ExitCode.TRUST, f"rests on {kind} that was revoked by"):
        replaced.rollback(OLD)


@pytest.mark.soak
def test_nor_does_a_rollback_hide_what_the_one_before_it_rested_on(back: Project) -> None:
    """Back to a rollback, which was to a rollback whose request is revoked now."""
    people = ("environment-admin", "security", "risk-owner")
    for target in (BACK, ""):
        back.now += DAY
        back.sign_all("production", *people)
        back.allowed("production")
        if target:
            back.now += 60
            back.sign_rollback(target, *people)
            back.rollback(target)
    first, second = (digest_of(back.lines()[n]) for n in (4, 6))
    assert back.going_back(second).rollback is not None
    revoked(back, str(parse_line(back.lines()[4] + b"\n", "lock").predicate["request"]))
    for target in (first, second):
        with back.refused("rollback.line-does-not-count", ExitCode.TRUST, "rests on a request that was revoked"):
            back.going_back(target)


@pytest.mark.attack("A83")
def test_a_run_that_saw_an_undeclared_tool_still_denies_when_it_is_revoked(signed: Project) -> None:
    bad = signed.attest("boundary", "functional", n=251, observed_tools=["billing_read_api/delete_invoice"])
    signed.approve("environment-admin")
    signed.record()
    revoked(signed, bad.record.id)
    signed.approve("environment-admin")
    outcome = signed.promote("staging")
    assert outcome.evaluation is not None
    assert reasons_of(outcome.evaluation) == ["promotion.all.observed_tools"]


@pytest.mark.attack("A83")
def test_a_revoked_run_does_not_come_back_under_another_signature(signed: Project) -> None:
    log = {"digest": f"sha256:{'5' * 64}"}
    first = signed.attest("constraint", "functional", raw_log=log)
    signed.record()
    revoked(signed, first.record.id)
    signed.attest("constraint", "functional", raw_log=log)
    evidence: Any = signed.evaluate("staging").request["evidence"]
    # The run that was there before counts, with its 250 cases; the revoked one does not, whoever signs it.
    assert {p["cases"] for p in evidence if (p["question"], p["method"]) == ("constraint", "functional")} == {250}


@pytest.mark.attack("A83")
def test_a_failing_run_stands_where_it_was_signed_for_when_its_signer_loses_the_role(
    shelf: Shelf, tmp_path: Path
) -> None:
    both = TRUST.replace("roles: [{role: finance-controller}", "roles: [{role: evaluator}, {role: finance-controller}")
    project = Project(tmp_path, shelf.cache)
    project.found(trust=both)
    project.submit()
    for question, method in RUNS:
        project.attest(question, method, by="fred")
    project.attest("privilege", "functional", n=251, failed=251, by="eve")
    project.record()

    def lose(root: Any) -> None:
        for grant in root["grants"]:
            if grant["principal"] == "eve":
                grant["role"] = "security"

    project.now += 60
    project.next_root(lose)
    project.now += 60
    project.sign_all("staging", "environment-admin")
    assert reasons_of(project.evaluate("staging")) == ["floor.no-evidence", "promotion.all.evidence"]


@pytest.mark.attack("A83")
@pytest.mark.parametrize("left", [[], ["staging"]], ids=["no role", "the role elsewhere"])
def test_a_failing_run_stands_wherever_it_counted_when_its_signer_loses_the_role(
    shelf: Shelf, tmp_path: Path, left: list[str]
) -> None:
    """Also in production, for which it was not signed; and so does what a run without any failure saw the agent use."""
    two = TRUST.replace("roles: [{role: finance-controller}", "roles: [{role: evaluator}, {role: finance-controller}")
    project = Project(tmp_path, shelf.cache)
    project.found(trust=two)
    for step in (signed, staged, ready):
        step(project)
    project.attest("constraint", "adversarial", n=400, failed=400, by="fred")
    project.attest("boundary", "red-team", observed_tools=["billing_read_api/delete_invoice"], by="fred", n=251)
    project.record()
    wanted = {"floor.no-evidence", "promotion.all.evidence", "promotion.all.observed_tools"}
    assert wanted <= set(reasons_of(project.evaluate("production")))

    def lose(root: Any) -> None:
        for grant in root["grants"]:
            if (grant["principal"], grant["role"]) == ("fred", "evaluator"):
                grant.update({"environments": left} if left else {"role": "security"})

    project.now += 60
    project.next_root(lose)
    project.now += 60
    assert wanted <= set(reasons_of(project.evaluate("production")))


@pytest.mark.attack("A14")
def test_whoever_may_not_attest_there_adds_no_cases_by_failing_one(shelf: Shelf, tmp_path: Path) -> None:
    """Of ten thousand cases one fails: nearly all of them would have counted for production."""
    limited = TRUST.replace(
        "roles: [{role: finance-controller}",
        "roles: [{role: evaluator, environments: [staging]}, {role: finance-controller}",
    )
    project = Project(tmp_path, shelf.cache)
    project.found(trust=limited)
    for step in (signed, staged, ready):
        step(project)
    before: Any = project.evaluate("production").request["evidence"]
    project.now += 60
    project.attest("boundary", "functional", n=10_000, failed=1, by="fred")
    after: Any = project.evaluate("production").request["evidence"]
    assert [(p["cases"], p["runs"]) for p in after] == [(p["cases"], p["runs"]) for p in before]


@pytest.mark.attack("A83")
def test_a_revoked_run_gives_none_of_its_cases(signed: Project) -> None:
    bad = signed.attest("boundary", "functional", n=251, observed_tools=["billing_read_api/delete_invoice"])
    signed.record()
    revoked(signed, bad.record.id)
    evidence: Any = signed.evaluate("staging").request["evidence"]
    assert not any(bad.record.id in p["runs"] for p in evidence)
    assert {tuple(p["undeclared_tools"]) for p in evidence} == {("billing_read_api/delete_invoice",)}


@pytest.mark.attack("A84")
def test_revoking_waivers_does_not_begin_their_renewals_anew(shelf: Shelf, tmp_path: Path) -> None:
    project = Project(tmp_path, shelf.cache)
    project.found(WAIVED_TEXT, WAIVING_TRUST)
    project.submit()
    project.attest_all()
    first = lift(project, valid_for="P10D")
    project.record()
    revoked(project, first.id)
    with project.refused("waiver.renewal", ExitCode.TRUST):
        lift(project, valid_for="P40D")


@pytest.mark.attack("A84")
def test_nor_does_taking_the_role_from_who_signed_them(shelf: Shelf, tmp_path: Path) -> None:
    """The finding has been let pass twice; that somebody else signs waivers now does not make that undone."""
    project = Project(tmp_path, shelf.cache)
    project.found(WAIVED_TEXT, WAIVING_TRUST)
    project.submit()
    project.attest_all()
    first = lift(project, valid_for="P10D")
    project.now += 60
    second = lift(project, valid_for="P20D", renews=first.id)
    project.now += 60
    lift(project, valid_for="P30D", renews=second.id)
    project.record()
    without(project, "sam", "waiver-approver")
    without(project, "pat", "")  # who had asked for them has left
    assert {s.status for s in standing(project)} == {"void"}
    for renews in ({"renews": ""}, {"renews": second.id}):
        with project.refused("waiver.renewal", ExitCode.TRUST):
            lift(project, valid_for="P40D", by="rita", requester="dana", **renews)


def without(project: Project, who: str, role: str) -> None:
    """A minute later somebody has lost a role, or has left."""
    project.now += 60

    def lose(root: Any) -> None:
        root["grants"] = [g for g in root["grants"] if g["principal"] != who or (g["role"] != role and role)]
        if not role:
            root["principals"] = [p for p in root["principals"] if p["id"] != who]
            root["keys"] = [k for k in root["keys"] if k["id"] != key_of(who).keyid]

    project.next_root(lose)
    project.now += 60


def test_an_emergency_and_what_it_may_rest_on_stay_for_its_review(replaced: Project) -> None:
    replaced.now += 60
    replaced.sign_rollback(OLD, "environment-admin", emergency=True)
    replaced.rollback(OLD, emergency=True)
    (emergency,) = entries(replaced, "rollback")
    for what in (emergency, entries(replaced, "approval")[-1], entries(replaced, "promotion")[-1]):
        with replaced.refused("revoke.not-revocable", ExitCode.TRUST, "has to stay for its review"):
            revoked(replaced, what.record_id, "compromised")
    # With a tool of their own it is recorded, and refused by whoever reads it; nobody is told that it waits.
    own: Any = {"environment": "production", "type": "rollback", "mode": "compromised", "reason": "never was"}
    replaced.put("revocation", replaced.forge("revocation", own, by="pat", subjects={"record": emergency.record_id}))
    replaced.record()
    assert not any("IN FORCE" in n for n in replaced.evaluate("production").notes)
    revoked(replaced, emergency.record_id)
    replaced.now += DAY
    replaced.sign_all("production", "environment-admin", "security", "risk-owner")
    assert "floor.no-review" in reasons_of(replaced.evaluate("production"))


@pytest.mark.attack("A12")
def test_whoever_asked_for_an_emergency_first_does_not_review_it(shelf: Shelf, tmp_path: Path) -> None:
    both = TRUST.replace("{role: finance-controller}, {role: reviewer}", "{role: promoter}, {role: reviewer}")
    project = founded(shelf, tmp_path, both)
    asked = project.going_back(OLD, emergency=True)
    request(asked, "production", key_of("fred"), reason="mine", valid_for=None)
    project.now += 60
    project.sign_rollback(OLD, "environment-admin", emergency=True)
    outcome = project.rollback(OLD, emergency=True)
    project.now += 60
    for _ in range(2):
        with project.refused("review.involved", ExitCode.TRUST):
            project.review(f"entry:{outcome.entry}", by="fred")
        without(project, "fred", "promoter")  # nor may fred when it can't be asked for any more


@pytest.mark.attack("A14")
def test_what_reaches_further_needs_a_revoker_of_every_environment(shelf: Shelf, tmp_path: Path) -> None:
    limited = TRUST.replace("{role: revoker}", "{role: revoker, environments: [staging]}")
    project = Project(tmp_path, shelf.cache)
    project.found(trust=limited)
    for step in (signed, staged, ready, live):
        step(project)
    submit, staging = entries(project, "submit")[0], entries(project, "promotion")[0]
    for what, mode in ((submit, "retired"), (submit, "compromised"), (staging, "compromised")):
        with project.refused(
            "trust.role-not-granted", ExitCode.TRUST, "role revoker for billing-support in production"
        ):
            revoked(project, what.record_id, mode)
    revoked(project, staging.record_id)
    assert project.session().history.standing("staging") is None
