"""What a promotion came to, as text and as ``bspec.promotion/v1``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from bspec_opa.report.decision.evaluation_json import evaluation_json
from bspec_opa.report.decision.next_steps import steps_after, steps_for, steps_in
from bspec_opa.report.decision.rolling import done, target_text, wanted_of
from bspec_opa.report.decision.standing import waived_lines
from bspec_opa.report.decision.text import next_lines, render_evaluation
from bspec_opa.report.writing.counting import by, count
from bspec_opa.report.writing.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.report.writing.style import Style
    from bspec_opa.workflow.checkout.project import Project
    from bspec_opa.workflow.facts.evaluation import Evaluation
    from bspec_opa.workflow.promote import Outcome


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for.

    Attributes:
        intent: the intent's file as the user named it.
        environment: where to.
        project: where its files are, for the commands that come next.
        following: environments of the intent that are promoted to from this one.
    """

    intent: str
    environment: str
    project: Project
    following: tuple[str, ...] = ()

    def steps(self, outcome: Outcome) -> list[str]:
        """The next commands."""
        evaluation = outcome.evaluation
        if evaluation is not None and evaluation.decision.allowed and (back := wanted_of(evaluation.request)):
            review = [self._review(outcome)] if back.emergency else []
            return [*steps_after(self.intent, outcome.lock, ()), *review]
        if evaluation is None or evaluation.decision.allowed:
            return steps_after(self.intent, outcome.lock, self.following)
        return steps_for(self.intent, evaluation, self.project, prepared=True)

    def _review(self, outcome: Outcome) -> str:
        return steps_in(self.project, self.intent, self.environment).review(str(outcome.line), self.environment)


def outcome_text(wanted: Wanted, outcome: Outcome, style: Style) -> str:
    """The verdict first; then what was bound, decided and written, or why nothing was."""
    steps = wanted.steps(outcome)
    evaluation = outcome.evaluation
    if evaluation is None:
        word = style.mark("CURRENT", "bold", "green")
        head = f"{word}  exactly this is current in {printable(wanted.environment)}; nothing was signed"
        more = [*_restored(outcome), *_restated(outcome)]
        return "\n".join([head, f"  line      {outcome.line}", *more, *next_lines(steps)]) + "\n"
    if not evaluation.decision.allowed:
        recorded = "nothing was recorded" if outcome.entry is None else f"denial recorded as entry {outcome.entry}"
        text = render_evaluation(evaluation, steps, style=style)
        head, _, rest = text.partition("\n")
        return "\n".join([head, f"  no lock written; {recorded}", *_restored(outcome), *_restated(outcome), rest])
    word, colour, subject = done(evaluation)
    return _promoted(evaluation, outcome, steps, f"{style.mark(word, 'bold', colour)}  {subject}")


def _restored(outcome: Outcome) -> list[str]:
    """What became of the lock although no line is new."""
    if not outcome.restored:
        return []
    return [f"  restored  {printable(str(outcome.lock))}: {count(outcome.restored, 'line')} copied from the ledger"]


def _restated(outcome: Outcome) -> list[str]:
    """The head statement that was made anew, and what could not be done."""
    lines = [] if outcome.head is None else [f"  head      {printable(str(outcome.head))} made anew"]
    return [*lines, *(f"  note      {printable(n)}" for n in outcome.notes)]


def _promoted(evaluation: Evaluation, outcome: Outcome, steps: Sequence[str], head: str) -> str:
    request = cast("dict[str, Any]", evaluation.request)
    binding = request["binding"][0]
    rules = f"{count(len(evaluation.decision.rules), 'rule')}, {evaluation.assurance}"
    lines = [
        head,
        *target_text(evaluation),
        f"  binding   {binding['digest']}{_carried(request)}",
        f"  approvals {_approvals(request)}",
        f"  evidence  {_evidence(request)}",
        f"  policy    bundle {evaluation.bundle.digest} ({rules})",
        f"  ledger    entry {outcome.entry}",
        f"  line      {outcome.line}",
        f"  wrote     {printable(str(outcome.lock))}",
    ]
    lines += [f"  warning   {r.id}  {printable(f.message)}" for r in evaluation.decision.warned for f in r.warned]
    lines += waived_lines(evaluation, "  waived    ", " " * 12)
    lines += [f"  note      {printable(n)}" for n in evaluation.notes]
    lines += _restated(outcome)
    return "\n".join(lines + next_lines(steps)) + "\n"


def _carried(request: dict[str, Any]) -> str:
    found = request["predecessor"]
    if not found:
        return ""
    return f"  carried from {found[0]['environment']}, unchanged"


def _approvals(request: dict[str, Any]) -> str:
    counted = [
        by(a["principal"], a["role"])
        for a in request["approvals"]
        if a["decision"] == "approve" and all(a["binds"].values())
    ]
    return " · ".join(sorted(counted))


def _evidence(request: dict[str, Any]) -> str:
    largest: dict[str, tuple[int, int]] = {}
    for pool in request["evidence"]:
        question = f"{pool['question']} ({pool['method']})"
        counts = (pool["cases"], pool["passed"])
        largest[question] = max(largest.get(question, (0, 0)), counts)
    return " · ".join(f"{q} {passed}/{cases}" for q, (cases, passed) in sorted(largest.items()))


def outcome_json(wanted: Wanted, outcome: Outcome) -> JsonObject:
    """The evaluation with what was written; for what was current already only the line."""
    evaluation = outcome.evaluation
    next_steps: list[JsonValue] = [*wanted.steps(outcome)]
    written: JsonObject = {
        "line": outcome.line or "",
        "entry": -1 if outcome.entry is None else outcome.entry,
        "lock": str(outcome.lock),
        "sequenced": [*outcome.sequenced],
        "restored": outcome.restored,
        "head": "" if outcome.head is None else str(outcome.head),
        "head_notes": [*outcome.notes],
    }
    if evaluation is None:
        current: JsonObject = {"schema": "bspec.promotion-current/v1", "exit_code": 0}
        return {**current, "environment": wanted.environment, **written, "next": next_steps}
    return {**evaluation_json(evaluation, wanted.steps(outcome), "bspec.promotion/v1"), **written}
