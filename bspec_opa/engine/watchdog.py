"""Bites when something takes too long; costs next to nothing when nothing does."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Watchdog:
    """Calls ``bite`` once if a guarded block lasts longer than it may.

    One guard at a time. The thread starts with the first guard, is not woken by the ones that follow, and ends by
    itself soon after the last: at the end of that guard's time, or when the watchdog is closed.
    """

    def __init__(self, bite: Callable[[], None]) -> None:
        self._bite = bite
        self._condition = threading.Condition()
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
            with self._condition:
                self._due = None

    def close(self) -> None:
        """End the thread."""
        with self._condition:
            self._due = None
            thread = self._thread
            self._condition.notify()
        if thread is not None:
            thread.join()

    def _arm(self, due: float) -> None:
        with self._condition:
            self._due = due
            if self._thread is None:
                self._wakes = due
                self._thread = threading.Thread(target=self._watch, name="bspec-opa-deadline", daemon=True)
                self._thread.start()
            elif due < self._wakes:
                self._condition.notify()

    def _watch(self) -> None:
        with self._condition:
            while self._due is not None:
                left = self._due - time.monotonic()
                if left <= 0:
                    self._due = None
                    self._bite()
                else:
                    self._wakes = self._due
                    self._condition.wait(left)
            self._thread = None
