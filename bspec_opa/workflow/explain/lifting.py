"""The smallest set of things to do that turns a pending decision into an allow, proven by deciding again. Pure.

What the pending findings need is merged, supposed to be done, and decided on again, until nothing is pending. Then
each part is left out in turn: what is not missed is not asked for. What can't be supposed (what ``resolve`` finds)
makes the set an estimate, and it says so.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from bspec_opa.gate.reasons import FLOOR_SUBMIT
from bspec_opa.workflow.explain.supposed import APPROVAL, EVIDENCE, RESOLVE, SOAK, Step, supposing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.gate.decision import Decision, Finding
    from bspec_opa.workflow.explain.supposed import Facts

    Decide = Callable[[JsonObject], Decision]

ROUNDS = 6
"""What one round lifts may show what else is missing: a run voids approvals that were given without it."""
MOST_CASES = 20_000
MOST_DECISIONS = 400
BOUNDARY, USUAL_METHOD = "boundary", "functional"


@dataclass(frozen=True, slots=True)
class Lift:
    """What would turn a decision into an allow.

    Attributes:
        steps: in their order; empty where nothing helps, or nothing is missing.
        proven: deciding again with all of them allows, and without any one of them does not.
        hopeless: rules that deny, and codes of the floor, which no record lifts.
        why: what keeps it from being proven; one line.
        decisions: how many times it was decided again.
    """

    steps: tuple[Step, ...] = ()
    proven: bool = False
    hopeless: tuple[str, ...] = ()
    why: str = ""
    decisions: int = 0


def lift_of(request: JsonObject, decision: Decision, decide: Decide, methods: Sequence[str] = ()) -> Lift:
    """What would turn a decision into an allow.

    Args:
        request: what was decided on.
        decision: what came of it.
        decide: decides again on other facts; raises what an engine raises.
        methods: by which the boundary is asked about, for probes.
    """
    if decision.allowed:
        return Lift(proven=True)
    hopeless = tuple(r.id for r in decision.denied)
    if hopeless:
        return Lift(hopeless=hopeless)
    if not decision.pending:
        return Lift(hopeless=tuple(p.reason.code for p in decision.refusals))
    return _Search(request, decide, methods[0] if methods else USUAL_METHOD).run(decision)


@dataclass
class _Search:
    """Steps so far, and how often it was decided."""

    request: JsonObject
    decide: Decide
    method: str
    steps: dict[tuple[int, str, str, str], Step] = field(default_factory=dict)
    decisions: int = 0

    def run(self, decision: Decision) -> Lift:
        for _ in range(ROUNDS):
            before = dict(self.steps)
            for step in _needed(decision, self.request, self.method):
                self._take(step)
            if self.steps == before:
                break
            decision = self._outcome(self.steps.values())
            if decision.denied:
                decision = self._with_more_cases(decision)
            if self._done(decision):
                return self._smallest()
        left = sorted({*(r.id for r in decision.rules if r.denied), *(p.reason.code for p in decision.refusals)})
        why = f"with all of it {', '.join(left)} would still deny"
        return Lift(self._ordered(), proven=False, why=why, decisions=self.decisions)

    def _take(self, step: Step) -> None:
        old = self.steps.get(step.key)
        once = old is not None and step.kind not in {APPROVAL, EVIDENCE, SOAK}
        self.steps[step.key] = old if once and old else old.and_also(step) if old else step

    def _outcome(self, steps: Iterable[Step]) -> Decision:
        self.decisions += 1
        return self.decide(supposing(self.request, steps))

    @property
    def _unresolved(self) -> bool:
        return any(s.kind == RESOLVE for s in self.steps.values())

    def _done(self, decision: Decision) -> bool:
        """Allowed; where a binding is missing, that nothing but the binding is missing."""
        if not self._unresolved:
            return decision.allowed
        others = [f for r in decision.rules for f in r.denied if f.needs is None or f.needs.kind != RESOLVE]
        return not others and {p.reason.code for p in decision.refusals} <= {FLOOR_SUBMIT.code}

    def _with_more_cases(self, decision: Decision) -> Decision:
        """A bound may take more cases than were asked for: the least number of each run that lifts a denial."""
        for key, step in list(self.steps.items()):
            if step.kind == EVIDENCE and decision.denied:
                enough = self._enough(key, step, _hard(decision))
                if enough is not None:
                    self.steps[key] = enough
                    decision = self._outcome(self.steps.values())
        return decision

    def _enough(self, key: tuple[int, str, str, str], step: Step, hard: int) -> Step | None:
        def helps(count: int) -> bool:
            return _hard(self._outcome({**self.steps, key: step.with_count(count)}.values())) < hard

        low, high = step.count, max(1, step.count) * 2
        while not helps(high):
            low, high = high, high * 2
            if high > MOST_CASES:
                return None
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if helps(middle) else (middle, high)
        return step.with_count(high)

    def _smallest(self) -> Lift:
        """Leave out whatever is not missed; then nothing more can be."""
        while self.decisions < MOST_DECISIONS:
            spared = next((s for s in self._without_a_part() if self._done(self._outcome(s.values()))), None)
            if spared is None:
                break
            self.steps = spared
        else:
            return Lift(self._ordered(), proven=False, why="there is too much to try", decisions=self.decisions)
        why = "which rules judge what resolve finds is not known before" if self._unresolved else ""
        return Lift(self._ordered(), proven=not self._unresolved, why=why, decisions=self.decisions)

    def _without_a_part(self) -> Iterator[dict[tuple[int, str, str, str], Step]]:
        """The steps without one of them, or with one less of it; somebody's approval before that in a role."""
        for key, step in sorted(self.steps.items(), key=lambda i: (i[1].kind == APPROVAL, bool(i[1].role), i[0])):
            if step.kind == RESOLVE:
                continue
            yield {k: s for k, s in self.steps.items() if k != key}
            if step.count > 1:
                yield {**self.steps, key: step.with_count(step.count - 1)}
            for entry, number in step.probes:
                others = tuple(p for p in step.probes if p[0] != entry)
                fewer = ((entry, number - 1),) if number > 1 else ()
                probes = tuple(sorted((*others, *fewer)))
                yield {**self.steps, key: Step(step.kind, "", step.question, step.method, step.count, probes)}

    def _ordered(self) -> tuple[Step, ...]:
        return tuple(self.steps[k] for k in sorted(self.steps))


def _hard(decision: Decision) -> int:
    """Denials that nothing missing explains."""
    return sum(len(r.denied) - len(r.pending) for r in decision.rules)


def _needed(decision: Decision, request: JsonObject, method: str) -> list[Step]:
    """What the pending findings need: one thing satisfies all that ask for the same, so the greatest number counts."""
    found: dict[tuple[int, str, str, str], Step] = {}
    probes: dict[str, int] = {}
    for finding in (f for r in decision.rules for f in r.pending):
        entry = _probed(finding, request)
        need = finding.needs
        if need is None:
            continue
        if entry is not None and need.kind == EVIDENCE and not need.method:
            probes[entry] = max(probes.get(entry, 0), need.count)
            continue
        step = Step(need.kind, need.role, need.question, need.method, max(need.count, _least(need.kind)))
        if step.key not in found or found[step.key].count < step.count:
            found[step.key] = step
    if any(s.kind == APPROVAL and s.role for s in found.values()):
        found = {k: s for k, s in found.items() if s.kind != APPROVAL or s.role}
    steps = list(found.values())
    return _probing(steps, probes, method) if probes else steps


def _least(kind: str) -> int:
    return 1 if kind in {APPROVAL, EVIDENCE} else 0


def _probed(finding: Finding, request: JsonObject) -> str | None:
    """The out-of-scope entry that a finding is about."""
    intent = cast("dict[str, Any]", request["intent"])
    return next((str(o["id"]) for o in intent["scope"]["out"] if o["path"] == finding.path), None)


def _probing(steps: list[Step], probes: dict[str, int], method: str) -> list[Step]:
    """The probes go into a run on the boundary that is needed anyway, or into one of their own."""
    wanted = tuple(sorted(probes.items()))
    boundary = [s for s in steps if s.kind == EVIDENCE and s.question == BOUNDARY]
    home = boundary[0] if boundary else Step(EVIDENCE, question=BOUNDARY, method=method, count=0)
    fullest = max(home.count, *probes.values())
    probing = Step(EVIDENCE, "", home.question, home.method, fullest, wanted)
    return [*(s for s in steps if s is not home), probing]


def methods_of(request: JsonObject, organisation: Facts) -> tuple[str, ...]:
    """By which methods the boundary is asked about: the intent's, the line's before and the floors'."""
    requirements = cast("Facts", request["requirements"])
    floors = [f["rules"] for f in organisation["floors"] if f["environment"] == request["environment"]]
    sources = [*requirements["declared"], *requirements["previous"], *floors]
    asked = [e["method"] for s in sources for e in s["evidence"] if e["question"] == BOUNDARY]
    return tuple(dict.fromkeys(asked))
