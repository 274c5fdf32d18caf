"""Adopting an agent that runs already: by the same rules but those about a source, where it is permitted. Pure.

An adoption has no source line and nothing has been tried in an environment before: so it is permitted by name and for a
time, people approve it in a role of its own, and every line of the agent says it from then on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from bspec_opa.foundation.times import format_time
from bspec_opa.trust.predicates import GENESIS
from bspec_opa.workflow.facts.claims import claims_of
from bspec_opa.workflow.facts.evaluation import Adopters
from bspec_opa.workflow.facts.heads import LINE_TYPES
from bspec_opa.workflow.life.reasons import ADOPTION_FORBIDDEN, ADOPTION_LATE, ADOPTION_QUORUM

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.foundation.digest import Digest
    from bspec_opa.ledger.entry import Entry
    from bspec_opa.trust.authority import Record
    from bspec_opa.trust.root import Environment
    from bspec_opa.workflow.facts.history import History
    from bspec_opa.workflow.facts.situation import Situation


@dataclass(frozen=True, slots=True)
class Adopted:
    """One adoption, as every later line of the agent says it.

    Attributes:
        environment: where it was adopted.
        at: since when, ``YYYY-MM-DDTHH:MM:SSZ``.
        deployed: digest of what was said to run there then.
    """

    environment: str
    at: str
    deployed: str


def without_source(environment: Environment, agent: str, now: int) -> Environment:
    """The environment as an adoption sees it: nothing has to be current anywhere before.

    Raises:
        BspecError: the trust root does not permit it for this agent, or not any more; exit 4.
    """
    permitted = environment.adoption
    if permitted is None or not permitted.covers(agent, now):
        until = (
            f"; it was until {format_time(permitted.until_unix)}" if permitted and permitted.until_unix <= now else ""
        )
        message = f"the trust root does not permit adopting {agent} in {environment.id}{until}"
        raise ADOPTION_FORBIDDEN.error(message, hint="promote it through the environments before, or have it permitted")
    return replace(environment, from_="")


def require_no_line(history: History, environment: str) -> None:
    """Demand that the agent never had a line there: what is under the gate is promoted.

    Raises:
        BspecError: it had one; exit 4.
    """
    head = history.head(environment)
    if head is not None:
        message = f"{environment} has a line already, ledger entry {head.seq}"
        raise ADOPTION_LATE.error(message, hint="promote it; that completes its lock, too")


def require_none_before(entries: Iterable[Entry], agent: str, environment: str) -> None:
    """Demand that no line of the agent ever stood there, also none that counts no more: it was under the gate.

    Else whoever has a bad line called compromised could leave out the environments before.

    Raises:
        BspecError: one stood there; exit 4.
    """
    for entry in entries:
        claims = claims_of(entry) if entry.kind in LINE_TYPES else None
        if claims and (claims.agent, claims.environment) == (agent, environment):
            message = f"{environment} had a line, ledger entry {entry.seq}, which counts no more"
            raise ADOPTION_LATE.error(message, hint="promote it through the environments before")


def require_quorum(situation: Situation) -> None:
    """Demand the people whom the trust root asks for, besides everybody whom rules ask for.

    Raises:
        BspecError: too few of them have approved exactly this; exit 5.
    """
    adopters = adopters_of(situation)
    assert adopters is not None  # noqa: S101 - it is an adoption
    if adopters.lacking:
        wanted = "1 person" if adopters.count == 1 else f"{adopters.count} people"
        message = f"adopting takes {wanted} as {adopters.role}, and {adopters.approved} approved exactly this"
        hint = f"bspec-opa approve INTENT --env {situation.given.environment.id} --adopt --role {adopters.role}"
        raise ADOPTION_QUORUM.error(message, hint=hint)


def adopters_of(situation: Situation) -> Adopters | None:
    """The quorum of an adoption, and how much of it there is; None of anything else."""
    adoption = situation.given.environment.adoption
    if not situation.given.adopting:
        return None
    assert adoption is not None  # noqa: S101 - the environment was permitted
    people = {a["principal"] for a in situation.approvals if a["role"] == adoption.role}
    return Adopters(adoption.role, len(people), adoption.count)


def adopted_in(record: Record) -> tuple[Adopted, ...]:
    """What a lock line says about adoptions, the oldest first."""
    found = cast("list[dict[str, Any]]", record.predicate["adopted"])
    return tuple(Adopted(a["environment"], a["at"], a["deployed"]) for a in found)


def adopted_before(history: History) -> list[JsonObject]:
    """The adoptions that the agent's lines tell of; every later line repeats them."""
    found: dict[Adopted, None] = {}
    for one in history.records:
        if one.record.type in LINE_TYPES:
            found.update(dict.fromkeys(adopted_in(one.record)))
    return [{"environment": a.environment, "at": a.at, "deployed": a.deployed} for a in found]


def adopted_by(situation: Situation, deployed: Digest | None) -> list[JsonObject]:
    """What a new line says: all adoptions before it and, of an adoption, itself."""
    before = adopted_before(situation.given.history)
    if deployed is None:
        return before
    at = format_time(situation.given.now)
    return [*before, {"environment": situation.given.environment.id, "at": at, "deployed": deployed}]


def own_adoption(record: Record) -> Adopted | None:
    """What a line says about itself, if it is an adoption: a later one in the same second has a base."""
    if record.predicate["base"] != GENESIS:
        return None
    here = (record.environment, str(record.predicate["now"]))
    return next((a for a in adopted_in(record) if (a.environment, a.at) == here), None)
