"""A policy's WebAssembly, compiled: what every instance of it shares."""

from __future__ import annotations

import platform
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import wasmtime

from bspec_opa.engine.compiling import compiled, configuration
from bspec_opa.engine.reasons import BAD_MODULE, MEMORY
from bspec_opa.engine.wasm_types import check_exports, readable
from bspec_opa.engine.wire import printable
from bspec_opa.foundation.digest import digest_of, hex_of
from bspec_opa.foundation.limits import COMPILE_DEADLINE_S, ENGINE_DEADLINE_S, MAX_REPLY_BYTES, MIB

if TYPE_CHECKING:
    from collections.abc import Callable

    from bspec_opa.engine.code_cache import CodeCache

PAGE = 64 * 1024
MAGIC = b"\0asm"
SETUP_FUEL_PER_BYTE = 6_000
"""Of the bundle's data; parsing takes 100 to 310."""

HOST = """(module
  (global (export "aborted") (mut i32) (i32.const 0))
  (func (export "opa_abort") (param i32) (global.set 0 (local.get 0)) unreachable)
  (func (export "opa_println") (param i32))
  (func (export "opa_builtin0") (param i32 i32) (result i32) unreachable)
  (func (export "opa_builtin1") (param i32 i32 i32) (result i32) unreachable)
  (func (export "opa_builtin2") (param i32 i32 i32 i32) (result i32) unreachable)
  (func (export "opa_builtin3") (param i32 i32 i32 i32 i32) (result i32) unreachable)
  (func (export "opa_builtin4") (param i32 i32 i32 i32 i32 i32) (result i32) unreachable))"""
"""Everything that a guest may call. ``aborted`` keeps the address of the last words."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one evaluation.

    Attributes:
        fuel: about one unit a WebAssembly instruction; decides first and the same everywhere. 54 small rules take
            2.3 million.
        setup_fuel: the part of it that getting ready may take, besides ``SETUP_FUEL_PER_BYTE`` for the data. OPA's
            modules have a start function, so their own code runs then; the shipped bundles take 0.9 million.
        memory_bytes: of the guest, with its code's constants, data, input and intermediate values.
        deadline_s: in seconds, for getting ready and for each evaluation; only a backstop behind the fuel.
        reply_bytes: of the answer as JSON text.
        compile_s: in seconds, for compiling the module, where no compiled code was kept.
    """

    fuel: int = 10_000_000_000
    setup_fuel: int = 20_000_000
    memory_bytes: int = 256 * MIB
    deadline_s: float = ENGINE_DEADLINE_S
    reply_bytes: int = MAX_REPLY_BYTES
    compile_s: float = COMPILE_DEADLINE_S

    def setup_fuel_for(self, data: bytes) -> int:
        """The fuel for an instance to get ready with this data."""
        return min(self.fuel, self.setup_fuel + SETUP_FUEL_PER_BYTE * len(data))


def wasmtime_version(site: Path = Path(wasmtime.__file__).parent.parent) -> str:
    """The version of the installed wasmtime, where possible without the cost of importing ``importlib.metadata``."""
    found = list(site.glob("wasmtime-*.dist-info"))
    if len(found) == 1:
        return found[0].name.removeprefix("wasmtime-").removesuffix(".dist-info")
    from importlib.metadata import version

    return version("wasmtime")


class Program:
    """A compiled policy, from which instances are made."""

    def __init__(self, wasm: bytes, limits: Limits, cache: CodeCache | None) -> None:
        if not wasm.startswith(MAGIC):  # wasmtime would try to read anything else as its text format
            raise BAD_MODULE.error("policy.wasm is no WebAssembly module")
        self.limits = limits
        self.engine = wasmtime.Engine(configuration(limits.memory_bytes))
        self.host = _kept(self.engine, bytes(wasmtime.wat2wasm(HOST)), cache, wasmtime.Module)
        self.module = _kept(
            self.engine, wasm, cache, lambda engine, wasm: compiled(engine, wasm, limits.memory_bytes, limits.compile_s)
        )
        with readable():
            self.memory = _memory_type(self.module, len(wasm), limits)
        check_exports(self.module)

    def stop(self) -> None:
        """Interrupt the instance that is running now, if it has been given a deadline; from another thread."""
        self.engine.increment_epoch()

    def close(self) -> None:
        """Give the compiled code back."""
        for part in (self.module, self.host, self.engine):
            release(part)


def release(part: wasmtime._managed.Managed[Any]) -> None:
    """Give a part of wasmtime back, if it wasn't yet.

    Not by its own ``close``, which forgets the pointer only after it was freed: where a signal's exception strikes in
    between, it is freed again, and the process crashes. This way it is leaked at worst.
    """
    with suppress(ValueError):  # it was given back
        part._delete(part._consume())  # noqa: SLF001 - wasmtime-py has no other way in this order


def _kept(
    engine: wasmtime.Engine,
    wasm: bytes,
    cache: CodeCache | None,
    compiler: Callable[[wasmtime.Engine, bytes], wasmtime.Module],
) -> wasmtime.Module:
    """The module from the cache, or from the compiler. Nothing that others wrote is compiled in this process."""
    if cache is None:
        return compiler(engine, wasm)
    name = f"{hex_of(digest_of(wasm))}-{wasmtime_version()}-{platform.system()}-{platform.machine()}"
    code = cache.read(name)
    if code is not None:
        try:
            return wasmtime.Module.deserialize(engine, code)
        except wasmtime.WasmtimeError:  # of another processor or other settings
            pass
    module = compiler(engine, wasm)
    cache.write(name, bytes(module.serialize()))
    return module


def _memory_type(module: wasmtime.Module, size: int, limits: Limits) -> wasmtime.MemoryType:
    """Room for the module, capped; also checks that it asks for nothing that we don't have.

    OPA (1.22.2) works out the minimum before it adds the last of the module's constants. If these cross the end of a
    page, the module doesn't start in the memory that it asks for. They are part of its size in bytes, so that many more
    are enough.
    """
    known = {"memory", "opa_abort", "opa_println", *(f"opa_builtin{n}" for n in range(5))}
    found = None
    for item in module.imports:
        if item.module != "env" or item.name not in known:
            raise BAD_MODULE.error(f"policy.wasm imports {printable(f'{item.module}.{item.name}')}")
        if isinstance(item.type, wasmtime.MemoryType):
            found = item.type.limits
    if found is None:
        raise BAD_MODULE.error("policy.wasm imports no memory")
    most = limits.memory_bytes // PAGE
    if found.min > most:
        raise MEMORY.error(f"policy.wasm alone needs {found.min * PAGE} bytes of memory")
    cap = most if found.max is None else min(most, found.max)
    return wasmtime.MemoryType(wasmtime.Limits(min(cap, found.min + -(-size // PAGE)), cap))
