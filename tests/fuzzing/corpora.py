"""The saved inputs, and where they come from: the project's own examples first, then what a fuzzer found."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

from fuzzing.harnesses import HARNESSES, genuine_begun, genuine_checkpoint, genuine_records, genuine_root
from intents import TEXT
from locksmith import Locksmith
from publishers import NOW, key
from world import World

from bspec_opa.bundle.archive import compress, write_tar
from bspec_opa.bundle.signing.token import Claims, make_signatures
from bspec_opa.ledger.entry import entry_of
from bspec_opa.trust.dsse import parse_envelope

if TYPE_CHECKING:
    from collections.abc import Iterator

CORPORA = Path(__file__).parents[1] / "corpora"
ROOT = Path(__file__).parents[2]
LARGEST = 8_192
"""A saved input is for reading, too."""


def saved(name: str) -> list[bytes]:
    """Every saved input of a harness, in the order of its file names."""
    return [f.read_bytes() for f in sorted((CORPORA / name).iterdir())]


def save(name: str, data: bytes) -> Path:
    """Under the digest of its bytes."""
    directory = CORPORA / name
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / hashlib.sha256(data).hexdigest()[:16]
    path.write_bytes(data)
    return path


def seeds(name: str) -> Iterator[bytes]:
    """What there is without any fuzzing."""
    yield from {"document": documents, "intent": intents, "archive": archives}.get(name, lambda: records_of(name))()


def intents() -> Iterator[bytes]:
    yield TEXT.encode()
    for file in sorted(ROOT.glob("examples/**/behavior.intent")):
        yield file.read_bytes()


def documents() -> Iterator[bytes]:
    yield from intents()
    for file in sorted(ROOT.glob("examples/**/*.yaml")):
        yield file.read_bytes()
    for text in (
        '{"a": [1, "\\u00e9", true, null, -5]}',
        "a: |\n  b\n c: 1\n",
        "- 'x'\n- \"\\u0041\"\n",
        "? a\n: b\n",
        "%YAML 1.1\n--- 1\n",
    ):
        yield text.encode()
    yield from bombs()


def bombs() -> Iterator[bytes]:
    """What is small and would be large, or deep (attack A66)."""
    yield b"[" * 8_000
    yield b'{"a":' * 1_600
    yield b"- " * 4_000
    yield b"a: &a [x, x]\n" + b"".join(b"b%d: &b%d [*a, *a, *a, *a]\n" % (n, n) for n in range(200))
    yield b"a: &a [*a]\n"
    yield b"[" + b"0," * 4_000 + b"0]"
    yield b"? " * 4_000
    yield b'"' + b"\\u0061" * 1_300 + b'"'
    yield b"a: |\n" + b" " * 4_000 + b"x\n" + b" \n" * 1_000


def archives() -> Iterator[bytes]:
    files = {".manifest": b'{"revision":"x"}', "data.json": b"{}", "a/b.rego": b"package a\n"}
    yield write_tar(files)
    yield compress(write_tar(files))
    for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=form) as tar:
            for member, data in ({"/" + n: d for n, d in files.items()} | {"é" * 40: b"x"}).items():
                info = tarfile.TarInfo(member)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
            link = tarfile.TarInfo("link")
            link.type, link.linkname = tarfile.SYMTYPE, "../x"
            tar.addfile(link)
        yield out.getvalue()[:LARGEST]


def records_of(name: str) -> Iterator[bytes]:
    records = list(genuine_records().values())
    if name == "record":
        yield from records
    elif name == "root":
        yield genuine_root()
    elif name == "statement":
        for data in records:
            yield parse_envelope(data, "").payload
    elif name == "checkpoint":
        yield genuine_checkpoint()
    elif name == "begun":
        yield genuine_begun()
    elif name == "entry":
        yield entry_of(0, World.NOW, "submit", World().submit()).leaf()
    elif name == "lock":
        smith = Locksmith(World())
        smith.add()
        yield smith.data
        yield World().promotion()
    elif name == "signature":
        yield make_signatures({"data.json": b"{}", "a/b.rego": b"package a"}, key(), Claims(7, NOW))


def make() -> None:
    """Save the seeds of every harness."""
    for name in HARNESSES:
        for data in seeds(name):
            if len(data) <= LARGEST:
                save(name, data)


if __name__ == "__main__":
    make()
