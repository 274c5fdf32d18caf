"""Tests that put something in place of what a bundle holds: what they find, no decision would.

``with`` may replace the input and data: that is what a decision is asked about. It may also replace a library, a rule
or a function of OPA; then the test is about a bundle that nobody builds. A helper may do it on behalf of a test, beside
it, in the fixtures or in another package of tests; so names are followed through all files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bspec_opa.bundle.rego.program import BUILD, ORGANISATION, Program, expanded, references
from bspec_opa.bundle.rego.syntax import rule_name, static_path, walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bspec_opa.bundle.rego.syntax import Module, Node
    from bspec_opa.foundation.errors import Location

Name = tuple[tuple[str, ...], str]
"""A package, with ``data``, and a name in it."""
FIXTURES = ("data", "bspec", "testing")
_DATA = len(ORGANISATION)
INSTEAD = "replace parts of input and of data.bspec.org instead, or change what the rule reads there"


@dataclass(frozen=True, slots=True)
class StandIn:
    """One ``with`` that replaces what a bundle holds.

    Attributes:
        replaced: what, its import written out: ``data.bspec.lib.words.bad``, or ``count``.
        at: where it is written, below the policies folder.
    """

    replaced: str
    at: Location


def stand_ins(modules: Sequence[Module]) -> dict[Name, StandIn]:
    """Every name that replaces something besides input and data, itself or by what it uses.

    Args:
        modules: the files; a name that is defined in none of them is not followed.
    """
    program = Program(modules)
    found: dict[Name, StandIn] = {}
    users: dict[Name, set[Name]] = {}
    for module in modules:
        package = ("data", *module.package)
        for rule in module.rules:
            name = (package, rule_name(rule))
            for direct in _direct(module, rule):
                found.setdefault(name, direct)
            for used in _used(program, module, rule):
                users.setdefault(used, set()).add(name)
    return _followed(found, users)


def _followed(direct: Mapping[Name, StandIn], users: Mapping[Name, set[Name]]) -> dict[Name, StandIn]:
    """With everything that uses such a name, however far away."""
    found, left = dict(direct), list(direct)
    while left:
        name = left.pop(0)
        for user in sorted(users.get(name, ())):
            if user not in found:
                found[user] = found[name]
                left.append(user)
    return found


def _direct(module: Module, rule: Node) -> Iterator[StandIn]:
    for node in walk(rule):
        for item in node.get("with", []):
            path = expanded(module, item["target"])
            if path[:1] != ("input",) and path[:_DATA] not in {ORGANISATION, BUILD, FIXTURES}:
                yield StandIn(".".join(path), module.at(item["target"]))


def _used(program: Program, module: Module, rule: Node) -> Iterator[Name]:
    """The names that a rule may refer to; of a package as a whole, or with a computed name, all of its names."""
    package = ("data", *module.package)
    heads = {id(node["value"][0]) for node in references(rule)}
    for node in walk(rule):
        if node.get("type") == "var" and str(node["value"]) in program.names[package]:
            yield package, str(node["value"])
        # An import that stands alone is the package as a whole; one that a path begins with is not.
        if (node.get("type") == "ref" or (node.get("type") == "var" and id(node) not in heads)) and static_path(node):
            yield from _meant(program, expanded(module, node))


def _meant(program: Program, path: tuple[str, ...]) -> Iterator[Name]:
    if path[0] != "data":
        return
    package = program.package_of(path) or ()
    if package and len(path) > len(package):
        yield package, path[len(package)]
        return
    for other, names in program.names.items():
        if other[: len(path)] == path:
            yield from ((other, name) for name in names)
