"""Compiled code is never taken from the checkout that is judged."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Shell

    At = Callable[[str], Shell]


@pytest.mark.attack("A75")
@pytest.mark.parametrize("verb", [("evaluate",), ("promote",)])
def test_a_cache_in_the_checkout_is_not_used_and_that_is_said(shell_at: At, verb: tuple[str, ...]) -> None:
    shell = shell_at("signed")
    shell.variables["XDG_CACHE_HOME"] = str(Path(".cache").absolute())
    result = shell.ok(*verb, "behavior.intent", "--env", "staging")
    assert "it lies in the checkout; set XDG_CACHE_HOME to a place outside" in result.out
    assert not Path(".cache").exists()


@pytest.mark.attack("A75")
def test_nor_by_verify(shell_at: At) -> None:
    shell = shell_at("staged")
    shell.variables["XDG_CACHE_HOME"] = str(Path(".cache").absolute())
    shell.ok("verify")
    assert not Path(".cache").exists()
