"""Every lint rule has a page, and what it shows is so: exactly this rule finds Avoid, at its place, and none Prefer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from lint_stages import NOW, linted, rules_in
from lint_tree import clean_tree, sections, snippets_of
from policy_tree import write

from bspec_opa.authoring.lint.catalog import SHIPPED
from bspec_opa.authoring.lint.linting import lint
from bspec_opa.authoring.lint.model import BUILD
from bspec_opa.authoring.lint.reading import read_files
from bspec_opa.bundle.build.composition import Foundation
from bspec_opa.bundle.read import read_bundle
from bspec_opa.bundle.rego.opa_tool import Opa

ROOT = Path(__file__).parents[3]
PAGES = ROOT / "docs" / "lint"
ELSEWHERE = {"reference/stray", "test/none", "layout/pack"}
"""The page says in words what it takes; each has a test of its own."""

if TYPE_CHECKING:
    from bspec_opa.authoring.lint.model import LintRule


@pytest.fixture(scope="session")
def opa(opa_path: Path) -> Opa:
    return Opa(opa_path)


def test_every_rule_has_a_page_and_every_page_a_rule() -> None:
    assert sorted(f"docs/lint/{p.name}" for p in PAGES.iterdir()) == sorted(f"docs/{r.page}" for r in SHIPPED.values())


@pytest.mark.parametrize("rule", SHIPPED.values(), ids=lambda r: r.id)
def test_the_page_is_true(rule: LintRule, tmp_path: Path, opa: Opa) -> None:
    parts = sections((ROOT / "docs" / rule.page).read_text(encoding="utf-8"))
    assert list(parts) == ["Why", "Avoid", "Prefer"]
    assert len(parts["Why"].strip()) > 40
    assert parts["Avoid"].strip()
    assert parts["Prefer"].strip()
    if rule.id in ELSEWHERE:
        return
    avoid, prefer = snippets_of(parts["Avoid"]), snippets_of(parts["Prefer"])
    assert len(avoid.places) == 1
    found = linted(avoid, rule.id, tmp_path / "avoid", opa)
    assert {(f.rule.id, f.file, f.line, f.column) for f in found} == {(rule.id, *p) for p in avoid.places}
    assert all(f.message and f.hint for f in found)
    assert prefer.places == set()
    if rule.origin == BUILD:
        assert linted(prefer, rule.id, tmp_path / "prefer", opa) == ()


@pytest.mark.soak
@pytest.mark.parametrize("rule", [r for r in SHIPPED.values() if r.origin != BUILD], ids=lambda r: r.id)
def test_what_is_preferred_is_clean(rule: LintRule, tmp_path: Path, opa: Opa) -> None:
    """The same for rules that take an OPA to find anything, which takes its time."""
    parts = sections((ROOT / "docs" / rule.page).read_text(encoding="utf-8"))
    if rule.id not in ELSEWHERE:
        assert linted(snippets_of(parts["Prefer"]), rule.id, tmp_path, opa) == ()


def test_a_clean_tree_has_no_findings(tmp_path: Path, opa: Opa) -> None:
    files = read_files(write(tmp_path / "policies", clean_tree()))
    result = lint(files, rules_in(tmp_path, opa), tmp_path, opa, now=NOW)
    assert (result.findings, result.notes) == ((), ())
    assert (result.rules, result.tests, result.exit_code(fail_on_warn=True)) == (5, 10, 0)
    assert {r.id for r in result.applied} == set(SHIPPED)


def test_without_any_test_nothing_is_proven(tmp_path: Path, opa: Opa) -> None:
    tree = {n: t for n, t in clean_tree().items() if not n.endswith("_test.rego")}
    files = read_files(write(tmp_path / "policies", tree))
    result = lint(files, rules_in(tmp_path, opa), tmp_path, opa, now=NOW)
    rules = {f.rule.id for f in result.findings}
    assert rules == {"test/none", "test/both-outcomes"}
    assert (result.tests, result.exit_code()) == (0, 3)


def test_a_pack_adds(tmp_path: Path, opa: Opa) -> None:
    bundle = ROOT / "bundles" / "default.tar.gz"
    base = read_bundle(bundle.read_bytes(), "default")
    parts = sections((PAGES / "layout-pack.md").read_text(encoding="utf-8"))
    found = {}
    for name in ("Avoid", "Prefer"):
        snippets = snippets_of(parts[name])
        own = clean_tree()["bspec/rules/global/tools/extra/extra.rego"]
        policies = write(tmp_path / name, {**snippets.files, "bspec/rules/global/team/extra/extra.rego": own})
        files = read_files(policies, Foundation(base, base.revision, "team:payments"))
        found[name] = {(p.rule, str(p.location)) for p in files.problems}
    assert found == {"Avoid": {("layout/pack", "bspec/lib/order/order.rego")}, "Prefer": set()}


def test_a_packs_own_file_is_told_where_the_base_has_one_of_that_name(tmp_path: Path, opa: Opa) -> None:
    """What can't be read is not replaced in silence by what the base has there."""
    base = read_bundle((ROOT / "bundles" / "default.tar.gz").read_bytes(), "default")
    own = clean_tree()["bspec/rules/global/tools/extra/extra.rego"]
    rule = own.replace("global.tools.extra", "global.team.extra")
    policies = write(tmp_path / "pack", {"bspec/rules/global/team/extra/extra.rego": rule})
    (policies / "bspec" / "org").mkdir()
    (policies / "bspec" / "org" / "data.json").symlink_to("elsewhere.json")
    files = read_files(policies, Foundation(base, base.revision, "team:payments"))
    work = tmp_path / "work"
    work.mkdir()
    findings = lint(files, rules_in(work, opa), work, opa, now=NOW).findings
    assert ("layout/unreadable", "bspec/org/data.json") in {(f.rule.id, f.file) for f in findings}
