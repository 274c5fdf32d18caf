"""Demanding a fresh head statement from whoever relies on the ledger: promote, and verify.

A statement is demanded where the trust root says so, and wherever somebody names one: an old trust root that knows no
such demand must not be able to talk its reader out of it (attacks A55, A78).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bspec_opa.foundation.errors import Location, StoreError, TrustError
from bspec_opa.foundation.files import read_bounded
from bspec_opa.foundation.limits import MAX_DOCUMENT_BYTES
from bspec_opa.ledger.interface import require_unmoved
from bspec_opa.ledger.statements import Stated
from bspec_opa.trust.currency.reasons import (
    FORKED_LEDGER,
    NO_HEAD,
    OLDER_HEAD,
    OLDER_LEDGER,
    OLDER_ROOT,
    OTHER_LINES,
)
from bspec_opa.trust.currency.statement import read_head
from bspec_opa.workflow.checkout.memory import recall_statement, remember_statement
from bspec_opa.workflow.checkout.place import read_ledger
from bspec_opa.workflow.currency.heads import heads_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from bspec_opa.ledger.interface import LedgerState
    from bspec_opa.trust.currency.statement import HeadStatement
    from bspec_opa.workflow.checkout.anchor import Anchor
    from bspec_opa.workflow.checkout.project import Project
    from bspec_opa.workflow.checkout.session import Session
    from bspec_opa.workflow.checkout.world import World

HEAD, WITNESSES, NOTHING = "head", "witnesses", "nothing"


@dataclass(frozen=True, slots=True)
class Given:
    """The head statement that there is.

    Attributes:
        path: where it is looked for.
        data: its bytes; None if there is none.
        named: whether somebody has named it, so that there must be one.
    """

    path: Path
    data: bytes | None
    named: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """What shows that the ledger is no old one.

    Attributes:
        by: ``head``, ``witnesses`` or ``nothing``.
        statement: the head statement, if it is that.
        notes: what could not be done about it.
    """

    by: str
    statement: HeadStatement | None = None
    notes: tuple[str, ...] = ()


NOT_SHOWN = Shown(NOTHING)


def load_head(project: Project) -> Given:
    """The project's head statement. Where it is read ahead of the ledger, an honest ledger is no older.

    Raises:
        InvalidInputError: it can't be read.
    """
    path = project.head_file
    data = read_bounded(path, MAX_DOCUMENT_BYTES) if os.path.lexists(path) else None
    return Given(path, data, project.config.path("ledger.head") is not None)


def require_current(
    given: Given,
    anchor: Anchor,
    ledger: LedgerState,
    world: World,
    *,
    environments: Iterable[str],
    agents: Iterable[str] | None,
    remember: bool = True,
) -> Shown:
    """Demand what the trust root demands of whoever relies on the ledger in some environments.

    Args:
        given: the statement that there is.
        anchor: the trust root in force.
        ledger: the verified ledger.
        world: environment and time.
        environments: where it is relied on.
        agents: whose current lines are compared with the statement's; everybody's if None.
        remember: whether the statement is remembered.

    Raises:
        TrustError: the statement is missing, doesn't count now, or says that something here is old or another.
    """
    root = anchor.root
    _require_no_older_than_seen(anchor, ledger, world)
    demanded = root.currency is not None and root.currency.demands(environments)
    if not demanded and not given.named:
        return Shown(NOTHING if root.witnesses is None else WITNESSES)
    if given.data is None:
        raise NO_HEAD.error("there is no head statement", hint=NO_HEAD.remedy, at=Location(str(given.path)))
    statement = read_head(given.data, str(given.path), anchor.roots, _now(world))
    at = Location(str(given.path))
    _require_newest(statement, anchor, world, at)
    notes = _remembered(statement, anchor, world) if remember else ()
    require_descends(statement, ledger, at)
    _require_lines(statement, anchor, ledger, agents, at)
    return Shown(HEAD, statement, notes)


def _remembered(statement: HeadStatement, anchor: Anchor, world: World) -> tuple[str, ...]:
    """Ahead of the comparison with the ledger: an old ledger is refused from now on, with a statement or without."""
    try:
        stated = Stated(statement.root_version, statement.tree_size, statement.keyid)
        remember_statement(anchor, stated, world.environ)
    except StoreError as e:
        return (f"this head statement could not be remembered: {e.problems[0].message}",)
    return ()


def require_session_current(session: Session, environment: str) -> Shown:
    """The same for a promotion, which decides again where another gate has gone on meanwhile.

    Raises:
        TrustError: as :func:`require_current`.
        StoreError: the ledger has gone on since the session was opened.
    """
    given = load_head(session.project)
    opened = (session.anchor, session.ledger, session.world)
    try:
        return require_current(given, *opened, environments=(environment,), agents=(session.agent,))
    except TrustError as e:
        if e.code == OLDER_LEDGER.code:
            require_unmoved(read_ledger(session.project, session.anchor), session.ledger.tip)
        raise


def require_descends(statement: HeadStatement, ledger: LedgerState, at: Location) -> None:
    """Demand that a ledger is the tree of a statement, or goes on from it.

    Raises:
        TrustError: it is smaller, or has another history.
    """
    if ledger.size < statement.tree_size:
        message = f"the head statement is of {statement.tree_size} entries, and the ledger has {ledger.size}"
        raise OLDER_LEDGER.error(message, hint=OLDER_LEDGER.remedy, at=at)
    if ledger.root_at(statement.tree_size) != statement.root_hash:
        message = f"the ledger's first {statement.tree_size} entries are not those of the head statement"
        raise FORKED_LEDGER.error(message, hint=FORKED_LEDGER.remedy, at=at)


def _require_no_older_than_seen(anchor: Anchor, ledger: LedgerState, world: World) -> None:
    """What a fresh statement has once said holds also where none is demanded or given."""
    known = recall_statement(anchor, world.environ)
    if known is None:
        return
    if anchor.root.version < known.root_version:
        message = (
            f"a head statement named trust root version {known.root_version}, and here is version {anchor.root.version}"
        )
        raise OLDER_ROOT.error(message, hint=OLDER_ROOT.remedy)
    if ledger.size < known.tree_size:
        message = f"a head statement was of {known.tree_size} entries, and the ledger has {ledger.size}"
        raise OLDER_LEDGER.error(message, hint=OLDER_LEDGER.remedy)


def _require_newest(statement: HeadStatement, anchor: Anchor, world: World, at: Location) -> None:
    """Demand that it is no older than the newest that was seen, tree and root."""
    known = recall_statement(anchor, world.environ)
    if known is None:
        return
    if statement.tree_size < known.tree_size or statement.root_version < known.root_version:
        message = (
            f"is of {statement.tree_size} entries and trust root version {statement.root_version}; one of "
            f"{known.tree_size} entries and version {known.root_version} was seen before"
        )
        raise OLDER_HEAD.error(message, hint=OLDER_HEAD.remedy, at=at)


def _require_lines(
    statement: HeadStatement, anchor: Anchor, ledger: LedgerState, agents: Iterable[str] | None, at: Location
) -> None:
    """The lines follow from the tree and the root that it names; otherwise one of the two programs is wrong."""
    entries, roots = ledger.entries[: statement.tree_size], anchor.roots[: statement.root_version]
    wanted = None if agents is None else frozenset(agents)
    found = heads_of(entries, roots, statement.issued_unix, wanted)
    said = tuple(h for h in statement.heads if wanted is None or h.agent in wanted)
    if found != said:
        other = min({*found} ^ {*said})
        message = f"the current line of {other.agent} in {other.environment} is another than the ledger has"
        raise OTHER_LINES.error(message, hint=OTHER_LINES.remedy, at=at)


def _now(world: World) -> int:
    return max(world.now, world.clock()) if world.clock else world.now
