"""Keeps one OPA server and its private directory for no longer than somebody wants them.

A program of its own: ``python -I -S keeper.py OPA BASE MEMORY``. What a process started can outlive it, since
nobody cleans up behind ``kill -9``; so everything that must not outlive us is the child of this small process, and
its standard input is the lifeline: a pipe whose other end only we hold. When that end closes, for whatever reason,
OPA is killed and the directory removed. On Linux OPA also dies with its keeper, whatever kills that, and gets no more
than so many bytes of memory: a server has no limit of its own for what one decision takes.

It speaks on standard output, one word and its text a line:

- ``directory PATH``: made, mode 0700. Bundle and capabilities are written there, then a byte on the lifeline.
- ``started PID``: OPA has checked the bundle and serves it; else ``refused STATUS`` of the check, or ``failed WHY``.
- ``said LINE``: from OPA's standard error; only the first few, the rest is dropped.
- ``ended STATUS``: OPA has ended by itself; a negative status is a signal.
- ``gone``: OPA is dead and the directory is removed.

Imports nothing of the package, so that it starts fast and with any search path.
"""

from __future__ import annotations

import os
import resource
import select
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CAPABILITIES = "capabilities.json"
SOCKET = "opa.sock"
BUNDLE = "bundle.tar.gz"
BUNDLE_NAME = "bspec"
CHECK = ("check", "--bundle", BUNDLE, "--capabilities", CAPABILITIES)
"""A server takes no list of allowed builtins: a policy that could reach a network must not get into one."""
LIFELINE, MOUTH = 0, 1
MAX_LINES = 16
MAX_LINE_BYTES = 500
A_YEAR_S = 31_536_000
"""OPA reads the bundle once; it has no switch to turn polling off."""
_BLOCK, _BLOCKS = 65_536, 16
_STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_PR_SET_PDEATHSIG = 1


def main(opa: str, base: str, memory: str) -> None:
    """Keep OPA until the lifeline closes, a signal asks to stop, or OPA ends."""
    os.umask(0o077)
    wakes = _waking_signals()
    directory = os.path.join(base, f"bspec-opa-{os.urandom(8).hex()}")  # noqa: PTH118 - pathlib costs time at start
    keeper = Keeper(opa, directory, int(memory))
    try:
        os.mkdir(directory, 0o700)  # noqa: PTH102 - as above
        say("directory", directory)
        keeper.watch(wakes)
    except OSError as e:
        say("failed", e.strerror or type(e).__name__)
    finally:
        keeper.stop()
        say("gone", "")
        if os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)  # this process, and whatever a wrapper around OPA has left


class Keeper:
    """The child, and what it says."""

    def __init__(self, opa: str, directory: str, memory: int) -> None:
        self._opa = opa
        self._directory = directory
        self._memory = memory
        self._child: subprocess.Popen[bytes] | None = None
        self._serves = False
        self._errors = -1
        self._unread = b""
        self._lines = 0

    def watch(self, wakes: int) -> None:
        """Check the bundle when asked to, and serve it; return when OPA has ended or is to end.

        Raises:
            OSError: OPA can't be started.
        """
        while True:
            sources = [LIFELINE, wakes] + ([self._errors] if self._errors >= 0 else [])
            ready, _, _ = select.select(sources, [], [])
            if self._errors in ready:
                self._listen()
            if LIFELINE in ready:
                if not os.read(LIFELINE, 1):
                    return
                self._start(CHECK)
            if wakes in ready and any(n in _STOPPING for n in os.read(wakes, _BLOCK)):
                return
            if self._child is not None and self._child.poll() is not None and not self._goes_on(self._child.returncode):
                return

    def _goes_on(self, status: int) -> bool:
        """After the end of a child: whether there is another."""
        self._listen()
        if self._serves or status:
            say("ended" if self._serves else "refused", str(status))
            return False
        self._serves = True
        say("started", str(self._start(serving(self._directory))))
        return True

    def stop(self) -> None:
        """Kill OPA and remove the directory."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _start(self, arguments: Sequence[str]) -> int:
        """Start OPA; returns its process number."""
        self._child = subprocess.Popen(
            [self._opa, *arguments],
            cwd=self._directory,
            env={},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            bufsize=0,
            preexec_fn=_bound_to_us(self._memory),  # noqa: PLW1509 - this process has one thread
        )
        assert self._child.stderr is not None  # noqa: S101 - it is a pipe
        self._errors = self._child.stderr.fileno()
        os.set_blocking(self._errors, False)
        return self._child.pid

    def _listen(self) -> None:
        """Read what OPA has written, so that it never waits for a reader; repeat the first lines.

        Not all of it at once: one that never stops writing would keep us from hearing that it has to.
        """
        with suppress(BlockingIOError):
            for _ in range(_BLOCKS):
                if self._errors < 0:
                    return
                block = os.read(self._errors, _BLOCK)
                if not block:
                    self._errors = -1
                    block = b"\n"
                self._repeat(block)

    def _repeat(self, block: bytes) -> None:
        *lines, self._unread = (self._unread + block).split(b"\n")
        self._unread = self._unread[:MAX_LINE_BYTES]
        for line in lines:
            if line and self._lines < MAX_LINES:
                self._lines += 1
                say("said", line[:MAX_LINE_BYTES].decode("utf-8", "replace"))


def serving(directory: str) -> list[str]:
    """What the server is told: one socket, one bundle, no request elsewhere, no log but errors."""
    bundle = f"bundles.{BUNDLE_NAME}"
    return [
        "run",
        "--server",
        f"--addr=unix://{directory}/{SOCKET}",
        "--unix-socket-perm=600",
        f"--set={bundle}.resource=file://{directory}/{BUNDLE}",
        f"--set={bundle}.polling.min_delay_seconds={A_YEAR_S}",
        f"--set={bundle}.polling.max_delay_seconds={A_YEAR_S}",
        "--skip-version-check",
        "--log-level=error",
        "--log-format=json",
    ]


def say(word: str, text: str) -> None:
    """One line to whoever started this; nobody need be listening any more."""
    line = " ".join(text.split())
    with suppress(OSError):
        os.write(MOUTH, f"{word} {line}\n".encode("utf-8", "surrogateescape"))


def _waking_signals() -> int:
    """A descriptor that gives the number of each signal: nothing is ever interrupted in the middle."""
    wakes, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    for number in (*_STOPPING, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    return wakes


def _bound_to_us(memory: int) -> Callable[[], None] | None:
    """On Linux: what a child does before it becomes OPA."""
    if sys.platform != "linux":
        return None
    import ctypes

    return partial(_bind, ctypes.CDLL(None).prctl, os.getpid(), memory)


def _bind(prctl: Callable[[int, int], int], keeper: int, memory: int) -> None:
    """Be killed when the keeper ends, however that happens (prctl(2)); get so much memory (getrlimit(2))."""
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != keeper:
        os._exit(1)  # it died before we asked


if __name__ == "__main__":
    main(*sys.argv[1:])
