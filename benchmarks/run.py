"""``make bench``: every figure is a ratio to a named rival, measured in the same run.

Rounds of both sides alternate, so that a busy machine slows both; the ratio is of the medians. ``--json FILE`` writes
the figures. Nothing here passes or fails: bounds are stated in docs/performance.md and judged by people.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import requests

from bspec_opa.bundle.shipped import shipped_bundle
from bspec_opa.engine.embedded import EmbeddedEngine
from bspec_opa.engine.rest import RestEngine
from bspec_opa.gate.request import check_request
from bspec_opa.gate.verdict import judge
from bspec_opa.workflow.checkout.deciding import Policy, expectation, policy_of
from bspec_opa.workflow.probe import probe_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

ROOT = Path(__file__).parents[1]
OPA = ROOT / ".tools" / "bin" / "opa"
INTENT = ROOT / "examples" / "billing" / "v1" / "behavior.intent"
NOW = 1_790_000_000
QUERY = "/v1/data/bspec/gate/decision?strict-builtin-errors=true&provenance=true"


class Against(TypedDict):
    """The rival's side of a comparison."""

    rival: Callable[[], object]
    rounds: int


@dataclass(frozen=True)
class Figure:
    """One comparison; times in milliseconds, medians."""

    name: str
    rival: str
    ours_ms: float
    rival_ms: float
    ratio: float
    bound: float


def compare(
    name: str, rival_name: str, *, bound: float, ours: Callable[[], object], rival: Callable[[], object], rounds: int
) -> Figure:
    """Alternate both sides and compare their medians."""
    ours()
    rival()
    mine, theirs = [], []
    for _ in range(rounds):
        mine.append(_timed(ours))
        theirs.append(_timed(rival))
    a, b = statistics.median(mine) * 1e3, statistics.median(theirs) * 1e3
    return Figure(name, rival_name, round(a, 3), round(b, 3), round(a / b, 2), bound)


def _timed(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


@contextmanager
def opa_server(bundle: Path) -> Iterator[str]:
    """A real OPA with the shipped bundle and an empty environment."""
    with tempfile.TemporaryDirectory() as directory:
        port = 18_181
        arguments = [f"--addr=127.0.0.1:{port}", f"--set=bundles.bspec.resource=file://{bundle}", "--log-level=error"]
        process = subprocess.Popen([str(OPA), "run", "--server", *arguments], env={}, cwd=directory)
        url = f"http://127.0.0.1:{port}"
        try:
            _wait(f"{url}/health?bundles")
            yield url
        finally:
            process.kill()
            process.wait()


def _wait(url: str) -> None:
    session = requests.Session()
    session.trust_env = False
    for _ in range(200):
        try:
            if session.get(url, timeout=1).ok:
                return
        except requests.RequestException:
            pass
        time.sleep(0.05)
    raise SystemExit("OPA has not started")


def decisions(policy: Policy, url: str, rounds: int) -> list[Figure]:
    """One decision on the shipped bundle: raw POST, our REST engine, the embedded engine, the gate around it."""
    request = probe_request("staging", NOW)
    body = json.dumps({"input": request}).encode()
    session = requests.Session()
    session.trust_env = False

    def raw() -> object:
        reply = session.post(url + QUERY, data=body, headers={"Content-Type": "application/json"}, timeout=5)
        return reply.json()["result"]

    embedded = EmbeddedEngine(
        policy.bundle.wasm, policy.bundle.data, revision=policy.ref.revision, bundle_digest=policy.ref.digest
    )

    def gate() -> object:
        check_request(request)
        answer = embedded.decide(request)
        return judge(answer.decision, expectation(policy, request))

    rest = RestEngine(url, revision=policy.ref.revision)
    rival = "raw requests POST of the same body"
    against: Against = {"rival": raw, "rounds": rounds}
    with embedded, rest:
        return [
            compare("decision through rest", rival, bound=1.3, ours=lambda: rest.decide(request), **against),
            compare("decision through embedded", rival, bound=0.3, ours=lambda: embedded.decide(request), **against),
            compare("whole gate through embedded", rival, bound=1.0, ours=gate, **against),
        ]


def cold(rounds: int) -> list[Figure]:
    """Whole processes, warm file and code caches."""
    program = [sys.executable, "-I", "-m", "bspec_opa"]
    rival_name = "a process that builds a schema of 25 pydantic models"

    def run(*arguments: str) -> Callable[[], object]:
        return lambda: subprocess.run([*program, *arguments], stdout=subprocess.DEVNULL, check=False)

    def rival() -> object:
        return subprocess.run([sys.executable, "-I", str(ROOT / "benchmarks" / "rival_cold.py")], check=True)

    against: Against = {"rival": rival, "rounds": rounds}
    return [
        compare("cold validate", rival_name, bound=1.4, ours=run("validate", str(INTENT)), **against),
        compare(
            "cold evaluate", rival_name, bound=2.2, ours=run("evaluate", str(INTENT), "--env", "staging"), **against
        ),
    ]


def table(figures: Sequence[Figure]) -> str:
    """The figures for people."""
    head = f"{'what':<30} {'ms':>9} {'rival ms':>9} {'ratio':>6} {'bound':>6}  rival"
    rows = [
        f"{f.name:<30} {f.ours_ms:>9.2f} {f.rival_ms:>9.2f} {f.ratio:>6.2f} {f.bound:>6.1f}  {f.rival}" for f in figures
    ]
    return "\n".join([head, *rows])


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--cold-rounds", type=int, default=15)
    chosen = parser.parse_args(arguments)
    path = shipped_bundle()
    policy = policy_of(path.read_bytes(), path.name)
    with opa_server(path) as url:
        figures = decisions(policy, url, chosen.rounds)
    figures += cold(chosen.cold_rounds)
    print(table(figures))
    if chosen.json:
        chosen.json.write_text(json.dumps([asdict(f) for f in figures], indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
