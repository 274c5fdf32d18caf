from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from world import World, digest, key_entry, key_of, refused

from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.trust.difference import Difference, differences
from bspec_opa.trust.revocation import Revocation, TreeHead
from bspec_opa.trust.root import parse_root
from bspec_opa.trust.rotation import Changes, change, find_key


def public(name: str) -> Any:
    return key_of(name).public


def keyid(name: str) -> str:
    return key_of(name).keyid


def lists(payload: Any) -> dict[str, list[str]]:
    """Everything that lists keys, by name."""
    people = {p["id"]: p["keys"] for p in payload["principals"]}
    return {"root": payload["root"]["keys"], "ledger": payload["ledger"]["keys"], **people}


def changed(**changes: Any) -> Any:
    return change(World().root_payload(), Changes(**changes))


def other(before: Any, after: Any) -> dict[str, Any]:
    return {name: keys for name, keys in lists(after).items() if keys != lists(before).get(name)}


@pytest.mark.parametrize(
    ("changes", "expected", "added"),
    [
        ({"add_root": (public("new"),)}, {"root": ["root-1", "root-2", "new"]}, [("new", "root")]),
        ({"add_ledger": (public("new"),)}, {"ledger": ["ledger", "new"]}, [("new", "ledger")]),
        ({"add_keys": (("bob", public("new")),)}, {"bob": ["bob", "new"]}, [("new", "record")]),
        ({"add_keys": (("gate", public("new")),)}, {"gate": ["gate", "new"]}, [("new", "gate")]),
        ({"add_keys": (("bob", public("root-1")),)}, {"bob": ["bob", "root-1"]}, []),
        (
            {"add_root": (public("new"),), "add_keys": (("bob", public("new")),)},
            {"root": ["root-1", "root-2", "new"], "bob": ["bob", "new"]},
            [("new", "root")],
        ),
        ({"replace": ((keyid("root-2"), public("new")),)}, {"root": ["root-1", "new"]}, [("new", "root")]),
        ({"replace": ((keyid("gate"), public("new")),)}, {"gate": ["new"]}, [("new", "gate")]),
        ({"replace": ((keyid("ledger"), public("new")),)}, {"ledger": ["new"]}, [("new", "ledger")]),
        ({"replace": ((keyid("alice-2"), public("new")),)}, {"alice": ["alice", "new"]}, [("new", "record")]),
        ({"remove": (keyid("alice-2"),)}, {"alice": ["alice"]}, []),
    ],
    ids=str,
)
def test_keys_come_go_and_change(changes: Any, expected: dict[str, list[str]], added: list[tuple[str, str]]) -> None:
    before: Any = World().root_payload()
    after = changed(**changes)
    assert other(before, after) == {name: [keyid(k) for k in keys] for name, keys in expected.items()}
    fresh = [k for k in after["keys"] if k not in before["keys"]]
    assert fresh == [key_entry(name, purpose) for name, purpose in added]
    gone = {keyid("root-2"), keyid("gate"), keyid("ledger"), keyid("alice-2")} - {k["id"] for k in after["keys"]}
    assert gone == {k for k, _ in changes.get("replace", ())} | set(changes.get("remove", ()))


def test_nothing_changes_nothing() -> None:
    assert changed() == World().root_payload()


def test_the_present_payload_stays_as_it_is() -> None:
    payload: Any = World().root_payload()
    change(payload, Changes(add_root=(public("new"),), threshold=3, remove=(keyid("alice-2"),)))
    assert payload == World().root_payload()


def test_a_root_key_and_its_holder_go_together() -> None:
    payload: Any = World().root_payload()
    payload["principals"].append({"id": "carl", "group": "carl", "keys": [keyid("root-2")]})
    payload["root"]["threshold"] = 1
    after: Any = change(payload, Changes(remove=(keyid("root-2"),)))
    assert "carl" in {p["id"] for p in payload["principals"]}
    assert "carl" not in {p["id"] for p in after["principals"]}


def test_threshold_and_revocations() -> None:
    place = TreeHead(3, digest("tree"))
    after = changed(threshold=1, revoke=(Revocation("key", keyid("eve"), "left", "retired", place),))
    assert after["root"]["threshold"] == 1
    assert after["revoked"] == [
        {
            "kind": "key",
            "id": keyid("eve"),
            "reason": "left",
            "mode": "retired",
            "last_good": {"tree_size": 3, "root_hash": digest("tree")},
        }
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"add_root": (public("root-1"),)}, "stands there already"),
        ({"add_root": (public("gate"),)}, "is a gate key; a key has one purpose"),
        ({"add_ledger": (public("root-1"),)}, "is a root key; a key has one purpose"),
        ({"add_keys": (("bob", public("gate")),)}, "is a gate key; a key has one purpose"),
        ({"add_keys": (("alce", public("new")),)}, 'there is no principal "alce"'),
        ({"replace": ((keyid("nobody"), public("new")),)}, "is not in the trust root"),
        ({"replace": ((keyid("root-1"), public("root-2")),)}, "is in the trust root already"),
        ({"remove": (keyid("nobody"),)}, "is not in the trust root"),
        ({"remove": (keyid("bob"),)}, "bob would have no key left"),
        ({"remove": (keyid("ledger"),)}, "the list would have no key left"),
        ({"remove": (keyid("root-1"),)}, "threshold 2 is above the 1 distinct owners"),
        ({"threshold": 3}, "threshold 3 is above the 2 distinct owners"),
        ({"revoke": (Revocation("key", keyid("root-1"), "lost"),)}, "threshold 2 is above the 1 distinct owners"),
        ({"revoke": (Revocation("key", keyid("eve"), "x"), Revocation("key", keyid("eve"), "y"))}, "is there twice"),
    ],
    ids=str,
)
def test_what_can_not_be_changed_so(changes: Any, message: str) -> None:
    with refused("trust.bad-change") as e:
        changed(**changes)
    assert message in str(e.value)


def test_keys_are_named_by_their_first_digits(world: World) -> None:
    assert find_key(world.root, keyid("eve")[:8]) == keyid("eve")
    assert find_key(world.root, keyid("eve")) == keyid("eve")
    assert find_key(world.root, "ab" * 32) == "ab" * 32
    assert find_key(world.root, "keys/eve.pub.pem") is None
    assert find_key(world.root, keyid("eve")[:7]) is None
    with refused("trust.bad-change"):
        find_key(world.root, "00000000")


def grows(payload: Any) -> None:
    payload["environments"][0]["mandatory_rules"] = ["promotion.all.submitted"]


D = [str(digest(t)) for t in ("revision 2", "bundle 2")]


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (lambda p: p.update(expires="2028-05-01T00:00:00Z"), ["~ expires 2027-05-01T00:00:00Z → 2028-05-01T00:00:00Z"]),
        (lambda p: p["root"].update(threshold=1), ["~ threshold 2 → 1"]),
        (lambda p: p["ledger"].update(origin="b.example/l"), ["~ ledger acme.example/bspec → b.example/l"]),
        (lambda p: p["ledger"]["keys"].append(keyid("new")), [f"+ ledger key {keyid('new')[:12]}"]),
        (lambda p: p["root"]["keys"].append(keyid("new")), [f"+ root key {keyid('new')[:12]}"]),
        (lambda p: p["root"]["keys"].pop(), [f"- root key {keyid('root-2')[:12]}"]),
        (lambda p: p["principals"][0].update(group="team:b"), ["~ principal alice: of team:support → of team:b"]),
        (
            lambda p: p["principals"][1]["keys"].append(keyid("root-1")),
            [
                f"~ root key {keyid('root-1')[:12]}: → of bob",
                f"+ key {keyid('root-1')[:12]} of bob (root)",
            ],
        ),
        (lambda p: p["grants"][0].update(agents=["other-agent"]), ["- role author of alice", "+ role author of alice for other-agent"]),
        (lambda p: p["agents"][1].update(owners=["bob"]), ["~ agent other-agent: owned by rita → owned by bob"]),
        (lambda p: p["environments"][1].update(assurance="asserted"), ["~ environment production: from staging, measured → from staging, asserted"]),
        (grows, ["~ environment staging: measured → measured, with promotion.all.submitted"]),
        (
            lambda p: p["policies"][0]["bundles"].append({"name": "b", "revision": D[0], "digest": D[1]}),
            [f"+ bundle b {D[1][:19]} into staging revision {D[0][:19]}"],
        ),
        (
            lambda p: p["revoked"].append({"kind": "key", "id": keyid("eve"), "reason": "left"}),
            [f"+ revocation of key {keyid('eve')[:12]} (altogether): left"],
        ),
        (lambda p: p["agents"].reverse(), ["~ agents"]),
        (lambda _: None, []),
    ],
)  # fmt: skip
def test_every_difference_is_told(world: World, edit: Any, expected: list[str]) -> None:
    def changes(payload: Any) -> None:
        payload["keys"].append(key_entry("new", "ledger" if "ledger" in str(expected) else "root"))

    before = parse_root(canonical_bytes(world.next_payload(changes)), "before", authenticated=False)
    payload: Any = world.next_payload(changes)
    edit(payload)
    if len(payload["root"]["keys"]) == 1:
        payload["root"]["threshold"] = 1
        expected = ["~ threshold 2 → 1", *expected]
    after = parse_root(canonical_bytes(payload), "after", authenticated=False)
    marks = {"added": "+", "removed": "-", "changed": "~"}
    assert [f"{marks[d.change]} {d.shown}" for d in differences(before, after)] == expected


def test_things_that_look_alike_are_two() -> None:
    """What is printed is cut short; what is compared isn't."""
    one, two = ("sha256:" + "a" * 12 + c * 52 for c in "bc")
    assert Difference("added", one) != Difference("added", two)
    assert Difference("added", one).shown == Difference("added", two).shown == "sha256:" + "a" * 12


def test_what_has_no_words_is_shown_as_it_stands(world: World) -> None:
    """A member that a later form of the root brings must not change unseen by those who sign."""

    def with_more(least: int) -> Any:
        payload = world.next_payload(lambda p: p.update(more={"least": least}))
        return replace(world.root, payload=canonical_bytes(payload))

    one, two = with_more(1), with_more(2)
    assert [d.what for d in differences(one, two)] == ['more {"least":1} → {"least":2}']
    lowered = replace(two, root_threshold=1)
    assert [d.what for d in differences(one, lowered)] == ["threshold 2 → 1", 'more {"least":1} → {"least":2}']
    gone = replace(world.root, payload=canonical_bytes(world.next_payload()))
    assert [d.what for d in differences(one, gone)] == ['more {"least":1} → null']
