"""A process whose evaluations are struck: ``python struck.py KIND ROUNDS WASM DATA``; see ``test_interrupted.py``.

A process of its own, because the blows hit whatever runs: a coverage tracer that is struck while it holds its lock
never gives it back, and pytest's hooks are Python, too.
"""

from __future__ import annotations

import ctypes
import json
import random
import signal
import sys
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any

from bspec_opa.engine.embedded import EmbeddedEngine
from bspec_opa.engine.wasm_program import Limits
from bspec_opa.foundation.digest import ZERO_DIGEST

TOOLS = 300
REQUEST: Any = {
    "nonce": "n",
    "environment": "staging",
    "tools": [{"id": f"tool-{n}", "privilege": "admin", "path": f"/tools/{n}"} for n in range(TOOLS)],
}


class StruckError(Exception):
    """Not a ``BaseException``, so that careless handlers would catch it, too."""


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


def by_signal(engine: EmbeddedEngine, rounds: int) -> tuple[list[int], int]:
    """The denials of the evaluations that returned, and how many did not."""
    chance = random.Random(rounds)  # noqa: S311 - no secret
    typical = typical_s(engine)

    def interrupt(*_: object) -> None:
        raise StruckError

    signal.signal(signal.SIGALRM, interrupt)
    found: list[int] = []
    interrupted = 0
    for _ in range(rounds):
        answer = None
        try:
            signal.setitimer(signal.ITIMER_REAL, typical * chance.uniform(0.01, 2))
            answer = denials(engine)
            signal.setitimer(signal.ITIMER_REAL, 0)
        except StruckError:
            interrupted += 1
        if answer is not None:
            found.append(answer)
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    signal.setitimer(signal.ITIMER_REAL, 0)
    return found, interrupted


def by_thread(engine: EmbeddedEngine, rounds: int) -> tuple[list[int], int]:
    """The same, where another thread strikes."""
    chance = random.Random(rounds)  # noqa: S311 - no secret
    typical = typical_s(engine)
    found: list[int] = []
    counts = {"rounds": 0, "interrupted": 0}

    def evaluate() -> None:
        while counts["rounds"] < rounds:
            try:
                counts["rounds"] += 1
                found.append(denials(engine))
            except StruckError:
                counts["interrupted"] += 1

    raising = ctypes.pythonapi.PyThreadState_SetAsyncExc
    while counts["rounds"] < rounds:  # a blow between two rounds ends the thread
        thread = threading.Thread(target=evaluate, daemon=True)
        thread.start()
        while counts["rounds"] < rounds and thread.is_alive():
            time.sleep(typical * chance.uniform(0.05, 4))
            raising(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(StruckError))
        thread.join(120)
        assert not thread.is_alive()
    return found, counts["interrupted"]


def main() -> None:
    kind, rounds, wasm, data = sys.argv[1:]
    # What hits a destructor of wasmtime-py is lost there, which costs the interruption, not a denial.
    sys.unraisablehook = deque[object](maxlen=0).append
    threading.excepthook = deque[object](maxlen=0).append
    with EmbeddedEngine(
        Path(wasm).read_bytes(),
        json.loads(Path(data).read_text(encoding="utf-8")),
        revision="r",
        bundle_digest=ZERO_DIGEST,
        limits=Limits(deadline_s=600),
    ) as engine:
        strike = {"signal": by_signal, "thread": by_thread}[kind]
        found, interrupted = strike(engine, int(rounds))
        last = denials(engine)
    sys.stdout.write(json.dumps({"kinds": sorted(set(found)), "found": len(found), "lost": interrupted, "last": last}))


if __name__ == "__main__":
    main()
