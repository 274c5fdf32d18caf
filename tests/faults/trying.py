"""One try: a work on a fresh copy, a fault at one system call, and what is wrong afterwards."""

from __future__ import annotations

import errno
import json
import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib import import_module
from itertools import count
from typing import TYPE_CHECKING, Any

from faults.places import copied
from faults.works import act, examine
from tracing import CALLS, SENDS, Fault, forked, traced

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from faults.places import Case
    from postgres import Server
    from project import Project

CHANGES = frozenset(CALLS.values()) - SENDS
KILL = "killed"
NEEDS_NO_ROOM = {"unlink", "unlinkat", "rmdir", "fsync", "fdatasync", "chmod", "fchmod", "truncate", "ftruncate"}
# A full disk stays full, and a file system that has become read-only stays so. A disk that fails once may do so
# anywhere. What removes or flushes needs no room.
FAULTS = {
    KILL: Fault(),
    "ENOSPC": Fault(errno.ENOSPC, CHANGES - NEEDS_NO_ROOM, lasting=True),
    "EIO": Fault(errno.EIO, CHANGES),
    "EROFS": Fault(errno.EROFS, CHANGES - {"fsync", "fdatasync"}, lasting=True),
}


@dataclass(frozen=True)
class Try:
    """What became of one.

    Attributes:
        fault: what was done.
        call: at which system call, message or place.
        step: the how manieth one it was.
        outcome: ``killed``, the code of a refusal, or ``done``.
        wrong: what is not as it has to be; empty if it was survived.
    """

    fault: str
    call: str
    step: int
    outcome: str
    wrong: tuple[str, ...]


def warm(case: Case, base: Path, server: Server | None = None) -> None:
    """Do it once undisturbed: the cache of compiled policies is filled, and no child has to import anything again.

    What is imported here starts no engine and no thread; a child that is forked can begin with it.
    """

    def names() -> list[str]:
        said = json.loads(act(case.work, project))
        assert "line" in said, said
        found = examine(case.work, project, case.then, said)
        assert not found, found
        return list(sys.modules)

    with copied(case, base, server) as project:
        for name in forked(names):
            with suppress(ImportError):
                import_module(name)


def calls_of(case: Case, fault: str, base: Path, server: Server | None = None) -> tuple[str, ...]:
    """The calls that an undisturbed run makes and the fault could meet."""
    with copied(case, base, server) as project:
        return traced(lambda: act(case.work, project), FAULTS[fault]).calls


def walk(case: Case, fault: str, base: Path, server: Server | None = None) -> Iterator[Try]:
    """At each call in turn, until a run meets none any more."""
    for step in count(1):
        tried = try_at(case, fault, step, base, server)
        if tried is None:
            return
        yield tried


def try_at(case: Case, fault: str, step: int, base: Path, server: Server | None = None) -> Try | None:
    """At one call, counted from 1; None if the run makes fewer."""
    with copied(case, base, server) as project:
        try:
            found = traced(lambda: act(case.work, project), FAULTS[fault], step)
        except RuntimeError as e:  # it hung, or a library aborted
            return Try(fault, "?", step, "ended", wrong=(str(e),))
        if not found.met:
            return None
        said = json.loads(found.said) if found.said else {}
        return judged(case, project, Try(fault, found.calls[step - 1], step, outcome_of(said), ()), said)


def judged(case: Case, project: Project, tried: Try, said: dict[str, Any]) -> Try:
    """With what is wrong afterwards."""
    return replace(tried, wrong=tuple(forked(lambda: examine(case.work, project, case.then, said))))


def outcome_of(said: dict[str, Any]) -> str:
    if not said:
        return KILL
    return "done" if "line" in said else str(said.get("code", "raised"))
