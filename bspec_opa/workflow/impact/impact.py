"""What a candidate bundle is compared with, and on what: everything but the comparing itself."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bspec_opa.foundation.errors import Location
from bspec_opa.foundation.files import is_directory
from bspec_opa.workflow.bundles.bundling import build_policy
from bspec_opa.workflow.checkout.deciding import load_policy, read_policy
from bspec_opa.workflow.checkout.place import open_place
from bspec_opa.workflow.checkout.project import find_project
from bspec_opa.workflow.impact.compared import sources_of
from bspec_opa.workflow.impact.comparing import Task
from bspec_opa.workflow.impact.inputs import choose, items_of_files, items_of_ledger
from bspec_opa.workflow.recorded.reasons import NO_LEDGER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bspec_opa.workflow.checkout.place import Place
    from bspec_opa.workflow.checkout.project import Project
    from bspec_opa.workflow.checkout.world import World
    from bspec_opa.workflow.facts.evaluation import BundleRef
    from bspec_opa.workflow.impact.compared import Sources
    from bspec_opa.workflow.impact.inputs import Chosen, Item

OBJECTS = "objects"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asks for.

    Attributes:
        candidate: a bundle's file, a shipped one's name, or a folder of policies, which is built.
        against: the current bundle; None for the one that the project configures.
        inputs: files and directories.
        ledger: a ledger's directory; None for the project's, which is looked at where no input is named.
        every: whether older inputs of the same agent and environment count, too.
    """

    candidate: str
    against: str | None
    inputs: Sequence[Path]
    ledger: Path | None
    every: bool


@dataclass(frozen=True, slots=True)
class Prepared:
    """Both bundles, what differs between them, and the inputs.

    Attributes:
        task: for the processes.
        notes: what was not checked, one line each.
    """

    against: BundleRef
    candidate: BundleRef
    sources: Sources
    chosen: Chosen
    task: Task
    notes: tuple[str, ...]


@contextmanager
def prepare(wanted: Wanted, world: World) -> Iterator[Prepared]:
    """Read or build the bundles and find the inputs; what was built is gone afterwards.

    Raises:
        InvalidInputError: no input, or policies that can't be built.
        TrustError: a ledger or bundle does not verify.
        EngineError: policies have to be built, and there is no OPA of the exact version.
    """
    flags = {**world.flags, **({"ledger.path": str(wanted.ledger)} if wanted.ledger is not None else {})}
    world = replace(world, flags=flags)
    project = find_project(Path(), world.environ, world.flags)
    against = wanted.against or project.config.text("bundle.path") or "default"
    with tempfile.TemporaryDirectory(prefix="bspec-opa-") as folder:
        candidate = _candidate(wanted.candidate, Path(folder), world)
        before, after = read_policy(against), read_policy(candidate)
        place = open_place(project, load_policy(project.config), world)
        items: list[Item] = items_of_files(wanted.inputs)
        if wanted.ledger is not None or not wanted.inputs:
            _require_there(wanted.ledger, place)
            items += items_of_ledger(place.ledger)
        mandatory = {e.id: tuple(e.mandatory_rules) for e in place.anchor.root.environments}
        objects = _objects(wanted.ledger, project)
        task = Task(against, candidate, objects, mandatory, dict(world.environ), project.config.place)
        data_changed = before.bundle.data_digest != after.bundle.data_digest
        sources = sources_of(before.bundle.index, after.bundle.index, data_changed=data_changed)
        yield Prepared(before.ref, after.ref, sources, choose(items, every=wanted.every), task, place.notes)


def _require_there(named: Path | None, place: Place) -> None:
    """A ledger that somebody names must be there and be verified: none of it is not none of its agents."""
    if named is not None and not place.ledger.entries:
        what = "can't be verified without a trust root" if place.anchor.starter else "holds no entry, or is not there"
        raise NO_LEDGER.error(what, hint="name the directory with log.jsonl, in its project", at=Location(str(named)))


def _candidate(named: str, folder: Path, world: World) -> str:
    """A bundle's file or name; policies are built as ``bundle build`` does, finished or not: nothing is shipped."""
    path = Path(named)
    if not is_directory(path):
        return named
    target = folder / f"{path.resolve().name}.tar.gz"
    build_policy(path, None, target, world.environ, unfinished=True)
    return str(target)


def _objects(ledger: Path | None, project: Project) -> Path:
    """The inputs beside a ledger that was named, as a project keeps them; else the project's own."""
    beside = ledger.absolute().parent / OBJECTS if ledger is not None else None
    return beside if beside is not None and is_directory(beside) else project.objects_directory
