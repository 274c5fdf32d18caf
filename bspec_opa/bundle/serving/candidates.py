"""From files to editions: each file is watched, and what it holds becomes current only once it is found good.

A file that vanishes, is cut off, or is anything but a policy bundle leaves what was current before as it was.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from bspec_opa.bundle.serving.edition import edition_of
from bspec_opa.bundle.serving.log import Event
from bspec_opa.bundle.serving.names import discover
from bspec_opa.bundle.serving.watch import Watched
from bspec_opa.foundation.errors import BspecError, StoreError
from bspec_opa.foundation.limits import MAX_BUNDLE_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    from bspec_opa.bundle.serving.edition import Check, Edition, Shelf
    from bspec_opa.bundle.serving.log import Kind, Log
    from bspec_opa.bundle.serving.memory import Memory

ARCHIVE_BYTES = MAX_BUNDLE_BYTES + MAX_BUNDLE_BYTES // 100
"""Our archives are stored, not deflated: a little larger than what is in them."""


class Candidates:
    """All files of one server.

    Args:
        shelf: where good ones go.
        named: files by name.
        directory: where more are.
        check: what a bundle has to be besides whole.
        memory: refuses what is older than what was served before; None where no sequence is verified.
        log: gets one event for each change, and none while nothing changes.
        clock: Unix time in nanoseconds.
    """

    def __init__(
        self,
        shelf: Shelf,
        named: Mapping[str, Path],
        directory: Path | None,
        *,
        check: Check,
        memory: Memory | None = None,
        log: Log,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._shelf = shelf
        self._directory = directory
        self._check = check
        self._memory = memory
        self._log = log
        self._clock = clock
        self._named = frozenset(named)
        self._watched = {name: self._watch(path) for name, path in named.items()}
        self._trouble: dict[str, str] = {}
        # What is good and could not be remembered: it is tried again, though its file stays as it is.
        self._waiting: dict[str, bytes] = {}

    async def look(self) -> None:
        """Look at every file, and switch what is new and good."""
        left_out = await self._discover(self._directory) if self._directory is not None else frozenset()
        for name, watched in list(self._watched.items()):
            # A link that led to a bundle inside of the directory may have been turned elsewhere since.
            if name in self._named or watched.path not in left_out:
                await self._look_at(name, watched)

    def _watch(self, path: Path) -> Watched:
        return Watched(path, ARCHIVE_BYTES, self._clock)

    async def _discover(self, directory: Path) -> Collection[Path]:
        """Take up what is new in the directory; returns what may not be read there."""
        found, left_out = await asyncio.to_thread(discover, directory)
        for path, why in left_out.items():
            self._tell_once(f"ignored {path}", self._event("ignored", file=str(path), message=why))
        for name in sorted(found.keys() - self._watched.keys()):
            self._shelf.add(name)
            self._watched[name] = self._watch(found[name])
        for name in self._watched.keys() - found.keys() - self._named:
            if self._shelf.current(name) is None:
                # It was never served, and who made the file has thought better of it.
                self._shelf.forget(name)
                del self._watched[name]
                self._trouble.pop(name, None)
        return left_out.keys()

    async def _look_at(self, name: str, watched: Watched) -> None:
        file = str(watched.path)
        try:
            data = await asyncio.to_thread(watched.look)
        except BspecError as e:
            self._tell_once(name, self._problem("unreadable", name, file, e))
            return
        self._trouble.pop(name, None)
        waiting = self._waiting.pop(name, None)
        offered = waiting if data is None else data
        if offered is not None:
            await self._offer(name, file, offered)

    async def _offer(self, name: str, file: str, data: bytes) -> None:
        try:
            edition = await asyncio.to_thread(edition_of, data, file, self._seconds(), self._check)
        except BspecError as e:
            self._log(self._problem("refused", name, file, e))
            return
        except Exception as e:  # noqa: BLE001 - a bug that one file brings out must not stop all the others
            self._log(self._bug(name, file, e))
            return
        current = self._shelf.current(name)
        if current is not None and current.etag == edition.etag:
            return  # It is back, after something that was refused.
        if not await self._remembered(name, file, edition):
            return
        self._shelf.switch(name, edition)
        before = current.revision if current is not None else ""
        self._log(self._event("switched", bundle=name, file=file, revision=edition.revision, before=before))

    async def _remembered(self, name: str, file: str, edition: Edition) -> bool:
        """Whether it may be served: it is not older than what was, and that it is served now won't be forgotten."""
        if self._memory is None:
            return True
        try:
            await asyncio.to_thread(self._memory.accept, name, edition.sequence, edition.revision)
        except StoreError as e:
            self._waiting[name] = edition.archive
            self._tell_once(f"remember {name}", self._problem("refused", name, file, e))
            return False
        except BspecError as e:
            self._log(self._problem("refused", name, file, e))
            return False
        self._trouble.pop(f"remember {name}", None)
        return True

    def _problem(self, kind: Kind, name: str, file: str, error: BspecError) -> Event:
        current = self._shelf.current(name)
        kept = current.revision if current is not None else ""
        message = error.problems[0].message
        return self._event(kind, bundle=name, file=file, revision=kept, code=error.code, message=message)

    def _bug(self, name: str, file: str, error: Exception) -> Event:
        current = self._shelf.current(name)
        kept = current.revision if current is not None else ""
        return self._event("failed", bundle=name, file=file, revision=kept, message=f"{type(error).__name__}: {error}")

    def _event(self, kind: Kind, **members: str) -> Event:
        return Event(kind, self._seconds(), **members)

    def _tell_once(self, subject: str, event: Event) -> None:
        """Nothing is said again until it is another thing."""
        if self._trouble.get(subject) != event.message:
            self._trouble[subject] = event.message
            self._log(event)

    def _seconds(self) -> int:
        return self._clock() // 1_000_000_000
