"""Values in OPA's traces: syntax trees with local variables, as text that compares like the values.

Two values are equal exactly if their texts are, because members of sets and objects are sorted.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

Term = dict[str, Any]
_SCALARS = frozenset({"string", "number", "boolean", "null"})
LITERALS = _SCALARS | {"set", "object", "array"}


class UnresolvedError(Exception):
    """A value is not in the trace: a reference, a call or a variable without a value."""


@dataclass(frozen=True, slots=True)
class Value:
    """A value as text.

    Attributes:
        text: the value in Rego's notation.
        items: the members of a set, sorted; None for anything else.
    """

    text: str
    items: tuple[str, ...] | None = None


def value_of(term: Term, known: Mapping[str, Term]) -> Value:
    """The value of a term.

    Args:
        term: as OPA writes it.
        known: local variable to its value.

    Raises:
        UnresolvedError: it is not all in the trace.
    """
    term = _found(term, known)
    if term["type"] == "set":
        items = tuple(sorted({text_of(t, known) for t in _members(term)}))
        return Value(f"{{{', '.join(items)}}}" if items else "set()", items)
    return Value(text_of(term, known))


def text_of(term: Term, known: Mapping[str, Term]) -> str:
    """The same as text alone."""
    term = _found(term, known)
    kind = term["type"]
    if kind in _SCALARS:
        return json.dumps(term.get("value"), ensure_ascii=False)
    if kind == "array":
        return f"[{', '.join(text_of(t, known) for t in _members(term))}]"
    if kind == "set":
        return value_of(term, known).text
    if kind == "object":
        pairs = sorted((text_of(k, known), text_of(v, known)) for k, v in cast("list[list[Term]]", term["value"]))
        return f"{{{', '.join(f'{k}: {v}' for k, v in pairs)}}}"
    raise UnresolvedError(kind)


def _found(term: Term, known: Mapping[str, Term]) -> Term:
    """The term itself, or what its variable stands for."""
    if term["type"] != "var":
        return term
    try:
        return known[str(term["value"])]
    except KeyError as e:
        raise UnresolvedError(str(term["value"])) from e


def _members(term: Term) -> list[Term]:
    return cast("list[Term]", term.get("value") or [])


def variables_in(node: object) -> list[str]:
    """The variables below a node, each once, in the order of the source."""
    found: dict[str, None] = {}

    def look(item: object) -> None:
        if isinstance(item, dict):
            if item.get("type") == "var":
                found[str(item["value"])] = None
            for value in item.values():
                look(value)
        elif isinstance(item, list):
            for value in item:
                look(value)

    look(node)
    return list(found)
