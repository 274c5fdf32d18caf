"""docs/witness.md is followed word by word, with two witnesses on ports of our own; what it lists is what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import transcript
from sidecars import free_port
from transcript import Step

from bspec_opa.ledger.witness.metrics import Metrics
from bspec_opa.ledger.witness.request import MAX_REQUEST_BYTES
from bspec_opa.trust.witnesses import MAX_WITNESSES

GUIDE = (Path(__file__).parents[1] / "docs" / "witness.md").read_text(encoding="utf-8")


def elsewhere(text: str) -> str:
    first, second = free_port(), free_port()
    text = text.replace("838$n", f"$((n == 1 ? {first} : {second}))")
    return text.replace("8381", str(first)).replace("8382", str(second))


@pytest.mark.soak
def test_the_guide_runs_as_it_is_written(tmp_path: Path) -> None:
    steps = transcript.steps_of(elsewhere(GUIDE))
    no_witness_outlives_the_shell = Step("trap 'kill $(jobs -p) 2> /dev/null' EXIT", ())
    outputs = transcript.run([no_witness_outlives_the_shell, *steps], tmp_path)[1:]
    wrong = [(s.command, o) for s, o in zip(steps, outputs, strict=True) if not transcript.fits(s.output, o)]
    assert wrong == []


def test_its_metrics_and_limits_are_those_of_the_server() -> None:
    rendered = set(re.findall(r"^# HELP (\w+) ", Metrics().render().decode(), re.MULTILINE))
    assert set(re.findall(r"`(bspec_witness_\w+)`", GUIDE)) == rendered
    assert f"too large ({MAX_REQUEST_BYTES // 1024} KiB)" in GUIDE
    assert MAX_WITNESSES == 15
    assert "room for fifteen witnesses" in GUIDE
