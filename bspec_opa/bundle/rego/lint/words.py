"""Checks of words: OPA's type checker knows strings, not which strings an enum of the schema has."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from bspec_opa.bundle.reasons import LITERAL
from bspec_opa.bundle.rego.program import calls, variables_of
from bspec_opa.foundation.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bspec_opa.bundle.rego.program import Program
    from bspec_opa.bundle.rego.syntax import Module, Node
    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.foundation.errors import Problem

_EQUALITIES = frozenset({"equal", "eq", "neq"})
_MEMBER = "internal.member_2"
_SCALARS = frozenset({"string", "number"})


def word_problems(program: Program, module: Module) -> Iterator[Problem]:
    """Comparisons of a value that has an enum with a literal that the enum has not."""
    for rule in module.rules:
        variables = variables_of(program, module, rule)
        for name, arguments, _ in calls(rule):
            if name in _EQUALITIES | {_MEMBER} and len(arguments) == 2:  # noqa: PLR2004 - both sides
                yield from _compared(program, module, variables, name, arguments)


def _compared(
    program: Program, module: Module, variables: dict[str, JsonObject], name: str, arguments: list[Node]
) -> Iterator[Problem]:
    left, right = (program.shape(a, module, variables) for a in arguments)
    if name == _MEMBER and right is not None:
        yield from _words(module, program.member(right, {"type": "number"}), [arguments[0]])
    if name == _MEMBER and left is not None and arguments[1].get("type") in {"set", "array"}:
        yield from _words(module, left, arguments[1]["value"])
    if name in _EQUALITIES:
        yield from _words(module, left, [arguments[1]])
        yield from _words(module, right, [arguments[0]])


def _words(module: Module, schema: JsonObject | None, literals: list[Node]) -> Iterator[Problem]:
    words = cast("list[object]", (schema or {}).get("enum", []))
    for node in literals:
        if words and node.get("type") in _SCALARS and node["value"] not in words:
            known = [str(w) for w in words]
            hint = did_you_mean(str(node["value"]), known)
            message = f"{node['value']!r} never occurs there"
            yield LITERAL.problem(message, hint=hint, at=module.at(node), rule="reference/unknown-word")
