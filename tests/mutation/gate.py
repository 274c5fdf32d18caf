"""Mutants of the generated gate: the part that decides, not its tables, which are METADATA of the rules in other words.

The gate's tests hold for every set of rules, so a small set will do. The other generated package, the guard, says
of a whole document whether it has the form of the schema; Python's tests hold the two equal over thousands of them.
"""

from __future__ import annotations

import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from mutation.mutants import Mutant, mutants_of
from mutation.trial import WORKERS, TrialError, opa_fails, outcome_of

from bspec_opa.bundle.build.gate_source import GATE_TEST
from bspec_opa.bundle.build.generate import generated, read_index
from bspec_opa.bundle.layout import GATE
from bspec_opa.bundle.rego.sources import write_tree
from bspec_opa.bundle.rego.syntax import parse_module

if TYPE_CHECKING:
    from collections.abc import Callable

    from mutation.trial import Policies

RULES = (
    "global/baseline/exposure_tier",
    "global/tools/no_admin",
    "promotion/all/no_reject",
    "promotion/production/independent_red_team",
)
TABLES = frozenset({"index", "organisation", "global", "everywhere"})


def gate_mutants(policies: Policies, folder: Path) -> list[Mutant]:
    """Lay a tree with few rules into an empty folder, and list the mutants of its gate."""
    for part in ("bspec.rego", "org", "build", "lib", "testing/testing.rego", *(f"rules/{r}" for r in RULES)):
        source, target = policies.root / "bspec" / part, folder / "bspec" / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("*_test.rego"))
        else:
            shutil.copyfile(source, target)
    made = generated(read_index(folder, policies.opa))
    write_tree(folder, {**made, "bspec/gate/gate_test.rego": GATE_TEST.encode()})
    every = mutants_of(parse_module(folder, GATE, policies.opa), made[GATE].decode())
    return [m for m in every if m.name.split()[1].rstrip(":") not in TABLES]


def try_gate(policies: Policies, progress: Callable[[str, int], None]) -> dict[str, str]:
    """What becomes of each mutant of the gate.

    Raises:
        TrialError: the gate's tests fail without any mutation.
    """
    with tempfile.TemporaryDirectory(prefix="bspec-mutation-") as folder, ThreadPoolExecutor(WORKERS) as pool:
        tree = Path(folder) / "tree"
        mutants = gate_mutants(policies, tree)
        if opa_fails(policies.opa, tree):
            raise TrialError("the gate's tests fail without any mutation")

        def tried(number: int, mutant: Mutant) -> str:
            place = Path(folder) / str(number)
            shutil.copytree(tree, place)
            (place / mutant.file).write_text(mutant.text, encoding="utf-8")
            return outcome_of(policies.opa, place)

        outcomes = {}
        for mutant, outcome in zip(mutants, pool.map(tried, range(len(mutants)), mutants), strict=True):
            outcomes[mutant.name] = outcome
            progress(outcome, 1)
        return outcomes
