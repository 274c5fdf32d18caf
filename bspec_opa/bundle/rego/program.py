"""All modules together: what a reference means, and what a schema says about it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, cast

from bspec_opa.bundle.contract.definitions import input_schema
from bspec_opa.bundle.contract.organisation import build_schema, organisation_schema
from bspec_opa.bundle.rego.syntax import Module, Node, head_of, rule_name, static_path, walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bspec_opa.foundation.canonical import JsonObject

INPUT, ORGANISATION, BUILD = ("input",), ("data", "bspec", "org"), ("data", "bspec", "build")


class _Anything(set[str]):
    """The names of a package that could not be read: whatever is asked for may be there."""

    def __contains__(self, name: object) -> bool:
        return True

    def __bool__(self) -> bool:
        return True


@dataclass(frozen=True)
class Program:
    """Every module, and what each package defines.

    Attributes:
        modules: the files that could be parsed.
        unread: packages, with ``data``, of files that could not: nothing is said about what they define.
    """

    modules: Sequence[Module]
    unread: frozenset[tuple[str, ...]] = frozenset()

    @cached_property
    def names(self) -> dict[tuple[str, ...], set[str]]:
        """Package path, with ``data``, to the names that it defines."""
        found: dict[tuple[str, ...], set[str]] = {}
        for module in self.modules:
            found.setdefault(("data", *module.package), set()).update(map(rule_name, module.rules))
        found.update({package: _Anything() for package in self.unread})
        return found

    @cached_property
    def shapes(self) -> dict[tuple[str, ...], JsonObject]:
        """The schemas, by the path that they describe."""
        return {INPUT: input_schema(), ORGANISATION: organisation_schema(), BUILD: build_schema()}

    def package_of(self, path: tuple[str, ...]) -> tuple[str, ...] | None:
        """The longest package that a path begins with."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.names:
                return path[:length]
        return None

    def root_of(self, path: tuple[str, ...]) -> tuple[str, ...] | None:
        """Which schema describes a path."""
        return next((r for r in self.shapes if path[: len(r)] == r), None)

    def shape(self, node: Node, module: Module, variables: dict[str, JsonObject]) -> JsonObject | None:
        """What the schemas say about the value of a reference or variable; None if they don't say."""
        if node.get("type") == "var":
            return variables.get(str(node["value"]))
        if node.get("type") != "ref":
            return None
        parts = cast("list[Node]", node["value"])
        head = head_of(node)
        if head in variables:
            return self._descend(variables[head], parts[1:])
        path = expanded(module, node)
        root = self.root_of(path)
        if root is None:
            return None
        aliased = len(path) - len(static_path(node))
        return self._descend(self.shapes[root], _constants(root, path, parts, aliased))

    def _descend(self, schema: JsonObject, parts: Sequence[Node]) -> JsonObject | None:
        for part in parts:
            found = self.member(schema, part)
            if found is None:
                return None
            schema = found
        return self._resolved(schema)

    def member(self, schema: JsonObject, part: Node) -> JsonObject | None:
        """The schema of one step: a member of an object, or an item of a list."""
        schema = self._resolved(schema)
        if schema["type"] == "object" and part.get("type") == "string":
            properties = cast("dict[str, JsonObject]", schema["properties"])
            return properties.get(str(part["value"]))
        if schema["type"] == "array" and part.get("type") != "string":
            return self._resolved(cast("JsonObject", schema["items"]))
        return None

    def _resolved(self, schema: JsonObject) -> JsonObject:
        name = str(schema.get("$ref", "")).removeprefix("#/$defs/")
        if not name:
            return schema
        definitions = cast("dict[str, JsonObject]", self.shapes[INPUT]["$defs"])
        return definitions[name]


def _constants(root: tuple[str, ...], path: tuple[str, ...], parts: Sequence[Node], aliased: int) -> list[Node]:
    """The steps below a schema's root: first those that an import brought, then those that are written."""
    brought: list[Node] = [{"type": "string", "value": p} for p in path[len(root) : aliased + 1]]
    return [*brought, *parts[max(1, len(root) - aliased) :]]


def imports_of(module: Module) -> dict[str, tuple[str, ...]]:
    """Alias to path of every import."""
    found: dict[str, tuple[str, ...]] = {}
    for item in module.imports:
        path = static_path(item["path"])
        found[str(item.get("alias", path[-1]))] = path
    return found


def expanded(module: Module, node: Node) -> tuple[str, ...]:
    """The constant beginning of a reference, with its import written out."""
    path = static_path(node)
    brought = imports_of(module).get(path[0]) if path else None
    return (*brought, *path[1:]) if brought else path


def references(node: object) -> Iterator[Node]:
    """Every reference below a node."""
    return (n for n in walk(node) if n.get("type") == "ref")


def calls(node: object) -> Iterator[tuple[str, list[Node], Node]]:
    """Every call below a node: the builtin's or function's name, its arguments, and where."""
    for found in walk(node):
        terms = found.get("terms") if "terms" in found else found.get("value") if found.get("type") == "call" else None
        if isinstance(terms, list) and terms and terms[0].get("type") == "ref":
            name = ".".join(str(p["value"]) for p in terms[0]["value"])
            yield name, terms[1:], terms[0]


def variables_of(program: Program, module: Module, rule: Node) -> dict[str, JsonObject]:
    """What the schemas say about the variables of a rule; a name with two meanings is left out."""
    found: dict[str, JsonObject] = {}
    unclear: set[str] = set()
    for name, arguments, _ in calls(rule):
        bound, source = _binding(name, arguments)
        schema = program.shape(source, module, found) if source else None
        if schema is not None and name.startswith("internal.member"):
            schema = program.member(schema, {"type": "number"})
        if bound is None or schema is None:
            continue
        if found.setdefault(bound, schema) != schema:
            unclear.add(bound)
    return {n: s for n, s in found.items() if n not in unclear}


def _binding(name: str, arguments: list[Node]) -> tuple[str | None, Node | None]:
    """The variable that a call may bind, and what it takes its value from."""
    if name in {"internal.member_2", "internal.member_3", "assign"} and len(arguments) > 1:
        target, source = arguments[-2 if name != "assign" else 0], arguments[-1]
        if target.get("type") == "var":
            return str(target["value"]), source
    return None, None
