"""Making, showing and renewing the trust root."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bspec_opa.bundle.shipped import shipped_bundle
from bspec_opa.foundation.document.load import load_yaml
from bspec_opa.foundation.errors import TrustError
from bspec_opa.foundation.files import make_directory, read_bounded, write_new
from bspec_opa.foundation.limits import MAX_BUNDLE_BYTES, MAX_DOCUMENT_BYTES
from bspec_opa.foundation.times import parse_duration
from bspec_opa.trust.author import build_root, renew, sign_root
from bspec_opa.trust.keys import public_key_from_pem
from bspec_opa.trust.publisher import publisher_key_from_pem
from bspec_opa.trust.reasons import NO_ROOT
from bspec_opa.trust.root import AcceptedBundle, parse_root, read_unauthenticated
from bspec_opa.trust.walk import distinct_owners, walk
from bspec_opa.workflow.checkout.anchor import find_pin, require_pin
from bspec_opa.workflow.checkout.deciding import policy_of
from bspec_opa.workflow.checkout.project import find_project
from bspec_opa.workflow.reasons import ROOT_EXISTS, TOO_FEW_ROOT_KEYS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.foundation.digest import Digest
    from bspec_opa.trust.author import BundleReference
    from bspec_opa.trust.root import TrustRoot
    from bspec_opa.trust.signers import Signer
    from bspec_opa.workflow.checkout.project import Project
    from bspec_opa.workflow.checkout.world import World


@dataclass(frozen=True, slots=True)
class NewRoot:
    """A version of the trust root that was signed and written."""

    root: TrustRoot
    file: Path


def init_root(project: Project, trust_file: Path, signers: Sequence[Signer], now: int) -> NewRoot:
    """Version 1 from ``trust.yaml``; its digest is the pin.

    Raises:
        UsageError: there is a trust root already.
        InvalidInputError: every problem of the file.
        TrustError: too few of the root keys sign.
    """
    if project.trust_files():
        raise ROOT_EXISTS.error(
            f"{project.trust_directory} holds a trust root already", hint="renew it, or start in another directory"
        )
    return _write(project, payload_of(trust_file, now, None), signers, ())


def payload_of(trust_file: Path, now: int, previous: TrustRoot | None) -> JsonObject:
    """What ``trust.yaml`` says, as version 1 or as the one after ``previous``."""
    document = load_yaml(read_bounded(trust_file, MAX_DOCUMENT_BYTES), str(trust_file))
    base = trust_file.parent
    return build_root(
        document,
        read_public_key=lambda name: _public_pem(base / name),
        resolve_bundle=lambda reference: _accepted(reference, base),
        issued=now,
        previous=previous,
    )


def renew_root(
    project: Project, roots: Sequence[TrustRoot], signers: Sequence[Signer], now: int, valid_for: str | None
) -> NewRoot:
    """The next version with new times and nothing else changed; an expired root can be renewed, too.

    Args:
        project: where it is written.
        roots: the walked chain.
        signers: at least the threshold of the root keys.
        now: Unix seconds.
        valid_for: ``P<n>D``; as long as the present version by default.

    Raises:
        TrustError: too few of the root keys sign.
    """
    payload = renew(roots[-1], issued=now, validity_s=parse_duration(valid_for) if valid_for else None)
    return _write(project, payload, signers, roots)


def _write(project: Project, payload: JsonObject, signers: Sequence[Signer], roots: Sequence[TrustRoot]) -> NewRoot:
    envelope = sign_root(payload, signers)
    root = parse_root(envelope.payload, "the new trust root", authenticated=False)
    signed = distinct_owners(root, [s.keyid for s in signers])
    if signed < root.root_threshold:
        raise TOO_FEW_ROOT_KEYS.error(
            f"{signed} of {root.root_threshold} root keys sign", hint="give --key once for each root key"
        )
    earlier = [read_bounded(p, MAX_DOCUMENT_BYTES) for p in project.trust_files()]
    pin = roots[0].digest if roots else root.digest
    walked = walk(pin, [*earlier, envelope.to_bytes()])
    make_directory(project.trust_directory)
    file = project.trust_directory / f"{root.version}.root.json"
    write_new(file, envelope.to_bytes())
    return NewRoot(walked[-1], file)


def _public_pem(path: Path) -> bytes:
    """A person's or a publisher's key; which of them the place in the file demands is for the draft to say."""
    data = read_bounded(path, MAX_DOCUMENT_BYTES)
    try:
        publisher_key_from_pem(data, name=str(path))
    except TrustError:
        public_key_from_pem(data, str(path))
    return data


def _accepted(reference: BundleReference, base: Path) -> AcceptedBundle:
    path = shipped_bundle(reference.value) if reference.kind == "shipped" else base / reference.value
    ref = policy_of(read_bounded(path, MAX_BUNDLE_BYTES), path.name).ref
    return AcceptedBundle(ref.name, ref.revision, ref.digest)


def read_roots(directory: Path, world: World) -> tuple[tuple[TrustRoot, ...], tuple[Path, ...]]:
    """The versions of a project's trust root and their files, whether in force or expired.

    Raises:
        TrustError: there is none, or the walk from the pin fails.
    """
    project = find_project(directory, world.environ, world.flags)
    files = project.trust_files()
    if not files:
        raise NO_ROOT.error(f"no trust root in {project.trust_directory}", hint="run bspec-opa trust init")
    envelopes = [read_bounded(p, MAX_DOCUMENT_BYTES) for p in files]
    pin = find_pin(world.pin, world.environ)
    if pin is not None:
        return walk(pin, envelopes, [str(f) for f in files]), files
    return tuple(read_unauthenticated(e, str(f)) for e, f in zip(envelopes, files, strict=True)), files


def renew_project(
    directory: Path, world: World, signers: Sequence[Signer], *, valid_for: str | None, trust_file: Path | None
) -> tuple[NewRoot, Digest]:
    """Sign the next version of a project's root; returns it and the pin, which stays.

    Args:
        directory: the project.
        world: environment, time and pin.
        signers: at least the threshold of the present root keys and of the new ones.
        valid_for: how long it holds; without a file only.
        trust_file: what the next version says; without one, the same as the present version.

    Raises:
        TrustError: no pin, or too few root keys sign.
    """
    require_pin(find_pin(world.pin, world.environ))
    roots, _ = read_roots(directory, world)
    project = find_project(directory, world.environ, world.flags)
    if trust_file is not None:
        return _write(project, payload_of(trust_file, world.now, roots[-1]), signers, roots), roots[0].digest
    return renew_root(project, roots, signers, world.now, valid_for), roots[0].digest
