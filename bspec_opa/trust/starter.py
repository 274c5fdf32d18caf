"""The built-in root for the first minute: what ``evaluate`` uses before anybody made a trust root.

It knows staging, production after staging, and every agent; it has no keys, so nothing signed counts under it, and
it is never authenticated, so nothing is promoted under it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.digest import ZERO_DIGEST, digest_of
from bspec_opa.foundation.limits import UNLIMITED
from bspec_opa.trust.root import AcceptedBundle, Agent, Environment, LedgerTrust, TrustRoot
from bspec_opa.trust.root_rules import ANY

if TYPE_CHECKING:
    from collections.abc import Sequence

STARTER_DOMAIN = "starter"
STARTER_ENVIRONMENTS = (
    Environment("staging", "", "measured", ()),
    Environment("production", "staging", "measured", ()),
)


def starter_root(bundles: Sequence[AcceptedBundle] = ()) -> TrustRoot:
    """The advisory root; the given bundles may decide in each environment."""
    return TrustRoot(
        domain=STARTER_DOMAIN,
        version=1,
        previous_digest=ZERO_DIGEST,
        issued_unix=0,
        expires_unix=UNLIMITED,
        root_threshold=1,
        root_keys=(),
        keys={},
        principals=(),
        grants=(),
        agents=(Agent(ANY, ()),),
        environments=STARTER_ENVIRONMENTS,
        policies={e.id: tuple(bundles) for e in STARTER_ENVIRONMENTS},
        ledger=LedgerTrust(STARTER_DOMAIN, ()),
        revoked=(),
        digest=digest_of(b""),
        authenticated=False,
        payload=b"",
    )
