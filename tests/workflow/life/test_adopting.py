"""Adoptions: permitted by name and for a time, approved by people of their own, told by every line ever after."""

from __future__ import annotations

import base64
import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from project import AGENT, DAY, HOUR, TRUST, Project
from world import World, key_of, refused

from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.closed_schema import violations
from bspec_opa.foundation.digest import ZERO_DIGEST, digest_of
from bspec_opa.foundation.errors import ExitCode
from bspec_opa.foundation.times import format_time
from bspec_opa.report.audit.history import history_text
from bspec_opa.report.decision.evaluation_json import evaluation_json
from bspec_opa.report.decision.next_steps import steps_for
from bspec_opa.report.decision.text import render_evaluation
from bspec_opa.report.record.lock import lock_text
from bspec_opa.report.schemas import SCHEMAS
from bspec_opa.report.writing.style import PLAIN
from bspec_opa.workflow.audit.history import history_of
from bspec_opa.workflow.checkout.resolving import read_resolved
from bspec_opa.workflow.evaluate import evaluate
from bspec_opa.workflow.facts.adopting import adopted_in, own_adoption
from bspec_opa.workflow.issue import Approval, approve, promotable, request
from bspec_opa.workflow.life.adopting import adopt
from bspec_opa.workflow.life.recording import open_authentic
from bspec_opa.workflow.life.retiring import retire
from bspec_opa.workflow.life.revoking import find_target, revoke
from bspec_opa.workflow.life.waiving import Wish, intend
from bspec_opa.workflow.running import bound_of
from bspec_opa.workflow.verifying.showing import open_lock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from project import Shelf

    from bspec_opa.workflow.promote import Outcome

PERMITTED = 'adoption: {until: "2026-07-01T00:00:00Z", role: adopter, agents: [billing-support]}'
ROLES = {"environment-admin": "dana", "security": "sam", "risk-owner": "rita"}
ADOPTERS = ("fred", "bob")


def trust(permitted: str = PERMITTED) -> str:
    text = TRUST.replace("{id: production, from: staging}", f"{{id: production, from: staging, {permitted}}}")
    for person in ADOPTERS:
        key = f"keys/{person}.pub.pem], roles: ["
        assert text.count(key) == 1
        text = text.replace(key, f"{key}{{role: adopter}}, ")
    return text


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture(scope="module")
def found(shelf: Shelf, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Everything but the adopters has signed; the agent runs in production, and was never under the gate."""
    project = Project(tmp_path_factory.mktemp("adopting"), shelf.cache).found(trust=trust())
    project.submit()
    project.attest_all()
    for role, by in ROLES.items():
        signed(project, role, by)
    request(project.session(), "production", key_of("pat"), reason="", valid_for=None, adopting=True)
    running(project)
    return project


@pytest.fixture
def project(found: Project, tmp_path: Path) -> Project:
    shutil.copytree(found.base, tmp_path, dirs_exist_ok=True)
    return Project(tmp_path, found.cache, found.now, found.pin)


def signed(project: Project, role: str, by: str) -> None:
    session = project.session()
    approve(session, promotable(session, "production", adopting=True), Approval(role), key_of(by))


def deployed(project: Project) -> Path:
    return project.base / "deployed.json"


def running(project: Project, change: Callable[[Any], object] = lambda _: None) -> None:
    binding = read_resolved(project.session().project, AGENT)
    assert binding is not None
    document: Any = {
        "schema": "bspec.deployed/v1",
        "agent": AGENT,
        "environment": "production",
        "line": ZERO_DIGEST,
        **bound_of(binding.to_json()),
    }
    change(document)
    deployed(project).write_text(json.dumps(document), encoding="utf-8")


def adopted(project: Project) -> Outcome:
    return adopt(project.session(), "production", deployed(project), project.keys)


def ready(project: Project) -> Project:
    for by in ADOPTERS:
        signed(project, "adopter", by)
    return project


def predicate(project: Project, number: int = -1) -> Any:
    return json.loads(base64.b64decode(json.loads(project.lines()[number])["payload"]))["predicate"]


def test_it_is_adopted_and_every_line_says_so_ever_after(project: Project) -> None:
    outcome = adopted(ready(project))
    assert outcome.line == digest_of(project.lines()[-1])
    own = predicate(project)
    said = {
        "environment": "production",
        "at": "2026-06-01T12:00:00Z",
        "deployed": digest_of(canonical_bytes(json.loads(deployed(project).read_bytes()))),
    }
    assert (own["base"], own["source"], own["environment"], own["adopted"]) == ("genesis", "none", "production", [said])
    assert {a["role"] for a in own["approvals"]} == {*ROLES, "adopter"}
    assert [(v.environment, v.current) for v in project.verify().lines] == [("production", True)]
    project.now += DAY
    project.sign_all("staging", "environment-admin")
    project.allowed("staging")
    assert predicate(project)["adopted"] == [said]
    assert [v.environment for v in project.verify().lines] == ["production", "staging"]
    told = "in production since 2026-06-01T12:00:00Z: it ran before it was"
    assert (
        history_text(history_of(project.root, project.world, AGENT, environment="", denials=False), PLAIN).count(told)
        == 2
    )
    assert lock_text(open_lock(project.lock), PLAIN).count(told) == 2
    with project.refused("adopt.has-a-line", ExitCode.DENIED):
        adopted(project)


def test_a_later_line_of_the_same_second_is_no_adoption(world: World) -> None:
    said = [{"environment": "staging", "at": format_time(World.NOW), "deployed": ZERO_DIGEST}]
    first = world.verify(world.promotion(adopted=said))
    assert own_adoption(first) == adopted_in(first)[0]
    later = world.verify(world.promotion(adopted=said, base="sha256:" + "1" * 64))
    assert own_adoption(later) is None
    assert own_adoption(world.verify(world.promotion(adopted=said, environment="production"))) is None


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda e: e.pop("adoption"), "does not permit adopting billing-support in production"),
        (lambda e: e["adoption"].update(agents=["other-agent"]), "does not permit adopting"),
        (lambda e: e["adoption"].update(until="2026-06-01T13:00:00Z"), "it was until 2026-06-01T13:00:00Z"),
    ],
    ids=["not at all", "another agent", "not any more"],
)
def test_only_where_the_trust_root_permits_it(project: Project, change: Callable[[Any], object], why: str) -> None:
    ready(project).record()
    project.now += HOUR
    project.next_root(lambda p: change(next(e for e in p["environments"] if e["id"] == "production")))
    with project.refused("adopt.not-permitted", ExitCode.DENIED, why):
        adopted(project)
    with refused("adopt.not-permitted"):
        signed(project, "security", "sam")


@pytest.mark.soak
def test_where_there_is_no_permission_at_all(ready_to_promote: Project) -> None:
    with refused("adopt.not-permitted"):
        promotable(ready_to_promote.session(), "production", adopting=True)


@pytest.fixture
def ready_to_promote(shelf: Shelf, tmp_path: Path) -> Project:
    return shelf.project("ready", tmp_path)


def test_it_takes_a_quorum_of_its_own(project: Project) -> None:
    """Besides everybody else, and nothing is recorded until they are there."""
    signed(project, "adopter", "fred")
    with refused("adopt.quorum") as e:
        adopted(project)
    assert e.value.exit_code == ExitCode.PENDING
    assert "takes 2 people as adopter, and 1 approved" in str(e.value)
    assert "promotion" not in {x.kind for x in project.ledger().entries}
    signed(project, "adopter", "fred")
    with refused("adopt.quorum"):
        adopted(project)
    asked = "approve behavior.intent --env production --role adopter --adopt --key KEY"
    assert judged(project) == (ExitCode.PENDING, [{"role": "adopter", "approved": 1, "count": 2}], [asked])
    signed(project, "adopter", "bob")
    then = "adopt behavior.intent --env production --deployed FILE"
    assert judged(project) == (ExitCode.OK, [{"role": "adopter", "approved": 2, "count": 2}], [then])
    assert adopted(project).line is not None


def judged(project: Project) -> tuple[ExitCode, Any, list[str]]:
    """What evaluate --adopt says: the exit code, the quorum, and what comes next."""
    session = project.session()
    evaluation = evaluate(session, "production", adopting=True)
    steps = steps_for("behavior.intent", evaluation, session.project, prepared=True)
    document = evaluation_json(evaluation, steps)
    assert violations(SCHEMAS[str(document["schema"])], document) == []
    text = render_evaluation(evaluation, steps)
    assert text.startswith(f"{str(document['verdict']).upper()}  adoption of billing-support 1.0.0 → production")
    assert ("  pending   adopt.quorum  adopter: 1 of 2 people approve the adoption\n" in text) == (
        not evaluation.allowed
    )
    return evaluation.exit_code, document["adoption"], [s.removeprefix("bspec-opa ") for s in steps]


def test_what_is_waived_for_an_adoption_is_judged_as_one(project: Project) -> None:
    """There is no line in the source, and an ordinary promotion would have nothing to bind."""
    wish = Wish("global.data.high_tier_logs_full", ("/constraints/logging/level",), "x", "pat", valid_for="P1D")
    with refused("promotion.no-binding"):
        intend(project.session(), "production", wish)
    with refused("waive.no-such-finding") as e:
        intend(project.session(), "production", wish, adopting=True)
    assert "denies nothing now" in e.value.problems[0].hint


@pytest.mark.soak
def test_the_rules_hold_as_ever(project: Project) -> None:
    ready(project)
    shutil.rmtree(project.inbox / "request")
    outcome = adopted(project)
    assert outcome.evaluation is not None
    assert [r.id for r in outcome.evaluation.decision.rules if r.denied] == ["promotion.all.requested"]
    assert [e.kind for e in project.ledger().entries][-1] == "denial"


@pytest.mark.soak
@pytest.mark.attack("A90")
def test_approvals_of_an_adoption_promote_nothing_and_the_other_way_round(project: Project) -> None:
    ready(project)
    project.sign_all("staging", "environment-admin")
    project.allowed("staging")
    project.now += 3 * DAY
    assert "promotion.all.approvals" in project.denied("production")
    project.sign_all("production", *ROLES)
    project.allowed("production")
    assert predicate(project)["adopted"] == []
    assert {a["role"] for a in predicate(project)["approvals"]} == {*ROLES}


@pytest.mark.attack("A44")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d["tools"][0].update(release="9.9.9"), "is 9.9.9, bound is"),
        (lambda d: d["components"].pop(), "is bound and not deployed"),
        (lambda d: d["models"].append(d["models"][0]), "is deployed 2 times"),
        (lambda d: d.update(agent="other-agent"), "agent is other-agent, not billing-support"),
        (lambda d: d.update(environment="staging"), "environment is staging, not production"),
        (lambda d: d.update(line="sha256:" + "1" * 64), "line is sha256:1"),
    ],
)
def test_what_runs_must_be_what_is_bound(project: Project, change: Callable[[Any], object], message: str) -> None:
    ready(project).record()
    running(project, change)
    with project.refused("verify.deployed-differs", ExitCode.TRUST, message) as told:
        adopted(project)
    # What runs is what it is: nobody is told to deploy something else.
    assert not any(p.hint.startswith("deploy") for p in told.value.problems)


@pytest.mark.soak
def test_who_was_retired_there_is_not_adopted(project: Project) -> None:
    ready(project).record()
    retire(open_authentic(project.root, project.world), AGENT, "production", "x", (key_of("pat"), key_of("ledger")))
    with project.refused("promotion.retired", ExitCode.DENIED):
        adopted(project)


def forged(project: Project, change: Callable[[Any], object]) -> None:
    """The gate's key in other hands: the line as it was, but for what is changed in it."""
    line = project.lines()[-1] + b"\n"
    entries = project.ledger().entries
    shutil.rmtree(project.state / "ledger")
    shutil.rmtree(project.base / "state")
    project.append(*((e.kind, e.record_bytes()) for e in entries[:-1]))
    project.append(("promotion", project.reforge(line, change, by="gate")))
    project.lock.write_bytes(b"".join(e.record_bytes() for e in project.ledger().entries if e.kind == "promotion"))


@pytest.mark.attack("A76")
@pytest.mark.parametrize(
    "change",
    [
        lambda p: p.update(adopted=[]),
        lambda p: p["adopted"][0].update(environment="staging"),
        lambda p: p["adopted"][0].update(deployed=p["input_digest"]),
        lambda p: p["adopted"].append({**p["adopted"][0], "environment": "staging"}),
    ],
    ids=["hidden", "elsewhere", "what ran is something else", "one too many"],
)
def test_a_stolen_gate_key_adopts_nothing_and_hides_no_adoption(
    project: Project, change: Callable[[Any], object]
) -> None:
    adopted(ready(project))
    forged(project, change)
    with project.refused("verify.facts-differ", ExitCode.TRUST):
        project.verify()


@pytest.mark.attack("A76")
def test_a_stolen_gate_key_needs_the_quorum_too(project: Project) -> None:
    """The entries of the adopters are left out of the ledger."""
    adopted(ready(project))
    line = project.lines()[-1] + b"\n"
    entries = [e for e in project.ledger().entries if b'"adopter"' not in base64.b64decode(str(e.body["payload"]))]
    shutil.rmtree(project.state / "ledger")
    shutil.rmtree(project.base / "state")
    project.append(*((e.kind, e.record_bytes()) for e in entries if e.kind != "promotion"))
    kept = predicate(project)["approvals"]
    ours = [a for a in kept if a["role"] != "adopter"]
    change = {"approvals": ours, "decided_on": project.ledger().head()}
    project.append(("promotion", project.reforge(line, lambda p: p.update(change), by="gate")))
    project.lock.write_bytes(project.ledger().entries[-1].record_bytes())
    with project.refused("verify.facts-differ", ExitCode.TRUST):
        project.verify()


def test_a_line_that_counts_no_more_makes_no_room_for_another_adoption(project: Project) -> None:
    """The agent was under the gate: it goes through the environments before."""
    adopted(ready(project))
    project.now += HOUR
    opened = open_authentic(project.root, project.world)
    line = next(e.seq for e in opened.ledger.entries if e.kind == "promotion")
    revoke(opened, find_target(opened, f"entry:{line}"), "compromised", "in error", (key_of("pat"), key_of("ledger")))
    project.lock.unlink()
    project.now += HOUR
    assert project.session().history.head("production") is None
    with project.refused("adopt.has-a-line", ExitCode.DENIED, f"ledger entry {line}, which counts no more"):
        adopted(project)
    with project.refused("adopt.has-a-line", ExitCode.DENIED):
        evaluate(project.session(), "production", adopting=True)
