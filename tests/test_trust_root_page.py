"""docs/trust-root.md is followed word by word: three people, offline, from nothing to a revoked key."""

from __future__ import annotations

from pathlib import Path

import transcript

GUIDE = (Path(__file__).parents[1] / "docs" / "trust-root.md").read_text(encoding="utf-8")


def test_the_ceremonies_run_as_they_are_written(tmp_path: Path) -> None:
    steps = transcript.steps_of(GUIDE)
    outputs = transcript.run(steps, tmp_path)
    wrong = [(s.command, o) for s, o in zip(steps, outputs, strict=True) if not transcript.fits(s.output, o)]
    assert wrong == []
