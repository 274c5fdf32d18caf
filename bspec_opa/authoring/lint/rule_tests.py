"""Tests that a team wrote for its own lint rules: they are run, and a failing one is as bad as a failing rule."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bspec_opa.authoring.lint.reasons import RULE_TEST
from bspec_opa.bundle.rego.lint.rules import unused
from bspec_opa.bundle.rego.sources import write_tree
from bspec_opa.bundle.rego.syntax import parse_each, rule_name
from bspec_opa.foundation.errors import BspecError, ExitCode, Location

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from bspec_opa.bundle.rego.opa_tool import Opa
    from bspec_opa.bundle.rego.syntax import Module
    from bspec_opa.foundation.errors import Problem

RULE_TESTS = "lint-rule-tests"
_PACKAGE, _DEPTH, _LIBRARY, _MARK = ("bspec", "lint"), 4, "lib", "_test"
_FAILING = 2


def rule_test_problems(
    files: Mapping[str, bytes], tests: Mapping[str, bytes], work: Path, capabilities: str, opa: Opa
) -> list[Problem]:
    """What is wrong with the tests of lint rules; places are below ``lint-rule-tests``.

    Args:
        files: the rules, checked, and helpers of their tests that are shipped.
        tests: the team's files of tests.
        work: a private folder.
        capabilities: the file there that says which functions rules and their tests may call.
        opa: the binary.

    Raises:
        EngineError: OPA does not run.
    """
    if not tests:
        return []
    write_tree(work / RULE_TESTS, {**files, **tests})
    modules, refused = parse_each(work / RULE_TESTS, tests, opa)
    problems = [p for e in refused.values() for p in e.problems]
    problems += [p for m in modules for p in _form(m)]
    try:
        if not problems:
            opa.run(["check", "--strict", "--format", "json", "--capabilities", capabilities, RULE_TESTS], cwd=work)
            problems = list(_failing(work, opa))
    except BspecError as e:
        if e.exit_code != ExitCode.INVALID:
            raise
        problems = list(e.problems)
    return problems


def _form(module: Module) -> Iterator[Problem]:
    """A test in its rule's own package could add to the report, and no lint would."""
    package = module.package
    if package[:2] != _PACKAGE or len(package) != _DEPTH or not package[3].endswith(_MARK):
        hint = "write: package bspec.lint.<category>.<name>_test, or bspec.lint.lib.<name>_test for helpers of tests"
        yield RULE_TEST.problem(f"package {'.'.join(package)}", hint=hint, at=module.place)
    elif package[2] != _LIBRARY:
        tests = {n for r in module.rules if (n := rule_name(r)).startswith("test_")}
        if not tests:
            yield RULE_TEST.problem("there is no test", hint="name tests test_...", at=module.place)
        yield from unused(module, tests, "misspelt test_? OPA skips what is named todo_test_...")


def _failing(work: Path, opa: Opa) -> Iterator[Problem]:
    command = ["test", "--format", "json", "--timeout", "60s", RULE_TESTS]
    found: list[dict[str, Any]] = json.loads(opa.run(command, cwd=work, accepted=(0, _FAILING)) or "null") or []
    for test in found:
        if test.get("fail") or test.get("error") or test.get("skip"):
            at = Location(test["location"]["file"], test["location"]["row"], test["location"]["col"])
            hint = "correct the lint rule or its test: what the rule would find is not known"
            yield RULE_TEST.problem(f"{test['name']} fails", hint=hint, at=at)
