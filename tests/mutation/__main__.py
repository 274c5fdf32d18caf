"""``make mutation``: changes the policies in small ways and demands that their tests notice."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

from mutation.gate import try_gate
from mutation.survivors import Account, load_reasons, rendered
from mutation.trial import Policies, share_of, try_all

from bspec_opa.bundle.rego.opa_tool import Opa

ROOT = Path(__file__).parents[2]


def main(arguments: list[str]) -> int:
    """Try mutants and say what became of them."""
    parser = argparse.ArgumentParser(prog="python -m mutation", description=__doc__)
    parser.add_argument("--only", default="", help="only files with this in their path")
    parser.add_argument("--share", type=int, default=1, metavar="N", help="only every Nth mutant, by its name")
    parser.add_argument("--opa", type=Path, default=ROOT / ".tools" / "bin" / "opa", help="the OPA program")
    given = parser.parse_args(arguments)
    policies = Policies(ROOT / "policies", Opa(given.opa))
    every = policies.mutants()
    wanted = [m for m in share_of(every, given.share) if given.only in m.file]
    whole = not given.only and given.share == 1
    seen: Counter[str] = Counter()

    def progress(outcome: str, number: int) -> None:
        seen[outcome] += number
        said = ", ".join(f"{n} {o}" for o, n in sorted(seen.items()))
        if not sys.stderr.isatty():
            return
        more = " and the gate's" if whole else ""
        sys.stderr.write(f"\r{sum(seen.values())} of {len(wanted)}{more}: {said}   ")
        sys.stderr.flush()

    outcomes = try_all(policies, wanted, progress)
    gate = try_gate(policies, progress) if whole else {}
    sys.stderr.write("\n")
    known = {m.name for m in every} | set(gate)
    reasons = {n: r for n, r in load_reasons().items() if whole or not n.startswith("gate ")}
    account = Account({m.name: outcomes[m.name] for m in wanted} | gate, reasons, known)
    sys.stdout.write(rendered(account))
    return 1 if account.faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
