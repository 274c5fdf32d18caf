"""The side file ``index.sqlite``: where each entry ends in the log, and which entry has which record.

It spares an append and a search the reading of the log, and is made anew from the verified log whenever it doesn't
fit. What it finds is confirmed in the log; that it doesn't find what is there would be found by the next reader.

It is not flushed to disk, so that an append pays nothing for it: a killed process can't damage it (SQLite's journal
is on disk), a machine that lost its power can. So it is believed only while the machine runs that wrote it last;
afterwards it is searched for damage once.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bspec_opa.foundation.digest import Digest, hex_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

    from bspec_opa.ledger.log import Row

_SCHEMA = (
    "CREATE TABLE entries (seq INTEGER PRIMARY KEY, finish INTEGER NOT NULL, record BLOB NOT NULL UNIQUE)",
    "CREATE TABLE written (boot TEXT NOT NULL)",
)
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_STEPS = 50_000
"""Virtual machine instructions that one look-up may take; it takes some dozens. The file may be anybody's."""
_CACHE_KIB = 65_536


class StaleError(Exception):
    """The index is missing, damaged, or that of other entries."""


class Located(NamedTuple):
    """An entry's place.

    Attributes:
        seq: its number.
        start: where its line starts in the log.
        end: where it ends, LF included.
    """

    seq: int
    start: int
    end: int


class RecordIndex:
    """The index in a file; nothing is opened until it is used."""

    def __init__(self, path: Path) -> None:
        """Name the file."""
        self.path = path

    def find(self, records: Iterable[Digest], last: Located, last_record: Digest) -> Iterator[Located | None]:
        """Where records are among the entries up to ``last``; None for one that is none of them.

        Raises:
            StaleError: the index is not that of these entries.
        """
        with self._reading(last, last_record) as db:
            for record in records:
                wanted = (_key(record), last.seq)
                found = db.execute("SELECT seq FROM entries WHERE record = ? AND seq <= ?", wanted).fetchone()
                yield None if found is None else _place(db, found[0])

    def locate(self, seq: int, last: Located, last_record: Digest) -> Located:
        """Where an entry is.

        Raises:
            StaleError: the index is not that of these entries.
        """
        with self._reading(last, last_record) as db:
            return _place(db, seq)

    def add(self, rows: Iterable[tuple[int, int, Digest]], size: int, length: int) -> None:
        """Note entries after the first ``size``, which take ``length`` bytes: number, end, record.

        Raises:
            StaleError: it doesn't have those, or can't be written; it will be made anew.
        """
        if size == 0 and not os.path.lexists(self.path):
            with _usable():
                _create(self.path)
        with _usable(), contextlib.closing(_connect(_regular(self.path))) as db:
            _require_own(db)
            db.execute("BEGIN IMMEDIATE")
            if size and db.execute("SELECT finish FROM entries WHERE seq = ?", (size - 1,)).fetchone() != (length,):
                raise StaleError  # a gap would stay unseen for ever
            db.set_progress_handler(None, 0)
            db.execute("DELETE FROM entries WHERE seq >= ?", (size,))
            _insert(db, rows)
            db.execute("COMMIT")

    def rebuild(self, rows: Iterator[Row]) -> Iterator[Row]:
        """Pass verified rows on and note them meanwhile; the file is replaced when they have come to an end.

        Never fails by itself: where it can't be written there is none.
        """
        fresh = _Fresh(self.path.with_name(f".{secrets.token_hex(8)}.tmp"))
        try:
            for row in rows:
                fresh.note(row)
                yield row
            if fresh.finished():
                with contextlib.suppress(OSError):
                    self._replace(fresh.path)
        finally:
            fresh.discard()

    def _replace(self, fresh: Path) -> None:
        """Put the new file in place. The old one goes first: its journal must never be taken for the new one's."""
        for old in (self.path, self.path.with_name(self.path.name + "-journal")):
            old.unlink(missing_ok=True)
        fresh.replace(self.path)

    @contextlib.contextmanager
    def _reading(self, last: Located, last_record: Digest) -> Iterator[sqlite3.Connection]:
        with _usable(), contextlib.closing(_connect(_regular(self.path))) as db:
            _require_own(db)
            known = db.execute("SELECT finish, record FROM entries WHERE seq = ?", (last.seq,)).fetchone()
            if known != (last.end, _key(last_record)):
                raise StaleError
            yield db


class _Fresh:
    """A new index that is being written; it gives itself up where it can't be."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db: sqlite3.Connection | None = None
        with contextlib.suppress(StaleError), _usable():
            _create(path)
            self._db = _connect(path)
            self._db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            self._db.execute("BEGIN")

    def note(self, row: Row) -> None:
        """One more entry."""
        if self._db is not None:
            try:
                with _usable():
                    _insert(self._db, [(row.entry.seq, row.end, row.entry.record_id)])
            except StaleError:
                self._close()

    def finished(self) -> bool:
        """Whether all entries are in the file now."""
        if self._db is None:
            return False
        try:
            with _usable():
                self._db.execute("COMMIT")
        except StaleError:
            return False
        finally:
            self._close()
        return True

    def discard(self) -> None:
        """Leave nothing behind."""
        self._close()
        for left in (self.path, self.path.with_name(self.path.name + "-journal")):
            with contextlib.suppress(OSError):
                left.unlink(missing_ok=True)

    def _close(self) -> None:
        if self._db is not None:
            self._db.close()
        self._db = None


def _create(path: Path) -> None:
    with contextlib.closing(_connect(path, "rwc")) as db:
        for statement in ("BEGIN", *_SCHEMA):
            db.execute(statement)
        db.execute("INSERT INTO written VALUES (?)", (_boot(),))
        db.execute("COMMIT")


def _connect(path: Path, mode: str = "rw") -> sqlite3.Connection:
    import sqlite3

    uri = f"{path.absolute().as_uri()}?mode={mode}"
    db = sqlite3.connect(uri, uri=True, timeout=0, isolation_level=None, cached_statements=0)
    flushing = "OFF" if _boot() else "FULL"
    try:
        for pragma in ("trusted_schema = OFF", "journal_mode = DELETE", f"synchronous = {flushing}"):
            db.execute(f"PRAGMA {pragma}")
    except sqlite3.Error:
        db.close()
        raise
    return db


def _regular(path: Path) -> Path:
    """The path, if there is a regular file: SQLite would make one, follow a link and wait for a pipe."""
    try:
        if stat.S_ISREG(path.lstat().st_mode):
            return path
    except OSError as e:
        raise StaleError from e
    raise StaleError


def _require_own(db: sqlite3.Connection) -> None:
    """Exactly our tables, written while this machine has been up or else found undamaged."""
    db.set_progress_handler(lambda: 1, _STEPS)
    found = db.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name LIMIT 3").fetchall()
    if tuple(sql for (sql,) in found) != _SCHEMA:
        raise StaleError
    stamps = db.execute("SELECT boot FROM written LIMIT 2").fetchall()
    if len(stamps) != 1:
        raise StaleError
    if stamps != [(_boot(),)]:
        db.set_progress_handler(None, 0)
        if db.execute("PRAGMA integrity_check(1)").fetchall() != [("ok",)]:
            raise StaleError
        with contextlib.suppress(Exception):  # a directory that can't be written: it is searched each time
            db.execute("UPDATE written SET boot = ?", (_boot(),))
        db.set_progress_handler(lambda: 1, _STEPS)


@contextlib.contextmanager
def _usable() -> Iterator[None]:
    """Whatever SQLite has to say about the file, it is not to be used."""
    import sqlite3

    try:
        yield
    except (sqlite3.Error, OSError) as e:
        raise StaleError from e


def _insert(db: sqlite3.Connection, rows: Iterable[tuple[int, int, Digest]]) -> None:
    db.executemany("INSERT INTO entries VALUES (?, ?, ?)", ((seq, end, _key(record)) for seq, end, record in rows))


def _place(db: sqlite3.Connection, seq: int) -> Located:
    ends = db.execute("SELECT finish FROM entries WHERE seq IN (?, ?) ORDER BY seq", (seq - 1, seq)).fetchall()
    if len(ends) != (2 if seq else 1):
        raise StaleError
    return Located(seq, ends[0][0] if seq else 0, ends[-1][0])


def _key(record: Digest) -> bytes:
    return bytes.fromhex(hex_of(record))


def _boot() -> str:
    """What tells one run of this machine from the next; empty where that can't be told."""
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return ""
