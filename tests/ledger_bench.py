"""A file ledger for tests, with its key and records to put into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.digest import digest_of
from bspec_opa.ledger.file_store import FileStore
from bspec_opa.trust.dsse import IN_TOTO_PAYLOAD_TYPE, sign_envelope
from bspec_opa.trust.keys import PrivateKey, generate_private_key, private_key_from_pem
from bspec_opa.trust.statement import Subject, record_statement

if TYPE_CHECKING:
    from pathlib import Path

    from bspec_opa.ledger.interface import LedgerState

ORIGIN = "ledger.example/acme"
NOW = 1_777_593_600  # 2026-05-01T00:00:00Z


class Bench:
    """A file ledger in a directory, with its key and records to put into it."""

    origin = ORIGIN
    now = NOW

    def __init__(self, directory: Path, key: PrivateKey, author: PrivateKey) -> None:
        self.directory = directory
        self.key = key
        self.author = author
        self.store = self.open()
        self._records: dict[tuple[str, str], bytes] = {}

    def open(self, directory: Path | None = None, wait_s: float = 10.0) -> FileStore:
        return FileStore(directory or self.directory, origin=ORIGIN, keys=[self.key.public], wait_s=wait_s)

    def record(self, label: str, kind: str = "submit") -> bytes:
        if (label, kind) not in self._records:
            subject = Subject("behavior.intent", digest_of(label.encode()))
            statement = record_statement(kind, [subject], {"nonce": label})
            envelope = sign_envelope(statement.payload(), IN_TOTO_PAYLOAD_TYPE, [self.author])
            self._records[label, kind] = envelope.to_bytes()
        return self._records[label, kind]

    def add(self, *labels: str, at: int = NOW, store: FileStore | None = None) -> LedgerState:
        store = store or self.store
        state = store.read()
        entries = state.draft(at, [("submit", self.record(x)) for x in labels])
        return state.followed_by(entries, store.append(state.tip, entries, self.key))

    def files(self) -> dict[str, bytes]:
        return {p.name: p.read_bytes() for p in self.directory.iterdir()} if self.directory.exists() else {}


def new_key() -> PrivateKey:
    return private_key_from_pem(generate_private_key())
