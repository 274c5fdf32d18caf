"""What a project's ``trust.yaml`` lacks for one more agent: the exact lines, and the people who have no key yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from bspec_opa.foundation.closed_schema import violations
from bspec_opa.trust.author_schema import TRUST_FILE_SCHEMA
from bspec_opa.workflow.starting.catalog_template import ANY, word

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bspec_opa.foundation.document.document import Document

AUTHOR = "author"


@dataclass(slots=True)
class Lacking:
    """What is to be changed before an agent can be promoted.

    Attributes:
        lines: what to do in ``trust.yaml``, one line each, with the YAML at its end.
        people: ids of the principals in those lines who are new; each has its key in ``keys/ID.pub.pem``.
    """

    lines: list[str] = field(default_factory=list)
    people: list[str] = field(default_factory=list)


def lacking(document: Document | None, agent: str, owner: str, roles: tuple[str, ...]) -> Lacking:
    """What ``trust.yaml`` lacks for an agent.

    Args:
        document: the file; without one, or where it has problems that signing will name, nobody is known to be there.
        agent: the new agent's id.
        owner: who owns it, from its intent.
        roles: every role that its promotions take.
    """
    found = Lacking()
    if document is None or violations(TRUST_FILE_SCHEMA, document.value):
        found.lines.append(_agent_line(agent, owner))
        return found
    value = cast("Mapping[str, Any]", document.value)
    owners = next((a["owners"] for a in value["agents"] if a["id"] == agent), None)
    if owners is None:
        owners = [owner]
        found.lines.append(_agent_line(agent, owner))
    for role in roles:
        _role(found, value["principals"], agent, role, owners)
    return found


def _agent_line(agent: str, owner: str) -> str:
    return f'add to trust.yaml under agents:  - {{id: {word(agent)}, owners: ["{owner}"]}}'


def _role(found: Lacking, principals: list[dict[str, Any]], agent: str, role: str, owners: list[str]) -> None:
    """Somebody must hold the role for the agent; an author must own it, too."""
    grants = [
        (p, g)
        for p, g in _grants(principals, role)
        if role != AUTHOR or not {p["id"], p.get("group", p["id"])}.isdisjoint(owners)
    ]
    if any(_covers(g, agent) for _, g in grants):
        return
    if grants:
        principal, grant = grants[0]
        changed = _grant({**grant, "agents": [*grant["agents"], agent]})
        found.lines.append(f"change in trust.yaml, roles of {principal['id']}:  {changed}")
        return
    taken = {p["id"] for p in principals}
    person = role if role not in taken else f"{role}-{agent}"
    group = owners[0] if role == AUTHOR else f"team:{role}"
    granted = _grant({"role": role, "agents": [agent]} if role == AUTHOR else {"role": role})
    line = f'{{id: {person}, group: "{group}", keys: [keys/{person}.pub.pem], roles: [{granted}]}}'
    found.lines.append(f"add to trust.yaml under principals:  - {line}")
    found.people.append(person)


def _grants(principals: list[dict[str, Any]], role: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for principal in principals:
        for grant in principal.get("roles", []):
            if grant["role"] == role:
                yield principal, grant


def _covers(grant: dict[str, Any], agent: str) -> bool:
    """Without ``agents`` a grant is for all of them."""
    return "agents" not in grant or bool({agent, ANY} & set(grant["agents"]))


def _grant(grant: dict[str, Any]) -> str:
    lists = [f"{k}: [{', '.join(map(word, grant[k]))}]" for k in ("agents", "environments") if k in grant]
    members = [f"role: {word(grant['role'])}", *lists]
    return f"{{{', '.join(members)}}}"
