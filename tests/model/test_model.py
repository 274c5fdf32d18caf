"""The model of the promotion protocol, searched to the last state; see docs/invariant.md."""

from __future__ import annotations

import pytest
from model.__main__ import main
from model.bounds import LARGE, SMALL, Bounds
from model.bugs import SEEDED, Seeded
from model.figures import FIGURES, LARGE_FIGURES
from model.properties import OF_LINES, OF_STEPS
from model.protocol import Protocol
from model.search import explore

PRINTED = """\
invalid: 270 states, 599 steps, 16 deep: every property holds

seeded in invalid: Takes an intent that no strict reader would.
broken after 8 steps: intent_valid
  1. signed for staging X1: approval by the reviewer, evidence by the evaluator, request by the promoter, submit by the author
  2. a run to promote X1 to staging starts and reads 0 entries
  3. the run to staging X1 appends entries 0 to 3: approval, evidence, request, submit
  4. the run to staging X1 puts the checkpoint over them in place
  5. the run to staging X1 decides on 4 entries to allow it
  6. the run to staging X1 signs the promotion
  7. the run to staging X1 appends entries 4 to 4: promotion
  8. the run to staging X1 puts the checkpoint over them in place
"""


@pytest.mark.parametrize("bounds", SMALL, ids=lambda b: b.name)
def test_every_property_holds_in_every_state(bounds: Bounds, capsys: pytest.CaptureFixture[str]) -> None:
    found = explore(Protocol(), bounds)
    assert not found.broken, found.shown()
    assert (found.states, found.steps, found.depth) == FIGURES[bounds.name]


@pytest.mark.soak
@pytest.mark.parametrize("bounds", LARGE, ids=lambda b: b.name)
def test_every_property_holds_with_more_disturbances(bounds: Bounds) -> None:
    found = explore(Protocol(), bounds)
    print(f"{bounds.name}: {found.shown()}")  # noqa: T201 - shown with -rP
    assert not found.broken, found.shown()
    assert (found.states, found.steps, found.depth) == LARGE_FIGURES[bounds.name]


@pytest.mark.parametrize("seeded", SEEDED, ids=lambda s: f"{s.bug.__name__} in {s.bounds}")
def test_a_seeded_bug_is_found_by_the_shortest_way(seeded: Seeded) -> None:
    (bounds,) = (b for b in SMALL if b.name == seeded.bounds)
    found = explore(seeded.bug(), bounds)
    assert (found.broken, len(found.trace)) == (seeded.breaks, seeded.steps), found.shown()


def test_every_bug_is_seeded_and_every_property_catches_one() -> None:
    assert {s.bug for s in SEEDED} == set(Protocol.__subclasses__())
    properties = {p.__name__ for group in OF_LINES.values() for p in group} | {p.__name__ for p in OF_STEPS}
    caught = {name for s in SEEDED for name in s.breaks.split(", ")}
    assert caught == {*properties, "converges"}


def test_what_make_model_prints(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--only", "invalid"]) == 0
    assert capsys.readouterr().out == PRINTED
