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
            yield RULE_FORM.problem(f"{rule_name(rule)} is not a plain set of findings", hint=hint, at=module.at(rule))
    names = {rule_name(r) for r in module.rules}
    if not names & set(SETS):
        yield RULE_FORM.problem("there is neither deny nor warn", hint="a rule has one of them", at=module.place)
    yield from unused(module, set(SETS), f"misspelt {' or '.join(SETS)}?")


def unused(module: Module, wanted: set[str], hint: str) -> Iterator[Problem]:
    """Names that a module defines and nothing in it uses."""
    defined = {rule_name(r): r for r in reversed(module.rules)}
    for name in sorted(defined.keys() - wanted):
        others = [r for r in module.rules if rule_name(r) != name]
        if not any(n.get("type") == "var" and n["value"] == name for n in walk(others)):
            near = did_you_mean(name, wanted) if wanted else ""
            text = near if near.startswith("did") else hint
            yield RULE_FORM.problem(f"{name} is used nowhere", hint=text, at=module.at(defined[name]))


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
        yield ITEM_FORM.problem("a finding is written as an object", hint=hint, at=module.at(item))
        return
    members = _members(item)
    allowed = _ITEM | ({"needs"} if name == "deny" else set())
    if _ITEM - members.keys() or members.keys() - allowed:
        message = f"a {name} finding has msg, path{' and perhaps needs' if name == 'deny' else ''}, not more or less"
        yield ITEM_FORM.problem(message, at=module.at(item))
    for key in sorted(_ITEM & members.keys()):
        if members[key].get("type") not in _TEXTS:
            yield ITEM_FORM.problem(f"{key} must be text", at=module.at(members[key]))
    if "needs" in members:
        yield from _needs(module, members["needs"], pending)


def _needs(module: Module, needs: Node, pending: str) -> Iterator[Problem]:
    at = module.at(needs)
    if not pending:
        yield ITEM_FORM.problem("needs without pending in METADATA", hint="add pending: <kind>", at=at)
    members = _members(needs) if needs.get("type") == "object" else {}
    if "kind" not in members or not members.keys() <= _NEEDS:
        yield ITEM_FORM.problem("needs is an object: kind, and perhaps role, question, method, count", at=at)
        return
    kind = text_of(members["kind"])
    if kind not in NEEDS or (pending and kind != pending):
        hint = f'write "{pending}", as METADATA says' if pending else f"one of {', '.join(NEEDS)}"
        yield ITEM_FORM.problem(
            "the kind of needs must be METADATA's pending", hint=hint, at=module.at(members["kind"])
        )
    for key, words in (("question", QUESTIONS), ("method", METHODS)):
        word = text_of(members[key]) if key in members else None
        if word is not None and word not in words:
            yield ITEM_FORM.problem(f'"{word}" is no {key}', hint=did_you_mean(word, words), at=module.at(members[key]))


def _members(item: Node) -> dict[str, Node]:
    """The members of an object literal; keys that are no constants get names that no check allows."""
    pairs = cast("list[list[Node]]", item["value"])
    return {text_of(k) if text_of(k) is not None else f"<{i}>": v for i, (k, v) in enumerate(pairs)}  # type: ignore[misc]


def construct_problems(module: Module) -> Iterator[Problem]:
    """Constructs that take a value's type away from OPA, or its input."""
    for node in walk(module.rules):
        if "with" in node:
            yield CONSTRUCT.problem('"with" belongs into tests only', at=module.at(node))
    for node in references(module.rules):
        if head_of(node) in {"input", "data"} and _is_bare(node):
            message = f"{head_of(node)} as a whole, or with a computed member"
            hint = "write the path out; OPA checks it against the schema then"
            yield CONSTRUCT.problem(message, hint=hint, at=module.at(node))
    if is_rule(module.name):
        yield from _untyped(module)


def _is_bare(reference: Node) -> bool:
    parts = reference["value"]
    return len(parts) == 1 or parts[1].get("type") != "string"


def _untyped(module: Module) -> Iterator[Problem]:
    for node in walk(module.rules):
        if isinstance(node.get("terms"), dict) and "domain" in node["terms"]:
            hint = "use a comprehension: count([x | some x in xs; not ...]) == 0"
            yield CONSTRUCT.problem('"every" in a rule: OPA checks no types inside', hint=hint, at=module.at(node))
    for name, _, node in calls(module.rules):
        if name in _UNTYPED:
            hint = "use references and comprehensions, or put it into bspec/lib with tests"
            yield CONSTRUCT.problem(f"{name} in a rule: OPA checks no types behind it", hint=hint, at=module.at(node))
    for rule in module.rules:
        yield from _object_arguments(module, rule)


def _object_arguments(module: Module, rule: Node) -> Iterator[Problem]:
    arguments = {a["value"] for a in rule["head"].get("args", []) if a.get("type") == "var"} - imports_of(module).keys()
    for node in references([rule["head"].get("value"), rule.get("body"), rule.get("else")]):
        if head_of(node) in arguments and len(node["value"]) > 1:
            message = f"the function takes the object {head_of(node)}: OPA checks no types behind it"
            yield CONSTRUCT.problem(message, hint="pass the scalars", at=module.at(node))
