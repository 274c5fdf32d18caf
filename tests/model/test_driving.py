"""The implementation goes where the model goes: walks through the model, driven through real promotions."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from model.bounds import LIVE_A, A, B, Bounds, promoted
from model.driving import Driver, kind_of, walk
from model.protocol import Protocol
from model.state import STAGING, Left
from project import Shelf

if TYPE_CHECKING:
    from pathlib import Path

    from model.state import State

LENGTH = 20
OF = frozenset({"submit", "evidence", "approval", "request"})
LEFT = Left(runs=4, crashes=1, signatures=2, rejects=1, roots=1, thefts=2, lock_edits=1)
DRIVEN = {
    "signed": Bounds("signed", (A, B), LEFT, ("signed for staging A1",), (A,), evidence=2, revocable=OF),
    "ready": Bounds(
        "ready",
        (LIVE_A, B),
        LEFT,
        (*promoted("A1", STAGING), "signed for production A1"),
        (A, LIVE_A),
        evidence=2,
        revocable=OF,
    ),
}
"""What a prepared project is in the model, and what may happen to it."""
WALKS = (
    *(("signed", seed) for seed in (47, 78, 89, 537, 892)),
    *(("ready", seed) for seed in (47, 129, 679, 759)),
)
"""Few walks that have every kind of step."""
KINDS = [
    "a newer trust root revokes the approval",
    "a newer trust root revokes the evidence",
    "a newer trust root revokes the request",
    "a newer trust root revokes the submit",
    "a run to promote to production starts and reads",
    "a run to promote to staging starts and reads",
    "an attacker deletes the approval from the inbox",
    "an attacker deletes the evidence from the inbox",
    "an attacker deletes the lock",
    "an attacker deletes the reject from the inbox",
    "an attacker deletes the request from the inbox",
    "an attacker deletes the submit from the inbox",
    "an attacker puts the approval back into the inbox",
    "an attacker puts the evidence back into the inbox",
    "an attacker puts the reject back into the inbox",
    "an attacker puts the request back into the inbox",
    "an attacker puts the submit back into the inbox",
    "an attacker restores a lock of",
    "another job sequences the evidence",
    "another job sequences the reject",
    "signed for production",
    "signed for staging",
    "the operator moves the tail aside",
    "the reviewer rejects for production",
    "the reviewer rejects for staging",
    "the run to production appends",
    "the run to production decides on to allow it",
    "the run to production decides on to deny it",
    "the run to production decides on to do nothing",
    "the run to production signs the checkpoint over them",
    "the run to production signs the denial",
    "the run to production signs the promotion",
    "the run to production writes the lock",
    "the run to promote to production is killed before it would checkpoint",
    "the run to promote to production is killed before it would decide",
    "the run to promote to production is killed before it would lock",
    "the run to promote to staging is killed before it would append",
    "the run to promote to staging is killed before it would checkpoint",
    "the run to promote to staging is killed before it would sign",
    "the run to staging appends",
    "the run to staging can't append and gives up",
    "the run to staging can't append and reads",
    "the run to staging decides on to allow it",
    "the run to staging decides on to deny it",
    "the run to staging decides on to do nothing",
    "the run to staging decides on to read again",
    "the run to staging signs the checkpoint over them",
    "the run to staging signs the denial",
    "the run to staging signs the promotion",
    "the run to staging writes the lock",
]


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    return Shelf(tmp_path_factory.mktemp("shelf"))


def steps_of(stage: str, seed: int, *, atomic: bool = False) -> list[tuple[str, State, State]]:
    """One walk through the model."""
    dice = random.Random(seed)  # noqa: S311 - no secret
    return list(walk(Protocol(), DRIVEN[stage], dice, LENGTH, atomic=atomic))


def drive(project: Driver, steps: list[tuple[str, State, State]]) -> None:
    """The same walk through the implementation; on a difference, what led to it."""
    for number, (label, before, after) in enumerate(steps, 1):
        try:
            project.follow(label, before, after)
            project.compare(after)
        except BaseException as e:
            e.add_note("\n".join(said for said, _, _ in steps[:number]))
            raise
    project.finish(steps[-1][2])


@pytest.mark.parametrize(("stage", "seed"), WALKS)
def test_the_implementation_goes_where_the_model_goes(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str, seed: int
) -> None:
    steps = steps_of(stage, seed)
    drive(Driver(shelf.project(stage, tmp_path), steps[0][1], monkeypatch), steps)


@pytest.mark.soak
@pytest.mark.parametrize("stage", DRIVEN)
@pytest.mark.parametrize("seed", range(1_000, 1_100))
def test_the_implementation_goes_where_the_model_goes_for_long(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str, seed: int
) -> None:
    steps = steps_of(stage, seed)
    drive(Driver(shelf.project(stage, tmp_path), steps[0][1], monkeypatch), steps)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(2_000, 2_040))
def test_the_same_with_a_ledger_in_a_database(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    project = shelf.project("signed", tmp_path)
    project.flags["ledger.url"] = f"sqlite:///{tmp_path}/ledger.sqlite"
    steps = steps_of("signed", seed, atomic=True)
    drive(Driver(project, steps[0][1], monkeypatch), steps)


def test_the_walks_have_every_kind_of_step() -> None:
    kinds = {kind_of(label) for walked in WALKS for label, _, _ in steps_of(*walked)}
    assert sorted(kinds) == KINDS


def test_a_walk_is_one_way_through_the_model_and_always_the_same() -> None:
    steps = steps_of(*WALKS[0])
    assert steps == steps_of(*WALKS[0])
    assert all(before == after for (_, _, before), (_, after, _) in pairwise(steps))
