"""A team's pack on top of a base: one set of sources, and who owns which file.

A policies folder with ``bspec/bspec.rego`` is a whole library. Without it, it is a *pack*: rules of a team in a
repository of their own, on top of a base bundle at a pinned revision. The base's authored Rego is taken from the
bundle, its generated gate and guard are made anew. A pack adds, it never replaces: a file, a package or a code of the
base that a pack has, too, is refused, otherwise a pack could switch a rule of the organisation off.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bspec_opa.bundle.index import LIBRARY_OWNER, OWNER_PATTERN
from bspec_opa.bundle.layout import BUILD_DATA, GENERATED, ORGANISATION_DATA, RULES
from bspec_opa.bundle.reasons import BASE, BASE_REVISION, PACK
from bspec_opa.bundle.rego.sources import ANNOTATED, TESTING, Sources, read_sources
from bspec_opa.bundle.shipped import fixtures
from bspec_opa.foundation.errors import Location, error_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from bspec_opa.bundle.read import Bundle
    from bspec_opa.foundation.errors import Problem

_PLACES = (RULES, "bspec/lib/", TESTING)
_ROOT = "bspec"
_RULE = "layout/pack"


@dataclass(frozen=True, slots=True)
class Foundation:
    """What a policies folder stands on.

    Attributes:
        base: the bundle under a pack; None for a whole library.
        revision: the base's revision that the pack is pinned to; empty if it isn't.
        owner: whose rules the folder holds; empty if nobody said so.
    """

    base: Bundle | None = None
    revision: str = ""
    owner: str = ""


WHOLE = Foundation(owner=LIBRARY_OWNER)
"""The library itself."""


def is_pack(files: Mapping[str, bytes]) -> bool:
    """Whether these are a pack's files and no whole library's."""
    return ANNOTATED not in files


def compose(policies: Path, foundation: Foundation = WHOLE) -> Sources:
    """The sources of a policies folder with what they stand on.

    A folder without an annotation file and without a base stays as it is: the checks refuse it.

    Raises:
        InvalidInputError: a file that no policies folder holds, no rule at all, no owner, or a pack that redefines
            something of its base or puts a file where no pack has one; every such file.
        TrustError: the base has another revision than the pack is pinned to.
    """
    sources, problems = composed(read_sources(policies), foundation, policies)
    if problems:
        raise error_of(problems)
    return sources


def composed(own: Sources, foundation: Foundation, policies: Path) -> tuple[Sources, list[Problem]]:
    """The same of files that were read before, without those that a pack may not have, and what is wrong with these.

    Raises:
        InvalidInputError: no owner.
        TrustError: the base has another revision than the pack is pinned to.
    """
    if foundation.base is None or not is_pack(own.files):
        return _whole(own, foundation, policies), []
    require_pinned(foundation.base, foundation.revision)
    owner = checked_owner(foundation.owner, policies)
    problems = list(_redefined(own.files, foundation.base))
    wrong = {p.location.file for p in problems if p.location}
    kept = {n: d for n, d in own.files.items() if n not in wrong}
    borrowed = {n: d for n, d in borrowed_files(foundation.base).items() if n not in kept}
    owners = {r.path: r.owner for r in foundation.base.index.rules}
    files = dict(sorted({**borrowed, **kept}.items()))
    named = {n: owners.get(n, LIBRARY_OWNER) if n in borrowed else owner for n in files}
    return Sources(files, named, frozenset(borrowed)), problems


def borrowed_files(base: Bundle) -> dict[str, bytes]:
    """What a pack takes from its base: authored Rego and data; and this program's fixtures, for tests."""
    data = (ORGANISATION_DATA, BUILD_DATA)
    taken = {n: d for n, d in base.files.items() if n in data or (n.endswith(".rego") and n not in GENERATED)}
    return {**taken, **fixtures()}


def _whole(own: Sources, foundation: Foundation, policies: Path) -> Sources:
    if foundation.revision:
        hint = f"take base_revision out of [policy], or {ANNOTATED} out of the folder"
        raise BASE.error("a whole library stands on no base", hint=hint, at=Location(str(policies)))
    owner = checked_owner(foundation.owner or LIBRARY_OWNER, policies)
    return Sources(own.files, dict.fromkeys(own.files, owner))


def checked_owner(owner: str, policies: Path) -> str:
    """An owner's name that bundles take.

    Raises:
        InvalidInputError: none, or another form.
    """
    at = Location(str(policies))
    if not owner:
        hint = 'write owner = "team:payments" into [policy] of bspec-opa.toml, or give --owner'
        raise BASE.error("nobody owns this pack", hint=hint, at=at)
    if not re.fullmatch(OWNER_PATTERN, owner):
        hint = "letters, digits and : . _ @ / + -, such as team:payments"
        raise BASE.error(f"{owner[:40]!a} is no owner", hint=hint, at=at)
    return owner


def require_pinned(base: Bundle, revision: str) -> None:
    """Check that a base is the one that a pack is pinned to.

    Raises:
        InvalidInputError: it is pinned to none.
        TrustError: it is pinned to another one.
    """
    at = Location(base.name)
    if not revision:
        hint = f'write base_revision = "{base.revision}" into [policy] of bspec-opa.toml, or give --base-revision'
        raise BASE.error("the base of a pack is pinned by its revision", hint=hint, at=at)
    if revision != base.revision:
        message = f"the base has revision {base.revision}, and the pack is pinned to {revision[:80]}"
        hint = "get the base with that revision, or review this one and pin it: base_revision in [policy]"
        raise BASE_REVISION.error(message, hint=hint, at=at)


def _redefined(own: Mapping[str, bytes], base: Bundle) -> Iterator[Problem]:
    """Files of a pack that belong to the base, or where no pack has any.

    A package is its folder; so a folder inside of one of the base's packages would put names into it. So would one
    around it: ``package bspec.lib`` with ``approvals.counted contains ...`` adds to the base's own set.
    """
    borrowed = {*borrowed_files(base), *GENERATED} - {ORGANISATION_DATA}
    packages = {n.rpartition("/")[0] for n in borrowed} - {_ROOT}
    for name in own:
        at = Location(name)
        folder = name.rpartition("/")[0]
        if name == ORGANISATION_DATA:
            continue
        if name in borrowed:
            yield PACK.problem("the base has this file", hint=_rename(name), at=at, rule=_RULE)
        elif not name.startswith(_PLACES):
            message = "a pack has rules, libraries and fixtures only"
            yield PACK.problem(message, hint=f"under {_places()}", at=at, rule=_RULE)
        elif any(folder == p or folder.startswith(f"{p}/") for p in packages - {TESTING.rstrip("/")}):
            yield PACK.problem("the folder is a package of the base", hint=_rename(name), at=at, rule=_RULE)
        elif any(p.startswith(f"{folder}/") for p in packages):
            message = "the folder is around packages of the base"
            yield PACK.problem(message, hint=f"{_rename(name)}, in a folder of its own", at=at, rule=_RULE)
        elif folder == TESTING.rstrip("/"):
            hint = f"put fixtures of your own into {TESTING}<name>/<name>.rego"
            yield PACK.problem("the folder is a package of the base", hint=hint, at=at, rule=_RULE)


def _rename(name: str) -> str:
    kind = "rule" if name.startswith(RULES) else "file"
    return f"give your {kind} a name of its own"


def _places() -> str:
    return ", ".join(_PLACES)
