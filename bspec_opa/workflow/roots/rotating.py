"""The next version of the trust root: drafted, sent round for signatures, put in place."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bspec_opa.foundation.errors import Location, TrustError
from bspec_opa.foundation.files import make_directory, read_bounded, write_atomic, write_new
from bspec_opa.foundation.limits import MAX_DOCUMENT_BYTES
from bspec_opa.foundation.reasons import EXISTS
from bspec_opa.foundation.times import format_time, parse_duration
from bspec_opa.trust.author import renew
from bspec_opa.trust.difference import differences
from bspec_opa.trust.dsse import parse_envelope
from bspec_opa.trust.quorum import owner_of
from bspec_opa.trust.reasons import BROKEN_CHAIN, NO_ROOT, NOT_NEEDED, PIN_MISMATCH, ROOT_EXPIRED, ROOT_SIGNATURES
from bspec_opa.trust.root import parse_root, require_current
from bspec_opa.trust.rotation import change
from bspec_opa.trust.signing_round import add_signature, merge, open_round, unsigned, who_is_missing
from bspec_opa.trust.walk import walk
from bspec_opa.workflow.checkout.anchor import find_pin, require_pin
from bspec_opa.workflow.checkout.memory import check_roots, remember_roots
from bspec_opa.workflow.checkout.project import find_project
from bspec_opa.workflow.reasons import ROOT_EXISTS
from bspec_opa.workflow.roots.retiring import place_notes, require_unused
from bspec_opa.workflow.roots.trusting import NewRoot, payload_of, read_roots

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.foundation.digest import Digest
    from bspec_opa.trust.difference import Difference
    from bspec_opa.trust.dsse import Envelope
    from bspec_opa.trust.root import TrustRoot
    from bspec_opa.trust.rotation import Changes
    from bspec_opa.trust.signers import Signer
    from bspec_opa.trust.signing_round import Round
    from bspec_opa.workflow.checkout.project import Project
    from bspec_opa.workflow.checkout.world import World


DRAFT_SUFFIX = ".draft.json"


@dataclass(frozen=True, slots=True)
class Drafted:
    """A version on its way, as it lies in a file.

    Attributes:
        draft: the version, its signatures so far and whose are still to come.
        file: where it is.
        pin: of the chain; of version 1 its own digest.
        differences: what it changes.
        signed_now: owners whose signatures were added just now.
        notes: what the ledger has to say about what it revokes.
    """

    draft: Round
    file: Path
    pin: Digest
    differences: tuple[Difference, ...]
    signed_now: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def draft_first(trust_file: Path, world: World, target: Path | None) -> Drafted:
    """Version 1 from ``trust.yaml``, for several people to sign.

    Raises:
        UsageError: there is a trust root already, or the target is there.
        InvalidInputError: every problem of the file.
    """
    project = find_project(trust_file, world.environ, world.flags)
    if project.trust_files():
        hint = "draft the next version: trust rotate"
        raise ROOT_EXISTS.error(f"{project.trust_directory} holds a trust root already", hint=hint)
    return _write_draft(project, payload_of(trust_file, world.now, None), (), target)


def draft_next(
    directory: Path,
    world: World,
    changes: Changes,
    *,
    valid_for: str | None = None,
    trust_file: Path | None = None,
    target: Path | None = None,
) -> Drafted:
    """The next version, unsigned: the present one with changes, or what a ``trust.yaml`` says.

    Args:
        directory: the project.
        world: environment, time and pin.
        changes: what is to be other than now; none with a file.
        valid_for: how long it holds; as long as the present version by default.
        trust_file: says the whole version.
        target: the file to write; ``<N>.draft.json`` beside the versions by default.

    Raises:
        TrustError: no pin, or the chain doesn't verify.
        UsageError: a change can't be made, or the target is there.
        InvalidInputError: every problem of the file.
    """
    project, roots = trusted_roots(directory, world)
    if trust_file is not None:
        payload = payload_of(trust_file, world.now, roots[-1])
    else:
        validity = parse_duration(valid_for) if valid_for else None
        payload = change(renew(roots[-1], issued=world.now, validity_s=validity), changes)
    drafted = _write_draft(project, payload, roots, target)
    return replace(drafted, notes=place_notes(project, roots, drafted.draft.root))


def sign_draft(
    file: Path,
    directory: Path,
    world: World,
    signers: Sequence[Signer],
    *,
    copies: Sequence[Path] = (),
    target: Path | None = None,
) -> Drafted:
    """A draft with more signatures: of these signers, and those in other people's copies of it.

    Args:
        file: the draft.
        directory: the project that it is the next version of.
        world: environment, time and pin.
        signers: who signs now.
        copies: files of the same draft that others have signed.
        target: where the result is written; into ``file`` by default.

    Raises:
        TrustError: the chain or the draft doesn't verify, or the draft is expired.
        UsageError: a signature would change nothing, or the target is there.
        InvalidInputError: a copy is of another draft.
    """
    roots = roots_before(file, directory, world)
    draft = _open(file, roots)
    if world.now >= draft.root.expires_unix:
        message = f"it expired at {format_time(draft.root.expires_unix)}, before all had signed"
        raise ROOT_EXPIRED.error(message, hint="draft it again", at=Location(str(file)))
    draft = merge(draft, [(str(c), read_bounded(c, MAX_DOCUMENT_BYTES)) for c in copies])
    for signer in signers:
        draft = add_signature(draft, signer)
    data = draft.envelope.to_bytes()
    if target is not None:
        write_new(target, data)
    elif signers or copies:
        write_atomic(file, data)
    if roots:
        remember_roots(roots, world.environ)
    names = tuple(dict.fromkeys(_owner_among(draft, s.keyid) for s in signers))
    return replace(_drafted(draft, target or file, roots), signed_now=names)


def accept_draft(file: Path, directory: Path, world: World) -> tuple[NewRoot, Digest]:
    """Put a version that all have signed in place; returns it and the pin.

    Raises:
        TrustError: signatures are missing, by name; it isn't valid now; or a key that it retires is still in use.
        UsageError: there is a version of this number already.
    """
    roots = roots_before(file, directory, world)
    draft = _open(file, roots)
    missing = who_is_missing(draft.quorums)
    if missing:
        raise ROOT_SIGNATURES.error(missing, hint="let them sign it: trust sign", at=Location(str(file)))
    require_current(draft.root, world.now)
    project = find_project(directory, world.environ, world.flags)
    require_unused(project, roots, draft.root)
    data = draft.envelope.to_bytes()
    earlier = [read_bounded(p, MAX_DOCUMENT_BYTES) for p in project.trust_files()]
    walked = walk(roots[0].digest if roots else draft.root.digest, [*earlier, data])
    make_directory(project.trust_directory)
    place = project.trust_directory / f"{draft.root.version}.root.json"
    write_new(place, data)
    remember_roots(walked, world.environ)
    if file.parent.absolute() == project.trust_directory.absolute() and file.name.endswith(DRAFT_SUFFIX):
        with suppress(OSError):  # it has become the version itself; one that stays continues nothing any more
            file.unlink(missing_ok=True)
    return NewRoot(walked[-1], place), walked[0].digest


def trusted_roots(directory: Path, world: World) -> tuple[Project, tuple[TrustRoot, ...]]:
    """A project and its chain, walked from the pin and not older than what was seen before; it may have expired.

    Raises:
        TrustError: no pin, no root, or the chain doesn't verify.
    """
    require_pin(find_pin(world.pin, world.environ))
    roots, _ = read_roots(directory, world)
    check_roots(roots, world.environ)
    return find_project(directory, world.environ, world.flags), roots


def roots_before(file: Path, directory: Path, world: World) -> tuple[TrustRoot, ...]:
    """The chain that a draft continues; none for a draft of version 1, whose digest is going to be the pin.

    Raises:
        TrustError: as :func:`trusted_roots`; or there is no root here, and the draft is not of version 1.
    """
    project = find_project(directory, world.environ, world.flags)
    if project.trust_files():
        return trusted_roots(directory, world)[1]
    first, pin = _read(file), find_pin(world.pin, world.environ)
    if first.version != 1:
        message = f"no trust root in {project.trust_directory}, and it continues one"
        hint = "bring the versions of .bspec/trust and the pin along"
        raise NO_ROOT.error(message, hint=hint, at=Location(str(file)))
    if pin not in {None, first.digest}:
        hint = "it is another draft than you were told of, or the pin belongs to another project"
        raise PIN_MISMATCH.error(f"has digest {first.digest}, pinned is {pin}", hint=hint, at=Location(str(file)))
    return ()


def _read(file: Path) -> TrustRoot:
    """What a draft says; nothing is verified."""
    envelope = parse_envelope(read_bounded(file, MAX_DOCUMENT_BYTES), str(file), unsigned=True)
    return parse_root(envelope.payload, str(file), authenticated=False)


def _owner_among(draft: Round, keyid: str) -> str:
    """Who holds a key that has signed, under the first version that knows it as a root key."""
    return owner_of(next(j for j in draft.judges if keyid in j.root_keys), keyid)


def _open(file: Path, roots: Sequence[TrustRoot]) -> Round:
    """A draft of the next version.

    Raises:
        UsageError: it is a version of this chain: all have signed it, and nothing is to be added.
        TrustError: see :func:`open_round`.
    """
    try:
        return open_round(read_bounded(file, MAX_DOCUMENT_BYTES), str(file), roots[-1] if roots else None)
    except TrustError as e:
        if e.code == BROKEN_CHAIN.code:
            _require_new(file, roots)
        raise


def _require_new(file: Path, roots: Sequence[TrustRoot]) -> None:
    """Say so where a file is no draft any more."""
    first = _read(file)
    if any(first.digest == r.digest for r in roots):
        newest = roots[-1].version
        since = "the one in force" if first.version == newest else f"superseded by version {newest}, which is in force"
        message = f"is version {first.version}, which is complete and accepted already: {since}"
        hint = f"draft version {newest + 1} with trust rotate, trust renew or trust revoke, and sign that file"
        raise NOT_NEEDED.error(message, hint=hint, at=Location(str(file)))


def _write_draft(project: Project, payload: JsonObject, roots: Sequence[TrustRoot], target: Path | None) -> Drafted:
    envelope: Envelope = unsigned(payload)
    file = target or project.trust_directory / f"{payload['version']}{DRAFT_SUFFIX}"
    draft = open_round(envelope.to_bytes(), str(file), roots[-1] if roots else None)
    if os.path.lexists(file):
        hint = "sign that one, or remove it and draft again"
        raise EXISTS.error("is already there", hint=hint, at=Location(str(file)))
    make_directory(file.parent)
    write_new(file, envelope.to_bytes())
    return _drafted(draft, file, roots)


def _drafted(draft: Round, file: Path, roots: Sequence[TrustRoot]) -> Drafted:
    pin = roots[0].digest if roots else draft.root.digest
    return Drafted(draft, file, pin, differences(draft.previous, draft.root))
