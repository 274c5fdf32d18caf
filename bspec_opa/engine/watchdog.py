"""Bites when something takes too long; costs next to nothing when nothing does."""

from __future__ import annotations

import queue
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CLOSE_S = 5.0


class Watchdog:
    """Calls ``bite`` once if a guarded block lasts longer than it may.

    One guard at a time. The thread starts with the first guard, is not woken by the ones that follow, and ends by
    itself soon after the last: at the end of that guard's time, or when the watchdog is closed.

    A signal's exception may be raised anywhere in a guard. So lock and queue are the ones written in C: inside a
    ``threading.Condition`` it can leave the lock locked for ever.
    """

    def __init__(self, bite: Callable[[], None]) -> None:
        self._bite = bite
        self._lock = threading.Lock()
        self._woken: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._due: float | None = None
        self._thread: threading.Thread | None = None
        self._wakes = 0.0

    @contextmanager
    def guard(self, seconds: float) -> Iterator[None]:
        """Watch over a block; after it has ended nothing bites any more."""
        self._arm(time.monotonic() + seconds)
        try:
            yield
        finally:
            with self._lock:
                self._due = None

    def close(self) -> None:
        """End the thread."""
        with self._lock:
            self._due = None
            thread = self._thread
        self._woken.put(None)
        if thread is not None:
            thread.join(CLOSE_S)

    def _arm(self, due: float) -> None:
        with self._lock:
            self._due = due
            if self._thread is None:
                self._wakes = due
                thread = threading.Thread(target=self._watch, name="bspec-opa-deadline", daemon=True)
                thread.start()
                self._thread = thread  # not before: one that was not started would be waited for in vain
            elif due < self._wakes:
                self._woken.put(None)

    def _watch(self) -> None:
        while True:
            with self._lock:
                if self._due is None:
                    self._thread = None
                    return
                left = self._due - time.monotonic()
                if left <= 0:
                    self._due = None
                    self._bite()
                    continue
                self._wakes = self._due
            with suppress(queue.Empty):
                self._woken.get(timeout=left)
