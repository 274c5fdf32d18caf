from __future__ import annotations

from typing import Any

import pytest
from world import World, digest, key_of, refused

from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.trust.authority import require_not_revoked, verify_record
from bspec_opa.trust.revocation import Revocation, TreeHead, read_revocation, write_revocation
from bspec_opa.trust.root import parse_root
from bspec_opa.trust.root_rules import root_faults

HEAD = {"tree_size": 7, "root_hash": str(digest("tree"))}
KEY = {"kind": "key", "id": "ab" * 32, "reason": "left"}
RECORD = {"kind": "record", "id": str(digest("a record")), "reason": "wrong"}


def faults(*items: dict[str, Any]) -> list[tuple[str, str]]:
    return [(f.pointer, f.message) for f in root_faults(World().root_payload() | {"revoked": list(items)})]


@pytest.mark.parametrize("mode", ["retired", "compromised"])
@pytest.mark.parametrize("item", [KEY, RECORD], ids=["key", "record"])
def test_a_revocation_with_a_place(item: dict[str, Any], mode: str) -> None:
    value = item | {"mode": mode, "last_good": HEAD}
    assert faults(value) == []
    found = read_revocation(value)
    assert found == Revocation(item["kind"], item["id"], item["reason"], mode, TreeHead(7, digest("tree")))
    assert write_revocation(found) == value
    assert found.since == f"{mode}, from ledger entry 7 on"


def test_a_revocation_as_it_always_was() -> None:
    assert faults(KEY, RECORD) == []
    found = read_revocation(KEY)  # type: ignore[arg-type]  # a literal
    assert (found.mode, found.last_good, found.since) == ("", None, "altogether")
    assert write_revocation(found) == KEY


@pytest.mark.parametrize(
    ("item", "pointer"),
    [
        (KEY | {"mode": "retired"}, "/revoked/0"),
        (KEY | {"last_good": HEAD}, "/revoked/0"),
        (KEY | {"mode": "lost", "last_good": HEAD}, "/revoked/0/mode"),
        (KEY | {"mode": "retired", "last_good": {"tree_size": 7}}, "/revoked/0/last_good"),
        (KEY | {"mode": "retired", "last_good": HEAD | {"tree_size": -1}}, "/revoked/0/last_good/tree_size"),
        (KEY | {"mode": "retired", "last_good": HEAD | {"origin": "x"}}, "/revoked/0/last_good/origin"),
        (KEY | {"mode": "retired", "last_good": HEAD | {"root_hash": "00"}}, "/revoked/0/last_good/root_hash"),
        (KEY | {"id": RECORD["id"]}, "/revoked/0/id"),
        (RECORD | {"id": KEY["id"]}, "/revoked/0/id"),
    ],
)
def test_what_a_revocation_may_not_say(item: dict[str, Any], pointer: str) -> None:
    assert [p for p, _ in faults(item)] == [pointer]


def test_two_roots_at_one_size_contradict_each_other() -> None:
    other = HEAD | {"root_hash": str(digest("another tree"))}
    found = faults(KEY | {"mode": "retired", "last_good": HEAD}, RECORD | {"mode": "compromised", "last_good": other})
    assert found == [("/revoked/1/last_good/root_hash", "one ledger can't have two roots at the same size")]


@pytest.mark.parametrize(("seq", "holds"), [(0, False), (6, False), (7, True), (8, True), (None, True)])
def test_a_key_counts_below_its_place_only(seq: int | None, holds: bool) -> None:
    found = Revocation("key", "ab" * 32, "x", "retired", TreeHead(7, digest("tree")))
    assert found.holds_for(seq) is holds
    assert Revocation("key", "ab" * 32, "x").holds_for(seq) is True
    assert Revocation("record", "x", "x", "retired", TreeHead(7, digest("tree"))).holds_for(seq) is True


def revoked(world: World, name: str, mode: str = "retired") -> None:
    item = {"kind": "key", "id": key_of(name).keyid, "reason": "left", "mode": mode, "last_good": HEAD}
    world.next_root(lambda p: p["revoked"].append(item))


@pytest.mark.attack("A16")
@pytest.mark.parametrize("mode", ["retired", "compromised"])
def test_records_are_judged_by_their_place(world: World, mode: str) -> None:
    data = world.approval()
    revoked(world, "dana", mode)
    record = verify_record(data, "r", world.roots, World.NOW, seq=6)
    require_not_revoked(record, world.root, "r", seq=6)
    for seq in (7, None):
        with refused("trust.revoked") as e:
            verify_record(data, "r", world.roots, World.NOW, seq=seq)
        assert f"({mode}, from ledger entry 7 on): left" in str(e.value)
        with refused("trust.revoked"):
            require_not_revoked(record, world.root, "r", seq=seq)


def test_a_ledger_key_vouches_for_its_last_good_tree_alone(world: World) -> None:
    assert world.root.former_checkpoint_keys() == ()
    revoked(world, "ledger")
    assert world.root.checkpoint_keys() == ()
    assert world.root.former_checkpoint_keys() == ((key_of("ledger").public, TreeHead(7, digest("tree"))),)
    assert world.root.tree_heads() == (TreeHead(7, digest("tree")),)
    assert world.root.compromised() == ()


def test_an_older_program_refuses_what_it_does_not_understand() -> None:
    """The form grows by optional members of a closed schema: whoever doesn't know them refuses the root."""
    payload: Any = World().root_payload() | {"revoked": [KEY | {"mode": "retired", "last_good": HEAD, "until": "2027"}]}
    with refused("trust.bad-root"):
        parse_root(canonical_bytes(payload), "r", authenticated=False)
