"""A shell in a project: verbs run in process through ``main`` with a clock, an environment and streams of their own.

    shell = shell_at("signed")          # a copy of a prepared project, and the working directory is in it
    result = shell("evaluate", "behavior.intent", "--env", "staging")
    result.code, result.out, result.err, result.json

Stages: ``empty`` (nothing), ``bare`` (the intent alone), ``ready`` (init, keys, trust root), ``bound`` (resolved),
``signed`` (all of staging's records in the inbox), ``sequenced`` (in the ledger), ``staged`` (promoted to staging), ``live``
(to production). With ``-asserted`` the trust root believes a sidecar alone.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bspec_opa.cli.main import main
from bspec_opa.cli.runtime import Runtime
from bspec_opa.foundation.times import format_time, parse_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

INTENT = Path(__file__).parents[1] / "examples" / "billing" / "v1" / "behavior.intent"
NOW = parse_time("2026-06-01T12:00:00Z")
RUNS = {
    "staging": ("boundary-functional", "privilege-functional", "constraint-functional"),
    "production": ("boundary-red-team", "constraint-adversarial"),
}
APPROVERS = {"staging": ("environment-admin",), "production": ("environment-admin", "security")}


@dataclass(frozen=True)
class Result:
    """What a verb did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


@dataclass
class Shell:
    """A working directory with a clock and an environment; time stands still until a test moves it."""

    home: Path
    cache: Path
    now: int = NOW
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def environ(self) -> dict[str, str]:
        return {
            "HOME": str(self.home),
            "XDG_CACHE_HOME": str(self.cache),
            "PATH": os.environ["PATH"],
            **self.variables,
        }

    def __call__(self, *arguments: str, out: io.StringIO | None = None) -> Result:
        stream, err = out or io.StringIO(), io.StringIO()
        code = main(arguments, Runtime(environ=self.environ, clock=self.clock, out=stream, err=err))
        return Result(code, stream.getvalue(), err.getvalue())

    def clock(self) -> int:
        """The time; a method, because a process that is given work must be given the clock, too."""
        return self.now

    def ok(self, *arguments: str) -> Result:
        result = self(*arguments)
        assert result.code == 0, f"{arguments}: {result.code}\n{result.out}{result.err}"
        return result

    def pin(self) -> str:
        return self.variables["BSPEC_OPA_TRUST_PIN"]

    # The way to production

    def make_ready(self, assurance: str = "measured") -> None:
        self.ok("init", ".", "--trial-keys", "-q")
        trust = Path("trust.yaml").read_text(encoding="utf-8")
        assert trust.count("{id: staging}") == 1
        demanded = f"{{id: staging, assurance: {assurance}}}"
        Path("trust.yaml").write_text(trust.replace("{id: staging}", demanded), encoding="utf-8")
        made = self.ok("trust", "init", "trust.yaml", "--key", "keys/root.pem", "--format", "json").json
        self.variables["BSPEC_OPA_TRUST_PIN"] = made["pin"]

    def bind(self) -> None:
        self.ok("resolve", "behavior.intent", "-q")

    def sign(self, environment: str = "staging") -> None:
        if environment == "staging":
            self.ok("submit", "behavior.intent", "-q")
        for run in RUNS[environment]:
            fill_result(Path("results") / f"{run}.json", self.now)
            self.ok("attest", "behavior.intent", "--env", environment, "--result", f"results/{run}.json", "-q")
        for role in APPROVERS[environment]:
            key = f"keys/{role}.pem"
            self.ok("approve", "behavior.intent", "--env", environment, "--role", role, "--key", key, "-q")
        self.ok("request", "behavior.intent", "--env", environment, "-q")

    def sequence(self) -> None:
        self.ok("record", "behavior.intent", "-q")

    def promote(self, environment: str = "staging") -> None:
        self.ok("promote", "behavior.intent", "--env", environment, "-q")


def fill_result(path: Path, now: int, *, failed: int = 0) -> None:
    """Fill the template that ``init`` wrote: 200 cases, all passed but these."""
    result = json.loads(path.read_text(encoding="utf-8"))
    result["counts"] = {"n": 200, "pass": 200 - failed, "fail": failed, "error": 0, "skip": 0}
    for probe in result["probes"]:
        probe.update(cases=20, passed=20)
    for member in ("dataset", "harness", "raw_log"):
        result[member]["digest"] = f"sha256:{sha256(f'{member} {path.name}'.encode()).hexdigest()}"
    result |= {"started": format_time(now - 3600), "finished": format_time(now - 1800)}
    path.write_text(json.dumps(result), encoding="utf-8")


def _bare(_: Shell) -> None:
    shutil.copy(INTENT, "behavior.intent")


def _promoted_to_production(shell: Shell) -> None:
    shell.sign("production")
    shell.promote("production")


STEPS: dict[str, tuple[str, Callable[[Shell], None]]] = {
    "bare": ("empty", _bare),
    "ready": ("bare", Shell.make_ready),
    "ready-asserted": ("bare", lambda shell: shell.make_ready("asserted")),
    "bound-asserted": ("ready-asserted", Shell.bind),
    "signed-asserted": ("bound-asserted", Shell.sign),
    "bound": ("ready", Shell.bind),
    "signed": ("bound", Shell.sign),
    "sequenced": ("signed", Shell.sequence),
    "sequenced-asserted": ("signed-asserted", Shell.sequence),
    "staged": ("signed", Shell.promote),
    "live": ("staged", _promoted_to_production),
}


class Shelf:
    """Prepared projects, each made once a test process."""

    def __init__(self, base: Path) -> None:
        self._base = base
        self._made: dict[str, dict[str, str]] = {"empty": {}}
        (base / "empty" / "project").mkdir(parents=True)
        (base / "empty" / "home").mkdir()

    def copy(self, stage: str, target: Path) -> Shell:
        variables = self._make(stage)
        shutil.copytree(self._base / stage, target, dirs_exist_ok=True)
        return Shell(target / "home", self._base / "cache", variables=dict(variables))

    def _make(self, stage: str) -> dict[str, str]:
        if stage not in self._made:
            before, step = STEPS[stage]
            shell = self.copy(before, self._base / stage)
            with contextlib.chdir(self._base / stage / "project"):
                step(shell)
            self._made[stage] = shell.variables
        return self._made[stage]


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    return Shelf(tmp_path_factory.mktemp("shelf"))


@pytest.fixture
def shell_at(shelf: Shelf, tmp_path: Path) -> Iterator[Callable[[str], Shell]]:
    """Make the working directory a copy of a prepared project."""
    with contextlib.ExitStack() as stack:

        def enter(stage: str) -> Shell:
            shell = shelf.copy(stage, tmp_path)
            stack.enter_context(contextlib.chdir(tmp_path / "project"))
            return shell

        yield enter
