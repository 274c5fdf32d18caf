"""Making a head statement from a ledger that this machine can vouch for, and reading one."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from bspec_opa.foundation.errors import BspecError, Location
from bspec_opa.foundation.files import make_directory, read_bounded, write_atomic
from bspec_opa.foundation.limits import MAX_DOCUMENT_BYTES
from bspec_opa.foundation.times import parse_duration
from bspec_opa.ledger.statements import Stated
from bspec_opa.trust.currency.demand import DEFAULT_LIFETIME_S
from bspec_opa.trust.currency.reasons import HEAD_LIFETIME, NO_HEAD_KEYS, OLDER_ROOT, UNREMEMBERED
from bspec_opa.trust.currency.statement import HeadStatement, past_head, require_head_key, sign_head
from bspec_opa.workflow.checkout.keys import signer_for
from bspec_opa.workflow.checkout.memory import recall, remember_current, remember_statement, still_good
from bspec_opa.workflow.checkout.place import Authentic, authentic_ledger, open_store, read_ledger
from bspec_opa.workflow.checkout.project import find_project
from bspec_opa.workflow.currency.demanding import Given, require_current, require_descends
from bspec_opa.workflow.currency.heads import heads_of
from bspec_opa.workflow.witness.cosigning import require_witnessed

if TYPE_CHECKING:
    from pathlib import Path

    from bspec_opa.ledger.interface import LedgerState
    from bspec_opa.trust.signers import Signer
    from bspec_opa.workflow.checkout.anchor import Anchor
    from bspec_opa.workflow.checkout.session import Session
    from bspec_opa.workflow.checkout.world import World


@dataclass(frozen=True, slots=True)
class Made:
    """A statement that counts.

    Attributes:
        statement: what it says.
        file: where it is.
        written: whether it was made just now.
        tree_size: entries of the ledger here.
        notes: what was not checked, one line each.
    """

    statement: HeadStatement
    file: Path
    written: bool
    tree_size: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a statement is to be like.

    Attributes:
        file: where it is written; the project's own place by default.
        key: the head key; the configuration's by default.
        valid_for: how long it holds, ``PT<n>H`` or ``P<n>D``; an hour, or what the root allows, by default.
        begin: whether this machine may vouch for a ledger that it has never seen before.
    """

    file: Path | None = None
    key: str | None = None
    valid_for: str | None = None
    begin: bool = False


def state_head(directory: Path, world: World, wanted: Wanted) -> Made:
    """Say what is current: the verified ledger of a project, witnessed where that is demanded.

    Raises:
        TrustError: the ledger does not verify or is older than what was seen, nothing is remembered of it, or the key
            may not sign this.
        UsageError: no key, or a duration that is none.
        StoreError: the statement, or what is remembered, can't be written.
    """
    project = find_project(directory, world.environ, world.flags)
    opened = authentic_ledger(project, world)
    anchor, ledger, world = opened.anchor, opened.ledger, opened.world
    root = anchor.root
    if root.currency is None:
        raise NO_HEAD_KEYS.error("the trust root names no head keys", hint=NO_HEAD_KEYS.remedy)
    signer = signer_for("head", wanted.key, project.config, world.environ)
    require_head_key(signer, root)
    if ledger.checkpoint is not None:  # of one that nobody has written yet there is nothing to cosign
        require_witnessed(root, ledger, world.now)
    if not wanted.begin:
        _require_seen(anchor, ledger, world)
    ledger = remember_current(anchor, ledger, partial(read_ledger, project, anchor), world.environ)
    return _made(replace(opened, ledger=ledger), signer, wanted.file or project.head_file, wanted.valid_for)


def refresh_head(session: Session, signer: Signer) -> Made:
    """Say what is current after a promotion, which has verified and remembered everything already.

    Raises:
        BspecError: as :func:`state_head`.
    """
    anchor, project = session.anchor, session.project
    ledger = open_store(project, anchor).read()
    opened = Authentic(anchor, ledger, session.world.caught_up(ledger), ())
    return _made(opened, signer, project.head_file, None)


def check_head(file: Path, directory: Path, world: World, *, remember: bool = True) -> Made:
    """Read a statement and hold it against the project's ledger and trust root, with the lines of all agents.

    Raises:
        TrustError: it doesn't count now, or something here is older or another.
        InvalidInputError: it can't be read.
    """
    project = find_project(directory, world.environ, world.flags)
    data = read_bounded(file, MAX_DOCUMENT_BYTES) if os.path.lexists(file) else None
    given = Given(file, data, named=True)
    opened = authentic_ledger(project, world)
    found = (opened.anchor, opened.ledger, opened.world)
    shown = require_current(given, *found, environments=(), agents=None, remember=remember)
    assert shown.statement is not None  # noqa: S101 - one was given
    return Made(shown.statement, file, written=False, tree_size=opened.ledger.size, notes=opened.notes + shown.notes)


def _require_seen(anchor: Anchor, ledger: LedgerState, world: World) -> None:
    """Whoever has seen nothing could be shown anything, and would put a fresh date on an old copy (attack A78)."""
    known = recall(anchor, world.environ)
    if known is None or (known.tree_size == 0 and ledger.size > 0):
        raise UNREMEMBERED.error(
            f"this machine has not seen the ledger {ledger.origin} before", hint=UNREMEMBERED.remedy
        )


def _made(opened: Authentic, signer: Signer, file: Path, valid_for: str | None) -> Made:
    """Sign, write and remember a statement; what it replaces must not say more than it."""
    anchor, ledger, world = opened.anchor, opened.ledger, opened.world
    root = anchor.root
    _require_after(file, anchor, ledger)
    statement = HeadStatement(
        domain=root.domain,
        origin=ledger.origin,
        tree_size=ledger.size,
        root_hash=ledger.root_hash,
        root_version=root.version,
        root_digest=root.digest,
        heads=heads_of(ledger.entries, anchor.roots, world.now),
        issued_unix=world.now,
        expires_unix=world.now + _lifetime(anchor, valid_for),
    )
    data = sign_head(statement, anchor.roots, signer)
    make_directory(file.parent)
    write_atomic(file, data)
    # Afterwards: a statement that could not be written must not make the one before an old one.
    remember_statement(anchor, Stated(root.version, ledger.size, signer.keyid), world.environ)
    return Made(statement, file, written=True, tree_size=ledger.size)


def _lifetime(anchor: Anchor, valid_for: str | None) -> int:
    assert anchor.root.currency is not None  # noqa: S101 - the key is a head key
    most = anchor.root.currency.max_lifetime_s
    if valid_for is None:
        return min(DEFAULT_LIFETIME_S, most)
    asked = parse_duration(valid_for)
    if not 0 < asked <= most:
        raise HEAD_LIFETIME.error(f"{valid_for} is {asked} s; the trust root allows {most} s", hint="ask for less")
    return asked


def _require_after(file: Path, anchor: Anchor, ledger: LedgerState) -> None:
    """The statement that is there, expired or not, is of no other and no larger ledger.

    One that does not count, such as that of a former key, says nothing.
    """
    if not os.path.lexists(file):
        return
    try:
        before = past_head(read_bounded(file, MAX_DOCUMENT_BYTES), str(file), anchor.roots)
    except BspecError as e:
        if e.code == OLDER_ROOT.code:
            raise
        return
    if still_good(anchor, before.root_version, before.tree_size) == before.tree_size:
        require_descends(before, ledger, Location(str(file)))
