"""Which ledger is meant, under the authenticated trust root that says whose it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bspec_opa.foundation.errors import Location
from bspec_opa.foundation.files import is_directory, is_regular
from bspec_opa.ledger.git.url import is_git, parse_git_url
from bspec_opa.ledger.reasons import NO_LEDGER
from bspec_opa.ledger.sql.url import parse_url, require_no_password
from bspec_opa.workflow.checkout.anchor import find_pin, open_anchor, require_pin
from bspec_opa.workflow.checkout.place import open_git_store, open_store
from bspec_opa.workflow.checkout.project import find_project

if TYPE_CHECKING:
    from bspec_opa.ledger.interface import Store
    from bspec_opa.ledger.readable import Readable
    from bspec_opa.ledger.sql.url import DatabaseUrl
    from bspec_opa.ledger.tiles.reading import TileReader
    from bspec_opa.workflow.checkout.anchor import Anchor
    from bspec_opa.workflow.checkout.project import Project
    from bspec_opa.workflow.checkout.world import World

HERE = Path()


@dataclass(frozen=True, slots=True)
class Authority:
    """A project's trust root, walked from the pin: it says what the ledger is called and who signs for it."""

    world: World
    project: Project
    anchor: Anchor


@dataclass(frozen=True, slots=True)
class Named:
    """A ledger that somebody means.

    Attributes:
        place: as it was named.
        ledger: what reads it.
        export: the same, if it is an export.
        own: whether it is the project's own, which this user's memory is about.
    """

    place: str
    ledger: Readable
    export: TileReader | None = None
    own: bool = False


def open_authority(world: World) -> Authority:
    """The trust root of the working directory's project.

    Raises:
        TrustError: there is no pin, or the walk from it fails.
    """
    project = find_project(HERE, world.environ, world.flags)
    pin = require_pin(find_pin(world.pin, world.environ))
    return Authority(world, project, open_anchor(project, pin, world.now))


def own_store(authority: Authority) -> Store:
    """The project's own store, as it is configured."""
    return open_store(authority.project, authority.anchor)


def open_named(where: str | None, authority: Authority) -> Named:
    """A ledger's directory, an export, a database, a Git ref; the project's own ledger without a name.

    Raises:
        UsageError: there is no ledger of that name.
    """
    if where is None:
        elsewhere = authority.project.database or authority.project.git_ref
        own = str(authority.project.ledger_directory) if elsewhere is None else elsewhere.shown
        return Named(own, own_store(authority), own=True)
    if is_git(where):
        url = parse_git_url(where)
        return Named(url.shown, open_git_store(url, authority.world.environ, authority.anchor.root))
    if "://" in where:
        require_no_password(where, "the command line")
        return _database(parse_url(where), authority)
    directory, root = Path(where), authority.anchor.root
    origin, keys, former = root.ledger.origin, root.checkpoint_keys(), root.former_checkpoint_keys()
    if is_directory(directory / "tile"):
        from bspec_opa.ledger.tiles.reading import TileReader

        export = TileReader(directory, origin=origin, keys=keys, former=former)
        return Named(where, export, export=export)
    if is_regular(directory / "log.jsonl") or is_regular(directory / "checkpoint"):
        from bspec_opa.ledger.file_store import FileStore

        return Named(where, FileStore(directory, origin=origin, keys=keys, former=former))
    hint = "name a directory with log.jsonl, one that bspec-opa ledger export wrote, or a URL of a database or Git ref"
    raise NO_LEDGER.error("is no ledger", hint=hint, at=Location(where))


def _database(url: DatabaseUrl, authority: Authority) -> Named:
    from bspec_opa.ledger.sql.store import open_sql_store

    root = authority.anchor.root
    keys, former = root.checkpoint_keys(), root.former_checkpoint_keys()
    return Named(url.shown, open_sql_store(url, origin=root.ledger.origin, keys=keys, former=former))
