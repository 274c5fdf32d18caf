"""Everything that is tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faults.conditions import CLOCK, READ_ONLY, kept_out, set_back
from faults.crashing import KINDS, strikes
from faults.places import FILE, POSTGRESQL, SQLITE
from faults.trying import FAULTS, KILL, walk
from faults.works import PROMOTIONS, RECORD, ROLLBACK, WORKS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from faults.places import Case
    from faults.trying import Try
    from postgres import Server

# Tables of PostgreSQL are made by its owner and not by the first promotion.
LATER = (PROMOTIONS[1], ROLLBACK, RECORD)
WORKS_OF = {FILE: WORKS, SQLITE: (PROMOTIONS[0], *LATER), POSTGRESQL: LATER}
DISTURBED = {
    FILE: (*FAULTS, READ_ONLY, CLOCK),
    SQLITE: (*FAULTS, READ_ONLY, CLOCK),
    POSTGRESQL: (*FAULTS, CLOCK, *KINDS),
}
# What a first promotion has to itself in SQLite is making the database; everything else is the next one's, too.
KEYS = tuple(
    (place, work.name, fault)
    for place, works in WORKS_OF.items()
    for work in works
    for fault in (DISTURBED[place] if (place, work) != (SQLITE, PROMOTIONS[0]) else (KILL,))
)
NAMES = {w.name: w for w in WORKS}


def tries(case: Case, fault: str, base: Path, server: Server | None) -> Iterator[Try]:
    """Every try of one fault."""
    if fault in FAULTS:
        return walk(case, fault, base, server)
    if fault in KINDS:
        assert server is not None
        return strikes(case, fault, base, server)
    return kept_out(case, base) if fault == READ_ONLY else set_back(case, base, server)
