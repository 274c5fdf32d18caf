"""Promotions whose ledger is in a Git ref: two clones that race, a ref that is rewritten, a push that is killed."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from git_bench import REF, files_of, git, head_of, make_bare, put, url_of
from project import HOUR, Project
from promoting import finish, start
from world import key_of, refused

from bspec_opa.foundation.digest import digest_of
from bspec_opa.foundation.errors import ExitCode
from bspec_opa.ledger.git.repository import Repository
from bspec_opa.ledger.git.url import parse_git_url
from bspec_opa.workflow.checkout.place import open_git_store
from bspec_opa.workflow.doctor import examine

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bspec_opa.ledger.git.program import Said


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    return make_bare(tmp_path / "remote.git")


@pytest.fixture
def gate(signed: Project, remote: Path) -> Project:
    """Everything for staging is signed, and the ledger is in a ref."""
    signed.flags = {"ledger.url": url_of(remote)}
    return signed


def clone(project: Project, base: Path) -> Project:
    """The same project in another place, with a memory and a copy of its own."""
    shutil.copytree(project.base, base)
    return replace(project, base=base, flags=dict(project.flags))


def test_a_promotion_is_recorded_verified_and_denied_in_a_ref(gate: Project, remote: Path) -> None:
    outcome = gate.allowed()
    entries = gate.ledger().entries
    assert digest_of(entries[-1].record_bytes().rstrip(b"\n")) == outcome.line
    assert not (gate.state / "ledger").exists()
    assert [v.current for v in gate.verify().lines] == [True]
    assert gate.promote().evaluation is None
    gate.now += HOUR
    assert gate.denied("production")
    assert (
        git(remote, "log", "-1", "--format=%s", REF)
        == f"ledger: entries {len(entries)} to {len(entries)} (denial)\n".encode()
    )
    # Completed from the ref after a crash between the two.
    lines = gate.lines()
    gate.lock.unlink()
    shutil.rmtree(gate.base / "state" / "git")
    assert gate.promote().restored == 1
    assert gate.lines() == lines


@pytest.mark.soak  # the next one does the same in one process
@pytest.mark.attack("A45")
@pytest.mark.attack("A46")
def test_two_clones_that_promote_the_same_at_once_record_one_line(gate: Project, remote: Path, tmp_path: Path) -> None:
    other = clone(gate, tmp_path / "other")
    url = str(gate.flags["ledger.url"])
    said = finish([start(gate, "race", url), start(other, "race", url)])
    assert {s["exit"] for s in said} == {0}, said
    (line,) = gate.lines()
    assert other.lines() == [line]
    assert {s["line"] for s in said} == {digest_of(line)}
    state = gate.ledger()
    assert state == other.ledger()
    assert [e.kind for e in state.entries].count("promotion") == 1
    assert [v.current for v in other.verify().lines] == [True]
    # Forward only: each commit follows the one before.
    assert git(remote, "rev-list", "--merges", "--count", REF) == b"0\n"


@pytest.mark.attack("A45")
def test_who_loses_decides_again_on_what_is_there_then(
    gate: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other clone promotes between this one's decision and its push."""
    other = clone(gate, tmp_path / "other")
    push, pushes = Repository.push, list[str]()

    def late(self: Repository, commit: str) -> Said:
        pushes.append(commit)
        if len(pushes) == 2:  # the first one sequences the records, the second one is the line
            monkeypatch.setattr(Repository, "push", push)
            assert other.promote().line is not None
        return push(self, commit)

    monkeypatch.setattr(Repository, "push", late)
    outcome = gate.promote()
    # It signed a line, saw that it had lost, decided again and found exactly this current already.
    assert (outcome.evaluation, outcome.line) == (None, digest_of(other.lines()[0]))
    assert gate.lines() == other.lines()
    assert [e.kind for e in gate.ledger().entries].count("promotion") == 1


def rewound(gate: Project, remote: Path) -> str:
    return git(remote, "rev-parse", f"{REF}~1").decode().strip()


def rewritten(gate: Project, remote: Path) -> str:
    """The same number of entries, by whoever holds the ledger's key: another history."""
    twin = replace(gate, base=gate.base.parent / "twin", flags={})
    shutil.copytree(gate.base, twin.base, ignore=shutil.ignore_patterns("state"))
    twin.lock.unlink()
    twin.now += 1
    twin.allowed()
    files = {p.name: p.read_bytes() for p in (twin.state / "ledger").iterdir()}
    return put(remote, {"checkpoint": files["checkpoint"], "log/000000000.jsonl": files["log.jsonl"]}, parent=None)


@pytest.mark.attack("A53")
@pytest.mark.attack("A55")
@pytest.mark.parametrize(("attack", "code"), [(rewound, "ledger.rolled-back"), (rewritten, "ledger.forked")])
def test_a_ref_that_was_pushed_by_force_is_caught_by_the_memory(
    gate: Project, remote: Path, attack: Callable[[Project, Path], str], code: str
) -> None:
    gate.allowed()
    genuine = head_of(remote)
    git(remote, "update-ref", REF, attack(gate, remote))
    shutil.rmtree(gate.base / "state" / "git")
    for act in (gate.verify, gate.promote):
        with refused(code):
            act()
    git(remote, "update-ref", REF, genuine)
    assert gate.promote().evaluation is None


def test_a_killed_push_converges(gate: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed when the server had taken the line, and nobody was told."""
    push, pushes = Repository.push, list[str]()

    def killed(self: Repository, commit: str) -> Said:
        pushes.append(commit)
        said = push(self, commit)
        if len(pushes) == 2:
            raise KeyboardInterrupt
        return said

    with monkeypatch.context() as patch:
        patch.setattr(Repository, "push", killed)
        with pytest.raises(KeyboardInterrupt):
            gate.promote()
    assert gate.lines() == []
    outcome = gate.promote()
    assert (outcome.evaluation, outcome.restored) == (None, 1)
    assert [e.kind for e in gate.ledger().entries].count("promotion") == 1
    assert [v.current for v in gate.verify().lines] == [True]


def test_what_is_not_there_or_not_a_ledger(gate: Project, remote: Path) -> None:
    gate.record()
    put(remote, files_of(remote) | {"README": b"x"})
    with refused("ledger.git-layout"):
        gate.promote()
    gate.flags = {"ledger.url": url_of(remote.with_name("none.git"))}
    with refused("ledger.git-failed") as raised:
        gate.promote()
    assert raised.value.exit_code == ExitCode.STORE
    with refused("ledger.git-no-place"):
        open_git_store(parse_git_url(url_of(remote)), {}, gate.newest_root())
    gate.flags = {"ledger.url": "git+ssh://git:secret@host/x"}
    with refused("ledger.url-password"):
        gate.session()


def test_doctor_says_what_a_ledger_in_a_branch_can_not_do(staged: Project, remote: Path) -> None:
    def told() -> list[str]:
        findings = examine(staged.root, staged.world, repair=False)
        return [f.message for f in findings if f.subject == "ledger"]

    size = staged.ledger().size
    assert told() == [f"{size} entries; a file ledger is for one host at a time"]
    (staged.root / ".git").mkdir()
    assert told()[1:] == [
        "it lies in a branch of code: two branches are two ledgers, and whoever may push can rewrite it"
    ]
    shutil.rmtree(staged.state / "ledger")
    shutil.rmtree(staged.base / "state")
    staged.flags = {"ledger.url": url_of(remote)}
    assert told()[0] == f"0 entries; {url_of(remote)}"
    assert key_of("ledger").public in staged.session().anchor.root.checkpoint_keys()
