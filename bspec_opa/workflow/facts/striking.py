"""What the trust root revokes, by its name or with its key, without voiding what rests on it. Pure.

A record no longer counts; a line that counted it stays what it was, and nothing goes back to that line.

A lock line that is revoked by its name stays in the lock, as with a revocation in the ledger, for those after it were
decided on it: nothing is built on it or deployed from it, nothing goes back to it, and what comes next is compared
with it. Only a line that the root says never counted, and that nothing went on from, is taken out: then the one before
it is current again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from bspec_opa.foundation.errors import BspecError
from bspec_opa.foundation.times import format_time
from bspec_opa.trust.authority import require_not_revoked
from bspec_opa.trust.revocation import COMPROMISED, KEY, RECORD
from bspec_opa.workflow.facts.heads import LINE_TYPES, line_digest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.ledger.entry import Entry
    from bspec_opa.trust.authority import Record
    from bspec_opa.trust.revocation import Revocation
    from bspec_opa.trust.root import TrustRoot
    from bspec_opa.workflow.facts.heads import Sequenced


@dataclass(frozen=True, slots=True)
class Struck:
    """What a trust root says of a line or a record.

    Attributes:
        names: the type of what is revoked.
        version: the first version that says so.
        at: when that was issued, Unix seconds.
        mode: of the revocation.
        reason: in its words.
    """

    names: str
    version: int
    at: int
    mode: str
    reason: str

    @property
    def ends_agent(self) -> bool:
        """It is about one record alone."""
        return False

    @property
    def said(self) -> str:
        """In one sentence: what happened, by whom, when and why."""
        return f"revoked by trust root version {self.version} of {format_time(self.at)}: {self.reason}"


@dataclass(slots=True)
class Strikes:
    """What the newest root revokes of one agent, by the id of the record: lines by their name alone."""

    roots: Sequence[TrustRoot]
    found: dict[str, Struck] = field(default_factory=dict)

    def note(self, line: Record, entry: Entry, name: str) -> None:
        """Note a line that verified otherwise.

        Args:
            line: verified, but for a revocation of its own.
            entry: holds it.
            name: what errors call it.

        Raises:
            TrustError: what is revoked never was in the lock: it was revoked before, or is called compromised.
        """
        revocation = self.roots[-1].revocation(RECORD, line.id)
        if revocation is None:
            return
        struck = self._struck(revocation, entry)
        if revocation.mode == COMPROMISED or struck.at <= entry.at:
            require_not_revoked(line, self.roots[-1], name, seq=entry.seq)
        self.found[line.id] = struck

    def note_refused(self, entry: Entry) -> None:
        """Note a record that doesn't verify any more, because it or its key is revoked."""
        keyid = str(cast("list[JsonObject]", entry.body["signatures"])[0]["keyid"])
        for kind, identifier in ((RECORD, entry.record_id), (KEY, keyid)):
            revocation = self.roots[-1].revocation(kind, identifier, entry.seq)
            if revocation is not None:
                self.found[entry.record_id] = self._struck(revocation, entry)

    def _struck(self, revocation: Revocation, entry: Entry) -> Struck:
        first = next(r for r in self.roots if r.revocation(revocation.kind, revocation.id, entry.seq))
        return Struck(entry.kind, first.version, first.issued_unix, revocation.mode, revocation.reason)

    def fallen(self, records: Sequence[Sequenced]) -> list[tuple[Sequenced, BspecError]]:
        """The lines that never counted and that no line goes on from, the newest first, each with the reason.

        They are struck no more.
        """
        followed: set[object] = set()
        fallen = []
        for one in reversed(records) if self.found else ():
            if one.record.type not in LINE_TYPES:
                continue
            struck = self.found.get(one.record.id)
            if struck is None or struck.mode or line_digest(one.record) in followed:
                followed.add(one.record.predicate["previous"])
            else:
                fallen.append(one)
        return [(one, self._refusal(one)) for one in fallen]

    def _refusal(self, line: Sequenced) -> BspecError:
        struck, name = self.found.pop(line.record.id), f"ledger entry {line.seq}"
        try:
            require_not_revoked(line.record, self.roots[-1], name, seq=line.seq)
        except BspecError as e:
            return e
        raise AssertionError(struck)  # it is there because the root revokes it


def used_by(line: Record) -> set[str]:
    """The ids of what a line was promoted with, which can't promote it once more."""
    approvals = cast("list[dict[str, str]]", line.predicate["approvals"])
    waivers = cast("list[str]", line.predicate["waivers"])
    return {*(a["id"] for a in approvals), *waivers, str(line.predicate["request"])}
