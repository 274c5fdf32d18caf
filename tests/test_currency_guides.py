"""docs/currency.md and docs/ledger-git.md are followed word by word; what they list is what there is."""

from __future__ import annotations

from pathlib import Path

import pytest
import transcript

from bspec_opa.ledger.git.program import DEADLINE_S
from bspec_opa.ledger.git.repository import MAX_BYTES, SEGMENT
from bspec_opa.trust.currency.demand import DEFAULT_LIFETIME_S, DEFAULT_SKEW_S, LIFETIME

DOCS = Path(__file__).parents[1] / "docs"
CURRENCY, GIT = ((DOCS / name).read_text(encoding="utf-8") for name in ("currency.md", "ledger-git.md"))


@pytest.mark.soak  # what they show is tested piece by piece each time
@pytest.mark.parametrize("guide", [CURRENCY, GIT], ids=["currency", "ledger-git"])
def test_the_guide_runs_as_it_is_written(guide: str, tmp_path: Path) -> None:
    steps = transcript.steps_of(guide.replace("/…/", f"{tmp_path}/work/"))
    outputs = transcript.run(steps, tmp_path)
    wrong = [(s.command, o) for s, o in zip(steps, outputs, strict=True) if not transcript.fits(s.output, o)]
    assert wrong == [], wrong


def test_their_limits_are_those_of_the_code() -> None:
    least, most = LIFETIME["minimum"], LIFETIME["maximum"]
    assert f"{least} to {most:,} [{DEFAULT_LIFETIME_S}]" in CURRENCY
    assert f"clock one may be issued [{DEFAULT_SKEW_S}]" in CURRENCY
    assert f"have {DEADLINE_S:g} seconds together" in GIT
    assert f"holds {MAX_BYTES // 2**20} MiB" in GIT
    assert f"at most {SEGMENT} entries" in GIT
