"""What is current already is said to be, before anybody signs it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from project import Project

NOTE = "exactly this is current in staging already: promote would change nothing"


def test_evaluate_says_what_is_current(staged: Project) -> None:
    assert NOTE in staged.evaluate("staging").notes


def test_a_change_is_not_current(staged: Project) -> None:
    staged.change_intent(("version: 1.0.0", "version: 1.0.1"))
    assert NOTE not in staged.evaluate("staging").notes
