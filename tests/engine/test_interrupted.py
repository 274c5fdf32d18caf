"""An exception that comes from outside at any moment of an evaluation never loses a denial.

wasmtime-py swallows an exception that is raised while the guest calls Python; the denials that were still to come are
then missing from an answer that looks whole. Nothing of ours is called by the guest, and here is the proof.
"""

from __future__ import annotations

import ctypes
import random
import signal
import sys
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any

import pytest

from bspec_opa.engine.embedded import EmbeddedEngine
from bspec_opa.engine.wasm_program import Limits
from bspec_opa.foundation.digest import ZERO_DIGEST

if TYPE_CHECKING:
    from collections.abc import Callable

    Modules = Callable[[str], bytes]

TOOLS = 300
REQUEST: Any = {
    "nonce": "n",
    "environment": "staging",
    "tools": [{"id": f"tool-{n}", "privilege": "admin", "path": f"/tools/{n}"} for n in range(TOOLS)],
}
ROUNDS = {"few": 1_500, "many": 20_000}
SIZES = [pytest.param("few"), pytest.param("many", marks=pytest.mark.soak)]


class StruckError(Exception):
    """Not a ``BaseException``, so that careless handlers would catch it, too."""


@pytest.fixture(autouse=True)
def _hooks_that_cant_be_struck(monkeypatch: pytest.MonkeyPatch) -> None:
    """What hits a destructor of wasmtime-py is lost there, which costs the interruption, not a denial.

    pytest's own hooks for that and for a thread's end are Python and would be struck themselves.
    """
    monkeypatch.setattr(sys, "unraisablehook", deque[object](maxlen=0).append)
    monkeypatch.setattr(threading, "excepthook", deque[object](maxlen=0).append)


@pytest.fixture
def engine(modules: Modules, gate_data: Any) -> Any:
    with EmbeddedEngine(
        modules("gate"), gate_data, revision="r", bundle_digest=ZERO_DIGEST, limits=Limits(deadline_s=600)
    ) as found:
        yield found


def denials(engine: EmbeddedEngine) -> int:
    """How many denials the answer has."""
    decision: Any = engine.decide(REQUEST).decision
    rule = decision["global"]["global.tools.no_admin"]
    assert rule["status"] == "deny"
    return len(rule["deny"])


def typical_s(engine: EmbeddedEngine) -> float:
    took = []
    for _ in range(20):
        begin = time.perf_counter()
        assert denials(engine) == TOOLS
        took.append(time.perf_counter() - begin)
    return sorted(took)[10]


@pytest.mark.parametrize("size", SIZES)
def test_a_signal_loses_no_denial(engine: EmbeddedEngine, size: str) -> None:
    chance = random.Random(size)  # noqa: S311 - no secret
    typical = typical_s(engine)

    def interrupt(*_: object) -> None:
        raise StruckError

    before = signal.signal(signal.SIGALRM, interrupt)
    found: list[int] = []
    interrupted = 0
    try:
        for _ in range(ROUNDS[size]):
            answer = None
            try:
                signal.setitimer(signal.ITIMER_REAL, typical * chance.uniform(0.01, 2))
                answer = denials(engine)
                signal.setitimer(signal.ITIMER_REAL, 0)
            except StruckError:
                interrupted += 1
            if answer is not None:
                found.append(answer)
    finally:
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert set(found) == {TOOLS}
    assert len(found) > ROUNDS[size] // 10
    assert interrupted > ROUNDS[size] // 10
    assert denials(engine) == TOOLS


@pytest.mark.parametrize("size", SIZES)
def test_an_exception_from_another_thread_loses_no_denial(engine: EmbeddedEngine, size: str) -> None:
    chance = random.Random(size)  # noqa: S311 - no secret
    typical = typical_s(engine)
    found: list[int] = []
    counts = {"rounds": 0, "interrupted": 0}

    def evaluate() -> None:
        while counts["rounds"] < ROUNDS[size]:
            try:
                counts["rounds"] += 1
                found.append(denials(engine))
            except StruckError:
                counts["interrupted"] += 1

    raising = ctypes.pythonapi.PyThreadState_SetAsyncExc
    while counts["rounds"] < ROUNDS[size]:  # a blow between two rounds ends the thread
        thread = threading.Thread(target=evaluate, daemon=True)
        thread.start()
        while counts["rounds"] < ROUNDS[size] and thread.is_alive():
            time.sleep(typical * chance.uniform(0.05, 4))
            raising(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(StruckError))
        thread.join(120)
        assert not thread.is_alive()
    assert set(found) == {TOOLS}
    assert len(found) > ROUNDS[size] // 10
    assert counts["interrupted"] > ROUNDS[size] // 20
    assert denials(engine) == TOOLS
