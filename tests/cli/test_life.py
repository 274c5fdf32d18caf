"""The verbs of a lock's life as they are typed: where they write, and what a slip of the hand does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Shell

    At = Callable[[str], Shell]

LOG = Path(".bspec/ledger/log.jsonl")
RETIRE = ("retire", "billing-support", "--env", "staging", "--reason", "x")
REVOKE = ("revoke", "entry:6", "--reason", "x")


@pytest.mark.parametrize("command", [RETIRE, REVOKE, ("history", "billing-support"), ("audit", "--at", "3")])
@pytest.mark.parametrize(("project", "code"), [("nosuch", 2), ("../nosuch", 2), ("../other", 7), ("..", 7)])
def test_another_project_is_never_the_one_around_the_working_directory(
    shell_at: At, command: tuple[str, ...], project: str, code: int
) -> None:
    shell, before = shell_at("live"), LOG.read_bytes()
    Path("../other").mkdir()
    result = shell(*command, "--project", project)
    assert (result.code, result.out) == (code, "")
    assert LOG.read_bytes() == before


@pytest.mark.parametrize("named", ["21", "0a7a91dc", "entry:x", "nonsense", ""])
def test_what_is_no_line_is_told_with_the_lines_that_there_are(shell_at: At, named: str) -> None:
    shell = shell_at("live")
    result = shell("rollback", named, "--env", "production")
    assert result.code == 2
    assert "rollback.unknown-line" in result.err
    assert "entry:12" in result.err


@pytest.mark.parametrize("verb", ["rollback", "approve", "waive", "evaluate"])
def test_a_place_where_nothing_of_the_agents_lies_is_told_before_anything(shell_at: At, verb: str) -> None:
    """Its lock would be begun anew there, or could not be written once the line is signed and recorded."""
    shell, before = shell_at("live"), LOG.read_bytes()
    Path("sub").mkdir()
    back = ("--env", "production", "--rollback-to", "entry:12")
    waiver = ("--rule", "r", "--finding", "/", "--reason", "x", "--requester", "p", "--valid-for", "P1D")
    arguments = {
        "rollback": ("entry:6", "--env", "staging", "--intent"),
        "approve": (*back, "--role", "security"),
        "waive": (*back, *waiver),
        "evaluate": back,
    }[verb]
    for place in ("sub/behavior.intent", "nosuch/behavior.intent"):
        result = shell(verb, *arguments, place)
        assert (result.code, "[rollback.no-place]" in result.err) == (2, True), result.err
        assert f"there is neither {place} nor {place.replace('.intent', '.lock')}" in result.err
    assert LOG.read_bytes() == before
    assert [*Path("sub").iterdir()] == []


def test_a_line_is_named_by_the_digits_that_history_prints(shell_at: At) -> None:
    shell = shell_at("live")
    lines = shell.ok("verify", "--format", "json").json["lines"]
    result = shell("revoke", lines[1]["digest"][7:19], "--reason", "x", "--format", "json")
    assert (result.code, result.json["problems"][0]["code"] if result.code else "") == (0, ""), result.out
    assert "verify.revoked" in shell("verify").err


@pytest.mark.parametrize("named", ["behavior.lock", "deadbeef", "0123456789ab"])
def test_what_is_no_record_is_no_key_either(shell_at: At, named: str) -> None:
    result = shell_at("live")("revoke", named, "--reason", "x")
    assert result.code == 2
    assert "revoke.no-such-record" in result.err
