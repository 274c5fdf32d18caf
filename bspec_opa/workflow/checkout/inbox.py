"""The inbox: record files that anybody may add, and what of them counts."""

from __future__ import annotations

import os
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from bspec_opa.foundation.digest import hex_of
from bspec_opa.foundation.errors import BspecError, Location
from bspec_opa.foundation.files import is_directory, list_files, make_directory, read_bounded, write_atomic
from bspec_opa.foundation.limits import MAX_RECORD_BYTES, MAX_RECORDS
from bspec_opa.foundation.reasons import BAD_NAME, UNREADABLE
from bspec_opa.trust.authority import Record, verify_record
from bspec_opa.trust.dsse import parse_envelope
from bspec_opa.workflow.facts.evaluation import Rejected

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from bspec_opa.foundation.digest import Digest
    from bspec_opa.trust.root import TrustRoot

INBOX_TYPES = (
    *("submit", "evidence", "approval", "waiver", "request", "review"),
    *("revocation", "retirement"),
)
"""What people write; the gate's own records go straight to the ledger."""


@dataclass(frozen=True, slots=True)
class Inbox:
    """Verified records, oldest signature first, and those that do not count."""

    records: tuple[Record, ...]
    rejected: tuple[Rejected, ...]

    def of(self, agent: str) -> Inbox:
        """One agent's records, and all that do not count: nobody can tell whose they are."""
        return Inbox(tuple(r for r in self.records if r.agent == agent), self.rejected)


def record_file(directory: Path, kind: str, record_id: Digest) -> Path:
    """``<type>/<64 digits>.json``: content-addressed, so records never conflict."""
    return directory / kind / f"{hex_of(record_id)}.json"


def write_record(directory: Path, kind: str, record_id: Digest, envelope: bytes) -> Path:
    """Put a record into an inbox.

    Raises:
        StoreError: it can't be written.
    """
    path = record_file(directory, kind, record_id)
    make_directory(path.parent)
    write_atomic(path, envelope)
    return path


def read_inbox(
    directories: Iterable[Path],
    roots: Sequence[TrustRoot],
    now: int,
    *,
    required: bool,
    places: Mapping[Digest, int] = MappingProxyType({}),
    kinds: Collection[str] = INBOX_TYPES,
) -> Inbox:
    """Every record in the inboxes, verified or rejected with its reason.

    Args:
        directories: the inboxes.
        roots: the walked trust roots.
        now: Unix seconds.
        required: whether a missing directory is an error; a directory that somebody named never counts as empty.
        places: record id to ledger entry: what is recorded already may be by a key that was revoked from later on.
        kinds: the types of records that are looked at.

    Raises:
        InvalidInputError: a named directory is missing, or a file is over the limits.
    """
    records: dict[Digest, Record] = {}
    rejected: list[Rejected] = []
    for kind, path in _files(directories, kinds, required=required):
        shown = os.fsencode(path.name).decode("utf-8", "backslashreplace")
        if shown != path.name:
            where = f"{path.parent}/{shown}"
            rejected.append(Rejected(kind, shown, where, BAD_NAME.code, "the file's name is not UTF-8"))
            continue
        data = read_bounded(path, MAX_RECORD_BYTES)
        try:
            seq = places.get(parse_envelope(data, str(path)).digest) if places else None
            record = verify_record(data, str(path), roots, now, seq=seq)
            if record.type != kind or path.stem != hex_of(record.id):
                raise UNREADABLE.error("is not the record that its name says", at=Location(str(path)))
        except BspecError as e:
            rejected.append(Rejected(kind, path.stem, str(path), e.code, e.problems[0].message))
            continue
        records[record.id] = record
    ordered = sorted(records.values(), key=lambda r: (r.signed_unix, r.id))
    return Inbox(tuple(ordered), tuple(rejected))


def _files(directories: Iterable[Path], kinds: Collection[str], *, required: bool) -> Iterator[tuple[str, Path]]:
    for directory in directories:
        if not is_directory(directory):
            if required:
                raise UNREADABLE.error(
                    "the records directory is missing", hint="name an existing one", at=Location(str(directory))
                )
            continue
        for kind in kinds:
            if is_directory(directory / kind):
                for path in list_files(directory / kind, ".json", MAX_RECORDS):
                    yield kind, path
