"""What an evidence pack consists of: every file follows from the record, so that each can be made again and compared.

manifest.json            every other file with its size and digest
index.md                 for people
trust/<N>.root.json      every version of the trust root
ledger/log.jsonl         the whole ledger: a record that is left out would be a reject that nobody sees
ledger/checkpoint        the signed tree head
ledger/proofs/<N>.json   the inclusion proof of each decision
ledger/objects/sha256/…  exactly what it takes to rebuild and replay the decisions
locks/<agent>.lock       the lines of each agent
schemas/…                of what is in here
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bspec_opa import __version__
from bspec_opa.foundation.closed_schema import DIGEST, IDENTIFIER, TEXT, TIME, array, enum, integer, obj, string
from bspec_opa.foundation.digest import digest_of, hex_of
from bspec_opa.foundation.times import format_time
from bspec_opa.trust.predicates import ORIGIN
from bspec_opa.workflow.facts.heads import LINE_TYPES
from bspec_opa.workflow.recorded.decisions import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.ledger.entry import Entry
    from bspec_opa.ledger.interface import LedgerState
    from bspec_opa.workflow.audit.examining import Examined, Record

    Pages = Callable[["Record", Sequence[Examined]], Mapping[str, bytes]]

MANIFEST, INDEX = "manifest.json", "index.md"
TRUST, LEDGER, LOG, CHECKPOINT = "trust", "ledger", "ledger/log.jsonl", "ledger/checkpoint"
OBJECTS, PROOFS, LOCKS, SCHEMA_DIRECTORY = "ledger/objects", "ledger/proofs", "locks", "schemas"
PACK_NAME, PROOF_NAME = "bspec.evidence-pack/v1", "bspec.inclusion-proof/v1"

PROOF_SCHEMA = obj(
    schema=enum(PROOF_NAME),
    origin=ORIGIN,
    tree_size=integer(1),
    root_hash=DIGEST,
    entry=integer(),
    leaf_hash=DIGEST,
    path=array(DIGEST),
)
"""RFC 9162, section 2.1.3: from a line of the log, hashed as a leaf, to the root in the checkpoint."""
MANIFEST_SCHEMA = obj(
    schema=enum(PACK_NAME),
    made_by=string(maximum=200),
    domain=IDENTIFIER,
    trust_root=obj(version=integer(1), digest=DIGEST),
    ledger=obj(origin=ORIGIN, tree_size=integer(1), root_hash=DIGEST, until=TIME),
    agents=array(obj(agent=TEXT, lines=integer(), denials=integer())),
    files=array(obj(path=TEXT, bytes=integer(), digest=DIGEST), minimum=1),
)
"""Nothing in it is believed: it names what was altered, and everything is derived again."""


def pack_files(record: Record, examined: Sequence[Examined], pages: Pages) -> dict[str, bytes]:
    """Every file of the pack of a record, by its path; the same record gives the same bytes.

    Args:
        record: the record, after it was examined: its objects are those that were read.
        examined: every agent.
        pages: makes the index and the schemas.
    """
    files: dict[str, bytes] = {
        **{f"{TRUST}/{n}.root.json": data for n, data in enumerate(record.envelopes, 1)},
        **dict(_ledger(record.ledger)),
        **{f"{OBJECTS}/sha256/{hex_of(d)}": record.objects.get(d) for d in sorted(record.objects.seen)},
        **{f"{LOCKS}/{agent}.lock": data for agent, data in _locks(record, examined)},
        **pages(record, examined),
    }
    return {**dict(sorted(files.items())), MANIFEST: _rendered(_manifest(record, examined, files))}


def manifest_without_pages(manifest: dict[str, Any]) -> dict[str, Any]:
    """What a manifest says whoever's version made the pack: without the pages, which are worded by that version."""
    kept = [f for f in manifest["files"] if f["path"] != INDEX and not f["path"].startswith(f"{SCHEMA_DIRECTORY}/")]
    return {**manifest, "made_by": "", "files": kept}


def _rendered(document: JsonObject) -> bytes:
    return (json.dumps(document, indent=1, sort_keys=True) + "\n").encode()


def _ledger(ledger: LedgerState) -> Iterator[tuple[str, bytes]]:
    assert ledger.checkpoint is not None  # noqa: S101 - a ledger with entries has one
    yield LOG, b"".join(e.leaf() + b"\n" for e in ledger.entries)
    yield CHECKPOINT, ledger.checkpoint.to_bytes()
    yield from ((f"{PROOFS}/{e.seq}.json", _rendered(_proof(ledger, e))) for e in ledger.entries if e.kind in KINDS)


def _proof(ledger: LedgerState, entry: Entry) -> JsonObject:
    return {
        "schema": PROOF_NAME,
        **ledger.head(),
        "entry": entry.seq,
        "leaf_hash": f"sha256:{entry.leaf_hash().hex()}",
        "path": [f"sha256:{h.hex()}" for h in ledger.inclusion(entry.seq)],
    }


def _locks(record: Record, examined: Sequence[Examined]) -> Iterator[tuple[str, bytes]]:
    entries = record.ledger.entries
    for one in examined:
        lines = [entries[p.line.entry] for p in one.lines]
        if lines:
            yield one.agent, b"".join(e.record_bytes() for e in lines if e.kind in LINE_TYPES)


def _manifest(record: Record, examined: Sequence[Examined], files: Mapping[str, bytes]) -> JsonObject:
    root, ledger = record.roots[-1], record.ledger
    return {
        "schema": PACK_NAME,
        "made_by": f"bspec-opa {__version__}",
        "domain": root.domain,
        "trust_root": {"version": root.version, "digest": root.digest},
        "ledger": {**ledger.head(), "until": format_time(ledger.last_at)},
        "agents": [{"agent": e.agent, "lines": len(e.lines), "denials": len(e.denials)} for e in examined],
        "files": [{"path": p, "bytes": len(d), "digest": digest_of(d)} for p, d in sorted(files.items())],
    }
