"""Signing bundles and verifying what others signed, as files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bspec_opa.bundle.archive import decompress
from bspec_opa.bundle.layout import BUILD_DATA, INDEX, MANIFEST, SIGNATURES
from bspec_opa.bundle.read import read_bundle
from bspec_opa.bundle.signing.attach import attached
from bspec_opa.bundle.signing.foreign import read_any
from bspec_opa.bundle.signing.keys import load_signing_key
from bspec_opa.bundle.signing.reasons import NOT_REPRODUCED, UNSIGNED
from bspec_opa.bundle.signing.token import Claims, make_signatures, read_signature
from bspec_opa.bundle.signing.verify import verified
from bspec_opa.foundation.digest import digest_of
from bspec_opa.foundation.document.load import parse_json
from bspec_opa.foundation.errors import BspecError, Location, error_of
from bspec_opa.foundation.files import read_bounded
from bspec_opa.foundation.limits import MAX_BUNDLE_BYTES, MAX_DOCUMENT_BYTES
from bspec_opa.trust.publisher import Publisher, publisher_key_from_pem
from bspec_opa.workflow.bundles.bundling import PROJECT_TOOLS, require_directory, write_policy
from bspec_opa.workflow.checkout.deciding import read_policy
from bspec_opa.workflow.checkout.keys import PASSPHRASE, passphrase_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from bspec_opa.bundle.read import Bundle
    from bspec_opa.bundle.serving.edition import Check
    from bspec_opa.bundle.signing.verify import Verified
    from bspec_opa.foundation.digest import Digest
    from bspec_opa.workflow.checkout.deciding import Policy

_MAX_KEY_BYTES = 16 * 1024


def sign_policy(
    bundle: str, key: Path, target: Path, environ: Mapping[str, str], *, key_id: str, claims: Claims
) -> Policy:
    """Sign a bundle, in place of a signature that it has, and write it.

    Raises:
        BspecError: it is no bundle of ours; the key can't be used; nowhere to write.
    """
    require_directory(target)
    policy = read_policy(bundle)
    signer = load_signing_key(key, key_id, passphrase_bytes(environ.get(PASSPHRASE)))
    return write_policy(attached(policy.bundle, make_signatures(policy.bundle.files, signer, claims)), target)


def attach_signatures(bundle: str, signatures: Path, target: Path) -> Policy:
    """Put a ``.signatures.json`` that ``opa sign`` made into a bundle, and write it; who signed is not looked at.

    Raises:
        BspecError: it has another form, is over other files, or there is nowhere to write.
    """
    require_directory(target)
    policy = read_policy(bundle)
    data = read_bounded(signatures, MAX_DOCUMENT_BYTES)
    try:
        return write_policy(attached(policy.bundle, data), target)
    except BspecError as e:
        at = Location(str(signatures))
        raise error_of(
            p.reason.problem(p.message, hint=p.hint or p.reason.remedy, at=p.location or at) for p in e.problems
        ) from e


@dataclass(frozen=True, slots=True)
class Demand:
    """What a signature must satisfy besides being one.

    Attributes:
        keys: files of public keys, any of which may have signed.
        key_id: what the signature must call the key; whatever it calls it by default.
        scope: what it must have been signed for; ``""`` is none.
        minimum_sequence: the least sequence.
        max_age_s: the greatest age in seconds; 0 is no limit.
    """

    keys: Sequence[Path]
    key_id: str = ""
    scope: str = ""
    minimum_sequence: int = 1
    max_age_s: int = 0


@dataclass(frozen=True, slots=True)
class SignedBundle:
    """A bundle whose signature was verified.

    Attributes:
        file: as it was named.
        verified: the key, and what the signature says.
        revision: as the manifest says; ``""`` where it says none.
        digest: SHA-256 of the uncompressed archive.
        files: how many were signed.
        bundle: it, if it is one of ours; another OPA's is no policy bundle that can decide here.
        rebuilt: what was made again from the Rego and found the same.
        at: Unix seconds, when it was verified.
    """

    file: Path
    verified: Verified
    revision: str
    digest: Digest
    files: int
    bundle: Bundle | None
    rebuilt: tuple[str, ...]
    at: int


def verify_signed(file: Path, demand: Demand, now: int) -> SignedBundle:
    """Verify the signature of any OPA's bundle, in memory.

    Raises:
        BspecError: unsigned, tampered with, by another key, too old; or no bundle at all.
    """
    data = read_bounded(file, MAX_BUNDLE_BYTES)
    try:
        tar = decompress(data)
        files = read_any(tar)
        if SIGNATURES not in files:
            raise UNSIGNED.error("the bundle carries no signature")
        found = verified(files, _publishers(demand, read_signature(files[SIGNATURES]).key_id), now)
    except BspecError as e:
        at = Location(str(file))
        raise error_of(
            p.reason.problem(p.message, hint=p.hint or p.reason.remedy, at=p.location or at) for p in e.problems
        ) from e
    ours = {INDEX, BUILD_DATA} <= files.keys()
    bundle = read_bundle(data, str(file)) if ours else None
    revision = bundle.revision if bundle else _revision(files)
    return SignedBundle(file, found, revision, digest_of(tar), len(files) - 1, bundle, (), now)


def signed_as(demand: Demand, clock: Callable[[], int]) -> Check:
    """A check that refuses every bundle but those whose signature satisfies a demand; the keys are read now.

    It returns the sequence that the signature says.

    Args:
        demand: keys, scope and limits.
        clock: Unix seconds, asked at each bundle.

    Raises:
        BspecError: a key can't be read or is none.
    """
    keys = _publishers(demand, "")

    def check(bundle: Bundle, _archive: bytes) -> int | None:
        signature = bundle.signature
        named = demand.key_id or (signature.key_id if signature else "")
        publishers = [replace(k, key=replace(k.key, id=named or k.key.id)) for k in keys]
        return verified(bundle.files, publishers, clock()).signature.sequence

    return check


def rebuild(bundle: Bundle | None, environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Compile a bundle's Rego again with the real OPA; returns what was compared byte for byte.

    Raises:
        BspecError: something differs; no OPA of the exact version; it is no bundle of ours.
    """
    if bundle is None:
        message = "is no bundle of bspec-opa, so it can't be built again"
        raise NOT_REPRODUCED.error(message, hint="leave out --rebuild", at=Location(name))
    from bspec_opa.bundle.build.reproduce import reproduce
    from bspec_opa.bundle.rego.opa_tool import Opa
    from bspec_opa.engine.toolchain import find_opa

    return reproduce(bundle, Opa(find_opa(environ, PROJECT_TOOLS.absolute())))


def _publishers(demand: Demand, named: str) -> list[Publisher]:
    found = []
    for path in demand.keys:
        key = publisher_key_from_pem(read_bounded(path, _MAX_KEY_BYTES), demand.key_id or named, str(path))
        found.append(Publisher(path.name, key, demand.scope, demand.minimum_sequence, demand.max_age_s))
    return found


def _revision(files: Mapping[str, bytes]) -> str:
    """What a foreign manifest says; a hint for people, nothing is decided on it."""
    try:
        value = parse_json(files.get(MANIFEST, b"{}"), MANIFEST, text=False)
    except BspecError:
        return ""
    revision = value.get("revision") if isinstance(value, dict) else None
    return revision[:200] if isinstance(revision, str) else ""
