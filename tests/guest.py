"""A policy in WebAssembly that does nothing but what OPA's ABI asks for, and ways to spoil it."""

from __future__ import annotations

import re

import wasmtime

GUEST = r"""(module
 (import "env" "memory" (memory {pages}))
 (import "env" "opa_abort" (func $abort (param i32)))
 (import "env" "opa_println" (func $println (param i32)))
 (import "env" "opa_builtin0" (func $builtin (param i32 i32) (result i32)))
 (global (export "opa_wasm_abi_version") i32 (i32.const {major}))
 (global (export "opa_wasm_abi_minor_version") i32 (i32.const {minor}))
 (func (export "{malloc}") (param i32) (result i32) (i32.const 8192))
 (func (export "opa_json_parse") (param i32 i32) (result i32) {parse})
 (func (export "opa_json_dump") (param i32) (result i32) (local.get 0))
 (func (export "opa_heap_ptr_get") (result i32) (i32.const 8192))
 (func (export "opa_heap_ptr_set") (param i32))
 (func (export "opa_eval_ctx_new") (result i32) (i32.const 4))
 (func (export "opa_eval_ctx_set_input") (param i32 i32))
 (func (export "opa_eval_ctx_set_data") (param i32 i32))
 (func (export "opa_eval_ctx_set_entrypoint") (param i32 i32))
 (func (export "opa_eval_ctx_get_result") (param i32) (result i32) (i32.const {result}))
 (func (export "entrypoints") (result i32) (i32.const 64))
 (func (export "builtins") (result i32) (i32.const 32))
 (func $eval (export "eval") (param i32) (result i32) {eval})
 {start}
 (data (i32.const 32) "{builtins}\00")
 (data (i32.const 64) "{entrypoints}\00")
 (data (i32.const 1024) "{answer}\00"))"""
"""A guest that does nothing but what OPA's ABI asks for; each test spoils one thing."""

GOOD = {
    "pages": "1",
    "major": "1",
    "minor": "3",
    "malloc": "opa_malloc",
    "parse": "(i32.const 1)",
    "eval": "(i32.const 0)",
    "result": "1024",
    "start": "",
    "builtins": "{}",
    "entrypoints": '{"bspec/gate/decision":0}',
    "answer": '[{"result":{"said":1}}]',
}


def guest_text(**changed: str) -> str:
    parts = GOOD | changed
    quoted = {k: parts[k].replace('"', r"\22") for k in ("builtins", "entrypoints", "answer")}
    text = GUEST
    for name, value in (parts | quoted).items():
        text = text.replace(f"{{{name}}}", value)
    return text


def guest(**changed: str) -> bytes:
    return bytes(wasmtime.wat2wasm(guest_text(**changed)))


FOREIGN_VALUES = {
    "f32": "(f32.const 1)",
    "f64": "(f64.const nan)",
    "i64": "(i64.const 1)",
    "v128": "(v128.const i32x4 1 0 0 0)",
    "funcref": "(ref.null func)",
    "externref": "(ref.null extern)",
    "anyref": "(ref.null any)",
    "structref": "(ref.null struct)",
    "arrayref": "(ref.null array)",
    "exnref": "(ref.null exn)",
    "i31ref": "(ref.i31 (i32.const 1))",
    "nullref": "(ref.null none)",
    "nullfuncref": "(ref.null nofunc)",
    "nullexternref": "(ref.null noextern)",
    "(ref i31)": "(ref.i31 (i32.const 1))",
    "(ref any)": "(ref.i31 (i32.const 1))",
    "(ref func)": "(ref.func $eval)",
    "(ref null eq)": "(ref.null eq)",
    "i32 i32": "(i32.const 1) (i32.const 1)",
}
"""One of each type. wasmtime's C interface aborts the process at some of them, its Python part raises at others."""
NAME, TAKES, GIVES = r'(func (?:\$eval )?\(export "{}"\))', r"((?: \(param [i32 ]+\))?)", r"((?: \(result i32\))?)"


def retyped(name: str, kind: str, *, taken: bool) -> bytes:
    """A good guest, but one of its functions takes, or gives, another type."""
    (one,) = re.finditer(NAME.format(name) + TAKES + GIVES + r"[^\n]*\n", guest_text())
    takes, gives = (f" (param {kind})", one[3]) if taken else (one[2], f" (result {kind})")
    body = "unreachable" if taken else FOREIGN_VALUES[kind]
    return bytes(wasmtime.wat2wasm(one.string.replace(one[0], f"{one[1]}{takes}{gives} {body})\n")))
