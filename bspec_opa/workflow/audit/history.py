"""The lines of an agent, environment by environment, with who stood behind each; on demand what was denied, too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from bspec_opa.workflow.audit.keys import key_notes
from bspec_opa.workflow.audit.lines import PastLine, by_id, past_line
from bspec_opa.workflow.audit.opening import open_record, require_agent, require_environment
from bspec_opa.workflow.audit.sequenced import read_sequenced
from bspec_opa.workflow.evaluate import stored_intent
from bspec_opa.workflow.facts.heads import LINE_TYPES
from bspec_opa.workflow.facts.reading import read_history
from bspec_opa.workflow.recorded.decisions import DENIAL, decision_of
from bspec_opa.workflow.recorded.inputs import agent_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bspec_opa.trust.authority import Record
    from bspec_opa.workflow.audit.opening import Opened, Opening
    from bspec_opa.workflow.audit.sequenced import Sequenced
    from bspec_opa.workflow.checkout.world import World
    from bspec_opa.workflow.facts.withdrawing import Withdrawal

CURRENT, SUPERSEDED, REVOKED, RETIRED, VOID, DENIED, PENDING = (
    "current",
    "superseded",
    "revoked",
    "retired",
    "void",
    "denied",
    "pending",
)
STATES = (CURRENT, SUPERSEDED, REVOKED, RETIRED, VOID, DENIED, PENDING)
NOT_REPLAYED = "signatures were verified by the trust root of their time; decisions are replayed by verify and audit"


@dataclass(frozen=True, slots=True)
class Denial:
    """A promotion that was not allowed.

    Attributes:
        entry: the ledger entry that holds it.
        environment: where to.
        at: when it was decided.
        rules: the rules that denied.
        gate: who signed it.
    """

    entry: int
    environment: str
    at: str
    rules: tuple[str, ...]
    gate: str


@dataclass(frozen=True, slots=True)
class Event:
    """One line or denial of an agent, as a reader sees it.

    Attributes:
        state: one of :data:`STATES`; ``void`` is a line that did not count even when it was sequenced, ``retired`` the
            retirement of the agent, and the line that it ended.
        version: of the intent; empty if it is not known.
        entry: the ledger entry.
        environment: where to; empty of what could not be read.
        line: the line; None of a denial and of what is void.
        denial: the denial.
        why: why a line is void or no longer counts.
    """

    state: str
    version: str
    entry: int
    environment: str
    line: PastLine | None = None
    denial: Denial | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class AgentHistory:
    """Everything that was decided about an agent.

    Attributes:
        agent: whose.
        environments: each with its events, the newest first; in the order in which they were first reached.
        tree_size: entries of the ledger.
        until: when the last of them was sequenced, Unix seconds.
        root_version: of the trust root in force.
        notes: what was not checked, and what has to be known.
        denied: how many denials there are that are not listed.
    """

    agent: str
    environments: tuple[tuple[str, tuple[Event, ...]], ...]
    tree_size: int
    until: int
    root_version: int
    notes: tuple[str, ...]
    denied: int = 0


def history_of(
    directory: Path, world: World, agent: str, *, environment: str, denials: bool, opening: Opening = open_record
) -> AgentHistory:
    """The history of an agent.

    Args:
        directory: of the project, or a pack.
        world: environment, time and flags.
        agent: its id.
        environment: only this one; all if empty.
        denials: whether promotions that were not allowed are listed, too.
        opening: reads the record in the directory.

    Raises:
        UsageError: nobody knows the agent or the environment, or there is no ledger.
        TrustError: the ledger or the trust root does not verify, or a document that it names is missing.
    """
    opened = opening(directory, world)
    require_agent(opened, agent)
    if environment:
        require_environment(opened, environment)
    records = read_sequenced(opened.ledger.entries, opened.anchor.roots, agent)
    events = _events(opened, agent, records, denials=denials)
    wanted = [e for e in events if environment in {"", e.environment}]
    names = dict.fromkeys(e.environment for e in wanted)
    ledger = opened.ledger
    return AgentHistory(
        agent,
        tuple((name, tuple(e for e in reversed(wanted) if e.environment == name)) for name in names),
        ledger.size,
        ledger.last_at,
        opened.anchor.root.version,
        (*opened.notes, *key_notes(opened.anchor.roots), NOT_REPLAYED),
        0 if denials else _denials(records, environment),
    )


def _denials(records: Sequence[Sequenced], environment: str) -> int:
    """How many there are, from the records alone: what was decided on is not read."""
    said = (decision_of(r.entry).predicate for r in records if r.entry.kind == DENIAL and r.record is not None)
    return sum(environment in {"", str(predicate["environment"])} for predicate in said)


def _events(opened: Opened, agent: str, records: Sequence[Sequenced], *, denials: bool) -> list[Event]:
    """Lines, and denials on demand, in the order of the ledger."""
    entries, roots = opened.ledger.entries, opened.anchor.roots
    known = by_id(records)
    now = read_history(entries, roots, agent, opened.world.now)
    lines = [r for r in now.records if r.record.type in LINE_TYPES]
    heads = {h.seq: h for e in {str(r.record.environment) for r in lines} if (h := now.head(e)) is not None}
    standing = {r.seq: now.line(r.seq) for r in lines if r.seq is not None}
    against = {r.file: r.message for r in now.rejected}
    retired = {w.seq: w for w in now.withdrawals.retired.values()}
    found = []
    for one in records:
        if one.entry.kind in LINE_TYPES:
            seq = one.entry.seq
            line, head = standing.get(seq), heads.get(seq)
            why = "" if line else one.why or against[f"ledger entry {seq}"]
            why = f"it was {line.revoked.said}" if line and line.revoked else why
            ended = head is not None and now.withdrawals.retired.get(str(head.record.environment)) is not None
            state = REVOKED if why else RETIRED if ended else CURRENT if head else SUPERSEDED
            found.append(_line(opened, one, known, state, why))
        elif one.entry.seq in retired:
            found.append(_retired(retired[one.entry.seq]))
        elif one.entry.kind == DENIAL and denials:
            found.append(_denied(opened, one))
    return found


def _retired(withdrawal: Withdrawal) -> Event:
    environment = str(withdrawal.record.environment)
    return Event(RETIRED, "", cast("int", withdrawal.seq), environment, why=f"the agent was {withdrawal.said}")


def _line(opened: Opened, found: Sequenced, known: dict[str, Sequenced], state: str, why: str) -> Event:
    record = found.record
    if record is None:
        return Event(VOID, "", found.entry.seq, str(decision_of(found.entry).predicate["environment"]), why=why)
    line = past_line(found, record, known)
    version = stored_intent(opened.objects, line.intent).intent.metadata.version
    return Event(state, version, line.entry, line.environment, line=line, why=why)


def _denied(opened: Opened, found: Sequenced) -> Event:
    recorded = decision_of(found.entry)
    said = recorded.predicate
    if found.record is None:
        return Event(VOID, "", found.entry.seq, str(said["environment"]), why=found.why)
    _, version = agent_of(recorded.request(opened.objects))
    denial = Denial(
        found.entry.seq, str(said["environment"]), str(said["now"]), _denying(found.record), found.record.principal
    )
    state = PENDING if said["decision"]["exit_code"] == PENDING_CODE else DENIED
    return Event(state, version, found.entry.seq, denial.environment, denial=denial)


PENDING_CODE = 5


def _denying(record: Record) -> tuple[str, ...]:
    decision: dict[str, Any] = record.predicate["decision"]  # type: ignore[assignment] # its schema was checked
    rules: Sequence[dict[str, str]] = decision["rules"]
    return tuple(r["id"] for r in rules if r["status"] == "deny")
