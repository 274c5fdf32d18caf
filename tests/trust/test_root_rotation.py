"""The rules of TUF for a new root (specification, 5.3), each with a test; numbers are those of version 1.0.34."""

from __future__ import annotations

from typing import Any

import pytest
from world import DAY, World, key_entry, key_of, refused

from bspec_opa.foundation.times import format_time
from bspec_opa.trust.dsse import parse_envelope
from bspec_opa.trust.keys import public_key_from_spki
from bspec_opa.trust.quorum import quorum_of
from bspec_opa.trust.root import parse_root, require_current
from bspec_opa.trust.root_rules import root_faults
from bspec_opa.trust.walk import walk


def root_3(payload: Any) -> None:
    """root-3 instead of root-2."""
    payload["keys"] = [k for k in payload["keys"] if k["id"] != key_of("root-2").keyid] + [key_entry("root-3", "root")]
    payload["root"]["keys"] = [key_of("root-1").keyid, key_of("root-3").keyid]


def refused_with(world: World, payload: Any, signers: list[str], code: str, message: str) -> None:
    with refused(code) as e:
        walk(world.pin, [*world.root_files, world.sign_root(payload, signers)])
    assert message in str(e.value)


@pytest.mark.attack("A19")
@pytest.mark.parametrize(
    ("signers", "unmet"),
    [
        (["root-1", "root-3"], "has 1 of 2 signatures that version 1 asks for"),
        (["root-1", "root-2"], "has 1 of 2 signatures that version 2 asks for"),
        (["root-1"], "has 1 of 2 signatures that version 1 asks for"),
    ],
    ids=["new threshold only", "old threshold only", "neither"],
)
def test_5_3_4_old_and_new_threshold(world: World, signers: list[str], unmet: str) -> None:
    refused_with(world, world.next_payload(root_3), signers, "trust.root-signatures", unmet)


@pytest.mark.attack("A18")
@pytest.mark.parametrize("version", [1, 3, 4])
def test_5_3_5_exactly_the_next_version(world: World, version: int) -> None:
    payload = world.next_payload(lambda p: p.update(version=version))
    refused_with(
        world, payload, ["root-1", "root-2"], "trust.broken-chain", f"is version {version} where 2 is expected"
    )


@pytest.mark.attack("A18")
def test_5_3_5_a_gap(world: World) -> None:
    world.next_root()
    world.next_root()
    with refused("trust.broken-chain") as e:
        walk(world.pin, [world.root_files[0], world.root_files[2]], ["1.root.json", "3.root.json"])
    assert "3.root.json: is version 3 where 2 is expected" in str(e.value)


@pytest.mark.attack("A18")
def test_5_3_5_a_fork_does_not_go_on(world: World) -> None:
    """Two versions 2, both signed by all; a version 3 continues one of them only."""
    other = world.sign_root(world.next_payload(lambda p: p.update(expires=format_time(World.EXPIRES - DAY))))
    world.next_root()
    world.next_root()
    with refused("trust.broken-chain") as e:
        walk(world.pin, [world.root_files[0], other, world.root_files[2]])
    assert "as its predecessor" in str(e.value)


def test_5_3_6_an_intermediate_version_may_have_expired(world: World) -> None:
    world.next_root(lambda p: p.update(expires=format_time(World.ISSUED + DAY)))
    world.next_root(lambda p: p.update(expires=format_time(World.EXPIRES)))
    require_current(walk(world.pin, world.root_files)[-1], World.NOW)


@pytest.mark.attack("A16")
def test_5_3_10_freeze_to_the_second(world: World) -> None:
    """The newest version is kept back until it has expired: whoever is served it notices then."""
    require_current(world.root, World.EXPIRES - 1)
    with refused("trust.root-expired"):
        require_current(world.root, World.EXPIRES)
    with refused("trust.root-not-yet-valid"):
        require_current(world.root, World.ISSUED - 1)


def two_keys_of_dana(payload: Any) -> None:
    payload["keys"].append(key_entry("root-3", "root"))
    payload["root"]["keys"].append(key_of("root-3").keyid)
    dana = next(p for p in payload["principals"] if p["id"] == "dana")
    dana["keys"] += [key_of("root-1").keyid, key_of("root-3").keyid]


@pytest.mark.attack("A12")
def test_one_person_with_two_root_keys_counts_once(world: World) -> None:
    payload = world.next_payload(two_keys_of_dana)
    unmet = "has 1 of 2 signatures that version 2 asks for"
    files = [*world.root_files, world.sign_root(payload, ["root-1", "root-2", "root-3"])]
    root = walk(world.pin, files)[-1]
    quorum = quorum_of(root, [key_of("root-1").keyid, key_of("root-3").keyid])
    assert ([h.owner for h in quorum.signed], quorum.missing) == (["dana"], 1)
    world.add_root(payload, ["root-1", "root-2", "root-3"])
    follows = world.next_payload()
    refused_with(world, follows, ["root-1", "root-3"], "trust.root-signatures", unmet)


@pytest.mark.attack("A12")
def test_a_threshold_that_only_two_keys_of_one_person_meet_is_no_threshold(world: World) -> None:
    def alone(payload: Any) -> None:
        two_keys_of_dana(payload)
        payload["root"]["keys"].remove(key_of("root-2").keyid)

    found = [(f.pointer, f.message) for f in root_faults(world.next_payload(alone))]
    assert found == [("/root/threshold", "threshold 2 is above the 1 distinct owners of root keys")]


@pytest.mark.attack("A09")
def test_a_key_listed_twice_is_refused(world: World) -> None:
    payload = world.next_payload(lambda p: p["root"]["keys"].append(key_of("root-1").keyid))
    refused_with(world, payload, ["root-1", "root-2"], "trust.duplicate-key", "is used twice")
    entries = world.next_payload(lambda p: p["keys"].append(key_entry("root-1", "root")))
    refused_with(world, entries, ["root-1", "root-2"], "trust.duplicate-key", "is there twice")


@pytest.mark.attack("A09")
def test_a_key_under_an_id_that_is_not_its_own_is_refused(world: World) -> None:
    """With two ids one key could meet a threshold of two."""
    other = key_entry("root-1", "root") | {"id": "ab" * 32}

    def add(payload: Any) -> None:
        payload["keys"].append(other)
        payload["root"]["keys"].append(other["id"])

    refused_with(world, world.next_payload(add), ["root-1", "root-2"], "trust.duplicate-key", "could have two ids")


SMALL = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0100000000000000000000000000000000000000000000000000000000000080",
]


@pytest.mark.attack("A09")
@pytest.mark.parametrize("point", SMALL)
def test_ed25519_points_of_small_order_are_no_keys(point: str) -> None:
    """Anybody can make a signature that verifies with one; and a second encoding would be a second id."""
    with refused("trust.bad-key"):
        public_key_from_spki("ed25519", bytes.fromhex("302a300506032b6570032100" + point))


@pytest.mark.attack("A02")
def test_a_version_changed_after_signing_is_refused(world: World) -> None:
    data = world.sign_root(world.next_payload())
    genuine = parse_envelope(data, "r")
    forged = parse_envelope(world.sign_root(world.next_payload(lambda p: p["root"].update(threshold=1))), "r")
    assert parse_root(forged.payload, "r", authenticated=False).root_threshold == 1
    swapped = type(genuine)(genuine.payload_type, forged.payload, genuine.signatures)
    with refused("trust.bad-signature"):
        walk(world.pin, [*world.root_files, swapped.to_bytes()])
