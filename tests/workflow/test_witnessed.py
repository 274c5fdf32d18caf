"""Promotions under a trust root that demands witnesses, with real witnesses in processes of their own."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hostile_witness import SIZE, giving, reply
from project import DAY, HOUR, Project
from witnesses import BILLING, WAIT_S, Process, named, witness
from world import key_entry, key_of, refused

from bspec_opa.foundation.errors import BspecError, ExitCode
from bspec_opa.foundation.times import format_time
from bspec_opa.ledger.checkpoint import NoteSignature, parse_checkpoint, sign_checkpoint
from bspec_opa.ledger.merkle import leaf_hash
from bspec_opa.ledger.witness.cosignature import cosigned_at, sign_cosignature
from bspec_opa.workflow.audit.moment import audit_at
from bspec_opa.workflow.checkout.project import find_project
from bspec_opa.workflow.controls.auditing import audit
from bspec_opa.workflow.ledger.moving import import_ledger
from bspec_opa.workflow.ledger.place import Authority, open_named
from bspec_opa.workflow.sequence import sequence
from bspec_opa.workflow.witness import asking
from bspec_opa.workflow.witness.cosigning import cosign_ledger, try_witnessing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bspec_opa.ledger.checkpoint import Checkpoint
    from bspec_opa.workflow.witness.cosigning import Cosigning


def demand(project: Project, *names: str, threshold: int = 0, **more: Any) -> None:
    """One more version of the trust root, under which so many of these witnesses must have cosigned."""

    def change(payload: Any) -> None:
        payload["keys"] += [key_entry(n, "witness") for n in names]
        members = [{"name": named(n).name, "key": key_of(n).keyid} for n in names]
        limits = {"max_age_s": DAY, "skew_s": 300} | more
        payload["witnesses"] = {"threshold": threshold or len(names), "members": members, **limits}

    project.next_root(change)


def asks(project: Project, *urls: str) -> None:
    project.flags = {"witness.urls": urls}


def cosign(project: Project) -> Cosigning:
    return cosign_ledger(project.root, project.world)


def missing(project: Project) -> list[str]:
    """What an audit says of entries that may not be there."""
    newest = str(project.ledger().size - 1)
    notes = audit_at(project.root, project.world, newest, agent="", environment="").notes
    return [n for n in notes if "missing" in n]


def checkpoint(project: Project) -> Checkpoint:
    return parse_checkpoint((project.state / "ledger" / "checkpoint").read_bytes(), "checkpoint")


def cosigned_by(project: Project, *names: str) -> dict[str, int | None]:
    """When each of them has cosigned the head, as the file says."""
    found = checkpoint(project)
    times = {n: [at for s in found.signatures if (at := cosigned_at(found, s, named(n))) is not None] for n in names}
    return {n: max(t) if t else None for n, t in times.items()}


@contextmanager
def two(tmp_path: Path, now: int) -> Iterator[tuple[Process, Process]]:
    with witness(tmp_path / "w1", "w1", now) as w1, witness(tmp_path / "w2", "w2", now) as w2:
        yield w1, w2


def test_a_promotion_obtains_what_the_root_demands(signed: Project, tmp_path: Path) -> None:
    demand(signed, "w1", "w2")
    with two(tmp_path, signed.now) as (w1, w2):
        asks(signed, w1.url, w2.url)
        outcome = signed.allowed("staging")
        assert outcome.entry is not None
        assert cosigned_by(signed, "w1", "w2") == {"w1": signed.now, "w2": signed.now}
        # The empty tree before anything was written, then the one that holds the line.
        events = [(e["event"], e["origin"], e["tree_size"]) for e in (w1.event(), w1.event())]
        assert events == [("cosigned", BILLING, 0), ("cosigned", BILLING, outcome.entry + 1)]
    # Verified offline, by whoever has no witness at hand.
    assert signed.verify().tree_size == outcome.entry + 1
    # A day later the same cosignatures are too old, and a promotion decides nothing on them.
    signed.now += DAY
    assert signed.verify().tree_size == outcome.entry + 1
    signed.now += 1
    with signed.refused("witness.unwitnessed", ExitCode.TRUST, "0 of 2 witnesses have cosigned"):
        signed.verify()
    signed.flags = {}
    with signed.refused("witness.unwitnessed", ExitCode.TRUST, "0 of 2 witnesses have cosigned"):
        signed.promote()


def test_without_urls_a_lock_waits_until_somebody_has_cosigned(staged: Project, tmp_path: Path) -> None:
    """What ``ledger cosign`` mends, one step after the other."""
    staged.now += 3 * DAY
    demand(staged, "w1")
    staged.sign_all("production", "environment-admin", "security", "risk-owner")
    lines = staged.lines()
    with staged.refused("witness.unwitnessed", ExitCode.TRUST):
        staged.promote("production")
    with refused("witness.unwitnessed"):
        audit(staged.root, staged.world, environment="", framework="", entry=None, conforms=lambda *_: [])
    (told,) = missing(staged)
    assert told.startswith("the newest entries may be missing: 0 of 1")
    with witness(tmp_path / "w1", "w1", staged.now) as w1:
        asks(staged, w1.url)
        assert [c.witness.name for c in cosign(staged).found] == ["w1.example"]
        staged.flags = {}
        with refused("witness.unwitnessed") as raised:
            staged.promote("production")
        recorded = staged.ledger().entries[-1]
        problem = raised.value.problems[0]
        assert problem.message.startswith(f"the line is ledger entry {recorded.seq}, and no lock was written: 0 of 1")
        assert problem.hint.endswith("ledger cosign --witness URL, once for each witness; then promote again")
        assert (recorded.kind, staged.lines()) == ("promotion", lines)
        asks(staged, w1.url)
        cosign(staged)
    staged.flags = {}
    outcome = staged.promote("production")
    assert (outcome.evaluation, outcome.restored, outcome.entry) == (None, 1, recorded.seq)
    assert staged.verify().lines[-1].entry == recorded.seq
    assert missing(staged) == []


def test_a_denial_is_witnessed_too(resolved: Project, tmp_path: Path) -> None:
    resolved.submit()
    demand(resolved, "w1")
    with witness(tmp_path / "w1", "w1", resolved.now) as w1:
        asks(resolved, w1.url)
        assert resolved.denied("staging")
        assert cosigned_by(resolved, "w1") == {"w1": resolved.now}
        w1.kill()
        # It stands where no witness can be reached, and the next promotion says what is missing.
        assert resolved.denied("staging")
        assert cosigned_by(resolved, "w1") == {"w1": None}
    with resolved.refused("witness.unwitnessed", ExitCode.TRUST):
        resolved.promote()


@pytest.mark.attack("A55")
@pytest.mark.attack("A78")
def test_a_restored_ledger_lock_root_and_memory_are_caught_by_the_witness(signed: Project, tmp_path: Path) -> None:
    """Everything that the attacker can write is from yesterday, and verifies by itself."""
    demand(signed, "w1", max_age_s=HOUR)
    with witness(tmp_path / "w1", "w1", signed.now) as w1:
        asks(signed, w1.url)
        signed.allowed("staging")
        shutil.copytree(signed.base, tmp_path / "yesterday", ignore=shutil.ignore_patterns("w1"))
        signed.now += 3 * DAY
        w1.clock(signed.now)
        signed.sign_all("production", "environment-admin", "security", "risk-owner")
        signed.allowed("production")
        for name in ("project", "state"):
            shutil.rmtree(signed.base / name)
            shutil.copytree(tmp_path / "yesterday" / name, signed.base / name)
        with signed.refused("witness.unwitnessed", ExitCode.TRUST):
            signed.verify()
        with signed.refused("witness.unwitnessed", ExitCode.TRUST):
            signed.promote("production")
        # With a clock that is set back as well, the old cosignatures look fresh: the witness's own time does not.
        signed.now -= 3 * DAY
        assert signed.verify().lines[-1].environment == "staging"
        signed.submit("bob")
        with signed.refused("witness.other-history", ExitCode.TRUST, " entries of this ledger, and here are "):
            signed.promote("staging")


@pytest.mark.attack("A17")
def test_a_clock_outside_the_skew_of_a_fresh_cosignature_denies(signed: Project, tmp_path: Path) -> None:
    demand(signed, "w1")
    with witness(tmp_path / "w1", "w1", signed.now + 301) as w1:
        asks(signed, w1.url)
        with refused("witness.unwitnessed") as raised:
            signed.promote()
        assert [p.reason.code for p in raised.value.problems] == ["witness.unwitnessed", "witness.clock"]
        w1.clock(signed.now + 300)
        signed.allowed("staging")
        # Set back to when the head was cosigned, so that it looks fresh: who is asked knows better.
        w1.clock(signed.now + HOUR)
        with signed.refused("witness.clock", ExitCode.TRUST, f"and {format_time(signed.now + HOUR)} at http://"):
            signed.promote()
    # No entry tells that the clock is behind: the cosignature does.
    (signed.state / "ledger" / "checkpoint").write_bytes(ahead(signed, signed.now + 301).to_bytes())
    with signed.refused("witness.clock", ExitCode.TRUST, f"has cosigned at {format_time(signed.now + 301)}"):
        signed.verify()


def ahead(project: Project, at: int) -> Checkpoint:
    """The head with one cosignature of another time in the place of the genuine one."""
    found = checkpoint(project)
    own = tuple(s for s in found.signatures if s.name == found.origin)
    return type(found)(
        found.origin, found.size, found.root, (*own, sign_cosignature(found, "w1.example", key_of("w1"), at))
    )


@pytest.mark.attack("A53")
def test_a_forked_ledger_is_cosigned_by_nobody(signed: Project, tmp_path: Path) -> None:
    demand(signed, "w1")
    shutil.copytree(signed.base, tmp_path / "fork", ignore=shutil.ignore_patterns("w1"))
    fork = Project(tmp_path / "fork", signed.cache, signed.now + 60, signed.pin)
    with witness(tmp_path / "w1", "w1", signed.now) as w1:
        asks(signed, w1.url)
        signed.record()
        cosign(signed)
        w1.event()
        # The ledger's own key signs another history of the same length, and then a longer one.
        fork.record()
        assert fork.ledger().size == signed.ledger().size
        assert fork.ledger().root_hash != signed.ledger().root_hash
        asks(fork, w1.url)
        with refused("witness.unwitnessed") as raised:
            cosign(fork)
        assert raised.value.problems[1].message.endswith(
            f"another history of the ledger's {fork.ledger().size} entries"
        )
        fork.submit("bob")
        sequence(fork.session(), key_of("ledger"))
        with refused("witness.unwitnessed") as raised:
            cosign(fork)
        assert raised.value.problems[1].message.endswith("has seen a history that this ledger does not go on from")
        assert [w1.event()["event"] for _ in range(2)] == ["misbehaved", "unproven"]
        # The genuine one goes on.
        signed.allowed("staging")


def test_a_whole_ledger_that_was_removed_can_not_begin_again(signed: Project, tmp_path: Path) -> None:
    demand(signed, "w1")
    with witness(tmp_path / "w1", "w1", signed.now) as w1:
        asks(signed, w1.url)
        signed.record()
        cosign(signed)
        shutil.rmtree(signed.state / "ledger")
        shutil.rmtree(signed.base / "state")
        with refused("witness.unwitnessed") as raised:
            signed.promote()
        assert "has seen" in raised.value.problems[1].message
        assert not (signed.state / "ledger").exists()
        signed.flags = {}
        with refused("witness.unwitnessed") as raised:
            signed.promote()
        assert raised.value.problems[0].hint.startswith("set BSPEC_OPA_WITNESS_URLS")


@pytest.mark.attack("A47")
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_witness_killed_around_its_write_loses_nothing_and_gives_nothing_away(
    signed: Project, tmp_path: Path, when: str
) -> None:
    demand(signed, "w1")
    signed.record()
    with witness(tmp_path / "w1", "w1", signed.now, dies=when) as w1:
        asks(signed, w1.url)
        with refused("witness.unwitnessed") as raised:
            cosign(signed)
        assert raised.value.problems[1].reason.code == "witness.unreachable"
        w1.process.wait(WAIT_S)
    assert cosigned_by(signed, "w1") == {"w1": None}
    assert [p.name for p in (tmp_path / "w1" / "state").iterdir()] == ["witness.json"]
    with witness(tmp_path / "w1", "w1", signed.now) as w1:
        # What was written is remembered, though nobody has got the cosignature.
        assert w1.started["logs"][1] == {"origin": BILLING, "tree_size": signed.ledger().size * (when == "after")}
        asks(signed, w1.url)
        cosign(signed)
        w1.kill()
    assert cosigned_by(signed, "w1") == {"w1": signed.now}


@pytest.mark.attack("A55")
def test_a_witness_whose_state_was_rolled_back_stops(signed: Project, tmp_path: Path) -> None:
    demand(signed, "w1")
    signed.record()
    with witness(tmp_path / "w1", "w1", signed.now) as w1:
        asks(signed, w1.url)
        cosign(signed)
        w1.kill()
    old = (tmp_path / "w1" / "state" / "witness.json").read_bytes()
    with witness(tmp_path / "w1", "w1", signed.now) as w1:
        asks(signed, w1.url)
        signed.allowed("staging")
        w1.kill()
    (tmp_path / "w1" / "state" / "witness.json").write_bytes(old)
    with witness(tmp_path / "w1", "w1", signed.now) as w1:
        asks(signed, w1.url)
        before = checkpoint(signed)
        with refused("witness.bad-answer") as raised:
            cosign(signed)
        assert raised.value.problems[0].message == f"{w1.url} answered with HTTP status 500"
        event = w1.event()
        assert (event["event"], event["code"]) == ("failed", "witness.state-changed")
        assert checkpoint(signed) == before


@pytest.mark.attack("A45")
def test_clients_that_race_get_one_history_and_no_newer_head_is_lost(signed: Project, tmp_path: Path) -> None:
    demand(signed, "w1")
    signed.record()
    with witness(tmp_path / "w1", "w1", signed.now) as w1:
        asks(signed, w1.url)
        with ThreadPoolExecutor(4) as threads:
            jobs = [threads.submit(cosign, signed) for _ in range(6)]
            promotion = threads.submit(signed.promote)
            cosigned = [j.result(WAIT_S).ledger.size for j in jobs]
            entry = promotion.result(WAIT_S).entry
        assert entry is not None
        assert set(cosigned) <= {entry, entry + 1}
        assert (checkpoint(signed).size, signed.ledger().size) == (entry + 1, entry + 1)
        assert cosigned_by(signed, "w1") == {"w1": signed.now}
        assert signed.verify().tree_size == entry + 1


def test_a_head_that_is_overtaken_while_a_witness_is_asked_is_left_alone(
    signed: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    demand(signed, "w1")
    signed.record()
    ask_all = asking.ask_all
    overtaken: list[int] = []

    def overtake(*arguments: Any) -> Any:
        answers = ask_all(*arguments)
        if not overtaken:
            overtaken.append(signed.ledger().size)
            signed.submit("bob")
            sequence(signed.session(), key_of("ledger"))
        return answers

    monkeypatch.setattr(asking, "ask_all", overtake)
    with witness(tmp_path / "w1", "w1", signed.now) as w1:
        asks(signed, w1.url)
        assert cosign(signed).ledger.size == overtaken[0] + 1
    assert checkpoint(signed).size == overtaken[0] + 1
    assert cosigned_by(signed, "w1") == {"w1": signed.now}


def test_enough_of_several_are_enough_and_the_others_are_named(signed: Project, tmp_path: Path) -> None:
    demand(signed, "w1", "w2", threshold=1)
    signed.record()
    with witness(tmp_path / "w1", "w1", signed.now) as w1, giving(b"") as nobody:
        asks(signed, nobody, w1.url, w1.url)
        done = cosign(signed)
    assert [(a.url, [c.witness.name for c in a.cosigned]) for a in done.answers] == [
        (nobody, []),
        (w1.url, ["w1.example"]),
    ]
    assert [a.problem.reason.code for a in done.answers if a.problem] == ["witness.unreachable"]


def test_one_witness_that_knows_another_history_stops_a_promotion_whatever_the_others_say(
    signed: Project, tmp_path: Path
) -> None:
    demand(signed, "w1", "w2", threshold=1)
    signed.record()
    with witness(tmp_path / "w1", "w1", signed.now) as w1, giving(reply("409 Conflict", b"99\n", SIZE)) as other:
        asks(signed, w1.url, other)
        size = signed.ledger().size
        with refused("witness.other-history") as raised:
            signed.promote()
        assert raised.value.problems[0].message == f"{other} has seen 99 entries of this ledger, and here are {size}"
        assert (signed.ledger().size, signed.lines()) == (size, [])


@pytest.fixture
def recorded(signed: Project) -> Project:
    """The records of ``signed`` are in the ledger, and one witness must have cosigned."""
    demand(signed, "w1")
    signed.record()
    return signed


# What is refused before anything is sent


def test_a_root_without_witnesses_has_nothing_to_cosign(signed: Project) -> None:
    asks(signed, "http://127.0.0.1:1")
    with pytest.raises(BspecError) as told:
        cosign(signed)
    assert told.value.code == "witness.none-known"
    assert "name them under witnesses in trust.yaml" in told.value.problems[0].hint
    signed.allowed("staging")


def test_records_are_witnessed_where_somebody_can_be_asked(signed: Project, tmp_path: Path) -> None:
    demand(signed, "w1")
    with witness(tmp_path / "w1", "w1", signed.now) as w1:
        asks(signed, w1.url)
        session = signed.session()
        sequence(session, key_of("ledger"))
        try_witnessing(session)
        assert cosigned_by(signed, "w1") == {"w1": signed.now}
        shutil.rmtree(signed.state / "ledger")
        try_witnessing(session)  # nothing is there that could be
        assert not (signed.state / "ledger").exists()
        sequence(replace(session, ledger=signed.ledger()), key_of("ledger"))
        w1.kill()
        signed.submit("bob")
        session = signed.session()
        sequence(session, key_of("ledger"))
        try_witnessing(session)
        assert cosigned_by(signed, "w1") == {"w1": None}


def test_somebody_has_to_be_asked(recorded: Project) -> None:
    with refused("witness.bad-settings"):
        cosign(recorded)


@pytest.mark.attack("A59")
def test_a_hostile_witness_changes_nothing(recorded: Project) -> None:
    before = checkpoint(recorded)
    elsewhere = sign_checkpoint(BILLING, before.size, leaf_hash(b"other"), key_of("ledger"))
    line = sign_cosignature(elsewhere, "w1.example", key_of("w1"), recorded.now).line()
    with giving(reply("200 OK", f"{line}\n".encode())) as url:
        asks(recorded, url)
        with refused("witness.unwitnessed") as raised:
            cosign(recorded)
    assert [p.reason.code for p in raised.value.problems] == ["witness.unwitnessed", "witness.bad-answer"]
    assert checkpoint(recorded) == before


def test_nothing_is_cosigned_of_a_ledger_that_nobody_has_written(signed: Project) -> None:
    demand(signed, "w1")
    asks(signed, "http://127.0.0.1:1")
    with refused("witness.no-checkpoint"):
        cosign(signed)


def test_an_import_brings_the_cosignatures_of_the_same_head_there_and_back(staged: Project) -> None:
    """Nobody is asked again; lines of others and older ones don't come along."""
    demand(staged, "w1", "w2")
    head = checkpoint(staged)

    def by(name: str, ago: int) -> NoteSignature:
        return sign_cosignature(head, named(name).name, key_of(name), staged.now - ago)

    staged.store.endorse(head, [by("w1", 60), by("w2", 90), by("w3", 60)])
    url = f"sqlite:///{staged.base / 'moved.sqlite'}"
    assert moved(staged, str(staged.state / "ledger"), {"ledger.url": url}) == ("w1.example", "w2.example")
    staged.flags = {"ledger.url": url}
    staged.verify()
    (own, *others) = staged.store.tip().checkpoint.signatures  # type: ignore[union-attr] # it has entries
    assert (own.name, others) == (BILLING, [by("w1", 60), by("w2", 90)])
    # What the target has already stays, if it is newer.
    back = staged.base / "back"
    assert moved(staged, url, {"ledger.path": str(back)}) == ("w1.example", "w2.example")
    staged.store.endorse(head, [by("w1", 30), by("w2", 120)])
    assert moved(staged, url, {"ledger.path": str(back)}) == ("w1.example",)
    found = parse_checkpoint((back / "checkpoint").read_bytes(), "checkpoint").signatures
    assert set(found[1:]) == {by("w1", 30), by("w2", 90)}


def moved(project: Project, source: str, target: dict[str, Any]) -> tuple[str, ...]:
    world = replace(project.world, flags=target)
    place = find_project(project.intent, world.environ, world.flags)
    authority = Authority(world, place, project.session().anchor)
    return import_ledger(open_named(source, authority), authority, key_of("ledger")).cosigned
