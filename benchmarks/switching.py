"""Decisions through a sidecar while bundles switch, against the same sidecar while none does.

The sidecar polls ``bundle serve``. Both sides take turns in the same process, so that a busy machine slows both. Each
switch is a new revision, which the sidecar fetches, compiles and activates while it is asked without a pause.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

from benchmarks.measure import Figure
from benchmarks.servers import QUERY, polling_opa
from bspec_opa.bundle.build.building import repack
from bspec_opa.bundle.read import Bundle, read_bundle
from bspec_opa.bundle.shipped import shipped_bundle
from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.files import write_atomic
from bspec_opa.workflow.probe import probe_request

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NOW = 1_790_000_000
NAME = "acme/production"
STILL = "the same sidecar, no switch"
PERCENTILES = 100


class Sidecar:
    """An OPA that is asked for one decision again and again, and a file that it follows."""

    def __init__(self, url: str, file: Path, bundle: Bundle) -> None:
        self._url = url + QUERY
        self._file = file
        self._bundle = bundle
        self._body = json.dumps({"input": probe_request("staging", NOW)}).encode()
        self._session = requests.Session()
        self._session.trust_env = False
        self._edition = 0

    def ask(self) -> tuple[float, str]:
        """Seconds of one decision, and the revision that decided."""
        start = time.perf_counter()
        reply = self._session.post(self._url, data=self._body, headers={"Content-Type": "application/json"}, timeout=60)
        seconds = time.perf_counter() - start
        if reply.status_code != requests.codes.ok:
            raise SystemExit(f"the sidecar answered with {reply.status_code}")
        return seconds, reply.json()["provenance"]["bundles"]["bspec"]["revision"]

    def still(self, count: int) -> list[float]:
        """So many decisions."""
        return [self.ask()[0] for _ in range(count)]

    def switching(self, least: int) -> list[float]:
        """Decisions until a new revision decides, and at least so many."""
        wanted = self._publish()
        found: list[float] = []
        decided_by = ""
        while decided_by != wanted or len(found) < least:
            seconds, decided_by = self.ask()
            found.append(seconds)
        return found

    def _publish(self) -> str:
        """Replace the file by the same rules with other data; returns the revision."""
        self._edition += 1
        organisation: dict[str, Any] = json.loads(canonical_bytes(self._bundle.organisation))
        organisation["name"] = f"acme-{self._edition}"
        archive = repack(self._bundle, canonical_bytes(organisation), "data.json")
        write_atomic(self._file, archive)
        return read_bundle(archive, "edition").revision


def switching(rounds: int, switches: int, least: int) -> list[Figure]:
    """The figures.

    Args:
        rounds: how often both sides take their turn.
        switches: revisions in each turn.
        least: decisions for each revision, at least.
    """
    archive = shipped_bundle().read_bytes()
    with ExitStack() as stack:
        file = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "bundle.tar.gz"
        write_atomic(file, archive)
        server = stack.enter_context(_bundle_server(file))
        sidecar = Sidecar(stack.enter_context(polling_opa(server, NAME)), file, read_bundle(archive, "default"))
        sidecar.still(least)
        moving: list[float] = []
        still: list[float] = []
        for _ in range(rounds):
            turn = [seconds for _ in range(switches) for seconds in sidecar.switching(least)]
            moving += turn
            still += sidecar.still(len(turn))
    return [_figure("p50", 50, moving, still), _figure("p99", 99, moving, still)]


def _figure(name: str, percentile: int, moving: Sequence[float], still: Sequence[float]) -> Figure:
    ours, rival = (statistics.quantiles(side, n=PERCENTILES)[percentile - 1] * 1e3 for side in (moving, still))
    ratio = round(ours / rival, 2)
    return Figure(f"decision while bundles switch, {name}", STILL, "wall", round(ours, 3), round(rival, 3), ratio, None)


@contextmanager
def _bundle_server(file: Path) -> Iterator[str]:
    """The URL of a bundle server in a process of its own."""
    options = ["--listen", "127.0.0.1:0", "--interval-s", "0.2", "--format", "jsonl"]
    command = [sys.executable, "-m", "bspec_opa", "bundle", "serve", f"{NAME}={file}", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            yield str(json.loads(process.stdout.readline())["url"])
        finally:
            process.terminate()
            process.wait()
