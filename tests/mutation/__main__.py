"""``make mutation``: changes the policies in small ways and demands that their tests notice."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

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
    seen: Counter[str] = Counter()

    def progress(outcome: str, number: int) -> None:
        seen[outcome] += number
        sys.stderr.write(f"\r{sum(seen.values())}/{len(wanted)}  {dict(sorted(seen.items()))}  ")
        sys.stderr.flush()

    outcomes = try_all(policies, wanted, progress)
    sys.stderr.write("\n")
    account = Account({m.name: outcomes[m.name] for m in wanted}, load_reasons(), {m.name for m in every})
    sys.stdout.write(rendered(account))
    return 1 if account.faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
