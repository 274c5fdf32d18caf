"""Lints a tree as far as a rule needs: what is parsed once is kept, and OPA runs only where it has something to say."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from policy_tree import write

from bspec_opa.authoring.lint.catalog import SHIPPED
from bspec_opa.authoring.lint.linting import finding_of, lint
from bspec_opa.authoring.lint.model import BUILD, OPA
from bspec_opa.authoring.lint.opa_checks import format_problems, opa_problems, prepare
from bspec_opa.authoring.lint.own_checks import own_checks
from bspec_opa.authoring.lint.reading import Files, Reading, package_of, parse, read_files
from bspec_opa.authoring.lint.rego_rules import load_rego_rules
from bspec_opa.bundle.rego.syntax import parse_module

if TYPE_CHECKING:
    from lint_tree import Snippets

    from bspec_opa.authoring.lint.model import Finding
    from bspec_opa.bundle.rego.opa_tool import Opa
    from bspec_opa.bundle.rego.syntax import Module

NOW = 1793620800
AFTER_RUN = frozenset({"test/failing", "test/none"})


@cache
def parsed(text: bytes, name: str, opa: Opa) -> Module:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), {name: text.decode()})
        return parse_module(Path(folder), name, opa)


def linted(snippets: Snippets, rule: str, root: Path, opa: Opa) -> tuple[Finding, ...]:
    """What is found in the tree that a section of a rule's page describes."""
    policies = write(root / "policies", snippets.tree())
    snippets.link(policies)
    files = read_files(policies)
    origin = SHIPPED[rule].origin
    if origin == BUILD and rule not in AFTER_RUN:
        return tuple(finding_of(p) for p in (*files.problems, *own_checks(kept(files, opa), None).problems))
    work = root / "work"
    work.mkdir()
    if origin == OPA and rule not in AFTER_RUN:
        reading = parse(files, work, opa)
        own = own_checks(reading, None)
        prepare(reading, own, work)
        problems = (*reading.problems, *own.problems, *opa_problems(reading, work, opa, proven=False))
        return tuple(map(finding_of, (*problems, *format_problems(reading, work, opa))))
    return lint(files, load_rego_rules([], work, opa), work, opa, now=NOW).findings


def kept(files: Files, opa: Opa) -> Reading:
    modules = tuple(parsed(data, name, opa) for name, data in files.sources.rego.items())
    wrong = {package_of(m.name) for m in modules if ("data", *m.package) != package_of(m.name)}
    return Reading(files.sources, modules, (), frozenset(wrong))
