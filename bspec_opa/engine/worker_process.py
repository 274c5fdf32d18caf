"""A spawned process that applies one function to the items it is sent, and the pipe to it.

Spawned, never forked: after a fork wasmtime hangs, or its deadline never fires. It ends when its pipe is closed, at
the latest when its parent is gone, even one that was killed; Ctrl-C is the parent's to handle.
"""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections import deque
from multiprocessing import connection, resource_tracker
from types import ModuleType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from bspec_opa.engine.reasons import TIMEOUT, WORKER_DIED
from bspec_opa.engine.watchdog import Watchdog
from bspec_opa.engine.workers import applied
from bspec_opa.foundation.errors import BspecError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from multiprocessing.connection import Connection

READY, RESULT, REFUSED, BUG = "ready", "result", "refused", "bug"
COLLECT_AFTER = 100_000
"""Containers made before garbage is looked for, as in the command itself: most of them end with their item."""
CLOSE_S = 5.0
"""How long a process that has nothing more to do may take to end."""

Item = TypeVar("Item")
Result = TypeVar("Result")


class Worker(Generic[Item, Result]):
    """One process.

    Attributes:
        items: what it was given and has not answered, numbered; it is at the first.
        begun: it has been ready.
        refusal: why it can't make the function, if so.
        dead: its pipe has ended, or nothing more will come through it.

    Args:
        opened: makes the function, in the process.
        deadline_s: in seconds, for getting ready and for each item.
    """

    def __init__(
        self, opened: Callable[[], AbstractContextManager[Callable[[Item], Result]]], deadline_s: float
    ) -> None:
        self.items: deque[tuple[int, Item]] = deque()
        self.begun = False
        self.refusal: BspecError | None = None
        self.dead = False
        self._receiving = Watchdog(self.expire)
        self._overdue = False
        self._deadline_s = deadline_s
        self._due = time.monotonic() + deadline_s
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        # Daemons are terminated when the interpreter ends, should nobody have closed the iterator until then.
        self._process = context.Process(target=_serve, args=(opened, theirs), name="bspec-opa-worker", daemon=True)
        with _no_main_module(), _interrupts_blocked():
            self._process.start()
        theirs.close()

    def give(self, number: int, item: Item) -> None:
        """Send an item."""
        if not self.items and self.begun:
            self._due = time.monotonic() + self._deadline_s
        try:
            self.pipe.send(item)
        except OSError:  # it died; if it had nothing to do, this item has nothing to do with that
            self.begun = self.begun and bool(self.items)
        self.items.append((number, item))

    def seconds_left(self) -> float | None:
        """Until the deadline; None if there is nothing to wait for."""
        waiting = not self._overdue and (self.items or not self.begun)
        return max(0.0, self._due - time.monotonic()) if waiting else None

    def expire(self) -> None:
        """Kill it for its deadline."""
        self._overdue = True
        self.kill()

    def answers(self) -> Iterator[tuple[int, Result | BspecError]]:
        """The answer that has arrived, if it is one, numbered like the items. What came after it is heard next.

        Raises:
            RuntimeError: its function met a bug.
        """
        try:
            kind, content = self._received()
        except (EOFError, OSError):
            self.dead = True
            return
        if kind == REFUSED:
            self.refusal, self.dead = content, True
            return
        if kind == BUG:
            raise RuntimeError(f"in a worker process:\n{content}")
        self.begun = True
        self._due = time.monotonic() + self._deadline_s
        if kind == RESULT:
            yield self.items.popleft()[0], content

    def _received(self) -> tuple[str, Any]:
        """The next message; a process that was stopped in the midst of sending it is killed."""
        with self._receiving.guard(self._deadline_s):
            message: tuple[str, Any] = self.pipe.recv()
            return message

    def lost(self) -> Iterator[tuple[int, BspecError]]:
        """The item that it was at when it died, if there was one, and why it has no result."""
        if self.begun and self.items:
            number, _ = self.items.popleft()
            if self._overdue:
                yield number, TIMEOUT.error(f"took longer than {self._deadline_s:g} s")
            else:
                code = self._process.exitcode
                how = f"was killed by signal {-code}" if code is not None and code < 0 else f"ended with code {code}"
                yield number, WORKER_DIED.error(f"its worker process {how}")

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def hang_up(self) -> None:
        """Tell it that nothing more will come."""
        self.pipe.close()
        self._receiving.close()

    def join(self) -> None:
        """Wait for its end, and make sure of it."""
        self._process.join(CLOSE_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def wait_for(workers: Sequence[Worker[Item, Result]]) -> list[Worker[Item, Result]]:
    """The workers that have answered or died, after killing those whose time is up; waits until there is one."""
    left = [s for s in (w.seconds_left() for w in workers) if s is not None]
    by_pipe = {w.pipe: w for w in workers}
    ready = connection.wait(by_pipe, min(left, default=None)) if workers else []
    for worker in workers:
        if worker.pipe not in ready and worker.seconds_left() == 0:
            worker.expire()
    return [w for p, w in by_pipe.items() if p in ready]


@contextlib.contextmanager
def _no_main_module() -> Iterator[None]:
    """Keep a spawned process from running the program's main module again: it would import the whole command line."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextlib.contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Start processes deaf to Ctrl-C, until they ignore it: it goes to all processes of a terminal."""
    resource_tracker.ensure_running()  # it would unblock the signal afterwards, if it had to start
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(opened: Callable[[], AbstractContextManager[Callable[[Item], Result]]], pipe: Connection) -> None:
    """The process's main function."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_follow_parent, daemon=True).start()
    with contextlib.suppress(OSError):  # nobody listens any more
        _answer(opened, pipe)


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
    os._exit(1)


def _answer(opened: Callable[[], AbstractContextManager[Callable[[Item], Result]]], pipe: Connection) -> None:
    gc.set_threshold(COLLECT_AFTER)
    try:
        with opened() as function:
            gc.freeze()  # what is open now stays so until the end
            pipe.send((READY, None))
            for item in _received(pipe):
                pipe.send((RESULT, applied(function, item)))
    except BspecError as e:
        pipe.send((REFUSED, e))
    except Exception:  # noqa: BLE001 - the outermost frame: the parent reports the bug
        pipe.send((BUG, traceback.format_exc()))


def _received(pipe: Connection) -> Iterator[Any]:
    while True:
        try:
            yield pipe.recv()
        except EOFError:
            return
