"""Nothing that carries meaning can be changed: whatever byte is, verify or the gate refuses, in one line."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from bspec_opa.foundation.digest import hex_of
from bspec_opa.foundation.errors import BspecError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from project import Project

    from bspec_opa.foundation.errors import Problem

REFUSALS = {ExitCode.INVALID, ExitCode.DENIED, ExitCode.PENDING, ExitCode.TRUST}
EACH = 30


def outcome(act: Callable[[], object]) -> ExitCode:
    """How it ends; an error must be one line for people."""
    problems: tuple[Problem, ...] = ()
    found = ExitCode.OK
    try:
        act()
    except BspecError as e:
        problems, found = e.problems, e.exit_code
    assert all(p.message and "\n" not in p.message for p in problems)
    return found


def named_objects(project: Project) -> list[Path]:
    """The objects that lines name: intents, inputs, bundles."""
    session = project.session()
    names: set[str] = set()
    for head in (session.history.head(e) for e in ("staging", "production")):
        assert head is not None
        predicate: Any = head.record.predicate
        names |= {head.subject("behavior.intent"), predicate["input_digest"], predicate["bundles"][0]["digest"]}
    return [project.state / "objects" / "sha256" / hex_of(n) for n in sorted(names)]  # type: ignore[arg-type]


def mutated(data: bytes, chance: random.Random, positions: list[int]) -> bytes:
    """One byte replaced by another, removed or doubled."""
    at = chance.choice(positions)
    kind = chance.randrange(4)
    if kind == 0:
        return data[:at] + data[at + 1 :]
    if kind == 1:
        return data[: at + 1] + data[at:]
    changed = data[at] ^ (1 << chance.randrange(8)) if kind == 2 else (data[at] + 1) % 256
    return data[:at] + bytes([changed]) + data[at + 1 :]


@pytest.mark.attack("A02")
@pytest.mark.attack("A54")
@pytest.mark.parametrize("what", ["lock", "log", "checkpoint", "root", "objects"])
def test_no_byte_of_the_past_can_be_changed(live: Project, what: str) -> None:
    files = {
        "lock": [live.lock],
        "log": [live.state / "ledger" / "log.jsonl"],
        "checkpoint": [live.state / "ledger" / "checkpoint"],
        "root": [live.state / "trust" / "1.root.json"],
        "objects": named_objects(live),
    }[what]
    chance = random.Random(what)  # noqa: S311 - a sample, not a secret
    assert outcome(live.verify) == ExitCode.OK
    for _ in range(EACH):
        file = chance.choice(files)
        genuine = file.read_bytes()
        file.write_bytes(mutated(genuine, chance, list(range(len(genuine)))))
        found = outcome(live.verify)
        assert found in REFUSALS, (file, found)
        file.write_bytes(genuine)
    assert outcome(live.verify) == ExitCode.OK


@pytest.mark.attack("A02")
@pytest.mark.parametrize("what", ["submit", "evidence", "approval", "request"])
def test_no_byte_of_a_record_can_be_changed(signed: Project, what: str) -> None:
    chance = random.Random(what)  # noqa: S311 - a sample, not a secret
    files = sorted((signed.inbox / what).iterdir())
    assert signed.evaluate().exit_code == ExitCode.OK
    for _ in range(EACH // 2):
        file = chance.choice(files)
        genuine = file.read_bytes()
        file.write_bytes(mutated(genuine, chance, list(range(len(genuine)))))
        evaluation = signed.evaluate()
        assert evaluation.exit_code in REFUSALS
        assert [r.file for r in evaluation.rejected] == [str(file)]
        file.write_bytes(genuine)
    file = chance.choice(files)
    file.write_bytes(mutated(file.read_bytes(), chance, [100]))
    signed.denied("staging", *{r.code for r in signed.evaluate().rejected})


@pytest.mark.attack("A08")
def test_no_letter_of_the_intent_can_be_changed(signed: Project) -> None:
    chance = random.Random("intent")  # noqa: S311 - a sample, not a secret
    genuine = signed.intent.read_bytes()
    begin = genuine.index(b"schema:")
    letters = [i for i in range(begin, len(genuine)) if chr(genuine[i]).isalnum()]
    for _ in range(EACH):
        at = chance.choice(letters)
        signed.intent.write_bytes(genuine[:at] + bytes([genuine[at] ^ 1]) + genuine[at + 1 :])
        try:
            found = signed.evaluate().exit_code
        except BspecError as e:
            found = e.exit_code
        assert found in REFUSALS, genuine[at - 20 : at + 20]
    signed.intent.write_bytes(genuine)
    assert signed.evaluate().exit_code == ExitCode.OK


@pytest.mark.attack("A54")
def test_a_lock_with_lines_moved_doubled_or_dropped(live: Project) -> None:
    one, two = live.lock.read_bytes().splitlines(keepends=True)
    for lines in ([two, one], [two], [one, two, two], [one, one, two], [one, two, b"\n"], [b"\n", one, two]):
        live.lock.write_bytes(b"".join(lines))
        assert outcome(live.verify) in REFUSALS
    live.lock.write_bytes(one + two)
    assert outcome(live.verify) == ExitCode.OK
