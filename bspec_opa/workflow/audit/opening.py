"""Opens a project to read its record: from the pin on, the whole ledger verified, nothing believed of the checkout."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bspec_opa.foundation.errors import TrustError
from bspec_opa.foundation.suggest import did_you_mean
from bspec_opa.ledger.objects import ObjectStore
from bspec_opa.workflow.audit.reasons import NO_LEDGER, UNKNOWN_AGENT, UNKNOWN_ENVIRONMENT
from bspec_opa.workflow.audit.sequenced import agents_in
from bspec_opa.workflow.checkout.place import authentic_ledger
from bspec_opa.workflow.checkout.project import find_project
from bspec_opa.workflow.witness.cosigning import require_witnessed

if TYPE_CHECKING:
    from pathlib import Path

    from bspec_opa.ledger.interface import LedgerState
    from bspec_opa.workflow.checkout.anchor import Anchor
    from bspec_opa.workflow.checkout.project import Project
    from bspec_opa.workflow.checkout.world import World


@dataclass(frozen=True, slots=True)
class Opened:
    """A project's record.

    Attributes:
        project: its places.
        anchor: every version of the trust root, from the pin on.
        ledger: verified.
        objects: exact documents by their digest.
        world: at a time when the ledger was as it is here.
        notes: what was not checked, one line each.
    """

    project: Project
    anchor: Anchor
    ledger: LedgerState
    objects: ObjectStore
    world: World
    notes: tuple[str, ...]


Opening = Callable[["Path", "World"], Opened]
"""Reads and verifies the record in a directory: a project's, or a pack's."""


def open_record(directory: Path, world: World) -> Opened:
    """The record of the project that a directory belongs to.

    Raises:
        UsageError: there is no ledger.
        TrustError: there is no pin, or something does not verify.
    """
    project = find_project(directory, world.environ, world.flags)
    found = authentic_ledger(project, world)
    anchor, ledger, world = found.anchor, found.ledger, found.world
    if not ledger.entries:
        raise NO_LEDGER.error("there is no ledger here", hint="run it in the project, or give --ledger-path")
    notes = (*found.notes, *_unwitnessed(anchor, ledger, world.now))
    return Opened(project, anchor, ledger, ObjectStore(project.objects_directory), world, notes)


def _unwitnessed(anchor: Anchor, ledger: LedgerState, now: int) -> tuple[str, ...]:
    """That it may be an old record: what it says of the past is proven all the same, so it is read."""
    try:
        require_witnessed(anchor.root, ledger, now)
    except TrustError as e:
        return (f"the newest entries may be missing: {e.problems[0].message}",)
    return ()


def require_agent(opened: Opened, agent: str) -> None:
    """Demand that the trust root or the ledger knows an agent.

    Raises:
        InvalidInputError: neither does; the hint has the nearest name.
    """
    known = sorted({*agents_in(opened.ledger.entries), *(a.id for r in opened.anchor.roots for a in r.agents)})
    if agent not in known:
        raise UNKNOWN_AGENT.error(
            f'no agent "{agent[:80]}" in the trust root or the ledger', hint=did_you_mean(agent, known)
        )


def require_environment(opened: Opened, environment: str) -> None:
    """Demand that some version of the trust root declares an environment.

    Raises:
        InvalidInputError: none does; the hint has the nearest name.
    """
    known = sorted({e.id for r in opened.anchor.roots for e in r.environments})
    if environment not in known:
        message = f'no environment "{environment[:80]}" in any version of the trust root'
        raise UNKNOWN_ENVIRONMENT.error(message, hint=did_you_mean(environment, known))
