"""A sample of what ``make faults`` tries; docs/security/faults.md has the figures of all of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from faults.page import PAGE, Row, read_rows, rendered, row_of
from faults.plan import KEYS
from faults.sample import KILLED
from faults.trying import Try
from project import Shelf

SAMPLE = Path(__file__).with_name("sample.py")


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """What was tried in a process of its own."""
    base = tmp_path_factory.mktemp("faults")
    signed = Shelf(base / "shelf").project("signed", base / "signed")
    arguments = [str(signed.base), str(signed.cache), str(signed.now), str(signed.pin)]
    done = subprocess.run([sys.executable, str(SAMPLE), *arguments], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found: dict[str, list[Any]] = json.loads(done.stdout)
    return found


def survived(found: list[Any]) -> list[tuple[str, str, str]]:
    """Fault, call and outcome of each; nothing is wrong with what was left."""
    assert None not in found
    assert [(t["call"], t["wrong"]) for t in found if t["wrong"]] == []
    return [(t["fault"], t["call"], t["outcome"]) for t in found]


@pytest.mark.attack("A47")
@pytest.mark.attack("A48")
@pytest.mark.attack("A51")
@pytest.mark.parametrize("store", ["file", "sqlite"])
def test_what_goes_wrong_at_a_system_call(tried: dict[str, list[Any]], store: str) -> None:
    *killed, last = survived(tried[store])
    assert killed == [("killed", call, "killed") for call in KILLED[store]]
    assert last[0] == {"file": "ENOSPC", "sqlite": "EIO"}[store]
    assert last[2].startswith(("file.", "ledger."))


@pytest.mark.attack("A51")
def test_a_draft_of_the_trust_root_that_can_not_be_removed(tried: dict[str, list[Any]]) -> None:
    """The version is in place, so it is accepted; what is left of the draft continues nothing."""
    assert survived(tried["trust"]) == [("EIO", "unlink", "done")]


@pytest.mark.attack("A51")
def test_a_directory_that_may_only_be_read(tried: dict[str, list[Any]]) -> None:
    assert survived(tried["directories"]) == [("read-only directory", "all", "file.unwritable")]


@pytest.mark.attack("A17")
def test_a_clock_that_goes_back(tried: dict[str, list[Any]]) -> None:
    """Before what was signed: nothing of it counts yet, and with the right clock everything does."""
    assert survived(tried["clock"]) == [("clock goes back", "3600 s back at each reading", "denied")]


def test_the_figures_are_of_everything_and_nothing_was_lost() -> None:
    text = PAGE.read_text(encoding="utf-8")
    rows = read_rows(text)
    assert list(rows) == list(KEYS)
    assert rendered(rows.values(), KEYS) == text
    assert [r.key for r in rows.values() if r.survived != r.tried or r.killed + r.refused + r.through != r.tried] == []
    assert [r.key for r in rows.values() if not r.tried] == []


def test_a_row_counts_what_it_says() -> None:
    ends = [("killed", ()), ("done", ("gone",)), ("file.unwritable", ())]
    tries = [Try("EIO", "write", n, end, wrong) for n, (end, wrong) in enumerate(ends)]
    row = row_of("file", "record", "EIO", tries)
    assert row == Row("file", "record", "EIO", tried=3, killed=1, refused=1, through=1, survived=2)
    assert read_rows(f"{row}\n") == {row.key: row}
