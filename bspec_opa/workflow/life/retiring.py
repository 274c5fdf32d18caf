"""Retiring an agent: from the ledger entry on there is nothing of it to deploy in the environment, for ever."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bspec_opa.trust.statement import Subject
from bspec_opa.trust.withdrawal import AGENT_SUBJECT, RETIREMENT, scope_digest
from bspec_opa.workflow.checkout.signing import Maker
from bspec_opa.workflow.facts.reading import read_history
from bspec_opa.workflow.life.reasons import ALREADY
from bspec_opa.workflow.life.recording import put

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.trust.signers import Signer
    from bspec_opa.workflow.facts.history import History
    from bspec_opa.workflow.life.recording import Opened, Put


@dataclass(frozen=True, slots=True)
class Ended:
    """One environment in which an agent was retired.

    Attributes:
        environment: where.
        line: the line that was current there; empty if there was none.
        put: the record, and whether it is in force.
    """

    environment: str
    line: str
    put: Put


@dataclass(frozen=True, slots=True)
class Retired:
    """Everywhere that an agent was retired.

    Attributes:
        agent: which.
        ended: each environment, in the order of the trust root.
        before: where it had been retired already.
    """

    agent: str
    ended: tuple[Ended, ...]
    before: tuple[str, ...]


def retire(opened: Opened, agent: str, environment: str, reason: str, keys: tuple[Signer, Signer | None]) -> Retired:
    """Sign a retirement for an environment, or for each one, and with the ledger's key put them in force at once.

    Args:
        opened: the project.
        agent: its id.
        environment: where; everywhere if empty.
        reason: for people.
        keys: the retirer's, and the ledger's or None.

    Raises:
        InvalidInputError: the trust root does not know the agent or the environment.
        UsageError: it is retired there already.
        TrustError: the signer may not retire it in one of them; then nothing was signed.
        StoreError: it can't be written.
    """
    root = opened.anchor.root
    root.agent(agent)
    wanted = [root.environment(environment).id] if environment else [e.id for e in root.environments]
    history = read_history(opened.ledger.entries, opened.anchor.roots, agent, opened.world.now)
    retired = history.withdrawals.retired
    left = [e for e in wanted if e not in retired]
    if not left:
        raise ALREADY.error(f"{agent} in {wanted[0]} was {retired[wanted[0]].said}")
    maker = Maker(opened.anchor, agent, opened.world.now)
    records = [maker.make(RETIREMENT, [_subject(opened, agent, e)], _own(e, reason), keys[0]) for e in left]
    done = put(opened, records, keys[1])
    ended = tuple(Ended(e, _line(history, e), p) for e, p in zip(left, done, strict=True))
    return Retired(agent, ended, tuple(e for e in wanted if e in retired))


def _own(environment: str, reason: str) -> JsonObject:
    return {"environment": environment, "reason": reason}


def _subject(opened: Opened, agent: str, environment: str) -> Subject:
    scope: JsonObject = {"domain": opened.anchor.root.domain, "agent": agent, "environment": environment}
    return Subject(AGENT_SUBJECT, scope_digest(scope))


def _line(history: History, environment: str) -> str:
    head = history.head(environment)
    return head.line if head else ""
