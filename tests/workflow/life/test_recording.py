"""What has to be durable at once is appended whatever happens meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from world import key_of, refused

from bspec_opa.foundation.errors import ExitCode
from bspec_opa.ledger.file_store import FileStore
from bspec_opa.workflow.life.recording import open_authentic
from bspec_opa.workflow.life.revoking import find_target, revoke

if TYPE_CHECKING:
    from project import Project

    from bspec_opa.foundation.canonical import JsonObject


def lose(monkeypatch: pytest.MonkeyPatch, before: Any, times: int = 1) -> list[int]:
    """Something else is done right before the first appends."""
    append, tries = FileStore.append, []

    def interrupted(self: FileStore, *arguments: Any) -> Any:
        tries.append(1)
        if len(tries) <= times:
            monkeypatch.setattr(FileStore, "append", append)
            before()
            monkeypatch.setattr(FileStore, "append", interrupted)
        return append(self, *arguments)

    monkeypatch.setattr(FileStore, "append", interrupted)
    return tries


def something_else(project: Project) -> None:
    own: JsonObject = {"reason": str(project.ledger().size)}
    project.append(("submit", project.forge("submit", own, by="pat")))


def test_a_lost_race_is_run_again(ready: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = open_authentic(ready.root, ready.world)
    target = find_target(opened, "entry:8")
    tries = lose(monkeypatch, lambda: something_else(ready))
    done = revoke(opened, target, "retired", "x", (key_of("pat"), key_of("ledger")))
    entries = ready.ledger().entries
    assert (len(tries), entries[done.put.entry].record_id, done.put.entry) == (2, done.put.record.id, len(entries) - 1)


def test_another_process_may_have_recorded_it_already(staged: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is in the inbox first: whoever records that meanwhile has put it in force."""
    opened = open_authentic(staged.root, staged.world)
    target = find_target(opened, "entry:8")
    lose(monkeypatch, staged.record)
    done = revoke(opened, target, "retired", "x", (key_of("pat"), key_of("ledger")))
    entries = staged.ledger().entries
    assert [e.kind for e in entries].count("revocation") == 1
    assert entries[done.put.entry].record_id == done.put.record.id


def test_it_gives_up_in_the_end_and_leaves_it_in_the_inbox(ready: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = open_authentic(ready.root, ready.world)
    target = find_target(opened, "entry:8")

    lose(monkeypatch, lambda: something_else(ready), times=99)
    with refused("promotion.moved") as e:
        revoke(opened, target, "retired", "x", (key_of("pat"), key_of("ledger")))
    assert "bspec-opa record" in str(e.value)
    assert len(list((ready.inbox / "revocation").iterdir())) == 1


@pytest.mark.soak
def test_in_a_database_as_in_a_file(signed: Project) -> None:
    signed.flags["ledger.url"] = f"sqlite:///{signed.base}/gate/ledger.sqlite"
    signed.allowed()
    opened = open_authentic(signed.root, signed.world)
    done = revoke(opened, find_target(opened, "entry:8"), "retired", "x", (key_of("pat"), key_of("ledger")))
    assert signed.ledger().entries[done.put.entry].record_id == done.put.record.id
    with signed.refused("verify.revoked", ExitCode.TRUST):
        signed.verify()
