"""Witnesses for tests: heads of a small ledger, and real witness processes with a clock of the test's.

    with witness(tmp_path, "w1", now) as w1:          # a process that listens on loopback
        w1.url, w1.clock(now + 60), w1.events(), w1.kill()

Time is read from a file, so a test moves it; ``dies`` makes the process kill itself at a place of its code.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from world import key_of

from bspec_opa.ledger.checkpoint import Checkpoint, sign_checkpoint
from bspec_opa.ledger.merkle import consistency_proof, leaf_hash, root_of
from bspec_opa.trust.witnesses import Witness

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ORIGIN = "acme.example/bspec"
BILLING = "billing.example/bspec"
"""The origin of the ledger in ``tests/project.py``."""
GENUINE = [leaf_hash(bytes([n])) for n in range(40)]
FORKED = [*GENUINE[:5], *(leaf_hash(b"forked %d" % n) for n in range(40))]
EXAMPLE = """\
example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

\u2014 example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
\u2014 witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
"""
"""The example of C2SP tlog-cosignature."""
WAIT_S = 120.0
_PROGRAM = """
import os, signal, sys
from bspec_opa.cli.main import main
from bspec_opa.cli.runtime import Runtime
from bspec_opa.ledger.witness.state import WitnessState
clock, dies, *arguments = sys.argv[1:]
keep = WitnessState.keep
def dying(self, checkpoint):
    if dies == "after":
        keep(self, checkpoint)
    os.kill(os.getpid(), signal.SIGKILL)
if dies:
    WitnessState.keep = dying
sys.exit(main(arguments, Runtime(clock=lambda: int(open(clock).read()))))
"""


def named(name: str) -> Witness:
    """``w1`` is ``w1.example``; its key is ``world.key_of("w1")``."""
    return Witness(f"{name}.example", key_of(name).public)


def head(size: int, leaves: list[bytes] = GENUINE, by: str = "ledger", origin: str = ORIGIN) -> Checkpoint:
    """A signed checkpoint of the first leaves."""
    return sign_checkpoint(origin, size, root_of(leaves[:size]), key_of(by))


def proof(old: int, size: int, leaves: list[bytes] = GENUINE) -> tuple[bytes, ...]:
    """That one goes on from the other."""
    return consistency_proof(leaves[:size], old)


@dataclass
class Process:
    """A running witness."""

    process: subprocess.Popen[str]
    started: Any
    base: Path

    @property
    def url(self) -> str:
        return str(self.started["url"])

    def clock(self, now: int) -> None:
        """Set its time; the file is replaced as a whole."""
        set_clock(self.base, now)

    def event(self) -> Any:
        """The next line of its log."""
        return json.loads(str(self.process.stderr.readline()))  # type: ignore[union-attr]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(WAIT_S)


def set_clock(base: Path, now: int) -> None:
    beside = base / "clock.new"
    beside.write_text(str(now), encoding="ascii")
    beside.replace(base / "clock")


def arguments(base: Path, name: str, *more: str) -> list[str]:
    """Of ``ledger witness``, with key and log in files of a directory; made where they are missing."""
    base.mkdir(exist_ok=True)
    for file, data in (("key.pem", key_of(name).to_pem()), ("ledger.pub.pem", key_of("ledger").public.pem)):
        if not (base / file).exists():
            (base / file).write_bytes(data)
            (base / file).chmod(0o600)
    identity = ["--name", named(name).name, "--key", str(base / "key.pem"), "--state", str(base / "state")]
    return ["ledger", "witness", *identity, "--format", "jsonl", *more]


@contextmanager
def witness(base: Path, name: str, now: int, *more: str, dies: str = "") -> Iterator[Process]:
    """A witness of both origins in a process of its own; its state is begun if there is none."""
    from bspec_opa.ledger.witness.state import begin_state

    given = arguments(base, name, "--listen", "127.0.0.1:0", *more)
    for origin in (ORIGIN, BILLING):
        given += ["--log", f"{origin}={base / 'ledger.pub.pem'}"]
    if not (base / "state").exists():
        begin_state(base / "state", named(name))
    set_clock(base, now)
    pipe = subprocess.PIPE
    program = [sys.executable, "-c", _PROGRAM, str(base / "clock"), dies, *given]
    with subprocess.Popen(program, stdout=pipe, stderr=pipe, text=True) as process:
        guard = threading.Timer(WAIT_S, process.kill)
        guard.start()
        try:
            line = str(process.stdout.readline())  # type: ignore[union-attr]
            assert line, process.stderr.read()  # type: ignore[union-attr]
            yield Process(process, json.loads(line), base)
        finally:
            guard.cancel()
            process.kill()
