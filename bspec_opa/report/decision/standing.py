"""How waivers stand, as an evaluation says it: what they lift, and which lift nothing or soon will not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.bundle.selection import FLOOR
from bspec_opa.report.decision.rolling import flags_of, wanted_of
from bspec_opa.report.writing.counting import by
from bspec_opa.report.writing.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.workflow.facts.evaluation import Evaluation
    from bspec_opa.workflow.facts.waivers import Standing

_MOST_NAMED = 3


def waived_lines(evaluation: Evaluation, label: str, indent: str) -> Iterator[str]:
    """Each finding that a waiver lifts, and whose waiver that is."""
    for rule in evaluation.decision.waived:
        for finding in rule.waived:
            yield f"{label}{rule.id}  {printable(finding.message)}"
            for one in evaluation.waivers:
                if (finding.path, finding.message) in one.lifts and one.waiver.rule == rule.id:
                    record, said = one.waiver.record, one.waiver.said
                    who = by(record.principal, record.role)
                    yield f"{indent}until {one.waiver.expires} by {who}: {printable(said['reason'])}"


def standing_json(one: Standing) -> JsonObject:
    """A waiver and how it stands."""
    waiver = one.waiver
    said = waiver.said
    return {
        "id": waiver.id,
        "entry": one.entry,
        "status": one.status,
        "why": one.why,
        "rule": waiver.rule,
        "findings": said["findings"],
        "lifts": [{"path": p, "msg": m} for p, m in one.lifts],
        "reason": said["reason"],
        "principal": waiver.record.principal,
        "requester": said["requester"],
        "signed_at": said["signed_at"],
        "expires": waiver.expires,
        "ends_soon": one.soon,
        "renews": said["renewal"],
        "renewals": waiver.renewals,
    }


def waivable_lines(evaluation: Evaluation, indent: str) -> list[str]:
    """One line that names the rules that deny and that a waiver may lift; none where there is none."""
    index = evaluation.index
    entries = (index.rule(r.id) for r in evaluation.decision.denied)
    found = [e.id for e in entries if e is not None and e.waivable and e.id not in FLOOR]
    if not found:
        return []
    shown, more = found[:_MOST_NAMED], len(found) - _MOST_NAMED
    named = ", ".join(shown) + (f" and {more} more" if more > 0 else "")
    about = " --adopt" if evaluation.adopters else flags_of(wanted_of(evaluation.request))
    return [f"{indent}waivable  {named}: for a while, by a waiver-approver (bspec-opa waive{about})"]


def remark_lines(standing: Sequence[Standing], indent: str) -> list[str]:
    """What an evaluation says of waivers that lift nothing, or soon will not."""
    lines = []
    for one in standing:
        name = f"{one.waiver.id} of {one.waiver.rule}"
        if one.soon:
            lines.append(f"{indent}waiver    {name} ends soon, at {one.waiver.expires}")
        elif one.status not in {"in-force", "used", "refused"}:
            lines.append(f"{indent}waiver    {name} is {one.status}: {printable(one.why)}")
    return lines
