"""Our own checks over OPA's syntax tree: what OPA accepts and what then quietly never denies.

Each finding has file, line and column. The order of the checks is by danger: first what turns a denial into a pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.bundle.reasons import SCHEMAS
from bspec_opa.bundle.rego.lint.references import import_problems, reference_problems
from bspec_opa.bundle.rego.lint.rules import construct_problems, item_problems, rule_problems
from bspec_opa.bundle.rego.lint.tests import problems_of_tests
from bspec_opa.bundle.rego.lint.words import word_problems
from bspec_opa.bundle.rego.program import Program
from bspec_opa.bundle.rego.sources import ANNOTATED, is_rule, is_test
from bspec_opa.foundation.errors import Location, error_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bspec_opa.bundle.rego.syntax import Module, Node
    from bspec_opa.foundation.errors import Problem

_SCHEMAS = {
    ("input",): ("schema", "input"),
    ("data", "bspec", "org"): ("schema", "org"),
    ("data", "bspec", "build"): ("schema", "build"),
}


def lint(modules: Sequence[Module]) -> None:
    """All checks.

    Raises:
        InvalidInputError: every finding.
    """
    problems = [*findings(modules)]
    if problems:
        raise error_of(problems)


def findings(modules: Sequence[Module], unread: frozenset[tuple[str, ...]] = frozenset()) -> Iterator[Problem]:
    """Every finding, those about one file together; ``unread`` are the packages of files that can't be parsed."""
    program = Program(modules, unread)
    yield from _annotation_problems(modules)
    for module in modules:
        if is_rule(module.name):
            yield from rule_problems(module)
            yield from item_problems(module)
        if is_test(module.name):
            yield from problems_of_tests(program, module)
        else:
            yield from construct_problems(module)
            yield from import_problems(module)
        yield from reference_problems(program, module)
        yield from word_problems(program, module)


def _annotation_problems(modules: Sequence[Module]) -> Iterator[Problem]:
    """The schema annotation stands in one file, exactly; a block nearer to a rule would replace it."""
    here = [m for m in modules if m.name == ANNOTATED]
    if not here:
        hint = "it annotates package bspec with the schemas"
        yield SCHEMAS.problem(
            "the file is missing, so nothing is type-checked", hint=hint, at=Location(ANNOTATED), rule="schema/missing"
        )
    for module in modules:
        own = [a for a in module.annotations if "schemas" in a]
        if module.name != ANNOTATED:
            for annotation in own:
                hint = "remove the schemas block: it would replace the one of bspec.rego"
                yield SCHEMAS.problem(
                    "schemas are named in bspec.rego only", hint=hint, at=module.at(annotation), rule="schema/elsewhere"
                )
        elif [(a["scope"], _named(a)) for a in own] != [("subpackages", _SCHEMAS)] or module.rules:
            hint = "one METADATA block of scope subpackages that names schema.input, schema.org and schema.build"
            yield SCHEMAS.problem("not the schema annotation", hint=hint, at=module.place, rule="schema/changed")


def _named(annotation: Node) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Path to schema of an annotation; an inline definition counts as none."""
    return {_words(s["path"]): _words(s.get("schema", [])) for s in annotation["schemas"]}


def _words(path: list[Node]) -> tuple[str, ...]:
    return tuple(str(p["value"]) for p in path)
