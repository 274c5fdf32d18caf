"""What fails for reasons of this world: nothing is half-written, and the next run completes it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from project import HOUR, Project
from world import key_of

from bspec_opa.foundation.digest import digest_of
from bspec_opa.foundation.errors import BspecError, ExitCode
from bspec_opa.workflow.promote import Keys, promote

if TYPE_CHECKING:
    from project import Shelf

SCRIPT = Path(__file__).with_name("promoters.py")


def start(project: Project, mode: str) -> subprocess.Popen[str]:
    arguments = [str(project.base), str(project.cache), str(project.now), str(project.pin), mode]
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def finish(processes: list[subprocess.Popen[str]], line: str = "") -> list[Any]:
    """Let them go at once, and hear what each came to."""
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    said = []
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(line + "\n")
        process.stdin.flush()
    for process in processes:
        with process:
            assert process.stdout is not None
            said.append(json.loads(process.stdout.read()))
        assert process.returncode == 0
    return said


@pytest.mark.attack("A45")
def test_two_processes_promote_the_same_at_once(signed: Project) -> None:
    """One line; the other one finds it current, or decides again."""
    said = finish([start(signed, "race"), start(signed, "race")])
    assert {s["exit"] for s in said} == {0}, said
    (line,) = signed.lines()
    assert {s["line"] for s in said} == {digest_of(line)}
    assert [e.kind for e in signed.ledger().entries].count("promotion") == 1
    assert [v.current for v in signed.verify().lines] == [True]
    signed.no_leftovers()


@pytest.mark.attack("A51")
@pytest.mark.parametrize("room", [200, 1_000, 6_000, 20_000, 60_000])
def test_a_full_disk_leaves_nothing_half_written(signed: Project, room: int) -> None:
    """At whatever step the room ends, the next run completes the promotion."""
    (said,) = finish([start(signed, "full")], str(room))
    assert said["exit"] in {ExitCode.STORE, ExitCode.OK}
    assert said["code"] or said["line"]
    assert len(signed.lines()) == (1 if said["line"] else 0)
    signed.no_leftovers()
    signed.ledger()
    signed.promote()
    assert len(signed.lines()) == 1
    assert len(signed.verify().lines) == 1


@pytest.mark.attack("A51")
@pytest.mark.attack("A48")
def test_a_lock_that_cannot_be_written_is_completed_by_the_next_run(signed: Project) -> None:
    """The line is durable in the ledger before the lock is touched."""
    signed.lock.mkdir()
    with pytest.raises(BspecError, match=r"behavior\.lock") as raised:
        signed.promote()
    assert raised.value.exit_code == ExitCode.INVALID
    signed.lock.rmdir()

    def obstruct() -> None:
        (signed.root / "elsewhere").mkdir()
        signed.lock.symlink_to(signed.root / "elsewhere")

    with pytest.raises(BspecError, match="symbolic link"):
        promote(signed.session(), "staging", Keys(gate=Obstructing(obstruct), ledger=key_of("ledger")))
    assert [e.kind for e in signed.ledger().entries][-1] == "promotion"
    signed.lock.unlink()
    outcome = signed.promote()
    assert outcome.evaluation is None
    assert outcome.line == digest_of(signed.lines()[0])
    signed.verify()


class Obstructing:
    """The gate's signer; as it signs, somebody gets into the way of the lock."""

    def __init__(self, action: Any) -> None:
        self._key, self._action = key_of("gate"), action
        self.keyid, self.public = self._key.keyid, self._key.public

    def sign(self, message: bytes) -> bytes:
        self._action()
        return self._key.sign(message)


def test_a_machine_that_cannot_remember_records_nothing(signed: Project) -> None:
    (signed.base / "state").write_bytes(b"in the way")
    with signed.refused("file.unwritable", ExitCode.STORE):
        signed.promote()
    assert signed.ledger().size == 0


def test_objects_that_cannot_be_kept(signed: Project) -> None:
    (signed.state / "objects").write_bytes(b"in the way")
    with signed.refused("file.unwritable", ExitCode.STORE):
        signed.promote()
    assert signed.ledger().size == 0


def test_without_a_home_there_is_no_memory(shelf: Shelf, tmp_path: Path) -> None:
    class Homeless(Project):
        @property
        def environ(self) -> dict[str, str]:
            return {"XDG_CACHE_HOME": str(self.cache), "HOME": "relative"}

    found = shelf.project("live", tmp_path)
    project = Homeless(found.base, found.cache, found.now, found.pin)
    with project.refused("file.unwritable", ExitCode.STORE, "no place to remember"):
        project.promote()
    assert project.verify().notes == (
        "no memory of earlier heads: an older ledger or root could not be told",
        "this ledger could not be remembered: no place to remember the ledger in",
    )


def test_the_wrong_key_for_lines_or_checkpoints(signed: Project) -> None:
    with signed.refused("ledger.checkpoint-signature", ExitCode.TRUST):
        promote(signed.session(), "staging", Keys(gate=key_of("gate"), ledger=key_of("gate")))
    signed.record()
    for wrong, code in (("dana", "trust.role-not-granted"), ("ledger", "trust.wrong-purpose")):
        with signed.refused(code, ExitCode.TRUST):
            promote(signed.session(), "staging", Keys(gate=key_of(wrong), ledger=key_of("ledger")))


def test_a_misspelt_environment_names_the_nearest(signed: Project) -> None:
    with pytest.raises(BspecError) as raised:
        signed.promote("stagin")
    assert (raised.value.code, raised.value.exit_code) == ("trust.unknown-environment", ExitCode.INVALID)
    assert raised.value.problems[0].hint == 'did you mean "staging"?'


def test_a_range_that_nothing_satisfies(resolved: Project) -> None:
    resolved.change_intent(('version: ">=2.0"', 'version: ">=7.0"'))
    with resolved.refused("resolve.no-release", ExitCode.INVALID, "7.0"):
        resolved.resolve()


def test_no_catalog(resolved: Project) -> None:
    shutil.rmtree(resolved.state / "catalogs")
    with resolved.refused("promotion.no-catalog", ExitCode.INVALID):
        resolved.resolve()


def test_a_missing_intent(resolved: Project) -> None:
    resolved.intent.unlink()
    with resolved.refused("file.unreadable", ExitCode.INVALID):
        resolved.evaluate()


def test_a_named_records_directory_that_is_missing_is_never_empty(signed: Project) -> None:
    signed.flags["records.dirs"] = (str(signed.base / "nowhere"),)
    for act in (signed.evaluate, signed.promote):
        with signed.refused("file.unreadable", ExitCode.INVALID, "records directory is missing"):
            act()


def test_records_in_several_directories(signed: Project) -> None:
    other = signed.base / "inbox"
    shutil.copytree(signed.inbox / "approval", other / "approval")
    shutil.rmtree(signed.inbox / "approval")
    signed.flags["records.dirs"] = (str(signed.inbox), str(other))
    signed.allowed()


def test_a_record_over_the_limit_or_a_link(signed: Project) -> None:
    file = signed.only("approval")
    data = file.read_bytes()
    file.write_bytes(b" " * 1_100_000)
    with signed.refused("file.too-large", ExitCode.INVALID):
        signed.promote()
    file.unlink()
    (signed.base / "approval.json").write_bytes(data)
    file.symlink_to(signed.base / "approval.json")
    with signed.refused("file.unreadable", ExitCode.INVALID):
        signed.promote()


def test_the_working_directory_is_gone(signed: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = signed.base / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    from bspec_opa.workflow.checkout.project import find_project

    for start in (Path("behavior.intent"), signed.base / "behavior.intent"):
        with pytest.raises(BspecError, match="working directory is gone"):
            find_project(start, signed.environ, {})
    os.chdir(signed.base)


def test_an_expired_approval_of_yesterday_can_be_given_again(signed: Project) -> None:
    signed.only("approval").unlink()
    signed.approve("environment-admin", valid_for="PT1H")
    signed.now += HOUR
    signed.denied()
    signed.approve("environment-admin", valid_for="PT1H")
    signed.allowed()
