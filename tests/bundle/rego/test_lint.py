from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from policy_tree import Tree, good_tree, metadata, write

from bspec_opa.bundle.build.index_build import build_index
from bspec_opa.bundle.rego.lint.everything import findings, lint
from bspec_opa.bundle.rego.sources import read_sources
from bspec_opa.bundle.rego.syntax import parse_module
from bspec_opa.foundation.errors import BspecError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bspec_opa.bundle.rego.opa_tool import Opa
    from bspec_opa.bundle.rego.syntax import Module

EXTRA = "bspec/rules/global/tools/extra/extra.rego"
EXTRA_TEST = "bspec/rules/global/tools/extra/extra_test.rego"
LIBRARY = "bspec/lib/extra/extra.rego"
ITEM = '{"msg": "m", "path": "/tools"}'
FORM, ITEMS, CONSTRUCT = "bundle.rule-form", "bundle.item-form", "bundle.forbidden-construct"
REFERENCE, LITERAL, TEST, SCHEMAS = (
    "bundle.unknown-reference",
    "bundle.unknown-literal",
    "bundle.test-form",
    "bundle.schema-annotation",
)


@cache
def parsed(text: str, name: str, opa: Opa) -> Module:
    """Most files of a tree are the good tree's: parsed once."""
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), {name: text})
        return parse_module(Path(folder), name, opa)


def modules_of(root: Path, tree: Tree, opa: Opa) -> Sequence[Module]:
    sources = read_sources(write(root, tree))
    modules = [parsed(data.decode(), name, opa) for name, data in sources.rego.items()]
    build_index(modules, sources)
    return modules


def found(root: Path, tree: Tree, opa: Opa) -> set[tuple[str, str]]:
    return {(p.reason.code, str(p.location)) for p in findings(modules_of(root, tree, opa))}


def rule(body: str, pending: str = "") -> Tree:
    """The good tree with one more rule, whose body begins in line 13, or 14 with pending."""
    extra = f"#   pending: {pending}\n" if pending else ""
    text = f"{metadata('TOL-99', 'tools', extra)}package bspec.rules.global.tools.extra\n\n{body}\n"
    return {**good_tree(), EXTRA: text}


def test_the_good_tree_has_no_findings(tmp_path: Path, opa: Opa) -> None:
    modules = modules_of(tmp_path, good_tree(), opa)
    assert list(findings(modules)) == []
    lint(modules)


RULES: dict[str, tuple[str, set[tuple[str, str]]]] = {
    # what turns a deny into a pass
    "deny as a value": (f"deny := {{{ITEM}}}", {(FORM, "13:1")}),
    "deny as a partial object": (f'deny["a"] := {ITEM}', {(FORM, "13:1")}),
    "deny as a function": (f"deny(x) := {ITEM} if x == 1", {(FORM, "13:1")}),
    "deny with a longer name": (f"deny.more contains {ITEM}", {(FORM, "13:1")}),
    "deny with a default": (f"default deny := set()\n\nwarn contains {ITEM}", {(FORM, "13:1")}),
    "denies": (f"denies contains {ITEM}", {(FORM, "11:1"), (FORM, "13:1")}),
    "Deny beside warn": (f"warn contains {ITEM}\n\nDeny contains {ITEM}", {(FORM, "15:1")}),
    "a helper that nothing uses": (f"deny contains {ITEM} if input.nonce\n\nseen if input.nonce", {(FORM, "15:1")}),
    "a helper that only uses itself": (
        f"deny contains {ITEM}\n\nseen contains x if some x in seen",
        {(FORM, "15:1")},
    ),
    # items
    "a string": ('deny contains "no"', {(ITEMS, "13:15")}),
    "a variable": (f"deny contains x if x := {ITEM}", {(ITEMS, "13:15")}),
    "no path": ('deny contains {"msg": "m"}', {(ITEMS, "13:15")}),
    "no msg": ('deny contains {"path": "/"}', {(ITEMS, "13:15")}),
    "another member": ('deny contains {"msg": "m", "path": "", "sev": 1}', {(ITEMS, "13:15")}),
    "a computed member": ('deny contains {"msg": "m", "path": "", input.nonce: 1}', {(ITEMS, "13:15")}),
    "msg a number": ('deny contains {"msg": 1, "path": ""}', {(ITEMS, "13:23")}),
    "path a list": ('deny contains {"msg": "m", "path": []}', {(ITEMS, "13:36")}),
    "needs without pending": (
        'deny contains {"msg": "m", "path": "", "needs": {"kind": "submit"}}',
        {(ITEMS, "13:49")},
    ),
    "needs of a warning": (
        'warn contains {"msg": "m", "path": "", "needs": {"kind": "submit"}}',
        {(ITEMS, "13:15"), (ITEMS, "13:49")},
    ),
    "needs of an unknown kind": (
        'deny contains {"msg": "m", "path": "", "needs": {"kind": "wish"}}',
        {(ITEMS, "13:49"), (ITEMS, "13:58")},
    ),
    # constructs
    "every": (
        f"deny contains {ITEM} if {{\n\tevery t in input.intent.tools {{ t.wildcard }}\n}}",
        {(CONSTRUCT, "14:2")},
    ),
    "object.get": (
        f'deny contains {ITEM} if object.get(input.intent, "tols", false)',
        {(CONSTRUCT, "13:49")},
    ),
    "walk": (f"deny contains {ITEM} if walk(input.intent, [_, 7])", {(CONSTRUCT, "13:49")}),
    "with": (f"deny contains {ITEM} if {{\n\tinput.nonce with input.nonce as false\n}}", {(CONSTRUCT, "14:2")}),
    "the whole input": (
        f'deny contains {ITEM} if {{\n\tsome k, v in input\n\tk == "x"\n\tv == 1\n}}',
        {(CONSTRUCT, "14:15")},
    ),
    "a computed member of the input": (
        f'deny contains {ITEM} if {{\n\tk := "nonce"\n\tinput[k]\n}}',
        {(CONSTRUCT, "15:2")},
    ),
    "the whole data": (f"deny contains {ITEM} if data[_] == 1", {(CONSTRUCT, "13:49"), (REFERENCE, "13:49")}),
    "a function of an object": (
        f"deny contains {ITEM} if {{\n\tsome t in input.intent.tools\n\tbad(t)\n}}\n\nbad(t) if t.privlege",
        {(CONSTRUCT, "18:11")},
    ),
    # references
    "a misspelt name of a library": (
        f"import data.bspec.lib.order\n\ndeny contains {ITEM} if order.privilge.admin",
        {(REFERENCE, "15:49")},
    ),
    "a misspelt name by its full path": (
        f"deny contains {ITEM} if data.bspec.lib.order.privilge",
        {(REFERENCE, "13:49")},
    ),
    "a library that is not there": (
        f"import data.bspec.lib.ordre\n\ndeny contains {ITEM} if ordre.privilege",
        {(REFERENCE, "13:8"), (REFERENCE, "15:49")},
    ),
    "a computed member of a library": (
        f"import data.bspec.lib.order\n\ndeny contains {ITEM} if order[input.nonce]",
        {(REFERENCE, "15:49")},
    ),
    "another rule": (
        f"deny contains {ITEM} if count(data.bspec.rules.global.tools.no_admin.deny) > 0",
        {(REFERENCE, "13:55")},
    ),
    "another rule by import": (
        f"import data.bspec.rules.global.tools.no_admin\n\ndeny contains {ITEM} if count(no_admin.deny) > 0",
        {(REFERENCE, "13:8"), (REFERENCE, "15:55")},
    ),
    "the fixtures": (
        f"import data.bspec.testing\n\ndeny contains {ITEM} if testing.allowed",
        {(REFERENCE, "13:8"), (REFERENCE, "15:49")},
    ),
    "the gate": (
        f"deny contains {ITEM} if data.bspec.gate.decision",
        {(REFERENCE, "13:49")},
    ),
    "misspelt organisation data": (f"deny contains {ITEM} if data.bspec.org.nmae", {(REFERENCE, "13:49")}),
    "computed organisation data": (
        f"deny contains {ITEM} if {{\n\tsome k\n\tdata.bspec.org[k] == 1\n}}",
        {(REFERENCE, "15:2")},
    ),
    "its own package is fine": (
        f"deny contains {ITEM} if data.bspec.rules.global.tools.extra.seen\n\nseen if input.nonce",
        {(FORM, "15:1")},
    ),
    # words
    "a word that the enum has not": (
        f'deny contains {ITEM} if {{\n\tsome t in input.intent.tools\n\tt.privilege == "admn"\n}}',
        {(LITERAL, "15:17")},
    ),
    "the word on the left": (f'deny contains {ITEM} if "hihg" == input.intent.risk.tier', {(LITERAL, "13:49")}),
    "unequal to a word": (f'deny contains {ITEM} if input.intent.risk.tier != "hihg"', {(LITERAL, "13:75")}),
    "in a set of words": (
        f'deny contains {ITEM} if input.intent.risk.tier in {{"high", "hihg"}}',
        {(LITERAL, "13:84")},
    ),
    "a word in a list": (
        f'deny contains {ITEM} if {{\n\tsome p in input.intent.promotion\n\t"autor" in p.separation\n}}',
        {(LITERAL, "15:2")},
    ),
    "a number": (
        f"deny contains {ITEM} if {{\n\tsome e in input.evidence\n\tsome b in e.bounds\n\tb.confidence_bp == 95\n}}",
        {(LITERAL, "16:21")},
    ),
    "through an assignment": (
        f'deny contains {ITEM} if {{\n\tr := input.intent.risk\n\tr.exposure == "pubic"\n}}',
        {(LITERAL, "15:16")},
    ),
    "by index": (f'deny contains {ITEM} if input.intent.tools[_].data == "secret"', {(LITERAL, "13:79")}),
    "in organisation data": (
        f'deny contains {ITEM} if {{\n\tsome f in data.bspec.org.floors\n\tf.tier == "top"\n}}',
        {(LITERAL, "15:12")},
    ),
    "through an import of the input": (
        f'deny contains {ITEM} if {{\n\tsome i, t in input.intent.tools\n\ti == 0\n\tt.world == "opne"\n}}',
        {(LITERAL, "16:13")},
    ),
    "two variables of one name are left alone": (
        (
            f'deny contains {ITEM} if {{\n\tcount([t | some t in input.intent.tools; t.id == "x"]) == 0\n'
            '\tcount([t | some t in input.authors; t == "admn"]) == 0\n}'
        ),
        set(),
    ),
    "what the schema does not know is left alone": (
        f'deny contains {ITEM} if {{\n\tsome w in seen\n\tw == "x"\n}}\n\nseen contains "y"',
        set(),
    ),
    "a member that is not there is OPA's to find": (
        f'deny contains {ITEM} if input.intent.rsk.tier == "x"',
        set(),
    ),
    "a function of scalars is fine": (
        f"deny contains {ITEM} if {{\n\tsome t in input.intent.tools\n\tbad(t.privilege)\n}}\n\nbad(p) if p == input.nonce",
        set(),
    ),
}


@pytest.mark.parametrize("name", RULES)
def test_rules(name: str, tmp_path: Path, opa: Opa) -> None:
    body, expected = RULES[name]
    assert found(tmp_path, rule(body), opa) == {(code, f"{EXTRA}:{at}") for code, at in expected}


PENDING: dict[str, tuple[str, set[str]]] = {
    "as METADATA says": ('{"kind": "evidence", "question": "boundary", "method": "manual", "count": 1}', set()),
    "another kind": ('{"kind": "submit"}', {"14:58"}),
    "no kind": ('{"role": "security"}', {"14:49"}),
    "one member more": ('{"kind": "evidence", "who": "me"}', {"14:49"}),
    "no object": ('"evidence"', {"14:49"}),
    "an unknown question": ('{"kind": "evidence", "question": "safety"}', {"14:82"}),
    "an unknown method": ('{"kind": "evidence", "method": "vibes"}', {"14:80"}),
    "a computed question": ('{"kind": "evidence", "question": input.nonce}', set()),
}


@pytest.mark.parametrize("name", PENDING)
def test_needs(name: str, tmp_path: Path, opa: Opa) -> None:
    needs, expected = PENDING[name]
    tree = rule(f'deny contains {{"msg": "m", "path": "", "needs": {needs}}}', pending="evidence")
    assert found(tmp_path, tree, opa) == {(ITEMS, f"{EXTRA}:{at}") for at in expected}


TESTS: dict[str, tuple[str, set[tuple[str, str]]]] = {
    "as it should be": (
        (
            "test_one if count(rule.deny) == 0 with input as testing.allowed\n\ttest_two if count(rule.deny) == 0\n"
            "\twith input.intent.risk.tier as testing.allowed.intent.risk.tier\n\twith data.bspec.org.floors as []\n"
            "\twith data.bspec.lib.order.privilege as {}\n"
        ),
        set(),
    ),
    "no test at all": ("one if rule.deny == testing.allowed", {(TEST, "1:1"), (TEST, "6:1")}),
    "a misspelt test": (
        "test_one if count(rule.deny) == 0\n\ntset_two if testing.allowed == 1",
        {(TEST, "8:1")},
    ),
    "a test that OPA skips": (
        "test_one if count(rule.deny) == 0\n\ntodo_test_two if testing.allowed == 1",
        {(TEST, "8:1")},
    ),
    "a misspelt member of the input": (
        "test_one if count(rule.deny) == 0 with input.intnet as testing.allowed",
        {(TEST, "6:40")},
    ),
    "deeper": (
        "test_one if count(rule.deny) == 0 with input.intent.risk.teir as testing.allowed",
        {(TEST, "6:40")},
    ),
    "misspelt organisation data": (
        "test_one if count(rule.deny) == 0 with data.bspec.org.flors as testing.allowed",
        {(TEST, "6:40"), (REFERENCE, "6:40")},
    ),
    "a misspelt library": (
        "test_one if count(rule.deny) == 0 with data.bspec.lib.order.privilge as testing.allowed",
        {(TEST, "6:40"), (REFERENCE, "6:40")},
    ),
    "data that no policy has": (
        "test_one if count(rule.deny) == 0 with data.elsewhere as testing.allowed",
        {(TEST, "6:40"), (REFERENCE, "6:40")},
    ),
    "a misspelt rule": ("test_one if not rule.denny with input as testing.allowed", {(REFERENCE, "6:17")}),
    "all rules at once": (
        "test_one if {\n\tsome c, r\n\tcount(data.bspec.rules.global[c][r].deny) == 0\n\trule.deny == testing.allowed\n}",
        set(),
    ),
    "the gate": (
        "test_one if data.bspec.gate.decision with input as testing.allowed with rule.deny as set()",
        set(),
    ),
    "a builtin": ("test_one if count(rule.deny) == 0 with count as testing.allowed", set()),
}


@pytest.mark.parametrize("name", TESTS)
def test_tests(name: str, tmp_path: Path, opa: Opa) -> None:
    body, expected = TESTS[name]
    head = (
        "package bspec.rules.global.tools.extra_test\n\n"
        "import data.bspec.rules.global.tools.extra as rule\nimport data.bspec.testing\n\n"
    )
    tree = {**rule(f"deny contains {ITEM}"), EXTRA_TEST: head + body.replace("\n\ttest", "\n\ntest") + "\n"}
    assert found(tmp_path, tree, opa) == {(code, f"{EXTRA_TEST}:{at}") for code, at in expected}


HEAD = "# METADATA\n# title: More\n# description: Helps.\npackage bspec.lib.extra\n\n"
LIBRARIES: dict[str, tuple[str, set[tuple[str, str]]]] = {
    "every and objects are fine in a library": (
        "fits(x) if every t in x.tools { t.wildcard }\n\nmore := object.get({}, 1, 2)",
        set(),
    ),
    "the whole input": ("fits if input == 1", {(CONSTRUCT, "6:9")}),
    "with": ("fits if input.nonce with input.nonce as 1", {(CONSTRUCT, "6:9")}),
    "a rule": ("fits if data.bspec.rules.global.tools.no_admin.deny", {(REFERENCE, "6:9")}),
    "the fixtures": ("import data.bspec.testing\n\nfits if testing.full", {(REFERENCE, "6:8"), (REFERENCE, "8:9")}),
    "a word": ('fits if input.change.verdict == "epxansion"', {(LITERAL, "6:33")}),
    "itself by its path": ("fits if data.bspec.lib.extra.other\n\nother := 1", set()),
    "import of the input": (
        "import input.intent\n\nfits if intent.risk.tier == 1",
        {(REFERENCE, "6:8"), (LITERAL, "8:29")},
    ),
    "import of more input": (
        'import input.intent.risk\n\nfits if risk.tier == "hihg"',
        {(REFERENCE, "6:8"), (LITERAL, "8:22")},
    ),
    "import of organisation data": (
        'import data.bspec.org.floors\n\nfits if floors[0].tier == "top"',
        {(REFERENCE, "6:8"), (LITERAL, "8:27")},
    ),
}


@pytest.mark.parametrize("name", LIBRARIES)
def test_libraries(name: str, tmp_path: Path, opa: Opa) -> None:
    body, expected = LIBRARIES[name]
    tree = {**good_tree(), LIBRARY: f"{HEAD}{body}\n"}
    assert found(tmp_path, tree, opa) == {(code, f"{LIBRARY}:{at}") for code, at in expected}


SCHEMA_BLOCK = "# schemas:\n#   - input: schema.input\n"
BSPEC = "bspec/bspec.rego"


def test_without_the_annotation_file_nothing_would_be_checked(tmp_path: Path, opa: Opa) -> None:
    tree = good_tree()
    del tree[BSPEC]
    assert found(tmp_path, tree, opa) == {(SCHEMAS, BSPEC)}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("#   - input: schema.input\n", ""),
        ("schema.org", "schema.input"),
        ("scope: subpackages", "scope: package"),
        ("#   - data.bspec.build: schema.build\n", "#   - data.bspec.build: {type: any}\n"),
    ],
)
def test_the_annotation_is_exactly_one(old: str, new: str, tmp_path: Path, opa: Opa) -> None:
    tree = good_tree()
    tree[BSPEC] = tree[BSPEC].replace(old, new)
    assert {code for code, _ in found(tmp_path, tree, opa)} == {SCHEMAS}


def test_a_schema_block_nearer_to_a_rule_would_replace_it(tmp_path: Path, opa: Opa) -> None:
    tree = {**good_tree(), LIBRARY: HEAD.replace("package", f"{SCHEMA_BLOCK}package") + "x := 1\n"}
    assert found(tmp_path, tree, opa) == {(SCHEMAS, f"{LIBRARY}:1:1")}


def test_all_findings_are_raised_at_once(tmp_path: Path, opa: Opa) -> None:
    modules = modules_of(tmp_path, rule('deny contains "a"\n\nwarn := 1'), opa)
    with pytest.raises(BspecError) as error:
        lint(modules)
    assert [p.reason.code for p in error.value.problems] == [FORM, ITEMS]
    assert error.value.exit_code == 3
