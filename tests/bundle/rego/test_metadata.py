from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from policy_tree import Tree, good_tree, metadata, write

from bspec_opa.bundle.build.index_build import build_index
from bspec_opa.bundle.rego.sources import read_sources
from bspec_opa.bundle.rego.syntax import parse_modules
from bspec_opa.bundle.selection import FLOOR
from bspec_opa.bundle.shipped import load_bundle, shipped_bundle
from bspec_opa.foundation.errors import InvalidInputError

if TYPE_CHECKING:
    from pathlib import Path

    from bspec_opa.bundle.index import Index
    from bspec_opa.bundle.rego.opa_tool import Opa

EXTRA = "bspec/rules/global/tools/extra/extra.rego"
LIBRARY = "bspec/lib/extra/extra.rego"
RULE = 'package bspec.rules.global.tools.extra\n\ndeny contains {"msg": "m", "path": ""} if input.nonce\n'
GOOD = metadata("TOL-99", "tools")
MISSING, INVALID, LAYOUT = "bundle.metadata-missing", "bundle.metadata-invalid", "bundle.layout"


def index_of(root: Path, tree: Tree, opa: Opa) -> Index:
    sources = read_sources(write(root, tree))
    return build_index(parse_modules(root, sources.rego, opa), sources)


def refused(root: Path, tree: Tree, opa: Opa) -> set[tuple[str, str]]:
    with pytest.raises(InvalidInputError) as error:
        index_of(root, tree, opa)
    return {(p.reason.code, str(p.location)) for p in error.value.problems}


def test_good_metadata(tmp_path: Path, opa: Opa) -> None:
    entry = index_of(tmp_path, {**good_tree(), EXTRA: GOOD + RULE}, opa).rule("global.tools.extra")
    assert entry is not None
    assert (entry.title, entry.code, entry.waivable) == ("The rule TOL-99", "TOL-99", True)


CASES: dict[str, tuple[str, set[tuple[str, str]]]] = {
    "none": (RULE, {(MISSING, "1:1")}),
    "lower case": (GOOD.replace("METADATA", "metadata") + RULE, {(MISSING, "11:1")}),
    "a blank line inside": (
        GOOD.replace("# custom:", "\n# custom:") + RULE,
        {(INVALID, "1:1"), (INVALID, "5:1")},
    ),
    "a blank line before the last member": (
        f'{GOOD}\n#   effective_on: "2026-06-01T00:00:00Z"\n{RULE}',
        {(INVALID, "12:1")},
    ),
    "a blank line below": (GOOD + "\n" + RULE, set()),
    "on a rule instead of the package": (
        RULE.replace("deny", "# METADATA\n# title: t\ndeny"),
        {(MISSING, "1:1")},
    ),
    "a second block on the rule": (
        GOOD + RULE.replace("deny", "# METADATA\n# title: t\ndeny"),
        {(INVALID, "13:1")},
    ),
    "a second block that OPA ignores": (
        GOOD + RULE + "\n# Metadata:\n# title: t\n\nx := 1\n",
        {(MISSING, "15:1")},
    ),
    "a misspelt member": (GOOD.replace("custom:", "custm:") + RULE, {(INVALID, "1:1"), (INVALID, "4:1")}),
    "a member of custom at the top": (
        GOOD.replace("# custom:", "# severty: low\n# custom:") + RULE,
        {(INVALID, "4:1")},
    ),
    "an unknown member of custom": (GOOD.replace("severity", "severty") + RULE, {(INVALID, "4:3"), (INVALID, "6:5")}),
    "an unknown severity": (GOOD.replace("high", "fatal") + RULE, {(INVALID, "6:5")}),
    "a title missing": (GOOD.replace("# title: The rule TOL-99\n", "") + RULE, {(INVALID, "1:1")}),
    "YAML 1.1: a word for false": (GOOD.replace("true", '"no"') + RULE, {(INVALID, "10:5")}),
    "YAML 1.1: a number for a code": (GOOD.replace("code: TOL-99", "code: 010") + RULE, {(INVALID, "5:5")}),
    "no collection": (GOOD.replace("[tools]", "[]") + RULE, {(INVALID, "9:5")}),
    "an unknown need": (f"{GOOD}#   pending: wish\n{RULE}", {(INVALID, "11:5")}),
    "a day without a time": (f'{GOOD}#   effective_on: "2026-06-01"\n{RULE}', {(INVALID, "11:5")}),
    "a day that does not exist": (f'{GOOD}#   effective_on: "2026-02-30T00:00:00Z"\n{RULE}', {(INVALID, "11:5")}),
    "a guard of the tier that can be waived": (GOOD.replace("[tools]", "[tools, tier_guard]") + RULE, {(INVALID, "10:5")}),
    "a guard of the tier": (GOOD.replace("[tools]", "[tools, tier_guard]").replace("waivable: true", "waivable: false") + RULE, set()),
    "actions of a global rule": (f"{GOOD}#   actions: [rollback]\n{RULE}", {(INVALID, "11:5")}),
    "an action that ends in no line": (f"{GOOD}#   actions: [check]\n{RULE}", {(INVALID, "11:5")}),
    "the code of another rule": (GOOD.replace("TOL-99", "TOL-03") + RULE, {(INVALID, "1:1")}),
    "another package": (GOOD + RULE.replace("tools.extra", "tools.extr"), {(LAYOUT, "11:1")}),
    "the package of its test": (GOOD + RULE.replace("tools.extra", "tools.extra_test"), {(LAYOUT, "11:1")}),
}  # fmt: skip


@pytest.mark.attack("A79")
def test_no_rule_that_mirrors_the_floor_can_be_waived() -> None:
    """Neither of the shipped bundles, which were built before this was checked, nor of one that is built now."""
    for bundle in ("default", "elevated"):
        index = load_bundle(shipped_bundle(bundle)).index
        rules = {r.id: r.waivable for r in index.rules if r.id in FLOOR}
        assert rules == dict.fromkeys(FLOOR, False)


@pytest.mark.attack("A79")
def test_a_waivable_mirror_of_the_floor_is_refused(tmp_path: Path, opa: Opa) -> None:
    place = "bspec/rules/promotion/all/evidence/evidence.rego"
    text = GOOD.replace("TOL-99", "P98").replace("[tools]", "[promotion]") + RULE.replace(
        "global.tools.extra", "promotion.all.evidence"
    )
    assert (INVALID, f"{place}:10:5") in refused(tmp_path, {**good_tree(), place: text}, opa)


@pytest.mark.parametrize("name", CASES)
def test_rules(name: str, tmp_path: Path, opa: Opa) -> None:
    text, expected = CASES[name]
    tree = {**good_tree(), EXTRA: text}
    if expected:
        found = refused(tmp_path, tree, opa)
        # a repeated code is reported where it is met second
        found = {(c, at.replace("no_admin/no_admin.rego", "extra/extra.rego")) for c, at in found}
        assert found == {(code, f"{EXTRA}:{at}") for code, at in expected}
    else:
        index_of(tmp_path, tree, opa)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("package bspec.lib.extra\n", {(MISSING, "1:1")}),
        ("# METADATA\n# title: t\n# description: d\n# custom: {a: 1}\npackage bspec.lib.extra\n", {(INVALID, "4:3")}),
        ("# METADATA\n# title: t\npackage bspec.lib.extra\n", {(INVALID, "1:1")}),
        ("# METADATA\n# title: t\n# description: d\npackage bspec.lib.extr\n", {(LAYOUT, "4:1")}),
    ],
)
def test_libraries(text: str, expected: set[tuple[str, str]], tmp_path: Path, opa: Opa) -> None:
    found = refused(tmp_path, {**good_tree(), LIBRARY: text}, opa)
    assert found == {(code, f"{LIBRARY}:{at}") for code, at in expected}


@pytest.mark.parametrize(
    ("name", "at"),
    [
        ("bspec/rules/global/tools/extra.rego", "11:1"),
        ("bspec/rules/global/tools/deep/extra/extra.rego", "11:1"),
        ("bspec/rules/local/tools/extra/extra.rego", "11:1"),
        ("bspec/rules/global/tools/extra/other.rego", "11:1"),
        ("bspec/rules/promotion/none/extra/extra.rego", "11:1"),
    ],
)
def test_a_rule_has_one_place(name: str, at: str, tmp_path: Path, opa: Opa) -> None:
    package = ".".join(name.split("/")[:-1])
    text = GOOD + RULE.replace("bspec.rules.global.tools.extra", package)
    assert refused(tmp_path, {**good_tree(), name: text}, opa) == {(LAYOUT, f"{name}:{at}")}


def test_a_test_in_the_package_of_its_rule_is_refused(tmp_path: Path, opa: Opa) -> None:
    """It would supply the very deny that it tests, and nothing would be shipped."""
    name = "bspec/rules/global/tools/no_admin/no_admin_test.rego"
    tree = good_tree()
    tree[name] = tree[name].replace("no_admin_test", "no_admin", 1)
    assert refused(tmp_path, tree, opa) == {(LAYOUT, f"{name}:1:1")}
