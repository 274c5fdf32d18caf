"""What a server remembers of sequences: in the process, in a file, and when neither can be relied on."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest
from bundle_server import NAME, edition, put, revision
from publishers import key, sign

from bspec_opa.bundle.serving.candidates import Candidates
from bspec_opa.bundle.serving.edition import Shelf
from bspec_opa.bundle.serving.memory import Memory, Seen, kept_in
from bspec_opa.bundle.signing.token import read_signature
from bspec_opa.foundation.errors import BspecError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bspec_opa.bundle.read import Bundle
    from bspec_opa.bundle.serving.log import Event

ONE, TWO = "sha256:" + "1" * 64, "sha256:" + "2" * 64
OFFERS: dict[str, tuple[int | None, str, str]] = {
    "the same again": (7, ONE, ""),
    "a newer one": (8, TWO, ""),
    "a newer one of the same content": (8, ONE, ""),
    "an older one": (6, TWO, "serving.older-bundle"),
    "an older one of the same content": (6, ONE, "serving.older-bundle"),
    "another one under the same sequence": (7, TWO, "serving.sequence-reused"),
    "none": (None, TWO, "bundle.unsequenced"),
}


def accepted(memory: Memory, sequence: int | None, revision: str, name: str = NAME) -> str:
    """The reason why not, or ""."""
    try:
        memory.accept(name, sequence, revision)
    except BspecError as e:
        return e.code
    return ""


@pytest.mark.attack("A31")
@pytest.mark.parametrize("offer", OFFERS)
def test_what_may_follow(offer: str, tmp_path: Path) -> None:
    sequence, revision, code = OFFERS[offer]
    memory = Memory({NAME: Seen(7, ONE)})
    assert accepted(memory, sequence, revision) == code
    assert accepted(memory, 7, ONE) == ("serving.older-bundle" if code == "" and sequence == 8 else "")
    with kept_in(tmp_path / "state.json") as kept:
        assert accepted(kept, 7, ONE) == ""
    with kept_in(tmp_path / "state.json") as kept:
        assert accepted(kept, sequence, revision) == code


def test_names_are_apart_and_what_says_no_sequence_is_forgotten_only_without_a_file(tmp_path: Path) -> None:
    memory = Memory()
    assert [accepted(memory, None, r, "a") for r in (ONE, TWO, ONE)] == ["", "", ""]
    assert (accepted(memory, 9, ONE, "b"), accepted(memory, 3, TWO, "a")) == ("", "")
    with kept_in(tmp_path / "state.json") as kept:
        assert accepted(kept, None, ONE) == "bundle.unsequenced"


def test_the_file(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    with kept_in(file) as memory:
        assert json.loads(file.read_bytes()) == {"schema": "bspec.bundle-serving-state/v1", "bundles": []}
        memory.accept("b", 2, TWO)
        memory.accept("a", 1, ONE)
        with pytest.raises(BspecError) as error, kept_in(file, wait_s=0):
            pass
        assert (error.value.code, error.value.exit_code) == ("serving.state-in-use", 9)
    assert json.loads(file.read_bytes())["bundles"] == [
        {"name": "a", "sequence": 1, "revision": ONE},
        {"name": "b", "sequence": 2, "revision": TWO},
    ]
    assert {p.name: p.stat().st_mode & 0o777 for p in tmp_path.iterdir()} == dict.fromkeys(
        ("state.json", "state.json.lock"), 0o600
    )


def _linked(file: Path) -> None:
    file.rename(file.with_name("elsewhere"))
    file.symlink_to("elsewhere")


SPOILT: dict[str, tuple[Callable[[Path], object], str]] = {
    "damaged": (lambda f: f.write_bytes(f.read_bytes()[:-5]), "can't be read: "),
    "another form": (lambda f: f.write_text('{"bundles": []}'), "is not what was written"),
    "a sequence as text": (lambda f: f.write_bytes(f.read_bytes().replace(b":7", b':"7"')), "is not what was written"),
    "readable by others": (lambda f: f.chmod(0o644), "others may read or write it"),
    "writable by others": (lambda f: f.chmod(0o620), "others may read or write it"),
    "a link": (_linked, "can't be read: is a symbolic link"),
}


@pytest.mark.attack("A31")
@pytest.mark.parametrize("name", SPOILT)
def test_a_file_that_cant_be_relied_on_starts_no_server(name: str, tmp_path: Path) -> None:
    spoil, said = SPOILT[name]
    file = tmp_path / "state.json"
    with kept_in(file) as memory:
        memory.accept(NAME, 7, ONE)
    spoil(file)
    with pytest.raises(BspecError) as error, kept_in(file):
        pass
    assert (error.value.code, error.value.exit_code) == ("serving.bad-state", 7)
    assert said in str(error.value)


def claimed(bundle: Bundle, _archive: bytes) -> int | None:
    """The sequence that a signature says; whose it is, is another test's."""
    return read_signature(bundle.files[".signatures.json"]).sequence


def test_what_cant_be_remembered_is_not_served_until_it_can(tmp_path: Path) -> None:
    """The file of the bundle stays as it is meanwhile; it is tried again at each look."""
    file, folder = tmp_path / "x.tar.gz", tmp_path / "state"
    folder.mkdir()
    events: list[Event] = []
    put(file, sign(edition(0), key(), sequence=7))
    with kept_in(folder / "state.json") as memory:
        shelf = Shelf([NAME])
        candidates = Candidates(shelf, {NAME: file}, None, check=claimed, memory=memory, log=events.append)
        folder.rename(tmp_path / "away")
        for _ in range(3):
            asyncio.run(candidates.look())
        assert [(e.kind, e.code) for e in events] == [("refused", "file.unwritable")]
        assert shelf.current(NAME) is None
        (tmp_path / "away").rename(folder)
        asyncio.run(candidates.look())
    assert [(e.kind, e.revision) for e in events[1:]] == [("switched", revision(0))]
    assert '"sequence":7' in (folder / "state.json").read_text(encoding="utf-8")
