"""The lint rules that are shipped: the one registry. Ids are stable; each has a page under ``docs/lint``."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from bspec_opa.authoring.lint.model import OPA, REGO, WARNING, LintRule

if TYPE_CHECKING:
    from collections.abc import Mapping

_BUILD = (
    LintRule("layout/not-a-policy-file", "Nothing but policies", "a file that is neither Rego nor data.json"),
    LintRule("layout/misplaced-data", "Data has one place", "a data.json anywhere but in bspec/org or bspec/build"),
    LintRule("layout/outside-root", "Below bspec/", "a file outside bspec/, or below a folder with a strange name"),
    LintRule("layout/unreadable", "Files can be read", "a link, a special file, or one that is too large or closed"),
    LintRule(
        "layout/package-not-folder",
        "Packages are named after folders",
        "a package that is not its folder's path; a test that has not the rule's package with _test",
        fixable=True,
    ),
    LintRule("layout/rule-place", "A rule has one place", "a rule outside global/<collection> or promotion/<where>"),
    LintRule("layout/file-not-rule", "A file is named after its rule", "a file in a rule's folder with another name"),
    LintRule("layout/no-environment", "Environments only", "a promotion rule for an environment that can't be"),
    LintRule("layout/empty-file", "No empty file", "a Rego file without a package", origin=OPA),
    LintRule("layout/hidden-character", "Rego is what it looks like", "a character nobody sees, or that has a twin"),
    LintRule("layout/pack", "A pack adds", "a file of a pack that the base has, or where no pack has any"),
    LintRule("layout/no-rules", "There are rules", "a folder without a single rule"),
    LintRule(
        "metadata/missing",
        "METADATA is there",
        "a package without METADATA, or with a block that OPA drops",
        fixable=True,
    ),
    LintRule("metadata/ignored-block", "METADATA is understood", "a second block that OPA drops silently"),
    LintRule("metadata/ignored-lines", "METADATA has no gap", "lines that a blank line cuts off", fixable=True),
    LintRule("metadata/ignored-member", "METADATA's members are known", "a member that OPA drops, such as custm"),
    LintRule("metadata/schema", "METADATA is complete", "a member that lacks, is unknown, or has another form"),
    LintRule("metadata/effective-on", "effective_on is a time", "a moment that does not exist"),
    LintRule(
        "metadata/waivable-guard",
        "Guards can't be waived",
        "a waivable rule of collection tier_guard, or one that mirrors the floor",
    ),
    LintRule("metadata/extra-block", "One METADATA a rule", "a METADATA block besides the package's in a rule's file"),
    LintRule("metadata/repeated-code", "Codes are unique", "a code that another rule has"),
    LintRule("schema/missing", "The schemas are named", "a folder without bspec/bspec.rego: no path is checked"),
    LintRule("schema/elsewhere", "The schemas are named once", "a schemas block in any other file"),
    LintRule("schema/changed", "The schema annotation is whole", "a bspec.rego that names other schemas or has rules"),
    LintRule("rule/not-a-set", "deny and warn are sets", "deny or warn as a value, a function, an object or a default"),
    LintRule("rule/no-finding-set", "A rule denies or warns", "a rule's file without deny and warn"),
    LintRule("rule/unused-name", "Every name is used", "a name that nothing uses, such as dney"),
    LintRule("item/not-an-object", "A finding is an object", "a finding that is a string or a variable"),
    LintRule("item/members", "A finding has msg and path", "a finding with a member too few or too many"),
    LintRule("item/not-text", "msg and path are text", "msg or path that is a number, a list or an object"),
    LintRule("item/needs-without-pending", "needs is announced", "needs in a rule whose METADATA has no pending"),
    LintRule("item/needs-form", "needs has a kind", "needs that is no object, or has unknown members"),
    LintRule("item/needs-kind", "needs is what METADATA says", "a kind of needs that is not METADATA's pending"),
    LintRule("item/needs-word", "needs asks for what exists", "a question or method that no evidence has"),
    LintRule("construct/with", "with is for tests", "with in a rule or library"),
    LintRule("construct/whole-document", "Paths are written out", "input or data as a whole, or a computed member"),
    LintRule("construct/every", "No every in a rule", "every: over an empty list it holds, and nothing is checked"),
    LintRule("construct/untyped-builtin", "Builtins with types", "a builtin whose values have no type in a rule"),
    LintRule("construct/object-argument", "Functions of scalars", "a function of a rule that takes an object apart"),
    LintRule("reference/import", "Import libraries only", "an import of the input, a rule, the fixtures or the gate"),
    LintRule("reference/unknown-import", "Imports exist", "an import of a package that is not there"),
    LintRule("reference/whole-document", "Names, not packages", "a package or the organisation's data as a whole"),
    LintRule(
        "reference/unknown-organisation-key", "Organisation data is known", "a key that the data's schema has not"
    ),
    LintRule("reference/forbidden", "Rules stand alone", "a rule that uses another rule, the fixtures or the gate"),
    LintRule("reference/undefined", "Names exist", "a name that its package does not define"),
    LintRule("reference/unknown-input", "The input is known", "a path that the input's schema has not", origin=OPA),
    LintRule("reference/unknown-word", "Words are known", "a comparison with a word that never occurs there"),
    LintRule("reference/stray", "Nothing else is read", "a decision that reads what no bundle has", origin=OPA),
    LintRule("test/none-in-file", "A test file has a test", "a test file in which nothing is named test_..."),
    LintRule("test/skipped", "No skipped tests", "a test that begins with todo_"),
    LintRule("test/unused-name", "Tests run", "a name in a test file that nothing uses, such as tset_two"),
    LintRule("test/unknown-target", "with replaces something", "a with whose target is in no schema and no package"),
    LintRule("test/none", "There are tests", "a folder without a single test of a rule"),
    LintRule("test/failing", "Tests pass", "a test that fails", origin=OPA),
    LintRule("data/document", "Data is JSON", "organisation data that is no strict JSON"),
    LintRule("data/duplicate-key", "Keys stand once", "a key that stands twice in one object: the last would win"),
    LintRule("data/schema", "Data has its shape", "organisation data with a key missing, unknown, or of another form"),
    LintRule("data/environment", "Data agrees with itself", "an environment that is not declared, or declared twice"),
    LintRule("data/idle-rule", "Rules run", "a rule that select leaves out at every tier", WARNING),
    LintRule("data/selector", "Selectors select", "a selector that names no rule, or leaves none"),
)
_OPA = (
    LintRule("opa/syntax", "It is Rego", "a file that OPA can't parse", origin=OPA),
    LintRule("opa/builtin", "Builtins of the list", "a function that is misspelt or not on the allow-list", origin=OPA),
    LintRule("opa/types", "Types fit", "an argument or comparison of another type", origin=OPA),
    LintRule("opa/unsafe-variable", "Variables are bound", "a variable that nothing gives a value", origin=OPA),
    LintRule("opa/unused-variable", "Variables are used", "a variable that is assigned and not used", origin=OPA),
    LintRule("opa/recursion", "No rule needs itself", "rules that depend on each other in a circle", origin=OPA),
    LintRule("opa/compile", "It compiles", "anything else that OPA's strict check refuses", origin=OPA),
    LintRule("format/opa-fmt", "opa fmt", "a file that opa fmt would write otherwise", WARNING, OPA, fixable=True),
)
_REGO = (
    LintRule("import/unused", "Imports are used", "an import that nothing uses", origin=REGO, fixable=True),
    LintRule(
        "metadata/placeholder", "Text for people", "a title, description or remediation that says nothing", origin=REGO
    ),
    LintRule(
        "metadata/title-is-description",
        "The description says more",
        "a title and description that are the same",
        WARNING,
        REGO,
    ),
    LintRule("metadata/todo", "Nothing left to do", "TODO, FIXME or XXX in METADATA", origin=REGO),
    LintRule("metadata/stale-effective-on", "effective_on is near", "a date long past or years ahead", WARNING, REGO),
    LintRule("metadata/no-control", "A rule serves a control", "a rule that names no control", WARNING, REGO),
    LintRule("metadata/unknown-framework", "Frameworks are known", "a control of a framework not known", WARNING, REGO),
    LintRule(
        "metadata/code-prefix", "One prefix a collection", "a code whose prefix is another collection's", WARNING, REGO
    ),
    LintRule(
        "test/both-outcomes",
        "Both outcomes are tested",
        "a rule without a test that expects findings, or none",
        origin=REGO,
    ),
    LintRule(
        "test/asserts-nothing", "Tests assert something", "a test that passes whatever its rule says", WARNING, REGO
    ),
    LintRule(
        "test/unknown-fixture", "Fixtures resolve", "a path into data.bspec.testing that leads nowhere", origin=REGO
    ),
)

SHIPPED: Mapping[str, LintRule] = MappingProxyType(
    {r.id: r for r in sorted((*_BUILD, *_OPA, *_REGO), key=lambda r: r.id)}
)
"""Every shipped rule by id, sorted."""
FINDING = "lint.finding"
"""The code of what a build would accept."""

_BY_REASON = {
    "bundle.organisation-data": "data/environment",
    "bundle.bad-selection": "data/selector",
    "document.duplicate-key": "data/duplicate-key",
    "bundle.no-rules": "layout/no-rules",
}


def rule_id_of(code: str) -> str:
    """The lint rule of a problem that names none: by its reason."""
    if code.startswith("file."):
        return "layout/unreadable"
    return _BY_REASON.get(code, "data/document" if code.startswith("document.") else "opa/compile")
