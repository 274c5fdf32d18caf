"""Promotions whose ledger is in a database: SQLite's file, and a PostgreSQL that two gates write at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from project import HOUR, Project
from promoting import finish, start

from bspec_opa.foundation.digest import digest_of
from bspec_opa.foundation.errors import BspecError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from postgres import Server


@pytest.fixture
def at(signed: Project, postgres: Server, tmp_path: Path) -> Iterator[Callable[[str], Project]]:
    """Everything for staging is signed, and the ledger is in a database."""

    def choose(kind: str) -> Project:
        sqlite = f"sqlite:///{tmp_path}/gate/ledger.sqlite"
        signed.flags["ledger.url"] = sqlite if kind == "sqlite" else postgres.url(postgres.fresh())
        return signed

    yield choose
    postgres.give_back()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_promotion_is_recorded_verified_and_denied_in_a_database(at: Callable[[str], Project], kind: str) -> None:
    project = at(kind)
    outcome = project.allowed()
    state = project.ledger()
    assert state.entries[-1].kind == "promotion"
    assert digest_of(state.entries[-1].record_bytes().rstrip(b"\n")) == outcome.line
    assert not (project.state / "ledger").exists()
    assert [v.current for v in project.verify().lines] == [True]
    assert project.promote().evaluation is None
    project.now += HOUR
    assert "promotion.all.current_request" not in project.denied("production")
    assert project.ledger().entries[-1].kind == "denial"
    # The lock is completed from the database after a crash between the two.
    lines = project.lines()
    project.lock.unlink()
    assert project.promote().restored == 1
    assert project.lines() == lines


@pytest.mark.attack("A45")
@pytest.mark.attack("A46")
def test_two_gates_that_promote_the_same_at_once_record_one_line(at: Callable[[str], Project]) -> None:
    project = at("postgresql")
    url = str(project.flags["ledger.url"])
    said = finish([start(project, "race", url), start(project, "race", url)])
    assert {s["exit"] for s in said} == {0}, said
    (line,) = project.lines()
    assert {s["line"] for s in said} == {digest_of(line)}
    assert [e.kind for e in project.ledger().entries].count("promotion") == 1
    assert [v.current for v in project.verify().lines] == [True]


@pytest.mark.attack("A55")
def test_an_older_copy_of_a_database_is_caught_by_the_memory(at: Callable[[str], Project], tmp_path: Path) -> None:
    project = at("sqlite")
    path = tmp_path / "gate" / "ledger.sqlite"
    project.record()
    copy = path.read_bytes()
    project.allowed()
    path.write_bytes(copy)
    with pytest.raises(BspecError) as caught:
        project.promote()
    assert (caught.value.code, caught.value.exit_code) == ("ledger.rolled-back", ExitCode.TRUST)
    path.unlink()
    with pytest.raises(BspecError, match="has 0 entries") as caught:
        project.promote()
    assert caught.value.code == "ledger.rolled-back"
