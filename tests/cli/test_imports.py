"""Which heavy libraries each verb imports: exactly those of its row, so that no verb pays for another one's work."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

import click
import pytest
from lint_tree import clean_tree
from packs import pack
from policy_tree import write
from shell import NOW, fill_result

from bspec_opa.bundle.shipped import load_bundle, shipped_bundle
from bspec_opa.cli.main import VERBS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from shell import Shell

    At = Callable[[str], Shell]

HEAVY = {
    "aiohttp",
    "cryptography",
    "difflib",
    "jsonschema",
    "jwt",
    "multiprocessing",
    "prometheus_client",
    "psycopg",
    "pydantic",
    "requests",
    "rfc8785",
    "securesystemslib",
    "semantic_version",
    "sqlalchemy",
    "sqlite3",
    "urllib3",
    "wasmtime",
    "yaml",
}
POLICY_TABLE = f'[policy]\nbase_revision = "{load_bundle(shipped_bundle()).revision}"\nowner = "team:payments"\n'
READS = {"pydantic"}
SIGNS = {"pydantic", "cryptography"}
DECIDES = {"pydantic", "wasmtime"}
ALL = SIGNS | DECIDES
STAGING = ("behavior.intent", "--env", "staging")
ADMIN = ("--role", "environment-admin", "--key", "keys/environment-admin.pem")


# There is nothing to waive.
WAIVE = (
    "--rule",
    "global.tools.no_admin",
    "--finding",
    "/tools/0",
    "--requester",
    "promoter",
    "--reason",
    "x",
    "--valid-for",
    "P1D",
)
IN_SQLITE = ("--ledger-url", "sqlite:///ledger.sqlite")
SIGN = ("default", "--output", "signed.tar.gz")
WITNESS = ("--name", "w", "--key", "keys/root.pem", "--state", "none", "--log", "a=keys/ledger.pub.pem")


class Row(NamedTuple):
    """One command in a project at a stage, its exit code and what it imports."""

    verb: str
    stage: str
    arguments: tuple[str, ...]
    imports: set[str]
    code: int = 0


ROWS = [
    Row("init", "bare", (".", "--trial-keys"), SIGNS),
    Row("validate", "bare", ("behavior.intent",), READS),
    Row("check", "bare", ("behavior.intent",), DECIDES),
    Row("check", "bare", ("behavior.intent", "--format", "sarif"), DECIDES),
    Row("evaluate", "bare", STAGING, DECIDES, 5),
    Row("evaluate", "signed", STAGING, ALL),
    Row("explain", "bare", STAGING, DECIDES),
    Row("explain", "staged", ("entry:6",), ALL),
    Row("resolve", "ready", ("behavior.intent",), READS),
    Row("submit", "bound", ("behavior.intent",), SIGNS),
    Row("attest", "bound", (*STAGING, "--result", "results/boundary-functional.json"), SIGNS),
    Row("approve", "bound", (*STAGING, *ADMIN), ALL | {"difflib"}),
    Row("waive", "bound", (*STAGING, *WAIVE), ALL, 3),
    Row("waivers", "staged", ("behavior.intent",), SIGNS),
    Row("request", "bound", STAGING, SIGNS),
    Row("record", "signed", ("behavior.intent",), SIGNS | {"sqlite3"}),
    Row("promote", "signed", STAGING, ALL | {"sqlite3"}),
    # It is the current line that is named, and no emergency.
    Row("rollback", "staged", ("entry:6", "--env", "staging"), SIGNS, 2),
    Row("review", "staged", ("entry:6", "--env", "staging", "--reason", "x"), SIGNS, 2),
    Row("adopt", "bound", (*STAGING, "--deployed", "missing.json"), SIGNS, 3),
    Row("revoke", "staged", ("entry:6", "--reason", "x"), {"cryptography", "sqlite3"}),
    Row("retire", "staged", ("billing-support", "--all", "--reason", "x"), {"cryptography", "sqlite3"}),
    Row("show", "staged", ("behavior.lock",), set()),
    Row("show", "staged", ("behavior.lock", "--deployed", "staging"), set()),
    Row("verify", "staged", ("behavior.lock",), ALL),
    Row("history", "staged", ("billing-support",), SIGNS),
    Row("audit", "staged", ("--at", "6"), ALL),
    Row("audit evidence-pack", "staged", ("pack",), ALL),
    Row("report", "staged", ("behavior.lock",), ALL),
    Row("normalize", "bare", ("behavior.intent",), READS),
    Row("key generate", "empty", ("new.pem",), {"cryptography"}),
    Row("key show", "ready", ("keys/author.pem",), {"cryptography"}),
    Row("trust init", "ready", ("trust.yaml", "--key", "keys/root.pem"), {"cryptography"}, 2),
    Row("trust show", "ready", (), {"cryptography"}),
    Row("trust renew", "ready", ("trust.yaml", "--key", "keys/root.pem"), {"cryptography"}),
    Row("trust verify", "ready", (), {"cryptography"}),
    Row("trust rotate", "ready", ("--valid-for", "P30D"), {"cryptography"}),
    Row("trust revoke", "staged", ("keys/gate.pub.pem", "--reason", "x", "--mode", "retired"), {"cryptography"}),
    Row("trust sign", "ready", ("missing.json", "--key", "keys/root.pem"), {"cryptography"}, 3),
    Row("trust accept", "ready", ("missing.json",), {"cryptography"}, 3),
    Row("trust restart-ledger", "ready", ("--key", "keys/ledger.pem"), {"cryptography"}, 2),
    Row("policy impact", "staged", ("default",), ALL),
    Row("bundle build", "empty", ("policies", "--output", "new.tar.gz"), {"jsonschema"}),
    Row("bundle inspect", "empty", ("default",), set()),
    Row("bundle export", "empty", ("default", "--output", "new.tar.gz"), set()),
    Row("bundle push", "empty", ("default", "oci:images"), set()),
    Row("bundle pull", "empty", ("oci:images", "--output", "new.tar.gz"), set(), 3),
    Row("bundle sign", "empty", (*SIGN, "--key", "publisher.pem", "--sequence", "1"), {"cryptography", "jwt"}),
    Row("bundle verify", "empty", ("signed.tar.gz", "--key", "publisher.pub.pem"), {"cryptography", "jwt"}),
    Row("bundle diff", "empty", ("default", "elevated"), set()),
    # It ends only where it can't begin; what it serves with is checked before anything is imported to serve it.
    Row("bundle serve", "empty", ("nonsense",), set(), 2),
    # They end where a state, or what could be cosigned, is missing.
    Row("ledger witness", "ready", WITNESS, {"cryptography", "aiohttp", "prometheus_client"}, 2),
    Row("ledger cosign", "staged", ("--witness", "http://127.0.0.1:1"), SIGNS - {"pydantic"}, 7),
    # It ends where the trust root names no head keys.
    Row("ledger head", "staged", (), {"cryptography"}, 7),
    Row("policy new", "empty", ("global/tools/no_shell",), set()),
    Row("policy test", "empty", ("policies",), {"jsonschema"}),
    Row("policy bench", "empty", ("policies", "--repeat", "1"), {"jsonschema", "requests", "urllib3", "wasmtime"}),
    Row("policy lint", "empty", ("policies",), {"jsonschema"}, 0),
    Row("policy doc", "empty", ("default", "--output", "pages", "--format", "html"), set()),
    Row("ledger verify", "staged", (), {"cryptography"}),
    Row("ledger export", "staged", ("public",), {"cryptography"}),
    Row("ledger import", "staged", (".bspec/ledger", "--ledger-path", "elsewhere"), {"cryptography", "sqlite3"}),
    Row("ledger init", "ready", IN_SQLITE, {"sqlalchemy", "sqlite3"}),
    Row("ledger ddl", "empty", (), set()),
    Row("record", "signed", ("behavior.intent", *IN_SQLITE), SIGNS | {"sqlalchemy", "sqlite3"}),
    Row("doctor", "ready", (), ALL),
]


def commands() -> set[str]:
    """Every verb, and those of groups with their own."""
    found = set()
    for verb in VERBS:
        command = importlib.import_module(f"bspec_opa.cli.{verb}").command
        names = command.list_commands(click.Context(command)) if isinstance(command, click.Group) else None
        found |= {verb} if names is None else {f"{verb} {name}" for name in names}
        if isinstance(command, click.Group) and command.invoke_without_command:
            found.add(verb)
    return found


def test_every_verb_has_a_row() -> None:
    assert {row.verb for row in ROWS} == commands()


@pytest.mark.parametrize("row", ROWS, ids=lambda r: f"{r.verb}, {r.stage}")
def test_a_verb_imports_what_it_uses(row: Row, shell_at: At, tmp_path: Path, opa_path: Path) -> None:
    shell = shell_at(row.stage)
    if row.verb == "attest":
        fill_result(tmp_path / "project" / "results" / "boundary-functional.json", shell.now)
    if row.verb == "policy test":
        write(tmp_path / "project", {"bspec-opa.toml": POLICY_TABLE})
        write(tmp_path / "project" / "policies", pack())
    if row.verb in {"bundle build", "policy bench"}:
        write(tmp_path / "project" / "policies", clean_tree())
    if row.verb in {"bundle sign", "bundle verify"}:
        shell.ok("key", "generate", "publisher.pem", "--publisher", "-q")
        shell.ok("bundle", "sign", *SIGN, "--key", "publisher.pem", "--sequence", "1", "-q")
    if row.verb == "policy lint":
        write(tmp_path / "project" / "policies", clean_tree())
    program = (
        "import sys, json\n"
        "from bspec_opa.cli.main import main\n"
        "from bspec_opa.cli.runtime import Runtime\n"
        f"code = main({[*row.verb.split(), *row.arguments]!r}, Runtime(clock=lambda: {NOW}, out=sys.stderr))\n"
        "print(json.dumps([code, sorted(sys.modules)]))\n"
    )
    environment = {**shell.environ, "BSPEC_OPA_OPA": str(opa_path)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    code, modules = json.loads(done.stdout)
    assert (code, set(modules) & HEAVY) == (row.code, row.imports), done.stderr
