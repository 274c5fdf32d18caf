"""What each agent could do at a moment of the past, who said so and on what evidence: from the ledger alone.

The ledger is read as far as it went then, under the trust roots that had been issued by then. Each line that was
current is verified as ``verify`` does: its facts are rebuilt and its decision is replayed. What became known later
stands beside it and changes nothing of what was so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from bspec_opa.foundation.errors import BspecError, ExitCode, InvalidInputError, TrustError
from bspec_opa.foundation.times import format_time, parse_time
from bspec_opa.intent.order import compare
from bspec_opa.intent.surface import merged
from bspec_opa.workflow.audit.keys import key_notes
from bspec_opa.workflow.audit.lines import by_id, past_line
from bspec_opa.workflow.audit.opening import open_record, require_agent, require_environment
from bspec_opa.workflow.audit.reasons import BAD_MOMENT
from bspec_opa.workflow.audit.sequenced import agents_in, read_sequenced, revoked_since, roots_at
from bspec_opa.workflow.evaluate import stored_intent
from bspec_opa.workflow.facts.heads import LINE_TYPES
from bspec_opa.workflow.facts.reading import read_history
from bspec_opa.workflow.recorded.decisions import decision_of
from bspec_opa.workflow.verifying.rebuilding import publisher_key
from bspec_opa.workflow.verifying.verify import Evidence, verify_head

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.ledger.entry import Entry
    from bspec_opa.ledger.interface import LedgerState
    from bspec_opa.trust.root import TrustRoot
    from bspec_opa.workflow.audit.lines import PastLine
    from bspec_opa.workflow.audit.opening import Opened, Opening
    from bspec_opa.workflow.audit.sequenced import Sequenced
    from bspec_opa.workflow.checkout.world import World
    from bspec_opa.workflow.facts.history import History
    from bspec_opa.workflow.verifying.past import Past

AUTHORISED, NOTHING, NOT_PROVEN = "authorised", "nothing", "not-proven"
NO_LINE = "no line"
_ENTRY = re.compile(r"(?:entry:)?([0-9]{1,15})\Z")
_ADDED = re.compile(r" added(?= |\Z)")


@dataclass(frozen=True, slots=True)
class Authorised:
    """What one agent could do in one environment.

    Attributes:
        agent: its id.
        environment: where.
        state: ``authorised``, ``nothing``, or ``not-proven`` where a line was current and does not verify.
        why: why it could do nothing, or why nothing is proven.
        version: of the intent.
        capabilities: what it could do, one sentence each, with the limits of this environment.
        surface: digest of the intent's surface.
        rules: how many rules were replayed.
        line: who said so and on what evidence.
    """

    agent: str
    environment: str
    state: str
    why: str = ""
    version: str = ""
    capabilities: tuple[str, ...] = ()
    surface: str = ""
    rules: int = 0
    line: PastLine | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """Every agent at one moment.

    Attributes:
        at: Unix seconds.
        position: how many ledger entries there were.
        tree_size: how many there are now.
        until: when the last one was sequenced, Unix seconds.
        root_then: version of the trust root in force then; 0 if there was none.
        root_now: version in force now.
        agents: by agent, then in the order of the trust root's environments.
        notes: what was not checked.
    """

    at: int
    position: int
    tree_size: int
    until: int
    root_then: int
    root_now: int
    agents: tuple[Authorised, ...]
    notes: tuple[str, ...]

    @property
    def exit_code(self) -> ExitCode:
        """A line that was current and does not verify is a trust failure, whatever else does."""
        return ExitCode.TRUST if any(a.state == NOT_PROVEN for a in self.agents) else ExitCode.OK


def audit_at(
    directory: Path, world: World, when: str, *, agent: str, environment: str, opening: Opening = open_record
) -> Moment:
    """What each agent could do at a moment.

    Args:
        directory: of the project, or a pack.
        world: environment, time and flags.
        when: a time, or the number of a ledger entry: the moment directly after it.
        agent: only this one; all if empty.
        environment: only this one; all if empty.
        opening: reads the record in the directory.

    Raises:
        UsageError: there is no such moment, agent or environment.
        TrustError: the trust root or the ledger does not verify.
    """
    opened = opening(directory, world)
    if agent:
        require_agent(opened, agent)
    if environment:
        require_environment(opened, environment)
    at, position = moment_of(when, opened.ledger, opened.world.now)
    return moment(opened, at, position, agent=agent, environment=environment)


def moment(opened: Opened, at: int, position: int, *, agent: str = "", environment: str = "") -> Moment:
    """What each agent could do after so many entries, at a time in Unix seconds."""
    roots, ledger = opened.anchor.roots, opened.ledger
    then = roots_at(roots, at)
    reader = _Reader(opened, at, ledger.entries[:position], then)
    agents = [agent] if agent else reader.agents()
    places = [e.id for e in then[-1].environments] if then else []
    places += [e for e in reader.abandoned() if e not in places]
    wanted = [e for e in places if environment in {"", e}]
    return Moment(
        at,
        position,
        ledger.size,
        ledger.last_at,
        then[-1].version if then else 0,
        roots[-1].version,
        tuple(found for a in agents for found in reader.read(a, wanted)),
        (*opened.notes, *key_notes(roots), *reader.notes()),
    )


def moment_of(when: str, ledger: LedgerState, now: int) -> tuple[int, int]:
    """A time in Unix seconds, and how many entries there were then.

    Raises:
        UsageError: neither a time nor an entry that there is, or in the future.
    """
    entry = _ENTRY.match(when)
    if entry is not None:
        number = int(entry[1])
        if number >= ledger.size:
            raise BAD_MOMENT.error(f"there is no ledger entry {number}", hint=f"the last one is {ledger.size - 1}")
        return ledger.entries[number].at, number + 1
    try:
        at = parse_time(when)
    except BspecError as e:
        message = f"{when[:40]!r} is no time and no ledger entry"
        raise BAD_MOMENT.error(message, hint="write 2026-05-01T00:00:00Z, or the number of an entry") from e
    if at > now:
        raise BAD_MOMENT.error(f"{when} is in the future: it is {format_time(now)}", hint="name a moment of the past")
    return at, sum(e.at <= at for e in ledger.entries)


class _Reader:
    """The ledger as far as it went, under the trust roots of then."""

    def __init__(self, opened: Opened, at: int, entries: tuple[Entry, ...], then: Sequence[TrustRoot]) -> None:
        self._opened = opened
        self._at = at
        self._entries = entries
        self._then = then
        self._evidence = Evidence(self._then, opened.ledger, opened.objects, opened.world.environ, at)

    def agents(self) -> list[str]:
        """Those that had records, and those that the trust root knew."""
        known = [a.id for a in self._then[-1].agents if a.id != "*"] if self._then else []
        return sorted({*agents_in(self._entries), *known})

    def abandoned(self) -> list[str]:
        """Environments that have lines, and that the trust root of then no longer declared."""
        lines = (decision_of(e) for e in self._entries if e.kind in LINE_TYPES)
        return list(dict.fromkeys(str(line.predicate["environment"]) for line in lines))

    def notes(self) -> list[str]:
        """What has to be known about the moment itself."""
        if not self._then:
            return ["no trust root had been issued: nobody could be promoted"]
        newest = self._then[-1]
        if newest.expires_unix <= self._at:
            expired = format_time(newest.expires_unix)
            return [f"trust root version {newest.version} had expired at {expired}: nothing could be promoted"]
        return []

    def read(self, agent: str, environments: list[str]) -> list[Authorised]:
        """One agent in every environment."""
        if not self._then:
            return [Authorised(agent, e, NOTHING, NO_LINE) for e in environments]
        history = read_history(self._entries, self._then, agent, self._at)
        opened = self._opened
        known = by_id(read_sequenced(opened.ledger.entries, opened.anchor.roots, agent, len(self._entries)))
        return [self._one(agent, e, history, known) for e in environments]

    def _one(self, agent: str, environment: str, history: History, known: Mapping[str, Sequenced]) -> Authorised:
        head = history.head(environment)
        ended = history.withdrawals.retired.get(environment)
        if head is None:
            why = f"the agent was {ended.said}" if ended else self._why_none(environment, history)
            return Authorised(agent, environment, NOTHING, why)
        found = known[head.record.id]
        line = past_line(found, head.record, known)
        withdrawn = history.withdrawn(head)
        if withdrawn is not None:
            what = "the agent" if withdrawn is ended else "its current line"
            return Authorised(agent, environment, NOTHING, f"{what} was {withdrawn.said}", line=line)
        try:
            past = verify_head(head, history, self._evidence)
            return self._proven(environment, line, past)
        except (TrustError, InvalidInputError) as e:
            why = f"{e.problems[0].message} [{e.code}]"
            return Authorised(agent, environment, NOT_PROVEN, why, line=line)

    def _why_none(self, environment: str, history: History) -> str:
        """That nothing was promoted, or why what was promoted did not count then."""
        names = {
            f"ledger entry {e.seq}": e
            for e in self._entries
            if e.kind in LINE_TYPES and decision_of(e).predicate["environment"] == environment
        }
        void = [r for r in history.rejected if r.file in names]
        return f"{void[-1].file} did not count: {void[-1].message}" if void else NO_LINE

    def _proven(self, environment: str, line: PastLine, past: Past) -> Authorised:
        intent = stored_intent(self._opened.objects, line.intent)
        return Authorised(
            line.agent,
            environment,
            AUTHORISED,
            version=intent.intent.metadata.version,
            capabilities=capabilities_of(intent.surface, environment),
            surface=intent.surface_digest,
            rules=len(decision_of(past.entry).statuses()),
            line=with_publisher(line, past, self._opened.anchor.roots),
        )


def with_publisher(line: PastLine, past: Past, roots: Sequence[TrustRoot]) -> PastLine:
    """A line with what became known later against whoever signed the bundle that decided."""
    fingerprint = publisher_key(past)
    later = revoked_since(roots, past.entry, ("key", fingerprint)) if fingerprint else ()
    return replace(line, publisher=later)


def capabilities_of(surface: JsonObject, environment: str) -> tuple[str, ...]:
    """Everything that a surface allows in an environment, one sentence each."""
    given: dict[str, Any] = surface
    overlay = given["promotion"].get(environment, {}).get("constraints", {})
    here = {**given, "constraints": merged(given["constraints"], overlay), "promotion": {}}
    purpose = f"purpose: {' '.join(given['purpose'].split())}"
    items = compare(None, here)
    return (purpose, *(_ADDED.sub("", item.what, count=1) for item in items if item.path != "/purpose"))
