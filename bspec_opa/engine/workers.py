"""Many items over several processes: one result for each, in order, whatever becomes of a process.

Each process has a pipe of its own, so that it is known which item it was at when it died. ``concurrent.futures``
doesn't say, and waits for ever for the rest of a large result that a killed process had begun to send.
"""

from __future__ import annotations

import os
from collections import deque
from contextlib import contextmanager, suppress
from itertools import chain, islice
from operator import length_hint
from typing import TYPE_CHECKING, Generic, TypeVar

from bspec_opa.engine.reasons import WORKER_DIED
from bspec_opa.foundation.errors import BspecError
from bspec_opa.foundation.limits import MAX_JOBS

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator
    from contextlib import AbstractContextManager

    from bspec_opa.engine.worker_process import Worker

ITEM_DEADLINE_S = 60.0
"""For one item, and for a process to get ready; an engine's own deadline is far below."""
FEWEST = 24
"""Fewer items are handled here: a process takes longer than that to get ready."""
PREFETCH = 2
"""Items that a process has at a time, so that it needn't wait for the next one."""
WINDOW = 32
"""Items for each process that may be under way or done while the oldest is not."""
MAX_DEATHS = 8
"""After so many, dead processes are not replaced any more. One that isn't ready in time counts as dead."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def usable_cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def map_in_order(
    opened: Callable[[], AbstractContextManager[Callable[[Item], Result]]],
    items: Iterable[Item],
    *,
    jobs: int,
    fewest: int = FEWEST,
    deadline_s: float = ITEM_DEADLINE_S,
) -> Generator[Result | BspecError]:
    """What a function makes of each item, in order; an error in its place where it refused or was lost.

    Closing the iterator, or an exception in its consumer, ends the processes. They also end when this one does,
    however that comes about.

    Args:
        opened: makes, once in each process, the function with all that it keeps open. With ``jobs`` over 1 it is a
            top-level function or a ``functools.partial`` of one, and items and results can be pickled.
        items: taken as needed. Small ones: a path, not a document.
        jobs: how many processes at most; 1 means this one. Never more than ``MAX_JOBS``, nor than would have
            ``PREFETCH`` items each.
        fewest: how many items are worth other processes.
        deadline_s: in seconds, for one item in another process; in this one nothing can stop it.

    Raises:
        BspecError: the function can't be made, or no process can be started.
        RuntimeError: another process met an exception that is no ``BspecError``: a bug. (Here it is raised as it is.)
    """
    workers = _useful(jobs, items)
    stream = iter(items)
    first = list(islice(stream, fewest if jobs > 1 else 0))
    if jobs > 1 and len(first) >= fewest:
        yield from _Pool(opened, workers, deadline_s).results(chain(first, stream))
        return
    with opened() as function:
        for item in chain(first, stream):
            yield applied(function, item)


def _useful(jobs: int, items: Iterable[Item]) -> int:
    """How many processes have something to do; where nobody knows how many items there are, all of them."""
    most = min(jobs, MAX_JOBS)
    number = length_hint(items, most * PREFETCH)
    return min(most, max(2, -(-number // PREFETCH)))


def applied(function: Callable[[Item], Result], item: Item) -> Result | BspecError:
    """The function's result, or why it refused."""
    try:
        return function(item)
    except BspecError as e:
        return e


class _Pool(Generic[Item, Result]):
    """The workers, and the results whose turn has not come."""

    def __init__(
        self, opened: Callable[[], AbstractContextManager[Callable[[Item], Result]]], jobs: int, deadline_s: float
    ) -> None:
        self._opened = opened
        self._deadline_s = deadline_s
        self._window = WINDOW * jobs
        self._jobs = jobs
        self._deaths = 0
        self._proven = False
        self._workers: list[Worker[Item, Result]] = []
        self._again: deque[tuple[int, Item]] = deque()
        self._found: dict[int, Result | BspecError] = {}

    def results(self, items: Iterable[Item]) -> Generator[Result | BspecError]:
        """One result for each item."""
        stream = enumerate(items)
        due = taken = 0
        with self._running():
            while True:
                room = min(self._room(), due + self._window - taken)
                fresh = list(islice(stream, max(0, room - len(self._again))))
                taken += len(fresh)
                self._again.extend(fresh)
                self._hand_out()
                if due == taken:
                    return
                self._gather()
                while due in self._found:
                    yield self._found.pop(due)
                    due += 1

    @contextmanager
    def _running(self) -> Iterator[None]:
        try:
            self._start()
            yield
        except BaseException:  # an interrupt, and the consumer's leaving, too: nobody waits for the rest
            for worker in self._workers:
                worker.kill()
            raise
        finally:
            for worker in self._workers:
                worker.hang_up()
            for worker in self._workers:
                worker.join()

    def _start(self) -> None:
        """Start the processes, or as many as the system allows."""
        for _ in range(self._jobs):
            try:
                self._add_worker()
            except OSError as e:
                if not self._workers:
                    raise WORKER_DIED.error(f"a worker process can't be started: {e.strerror}") from e
                return

    def _add_worker(self) -> None:
        from bspec_opa.engine.worker_process import Worker

        self._workers.append(Worker(self._opened, self._deadline_s))

    def _room(self) -> int:
        """How many items could be handed out; without workers, any number can be refused."""
        return sum(PREFETCH - len(w.items) for w in self._workers) if self._workers else self._window

    def _hand_out(self) -> None:
        """Give the waiting items to the workers with the fewest; refuse them when no worker is left."""
        while self._again and self._room():
            number, item = self._again.popleft()
            if self._workers:
                min(self._workers, key=lambda w: len(w.items)).give(number, item)
            else:
                self._found[number] = WORKER_DIED.error(f"not handled: {self._deaths} worker processes died before it")

    def _gather(self) -> None:
        """Wait until a worker has answered or died.

        Where none has ever been ready, one's refusal to make the function is everybody's. Later it is that worker's:
        the others have shown that it can be made.
        """
        from bspec_opa.engine.worker_process import wait_for

        heard = wait_for(self._workers)
        for worker in heard:
            self._found.update(worker.answers())
            self._proven = self._proven or worker.begun
        for worker in heard:
            if worker.refusal is not None and not self._proven:
                raise worker.refusal
            if worker.dead:
                self._bury(worker)

    def _bury(self, worker: Worker[Item, Result]) -> None:
        """The item that a dead worker was at is lost; the ones behind it go to others."""
        self._deaths += 1
        worker.hang_up()
        worker.join()
        self._found.update(worker.lost())
        self._again.extendleft(reversed(worker.items))
        self._workers.remove(worker)
        if self._deaths < MAX_DEATHS:
            with suppress(OSError):  # the others go on alone
                self._add_worker()
