"""Revoking a lock line or a record: from its ledger entry on nothing may rest on it any more."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, cast

from bspec_opa.foundation.errors import BspecError
from bspec_opa.foundation.files import is_regular, read_bounded
from bspec_opa.foundation.limits import MAX_DOCUMENT_BYTES
from bspec_opa.trust.predicates import check_predicate
from bspec_opa.trust.statement import Subject, parse_statement
from bspec_opa.trust.withdrawal import COMPROMISED_MODE, RECORD_SUBJECT, RETIREMENT, REVOCABLE, REVOCATION
from bspec_opa.workflow.checkout.inbox import read_inbox
from bspec_opa.workflow.checkout.signing import Maker
from bspec_opa.workflow.facts.claims import agent_of_entry
from bspec_opa.workflow.facts.heads import LINE_TYPES, line_in
from bspec_opa.workflow.facts.reading import read_history
from bspec_opa.workflow.facts.withdrawing import (
    require_no_emergency,
    require_revocable,
    restricts,
)
from bspec_opa.workflow.life.reasons import ALREADY, IS_KEY, NO_TARGET, NOT_REVOCABLE
from bspec_opa.workflow.life.recording import UNRECORDED, put

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.foundation.digest import Digest
    from bspec_opa.ledger.entry import Entry
    from bspec_opa.trust.signers import Signer
    from bspec_opa.workflow.life.recording import Opened, Put

_ENTRY = re.compile(r"entry:([0-9]{1,15})\Z")
_DIGITS = re.compile(r"(?:sha256:)?([0-9a-f]{12,64})\Z")


@dataclass(frozen=True, slots=True)
class Target:
    """What is revoked.

    Attributes:
        type: such as ``approval`` or ``promotion``.
        id: the record's.
        line: the digest of a lock line, else empty.
        entry: of the ledger; -1 of a record in the inbox.
        agent: whose.
        environment: where; empty of a submit.
        predicate: what the record says.
    """

    type: str
    id: Digest
    line: str
    entry: int
    agent: str
    environment: str
    predicate: JsonObject


@dataclass(frozen=True, slots=True)
class Revoked:
    """A revocation that was signed.

    Attributes:
        target: what it names.
        mode: ``retired`` or ``compromised``.
        put: the record, and whether it is in force.
    """

    target: Target
    mode: str
    put: Put


def find_target(opened: Opened, text: str) -> Target:
    """The lock line or record that somebody names: by ``entry:N``, or by digest or id, or 12 digits of it.

    Raises:
        UsageError: there is none, or it is a key.
        TrustError: it is nothing that a record can revoke.
    """
    # What the ledger has counts with its place, also where the inbox has it, too.
    several = {t.id: t for t in reversed([*_targets(opened, text)])}
    if len(several) > 1:
        message = f"{len(several)} lines or records begin with {text[:80]}"
        raise NO_TARGET.error(message, hint="write more of its digits; bspec-opa history prints them")
    found = next(iter(several.values()), None)
    if found is None:
        _require_no_key(opened, text)
        hint = "name a lock line's digest, a record's id or entry:N; bspec-opa history prints them"
        raise NO_TARGET.error(f"neither the ledger nor the inbox has {text[:80]!r}", hint=hint)
    if found.type in {REVOCATION, RETIREMENT}:
        message = f"a {found.type} can't be revoked: what it ended stays so"
        raise NOT_REVOCABLE.error(message, hint="sign or promote again what was ended in error")
    if found.type not in REVOCABLE:
        raise NOT_REVOCABLE.error(f"a {found.type} can't be revoked: nothing rests on it")
    if restricts(found.type, found.predicate):
        what = "a reject" if found.type == "approval" else "a run in which something failed"
        raise NOT_REVOCABLE.error(
            f"{what} can't be revoked by one person: more would be allowed without it",
            hint=f"the root keys can: bspec-opa trust revoke {found.id} --reason … --mode compromised --last-good SIZE",
        )
    return found


def _require_no_key(opened: Opened, text: str) -> None:
    digits = _DIGITS.match(text)
    known = [k for root in opened.anchor.roots for k in root.keys]
    if (digits and any(k.startswith(digits[1]) for k in known)) or _is_pem(Path(text)):
        command = f"bspec-opa trust revoke {quote(text)} --reason … --mode compromised --last-good SIZE"
        hint = f"run {command}, or --mode retired if nobody else has it"
        raise IS_KEY.error(f"{text[:80]!r} is a key", hint=hint)


def _is_pem(path: Path) -> bool:
    try:
        return is_regular(path) and read_bounded(path, MAX_DOCUMENT_BYTES).startswith(b"-----BEGIN")
    except BspecError:
        return False


def _targets(opened: Opened, text: str) -> Iterator[Target]:
    place, digits = _ENTRY.match(text), _DIGITS.match(text)
    wanted = f"sha256:{digits[1]}" if digits else ""
    for entry in opened.ledger.entries:
        line = line_in(entry) if entry.kind in LINE_TYPES else ""
        named = wanted and any(name.startswith(wanted) for name in (entry.record_id, line))
        if (place and int(place[1]) == entry.seq) or named:
            yield _target(entry, line)
    if wanted:
        project, anchor = opened.project, opened.anchor
        inbox = read_inbox(project.records_directories, anchor.roots, opened.world.now, required=False)
        for r in inbox.records:
            if r.id.startswith(wanted):
                yield Target(r.type, r.id, "", UNRECORDED, r.agent, r.environment or "", r.predicate)


def _target(entry: Entry, line: str) -> Target:
    predicate = parse_statement(base64.b64decode(cast("str", entry.body["payload"]))).predicate
    check_predicate(entry.kind, predicate, f"ledger entry {entry.seq}")
    agent, environment = str(predicate["agent"]), str(predicate.get("environment", ""))
    return Target(entry.kind, entry.record_id, line, entry.seq, agent, environment, predicate)


def revoke(opened: Opened, target: Target, mode: str, reason: str, keys: tuple[Signer, Signer | None]) -> Revoked:
    """Sign a revocation and, with the ledger's key, put it in force at once.

    Args:
        opened: the project.
        target: what is revoked.
        mode: ``retired``: what was decided on it stays; ``compromised``: that is void, too, from its own place on.
        reason: for people.
        keys: the revoker's, and the ledger's or None.

    Raises:
        UsageError: it is revoked already.
        TrustError: the signer is no revoker there.
        StoreError: it can't be written.
    """
    _require_new(opened, target, mode)
    if mode == COMPROMISED_MODE and target.entry != UNRECORDED:
        require_no_emergency(target.entry, (e for e in opened.ledger.entries if agent_of_entry(e) == target.agent))
    own: JsonObject = {"environment": target.environment, "type": target.type, "mode": mode, "reason": reason}
    maker = Maker(opened.anchor, target.agent, opened.world.now)
    record = maker.make(REVOCATION, [Subject(RECORD_SUBJECT, target.id)], own, keys[0])
    require_revocable(record.predicate, target.type, target.predicate)
    (done,) = put(opened, [record], keys[1])
    return Revoked(target, mode, done)


def _require_new(opened: Opened, target: Target, mode: str) -> None:
    """What was retired can still be called compromised; nothing else is left to revoke."""
    roots, entries = opened.anchor.roots, opened.ledger.entries
    known = read_history(entries, roots, target.agent, opened.world.now).withdrawals.revoked.get(target.id)
    if known is not None and (known.compromised or mode != COMPROMISED_MODE):
        raise ALREADY.error(f"the {target.type} was {known.said}")
