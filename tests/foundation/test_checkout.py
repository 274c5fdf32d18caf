from __future__ import annotations

from pathlib import Path

import pytest

from bspec_opa.foundation.checkout import MARKERS, checkout_around, lies_in


@pytest.mark.attack("A75")
@pytest.mark.parametrize("marker", MARKERS)
def test_the_outermost_marked_directory_is_the_checkout(tmp_path: Path, marker: str) -> None:
    inner = tmp_path / "repository" / "agents" / "a"
    inner.mkdir(parents=True)
    (inner / "bspec-opa.toml").touch()
    (tmp_path / "repository" / marker).touch()
    assert checkout_around(inner, "") == tmp_path / "repository"
    (tmp_path / "link").symlink_to(inner)
    assert checkout_around(tmp_path / "link", "") == tmp_path / "repository"


def test_without_a_mark_it_is_the_directory_itself(tmp_path: Path) -> None:
    assert checkout_around(tmp_path, str(tmp_path.parent / "home")) == tmp_path


def test_what_holds_the_home_is_no_checkout_unless_it_is_marked(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    for directory in (home, tmp_path, Path("/")):
        assert checkout_around(directory, str(home)) is None
    (home / ".git").mkdir()
    assert checkout_around(home, str(home)) == home


def test_where_a_path_leads_counts_and_not_how_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "in" / "deep")
    inside = tmp_path / "in"
    for path in (inside, inside / "deep" / "x", tmp_path / "out" / ".." / "in" / "x", tmp_path / "link" / "opa"):
        assert lies_in(path, inside)
    for path in (tmp_path, tmp_path / "inside", inside / ".." / "out"):
        assert not lies_in(path, inside)
