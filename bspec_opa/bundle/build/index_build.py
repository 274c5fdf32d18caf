"""Makes the index from parsed policies."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from bspec_opa.bundle.contract.definitions import ACTIONS, WRITING_ACTIONS
from bspec_opa.bundle.index import GLOBAL, LIBRARY_OWNER, PROMOTION, Index, RuleEntry
from bspec_opa.bundle.reasons import LAYOUT, METADATA_INVALID, METADATA_MISSING
from bspec_opa.bundle.rego.metadata import effective_unix, metadata_problems, package_metadata
from bspec_opa.bundle.rego.sources import is_rule
from bspec_opa.bundle.rego.syntax import rule_name
from bspec_opa.foundation.digest import digest_of
from bspec_opa.foundation.errors import error_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bspec_opa.bundle.rego.sources import Sources
    from bspec_opa.bundle.rego.syntax import Module
    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.foundation.errors import Problem

_DEPTH = 5


def build_index(modules: Sequence[Module], sources: Sources) -> Index:
    """The index of all rules.

    Raises:
        InvalidInputError: METADATA is missing or wrong, a package is not its folder's name, a code is used twice.
    """
    problems = [p for m in modules for p in (*package_problems(m), *metadata_problems(m))]
    problems = problems or list(repeated_codes(modules, sources))
    if problems:
        raise error_of(problems)
    return index_of(modules, sources)


def index_of(modules: Sequence[Module], sources: Sources) -> Index:
    """The index of modules that were checked before; what is no rule is left out."""
    entries = [_entry(m, sources) for m in modules if is_rule(m.name)]
    return Index(tuple(sorted(entries, key=lambda e: e.id)))


def package_problems(module: Module) -> Iterator[Problem]:
    """Whether a package is named after its folder, with ``_test`` for tests."""
    *folders, last = module.name.split("/")
    want = tuple(folders)
    if last.endswith("_test.rego"):
        want = (*folders[:-1], f"{folders[-1]}_test")
    if module.package != want:
        hint = f"write: package {'.'.join(want)}"
        yield LAYOUT.problem(
            "the package is not named after its folder", hint=hint, at=module.place, rule="layout/package-not-folder"
        )
    if is_rule(module.name):
        yield from _rule_place(module, folders, last)


def _rule_place(module: Module, folders: list[str], last: str) -> Iterator[Problem]:
    if len(folders) != _DEPTH or folders[2] not in {GLOBAL, PROMOTION}:
        hint = "a rule is bspec/rules/global/<collection>/<rule>/ or bspec/rules/promotion/<all|environment>/<rule>/"
        yield LAYOUT.problem("not a place for a rule", hint=hint, at=module.place, rule="layout/rule-place")
    elif last != f"{folders[-1]}.rego":
        hint = f"one file a rule: {folders[-1]}.rego"
        yield LAYOUT.problem(
            "the file is not named after its rule", hint=hint, at=module.place, rule="layout/file-not-rule"
        )
    elif folders[3] == "none":
        hint = "name the folder after an environment of the organisation's data, or all"
        yield LAYOUT.problem('"none" is no environment', hint=hint, at=module.place, rule="layout/no-environment")


def _entry(module: Module, sources: Sources) -> RuleEntry:
    annotation = package_metadata(module)
    if annotation is None:  # build_index has refused it
        raise METADATA_MISSING.error("the package has no METADATA", at=module.place)
    custom = annotation["custom"]
    names = {rule_name(r) for r in module.rules}
    _, _, kind, group, _ = module.package
    return RuleEntry(
        id=".".join(module.package[2:]),
        owner=sources.owners.get(module.name, LIBRARY_OWNER),
        kind=kind,
        group=group,
        title=annotation["title"],
        description=annotation["description"],
        code=custom["code"],
        severity=custom["severity"],
        remediation=custom["remediation"],
        controls=tuple(custom["controls"]),
        collections=tuple(custom["collections"]),
        waivable=custom["waivable"],
        pending=custom.get("pending", ""),
        actions=_actions(kind, custom),
        effective_unix=effective_unix(annotation),
        digest=digest_of(sources.files[module.name]),
        has_deny="deny" in names,
        has_warn="warn" in names,
    )


def _actions(kind: str, custom: JsonObject) -> tuple[str, ...]:
    """A promotion rule that doesn't say what it is for is for everything that ends in a line."""
    known = ACTIONS if kind == GLOBAL else WRITING_ACTIONS
    wanted = cast("list[str]", custom.get("actions", known))
    return tuple(a for a in known if a in wanted)


def repeated_codes(modules: Sequence[Module], sources: Sources) -> Iterator[Problem]:
    """Codes that are there twice, told at the author's own file: the base was there before.

    The METADATA of all modules was checked before.
    """
    seen: dict[str, str] = {}
    for module in sorted(modules, key=lambda m: m.name not in sources.borrowed):
        annotation = package_metadata(module) if is_rule(module.name) else None
        if annotation is None:
            continue
        code = annotation["custom"]["code"]
        if code in seen:
            message, at = f"the code {code} belongs to {seen[code]}", module.at(annotation)
            yield METADATA_INVALID.problem(message, hint="take another one", at=at, rule="metadata/repeated-code")
        seen.setdefault(code, module.name)
