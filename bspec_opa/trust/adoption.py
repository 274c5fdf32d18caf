"""What a trust root says about adopting: which agents that run already may enter an environment without a source.

A root that says nothing permits nothing, and roots from before there was adoption stay valid byte for byte.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from bspec_opa.foundation.closed_schema import IDENTIFIER, TIME, array, integer, obj, string
from bspec_opa.foundation.errors import BspecError
from bspec_opa.foundation.times import format_time, parse_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bspec_opa.foundation.canonical import JsonObject

DEFAULT_COUNT = 2
_EVERY = "*"
ADOPTED_AGENTS = array(string(pattern=r"^(?:[*]|[a-z0-9][a-z0-9._-]*)$", maximum=200), minimum=1, maximum=1000)
ADOPTERS = integer(1, 64)
ADOPTION: JsonObject = obj(until=TIME, role=IDENTIFIER, count=ADOPTERS, agents=ADOPTED_AGENTS)
"""The member ``adoption`` of an environment in a trust root's payload."""


@dataclass(frozen=True, slots=True)
class Adoption:
    """Agents that run already may be adopted.

    Attributes:
        until_unix: until when, exclusive; it is meant for the time in which the gate is introduced.
        role: the role in which people approve adoptions.
        count: how many different people have to, besides everybody whom the intent and the rules ask for.
        agents: which ones; ``*`` is all.
    """

    until_unix: int
    role: str
    count: int
    agents: tuple[str, ...]

    def covers(self, agent: str, now: int) -> bool:
        """Whether an agent may be adopted at a moment, Unix seconds."""
        return now < self.until_unix and (_EVERY in self.agents or agent in self.agents)

    @property
    def said(self) -> str:
        """For people who read the differences of two roots."""
        who = "any agent" if _EVERY in self.agents else ", ".join(self.agents)
        return f"adopting {who} until {format_time(self.until_unix)} by {self.count} of role {self.role}"


def adoption_of(environment: JsonObject) -> Adoption | None:
    """What an environment of a payload that was checked says about adopting."""
    found = cast("JsonObject | None", environment.get("adoption"))
    if found is None:
        return None
    agents = cast("list[str]", found["agents"])
    return Adoption(parse_time(str(found["until"])), str(found["role"]), cast("int", found["count"]), tuple(agents))


def adoption_faults(root: JsonObject) -> Iterator[tuple[str, str]]:
    """What is wrong in a payload that fits its schema: pointer and message."""
    known = {str(a["id"]) for a in cast("list[JsonObject]", root["agents"])} | {_EVERY}
    for n, environment in enumerate(cast("list[JsonObject]", root["environments"])):
        found = cast("JsonObject | None", environment.get("adoption"))
        if found is None:
            continue
        try:
            parse_time(str(found["until"]))
        except BspecError:
            yield f"/environments/{n}/adoption/until", "is no moment"
        for i, agent in enumerate(cast("list[str]", found["agents"])):
            if agent not in known:
                yield f"/environments/{n}/adoption/agents/{i}", f'"{agent}" is no agent of this trust root'
