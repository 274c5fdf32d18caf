from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Shell

    At = Callable[[str], Shell]

STAGING = ("promote", "behavior.intent", "--env", "staging")


def test_promoted_and_what_comes_next(shell_at: At) -> None:
    result = shell_at("signed").ok(*STAGING)
    assert result.lines[0] == "PROMOTED  billing-support 1.0.0 → staging"
    assert "  approvals environment-admin" in result.lines
    assert (
        "  evidence  boundary (functional) 200/200 · constraint (functional) 200/200 · privilege (functional) 200/200"
        in (result.lines)
    )
    assert "  wrote     behavior.lock" in result.lines
    assert result.lines[-2:] == [
        "next  bspec-opa verify behavior.lock",
        "      bspec-opa evaluate behavior.intent --env production",
    ]
    assert len(Path("behavior.lock").read_bytes().splitlines()) == 1


def test_production_carries_the_binding(shell_at: At) -> None:
    shell = shell_at("staged")
    shell.sign("production")
    result = shell.ok("promote", "behavior.intent", "--env", "production")
    assert result.lines[1].endswith("  carried from staging, unchanged")
    assert result.lines[-1] == "next  bspec-opa verify behavior.lock"


def test_what_is_current_is_left_alone(shell_at: At) -> None:
    shell = shell_at("staged")
    before = Path("behavior.lock").read_bytes()
    result = shell.ok(*STAGING)
    assert result.lines[0] == "CURRENT  exactly this is current in staging; nothing was signed"
    document = shell.ok(*STAGING, "--format", "json").json
    assert (document["schema"], document["exit_code"]) == ("bspec.promotion-current/v1", 0)
    assert Path("behavior.lock").read_bytes() == before


def test_a_lock_that_was_lost_is_restored_and_that_is_said(shell_at: At) -> None:
    shell = shell_at("staged")
    before = Path("behavior.lock").read_bytes()
    Path("behavior.lock").unlink()
    result = shell.ok(*STAGING)
    assert "  restored  behavior.lock: 1 line copied from the ledger" in result.lines
    assert Path("behavior.lock").read_bytes() == before
    Path("behavior.lock").unlink()
    assert shell.ok(*STAGING, "--format", "json").json["restored"] == 1
    assert shell.ok(*STAGING, "--format", "json").json["restored"] == 0


def test_a_denial_is_recorded_and_no_lock_is_written(shell_at: At) -> None:
    shell = shell_at("bound")
    shell.ok("submit", "behavior.intent")
    result = shell(*STAGING)
    assert result.code == 5
    assert result.lines[0].startswith("PENDING  billing-support 1.0.0 → staging")
    assert result.lines[1] == "  no lock written; denial recorded as entry 1"
    assert result.lines[-1] == "      bspec-opa request behavior.intent --env staging"
    assert not Path("behavior.lock").exists()


def test_without_a_binding_nothing_is_recorded(shell_at: At) -> None:
    result = shell_at("ready")(*STAGING)
    assert result.code == 5
    assert result.lines[1] == "  no lock written; nothing was recorded"


def test_json_of_a_promotion_names_line_entry_and_lock(shell_at: At) -> None:
    document = shell_at("signed").ok(*STAGING, "--format", "json").json
    assert (document["verdict"], document["entry"], document["lock"]) == ("allowed", 6, "behavior.lock")
    assert len(document["sequenced"]) == 6
    assert document["next"][0] == "bspec-opa verify behavior.lock"
