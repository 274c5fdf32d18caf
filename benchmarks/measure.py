"""Comparisons: both sides in turn, so that a busy machine slows both; the ratio is of the medians."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

EVERY_CORE: frozenset[int] = frozenset()
HEAD = f"{'what':<32} {'ms':>9} {'rival ms':>9} {'ratio':>6} {'bound':>6}        of    rival"
"""Above the figures' rows."""


@dataclass(frozen=True)
class Figure:
    """One comparison.

    Attributes:
        name: what is measured.
        rival: what it is compared with, in the same run.
        unit: what is counted: wall time, the processor time of whole processes, or bytes or calls of input and output.
        ours_ms: median, in milliseconds, or in ones of what is counted.
        rival_ms: likewise.
        ratio: of the medians.
        bound: the goal for the ratio; none if the figure is only printed.
        per_second: how many are done in a second by all who do it at once; none where that says nothing.
    """

    name: str
    rival: str
    unit: str
    ours_ms: float
    rival_ms: float
    ratio: float
    bound: float | None
    per_second: float | None = None

    @property
    def verdict(self) -> str:
        """Whether the goal is met."""
        if self.bound is None:
            return ""
        return "met" if self.ratio <= self.bound else "MISSED"

    def __str__(self) -> str:
        """A row of the table."""
        bound = "" if self.bound is None else f"{self.bound:.2f}"
        numbers = f"{self.ours_ms:>9.2f} {self.rival_ms:>9.2f} {self.ratio:>6.2f} {bound:>6}"
        rate = "" if self.per_second is None else f"; {self.per_second:.1f} a second"
        return f"{self.name:<32} {numbers} {self.verdict:<6} {self.unit:<5} {self.rival}{rate}"


def compare(
    name: str,
    rival_name: str,
    *,
    ours: Callable[[], float],
    rival: Callable[[], float],
    rounds: int,
    bound: float | None = None,
    unit: str = "wall",
) -> Figure:
    """Alternate both sides, each of which returns its seconds, after one round that isn't counted."""
    mine, theirs = [], []
    for number in range(rounds + 1):
        a, b = ours(), rival()
        if number:
            mine.append(a)
            theirs.append(b)
    ours_ms, rival_ms = statistics.median(mine) * 1e3, statistics.median(theirs) * 1e3
    return Figure(name, rival_name, unit, round(ours_ms, 3), round(rival_ms, 3), round(ours_ms / rival_ms, 2), bound)


def timed(action: Callable[[], object]) -> Callable[[], float]:
    """The wall time of something in this process."""

    def run() -> float:
        start = time.perf_counter()
        action()
        return time.perf_counter() - start

    return run


@dataclass(frozen=True)
class Program:
    """A whole process.

    Attributes:
        arguments: the program and what it is told.
        codes: the exit codes of success.
        cores: the processors that it may use; all if empty.
    """

    arguments: Sequence[str]
    codes: frozenset[int] = frozenset({0})
    cores: frozenset[int] = EVERY_CORE

    def seconds(self) -> tuple[float, float]:
        """Processor time, its children's included, and wall time of one run; what it prints is thrown away."""
        start = time.perf_counter()
        with subprocess.Popen(
            self.arguments,
            env={k: v for k, v in os.environ.items() if not k.startswith("PYTHON")},
            stdout=subprocess.DEVNULL,
            preexec_fn=self._settle,  # noqa: PLW1509 - this process has no other threads
        ) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in self.codes:
            raise SystemExit(f"{' '.join(self.arguments)} exited with {process.returncode}")
        return usage.ru_utime + usage.ru_stime, time.perf_counter() - start

    def processor_time(self) -> float:
        """Of one run."""
        return self.seconds()[0]

    def wall_time(self) -> float:
        """Of one run."""
        return self.seconds()[1]

    def _settle(self) -> None:
        if self.cores and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, self.cores)
