"""METADATA of the policies as OPA understood it, checked against a closed schema.

OPA reads METADATA as YAML 1.1 and drops what it does not understand without a word: an unknown member, a block with a
blank line, a lower-case ``# metadata``. Here each of these is an error.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from bspec_opa.bundle.contract.definitions import NEEDS, SEVERITIES, WRITING_ACTIONS
from bspec_opa.bundle.reasons import METADATA_INVALID, METADATA_MISSING
from bspec_opa.bundle.rego.sources import ANNOTATED, is_rule, is_test
from bspec_opa.bundle.selection import FLOOR, GUARDS
from bspec_opa.foundation.closed_schema import TIME, array, boolean, enum, obj, string, violations
from bspec_opa.foundation.errors import BspecError, Location
from bspec_opa.foundation.suggest import did_you_mean
from bspec_opa.foundation.times import parse_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bspec_opa.bundle.rego.syntax import Module, Node
    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.foundation.errors import Problem

LINE = string(minimum=1, maximum=1000)
RULE_METADATA = obj(
    title=LINE,
    description=LINE,
    custom=obj(
        {"effective_on": TIME, "pending": enum(*NEEDS), "actions": array(enum(*WRITING_ACTIONS), minimum=1)},
        code=string(pattern="^[A-Z][A-Z0-9]*(-[0-9]+)?$", maximum=20),
        severity=enum(*SEVERITIES),
        remediation=LINE,
        controls=array(LINE),
        collections=array(string(pattern="^[a-z][a-z0-9_-]*$", maximum=60), minimum=1),
        waivable=boolean(),
    ),
)
LIBRARY_METADATA = obj(title=LINE, description=LINE)
TIER_GUARD_COLLECTION = GUARDS.removeprefix("@")
MEMBERS = frozenset({"title", "description", "custom", "scope", "schemas"})
_MARK = re.compile(r"\s*metadata\b\s*:?\s*\Z", re.IGNORECASE)
_MEMBER = re.compile(r" ?([A-Za-z_][A-Za-z0-9_-]*):")


def package_metadata(module: Module) -> Node | None:
    """The METADATA of a module's package, if OPA found one."""
    found = [a for a in module.annotations if a.get("scope") == "package"]
    return found[0] if found else None


def metadata_problems(module: Module) -> Iterator[Problem]:
    """What is wrong with the METADATA of one file; tests and fixtures need none."""
    if is_test(module.name) or module.name == ANNOTATED:
        return
    found = package_metadata(module)
    if found is None:
        hint = 'write "# METADATA" in capitals right above the package, without a blank line inside'
        yield METADATA_MISSING.problem(
            "the package has no METADATA", hint=hint, at=module.place, rule="metadata/missing"
        )
        return
    yield from _fits(module, found)
    yield from _dropped(module)
    if is_rule(module.name) and len(module.annotations) > 1:
        extra = module.annotations[1]
        yield METADATA_INVALID.problem(
            "a rule's file has one METADATA block, its package's", at=module.at(extra), rule="metadata/extra-block"
        )


def _fits(module: Module, annotation: Node) -> Iterator[Problem]:
    schema = RULE_METADATA if is_rule(module.name) else LIBRARY_METADATA
    members = {k: v for k, v in annotation.items() if k not in {"scope", "location", "schemas"}}
    bad = violations(schema, members)
    for violation in bad:
        message = f"METADATA{violation.pointer} {violation.message}"
        at = _member(module, annotation, violation.pointer)
        yield METADATA_INVALID.problem(message, at=at, rule="metadata/schema")
    if is_rule(module.name) and not bad:
        yield from _guards(module, annotation)
        yield from _actions(module, annotation)
        try:
            effective_unix(annotation)
        except BspecError as e:
            message = f"METADATA/custom/effective_on: {e}"
            at = _member(module, annotation, "/custom/effective_on")
            yield METADATA_INVALID.problem(message, at=at, rule="metadata/effective-on")


def _guards(module: Module, annotation: Node) -> Iterator[Problem]:
    """A waiver of what checks the tier would let an agent choose the rules that it is judged by.

    One of what mirrors the floor could not lift the floor, and would only deceive whoever signs it.
    """
    custom = annotation["custom"]
    if not custom["waivable"]:
        return
    at = _member(module, annotation, "/custom/waivable")
    if ".".join(module.package[2:]) in FLOOR:
        message = "the rule mirrors the gate's floor, which no waiver lifts"
        hint = "write waivable: false"
        yield METADATA_INVALID.problem(message, hint=hint, at=at, rule="metadata/waivable-guard")
    if TIER_GUARD_COLLECTION in custom["collections"]:
        message = f"a rule of the collection {TIER_GUARD_COLLECTION} checks the tier, and a waiver could lift it"
        hint = f"write waivable: false, or take {TIER_GUARD_COLLECTION} out of collections"
        yield METADATA_INVALID.problem(message, hint=hint, at=at, rule="metadata/waivable-guard")


def _actions(module: Module, annotation: Node) -> Iterator[Problem]:
    """A global rule looks at the intent alone, whatever is asked about it."""
    if "actions" in annotation["custom"] and module.package[2:3] != ("promotion",):
        message = "METADATA/custom/actions is for promotion rules: a global rule runs for every action"
        hint, at = "remove actions, or look at input.action", _member(module, annotation, "/custom/actions")
        yield METADATA_INVALID.problem(message, hint=hint, at=at, rule="metadata/schema")


def _member(module: Module, annotation: Node, pointer: str) -> Location:
    """Where the member is written that a pointer leads to, or where the block begins."""
    start, end = module.at(annotation), module.place.line or 0
    name = next((part for part in reversed(pointer.split("/")) if part and not part.isdigit()), "")
    for text, row in module.comments:
        if name and (start.line or 0) < row < end and text.lstrip().startswith(f"{name}:"):
            return Location(module.name, row, len(text) - len(text.lstrip()) + 2)
    return start


def effective_unix(annotation: Node) -> int:
    """When a rule's denials come into force, Unix seconds; 0 if always."""
    custom = cast("JsonObject", annotation["custom"])
    text = str(custom.get("effective_on", ""))
    return parse_time(text) if text else 0


def _dropped(module: Module) -> Iterator[Problem]:
    """Comment blocks that were meant as METADATA, and members that OPA does not know."""
    understood = {a["location"]["row"] for a in module.annotations}
    declared = module.place.line or 0
    for block in _blocks(module):
        text, row = block[0]
        if min(understood) < row < declared and row not in understood:
            message, hint = "OPA ignores these lines: a blank line ends METADATA", "remove the blank line above them"
            at = Location(module.name, row, 1)
            yield METADATA_INVALID.problem(message, hint=hint, at=at, rule="metadata/ignored-lines")
            continue
        if not _MARK.match(text):
            continue
        if row not in understood:
            hint = 'write exactly "# METADATA", directly above the package'
            at = Location(module.name, row, 1)
            yield METADATA_MISSING.problem("OPA ignores this METADATA", hint=hint, at=at, rule="metadata/ignored-block")
        for line, number in block[1:]:
            match = _MEMBER.match(line)
            if match and match[1] not in MEMBERS:
                message = f"OPA ignores the member {match[1]!r}"
                hint, at = did_you_mean(match[1], MEMBERS), Location(module.name, number, 1)
                yield METADATA_INVALID.problem(message, hint=hint, at=at, rule="metadata/ignored-member")


def _blocks(module: Module) -> list[list[tuple[str, int]]]:
    """Runs of comment lines without a line between them."""
    found: list[list[tuple[str, int]]] = []
    for text, row in module.comments:
        if found and found[-1][-1][1] == row - 1 and not _MARK.match(text):
            found[-1].append((text, row))
        else:
            found.append([(text, row)])
    return found
