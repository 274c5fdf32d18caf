from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bspec_opa.foundation.closed_schema import violations
from bspec_opa.workflow.verifying.deployed import DEPLOYED_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Shell

    At = Callable[[str], Shell]


def test_show_renders_every_line(shell_at: At) -> None:
    result = shell_at("live").ok("show")
    assert [line for line in result.lines if line.startswith("line ")] == [
        "line 1  promotion of billing-support → staging  2026-06-01T12:00:00Z",
        "line 2  promotion of billing-support → production  2026-06-01T12:00:00Z",
    ]
    assert "  approvals environment-admin · security" in result.lines
    assert any(
        line.startswith("    + tool billing_read_api added at privilege read, data confidential, world closed")
        for line in result.lines
    )


def test_show_says_where_a_lock_should_be(shell_at: At) -> None:
    result = shell_at("bare")("show")
    assert result.code == 3
    assert result.err.startswith("behavior.lock: ")
    assert result.err.endswith("[lock.missing]\n")


def test_verify_names_lines_approvers_and_what_was_replayed(shell_at: At) -> None:
    result = shell_at("live").ok("verify")
    assert result.lines[0] == "VERIFIED  billing-support  2 lines of behavior.lock"
    assert result.lines[2] == "          approved by environment-admin"
    assert result.lines[4] == "          approved by environment-admin, security"
    assert result.lines[5] == "  ledger  13 entries under a signed checkpoint; trust root version 1"


def test_what_a_deployment_reports_is_compared(shell_at: At) -> None:
    shell = shell_at("live")
    deployed = shell.ok("show", "--deployed", "production").json
    assert violations(DEPLOYED_SCHEMA, deployed) == []
    assert shell.ok("show", "--deployed", "production", "--format", "json").json == deployed
    Path("deployed.json").write_text(json.dumps(deployed, indent=1), encoding="utf-8")
    result = shell.ok("verify", "--deployed", "deployed.json")
    assert "  running deployed.json is exactly what the current line binds" in result.lines
    deployed["tools"][0]["release"] = "9.9.9"
    Path("deployed.json").write_text(json.dumps(deployed, indent=1), encoding="utf-8")
    refused = shell("verify", "--deployed", "deployed.json", "--format", "json")
    assert refused.code == 7
    assert [(p["code"], p["file"], p["hint"]) for p in refused.json["problems"]] == [
        ("verify.deployed-differs", "deployed.json", "deploy 2.0.0")
    ]
    line = refused.json["problems"][0]["line"]
    assert Path("deployed.json").read_text(encoding="utf-8").splitlines()[line - 1] == '   "release": "9.9.9",'


@pytest.mark.parametrize("environment", ["canary", ""])
def test_a_lock_without_a_line_for_what_is_deployed(shell_at: At, environment: str) -> None:
    result = shell_at("live")("show", "--deployed", environment)
    assert (result.code, result.out) == (3, "")
    assert f"there is no line for {environment}, only for staging, production" in result.err
    assert result.err.endswith("[lock.no-line-there]\n")


@pytest.mark.attack("A02")
def test_a_changed_lock_is_a_trust_failure_and_names_the_line(shell_at: At) -> None:
    shell = shell_at("staged")
    lock = Path("behavior.lock")
    lock.write_bytes(lock.read_bytes().replace(b'"sig":"', b'"sig":"A', 1))
    result = shell("verify")
    assert result.code == 7
    assert result.out == ""
    assert "behavior.lock" in result.err


@pytest.mark.attack("A72")
def test_a_lock_by_a_hostile_name(shell_at: At) -> None:
    shell = shell_at("staged")
    name = "x\x1b[1m\n::set-env.lock"
    Path(name).write_bytes(Path("behavior.lock").read_bytes())
    result = shell.ok("verify", name)
    assert result.lines[0] == "VERIFIED  billing-support  1 line of x\\x1b[1m\\x0a::set-env.lock"
