"""Going back: one line of the past redeployed as it was, judged by the rules for rollbacks.

In ``replaced`` production had 1.0.0 (line 2, entry 13) and has 1.1.0 (line 4, entry 30), which may take more steps.
"""

from __future__ import annotations

import base64
import json
import shutil
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from project import AGENT, DAY, reasons_of
from world import key_of, refused

from bspec_opa.foundation.digest import ZERO_DIGEST, digest_of
from bspec_opa.foundation.errors import ExitCode
from bspec_opa.foundation.times import format_time
from bspec_opa.gate.floor import PROMOTION_ONLY
from bspec_opa.lock.line import parse_line
from bspec_opa.report.decision.next_steps import steps_for
from bspec_opa.report.record.view import view_text
from bspec_opa.workflow.audit.history import history_of
from bspec_opa.workflow.evaluate import evaluate, situation_of
from bspec_opa.workflow.issue import Approval, approve, promotable
from bspec_opa.workflow.life.going_back import find_line, require_emergencies
from bspec_opa.workflow.verifying.verify import Evidence, verify_head

if TYPE_CHECKING:
    from project import Project

    from bspec_opa.lock.line import LockLine
    from bspec_opa.workflow.facts.evaluation import Evaluation
    from bspec_opa.workflow.promote import Outcome

OLD, NEW = "entry:13", "entry:30"
APPROVALS, REQUESTED = "promotion.all.approvals", "promotion.all.requested"
ORDINARY = ("environment-admin", "security")


def line(project: Project, number: int) -> LockLine:
    return parse_line(project.lines()[number - 1] + b"\n", "lock")


def decided(project: Project, to: str = OLD, environment: str = "production", *, emergency: bool = False) -> Evaluation:
    return evaluate(project.going_back(to, environment, emergency=emergency), environment)


def gone_back(project: Project, to: str = OLD, *, emergency: bool = False) -> Outcome:
    """Roll back and demand exactly one more line."""
    before = project.lines()
    outcome = project.rollback(to, emergency=emergency)
    assert outcome.evaluation is not None
    assert outcome.evaluation.decision.allowed, reasons_of(outcome.evaluation)
    assert project.lines()[:-1] == before
    assert digest_of(project.lines()[-1]) == outcome.line
    return outcome


def test_back_as_it_was(replaced: Project) -> None:
    """The line binds what the old one bound, by the rules for rollbacks; a second run changes nothing."""
    assert reasons_of(decided(replaced)) == [
        "floor.no-independent-approval",
        "floor.no-request",
        APPROVALS,
        "promotion.all.non_author_approval",
        REQUESTED,
    ]
    replaced.sign_rollback(OLD, *ORDINARY)
    outcome = gone_back(replaced)
    old, new, back = line(replaced, 2), line(replaced, 4), line(replaced, 5)
    assert (back.kind, back.base, back.source, back.target_line) == ("rollback", new.digest, old.digest, old.digest)
    assert (back.intent_digest, back.binding, back.artifacts) == (old.intent_digest, old.binding, old.artifacts)
    assert (back.emergency, back.predicate["requester"], back.ids("submits")) == (False, "pat", old.ids("submits"))
    assert outcome.evaluation is not None
    ran = {r.id for r in outcome.evaluation.decision.rules}
    assert {"promotion.all.rollback_target", "promotion.all.rollback_age", "promotion.all.no_reject"} <= ran
    assert not ran & PROMOTION_ONLY
    verified = replaced.verify().lines[4]
    assert (verified.kind, verified.target, verified.current, verified.emergency) == (
        "rollback",
        old.digest,
        True,
        False,
    )
    # The lock is completed from the ledger where a crash left it behind, and nothing is signed again.
    replaced.lock.write_bytes(b"".join(record + b"\n" for record in replaced.lines()[:4]))
    again = replaced.rollback(OLD)
    assert (again.evaluation, again.line, again.entry, again.restored) == (None, outcome.line, 34, 1)
    assert [line(replaced, 5).digest, len(replaced.ledger().entries)] == [outcome.line, 35]


@pytest.mark.attack("A90")
def test_on_again(back: Project) -> None:
    """Staging has the new version still; it is promoted as any other, with approvals that name the rollback's line."""
    assert APPROVALS in reasons_of(back.evaluate("production"))
    back.now += DAY
    back.sign_all("production", "environment-admin", "security", "risk-owner")
    back.allowed("production")
    onward = line(back, 6)
    assert (onward.kind, onward.base, onward.source) == ("promotion", line(back, 5).digest, line(back, 3).digest)
    # Nor do the approvals of the rollback count for another one.
    assert APPROVALS in reasons_of(decided(back))
    assert [v.current for v in back.verify().lines] == [False, False, True, False, False, True]


@pytest.mark.attack("A85")
def test_back_to_a_larger_line_needs_its_approvers(back: Project) -> None:
    """In an emergency, too: its quorum takes the place of the ordinary approvals only."""
    for emergency, roles in ((False, ORDINARY), (True, ("environment-admin",))):
        back.now += 60
        back.sign_rollback(NEW, *roles, emergency=emergency)
        found = decided(back, NEW, emergency=emergency)
        assert found.exit_code == ExitCode.PENDING
        (rule,) = (r for r in found.decision.rules if r.denied)
        assert (rule.id, [f.message for f in rule.denied]) == (APPROVALS, ["risk-owner: 0 of 1 approvals"])
        assert facts(found)["change"]["verdict"] == "expansion"
    back.now += 60
    back.sign_rollback(NEW, *ORDINARY, "risk-owner")
    gone_back(back, NEW)
    # Going back to a line does not make it younger: the promotion's age counts that first brought it here.
    ages = {to: facts(decided(back, to))["rollback"][0]["age_seconds"] for to in (OLD, "entry:34")}
    assert ages == dict.fromkeys(ages, back.now - back.ledger().entries[13].at)
    assert facts(decided(back, "entry:34"))["authors"] == ["alice"]
    # Nor is it known, once that promotion was revoked; whoever did so did not want it redeployed.
    back.revoke("record", back.ledger().entries[13].record_id, "approved in error")
    with back.refused("rollback.line-does-not-count", ExitCode.TRUST, "approved in error"):
        back.rollback("entry:34")
    with back.refused("rollback.line-does-not-count", ExitCode.TRUST, "approved in error"):
        back.rollback(OLD)


def facts(found: Evaluation) -> Any:
    return found.request


def test_an_approval_of_a_promotion_is_none_of_a_rollback(replaced: Project) -> None:
    """Nor the other way round: what each names as its source is of another environment."""
    replaced.sign_rollback(OLD, *ORDINARY)
    promoted, back = line(replaced, 2), line(replaced, 1).digest

    def elsewhere(predicate: Any) -> None:
        predicate["source"] = back

    for file in (replaced.inbox / "approval").iterdir():
        data = file.read_bytes()
        if promoted.digest.encode() in _payload(data):
            file.unlink()
            who = "dana" if b'"environment-admin"' in _payload(data) else "sam"
            replaced.put("approval", replaced.reforge(data, elsewhere, by=who))
    found = decided(replaced)
    assert APPROVALS in reasons_of(found)
    fresh = [a for a in found.request["approvals"] if a["binds"]["base"]]  # type: ignore[union-attr,index,call-overload]
    assert [(a["binds"]["source"], a["binds"]["view"]) for a in fresh] == [(False, True)] * 2  # type: ignore[index,call-overload]


def _payload(data: bytes) -> bytes:
    return base64.b64decode(json.loads(data)["payload"])


def test_an_emergency_has_to_be_asked_for(replaced: Project) -> None:
    """Whoever approved or requested an ordinary rollback did not agree that fewer people are enough."""
    replaced.sign_rollback(OLD, "environment-admin")
    assert set(reasons_of(decided(replaced, emergency=True))) == {
        APPROVALS,
        REQUESTED,
        "promotion.all.non_author_approval",
        "floor.no-independent-approval",
        "floor.no-request",
    }
    ordinary, emergency = ("an ordinary rollback", "without"), ("an emergency", "with")
    assert mixed_up(replaced, emergency=True) == mixed(ordinary, emergency)
    assert mixed_up(replaced, emergency=False) == ()
    replaced.now += 60
    replaced.sign_rollback(OLD, "environment-admin", emergency=True)
    # Both were requested, so only whoever approved has to be asked again.
    assert mixed_up(replaced, emergency=False) == mixed(emergency, ordinary)[:1]
    replaced.now += 2 * DAY
    assert mixed_up(replaced, emergency=False) == mixed(emergency, ordinary)[:1]
    replaced.now += 30 * DAY
    assert mixed_up(replaced, emergency=False) == ()


def mixed_up(project: Project, *, emergency: bool) -> tuple[str, ...]:
    return tuple(n for n in decided(project, emergency=emergency).notes if "and this is" in n)


def mixed(signed: tuple[str, str], wanted: tuple[str, str]) -> tuple[str, ...]:
    told = f"and this is {wanted[0]}"
    return (
        f"dana approved {signed[0]} as environment-admin, {told}: have it approved again {wanted[1]} --emergency",
        f"pat requested {signed[0]}, {told}: have it requested again {wanted[1]} --emergency",
    )


def test_a_reject_says_which(replaced: Project) -> None:
    """One of a rollback does not keep anybody from going on, nor one of a promotion from going back."""
    session = replaced.going_back(OLD)
    approve(session, promotable(session, "production"), Approval("security", reject=True), key_of("sam"))
    assert "promotion.all.no_reject" in reasons_of(decided(replaced))
    assert decided(replaced).exit_code == ExitCode.DENIED
    replaced.change_intent(("version: 1.1.0", "version: 1.2.0"), ("max_steps: 30", "max_steps: 25"))
    onward = replaced.evaluate("production")
    assert "promotion.all.no_reject" not in reasons_of(onward)
    # It is another question, on which everybody approves anew, and whoever does so is told.
    told = f"sam rejected another change here as security, {format_time(replaced.now)}"
    assert told in onward.notes
    session = replaced.session()
    situation = situation_of(session, session.environment("production"), with_inbox=True)
    assert f"earlier   {told}\n" in view_text(situation, onward)
    # Approving the same later lifts it. That somebody objects to the newest version keeps nobody from going back.
    replaced.now += 60
    replaced.change_intent(("version: 1.2.0", "version: 1.1.0"), ("max_steps: 25", "max_steps: 30"))
    replaced.approve("risk-owner", "production", reject=True)
    assert "promotion.all.no_reject" in reasons_of(replaced.evaluate("production"))
    replaced.sign_rollback(OLD, *ORDINARY)
    gone_back(replaced)
    # The line that it was about is not current any more, and still it stands against its own intent.
    assert "promotion.all.no_reject" in reasons_of(replaced.evaluate("production"))


def test_the_checkout_decides_nothing(replaced: Project) -> None:
    """Intent and binding are the line's; the intent in the checkout may be broken, and its catalog may have gone on."""
    replaced.intent.write_text("a: [", encoding="utf-8")
    (replaced.state / "bindings" / f"{AGENT}.json").unlink()
    replaced.sign_rollback(OLD, *ORDINARY)
    gone_back(replaced)
    assert line(replaced, 5).intent_digest == line(replaced, 2).intent_digest


def test_what_was_withdrawn_since_is_not_redeployed(replaced: Project) -> None:
    replaced.sign_rollback(OLD, *ORDINARY)
    catalog = replaced.state / "catalogs" / f"{AGENT}.yaml"
    text = catalog.read_text(encoding="utf-8")
    assert text.count("operations:") == 1
    catalog.write_text(text.replace("operations:", "status: yanked\n        operations:"), encoding="utf-8")
    outcome = replaced.rollback(OLD)
    assert outcome.evaluation is not None
    assert "global.supply.not_withdrawn" in reasons_of(outcome.evaluation)
    assert (outcome.evaluation.exit_code, outcome.line) == (ExitCode.DENIED, None)
    denial = history_of(replaced.root, replaced.world, AGENT, environment="production", denials=True)
    assert denial.environments[0][1][0].state == "denied"


@pytest.mark.parametrize(
    ("named", "environment", "says"),
    [
        ("entry:8", "production", "entry:8 is a line of staging, not of production"),
        ("entry:12", "production", "entry:12 is no line of this ledger"),
        ("0123456789ab", "production", "0123456789ab is no line of this ledger"),
        ("", "production", "no line is named"),
    ],
)
def test_names_of_no_line(replaced: Project, named: str, environment: str, says: str) -> None:
    with replaced.refused("rollback.unknown-line", ExitCode.USAGE, says):
        replaced.going_back(named, environment)


def test_names_of_a_line(replaced: Project) -> None:
    digest, entries = line(replaced, 2).digest, replaced.ledger().entries
    old = replaced.base / "old.lock"
    old.write_bytes(b"".join(record + b"\n" for record in replaced.lines()[:2]))
    for named in (digest, digest.removeprefix("sha256:")[:12], "entry:13", "seq:13", str(old)):
        assert find_line(entries, named, "production").seq == 13
    with replaced.refused("rollback.unknown-line", ExitCode.USAGE, "2 lines begin with"):
        find_line((entries[13], entries[13]), digest, "production")


def test_the_current_line(replaced: Project) -> None:
    with replaced.refused("rollback.current-line", ExitCode.USAGE) as told:
        decided(replaced, NEW)
    assert told.value.problems[0].hint == "name an earlier line; bspec-opa history lists them"


def test_another_agents_intent(replaced: Project) -> None:
    replaced.change_intent(("id: billing-support", "id: other-agent"))
    with replaced.refused("verify.other-agent", ExitCode.TRUST):
        replaced.rollback(OLD)


@pytest.mark.attack("A76")
def test_a_rollback_that_the_records_do_not_give(replaced: Project) -> None:
    """Whoever stole the gate's key can sign a line; nothing is built on it, and it does not verify."""
    kept = replaced.base / "kept"
    shutil.copytree(replaced.state / "ledger", kept)
    replaced.sign_rollback(OLD, *ORDINARY)
    gone_back(replaced)
    genuine, newest = replaced.lines()[-1] + b"\n", line(replaced, 4).digest
    shutil.rmtree(replaced.base / "state")
    changes: list[dict[str, Any]] = [
        {"emergency": True},
        {"requester": "dana"},
        {"target_line": newest},
        {"target_line": ZERO_DIGEST},
        {"submits": []},
    ]
    for change in changes:
        shutil.rmtree(replaced.state / "ledger")
        shutil.copytree(kept, replaced.state / "ledger")
        replaced.record()
        replaced.append(("rollback", replaced.reforge(genuine, partial(_update, change), by="gate")))
        session = replaced.session()
        head = session.history.head("production")
        assert head is not None
        evidence = Evidence(session.anchor.roots, session.ledger, session.objects, replaced.environ, replaced.now)
        with refused("verify.facts-differ"):
            verify_head(head, session.history, evidence)
        shutil.rmtree(replaced.base / "state", ignore_errors=True)


def _update(change: dict[str, Any], predicate: Any) -> None:
    predicate.update(change)


# Emergencies


def test_an_emergency_and_its_review(replaced: Project) -> None:
    """The quorum for emergencies is enough; until somebody uninvolved has reviewed it, nothing ordinary follows."""
    replaced.sign_rollback(OLD, "environment-admin", emergency=True)
    outcome = gone_back(replaced, emergency=True)
    back = line(replaced, 5)
    assert (back.emergency, back.predicate["requester"]) == (True, "pat")
    wanted = {"promotion.all.emergency_reviewed", "floor.no-review"}
    replaced.now += 60
    replaced.sign_rollback(NEW, *ORDINARY, "risk-owner")
    assert set(reasons_of(decided(replaced, NEW))) == wanted
    replaced.now += DAY
    replaced.sign_all("production", "environment-admin", "security", "risk-owner")
    assert set(replaced.denied("production")) == wanted
    # Whoever took part can't review it, whatever role they hold, and whatever the tool would refuse.
    with replaced.refused("review.involved", ExitCode.TRUST):
        replaced.review(back.digest, by="dana")
    with replaced.refused("trust.role-not-granted", ExitCode.TRUST):
        replaced.review(back.digest, by="sam")
    subjects = {"behavior.intent": back.intent_digest, "binding": back.binding_digest}
    own: Any = {"environment": "production", "line": back.digest, "reason": "fine"}
    replaced.put("review", replaced.forge("review", own, by="dana", subjects=subjects))
    # Nor does a review of another line or of other content count, though its signer took no part.
    for change in ({"line": line(replaced, 4).digest}, {"environment": "staging"}):
        replaced.put("review", replaced.forge("review", own | change, by="fred", subjects=subjects))
    other = subjects | {"binding": line(replaced, 4).binding_digest, "behavior.intent": line(replaced, 4).intent_digest}
    replaced.put("review", replaced.forge("review", own, by="fred", subjects=other))
    assert set(reasons_of(replaced.evaluate("production"))) == wanted

    counted = replaced.review(back.digest)
    replaced.allowed("production")
    assert line(replaced, 6).predicate["reviews"] == [counted.record.id]
    verification = replaced.verify()
    assert [(v.emergency, v.reviewed_by) for v in verification.lines[3:]] == [
        (False, ()),
        (True, ("fred",)),
        (False, ()),
    ]
    assert verification.unreviewed == ()
    assert outcome.line == back.digest


def test_an_emergency_is_reviewed_before_it_is_carried_on(replaced: Project) -> None:
    """What is promoted from an environment follows its line, also one that an emergency brought there.

    The order of the environments is turned round: only for production has the organisation a quorum for emergencies.
    """
    replaced.sign_rollback(OLD, "environment-admin", emergency=True)
    gone_back(replaced, emergency=True)
    back = line(replaced, 5)

    def turn(root: Any) -> None:
        for environment in root["environments"]:
            environment["from"] = {"staging": "production", "production": ""}[environment["id"]]

    replaced.now += 60
    replaced.next_root(turn)
    replaced.change_intent(("version: 1.1.0", "version: 1.0.0"), ("max_steps: 30", "max_steps: 20"))
    replaced.sign_all("staging", "environment-admin")
    wanted = ["floor.no-review", "promotion.all.emergency_reviewed"]
    assert replaced.denied("staging") == wanted
    evaluation = replaced.evaluate("staging")
    assert facts(evaluation)["unreviewed"] == [{"line": back.digest, "environment": "production", "age_seconds": 60}]
    step = steps_for("behavior.intent", evaluation, replaced.session().project, prepared=True)[0]
    assert step.startswith(f"bspec-opa review {back.digest[7:19]} --env production ")
    # A rollback carries nothing on, so it need not wait.
    assert "floor.no-review" not in reasons_of(decided(replaced, "entry:8", "staging"))
    counted = replaced.review(back.digest)
    replaced.allowed("staging")
    assert line(replaced, 6).predicate["reviews"] == [counted.record.id]
    assert replaced.verify().unreviewed == ()


@pytest.mark.soak
def test_another_emergency_need_not_wait(replaced: Project) -> None:
    """Both are reviewed before anything ordinary follows."""
    replaced.sign_rollback(OLD, "environment-admin", emergency=True)
    gone_back(replaced, emergency=True)
    replaced.now += 60
    replaced.sign_rollback(NEW, "environment-admin", "risk-owner", emergency=True)
    gone_back(replaced, NEW, emergency=True)
    replaced.review("entry:33")
    (left,) = facts(replaced.evaluate("production"))["unreviewed"]
    assert left["line"] == line(replaced, 6).digest


def test_no_emergency_without_a_quorum(grown: Project) -> None:
    """The organisation has set none for staging."""
    found = decided(grown, "entry:8", "staging", emergency=True)
    assert "promotion.all.emergency_quorum" in reasons_of(found)
    assert found.exit_code == ExitCode.DENIED
    with grown.refused("rollback.no-emergencies", ExitCode.DENIED, "nothing was signed"):
        require_emergencies(grown.going_back("entry:8", "staging", emergency=True), "staging")
    require_emergencies(grown.going_back("entry:8", "staging"), "staging")


def test_only_emergencies_are_reviewed(replaced: Project) -> None:
    with replaced.refused("review.no-emergency", ExitCode.USAGE):
        replaced.review(NEW)
