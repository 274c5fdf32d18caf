"""Prepared projects; see ``tests/project.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from project import Project, Shelf

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    """Prepared projects of this process."""
    return Shelf(tmp_path_factory.mktemp("shelf"))


@pytest.fixture
def resolved(shelf: Shelf, tmp_path: Path) -> Project:
    """Nobody has signed anything."""
    return shelf.project("resolved", tmp_path)


@pytest.fixture
def signed(shelf: Shelf, tmp_path: Path) -> Project:
    """Everything for staging lies in the inbox."""
    return shelf.project("signed", tmp_path)


@pytest.fixture
def staged(shelf: Shelf, tmp_path: Path) -> Project:
    """Promoted to staging."""
    return shelf.project("staged", tmp_path)


@pytest.fixture
def ready(shelf: Shelf, tmp_path: Path) -> Project:
    """Everything for production lies in the inbox, and the soak is over."""
    return shelf.project("ready", tmp_path)


@pytest.fixture
def live(shelf: Shelf, tmp_path: Path) -> Project:
    """Promoted to production."""
    return shelf.project("live", tmp_path)


@pytest.fixture
def grown(shelf: Shelf, tmp_path: Path) -> Project:
    """Version 1.1.0 is in staging, after a denial; production has 1.0.0."""
    return shelf.project("grown", tmp_path)


@pytest.fixture
def replaced(shelf: Shelf, tmp_path: Path) -> Project:
    """Version 1.1.0 is in production, too, and 1.0.0 was there before."""
    return shelf.project("replaced", tmp_path)


@pytest.fixture
def back(shelf: Shelf, tmp_path: Path) -> Project:
    """Production is rolled back from 1.1.0 to 1.0.0; staging still has 1.1.0."""
    return shelf.project("back", tmp_path)
