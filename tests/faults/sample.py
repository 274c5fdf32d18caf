"""A sample for every change: some calls, the last of their kind that a promotion makes, and each condition once.

Run as ``python sample.py BASE CACHE NOW PIN``: a process of its own, which has no engine and no threads to fork with.
``make faults`` tries everything.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1]))

from faults.conditions import ALL, kept_out_of, set_back_by
from faults.places import FILE, SQLITE, prepare
from faults.trying import KILL, calls_of, try_at, warm
from faults.works import PROMOTIONS, TRUST
from project import HOUR, Project

if TYPE_CHECKING:
    from collections.abc import Iterator

    from faults.places import Case
    from faults.trying import Try

KILLED = {FILE: ("write", "rename"), SQLITE: ("pwrite64",)}


def at_calls(case: Case, base: Path) -> Iterator[Try | None]:
    """Killed at the last call of some kinds; once the disk is full, or fails."""
    found = calls_of(case, KILL, base)
    for kind in KILLED[case.place]:
        yield try_at(case, KILL, last_of(found, kind), base)
    if case.place == FILE:
        yield try_at(case, "ENOSPC", len(found) // 3, base)
    else:
        yield try_at(case, "EIO", found.index("pwrite64") + 1, base)


def last_of(found: tuple[str, ...], kind: str) -> int:
    return len(found) - found[::-1].index(kind)


def sample(signed: Project, base: Path) -> Iterator[tuple[str, Iterator[Try | None]]]:
    work = base / "work"
    case = prepare(PROMOTIONS[0], FILE, signed, base / "case")
    warm(case, work)
    yield "file", at_calls(case, work)
    yield "directories", kept_out_of(case, work, (ALL,))
    yield "clock", islice(set_back_by(case, work, HOUR), 1, 2)
    yield "sqlite", at_calls(prepare(PROMOTIONS[0], SQLITE, signed, base / "sqlite"), work)
    case = prepare(TRUST, FILE, signed, base / "trust")
    unlink = last_of(calls_of(case, "EIO", work), "unlink")
    yield "trust", iter([try_at(case, "EIO", unlink, work)])


def main() -> None:
    base, cache, now, pin = sys.argv[1:]
    signed = Project(Path(base), Path(cache), int(now), pin)
    found = {n: [asdict(t) if t else None for t in tries] for n, tries in sample(signed, Path(base).parent / "scratch")}
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
