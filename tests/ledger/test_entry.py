from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.errors import Location, TrustError
from bspec_opa.ledger.entry import Entry, entry_of, parse_entry
from bspec_opa.trust.dsse import IN_TOTO_PAYLOAD_TYPE, parse_envelope, sign_envelope
from bspec_opa.trust.statement import Subject, record_statement

if TYPE_CHECKING:
    from ledger_bench import Bench

    from bspec_opa.foundation.canonical import JsonObject

AT = Location("log.jsonl", 4)


@pytest.fixture
def entry(bench: Bench) -> Entry:
    return entry_of(3, bench.now, "submit", bench.record("a"))


def test_an_entry_is_read_back(entry: Entry, bench: Bench) -> None:
    assert parse_entry(entry.leaf(), 3, AT) == entry
    assert entry.record_bytes() == bench.record("a")
    assert entry.record_id == parse_envelope(bench.record("a"), "a").digest


def test_a_large_record_keeps_its_bytes(bench: Bench) -> None:
    subject = Subject("behavior.intent", parse_envelope(bench.record("a"), "a").digest)
    payload = record_statement("promotion", [subject], {"binding": {"text": "x" * 400_000}}).payload()
    record = sign_envelope(payload, IN_TOTO_PAYLOAD_TYPE, [bench.author]).to_bytes()
    entry = entry_of(0, bench.now, "promotion", record)
    assert parse_entry(entry.leaf(), 0, AT).record_bytes() == record


def changed(entry: Entry, **members: object) -> bytes:
    value: JsonObject = {
        "v": 1,
        "seq": 3,
        "at": "2026-05-01T00:00:00Z",
        "kind": "submit",
        "body": entry.body,
        **members,  # type: ignore[dict-item]
    }
    return canonical_bytes(value)


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({"v": 2}, "/v must be one of 1"),
        ({"v": True}, "/v must be an integer"),
        ({"seq": 4}, "entry 4 stands where 3 belongs"),
        ({"at": "2026-05-01"}, "/at has another form"),
        ({"at": "2026-02-30T00:00:00Z"}, "does not exist"),
        ({"kind": "gossip"}, "/kind must be one of"),
        ({"body": {}}, "/body lacks"),
        ({"more": 1}, 'unknown member "more"'),
    ],
    ids=str,
)
def test_what_is_no_entry_is_named(entry: Entry, members: dict[str, object], says: str) -> None:
    with pytest.raises(TrustError) as caught:
        parse_entry(changed(entry, **members), 3, AT)
    assert caught.value.code == "ledger.bad-entry"
    assert str(caught.value).startswith("log.jsonl:4: entry ")
    assert says in str(caught.value)


def test_a_payload_that_is_no_base64_is_named(entry: Entry) -> None:
    with pytest.raises(TrustError, match="entry 3"):
        parse_entry(changed(entry, body={**entry.body, "payload": "A"}), 3, AT)
    with pytest.raises(TrustError, match="entry 3"):
        parse_entry(changed(entry, body={**entry.body, "payload": "\u00e9"}), 3, AT)


@pytest.mark.attack("A54")
@pytest.mark.parametrize("other", [b" ", b""], ids=["space", "nothing"])
def test_only_the_canonical_form_is_an_entry(entry: Entry, other: bytes) -> None:
    leaf = entry.leaf().replace(b'{"at"', b'{%s"at"' % other) if other else b""
    with pytest.raises(TrustError) as caught:
        parse_entry(leaf, 3, AT)
    assert caught.value.code == "ledger.bad-entry"


@pytest.mark.attack("A33")
def test_a_duplicate_key_is_no_entry(entry: Entry) -> None:
    with pytest.raises(TrustError, match="entry 3 can't be read"):
        parse_entry(entry.leaf().replace(b'"seq":3', b'"seq":3,"seq":3'), 3, AT)


@pytest.mark.attack("A03")
def test_a_record_enters_only_under_its_own_kind(bench: Bench) -> None:
    with pytest.raises(TrustError, match="is of the type submit, not approval"):
        entry_of(0, bench.now, "approval", bench.record("a"))
    with pytest.raises(TrustError):
        entry_of(0, bench.now, "submit", bench.record("a")[:-1])
