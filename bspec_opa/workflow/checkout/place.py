"""A project as it is found: trust root, ledger and inbox, verified, whichever of its agents is judged."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from bspec_opa.foundation.files import exists
from bspec_opa.ledger.git.reasons import GIT_PLACE
from bspec_opa.ledger.interface import LedgerState, require_clock, require_descent
from bspec_opa.ledger.objects import ObjectStore
from bspec_opa.trust.root import AcceptedBundle
from bspec_opa.workflow.checkout.anchor import find_pin, open_anchor, require_pin
from bspec_opa.workflow.checkout.inbox import Inbox, read_inbox
from bspec_opa.workflow.checkout.memory import check_current, memory_directory
from bspec_opa.workflow.facts.newer_roots import require_newest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bspec_opa.ledger.file_store import FileStore
    from bspec_opa.ledger.git.store import GitStore
    from bspec_opa.ledger.git.url import GitUrl
    from bspec_opa.ledger.sql.store import SqlStore
    from bspec_opa.trust.root import TrustRoot
    from bspec_opa.workflow.checkout.anchor import Anchor
    from bspec_opa.workflow.checkout.deciding import Policy
    from bspec_opa.workflow.checkout.project import Project
    from bspec_opa.workflow.checkout.world import World


@dataclass(frozen=True, slots=True)
class Place:
    """A project with everything that was verified about it.

    Attributes:
        world: with a time at which the ledger was as it is here.
        project: its places and its configuration.
        anchor: the trust root in force.
        policy: the bundle that decides.
        objects: exact documents by their digest.
        ledger: the verified ledger; empty where there is none yet.
        inbox: the records that are not necessarily in the ledger yet, of all agents.
        notes: what was not checked, one line each.
    """

    world: World
    project: Project
    anchor: Anchor
    policy: Policy
    objects: ObjectStore
    ledger: LedgerState
    inbox: Inbox
    notes: tuple[str, ...]


def open_place(project: Project, policy: Policy, world: World) -> Place:
    """Read and verify a project.

    Raises:
        BspecError: anything that does not verify; see the exit codes.
    """
    pin = find_pin(world.pin, world.environ)
    shipped = AcceptedBundle(policy.ref.name, policy.ref.revision, policy.ref.digest)
    anchor = open_anchor(project, pin, world.now, shipped)
    ledger = read_ledger(project, anchor)
    notes = anchor.notes
    if anchor.authenticated:
        ledger, told = check_current(anchor, ledger, partial(read_ledger, project, anchor), world.environ)
        world = world.caught_up(ledger)
        require_clock(ledger, world.now)
        notes += told
    inbox = Inbox((), ()) if anchor.starter else _inbox(project, anchor, ledger, world.now)
    return Place(world, project, anchor, policy, ObjectStore(project.objects_directory), ledger, inbox, notes)


@dataclass(frozen=True, slots=True)
class Authentic:
    """A project's ledger under its trust root, both verified from the pin on.

    Attributes:
        anchor: the trust root in force.
        ledger: as it is now.
        world: with a time at which the ledger was as it is here.
        notes: what was not checked, one line each.
    """

    anchor: Anchor
    ledger: LedgerState
    world: World
    notes: tuple[str, ...]


def authentic_ledger(project: Project, world: World) -> Authentic:
    """The ledger for who reads the record alone: no agent, policy or inbox takes part.

    Raises:
        TrustError: there is no pin, something does not verify, or it is older than what is remembered.
    """
    anchor = open_anchor(project, require_pin(find_pin(world.pin, world.environ)), world.now)
    read = partial(read_ledger, project, anchor)
    ledger, notes = check_current(anchor, read(), read, world.environ)
    world = world.caught_up(ledger)
    require_clock(ledger, world.now)
    return Authentic(anchor, ledger, world, notes)


def _inbox(project: Project, anchor: Anchor, ledger: LedgerState, now: int) -> Inbox:
    named = project.config.paths("records.dirs") is not None
    places = ledger.record_ids() if anchor.root.tree_heads() else {}
    return read_inbox(project.records_directories, anchor.roots, now, required=named, places=places)


def read_ledger(project: Project, anchor: Anchor) -> LedgerState:
    """The verified ledger, for whoever decides, signs or verifies; under the starter root there is none.

    Raises:
        TrustError: as :func:`present_ledger`; or it names a newer version of the root.
    """
    ledger = present_ledger(project, anchor)
    require_newest(ledger.entries, anchor.root)
    return ledger


def present_ledger(project: Project, anchor: Anchor) -> LedgerState:
    """The verified ledger, for whoever makes the next version of the root: whatever the entries name.

    Raises:
        TrustError: it does not verify, or does not begin with the trees that revocations in the root name.
    """
    elsewhere = project.database is not None or project.git_ref is not None
    kept = elsewhere or exists(project.ledger_directory)
    if anchor.starter or not (kept or anchor.root.tree_heads()):
        return LedgerState(anchor.root.ledger.origin)
    ledger = open_store(project, anchor).read()
    for head in anchor.root.tree_heads():
        require_descent(ledger, head.tree_size, head.root_hash)
    return ledger


def open_git_store(url: GitUrl, environ: Mapping[str, str], root: TrustRoot) -> GitStore:
    """The store of a ledger in a Git ref; its private copy lies where this user's memory does.

    Raises:
        UsageError: this user has no such place.
    """
    from bspec_opa.ledger.git.store import GitStore

    directory = memory_directory(environ)
    if directory is None:
        raise GIT_PLACE.error("there is no place for the private copy", hint=GIT_PLACE.remedy)
    keys, former = root.checkpoint_keys(), root.former_checkpoint_keys()
    return GitStore(url, directory, origin=root.ledger.origin, keys=keys, environ=environ, former=former)


def open_store(project: Project, anchor: Anchor) -> FileStore | GitStore | SqlStore:
    """The ledger's store, with the unrevoked keys that the newest trust root accepts for its checkpoints.

    An earlier root's key is not among them: to change the key, name both in one version of the root. A key that is
    revoked from a place on still vouches for exactly that place, so that the next one can go on from there.

    Raises:
        UsageError: the configured URL is none, or what a database needs is not installed.
    """
    root = anchor.root
    origin, keys, former = root.ledger.origin, root.checkpoint_keys(), root.former_checkpoint_keys()
    if project.database is not None:
        from bspec_opa.ledger.sql.store import open_sql_store

        return open_sql_store(project.database, origin=origin, keys=keys, former=former)
    if project.git_ref is not None:
        return open_git_store(project.git_ref, project.environ, root)
    from bspec_opa.ledger.file_store import FileStore

    return FileStore(project.ledger_directory, origin=origin, keys=keys, former=former)
