"""Ten days of one agent, and an auditor who was not there.

    python examples/audit/audit.py            # in a temporary directory, on the embedded engine
    python examples/audit/audit.py --keep DIR # leave the project and the auditor's folder there to look at

Two versions are promoted, production goes back to the first, an evaluator's key is revoked, and one night production
goes to the second in an emergency that is reviewed in the morning. Then an auditor gets a folder and a pin, nothing
else, and finds all of that again. The agent, its evaluation results and the people are those of ``examples/billing``.
"""

from __future__ import annotations

import argparse
import contextlib
import shlex
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bspec_opa.cli.runtime import Runtime
from bspec_opa.foundation.times import format_time

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from examples.billing import demo
else:  # a neighbour's file
    sys.path.insert(0, str(Path(__file__).parents[1] / "billing"))
    import demo

DAY_S = 24 * demo.HOUR_S
DAYS = 10
REFUSED = 7
KEYS = "--gate-key keys/gate.pem --ledger-key keys/ledger.pem"
INTENT = "behavior.intent"
REVIEWER = "  - {id: rob, group: team:audit, keys: [keys/rob.pub.pem], roles: [{role: reviewer}]}\n"
SIGN = {
    "staging": {"dana": "environment-admin"},
    "production": {"dana": "environment-admin", "sam": "security"},
}


@dataclass
class Calendar:
    """A clock that the story moves on.

    Attributes:
        now: Unix seconds.
    """

    now: int

    def __call__(self) -> int:
        """The time."""
        return self.now

    def next_day(self, days: int = 1) -> None:
        """Sleep."""
        self.now += days * DAY_S


@dataclass(frozen=True)
class Office:
    """Where the story is played.

    Attributes:
        stage: the project.
        calendar: its clock.
    """

    stage: demo.Stage
    calendar: Calendar

    def day(self, text: str, days: int = 1) -> None:
        """Another day, with a headline."""
        self.calendar.next_day(days)
        self.stage.title(f"{format_time(self.calendar.now)[:10]}  {text}")

    def run(self, command: str, expected: int = demo.ALLOWED) -> None:
        """A command as it would be typed."""
        self.stage.run(command, expected)


def prepare(directory: Path) -> None:
    """The billing agent's project, with one more person who may review."""
    demo.prepare(directory, "default")
    trust = directory / "trust.yaml"
    text = trust.read_text(encoding="utf-8")
    trust.write_text(text.replace("agents:\n", REVIEWER + "agents:\n", 1), encoding="utf-8")


def promote_everywhere(office: Office) -> None:
    """Evidence, signatures and both promotions of what lies in the directory."""
    demo.write_results(office.stage, "refunds", ["billing_read_api/get_invoice"])
    office.run(f"resolve {INTENT} --quiet")
    office.run(f"submit {INTENT} --key keys/alice.pem --quiet")
    for question, method, _ in demo.RUNS:
        result = f"results/{question}-{method}.json"
        office.run(f"attest {INTENT} --env staging --result {result} --key keys/eve.pem --quiet")
    for environment, roles in SIGN.items():
        for name, role in roles.items():
            office.run(f"approve {INTENT} --env {environment} --role {role} --key keys/{name}.pem --quiet")
        office.run(f"request {INTENT} --env {environment} --key keys/pat.pem --quiet")
        office.run(f"promote {INTENT} --env {environment} {KEYS}")


def keep_lock(version: str) -> None:
    """As whoever deploys keeps the lock of every release."""
    Path("kept").mkdir(exist_ok=True)
    shutil.copy("behavior.lock", f"kept/{version}.lock")


def two_promotions(office: Office) -> None:
    """1.0.0, and three days later 1.0.1, which may take fewer steps."""
    office.day("1.0.0 goes to staging and to production")
    demo.use_version(office.stage, "v1", "system.md")
    promote_everywhere(office)
    keep_lock("1.0.0")
    office.day("1.0.1 may take fewer steps", 3)
    text = Path(INTENT).read_text(encoding="utf-8")
    fewer = text.replace("version: 1.0.0", "version: 1.0.1").replace("max_steps: 20", "max_steps: 15")
    Path(INTENT).write_text(fewer, encoding="utf-8")
    promote_everywhere(office)
    keep_lock("1.0.1")


def go_back(office: Office) -> None:
    """Fifteen steps are too few: an ordinary rollback, with everybody's signature."""
    office.day("Fifteen steps are too few: production goes back to 1.0.0")
    target = "--env production --rollback-to kept/1.0.0.lock"
    office.run(f"evaluate {INTENT} {target}", demo.PENDING)
    for number, (name, role) in enumerate(SIGN["production"].items()):
        quiet = " --quiet" if number else ""
        office.run(f"approve {INTENT} {target} --role {role} --key keys/{name}.pem{quiet}")
    office.run(f"request {INTENT} {target} --key keys/pat.pem --reason 'answers break off' --quiet")
    office.run(f"rollback kept/1.0.0.lock --env production {KEYS}")


def revoke_eve(office: Office) -> None:
    """Her laptop is gone. What she signed before stands; what the thief signed counts for nothing."""
    office.day("Eve's laptop is stolen, and her key with it; somebody signs a run in her name")
    # What the ledger held yesterday is good; a checkpoint's second line is the number of its entries.
    size = Path(".bspec/ledger/checkpoint").read_text(encoding="utf-8").splitlines()[1]
    result = "results/boundary-functional.json"
    demo.write_results(office.stage, "refunds", ["billing_read_api/get_invoice"])
    office.run(f"attest {INTENT} --env staging --result {result} --key keys/eve.pem --quiet")
    office.run(f"record {INTENT} --ledger-key keys/ledger.pem --quiet")
    office.run("key generate keys/eve-2.pem --quiet")
    stolen = f"--mode compromised --last-good {size} --reason 'stolen laptop' --add-key eve keys/eve-2.pub.pem"
    office.run(f"trust revoke keys/eve.pub.pem {stolen}")
    office.run("trust sign .bspec/trust/2.draft.json --key keys/root.pem --quiet")
    office.run("trust accept .bspec/trust/2.draft.json --quiet")


def emergency(office: Office) -> None:
    """At night one signature is enough, by the organisation's data; in the morning somebody else looks at it."""
    office.day("At night the agent runs in circles, and nobody in security answers")
    target = "--env production --rollback-to kept/1.0.1.lock --emergency"
    office.run(f"approve {INTENT} {target} --role environment-admin --key keys/dana.pem --quiet")
    office.run(f"request {INTENT} {target} --key keys/pat.pem --reason 'runs in circles' --quiet")
    office.run(f"rollback kept/1.0.1.lock --env production --emergency {KEYS}")
    office.day("In the morning somebody who had no part in it reviews it")
    office.run("review behavior.lock --env production --reason 'the right call' --key keys/rob.pem")
    office.run(f"record {INTENT} --ledger-key keys/ledger.pem --quiet")
    office.run("verify behavior.lock")


def hand_over(office: Office, folder: Path) -> None:
    """All that the auditor gets: a folder. The pin comes from whoever signed the trust root, by another way."""
    office.day("An auditor asks, and is sent a folder")
    office.run(f"audit evidence-pack {shlex.quote(str(folder))} --quiet")


def audit(office: Office, folder: Path, moments: Sequence[tuple[int, str]]) -> None:
    """In an empty home, with the folder and the pin: no key, no checkout, no network."""
    office.stage.title("The auditor has the folder and the pin, and nothing else")
    pin = office.stage.environ["BSPEC_OPA_TRUST_PIN"]
    auditor = demo.Stage(folder.parent, {"HOME": str(folder.parent)}, office.stage.say, office.stage.clock)
    with demo.entered(folder.parent):
        auditor.run(f"verify --pack {folder.name}", REFUSED)
        auditor = auditor.with_pin(pin)
        auditor.run(f"verify --pack {folder.name}")
        auditor.run(f"history billing-support --env production --pack {folder.name}")
        for moment, why in moments:
            auditor.say(f"\n# {why}")
            auditor.run(f"audit --at {format_time(moment)} --env production --pack {folder.name}")


def play(base: Path, say: Callable[[str], None], today: int) -> None:
    """Ten days that end today, below a directory."""
    environ = {"HOME": str(base), "XDG_STATE_HOME": str(base / "state"), "XDG_CACHE_HOME": str(base / "cache")}
    project, desk = base / "project", base / "auditor"
    desk.mkdir()
    prepare(project)
    calendar = Calendar(today - DAYS * DAY_S)
    with demo.entered(project):
        office = Office(demo.found_trust(demo.Stage(project, environ, say, calendar), (*demo.PEOPLE, "rob")), calendar)
        two_promotions(office)
        second = calendar.now
        go_back(office)
        revoke_eve(office)
        emergency(office)
        hand_over(office, desk / "evidence")
    moments = [
        (second + DAY_S // 2, "What could it do after the second promotion?"),
        (second + 3 * DAY_S // 2, "And the day after, when it had gone back?"),
    ]
    audit(office, desk / "evidence", moments)


def main(arguments: list[str]) -> int:
    """Parse arguments and play; exit 1 when a command ends otherwise than the story says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--keep", type=Path, help="an empty directory to leave everything in")
    chosen = parser.parse_args(arguments)
    with contextlib.ExitStack() as stack:
        base = chosen.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        base.mkdir(parents=True, exist_ok=True)
        try:
            play(base.absolute(), lambda line: print(line, flush=True), Runtime().clock())
        except demo.DemoError as e:
            print(f"the story went otherwise: {e}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
