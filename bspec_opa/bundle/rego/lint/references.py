"""Checks of references: everything that a policy names must be there when the bundle runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from bspec_opa.bundle.reasons import REFERENCE
from bspec_opa.bundle.rego.program import Program, expanded, imports_of, references
from bspec_opa.bundle.rego.sources import is_rule, is_test
from bspec_opa.bundle.rego.syntax import head_of, static_path
from bspec_opa.foundation.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bspec_opa.bundle.rego.syntax import Module, Node
    from bspec_opa.foundation.errors import Location, Problem

LIBRARY = ("data", "bspec", "lib")
_GENERATED = ("data", "bspec", "gate")
_LIBRARY_DEPTH = 4
_V1 = ("rego", "v1")
_WRITE_OUT = "write the path out to the name that is meant"


def import_problems(module: Module) -> Iterator[Problem]:
    """Rules and libraries import libraries, nothing else: not another rule, not the fixtures, not the gate."""
    for item in module.imports:
        path = static_path(item["path"])
        if path[:3] != LIBRARY or len(path) != _LIBRARY_DEPTH:
            needless = path == _V1
            hint = "remove it: every file is Rego v1" if needless else "import data.bspec.lib.<name>, and nothing else"
            yield REFERENCE.problem(
                f"imports {'.'.join(path)}", hint=hint, at=module.at(item["path"]), rule="reference/import"
            )


def reference_problems(program: Program, module: Module) -> Iterator[Problem]:
    """References into ``data`` that lead nowhere in a bundle."""
    aliases = imports_of(module)
    for item in module.imports:
        path = static_path(item["path"])
        if path[0] == "data" and path[: len(_GENERATED)] != _GENERATED and path not in program.names:
            hint = did_you_mean(".".join(path), (".".join(p) for p in program.names))
            yield REFERENCE.problem(
                f"there is no {'.'.join(path)}", hint=hint, at=module.at(item["path"]), rule="reference/unknown-import"
            )
    for node in references(module.rules):
        head = head_of(node)
        path = expanded(module, node)
        if path[:1] == ("data",) and (head == "data" or head in aliases):
            yield from _leads_somewhere(program, module, node, path)


def _leads_somewhere(program: Program, module: Module, node: Node, path: tuple[str, ...]) -> Iterator[Problem]:
    root = program.root_of(path)
    if root is not None:
        yield from _in_schema(program, module.at(node), root, path)
    elif is_test(module.name):
        if path[: len(_GENERATED)] != _GENERATED:
            yield from _defined(program, node, path, module)
    elif path[:3] == LIBRARY or _own(module, path):
        yield from _defined(program, node, path, module)
    else:
        kind = "rule" if is_rule(module.name) else "library"
        message = f"a {kind} can't use {'.'.join(path)}"
        yield REFERENCE.problem(
            message, hint="use a library under bspec/lib", at=module.at(node), rule="reference/forbidden"
        )


def _in_schema(program: Program, at: Location, root: tuple[str, ...], path: tuple[str, ...]) -> Iterator[Problem]:
    known = cast("dict[str, object]", program.shapes[root]["properties"])
    if len(path) == len(root):
        message = f"{'.'.join(path)} as a whole, or with a computed member"
        yield REFERENCE.problem(message, hint=_WRITE_OUT, at=at, rule="reference/whole-document")
    elif path[len(root)] not in known:
        hint = did_you_mean(path[len(root)], known)
        message = f"{'.'.join(path)} is not in the schema"
        yield REFERENCE.problem(message, hint=hint, at=at, rule="reference/unknown-organisation-key")


def _own(module: Module, path: tuple[str, ...]) -> bool:
    return path[1 : len(module.package) + 1] == module.package


def _defined(program: Program, node: Node, path: tuple[str, ...], module: Module) -> Iterator[Problem]:
    package = program.package_of(path)
    if is_test(module.name) and any(p[: len(path)] == path for p in program.names):
        return  # a test may look at all rules
    if package is None or not program.names[package]:
        message, hint = (
            f"there is no {'.'.join(path)}",
            did_you_mean(".".join(path), (".".join(p) for p in program.names)),
        )
        yield REFERENCE.problem(message, hint=hint, at=module.at(node), rule="reference/undefined")
    elif len(path) == len(package):
        message = f"{'.'.join(path)} as a whole, or with a computed member"
        yield REFERENCE.problem(message, hint=_WRITE_OUT, at=module.at(node), rule="reference/whole-document")
    elif path[len(package)] not in program.names[package]:
        name = path[len(package)]
        hint = did_you_mean(name, program.names[package])
        message = f"{'.'.join(package)} does not define {name}"
        yield REFERENCE.problem(message, hint=hint, at=module.at(node), rule="reference/undefined")
