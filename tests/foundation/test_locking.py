from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from bspec_opa.foundation.locking import lock_descriptor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[int, int]]:
    descriptors = os.open(tmp_path, os.O_RDONLY), os.open(tmp_path, os.O_RDONLY)
    yield descriptors
    for descriptor in descriptors:
        os.close(descriptor)


@pytest.mark.parametrize(
    ("first", "second", "got"), [(False, False, True), (False, True, False), (True, False, False), (True, True, False)]
)
def test_only_readers_share(pair: tuple[int, int], first: bool, second: bool, got: bool) -> None:
    assert lock_descriptor(pair[0], exclusive=first, wait_s=0)
    assert lock_descriptor(pair[1], exclusive=second, wait_s=0.01) == got


def test_closing_unlocks(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path, os.O_RDONLY)
    assert lock_descriptor(descriptor, exclusive=True, wait_s=0)
    os.close(descriptor)
    again = os.open(tmp_path, os.O_RDONLY)
    assert lock_descriptor(again, exclusive=True, wait_s=0)
    os.close(again)
