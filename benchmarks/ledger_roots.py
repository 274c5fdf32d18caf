"""What it costs to ask a whole ledger for a newer trust root, as a share of reading it for a decision.

The rival of a reading is the same reading without the question; the rival of the question alone is the standard
library's JSON on the same payloads. Entries are statements as gates write them, of a thousand agents, and signed by
nobody: what reading does about one agent is to verify a thousandth of them, which is the same on both sides.
"""

from __future__ import annotations

import base64
import hashlib
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, cast

from benchmarks.ledger import NOW, PORTION, file_store
from benchmarks.measure import compare, timed
from bspec_opa.foundation.digest import PREFIX, Digest
from bspec_opa.ledger.entry import Entry
from bspec_opa.trust.keys import generate_private_key, private_key_from_pem
from bspec_opa.trust.statement import Subject, record_statement
from bspec_opa.workflow.facts import claims
from bspec_opa.workflow.facts.newer_roots import newest_named

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.measure import Figure
    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.ledger.interface import Store
    from bspec_opa.trust.root import TrustRoot

SIZES = (10_000, 100_000)
AGENTS = 1_000
ROOT_VERSION = 3
DOMAIN = "bench.example"


class Root:
    """What is asked of a trust root: which it is, and since when."""

    domain = DOMAIN
    version = ROOT_VERSION
    issued_unix = 0


def roots(rounds: int, sizes: Sequence[int] = SIZES) -> Iterator[Figure]:
    """Reading with and without the question, and the question alone, for each size."""
    key = private_key_from_pem(generate_private_key())
    for size in sizes:
        with tempfile.TemporaryDirectory() as place:
            store = file_store(Path(place), key)
            while (tip := store.tip()).size < size:
                entries = [stated(tip.size + i) for i in range(min(PORTION, size - tip.size))]
                store.append(tip, entries, key)
            yield from _compared(store, size, rounds)


def _compared(store: Store, size: int, rounds: int) -> Iterator[Figure]:
    def reading(*, asked: bool) -> None:
        """As a run does that decides once: nothing of an earlier one is kept."""
        claims.forget()
        entries = store.read().entries
        if asked:
            ask(entries)
        sum(claims.agent_of_entry(e) == "agent-7" for e in entries)

    def ask(entries: Sequence[Entry]) -> None:
        if newest_named(entries, cast("TrustRoot", Root)) is not None:
            raise SystemExit("no entry names a newer version")

    def alone() -> None:
        claims.forget()
        ask(kept)

    def parsed() -> None:
        for entry in kept:
            json.loads(base64.b64decode(cast("str", entry.body["payload"])))

    yield compare(
        f"reading, asked, at {size:,}",
        "the same without the question about a newer root",
        ours=timed(lambda: reading(asked=True)),
        rival=timed(lambda: reading(asked=False)),
        rounds=rounds,
        bound=1.05,
    )
    kept = store.read().entries
    yield compare(
        f"newer root asked at {size:,}",
        "json.loads of every payload",
        ours=timed(alone),
        rival=timed(parsed),
        rounds=rounds,
        bound=1.0,
    )


def stated(seq: int) -> Entry:
    """An entry whose statement is of the form and length of a run's."""
    digests = [f"{PREFIX}{hashlib.sha256(f'{seq} {i}'.encode()).hexdigest()}" for i in range(6)]
    predicate: JsonObject = {
        "action": "evidence",
        "agent": f"agent-{seq % AGENTS}",
        "counts": {"error": 0, "fail": 0, "n": 250, "pass": 250, "skip": 0},
        "dataset": {"digest": digests[0], "name": "cases"},
        "domain": DOMAIN,
        "environment": "staging",
        "harness": {"digest": digests[1], "name": "harness", "version": "1"},
        "method": "functional",
        "nonce": hashlib.sha256(str(seq).encode()).hexdigest()[:32],
        "question": "constraint",
        "raw_log": {"digest": digests[2]},
        "signed_at": "2026-06-01T12:00:00Z",
        "trust_root": {"digest": digests[3], "version": 1 + seq % ROOT_VERSION},
    }
    subjects = (Subject("intent", Digest(digests[4])), Subject("binding", Digest(digests[5])))
    payload = record_statement("evidence", subjects, predicate).payload()
    body: JsonObject = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": "application/vnd.in-toto+json",
        "signatures": [{"keyid": "none", "sig": "bm9uZQ=="}],
    }
    return Entry(seq, NOW, "evidence", body, Digest(PREFIX + hashlib.sha256(payload).hexdigest()))
