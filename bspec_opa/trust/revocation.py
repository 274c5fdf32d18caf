"""Revocations: what no longer counts, from which place in the ledger on, and what a payload may say about it.

Three kinds, from the mildest to the hardest:

- ``retired`` at a tree head: what the key signed before that place keeps counting, nothing after it does.
- ``compromised`` with a last good tree head: as above, and whatever was decided after that place on what no longer
  counts is void, too. Of a ledger key, no checkpoint after that place counts at all.
- without a mode: what the key signed never counted.

A place is a size of the ledger with its Merkle root, so nobody can slip anything in before it: a ledger that doesn't
begin with exactly that tree is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from bspec_opa.foundation.closed_schema import DIGEST, enum, integer, obj, string
from bspec_opa.foundation.digest import Digest, is_digest
from bspec_opa.trust.predicates import REASON_TEXT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bspec_opa.foundation.canonical import JsonObject

RETIRED, COMPROMISED = MODES = ("retired", "compromised")
KEY, RECORD = KINDS = ("key", "record")

TREE_HEAD = obj(tree_size=integer(), root_hash=DIGEST)
MEMBERS: dict[str, JsonObject] = {"mode": enum(*MODES), "last_good": TREE_HEAD}
"""What a revocation may say besides; both of them or neither."""
REVOCATION = obj(MEMBERS, kind=enum(*KINDS), id=string(pattern="^(?:sha256:)?[0-9a-f]{64}$"), reason=REASON_TEXT)


@dataclass(frozen=True, slots=True)
class TreeHead:
    """A place in the ledger: so many entries, under this Merkle root."""

    tree_size: int
    root_hash: Digest


@dataclass(frozen=True, slots=True)
class Revocation:
    """A key or record that no longer counts.

    Attributes:
        kind: ``key`` or ``record``.
        id: 64 digits of a key, or a record's digest.
        reason: for people.
        mode: ``retired``, ``compromised``, or ``""``: it never counted.
        last_good: the last tree head under which it counted; None exactly without a mode.
    """

    kind: str
    id: str
    reason: str
    mode: str = ""
    last_good: TreeHead | None = None

    def holds_for(self, seq: int | None) -> bool:
        """Whether something that a key signed is void at its place in the ledger; None: it isn't in the ledger.

        A record's revocation always holds: whoever asks decides today, after its place.
        """
        if self.last_good is None or self.kind == RECORD or seq is None:
            return True
        return seq >= self.last_good.tree_size

    @property
    def since(self) -> str:
        """From when on, for people."""
        if self.last_good is None:
            return "altogether"
        return f"{self.mode}, from ledger entry {self.last_good.tree_size} on"


def read_revocation(value: JsonObject) -> Revocation:
    """The revocation of an entry that was checked."""
    head = cast("JsonObject | None", value.get("last_good"))
    last_good = TreeHead(cast("int", head["tree_size"]), Digest(str(head["root_hash"]))) if head else None
    return Revocation(str(value["kind"]), str(value["id"]), str(value["reason"]), str(value.get("mode", "")), last_good)


def write_revocation(revocation: Revocation) -> JsonObject:
    """The entry of a payload."""
    value: JsonObject = {"kind": revocation.kind, "id": revocation.id, "reason": revocation.reason}
    if revocation.last_good is None:
        return value
    head: JsonObject = {"tree_size": revocation.last_good.tree_size, "root_hash": revocation.last_good.root_hash}
    return value | {"mode": revocation.mode, "last_good": head}


def revocation_faults(items: list[JsonObject]) -> Iterator[tuple[str, str]]:
    """What the closed schema can't say: pointer and message."""
    roots: dict[int, object] = {}
    for n, item in enumerate(items):
        at = f"/revoked/{n}"
        if is_digest(item["id"]) != (item["kind"] == RECORD):
            yield f"{at}/id", "a key is named by 64 digits, a record by sha256: and 64 digits"
        if ("mode" in item) != ("last_good" in item):
            yield at, "mode and last_good belong together: from which place in the ledger on it doesn't count"
        elif "last_good" in item:
            head = cast("JsonObject", item["last_good"])
            if roots.setdefault(cast("int", head["tree_size"]), head["root_hash"]) != head["root_hash"]:
                yield f"{at}/last_good/root_hash", "one ledger can't have two roots at the same size"
