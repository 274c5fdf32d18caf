"""Ledgers in databases: what an append costs as they grow, and how many writers append at once.

SQLite reads and writes in our process, as the file ledger does. PostgreSQL does so in its server, which
counts the blocks of tables and indexes that it touches. Both flush what they commit. Writers are processes, each
of which reads and verifies the whole ledger, appends, and does so again if it has lost the race: what a promotion costs
its ledger, without the decision.

An append's blocks hardly depend on the binary digits of a size: the frontier is read in one row. What is left are the
zeros at its end (nodes that show the last leaf) and the ones (nodes that are complete now), one of each on average; the
rounds go over sizes that follow on each other, and the median is compared. A proof's blocks do depend on them.
"""

from __future__ import annotations

import math
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import Figure, compare, timed
from bspec_opa.ledger.file_store import FileStore
from bspec_opa.ledger.sql.store import open_sql_store
from bspec_opa.ledger.sql.url import parse_url
from bspec_opa.trust.keys import generate_private_key, private_key_from_pem, write_private_key

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from postgres import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.ledger import Filled
    from bspec_opa.ledger.interface import Store
    from bspec_opa.trust.keys import PrivateKey, PublicKey

ORIGIN = "ledger.example/bench"
WRITERS = (1, 4, 16)
_FILE = "file:"
_BLOCKS = """
SELECT coalesce(sum(heap_blks_read + heap_blks_hit + coalesce(idx_blks_read, 0) + coalesce(idx_blks_hit, 0)), 0)
FROM pg_statio_user_tables WHERE schemaname = 'bspec_ledger'
"""


def sqlite_store(directory: Path, key: PrivateKey) -> Store:
    """A ledger in SQLite."""
    return open_store(f"sqlite:///{directory}/ledger.sqlite", key.public)


def open_store(url: str, key: PublicKey) -> Store:
    """A ledger by its address; ``file:DIRECTORY`` is one in files."""
    if url.startswith(_FILE):
        return FileStore(Path(url.removeprefix(_FILE)), origin=ORIGIN, keys=[key], wait_s=300)
    return open_sql_store(parse_url(url), origin=ORIGIN, keys=[key], wait_s=300)


@contextmanager
def server() -> Iterator[Server]:
    """A PostgreSQL that flushes to disk."""
    found = Server(durable=True)
    try:
        found.make()
        yield found
    finally:
        found.remove()


def postgresql(
    fill: Callable[[Store, PrivateKey, int], Filled], rounds: int, sizes: Sequence[int], base: int
) -> Iterator[Figure]:
    """Time and blocks of an append, of proofs and of a search, for each size."""
    key = private_key_from_pem(generate_private_key())
    with server() as running:
        small = running.fresh()
        rival = fill(open_store(running.url(small), key.public), key, base)
        for size in sizes:
            name = running.fresh()
            ours = fill(open_store(running.url(name), key.public), key, size)
            bound = round(math.log2(size) / math.log2(base), 2)
            for what in ("append", "inclusion", "consistency", "find"):
                mine, theirs = getattr(ours, what), getattr(rival, what)
                title, other = f"{what} at {size:,}, postgresql", f"the same at {base:,}"
                yield compare(title, other, ours=timed(mine), rival=timed(theirs), rounds=rounds)
                yield compare(
                    title,
                    other,
                    ours=_blocks(running, name, mine),
                    rival=_blocks(running, small, theirs),
                    rounds=rounds,
                    bound=bound if what == "append" else None,
                    unit="blocks",
                )


def _blocks(running: Server, name: str, action: Callable[[], object]) -> Callable[[], float]:
    """Thousands of blocks, which a figure has as ones."""

    def run() -> float:
        before = _touched(running, name)
        action()
        return float(_touched(running, name) - before) / 1e3

    return run


def _touched(running: Server, name: str) -> int:
    """What the server's processes have counted; each reports when it ends, so the others' end is waited for."""
    with running.boss(name) as boss:
        others = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
        while (boss.execute(others, (name,)).fetchone() or (0,))[0]:
            time.sleep(0.001)  # between two looks; it is outside of what is timed
        return int((boss.execute(_BLOCKS).fetchone() or (0,))[0])


def writers(counts: Sequence[int] = WRITERS, appends: int = 48) -> Iterator[Figure]:
    """Milliseconds an append, of several writers against one, for each kind of store."""
    key_pem = generate_private_key()
    key = private_key_from_pem(key_pem)
    with tempfile.TemporaryDirectory() as place, server() as running:
        write_private_key(Path(place) / "ledger.pem", key_pem)
        for kind in ("file", "sqlite", "postgresql"):
            alone = 0.0
            for number in counts:
                url = _new_ledger(kind, Path(place) / f"{kind}-{number}", running)
                each = _raced(url, Path(place) / "ledger.pem", number, appends) / appends * 1e3
                assert open_store(url, key.public).read().size == number * (appends // number)
                alone = alone or each
                name, rival = f"append, {number} writers, {kind}", "one writer"
                yield Figure(name, rival, "wall", round(each, 3), round(alone, 3), round(each / alone, 2), None)


def _new_ledger(kind: str, directory: Path, running: Server) -> str:
    if kind == "postgresql":
        return running.url(running.fresh())
    directory.mkdir()
    return f"{_FILE}{directory}/ledger" if kind == "file" else f"sqlite:///{directory}/ledger.sqlite"


def _raced(url: str, key_file: Path, number: int, appends: int) -> float:
    """Seconds from the starting shot until the last of them has appended its share."""
    command = [sys.executable, "-m", "benchmarks.ledger_sql", url, str(key_file)]
    return shot([[*command, str(i), str(appends // number)] for i in range(number)])


def shot(commands: Sequence[Sequence[str]]) -> float:
    """Seconds from the starting shot, once each process has said ``ready``, until the last of them has ended well."""
    started = [subprocess.Popen(c, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for c in commands]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    begun = time.perf_counter()
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in started:
        with process:
            pass
        assert process.returncode == 0
    return time.perf_counter() - begun


def _write(url: str, key_file: str, label: str, appends: str) -> None:
    """One writer, in a process of its own."""
    from benchmarks.ledger import entry_at
    from bspec_opa.foundation.errors import StoreError
    from bspec_opa.trust.keys import load_private_key

    key = load_private_key(Path(key_file))
    store = open_store(url, key.public)
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(int(appends)):
        while True:
            tip = store.read().tip
            try:
                store.append(tip, [entry_at(tip.size, f"{label}-{number}")], key)
            except StoreError as e:
                if e.code != "ledger.race-lost":
                    raise
            else:
                break


if __name__ == "__main__":
    _write(*sys.argv[1:])
