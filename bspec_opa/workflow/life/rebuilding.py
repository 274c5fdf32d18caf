"""An adoption against the records in the ledger: permission, quorum and what was deployed, as they were then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.digest import Digest
from bspec_opa.foundation.errors import BspecError, Location
from bspec_opa.workflow.facts.adopting import require_none_before, require_quorum, without_source
from bspec_opa.workflow.reasons import FACTS_DIFFER
from bspec_opa.workflow.running import parse_deployed, require_as_bound

if TYPE_CHECKING:
    from bspec_opa.trust.root import Environment
    from bspec_opa.workflow.facts.adopting import Adopted
    from bspec_opa.workflow.facts.situation import Situation
    from bspec_opa.workflow.verifying.past import Past

_HINT = "treat the gate's key as stolen"


def adopting_environment(past: Past) -> Environment:
    """The environment without its source, if the root of then permitted the adoption then.

    Raises:
        TrustError: it did not.
    """
    try:
        return without_source(past.environment, past.record.agent, past.entry.at)
    except BspecError as e:
        raise FACTS_DIFFER.error(e.problems[0].message, hint=_HINT, at=Location(past.at)) from e


def check_adoption(past: Past, situation: Situation, adopted: Adopted) -> None:
    """Demand that it was the first line there, that the people whom the root asked for approved it, and what ran.

    What is said to have run is what is bound.

    Raises:
        TrustError: it isn't so.
    """
    try:
        require_none_before(past.before, past.record.agent, past.environment.id)
        require_quorum(situation)
        data = past.objects.get(Digest(adopted.deployed))
        require_as_bound(parse_deployed(data, f"objects/{adopted.deployed}"), situation)
    except BspecError as e:
        raise FACTS_DIFFER.error(e.problems[0].message, hint=_HINT, at=Location(past.at)) from e
