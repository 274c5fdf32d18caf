"""Which emergencies wait for a review, and by whom a review counts. Pure."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, cast

from bspec_opa.approval.facts import APPROVE
from bspec_opa.trust.authority import BINDING_SUBJECT, INTENT_SUBJECT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bspec_opa.foundation.canonical import JsonValue
    from bspec_opa.foundation.digest import Digest
    from bspec_opa.trust.authority import Record
    from bspec_opa.workflow.facts.heads import Head
    from bspec_opa.workflow.facts.history import History


def unreviewed(history: History, environments: Iterable[str]) -> tuple[Head, ...]:
    """The emergency rollbacks since the last ordinary lines of environments that no review covers, oldest first.

    An ordinary line was only written when those before it were reviewed, so they are not asked about again.

    Args:
        history: of the agent.
        environments: whose current lines something ordinary would follow.
    """
    newest = (emergencies_since(history, e) for e in environments)
    return tuple(line for lines in newest for line in reversed(lines) if not reviews_of(history, line))


def reviews_since(history: History, environments: Iterable[str]) -> tuple[Digest, ...]:
    """The ids of the reviews that cover these emergencies, sorted: what a line that follows them rests on."""
    lines = (line for e in environments for line in emergencies_since(history, e))
    return tuple(sorted({review.id for line in lines for review in reviews_of(history, line)}))


def emergencies_since(history: History, environment: str) -> list[Head]:
    """The emergency rollbacks since the last ordinary line of an environment, the newest first."""
    return [*takewhile(is_emergency, reversed(history.lines(environment)))]


def is_emergency(line: Head) -> bool:
    """Whether a line is an emergency rollback."""
    return line.record.predicate.get("emergency") is True


def reviews_of(history: History, line: Head) -> tuple[Record, ...]:
    """The reviews of a line by people who took no part in it."""
    involved = took_part(history, line)
    return tuple(
        r.record for r in history.of_type("review") if covers(r.record, line) and r.record.principal not in involved
    )


def covers(review: Record, line: Head) -> bool:
    """Whether a review names a line and is about exactly what that holds."""
    return (
        review.predicate["line"] == line.line
        and review.environment == line.record.environment
        and all(review.statement.digest_of(name) == line.subject(name) for name in (INTENT_SUBJECT, BINDING_SUBJECT))
    )


def took_part(history: History, line: Head) -> frozenset[str]:
    """Who requested or approved an emergency, as its line says, and whoever else signed for the same in vain.

    Also what was revoked since: to have signed is to have taken part.
    """
    said = line.record.predicate
    counted = (a["principal"] for a in cast("list[dict[str, str]]", said["approvals"]))
    place = (said["environment"], said["base"], said["source"])
    signed = (r.record for kind in ("approval", "request") for r in history.once_of_type(kind))
    others = (
        r.principal
        for r in signed
        if (r.predicate["environment"], r.predicate["base"], r.predicate["source"]) == place
        and r.predicate.get("decision", APPROVE) == APPROVE
    )
    return frozenset((str(said["requester"]), *counted, *others))


def unreviewed_facts(lines: tuple[Head, ...], now: int) -> list[JsonValue]:
    """The emergencies as policies see them."""
    return [
        {"line": one.line, "environment": one.record.environment, "age_seconds": max(0, now - one.at)} for one in lines
    ]
