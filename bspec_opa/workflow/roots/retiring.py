"""From which place in the ledger on a revocation holds, and whether a key that is retired has really fallen silent."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from bspec_opa.foundation.digest import Digest, is_digest
from bspec_opa.foundation.errors import BspecError
from bspec_opa.foundation.limits import INTEGER_LIMIT
from bspec_opa.ledger.interface import LedgerState, require_descent
from bspec_opa.trust.currency.demand import HEAD_PURPOSE
from bspec_opa.trust.revocation import COMPROMISED, KEY, RECORD, RETIRED, Revocation, TreeHead
from bspec_opa.trust.rotation import ROOT
from bspec_opa.workflow.checkout import place
from bspec_opa.workflow.checkout.anchor import Anchor
from bspec_opa.workflow.facts.heads import LINE_TYPES, line_in
from bspec_opa.workflow.reasons import BAD_LAST_GOOD, RETIRED_IN_USE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bspec_opa.trust.root import TrustRoot
    from bspec_opa.workflow.checkout.project import Project

NEVER = "none"
_PLACE = re.compile(r"(0|[1-9][0-9]{0,14})(?::(.+))?\Z")
_HINT = "write SIZE:ROOT as a trusted checkpoint or record has it, SIZE for the present ledger's root, or none"


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks to be revoked.

    Attributes:
        identifier: a key's 64 digits, a record's digest or a lock line's.
        reason: for people.
        mode: ``retired`` or ``compromised``.
        last_good: what ``--last-good`` says; None where it wasn't given.
    """

    identifier: str
    reason: str
    mode: str
    last_good: str | None = None


def revocation_of(wish: Wish, project: Project, roots: Sequence[TrustRoot]) -> Revocation:
    """The revocation with its place in the ledger.

    A root key or a head key signs no entries, so its revocation needs no place: it counts no more from the next
    version on.

    Raises:
        UsageError: the place is not said, or isn't one.
        TrustError: the present ledger is asked for and doesn't verify.
    """
    kind = RECORD if is_digest(wish.identifier) else KEY
    if kind == RECORD:
        wish = replace(wish, identifier=_record_named(wish.identifier, project, roots))
    known = roots[-1].keys.get(wish.identifier)
    if wish.last_good == NEVER or (known is not None and known.purpose in {ROOT, HEAD_PURPOSE}):
        if wish.last_good == NEVER and wish.mode == RETIRED:
            raise BAD_LAST_GOOD.error("a key that is retired was good until now", hint="leave --last-good out")
        return Revocation(kind, wish.identifier, wish.reason)
    if wish.last_good is None and wish.mode == COMPROMISED:
        message = "of something compromised, it must be said until when it was good"
        raise BAD_LAST_GOOD.error(message, hint=f"--last-good: {_HINT}")
    place = _place(wish.last_good, project, roots)
    return Revocation(kind, wish.identifier, wish.reason, wish.mode, place)


def _record_named(digest: str, project: Project, roots: Sequence[TrustRoot]) -> str:
    """The record of a lock line that is named by the line's digest, as every other verb names it; else what was named.

    A root revokes records. Under the digest of a line it would revoke nothing, and look as if it did.
    """
    try:
        return _records_of_lines(present_ledger(project, roots)).get(digest, digest)
    except BspecError:
        return digest


def _records_of_lines(ledger: LedgerState) -> dict[str, str]:
    """The record of each lock line of a ledger, by the digest of the line."""
    lines = (e for e in ledger.entries if e.kind in LINE_TYPES)
    return {line_in(e): e.record_id for e in lines}


def _place(text: str | None, project: Project, roots: Sequence[TrustRoot]) -> TreeHead:
    match = _PLACE.match(text) if text is not None else None
    if text is not None and (match is None or int(match[1]) >= INTEGER_LIMIT):
        raise BAD_LAST_GOOD.error(f"{text[:80]!r} is no tree head", hint=_HINT)
    if match is not None and match[2] is not None:
        if not is_digest(match[2]):
            raise BAD_LAST_GOOD.error(f"{match[2][:80]!r} is no root hash", hint="write sha256: and 64 digits")
        return TreeHead(int(match[1]), Digest(match[2]))
    ledger = present_ledger(project, roots)
    size = ledger.size if match is None else int(match[1])
    if size > ledger.size:
        raise BAD_LAST_GOOD.error(f"the ledger has {ledger.size} entries, not {size}", hint=_HINT)
    return TreeHead(size, ledger.root_at(size))


def present_ledger(project: Project, roots: Sequence[TrustRoot]) -> LedgerState:
    """The ledger as the newest of these versions verifies it.

    Raises:
        TrustError: it doesn't verify.
    """
    return place.present_ledger(project, Anchor(tuple(roots), authenticated=True, starter=False, notes=()))


def place_notes(project: Project, roots: Sequence[TrustRoot], root: TrustRoot) -> tuple[str, ...]:
    """What the present ledger has to say about revocations that a version adds; it may be the thief's, so no more.

    Args:
        project: holds the ledger.
        roots: the versions so far.
        root: the new version.
    """
    fresh = [r for r in root.revoked if r not in roots[-1].revoked]
    if not fresh:
        return ()
    try:
        ledger = present_ledger(project, roots)
    except BspecError as e:
        return (f"the present ledger does not verify: {e.problems[0].message}",)
    heads = {r.last_good for r in fresh if r.last_good is not None}
    known = ledger.record_ids()
    other = [h for h in heads if h.tree_size > ledger.size or ledger.root_at(h.tree_size) != h.root_hash]
    notes = [f"the present ledger has another tree at {h.tree_size} entries: it will be refused" for h in other]
    lines = _records_of_lines(ledger)
    unknown = [r.id for r in fresh if r.kind == RECORD and r.id not in known]
    for i in unknown:
        if i in lines:
            notes.append(f"{i[:19]}… is a line, not a record, so nothing is revoked: write its record, {lines[i]}")
        else:
            notes.append(f"the present ledger has no record {i[:19]}…: nothing there is revoked")
    return tuple(notes)


def require_unused(project: Project, roots: Sequence[TrustRoot], root: TrustRoot) -> None:
    """Demand that no key signed anything after the place from which a new version retires it.

    What it signed since the version was drafted would be void, by mistake: so the key falls silent first.

    Args:
        project: holds the ledger.
        roots: the versions so far.
        root: the new version.

    Raises:
        TrustError: an entry after that place was signed by such a key, or the ledger doesn't have the place.
    """
    known = set(roots[-1].revoked) if roots else set()
    fresh = [r for r in root.revoked if r.mode == RETIRED and r not in known]
    if not fresh or not roots:
        return
    ledger = present_ledger(project, roots)
    for revocation in fresh:
        head = cast("TreeHead", revocation.last_good)
        require_descent(ledger, head.tree_size, head.root_hash)
        _require_silent(revocation, head, ledger, root)


def _require_silent(revocation: Revocation, head: TreeHead, ledger: LedgerState, root: TrustRoot) -> None:
    hint = "let the key sign nothing more, and draft the retirement again"
    for entry in ledger.entries[head.tree_size :]:
        signatures = cast("list[dict[str, str]]", entry.body["signatures"])
        if revocation.kind == KEY and any(s["keyid"] == revocation.id for s in signatures):
            message = f"key {revocation.id[:12]} has signed ledger entry {entry.seq} since it was to be retired"
            raise RETIRED_IN_USE.error(message, hint=hint)
    if revocation.id in root.ledger.keys and ledger.size > head.tree_size and ledger.checkpoint is not None:
        able = root.checkpoint_keys()
        if not ledger.checkpoint.signed_by_any(able):
            message = f"key {revocation.id[:12]} has signed the ledger's checkpoint since it was to be retired"
            raise RETIRED_IN_USE.error(message, hint=hint)
