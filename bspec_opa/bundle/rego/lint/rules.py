"""Checks of a rule's file: its sets, its findings, and constructs that hide types from OPA."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from bspec_opa.bundle.contract.definitions import METHODS, NEEDS, QUESTIONS
from bspec_opa.bundle.reasons import CONSTRUCT, ITEM_FORM, RULE_FORM
from bspec_opa.bundle.rego.metadata import package_metadata
from bspec_opa.bundle.rego.program import calls, imports_of, references
from bspec_opa.bundle.rego.sources import is_rule
from bspec_opa.bundle.rego.syntax import head_of, is_partial_set, rule_name, text_of, walk
from bspec_opa.foundation.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bspec_opa.bundle.rego.syntax import Module, Node
    from bspec_opa.foundation.errors import Problem

SETS = ("deny", "warn")
_ITEM = frozenset({"msg", "path"})
_NEEDS = frozenset({"kind", "role", "question", "method", "count"})
_TEXTS = frozenset({"string", "templatestring", "ref", "var", "call"})
# The values of these are "any" to OPA's type checker: a typo behind them passes.
_UNTYPED = frozenset(
    {
        "object.get", "object.filter", "object.keys", "object.remove", "object.union",
        "json.filter", "json.remove", "walk", "graph.reachable",
    }
)  # fmt: skip


def rule_problems(module: Module) -> Iterator[Problem]:
    """Whether ``deny`` and ``warn`` are partial sets, and every other name is used."""
    for rule in module.rules:
        if rule_name(rule) in SETS and not is_partial_set(rule):
            hint = f"write: {rule_name(rule)} contains {{...}} if {{...}}"
            message = f"{rule_name(rule)} is not a plain set of findings"
            yield RULE_FORM.problem(message, hint=hint, at=module.at(rule), rule="rule/not-a-set")
    names = {rule_name(r) for r in module.rules}
    if not names & set(SETS):
        hint = "a rule has one of them"
        yield RULE_FORM.problem(
            "there is neither deny nor warn", hint=hint, at=module.place, rule="rule/no-finding-set"
        )
    yield from unused(module, set(SETS), f"misspelt {' or '.join(SETS)}?")


def unused(module: Module, wanted: set[str], hint: str) -> Iterator[Problem]:
    """Names that a module defines and nothing in it uses."""
    defined = {rule_name(r): r for r in reversed(module.rules)}
    for name in sorted(defined.keys() - wanted):
        others = [r for r in module.rules if rule_name(r) != name]
        if not any(n.get("type") == "var" and n["value"] == name for n in walk(others)):
            near = did_you_mean(name, wanted) if wanted else ""
            text = near if near.startswith("did") else hint
            at = module.at(defined[name])
            yield RULE_FORM.problem(f"{name} is used nowhere", hint=text, at=at, rule="rule/unused-name")


def item_problems(module: Module) -> Iterator[Problem]:
    """Whether every finding is an object literal with msg and path, and needs what METADATA says."""
    annotation = package_metadata(module) or {}
    pending = str(annotation.get("custom", {}).get("pending", ""))
    for rule in module.rules:
        if rule_name(rule) in SETS and is_partial_set(rule):
            yield from _item(module, rule_name(rule), rule["head"]["key"], pending)


def _item(module: Module, name: str, item: Node, pending: str) -> Iterator[Problem]:
    if item.get("type") != "object":
        hint = f'write: {name} contains {{"msg": $"...", "path": $"..."}} if {{...}}'
        message = "a finding is written as an object"
        yield ITEM_FORM.problem(message, hint=hint, at=module.at(item), rule="item/not-an-object")
        return
    members = _members(item)
    allowed = _ITEM | ({"needs"} if name == "deny" else set())
    if _ITEM - members.keys() or members.keys() - allowed:
        message = f"a {name} finding has msg, path{' and perhaps needs' if name == 'deny' else ''}, not more or less"
        hint = f"it has {', '.join(sorted(members)) or 'nothing'}"
        yield ITEM_FORM.problem(message, hint=hint, at=module.at(item), rule="item/members")
    for key in sorted(_ITEM & members.keys()):
        if members[key].get("type") not in _TEXTS:
            hint = f'write "{key}": $"..."'
            yield ITEM_FORM.problem(f"{key} must be text", hint=hint, at=module.at(members[key]), rule="item/not-text")
    if "needs" in members:
        yield from _needs(module, members["needs"], pending)


def _needs(module: Module, needs: Node, pending: str) -> Iterator[Problem]:
    at = module.at(needs)
    if not pending:
        hint = "add pending: <kind>"
        yield ITEM_FORM.problem(
            "needs without pending in METADATA", hint=hint, at=at, rule="item/needs-without-pending"
        )
    members = _members(needs) if needs.get("type") == "object" else {}
    if "kind" not in members or not members.keys() <= _NEEDS:
        message, hint = (
            "needs is an object: kind, and perhaps role, question, method, count",
            'write "needs": {"kind": ...}',
        )
        yield ITEM_FORM.problem(message, hint=hint, at=at, rule="item/needs-form")
        return
    kind = text_of(members["kind"])
    if kind not in NEEDS or (pending and kind != pending):
        hint = f'write "{pending}", as METADATA says' if pending else f"one of {', '.join(NEEDS)}"
        message, at = "the kind of needs must be METADATA's pending", module.at(members["kind"])
        yield ITEM_FORM.problem(message, hint=hint, at=at, rule="item/needs-kind")
    for key, words in (("question", QUESTIONS), ("method", METHODS)):
        word = text_of(members[key]) if key in members else None
        if word is not None and word not in words:
            hint, at = did_you_mean(word, words), module.at(members[key])
            yield ITEM_FORM.problem(f'"{word}" is no {key}', hint=hint, at=at, rule="item/needs-word")


def _members(item: Node) -> dict[str, Node]:
    """The members of an object literal; keys that are no constants get names that no check allows."""
    pairs = cast("list[list[Node]]", item["value"])
    return {text_of(k) if text_of(k) is not None else f"<{i}>": v for i, (k, v) in enumerate(pairs)}  # type: ignore[misc]


def construct_problems(module: Module) -> Iterator[Problem]:
    """Constructs that take a value's type away from OPA, or its input."""
    for node in walk(module.rules):
        if "with" in node:
            hint = "pass what is replaced as an argument of a function"
            yield CONSTRUCT.problem(
                '"with" belongs into tests only', hint=hint, at=module.at(node), rule="construct/with"
            )
    for node in references(module.rules):
        if head_of(node) in {"input", "data"} and _is_bare(node):
            message = f"{head_of(node)} as a whole, or with a computed member"
            hint = "write the path out; OPA checks it against the schema then"
            yield CONSTRUCT.problem(message, hint=hint, at=module.at(node), rule="construct/whole-document")
    if is_rule(module.name):
        yield from _untyped(module)


def _is_bare(reference: Node) -> bool:
    parts = reference["value"]
    return len(parts) == 1 or parts[1].get("type") != "string"


def _untyped(module: Module) -> Iterator[Problem]:
    for node in walk(module.rules):
        if isinstance(node.get("terms"), dict) and "domain" in node["terms"]:
            hint = "use a comprehension: count([x | some x in xs; not ...]) == 0"
            message = '"every" in a rule: OPA checks no types inside'
            yield CONSTRUCT.problem(message, hint=hint, at=module.at(node), rule="construct/every")
    for name, _, node in calls(module.rules):
        if name in _UNTYPED:
            hint = "use references and comprehensions, or put it into bspec/lib with tests"
            message = f"{name} in a rule: OPA checks no types behind it"
            yield CONSTRUCT.problem(message, hint=hint, at=module.at(node), rule="construct/untyped-builtin")
    for rule in module.rules:
        yield from _object_arguments(module, rule)


def _object_arguments(module: Module, rule: Node) -> Iterator[Problem]:
    arguments = {a["value"] for a in rule["head"].get("args", []) if a.get("type") == "var"} - imports_of(module).keys()
    for node in references([rule["head"].get("value"), rule.get("body"), rule.get("else")]):
        if head_of(node) in arguments and len(node["value"]) > 1:
            message = f"the function takes the object {head_of(node)}: OPA checks no types behind it"
            hint = "pass the scalars"
            yield CONSTRUCT.problem(message, hint=hint, at=module.at(node), rule="construct/object-argument")
