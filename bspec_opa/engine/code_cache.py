"""Compiled policy code between processes. It is code: a place that others can write to is not used.

Nor is one that lies in the checkout that is judged: whoever proposes a change could have committed native code, which
a version control system restores with modes that look like ours (attack A75). It never restores mode 0700 and 0600,
which are demanded besides.

Whoever can act as the same user can put code here, as into any program that this user runs; nothing here stops them.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from bspec_opa.foundation.checkout import lies_in
from bspec_opa.foundation.files import sweep
from bspec_opa.foundation.limits import MIB

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_ENTRY_BYTES = 256 * MIB
MAX_ENTRIES = 16
SUFFIX = ".cwasm"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_HASH_BYTES = 32


def cache_directory(environ: Mapping[str, str]) -> Path | None:
    """``$XDG_CACHE_HOME/bspec-opa`` or ``~/.cache/bspec-opa``; none without a home (XDG base directories)."""
    for name, below in (("XDG_CACHE_HOME", "bspec-opa"), ("HOME", ".cache/bspec-opa")):
        base = environ.get(name, "")
        if base.startswith("/"):
            return Path(base) / below
    return None


class CodeCache:
    """A directory of mode 0700 that belongs to us, with one file for each compiled module.

    It never fails: what can't be read is compiled again, what can't be written is not kept, and ``notes`` says why.
    The hash in front of each file finds damage, which a compiled module would not survive; it is no
    authentication.

    Args:
        directory: where; made when something is kept.
        untrusted: the checkout that is judged; a directory inside of it is not used.
    """

    def __init__(self, directory: Path, *, untrusted: Path | None = None) -> None:
        self.directory = directory
        self.notes: list[str] = []
        self._usable = untrusted is None or not lies_in(directory, untrusted)
        if not self._usable:
            self._note("is not used: it lies in the checkout; set XDG_CACHE_HOME to a place outside")

    def read(self, name: str) -> bytes | None:
        """The bytes last written under a name, if they are there, whole and only ours."""
        if not self._usable:
            return None
        try:
            with self._opened() as directory:
                return None if directory is None else self._read(directory, name + SUFFIX)
        except FileNotFoundError:
            return None
        except OSError as e:
            self._note(f"can't be read: {e.strerror}")
            return None

    def write(self, name: str, data: bytes) -> None:
        """Keep bytes under a name; the oldest entries give way."""
        if not self._usable:
            return
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._opened() as directory:
                if directory is not None:
                    _replace(directory, name + SUFFIX, hashlib.sha256(data).digest() + data)
                    _prune(directory)
        except OSError as e:
            self._note(f"can't be written: {e.strerror}")

    @contextlib.contextmanager
    def _opened(self) -> Iterator[int | None]:
        descriptor = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            ours = _only_ours(os.fstat(descriptor))
            if not ours:
                self._note("is not used: others own it or have access to it; chmod 700 it")
            yield descriptor if ours else None
        finally:
            os.close(descriptor)

    def _read(self, directory: int, name: str) -> bytes | None:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with os.fdopen(os.open(name, flags, dir_fd=directory), "rb") as file:
            state = os.fstat(file.fileno())
            if not (stat.S_ISREG(state.st_mode) and _only_ours(state)):
                self._note(f"has a file that others own or have access to: {name}")
                return None
            data = file.read(MAX_ENTRY_BYTES)
        if hashlib.sha256(data[_HASH_BYTES:]).digest() != data[:_HASH_BYTES]:
            self._note(f"has a damaged file, which is compiled again: {name}")
            return None
        return data[_HASH_BYTES:]

    def _note(self, what: str) -> None:
        note = f"code cache {self.directory} {what}"
        if note not in self.notes:
            self.notes.append(note)


def _only_ours(state: os.stat_result) -> bool:
    return state.st_uid == os.geteuid() and not state.st_mode & _OTHERS


def _replace(directory: int, name: str, data: bytes) -> None:
    temporary = f".{secrets.token_hex(8)}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(temporary, flags, 0o600, dir_fd=directory), "wb") as file:
            file.write(data)
        os.rename(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=directory)
        raise


def _prune(directory: int) -> None:
    sweep(directory)
    names = [n for n in os.listdir(directory) if n.endswith(SUFFIX)]
    ages = sorted((os.stat(n, dir_fd=directory, follow_symlinks=False).st_mtime_ns, n) for n in names)
    for _, name in ages[:-MAX_ENTRIES]:
        os.unlink(name, dir_fd=directory)
