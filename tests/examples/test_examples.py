"""Every example runs as its README says, and a plain OPA sidecar decides the billing intent the same way."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sidecars import opa_server

from bspec_opa.bundle.shipped import shipped_bundle
from bspec_opa.cli.main import main
from bspec_opa.cli.runtime import Runtime

if TYPE_CHECKING:
    from collections.abc import Sequence

EXAMPLES = Path(__file__).parents[2] / "examples"
BILLING = EXAMPLES / "billing"


def run_example(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.environ["PATH"], "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, str(EXAMPLES / script), *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def billing(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """The demo's output and the projects that it leaves."""
    base = tmp_path_factory.mktemp("demo") / "kept"
    done = run_example("billing/demo.py", "--keep", str(base))
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, base


def lock_of(base: Path, organisation: str) -> list[dict[str, Any]]:
    out = StringIO()
    assert main(["show", str(base / organisation / "behavior.lock"), "--format", "json"], Runtime(out=out)) == 0
    lines: list[dict[str, Any]] = json.loads(out.getvalue())["lines"]
    return lines


def test_billing_first_deployment(billing: tuple[str, Path]) -> None:
    output, base = billing
    lines = lock_of(base, "default")
    assert [line["environment"] for line in lines] == ["staging", "production"]
    staging, production = (line["predicate"] for line in lines)
    assert production["binding"] == staging["binding"]
    assert {(a["role"], a["principal"]) for a in production["approvals"]} == {
        ("environment-admin", "dana"),
        ("security", "sam"),
    }
    assert staging["binding"]["tools"][0]["release"] == "2.4.1"
    assert output.count("PROMOTED  billing-support 1.0.0") == 2


def test_billing_refunds_are_denied_although_everybody_approves(billing: tuple[str, Path]) -> None:
    output, base = billing
    denied = output[output.index("the organisation forbids it (9.6)") :]
    denied = denied[: denied.index("Another organisation")]
    assert "DENIED  billing-support 1.1.0 → staging" in denied
    assert "global.tools.forbidden_class" in denied
    # The lock still ends with version 1.0.0, and the denial is in the ledger.
    assert len(lock_of(base, "default")) == 2
    last = json.loads((base / "default/.bspec/ledger/log.jsonl").read_text().splitlines()[-1])
    assert last["kind"] == "denial"
    decision = json.loads(base64.b64decode(last["body"]["payload"]))["predicate"]["decision"]
    assert decision["exit_code"] == 4
    # Nothing else stood in the way: every approval and all evidence were there.
    assert [r["id"] for r in decision["rules"] if r["status"] == "deny"] == ["global.tools.forbidden_class"]


def test_billing_shows_the_three_expansions(billing: tuple[str, Path]) -> None:
    output, _ = billing
    view = output[output.index("change: expansion") :]
    items = [line.strip() for line in view[: view.index("models\n")].splitlines() if line.startswith("  + /")]
    assert any("scope action write:refund added" in i for i in items)
    assert any("tool billing_write_api added at privilege write" in i for i in items)


def test_billing_second_organisation_demands_the_elevated_approvals(billing: tuple[str, Path]) -> None:
    output, base = billing
    elevated = output[output.index("Another organisation") :]
    assert elevated.index("PENDING  billing-support 1.1.0 → staging") < elevated.index("PROMOTED")
    production = lock_of(base, "elevated")[1]["predicate"]
    assert {a["role"] for a in production["approvals"]} == {
        "environment-admin",
        "security",
        "finance-controller",
        "risk-owner",
    }


def flat(text: str) -> str:
    """Without line breaks."""
    return " ".join(text.split())


def test_ten_days_and_what_a_stranger_finds_of_them(tmp_path: Path) -> None:
    done = run_example("audit/audit.py", "--keep", str(tmp_path / "kept"))
    assert done.returncode == 0, done.stdout + done.stderr
    _, _, found = done.stdout.partition("The auditor has the folder and the pin, and nothing else")
    refused, _, verified = found.partition("(exit 7)")
    assert "the pack is self-consistent, not authenticated" in refused
    of_pack, _, asked = verified.partition("$ bspec-opa history")
    kinds = re.findall(r"^  (line|rollback|EMERGENCY rollback) \d  (\S+) → (\w+)", of_pack, re.MULTILINE)
    assert kinds == [
        ("line", "1.0.0", "staging"),
        ("line", "1.0.0", "production"),
        ("line", "1.0.1", "staging"),
        ("line", "1.0.1", "production"),
        ("rollback", "1.0.0", "production"),
        ("EMERGENCY rollback", "1.0.1", "production"),
    ]
    assert "reviewed by rob" in of_pack
    of_history, _, of_moments = asked.partition("$ bspec-opa audit")
    for text in (of_pack, of_history, *of_moments.split("$ bspec-opa audit")):
        told = re.search(r"trust root version 2 revoked eve's key [0-9a-f]{12}… \(stolen laptop\); (.+)", flat(text))
        assert told is not None, text
        assert told[1].startswith("compromised: what it signed before ledger entry 30 counts, nothing after that does")
    moments = re.findall(r"^AUTHORISED  billing-support (\S+) → production$", asked, re.MULTILINE)
    assert moments == ["1.0.1", "1.0.0"]
    assert re.findall(r"limit max_steps is (\d+)$", asked.partition("$ bspec-opa audit")[2], re.MULTILINE) == [
        "15",
        "20",
    ]
    index = (tmp_path / "kept" / "auditor" / "evidence" / "index.md").read_text(encoding="utf-8")
    assert "- trust root version 2 revoked eve's key " in index


def test_real_server_example() -> None:
    done = run_example("real_server/promote.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "VERIFIED  payments-helper  2 lines" in done.stdout


VARIANTS: dict[str, tuple[str, str]] = {
    "empty list": ("[]", "the tool list is empty"),
    "empty object": ('{"tools": []}', "the tool list is empty"),
    "unfinished page": ('{"tools": [{"name": "list_invoices"}], "nextCursor": "x"}', "nextCursor"),
    "twice the same": ('[{"name": "list_invoices"}, {"name": "list_invoices"}]', "list_invoices"),
    "unnamed": ('[{"description": "?"}]', "name"),
    "duplicate key": ('{"tools": [{"name": "a", "name": "b"}]}', "duplicate"),
    "truncated": ('[{"name": "list_inv', "tools.json"),
}


@pytest.mark.parametrize("case", VARIANTS)
def test_malformed_tool_lists_are_refused_clearly(case: str, tmp_path: Path) -> None:
    text, expected = VARIANTS[case]
    (tmp_path / "list.json").write_text(text)
    done = run_example("real_server/promote.py", str(tmp_path / "list.json"), "list_invoices")
    assert done.returncode == 1
    refusal = done.stdout.splitlines()[-1]
    assert expected in refusal
    # The place is in the list where its text is at fault, else in the catalog that names it.
    assert re.match(r"(tools\.json|\.bspec/catalogs/payments-helper\.yaml):\d+:\d+: ", refusal)
    assert "Traceback" not in done.stdout + done.stderr


def evaluated(arguments: Sequence[str], directory: Path) -> dict[str, Any]:
    out = StringIO()
    environ = {"HOME": str(directory), "XDG_CACHE_HOME": str(directory / "cache")}
    intent = str(directory / "behavior.intent")
    main(
        ["evaluate", intent, *arguments, "--format", "json"],
        Runtime(environ=environ, out=out, clock=lambda: 1_790_000_000),
    )
    result: dict[str, Any] = json.loads(out.getvalue())
    return result


@pytest.mark.parametrize(("version", "environment"), [("v1", "staging"), ("v1", "production"), ("v2", "staging")])
def test_a_plain_sidecar_decides_the_same_rule_by_rule(
    version: str, environment: str, opa_path: Path, tmp_path: Path
) -> None:
    (tmp_path / "behavior.intent").write_bytes((BILLING / version / "behavior.intent").read_bytes())
    embedded = evaluated(["--env", environment], tmp_path)
    with opa_server(opa_path, shipped_bundle()) as (url, _):
        both = evaluated(["--env", environment, "--opa-url", url], tmp_path)
    assert both["rules"] == embedded["rules"]
    assert both["verdict"] == embedded["verdict"]
    assert both["assurance"] == "cross-checked"
    assert [e["kind"] for e in both["engines"]] == ["rest", "embedded"]
    assert embedded["assurance"] == "measured"


def test_a_stopped_sidecar_is_exit_8_and_nothing_else_answers(opa_path: Path, tmp_path: Path) -> None:
    (tmp_path / "behavior.intent").write_bytes((BILLING / "v1" / "behavior.intent").read_bytes())
    with opa_server(opa_path, shipped_bundle()) as (url, _):
        pass
    failed = evaluated(["--env", "staging", "--opa-url", url], tmp_path)
    assert failed["exit_code"] == 8
    assert [p["code"] for p in failed["problems"]] == ["engine.unreachable"]
