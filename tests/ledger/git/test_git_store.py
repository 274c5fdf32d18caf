"""What only a ledger in a Git ref has to do: several copies, a server that refuses, repositories that are hostile."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from git_bench import REF, GitLedger, environ_of, files_of, git, head_of, put, url_of
from ledger_bench import NOW, ORIGIN
from ledger_conformance import refused

from bspec_opa.foundation.errors import StoreError
from bspec_opa.ledger.checkpoint import NoteSignature
from bspec_opa.ledger.file import commit
from bspec_opa.ledger.git.program import Git, Said
from bspec_opa.ledger.git.repository import CHECKPOINT, SEGMENT, Repository, segment_name
from bspec_opa.ledger.git.store import GitStore
from bspec_opa.ledger.git.url import parse_git_url

if TYPE_CHECKING:
    from bspec_opa.ledger.interface import Tip
    from bspec_opa.trust.keys import PrivateKey


@pytest.fixture
def ledger(tmp_path: Path, ledger_key: PrivateKey, other_key: PrivateKey) -> GitLedger:
    return GitLedger(tmp_path / "ledger", ledger_key, other_key)


def append(ledger: GitLedger, clone: str, *labels: str, base: Tip | None = None) -> Tip:
    store = ledger.open(clone=clone)
    tip = base or store.tip()
    return store.append(tip, ledger.draft(tip, *labels), ledger.key)


def commits(ledger: GitLedger) -> list[str]:
    return git(ledger.remote, "log", "--format=%s", REF).decode().splitlines()


def test_an_append_is_a_commit_and_rewrites_only_the_end_of_the_log(ledger: GitLedger) -> None:
    ledger.add(*(f"{i}" for i in range(SEGMENT + 2)))
    first = files_of(ledger.remote)
    assert [*first] == [CHECKPOINT, segment_name(0), segment_name(1)]
    assert [len(first[segment_name(n)].splitlines()) for n in (0, 1)] == [SEGMENT, 2]
    ledger.add("x", "y", at=NOW + 7)
    assert commits(ledger) == ["ledger: entries 66 to 67 (submit)", "ledger: entries 0 to 65 (submit)"]
    changed = git(ledger.remote, "diff", "--name-only", f"{REF}~1", REF).decode().split()
    assert changed == [CHECKPOINT, segment_name(1)]
    assert git(ledger.remote, "log", "-1", "--format=%ct", REF).decode().strip() == str(NOW + 7)
    assert ledger.open(clone="auditor").read() == ledger.open().read()


@pytest.mark.attack("A45")
def test_of_two_gates_on_one_tip_one_is_recorded(ledger: GitLedger) -> None:
    base = append(ledger, "one", "a")
    assert ledger.open(clone="two").tip() == base
    outcomes, start = list[str](), threading.Barrier(2)

    def promote(clone: str, label: str) -> None:
        start.wait()
        try:
            append(ledger, clone, label, base=base)
        except StoreError as e:
            outcomes.append(e.code)
        else:
            outcomes.append("won")

    for label in "bc":
        ledger.records.record(label)
    threads = [threading.Thread(target=promote, args=given) for given in (("one", "b"), ("two", "c"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["ledger.race-lost", "won"]
    both = [ledger.open(clone=c).read() for c in ("one", "two")]
    assert both[0] == both[1]
    assert (both[0].size, len(commits(ledger))) == (2, 2)
    # Whoever lost goes on from what is there now.
    assert {append(ledger, c, c).size for c in ("one", "two")} == {3, 4}


@pytest.mark.attack("A46")
@pytest.mark.parametrize("others", [False, True])
def test_a_push_that_counted_although_it_failed(
    ledger: GitLedger, monkeypatch: pytest.MonkeyPatch, others: bool
) -> None:
    base = append(ledger, "one", "a")
    push = Repository.push

    def lost(self: Repository, commit: str) -> Said:
        push(self, commit)
        monkeypatch.setattr(Repository, "push", push)
        if others:
            append(ledger, "two", "c")
        return Said(128, b"", "the connection was lost")

    monkeypatch.setattr(Repository, "push", lost)
    tip = append(ledger, "one", "b", base=base)
    assert tip.size == 2
    state = ledger.open(clone="one").read()
    assert state.size == 3 if others else state.tip == tip
    assert append(ledger, "one", "d").size == state.size + 1


def test_a_push_that_never_arrived_leaves_nothing_and_the_next_run_goes_on(
    ledger: GitLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where nobody was left to clean up: the copy is ahead of the ref, and its marker is gone."""
    base = append(ledger, "one", "a")

    def killed(self: Repository, commit: str) -> Said:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Repository, "push", killed)
        with pytest.raises(KeyboardInterrupt):
            append(ledger, "one", "b", base=base)
    place = next(ledger.directory.glob("one/git/*"))
    (place / "repository" / "shallow.lock").touch()
    (place / "repository" / "refs" / "bspec" / "seen.lock").touch()
    assert ledger.open(clone="one").read().tip == base
    assert append(ledger, "one", "b").size == 2


@pytest.mark.attack("A47")
@pytest.mark.parametrize(
    "verb",
    ["push", pytest.param("ls-remote", marks=pytest.mark.soak), pytest.param("fast-import", marks=pytest.mark.soak)],
)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_gate_that_is_killed_around_each_call_of_git_converges(
    ledger: GitLedger, tmp_path: Path, verb: str, when: str
) -> None:
    """By a git in the place of git that kills whoever has called it."""
    base = append(ledger, "one", "a")
    drafted, real = ledger.draft(base, "b"), shutil.which("git")
    fake = tmp_path / "bin" / "git"
    fake.parent.mkdir()
    calls = {"before": "kill -9 $PPID; exit 1", "after": f'{real} "$@"; kill -9 $PPID; exit 1'}
    fake.write_text(f'#!/bin/sh\ncase " $* " in *" {verb} "*) {calls[when]};; esac\nexec {real} "$@"\n')
    fake.chmod(0o755)
    child = os.fork()
    if child == 0:
        try:
            ledger.open(clone="one", first=fake.parent).append(base, drafted, ledger.key)
        finally:
            os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    store = ledger.open(clone="one")
    recorded = (verb, when) == ("push", "after")
    assert store.read().size == 1 + recorded
    assert store.find(drafted[0].record_id) == (1 if recorded else None)
    assert ledger.open(clone="two").read() == store.read()
    assert append(ledger, "one", "c").size == 2 + recorded


def test_what_the_server_refuses_is_told(ledger: GitLedger) -> None:
    base = append(ledger, "one", "a")
    git(ledger.remote, "config", "receive.hideRefs", "refs/bspec")
    assert "hidden ref" in refused(lambda: append(ledger, "one", "b", base=base), "ledger.git-refused")
    git(ledger.remote, "config", "--unset", "receive.hideRefs")
    assert append(ledger, "one", "b").size == 2


def test_a_repository_that_can_not_be_reached(
    ledger: GitLedger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = append(ledger, "one", "a")
    away = ledger.remote.rename(tmp_path / "away")
    assert "ls-remote" in refused(ledger.open(clone="one").read, "ledger.git-failed")
    away.rename(ledger.remote)
    push = Repository.push

    def gone(self: Repository, commit: str) -> Said:
        push(self, commit)
        ledger.remote.rename(away)
        return Said(128, b"", "the connection was lost")

    monkeypatch.setattr(Repository, "push", gone)
    told = refused(lambda: append(ledger, "one", "b", base=base), "ledger.git-outcome-unknown")
    assert "the connection was lost; and since then: " in told
    away.rename(ledger.remote)
    assert ledger.open(clone="one").read().size == 2


@pytest.mark.attack("A57")
def test_nothing_of_a_hostile_repository_runs(ledger: GitLedger, tmp_path: Path) -> None:
    tip = ledger.add("a")
    hooks, ran = tmp_path / "hooks", tmp_path / "ran"
    hooks.mkdir()
    for name in ("pre-receive", "update", "post-receive", "post-update", "reference-transaction", "proc-receive"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {ran}-{name}\n")
        (hooks / name).chmod(0o755)
    shutil.copytree(hooks, ledger.remote / "hooks")
    for key, value in {
        "core.hooksPath": str(hooks),
        "core.alternateRefsCommand": f"touch {ran}-alternates",
        "core.fsmonitor": f"touch {ran}-fsmonitor",
        "uploadpack.packObjectsHook": f"touch {ran}-pack",
        "filter.x.smudge": f"touch {ran}-smudge",
        "receive.denyCurrentBranch": "updateInstead",
    }.items():
        git(ledger.remote, "config", key, value)
    other = ledger.open(clone="two")
    assert other.read().tip == tip
    assert other.append(tip, ledger.draft(tip, "b"), ledger.key).size == 2
    assert ledger.open(clone="three").read().size == 2
    assert [*tmp_path.glob("ran*")] == []


def test_git_sees_none_of_the_environment_but_what_it_needs(tmp_path: Path) -> None:
    fake = tmp_path / "bin" / "git"
    fake.parent.mkdir()
    fake.write_text('#!/bin/sh\nenv\necho "$@"\n')
    fake.chmod(0o755)
    environ = {"PATH": f"{fake.parent}:/usr/bin:/bin", "HOME": "/h", "SECRET": "x", "GIT_DIR": "/x", "GIT_TRACE": "1"}
    url = parse_git_url("git+https://host.example/x")
    said = Git(url, tmp_path, environ).done("version").decode().splitlines()
    names = {line.partition("=")[0] for line in said[:-1]}
    assert names - {"PWD", "SHLVL", "_", "OLDPWD"} == {
        *("PATH", "HOME", "GIT_CONFIG_NOSYSTEM", "GIT_TERMINAL_PROMPT", "GIT_NO_REPLACE_OBJECTS", "GIT_NO_LAZY_FETCH"),
        *("GIT_ADVICE", "LC_ALL", "GIT_SSH_COMMAND", "GIT_ALLOW_PROTOCOL"),
    }
    assert "GIT_ALLOW_PROTOCOL=https" in said
    assert said[-1].startswith(f"--git-dir {tmp_path} -c core.hooksPath=/dev/null ")
    refused(lambda: Git(url, tmp_path, {"PATH": str(tmp_path)}).call("version"), "ledger.git-missing")


def test_an_operation_has_a_deadline(tmp_path: Path) -> None:
    fake = tmp_path / "git"
    fake.write_text(f"#!/bin/sh\n(exec sleep 600) &\necho $! > {tmp_path}/child\nwait\n")
    fake.chmod(0o755)
    url = parse_git_url("git+ssh://host.example/x")
    program = Git(url, tmp_path, {"PATH": f"{tmp_path}:/usr/bin:/bin"}, deadline_s=0.5)
    told = refused(lambda: program.call("fetch"), "ledger.git-failed")
    assert told.startswith("git+ssh://host.example/x#refs/bspec/ledger: git fetch took longer than the 0.5 s")
    child = int((tmp_path / "child").read_text())
    until = time.monotonic() + 30
    while running(child):
        assert time.monotonic() < until
        time.sleep(0.01)


def running(process: int) -> bool:
    """Whether it is there and not only waiting to be buried."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes() != b""
    except FileNotFoundError:
        return False


def test_a_server_behind_ssh_checks_with_hooks_of_its_own(ledger: GitLedger, tmp_path: Path) -> None:
    """SSH is played by a script that runs here what it is asked to run there."""
    ssh = tmp_path / "bin" / "ssh"
    ssh.parent.mkdir()
    ssh.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\nwhile [ $# -gt 1 ]; do shift; done\nexec sh -c "$1"\n')
    ssh.chmod(0o755)
    place = tmp_path / "gate"
    place.mkdir(mode=0o700)
    environ = environ_of(place) | {"PATH": f"{ssh.parent}:{os.environ['PATH']}"}
    url = parse_git_url(f"git+ssh://git@host.example:2222{ledger.remote}#{REF}")
    store = GitStore(url, place, origin=ORIGIN, keys=[ledger.key.public], environ=environ)
    tip = store.append(store.tip(), ledger.draft(store.tip(), "a"), ledger.key)
    assert ledger.open().read().tip == tip
    asked = {line.partition(" git@host.example ")[::2] for line in (tmp_path / "asked").read_text().splitlines()}
    assert all(options.startswith("-o BatchMode=yes ") and options.endswith(" -p 2222") for options, _ in asked)
    assert {c.partition(" ")[0] for _, c in asked} == {"git-upload-pack", "git-receive-pack"}
    hook = ledger.remote / "hooks" / "pre-receive"
    hook.parent.mkdir()
    hook.write_text("#!/bin/sh\necho only the gate of production may >&2\nexit 1\n")
    hook.chmod(0o755)
    told = refused(lambda: store.append(tip, ledger.draft(tip, "b"), ledger.key), "ledger.git-refused")
    assert "pre-receive hook declined" in told
    assert "only the gate of production may" in told
    assert store.read().tip == tip


def test_a_ref_that_holds_something_else_is_no_ledger(ledger: GitLedger) -> None:
    ledger.add("a", "b")
    good, files = head_of(ledger.remote), files_of(ledger.remote)
    more: list[dict[str, bytes]] = [
        files | {"README.md": b"hello"},
        files | {segment_name(2): b""},
        files | {"log/x.jsonl": b""},
        {CHECKPOINT: files[CHECKPOINT], segment_name(1): files[segment_name(0)]},
    ]
    for other in more:
        put(ledger.remote, other)
        refused(ledger.open().read, "ledger.git-layout")
    tree = git(ledger.remote, "mktree", data=b"120000 blob " + blob(ledger, b"/etc/passwd") + b"\tcheckpoint\n")
    commit = git(ledger.remote, "commit-tree", tree.decode().strip(), "-m", "x").decode().strip()
    git(ledger.remote, "update-ref", REF, commit)
    refused(ledger.open().read, "ledger.git-layout")
    git(ledger.remote, "update-ref", REF, good)
    assert ledger.open().read().size == 2


def blob(ledger: GitLedger, data: bytes) -> bytes:
    return git(ledger.remote, "hash-object", "-w", "--stdin", data=data).strip()


def test_a_damaged_copy_is_made_anew(ledger: GitLedger) -> None:
    ledger.add("a", "b")
    state = ledger.open().read()
    place = next(ledger.directory.glob("gate/git/*"))
    (place / "ledger" / "log.jsonl").write_bytes(b"nonsense\n")
    assert ledger.open().read() == state
    shutil.rmtree(place / "ledger")
    (place / "ledger").mkdir()
    assert ledger.open().read() == state
    shutil.rmtree(place)
    assert ledger.open().read() == state
    place.chmod(0o777)
    refused(ledger.open().read, "ledger.memory-damaged")


def test_cosignatures_are_a_commit_beside_the_head(ledger: GitLedger) -> None:
    tip = ledger.add("a")
    assert tip.checkpoint is not None
    more = [NoteSignature("w1.example", b"1234", b"x" * 72)]
    endorsed = ledger.open(clone="two").endorse(tip.checkpoint, more)
    assert endorsed is not None
    assert ledger.open(clone="one").tip().checkpoint == endorsed
    assert commits(ledger) == ["ledger: cosigned", "ledger: entries 0 to 0 (submit)"]
    assert ledger.open().endorse(tip.checkpoint, more) == endorsed
    assert len(commits(ledger)) == 2
    # What was decided on is the tree, and that has not moved.
    assert append(ledger, "gate", "b", base=tip).size == 2
    assert ledger.open().endorse(tip.checkpoint, more) is None


def test_a_signature_that_comes_between_does_not_lose_a_race(
    ledger: GitLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = append(ledger, "one", "a")
    push = Repository.push

    def late(self: Repository, commit: str) -> Said:
        monkeypatch.setattr(Repository, "push", push)
        assert base.checkpoint is not None
        assert ledger.open(clone="two").endorse(base.checkpoint, [NoteSignature("w1.example", b"1234", b"x" * 72)])
        return push(self, commit)

    monkeypatch.setattr(Repository, "push", late)
    assert append(ledger, "one", "b", base=base).size == 2
    assert len(commits(ledger)) == 3


def test_a_ref_whose_name_only_ends_so_is_another(ledger: GitLedger) -> None:
    ledger.add("a")
    git(ledger.remote, "update-ref", f"refs/x/{REF}", REF)
    assert ledger.open().read().size == 1
    git(ledger.remote, "update-ref", "-d", REF)
    assert ledger.open().read().size == 0


def test_several_ledgers_share_a_place(tmp_path: Path, ledger: GitLedger) -> None:
    def store(**changed: Any) -> GitStore:
        given = {"origin": ORIGIN, "keys": [ledger.key.public], "environ": environ_of(tmp_path)} | changed
        return GitStore(parse_git_url(url_of(ledger.remote, "refs/bspec/b")), ledger.directory / "gate", **given)

    ledger.add("a")
    assert store().read().size == 0
    assert ledger.open().read().size == 1


@pytest.mark.attack("A47")
@pytest.mark.parametrize("others", [False, True])
def test_what_a_killed_gate_has_begun_in_its_copy_is_not_taken_for_the_ref(ledger: GitLedger, *, others: bool) -> None:
    """Only the ref says what is recorded, whether others have gone on or not; and the command is simply run again."""
    gate, tip = ledger.open(clone="one"), append(ledger, "one", "a")
    drafted = ledger.draft(tip, "b", "c", "d")
    child = os.fork()
    if child == 0:
        commit.write_all = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[attr-defined] # not exported: it is put in its place
        gate.append(tip, drafted, ledger.key)
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    if others:
        tip = append(ledger, "two", "x")
    assert ledger.open(clone="one").read().size == tip.size
    assert append(ledger, "one", "b", "c", "d").size == tip.size + 3
