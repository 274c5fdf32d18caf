"""Mutants of Rego files: one small edit each, at a place that OPA's own syntax tree names.

A mutant has a name that does not move with the file's lines: the package, the rule, the operator, the old and the new
text, and which of the equal ones in that rule it is.
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bspec_opa.bundle.rego.syntax import Node, rule_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bspec_opa.bundle.rego.syntax import Module

MARK = "~"
"""What is added to a text."""

OPERATORS: dict[str, tuple[str, ...]] = {
    "==": ("!=",),
    "!=": ("==",),
    "<": ("<=", ">="),
    "<=": ("<", ">"),
    ">": (">=", "<="),
    ">=": (">", "<"),
    "+": ("-",),
    "-": ("+", "|"),
    "*": ("+",),
    "|": ("&", "-"),
    "&": ("|",),
    "min": ("max",),
    "max": ("min",),
    "startswith": ("endswith",),
    "endswith": ("startswith",),
}
"""Each operator and builtin, and what it becomes: the boundary first, then the opposite."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of a text.

    Attributes:
        start: offset of the first character that goes.
        end: offset after the last one.
        new: what stands there instead.
        operator: the kind of change.
    """

    start: int
    end: int
    new: str
    operator: str


@dataclass(frozen=True, slots=True)
class Mutant:
    """One edit of one file.

    Attributes:
        name: stable as long as the mutated rule is.
        file: the path below the policies folder.
        package: without ``data``.
        text: the whole mutated file.
        row: the line of the edit, from 1.
    """

    name: str
    file: str
    package: tuple[str, ...]
    text: str
    row: int


class _Source:
    """A file's text and where its lines begin."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.starts = [0]
        for line in text.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))

    def span(self, node: Node) -> tuple[int, int] | None:
        """Where a node's own text stands; None for nodes that OPA made up."""
        at = node.get("location") or {}
        written = base64.b64decode(at.get("text", "")).decode("utf-8")
        if not written:
            return None
        start = self.starts[at["row"] - 1] + at["col"] - 1
        end = start + len(written)
        return (start, end) if self.text[start:end] == written else None


def mutants_of(module: Module, text: str) -> list[Mutant]:
    """Every mutant of a file, in the order of its text, no two alike."""
    source, found, seen = _Source(text), [], Counter[str]()
    edits: set[tuple[int, int, str]] = set()
    for rule in module.rules:
        for edit in sorted(_of_rule(rule, source), key=lambda e: (e.start, e.end, e.new)):
            changed = (edit.start, edit.end, edit.new)
            if changed in edits:
                continue
            edits.add(changed)
            old, new = (" ".join(t.split()) for t in (text[edit.start : edit.end], edit.new))
            name = f"{'.'.join(module.package[1:])} {rule_name(rule)}: {edit.operator}: {old} => {new or 'nothing'}"
            seen[name] += 1
            row = text.count("\n", 0, edit.start) + 1
            mutated = text[: edit.start] + edit.new + text[edit.end :]
            number = f" #{seen[name]}" if seen[name] > 1 else ""
            found.append(Mutant(name + number, module.name, module.package, mutated, row))
    return found


def _of_rule(rule: Node, source: _Source) -> Iterator[Edit]:
    span = source.span(rule)
    if span is not None:
        yield Edit(*span, "", "drop rule")
    parts = [rule["head"], rule.get("body", [])]
    other = rule.get("else")
    while other:
        span = source.span(other)
        if span is not None:
            yield Edit(*span, "", "drop else")
        parts += [other["head"], other.get("body", [])]
        other = other.get("else")
    for node in parts:
        yield from _below(node, source)


def _below(node: Any, source: _Source) -> Iterator[Edit]:
    if isinstance(node, list):
        for item in node:
            yield from _below(item, source)
    if not isinstance(node, dict):
        return
    if node.get("type") == "templatestring":
        yield from _of_template(node, source)
        return
    span = source.span(node)
    if span is not None:
        yield from _of_node(node, source.text[slice(*span)], span)
    if "terms" in node and "type" not in node:
        yield from _of_expression(node, source)
    for key, item in node.items():
        if key != "location":
            yield from _below(item, source)
    if node.get("type") in {"set", "array"}:
        yield from _of_collection(node, source)


def _of_node(node: Node, written: str, span: tuple[int, int]) -> Iterator[Edit]:
    kind = node.get("type")
    if kind == "ref":
        for new in OPERATORS.get(written, ()):
            yield Edit(*span, new, "operator")
    elif kind == "number":
        value = json.loads(written)
        for new in (value + 1, value - 1):
            yield Edit(*span, str(new), "number")
    elif kind == "boolean" and written in {"true", "false"}:
        yield Edit(*span, "false" if written == "true" else "true", "boolean")
    elif kind == "string":
        yield from _of_text(written, span[0])


def _of_text(written: str, start: int) -> Iterator[Edit]:
    """A quoted text; the name of a member, after a point, is none."""
    if written.startswith('"'):
        yield Edit(start, start + len(written), f'"{MARK}{written[1:]}', "text")


def _of_template(node: Node, source: _Source) -> Iterator[Edit]:
    """The literal parts of a template; what it puts in is seen by whoever compares the whole text."""
    for part in node["value"]["parts"]:
        span = source.span(part)
        if part.get("type") == "string" and span is not None:
            at = source.text.find(part["value"], *span)
            if at >= 0:
                yield Edit(at, at + len(part["value"]), part["value"] + MARK, "text")


def _of_expression(node: Node, source: _Source) -> Iterator[Edit]:
    """An expression of a body: dropped, and negated."""
    span = source.span(node)
    terms = node["terms"]
    made_up = isinstance(terms, dict) and terms.get("type") == "boolean"  # the body of a clause that has none
    if span is None or made_up or _binds(terms):
        return
    written = source.text[slice(*span)]
    yield Edit(*span, "true", "drop condition")
    if node.get("negated"):
        yield Edit(*span, written.removeprefix("not").lstrip(), "negation")
    else:
        yield Edit(*span, f"not {written}", "negation")


def _binds(terms: object) -> bool:
    """Whether an expression makes a name known; without it, the rest does not compile."""
    if isinstance(terms, dict):
        return "symbols" in terms
    first: Any = terms[0] if isinstance(terms, list) and terms else {}
    return first.get("type") == "ref" and first["value"][0].get("value") in {"assign", "eq"}


def _of_collection(node: Node, source: _Source) -> Iterator[Edit]:
    """A written-out set or array without one of its elements."""
    spans = sorted(s for s in map(source.span, node["value"]) if s is not None)
    if len(spans) < 2:
        return
    for number, (start, end) in enumerate(spans):
        if number + 1 < len(spans):
            yield Edit(start, spans[number + 1][0], "", "drop element")
        else:
            yield Edit(spans[number - 1][1], end, "", "drop element")


def named(mutants: Iterable[Mutant]) -> dict[str, Mutant]:
    """Mutants by their names, which are unique."""
    return {m.name: m for m in mutants}
