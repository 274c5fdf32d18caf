from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bspec_opa.report.validation import exit_code_of, validation_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Shell

    At = Callable[[str], Shell]


def test_a_valid_intent(shell_at: At) -> None:
    result = shell_at("bare").ok("validate", "behavior.intent")
    assert result.out.startswith("valid  behavior.intent  billing-support 1.0.0  sha256:")
    assert len(result.lines) == 1


def test_every_problem_has_place_hint_and_code(shell_at: At) -> None:
    shell = shell_at("bare")
    text = Path("behavior.intent").read_text(encoding="utf-8")
    Path("bad.intent").write_text(
        text.replace("retention_days", "retension_days").replace("level: full", "level: fall"), encoding="utf-8"
    )
    result = shell("validate", "bad.intent", "behavior.intent")
    assert result.code == 3
    assert 'did you mean "retention_days"?' in result.err
    assert all(line.startswith("bad.intent:") and line.endswith("]") for line in result.err.splitlines())
    assert result.lines[-1] == f"invalid  {len(result.err.splitlines())} errors in 1 of 2 files"


def test_json_holds_every_file_in_order(shell_at: At) -> None:
    shell = shell_at("bare")
    result = shell("validate", "behavior.intent", "missing", "--format", "json")
    assert (result.code, result.err, result.json["exit_code"]) == (3, "", 3)
    assert [(f["file"], f["valid"]) for f in result.json["files"]] == [("behavior.intent", True), ("missing", False)]
    assert [p["code"] for p in result.json["files"][1]["problems"]] == ["file.unreadable"]


def test_one_problem_is_one_error(shell_at: At) -> None:
    result = shell_at("empty")("validate", "missing")
    assert result.lines == ["invalid  1 error in 1 of 1 file"]


@pytest.mark.attack("A72")
def test_nothing_of_a_document_reaches_the_terminal_raw(shell_at: At) -> None:
    shell = shell_at("bare")
    name = "a\x1b[31m\nb.intent"
    text = Path("behavior.intent").read_text(encoding="utf-8")
    Path(name).write_text(text.replace("purpose: ", 'purpose: "\\u001b[2J\\n::set-env" #'), encoding="utf-8")
    result = shell("validate", name)
    assert result.code == 3
    for stream in (result.out, result.err):
        assert "\x1b" not in stream
        assert all(line.startswith(("a\\x1b[31m\\x0ab.intent", "invalid")) for line in stream.splitlines())


@pytest.mark.attack("A41")
def test_nothing_checked_is_not_nothing_wrong() -> None:
    assert exit_code_of([]) != 0
    assert validation_json([])["exit_code"] != 0
