"""``make faults``: lets everything go wrong at every place that there is, and writes docs/security/faults.md."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from faults.page import PAGE, read_rows, rendered, row_of
from faults.places import POSTGRESQL, prepare
from faults.plan import KEYS, NAMES, WORKS_OF, tries
from faults.trying import warm
from postgres import Server
from project import Shelf

if TYPE_CHECKING:
    from collections.abc import Iterator

    from faults.page import Row

MEMORY = Path("/dev/shm")


@contextmanager
def served(places: set[str]) -> Iterator[Server | None]:
    if POSTGRESQL not in places:
        yield None
        return
    server = Server()
    try:
        server.make()
        yield server
    finally:
        server.remove()


def run(wanted: list[tuple[str, str, str]], base: Path, server: Server | None) -> Iterator[Row]:
    """Try everything wanted; says what was not survived."""
    signed = Shelf(base / "shelf").project("signed", base / "signed")
    for place in dict.fromkeys(key[0] for key in wanted):
        for name in dict.fromkeys(key[1] for key in wanted if key[0] == place):
            case = prepare(NAMES[name], place, signed, base / f"{place} {name}", server)
            warm(case, base / "work", server)
            for fault in [key[2] for key in wanted if key[:2] == (place, name)]:
                found = []
                for tried in tries(case, fault, base / "work", server):
                    found.append(tried)
                    for wrong in tried.wrong:
                        sys.stderr.write(f"{place}, {name}, {fault}, {tried.call} ({tried.step}): {wrong}\n")
                yield row_of(place, name, fault, found)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m faults", description=__doc__)
    parser.add_argument("--store", choices=[*WORKS_OF], action="append", help="only this one")
    parser.add_argument("--command", choices=[*NAMES], action="append", help="only this one")
    parser.add_argument(
        "--fault", choices=list(dict.fromkeys(k[2] for k in KEYS)), action="append", help="only this one"
    )
    parser.add_argument("--page", type=Path, default=PAGE, help="the page to write")
    given = parser.parse_args(arguments)
    if MEMORY.is_dir():  # a flush costs nothing there, and a kill is a kill
        tempfile.tempdir = str(MEMORY)
    chosen = (given.store, given.command, given.fault)
    wanted = [key for key in KEYS if all(not only or part in only for part, only in zip(key, chosen, strict=True))]
    rows = read_rows(given.page.read_text(encoding="utf-8")) if given.page.exists() else {}
    lost = 0
    with tempfile.TemporaryDirectory(prefix="bspec-faults-") as base, served({k[0] for k in wanted}) as server:
        for row in run(wanted, Path(base), server):
            sys.stdout.write(f"{row}\n")
            sys.stdout.flush()
            rows[row.key] = row
            lost += row.tried - row.survived
            given.page.write_text(rendered(rows.values(), KEYS), encoding="utf-8")
    return 1 if lost else 0


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main(sys.argv[1:]))
