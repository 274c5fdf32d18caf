"""docs/rego-authors.md is followed word by word with a real OPA, from an empty directory."""

from __future__ import annotations

from pathlib import Path

import pytest
import transcript
from sidecars import free_port
from transcript import Step

GUIDE = (Path(__file__).parents[1] / "docs" / "rego-authors.md").read_text(encoding="utf-8")
PORTS = ("8181", "8282")


@pytest.mark.soak
def test_the_walk_of_a_security_engineer(opa_path: Path, tmp_path: Path) -> None:
    text = GUIDE
    for port in PORTS:
        text = text.replace(port, str(free_port()))
    steps = transcript.steps_of(text)
    before = [Step(f"export PATH={opa_path.parent}:$PATH", ()), Step("trap 'kill $(jobs -p) 2> /dev/null' EXIT", ())]
    outputs = transcript.run([*before, *steps], tmp_path)[len(before) :]
    wrong = [(s.command, o) for s, o in zip(steps, outputs, strict=True) if not transcript.fits(s.output, o)]
    assert wrong == []
