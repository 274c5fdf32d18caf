"""The whole record examined: every line and denial verified as of its own moment, every object that it takes noted.

What is examined lies in a project or in a pack; both are judged alike, so a pack that was written verifies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bspec_opa.foundation.errors import InvalidInputError, Location, TrustError
from bspec_opa.ledger.objects import ObjectStore
from bspec_opa.workflow.audit.lines import by_id, past_line
from bspec_opa.workflow.audit.moment import capabilities_of, with_publisher
from bspec_opa.workflow.audit.reasons import PACK_UNPROVEN
from bspec_opa.workflow.audit.sequenced import agents_in, read_sequenced, roots_at
from bspec_opa.workflow.controls.auditing_denial import denied_again
from bspec_opa.workflow.evaluate import stored_intent
from bspec_opa.workflow.facts.heads import LINE_TYPES
from bspec_opa.workflow.facts.reading import read_history
from bspec_opa.workflow.recorded.decisions import DENIAL, decision_of
from bspec_opa.workflow.recorded.inputs import agent_of
from bspec_opa.workflow.verifying.verify import Evidence, verify_head

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bspec_opa.foundation.digest import Digest
    from bspec_opa.ledger.interface import LedgerState
    from bspec_opa.trust.root import TrustRoot
    from bspec_opa.workflow.audit.lines import PastLine
    from bspec_opa.workflow.audit.sequenced import Sequenced
    from bspec_opa.workflow.facts.history import History
    from bspec_opa.workflow.facts.withdrawing import Withdrawal


class NotingObjects(ObjectStore):
    """An object store that notes what was read from it."""

    def __init__(self, directory: Path) -> None:
        """Name a store; nothing is opened yet."""
        super().__init__(directory)
        self.seen: set[Digest] = set()

    def get(self, digest: Digest) -> bytes:
        """An object, verified against its name, and noted."""
        data = super().get(digest)
        self.seen.add(digest)
        return data


@dataclass(frozen=True, slots=True)
class Record:
    """A whole record, wherever it lies.

    Attributes:
        roots: every version of the trust root.
        envelopes: the exact file of each.
        ledger: verified.
        objects: notes what is read.
        environ: for the code cache.
        now: Unix seconds.
        place: the directory that is judged.
    """

    roots: Sequence[TrustRoot]
    envelopes: Sequence[bytes]
    ledger: LedgerState
    objects: NotingObjects
    environ: Mapping[str, str]
    now: int
    place: Path


@dataclass(frozen=True, slots=True)
class ProvenLine:
    """A line that verified as of its moment.

    Attributes:
        line: with everybody behind it.
        version: of the intent.
        rules: how many rules were replayed.
        current: whether it is current in its environment now, under the newest trust root.
        capabilities: what it allows.
    """

    line: PastLine
    version: str
    rules: int
    current: bool
    capabilities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProvenDenial:
    """A denial that was decided again with the same outcome."""

    entry: int
    environment: str
    at: str
    version: str
    verdict: str
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Void:
    """An entry that claims to be a decision and did not count even when it was sequenced."""

    entry: int
    kind: str
    why: str


@dataclass(frozen=True, slots=True)
class Examined:
    """One agent's part of a record."""

    agent: str
    lines: tuple[ProvenLine, ...]
    denials: tuple[ProvenDenial, ...]
    void: tuple[Void, ...]
    withdrawn: tuple[Withdrawal, ...] = ()


def examine(record: Record) -> tuple[Examined, ...]:
    """Verify every decision of every agent.

    Raises:
        TrustError: one does not verify; its entry is named.
    """
    return tuple(_Examiner(record, agent).examined() for agent in agents_in(record.ledger.entries))


class _Examiner:
    """One agent."""

    def __init__(self, record: Record, agent: str) -> None:
        self._record = record
        self._agent = agent
        entries = record.ledger.entries
        self._records = read_sequenced(entries, record.roots, agent)
        self._known = by_id(self._records)
        now = read_history(entries, record.roots, agent, max(record.now, record.ledger.last_at))
        environments = {str(r.record.environment) for r in now.records if r.record.type in LINE_TYPES}
        self._heads = {h.seq for e in environments if (h := now.standing(e)) is not None}
        self._withdrawals = now.withdrawals

    def examined(self) -> Examined:
        """Everything that was decided about it."""
        decisions = [r for r in self._records if r.entry.kind in {*LINE_TYPES, DENIAL}]
        return Examined(
            self._agent,
            tuple(self._line(r) for r in decisions if r.entry.kind in LINE_TYPES and r.record is not None),
            tuple(self._denial(r) for r in decisions if r.entry.kind == DENIAL and r.record is not None),
            tuple(Void(r.entry.seq, r.entry.kind, r.why) for r in decisions if r.record is None),
            self._withdrawals.in_order(),
        )

    def _then(self, found: Sequenced) -> History:
        """The agent's records directly after an entry, as they counted then."""
        at = found.entry.at
        entries = self._record.ledger.entries[: found.entry.seq + 1]
        return read_history(entries, roots_at(self._record.roots, at), self._agent, at)

    def _evidence(self, found: Sequenced) -> Evidence:
        record, at = self._record, found.entry.at
        return Evidence(roots_at(record.roots, at), record.ledger, record.objects, record.environ, at)

    def _line(self, found: Sequenced) -> ProvenLine:
        history = self._then(found)
        head = history.line(found.entry.seq)
        if head is None:
            raise _unproven(found, "it did not count when it was sequenced")
        try:
            past = verify_head(head, history, self._evidence(found))
        except (TrustError, InvalidInputError) as e:
            raise _unproven(found, f"{e.problems[0].message} [{e.code}]") from e
        line = with_publisher(past_line(found, head.record, self._known), past, self._record.roots)
        intent = stored_intent(self._record.objects, line.intent)
        return ProvenLine(
            line,
            intent.intent.metadata.version,
            len(decision_of(past.entry).statuses()),
            found.entry.seq in self._heads,
            capabilities_of(intent.surface, line.environment),
        )

    def _denial(self, found: Sequenced) -> ProvenDenial:
        recorded = decision_of(found.entry)
        try:
            _, verdict = denied_again(recorded, self._record.place, self._evidence(found))
            _, version = agent_of(recorded.request(self._record.objects))
        except (TrustError, InvalidInputError) as e:
            raise _unproven(found, f"{e.problems[0].message} [{e.code}]") from e
        denying = tuple(i for i, status in recorded.statuses().items() if status == "deny")
        said = recorded.predicate
        return ProvenDenial(found.entry.seq, said["environment"], said["now"], version, verdict, denying)


def _unproven(found: Sequenced, why: str) -> Exception:
    name = f"ledger entry {found.entry.seq}"
    return PACK_UNPROVEN.error(f"the {found.entry.kind} is not proven: {why}", at=Location(name))
