"""A thousand intents through ``check``, against conftest and ``opa exec`` on the same global rules.

Both rivals get what ``normalize`` writes for each intent, so they parse JSON where ``check`` reads YAML, checks it,
works out the facts, holds the answer against the index and renders findings with their source lines. All three find
the same in every intent, or there is no figure. Of conftest's copy of the guard see :mod:`benchmarks.fleet`; ``opa
exec`` runs the very bundle.

With a team's policies for conftest, both sides run the gate and the team's rules.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.fleet import DENIED, FAILED, GATE, Rival, policies
from benchmarks.intents import write_intents
from benchmarks.measure import Program, compare
from benchmarks.servers import CONFTEST, OPA
from bspec_opa.bundle.shipped import shipped_bundle
from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.workflow.checkout.deciding import read_policy
from bspec_opa.workflow.checkout.intents import open_intent
from bspec_opa.workflow.normalize import check_request_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.measure import Figure

TEAM = Path(__file__).with_name("conftest_policy")
NOW = 1_790_000_000
Found = dict[str, set[tuple[str, str]]]
"""By agent, which message is a denial and which a warning."""


def checking(count: int, rounds: int) -> Iterator[Figure]:
    """The figures."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
    one, two = frozenset(cores[:1]), frozenset(cores[:2])
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        rival = prepared(folder, count)
        gate = Program(rival.arguments(GATE), FAILED, one)
        execute = Program(opa_exec(folder), cores=one)
        team = Program([*rival.arguments(GATE), *_TEAM], FAILED, one)
        require_same(folder, gate, execute, team)
        name = f"check, {count} files"
        yield _processor((f"{name}, one core", "conftest with the gate"), check(folder, 1, one), gate, rounds, 1.0)
        yield compare(
            f"{name}, two cores",
            "conftest with the gate",
            ours=check(folder, 2, two).wall_time,
            rival=replace(gate, cores=two).wall_time,
            rounds=rounds,
            bound=0.59,
        )
        yield _processor((f"{name}, one core", "opa exec with the bundle"), check(folder, 1, one), execute, rounds, 1.0)
        ours = check(folder, 1, one, "--conftest-policy", str(TEAM))
        name = f"{name}, team's"
        yield _processor((name, "conftest with the gate and the team's policies"), ours, team, rounds, 1.0)
        alone = Program(
            [str(CONFTEST), "test", "--policy", str(TEAM), "--namespace", "team", str(rival.inputs)], cores=one
        )
        yield _processor((name, "conftest with the team's policies alone"), ours, alone, rounds, None)


_TEAM = ("--policy", str(TEAM), "--namespace", "main", "--namespace", "team")


def _processor(names: tuple[str, str], ours: Program, rival: Program, rounds: int, bound: float | None) -> Figure:
    mine, theirs = ours.processor_time, rival.processor_time
    return compare(*names, ours=mine, rival=theirs, rounds=rounds, bound=bound, unit="cpu")


def check(folder: Path, jobs: int, cores: frozenset[int], *more: str) -> Program:
    """Our side: from the intents' YAML to the text that a person reads."""
    arguments = ["check", str(folder / "intents"), "--jobs", str(jobs), *more]
    own = ["/usr/bin/env", f"BSPEC_OPA_OPA={OPA}", sys.executable, "-I", "-m", "bspec_opa"]
    return Program([*own, *arguments], DENIED | {0}, cores)


def opa_exec(folder: Path) -> list[str]:
    """OPA on the bundle and every input."""
    bundle = ["--bundle", str(shipped_bundle("default")), "--decision", "bspec/gate/decision"]
    return [str(OPA), "exec", *bundle, str(folder / "inputs")]


def prepared(folder: Path, count: int) -> Rival:
    """The intents, and what the rivals need: the bundle's Rego and data, and each intent's input."""
    for name, data in policies(read_policy("default")).items():
        path = folder / "policies" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    inputs = folder / "inputs"
    inputs.mkdir()
    for file in write_intents(folder / "intents", count):
        request = check_request_of(open_intent(file), NOW)
        (inputs / f"{file.parent.name}.json").write_bytes(canonical_bytes(request))
    return Rival(folder / "policies", inputs)


def require_same(folder: Path, gate: Program, execute: Program, team: Program) -> None:
    """Everybody finds the same in every intent, and something at all."""
    ours = _checked(_said(check(folder, 1, frozenset()).arguments, "--format", "json"))
    sides = {"conftest": _tested(_said(gate.arguments)), "opa exec": _executed(_said(execute.arguments))}
    with_team = check(folder, 1, frozenset(), "--conftest-policy", str(TEAM)).arguments
    theirs = _checked(_said(with_team, "--format", "json"))
    pairs = [(name, ours, side) for name, side in sides.items()]
    for name, mine, others in [*pairs, ("conftest's team", theirs, _tested(_said(team.arguments)))]:
        if mine != others or not any(mine.values()):
            wrong = next((a for a in mine.keys() | others.keys() if mine.get(a) != others.get(a)), "")
            raise SystemExit(f"{name} differs: {wrong} {mine.get(wrong)} {others.get(wrong)}")
    if theirs == ours:
        raise SystemExit("the team's policies find nothing")


def _said(arguments: Sequence[str], *more: str) -> Any:
    done = subprocess.run([*arguments, *more], check=False, capture_output=True)
    return json.loads(done.stdout)


def _checked(document: Any) -> Found:
    kinds = (("deny", "denied"), ("warn", "warned"))
    return {
        file["agent"]: {(k, f["message"]) for r in file["rules"] for k, name in kinds for f in r[name]}
        for file in document["files"]
    }


def _tested(documents: Any) -> Found:
    """What conftest reports; the gate's one rule says itself of what kind a finding is. A namespace is a document."""
    found: Found = {}
    for document in documents:
        here = found.setdefault(Path(document["filename"]).stem, set())
        for name, kind in (("failures", "deny"), ("warnings", "warn")):
            here |= {(f.get("metadata", {}).get("kind", kind), f["msg"]) for f in document.get(name, ())}
    return found


def _executed(document: Any) -> Found:
    return {
        Path(one["path"]).stem: {
            (kind, finding["msg"])
            for rule in one["result"]["global"].values()
            for kind in ("deny", "warn")
            for finding in rule[kind]
        }
        for one in document["result"]
    }
