"""A thousand intents through ``evaluate``, against conftest on the same rules, one process for all files.

conftest gets what ``normalize --env staging`` writes for each intent, so it parses JSON where ``evaluate`` reads YAML,
checks it, works out the facts and holds the answer against the index. On one core processor time is compared, which
other work on the machine moves less; on two only the wall time tells. Both sides find the same, or there is no figure.

conftest reads every number as a float and so shows 1790000000 as 1.79e+09, which the gate's guard refuses; its copy of
the guard asks ``x == floor(x)`` instead, which costs less.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.intents import write_intents
from benchmarks.measure import Program, compare
from benchmarks.servers import CONFTEST
from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.workflow.checkout.deciding import Policy, read_policy
from bspec_opa.workflow.checkout.intents import open_intent
from bspec_opa.workflow.checkout.place import open_place
from bspec_opa.workflow.checkout.project import find_project
from bspec_opa.workflow.checkout.session import session_in
from bspec_opa.workflow.checkout.world import World
from bspec_opa.workflow.normalize import evaluation_request_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from benchmarks.measure import Figure

GATE = Path(__file__).with_name("conftest_gate.rego")
NOW = 1_790_000_000
DENIED, FAILED = frozenset({4, 5}), frozenset({1})
SHAPE = "bspec/gate/shape/shape.rego"
_TEXTUAL = '\ttext := lower($"{x}")\n\tnot contains(text, ".")\n\tnot contains(text, "e")\n'
_PACKAGE = re.compile(r"^package (data\.)?(bspec\.rules\.(global|promotion)\.([a-z0-9_-]+)\.\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Rival:
    """conftest's command line, without the files' folder and its own policy."""

    policies: Path
    inputs: Path

    def arguments(self, own: Path) -> list[str]:
        """With the policy that says what to report."""
        bundle = str(self.policies)
        found = [str(CONFTEST), "test", "--policy", bundle, "--policy", str(own), "--data", bundle]
        return [*found, "--output", "json", str(self.inputs)]


def fleet(count: int, rounds: int) -> Iterator[Figure]:
    """The figures."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        files = write_intents(folder / "intents", count)
        policy = read_policy("default")
        rival = prepared(folder, files, policy)
        require_same(folder, rival)
        plain = folder / "rules.rego"
        plain.write_text(rules_alone(policy.bundle.files), encoding="utf-8")
        name = f"{count} intents"
        one, two = frozenset(cores[:1]), frozenset(cores[:2])
        gate = Program(rival.arguments(GATE), FAILED, one)
        yield compare(
            f"{name}, one core",
            "conftest with the gate",
            ours=evaluate(folder, 1, one).processor_time,
            rival=gate.processor_time,
            rounds=rounds,
            bound=1.0,
            unit="cpu",
        )
        yield compare(
            f"{name}, two cores",
            "conftest with the gate",
            ours=evaluate(folder, 2, two).wall_time,
            rival=replace(gate, cores=two).wall_time,
            rounds=rounds,
            bound=0.59,
        )
        yield compare(
            f"{name}, one core",
            "conftest with the rules alone, no gate",
            ours=evaluate(folder, 1, one).processor_time,
            rival=Program(rival.arguments(plain), FAILED, one).processor_time,
            rounds=rounds,
            unit="cpu",
        )


def evaluate(folder: Path, jobs: int, cores: frozenset[int]) -> Program:
    """Our side: from the intents' YAML to the text that a person reads."""
    arguments = ["evaluate", str(folder / "intents"), "--env", "staging", "--jobs", str(jobs)]
    return Program([sys.executable, "-I", "-m", "bspec_opa", *arguments], DENIED, cores)


def prepared(folder: Path, files: list[Path], policy: Policy) -> Rival:
    """What conftest needs: the bundle's Rego and data, and each intent's input."""
    for name, data in policies(policy).items():
        path = folder / "policies" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    inputs = folder / "inputs"
    inputs.mkdir()
    world = World(dict(os.environ), NOW, {})
    place = open_place(find_project(files[0], world.environ, world.flags), policy, world)
    for file in files:
        request = evaluation_request_of(session_in(place, file, open_intent(file)), "staging")
        (inputs / f"{file.parent.name}.json").write_bytes(canonical_bytes(request))
    return Rival(folder / "policies", inputs)


def policies(policy: Policy) -> dict[str, bytes]:
    """The bundle's files that conftest reads, with a guard that takes its floats."""
    found = {n: d for n, d in policy.bundle.files.items() if n.endswith((".rego", "/data.json"))}
    guard = found[SHAPE].decode()
    if _TEXTUAL not in guard:
        raise SystemExit("the guard has changed: conftest's copy must change, too")
    return {**found, SHAPE: guard.replace(_TEXTUAL, "\tx == floor(x)\n").encode()}


def rules_alone(files: Mapping[str, bytes]) -> str:
    """A policy that reports what the rules say, with no gate around them; staging's promotion rules only."""
    lines = ["package main", ""]
    for data in (d.decode() for n, d in sorted(files.items()) if n.startswith("bspec/rules/")):
        package = _PACKAGE.search(data)
        if package is None or (package[3] == "promotion" and package[4] not in {"all", "staging"}):
            continue
        lines += [
            f"{kind} contains found if some found in data.{package[2]}.{kind}\n"
            for kind in ("deny", "warn")
            if re.search(rf"^{kind} ", data, re.MULTILINE)
        ]
    return "\n".join(lines)


def require_same(folder: Path, rival: Rival) -> None:
    """Both sides find the same in every intent."""
    done = subprocess.run(rival.arguments(GATE), check=False, capture_output=True, text=True)
    theirs = {Path(one["filename"]).stem: _told(one["failures"]) for one in json.loads(done.stdout)}
    arguments = ["evaluate", str(folder / "intents"), "--env", "staging", "--format", "jsonl", "--jobs", "1"]
    done = subprocess.run(
        [sys.executable, "-I", "-m", "bspec_opa", *arguments], check=False, capture_output=True, text=True
    )
    ours = {one["agent"]: _said(one["rules"]) for one in map(json.loads, done.stdout.splitlines())}
    if ours != theirs or not ours:
        wrong = next((name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name)), "")
        raise SystemExit(f"the two sides differ: {wrong} {ours.get(wrong)} {theirs.get(wrong)}")


def _told(failures: list[dict[str, object]]) -> set[str]:
    return {str(f["msg"]) for f in failures}


def _said(rules: list[dict[str, list[dict[str, str]]]]) -> set[str]:
    return {finding["message"] for rule in rules for kind in ("denied", "warned") for finding in rule[kind]}
