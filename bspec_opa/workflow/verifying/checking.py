"""Verifying a lock file in its project, and comparing what is deployed with it."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from bspec_opa.foundation.document.load import load_document
from bspec_opa.foundation.errors import InvalidInputError, Location, StoreError
from bspec_opa.foundation.files import read_bounded
from bspec_opa.foundation.limits import MAX_DOCUMENT_BYTES
from bspec_opa.ledger.interface import require_clock
from bspec_opa.ledger.objects import ObjectStore
from bspec_opa.lock.chain import load_lock
from bspec_opa.workflow.checkout.anchor import find_pin, open_anchor, require_pin
from bspec_opa.workflow.checkout.inbox import read_inbox
from bspec_opa.workflow.checkout.memory import check_current, remember_current
from bspec_opa.workflow.checkout.place import read_ledger
from bspec_opa.workflow.checkout.project import find_project, intent_beside
from bspec_opa.workflow.currency.demanding import load_head, require_current
from bspec_opa.workflow.facts.withdrawing import TYPES
from bspec_opa.workflow.reasons import NO_LOCK, OTHER_AGENT
from bspec_opa.workflow.verifying.deployed import compare_deployed, read_deployed
from bspec_opa.workflow.verifying.verified import Verification, require_standing_lines
from bspec_opa.workflow.verifying.verify import Evidence, verify_lock
from bspec_opa.workflow.witness.cosigning import require_witnessed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bspec_opa.ledger.interface import LedgerState
    from bspec_opa.trust.authority import Record
    from bspec_opa.workflow.checkout.anchor import Anchor
    from bspec_opa.workflow.checkout.project import Project
    from bspec_opa.workflow.checkout.world import World
    from bspec_opa.workflow.currency.demanding import Given, Shown


def verify_file(
    lock: Path, world: World, deployed: Path | None, environment: str = "", *, to_deploy: bool = True
) -> Verification:
    """Verify a lock file and, where it is given, what is deployed.

    Args:
        lock: the file.
        world: environment, time and flags.
        deployed: what somebody says runs.
        environment: where it runs, whatever that file says; any if empty.
        to_deploy: whether a current line that was withdrawn is refused, or only marked.

    Raises:
        TrustError: with the one reason; what is current was revoked, or the agent retired.
        InvalidInputError: there is no lock, or the deployed file has another form.
    """
    pin = require_pin(find_pin(world.pin, world.environ))
    report = read_deployed(deployed) if deployed is not None else None
    project = find_project(lock, world.environ, world.flags)
    anchor = open_anchor(project, pin, world.now)
    loaded, head = _loaded(lock), load_head(project)
    read = partial(read_ledger, project, anchor)
    ledger, notes = check_current(anchor, read(), read, world.environ)
    verification = _verified(loaded, project, anchor, ledger, world)
    shown = _shown(head, verification, anchor, ledger, world)
    notes = (*notes, *verification.notes, *shown.notes, *_remembered(anchor, ledger, read, world))
    verification = replace(verification, shown=shown, notes=notes)
    if report is None:
        if to_deploy:
            require_standing_lines(verification, str(lock))
        return verification
    compare_deployed(verification, report, environment)
    return replace(verification, deployed=str(deployed))


def _shown(head: Given, verification: Verification, anchor: Anchor, ledger: LedgerState, world: World) -> Shown:
    """That the lock is current, as it is demanded of any environment that it has a line for."""
    environments = {v.environment for v in verification.lines}
    opened = (anchor, ledger, world.caught_up(ledger))
    return require_current(head, *opened, environments=environments, agents=(verification.agent,))


def examine_lock(lock: Path, project: Project, anchor: Anchor, world: World) -> Verification:
    """Verify a lock file in a project that was opened; nothing is written.

    Raises:
        TrustError: with the one reason.
        InvalidInputError: there is no lock.
    """
    loaded = _loaded(lock)
    return _verified(loaded, project, anchor, read_ledger(project, anchor), world)


class _Lock(NamedTuple):
    """A lock file with its bytes; always read ahead of the ledger, which has each line first."""

    path: Path
    data: bytes


def _loaded(lock: Path) -> _Lock:
    data = load_lock(lock)
    if not data:
        raise NO_LOCK.error("there is no line here", hint="promote first, or name the lock", at=Location(str(lock)))
    return _Lock(lock, data)


def _verified(lock: _Lock, project: Project, anchor: Anchor, ledger: LedgerState, world: World) -> Verification:
    world = world.caught_up(ledger)
    require_clock(ledger, world.now)
    require_witnessed(anchor.root, ledger, world.now)
    evidence = Evidence(anchor.roots, ledger, ObjectStore(project.objects_directory), world.environ, world.now)
    inbox, notes = _withdrawing(project, anchor, world)
    verification = verify_lock(lock.data, str(lock.path), evidence, notes, inbox=inbox)
    require_own(verification, intent_beside(lock.path))
    return verification


def _withdrawing(project: Project, anchor: Anchor, world: World) -> tuple[tuple[Record, ...], tuple[str, ...]]:
    """What lies in the inbox and may withdraw what is verified once it is recorded; who fills that stops nobody."""
    try:
        found = read_inbox(project.records_directories, anchor.roots, world.now, required=False, kinds=sorted(TYPES))
    except (InvalidInputError, StoreError) as e:
        return (), (f"the inbox was not looked at for revocations: {e.problems[0].message}",)
    return found.records, ()


def _remembered(anchor: Anchor, ledger: LedgerState, read: Callable[[], LedgerState], world: World) -> tuple[str, ...]:
    """Remember what was seen, so that an older ledger or root is told next time; a machine that can't, says so."""
    try:
        remember_current(anchor, ledger, read, world.environ)
    except StoreError as e:
        return (f"this ledger could not be remembered: {e.problems[0].message}",)
    return ()


def require_own(verification: Verification, intent: Path) -> None:
    """Demand that a lock is of the agent whose intent lies beside it; without an intent there is nothing to demand.

    Of the intent only the id is read: it may have been edited since, and be wrong for the moment.

    Raises:
        TrustError: the intent is another agent's.
        InvalidInputError: the intent is no document.
    """
    if not os.path.lexists(intent):
        return
    document = load_document(read_bounded(intent, MAX_DOCUMENT_BYTES), str(intent))
    metadata = document.value.get("metadata") if isinstance(document.value, dict) else None
    agent = metadata.get("id") if isinstance(metadata, dict) else None
    if agent != verification.agent:
        raise OTHER_AGENT.error(
            f"the intent is of {str(agent)[:60]!r}, the lock beside it of {verification.agent}",
            hint="name the lock of this agent",
            at=document.locate("/metadata/id"),
        )
