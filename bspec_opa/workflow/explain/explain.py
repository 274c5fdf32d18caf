"""Explains a decision: rule by rule, and what would lift it. Nothing is written."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, cast

from bspec_opa.bundle.index import EVERYWHERE, GLOBAL, LIBRARY_OWNER
from bspec_opa.bundle.shipped import shipped_rules
from bspec_opa.foundation.errors import BspecError
from bspec_opa.foundation.suggest import did_you_mean
from bspec_opa.workflow.checkout.deciding import open_replay
from bspec_opa.workflow.explain.asking_opa import open_interpreter
from bspec_opa.workflow.explain.explanation import (
    DENIED,
    PENDING,
    WAIVED,
    WARNED,
    ExplainedRule,
    Explanation,
    Read,
    Why,
)
from bspec_opa.workflow.explain.lifting import lift_of, methods_of
from bspec_opa.workflow.explain.meant import decision_meant
from bspec_opa.workflow.explain.reasons import RULE_NOT_RUN, UNKNOWN_RULE
from bspec_opa.workflow.explain.rego_text import blocks_of, blocks_saying, references_of
from bspec_opa.workflow.explain.trace import Trace, within
from bspec_opa.workflow.explain.values import at_reference, inside, value_at
from bspec_opa.workflow.facts.spot import spot_of
from bspec_opa.workflow.normalize import CHECK
from bspec_opa.workflow.recorded.again import decide_again

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bspec_opa.bundle.index import RuleEntry
    from bspec_opa.bundle.read import Bundle
    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.gate.decision import Finding, RuleOutcome
    from bspec_opa.workflow.checkout.world import World
    from bspec_opa.workflow.explain.asking_opa import Interpreter
    from bspec_opa.workflow.explain.lifting import Lift
    from bspec_opa.workflow.explain.meant import Meant
    from bspec_opa.workflow.explain.rego_text import Block
    from bspec_opa.workflow.explain.trace import Fired

MOST_FAILURES = 2
"""Rules whose trace may be too much before no further one is asked for."""


def explain(named: str, rule: str | None, environment: str | None, world: World) -> Explanation:
    """Why a decision is as it is.

    Args:
        named: the decision; see :func:`~bspec_opa.workflow.explain.meant.decision_meant`.
        rule: the one rule, by id or code; None for every rule that found something.
        environment: where to, of an intent.
        world: environment, time and flags.

    Raises:
        UsageError: there is no such rule or decision.
        BspecError: the decision can't be taken; see the exit codes.
    """
    meant = decision_meant(named, environment, world)
    asked = _asked(meant, rule)
    with open_interpreter(meant.policy, world.environ, meant.project.config.place) as interpreter:
        trace, failed = traced(asked, meant.request, interpreter)
        found = tuple(_explained(outcome, meant, trace) for outcome in asked)
        note = interpreter.why or failed
        version = interpreter.version if any(w.evaluated for r in found for w in r.findings) or not note else ""
    contact = str(meant.policy.bundle.organisation["contact"])
    return Explanation(meant, found, version, note, contact, _lift(meant, world))


def _asked(meant: Meant, rule: str | None) -> list[RuleOutcome]:
    ran = sorted(meant.decision.rules, key=lambda r: r.id)
    if rule is None:
        return [r for r in ran if r.denied or r.warned or r.waived]
    index = meant.policy.bundle.index
    entry = next((r for r in index.rules if rule in {r.id, r.code}), None)
    if entry is None:
        known = [name for r in index.rules for name in (r.id, r.code)]
        raise UNKNOWN_RULE.error(f"the bundle has no rule {rule[:100]!r}", hint=did_you_mean(rule, known))
    found = [r for r in ran if r.id == entry.id]
    if not found:
        raise RULE_NOT_RUN.error(f"{entry.id} took no part in this decision: {_why_not(entry, meant)}")
    return found


def _why_not(entry: RuleEntry, meant: Meant) -> str:
    if meant.request["action"] == CHECK and entry.kind != GLOBAL:
        return "without --env only the global rules run"
    if entry.kind != GLOBAL and entry.group not in {EVERYWHERE, meant.environment}:
        return f"it is for {entry.group}, and this is about {meant.environment}"
    if meant.request["action"] not in entry.actions:
        return f"it is for another action, and this is a {meant.request['action']}"
    return "the organisation's data does not select it"


def traced(asked: Sequence[RuleOutcome], request: JsonObject, interpreter: Interpreter) -> tuple[Trace, str]:
    """OPA's trace of all that was found; which rules have none, where it is too much or OPA fails."""
    sets = [(o.id, kind) for o in asked for kind in _sets(o)]
    try:
        return Trace([interpreter.trace(sets, request)]), ""
    except BspecError as e:
        first = e
    runs: list[list[dict[str, Any]]] = []
    failed: dict[str, str] = {}
    for rule, kind in sets if len(sets) > 1 else ():
        # What one rule makes of it must not hide the others; but there is an end to waiting.
        if len(failed) >= MOST_FAILURES:
            failed.setdefault(rule, "not asked for any more")
            continue
        try:
            runs.append(interpreter.trace([(rule, kind)], request))
        except BspecError as e:
            failed[rule] = e.problems[0].message
    told = "; ".join(f"{rule}: {why}" for rule, why in sorted(failed.items()))
    return Trace(runs), told or str(first.problems[0])


def _sets(outcome: RuleOutcome) -> Iterator[str]:
    """Which of a rule's sets its findings come from; a denial that is not in force yet is a warning."""
    if outcome.denied or outcome.waived or outcome.warned:
        yield "deny"
    if outcome.warned:
        yield "warn"


def _explained(outcome: RuleOutcome, meant: Meant, trace: Trace) -> ExplainedRule:
    bundle = meant.policy.bundle
    entry = next(r for r in bundle.index.rules if r.id == outcome.id)
    blocks = blocks_of(bundle.files[entry.path].decode("utf-8", "replace"))
    findings = tuple(_why(f, s, meant, blocks, trace.fired(entry.path, _as_made(f))) for f, s in _findings(outcome))
    return ExplainedRule(entry, outcome, blocks, findings, _reads(entry, bundle, meant.request), _is_shipped(entry))


def _is_shipped(entry: RuleEntry) -> bool:
    return entry.owner == LIBRARY_OWNER and entry.id in shipped_rules()


def _findings(outcome: RuleOutcome) -> Iterator[tuple[Finding, str]]:
    for finding in outcome.denied:
        yield finding, PENDING if finding in outcome.pending else DENIED
    for finding in outcome.warned:
        yield finding, WARNED
    for finding in outcome.waived:
        yield finding, WAIVED


def _as_made(finding: Finding) -> JsonObject:
    """The member of ``deny`` or ``warn`` that a finding was read from."""
    made: JsonObject = {"msg": finding.message, "path": finding.path}
    if finding.needs is None:
        return made
    need = finding.needs
    given: JsonObject = {
        "kind": need.kind,
        "role": need.role,
        "question": need.question,
        "method": need.method,
        "count": need.count,
    }
    return {**made, "needs": {k: v for k, v in given.items() if v}}


def _why(finding: Finding, status: str, meant: Meant, blocks: tuple[Block, ...], fired: Fired | None) -> Why:
    document = meant.document
    spot = spot_of(document, finding.path) if document is not None else None
    value = None if document is not None else _value(meant, finding.path)
    if fired is None:
        return Why(finding, status, spot, value, blocks_saying(blocks, finding.message))
    mine = tuple(b for b in blocks if b.start == fired.start)
    last = max((b.start + len(b.lines) for b in mine), default=0)
    seen = tuple(within(fired.seen, mine[0].body, last)) if mine else fired.seen
    return Why(finding, status, spot, value, mine or blocks, fired.evaluated, seen)


def _value(meant: Meant, path: str) -> JsonValue:
    """What stands at a path of the intent: in the intent itself, or else, as near as it can be told, in the input."""
    return inside(meant.stored, path) if meant.stored is not None else value_at(meant.request, path)


def _reads(entry: RuleEntry, bundle: Bundle, request: JsonObject) -> tuple[Read, ...]:
    """What the rule's source refers to, and the library's that it imports, whether or not it was evaluated."""
    roots: JsonObject = {"input": request, "data": {"bspec": {"org": bundle.organisation}}}
    references = references_of(entry.path, bundle.files)
    return tuple(Read(r, at_reference(roots, r)) for r in references)


def _lift(meant: Meant, world: World) -> Lift:
    policy = meant.policy
    methods = methods_of(meant.request, cast("dict[str, Any]", policy.bundle.organisation))
    with open_replay(policy, world.environ, meant.project.config.place) as panel:
        decide = partial(decide_again, policy=policy, mandatory=meant.mandatory, panel=panel)
        return lift_of(meant.request, meant.decision, decide, methods)
