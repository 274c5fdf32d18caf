"""The bundle's own ``policy.wasm`` on wasmtime: no server, no other program, no input or output from a policy."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from bspec_opa.engine.interface import DECISION_PATH, Answer, Closing, EngineFacts
from bspec_opa.engine.reasons import BAD_REPLY, CLOSED, UNDEFINED
from bspec_opa.engine.wasm_abi import WHO, Instance
from bspec_opa.engine.wasm_program import Limits, Program, wasmtime_version
from bspec_opa.engine.watchdog import Watchdog
from bspec_opa.engine.wire import parse_reply, require_defined, wire_json

if TYPE_CHECKING:
    from bspec_opa.engine.code_cache import CodeCache
    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.foundation.digest import Digest


class EmbeddedEngine(Closing):
    """Decides in this process, on bytes that the caller verified. Threads take turns.

    Args:
        wasm: the bundle's ``policy.wasm``.
        data: all of the bundle's data. A policy without its data may go quiet: the decision echoes the data's digest,
            and the verdict checks it.
        revision: of the bundle.
        bundle_digest: of the bundle's bytes.
        entrypoint: the rule to ask for.
        limits: of one evaluation.
        cache: where compiled code is kept; none compiles anew (about 0.1 s).

    Raises:
        EngineError: a module or data that can't be run.
    """

    def __init__(
        self,
        wasm: bytes,
        data: JsonObject,
        *,
        revision: str,
        bundle_digest: Digest,
        entrypoint: str = DECISION_PATH,
        limits: Limits | None = None,
        cache: CodeCache | None = None,
    ) -> None:
        self._data = wire_json(data, "the bundle's data")
        self._entrypoint = entrypoint
        self._limits = limits or Limits()
        self._cache = cache
        self._facts = EngineFacts("embedded", f"wasmtime-{wasmtime_version()}", revision, bundle_digest, "measured")
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._closed = False
        self._program = Program(wasm, self._limits, cache)
        self._watchdog = Watchdog(self._program.stop)
        try:
            self._instance: Instance | None = self._fresh()
        except BaseException:
            self._watchdog.close()
            self._program.close()
            raise

    @property
    def notes(self) -> tuple[str, ...]:
        """Why compiled code could not be kept or found, if so."""
        return tuple(self._cache.notes) if self._cache is not None else ()

    def decide(self, request: JsonObject) -> Answer:
        """Put one request to the policy.

        Raises:
            EngineError: no usable answer; the next request starts afresh.
        """
        body = wire_json(request)
        if os.getpid() != self._process:
            raise CLOSED.error("the embedded engine was opened in another process")
        with self._lock:
            text = self._evaluate(body)
        return Answer(_decision(parse_reply(text, WHO)), (self._facts,))

    def close(self) -> None:
        """Give memory, code and the deadline's thread back."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            if self._instance is not None:
                self._instance.close()
                self._instance = None
        self._watchdog.close()
        self._program.close()

    def _fresh(self) -> Instance:
        with self._watchdog.guard(self._limits.deadline_s):
            return Instance(self._program, self._data, self._entrypoint)

    def _evaluate(self, body: bytes) -> bytes:
        if self._closed:
            raise CLOSED.error("the embedded engine is closed")
        instance = self._instance or self._fresh()
        self._instance = None  # whatever happens inside, a half-used instance is not used again
        try:
            with self._watchdog.guard(self._limits.deadline_s):
                text = instance.evaluate(body)
        except BaseException:
            instance.close()
            raise
        self._instance = instance
        return text


def _decision(results: JsonValue) -> JsonValue:
    """The one result of OPA's result set ``[{"result": …}]``; an empty set is undefined."""
    if results == []:
        raise UNDEFINED.error(
            f"{WHO} decided nothing: the decision is undefined",
            hint="check that the environment is known to the bundle's data",
        )
    if isinstance(results, list) and len(results) == 1 and isinstance(results[0], dict):
        result = results[0]
        if result.keys() == {"result"}:
            return require_defined(result["result"], WHO)
    raise BAD_REPLY.error(f"{WHO} answered with no result set")
