"""What differs between two bundles, in an author's words: rules, METADATA, libraries, data. Pure."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from bspec_opa.bundle.index import RuleEntry
from bspec_opa.bundle.layout import GENERATED, RULES
from bspec_opa.foundation.canonical import canonical_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bspec_opa.bundle.read import Bundle
    from bspec_opa.foundation.canonical import JsonValue

ADDED, REMOVED, CHANGED = "added", "removed", "changed"
_CODE = frozenset(("digest", "has_deny", "has_warn"))
_METADATA = tuple(f.name for f in fields(RuleEntry) if f.name not in _CODE)


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs.

    Attributes:
        change: ``added``, ``removed`` or ``changed``.
        name: a rule's id, a library's file or a JSON Pointer into the organisation's data.
        metadata: of a changed rule, the members of its METADATA that changed.
    """

    change: str
    name: str
    metadata: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs from the older to the newer bundle, each list sorted by name."""

    older: Bundle
    newer: Bundle
    rules: tuple[Difference, ...]
    libraries: tuple[Difference, ...]
    data: tuple[Difference, ...]

    @property
    def same(self) -> bool:
        """Whether both have the same revision: the same rules, data and OPA version."""
        return self.older.revision == self.newer.revision


def compare(older: Bundle, newer: Bundle) -> Comparison:
    """Compare two bundles."""
    return Comparison(
        older,
        newer,
        tuple(_rules(older, newer)),
        tuple(_libraries(older.files, newer.files)),
        tuple(_values(older.organisation, newer.organisation, "")),
    )


def _rules(older: Bundle, newer: Bundle) -> Iterator[Difference]:
    before, after = ({r.id: r for r in b.index.rules} for b in (older, newer))
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old is None or new is None:
            yield Difference(ADDED if old is None else REMOVED, name)
        elif old != new:
            members = tuple(m for m in _METADATA if getattr(old, m) != getattr(new, m))
            yield Difference(CHANGED, name, members)


def _libraries(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> Iterator[Difference]:
    """Rego that is neither a rule nor generated."""
    names = {n for n in before.keys() | after.keys() if n.endswith(".rego") and not n.startswith(RULES)}
    for name in sorted(names - set(GENERATED)):
        if before.get(name) != after.get(name):
            yield Difference(_change(name in before, name in after), name)


def _change(before: bool, after: bool) -> str:  # noqa: FBT001 - the two sides
    return CHANGED if before and after else REMOVED if before else ADDED


def _values(before: JsonValue, after: JsonValue, at: str) -> Iterator[Difference]:
    """Where two documents differ: the innermost places."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted(before.keys() | after.keys()):
            pointer = f"{at}/{name.replace('~', '~0').replace('/', '~1')}"
            if name in before and name in after:
                yield from _values(before[name], after[name], pointer)
            else:
                yield Difference(_change(name in before, name in after), pointer)
    elif canonical_bytes(before) != canonical_bytes(after):
        yield Difference(CHANGED, at)
