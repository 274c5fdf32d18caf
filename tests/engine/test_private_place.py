"""A private directory is made only where nobody else can replace it, and where a socket's path fits."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bspec_opa.engine import private_place as rules
from bspec_opa.engine.address import MAX_SOCKET_PATH, parse_address
from bspec_opa.engine.private_place import MAX_BELOW, private_place
from bspec_opa.foundation.errors import EngineError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A short directory of ours, while the fallback is unfit."""
    monkeypatch.setattr(rules, "FALLBACK", "/nonexistent")
    path = Path("/tmp") / f"bspec-test-{os.urandom(4).hex()}"
    path.mkdir(mode=0o700)
    yield path
    path.rmdir()


def refused(text: str) -> None:
    with pytest.raises(EngineError) as caught:
        private_place({"XDG_RUNTIME_DIR": text})
    assert (caught.value.code, caught.value.exit_code) == ("engine.no-private-directory", ExitCode.ENGINE)


def test_order(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "FALLBACK", "/")
    assert private_place({"XDG_RUNTIME_DIR": str(own), "TMPDIR": "/usr"}) == own
    assert private_place({"XDG_RUNTIME_DIR": "/nonexistent", "TMPDIR": str(own)}) == own
    monkeypatch.setattr(rules, "FALLBACK", str(own))
    assert private_place({"XDG_RUNTIME_DIR": "relative", "TMPDIR": ""}) == own
    assert private_place({}) == own


def test_the_usual_fallback_is_fit() -> None:
    assert private_place({}) == Path("/tmp")


@pytest.mark.parametrize(
    ("mode", "fit"),
    [(0o700, True), (0o755, True), (0o1777, True), (0o770, False), (0o777, False), (0o702, False)],
)
def test_others_must_not_rename_ours(own: Path, mode: int, fit: bool) -> None:
    own.chmod(mode)
    if fit:
        assert private_place({"XDG_RUNTIME_DIR": str(own)}) == own
    else:
        refused(str(own))


def test_somebody_elses(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = own.stat().st_uid
    os.chown(own, 12345, -1) if owner == 0 else monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    refused(str(own))


def test_no_directory(own: Path, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch(0o600)
    link = own / "link"
    link.symlink_to(file)
    refused(str(link))
    link.unlink()
    refused(str(own / "missing"))


@pytest.mark.parametrize(
    "text", ["", "tmp", "./tmp", "/tmp,x=1", "/tmp/{a}", "/tmp\n", "/tmp/a b", "/tmp/%2e", "/tmp/\N{SNOWMAN}", "/tmp\0"]
)
def test_what_opa_could_misread(own: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "_is_fit", lambda _: True)
    monkeypatch.setattr(rules, "FALLBACK", "nowhere")
    refused(text)


def test_longest_path(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "_is_fit", lambda _: True)
    monkeypatch.setattr(rules, "FALLBACK", "nowhere")
    longest = "/" + "x" * (MAX_SOCKET_PATH - MAX_BELOW - 1)
    assert private_place({"XDG_RUNTIME_DIR": longest}) == Path(longest)
    path = f"{longest}/bspec-opa-0123456789abcdef/opa.sock"
    assert len(path) == MAX_SOCKET_PATH
    assert parse_address(f"unix://{path}").path == path
    refused(longest + "x")
