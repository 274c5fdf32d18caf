"""Checks of tests: each one runs, and replaces only what exists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.bundle.reasons import TEST_FORM
from bspec_opa.bundle.rego.lint.rules import unused
from bspec_opa.bundle.rego.program import Program, expanded
from bspec_opa.bundle.rego.sources import TESTING
from bspec_opa.bundle.rego.syntax import rule_name, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bspec_opa.bundle.rego.syntax import Module, Node
    from bspec_opa.foundation.errors import Problem

_AS_RULES_DO = "spell it as rules do"


def problems_of_tests(program: Program, module: Module) -> Iterator[Problem]:
    """Tests that never run, and ``with`` targets that replace nothing."""
    if not module.name.startswith(TESTING):
        yield from _never_run(module)
    for node in walk(module.rules):
        for item in node.get("with", []):
            yield from _target(program, module, item["target"])


def _never_run(module: Module) -> Iterator[Problem]:
    tests = {n for r in module.rules if (n := rule_name(r)).startswith("test_")}
    if not tests:
        hint = "name tests test_..."
        yield TEST_FORM.problem("there is no test", hint=hint, at=module.place, rule="test/none-in-file")
    for rule in module.rules:
        if rule_name(rule).startswith("todo_"):
            message, hint = "OPA skips tests that begin with todo_", "finish it and name it test_..., or remove it"
            yield TEST_FORM.problem(message, hint=hint, at=module.at(rule), rule="test/skipped")
    skipped = {n for r in module.rules if (n := rule_name(r)).startswith("todo_")}
    for problem in unused(module, tests | skipped, "misspelt test_?"):
        hint = "misspelt test_?"
        yield TEST_FORM.problem(problem.message, hint=hint, at=problem.location, rule="test/unused-name")


def _target(program: Program, module: Module, target: Node) -> Iterator[Problem]:
    path = expanded(module, target)
    root = program.root_of(path)
    if root is None:
        package = program.package_of(path) if path[0] == "data" else ()
        if package is None or (package and path[len(package) : len(package) + 1] not in _defined(program, package)):
            message = f"{'.'.join(path)} does not exist, so nothing is replaced"
            yield TEST_FORM.problem(message, hint=_AS_RULES_DO, at=module.at(target), rule="test/unknown-target")
    elif len(target["value"]) > 1 and program.shape(target, module, {}) is None:
        message = f"{'.'.join(path)} is not in the schema, so nothing that a rule reads is replaced"
        yield TEST_FORM.problem(message, hint=_AS_RULES_DO, at=module.at(target), rule="test/unknown-target")


def _defined(program: Program, package: tuple[str, ...]) -> set[tuple[str, ...]]:
    return {(n,) for n in program.names[package]}
