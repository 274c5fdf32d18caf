"""Whether a signature is a publisher's, over exactly these files, and recent enough. Pure: the time is an argument."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from bspec_opa.bundle.layout import SIGNATURES
from bspec_opa.bundle.signing.hashing import file_hash
from bspec_opa.bundle.signing.reasons import (
    BAD_BUNDLE_SIGNATURE,
    BELOW_MINIMUM,
    FROM_THE_FUTURE,
    SIGNATURE_SCOPE,
    SIGNED_FILES,
    STALE,
    UNKNOWN_PUBLISHER,
    UNSEQUENCED,
    UNSIGNED,
)
from bspec_opa.bundle.signing.token import SEQUENCE, read_signature
from bspec_opa.foundation.times import format_time

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bspec_opa.bundle.signing.token import Signature
    from bspec_opa.trust.publisher import Publisher, PublisherKey


@dataclass(frozen=True, slots=True)
class Verified:
    """A signature that holds.

    Attributes:
        publisher: whose key made it.
        signature: what it says; all of it may be believed.
    """

    publisher: Publisher
    signature: Signature


def verified(files: Mapping[str, bytes], publishers: Sequence[Publisher], now: int) -> Verified:
    """Verify a bundle's signature against the keys of its possible publishers.

    Args:
        files: every file of the bundle by name, ``.signatures.json`` included.
        publishers: who may have signed it.
        now: Unix seconds.

    Raises:
        TrustError: with a reason of its own for each way to fail.
    """
    found = proven(files, publishers)
    require_recent(found, now)
    return found


def proven(files: Mapping[str, bytes], publishers: Sequence[Publisher]) -> Verified:
    """As :func:`verified`, but for how old the bundle is: what no clock can change.

    Raises:
        TrustError: unsigned, another form, an unknown key, not its signature, another scope, other files.
    """
    data = files.get(SIGNATURES)
    if data is None:
        raise UNSIGNED.error("the bundle carries no signature")
    signature = read_signature(data)
    publisher = _signer(signature, publishers)
    if signature.scope != publisher.scope:
        said, wanted = (
            f"scope {scope!r}" if scope else "no scope" for scope in (signature.scope[:80], publisher.scope)
        )
        raise SIGNATURE_SCOPE.error(f"was signed for {said}, and {publisher.name} signs for {wanted}")
    _require_files(signature, files)
    return Verified(publisher, signature)


def require_sequenced(found: Verified) -> int:
    """The sequence of a signature that says it, and when it was made.

    Raises:
        TrustError: it doesn't.
    """
    sequence = found.signature.sequence
    missing = [m for m, v in ((SEQUENCE, sequence), ("iat", found.signature.issued_unix)) if v is None]
    if sequence is None or missing:
        raise UNSEQUENCED.error(f"the signature lacks {' and '.join(missing)}")
    return sequence


def _signer(signature: Signature, publishers: Sequence[Publisher]) -> Publisher:
    """Whose key verifies it. Where it names no key, as after ``opa sign``, each is tried."""
    named = [p for p in publishers if signature.key_id in {"", p.key.id}]
    if not named:
        known = ", ".join(sorted({p.key.id[:40] for p in publishers})) or "none"
        raise UNKNOWN_PUBLISHER.error(f"is signed by key {signature.key_id[:80]!r}; known here: {known}")
    found = [p for p in named if p.key.algorithm == signature.algorithm and _verifies(signature.token, p.key)]
    if not found:
        _refuse(signature, named)
    return found[0]


def _refuse(signature: Signature, named: Sequence[Publisher]) -> NoReturn:
    algorithms = sorted({p.key.algorithm for p in named})
    if signature.algorithm not in algorithms:
        message = f"claims {signature.algorithm}; the key signs with {' or '.join(algorithms)}"
        raise BAD_BUNDLE_SIGNATURE.error(message)
    whose = " or ".join(sorted({p.name for p in named}))
    raise BAD_BUNDLE_SIGNATURE.error(f"the signature is not one by the key of {whose}")


def _verifies(token: str, key: PublisherKey) -> bool:
    """Whether the key signed the token; the algorithm is the key's (attack A30)."""
    import jwt

    try:
        jwt.PyJWS().decode(token, key.native, algorithms=[key.algorithm])
    except jwt.PyJWTError:
        return False
    return True


def _require_files(signature: Signature, files: Mapping[str, bytes]) -> None:
    """Exactly the signed files, each with its hash."""
    there, signed = set(files) - {SIGNATURES}, set(signature.files)
    for name in sorted(there - signed):
        raise SIGNED_FILES.error(f"{name} was added: the signature doesn't list it")
    for name in sorted(signed - there):
        raise SIGNED_FILES.error(f"{name[:200]} is missing: the signature lists it")
    for name in sorted(there):
        if file_hash(name, files[name]) != signature.files[name]:
            raise SIGNED_FILES.error(f"{name} is not the file that was signed")


def require_recent(found: Verified, now: int) -> None:
    """Not from the future, not below the minimum and not too old; what isn't said can't satisfy a limit.

    Raises:
        TrustError: one of them.
    """
    signature, publisher = found.signature, found.publisher
    sequence, issued, until = signature.sequence, signature.issued_unix, signature.expires_unix
    begins = max(issued or 0, signature.not_before_unix or 0)
    if begins > now:
        raise FROM_THE_FUTURE.error(f"holds from {format_time(begins)}, and now is {format_time(now)}")
    if (publisher.minimum_sequence > 1 and sequence is None) or (publisher.max_age_s and issued is None):
        raise UNSEQUENCED.error(f"the signature lacks {SEQUENCE} or iat, and {publisher.name} has a limit for it")
    if sequence is not None and sequence < publisher.minimum_sequence:
        message = f"has sequence {sequence}; {publisher.name} has the minimum {publisher.minimum_sequence}"
        raise BELOW_MINIMUM.error(message)
    if until is not None and now >= until:
        raise STALE.error(f"its signature held until {format_time(until)}")
    if issued is not None and publisher.max_age_s and now - issued > publisher.max_age_s:
        last = format_time(issued + publisher.max_age_s)
        raise STALE.error(f"was signed at {format_time(issued)} and could be used until {last}")
