"""One decision of the past, with what it was taken on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bspec_opa.ledger.entry import Entry
    from bspec_opa.ledger.objects import ObjectStore
    from bspec_opa.trust.authority import Record
    from bspec_opa.trust.root import Environment, TrustRoot


STOLEN = "treat the gate's key as stolen"


@dataclass(frozen=True, slots=True)
class Past:
    """What there was when a line was decided.

    Attributes:
        record: the line, verified.
        at: what errors call it.
        entry: the ledger entry that holds the line.
        before: the entries before it.
        roots: up to the root that the line names.
        objects: exact documents by their digest.
        environ: for the code cache.
    """

    record: Record
    at: str
    entry: Entry
    before: Sequence[Entry]
    roots: Sequence[TrustRoot]
    objects: ObjectStore
    environ: Mapping[str, str]

    @property
    def environment(self) -> Environment:
        """Where the line promoted to, as the root of that time declares it."""
        return self.roots[-1].environment(str(self.record.environment))

    @property
    def predicate(self) -> dict[str, Any]:
        """What the line says; its closed schema was checked."""
        return self.record.predicate
