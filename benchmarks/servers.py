"""A real OPA to ask, with an empty environment."""

from __future__ import annotations

import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import requests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[1]
OPA = ROOT / ".tools" / "bin" / "opa"
CONFTEST = ROOT / ".tools" / "bin" / "conftest"
QUERY = "/v1/data/bspec/gate/decision?strict-builtin-errors=true&provenance=true"
RAW = "raw requests POST of the same body"
START_S = 60.0


@contextmanager
def opa_server(bundle: Path) -> Iterator[str]:
    """The URL of an OPA that has the bundle."""
    with configured_opa(f"--set=bundles.bspec.resource=file://{bundle}") as url:
        yield url


@contextmanager
def polling_opa(server: str, name: str) -> Iterator[str]:
    """The URL of an OPA that waits for each new revision of a bundle at a bundle server."""
    bundle = {"service": "gate", "resource": f"bundles/{name}", "polling.long_polling_timeout_seconds": "60"}
    options = [f"--set=bundles.bspec.{key}={value}" for key, value in bundle.items()]
    with configured_opa(f"--set=services.gate.url={server}", *options) as url:
        yield url


@contextmanager
def configured_opa(*options: str) -> Iterator[str]:
    """The URL of an OPA that has activated the bundles of its options."""
    with tempfile.TemporaryDirectory() as directory:
        port = _free_port()
        arguments = [f"--addr=127.0.0.1:{port}", *options, "--log-level=error"]
        command = [str(OPA), "run", "--server", *arguments]
        process = subprocess.Popen(command, env={}, cwd=directory, stderr=subprocess.DEVNULL)
        url = f"http://127.0.0.1:{port}"
        try:
            _wait(f"{url}/health?bundles", process)
            yield url
        finally:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def raw_post(url: str, body: bytes) -> Callable[[], object]:
    """What somebody does without us: one POST, the answer parsed."""
    session = requests.Session()
    session.trust_env = False

    def post() -> object:
        reply = session.post(url + QUERY, data=body, headers={"Content-Type": "application/json"}, timeout=60)
        return reply.json()["result"]

    return post


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    session = requests.Session()
    session.trust_env = False
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        try:
            if session.get(url, timeout=1).ok:
                return
        except requests.RequestException:
            pass
        time.sleep(0.05)  # OPA tells nobody that it is ready; it has to be asked
    raise SystemExit("OPA has not started")
