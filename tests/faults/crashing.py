"""A connection that is lost, or a PostgreSQL that crashes, around any message of a gate."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import tempfile
import threading
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from faults.places import copied
from faults.trying import Try, judged, outcome_of
from faults.works import act
from postgres_relay import Relay
from tracing import beside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from faults.places import Case
    from postgres import Server

LOST, UNANSWERED, CRASHED, CRASHED_AFTER = (
    "connection lost before a message",
    "connection lost after a message",
    "server crashed before a message",
    "server crashed after a message",
)
KINDS = (LOST, UNANSWERED, CRASHED, CRASHED_AFTER)


class Striking(Relay):
    """Strikes once, at the n-th message of the gate: before it arrives, or once its answer is there and before it is told."""

    def __init__(self, directory: Path, server: Path, at: int, kind: str) -> None:
        self.messages, self.at = 0, at
        self.late, self.crashes = kind in {UNANSWERED, CRASHED_AFTER}, kind in {CRASHED, CRASHED_AFTER}
        self.struck = False
        self.wanted, self.done = threading.Event(), threading.Event()
        super().__init__(directory, server)

    def _serve(self) -> None:
        """Go on while the server is away."""
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                try:
                    server.connect(self._server)
                except OSError:
                    client.close()
                    server.close()
                    continue
                self._start(self._to_server, client, server)
                self._start(self._to_client, server, client)

    def _to_server(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(65536):
                self.messages += 1
                if self.messages == self.at and not self.late:
                    self._do()
                    break
                server.sendall(data)
        self._end(client, server)

    def _to_client(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                if self.late and not self.struck and self.messages == self.at:
                    self._do()
                    break
                client.sendall(data)
        self._end(client, server)

    def _do(self) -> None:
        """Have it done by the thread that started the server: the server ends with that thread."""
        self.struck = True
        if self.crashes:
            self.wanted.set()
            self.done.wait()


def strikes(case: Case, kind: str, base: Path, server: Server) -> Iterator[Try]:
    """At each message in turn, until a run sends fewer."""
    for step in count(1):
        tried = strike_at(case, kind, step, base, server)
        if tried is None:
            return
        yield tried


def strike_at(case: Case, kind: str, step: int, base: Path, server: Server) -> Try | None:
    """At one message, counted from 1; None if the run sends fewer."""
    place = Path(tempfile.mkdtemp(prefix="bspec-relay-"))
    try:
        with copied(case, base, server) as project:
            database = str(project.flags["ledger.url"]).partition("@/")[2].partition("?")[0]
            flags = project.flags | {
                "ledger.url": server.url(database).replace(quoted(server.directory), quoted(place))
            }
            through = replace(project, flags=flags)
            relays: list[Striking] = []

            def meanwhile(begin: Callable[[], object], ended: Callable[[], bool]) -> None:
                relays.append(Striking(place, server.directory, step, kind))
                begin()
                while not ended():
                    if relays[0].wanted.wait(0.01):
                        relays[0].wanted.clear()
                        server.stop(signal.SIGQUIT)
                        server.start()
                        relays[0].done.set()

            # The gate is forked before this process has the relay's threads.
            said = json.loads(beside(lambda: act(case.work, through), meanwhile))
            relays[0].stop()
            if not relays[0].struck:
                return None
            return judged(case, project, Try(kind, "message", step, outcome_of(said), ()), said)
    finally:
        shutil.rmtree(place)


def quoted(place: Path) -> str:
    return quote(str(place), safe="")
