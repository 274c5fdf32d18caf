"""Processes for the fault tests: they append to a file ledger and are killed, raced or starved of disk.

Run as ``python faults.py MODE DIRECTORY KEY_FILE LABEL``; what was acknowledged is printed, one JSON value a line.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tracing import Fault, killed_before, traced

from bspec_opa.foundation.digest import digest_of
from bspec_opa.foundation.errors import BspecError
from bspec_opa.ledger.file_store import FileStore
from bspec_opa.trust.dsse import IN_TOTO_PAYLOAD_TYPE, sign_envelope
from bspec_opa.trust.keys import PrivateKey, PublicKey, load_private_key
from bspec_opa.trust.statement import Subject, record_statement

if TYPE_CHECKING:
    from types import FrameType

    from bspec_opa.foundation.digest import Digest

ORIGIN = "ledger.example/acme"
NOW = 1_777_593_600


def say(value: object) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def record(label: str, key: PrivateKey) -> bytes:
    statement = record_statement("submit", [Subject("behavior.intent", digest_of(label.encode()))], {"nonce": label})
    return sign_envelope(statement.payload(), IN_TOTO_PAYLOAD_TYPE, [key]).to_bytes()


def append(store: FileStore, key: PrivateKey, label: str) -> Digest:
    state = store.read()
    drafted = state.draft(NOW, [("submit", record(label, key))])
    store.append(state.tip, drafted, key)
    return drafted[0].record_id


def write(store: FileStore, key: PrivateKey, label: str) -> None:
    """Append for ever, also after what killed neighbours leave."""
    count = 0
    while True:
        say(insist(store, key, f"{label}-{count}"))
        count += 1


def insist(store: FileStore, key: PrivateKey, label: str) -> Digest:
    """Append, again if others have gone on, or a killed one's append had to be completed first."""
    while True:
        try:
            return append(store, key, label)
        except BspecError as e:
            if e.code != "ledger.race-lost":
                raise


def race(store: FileStore, key: PrivateKey, label: str) -> None:
    """Decide, wait for the starting shot, append."""
    state = store.read()
    drafted = state.draft(NOW, [("submit", record(label, key))])
    say("ready")
    sys.stdin.readline()
    try:
        store.append(state.tip, drafted, key)
    except BspecError as e:
        say([e.code, int(e.exit_code)])
    else:
        say(["won", 0])


def crash(store: FileStore, key: PrivateKey, label: str) -> None:
    """Kill a writer before and after each of its system calls in turn; report what is left each time."""
    begun = store.directory.with_name("begun")
    shutil.copytree(store.directory, begun)
    step, killed = 0, True
    while killed:
        step += 1
        shutil.rmtree(store.directory)
        shutil.copytree(begun, store.directory)
        killed = run_until(step, store, key, label)
        say({"step": step, "killed": killed, **look(store), **go_on(store, key, label)})


def walk(store: FileStore, key: PrivateKey, label: str) -> None:
    """The same before each system call that changes files, SQLite's included: side files there, then side files lost."""
    begun = store.directory.with_name("begun")
    shutil.copytree(store.directory, begun)
    for lost in (False, True):
        step, name = 0, "begin"
        while name:
            step += 1
            shutil.rmtree(store.directory)
            shutil.copytree(begun, store.directory)
            if lost:
                (store.directory / "nodes").unlink()
                (store.directory / "index.sqlite").unlink()
            state = store.read()
            drafted = state.draft(NOW, [("submit", record(label, key)), ("submit", record(label + "+", key))])
            name = killed_before(step, partial(store.append, state.tip, drafted, key))
            say({"lost": lost, "call": name, **look(store), **go_on(store, key, label)})


def calls(store: FileStore, key: PrivateKey, label: str) -> None:
    """The system calls of an append that change something; then those of a first one."""
    fresh = FileStore(store.directory.with_name("fresh"), origin=ORIGIN, keys=[key.public], wait_s=60)
    for place in (store, fresh):
        say(" ".join(traced(partial(append, place, key, label), Fault()).calls))


def run_until(step: int, store: FileStore, key: PrivateKey, label: str) -> bool:
    state = store.read()
    drafted = state.draft(NOW, [("submit", record(label, key)), ("submit", record(label + "+", key))])
    child = os.fork()
    if child == 0:
        sys.setprofile(Killer(step))
        store.append(state.tip, drafted, key)
        sys.setprofile(None)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


class Killer:
    """A profile function that ends the process at its n-th event around a system call."""

    def __init__(self, step: int) -> None:
        self.left = step

    def __call__(self, frame: FrameType, event: str, arg: object) -> None:
        if event in {"c_call", "c_return"} and (is_system_call(arg) or is_of_sqlite(arg)):
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def is_system_call(called: object) -> bool:
    return getattr(called, "__module__", "") in {"posix", "fcntl"}


def is_of_sqlite(called: object) -> bool:
    """The side file's library makes its system calls out of our sight: a kill comes between its statements."""
    return type(getattr(called, "__self__", None)).__module__ == "sqlite3"


def go_on(store: FileStore, key: PrivateKey, label: str) -> dict[str, object]:
    """What a tip, a search and an append find on the side files as they were left, against the whole ledger."""
    whole = store.read()
    found = [store.find(e.record_id) for e in whole.entries]
    agreed = store.tip() == whole.tip and found == list(range(whole.size))
    record_id = insist(store, key, label + "-after")
    return {"agreed": agreed, "after": store.find(record_id), "grown": store.read().size}


def look(store: FileStore) -> dict[str, object]:
    """What a reader finds, and whether an append lies there that was begun."""
    begun, size = store.begun.read(), store.read().size
    return {"begun": begun is not None and begun.checkpoint.size > size, "size": size}


class Full(PrivateKey):
    """A key that fills the disk just before the checkpoint is written."""

    def sign(self, message: bytes) -> bytes:
        limit(8)
        return super().sign(message)


def limit(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def full(store: FileStore, key: PrivateKey, label: str) -> None:
    """Append with no room left: for the lines, then for the checkpoint."""
    room = store.log.stat().st_size + 100
    for where, signer in (("log", key), ("checkpoint", Full(key._native))):
        limit(room if where == "log" else resource.RLIM_INFINITY)
        state = store.read()
        try:
            store.append(state.tip, state.draft(NOW, [("submit", record(label, key))]), signer)
        except BspecError as e:
            say([where, e.code, int(e.exit_code)])
    limit(resource.RLIM_INFINITY)


def main() -> None:
    mode, directory, key_file, label = sys.argv[1:]
    key = load_private_key(Path(key_file))
    keys: list[PublicKey] = [key.public]
    store = FileStore(Path(directory), origin=ORIGIN, keys=keys, wait_s=60)
    {"write": write, "race": race, "crash": crash, "walk": walk, "calls": calls, "full": full}[mode](store, key, label)


if __name__ == "__main__":
    main()
