"""OPA's WebAssembly ABI (1.2 and later) on wasmtime: https://www.openpolicyagent.org/docs/latest/wasm/.

The guest gets nothing from its host: what OPA's ABI imports as functions is a second tiny WebAssembly module that
stops. So no Python runs inside an evaluation, and no exception can be lost on its way through one.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import wasmtime

from bspec_opa.engine.reasons import BAD_MODULE, FUEL, HOST_BUILTIN, MEMORY, TIMEOUT, TOO_LARGE, TRAP, UNSENDABLE
from bspec_opa.engine.wasm_program import release
from bspec_opa.engine.wasm_types import FUNCTIONS, LIBRARY_ERRORS, VERSIONS
from bspec_opa.engine.wire import parse_reply, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bspec_opa.engine.wasm_program import Program
    from bspec_opa.foundation.errors import BspecError

WHO = "the embedded engine"
READ_STEP = 4096
ABI_MAJOR, ABI_MINOR = 1, 2


class Instance:
    """A policy with its data, ready to evaluate; for one thread at a time.

    Making one runs the guest's code already, so the caller watches over that as over an evaluation.
    After any exception from :meth:`evaluate` it must be closed and replaced: what its memory holds is unknown.
    """

    def __init__(self, program: Program, data: bytes, entrypoint: str) -> None:
        self._limits = program.limits
        self._store = wasmtime.Store(program.engine)
        self._aborted: wasmtime.Global | None = None
        try:
            with self._translated():
                self._start(program, data, entrypoint)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give the memory back."""
        release(self._store)

    def evaluate(self, request: bytes) -> bytes:
        """The result set of the entry point for an input, as the JSON text that the guest wrote.

        Raises:
            EngineError: out of fuel, out of memory, interrupted, stopped, or over the size limit.
        """
        with self._translated():
            self._allow(self._limits.fuel)
            self._call("opa_heap_ptr_set", self._heap)
            self._call("opa_eval_ctx_set_input", self._context, self._parse(request, "the request"))
            if self._call("eval", self._context) != 0:
                raise TRAP.error("policy.wasm reports a failed evaluation")
            return self._dump(self._call("opa_eval_ctx_get_result", self._context))

    def _start(self, program: Program, data: bytes, entrypoint: str) -> None:
        self._store.set_limits(
            memory_size=self._limits.memory_bytes, table_elements=1_000_000, instances=2, tables=4, memories=1
        )
        self._allow(self._limits.setup_fuel_for(data))
        self._memory = wasmtime.Memory(self._store, program.memory)
        exports = self._link(program)
        _check_abi(*(self._number(exports, n) for n in VERSIONS))
        self._functions = {n: _function(exports[n]) for n in FUNCTIONS}
        self._context = self._prepare(data, entrypoint)
        self._heap = self._call("opa_heap_ptr_get")

    def _allow(self, fuel: int) -> None:
        """So much fuel, and until the program is stopped."""
        self._fuel = fuel
        self._store.set_fuel(fuel)
        self._store.set_epoch_deadline(1)

    def _link(self, program: Program) -> wasmtime._instance.InstanceExports:
        host = wasmtime.Instance(self._store, program.host, []).exports(self._store)
        aborted = host["aborted"]
        assert isinstance(aborted, wasmtime.Global)  # noqa: S101 - our own module, above
        self._aborted = aborted
        imports = [self._memory if i.name == "memory" else host[str(i.name)] for i in program.module.imports]
        return wasmtime.Instance(self._store, program.module, imports).exports(self._store)

    def _prepare(self, data: bytes, entrypoint: str) -> int:
        """An evaluation context for the entry point on the data; refuses a guest that wants builtins."""
        builtins = parse_reply(self._dump(self._call("builtins")), WHO)
        if builtins != {}:
            names = ", ".join(sorted(builtins)) if isinstance(builtins, dict) else "unreadable"
            raise HOST_BUILTIN.error(f"policy.wasm needs functions of its host: {printable(names)}")
        entrypoints = parse_reply(self._dump(self._call("entrypoints")), WHO)
        number = entrypoints.get(entrypoint) if isinstance(entrypoints, dict) else None
        if not isinstance(number, int):
            raise BAD_MODULE.error(f"policy.wasm has no entry point {entrypoint}")
        context = self._call("opa_eval_ctx_new")
        self._call("opa_eval_ctx_set_data", context, self._parse(data, "the bundle's data"))
        self._call("opa_eval_ctx_set_entrypoint", context, number)
        return context

    def _number(self, exports: wasmtime._instance.InstanceExports, name: str) -> int:
        constant = exports[name]
        assert isinstance(constant, wasmtime.Global)  # noqa: S101 - check_exports saw to it
        return int(constant.value(self._store))

    def _call(self, name: str, *arguments: int) -> int:
        result = self._functions[name](self._store, *arguments)
        return result & 0xFFFF_FFFF if isinstance(result, int) else 0

    def _parse(self, text: bytes, what: str) -> int:
        """The address of a value in the guest, from JSON text; NULL means that the guest can't read it."""
        address = self._call("opa_malloc", len(text))
        self._memory.write(self._store, text, address)
        value = self._call("opa_json_parse", address, len(text))
        if value == 0:
            raise UNSENDABLE.error(f"{WHO} can't read {what}")
        return value

    def _dump(self, value: int) -> bytes:
        return self._text(self._call("opa_json_dump", value), self._limits.reply_bytes)

    def _text(self, address: int, limit: int) -> bytes:
        """The bytes from an address up to the next NUL."""
        found = bytearray()
        step = READ_STEP
        while address and len(found) <= limit:
            block = self._memory.read(self._store, address, address + step)
            if not block:
                break
            end = block.find(0)
            if end >= 0:
                found += block[:end]
                return bytes(found)
            found += block
            address, step = address + len(block), 2 * step
        if len(found) > limit:
            raise TOO_LARGE.error(f"{WHO} answered with more than {limit} bytes")
        raise TRAP.error("policy.wasm points outside its memory")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except wasmtime.Trap as e:
            raise self._why(e) from e
        except wasmtime.WasmtimeError as e:
            raise BAD_MODULE.error(f"policy.wasm doesn't fit OPA's ABI: {printable(str(e))}") from e
        except LIBRARY_ERRORS as e:
            raise TRAP.error(f"policy.wasm handed over an impossible value ({type(e).__name__})") from e

    def _why(self, trap: wasmtime.Trap) -> BspecError:
        code = trap.trap_code
        if code is wasmtime.TrapCode.OUT_OF_FUEL:
            return FUEL.error(f"the policy used up its {self._fuel} units of fuel")
        if code is wasmtime.TrapCode.INTERRUPT:
            return TIMEOUT.error(f"the policy ran longer than {self._limits.deadline_s:g} s")
        words = self._last_words()
        if words.startswith("opa_malloc"):
            return MEMORY.error(f"the policy needs more than {self._limits.memory_bytes} bytes of memory")
        return TRAP.error(f"the policy stopped: {words or (code.name.lower() if code else 'unknown trap')}")

    def _last_words(self) -> str:
        address = self._aborted.value(self._store) if self._aborted is not None else 0
        block = self._memory.read(self._store, address, address + 200) if address > 0 else b""
        return printable(block.split(b"\0", 1)[0].decode("ascii", "replace"))


def _check_abi(major: int, minor: int) -> None:
    if major != ABI_MAJOR or minor < ABI_MINOR:
        raise BAD_MODULE.error(f"policy.wasm has ABI {major}.{minor}; {ABI_MAJOR}.{ABI_MINOR} or later is needed")


def _function(item: object) -> wasmtime.Func:
    assert isinstance(item, wasmtime.Func)  # noqa: S101 - check_exports saw to it
    return item
