"""The implementation goes where the model goes: walks through the model, driven through real promotions."""

from __future__ import annotations

import random
import re
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from model.bounds import ANYTHING, BACK_A, BACK_LIVE_A, BACK_LIVE_B, LIVE_A, LIVE_B, A, B, Bounds, promoted
from model.driving import Driver, kind_of, walk
from model.protocol import Protocol
from model.state import PRODUCTION, STAGING, Left
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
        LEFT._replace(revocations=1),
        (*promoted("A1", STAGING), "signed for production A1"),
        (A, LIVE_A),
        evidence=2,
        revocable=ANYTHING,
    ),
    "replaced": Bounds(
        "replaced",
        (LIVE_B, BACK_A, BACK_LIVE_A, BACK_LIVE_B),
        Left(runs=5, crashes=2, signatures=3, rejects=1, revocations=2, roots=1, lock_edits=1),
        (
            *(*promoted("A1", STAGING), *promoted("A1", PRODUCTION)),
            *("promote B1 to staging starts", "finish"),
            *(*promoted("B1", STAGING), *promoted("B1", PRODUCTION)),
        ),
        (A, B, LIVE_A, LIVE_B),
        evidence=2,
        revocable=ANYTHING,
    ),
}
"""What a prepared project is in the model, and what may happen to it."""
FIRST = {"replaced": ("signed to roll back staging to A1", "signed to roll back production to A1")}
"""What always happens first; otherwise few walks would get as far as a rollback."""
WALKS = (
    *(("signed", seed) for seed in (70, 272, 947, 1047)),
    *(("ready", seed) for seed in (11, 67, 145, 1450)),
    *(("replaced", seed) for seed in (21, 160, 189, 675, 1286)),
)
"""Few walks that have every kind of step."""
KINDS = [
    "a newer trust root revokes the approval",
    "a newer trust root revokes the evidence",
    "a newer trust root revokes the request",
    "a newer trust root revokes the submit",
    "a run to promote to production starts and reads",
    "a run to promote to staging starts and reads",
    "a run to roll back production is refused",
    "a run to roll back production starts and reads",
    "a run to roll back staging is refused",
    "a run to roll back staging starts and reads",
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
    "signed to roll back production to",
    "signed to roll back staging to",
    "the approval is revoked in the ledger",
    "the evidence is revoked in the ledger",
    "the operator moves the tail aside",
    "the promotion is revoked in the ledger",
    "the request is revoked in the ledger",
    "the reviewer rejects for production",
    "the reviewer rejects for staging",
    "the reviewer rejects to roll back production to",
    "the reviewer rejects to roll back staging to",
    "the run to production appends",
    "the run to production can't append and gives up",
    "the run to production can't append and reads",
    "the run to production decides on to allow it",
    "the run to production decides on to deny it",
    "the run to production decides on to do nothing",
    "the run to production decides on to read again",
    "the run to production signs the checkpoint over them",
    "the run to production signs the denial",
    "the run to production signs the promotion",
    "the run to production writes the lock",
    "the run to promote to production is killed before it would append",
    "the run to promote to production is killed before it would checkpoint",
    "the run to promote to production is killed before it would decide",
    "the run to promote to production is killed before it would sign",
    "the run to promote to staging is killed before it would append",
    "the run to promote to staging is killed before it would checkpoint",
    "the run to promote to staging is killed before it would decide",
    "the run to promote to staging is killed before it would lock",
    "the run to roll back production appends",
    "the run to roll back production can't append and reads",
    "the run to roll back production decides on to allow it",
    "the run to roll back production decides on to deny it",
    "the run to roll back production is killed before it would append",
    "the run to roll back production is killed before it would decide",
    "the run to roll back production signs the checkpoint over them",
    "the run to roll back production signs the denial",
    "the run to roll back production signs the rollback",
    "the run to roll back staging appends",
    "the run to roll back staging can't append and gives up",
    "the run to roll back staging can't append and reads",
    "the run to roll back staging decides on to allow it",
    "the run to roll back staging decides on to deny it",
    "the run to roll back staging decides on to do nothing",
    "the run to roll back staging is killed before it would append",
    "the run to roll back staging is killed before it would checkpoint",
    "the run to roll back staging is killed before it would decide",
    "the run to roll back staging is killed before it would lock",
    "the run to roll back staging is killed before it would sign",
    "the run to roll back staging signs the checkpoint over them",
    "the run to roll back staging signs the denial",
    "the run to roll back staging signs the rollback",
    "the run to roll back staging writes the lock",
    "the run to staging appends",
    "the run to staging can't append and gives up",
    "the run to staging can't append and reads",
    "the run to staging decides on to allow it",
    "the run to staging decides on to deny it",
    "the run to staging signs the checkpoint over them",
    "the run to staging signs the denial",
    "the run to staging signs the promotion",
    "the run to staging writes the lock",
    "the submit is revoked in the ledger",
]


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    return Shelf(tmp_path_factory.mktemp("shelf"))


def steps_of(stage: str, seed: int, *, atomic: bool = False) -> list[tuple[str, State, State]]:
    """One walk through the model."""
    dice = random.Random(seed)  # noqa: S311 - no secret
    return list(walk(Protocol(), DRIVEN[stage], dice, LENGTH, FIRST.get(stage, ()), atomic=atomic))


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


@pytest.mark.soak
def test_other_walks_have_no_other_kind_of_step() -> None:
    """Wherever it happens; what is rarer than once in a thousand walks is left to the long tests."""
    ours = {sort_of(kind) for kind in KINDS}
    others = Counter(
        sort
        for stage in DRIVEN
        for seed in range(3_000, 4_000)
        for sort in {sort_of(kind_of(label)) for label, _, _ in steps_of(stage, seed)}
    )
    assert {sort for sort, number in others.items() if number > len(DRIVEN)} <= ours


def sort_of(kind: str) -> str:
    """The same without the environment."""
    return re.sub(r"\b(staging|production)\b ?", "", kind)


def test_a_walk_is_one_way_through_the_model_and_always_the_same() -> None:
    steps = steps_of(*WALKS[0])
    assert steps == steps_of(*WALKS[0])
    assert all(before == after for (_, _, before), (_, after, _) in pairwise(steps))
