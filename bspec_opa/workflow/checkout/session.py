"""Opens what a command works on: one intent in its project."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bspec_opa.ledger.interface import require_clock
from bspec_opa.workflow.checkout.anchor import find_pin, open_anchor, require_pin
from bspec_opa.workflow.checkout.deciding import load_policy
from bspec_opa.workflow.checkout.intents import open_intent
from bspec_opa.workflow.checkout.place import open_place
from bspec_opa.workflow.checkout.project import find_project
from bspec_opa.workflow.facts.reading import read_history
from bspec_opa.workflow.reasons import ENVIRONMENT_UNDECLARED, NEWER_ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from bspec_opa.intent.load import LoadedIntent
    from bspec_opa.ledger.interface import LedgerState
    from bspec_opa.ledger.objects import ObjectStore
    from bspec_opa.trust.root import Environment
    from bspec_opa.workflow.checkout.anchor import Anchor
    from bspec_opa.workflow.checkout.deciding import Policy
    from bspec_opa.workflow.checkout.inbox import Inbox
    from bspec_opa.workflow.checkout.place import Place
    from bspec_opa.workflow.checkout.project import Project
    from bspec_opa.workflow.checkout.world import World
    from bspec_opa.workflow.facts.history import History
    from bspec_opa.workflow.facts.rolling import Wanted


@dataclass(frozen=True, slots=True)
class Session:
    """One intent in its project, with everything that was verified about it.

    Attributes:
        file: the intent's file as it was named.
        ledger: the verified ledger; empty where there is none yet.
        history: the ledger's records about this agent.
        inbox: the records that are not necessarily in the ledger yet.
        notes: what was not checked, one line each.
        rollback: the line that is to be gone back to; ``loaded`` is its intent then.
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
    rollback: Wanted | None = None

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
    return session_in(open_place(project, load_policy(project.config), world), file, loaded)


def session_in(place: Place, file: Path, loaded: LoadedIntent) -> Session:
    """One intent in a project that was opened.

    Raises:
        TrustError: the trust root does not know the agent, or a record of the ledger does not verify.
    """
    agent = loaded.intent.metadata.id
    place.anchor.root.agent(agent)
    history = read_history(place.ledger.entries, place.anchor.roots, agent, place.world.now)
    return Session(
        place.world,
        place.project,
        file,
        loaded,
        place.anchor,
        place.policy,
        place.objects,
        place.ledger,
        history,
        place.inbox.of(agent),
        place.notes,
    )


def reopen(session: Session) -> Session:
    """The same command on what is there now: trust root, inbox, ledger, the time.

    The intent and the bundle are not read again.

    Raises:
        BspecError: as :func:`open_session`.
    """
    place = open_place(session.project, session.policy, session.world.later())
    return replace(session_in(place, session.file, session.loaded), rollback=session.rollback)


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
    world = session.world.later()
    now = open_anchor(session.project, find_pin(world.pin, world.environ), world.now)
    if now.root.digest != session.anchor.root.digest:
        raise NEWER_ROOT.error(f"trust root version {now.root.version} is there now", hint="run it again")
