"""What a trust.yaml lacks for one more agent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bspec_opa.foundation.document.load import load_yaml
from bspec_opa.workflow.starting.joining import Lacking, lacking
from bspec_opa.workflow.starting.templates import Approver, trust_template

if TYPE_CHECKING:
    from bspec_opa.foundation.document.document import Document

ROLES = ("author", "evaluator", "promoter", "security")
AGENT = 'add to trust.yaml under agents:  - {id: new, owners: ["team:a"]}'


def trust(*changes: tuple[str, str]) -> Document:
    """A team:a with one agent, and somebody for security."""
    text = trust_template("old", "team:a", (Approver("security", "security"),))
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return load_yaml(text.encode(), "trust.yaml")


def lacks(document: Document | None, owner: str = "team:a") -> Lacking:
    return lacking(document, "new", owner, ROLES)


def test_an_author_of_the_owner_may_write_the_new_agent_too() -> None:
    assert lacks(trust()) == Lacking(
        [AGENT, "change in trust.yaml, roles of author:  {role: author, agents: [old, new]}"]
    )


@pytest.mark.parametrize("agents", ["", ', agents: ["*"]', ", agents: [old, new]"])
def test_whoever_may_for_all_agents_may_for_this_one(agents: str) -> None:
    assert lacks(trust(("{role: author, agents: [old]}", f"{{role: author{agents}}}"))) == Lacking([AGENT])


def test_nothing_is_lacking_where_all_is_there() -> None:
    there = ("agents:\n  - {id: old,", "agents:\n  - {id: new, owners: [team:a]}\n  - {id: old,")
    assert lacks(trust(there, ("author, agents: [old]", "author"))) == Lacking()


def test_owners_are_those_of_the_trust_file() -> None:
    """The intent's own word does not make anybody an owner."""
    there = ("agents:\n  - {id: old,", "agents:\n  - {id: new, owners: [author]}\n  - {id: old,")
    found = lacks(trust(there, ("group: team:a\n    ", ""), ("author, agents: [old]", "author")), "team:b")
    assert found == Lacking()


def test_an_author_of_another_team_is_no_author_of_this_agent() -> None:
    line = '{id: author-new, group: "team:b", keys: [keys/author-new.pub.pem], roles: [{role: author, agents: [new]}]}'
    agent = 'add to trust.yaml under agents:  - {id: new, owners: ["team:b"]}'
    found = lacks(trust(), "team:b")
    assert found == Lacking([agent, f"add to trust.yaml under principals:  - {line}"], ["author-new"])


def test_environments_of_a_grant_are_kept() -> None:
    document = trust(
        ("{role: author, agents: [old]}", "{role: author}"),
        ("{role: security}", "{role: security, agents: [old], environments: [staging]}"),
    )
    assert lacks(document).lines[1:] == [
        "change in trust.yaml, roles of security:  {role: security, agents: [old, new], environments: [staging]}"
    ]


def test_a_role_that_nobody_has_takes_somebody() -> None:
    line = '{id: security, group: "team:security", keys: [keys/security.pub.pem], roles: [{role: security}]}'
    document = trust(("  - id: security\n", "  - id: other\n"), ("{role: security}", "{role: observer}"))
    found = lacks(document)
    assert found.people == ["security"]
    assert found.lines[2:] == [f"add to trust.yaml under principals:  - {line}"]


@pytest.mark.parametrize("text", [None, "schema: bspec.trust/v1\n", "[]\n"])
def test_without_a_valid_file_only_the_agent_is_known_to_lack(text: str | None) -> None:
    document = None if text is None else load_yaml(text.encode(), "trust.yaml")
    assert lacks(document) == Lacking([AGENT])
