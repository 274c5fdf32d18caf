"""What a trust root may say about adopting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from world import World, refused

from bspec_opa.trust.adoption import Adoption
from bspec_opa.trust.difference import differences

if TYPE_CHECKING:
    from collections.abc import Callable

GOOD = {"until": "2026-07-01T00:00:00Z", "role": "adopter", "count": 2, "agents": ["*"]}


def permitting(**changes: Any) -> Callable[[Any], None]:
    def change(payload: Any) -> None:
        payload["environments"][1]["adoption"] = GOOD | changes

    return change


def test_a_root_without_it_permits_nothing() -> None:
    assert [e.adoption for e in World().root.environments] == [None, None]


def test_it_is_read_and_told_in_words() -> None:
    world = World()
    before = world.root
    root = world.next_root(permitting())
    assert root.environment("staging").adoption is None
    assert root.environment("production").adoption == Adoption(1_782_864_000, "adopter", 2, ("*",))
    found = [str(d) for d in differences(before, root)]
    assert any("adopting any agent until 2026-07-01T00:00:00Z by 2 of role adopter" in f for f in found), found


@pytest.mark.parametrize(
    ("now", "agent", "covered"),
    [(99, "one", True), (100, "one", False), (99, "two", False)],
)
def test_whom_it_covers_until_when(now: int, agent: str, covered: bool) -> None:
    assert Adoption(100, "adopter", 1, ("one",)).covers(agent, now) is covered
    assert Adoption(100, "adopter", 1, ("*",)).covers(agent, now) is (now < 100)


@pytest.mark.attack("A11")
@pytest.mark.parametrize("count", [0, -1, True, 65, "2"])
def test_a_quorum_of_none_is_refused(count: Any) -> None:
    with refused("trust.bad-root"):
        World().next_root(permitting(count=count))


@pytest.mark.parametrize(
    "changes",
    [{"until": "2026-02-30T00:00:00Z"}, {"until": "soon"}, {"agents": ["nobody-knows"]}, {"agents": []}, {"more": 1}],
    ids=str,
)
def test_what_is_wrong_is_refused(changes: Any) -> None:
    with refused("trust.bad-root"):
        World().next_root(permitting(**changes))
