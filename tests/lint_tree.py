"""A small policies tree that ``policy lint`` has nothing to say about, and how a page's snippets change it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from policy_tree import Tree, good_tree, metadata

if TYPE_CHECKING:
    from pathlib import Path

RULE = "bspec/rules/global/tools/extra/extra.rego"
TEST = "bspec/rules/global/tools/extra/extra_test.rego"
TESTING = "bspec/testing/testing.rego"
LIBRARY = "bspec/lib/extra/extra.rego"
METADATA = metadata("TOL-99", "tools")
PACKAGE = "package bspec.rules.global.tools.extra\n\n"
BODY = """\
deny contains {"msg": "there is no nonce", "path": "/tools"} if input.nonce == ""
"""
TEST_HEAD = """\
package bspec.rules.global.tools.extra_test

import data.bspec.rules.global.tools.extra as rule
import data.bspec.testing

"""
TEST_BODY = """\
test_fail if {
	found := rule.deny with input as testing.allowed with input.nonce as ""
	found == {{"msg": "there is no nonce", "path": "/tools"}}
}

test_success if rule.deny == set() with input as testing.allowed
"""
LIBRARY_HEAD = "# METADATA\n# title: More\n# description: Helps rules.\npackage bspec.lib.extra\n\n"
UNBOUNDED_TEST = """\
package bspec.rules.global.tools.unbounded_test

import data.bspec.rules.global.tools.unbounded as rule
import data.bspec.testing

test_fail if {
	range := object.union(testing.full.intent.tools[0].range, {"bounded": false})
	tool := object.union(testing.full.intent.tools[0], {"range": range})
	found := rule.warn with input as testing.allowed with input.intent.tools as [tool]
	found == {{"msg": "tool word takes any release", "path": "word/version"}}
}

test_success if rule.warn == set() with input as testing.allowed
"""
REQUESTED_TEST = """\
package bspec.rules.promotion.all.requested_test

import data.bspec.rules.promotion.all.requested as rule
import data.bspec.testing

test_fail if {
	found := rule.deny with input as testing.allowed with input.requester as []
	found == {{"msg": "nobody asked for it", "path": "/promotion", "needs": {"kind": "request"}}}
}

test_success if rule.deny == set() with input as testing.allowed
"""
CARRIED_TEST = """\
package bspec.rules.promotion.production.carried_test

import data.bspec.rules.promotion.production.carried as rule
import data.bspec.testing

test_fail if {
	predecessor := object.union(testing.full.predecessor[0], {"same_binding": false})
	found := rule.deny with input as testing.allowed with input.predecessor as [predecessor]
	found == {{"msg": "another binding than the predecessor's", "path": "/promotion/production"}}
}

test_success if rule.deny == set() with input as testing.allowed
"""
_HEADS = {"rule": (RULE, METADATA + PACKAGE), "test": (TEST, TEST_HEAD), "lib": (LIBRARY, LIBRARY_HEAD)}
_FENCE = re.compile(r"^```(?:rego|json|text) (\S+)(?: (-?[0-9]+):([0-9]+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
GONE, LINK = "(no such file or folder)\n", "(a link)\n"


def clean_tree() -> Tree:
    tree = good_tree()
    tests = {"unbounded": UNBOUNDED_TEST, "requested": REQUESTED_TEST, "carried": CARRIED_TEST}
    for name in list(tree):
        rule = name.rpartition("/")[2].removesuffix(".rego")
        if rule in tests:
            tree[name.removesuffix(".rego") + "_test.rego"] = tests[rule]
    tree[TESTING] = re.sub(
        r"([^\s{\[,])(?=\n\t+[}\]])|([^\s{\[,])(?=\n})", r"\1\2,", tree[TESTING]
    )  # as opa fmt writes it
    return {**tree, RULE: METADATA + PACKAGE + BODY, TEST: TEST_HEAD + TEST_BODY}


@dataclass(frozen=True)
class Snippets:
    """What a section of a page puts into the tree, and where it says that something is wrong."""

    files: dict[str, str]
    places: set[tuple[str, int, int]]

    def tree(self) -> Tree:
        tree = clean_tree()
        for name, text in self.files.items():
            if text == GONE:
                tree = {n: t for n, t in tree.items() if n != name and not n.startswith(f"{name}/")}
            elif text != LINK:
                tree[name] = text
        return tree

    def link(self, root: Path) -> None:
        for name, text in self.files.items():
            if text == LINK:
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).unlink(missing_ok=True)
                (root / name).symlink_to("elsewhere.rego")


def snippets_of(section: str) -> Snippets:
    """``rule``, ``test`` and ``lib`` stand for the body of the example's file, ``metadata`` for its METADATA."""
    files, places = {}, set()
    for kind, line, column, text in _FENCE.findall(section):
        name, head = _HEADS.get(kind, (kind, ""))
        if kind == "metadata":
            name, text = RULE, f"{text}{PACKAGE}{BODY}"  # noqa: PLW2901 - the rest of the file is always the same
        files[name] = head + text
        if line:
            row = int(line) + head.count("\n") if int(line) else 0
            places.add((name if files[name] != GONE or row or not name.endswith("rules") else "", row, int(column)))
    return Snippets(files, places)


def sections(text: str) -> dict[str, str]:
    _, *parts = re.split(r"^## (\w+)\n", text, flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))
