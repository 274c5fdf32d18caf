from __future__ import annotations

from typing import Any

import pytest
from world import World, key_entry, key_of, refused

from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.trust.dsse import IN_TOTO_PAYLOAD_TYPE, Envelope, Signature
from bspec_opa.trust.signing_round import Round, add_signature, merge, open_round, unsigned, who_is_missing
from bspec_opa.trust.walk import walk


def three(payload: Any) -> None:
    """root-3 comes, held by dana, who gets root-1 as well; threshold stays 2."""
    payload["keys"].append(key_entry("root-3", "root"))
    payload["root"]["keys"].append(key_of("root-3").keyid)
    dana = next(p for p in payload["principals"] if p["id"] == "dana")
    dana["keys"] += [key_of("root-1").keyid, key_of("root-3").keyid]


def opened(world: World, change: Any = lambda _: None) -> Round:
    return open_round(unsigned(world.next_payload(change)).to_bytes(), "draft", world.root)


def names(draft: Round) -> list[tuple[int, list[str], int]]:
    return [(q.version, [h.owner for h in q.signed], q.missing) for q in draft.quorums]


def held(name: str) -> str:
    return f"key {key_of(name).keyid[:12]}"


@pytest.mark.parametrize("order", [("root-1", "root-2"), ("root-2", "root-1")])
def test_the_order_of_signatures_does_not_matter(world: World, order: tuple[str, str]) -> None:
    draft = opened(world)
    assert names(draft) == [(1, [], 2), (2, [], 2)]
    assert not draft.complete
    draft = add_signature(draft, key_of(order[0]))
    assert names(draft) == [(1, [held(order[0])], 1), (2, [held(order[0])], 1)]
    assert who_is_missing(draft.quorums) == (
        f"version 1 needs 1 more of {held(order[1])}; version 2 needs 1 more of {held(order[1])}"
    )
    draft = add_signature(draft, key_of(order[1]))
    assert draft.complete
    assert who_is_missing(draft.quorums) == ""
    assert draft.envelope.to_bytes() == world.sign_root(world.next_payload())
    assert walk(world.pin, [*world.root_files, draft.envelope.to_bytes()])[-1].digest == draft.root.digest


def test_version_1_needs_its_own_threshold_only(world: World) -> None:
    draft = open_round(unsigned(world.root_payload()).to_bytes(), "draft", None)
    assert names(draft) == [(1, [], 2)]
    draft = add_signature(add_signature(draft, key_of("root-1")), key_of("root-2"))
    assert draft.envelope.to_bytes() == world.root_files[0]


@pytest.mark.attack("A10")
def test_signing_twice_is_refused(world: World) -> None:
    draft = add_signature(opened(world), key_of("root-1"))
    with refused("trust.signature-not-needed") as e:
        add_signature(draft, key_of("root-1"))
    assert "has signed it already" in str(e.value)


@pytest.mark.attack("A14")
@pytest.mark.parametrize("name", ["mallory", "alice", "gate", "ledger"])
def test_who_holds_no_root_key_is_refused(world: World, name: str) -> None:
    with refused("trust.root-signatures") as e:
        add_signature(opened(world), key_of(name))
    assert "is no root key of version 1 nor of version 2" in str(e.value)


@pytest.mark.attack("A12")
def test_a_second_key_of_the_same_person_is_refused_and_says_why(world: World) -> None:
    world.add_root(world.next_payload(three), ["root-1", "root-2", "root-3"])
    draft = add_signature(opened(world), key_of("root-1"))
    with refused("trust.signature-not-needed") as e:
        add_signature(draft, key_of("root-3"))
    assert str(e.value).count("dana has signed for version") == 2
    assert add_signature(draft, key_of("root-2")).complete


def test_a_signature_beyond_the_threshold_is_refused(world: World) -> None:
    def more(payload: Any) -> None:
        payload["keys"].append(key_entry("root-3", "root"))
        payload["root"]["keys"].append(key_of("root-3").keyid)

    world.add_root(world.next_payload(more), ["root-1", "root-2"])
    draft = add_signature(add_signature(opened(world), key_of("root-1")), key_of("root-3"))
    with refused("trust.signature-not-needed") as e:
        add_signature(draft, key_of("root-2"))
    assert "it has all signatures that it needs" in str(e.value)


def test_a_signature_for_a_threshold_that_is_met_is_refused(world: World) -> None:
    """The old keys have signed; the leaving one isn't asked, and the coming one still is."""

    def leave(payload: Any) -> None:
        payload["keys"] += [key_entry("root-3", "root"), key_entry("root-4", "root")]
        payload["root"]["keys"] = [key_of(n).keyid for n in ("root-3", "root-4")]
        payload["keys"] = [
            k for k in payload["keys"] if k["id"] not in {key_of("root-1").keyid, key_of("root-2").keyid}
        ]

    def wide(payload: Any) -> None:
        payload["keys"].append(key_entry("root-5", "root"))
        payload["root"]["keys"].append(key_of("root-5").keyid)

    world.add_root(world.next_payload(wide), ["root-1", "root-2"])

    def rotate(payload: Any) -> None:
        leave(payload)
        payload["keys"].remove(key_entry("root-5", "root"))

    draft = opened(world, rotate)
    draft = add_signature(add_signature(draft, key_of("root-1")), key_of("root-2"))
    with refused("trust.signature-not-needed") as e:
        add_signature(draft, key_of("root-5"))
    assert "version 2 has its 2 signatures" in str(e.value)
    assert f"{held('root-5')} is no root key of version 3" in str(e.value)
    assert names(add_signature(draft, key_of("root-3")))[1] == (3, [held("root-3")], 1)


@pytest.mark.attack("A16")
def test_a_revoked_key_signs_for_the_version_that_does_not_revoke_it_yet(world: World) -> None:
    def revoke(payload: Any) -> None:
        payload["keys"].append(key_entry("root-3", "root"))
        payload["root"]["keys"].append(key_of("root-3").keyid)
        payload["revoked"] = [{"kind": "key", "id": key_of("root-2").keyid, "reason": "lost"}]

    draft = add_signature(opened(world, revoke), key_of("root-2"))
    assert names(draft) == [(1, [held("root-2")], 1), (2, [], 2)]
    draft = add_signature(add_signature(draft, key_of("root-1")), key_of("root-3"))
    assert draft.complete
    world.add_root(world.next_payload(revoke), ["root-1", "root-2", "root-3"])
    with refused("trust.signature-not-needed") as e:
        add_signature(opened(world), key_of("root-2"))
    assert "version 2 revokes key" in str(e.value)


def test_copies_are_put_together(world: World) -> None:
    draft = opened(world)
    copies = [(n, add_signature(draft, key_of(n)).envelope.to_bytes()) for n in ("root-2", "root-1")]
    merged = merge(draft, copies)
    assert merged.complete
    assert merged.envelope.to_bytes() == world.sign_root(world.next_payload())
    with refused("trust.signature-not-needed") as e:
        merge(merged, copies[:1])
    assert "no signature that is not there yet" in str(e.value)


@pytest.mark.attack("A18")
def test_a_copy_of_another_draft_is_refused(world: World) -> None:
    other = add_signature(opened(world, lambda p: p["root"].update(threshold=1)), key_of("root-1"))
    with refused("trust.other-draft"):
        merge(opened(world), [("other", other.envelope.to_bytes())])


@pytest.mark.attack("A02")
def test_a_copy_with_a_forged_signature_is_refused(world: World) -> None:
    draft = opened(world)
    forged = Envelope(
        draft.envelope.payload_type, draft.envelope.payload, (Signature(key_of("root-1").keyid, b"\0" * 64),)
    )
    with refused("trust.bad-signature"):
        merge(draft, [("copy", forged.to_bytes())])
    with refused("trust.bad-signature"):
        open_round(forged.to_bytes(), "draft", world.root)


@pytest.mark.attack("A18")
def test_a_draft_that_does_not_continue_the_trusted_version_is_not_signed(world: World) -> None:
    stale = unsigned(world.next_payload()).to_bytes()
    world.next_root()
    with refused("trust.broken-chain"):
        open_round(stale, "draft", world.root)
    with refused("trust.broken-chain"):
        open_round(stale, "draft", None)


@pytest.mark.attack("A01")
@pytest.mark.attack("A03")
def test_an_unsigned_draft_is_nothing_but_a_draft(world: World) -> None:
    data = unsigned(world.next_payload()).to_bytes()
    with refused("trust.bad-envelope"):
        walk(world.pin, [*world.root_files, data])
    wrong = Envelope(IN_TOTO_PAYLOAD_TYPE, canonical_bytes(world.next_payload()), ())
    with refused("trust.wrong-type"):
        open_round(wrong.to_bytes(), "draft", world.root)
