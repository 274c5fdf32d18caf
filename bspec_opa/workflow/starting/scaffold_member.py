"""``init`` below a project that is there: one more agent, under the same trust root, inbox and ledger."""

from __future__ import annotations

import json
import os
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from bspec_opa.foundation.document.load import load_yaml
from bspec_opa.foundation.files import read_bounded
from bspec_opa.foundation.limits import MAX_DOCUMENT_BYTES
from bspec_opa.workflow.checkout.project import find_project
from bspec_opa.workflow.checkout.resolving import read_catalogs
from bspec_opa.workflow.starting import templates
from bspec_opa.workflow.starting.catalog_template import catalog_template
from bspec_opa.workflow.starting.joining import AUTHOR, Lacking, lacking
from bspec_opa.workflow.starting.scaffold import (
    TRUST_NAME,
    Scaffold,
    approvers_of,
    make_keys,
    opened,
    own_files,
    people_of,
    scaffold,
    shared_files,
    write_missing,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bspec_opa.intent.load import LoadedIntent
    from bspec_opa.workflow.checkout.project import Project

PIN_STEP = "export BSPEC_OPA_TRUST_PIN=…   (trust init prints the line)"


def scaffold_anywhere(
    directory: Path, agent: str, tier: str, *, trial_keys: bool, environ: Mapping[str, str]
) -> Scaffold:
    """A project, or one more agent where the directory lies below a project.

    Args:
        directory: created if it is missing.
        agent: the agent's id, for a new intent.
        tier: the risk tier, for a new intent.
        trial_keys: whether to make keys here, for trying things out on one machine.
        environ: the process's environment.

    Raises:
        BspecError: as :func:`bspec_opa.workflow.starting.scaffold.scaffold`; or the project's files have problems.
    """
    place = Path(os.path.realpath(directory))
    project = find_project(directory if ".." not in directory.parts else place, environ, {})
    if not project.has_file or Path(os.path.realpath(project.root)) == place:
        return scaffold(directory, agent, tier, trial_keys=trial_keys)
    return scaffold_member(directory, agent, tier, project, trial_keys=trial_keys)


def scaffold_member(directory: Path, agent: str, tier: str, project: Project, *, trial_keys: bool) -> Scaffold:
    """Write what one more agent of a project lacks: its intent, components and results, and its part of the catalog.

    A project that has no trust.yaml yet, neither signed nor readable, gets one with this first agent.

    Args:
        directory: the agent's place below the project.
        agent: its id, for a new intent. Its component is named after it, because a project has each name once.
        tier: the risk tier, for a new intent.
        project: the project around.
        trial_keys: whether to make a key for everybody who is new.

    Raises:
        InvalidInputError: the intent, a catalog or trust.yaml has problems.
        StoreError: a file can't be written.
    """
    text = templates.intent_template(agent, tier, f"{agent}-system-prompt")
    intent_file, loaded = opened(directory, text)
    first = not project.trust_files() and not (project.root / TRUST_NAME).exists()
    lacks = Lacking() if first else _lacking(project, loaded)
    shared = shared_files(loaded) if first else {}
    files = {
        intent_file: text,
        **{project.root / name: content for name, content in shared.items()},
        **_own(directory, project, loaded),
    }
    written, kept = write_missing(files)
    people = people_of(loaded) if first else tuple(lacks.people)
    if trial_keys:
        written += make_keys(project.root, people)
    steps = [] if trial_keys else [f"bspec-opa key generate {_at(project, f'keys/{p}.pem')}" for p in people]
    steps += [*_listing(project, written), *lacks.lines, *_signing(project, changed=bool(lacks.lines))]
    steps.append(f"bspec-opa evaluate {quote(str(intent_file))} --env staging")
    return Scaffold(directory, intent_file, tuple(written), tuple(kept), tuple(steps))


def _own(directory: Path, project: Project, loaded: LoadedIntent) -> dict[Path, str]:
    """The agent's files; what another catalog of the project has is shared and not written again."""
    file = project.state / "catalogs" / f"{loaded.intent.metadata.id}.yaml"
    known = _known(project)
    ids = [c.id for c in loaded.intent.components if ("component", c.id) not in known]
    below = os.path.relpath(os.path.realpath(directory), os.path.realpath(project.root))
    paths = {i: f"{below}/{templates.component_path(i)}" for i in ids}
    catalog = "" if file.exists() else catalog_template(loaded.intent, paths, known)
    own = {directory / name: content for name, content in own_files(loaded, ids).items()}
    return {**({file: catalog} if catalog else {}), **own}


def _known(project: Project) -> frozenset[tuple[str, str]]:
    """Kind and id of everything that the project's catalogs have."""
    catalogs = read_catalogs(project)
    return frozenset(
        {("tool", t.id) for c in catalogs for t in c.tools}
        | {("model", m.class_) for c in catalogs for m in c.models}
        | {("component", name) for c in catalogs for name, _ in c.components}
    )


def _lacking(project: Project, loaded: LoadedIntent) -> Lacking:
    file = project.root / TRUST_NAME
    document = load_yaml(read_bounded(file, MAX_DOCUMENT_BYTES), str(file)) if file.exists() else None
    metadata = loaded.intent.metadata
    approving = dict.fromkeys(a.role for a in approvers_of(loaded))
    return lacking(document, metadata.id, metadata.owner, (AUTHOR, "evaluator", "promoter", *approving))


def _listing(project: Project, written: list[Path]) -> list[str]:
    """A project that lists its catalogs reads no other one."""
    listed = project.config.paths("catalogs.paths")
    new = [p for p in written if p.parent == project.state / "catalogs"] if listed is not None else []
    return [f"add to bspec-opa.toml, catalogs.paths:  {json.dumps(str(p.relative_to(project.root)))}" for p in new]


def _signing(project: Project, *, changed: bool) -> list[str]:
    """How ``trust.yaml`` comes into force, where that is still to be done."""
    key = project.root / "keys" / "root.pem"
    trust = f"{_at(project, TRUST_NAME)} --key {quote(str(key)) if key.exists() else 'KEY'}"
    if not project.trust_files():
        return [f"bspec-opa trust init {trust}", PIN_STEP]
    where = "" if str(project.root) == "." else f" --project {quote(str(project.root))}"
    return [f"bspec-opa trust renew {trust}{where}"] if changed else []


def _at(project: Project, name: str) -> str:
    """A file of the project as a word of a command."""
    return quote(str(project.root / name))
