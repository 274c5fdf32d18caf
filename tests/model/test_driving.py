"""The implementation goes where the model goes: walks through the model, driven through real promotions."""

from __future__ import annotations

import random
import re
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from model.bounds import (
    ANYTHING,
    BACK_A,
    BACK_LIVE_A,
    BACK_LIVE_B,
    LIVE_A,
    LIVE_B,
    URGENT_LIVE_A,
    A,
    B,
    Bounds,
    promoted,
)
from model.bugs import HeadFallsBack, NeverReviewed, RestsOnRevoked, RevokedTarget
from model.driving import Driver, kind_of, walk
from model.protocol import Protocol
from model.state import PRODUCTION, STAGING, Left
from project import Shelf
from world import key_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from model.state import State

    Steps = list[tuple[str, State, State]]

LENGTH = 22
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
DRIVEN["urgent"] = DRIVEN["replaced"]._replace(orders=(LIVE_B, BACK_LIVE_A, BACK_LIVE_B, URGENT_LIVE_A))
"""What a prepared project is in the model, which bears its name, and what may happen to it."""
FIRST = {
    "replaced": ("signed to roll back staging to A1", "signed to roll back production to A1"),
    "urgent": ("signed to roll back production in an emergency", "back production to line 7 in an emergency starts"),
}
"""What always happens first; otherwise few walks would get as far as a rollback."""
WALKS = (
    *(("signed", seed) for seed in (216, 782, 947)),
    *(("ready", seed) for seed in (47, 234, 476)),
    *(("replaced", seed) for seed in (573, 788)),
    *(("urgent", seed) for seed in (67, 951)),
)
"""Few walks with as many kinds of steps as there may be."""
LONG = range(1_000, 1_100)
"""The seeds of those that are driven in the long tests."""
SOAK = pytest.mark.soak
MISLED = (
    pytest.param(
        *(RestsOnRevoked, "replaced"),
        ("the submit of entry 3 is revoked in the ledger", "roll back production to line 7 starts"),
    ),
    pytest.param(
        *(RevokedTarget, "replaced"),
        ("the promotion of entry 7 is revoked in the ledger", "roll back production to line 7 starts"),
        marks=SOAK,
    ),
    pytest.param(
        *(HeadFallsBack, "replaced"),
        (
            *("the promotion of entry 16 is revoked in the ledger", "promote B1 to production starts"),
            *("decides", "signs the promotion", "appends", "signs the checkpoint"),
        ),
        marks=SOAK,
    ),
    pytest.param(
        *(NeverReviewed, "urgent"),
        (
            *("signed to roll back production in an emergency", "line 7 in an emergency starts", "appends"),
            *("signs the checkpoint", "decides", "signs the rollback", "appends", "signs the checkpoint"),
            *("writes the lock", "signed for production B1: approval", "promote B1 to production starts"),
            *("appends", "signs the checkpoint", "decides", "signs the promotion", "appends", "signs the checkpoint"),
        ),
        marks=SOAK,
    ),
)
"""Bugs of the model that are about going back and revoking, and a way on which each of them shows."""
KINDS = [
    "a newer trust root revokes the approval",
    "a newer trust root revokes the evidence",
    "a newer trust root revokes the request",
    "a newer trust root revokes the submit",
    "a run to promote to production starts and reads",
    "a run to promote to staging starts and reads",
    "a run to roll back production in an emergency starts and reads",
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
    "signed to roll back production in an emergency to",
    "signed to roll back production to",
    "signed to roll back staging to",
    "the approval is revoked in the ledger",
    "the emergency in production is reviewed by the outsider",
    "the evidence is revoked in the ledger",
    "the operator has the tail completed",
    "the promotion is revoked in the ledger",
    "the request is revoked in the ledger",
    "the reviewer rejects for production",
    "the reviewer rejects for staging",
    "the reviewer rejects to roll back staging to",
    "the rollback is revoked in the ledger",
    "the run to production appends",
    "the run to production can't append and reads",
    "the run to production decides on to allow it",
    "the run to production decides on to deny it",
    "the run to production decides on to do nothing",
    "the run to production puts the checkpoint over them in place",
    "the run to production signs the denial",
    "the run to production signs the promotion",
    "the run to production writes the lock",
    "the run to promote to production is killed before it would checkpoint",
    "the run to promote to production is killed before it would decide",
    "the run to promote to production is killed before it would lock",
    "the run to promote to staging is killed before it would append",
    "the run to promote to staging is killed before it would checkpoint",
    "the run to promote to staging is killed before it would sign",
    "the run to roll back production appends",
    "the run to roll back production can't append and reads",
    "the run to roll back production decides on to deny it",
    "the run to roll back production in an emergency appends",
    "the run to roll back production in an emergency can't append and reads",
    "the run to roll back production in an emergency decides on to allow it",
    "the run to roll back production in an emergency decides on to deny it",
    "the run to roll back production in an emergency is killed before it would lock",
    "the run to roll back production in an emergency puts the checkpoint over them in place",
    "the run to roll back production in an emergency signs the denial",
    "the run to roll back production in an emergency signs the rollback",
    "the run to roll back production in an emergency writes the lock",
    "the run to roll back production is killed before it would checkpoint",
    "the run to roll back production signs the denial",
    "the run to roll back staging appends",
    "the run to roll back staging can't append and reads",
    "the run to roll back staging decides on to allow it",
    "the run to roll back staging is killed before it would append",
    "the run to roll back staging is killed before it would sign",
    "the run to roll back staging puts the checkpoint over them in place",
    "the run to roll back staging signs the rollback",
    "the run to roll back staging writes the lock",
    "the run to staging appends",
    "the run to staging can't append and gives up",
    "the run to staging can't append and reads",
    "the run to staging decides on to allow it",
    "the run to staging decides on to deny it",
    "the run to staging decides on to do nothing",
    "the run to staging decides on to read again",
    "the run to staging puts the checkpoint over them in place",
    "the run to staging signs the denial",
    "the run to staging signs the promotion",
    "the run to staging writes the lock",
    "the submit is revoked in the ledger",
]


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    return Shelf(tmp_path_factory.mktemp("shelf"))


@pytest.fixture
def driven(shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Steps], None]:
    def drive_it(stage: str, steps: Steps) -> None:
        drive(Driver(shelf.project(DRIVEN[stage].name, tmp_path), steps[0][1], monkeypatch), steps)

    return drive_it


def steps_of(stage: str, seed: int, *, atomic: bool = False) -> Steps:
    """One walk through the model."""
    dice = random.Random(seed)  # noqa: S311 - no secret
    return list(walk(Protocol(), DRIVEN[stage], dice, LENGTH, FIRST.get(stage, ()), atomic=atomic))


def drive(project: Driver, steps: Steps) -> None:
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
    driven: Callable[[str, Steps], None], stage: str, seed: int
) -> None:
    driven(stage, steps_of(stage, seed))


@pytest.mark.soak
@pytest.mark.parametrize("stage", DRIVEN)
@pytest.mark.parametrize("seed", LONG)
def test_the_implementation_goes_where_the_model_goes_for_long(
    driven: Callable[[str, Steps], None], stage: str, seed: int
) -> None:
    driven(stage, steps_of(stage, seed))


@pytest.mark.soak
@pytest.mark.parametrize("stage", DRIVEN)
@pytest.mark.parametrize("seed", range(2_000, 2_010))
def test_the_same_with_a_ledger_in_a_database(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str, seed: int
) -> None:
    project = shelf.project(DRIVEN[stage].name, tmp_path)
    entries = project.ledger().entries
    project.flags["ledger.url"] = f"sqlite:///{tmp_path}/ledger.sqlite"
    if entries:
        project.store.append(project.ledger().tip, entries, key_of("ledger"))
    steps = steps_of(stage, seed, atomic=True)
    drive(Driver(project, steps[0][1], monkeypatch), steps)


@pytest.mark.parametrize(("bug", "stage", "first"), MISLED)
def test_a_walk_of_a_model_with_a_bug_cannot_be_driven(
    driven: Callable[[str, Steps], None], bug: type[Protocol], stage: str, first: Sequence[str]
) -> None:
    """The implementation goes another way with the last step, not before."""
    steps = list(walk(bug(), DRIVEN[stage], random.Random(0), len(first), first))  # noqa: S311 - no secret
    assert len(steps) == len(first)
    with pytest.raises(AssertionError) as raised:
        driven(stage, steps)
    assert raised.value.__notes__ == ["\n".join(label for label, _, _ in steps)]


def test_every_kind_of_step_of_the_walks_is_known() -> None:
    kinds = {kind_of(label) for walked in WALKS for label, _, _ in steps_of(*walked)}
    assert sorted(kinds) == KINDS
    ends = ("staging", "production", "roll back staging", "roll back production in an emergency")
    assert {f"the run to {end} writes the lock" for end in ends} <= kinds
    assert {f"the {kind} is revoked in the ledger" for kind in ANYTHING - {"submit"}} <= kinds


@pytest.mark.soak
def test_other_walks_have_no_other_kind_of_step() -> None:
    """Wherever it happens; but for what is rarer than once in five hundred walks."""
    driven = Counter(sort_of(kind) for kind in KINDS) + sorts(LONG)
    others = sorts(range(3_000, 3_500))
    assert {sort for sort, number in others.items() if number > len(DRIVEN)} <= driven.keys()


def sorts(seeds: range) -> Counter[str]:
    """What steps there are, and in how many walks."""
    walks = [steps_of(stage, seed) for stage in DRIVEN for seed in seeds]
    return Counter(sort for steps in walks for sort in {sort_of(kind_of(label)) for label, _, _ in steps})


def sort_of(kind: str) -> str:
    """The same wherever it happens; a run is killed in an emergency as it is otherwise."""
    said = re.sub(r"\b(staging|production)\b ?", "", kind)
    return said.replace(" in an emergency", "") if "killed" in said or "again" in said else said


def test_a_walk_is_one_way_through_the_model_and_always_the_same() -> None:
    steps = steps_of(*WALKS[0])
    assert steps == steps_of(*WALKS[0])
    assert all(before == after for (_, _, before), (_, after, _) in pairwise(steps))
