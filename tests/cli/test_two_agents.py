"""Two agents in one directory, each with a lock of its own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from shell import APPROVERS, RUNS, fill_result

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Shell

    At = Callable[[str], Shell]


def test_each_has_its_own_lock(shell_at: At) -> None:
    shell = shell_at("staged")
    text = Path("behavior.intent").read_text(encoding="utf-8")
    Path("refunds.intent").write_text(text.replace("billing-support", "refund-support"), encoding="utf-8")
    trust = (
        Path("trust.yaml").read_text(encoding="utf-8").replace("[billing-support]", "[billing-support, refund-support]")
    )
    Path("trust.yaml").write_text(
        re.sub(r"(?m)^(  - \{id: )billing-support(, owners.*)$", r"\g<0>\n\1refund-support\2", trust), encoding="utf-8"
    )
    shell.ok("trust", "renew", "trust.yaml", "--key", "keys/root.pem", "-q")
    at = ("refunds.intent", "--env", "staging")
    shell.ok("resolve", "refunds.intent", "-q")
    shell.ok("submit", "refunds.intent", "-q")
    for run in RUNS["staging"]:
        fill_result(Path(f"results/{run}.json"), shell.now)
        shell.ok("attest", *at, "--result", f"results/{run}.json", "-q")
    for role in APPROVERS["staging"]:
        shell.ok("approve", *at, "--role", role, "--key", f"keys/{role}.pem", "-q")
    shell.ok("request", *at, "-q")
    first = Path("behavior.lock").read_bytes()
    promoted = shell.ok("promote", *at)
    assert "  wrote     refunds.lock" in promoted.lines
    assert promoted.lines[-2].endswith("bspec-opa verify refunds.lock")
    assert Path("behavior.lock").read_bytes() == first
    for lock, agent in (("behavior.lock", "billing-support"), ("refunds.lock", "refund-support")):
        assert shell.ok("verify", lock, "--format", "json").json["agent"] == agent
