"""Whether a bundle may decide: listed in the trust root, or signed by one of its publishers and new enough."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from bspec_opa.bundle.reasons import NOT_ACCEPTED
from bspec_opa.foundation.errors import Location, TrustError, error_of
from bspec_opa.foundation.reasons import UNWRITABLE
from bspec_opa.foundation.times import shown_age
from bspec_opa.ledger.sequences import Seen, Sequences
from bspec_opa.workflow.checkout.memory import memory_directory

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bspec_opa.bundle.signing.verify import Verified
    from bspec_opa.foundation.digest import Digest
    from bspec_opa.trust.publisher import Publisher
    from bspec_opa.trust.root import TrustRoot
    from bspec_opa.workflow.checkout.anchor import Anchor
    from bspec_opa.workflow.checkout.deciding import Policy
    from bspec_opa.workflow.checkout.world import World

LISTED = "the bundle is accepted by its digest; nobody looked whose its signature is"


def accepted(policy: Policy, root: TrustRoot, environment: str, now: int) -> Verified | None:
    """The publisher's signature that makes a bundle acceptable; None for one that the trust root lists.

    Args:
        policy: the bundle.
        root: lists bundles by revision and digest, and names publishers.
        environment: where it is to decide.
        now: Unix seconds; the moment at which it decides.

    Raises:
        TrustError: neither listed nor signed as a publisher's bundle must be, with the one reason.
    """
    listed = {(b.revision, b.digest) for b in root.accepted_bundles(environment)}
    if (policy.ref.revision, policy.ref.digest) in listed:
        return None
    publishers = root.publishers_of(environment)
    if not publishers:
        raise NOT_ACCEPTED.error(
            f"bundle {policy.ref.name} ({policy.ref.digest}) is not accepted for {environment}",
            hint="use an accepted bundle, or accept this one in trust.yaml",
        )
    from bspec_opa.bundle.signing.verify import require_recent, require_sequenced

    found = _proven(_Question(policy.bundle.digest, publishers, policy.bundle.files))
    require_recent(found, now)
    require_sequenced(found)
    return found


def _accepted_now(policy: Policy, anchor: Anchor, environment: str, world: World) -> Verified | None:
    """As :func:`accepted`, for people who have to do something about it."""
    try:
        return accepted(policy, anchor.root, environment, world.now)
    except TrustError as e:
        if e.code == NOT_ACCEPTED.code:
            raise
        raise error_of(
            p.reason.problem(
                f"is not listed for {environment}, and as a publisher's: {p.message}",
                hint=p.hint or p.reason.remedy,
                at=Location(policy.bundle.name),
            )
            for p in e.problems
        ) from e


@dataclass(frozen=True, slots=True)
class _Question:
    """Who signed this; the digest is over all of the files."""

    digest: Digest
    publishers: tuple[Publisher, ...]
    files: Mapping[str, bytes] = field(compare=False, repr=False)


@lru_cache(maxsize=8)
def _proven(question: _Question) -> Verified:
    """Whoever judges many intents under one bundle verifies its signature once; the clock is asked each time."""
    from bspec_opa.bundle.signing.verify import proven

    return proven(question.files, question.publishers)


def require_accepted(policy: Policy, anchor: Anchor, environment: str, world: World) -> tuple[str, ...]:
    """Demand that a bundle may decide now; nothing is written.

    Returns:
        Notes for people: what accepted a signed bundle.

    Raises:
        TrustError: not accepted, or older than one of its publisher that this user has used there (attack A31).
    """
    found = _accepted_now(policy, anchor, environment, world)
    if found is None:
        return (LISTED,) if policy.bundle.signature else ()
    directory = memory_directory(world.environ)
    if directory is not None:
        Sequences(directory).check(_key(anchor, environment, found), _seen(policy, found))
    return (_note(found, world.now),)


def remember_accepted(policy: Policy, anchor: Anchor, environment: str, world: World) -> None:
    """As :func:`require_accepted`, and remember a signed bundle's sequence: from then on an older one is refused.

    Raises:
        TrustError: as :func:`require_accepted`.
        StoreError: it can't be remembered.
    """
    found = _accepted_now(policy, anchor, environment, world)
    if found is None:
        return
    directory = memory_directory(world.environ)
    if directory is None:
        raise UNWRITABLE.error("no place to remember the bundle in", hint="set HOME or BSPEC_OPA_STATE_DIR")
    Sequences(directory).remember(_key(anchor, environment, found), _seen(policy, found))


def _key(anchor: Anchor, environment: str, found: Verified) -> str:
    """What is remembered together: a publisher's bundles for one environment. Staging may be ahead of production."""
    return f"{anchor.root.domain} {anchor.roots[0].digest} {environment} {found.publisher.name}"


def _seen(policy: Policy, found: Verified) -> Seen:
    return Seen(found.signature.sequence or 0, policy.ref.revision)


def _note(found: Verified, now: int) -> str:
    signature, publisher = found.signature, found.publisher
    age = shown_age(now - (signature.issued_unix or 0))
    return f"the bundle is sequence {signature.sequence} of publisher {publisher.name}, signed {age} ago"
