"""What hostile bytes are given to, and what must hold whatever they are.

Each harness refuses them with a :class:`BspecError`, or accepts them and proves that nothing was let through that should
not be. Anything else is a fault: another exception, an acceptance that nobody signed, more than a second of processor time.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from world import World, key_of

from bspec_opa.bundle.archive import compress, decompress, read_tar, write_tar
from bspec_opa.bundle.read import read_bundle, require_accepted
from bspec_opa.bundle.signing.foreign import read_any
from bspec_opa.bundle.signing.token import read_signature
from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.digest import digest_of
from bspec_opa.foundation.document.load import load_document, load_json
from bspec_opa.foundation.errors import BspecError, Location
from bspec_opa.intent.load import load_intent
from bspec_opa.ledger.checkpoint import parse_checkpoint, sign_checkpoint
from bspec_opa.ledger.entry import entry_of, parse_entry
from bspec_opa.ledger.file.begun import Begun, parse_begun
from bspec_opa.ledger.growth import growth_of
from bspec_opa.ledger.interface import Tip
from bspec_opa.lock.chain import read_lock
from bspec_opa.trust.dsse import parse_envelope
from bspec_opa.trust.statement import parse_statement
from bspec_opa.trust.walk import walk

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_S = 1.0
"""Of processor time: how busy the machine is must not matter."""
ORIGIN = "ledger.example/acme"


class FuzzError(AssertionError):
    """Something that must not be, and no reason to refuse it: it took too long, or let through what it must not."""


@dataclass(frozen=True)
class Harness:
    """A place where bytes of strangers come in.

    Attributes:
        name: also of the directory with its saved inputs.
        run: reads them; raises a refusal, or :class:`FuzzError`.
        longest_s: how much processor time that may take, in seconds.
    """

    name: str
    run: Callable[[bytes], object]
    longest_s: float = LONGEST_S

    def check(self, data: bytes) -> bool:
        """Whether it is accepted.

        Raises:
            FuzzError: it took more than a second, or was let through and must not be.
            Exception: whatever the program raised instead of a refusal.
        """
        begun = time.thread_time()
        try:
            self.run(data)
        except BspecError as e:
            accepted = False
            if any("\n" in p.message or not p.message for p in e.problems):
                raise FuzzError(f"{self.name}: a message of more than one line, or of none") from e
        else:
            accepted = True
        took = time.thread_time() - begun
        if took > self.longest_s:
            raise FuzzError(f"{self.name}: {took:.1f} s of processor time")
        return accepted


@cache
def world() -> World:
    return World()


@cache
def genuine_records() -> dict[str, bytes]:
    there = World()  # the first of each kind that a world makes are always the same
    kinds = (there.submit, there.evidence, there.approval, there.waiver, there.request, there.promotion)
    return {digest_of(parse_envelope(data, "").payload): data for data in (kind() for kind in kinds)}


@cache
def genuine_checkpoint() -> bytes:
    return sign_checkpoint(ORIGIN, 3, b"r" * 32, key_of("ledger")).to_bytes()


@cache
def genuine_root() -> bytes:
    there = world()
    return there.sign_root(there.root_payload())


def document(data: bytes) -> None:
    found = load_document(data, "f")
    again = load_json(canonical_bytes(found.value), "f")
    if again.value != found.value:
        raise FuzzError("a document means something else in its canonical form")


def intent(data: bytes) -> None:
    found = load_intent(data, "f")
    if load_intent(canonical_bytes(found.authored), "f").digest != found.digest:
        raise FuzzError("an intent has another digest in its canonical form")


def record(data: bytes) -> None:
    found = world().verify(data)
    if found.id not in genuine_records():
        raise FuzzError("a record counts that nobody signed")


def root(data: bytes) -> None:
    (found,) = walk(world().pin, [data])
    if found.digest != world().root.digest:
        raise FuzzError("another trust root than the pinned one is accepted")


def statement(data: bytes) -> None:
    if parse_statement(data, "f").payload() != data:
        raise FuzzError("a statement has two forms")


def checkpoint(data: bytes) -> None:
    found = parse_checkpoint(data, "f")
    found.verify(ORIGIN, [key_of("ledger").public], "f")
    if found.text != parse_checkpoint(genuine_checkpoint(), "f").text:
        raise FuzzError("a tree head counts that nobody signed")


@cache
def genuine_begun() -> bytes:
    record = next(iter(genuine_records().values()))
    growth = growth_of(Tip(ORIGIN), [entry_of(0, World.NOW, "submit", record)])
    head = growth.signed(key_of("ledger")).checkpoint
    assert head is not None
    return Begun(0, head, growth.lines).to_bytes()


def begun(data: bytes) -> None:
    found = parse_begun(data, "f")
    found.checkpoint.verify(ORIGIN, [key_of("ledger").public], "f")
    found.growth(Tip(ORIGIN))
    if found.body != parse_begun(genuine_begun(), "f").body:
        raise FuzzError("an append is completed that nobody has begun")


def entry(data: bytes) -> None:
    if parse_entry(data, 0, Location("f")).leaf() != data:
        raise FuzzError("an entry of the ledger has two forms")


def lock(data: bytes) -> None:
    if b"".join(line.record for line in read_lock(data, "f")) != data:
        raise FuzzError("a lock has two forms")


def archive(data: bytes) -> None:
    """As gzip, as a tar of ours and of others; one that is read whole is a bundle that nobody accepted."""
    tars = [data]
    with suppress(BspecError):
        tars.append(decompress(data))
    refusals = []
    for tar in tars:
        for read in (_ours, read_any, _bundle):
            try:
                read(tar)
            except BspecError as e:
                refusals.append(e)
    if refusals:
        raise refusals[-1]


def _ours(tar: bytes) -> None:
    if write_tar(read_tar(tar)) != tar:
        raise FuzzError("an archive has two forms")


def _bundle(tar: bytes) -> None:
    bundle = read_bundle(compress(tar), "f")
    require_accepted(bundle, frozenset())
    raise FuzzError("a bundle is accepted that nobody names")


def signature(data: bytes) -> None:
    read_signature(data)


HARNESSES = {
    f.__name__: Harness(f.__name__, f)
    for f in (document, intent, record, root, statement, checkpoint, begun, entry, lock, archive, signature)
}
