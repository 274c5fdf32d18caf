from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Result, Shell

    At = Callable[[str], Shell]


def test_what_is_written_is_listed_by_directory(shell_at: At) -> None:
    result = shell_at("bare").ok("init", ".", "--trial-keys")
    assert result.lines[0] == "READY  ."
    assert "  wrote     bspec-opa.toml" in result.lines
    assert (
        "  wrote     keys/  root.pem, gate.pem, ledger.pem, author.pem, evaluator.pem, promoter.pem, reviewer.pem, "
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


def added(result: Result) -> list[str]:
    """What comes next, without the mark."""
    start = next(n for n, line in enumerate(result.lines) if line.startswith("next  "))
    return [line[6:] for line in result.lines[start:]]


def files() -> set[str]:
    return {str(p) for p in Path().rglob("*") if p.is_file()}


def test_below_a_project_one_more_agent_is_added_to_it(shell_at: At) -> None:
    """No second trust root, configuration or CI; and what is printed is enough to be judged by the first."""
    shell = shell_at("ready")
    before = files()
    result = shell.ok("init", "agents/triage", "--id", "triage")
    assert files() - before == {
        "agents/triage/behavior.intent",
        "agents/triage/components/triage-system-prompt.md",
        "agents/triage/results/boundary-functional.json",
        "agents/triage/results/constraint-functional.json",
        "agents/triage/results/privilege-functional.json",
        ".bspec/catalogs/triage.yaml",
    }
    agent = '- {id: triage, owners: ["team:owners"]}'
    author = (
        '- {id: author-triage, group: "team:owners", keys: [keys/author-triage.pub.pem], '
        "roles: [{role: author, agents: [triage]}]}"
    )
    risk = '- {id: risk-owner, group: "team:risk-owner", keys: [keys/risk-owner.pub.pem], roles: [{role: risk-owner}]}'
    assert added(result) == [
        "bspec-opa key generate keys/author-triage.pem",
        "bspec-opa key generate keys/risk-owner.pem",
        f"add to trust.yaml under agents:  {agent}",
        f"add to trust.yaml under principals:  {author}",
        f"add to trust.yaml under principals:  {risk}",
        "bspec-opa trust renew trust.yaml --key keys/root.pem",
        "bspec-opa evaluate agents/triage/behavior.intent --env staging",
    ]
    unknown = shell("evaluate", "agents/triage/behavior.intent", "--env", "staging")
    assert (unknown.code, unknown.err.rpartition(" ")[2]) == (3, "[trust.unknown-agent]\n")
    trust = Path("trust.yaml").read_text(encoding="utf-8")
    trust = trust.replace("\nagents:\n", f"\n  {author}\n  {risk}\nagents:\n  {agent}\n")
    Path("trust.yaml").write_text(trust, encoding="utf-8")
    for step in (*added(result)[:2], added(result)[5]):
        shell.ok(*step.split()[1:], "-q")
    shell.ok("resolve", "agents/triage/behavior.intent", "-q")
    shell.ok("submit", "agents/triage/behavior.intent", "--key", "keys/author-triage.pem", "-q")
    assert shell("evaluate", "agents/triage/behavior.intent", "--env", "staging").code == 5
    assert shell("evaluate", ".", "--env", "staging").code == 5
    again = shell.ok("init", "agents/triage", "--id", "triage")
    assert not [line for line in again.lines if line.startswith("  wrote")]
    assert added(again) == ["bspec-opa evaluate agents/triage/behavior.intent --env staging"]


def test_agents_of_a_project_share_what_its_catalogs_have(shell_at: At) -> None:
    shell = shell_at("ready")
    shell.ok("init", "agents/first", "--id", "first", "-q")
    shell.ok("init", "agents/second", "--id", "second", "-q")
    first, second = (Path(f".bspec/catalogs/{n}.yaml").read_text(encoding="utf-8") for n in ("first", "second"))
    assert "id: ticket_api" in first
    assert second.splitlines()[1:] == [
        "schema: bspec.catalog/v1",
        "tools: []",
        "models: []",
        "components:",
        '  second-system-prompt: {path: "agents/second/components/second-system-prompt.md"}',
    ]
    for agent in ("first", "second"):
        shell.ok("resolve", f"agents/{agent}/behavior.intent", "-q")


def test_keys_of_newcomers_and_no_others_are_made_at_the_top(shell_at: At) -> None:
    shell = shell_at("ready")
    before = files()
    shell.ok("init", "agents/triage", "--id", "triage", "--trial-keys", "-q")
    assert {f for f in files() - before if f.startswith("keys/")} == {
        f"keys/{name}{suffix}" for name in ("author-triage", "risk-owner") for suffix in (".pem", ".pub.pem")
    }
    assert not Path("agents/triage/keys").exists()


def test_the_first_agent_brings_the_trust_file_of_a_fleet(shell_at: At) -> None:
    shell = shell_at("empty")
    Path("bspec-opa.toml").write_text("", encoding="utf-8")
    result = shell.ok("init", "agents/first", "--id", "first", "--trial-keys")
    assert {"trust.yaml", "keys/root.pem", ".gitignore"} <= files()
    assert {p.name for p in Path("agents/first").iterdir()} == {"behavior.intent", "components", "results"}
    steps = added(result)
    assert steps[0] == "bspec-opa trust init trust.yaml --key keys/root.pem"
    evaluated = shell("evaluate", "agents/first/behavior.intent", "--env", "staging")
    assert added(evaluated) == steps[:2]
    shell.ok(*steps[0].split()[1:], "-q")
    assert shell("evaluate", "agents/first/behavior.intent", "--env", "staging").code == 5


def test_commands_lead_from_where_the_user_stands(shell_at: At) -> None:
    shell = shell_at("ready")
    top = Path.cwd()
    with contextlib.chdir(".."):
        above = added(shell.ok("init", "project/agents/a", "--id", "a"))
    renew = "bspec-opa trust renew {0}/trust.yaml --key {0}/keys/root.pem --project {0}"
    assert renew.format("project") in above
    Path("inside").mkdir()
    with contextlib.chdir("inside"):
        inside = added(shell.ok("init", ".", "--id", "inside"))
        assert renew.format(top) in inside
        shell.ok("init", "../beside", "--id", "beside", "-q")
    assert not Path("beside/trust.yaml").exists()


def test_what_lies_beside_a_project_is_none_of_it(shell_at: At) -> None:
    shell = shell_at("ready")
    shell.ok("init", "../other", "--id", "other", "-q")
    assert Path("../other/trust.yaml").exists()


def test_a_project_that_lists_its_catalogs_is_told_of_another(shell_at: At) -> None:
    shell = shell_at("ready")
    Path("bspec-opa.toml").write_text('[catalogs]\npaths = [".bspec/catalogs/billing-support.yaml"]\n', "utf-8")
    steps = added(shell.ok("init", "agents/a", "--id", "a"))
    assert 'add to bspec-opa.toml, catalogs.paths:  ".bspec/catalogs/a.yaml"' in steps
