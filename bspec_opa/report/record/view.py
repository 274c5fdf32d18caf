"""What ``approve`` prints before it signs: the view, and beside it what the policies and others say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from bspec_opa.approval.view import render_view
from bspec_opa.report.decision.rolling import age_text
from bspec_opa.report.writing.counting import by
from bspec_opa.report.writing.printable import printable
from bspec_opa.workflow.facts.ending import unrecorded_notes
from bspec_opa.workflow.facts.objections import earlier_rejects

if TYPE_CHECKING:
    from bspec_opa.workflow.facts.evaluation import Evaluation
    from bspec_opa.workflow.facts.situation import Situation


def view_text(situation: Situation, evaluation: Evaluation) -> str:
    """The signed view, then warnings, denials and rejects, which are beside the view and not in it."""
    lines = [render_view(situation.view), f"view {situation.view_digest}\n", *_age(situation)]
    if situation.given.adopting:
        lines.append("adoption  it runs already: no line in the environment before and no soak are asked for\n")
    decision = evaluation.decision
    for rule in decision.rules:
        hard = [f for f in rule.denied if f not in rule.pending]
        lines += [f"denied    {rule.id}  {printable(f.message)}\n" for f in hard]
        lines += [f"warning   {rule.id}  {printable(f.message)}\n" for f in rule.warned]
    approvals = cast("list[dict[str, Any]]", evaluation.request["approvals"])
    lines += [f"rejected  by {by(a['principal'], a['role'])}\n" for a in approvals if a["decision"] == "reject"]
    lines += [f"earlier   {printable(said)}\n" for said in earlier_rejects(situation)]
    lines += [f"note      {printable(said)}\n" for said in unrecorded_notes(situation.given.history)]
    return "".join(lines) + "\n"


def _age(situation: Situation) -> list[str]:
    """How old the line is that is gone back to; an age is never in the view, which has to be made again later."""
    rollback = situation.given.rollback
    return [f"back to a version {age_text(max(0, situation.given.now - rollback.origin.at))}\n"] if rollback else []
