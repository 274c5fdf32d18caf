"""OPA's own explanation, read: which block of a rule found something, on which lines, and what it saw. Pure.

A trace is the list ``explanation`` of ``opa eval --explain full --format json``. A rule's ``Exit`` carries every
variable of that one successful path, and each expression that was evaluated on the way is an ``Eval`` of the same
query. The compiler's own variables (``__local7__``) stand for parts of expressions; they are shown as what the author
wrote for them, or not at all.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.limits import INTEGER_LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from bspec_opa.foundation.canonical import JsonObject, JsonValue

Node = dict[str, Any]
_OWN = "__local"
_INFIX = {
    "plus": "+", "minus": "-", "mul": "*", "eq": "==", "equal": "==", "neq": "!=", "lt": "<", "lte": "<=", "gt": ">",
    "gte": ">=", "or": "|", "and": "&", "internal.member_2": "in",
}  # fmt: skip
_SHORT = ("data.bspec.lib.", "data.")
_DEEPEST = 12


@dataclass(frozen=True, slots=True)
class Seen:
    """A part of an expression and what it was.

    Attributes:
        line: in the rule's file.
        column: where it begins.
        text: as the author wrote it.
        value: a set as a sorted list.
    """

    line: int
    column: int
    text: str
    value: JsonValue


@dataclass(frozen=True, slots=True)
class Fired:
    """The path on which a rule found one thing.

    Attributes:
        start: the first line of the block.
        evaluated: the lines of the conditions that held, in their order.
        seen: what they saw.
    """

    start: int
    evaluated: tuple[int, ...]
    seen: tuple[Seen, ...]


class Trace:
    """Traces, ready to be asked for many findings.

    Args:
        runs: the events of each run of OPA, as it lists them.
    """

    def __init__(self, runs: Iterable[Iterable[Node]]) -> None:
        self._conditions: dict[tuple[int, int], dict[tuple[int, int, int], Node]] = {}
        self._ends: dict[tuple[str, bytes], tuple[int, Node]] = {}
        for run, events in enumerate(runs):
            for event in events:
                self._add(run, event)

    def _add(self, run: int, event: Node) -> None:
        if event["Op"] == "Eval":
            node, at = event["Node"], event["Location"]
            place = (at["row"], at["col"], node.get("index", 0))
            # Tried again for other values it is the same expression. Queries are numbered anew in each run.
            self._conditions.setdefault((run, event["QueryID"]), {}).setdefault(place, event)
        elif event["Op"] == "Exit" and _ends_a_rule(event):
            key = event["Node"]["head"].get("key")
            finding = value_of(key, _values(event)) if key is not None else None
            if isinstance(finding, dict):
                self._ends.setdefault((_file(event), _form(finding)), (run, event))

    def fired(self, file: str, finding: JsonObject) -> Fired | None:
        """The path that ended in exactly this finding, if the trace has it.

        Args:
            file: the rule's file inside the bundle.
            finding: the member of ``deny`` or ``warn``.
        """
        run, end = self._ends.get((file, _form(finding)), (0, None))
        if end is None:
            return None
        return _path(list(self._conditions.get((run, end["QueryID"]), {}).values()), end)


def _ends_a_rule(event: Node) -> bool:
    node = event["Node"]
    return isinstance(node, dict) and node.get("head", {}).get("name") in {"deny", "warn"}


def _file(event: Node) -> str:
    file: str = event["Location"]["file"]
    return file.lstrip("/")


def _values(end: Node) -> dict[str, JsonValue]:
    return {v["name"]: value_of(v) for v in end["Locals"] or ()}


def _form(finding: JsonObject) -> bytes:
    """Equal for what is read as the same finding: a need that says nothing, such as ``count: 0``, is no need."""
    needs = finding.get("needs")
    if isinstance(needs, dict):
        finding = {**finding, "needs": {k: v for k, v in needs.items() if v}}
    return canonical_bytes(finding)


def _path(conditions: Sequence[Node], end: Node) -> Fired:
    values = _values(end)
    metadata: dict[str, Node] = end["LocalMetadata"] or {}
    named = {n: m["name"] for n, m in metadata.items() if not m["name"].startswith(_OWN)}
    texts = _Texts(named, f"data.{_package(end)}.", [e["Node"] for e in conditions])
    rows = sorted({e["Location"]["row"] for e in conditions if not e["Node"].get("generated")})
    told = [
        Seen(m["location"]["row"], m["location"]["col"], text, values[name])
        for name, m in metadata.items()
        if m["location"] and name in values and (text := texts.of(name)) is not None
    ]
    seen: dict[str, Seen] = {}
    for part in sorted(told, key=lambda t: (t.line, t.column, -len(t.text))):
        seen.setdefault(part.text, part)
    return Fired(end["Location"]["row"], tuple(rows), tuple(seen.values()))


def _package(event: Node) -> str:
    """The rule's package, from its file: they agree in every bundle."""
    return ".".join(_file(event).split("/")[:-1])


class _Texts:
    """What the compiler's variables stand for, from the expressions that gave them their values."""

    def __init__(self, named: dict[str, str], own: str, expressions: Iterable[Node]) -> None:
        self._named = named
        self._shorter = (own, *_SHORT)
        self._made: dict[str, tuple[Node, ...]] = {}
        for expression in expressions:
            terms = expression.get("terms")
            if isinstance(terms, list) and expression.get("generated"):
                self._note(terms)

    def _note(self, terms: list[Node]) -> None:
        called, *arguments = terms
        if _name_of(called) in {"eq", "assign"} and arguments[0]["type"] == "var":
            self._made.setdefault(arguments[0]["value"], (arguments[1],))
        elif arguments and arguments[-1]["type"] == "var":
            self._made.setdefault(arguments[-1]["value"], (called, *arguments[:-1]))

    def of(self, name: str, depth: int = 0) -> str | None:
        """The text of a variable; None for what the author has no text for."""
        if name in self._named:
            return self._named[name]
        made = self._made.get(name)
        if made is None or depth > _DEEPEST:
            return None
        if len(made) > 1:
            return self._call(made, depth)
        # A constant or a composed value says what it is without being shown.
        return self._term(made[0], depth) if made[0]["type"] in {"ref", "call"} else None

    def _call(self, terms: Sequence[Node], depth: int) -> str | None:
        name = _name_of(terms[0])
        arguments = [self._term(t, depth + 1) for t in terms[1:]]
        if name == "internal.template_string" or None in arguments:
            return None
        told = [a for a in arguments if a is not None]
        if name in _INFIX and len(told) == 2:  # noqa: PLR2004 - infix
            return f"{told[0]} {_INFIX[name]} {told[1]}"
        return f"{self._shortened(name)}({', '.join(told)})"

    def _term(self, term: Node, depth: int) -> str | None:
        match term["type"]:
            case "var":
                return self.of(term["value"], depth + 1)
            case "ref":
                return self._ref(term["value"], depth)
            case "call":
                return self._call(term["value"], depth)
            case "string" | "number" | "boolean" | "null":
                return json.dumps(term["value"], ensure_ascii=False)
            case _:
                return None

    def _ref(self, parts: Sequence[Node], depth: int) -> str | None:
        first = parts[0]["value"]
        text = self.of(first, depth + 1) if str(first).startswith(_OWN) else str(first)
        if text is None:
            return None
        for part in parts[1:]:
            if part["type"] == "string" and str(part["value"]).isidentifier():
                text += f".{part['value']}"
                continue
            inner = self._term(part, depth + 1)
            if inner is None:
                return None
            text += f"[{inner}]"
        return self._shortened(text)

    def _shortened(self, text: str) -> str:
        return next((text.removeprefix(s) for s in self._shorter if text.startswith(s)), text)


def _name_of(term: Node) -> str:
    """A reference of names only, such as a function's, with its dots."""
    if term["type"] != "ref":
        return ""
    return ".".join(str(p["value"]) for p in term["value"])


def value_of(term: Node, variables: Mapping[str, JsonValue] = MappingProxyType({})) -> JsonValue:
    """A term of OPA's syntax tree as plain JSON; a set is a list, sorted, and what has no value is null."""
    value = term.get("value")
    match term["type"]:
        case "var":
            return variables.get(str(value))
        case "array":
            return [value_of(v, variables) for v in value or ()]
        case "set":
            return sorted((value_of(v, variables) for v in value or ()), key=_order)
        case "object":
            return {str(value_of(k, variables)): value_of(v, variables) for k, v in value or ()}
        case "string" | "number" | "boolean":
            return value if _is_plain(value) else str(value)
        case _:
            return None


def _is_plain(value: Any) -> bool:
    """Whether it has a canonical form: what rules compute may be a fraction, or larger than any input."""
    return not isinstance(value, float) and not (isinstance(value, int) and abs(value) >= INTEGER_LIMIT)


def _order(value: JsonValue) -> bytes:
    return canonical_bytes(value)


def within(seen: Iterable[Seen], start: tuple[int, int], last: int) -> Iterator[Seen]:
    """What was seen in the conditions, from the line and column at which they begin; the finding repeats the rest."""
    return (s for s in seen if start <= (s.line, s.column) and s.line <= last)
