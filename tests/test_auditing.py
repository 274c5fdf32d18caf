"""docs/auditing.md is followed word by word."""

from __future__ import annotations

from pathlib import Path

import transcript
from transcript import Step

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "auditing.md").read_text(encoding="utf-8")


def test_the_walk_of_an_auditor(tmp_path: Path) -> None:
    steps = transcript.steps_of(PAGE)
    before = Step(f"export CHECKOUT={ROOT}", ())
    outputs = transcript.run([before, *steps], tmp_path)[1:]
    wrong = [(s.command, o) for s, o in zip(steps, outputs, strict=True) if not transcript.fits(s.output, o)]
    assert wrong == []
    assert {o[-1] for o in outputs if o and o[-1].startswith("exit ")} == {"exit 0", "exit 7"}
