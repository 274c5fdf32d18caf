"""An OPA server of our own: started for us alone, gone with us, on a socket that nobody else reaches."""

from __future__ import annotations

import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import weakref
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, cast

from bspec_opa.bundle.rego.capabilities import capabilities
from bspec_opa.engine import keeper
from bspec_opa.engine.deadline import Deadline
from bspec_opa.engine.opa_log import complaint, is_about_the_bundle
from bspec_opa.engine.private_place import private_place
from bspec_opa.engine.reasons import ENDED, NOT_STARTED

if TYPE_CHECKING:
    from collections.abc import Mapping
    from io import FileIO

    from bspec_opa.foundation.errors import BspecError

_STEP_S = 0.01
_STOP_S = 10.0
_LAST_WORDS_S = 1.0
_HEALTH = b"GET /health?bundles HTTP/1.0\r\n\r\n"
_READY = b"HTTP/1.0 200 "
# Without these some builds of Python don't find their own libraries. OPA gets nothing at all.
_KEEPER_VARIABLES = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


class KeptOpa:
    """A running OPA that has loaded a bundle.

    Args:
        opa: the program.
        archive: the bundle's bytes.
        environ: the process's environment: it says where a private directory can be made.
        start_s: seconds until it has to be ready.
        memory_bytes: the most memory that it gets, on Linux.

    Raises:
        EngineError: it doesn't start, refuses the bundle, or is not ready in time. Nothing is left of it.
    """

    def __init__(
        self, opa: Path, archive: bytes, *, environ: Mapping[str, str], start_s: float, memory_bytes: int
    ) -> None:
        self._opa = opa.absolute()
        self._deadline = Deadline()
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._unread = b""
        self._said: list[str] = []
        self._ended: str | None = None
        self._gone = False
        self._directory: Path | None = None
        self._deadline.start(start_s)
        self._keeper = _keeper(self._opa, environ, memory_bytes)
        self._lifeline, self._mouth = cast("FileIO", self._keeper.stdin), cast("FileIO", self._keeper.stdout)
        _LIVING.add(self)
        try:
            self._start(archive)
        except BaseException as e:  # an interrupt, too, must not leave OPA behind
            self.close()
            if isinstance(e, TimeoutError):
                raise self._failure(f"is not ready after {start_s:g} s") from None
            raise

    @property
    def path(self) -> Path:
        """The socket that it listens on."""
        assert self._directory is not None  # noqa: S101 - it has started
        return self._directory / keeper.SOCKET

    def ended(self) -> BspecError | None:
        """Why it can't answer any more, if it has ended by itself; waits a moment for the keeper to notice."""
        with self._lock:
            until = time.monotonic() + _LAST_WORDS_S
            while self._ended is None and time.monotonic() < until and os.getpid() == self._process:
                self._hear(until - time.monotonic())
        if self._ended is None:
            return None
        return ENDED.error(f"the OPA that was started for this {self._ended}{self._quoted()}")

    def close(self) -> None:
        """Stop OPA and remove its directory; may be called again. In a forked child it only lets go of them."""
        self.let_go()
        if os.getpid() != self._process:
            return
        with self._lock:
            if self._keeper.returncode is not None:
                return
            until = time.monotonic() + _STOP_S
            while not self._gone and time.monotonic() < until and self._hear(until - time.monotonic()):
                pass
            if not self._gone:
                self._clean_up()
            self._keeper.wait()
            self._mouth.close()

    def let_go(self) -> None:
        """Close the lifeline."""
        with suppress(OSError):
            self._lifeline.close()

    def _clean_up(self) -> None:
        """The keeper's work, if something has killed it or it hangs.

        It is not reaped yet, so no other group of processes can have got its number.
        """
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._keeper.pid, signal.SIGKILL)
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)

    def _start(self, archive: bytes) -> None:
        self._directory = Path(self._expect("directory"))
        try:
            for name, data in ((keeper.BUNDLE, archive), (keeper.CAPABILITIES, capabilities())):
                file = self._directory / name
                file.touch(0o600, exist_ok=False)
                file.write_bytes(data)
        except OSError as e:
            raise NOT_STARTED.error(f"the bundle can't be written for OPA: {e.strerror}") from e
        with suppress(BrokenPipeError):
            self._lifeline.write(b"!")
        pid = int(self._expect("started"))
        while not self._is_ready(pid):
            self._hear(min(_STEP_S, self._deadline.remaining()))
            self._refuse_ended()

    def _expect(self, word: str) -> str:
        while True:
            heard = self._hear(self._deadline.remaining())
            if heard is not None and heard[0] == word:
                return heard[1]
            self._refuse_ended()

    def _refuse_ended(self) -> None:
        if self._ended is not None:
            raise self._failure(self._ended)
        if any(map(is_about_the_bundle, self._said)):
            raise self._failure("refuses the bundle")

    def _failure(self, what: str) -> BspecError:
        return NOT_STARTED.error(f"{self._opa} {what}{self._quoted()}")

    def _quoted(self) -> str:
        line = complaint(self._said)
        return f"; it says: {line}" if line else ""

    def _hear(self, wait_s: float) -> tuple[str, str] | None:
        """The keeper's next word and its text; None if it says nothing in time or has ended."""
        poll = select.poll()
        poll.register(self._mouth, select.POLLIN)
        while b"\n" not in self._unread:
            if not poll.poll(max(0.0, wait_s) * 1000):
                return None
            block = os.read(self._mouth.fileno(), 65_536)
            if not block:
                self._ended = self._ended or "has lost its keeper"
                return None
            self._unread += block
        line, _, self._unread = self._unread.partition(b"\n")
        word, _, text = line.decode("utf-8", "replace").partition(" ")
        self._note(word, text)
        return word, text

    def _note(self, word: str, text: str) -> None:
        if word == "said":
            self._said.append(text)
        elif word == "failed":
            self._ended = f"can't be started: {ascii(text)[1:-1]}"
        elif word == "refused":
            self._ended = f"does not accept the bundle, it {_how(int(text))}"
        elif word == "ended":
            self._ended = _how(int(text))
        elif word == "gone":
            self._gone = True
            self._ended = self._ended or "was stopped"

    def _is_ready(self, pid: int) -> bool:
        """Whether OPA listens and has activated its bundle (OPA's health API).

        Raises:
            TimeoutError: the time to start is over.
        """
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(self._deadline.remaining())
            try:
                connection.connect(str(self.path))
                self._require_ours(connection, pid)
                connection.sendall(_HEALTH)
                return self._starts_well(connection)
            except TimeoutError:
                raise
            except OSError:
                return False

    def _starts_well(self, connection: socket.socket) -> bool:
        head = b""
        while len(head) < len(_READY):
            connection.settimeout(self._deadline.remaining())
            block = connection.recv(len(_READY) - len(head))
            if not block:
                break
            head += block
        return head == _READY

    def _require_ours(self, connection: socket.socket, pid: int) -> None:
        """Check, where the system tells (unix(7), ``SO_PEERCRED``), that our own child listens."""
        if sys.platform == "linux":
            form = "iII"
            peer, user, _ = struct.unpack(
                form, connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize(form))
            )
            if (peer, user) != (pid, os.geteuid()):
                raise self._failure("doesn't listen itself: another process does")


def _keeper(opa: Path, environ: Mapping[str, str], memory_bytes: int) -> subprocess.Popen[bytes]:
    """The keeper, in a session of its own: Ctrl-C in a terminal reaches us, and we tell it."""
    place = private_place(environ)
    program = [sys.executable, "-I", "-S", keeper.__file__, str(opa), str(place), str(memory_bytes)]
    try:
        return subprocess.Popen(
            program,
            cwd="/",
            env={k: environ[k] for k in _KEEPER_VARIABLES if k in environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            start_new_session=True,
        )
    except OSError as e:
        raise NOT_STARTED.error(f"{program[0]} can't be started: {e.strerror}") from e


def _how(status: int) -> str:
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"


_LIVING: weakref.WeakSet[KeptOpa] = weakref.WeakSet()


def _let_go_of_all() -> None:
    """In a forked child: or its copies of the lifelines would keep OPA alive behind us."""
    for opa in list(_LIVING):
        opa.let_go()


os.register_at_fork(after_in_child=_let_go_of_all)
