"""What a withdrawn line or a retired agent means for what comes next. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.workflow.facts.heads import LINE_TYPES, line_digest
from bspec_opa.workflow.life.reasons import RETIRED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bspec_opa.foundation.digest import Digest
    from bspec_opa.trust.root import Environment
    from bspec_opa.workflow.facts.history import History
    from bspec_opa.workflow.facts.striking import Struck
    from bspec_opa.workflow.facts.withdrawing import Withdrawal


def require_not_retired(history: History, agent: str, environment: str) -> None:
    """Demand that an agent was not retired in an environment: there it is never promoted again, nor rolled back.

    Raises:
        BspecError: it was; exit 4.
    """
    found = history.withdrawals.retired.get(environment)
    if found is not None:
        hint = "that is final; give the agent that takes its place an id of its own"
        raise RETIRED.error(f"{agent} in {environment} was {found.said}", hint=hint)


def line_revoked(history: History, line: Digest) -> Withdrawal | Struck | None:
    """The revocation of any line of an agent, current or not: what is revoked is no target of a rollback either.

    Args:
        history: of the agent.
        line: sha256 of the line without its line feed.
    """
    heads = (history.line(r.seq) for r in history.records if r.record.type in LINE_TYPES and r.seq is not None)
    return next((h.revoked for h in heads if h is not None and h.line == line), None)


def named(history: History, withdrawal: Withdrawal) -> str:
    """What a withdrawal ends; a line by the digest that every verb takes, not by its record's id."""
    found = (r for r in history.records if r.record.type in LINE_TYPES and r.record.id == withdrawal.target)
    line = next(found, None)
    if line is None:
        return withdrawal.what
    mode = "compromised" if withdrawal.compromised else "revoked"
    return f"line {line_digest(line.record)[:19]}… of {line.record.environment} {mode}"


def unrecorded_notes(history: History) -> Iterator[str]:
    """What an inbox withdraws and the ledger doesn't yet: it is advice until it is recorded, and has to be heard."""
    for one in history.withdrawals.in_order():
        if one.seq is None:
            then = ", and voids what rests on it" if one.compromised else ""
            by = f"by {one.record.principal}: {one.reason}"
            yield f"NOT IN FORCE YET: {named(history, one)}, {by}; record or promote takes it from the inbox{then}"


def ending_notes(history: History, environment: Environment) -> Iterator[str]:
    """What somebody who promotes has to know about the current lines here and in the source."""
    head = history.head(environment.id)
    if head is not None and head.revoked is not None:
        yield f"the current line of {environment.id} was {head.revoked.said}; what is promoted is compared with it"
    source = history.head(environment.from_) if environment.from_ else None
    withdrawn = history.withdrawn(source) if source is not None else None
    if withdrawn is not None:
        what = "the agent" if withdrawn.ends_agent else "its current line"
        again = "" if what == "the agent" else f"; promote to {environment.from_} again first"
        yield f"{environment.from_}: {what} was {withdrawn.said}{again}"
