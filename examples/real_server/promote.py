"""An agent on an MCP server as the world publishes it: a list of tool names without schemas.

    python examples/real_server/promote.py                        # the list in documents/
    python examples/real_server/promote.py LIST.json OPERATION…   # another list, and what the agent may call

The catalog gives each operation a reviewed privilege floor, because a bare list has no hints to go by. The agent is
promoted to staging and production and its lock verified. Keys are made at run time; no agent was evaluated.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shlex
import shutil
import sys
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from bspec_opa.cli.main import main as bspec_opa
from bspec_opa.cli.runtime import Runtime
from bspec_opa.foundation.times import format_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

HERE = Path(__file__).parent
LIST = HERE / "documents" / "payments.tools.json"
OPERATIONS = ("list_invoices", "list_customers", "retrieve_balance", "search_documentation")
HOUR_S = 3600
CASES = 30

CATALOG = """\
schema: bspec.catalog/v1
tools:
  - id: payments
    class: accounting
    publisher: payments-vendor
    trusted: true  # the floors below were reviewed
    releases:
      - version: "2025-06-18"
        document: {{importer: mcp-tools, path: tools.json}}
        operations:
{floors}
models:
  - class: assistant
    identities:
      - provider: acme
        id: assistant-2026-02-01
        kind: vendor-snapshot
        preview: false
        immutability: provider-asserted
        region: eu
components:
  system-prompt: {{path: components/system-prompt.md}}
"""


class CommandError(Exception):
    """A command ended with another exit code than 0."""


def run(command: str, environ: Mapping[str, str]) -> None:
    """Run one command as a user would type it."""
    print(f"$ bspec-opa {command}", flush=True)
    code = bspec_opa(shlex.split(command), Runtime(environ=environ, err=sys.stdout))
    if code:
        raise CommandError(f"bspec-opa {command}: exit {code}")


def lay_out(directory: Path, tools: Path, operations: Sequence[str]) -> None:
    """An intent for these operations, and a catalog that gives each a reviewed floor."""
    intent = (HERE / "behavior.intent").read_text(encoding="utf-8")
    listed = ", ".join(OPERATIONS)
    (directory / "behavior.intent").write_text(intent.replace(listed, ", ".join(operations)), encoding="utf-8")
    catalogs = directory / ".bspec" / "catalogs"
    catalogs.mkdir(parents=True)
    shutil.copy(tools, catalogs / "tools.json")
    floors = "\n".join(f"          - {{name: {o}, privilege_floor: read}}" for o in operations)
    (catalogs / "payments-helper.yaml").write_text(CATALOG.format(floors=floors), encoding="utf-8")


def write_results(directory: Path, operations: Sequence[str]) -> None:
    """What a harness would report."""
    finished = Runtime().clock() - HOUR_S
    for question in ("boundary", "privilege", "constraint"):
        digest = "sha256:" + sha256(question.encode()).hexdigest()
        probes = [{"scope_out_id": "move-money", "cases": CASES, "passed": CASES}] if question == "boundary" else []
        result = {
            "schema": "bspec.evaluation-result/v1",
            "question": question,
            "method": "functional",
            "counts": {"n": CASES, "pass": CASES, "fail": 0, "error": 0, "skip": 0},
            "probes": probes,
            "observed_tools": [f"payments/{o}" for o in operations],
            "dataset": {"name": "example", "digest": digest},
            "harness": {"name": "example", "version": "1", "digest": digest},
            "raw_log": {"digest": digest},
            "started": format_time(finished - HOUR_S),
            "finished": format_time(finished),
        }
        path = directory / "results" / f"{question}-functional.json"
        path.write_text(json.dumps(result, indent=1), encoding="utf-8")


@contextlib.contextmanager
def entered(directory: Path) -> Iterator[None]:
    """Work in a directory, as a user would."""
    before = Path.cwd()
    os.chdir(directory)
    try:
        yield
    finally:
        os.chdir(before)


def promote(directory: Path, tools: Path, operations: Sequence[str]) -> None:
    """The whole way in an empty directory.

    Raises:
        CommandError: a command was refused; it said why.
    """
    environ = {n: str(directory / n.lower()) for n in ("HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")}
    lay_out(directory, tools.absolute(), operations)
    with entered(directory):
        run("init . --trial-keys --quiet", environ)
        write_results(directory, operations)
        run("trust init trust.yaml --key keys/root.pem --quiet", environ)
        root = json.loads((directory / ".bspec/trust/1.root.json").read_text(encoding="utf-8"))
        environ["BSPEC_OPA_TRUST_PIN"] = pin_of(root)
        run("resolve behavior.intent", environ)
        run("submit behavior.intent --quiet", environ)
        for question in ("boundary", "privilege", "constraint"):
            result = f"results/{question}-functional.json"
            run(f"attest behavior.intent --env staging --result {result} --quiet", environ)
        for environment, roles in (
            ("staging", ("environment-admin",)),
            ("production", ("environment-admin", "security")),
        ):
            for role in roles:
                key = f"keys/{role}.pem"
                run(f"approve behavior.intent --env {environment} --role {role} --key {key} --quiet", environ)
            run(f"request behavior.intent --env {environment} --quiet", environ)
            run(f"promote behavior.intent --env {environment}", environ)
        run("verify behavior.lock", environ)


def pin_of(root: Mapping[str, str]) -> str:
    """The pin of a trust root's version 1: sha256 of the decoded payload."""
    return "sha256:" + sha256(base64.b64decode(root["payload"])).hexdigest()


def main(arguments: Sequence[str]) -> int:
    """Promote; exit 1 when a command is refused."""
    tools = Path(arguments[0]) if arguments else LIST
    operations = tuple(arguments[1:]) or OPERATIONS
    with tempfile.TemporaryDirectory() as directory:
        try:
            promote(Path(directory), tools, operations)
        except CommandError as e:
            print(e, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
