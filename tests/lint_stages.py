"""Lints a tree as far as a rule needs: what is parsed once is kept, and OPA runs only where it has something to say."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from policy_tree import write

from bspec_opa.authoring.lint.catalog import SHIPPED
from bspec_opa.authoring.lint.linting import _document, finding_of, lint
from bspec_opa.authoring.lint.model import BUILD, OPA
from bspec_opa.authoring.lint.opa_checks import format_problems, opa_problems, prepare
from bspec_opa.authoring.lint.own_checks import idle_problems, own_checks
from bspec_opa.authoring.lint.reading import Files, Reading, package_of, parse, read_files
from bspec_opa.authoring.lint.rego_answers import rego_findings
from bspec_opa.authoring.lint.rego_rules import load_rego_rules
from bspec_opa.bundle.rego.sources import write_tree
from bspec_opa.bundle.rego.syntax import parse_module
from bspec_opa.bundle.rego.type_check import ALL
from bspec_opa.foundation.errors import BspecError

if TYPE_CHECKING:
    from lint_tree import Snippets

    from bspec_opa.authoring.lint.model import Finding
    from bspec_opa.authoring.lint.rego_rules import RegoRule
    from bspec_opa.bundle.rego.opa_tool import Opa
    from bspec_opa.bundle.rego.syntax import Module

NOW = 1793620800


@cache
def parsed(text: bytes, name: str, opa: Opa) -> Module | BspecError:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), {name: text.decode()})
        try:
            return parse_module(Path(folder), name, opa)
        except BspecError as e:
            return e


@cache
def _loaded(opa: Opa) -> tuple[Path, list[RegoRule]]:
    work = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, work)
    return work, load_rego_rules([], work, opa)


def rules_in(work: Path, opa: Opa) -> list[RegoRule]:
    """The shipped lint rules, checked once a process."""
    loaded, rules = _loaded(opa)
    shutil.copytree(loaded, work, dirs_exist_ok=True)
    return rules


def linted(snippets: Snippets, rule: str, root: Path, opa: Opa) -> tuple[Finding, ...]:
    """What is found in the tree that a section of a rule's page describes."""
    policies, work = write(root / "policies", snippets.tree()), root / "work"
    snippets.link(policies)
    files = read_files(policies)
    work.mkdir()
    if rule.startswith("test/") and (SHIPPED[rule].origin != BUILD or rule == "test/failing"):
        return lint(files, rules_in(work, opa), work, opa, now=NOW).findings
    reading = _read(files, work, opa)
    own = own_checks(reading, None)
    problems = [*reading.problems, *own.problems, *idle_problems(reading, own)]
    if SHIPPED[rule].origin == BUILD:
        return tuple(map(finding_of, problems))
    prepare(reading, own, work)
    if SHIPPED[rule].origin == OPA:
        problems += [*opa_problems(reading, work, opa, proven=False), *format_problems(reading, work, opa)]
        return tuple(map(finding_of, problems))
    document = _document(reading, own, [], work, opa, runs=False, now=NOW)
    found = rego_findings(rules_in(work, opa), document, files.sources.files, work, opa)
    return (*map(finding_of, problems), *found)


def _read(files: Files, work: Path, opa: Opa) -> Reading:
    modules = [parsed(data, name, opa) for name, data in files.sources.rego.items()]
    right = tuple(m for m in modules if not isinstance(m, BspecError))
    if len(right) < len(modules):
        return parse(files, work, opa)
    write_tree(work / ALL, files.sources.files)
    wrong = {package_of(m.name) for m in right if ("data", *m.package) != package_of(m.name)}
    return Reading(files.sources, right, files.problems, frozenset(wrong))
