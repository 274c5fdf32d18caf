"""What an approver sees of the texts behind digests."""

from __future__ import annotations

from bspec_opa.report.record.texts import differences_text
from bspec_opa.workflow.checkout.texts import TextChange


def test_difference_line_by_line() -> None:
    change = TextChange("component prompt", "a\nb\n", "a\nc\n", known=True)
    assert differences_text([change]) == (
        "text of component prompt\n  --- current\n  +++ new\n  @@ -1,2 +1,2 @@\n   a\n  -b\n  +c\n"
    )


def test_a_text_that_is_not_at_hand_is_said_to_be_missing() -> None:
    text = differences_text([TextChange("component prompt", "", "a\n", known=False)])
    assert text == "text of component prompt\n  not at hand here: only the digests in the view say that it changed\n"


def test_control_characters_are_escaped_and_long_differences_cut() -> None:
    change = TextChange("component prompt", "", "\x1b[2J\n" + "x\n" * 500, known=True)
    lines = differences_text([change]).splitlines()
    assert "  +\\x1b[2J" in lines
    assert lines[-1] == "  … and 104 more lines"
    assert len(lines) == 402


def test_nothing_changed_is_nothing_shown() -> None:
    assert differences_text([]) == ""
