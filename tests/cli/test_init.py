from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Shell

    At = Callable[[str], Shell]


def test_what_is_written_is_listed_by_directory(shell_at: At) -> None:
    result = shell_at("bare").ok("init", ".", "--trial-keys")
    assert result.lines[0] == "READY  ."
    assert "  wrote     bspec-opa.toml" in result.lines
    assert (
        "  wrote     keys/  root.pem, gate.pem, ledger.pem, author.pem, evaluator.pem, promoter.pem, "
        "environment-admin.pem, security.pem"
    ) in result.lines
    assert result.lines[-5:] == [
        "  kept      behavior.intent",
        "",
        "next  bspec-opa trust init trust.yaml --key keys/root.pem",
        "      export BSPEC_OPA_TRUST_PIN=…   (trust init prints the line)",
        "      bspec-opa evaluate behavior.intent --env staging",
    ]


@pytest.mark.parametrize("tier", ["low", "medium", "high"])
def test_every_tier_starts_pending_and_not_denied(shell_at: At, tier: str) -> None:
    shell = shell_at("empty")
    made = shell.ok("init", "agent", "--id", "helper", "--tier", tier, "--format", "json").json
    assert made["next"][0] == "cd agent"
    assert shell("validate", "agent/behavior.intent").code == 0
    assert shell("evaluate", "agent/behavior.intent", "--env", "staging").code == 5


def test_nothing_is_overwritten(shell_at: At) -> None:
    shell = shell_at("ready")
    before = {p: p.read_bytes() for p in Path().rglob("*") if p.is_file()}
    result = shell.ok("init", ".", "--trial-keys", "--format", "json").json
    assert result["written"] == []
    assert {p: p.read_bytes() for p in Path().rglob("*") if p.is_file()} == before


def test_a_broken_intent_is_left_alone(shell_at: At) -> None:
    shell = shell_at("empty")
    Path("behavior.intent").write_text("schema: nonsense\n", encoding="utf-8")
    result = shell("init", ".")
    assert result.code == 3
    assert result.err.startswith("behavior.intent:1:")
    assert list(Path().iterdir()) == [Path("behavior.intent")]
