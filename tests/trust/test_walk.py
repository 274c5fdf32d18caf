from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from world import DAY, World, digest, key_entry, key_of, refused

from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.errors import BspecError
from bspec_opa.foundation.times import format_time
from bspec_opa.trust.dsse import (
    IN_TOTO_PAYLOAD_TYPE,
    TRUST_ROOT_PAYLOAD_TYPE,
    Envelope,
    Signature,
    parse_envelope,
    sign_envelope,
)
from bspec_opa.trust.walk import distinct_owners, walk

WORLD = World()
WORLD.next_root()
WORLD.next_root()


def rotate(payload: Any) -> None:
    """root-2 leaves, root-3 comes."""
    payload["keys"] = [k for k in payload["keys"] if k["id"] != key_of("root-2").keyid] + [key_entry("root-3", "root")]
    payload["root"]["keys"] = [key_of("root-1").keyid, key_of("root-3").keyid]


def test_walk_gives_every_version_authenticated() -> None:
    roots = walk(WORLD.pin, WORLD.root_files)
    assert [r.version for r in roots] == [1, 2, 3]
    assert all(r.authenticated for r in roots)
    assert [r.previous_digest for r in roots[1:]] == [r.digest for r in roots[:2]]
    assert roots[0].digest == WORLD.pin


def test_no_root_at_all_is_refused() -> None:
    with refused("trust.no-root"):
        walk(WORLD.pin, [])


@pytest.mark.attack("A75")
def test_another_first_version_is_refused() -> None:
    with refused("trust.pin-mismatch"):
        walk(digest("another pin"), WORLD.root_files)
    replaced = WORLD.root_payload() | {"domain": "evil"}
    with refused("trust.pin-mismatch"):
        walk(WORLD.pin, [WORLD.sign_root(replaced)])


@pytest.mark.attack("A75")
def test_pin_is_of_the_first_version_only() -> None:
    with refused("trust.pin-mismatch"):
        walk(WORLD.roots[2].digest, WORLD.root_files)
    with refused("trust.broken-chain"):
        walk(WORLD.roots[2].digest, WORLD.root_files[2:])


@pytest.mark.attack("A18")
@pytest.mark.parametrize("order", [[0, 2], [0, 0], [0, 2, 1], [0, 1, 1], [0, 1, 2, 0], [0, 1, 2, 2]])
def test_gap_repetition_or_step_back_is_refused(order: list[int]) -> None:
    with refused("trust.broken-chain"):
        walk(WORLD.pin, [WORLD.root_files[n] for n in order])


def step(**changes: Any) -> list[bytes]:
    payload = WORLD.next_payload(lambda p: p.update(changes))
    return [*WORLD.root_files, WORLD.sign_root(payload)]


@pytest.mark.attack("A18")
@pytest.mark.parametrize(
    "changes",
    [
        {"version": 3},
        {"version": 5},
        {"previous_digest": str(digest("another"))},
        {"previous_digest": str(WORLD.pin)},
        {"domain": "other"},
        {"issued": format_time(World.ISSUED - 1)},
    ],
    ids=str,
)
def test_version_that_does_not_continue_is_refused(changes: dict[str, Any]) -> None:
    with refused("trust.broken-chain"):
        walk(WORLD.pin, step(**changes))


def test_version_may_be_issued_in_the_same_second() -> None:
    assert walk(WORLD.pin, step(issued=format_time(World.ISSUED)))[-1].version == 4


@pytest.mark.attack("A18")
def test_first_version_has_no_predecessor() -> None:
    payload = WORLD.root_payload() | {"previous_digest": digest("something")}
    with refused("trust.broken-chain"):
        walk(parse_envelope(WORLD.sign_root(payload), "r").digest, [WORLD.sign_root(payload)])


@pytest.mark.attack("A19")
def test_rotation_needs_the_old_threshold_and_the_new(world: World) -> None:
    payload = world.next_payload(rotate)
    for signers in (["root-1", "root-3"], ["root-1", "root-2"], ["root-2", "root-3"], ["root-1"], ["root-3"]):
        with refused("trust.root-signatures"):
            walk(world.pin, [*world.root_files, world.sign_root(payload, signers)])
    root = world.add_root(payload, ["root-1", "root-2", "root-3"])
    assert root.root_keys == (key_of("root-1").keyid, key_of("root-3").keyid)


@pytest.mark.attack("A19")
def test_after_a_rotation_the_old_key_is_nobody(world: World) -> None:
    world.add_root(world.next_payload(rotate), ["root-1", "root-2", "root-3"])
    payload = world.next_payload()
    with refused("trust.root-signatures"):
        walk(world.pin, [*world.root_files, world.sign_root(payload, ["root-1", "root-2"])])
    assert world.add_root(payload, ["root-1", "root-3"]).version == 3


@pytest.mark.attack("A19")
def test_lowered_threshold_holds_from_the_next_version_only(world: World) -> None:
    payload = world.next_payload(lambda p: p["root"].update(threshold=1))
    with refused("trust.root-signatures"):
        walk(world.pin, [*world.root_files, world.sign_root(payload, ["root-1"])])
    world.add_root(payload)
    assert world.add_root(world.next_payload(), ["root-2"]).version == 3


@pytest.mark.attack("A01")
@pytest.mark.attack("A19")
def test_first_version_needs_its_own_threshold() -> None:
    for signers in (["root-1"], ["root-2"]):
        with refused("trust.root-signatures"):
            walk(WORLD.pin, [WORLD.sign_root(WORLD.root_payload(), signers)])
    with refused("trust.bad-envelope"):
        walk(WORLD.pin, [WORLD.sign_root(WORLD.root_payload(), [])])


@pytest.mark.attack("A09")
@pytest.mark.attack("A10")
def test_one_signature_does_not_count_twice(world: World) -> None:
    envelope = parse_envelope(world.sign_root(world.root_payload(), ["root-1"]), "r")
    [only] = envelope.signatures
    for twin in (only, Signature(key_of("root-2").keyid, only.sig), Signature(only.keyid, key_of("root-1").sign(b"x"))):
        doubled = Envelope(envelope.payload_type, envelope.payload, (only, twin))
        with refused("trust.bad-envelope"):
            walk(world.pin, [doubled.to_bytes()])


@pytest.mark.attack("A12")
def test_two_root_keys_of_one_person_count_once(world: World) -> None:
    def three(payload: Any) -> None:
        payload["keys"].append(key_entry("root-3", "root"))
        payload["root"]["keys"].append(key_of("root-3").keyid)
        payload["principals"][0]["keys"] += [key_of("root-1").keyid, key_of("root-3").keyid]

    payload = world.next_payload(three)
    with refused("trust.root-signatures"):
        walk(world.pin, [*world.root_files, world.sign_root(payload, ["root-1", "root-3"])])
    root = world.add_root(payload)
    assert distinct_owners(root, [key_of(n).keyid for n in ("root-1", "root-3")]) == 1
    assert distinct_owners(root, [key_of(n).keyid for n in ("root-1", "root-2", "root-3")]) == 2
    assert distinct_owners(root, [key_of(n).keyid for n in ("alice", "gate", "ledger", "mallory")]) == 0


@pytest.mark.attack("A16")
def test_revoked_root_key_does_not_count(world: World) -> None:
    def revoke(payload: Any) -> None:
        payload["keys"].append(key_entry("root-3", "root"))
        payload["root"]["keys"].append(key_of("root-3").keyid)
        payload["revoked"] = [{"kind": "key", "id": key_of("root-2").keyid, "reason": "lost"}]

    payload = world.next_payload(revoke)
    with refused("trust.root-signatures"):
        walk(world.pin, [*world.root_files, world.sign_root(payload, ["root-1", "root-2"])])
    world.add_root(payload, ["root-1", "root-2", "root-3"])
    with refused("trust.root-signatures"):
        walk(world.pin, [*world.root_files, world.sign_root(world.next_payload(), ["root-1", "root-2"])])


@pytest.mark.attack("A14")
@pytest.mark.parametrize("name", ["alice", "gate", "ledger", "mallory"])
def test_signature_of_a_key_that_is_no_root_key_is_refused(name: str) -> None:
    with refused("trust.root-signatures"):
        walk(WORLD.pin, [WORLD.sign_root(WORLD.root_payload(), ["root-1", "root-2", name])])


@pytest.mark.attack("A02")
def test_one_bad_signature_spoils_the_version_even_above_the_threshold(world: World) -> None:
    payload: Any = world.root_payload()
    payload["root"]["threshold"] = 1
    envelope = parse_envelope(world.sign_root(payload), "r")
    one, two = envelope.signatures
    forged = Envelope(envelope.payload_type, envelope.payload, (one, Signature(two.keyid, b"\0" * 64)))
    with refused("trust.bad-signature"):
        walk(envelope.digest, [forged.to_bytes()])


@pytest.mark.attack("A03")
def test_root_under_another_payload_type_is_refused() -> None:
    payload = canonical_bytes(WORLD.root_payload())
    data = sign_envelope(payload, IN_TOTO_PAYLOAD_TYPE, [key_of("root-1"), key_of("root-2")]).to_bytes()
    with refused("trust.wrong-type"):
        walk(WORLD.pin, [data])
    with refused("trust.wrong-type"):
        walk(WORLD.pin, [WORLD.approval()])


@pytest.mark.attack("A75")
def test_root_in_another_form_is_refused() -> None:
    for data in (WORLD.root_files[0] + b" ", WORLD.root_files[0].replace(b":", b": ", 1), b""):
        with refused("trust.bad-envelope"):
            walk(WORLD.pin, [data])


def test_errors_name_the_file() -> None:
    with pytest.raises(BspecError, match=r"\Atrust/2\.root\.json: "):
        walk(WORLD.pin, [WORLD.root_files[0], WORLD.root_files[2]], ["trust/1.root.json", "trust/2.root.json"])
    with pytest.raises(BspecError, match=r"\Atrust root version 2: "):
        walk(WORLD.pin, [WORLD.root_files[0], WORLD.root_files[2]])


def mutate(data: st.DataObject, value: Any) -> Any:
    """The value with one change somewhere in it."""
    if value and isinstance(value, dict):
        return mutate_object(data, value)
    if value and isinstance(value, list):
        return mutate_list(data, value)
    if isinstance(value, str):
        return data.draw(st.sampled_from([value + "x", value[1:] or "y", value[::-1] + "0"]))
    return value + data.draw(st.sampled_from([-1, 1])) if isinstance(value, int) else 1


def mutate_object(data: st.DataObject, value: dict[str, Any]) -> Any:
    member = data.draw(st.sampled_from(sorted(value)))
    match data.draw(st.sampled_from(["change", "drop", "add"])):
        case "drop":
            return {k: v for k, v in value.items() if k != member}
        case "add":
            return value | {"zz": 1}
        case _:
            return value | {member: mutate(data, value[member])}


def mutate_list(data: st.DataObject, value: list[Any]) -> Any:
    at = data.draw(st.integers(0, len(value) - 1))
    match data.draw(st.sampled_from(["change", "drop", "repeat"])):
        case "drop":
            return [*value[:at], *value[at + 1 :]]
        case "repeat":
            return [*value, value[at]]
        case _:
            return [*value[:at], mutate(data, value[at]), *value[at + 1 :]]


@pytest.mark.attack("A02")
@pytest.mark.attack("A75")
@given(data=st.data(), version=st.integers(0, 2))
def test_every_mutation_of_a_payload_is_refused(data: st.DataObject, version: int) -> None:
    """Signed again by an attacker with every key but the root's, or with the old signatures kept."""
    original = parse_envelope(WORLD.root_files[version], "r")
    payload = mutate(data, copy.deepcopy(WORLD.payloads[version]))
    assert payload != WORLD.payloads[version]
    kept = Envelope(TRUST_ROOT_PAYLOAD_TYPE, canonical_bytes(payload), original.signatures)
    resigned = sign_envelope(kept.payload, TRUST_ROOT_PAYLOAD_TYPE, [key_of("gate"), key_of("mallory")])
    for forged in (kept, resigned):
        files = [*WORLD.root_files[:version], forged.to_bytes(), *WORLD.root_files[version + 1 :]]
        with pytest.raises(BspecError) as e:
            walk(WORLD.pin, files)
        assert e.value.exit_code == 7


@pytest.mark.attack("A02")
@given(data=st.data(), version=st.integers(0, 2))
def test_any_flipped_bit_of_a_root_is_refused(data: st.DataObject, version: int) -> None:
    file = bytearray(WORLD.root_files[version])
    position = data.draw(st.integers(0, 8 * len(file) - 1))
    file[position // 8] ^= 1 << (position % 8)
    with pytest.raises(BspecError):
        walk(WORLD.pin, [*WORLD.root_files[:version], bytes(file), *WORLD.root_files[version + 1 :]])


def test_an_expired_chain_can_still_be_walked(world: World) -> None:
    world.next_root(
        lambda p: p.update(issued=format_time(World.EXPIRES + DAY), expires=format_time(World.EXPIRES + 2 * DAY))
    )
    assert world.root.issued_unix > world.roots[0].expires_unix
