"""What is not one system call: directories that may not be written, and a clock that goes back."""

from __future__ import annotations

import ctypes
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from faults.places import copied
from faults.trying import Try, judged, outcome_of
from faults.works import act
from project import DAY, HOUR, Project
from tracing import forked

from bspec_opa.workflow.checkout.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from faults.places import Case
    from postgres import Server

READ_ONLY, CLOCK, ALL = "read-only directory", "clock goes back", "all"
SET_BACK = (1, HOUR, DAY, 3_650 * DAY)
_CAPABILITY_VERSION, _OVERRIDES = 0x20080522, 0b110
"""CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH: what lets root write where its own permissions say that it may not."""


def kept_out(case: Case, base: Path) -> Iterator[Try]:
    """Each directory of the project and of the memory in turn, and then all of them, may only be read."""
    names = [str(d.relative_to(case.project.base)) for d in sorted(case.project.base.rglob("*")) if d.is_dir()]
    yield from kept_out_of(case, base, (*names, ALL))


def kept_out_of(case: Case, base: Path, names: Sequence[str]) -> Iterator[Try]:
    """These directories, one after another."""
    for step, name in enumerate(names, 1):
        with copied(case, base) as project:
            places = [d for d in base.rglob("*") if d.is_dir()] if name == ALL else [base / name]
            yield _tried(case, project, tried(READ_ONLY, name, step), [p for p in places if p.is_dir()])


def set_back(case: Case, base: Path, server: Server | None = None) -> Iterator[Try]:
    """The clock is behind when the work begins, or falls behind whenever it is read again."""
    for seconds in SET_BACK:
        yield from set_back_by(case, base, seconds, server)


def set_back_by(case: Case, base: Path, seconds: int, server: Server | None = None) -> Iterator[Try]:
    with copied(case, base, server) as project:
        slow = replace(project, now=project.now - seconds)
        yield _tried(case, project, tried(CLOCK, f"{seconds} s behind", 1), acting=slow)
    with copied(case, base, server) as project:
        falling = Falling(**{**vars(project), "fall": seconds})
        yield _tried(case, project, tried(CLOCK, f"{seconds} s back at each reading", 2), acting=falling)


@dataclass
class Falling(Project):
    """A project whose clock is further behind each time that it is read.

    Attributes:
        fall: seconds.
        readings: how many there were.
    """

    fall: int = 0
    readings: int = 0

    def read_clock(self) -> int:
        self.readings += 1
        return self.now + 1 - self.fall * self.readings

    @property
    def world(self) -> World:
        return World(self.environ, self.read_clock(), self.flags, self.pin, self.read_clock)


def _tried(case: Case, project: Project, begun: Try, closed: Sequence[Path] = (), acting: Project | None = None) -> Try:
    for directory in closed:
        directory.chmod(0o555)

    def disturbed() -> str:
        give_up_overrides()
        return act(case.work, acting or project).decode()

    said = json.loads(forked(disturbed))
    for directory in closed:
        directory.chmod(0o700)
    return judged(case, project, replace(begun, outcome=outcome_of(said)), said)


def tried(fault: str, at: str, step: int) -> Try:
    return Try(fault, at, step, "", wrong=())


def give_up_overrides() -> None:
    """From here on permissions hold for this process, root's, too."""
    libc = ctypes.CDLL(None, use_errno=True)
    head = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    sets = (ctypes.c_uint32 * 6)()
    assert libc.capget(head, sets) == 0
    for place in (0, 1, 2):
        sets[place] &= ~_OVERRIDES
    assert libc.capset(head, sets) == 0
