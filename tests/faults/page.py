"""``docs/security/faults.md``: what was tried and survived, row by row; a run of a part replaces its own rows."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from faults.trying import KILL

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from faults.trying import Try

PAGE = Path(__file__).parents[2] / "docs" / "security" / "faults.md"
HEAD = """\
# Faults tried and survived

Written by `make faults`: the figures are those of its last run, by row. [How it works](README.md#faults).

- **tried**: so many times something went wrong, at another system call (message, directory, moment) each time.
- **killed**, **refused**, **came through**: what the run that met it came to. Refused is an exit code and a reason, never a
  traceback; a promotion that a wrong clock denies is counted here, too.
- PostgreSQL has no row for a directory that may only be read: the ledger is the server's, and the rows of files have the gate's own.
- **survived**: afterwards the lock and the ledger verified, nothing that was there or had been told of was missing, nothing was half-written, and
  the same command, given again with nothing done in between, came to what it would have come to: exactly one line, in the lock as in the ledger.

| store | command | fault | tried | killed | refused | came through | survived |
| --- | --- | --- | --- | --- | --- | --- | --- |
"""
_ROW = re.compile(
    r"^\| ([a-z]+) \| ([a-z ]+) \| ([A-Za-z -]+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$",
    re.MULTILINE,
)


@dataclass(frozen=True, order=True)
class Row:
    """One store, one command, one fault."""

    store: str
    command: str
    fault: str
    tried: int
    killed: int
    refused: int
    through: int
    survived: int

    @property
    def key(self) -> tuple[str, str, str]:
        return self.store, self.command, self.fault

    def __str__(self) -> str:
        return "| " + " | ".join(str(v) for v in vars(self).values()) + " |"


def row_of(store: str, command: str, fault: str, tries: Sequence[Try]) -> Row:
    ends = Counter(t.outcome if t.outcome in {KILL, "done"} else "refused" for t in tries)
    survived = sum(not t.wrong for t in tries)
    return Row(store, command, fault, len(tries), ends[KILL], ends["refused"], ends["done"], survived)


def read_rows(text: str) -> dict[tuple[str, str, str], Row]:
    found = [Row(*m[:3], *(int(n) for n in m[3:])) for m in _ROW.findall(text)]
    return {r.key: r for r in found}


def rendered(rows: Iterable[Row], order: Sequence[tuple[str, str, str]]) -> str:
    """The page; rows of what is not tried any more are left out."""
    known = {r.key: r for r in rows}
    kept = [known[key] for key in order if key in known]
    total = f"\n{sum(r.survived for r in kept):,} of {sum(r.tried for r in kept):,} survived.\n"
    return HEAD + "".join(f"{r}\n" for r in kept) + total
