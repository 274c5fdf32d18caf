"""Follows a page about a record word by word; the billing demo that it begins with is run once for all of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import transcript
from transcript import Step

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The projects that ``demo.py --keep`` leaves."""
    kept = tmp_path_factory.mktemp("demo") / "kept"
    command = [sys.executable, str(ROOT / "examples" / "billing" / "demo.py"), "--keep", str(kept)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return kept


def follow(page: str, demo: Path, directory: Path, more: Sequence[str] = ()) -> list[tuple[str, ...]]:
    """Run every command of a page, demand what it shows, and return what further commands print in the same shell."""
    shown = transcript.steps_of((ROOT / "docs" / page).read_text(encoding="utf-8"))
    assert shown[0].command == 'python "$CHECKOUT/examples/billing/demo.py" --keep demo > demo.txt'
    before = [Step(f"export CHECKOUT={ROOT}", ()), Step(f"cp -r {demo} demo", ())]
    rest = shown[1:]
    outputs = transcript.run([*before, *rest, *(Step(c, ()) for c in more)], directory)[len(before) :]
    wrong = [(s.command, o) for s, o in zip(rest, outputs, strict=False) if not transcript.fits(s.output, o)]
    assert wrong == [], wrong
    return outputs[len(rest) :]
