"""What people said who reject a promotion, and what lifts it; policies see that they do, people see why. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from bspec_opa.approval.facts import REJECT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.trust.authority import Record
    from bspec_opa.workflow.facts.situation import Situation


def lifts(later: Record, earlier: Record) -> bool:
    """Whether somebody approved what the same person had rejected."""
    return (
        (later.type, earlier.type) == ("approval", "approval")
        and (later.principal, later.environment) == (earlier.principal, earlier.environment)
        and set(later.statement.subjects) == set(earlier.statement.subjects)
        and later.signed_unix > earlier.signed_unix
    )


def objections(situation: Situation) -> Iterator[str]:
    """One line for each reject that stands and gives a reason."""
    records = {s.record.id: s.record for s in situation.given.history.of_type("approval")}
    for fact in cast("list[JsonObject]", situation.facts.approvals):
        record = records.get(str(fact["id"]))  # type: ignore[call-overload]
        if fact["decision"] == REJECT and record is not None and record.predicate["reason"]:
            yield f"{record.principal} rejected it as {record.role}: {record.predicate['reason']}"


def earlier_rejects(situation: Situation) -> Iterator[str]:
    """One line for everybody who rejected something else here and has approved nothing here since.

    A reject stands against its own intent and against whatever would replace the same line. Another version that
    would replace another line is another question, on which everybody approves anew; they should know of it.
    """
    here = situation.given.environment.id
    standing = {fact["id"] for fact in cast("list[JsonObject]", situation.facts.approvals)}
    last = {
        s.record.principal: s.record
        for s in situation.given.history.of_type("approval")
        if s.record.environment == here
    }
    for record in last.values():
        if record.predicate["decision"] == REJECT and record.id not in standing:
            said = record.predicate
            why = f": {said['reason']}" if said["reason"] else ""
            yield f"{record.principal} rejected another change here as {record.role}, {said['signed_at']}{why}"
