"""Lint rules written in Rego: the shipped ones and a team's own, each checked itself before it checks anything."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from bspec_opa.authoring.lint.catalog import SHIPPED
from bspec_opa.authoring.lint.input_schema import INPUT_SCHEMA
from bspec_opa.authoring.lint.model import ERROR, REGO, WARNING, LintRule
from bspec_opa.authoring.lint.reasons import RULE_TEST, RULES_INVALID
from bspec_opa.authoring.lint.rule_files import is_rule_test, read_rule_files
from bspec_opa.authoring.lint.rule_tests import RULE_TESTS, rule_test_problems
from bspec_opa.bundle.rego.capabilities import WITHHELD
from bspec_opa.bundle.rego.lint.rules import unused
from bspec_opa.bundle.rego.sources import write_tree
from bspec_opa.bundle.rego.syntax import is_partial_set, parse_each, rule_name
from bspec_opa.foundation.errors import BspecError, Location, error_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bspec_opa.bundle.rego.opa_tool import Opa
    from bspec_opa.bundle.rego.syntax import Module, Node
    from bspec_opa.foundation.errors import Problem, Reason

SHIPPED_RULES = Path(__file__).parent / "rules"
PACKAGE = ("bspec", "lint")
LIBRARY = "lib"
REPORT = "report"
RULES, LINT_SCHEMA, LINT_CAPABILITIES = "lint-rules", "lint-input.json", "lint-capabilities.json"
_PART = re.compile(r"[a-z][a-z0-9_]*\Z")
_DEPTH = 4


@dataclass(frozen=True, slots=True)
class RegoRule:
    """One lint rule written in Rego.

    Attributes:
        rule: what it is.
        package: its package without ``data``.
    """

    rule: LintRule
    package: tuple[str, ...]


def load_rego_rules(folders: Sequence[Path], work: Path, opa: Opa) -> list[RegoRule]:
    """The shipped rules and those of a team, checked.

    Args:
        folders: the team's folders.
        work: a private folder; keeps the rules under ``lint-rules``.
        opa: the binary.

    Raises:
        InvalidInputError: everything that is wrong with the team's rules; a folder that holds none, or anything else; a
            test of a rule that fails.
    """
    places = [SHIPPED_RULES, *folders]
    everything = {f"{n}/{f}": data for n, place in enumerate(places) for f, data in read_rule_files(place).items()}
    files = {n: d for n, d in everything.items() if not is_rule_test(n)}
    write_tree(work / RULES, files)
    modules, refused = parse_each(work / RULES, files, opa)
    problems = [_placed(p, places) for e in refused.values() for p in e.problems]
    for module in modules:
        problems += [_placed(p, places) for p in _form(module)]
    rules = [m for m in modules if m.package[2:3] != (LIBRARY,)]
    if not problems:
        libraries = [m for m in modules if m.package[2:3] == (LIBRARY,)]
        problems += [_placed(p, places) for p in (*_none(rules, places), *_twice(rules), *_joined(libraries))]
    if problems:
        raise error_of(problems)
    _check(work, places, opa)
    # The shipped rules are tested where they are made; what helps their tests helps those of a team.
    tests = {n: d for n, d in everything.items() if n not in files and not n.startswith("0/")}
    helpers = {n: d for n, d in everything.items() if n.startswith(f"0/{LIBRARY}/")}
    wrong = rule_test_problems({**files, **helpers}, tests, work, LINT_CAPABILITIES, opa)
    if wrong:
        raise error_of([_placed(p, places, RULE_TEST) for p in wrong])
    return [RegoRule(_described(m), m.package) for m in rules]


def _placed(problem: Problem, places: Sequence[Path], reason: Reason = RULES_INVALID) -> Problem:
    """With the author's path, and as a fault of a lint rule or its test."""
    at = problem.location
    if at is not None:
        number, _, name = at.file.removeprefix(f"{RULES}/").removeprefix(f"{RULE_TESTS}/").partition("/")
        if number.isdecimal():
            at = Location(str(places[int(number)] / name), at.line, at.column)
    return replace(problem, reason=reason, location=at, rule="")


def _form(module: Module) -> Iterator[Problem]:
    """Whether a file is a rule or a library of rules."""
    if module.package[:2] != PACKAGE or len(module.package) != _DEPTH or not all(map(_PART.match, module.package)):
        hint = "write: package bspec.lint.<category>.<name>, or bspec.lint.lib.<name> for helpers"
        yield RULES_INVALID.problem(f"package {'.'.join(module.package)}", hint=hint, at=module.place)
        return
    if module.package[2] == LIBRARY:
        return
    reports = [r for r in module.rules if rule_name(r) == REPORT]
    if not reports:
        hint = 'write: report contains {"msg": ..., "file": ..., "row": ..., "col": ..., "hint": ...} if {...}'
        yield RULES_INVALID.problem("there is no report", hint=hint, at=module.place)
    for rule in reports:
        if not is_partial_set(rule):
            yield RULES_INVALID.problem(
                "report is no plain set", hint="write: report contains {...} if {...}", at=module.at(rule)
            )
    yield from unused(module, {REPORT}, f"misspelt {REPORT}?")
    custom = _annotation(module).get("custom", {})
    if custom.get("severity", ERROR) not in {ERROR, WARNING}:
        yield RULES_INVALID.problem("severity is error or warning", at=module.place)


def _annotation(module: Module) -> Node:
    found = [a for a in module.annotations if a.get("scope") == "package"]
    return found[0] if found else {}


def _none(rules: Sequence[Module], places: Sequence[Path]) -> Iterator[Problem]:
    for number, place in enumerate(places):
        if not any(m.name.startswith(f"{number}/") for m in rules):
            hint = "a folder with helpers alone checks nothing"
            yield RULES_INVALID.problem("holds no lint rule", hint=hint, at=Location(str(place)))


def _twice(rules: Sequence[Module]) -> Iterator[Problem]:
    seen: set[str] = set()
    for module in rules:
        own = rule_id(module.package)
        shipped = own in SHIPPED and not module.name.startswith("0/")
        if own in seen or shipped:
            hint = "give it a name or a category of its own"
            yield RULES_INVALID.problem(f"there is a lint rule {own} already", hint=hint, at=module.place)
        seen.add(own)


def _joined(libraries: Sequence[Module]) -> Iterator[Problem]:
    """Helpers in a package of another folder: OPA joins both, so they could keep that folder's rules silent."""
    owners: dict[tuple[str, ...], str] = {}
    for module in sorted(libraries, key=lambda m: int(m.name.partition("/")[0])):
        folder = module.name.partition("/")[0]
        if owners.setdefault(module.package, folder) != folder:
            message = f"there are helpers {'.'.join(module.package)} already"
            hint = f"write: package bspec.lint.{LIBRARY}.<another name>"
            yield RULES_INVALID.problem(message, hint=hint, at=module.place)


def rule_id(package: tuple[str, ...]) -> str:
    """``category/name`` of a package."""
    return "/".join(p.replace("_", "-") for p in package[2:])


def _described(module: Module) -> LintRule:
    """The shipped description, or what a team's METADATA says."""
    own = rule_id(module.package)
    if module.name.startswith("0/"):
        return SHIPPED[own]
    annotation = _annotation(module)
    severity = str(annotation.get("custom", {}).get("severity", ERROR))
    title = str(annotation.get("title") or own)
    return LintRule(own, title, str(annotation.get("description") or title), severity, REGO, owned=False)


def _check(work: Path, places: Sequence[Path], opa: Opa) -> None:
    """OPA's strict check of the rules against the schema of their input: a misspelt path would report nothing."""
    current: dict[str, Any] = json.loads(opa.run(["capabilities", "--current"]))
    current["builtins"] = [b for b in current["builtins"] if b["name"] not in WITHHELD]
    (work / LINT_CAPABILITIES).write_text(json.dumps({**current, "allow_net": []}), encoding="utf-8")
    (work / LINT_SCHEMA).write_text(json.dumps(INPUT_SCHEMA), encoding="utf-8")
    options = ("--strict", "--format", "json", "--schema", LINT_SCHEMA, "--capabilities", LINT_CAPABILITIES)
    try:
        opa.run(["check", *options, RULES], cwd=work)
    except BspecError as e:
        raise error_of(cast("list[Problem]", [_placed(p, places) for p in e.problems])) from e
