"""Parsed Rego: OPA's own syntax tree (``opa parse``), with the few questions that the checks ask of it.

Nodes stay the JSON objects that OPA writes; :class:`Module` only names their parts.
"""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from bspec_opa.foundation.errors import BspecError, Location, error_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from bspec_opa.bundle.rego.opa_tool import Opa

Node = dict[str, Any]
_WORKERS = 4


@dataclass(frozen=True, slots=True)
class Module:
    """One Rego file.

    Attributes:
        name: the file's path below the policies folder.
        package: the package path without ``data``.
        tree: OPA's syntax tree.
    """

    name: str
    package: tuple[str, ...]
    tree: Node

    @property
    def rules(self) -> list[Node]:
        """The rules, one node for each definition."""
        return cast("list[Node]", self.tree.get("rules", []))

    @property
    def imports(self) -> list[Node]:
        """The imports."""
        return cast("list[Node]", self.tree.get("imports", []))

    @property
    def annotations(self) -> list[Node]:
        """The METADATA blocks that OPA understood."""
        return cast("list[Node]", self.tree.get("annotations", []))

    @property
    def comments(self) -> list[tuple[str, int]]:
        """Comment lines without ``#``, with their line numbers."""
        found = cast("list[Node]", self.tree.get("comments", []))
        return [(base64.b64decode(c["Text"]).decode("utf-8", "replace"), c["Location"]["row"]) for c in found]

    @property
    def place(self) -> Location:
        """Where the package is declared."""
        return place(self.tree["package"], self.name)

    def at(self, node: Node) -> Location:
        """Where a node is written."""
        return place(node, self.name)


def place(node: Node, name: str) -> Location:
    """Where a node is written; the file alone for nodes that OPA made up."""
    found = node.get("location") or {}
    return Location(name, found.get("row"), found.get("col"))


def parse_modules(root: Path, names: Iterable[str], opa: Opa, flags: Sequence[str] = ()) -> tuple[Module, ...]:
    """Parse Rego files that lie below a folder.

    Args:
        root: the folder.
        names: the files' paths below it.
        opa: the binary.
        flags: more options for ``opa parse``.

    Raises:
        InvalidInputError: some can't be parsed; one problem for each error in each file.
    """
    modules, refused = parse_each(root, names, opa, flags)
    if refused:
        raise error_of([p for e in refused.values() for p in e.problems])
    return modules


def parse_each(
    root: Path, names: Iterable[str], opa: Opa, flags: Sequence[str] = ()
) -> tuple[tuple[Module, ...], dict[str, BspecError]]:
    """The files that can be parsed, and by name why the others can't; the arguments are those of parse_modules."""

    def parse(name: str) -> Module | BspecError:
        try:
            return parse_module(root, name, opa, flags)
        except BspecError as e:
            return e

    ordered = sorted(names)
    with ThreadPoolExecutor(_WORKERS) as pool:
        found = list(pool.map(parse, ordered))
    refused = {n: f for n, f in zip(ordered, found, strict=True) if isinstance(f, BspecError)}
    return tuple(f for f in found if isinstance(f, Module)), refused


def parse_module(root: Path, name: str, opa: Opa, flags: Sequence[str] = ()) -> Module:
    """Parse one Rego file; what this process has parsed before is not parsed again."""
    return _parsed(_Source(root, opa, name, tuple(flags), opa.path, (root / name).read_bytes()))


@dataclass(frozen=True, slots=True)
class _Source:
    """What a syntax tree follows from; where the file lies makes no difference."""

    root: Path = field(compare=False)
    opa: Opa = field(compare=False)
    name: str
    flags: tuple[str, ...]
    program: Path
    text: bytes


@lru_cache(maxsize=1024)
def _parsed(source: _Source) -> Module:
    """Mending, watching and building read the same files many times, and each costs a process of OPA's."""
    arguments = ["parse", "-f", "json", "--json-include", "locations,comments", *source.flags, "--", source.name]
    tree: Node = json.loads(source.opa.run(arguments, cwd=source.root))
    package = tuple(str(p["value"]) for p in tree["package"]["path"][1:])
    return Module(source.name, package, tree)


def rule_name(rule: Node) -> str:
    """The name that a rule's definition contributes to."""
    head = rule["head"]
    return str(head["ref"][0]["value"] if "ref" in head else head["name"])


def is_partial_set(rule: Node) -> bool:
    """Whether a definition has the form ``name contains item``, nothing else."""
    head = rule["head"]
    plain = "key" in head and "value" not in head and "args" not in head and len(head.get("ref", [0])) == 1
    return plain and "default" not in rule and "else" not in rule


def walk(node: object) -> Iterator[Node]:
    """Every object below a node, itself first, in the order of the source."""
    if isinstance(node, dict):
        yield node
        for key, item in node.items():
            if key != "location":
                yield from walk(item)
    elif isinstance(node, list):
        for item in node:
            yield from walk(item)


def text_of(node: Node) -> str | None:
    """The value of a string literal."""
    return str(node["value"]) if node.get("type") == "string" else None


def head_of(node: Node) -> str:
    """The variable that a reference starts from; empty if it starts from a call or a literal."""
    first = node["value"][0]
    return str(first["value"]) if first.get("type") == "var" else ""


def static_path(node: Node) -> tuple[str, ...]:
    """The leading constant parts of a reference, its head included: ``("input", "intent", "tools")``."""
    found: list[str] = []
    parts = cast("list[Node]", node["value"] if node["type"] == "ref" else [node])
    for index, part in enumerate(parts):
        if part.get("type") != ("var" if index == 0 else "string"):
            break
        found.append(str(part["value"]))
    return tuple(found)
