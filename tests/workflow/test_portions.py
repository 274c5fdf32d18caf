"""An inbox of more than one append takes: recorded in portions, as if it had been one, and never decided on in part."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from git_bench import REF, git, make_bare, url_of
from world import key_of, refused

from bspec_opa.foundation.errors import BspecError, ExitCode
from bspec_opa.ledger.reasons import RACE_LOST, UNWRITABLE
from bspec_opa.workflow.checkout.memory import remember_current
from bspec_opa.workflow.checkout.place import open_store
from bspec_opa.workflow.promote import promote
from bspec_opa.workflow.sequence import record_inbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from project import Project

    from bspec_opa.ledger.entry import Entry
    from bspec_opa.ledger.interface import LedgerState
    from bspec_opa.trust.authority import Record
    from bspec_opa.workflow.checkout.anchor import Anchor

HEAD_BYTES = 1_000
"""More than a head takes that nobody has cosigned."""


class Killed(BaseException):
    """As if the process ended here."""


class Store:
    """The project's store: what is appended to it is told, and others come between.

    Attributes:
        portions: how many entries each append brought.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.portions: list[int] = []
        self.before: dict[int, Callable[[], object]] = {}

        def opened(project: Any, anchor: Anchor) -> Any:
            store: Any = open_store(project, anchor)
            append = store.append

            def told(base: Any, entries: tuple[Entry, ...], signer: Any) -> Any:
                first = self.before.pop(len(self.portions), None)
                if first is not None:
                    first()
                tip = append(base, entries, signer)
                self.portions.append(len(entries))
                assert open_store(project, anchor).read().tip == tip  # it is there for everybody before the next one
                return tip

            store.append = told
            return store

        monkeypatch.setattr("bspec_opa.workflow.sequence.open_store", opened)


def inbox(project: Project) -> tuple[Record, ...]:
    return project.session().inbox.records


def room_of(ledger: LedgerState) -> int:
    return 2 * max(len(e.leaf()) + 1 for e in ledger.entries)


def apart(project: Project, base: Path) -> Project:
    """The same project and another ledger."""
    shutil.copytree(project.base, base)
    return replace(project, base=base, flags={})


@pytest.fixture
def whole(signed: Project, tmp_path: Path) -> LedgerState:
    """The ledger as one append makes it."""
    other = apart(signed, tmp_path / "whole")
    other.record()
    return other.ledger()


@pytest.fixture
def store(whole: LedgerState, monkeypatch: pytest.MonkeyPatch) -> Store:
    """One append takes two records, or one more if they are short."""
    assert whole.size == 8
    monkeypatch.setattr("bspec_opa.ledger.portions.ROOM", room_of(whole))
    return Store(monkeypatch)


@pytest.mark.parametrize("kind", ["file", "sqlite", "git"])
def test_the_ledger_is_the_one_that_a_single_append_makes(
    signed: Project, monkeypatch: pytest.MonkeyPatch, whole: LedgerState, store: Store, kind: str
) -> None:
    monkeypatch.setattr("bspec_opa.ledger.file.begun.MAX_APPEND_BYTES", room_of(whole) + HEAD_BYTES)
    remote = make_bare(signed.base / "remote.git")
    if kind != "file":
        signed.flags["ledger.url"] = url_of(remote) if kind == "git" else f"sqlite:///{signed.base}/ledger.sqlite"
    done = record_inbox(signed.session(), key_of("ledger"))
    assert (done.unfinished, done.added) == (None, inbox(signed))
    assert (signed.ledger().entries, signed.ledger().root_hash) == (whole.entries, whole.root_hash)
    assert len(store.portions) > 2
    assert sum(store.portions) == whole.size
    if kind == "git":  # what is not pushed is not recorded: one commit, and one push, a portion
        assert git(remote, "rev-list", "--count", REF) == f"{len(store.portions)}\n".encode()


@pytest.mark.parametrize("remembered", [False, True])
def test_who_is_killed_between_two_portions_goes_on_from_there(
    signed: Project,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    whole: LedgerState,
    store: Store,
    *,
    remembered: bool,
) -> None:
    def killed(*arguments: Any) -> Any:
        if remembered:
            remember_current(*arguments)
        raise Killed

    monkeypatch.setattr("bspec_opa.workflow.sequence.remember_current", killed)
    for run in (signed.record, signed.promote):
        before = signed.ledger().size
        with pytest.raises(Killed):
            run()
        left = signed.ledger()
        assert before < left.size < whole.size
        assert left.entries == whole.entries[: left.size]  # of the inbox alone: nothing was decided on a part of it
        assert not signed.lock.exists()
    monkeypatch.setattr("bspec_opa.workflow.sequence.remember_current", remember_current)
    outcome = signed.allowed()
    assert outcome.sequenced == tuple(r.id for r in inbox(signed)[sum(store.portions[:2]) :])
    assert signed.ledger().entries[: whole.size] == whole.entries
    assert [v.current for v in signed.verify().lines] == [True]


def test_two_that_record_the_same_inbox_record_each_record_once(
    signed: Project, whole: LedgerState, store: Store
) -> None:
    overtaken, others = signed.session(), list[Any]()
    store.before[1] = lambda: others.append(record_inbox(signed.session(), key_of("ledger")))
    done = record_inbox(overtaken, key_of("ledger"))
    assert (*done.added, *others[0].added) == inbox(signed)
    assert len(done.added) == store.portions[0]
    assert signed.ledger().entries == whole.entries


@pytest.mark.parametrize("allowed", [True, False])
def test_who_is_overtaken_between_two_portions_decides_on_all_of_what_is_there(
    signed: Project, tmp_path: Path, whole: LedgerState, store: Store, *, allowed: bool
) -> None:
    """Somebody else records a reject, from an inbox of another place, or a record that changes nothing."""
    other = apart(signed, tmp_path / "other")
    shutil.rmtree(other.inbox)
    signed.now += 1
    other.now += 1

    def between() -> None:
        shutil.copytree(signed.state / "ledger", other.state / "ledger")
        issued = other.submit("bob") if allowed else other.approve("environment-admin", reject=True)
        entry = other.ledger().draft(other.now, [(issued.record.type, issued.record.envelope)])
        signed.store.append(signed.ledger().tip, entry, key_of("ledger"))

    session = signed.session()
    store.before[1] = between
    outcome = promote(session, "staging", signed.keys)
    assert outcome.evaluation is not None
    assert outcome.evaluation.decision.allowed is allowed
    assert outcome.sequenced == tuple(r.id for r in inbox(signed))
    entries = signed.ledger().entries
    assert [e.seq for e in entries if e.kind in {"promotion", "denial"}] == [whole.size + 1]


@pytest.mark.parametrize("verb", ["record", "promote"])
def test_a_fault_between_two_portions_says_what_is_recorded(
    signed: Project, whole: LedgerState, store: Store, verb: str
) -> None:
    def full() -> None:
        raise UNWRITABLE.error("No space left on device")

    store.before[1] = full
    with pytest.raises(BspecError) as caught:
        getattr(signed, verb)()
    assert (caught.value.code, caught.value.exit_code) == ("ledger.unwritable", ExitCode.STORE)
    recorded = store.portions[0]
    assert caught.value.problems[0].message == (
        f"{recorded} of the inbox's {whole.size} new records are in the ledger, which has {recorded} entries; "
        "then: No space left on device"
    )
    assert signed.ledger().entries == whole.entries[:recorded]
    assert not signed.lock.exists()
    signed.allowed()
    assert signed.ledger().entries[: whole.size] == whole.entries


def test_a_ledger_that_never_stands_still_keeps_what_was_recorded(
    signed: Project, whole: LedgerState, store: Store
) -> None:
    def overtaken() -> None:
        store.before[len(store.portions)] = overtaken
        raise RACE_LOST.error("it has grown")

    store.before[1] = overtaken
    with pytest.raises(BspecError, match=r"; [23] of the inbox's records are in it now") as caught:
        signed.record()
    assert caught.value.code == "promotion.moved"
    assert signed.ledger().entries == whole.entries[: store.portions[0]]


def test_a_record_that_no_append_takes_is_refused_by_name_before_anything_is_recorded(
    signed: Project, whole: LedgerState, monkeypatch: pytest.MonkeyPatch
) -> None:
    longest = max(whole.entries, key=lambda e: len(e.leaf()))
    length = len(longest.leaf())
    monkeypatch.setattr("bspec_opa.ledger.portions.ROOM", length)
    for run in (signed.record, signed.promote):
        with refused("ledger.too-large") as caught:
            run()
        named = (
            f"the {longest.kind} {longest.record_id} is an entry of {length} bytes, and one has {length - 1} at most"
        )
        assert str(caught.value) == named
        assert signed.ledger().size == 0
    monkeypatch.setattr("bspec_opa.ledger.portions.ROOM", length + 1)
    signed.record()
    assert signed.ledger().entries == whole.entries
