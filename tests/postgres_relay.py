"""A Unix socket between a gate and PostgreSQL that cuts the connection around COMMIT, as a network does."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAME = ".s.PGSQL.5432"
COMMIT = b"COMMIT"


class Relay:
    """Hands bytes on in both directions.

    Attributes:
        cut: ``before``: the COMMIT never arrives; ``after``: it does, and its answer doesn't. Once each time it is set.
        closed: no connection is taken any more.
        commits: how many COMMITs were seen.
        on_cut: done after the COMMIT has arrived and before anybody hears of it.
    """

    def __init__(self, directory: Path, server: Path) -> None:
        self.directory = directory
        self._server = str(server / NAME)
        self.cut = ""
        self.closed = False
        self.close_after_cut = False
        self.commits = 0
        self.on_cut: Callable[[], object] = lambda: None
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(directory / NAME))
        self._listener.listen()
        self._threads: list[threading.Thread] = []
        self._start(self._serve)

    def url(self, database: str) -> str:
        return f"postgresql://gate@/{database}?host={quote(str(self.directory), safe='')}"

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(30)

    def _start(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self.closed:
                    client.close()
                    continue
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._server)
                self._start(self._to_server, client, server)
                self._start(self._to_client, server, client)

    def _to_server(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(65536):
                if COMMIT in data:
                    self.commits += 1
                    if self.cut == "before":
                        break
                server.sendall(data)
        self._end(client, server)

    def _to_client(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                if self.cut == "after" and COMMIT in data:
                    self.on_cut()
                    break
                client.sendall(data)
        self._end(client, server)

    def _end(self, *sockets: socket.socket) -> None:
        if self.cut and self.commits:
            self.cut = ""
            self.closed = self.close_after_cut
        for one in sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
