"""Finds the decisions that controls are held against: a decision's file, an intent, a lock, or a project's ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from bspec_opa.bundle.archive import compress
from bspec_opa.foundation.document.load import parse_json
from bspec_opa.foundation.errors import Location
from bspec_opa.foundation.files import is_directory, read_bounded
from bspec_opa.foundation.limits import MAX_REPLY_BYTES
from bspec_opa.foundation.suggest import did_you_mean
from bspec_opa.ledger.objects import ObjectStore
from bspec_opa.lock.line import ROLLBACK, parse_line
from bspec_opa.workflow.checkout.deciding import load_policy, policy_of
from bspec_opa.workflow.checkout.place import authentic_ledger
from bspec_opa.workflow.checkout.project import find_project
from bspec_opa.workflow.checkout.session import open_session
from bspec_opa.workflow.controls.auditing_denial import NOT_REBUILT, denial_of
from bspec_opa.workflow.currency.demanding import load_head, require_current
from bspec_opa.workflow.evaluate import evaluate
from bspec_opa.workflow.facts.controls import (
    FILE,
    INTENT,
    LINE,
    Decided,
    Judged,
    frameworks_of,
    judge_controls,
)
from bspec_opa.workflow.facts.evaluation import BundleRef
from bspec_opa.workflow.facts.heads import LINE_TYPES
from bspec_opa.workflow.facts.proof import Proof, approved, proof_from, proof_of
from bspec_opa.workflow.facts.reading import read_history
from bspec_opa.workflow.reasons import NO_CONTROLS, NO_DECISION, UNKNOWN_BUNDLE
from bspec_opa.workflow.recorded.decisions import DENIAL
from bspec_opa.workflow.verifying.checking import verify_file
from bspec_opa.workflow.verifying.showing import open_lock
from bspec_opa.workflow.verifying.verify import Evidence, verify_head
from bspec_opa.workflow.witness.cosigning import require_witnessed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from bspec_opa.bundle.read import Bundle
    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.lock.line import LockLine
    from bspec_opa.workflow.checkout.project import Project
    from bspec_opa.workflow.checkout.world import World
    from bspec_opa.workflow.facts.evaluation import Evaluation
    from bspec_opa.workflow.facts.heads import Head
    from bspec_opa.workflow.facts.history import History

NOT_VERIFIED = "the file says so itself: nothing in it was verified"
ONLY_CURRENT = (
    "only current lines are here: verify lists those that were replaced, and --entry N has one of them, or a denial"
)
DECISION = frozenset({"bspec.evaluation/v1", "bspec.promotion/v1"})


def audit(
    subject: Path,
    world: World,
    *,
    environment: str,
    framework: str,
    entry: int | None,
    conforms: Callable[[str, JsonObject], list[str]],
) -> tuple[list[Judged], list[str]]:
    """Every decision that a subject has, held against its organisation's controls; and what was not checked.

    Args:
        subject: a decision as JSON, an intent, a lock, or a project's directory.
        world: environment, time and flags.
        environment: only this one's decisions; of an intent, where it would go.
        framework: only this one's controls; all if empty.
        entry: of a ledger, the promotion, current or not, or the denial that this entry holds; None for all that is
            current.
        conforms: what keeps a document from fitting the published schema of a name.

    Raises:
        BspecError: the subject does not verify, is none of these, or its organisation maps no controls.
    """
    project = find_project(subject, world.environ, world.flags)
    if is_directory(subject):
        decided, notes = _of_ledger(project, world, entry)
    elif entry is not None:
        raise NO_DECISION.error(
            "only a ledger has entries", hint="name the project's directory", at=Location(str(subject))
        )
    elif subject.suffix == ".lock":
        decided, notes = _of_lock(subject, world)
    elif subject.suffix == ".json":
        decided, notes = [_of_file(subject, conforms)], [NOT_VERIFIED]
    else:
        decided, notes = _of_intent(subject, environment, world)
    wanted = [d for d in decided if environment in {"", d.environment}]
    if not wanted:
        raise NO_DECISION.error(_nothing(decided, environment), at=Location(str(subject)))
    bundles: dict[str, Bundle] = {}
    for one in wanted:
        if one.bundle.digest not in bundles:
            bundles[one.bundle.digest] = _bundle(one, project, subject)
    _require_mapped(bundles.values(), framework)
    judged = [
        judge_controls(d, bundles[d.bundle.digest].index, bundles[d.bundle.digest].organisation, framework)
        for d in wanted
    ]
    return judged, notes


def _nothing(decided: list[Decided], environment: str) -> str:
    known = sorted({d.environment for d in decided})
    if not known:
        return "nothing was promoted: there is no current line"
    return f"there is no decision for {environment}, only for {', '.join(known)}"


def _require_mapped(bundles: Iterable[Bundle], framework: str) -> None:
    mapped = sorted({f for b in bundles for f in frameworks_of(b.organisation)})
    if not mapped:
        raise NO_CONTROLS.error("the organisation's data maps no control to rules", hint="write controls into it")
    if framework and framework not in mapped:
        message = f'no control of the framework "{framework}" is mapped'
        raise NO_CONTROLS.error(message, hint=did_you_mean(framework, mapped))


def _bundle(decided: Decided, project: Project, subject: Path) -> Bundle:
    """The bundle that decided: the configured one, or the one that the ledger's objects hold."""
    policy = load_policy(project.config)
    if policy.ref.digest == decided.bundle.digest:
        return policy.bundle
    objects = ObjectStore(project.objects_directory)
    if not objects.has(decided.bundle.digest):
        raise UNKNOWN_BUNDLE.error(
            f"{decided.subject} was decided by the bundle {decided.bundle.name} ({decided.bundle.digest}), "
            "which is not here",
            hint="give it with --bundle",
            at=Location(str(subject)),
        )
    return policy_of(compress(objects.get(decided.bundle.digest)), f"{decided.bundle.name}.tar.gz").bundle


def _of_file(path: Path, conforms: Callable[[str, JsonObject], list[str]]) -> Decided:
    """What ``evaluate --format json`` wrote."""
    value = parse_json(read_bounded(path, MAX_REPLY_BYTES), str(path))
    name = str(value.get("schema")) if isinstance(value, dict) else ""
    if not isinstance(value, dict) or name not in DECISION:
        message = f"is no decision: its schema is {name[:60] or 'not said'}"
        raise NO_DECISION.error(message, hint="write it with evaluate --format json", at=Location(str(path)))
    wrong = conforms(name, value)
    if wrong:
        raise NO_DECISION.error(f"does not fit {name}: {wrong[0]}", at=Location(str(path)))
    found = cast("dict[str, Any]", value)
    bundle = found["bundle"]
    rules = {r["id"]: _status(r["status"], len(r["denied"]), len(r["pending"])) for r in found["rules"]}
    if contradicting := _worse_than(found["verdict"], rules):
        message = f"contradicts itself: it says {found['verdict']}, and {', '.join(contradicting[:3])} doesn't"
        raise NO_DECISION.error(message, hint="write it again", at=Location(str(path)))
    return Decided(
        subject=str(path),
        agent=found["agent"],
        environment=found["environment"],
        verdict=found["verdict"],
        at="",
        entry=found.get("entry", -1),
        line=found.get("line", ""),
        basis=FILE,
        advisory=found["advisory"],
        bundle=BundleRef(bundle["name"], bundle["revision"], bundle["digest"]),
        rules=rules,
        proof=proof_from(found["proof"]),
        action="rollback" if found["rollback"] else "promote",
    )


def _status(status: str, denied: int, pending: int) -> str:
    return "pending" if status == "deny" and denied == pending else status


def _worse_than(verdict: str, rules: Mapping[str, str]) -> list[str]:
    """The rules that don't allow as much as a verdict; less than its rules allow it may, by the gate's own floor."""
    not_so = {"allowed": {"pending", "deny"}, "pending": {"deny"}}.get(verdict, set())
    return [rule for rule, status in sorted(rules.items()) if status in not_so]


def _of_intent(subject: Path, environment: str, world: World) -> tuple[list[Decided], list[str]]:
    if not environment:
        raise NO_DECISION.error("an intent has no decision yet", hint="say where it would go: --env ENV")
    evaluation = evaluate(open_session(subject, world, need_pin=False), environment)
    return [of_evaluation(evaluation, str(subject))], list(evaluation.notes)


def of_evaluation(evaluation: Evaluation, subject: str) -> Decided:
    """An evaluation as a decision to hold controls against."""
    decision = evaluation.decision
    return Decided(
        subject=subject,
        agent=evaluation.agent,
        environment=evaluation.environment,
        verdict={0: "allowed", 4: "denied", 5: "pending"}[int(evaluation.exit_code)],
        at="",
        entry=-1,
        line="",
        basis=INTENT,
        advisory=evaluation.advisory,
        bundle=evaluation.bundle,
        rules={r.id: _status(r.status, len(r.denied), len(r.pending)) for r in decision.rules},
        proof=proof_of(evaluation.request),
        action=str(evaluation.request["action"]),
    )


def _of_lock(path: Path, world: World) -> tuple[list[Decided], list[str]]:
    """The current lines of a lock file, each of which is replayed."""
    verification = verify_file(path, world, None, to_deploy=False)
    current = {v.digest: v for v in verification.lines if v.current and v.withdrawn is None}
    found = [
        _of_line(line, f"{path} line {current[line.digest].number}", current[line.digest].entry)
        for line in open_lock(path)
        if line.digest in current
    ]
    return found, list(verification.notes)


def _of_ledger(project: Project, world: World, entry: int | None) -> tuple[list[Decided], list[str]]:
    """Every current line of a project's ledger, or the line or the denial of one entry; each is replayed."""
    given = load_head(project)
    opened = authentic_ledger(project, world)
    anchor, ledger, world, notes = opened.anchor, opened.ledger, opened.world, opened.notes
    require_witnessed(anchor.root, ledger, world.now)
    evidence = Evidence(anchor.roots, ledger, ObjectStore(project.objects_directory), world.environ, world.now)
    if any(held.seq == entry and held.kind == DENIAL for held in ledger.entries):
        return [denial_of(cast("int", entry), project, evidence)], [*notes, NOT_REBUILT]
    found = []
    for history, head in _wanted(evidence, entry):
        verify_head(head, history, evidence)
        name = f"ledger entry {head.seq}"
        found.append(_of_line(parse_line(head.record.envelope, name), name, head.seq))
    if entry is not None and not found:
        raise NO_DECISION.error(
            f"ledger entry {entry} is no promotion and no denial", hint="verify lists the entries of a lock"
        )
    if entry is not None:
        return found, [*notes]
    # What is current is said here, so it has to be: what an entry was, it stays.
    environments = {d.environment for d in found}
    shown = require_current(given, anchor, ledger, world, environments=environments, agents=None)
    return found, [*notes, *shown.notes, ONLY_CURRENT]


def _wanted(evidence: Evidence, entry: int | None) -> Iterator[tuple[History, Head]]:
    """The lines that are asked for, agent by agent, each with what the ledger says about its agent."""
    entries = evidence.ledger.entries
    agents: dict[str, set[str]] = {}
    for held in entries:
        if held.kind in LINE_TYPES and entry in {None, held.seq}:
            line = parse_line(held.record_bytes(), f"ledger entry {held.seq}")
            agents.setdefault(line.agent, set()).add(line.environment)
    for agent, environments in sorted(agents.items()):
        history = read_history(entries, evidence.roots, agent, evidence.now)
        heads = map(history.standing, sorted(environments)) if entry is None else [history.line(entry)]
        yield from ((history, head) for head in heads if head is not None)


def _of_line(line: LockLine, subject: str, entry: int) -> Decided:
    """A verified line as a decision to hold controls against."""
    predicate = cast("dict[str, Any]", line.predicate)
    bundle = predicate["bundles"][0]
    return Decided(
        subject=subject,
        agent=line.agent,
        environment=line.environment,
        verdict="allowed",
        at=line.now,
        entry=entry,
        line=line.digest,
        basis=LINE,
        advisory=False,
        bundle=BundleRef(bundle["name"], bundle["revision"], bundle["digest"]),
        rules={r["id"]: r["status"] for r in predicate["decision"]["rules"]},
        proof=Proof(
            line.intent_digest,
            line.binding_digest,
            approved(predicate["approvals"]),
            tuple(line.ids("evidence")),
            tuple(line.ids("waivers")),
        ),
        action="rollback" if line.kind == ROLLBACK else "promote",
    )
