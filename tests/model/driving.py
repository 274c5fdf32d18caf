"""Drives the real implementation along a walk through the model, and compares the two after every step.

A run of the model is a thread that promotes. It stops before each of the protocol's steps until the walk says that it
goes on, so that only one thread ever runs, and a walk gives the same every time. Time goes on with every step.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from contextlib import nullcontext
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import pytest
from model.protocol import UNBOUND, Protocol, all_lines, head_of, revoked, same_place, steps
from model.state import (
    APPEND,
    APPROVAL,
    CHECKPOINT,
    DECIDE,
    DENIAL,
    EVIDENCE,
    GENESIS,
    IDLE,
    LINES,
    LOCK,
    NOTHING,
    PRODUCTION,
    PROMOTION,
    REJECT,
    REQUEST,
    REVIEW,
    REVOCATION,
    ROLLBACK,
    SIGN,
    STAGING,
    SUBMIT,
    Record,
    Run,
)
from model.surroundings import around
from project import AGENT, Project, record_id
from world import key_of

from bspec_opa.foundation.digest import Digest, digest_of
from bspec_opa.foundation.errors import BspecError, StoreError, TrustError
from bspec_opa.foundation.files import write_atomic
from bspec_opa.ledger import file_store
from bspec_opa.ledger.file.begun import Begun
from bspec_opa.ledger.file.commit import commit as genuine_commit
from bspec_opa.ledger.file.handle import write_all
from bspec_opa.ledger.reasons import RACE_LOST
from bspec_opa.ledger.sql.store import SqlStore
from bspec_opa.workflow import promote as promoting
from bspec_opa.workflow.checkout.anchor import open_anchor
from bspec_opa.workflow.checkout.intents import open_intent
from bspec_opa.workflow.checkout.project import find_project
from bspec_opa.workflow.checkout.session import open_session
from bspec_opa.workflow.doctor import examine
from bspec_opa.workflow.facts.reading import read_history
from bspec_opa.workflow.life.going_back import open_rollback
from bspec_opa.workflow.life.recording import open_authentic
from bspec_opa.workflow.life.revoking import find_target, revoke
from bspec_opa.workflow.reasons import ROLLBACK_CURRENT, ROLLBACK_TARGET

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from model.bounds import Bounds
    from model.state import Ledger, State

    from bspec_opa.ledger.interface import LedgerState
    from bspec_opa.trust.root import TrustRoot
    from bspec_opa.workflow.checkout.session import Session
    from bspec_opa.workflow.facts.history import History

MINUTE = 60
DECIDED = frozenset({PROMOTION, ROLLBACK, DENIAL})
CHANGES = {
    "A": (("version: 1.0.0", "version: 1.0.1"), ("list_invoices, get_invoice", "get_invoice")),
    "B": (("version: 1.1.0", "version: 1.0.0"), ("max_steps: 30", "max_steps: 20")),
}
"""From the intent that a prepared project has checked out to the other one: what is narrower."""
FIRST, ANY = ("environment-admin",), ("environment-admin", "security", "risk-owner")
"""Roles that have to approve: the first line of staging and what is narrower in an emergency; and anything else."""
PROMOTED, DENIED, NOTHING_DONE, REFUSED = "promoted", "denied", "nothing done", "refused"


STOPS = {"situation_of": DECIDE, "_append": APPEND, "complete_own": LOCK}
"""Functions that :mod:`bspec_opa.workflow.promote` calls, and the step that begins with the call."""


class Killed(BaseException):
    """A process that ends at once."""


class Actor(threading.Thread):
    """A run: stops at each step until it is told to go on."""

    def __init__(self, project: Project, order: Run, back: str) -> None:
        super().__init__(daemon=True)
        self.project, self.order, self.back = project, order, back
        self.at, self.came = "", ""
        self.why = ""
        self.dying = self.cut = False
        self._go, self._arrived = threading.Semaphore(0), threading.Semaphore(0)

    def run(self) -> None:
        """Promote or go back, and say what it came to."""
        try:
            self.came = self._promote()
        except BspecError as e:
            self.came, self.why = REFUSED, f"{e.code}: {e}"
        except Killed:
            self.came = "killed"
        except BaseException as e:
            self.why = repr(e)
            raise
        finally:
            self.at = IDLE
            self._arrived.release()

    def _promote(self) -> str:
        world = replace(self.project.world, clock=lambda: self.project.now)
        if self.back:
            named = self.back, self.order.environment
            session = open_rollback(self.project.intent, world, *named, emergency=self.order.emergency)
        else:
            session = open_session(self.project.intent, world, need_pin=True)
        keys = promoting.Keys(gate=Stopping(self), ledger=key_of("ledger"))
        outcome = promoting.promote(session, self.order.environment, keys)
        if outcome.evaluation is None or outcome.entry is None:
            return NOTHING_DONE
        return PROMOTED if outcome.line else DENIED

    def pause(self, step: str) -> None:
        """Called by the run: stop before a step."""
        self.at = step
        self._arrived.release()
        self._go.acquire()
        if self.dying and not self.cut:
            raise Killed

    def begin(self) -> None:
        """Called by the walk: start, up to the first stop."""
        self.start()
        self._arrived.acquire()

    def go_on(self) -> None:
        """Called by the walk: take one step, up to the next stop."""
        self._go.release()
        self._arrived.acquire()

    def kill(self, *, cut: bool) -> None:
        """Called by the walk: end before the next step, or between the log's lines and their checkpoint."""
        self.dying, self.cut = True, cut
        self.go_on()
        assert (self.at, self.came) == (IDLE, "killed"), (self.at, self.came, self.why)


class Stopping:
    """The gate's signer."""

    def __init__(self, actor: Actor) -> None:
        self._key, self._actor = key_of("gate"), actor
        self.keyid, self.public = self._key.keyid, self._key.public

    def sign(self, message: bytes) -> bytes:
        """Sign; what comes of a decision only when it is told to."""
        if self._actor.at == DECIDE:
            self._actor.pause(SIGN)
        return self._key.sign(message)


def actor() -> Actor | None:
    """The run whose thread this is."""
    here = threading.current_thread()
    return here if isinstance(here, Actor) else None


def stopping(function: Callable[..., Any], step: str) -> Callable[..., Any]:
    """The function, before which a run stops."""

    def stopped(*arguments: Any, **named: Any) -> Any:
        if run := actor():
            run.pause(step)
        return function(*arguments, **named)

    return stopped


@dataclass
class Signing(Project):
    """The project while people sign in it; ``back`` is the line that they want to go back to."""

    opened: Session | None = None
    back: str = ""
    about: Record | None = None

    def session(self, *, need_pin: bool = True) -> Session:
        """One for all."""
        if self.opened is None:
            if self.about is not None and self.back:
                self.opened = self.going_back(self.back, self.about.environment, emergency=self.about.emergency)
            else:
                self.opened = super().session(need_pin=need_pin)
        return self.opened


class Driver:
    """The implementation in a prepared project, where the model's start has its counterpart."""

    def __init__(self, project: Project, start: State, monkeypatch: pytest.MonkeyPatch) -> None:
        self.project = project
        self.actors: list[Actor | None] = [None, None]
        self.real: dict[Record, dict[Path, bytes]] = {}
        self._trees: dict[str, tuple[bytes, bytes]] = {}
        self._digests: dict[str, set[Digest]] = {}
        self._compared: tuple[int, tuple[int, ...]] | None = None
        self._told: tuple[int, tuple[int, ...]] | None = None
        self._lines: list[bytes] = []
        self._keep_trees("B" if any(r.intent == "B" for r in start.tree) else "A")
        self._find_records(start)
        self._patch(monkeypatch)
        self.compare(start)

    # What there is

    @property
    def _binding(self) -> Path:
        return self.project.state / "bindings" / "billing-support.json"

    def _keep_trees(self, prepared: str) -> None:
        """Two working trees: the prepared one, and one with the other version."""
        for intent in sorted("AB", key=lambda i: i != prepared):
            if intent != prepared:
                self.project.change_intent(*CHANGES[prepared])
                self.project.resolve()
            self._trees[intent] = self.project.intent.read_bytes(), self._binding.read_bytes()
            loaded = open_intent(self.project.intent)
            self._digests[intent] = {loaded.digest, loaded.surface_digest}
        self.check_out(prepared)

    def check_out(self, intent: str) -> None:
        """Put one of the two into the working tree."""
        for path, data in zip((self.project.intent, self._binding), self._trees[intent], strict=True):
            write_atomic(path, data)

    def _find_records(self, start: State) -> None:
        """The prepared project's records, by what they are in the model."""
        found = {(p.parent.name, p): p.read_bytes() for p in sorted(self.project.inbox.rglob("*.json"))}
        for record in start.signed:
            mine = {p: d for (kind, p), d in found.items() if kind == record.kind and self._is(d, record)}
            assert mine, record
            self.real[record] = mine
        assert len(found) == sum(map(len, self.real.values()))

    def _is(self, data: bytes, record: Record) -> bool:
        said = statement_of(data)
        if not self._digests[record.intent] & {f"sha256:{s['digest']['sha256']}" for s in said["subject"]}:
            return False
        return record.kind in {SUBMIT, EVIDENCE} or said["predicate"]["environment"] == record.environment

    @staticmethod
    def _patch(monkeypatch: pytest.MonkeyPatch) -> None:
        """Make every run stop before each of its steps."""
        genuine = {name: vars(promoting)[name] for name in ("sequence", *STOPS)}
        genuine_append = SqlStore.append

        def sequence(session: Session, signer: Any) -> Any:
            known = session.ledger.record_ids()
            run = actor()
            if run and any(r.id not in known for r in session.inbox.records):
                run.pause(APPEND)
            return genuine["sequence"](session, signer)

        def commit(log: Any, growth: Any, signer: Any, checkpoint: Path, begun_file: Any) -> Any:
            run = actor()
            if run and run.cut:
                head = growth.signed(signer).checkpoint
                begun = Begun(log.length, head, growth.lines)
                begun_file.write(begun)
                write_all(log.descriptor, begun.body[: len(begun.body) // 2])
                raise Killed
            return genuine_commit(log, growth, signer, checkpoint, begun_file)

        def append(store: SqlStore, *arguments: Any) -> Any:
            run, tip = actor(), genuine_append(store, *arguments)
            if run and run.cut:
                raise Killed
            return tip

        monkeypatch.setattr(file_store, "commit", commit)
        monkeypatch.setattr(SqlStore, "append", append)
        monkeypatch.setattr(promoting, "sequence", sequence)
        for name, step in STOPS.items():
            monkeypatch.setattr(promoting, name, stopping(genuine[name], step))

    @property
    def atomic(self) -> bool:
        """Whether the ledger is in a database, which has no tail: what a killed run has begun is complete there."""
        return "ledger.url" in self.project.flags

    # One step

    def follow(self, label: str, before: State, after: State) -> None:
        """Do what the model did."""
        self.project.now += MINUTE
        assert before != after, label
        changed = [i for i in (0, 1) if before.runs[i] != after.runs[i]]
        if changed:
            self._follow_run(changed[0], before.runs[changed[0]], after.runs[changed[0]], before, after)
        if new := sorted(after.signed - before.signed):
            self._sign(new, after.ledger)
        if after.signed == before.signed and after.inbox != before.inbox:
            self._move_files(before, after)
        if after.root != before.root:
            self._revoke_by_root(after.ledger[after.root[-1]])
        if not changed and len(after.ledger) > len(before.ledger):
            self._append(after.ledger)
        if label.endswith("is refused"):
            environment, number = refused_in(label)
            self._is_refused(environment, self._digest_of(after.ledger, number))
        if not changed and after.lock != before.lock:
            self._edit_lock(len(after.lock))
        if label.startswith("the operator") and not self.atomic:
            examine(self.project.root, self.project.world, repair=True)

    def _follow_run(self, number: int, run: Run, now: Run, before: State, after: State) -> None:
        if run.step == IDLE:
            self.check_out(now.intent)
            back = self._digest_of(after.ledger, now.target)
            started = self.actors[number] = Actor(self.project, now, back)
            started.begin()
            self._is_at(started, now)
            return
        found = self.actors[number]
        assert found is not None
        if after.left.crashes < before.left.crashes:
            found.kill(cut=run.step == CHECKPOINT)
            return
        self.check_out(run.intent)
        if run.step == APPEND and now.step == CHECKPOINT:
            return  # the store does both at once; it is told to with the next step
        found.go_on()
        self._is_at(found, now)
        if now.step == IDLE:
            assert found.came == came_to(run, before), (found.came, found.why)

    def _is_at(self, found: Actor, run: Run) -> None:
        assert found.at == run.step, (found.at, run.step, found.came, found.why)

    # What people and others do

    def _sign(self, records: Sequence[Record], ledger: Ledger) -> None:
        """One session serves for all that is signed: nobody sees what another signs in the same step."""
        about = records[0]
        self.check_out(about.intent)
        project = Signing(**{f.name: getattr(self.project, f.name) for f in fields(self.project)})
        project.back, project.about = self._digest_of(ledger, about.target), about
        for record in records:
            before = set(self.project.inbox.rglob("*.json"))
            self._sign_in(project, record)
            made = set(self.project.inbox.rglob("*.json")) - before
            assert made, record
            self.real[record] = {p: p.read_bytes() for p in made}

    @staticmethod
    def _sign_in(project: Signing, record: Record) -> None:
        environment = record.environment
        if record.kind == SUBMIT:
            project.submit()
        elif record.kind == EVIDENCE:
            project.attest_all()
        elif record.kind == APPROVAL:
            fewer = record.emergency or (environment, record.base) == (STAGING, GENESIS)
            for role in FIRST if fewer else ANY:
                project.approve(role, environment)
        elif record.kind == REVIEW:
            project.review(project.back, environment)
        elif record.kind == REJECT:
            project.approve("finance-controller", environment, reject=True)
        else:
            assert record.kind == REQUEST
            project.request(environment)

    def _move_files(self, before: State, after: State) -> None:
        for record in before.inbox - after.inbox:
            for path in self.real[record]:
                path.unlink()
        for record in after.inbox - before.inbox:
            for path, data in self.real[record].items():
                path.write_bytes(data)

    def _digest_of(self, ledger: Ledger, number: int) -> str:
        """By which people name a line; nothing for none."""
        return digest_of(self._real_line(ledger, number)) if number != NOTHING else ""

    def _real_line(self, ledger: Ledger, number: int) -> bytes:
        return self._lines[len(all_lines(ledger[:number]))].rstrip(b"\n")

    def _is_refused(self, environment: str, line: str) -> None:
        """Nobody goes back there: it is said before anything is written."""
        before = self.project.files()
        with pytest.raises(BspecError) as raised:
            self.project.going_back(line, environment)
        assert raised.value.code in {ROLLBACK_CURRENT.code, ROLLBACK_TARGET.code}, raised.value
        assert self.project.files() == before

    def _revoke_by_root(self, record: Record) -> None:
        items = [{"kind": "record", "id": record_id(d), "reason": "x"} for d in self.real[record].values()]
        self.project.next_root(lambda root: root["revoked"].extend(items))

    def _append(self, ledger: Ledger) -> None:
        """What another job or a revoker appends."""
        record = ledger[-1]
        if record.kind == REVOCATION:
            self._revoke(record, ledger)
        else:
            kind = APPROVAL if record.kind == REJECT else record.kind
            self._append_files([(kind, data) for data in self.real[record].values()])

    def _append_files(self, records: Sequence[tuple[str, bytes]]) -> None:
        """Once more where an append that a killed run has begun was completed first."""
        try:
            self.project.append(*records)
        except StoreError as e:
            if e.code != RACE_LOST.code:
                raise
            self.project.append(*records)

    def _revoke(self, record: Record, ledger: Ledger) -> None:
        """Everything that one record of the model is here; it is in force at once."""
        named = ledger[record.target]
        what = [self._real_line(ledger, record.target)] if named.kind in LINES else [*self.real[named].values()]
        files = self.real[record] = {}
        opened = open_authentic(self.project.root, self.project.world)
        for data in what:
            target = find_target(opened, record_id(data))
            done = revoke(opened, target, "retired", "in error", (key_of("pat"), key_of("ledger")))
            files[done.put.file] = done.put.record.envelope

    def _edit_lock(self, length: int) -> None:
        if length:
            self.project.lock.write_bytes(b"".join(self._lines[:length]))
        else:
            self.project.lock.unlink(missing_ok=True)

    # Comparing

    def compare(self, state: State) -> None:
        """The same entries, the same heads, the same lock; what can't have changed is not read again."""
        now = (state.covered, state.root)
        if state.has_tail and (self.atomic or not state.begun):
            return
        if now != self._compared:
            self._compare_ledger(state, self.project.ledger())
            self._compared = now
        lock = self.project.lock.read_bytes() if self.project.lock.exists() else b""
        assert lock == b"".join(self._lines[: len(state.lock)])

    def _compare_ledger(self, state: State, ledger: LedgerState) -> None:
        entries = ledger.entries
        known = {record_id(d): r for r, files in self.real.items() for d in files.values()}
        sequenced = {known[e.record_id] for e in entries if e.kind not in DECIDED}
        assert sequenced == {r for r in state.tree if r.kind not in DECIDED}
        decided = [
            (e.kind, statement_of(e.record_bytes())["predicate"]["environment"]) for e in entries if e.kind in DECIDED
        ]
        assert decided == [(r.kind, r.environment) for r in state.tree if r.kind in DECIDED]
        self._lines = [e.record_bytes() for e in entries if e.kind in LINES]
        told = [e for e in entries if e.kind in {*LINES, REVOCATION}]
        if (len(told), state.root) != self._told:
            self._told = len(told), state.root
            self._compare_heads(state, read_history(told, self._roots(), AGENT, self.project.now))

    def _compare_heads(self, state: State, history: History) -> None:
        for environment in (STAGING, PRODUCTION):
            head, wanted = history.head(environment), head_of(state.tree, environment)
            place = self._lines.index(head.record.envelope) if head else -1
            assert place == (len(all_lines(state.tree[:wanted])) if wanted >= 0 else -1)
            stands = wanted >= 0 and wanted not in revoked(state.tree, state.root)
            assert (history.standing(environment) is not None) == stands

    def _roots(self) -> Sequence[TrustRoot]:
        place = find_project(self.project.intent, self.project.environ, {})
        return open_anchor(place, Digest(str(self.project.pin)), self.project.now).roots

    def finish(self, state: State) -> None:
        """Verification agrees; and no thread is left behind."""
        for number, run in enumerate(state.runs):
            found = self.actors[number]
            if run.step != IDLE and found is not None:
                found.kill(cut=run.step == CHECKPOINT)
        if state.has_tail:
            examine(self.project.root, self.project.world, repair=True)
            state = state.completed if state.begun else state._replace(ledger=state.tree)
        if all_lines(state.tree) and state.lock == all_lines(state.tree):
            current = {head_of(state.tree, environment) for environment in (STAGING, PRODUCTION)}
            withdrawn = current & revoked(state.tree, state.root)
            with pytest.raises(TrustError, match=r"the current line of .* was revoked") if withdrawn else nullcontext():
                assert len(self.project.verify().lines) == len(state.lock)


def statement_of(data: bytes) -> Any:
    """What a signed record says."""
    return json.loads(base64.b64decode(json.loads(data)["payload"]))


def came_to(run: Run, before: State) -> str:
    """What a run of the model came to with its last step."""
    if run.step == LOCK:
        return PROMOTED
    if run.step == CHECKPOINT:
        return DENIED
    if run.target != NOTHING and Protocol().wanted(before, before.ledger[: run.tree], run) == UNBOUND:
        return REFUSED
    fits = Protocol().completed(before.lock, before.ledger[: run.tree]) is not None
    return NOTHING_DONE if run.step == DECIDE and fits else REFUSED


# Walks


def walk(
    protocol: Protocol,
    bounds: Bounds,
    dice: random.Random,
    length: int,
    first: Sequence[str] = (),
    *,
    atomic: bool = False,
) -> Iterator[tuple[str, State, State]]:
    """A random walk through the model, as far as it can be driven; ``first`` are words of the steps that it begins with.

    ``atomic``: the store commits entries and checkpoint together, so a run that is killed between the two leaves no tail.
    In the model it is then completed at once.
    """
    state = bounds.start(protocol)
    soaked = state.covered
    for number in range(length):
        found = list(_next(protocol, state, bounds, soaked))
        if number < len(first):
            found = [(label, after) for label, after in found if first[number] in label]
        if atomic and state.has_tail and all(r.step != CHECKPOINT for r in state.runs):
            found = [(label, after) for label, after in found if not after.has_tail]
        if not found:
            return
        label, after = dice.choices(found, [weight(state, s) for _, s in found])[0]
        yield label, state, after
        state = after


def weight(before: State, after: State) -> float:
    """Runs go on rather than that one starts, and rather than that something else happens."""
    if after.left.revocations < before.left.revocations:
        named = after.ledger[after.ledger[-1].target]
        return 1 if named.kind in LINES else 1 / 4  # there is one for each entry
    moving = [b for b, a in zip(before.runs, after.runs, strict=True) if (b != a and a.step != IDLE) or b.step == LOCK]
    return (4 if moving[0].step == IDLE else 12) if moving else 1


def _next(protocol: Protocol, state: State, bounds: Bounds, soaked: int) -> Iterator[tuple[str, State]]:
    """The store appends and signs its checkpoint at once; nobody signs on a ledger that can't be read."""
    writing = [i for i in (0, 1) if state.runs[i].step == CHECKPOINT]
    for label, after in (*steps(protocol, state), *around(protocol, state, bounds)):
        if writing and state.runs[writing[0]] == after.runs[writing[0]]:
            continue
        new = after.signed - state.signed
        if new and (state.has_tail or not all(_is_signed_for(r, state, soaked) for r in new)):
            continue
        yield label, after


def _is_signed_for(record: Record, state: State, soaked: int) -> bool:
    """Whether anybody signs that, of what is left out of the model: versions, time, and in which order one signs.

    Promoting the older version once more would need a higher number. What is promoted to production has been in staging
    for three days. The model sequences an inbox in an order of its own, which matters where one person signs twice.
    """
    head = head_of(state.tree, record.environment or STAGING)
    backwards = head >= 0 and state.tree[head].intent > record.intent and record.target == NOTHING
    late = {r for r in state.signed - set(state.tree) if same_place(r, record) and r > record}
    return not backwards and record.source < soaked and not late


def refused_in(label: str) -> tuple[str, int]:
    """Environment and line of a rollback that is refused."""
    found = re.search(r"roll back (\w+) to line (\d+)", label)
    assert found, label
    return found[1], int(found[2])


def kind_of(label: str) -> str:
    """What a step is, whatever it is about."""
    label = re.sub(r" (to line|of entry) \d+", "", label)
    about = r"\b(of )?(entries|entry|lines?)\b.*?(?=$| to (allow|deny|do|read))|\b[AB]1?\b|\d+|: .*|about [a-z]*"
    return " ".join(re.sub(about, "", label).split())
