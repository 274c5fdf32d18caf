"""What an append, a proof and a search read and write grows with the logarithm of the ledger; the kernel counts it."""

from __future__ import annotations

import base64
import hashlib
import math
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from ledger_bench import NOW, ORIGIN

from bspec_opa.foundation.digest import PREFIX, Digest
from bspec_opa.ledger.entry import Entry
from bspec_opa.ledger.file_store import FileStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.trust.keys import PrivateKey

SMALL, LARGE = 70, 4_500
LOGARITHMS = math.log2(LARGE) / math.log2(SMALL)
MORE_NODES = 4 * math.log2(LARGE / SMALL)
"""Two a level at most for the tip, and two for a proof; how many there are is a matter of a size's binary digits."""


def made_up(seq: int) -> Entry:
    """An entry without a signature; a store looks at its form alone."""
    payload = b"%d" % seq
    body: JsonObject = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": "application/vnd.in-toto+json",
        "signatures": [{"keyid": "none", "sig": "bm9uZQ=="}],
    }
    return Entry(seq, NOW, "submit", body, Digest(PREFIX + hashlib.sha256(payload).hexdigest()))


class Filled:
    def __init__(self, directory: Path, key: PrivateKey, size: int) -> None:
        self.store = FileStore(directory, origin=ORIGIN, keys=[key.public])
        self.key = key
        self.store.append(self.store.tip(), [made_up(i) for i in range(size)], key)
        self.append()

    def append(self) -> None:
        tip = self.store.tip()
        self.store.append(tip, [made_up(tip.size)], self.key)

    def tip(self) -> None:
        self.store.tip()

    def inclusion(self) -> None:
        tip = self.store.tip()
        self.store.inclusion(tip, tip.size // 3)

    def consistency(self) -> None:
        tip = self.store.tip()
        self.store.consistency(tip, tip.size // 3)

    def find(self) -> None:
        assert self.store.find(made_up(1).record_id) == 1
        assert self.store.find(made_up(-1).record_id) is None

    def entry(self) -> None:
        assert [e.seq for e in self.store.scan(self.store.tip().size - 1)] == [self.store.tip().size - 1]


@pytest.fixture(scope="module")
def ledgers(tmp_path_factory: pytest.TempPathFactory, ledger_key: PrivateKey) -> tuple[Filled, Filled]:
    place = tmp_path_factory.mktemp("cost")
    return Filled(place / "small", ledger_key, SMALL), Filled(place / "large", ledger_key, LARGE)


def cost(action: Callable[[], None]) -> tuple[int, int]:
    """Bytes and calls of this thread's reading and writing."""
    action()
    before = counted()
    action()
    after = counted()
    return after[0] - before[0], after[1] - before[1]


def counted() -> tuple[int, int]:
    lines = Path("/proc/thread-self/io").read_text(encoding="ascii").splitlines()
    found = {name: int(value) for name, value in (line.split(": ") for line in lines)}
    return found["rchar"] + found["wchar"], found["syscr"] + found["syscw"]


@pytest.mark.parametrize("what", ["append", "tip", "inclusion", "consistency", "find", "entry"])
def test_a_ledger_of_many_entries_costs_a_logarithm_more(ledgers: tuple[Filled, Filled], what: str) -> None:
    small, large = (cost(getattr(x, what)) for x in ledgers)
    assert large[0] <= small[0] * LOGARITHMS
    assert large[1] <= small[1] + MORE_NODES
