"""``make model``: searches every small world, prints the figures, and shows the shortest way to each seeded bug."""

from __future__ import annotations

import argparse
import sys

from model.bounds import LARGE, SMALL
from model.bugs import SEEDED
from model.protocol import Protocol
from model.search import explore


def main(arguments: list[str]) -> int:
    """Search, and exit 1 if a property is broken or a bug is not found."""
    parser = argparse.ArgumentParser(prog="python -m model", description=__doc__)
    parser.add_argument("--large", action="store_true", help="the worlds of the long tests")
    parser.add_argument("--only", default="", help="only the worlds with this in their name")
    given = parser.parse_args(arguments)
    good = True
    for bounds in LARGE if given.large else SMALL:
        if given.only in bounds.name:
            found = explore(Protocol(), bounds)
            good = good and not found.broken
            sys.stdout.write(f"{bounds.name}: {found.shown()}\n")
            sys.stdout.flush()
    small = {b.name: b for b in SMALL}
    for seeded in SEEDED:
        if given.only in seeded.bounds and not given.large:
            found = explore(seeded.bug(), small[seeded.bounds])
            good = good and bool(found.broken)
            sys.stdout.write(f"\nseeded in {seeded.bounds}: {seeded.bug.__doc__}\n{found.shown()}\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
