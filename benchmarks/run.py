"""``make bench``: every figure is a ratio to a named rival, measured in the same run.

``--json FILE`` writes the figures, ``--part NAME`` measures one part only. Nothing here passes or fails: the goals are
stated in docs/performance.md and judged by people.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.checking import checking
from benchmarks.cold import cold
from benchmarks.decisions import decisions
from benchmarks.fleet import fleet
from benchmarks.ledger import ledger
from benchmarks.ledger_roots import roots
from benchmarks.ledger_sql import writers
from benchmarks.measure import HEAD
from benchmarks.promotions import promotions
from benchmarks.sizes import KILOBYTES, RULES, sizes
from benchmarks.switching import switching

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from benchmarks.measure import Figure


def parts(*, quick: bool) -> dict[str, Callable[[], Iterable[Figure]]]:
    """What can be measured; quick rounds only show that it can."""
    return {
        "decisions": lambda: decisions(3 if quick else 300),
        "cold": lambda: cold(1 if quick else 15),
        "sizes": lambda: sizes(2, (5,), (1, 10)) if quick else sizes(30, RULES, KILOBYTES),
        "switching": lambda: switching(1, 1, 10) if quick else switching(6, 5, 100),
        "fleet": lambda: fleet(20, 1) if quick else fleet(1000, 5),
        "check": lambda: checking(20, 1) if quick else checking(1000, 3),
        "writers": lambda: writers((1, 2), 4) if quick else writers(),
        "promotions": lambda: promotions((1, 2), ("file",)) if quick else promotions(),
        "ledger": lambda: ledger(3, (1_000,), 100) if quick else ledger(15),
        "roots": lambda: roots(1, (200,)) if quick else roots(5),
    }


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    parser.add_argument("--part", action="append", choices=list(parts(quick=True)), help="only this; may be repeated")
    parser.add_argument("--quick", action="store_true", help="few rounds, whose figures mean nothing")
    chosen = parser.parse_args(arguments)
    known = parts(quick=chosen.quick)
    figures: list[Figure] = []
    print(HEAD)
    for name in chosen.part or known:
        for figure in known[name]():
            figures.append(figure)
            print(figure, flush=True)
    if chosen.json:
        machine = {"python": platform.python_version(), "machine": platform.machine(), "system": platform.system()}
        document = {**machine, "figures": [asdict(f) for f in figures]}
        chosen.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
