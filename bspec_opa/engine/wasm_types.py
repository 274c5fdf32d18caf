"""What a policy's WebAssembly must export, in exactly OPA's types: told from the compiled module, before it runs.

wasmtime converts what a guest's function takes and gives by the function's own type. One that takes anything but
numbers ends in an error of Python or, inside the library, of the whole process. So no other one is ever called.
"""

from __future__ import annotations

import ctypes
from contextlib import contextmanager
from typing import TYPE_CHECKING

import wasmtime

from bspec_opa.engine.reasons import BAD_MODULE
from bspec_opa.engine.wire import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

LIBRARY_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
    ctypes.ArgumentError,
)
"""What wasmtime's Python part may raise besides its own errors; not what a signal's handler raises in its midst."""
VERSIONS = ("opa_wasm_abi_version", "opa_wasm_abi_minor_version")
"""Constants; all are i32."""
FUNCTIONS = {
    "opa_malloc": (1, 1),
    "opa_json_parse": (2, 1),
    "opa_json_dump": (1, 1),
    "opa_heap_ptr_get": (0, 1),
    "opa_heap_ptr_set": (1, 0),
    "opa_eval_ctx_new": (0, 1),
    "opa_eval_ctx_set_input": (2, 0),
    "opa_eval_ctx_set_data": (2, 0),
    "opa_eval_ctx_set_entrypoint": (2, 0),
    "opa_eval_ctx_get_result": (1, 1),
    "entrypoints": (0, 1),
    "builtins": (0, 1),
    "eval": (1, 1),
}
"""How many values each takes and gives; all are i32."""


def check_exports(module: wasmtime.Module) -> None:
    """Refuse a module without OPA's ABI.

    Raises:
        EngineError: an export is missing or of another type.
    """
    with readable():
        found = {item.name: item.type for item in module.exports}
        for name, (takes, gives) in FUNCTIONS.items():
            _check_function(name, found.get(name), takes, gives)
        for name in VERSIONS:
            _check_constant(name, found.get(name))


def _check_function(name: str, kind: object, takes: int, gives: int) -> None:
    if not isinstance(kind, wasmtime.FuncType):
        raise BAD_MODULE.error(f"policy.wasm has no function {name}")
    number = wasmtime.ValType.i32()
    if kind.params != [number] * takes or kind.results != [number] * gives:
        raise BAD_MODULE.error(f"policy.wasm has {name} of another type than OPA's ABI")


def _check_constant(name: str, kind: object) -> None:
    if not isinstance(kind, wasmtime.GlobalType):
        raise BAD_MODULE.error(f"policy.wasm has no constant {name}")
    if kind.mutable or kind.content != wasmtime.ValType.i32():
        raise BAD_MODULE.error(f"policy.wasm has {name} of another type than OPA's ABI")


@contextmanager
def readable() -> Iterator[None]:
    """Whatever goes wrong with the library while a module is read is the module's fault."""
    try:
        yield
    except (wasmtime.WasmtimeError, *LIBRARY_ERRORS) as e:
        said = printable(str(e))
        raise BAD_MODULE.error(f"policy.wasm can't be read as a module ({type(e).__name__}): {said}") from e
