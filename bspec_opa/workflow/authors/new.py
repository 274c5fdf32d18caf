"""``policy new``: a rule, its METADATA and a failing test, from an empty directory if need be."""

from __future__ import annotations

import json
import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bspec_opa.authoring.new import Draft, codes_in, draft_files, free_code
from bspec_opa.authoring.place import collection_of, place_of
from bspec_opa.authoring.reasons import PLACE, TAKEN
from bspec_opa.bundle.build.composition import checked_owner, is_pack, require_pinned
from bspec_opa.bundle.index import LIBRARY_OWNER, environment_ids
from bspec_opa.bundle.layout import ORGANISATION_DATA
from bspec_opa.bundle.rego.sources import optional_sources
from bspec_opa.foundation.document.load import load_json
from bspec_opa.foundation.errors import Location, error_of
from bspec_opa.foundation.files import exists, make_directory, read_bounded, write_atomic, write_new
from bspec_opa.foundation.limits import MAX_DOCUMENT_BYTES
from bspec_opa.workflow.authors.policies import DEFAULT_BASE, POLICIES
from bspec_opa.workflow.checkout.config import FILE_NAME, is_shipped_name
from bspec_opa.workflow.checkout.deciding import read_policy
from bspec_opa.workflow.checkout.project import find_project

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bspec_opa.bundle.read import Bundle
    from bspec_opa.workflow.checkout.config import Value
    from bspec_opa.workflow.checkout.project import Project

TABLE = "policy"
CODE = re.compile("[A-Z][A-Z0-9]{0,14}(-[0-9]{1,4})?")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asked for.

    Attributes:
        place: where the rule stands, as it was written.
        title: its title; made from its name if empty.
        code: its code; the next free one if empty.
    """

    place: str
    title: str = ""
    code: str = ""
    severity: str = "high"
    warn: bool = False
    pending: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """A new rule.

    Attributes:
        rule: the rule's id.
        code: its code.
        owner: whose it is.
        written: the files, the configuration among them if it was written or extended.
        policies: the policies folder.
        source: the file with the rule.
        test: the file with the failing test.
    """

    rule: str
    code: str
    owner: str
    written: tuple[Path, ...]
    policies: Path
    source: Path
    test: Path


def new_rule(wanted: Wanted, environ: Mapping[str, str], given: Mapping[str, Value | None]) -> Written:
    """Write a rule and its test, and before the first one what the pack stands on.

    Raises:
        BspecError: a place that is none, a name or code that is taken, a configuration that says half of what a pack
            needs, or nowhere to write.
    """
    project = find_project(Path(), environ, given)
    policies = project.config.path("policy.path") or project.root / POLICIES
    own = optional_sources(policies)
    whole = bool(own) and not is_pack(own)
    base = None if whole else read_policy(project.config.text("policy.base") or DEFAULT_BASE).bundle
    draft = _draft(wanted, own, base)
    settings = _settings(project, base, policies)
    files = {policies / name: text for name, text in draft_files(draft).items()}
    _require_free(files)
    written = _write(files, project.root / FILE_NAME, settings.table)
    source, test = policies / draft.place.rule, policies / draft.place.test
    return Written(draft.place.id, draft.code, settings.owner, written, policies, source, test)


def _draft(wanted: Wanted, own: Mapping[str, bytes], base: Bundle | None) -> Draft:
    place = place_of(wanted.place, _environments(own, base))
    if base is not None and base.index.rule(place.id) is not None:
        hint = "the base's rule stays as it is; name yours differently"
        raise TAKEN.error(f"the base {base.name} has a rule {place.id}", hint=hint)
    rego = {n: d for n, d in own.items() if n.endswith(".rego")}
    taken = codes_in([*rego.values()])
    elsewhere = codes_in([d for n, d in rego.items() if collection_of(n) != collection_of(place.rule)])
    taken |= {r.code for r in base.index.rules} if base is not None else set()
    free = free_code(taken, place, elsewhere)
    if wanted.code and not CODE.fullmatch(wanted.code):
        raise PLACE.error(f"{wanted.code[:40]!r} is no code", hint="capitals, and perhaps a number: PAY-01")
    if wanted.code in taken:
        raise TAKEN.error(f"another rule has the code {wanted.code}", hint=f"{free} is free")
    title = wanted.title or place.words
    return Draft(place, wanted.code or free, title, wanted.severity, wanted.warn, wanted.pending)


def _environments(own: Mapping[str, bytes], base: Bundle | None) -> list[str]:
    """The environments of the data that a build would take; its full check is the build's."""
    if ORGANISATION_DATA in own:
        value = load_json(own[ORGANISATION_DATA], ORGANISATION_DATA).value
        listed = value.get("environments") if isinstance(value, dict) else None
        items = listed if isinstance(listed, list) else []
        return [str(e["id"]) for e in items if isinstance(e, dict) and "id" in e]
    return environment_ids(base.organisation) if base is not None else []


@dataclass(frozen=True, slots=True)
class _Settings:
    """The table ``[policy]``.

    Attributes:
        owner: who owns the rules.
        table: the text to add to the configuration; empty if it is there.
    """

    owner: str
    table: str = ""


def _settings(project: Project, base: Bundle | None, policies: Path) -> _Settings:
    """What the pack stands on: as it was written down, else written down now.

    Raises:
        BspecError: the table is there and lacks something, or the base is another one.
    """
    config = project.config
    owner = config.text("policy.owner") or ""
    if base is None:
        return _Settings(checked_owner(owner or LIBRARY_OWNER, policies))
    revision = config.text("policy.base_revision") or ""
    if _has_table(project.root / FILE_NAME):
        require_pinned(base, revision)
        return _Settings(checked_owner(owner, policies))
    require_pinned(base, revision or base.revision)
    owner = checked_owner(owner or f"team:{_team(project.root)}", policies)
    named = config.text("policy.base") or DEFAULT_BASE
    named = named if is_shipped_name(named) else os.path.relpath(named, project.root)
    pairs = {"base": named, "base_revision": base.revision, "owner": owner}
    return _Settings(owner, f"[{TABLE}]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in pairs.items()))


def _has_table(file: Path) -> bool:
    return exists(file) and TABLE in tomllib.loads(read_bounded(file, MAX_DOCUMENT_BYTES).decode())


def _team(root: Path) -> str:
    """A team's name to begin with: the directory's."""
    return re.sub(r"[^a-z0-9]+", "-", root.absolute().name.lower()).strip("-")[:60] or "policies"


def _require_free(files: Mapping[Path, str]) -> None:
    problems = [
        TAKEN.problem("is there already, and nothing is overwritten", hint="take another name", at=Location(str(path)))
        for path in files
        if exists(path)
    ]
    if problems:
        raise error_of(problems)


def _write(files: Mapping[Path, str], configuration: Path, table: str) -> tuple[Path, ...]:
    """The configuration first: without it nothing else would build."""
    written: list[Path] = []
    if table:
        before = read_bounded(configuration, MAX_DOCUMENT_BYTES).decode() if exists(configuration) else ""
        separator = "" if not before else "\n" if before.endswith("\n") else "\n\n"
        write_atomic(configuration, f"{before}{separator}{table}".encode())
        written.append(configuration)
    for path, text in files.items():
        make_directory(path.parent)
        write_new(path, text.encode())
        written.append(path)
    return tuple(written)
