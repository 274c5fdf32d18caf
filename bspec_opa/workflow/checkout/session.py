"""Opens what a command works on: project, intent, anchor, ledger, inbox. The only reader of the checkout."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from bspec_opa.foundation.files import exists
from bspec_opa.ledger.interface import LedgerState, require_clock
from bspec_opa.ledger.objects import ObjectStore
from bspec_opa.trust.root import AcceptedBundle
from bspec_opa.workflow.checkout.anchor import find_pin, open_anchor, require_pin
from bspec_opa.workflow.checkout.deciding import load_policy
from bspec_opa.workflow.checkout.inbox import Inbox, read_inbox
from bspec_opa.workflow.checkout.intents import open_intent
from bspec_opa.workflow.checkout.memory import check_current
from bspec_opa.workflow.checkout.project import find_project
from bspec_opa.workflow.facts.history import read_history
from bspec_opa.workflow.reasons import ENVIRONMENT_UNDECLARED, NEWER_ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from bspec_opa.intent.load import LoadedIntent
    from bspec_opa.ledger.file_store import FileStore
    from bspec_opa.trust.root import Environment
    from bspec_opa.workflow.checkout.anchor import Anchor
    from bspec_opa.workflow.checkout.config import Value
    from bspec_opa.workflow.checkout.deciding import Policy
    from bspec_opa.workflow.checkout.project import Project
    from bspec_opa.workflow.facts.history import History


@dataclass(frozen=True, slots=True)
class World:
    """What a command is run with.

    Attributes:
        environ: environment variables.
        now: Unix seconds, read once, and again only where the ledger has gone on since (see :meth:`caught_up`).
        flags: configuration keys given on the command line.
        pin: what ``--trust-pin`` says.
        clock: reads the time again; without one the time stands still.
    """

    environ: Mapping[str, str]
    now: int
    flags: Mapping[str, Value | None]
    pin: str | None = None
    clock: Callable[[], int] | None = None

    def caught_up(self, ledger: LedgerState) -> World:
        """This world at a time when the ledger was as it is.

        Another process may have appended between the reading of the clock and that of the ledger; its entries are
        not of the future. A clock that is still behind them is wrong (:func:`require_clock` says so).
        """
        if self.clock is None or self.now >= ledger.last_at:
            return self
        return replace(self, now=max(self.now, self.clock()))


@dataclass(frozen=True, slots=True)
class Session:
    """One intent in its project, with everything that was verified about it.

    Attributes:
        file: the intent's file as it was named.
        ledger: the verified ledger; empty where there is none yet.
        history: the ledger's records about this agent.
        inbox: the records that are not necessarily in the ledger yet.
        notes: what was not checked, one line each.
    """

    world: World
    project: Project
    file: Path
    loaded: LoadedIntent
    anchor: Anchor
    policy: Policy
    objects: ObjectStore
    ledger: LedgerState
    history: History
    inbox: Inbox
    notes: tuple[str, ...]

    @property
    def agent(self) -> str:
        """The agent's id."""
        return self.loaded.intent.metadata.id

    def environment(self, name: str) -> Environment:
        """An environment that both the trust root and the intent know.

        Raises:
            InvalidInputError: one of them does not, with the nearest name or the line to add to.
        """
        found = self.anchor.root.environment(name)
        if name not in self.loaded.intent.promotion:
            raise ENVIRONMENT_UNDECLARED.error(
                f"the intent declares no promotion rules for {name}",
                hint=f"add a block {name}: under promotion",
                at=self.loaded.document.locate("/promotion", key=True),
            )
        return found

    def history_of(self, agent: str) -> History:
        """What the ledger says about another agent."""
        return read_history(self.ledger.entries, self.anchor.roots, agent, self.world.now)


def open_session(file: Path, world: World, *, need_pin: bool) -> Session:
    """Everything about an intent.

    Args:
        file: the intent.
        world: environment, time and flags.
        need_pin: whether nothing less than an authenticated trust root will do.

    Raises:
        BspecError: anything that does not verify; see the exit codes.
    """
    loaded = open_intent(file)
    project = find_project(file, world.environ, world.flags)
    if need_pin:
        require_pin(find_pin(world.pin, world.environ))
    return _open(loaded, file, project, load_policy(project.config), world)


def _open(loaded: LoadedIntent, file: Path, project: Project, policy: Policy, world: World) -> Session:
    pin = find_pin(world.pin, world.environ)
    shipped = AcceptedBundle(policy.ref.name, policy.ref.revision, policy.ref.digest)
    anchor = open_anchor(project, pin, world.now, shipped)
    agent = loaded.intent.metadata.id
    anchor.root.agent(agent)
    ledger = read_ledger(project, anchor)
    notes = anchor.notes
    if anchor.authenticated:
        ledger, told = check_current(anchor, ledger, partial(read_ledger, project, anchor), world.environ)
        world = world.caught_up(ledger)
        require_clock(ledger, world.now)
        notes += told
    objects = ObjectStore(project.objects_directory)
    named = project.config.paths("records.dirs") is not None
    inbox = (
        Inbox((), ())
        if anchor.starter
        else read_inbox(project.records_directories, anchor.roots, agent, world.now, required=named)
    )
    history = read_history(ledger.entries, anchor.roots, agent, world.now)
    return Session(world, project, file, loaded, anchor, policy, objects, ledger, history, inbox, notes)


def reopen(session: Session) -> Session:
    """The same command on what is there now: trust root, inbox, ledger. The intent and the bundle are not read again.

    Raises:
        BspecError: as :func:`open_session`.
    """
    return _open(session.loaded, session.file, session.project, session.policy, session.world)


def reread(session: Session, ledger: LedgerState) -> Session:
    """The session on another state of its ledger.

    Raises:
        TrustError: the clock is behind it.
    """
    current = replace(session, ledger=ledger, world=session.world.caught_up(ledger))
    require_clock(ledger, current.world.now)
    return replace(current, history=current.history_of(session.agent))


def require_same_root(session: Session) -> None:
    """Demand that no newer trust root has come since the session was opened (attack A88).

    Raises:
        StoreError: there is one.
        TrustError: what is there now does not verify.
    """
    world = session.world
    now = open_anchor(session.project, find_pin(world.pin, world.environ), world.now)
    if now.root.digest != session.anchor.root.digest:
        raise NEWER_ROOT.error(f"trust root version {now.root.version} is there now", hint="run it again")


def read_ledger(project: Project, anchor: Anchor) -> LedgerState:
    """The verified ledger; under the starter root there is none.

    Raises:
        TrustError: it does not verify.
    """
    if anchor.starter or not exists(project.ledger_directory):
        return LedgerState(anchor.root.ledger.origin)
    return open_store(project, anchor).read()


def open_store(project: Project, anchor: Anchor) -> FileStore:
    """The ledger's store, with the unrevoked keys that the newest trust root accepts for its checkpoints.

    An earlier root's key is not among them: to change the key, name both in one version of the root.
    """
    from bspec_opa.ledger.file_store import FileStore

    root = anchor.root
    return FileStore(project.ledger_directory, origin=root.ledger.origin, keys=root.checkpoint_keys())
