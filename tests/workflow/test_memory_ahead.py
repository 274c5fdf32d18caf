"""A ledger that was read before another process went on is not a ledger that was rolled back."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from project import HOUR

from bspec_opa.foundation.digest import digest_of
from bspec_opa.foundation.errors import BspecError, ExitCode
from bspec_opa.lock.chain import append_lines
from bspec_opa.workflow.checkout.memory import check_current, remember, remember_current
from bspec_opa.workflow.evaluate import situation_of
from bspec_opa.workflow.promote import promote
from bspec_opa.workflow.sequence import sequence

if TYPE_CHECKING:
    from pathlib import Path

    from project import Project

    from bspec_opa.foundation.digest import Digest


def test_a_promotion_that_was_overtaken(signed: Project) -> None:
    """Both read the empty ledger; the slower one finds that everything is done."""
    overtaken = signed.session()
    line = signed.allowed().line
    outcome = promote(overtaken, "staging", signed.keys)
    assert (outcome.evaluation, outcome.line, outcome.sequenced) == (None, line, ())
    assert [v.current for v in signed.verify().lines] == [True]


@pytest.mark.attack("A45")
def test_a_promotion_that_was_overtaken_between_ledger_and_lock(
    signed: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock has a line that the ledger, as it was read, has not: the ledger is read again before that is a fault."""
    session = signed.session()
    genuine = situation_of
    overtaking: list[Digest | None] = []

    def overtaken(*arguments: Any, **named: Any) -> Any:
        situation = genuine(*arguments, **named)
        if not overtaking:
            overtaking.append(None)
            overtaking.append(signed.allowed().line)
        return situation

    monkeypatch.setattr("bspec_opa.workflow.promote.situation_of", overtaken)
    outcome = promote(session, "staging", signed.keys)
    assert outcome.line == overtaking[-1]
    assert len(signed.lines()) == 1
    assert [v.current for v in signed.verify().lines] == [True]


@pytest.mark.attack("A45")
def test_who_signed_says_so_although_another_one_completed_the_lock(
    signed: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between our append and our lock another run writes the lock from the ledger: we still have promoted."""
    genuine = append_lines
    interfered: list[int] = []

    def interfering(path: Path, read: bytes, lines: Any, **named: Any) -> bytes:
        if not interfered:
            interfered.append(1)
            genuine(path, read, lines, **named)
        return genuine(path, read, lines, **named)

    monkeypatch.setattr("bspec_opa.workflow.completing.append_lines", interfering)
    outcome = signed.promote()
    assert outcome.evaluation is not None
    assert outcome.evaluation.decision.allowed
    assert outcome.line == digest_of(signed.lines()[0])
    assert len(signed.lines()) == 1


@pytest.mark.attack("A48")
def test_a_line_that_the_ledger_never_had_stays_a_fault(signed: Project) -> None:
    signed.allowed()
    shutil.rmtree(signed.state / "ledger")
    shutil.rmtree(signed.base / "state")
    with pytest.raises(BspecError) as raised:
        signed.promote()
    assert raised.value.code == "lock.not-in-ledger"


@pytest.mark.attack("A88")
def test_a_newer_root_that_another_run_remembers_is_no_rollback(
    signed: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between our reading of the root and our sequencing another run has seen the next one: it is read and decided on."""
    session = signed.session()
    genuine = sequence
    overtaking: list[int] = []

    def overtaken(session: Any, signer: Any) -> Any:
        if not overtaking:
            overtaking.append(1)
            signed.next_root()
            memory_of(signed)
        return genuine(session, signer)

    monkeypatch.setattr("bspec_opa.workflow.promote.sequence", overtaken)
    outcome = promote(session, "staging", signed.keys)
    assert outcome.line == digest_of(signed.lines()[0])
    assert signed.verify().root_version == 2


@pytest.mark.attack("A18")
def test_a_root_that_is_put_back_while_it_is_decided_is_one(signed: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    genuine = sequence

    def putting_back(session: Any, signer: Any) -> Any:
        path = signed.next_root()
        memory_of(signed)
        path.unlink()
        return genuine(session, signer)

    monkeypatch.setattr("bspec_opa.workflow.promote.sequence", putting_back)
    with pytest.raises(BspecError) as raised:
        signed.promote()
    assert raised.value.code == "ledger.root-rolled-back"
    assert raised.value.exit_code == ExitCode.TRUST
    assert not signed.lock.exists()


def memory_of(project: Project) -> None:
    """Another run remembers what is there now."""
    session = project.session()
    remember(session.anchor, session.ledger, project.environ)


def test_a_promotion_that_was_overtaken_in_a_later_second(signed: Project) -> None:
    """The clock is read again where the ledger went on since; one that is still behind is wrong."""
    overtaken = signed.session()
    signed.now += 3
    line = signed.allowed().line
    going = replace(overtaken, world=replace(overtaken.world, clock=lambda: signed.now + 1))
    assert promote(going, "staging", signed.keys).line == line
    late = replace(overtaken, world=replace(overtaken.world, clock=lambda: signed.now - 1))
    with pytest.raises(BspecError) as raised:
        promote(late, "staging", signed.keys)
    assert raised.value.code == "ledger.clock-behind"


def test_it_is_read_once_more(signed: Project) -> None:
    """And only where it is behind the memory."""
    before = signed.session()
    signed.allowed()
    reads: list[int] = []

    def read() -> Any:
        reads.append(1)
        return signed.ledger()

    now = signed.ledger()
    assert check_current(before.anchor, before.ledger, read, signed.environ) == (now, ())
    assert remember_current(before.anchor, before.ledger, read, signed.environ) == now
    assert len(reads) == 2
    assert check_current(before.anchor, now, read, signed.environ) == (now, ())
    assert remember_current(before.anchor, now, read, signed.environ) == now
    assert len(reads) == 2


@pytest.mark.attack("A55")
def test_what_stays_behind_was_rolled_back(signed: Project) -> None:
    before = signed.session()
    signed.allowed()
    for act in (check_current, remember_current):
        with pytest.raises(BspecError) as raised:
            act(before.anchor, before.ledger, lambda: before.ledger, signed.environ)
        assert raised.value.code == "ledger.rolled-back"


@pytest.mark.attack("A18")
def test_an_older_root_is_not_read_away(staged: Project) -> None:
    staged.now += HOUR
    before = staged.session()
    staged.next_root()
    staged.promote()
    for act in (check_current, remember_current):
        with pytest.raises(BspecError) as raised:
            act(before.anchor, before.ledger, staged.ledger, staged.environ)
        assert raised.value.code == "ledger.root-rolled-back"
