"""What is served under a name, from bytes that were checked; and the shelf that has one edition a name."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from bspec_opa.bundle.read import read_bundle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bspec_opa.bundle.read import Bundle
    from bspec_opa.foundation.digest import Digest

    Check = Callable[[Bundle, bytes], int | None]
    """Refuses a bundle that is whole but not wanted, such as one that nobody signed: raises a BspecError.

    Returns the sequence that a verified signature says; None where it says none, or nothing was verified.
    """


@dataclass(frozen=True, slots=True)
class Edition:
    """One revision of a bundle as it is sent: exactly these bytes.

    Attributes:
        archive: the file's bytes.
        etag: a strong validator, from the bytes (RFC 9110, section 8.8.3).
        revision: what sidecars report.
        digest: what trust roots accept.
        since: when it became current, in Unix seconds.
        sequence: what its verified signature says; None if nothing was verified, or it says none.
    """

    archive: bytes
    etag: str
    revision: Digest
    digest: Digest
    since: int
    sequence: int | None = None


def accept_all(_bundle: Bundle, _archive: bytes) -> int | None:
    """Any bundle that is whole; nobody looks at a signature."""
    return None


def edition_of(archive: bytes, file: str, now: int, check: Check = accept_all) -> Edition:
    """An edition from a candidate's bytes, read and checked as a whole.

    Raises:
        BspecError: it is damaged, cut off, no policy bundle, or refused by ``check``.
    """
    bundle = read_bundle(archive, file)
    sequence = check(bundle, archive)
    return Edition(archive, f'"{sha256(archive).hexdigest()}"', bundle.revision, bundle.digest, now, sequence)


class Shelf:
    """The current edition of each name. Belongs to one event loop; a switch is one assignment.

    A name without an edition has been given a file that was never good; it is known, and not ready.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._current: dict[str, Edition | None] = dict.fromkeys(names)
        self._changed: dict[str, asyncio.Event] = {}
        self._closed = False

    @property
    def editions(self) -> dict[str, Edition | None]:
        """All names with what is current under each."""
        return dict(sorted(self._current.items()))

    @property
    def ready(self) -> bool:
        """Whether there is a name, and an edition under every one."""
        return bool(self._current) and all(self._current.values())

    def knows(self, name: str) -> bool:
        """Whether the name is served."""
        return name in self._current

    def current(self, name: str) -> Edition | None:
        """What is current under a name; None also if there is no such name."""
        return self._current.get(name)

    def add(self, name: str) -> None:
        """Serve one more name, without an edition yet."""
        self._current.setdefault(name, None)

    def forget(self, name: str) -> None:
        """Take away a name that never had an edition."""
        if self._current.get(name) is None:
            self._current.pop(name, None)

    def switch(self, name: str, edition: Edition) -> Edition | None:
        """Make an edition the current one and wake who waits for it; returns the one before."""
        before = self._current.get(name)
        self._current[name] = edition
        self._wake(name)
        return before

    def close(self) -> None:
        """Nobody waits any more."""
        self._closed = True
        for name in list(self._changed):
            self._wake(name)

    async def wait(self, name: str, known: Callable[[Edition], bool], seconds: float) -> None:
        """Until the current edition is one that the client doesn't know, so long, or until the shelf is closed."""
        try:
            async with asyncio.timeout(seconds):
                while not self._closed and (edition := self._current[name]) is not None and known(edition):
                    await self._changed.setdefault(name, asyncio.Event()).wait()
        except TimeoutError:
            return

    def _wake(self, name: str) -> None:
        event = self._changed.pop(name, None)
        if event is not None:
            event.set()
