"""A validating admission webhook: a pod runs only what the current lock line binds.

    python admission.py behavior.lock --agent billing-support --env production --cert tls.crt --key tls.key

The pod's annotation ``bspec-opa/deployed`` is its report, a ``bspec.deployed/v1`` document. It is held against the lock
by ``bspec-opa verify --deployed``, which needs the project's record beside the lock and BSPEC_OPA_TRUST_PIN. Exit 0
admits; everything else refuses, with the reason. docs/deploying.md
"""

from __future__ import annotations

import argparse
import json
import ssl
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ANNOTATION, LABEL = "bspec-opa/deployed", "bspec-opa/agent"
MAX_BYTES = 4 * 1024 * 1024
SECONDS = 15


@dataclass(frozen=True)
class Gate:
    """What pods are held against.

    Attributes:
        lock: the lock, with the record beside it.
        agent: the only agent that it is of.
        environment: where this cluster is.
    """

    lock: Path
    agent: str
    environment: str

    def refusal(self, pod: dict[str, Any]) -> str:
        """Why a pod may not run; empty if it may."""
        metadata = pod.get("metadata") or {}
        agent = (metadata.get("labels") or {}).get(LABEL)
        report = (metadata.get("annotations") or {}).get(ANNOTATION)
        if agent != self.agent:
            return f"the label {LABEL} is {agent!r}, and this webhook knows {self.agent}"
        if not isinstance(report, str):
            return f"the annotation {ANNOTATION} is missing: nobody says what this pod runs"
        return self._verified(report)

    def _verified(self, report: str) -> str:
        with tempfile.TemporaryDirectory() as directory:
            file = Path(directory, "deployed.json")
            file.write_bytes(report.encode("utf-8", "replace"))
            command = [sys.executable, "-m", "bspec_opa", "verify", str(self.lock), "--deployed", str(file)]
            options = ["--env", self.environment, "--format", "json"]
            try:
                done = subprocess.run([*command, *options], capture_output=True, timeout=SECONDS, check=False)
            except subprocess.TimeoutExpired:
                return f"not verified within {SECONDS} s"
        if done.returncode == 0:
            return ""
        try:
            return "; ".join(str(p["message"]) for p in json.loads(done.stdout)["problems"])
        except (ValueError, KeyError, TypeError):
            return f"bspec-opa verify exits {done.returncode}"


class Handler(BaseHTTPRequestHandler):
    """Answers one AdmissionReview a request."""

    gate: Gate
    timeout = SECONDS

    def do_POST(self) -> None:
        """Admit or refuse; what is no review gets 400, which the API server takes for a failure."""
        try:
            request = json.loads(self.rfile.read(min(int(self.headers["Content-Length"]), MAX_BYTES)))["request"]
            uid, pod = str(request["uid"]), dict(request["object"])
        except (TypeError, ValueError, KeyError):
            self.send_error(400)
            return
        why = self.gate.refusal(pod)
        response: dict[str, Any] = {"uid": uid, "allowed": not why}
        if why:
            response["status"] = {"code": 403, "message": f"bspec-opa: {why}"[:4096]}
        self._answer({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response})

    def _answer(self, review: dict[str, Any]) -> None:
        body = json.dumps(review).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingHTTPServer):
    """One thread a connection, and the handshake in it: a slow client keeps nobody else waiting."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], gate: Gate, tls: ssl.SSLContext) -> None:
        """Listen; nothing is answered yet."""
        super().__init__(address, type("PodHandler", (Handler,), {"gate": gate}))
        self._tls = tls

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Called in the connection's own thread."""
        request.settimeout(SECONDS)
        with self._tls.wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that breaks off, or speaks no TLS, is no news."""


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("lock", type=Path)
    for name in ("--agent", "--env", "--cert", "--key"):
        parser.add_argument(name, required=True)
    parser.add_argument("--host", default="0.0.0.0")  # noqa: S104 - a pod's own address
    parser.add_argument("--port", type=int, default=8443)
    given = parser.parse_args()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(given.cert, given.key)
    with Server((given.host, given.port), Gate(given.lock.absolute(), given.agent, given.env), tls) as server:
        print(f"listening on {server.server_address[1]}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
