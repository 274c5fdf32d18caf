"""``adopt``, from a trust root that permits it to the lock that says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from shell import RUNS, fill_result

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Shell

    At = Callable[[str], Shell]

PERSON = "  - {id: olaf, group: team:audit, keys: [keys/olaf.pub.pem], roles: [{role: adopter}]}\nagents:\n"
PERMITTED = '{id: production, from: staging, adoption: {until: "2026-07-01T00:00:00Z", role: adopter, count: 1}}'


def permit(shell: Shell) -> None:
    shell.ok("key", "generate", "keys/olaf.pem", "-q")
    text = Path("trust.yaml").read_text(encoding="utf-8")
    assert (text.count("\nagents:\n"), text.count("{id: production, from: staging}")) == (1, 1)
    text = text.replace("agents:\n", PERSON).replace("{id: production, from: staging}", PERMITTED)
    Path("trust.yaml").write_text(text, encoding="utf-8")
    shell.ok("trust", "renew", "trust.yaml", "--key", "keys/root.pem", "-q")
    shown = shell.ok("trust", "show").out
    assert "adopting any agent until 2026-07-01T00:00:00Z by 1 of role adopter" in " ".join(shown.split())


def running() -> None:
    (bound,) = (json.loads(p.read_bytes()) for p in Path(".bspec/bindings").iterdir())
    document = {
        "schema": "bspec.deployed/v1",
        "agent": "billing-support",
        "environment": "production",
        "line": f"sha256:{'0' * 64}",
        "models": [{n: m[n] for n in ("class", "provider", "identity", "region", "digest")} for m in bound["models"]],
        "tools": [
            {n: t[n] for n in ("id", "release", "artifact")} | {"contract_digest": t["contract"]["digest"]}
            for t in bound["tools"]
        ],
        "components": [{n: c[n] for n in ("id", "digest")} for c in bound["components"]],
    }
    Path("running.json").write_text(json.dumps(document), encoding="utf-8")


@pytest.mark.soak
def test_from_the_permission_to_the_lock(shell_at: At) -> None:
    shell = shell_at("bound")
    here = ("behavior.intent", "--env", "production")
    adopt = ("adopt", *here, "--deployed", "running.json")
    running()
    refused = shell(*adopt)
    assert (refused.code, "[adopt.not-permitted]" in refused.err) == (4, True)
    permit(shell)
    shell.ok("submit", "behavior.intent", "-q")
    for environment, runs in RUNS.items():
        for run in runs:
            fill_result(Path("results") / f"{run}.json", shell.now)
            shell.ok("attest", "behavior.intent", "--env", environment, "--result", f"results/{run}.json", "-q")
    pending = shell(*adopt)
    assert pending.code == 5
    assert "bspec-opa request behavior.intent --env production --adopt" in pending.out
    for role in ("environment-admin", "security"):
        asked = shell.ok("approve", *here, "--adopt", "--role", role, "--key", f"keys/{role}.pem")
        assert "adoption  it runs already: no line in the environment before and no soak are asked for" in asked.err
    shell.ok("request", *here, "--adopt", "-q")
    lacking = shell(*adopt)
    assert (lacking.code, "1 person as adopter, and 0 approved exactly this" in lacking.err) == (5, True)
    shell.ok("approve", *here, "--adopt", "--role", "adopter", "--key", "keys/olaf.pem", "-q")
    assert shell.ok(*adopt).lines[0] == "ADOPTED  billing-support 1.0.0 → production"
    told = "in production since 2026-06-01T12:00:00Z"
    assert told in shell.ok("verify").out
    assert shell.ok("verify", "--format", "json").json["lines"][0]["adopted"] == [told]
    assert told in shell.ok("show", "behavior.lock").out
    assert told in " ".join(shell.ok("history", "billing-support").out.split())
    last = shell.ok("audit", "--at", "2026-06-01T12:00:00Z")
    assert told in " ".join(last.out.split())
    shell.ok("audit", "evidence-pack", "pack", "-q")
    assert shell.ok("verify", "--pack", "pack", "--format", "json").json["agents"][0]["lines"][0]["adopted"] == [told]
    assert f"| adopted | {told}" in Path("pack/index.md").read_text(encoding="utf-8")
