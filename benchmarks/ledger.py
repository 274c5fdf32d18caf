"""What appending to a ledger and proving from it cost, against the same in a ledger of a thousand entries.

Beside the time, what the process reads and writes is counted by the kernel (``/proc/self/io``): time says more about
the neighbours' disk than about a logarithm. The bound is the ratio of the logarithms. Entries are made up without a
signature of their own, since a store doesn't look at those; checkpoints are signed.
"""

from __future__ import annotations

import base64
import hashlib
import math
import random
import tempfile
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.ledger_sql import postgresql, sqlite_store
from benchmarks.measure import compare, timed
from bspec_opa.foundation.digest import PREFIX, Digest
from bspec_opa.ledger.entry import Entry
from bspec_opa.ledger.file_store import FileStore
from bspec_opa.trust.keys import generate_private_key, private_key_from_pem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.measure import Figure
    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.ledger.interface import Store
    from bspec_opa.trust.keys import PrivateKey

SIZES = (10_000, 100_000, 1_000_000)
BASE = 1_000
ORIGIN = "ledger.example/bench"
NOW = 1_790_000_000
PORTION = 5_000
PAYLOAD_BYTES = 600
PROOFS = frozenset({"inclusion", "consistency"})
"""Their calls are one a node: at most two a level, fewer where a size has few binary digits that are set."""


def file_store(directory: Path, key: PrivateKey) -> Store:
    """A ledger in files."""
    return FileStore(directory, origin=ORIGIN, keys=[key.public])


STORES: dict[str, Callable[[Path, PrivateKey], Store]] = {"file": file_store, "sqlite": sqlite_store}


def ledger(rounds: int, sizes: Sequence[int] = SIZES, base: int = BASE) -> Iterator[Figure]:
    """Time, bytes and calls of an append, of proofs and of a search, for each store and size."""
    key = private_key_from_pem(generate_private_key())
    for name, make in STORES.items():
        with tempfile.TemporaryDirectory() as place:
            rival = Filled(make(Path(place) / str(base), key), key, base)
            for size in sizes:
                with tempfile.TemporaryDirectory() as own:
                    ours = Filled(make(Path(own), key), key, size)
                    yield from _compared(name, ours, rival, rounds)
    yield from postgresql(Filled, rounds, sizes, base)


def _compared(name: str, ours: Filled, rival: Filled, rounds: int) -> Iterator[Figure]:
    bound = round(math.log2(ours.size) / math.log2(rival.size), 2)
    for what in ("append", "inclusion", "consistency", "find"):
        for unit in ("wall", "bytes", "calls"):
            yield compare(
                f"{what} at {ours.size:,}, {name}",
                f"the same at {rival.size:,}",
                ours=_measured(getattr(ours, what), unit),
                rival=_measured(getattr(rival, what), unit),
                rounds=rounds,
                bound=None if unit == "wall" or (what in PROOFS and unit == "calls") else bound,
                unit=unit,
            )


def _measured(action: Callable[[], object], unit: str) -> Callable[[], float]:
    """Seconds, or thousands of what is counted, which a figure has as milliseconds and ones."""
    if unit == "wall":
        return timed(action)
    names = ("rchar", "wchar") if unit == "bytes" else ("syscr", "syscw")

    def run() -> float:
        before = _counted(names)
        action()
        return (_counted(names) - before) / 1e3

    return run


def _counted(names: Sequence[str]) -> int:
    """What this process has read and written; reading that counts as well, the same each time."""
    lines = (line.split(": ") for line in Path("/proc/self/io").read_text(encoding="ascii").splitlines())
    found = dict(lines)
    return sum(int(found[name]) for name in names)


class Filled:
    """A ledger of a size, and what is measured on it."""

    def __init__(self, store: Store, key: PrivateKey, size: int) -> None:
        """Fill a new ledger."""
        self.size = size
        self._store = store
        self._key = key
        self._random = random.Random(size)  # noqa: S311 - which entries are proven
        self._labels = count()
        while self._store.tip().size < size:
            self._add(min(PORTION, size - self._store.tip().size))

    def append(self) -> None:
        """One entry, as a gate appends it."""
        self._add(1)

    def inclusion(self) -> None:
        """That some entry is there."""
        tip = self._store.tip()
        self._store.inclusion(tip, self._random.randrange(tip.size))

    def consistency(self) -> None:
        """That the ledger goes on from some earlier size."""
        tip = self._store.tip()
        self._store.consistency(tip, self._random.randrange(1, tip.size))

    def find(self) -> None:
        """A record that is not there: the one who appends asks for it."""
        self._store.find(entry_at(0, f"absent {self._random.random()}").record_id)

    def _add(self, number: int) -> None:
        tip = self._store.tip()
        entries = [entry_at(tip.size + i, f"{self.size} {next(self._labels)}") for i in range(number)]
        self._store.append(tip, entries, self._key)


def entry_at(seq: int, label: str) -> Entry:
    """An entry that a label gives."""
    payload = label.encode().ljust(PAYLOAD_BYTES)
    body: JsonObject = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": "application/vnd.in-toto+json",
        "signatures": [{"keyid": "none", "sig": "bm9uZQ=="}],
    }
    return Entry(seq, NOW, "submit", body, Digest(PREFIX + hashlib.sha256(payload).hexdigest()))
