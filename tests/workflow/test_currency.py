"""Head statements: what is current, demanded by promote and verify where the trust root says so."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from project import DAY, HOUR, Project
from world import key_entry, key_of, refused

from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.errors import BspecError, ExitCode
from bspec_opa.foundation.reasons import UNWRITABLE
from bspec_opa.foundation.times import format_time
from bspec_opa.trust.currency.statement import HEAD_PAYLOAD_TYPE, past_head
from bspec_opa.trust.dsse import parse_envelope, sign_envelope
from bspec_opa.workflow.controls.auditing import audit
from bspec_opa.workflow.currency import stating
from bspec_opa.workflow.currency.demanding import require_session_current
from bspec_opa.workflow.currency.stating import Made, Wanted, check_head, state_head
from bspec_opa.workflow.promote import Keys, promote

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bspec_opa.workflow.promote import Outcome

TRUST = ExitCode.TRUST


def demand(project: Project, *environments: str, by: str = "head", **more: Any) -> None:
    """One more version of the trust root, which demands a head statement there, everywhere without any."""

    def change(payload: Any) -> None:
        known = {k["id"] for k in payload["keys"]}
        payload["keys"] += [e for e in [key_entry(by, "head")] if e["id"] not in known]
        limits = {"max_lifetime_s": HOUR, "skew_s": 300} | more
        payload["head"] = {"keys": [key_of(by).keyid], "environments": [*environments] or ["*"], **limits}

    project.next_root(change)


def state(project: Project, *, begin: bool = False, by: str = "head", file: Path | None = None, **more: Any) -> Made:
    """The statement, as the holder of the head key makes it."""
    key = project.base / f"{by}.pem"
    if not key.exists():
        key.write_bytes(pem_of(by))
        key.chmod(0o600)
    return state_head(project.root, project.world, Wanted(file, str(key), begin=begin, **more))


def pem_of(name: str) -> bytes:
    """The private half of ``key_of``."""
    key = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def restated(project: Project, environment: str = "staging") -> Outcome:
    """Promote with the head key at hand."""
    return promote(project.session(), environment, replace(project.keys, head=key_of("head")))


def head(project: Project) -> Path:
    return project.state / "ledger" / "head.json"


def edit(project: Project, change: Callable[[Any], object], *, by: str = "head") -> None:
    """The statement with something changed, signed again."""
    payload = json.loads(parse_envelope(head(project).read_bytes(), "head").payload)
    change(payload)
    head(project).write_bytes(sign_envelope(canonical_bytes(payload), HEAD_PAYLOAD_TYPE, [key_of(by)]).to_bytes())


@pytest.fixture
def demanding(signed: Project) -> Project:
    """Everything for staging is signed, and a head statement is demanded and there."""
    demand(signed)
    state(signed, begin=True)
    return signed


def test_what_is_demanded_made_anew_and_shown(signed: Project) -> None:
    demand(signed)
    with signed.refused("head.missing", TRUST):
        signed.promote()
    made = state(signed, begin=True)
    assert (made.statement.tree_size, made.statement.heads) == (0, ())
    outcome = restated(signed)
    assert (outcome.head, outcome.notes) == (head(signed), ())
    found = past_head(head(signed).read_bytes(), "head", signed.session().anchor.roots)
    assert [(h.agent, h.environment, h.line) for h in found.heads] == [("billing-support", "staging", outcome.line)]
    assert (found.tree_size, found.issued_unix, found.expires_unix) == (
        signed.ledger().size,
        signed.now,
        signed.now + HOUR,
    )
    shown = signed.verify().shown
    assert (shown.by, shown.statement) == ("head", found)
    # Exactly as long as it says; then nothing is decided or verified on what is here.
    signed.now += HOUR - 1
    assert signed.verify().shown.by == "head"
    signed.now += 1
    with signed.refused("head.expired", TRUST, f"expired at {format_time(signed.now)}"):
        signed.verify()
    with signed.refused("head.expired", TRUST):
        signed.promote()
    state(signed)
    assert signed.verify().shown.by == "head"
    assert signed.promote().evaluation is None


def test_where_nothing_demands_it_that_is_said(staged: Project) -> None:
    assert (staged.verify().shown.by, staged.verify().notes) == ("nothing", ())
    with refused("head.none-known"):
        state(staged)


def test_a_statement_is_demanded_by_environment(signed: Project) -> None:
    demand(signed, "production")
    signed.allowed("staging")
    assert signed.verify().shown.by == "nothing"
    signed.now += 3 * DAY
    signed.sign_all("production", "environment-admin", "security", "risk-owner")
    with signed.refused("head.missing", TRUST):
        signed.promote("production")
    state(signed)
    signed.allowed("production")
    # The lock has a line for it now.
    assert signed.verify().shown.by == "head"
    head(signed).unlink()
    with signed.refused("head.missing", TRUST):
        signed.verify()


@pytest.mark.attack("A55")
@pytest.mark.attack("A78")
def test_a_restored_ledger_lock_root_and_memory_are_caught_by_a_fresh_statement(
    demanding: Project, tmp_path: Path
) -> None:
    """Everything that the attacker can write is from before, and verifies by itself; the memory is gone."""
    restated(demanding)
    shutil.copytree(demanding.base, tmp_path / "old")
    demanding.now += 600
    demanding.submit("bob")
    demanding.record()
    fresh = tmp_path / "fresh.json"
    made = state(demanding, file=fresh)
    shutil.rmtree(demanding.base / "state")
    shutil.rmtree(demanding.root)
    shutil.copytree(tmp_path / "old" / "project", demanding.root)
    # The old statement holds for the rest of its hour, which is what its lifetime is for.
    assert demanding.verify().shown.by == "head"
    shutil.rmtree(demanding.base / "state")
    demanding.flags = {"ledger.head": str(fresh)}
    message = f"of {made.statement.tree_size} entries, and the ledger has {demanding.ledger().size}"
    with demanding.refused("head.older-ledger", TRUST, message):
        demanding.verify()
    with demanding.refused("head.older-ledger", TRUST):
        demanding.promote()
    # Who has once seen the fresh one is not talked out of it by leaving it away.
    demanding.flags = {}
    with demanding.refused("head.older-ledger", TRUST):
        demanding.verify()
    demanding.now += HOUR
    shutil.rmtree(demanding.base / "state")
    with demanding.refused("head.expired", TRUST):
        demanding.verify()


@pytest.mark.attack("A18")
@pytest.mark.attack("A78")
def test_an_old_root_that_demands_nothing_is_caught_by_whoever_names_a_statement(
    staged: Project, tmp_path: Path
) -> None:
    demand(staged)
    fresh = tmp_path / "fresh.json"
    state(staged, file=fresh)
    (staged.state / "trust" / "2.root.json").unlink()
    shutil.rmtree(staged.base / "state")
    assert staged.verify().shown.by == "nothing"
    shutil.rmtree(staged.base / "state")
    staged.flags = {"ledger.head": str(fresh)}
    for act in (staged.verify, staged.promote):
        with staged.refused("head.older-root", TRUST, "version 2, and here"):
            act()
    staged.flags = {"ledger.head": str(tmp_path / "none.json")}
    with staged.refused("head.missing", TRUST):
        staged.verify()


@pytest.mark.attack("A17")
def test_a_clock_that_was_set_back_is_told(demanding: Project) -> None:
    demanding.now += HOUR
    state(demanding)
    demanding.now -= 301
    with demanding.refused("head.not-yet-valid", TRUST, f"and the statement is of {format_time(demanding.now + 301)}"):
        demanding.promote()
    demanding.now += 1
    demanding.allowed("staging")


@pytest.mark.attack("A53")
def test_a_fork_of_the_ledger_is_refused(demanding: Project, tmp_path: Path) -> None:
    shutil.copytree(demanding.base, tmp_path / "fork")
    fork = Project(tmp_path / "fork", demanding.cache, demanding.now + 60, demanding.pin)
    fork.allowed("staging")
    demanding.allowed("staging")
    state(demanding)
    fork.now = demanding.now + 120
    fork.flags = {"ledger.head": str(head(demanding))}
    assert fork.ledger().size == demanding.ledger().size
    for act in (fork.verify, fork.promote):
        with fork.refused("head.forked-ledger", TRUST):
            act()
    # Nor does whoever holds the head key vouch for it where the genuine one was.
    with refused("head.forked-ledger"):
        state(fork, file=head(demanding))


def test_an_older_statement_than_the_newest_is_refused(demanding: Project) -> None:
    first = head(demanding).read_bytes()
    demanding.record()
    state(demanding)
    demanding.allowed("staging")
    head(demanding).write_bytes(first)
    with demanding.refused("head.older", TRUST, "is of 0 entries and trust root version 2; one of"):
        demanding.verify()


def test_the_statement_may_be_older_than_the_ledger_while_it_holds(demanding: Project) -> None:
    demanding.allowed("staging")
    assert demanding.verify().shown.by == "head"
    found = check_head(head(demanding), demanding.root, demanding.world)
    assert (found.statement.tree_size, found.tree_size, found.written) == (0, demanding.ledger().size, False)


CHANGES: list[tuple[str, Callable[[Any], object]]] = [
    ("head.bad-statement", lambda p: p.update(more=1)),
    ("head.bad-statement", lambda p: p.update(schema="bspec.head/v2")),
    ("head.bad-statement", lambda p: p["heads"][0].update(state="retired-later")),
    ("head.bad-statement", lambda p: p["heads"].append(p["heads"][0])),
    ("head.bad-statement", lambda p: p.update(issued="2026-13-01T00:00:00Z")),
    ("head.other", lambda p: p.update(domain="another")),
    ("head.other", lambda p: p.update(origin="another.example/bspec")),
    ("head.other", lambda p: p["bundles"].pop()),
    ("head.other", lambda p: p["bundles"][0].update(revision="other")),
    ("head.older-root", lambda p: p["trust_root"].update(version=9)),
    ("head.older-root", lambda p: p["trust_root"].update(digest="sha256:" + "0" * 64)),
    ("head.lifetime", lambda p: p.update(expires="2027-06-01T12:00:00Z")),
    ("head.lifetime", lambda p: p.update(expires=p["issued"])),
    ("head.forked-ledger", lambda p: p.update(root_hash="sha256:" + "0" * 64)),
    ("head.older-ledger", lambda p: p.update(tree_size=p["tree_size"] + 1)),
    ("head.other-lines", lambda p: p["heads"].pop()),
    ("head.other-lines", lambda p: p["heads"][0].update(line="sha256:" + "0" * 64)),
]


def test_a_changed_statement_is_refused_for_its_one_reason(demanding: Project) -> None:
    restated(demanding)
    genuine, session = head(demanding).read_bytes(), demanding.session()
    for code, change in CHANGES:
        edit(demanding, change)
        with refused(code):
            require_session_current(session, "staging")
        shutil.rmtree(demanding.base / "state", ignore_errors=True)
        head(demanding).write_bytes(genuine)
    assert require_session_current(session, "staging").by == "head"


def test_only_a_head_key_signs(demanding: Project) -> None:
    for other in ("ledger", "gate", "root-1", "dana", "mallory"):
        edit(demanding, lambda _: None, by=other)
        with demanding.refused("head.wrong-key", TRUST):
            demanding.promote()
        with refused("head.wrong-key"):
            state(demanding, by=other)
    for data, code in ((b"{}", "trust.bad-envelope"), (demanding.only("submit").read_bytes(), "trust.wrong-type")):
        head(demanding).write_bytes(data)
        with demanding.refused(code, TRUST):
            demanding.promote()
    # Nothing is appended with a key that could not say so afterwards.
    with refused("head.wrong-key"):
        promote(demanding.session(), "staging", Keys(key_of("gate"), key_of("ledger"), key_of("ledger")))
    assert demanding.ledger().size == 0
    state(demanding)
    edit(demanding, lambda _: None)
    data = head(demanding).read_bytes()
    head(demanding).write_bytes(data.replace(b'"sig":"', b'"sig":"AAAA', 1))
    with demanding.refused("trust.bad-signature", TRUST):
        demanding.promote()
    demanding.next_root(
        lambda p: (
            p["revoked"].append({"kind": "key", "id": key_of("head").keyid, "reason": "stolen"}),
            p["keys"].append(key_entry("head-2", "head")),
            p["head"]["keys"].append(key_of("head-2").keyid),
        )
    )
    head(demanding).write_bytes(data)
    with demanding.refused("head.wrong-key", TRUST, "no valid head key of trust root version 3"):
        demanding.promote()
    state(demanding, by="head-2")
    demanding.allowed("staging")


def test_who_has_seen_nothing_vouches_for_nothing(demanding: Project) -> None:
    """An old copy on a new machine must not get a fresh date."""
    demanding.allowed("staging")
    shutil.rmtree(demanding.base / "state")
    with refused("head.nothing-remembered"):
        state(demanding)
    state(demanding, begin=True)
    state(demanding)
    old = shutil.copytree(demanding.state / "ledger", demanding.base / "old-ledger")
    demanding.submit("bob")
    demanding.record()
    state(demanding)
    shutil.rmtree(demanding.state / "ledger")
    shutil.copytree(old, demanding.state / "ledger")
    with refused("ledger.rolled-back"):
        state(demanding)
    # What was stated last tells as well, where it is kept.
    newest = demanding.base / "newest.json"
    with refused("ledger.rolled-back"):
        state(demanding, file=newest)


def test_a_lifetime_is_bounded_by_the_root(demanding: Project) -> None:
    with refused("head.lifetime"):
        state(demanding, valid_for="PT2H")
    with refused("foundation.bad-time"):
        state(demanding, valid_for="1h")
    demand(demanding, max_lifetime_s=60)
    assert state(demanding).statement.expires_unix == demanding.now + 60
    with refused("head.lifetime"):
        state(demanding, valid_for="PT1H")


def test_a_statement_that_can_not_be_made_anew_does_not_undo_the_promotion(
    demanding: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes) -> None:
        raise UNWRITABLE.error("no space left on device")

    monkeypatch.setattr(stating, "write_atomic", full)
    outcome = restated(demanding)
    assert outcome.line is not None
    assert (outcome.head, outcome.notes) == (None, ("the head statement was not made anew: no space left on device",))
    assert demanding.verify().shown.by == "head"


def test_a_head_key_in_the_trust_root(demanding: Project) -> None:
    def refuse(change: Callable[[Any], object], message: str) -> None:
        path = demanding.next_root(change)
        with pytest.raises(BspecError) as raised:
            demanding.session()
        assert message in str(raised.value)
        path.unlink()

    refuse(lambda p: p["head"].update(environments=["*", "staging"]), "stands alone")
    refuse(lambda p: p["head"].update(environments=["stagin"]), 'unknown environment "stagin"')
    refuse(lambda p: p["head"].update(max_lifetime_s=59), "/head/max_lifetime_s")
    refuse(lambda p: p["head"].update(keys=[key_of("ledger").keyid]), "a key has one purpose")
    refuse(lambda p: p["ledger"].update(keys=[key_of("head").keyid]), "a key has one purpose")
    refuse(
        lambda p: p["revoked"].append({"kind": "key", "id": key_of("head").keyid, "reason": "x"}),
        "every head key is revoked",
    )


def test_who_meets_a_statement_ahead_of_the_ledger_that_was_read_decides_again(demanding: Project) -> None:
    """Another gate has gone on since the session was opened: no old copy, only a late reader."""
    session = demanding.session()
    demanding.record()
    made = state(demanding)
    assert made.statement.tree_size > session.ledger.size
    with refused("ledger.race-lost"):
        require_session_current(session, "staging")
    assert promote(session, "staging", demanding.keys).line is not None


def test_a_report_of_what_is_current_demands_it_too(demanding: Project) -> None:
    def reported(entry: int | None = None) -> int:
        known: Any = {"environment": "", "framework": "", "conforms": lambda *_: []}
        return len(audit(demanding.root, demanding.world, entry=entry, **known)[0])

    outcome = restated(demanding)
    assert reported() == 1
    demanding.now += HOUR
    with refused("head.expired"):
        reported()
    # What an entry was, it stays.
    assert reported(outcome.entry) == 1


def test_what_a_stolen_head_key_has_said_is_forgotten_with_the_key(demanding: Project) -> None:
    restated(demanding)
    edit(demanding, lambda p: p.update(tree_size=10**9))
    with demanding.refused("head.older-ledger", TRUST):
        demanding.verify()
    # Remembered, for it was genuine as far as anybody could tell.
    head(demanding).unlink()
    with demanding.refused("head.older-ledger", TRUST, "a head statement was of 1000000000 entries"):
        demanding.verify()
    demanding.next_root(
        lambda p: (
            p["revoked"].append({"kind": "key", "id": key_of("head").keyid, "reason": "stolen"}),
            p["keys"].append(key_entry("head-2", "head")),
            p["head"]["keys"].append(key_of("head-2").keyid),
        )
    )
    state(demanding, by="head-2")
    assert demanding.verify().shown.by == "head"
    (file,) = (demanding.base / "state").glob("head-*.json")
    file.write_text("{}")
    with demanding.refused("ledger.memory-damaged", TRUST):
        demanding.verify()
