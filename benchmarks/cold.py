"""Cold starts: whole processes with warm file and code caches, in processor time, since cores are shared.

Both sides run under ``python -I``, which also keeps ``PYTHONDONTWRITEBYTECODE`` away: with compiled bytecode, as pip
leaves it behind.
"""

from __future__ import annotations

import compileall
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import bspec_opa
from benchmarks.measure import Program, compare

if TYPE_CHECKING:
    from benchmarks.measure import Figure

ROOT = Path(__file__).parents[1]
INTENT = str(ROOT / "examples" / "billing" / "v1" / "behavior.intent")
RIVAL = "a process that builds a schema of 25 pydantic models"
PENDING = frozenset({5})


def cold(rounds: int) -> list[Figure]:
    """The figures."""
    compileall.compile_dir(str(Path(bspec_opa.__file__).parent), quiet=2)
    rival = Program([sys.executable, "-I", str(ROOT / "benchmarks" / "rival_cold.py")])
    ours = [sys.executable, "-I", "-m", "bspec_opa"]
    validate = Program([*ours, "validate", INTENT])
    evaluate = Program([*ours, "evaluate", INTENT, "--env", "staging"], PENDING)
    return [
        compare(
            f"cold {name}",
            RIVAL,
            ours=program.processor_time,
            rival=rival.processor_time,
            rounds=rounds,
            bound=bound,
            unit="cpu",
        )
        for name, program, bound in (("validate", validate, 1.4), ("evaluate", evaluate, 2.2))
    ]
