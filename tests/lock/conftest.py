from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from locksmith import Locksmith

if TYPE_CHECKING:
    from world import World


@pytest.fixture
def smith(world: World) -> Locksmith:
    return Locksmith(world)


@pytest.fixture
def lock(smith: Locksmith) -> Locksmith:
    """Staging, production from it, staging anew, production again, and production back."""
    one, two = smith.binding("one"), smith.binding("two")
    first = smith.add(binding=one)
    live = smith.add("production", binding=one, source=first.digest)
    second = smith.add(binding=two)
    smith.add("production", binding=two, source=second.digest)
    smith.add("production", "rollback", binding=one, target_line=live.digest, source=live.digest)
    return smith
