"""Every file of tests is looked into: pytest passes by folders of some names without a word."""

from __future__ import annotations

import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def test_no_folder_of_tests_is_passed_by(pytestconfig: pytest.Config) -> None:
    root = Path(__file__).parent
    folders = {part for file in root.rglob("test_*.py") for part in file.relative_to(root).parts[:-1]}
    assert "build" in folders
    passed_by = pytestconfig.getini("norecursedirs")
    assert {f for f in folders for pattern in passed_by if fnmatch.fnmatch(f, pattern)} == set()
