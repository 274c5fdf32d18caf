"""Compiling WebAssembly within bounds of time and memory.

The compiler's time and memory grow with the square of a function's size: a hostile module of 300 kB takes five
seconds, one of 3 MB six minutes and over a gigabyte; with enough locals, 3 kB take a second. wasmtime can't be
interrupted at that, and no cap on the size would both bound it and let a thousand rules through (1 MB, one to three
seconds). So it is done in a process that can be killed, which costs a tenth of a second. Where compiled code can be
kept, that happens once for each bundle.
"""

from __future__ import annotations

import resource
import subprocess
import sys

import wasmtime

from bspec_opa.engine.reasons import BAD_MODULE, COSTLY_MODULE
from bspec_opa.engine.wire import printable
from bspec_opa.foundation.limits import COMPILE_DEADLINE_S, MIB

MAX_WASM_BYTES = 16 * MIB
COMPILER_BYTES = 2048 * MIB
"""Of addresses, for the process. A thousand rules take a quarter of it."""
REFUSED = 3
UNUSED = (
    "gc_support",
    "shared_memory",
    "wasm_custom_page_sizes",
    "wasm_exceptions",
    "wasm_function_references",
    "wasm_gc",
    "wasm_memory64",
    "wasm_multi_memory",
    "wasm_multi_value",
    "wasm_relaxed_simd",
    "wasm_simd",
    "wasm_stack_switching",
    "wasm_tail_call",
    "wasm_threads",
    "wasm_wide_arithmetic",
)
"""What OPA's modules do without. wasmtime's C interface aborts the process where it is asked for the type of a vector
or of most references; a module with any of them doesn't even compile. (Plain references to functions stay, which it
can tell: wasmtime has no engine without.)"""
PROGRAM = """
import sys
sys.path[:] = sys.argv[3:]
from bspec_opa.engine.compiling import main
main(int(sys.argv[1]), int(sys.argv[2]))
"""


def configuration(memory_bytes: int) -> wasmtime.Config:
    """How modules are compiled and run, for guests that have at most so much memory."""
    config = wasmtime.Config()
    config.consume_fuel = True
    config.epoch_interruption = True
    # The default reserves 4 GiB of addresses for each memory; ours never moves within its cap.
    config.memory_reservation = memory_bytes
    for feature in UNUSED:
        setattr(config, feature, False)
    return config


def compiled(
    engine: wasmtime.Engine, wasm: bytes, memory_bytes: int, deadline_s: float = COMPILE_DEADLINE_S
) -> wasmtime.Module:
    """A module, compiled apart.

    Args:
        engine: one with the :func:`configuration` for ``memory_bytes``.
        wasm: the module in WebAssembly's binary form.
        memory_bytes: the most that the guest may have.
        deadline_s: in seconds.

    Raises:
        EngineError: it can't be compiled, or not within the bounds.
    """
    if len(wasm) > MAX_WASM_BYTES:
        raise COSTLY_MODULE.error(f"policy.wasm is larger than {MAX_WASM_BYTES} bytes")
    try:
        return wasmtime.Module.deserialize(engine, _compiled_apart(wasm, memory_bytes, deadline_s))
    except wasmtime.WasmtimeError as e:
        raise BAD_MODULE.error(f"policy.wasm can't be compiled: {printable(str(e))}") from e


def _compiled_apart(wasm: bytes, memory_bytes: int, deadline_s: float) -> bytes:
    # Nothing from environment variables or the working directory, but the same modules as here.
    command = [sys.executable, "-I", "-c", PROGRAM, str(memory_bytes), str(COMPILER_BYTES), *sys.path]
    try:
        done = subprocess.run(command, input=wasm, capture_output=True, timeout=deadline_s, check=False)
    except subprocess.TimeoutExpired as e:
        raise COSTLY_MODULE.error(f"policy.wasm takes longer than {deadline_s:g} s to compile") from e
    except OSError as e:
        raise COSTLY_MODULE.error(f"the process that compiles policy.wasm can't be started: {e.strerror}") from e
    if done.returncode == 0:
        return done.stdout
    if done.returncode < 0:
        raise COSTLY_MODULE.error(f"compiling policy.wasm took too much memory or time (signal {-done.returncode})")
    said = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
    reason = BAD_MODULE if done.returncode == REFUSED else COSTLY_MODULE
    raise reason.error(f"policy.wasm can't be compiled: {printable(said)}")


def main(memory_bytes: int, compiler_bytes: int) -> None:
    """The other process: a module on standard input, its code on standard output, or why not on standard error."""
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_AS, compiler_bytes)
    _lower(resource.RLIMIT_CPU, int(4 * COMPILE_DEADLINE_S))  # should nobody be left to kill it
    engine = wasmtime.Engine(configuration(memory_bytes))
    try:
        code = wasmtime.Module(engine, sys.stdin.buffer.read()).serialize()
    except wasmtime.WasmtimeError as e:
        sys.stderr.write(printable(str(e)))
        sys.exit(REFUSED)
    sys.stdout.buffer.write(code)


def _lower(which: int, most: int) -> None:
    soft, hard = (most if now == resource.RLIM_INFINITY else min(most, now) for now in resource.getrlimit(which))
    resource.setrlimit(which, (soft, hard))
