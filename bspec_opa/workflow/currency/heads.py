"""The current lines that a ledger has, agent by agent. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.trust.currency.statement import CURRENT, RETIRED, REVOKED, CurrentLine
from bspec_opa.workflow.facts.claims import agent_of_entry
from bspec_opa.workflow.facts.heads import LINE_TYPES
from bspec_opa.workflow.facts.reading import read_history

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bspec_opa.ledger.entry import Entry
    from bspec_opa.trust.root import TrustRoot
    from bspec_opa.workflow.facts.heads import Head
    from bspec_opa.workflow.facts.history import History


def heads_of(
    entries: Sequence[Entry], roots: Sequence[TrustRoot], now: int, agents: Iterable[str] | None = None
) -> tuple[CurrentLine, ...]:
    """The current line of every agent in every environment of the newest root, sorted.

    Args:
        entries: of the verified ledger.
        roots: the walked chain.
        now: Unix seconds.
        agents: only these ones'; all by default.
    """
    # Keys of a dict, since one agent's entries stand together less often than not.
    found = dict.fromkeys(a for e in entries if e.kind in LINE_TYPES and (a := agent_of_entry(e)) is not None)
    wanted = found if agents is None else {*agents} & {*found}
    lines = []
    for agent in wanted:
        history = read_history(entries, roots, agent, now)
        heads = ((e.id, history.head(e.id)) for e in roots[-1].environments)
        lines += [CurrentLine(agent, e, head.line, _state(history, head)) for e, head in heads if head is not None]
    return tuple(sorted(lines))


def _state(history: History, head: Head) -> str:
    withdrawal = history.withdrawn(head)
    if withdrawal is None:
        return CURRENT
    return RETIRED if withdrawal.ends_agent else REVOKED
