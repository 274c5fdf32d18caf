"""Functions that the tests of the workers run in other processes, which must be able to import them."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bspec_opa.engine.reasons import TRAP
from bspec_opa.foundation.errors import Location

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def calculator(folder: str = "") -> Iterator[Callable[[Any], Any]]:
    """Handles what the tests send; with a folder, a file in it tells of its opening and another of its end."""
    if folder:
        Path(folder, f"{os.getpid()}.opened").touch()
    yield calculated
    if folder:
        Path(folder, f"{os.getpid()}.closed").touch()


def calculated(item: Any) -> Any:
    match item:
        case int():
            return item * item
        case "refuse":
            raise TRAP.error("it is refused", hint="none", at=Location("some.file", 1, 2))
        case "bug":
            raise ZeroDivisionError("a bug")
        case "loop":
            while True:
                time.sleep(0.01)
        case ("die", int(number)):
            os.kill(os.getpid(), number)
            time.sleep(60)
        case ("touch-and-loop", str(name)):
            Path(name, f"{os.getpid()}.looping").touch()
            while True:  # without ever letting the interpreter rest
                pass
    return answered(item)


def answered(item: Any) -> Any:
    match item:
        case ("ready", str(name)):
            Path(name, "ready").touch()
        case "stop-sending":
            Connection._send = _stopping_half_way  # type: ignore[attr-defined]
            return "x" * 1000
        case "large":
            return "x" * 20_000_000
    return os.getpid() if item == "pid" else sorted(sys.modules)


def _stopping_half_way(pipe: Connection, message: bytes, *_: Any) -> None:
    os.write(pipe.fileno(), bytes(message)[: len(message) // 2])
    os.kill(os.getpid(), signal.SIGSTOP)


@contextmanager
def refuses_to_open() -> Iterator[Callable[[Any], Any]]:
    raise TRAP.error("it can't be opened")
    yield calculated


@contextmanager
def dies_on_opening() -> Iterator[Callable[[Any], Any]]:
    if "worker" in __import__("multiprocessing").current_process().name:
        os.kill(os.getpid(), signal.SIGKILL)
    yield calculated


@contextmanager
def stops_before_it_is_ready(folder: str) -> Iterator[Callable[[Any], Any]]:
    """The first process to come does."""
    if _is_first(folder):
        os.kill(os.getpid(), signal.SIGSTOP)
    yield calculated


@contextmanager
def refuses_after_another_was_ready(folder: str) -> Iterator[Callable[[Any], Any]]:
    """The first process to come does, as soon as another one has handled the item that says so."""
    if _is_first(folder):
        while not Path(folder, "ready").exists():
            time.sleep(0.01)
        raise TRAP.error("it can't be opened now")
    yield calculated


def _is_first(folder: str) -> bool:
    try:
        Path(folder, "first").touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


@contextmanager
def never_opens() -> Iterator[Callable[[Any], Any]]:
    time.sleep(600)
    yield calculated
