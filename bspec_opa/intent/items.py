"""Differences, one by one, and how single values are compared. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from bspec_opa.foundation.closed_schema import escape
from bspec_opa.foundation.limits import UNLIMITED
from bspec_opa.intent import vocabulary as v

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bspec_opa.foundation.canonical import JsonObject, JsonValue

# Surfaces come from `surface_of`, so their members are simply there.
Surface = dict[str, Any]
Tokens = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChangeItem:
    """One difference between two intents.

    Attributes:
        verdict: ``cosmetic``, ``reduction``, ``governance`` or ``expansion``.
        path: JSON Pointer into the new document, or to the nearest parent of what is no longer there.
        what: one sentence.
    """

    verdict: v.Verdict
    path: str
    what: str

    def to_json(self) -> JsonObject:
        """The item as the OPA input, the view and the lock have it."""
        return {"verdict": self.verdict, "path": self.path, "what": self.what}


class Step(NamedTuple):
    """A difference at a coordinate; entries of lists are named by id, members of sets by themselves."""

    verdict: v.Verdict
    tokens: Tokens
    what: str

    def at(self, authored: JsonObject) -> ChangeItem:
        """The item, at its place in a document."""
        return ChangeItem(self.verdict, pointer_to(self.tokens, authored), self.what)


def in_order(items: Iterable[ChangeItem]) -> tuple[ChangeItem, ...]:
    """Items in the one order they are shown and hashed in: the gravest first, then by place."""
    return tuple(sorted(set(items), key=lambda i: (-v.VERDICTS.index(i.verdict), i.path, i.what)))


def pointer_to(tokens: Iterable[str], document: JsonValue) -> str:
    """The JSON Pointer of a coordinate in a document, as far down as it exists."""
    pointer = ""
    for token in tokens:
        if isinstance(document, dict) and token in document:
            pointer, document = f"{pointer}/{escape(token)}", document[token]
        elif isinstance(document, list) and (index := _index(document, token)) is not None:
            pointer, document = f"{pointer}/{index}", document[index]
        else:
            break
    return pointer


def _index(items: Sequence[JsonValue], token: str) -> int | None:
    names = [item.get("id") if isinstance(item, dict) else item for item in items]
    return names.index(token) if token in names else None


def pairs(old: list[Surface], new: list[Surface]) -> Iterator[tuple[str, Surface | None, Surface | None]]:
    """Entries of two lists by id, in the order of the ids."""
    before, after = ({item["id"]: item for item in items} for items in (old, new))
    for name in sorted({*before, *after}):
        yield name, before.get(name), after.get(name)


def ladder(at: Tokens, label: str, words: Sequence[str], old: str | None, new: str) -> Iterator[Step]:
    """A word on a ladder, least capability first: up is an expansion, down a reduction; the first is no capability."""
    if old is None:
        if new != words[0]:
            yield Step("expansion", at, f"{label} is {new}")
    elif old != new:
        verdict: v.Verdict = "expansion" if words.index(new) > words.index(old) else "reduction"
        yield Step(verdict, at, f"{label} goes from {old} to {new}")


def number(at: Tokens, label: str, old: int | None, new: int) -> Iterator[Step]:
    """A limit: raised is an expansion, lowered a reduction."""
    if old is None:
        yield Step("expansion", at, f"{label} is {_amount(new)}")
    elif old != new:
        words = f"{label} goes from {_amount(old)} to {_amount(new)}"
        yield Step("expansion" if new > old else "reduction", at, words)


def _amount(number: int) -> str:
    return "unlimited" if number == UNLIMITED else str(number)


def grants(at: Tokens, label: str, old: list[str], new: list[str]) -> Iterator[Step]:
    """A set of what is allowed: growing is an expansion; ``"*"`` is greater than every other set."""
    for name in new:
        if name not in old and v.ANY not in old:
            yield Step("expansion", (*at, name), f"{label} {name} added")
    for name in old:
        if name not in new and v.ANY not in new:
            yield Step("reduction", (*at, name), f"{label} {name} removed")


def bans(at: Tokens, label: str, old: list[str], new: list[str]) -> Iterator[Step]:
    """A set of what is forbidden or hidden: shrinking is an expansion."""
    for name in old:
        if name not in new:
            yield Step("expansion", (*at, name), f"{label} {name} removed")
    for name in new:
        if name not in old:
            yield Step("reduction", (*at, name), f"{label} {name} added")
