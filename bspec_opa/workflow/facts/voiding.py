"""Lines that rest on what a compromised key signed after its last good tree head: void, and so is what rests on them.

A later revocation alone doesn't undo a line: what was believed when it was decided stays the reason why it was
decided. A key in a thief's hands is another matter: from the last good place on, nothing that it signed was ever said
by its owner, so a line that counted it isn't one that the organisation allowed. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from bspec_opa.foundation.digest import digest_of
from bspec_opa.foundation.errors import Location
from bspec_opa.trust.reasons import REVOKED
from bspec_opa.trust.revocation import KEY, RECORD
from bspec_opa.workflow.facts.heads import LINE_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.ledger.entry import Entry
    from bspec_opa.trust.authority import Record
    from bspec_opa.trust.revocation import Revocation
    from bspec_opa.trust.root import TrustRoot
    from bspec_opa.workflow.facts.history import History
    from bspec_opa.workflow.facts.withdrawing import Withdrawal


@dataclass(slots=True)
class Void:
    """What turned out to be void in a ledger that is read from its beginning on.

    Attributes:
        root: the newest one, whose revocations hold.
        named: records that the ledger's own revocations call compromised, by their id.
        lines: digests of void lines, each with the ledger entry from which on nothing may rest on it.
    """

    root: TrustRoot
    named: Mapping[str, Withdrawal] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    compromised: tuple[Revocation, ...] = field(init=False)
    _signers: dict[str, tuple[int, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.compromised = self.root.compromised()

    def note(self, entry: Entry) -> None:
        """An entry has its place and its signer, whether it verifies or not."""
        if not (self.compromised or self.named):
            return
        if entry.record_id in self.named:
            self._void(entry, 0)
        keyid = _signer(entry)
        self._signers[entry.record_id] = (entry.seq, keyid)
        for revocation in self.compromised:
            if _names(revocation, KEY, keyid) and revocation.holds_for(entry.seq):
                self._void(entry, 0)
            elif _names(revocation, RECORD, entry.record_id):
                # A lock can't go on from a line that isn't in it, wherever the last good place is.
                self._void(entry, 0 if entry.kind in LINE_TYPES else _size(revocation))

    def _void(self, entry: Entry, place: int) -> None:
        """Nothing rests on a line from this place on: of several revocations the earliest place holds."""
        line = _line(entry)
        self.lines[line] = min(self.lines.get(line, place), place)

    def require_sound(self, line: Record, entry: Entry, name: str) -> None:
        """Demand that a line rests on nothing void; one that does is void itself for those after it.

        Args:
            line: verified by itself.
            entry: holds it, and was noted with all before it.
            name: what errors call it.

        Raises:
            TrustError: with what it rests on.
        """
        why = self._why(line.predicate, entry.seq) if self.compromised or self.named else ""
        if why:
            self._void(entry, 0)
            message = f"rests on {why}"
            raise REVOKED.error(message, hint="promote again on records that count", at=Location(name))

    def _why(self, predicate: JsonObject, seq: int) -> str:
        by_root = f"which trust root version {self.root.version} calls compromised"
        for member in ("base", "source", "previous"):
            if seq >= self.lines.get(str(predicate[member]), seq + 1):
                return f"the {member} line {str(predicate[member])[:19]}…, which is void"
        for identifier in counted_in(predicate):
            place, keyid = self._signers.get(identifier, (seq, ""))
            if identifier in self.named:
                return f"the record of ledger entry {place}, which is {self.named[identifier].said}"
            for revocation in self.compromised:
                by_name = _names(revocation, RECORD, identifier) and seq >= _size(revocation)
                if by_name or (_names(revocation, KEY, keyid) and revocation.holds_for(place)):
                    return f"the record of ledger entry {place}, {by_root}"
        return ""


def counted_in(predicate: JsonObject) -> Iterable[str]:
    """The ids of the records that a line says it counted."""
    found = cast("dict[str, Any]", predicate)
    return (
        *found["submits"],
        *found["evidence"],
        *found["waivers"],
        *found["reviews"],
        found["request"],
        *(a["id"] for a in found["approvals"]),
    )


def _names(revocation: Revocation, kind: str, identifier: str) -> bool:
    return (revocation.kind, revocation.id) == (kind, identifier)


def _size(revocation: Revocation) -> int:
    assert revocation.last_good is not None  # noqa: S101 - a mode comes with a place, by the rules of a root
    return revocation.last_good.tree_size


def _line(entry: Entry) -> str:
    """The digest by which lines name a line."""
    return digest_of(entry.record_bytes().rstrip(b"\n"))


def _signer(entry: Entry) -> str:
    signatures = cast("list[dict[str, str]]", entry.body["signatures"])
    return signatures[0]["keyid"]


def require_no_void_line(history: History, entry: int, at: str, lock: str = "") -> None:
    """Demand that a line of the ledger counts.

    One that verifies by itself and still doesn't rests on what is revoked as compromised, or is so itself.

    Args:
        history: of the line's agent.
        entry: the ledger entry that holds it.
        at: what messages call it.
        lock: the file that it stands in, if it stands in one.

    Raises:
        TrustError: it doesn't count; with the reason, and what is to become of the file.
    """
    if history.line(entry) is not None:
        return
    why = next((r.message for r in history.rejected if r.file == f"ledger entry {entry}"), "it does not count")
    anew = f"move {lock} away: the next promote writes it anew from the ledger, without what is void"
    hint = f"stop what runs of it, and {anew}" if lock else "promote again on records that count"
    raise REVOKED.error(why, hint=hint, at=Location(at))
