"""Adopting an agent that runs already: what runs must be what is bound, and everybody signs that it has no source."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.workflow.promote import Running, promote
from bspec_opa.workflow.running import read_deployed, require_as_bound

if TYPE_CHECKING:
    from pathlib import Path

    from bspec_opa.workflow.checkout.session import Session
    from bspec_opa.workflow.promote import Keys, Outcome


def adopt(session: Session, environment: str, deployed: Path, keys: Keys) -> Outcome:
    """Promote an agent into an environment in which it runs already, without a source line.

    Args:
        session: the intent in its project.
        environment: where it runs.
        deployed: what is said to run there, a ``bspec.deployed/v1`` with a line of zeros.
        keys: the gate's and the ledger's.

    Raises:
        TrustError: what runs is not what would be bound.
        BspecError: it is not permitted, had a line there, or too few people approved it; nothing was decided.
    """
    document = read_deployed(deployed)
    return promote(
        session, environment, keys, Running(canonical_bytes(document.value), partial(require_as_bound, document))
    )
