"""Drafts of a trust root and whole chains, for people and as ``bspec.trust-draft/v1`` and ``bspec.trust-chain/v1``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.times import format_time, shown_age
from bspec_opa.report.decision.text import next_lines
from bspec_opa.report.writing.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.report.writing.style import Style
    from bspec_opa.trust.difference import Difference
    from bspec_opa.trust.quorum import Holder, Quorum
    from bspec_opa.trust.revocation import Revocation
    from bspec_opa.trust.root import TrustRoot
    from bspec_opa.workflow.roots.chaining import Chain, Link
    from bspec_opa.workflow.roots.restarting import Restarted
    from bspec_opa.workflow.roots.rotating import Drafted

_MARKS = {"added": ("+", "green"), "removed": ("-", "red"), "changed": ("~", "yellow")}
SHORT_VALIDITY_S = 30 * 86_400


def draft_text(drafted: Drafted, now: int, style: Style) -> str:
    """What changes, who has signed, who still must, and what comes next."""
    draft, root = drafted.draft, drafted.draft.root
    word = "COMPLETE" if draft.complete else "UNSIGNED" if not draft.envelope.signatures else "INCOMPLETE"
    lines = [
        f"{style.mark(word, 'bold')}  trust root of {root.domain}, version {root.version}",
        f"  digest    {root.digest}",
        f"  file      {printable(str(drafted.file))}",
        f"  valid     {format_time(root.issued_unix)} to {format_time(root.expires_unix)}",
        *_differences(drafted.differences, style),
    ]
    lines += [f"  signed    {', '.join(drafted.signed_now)}, just now"] if drafted.signed_now else []
    lines += [f"  {_needs(q)}" for q in draft.quorums]
    lines += [f"  note      {note}" for note in notes_on(drafted, now)]
    return "\n".join([*lines, *next_lines(_next(drafted))]) + "\n"


def draft_json(drafted: Drafted, now: int) -> JsonObject:
    """A draft as ``bspec.trust-draft/v1``."""
    draft, root = drafted.draft, drafted.draft.root
    return {
        "schema": "bspec.trust-draft/v1",
        "exit_code": 0,
        "domain": root.domain,
        "version": root.version,
        "digest": root.digest,
        "pin": drafted.pin,
        "issued": format_time(root.issued_unix),
        "expires": format_time(root.expires_unix),
        "file": str(drafted.file),
        "complete": draft.complete,
        "signed_now": [*drafted.signed_now],
        "differences": [_difference_json(d) for d in drafted.differences],
        "quorums": [_quorum_json(q) for q in draft.quorums],
        "notes": [*notes_on(drafted, now)],
        "next": [*_next(drafted)],
    }


def chain_text(chain: Chain, now: int, style: Style) -> str:
    """Every version with whose signatures made it one."""
    root = chain.root
    lines = [f"{style.mark('VERIFIED', 'bold', 'green')}  trust root of {root.domain}, version {root.version}"]
    for link in chain.links:
        lines += _link_lines(link, style)
    lines.append(f"  pin       {chain.pin}")
    lines.append(f"  expires   {format_time(root.expires_unix)}, in {shown_age(root.expires_unix - now)}")
    lines += [f"  revoked   {_revoked(r)}" for r in root.revoked]
    lines += [f"  note      {note}" for note in (*chain.notes, *_soon(root, now))]
    return "\n".join(lines) + "\n"


def chain_json(chain: Chain, now: int) -> JsonObject:
    """A chain as ``bspec.trust-chain/v1``."""
    root = chain.root
    return {
        "schema": "bspec.trust-chain/v1",
        "exit_code": 0,
        "domain": root.domain,
        "version": root.version,
        "digest": root.digest,
        "pin": chain.pin,
        "expires": format_time(root.expires_unix),
        "versions": [_link_json(link) for link in chain.links],
        "revoked": [_revocation_json(r) for r in root.revoked],
        "notes": [*chain.notes, *_soon(root, now)],
    }


def restart_text(done: Restarted, style: Style) -> str:
    """Where the ledger goes on from, and where the rest is."""
    head = done.head
    lines = [
        f"{style.mark('RESTARTED', 'bold')}  ledger {done.origin} at {head.tree_size} entries",
        f"  root      {head.root_hash}",
    ]
    lines += [f"  aside     {printable(str(done.aside))}: what came after, signed by nobody"] if done.aside else []
    return "\n".join([*lines, *next_lines(["bspec-opa verify"])]) + "\n"


def restart_json(done: Restarted) -> JsonObject:
    """A restart as ``bspec.ledger-restart/v1``."""
    return {
        "schema": "bspec.ledger-restart/v1",
        "exit_code": 0,
        "origin": done.origin,
        "tree_size": done.head.tree_size,
        "root_hash": done.head.root_hash,
        "aside": str(done.aside or ""),
    }


def notes_on(drafted: Drafted, now: int) -> Iterator[str]:
    """What those who sign may not have thought of."""
    draft, root = drafted.draft, drafted.draft.root
    yield from map(printable, drafted.notes)
    yield from _soon(root, now)
    if root.root_threshold == 1 and len(root.root_keys) > 1:
        yield "one root key alone can change everything: threshold 1"
    if draft.previous is not None:
        kept = {(r.kind, r.id) for r in root.revoked}
        gone = [r for r in draft.previous.revoked if (r.kind, r.id) not in kept]
        yield from (f"{r.kind} {r.id[:19]}… would no longer be revoked" for r in gone)
    if not root.checkpoint_keys():
        yield "no ledger key is left that may sign: nothing can be recorded under this version"


def _soon(root: TrustRoot, now: int) -> Iterator[str]:
    left = root.expires_unix - now
    if 0 <= left < SHORT_VALIDITY_S:
        yield f"version {root.version} expires in {shown_age(left)}: draft the next one with trust rotate"


def _differences(found: Sequence[Difference], style: Style) -> Iterator[str]:
    if not found:
        yield "  change    nothing"
    for difference in found:
        mark, colour = _MARKS[difference.change]
        yield f"  {style.mark(f'{mark} {printable(difference.shown)}', colour)}"


def _needs(quorum: Quorum) -> str:
    """One version's threshold in a line."""
    signed = f"signed by {_names(quorum.signed)}" if quorum.signed else "signed by nobody"
    missing = f"; {quorum.missing} more of {_names(quorum.able)}" if quorum.missing else "; enough"
    return f"version {quorum.version} asks for {quorum.threshold}: {signed}{missing}"


def _names(found: Iterable[Holder]) -> str:
    return ", ".join(h.owner for h in found)


def _next(drafted: Drafted) -> list[str]:
    file = str(drafted.file)
    if drafted.draft.complete:
        return [f"bspec-opa trust accept {file}"]
    return [f"bspec-opa trust sign {file} --key KEY"]


def _link_lines(link: Link, style: Style) -> Iterator[str]:
    root = link.root
    yield f"  version {root.version}  {format_time(root.issued_unix)} to {format_time(root.expires_unix)}"
    for quorum in link.quorums:
        met = f"{len(quorum.signed)} of {quorum.threshold}"
        yield f"      {met} for version {quorum.version}: {_names(quorum.signed)}"
    if root.version > 1:
        yield from (f"    {line}" for line in _differences(link.differences, style))


def _revoked(revocation: Revocation) -> str:
    return f"{revocation.kind} {revocation.id[:19]}… {revocation.since}: {printable(revocation.reason)}"


def _difference_json(difference: Difference) -> JsonObject:
    return {"change": difference.change, "what": difference.what}


def _holder_json(holder: Holder) -> JsonObject:
    return {"owner": holder.owner, "keys": [*holder.keyids]}


def _quorum_json(quorum: Quorum) -> JsonObject:
    return {
        "version": quorum.version,
        "threshold": quorum.threshold,
        "missing": quorum.missing,
        "signed": [_holder_json(h) for h in quorum.signed],
        "able": [_holder_json(h) for h in quorum.able],
    }


def _link_json(link: Link) -> JsonObject:
    root = link.root
    return {
        "version": root.version,
        "digest": root.digest,
        "issued": format_time(root.issued_unix),
        "expires": format_time(root.expires_unix),
        "file": str(link.file),
        "quorums": [_quorum_json(q) for q in link.quorums],
        "differences": [_difference_json(d) for d in link.differences],
    }


def _revocation_json(revocation: Revocation) -> JsonObject:
    head = revocation.last_good
    last_good: list[JsonObject] = [{"tree_size": head.tree_size, "root_hash": head.root_hash}] if head else []
    return {
        "kind": revocation.kind,
        "id": revocation.id,
        "reason": revocation.reason,
        "mode": revocation.mode,
        "last_good": [*last_good],
    }
