"""The paper's billing agent, whole: 9.5.1 promoted, 9.5.2 denied by the organisation, then allowed by another one.

    python examples/billing/demo.py            # in a temporary directory, on the embedded engine
    python examples/billing/demo.py --keep DIR # leave the project there to look at

Keys are made at run time. The numbers of the evaluation results are the demo's own: no agent was evaluated.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import json
import os
import shlex
import shutil
import sys
import tempfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from bspec_opa.cli.main import main as bspec_opa
from bspec_opa.cli.runtime import Runtime
from bspec_opa.foundation.times import format_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

HERE = Path(__file__).parent
PEOPLE = ("alice", "eve", "pat", "dana", "sam", "rita", "fred")
MACHINES = ("root", "gate", "ledger")
ALLOWED, DENIED, PENDING = 0, 4, 5
HOUR_S = 3600

# question, method, cases: enough for both environments of the intent
RUNS = (
    ("boundary", "functional", 60),
    ("privilege", "functional", 120),
    ("constraint", "functional", 40),
    ("boundary", "red-team", 240),
    ("constraint", "adversarial", 120),
)


class DemoError(Exception):
    """A command ended otherwise than the story says."""


@dataclass(frozen=True)
class Stage:
    """A directory to play in.

    Attributes:
        directory: the project.
        environ: environment variables of every command; the state and cache directories lie in the demo's own.
        say: prints a line.
        clock: Unix seconds.
    """

    directory: Path
    environ: Mapping[str, str]
    say: Callable[[str], None]
    clock: Callable[[], int]

    def title(self, text: str) -> None:
        """A headline."""
        self.say(f"\n== {text}\n")

    def run(self, command: str, expected: int = ALLOWED, *, echo: bool = True) -> None:
        """Run one command as a user would type it, and demand its exit code."""
        if echo:
            self.say(f"$ bspec-opa {command}")
        code = bspec_opa(shlex.split(command), Runtime(environ=self.environ, clock=self.clock, err=sys.stdout))
        if code != expected:
            raise DemoError(f"bspec-opa {command}: exit {code}, expected {expected}")
        if code:
            self.say(f"(exit {code})")

    def with_pin(self, pin: str) -> Stage:
        """The same, with the trust pin in the environment."""
        return Stage(self.directory, {**self.environ, "BSPEC_OPA_TRUST_PIN": pin}, self.say, self.clock)


def prepare(directory: Path, organisation: str) -> None:
    """Lay out a project of an organisation; its policies are the shipped bundle of that name."""
    state = directory / ".bspec" / "catalogs"
    state.mkdir(parents=True)
    shutil.copy(HERE / "catalog.yaml", state / "billing.yaml")
    shutil.copytree(HERE / "documents", state / "documents")
    shutil.copytree(HERE / "prompts", directory / "prompts")
    trust = (HERE / "trust.yaml").read_text(encoding="utf-8")
    # The domain keeps one organisation's records out of the other's.
    trust = trust.replace("shipped: default", f"shipped: {organisation}")
    trust = trust.replace("domain: billing-demo", f"domain: billing-{organisation}")
    (directory / "trust.yaml").write_text(trust, encoding="utf-8")
    (directory / "bspec-opa.toml").write_text(f'[bundle]\npath = "{organisation}"\n', encoding="utf-8")
    (directory / "results").mkdir()


def write_results(stage: Stage, out_id: str, tools: list[str]) -> None:
    """What a harness would report after running the agent."""
    finished = stage.clock() - HOUR_S
    for question, method, cases in RUNS:
        name = f"{question}-{method}"
        digest = "sha256:" + sha256(f"{name} {out_id}".encode()).hexdigest()
        result = {
            "schema": "bspec.evaluation-result/v1",
            "question": question,
            "method": method,
            "counts": {"n": cases, "pass": cases, "fail": 0, "error": 0, "skip": 0},
            "probes": [{"scope_out_id": out_id, "cases": cases, "passed": cases}] if question == "boundary" else [],
            "observed_tools": tools,
            "dataset": {"name": "demo", "digest": digest},
            "harness": {"name": "demo", "version": "1", "digest": digest},
            "raw_log": {"digest": digest},
            "started": format_time(finished - HOUR_S),
            "finished": format_time(finished),
        }
        (stage.directory / "results" / f"{name}.json").write_text(json.dumps(result, indent=1), encoding="utf-8")


def use_version(stage: Stage, version: str, prompt: str) -> None:
    """Put one version of the agent into place."""
    shutil.copy(HERE / version / "behavior.intent", stage.directory / "behavior.intent")
    shutil.copy(HERE / "prompts" / prompt, stage.directory / "prompts" / "system.md")


def found_trust(stage: Stage, people: Sequence[str] = PEOPLE) -> Stage:
    """Make everybody's key and sign the trust root; whoever promotes gets the pin."""
    stage.say("$ bspec-opa key generate keys/NAME.pem    # for each of " + ", ".join((*people, *MACHINES)))
    for name in (*people, *MACHINES):
        stage.run(f"key generate keys/{name}.pem --quiet", echo=False)
    stage.run("trust init trust.yaml --key keys/root.pem")
    root = json.loads((stage.directory / ".bspec" / "trust" / "1.root.json").read_text(encoding="utf-8"))
    pin = "sha256:" + sha256(base64.b64decode(root["payload"])).hexdigest()
    return stage.with_pin(pin)


def submit_and_attest(stage: Stage) -> None:
    """Resolve, submit, and sign what the evaluation gave."""
    stage.run("resolve behavior.intent")
    stage.run("submit behavior.intent --key keys/alice.pem --quiet")
    for question, method, _ in RUNS:
        result = f"results/{question}-{method}.json"
        stage.run(f"attest behavior.intent --env staging --result {result} --key keys/eve.pem --quiet")


def approve(stage: Stage, environment: str, **roles: str) -> None:
    """Everybody named approves in a role; the demo prints the first one's view only."""
    for index, (name, role) in enumerate(roles.items()):
        quiet = " --quiet" if index else ""
        role_name = role.replace("_", "-")
        stage.run(f"approve behavior.intent --env {environment} --role {role_name} --key keys/{name}.pem{quiet}")
    stage.run(f"request behavior.intent --env {environment} --key keys/pat.pem --quiet")


PROMOTE = "promote behavior.intent --env {} --gate-key keys/gate.pem --ledger-key keys/ledger.pem"


def first_deployment(stage: Stage) -> None:
    """9.5.1: read-only, one administrator for staging, administrator and security for production."""
    stage.title("9.5.1  An agent that explains invoices: what would the gate say?")
    use_version(stage, "v1", "system.md")
    write_results(stage, "refunds", ["billing_read_api/get_invoice"])
    stage.run("evaluate behavior.intent --env staging", PENDING)
    stage.title("Everybody signs what is theirs to sign")
    submit_and_attest(stage)
    approve(stage, "staging", dana="environment-admin")
    stage.run(PROMOTE.format("staging"))
    stage.title("Production carries the staging line's identities forward")
    stage.run("evaluate behavior.intent --env production", PENDING)
    approve(stage, "production", dana="environment-admin", sam="security")
    stage.run(PROMOTE.format("production"))
    stage.run("verify behavior.lock")


def refunds_denied(stage: Stage) -> None:
    """9.5.2 under 9.6: every approval is there, and the organisation forbids it all the same."""
    stage.title("9.5.2  The agent may issue refunds; everybody approves; the organisation forbids it (9.6)")
    use_version(stage, "v2", "system-with-refunds.md")
    write_results(stage, "price-changes", ["billing_read_api/get_invoice", "billing_write_api/create_refund"])
    submit_and_attest(stage)
    approve(stage, "staging", dana="environment-admin", rita="risk-owner", fred="finance-controller", sam="security")
    stage.run(PROMOTE.format("staging"), DENIED)
    stage.run("verify behavior.lock")


def refunds_elevated(stage: Stage) -> None:
    """The second organisation allows it, but only with the elevated approvals."""
    stage.title("9.5.2  Another organisation allows refunds, with elevated approvals only")
    use_version(stage, "v2", "system-with-refunds.md")
    write_results(stage, "price-changes", ["billing_read_api/get_invoice", "billing_write_api/create_refund"])
    submit_and_attest(stage)
    approve(stage, "staging", dana="environment-admin")
    stage.run(PROMOTE.format("staging"), PENDING)
    approve(stage, "staging", rita="risk-owner")
    stage.run(PROMOTE.format("staging"))
    approve(stage, "production", dana="environment-admin", sam="security", fred="finance-controller")
    stage.run("evaluate behavior.intent --env production", PENDING)
    approve(stage, "production", rita="risk-owner")
    stage.run(PROMOTE.format("production"))
    stage.run("verify behavior.lock")


@contextlib.contextmanager
def entered(directory: Path) -> Iterator[None]:
    """Work in a directory, as a user would."""
    before = Path.cwd()
    os.chdir(directory)
    try:
        yield
    finally:
        os.chdir(before)


def play(base: Path, say: Callable[[str], None], clock: Callable[[], int]) -> None:
    """The whole story below a directory."""
    environ = {"HOME": str(base), "XDG_STATE_HOME": str(base / "state"), "XDG_CACHE_HOME": str(base / "cache")}
    acts = {"default": (first_deployment, refunds_denied), "elevated": (refunds_elevated,)}
    for organisation, story in acts.items():
        directory = base / organisation
        prepare(directory, organisation)
        with entered(directory):
            stage = found_trust(Stage(directory, environ, say, clock))
            for act in story:
                act(stage)
    say("\nThe lock of the first organisation binds version 1.0.0 only; the second one's binds refunds, too.")


def main(arguments: list[str]) -> int:
    """Parse arguments and play; exit 1 when a command ends otherwise than the story says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--keep", type=Path, help="an empty directory to leave the projects in")
    chosen = parser.parse_args(arguments)
    with contextlib.ExitStack() as stack:
        if chosen.keep:
            chosen.keep.mkdir(parents=True, exist_ok=True)
        base = chosen.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        try:
            play(base.absolute(), lambda line: print(line, flush=True), Runtime().clock)
        except DemoError as e:
            print(f"demo failed: {e}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
