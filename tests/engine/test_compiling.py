"""Compiling is bounded, whatever a module holds; modules of other makes are made here, byte by byte."""

from __future__ import annotations

import io
import os
import platform
import resource
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import pytest
import wasmtime

from bspec_opa.engine import compiling
from bspec_opa.engine.code_cache import CodeCache
from bspec_opa.engine.compiling import COMPILER_BYTES, MAX_WASM_BYTES, compiled, configuration
from bspec_opa.engine.embedded import EmbeddedEngine
from bspec_opa.engine.wasm_program import Limits, wasmtime_version
from bspec_opa.foundation.digest import ZERO_DIGEST
from bspec_opa.foundation.errors import EngineError, ExitCode
from bspec_opa.foundation.limits import MIB

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MEMORY = 16 * MIB


def leb(number: int) -> bytes:
    """A number in WebAssembly's LEB128."""
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


def branches(count: int, functions: int = 1) -> bytes:
    """A valid module of functions with so many small branches each; their compilation is quadratic."""
    code = b"\0\x20\0" + b"\x21\0\x02\x40\x20\0\x0d\0\x0b\x20\0" * count + b"\x0b"
    sections = {
        1: b"\x01\x60\x01\x7f\x01\x7f",
        3: leb(functions) + b"\0" * functions,
        10: leb(functions) + (leb(len(code)) + code) * functions,
    }
    return b"\0asm\1\0\0\0" + b"".join(bytes([n]) + leb(len(s)) + s for n, s in sections.items())


@pytest.fixture
def engine() -> wasmtime.Engine:
    return wasmtime.Engine(configuration(MEMORY))


def refusal(act: Callable[[], object]) -> EngineError:
    with pytest.raises(EngineError) as caught:
        act()
    assert caught.value.exit_code == ExitCode.ENGINE
    return caught.value


@pytest.mark.parametrize("size", [1, 600])
def test_modules_are_compiled_apart_to_the_same_code(engine: wasmtime.Engine, size: int) -> None:
    apart = compiled(engine, branches(size), MEMORY)
    assert bytes(apart.serialize()) == bytes(wasmtime.Module(engine, branches(size)).serialize())


def many_locals(functions: int) -> bytes:
    """A few bytes that are much work: each function has as many locals as it may."""
    code = leb(1) + leb(50_000) + b"\x7e\x0b"
    sections = {
        1: b"\x01\x60\0\0",
        3: leb(functions) + b"\0" * functions,
        10: leb(functions) + (leb(len(code)) + code) * functions,
    }
    return b"\0asm\1\0\0\0" + b"".join(bytes([n]) + leb(len(s)) + s for n, s in sections.items())


@pytest.mark.attack("A25")
def test_not_even_the_smallest_is_compiled_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """400 such functions take a second of computing, and nothing in this process could end it."""
    wasm = many_locals(400)
    assert len(wasm) < 4096
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    for module in (wasm, many_locals(0), branches(1)):
        error = refusal(lambda module=module: EmbeddedEngine(module, {}, revision="r", bundle_digest=ZERO_DIGEST))  # type: ignore[misc]
        assert error.code == "engine.costly-module"


@pytest.mark.attack("A25")
def test_a_small_module_that_takes_too_long_to_compile(engine: wasmtime.Engine) -> None:
    error = refusal(lambda: compiled(engine, many_locals(400), MEMORY, deadline_s=0.05))
    assert (error.code, str(error)) == ("engine.costly-module", "policy.wasm takes longer than 0.05 s to compile")


def test_what_the_compiler_says_is_told(engine: wasmtime.Engine) -> None:
    for wasm in (branches(600)[:-5], branches(10)[:-5]):
        error = refusal(lambda wasm=wasm: compiled(engine, wasm, MEMORY))  # type: ignore[misc]
        assert error.code == "engine.bad-module"
        assert str(error) == "policy.wasm can't be compiled: failed to parse WebAssembly module"


def test_a_module_over_the_size_limit(engine: wasmtime.Engine) -> None:
    error = refusal(lambda: compiled(engine, b"\0asm" + bytes(MAX_WASM_BYTES), MEMORY))
    assert error.code == "engine.costly-module"


@pytest.mark.attack("A25")
def test_a_module_that_takes_too_long_to_compile(tmp_path: Path) -> None:
    """On an idle machine this one takes six minutes."""
    wasm = branches(230_000)
    cache = CodeCache(tmp_path / "cache")
    started = time.monotonic()
    limits = Limits(compile_s=0.5)
    error = refusal(
        lambda: EmbeddedEngine(wasm, {}, revision="r", bundle_digest=ZERO_DIGEST, limits=limits, cache=cache)
    )
    assert (error.code, str(error)) == ("engine.costly-module", "policy.wasm takes longer than 0.5 s to compile")
    assert time.monotonic() - started < 30
    assert [p for p in (tmp_path / "cache").iterdir() if p.stat().st_size > 100_000] == []


def test_a_module_that_takes_too_much_memory_to_compile(
    engine: wasmtime.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiling, "COMPILER_BYTES", 200 * MIB)
    error = refusal(lambda: compiled(engine, branches(20_000), MEMORY))
    message = "compiling policy.wasm took too much memory or time (signal 6)"
    assert (error.code, str(error)) == ("engine.costly-module", message)


def test_a_compiler_that_breaks_down(engine: wasmtime.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "PROGRAM", "raise SystemError('broken\\x1b')")
    error = refusal(lambda: compiled(engine, branches(600), MEMORY))
    assert (error.code, str(error)) == ("engine.costly-module", "policy.wasm can't be compiled: SystemError: broken?")


def test_a_compiler_that_cant_be_started(
    engine: wasmtime.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    error = refusal(lambda: compiled(engine, branches(600), MEMORY))
    assert error.code == "engine.costly-module"
    assert "can't be started: No such file" in str(error)


def test_the_working_directory_and_the_environment_do_not_choose_what_it_runs(
    engine: wasmtime.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("wasmtime", "bspec_opa", "subprocess", "resource", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(77)")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert compiled(engine, branches(600), MEMORY).imports == []


def test_the_process_limits_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    set_to: dict[int, Any] = {}
    monkeypatch.setattr(resource, "setrlimit", set_to.__setitem__)
    now = {resource.RLIMIT_AS: (resource.RLIM_INFINITY, 5), resource.RLIMIT_CORE: (7, 8), resource.RLIMIT_CPU: (1, 900)}
    monkeypatch.setattr(resource, "getrlimit", now.__getitem__)
    out = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(branches(10))))
    monkeypatch.setattr(sys, "stdout", out)
    compiling.main(MEMORY, COMPILER_BYTES)
    assert set_to == {
        resource.RLIMIT_AS: (COMPILER_BYTES, 5),
        resource.RLIMIT_CORE: (0, 0),
        resource.RLIMIT_CPU: (1, 120),
    }
    engine = wasmtime.Engine(configuration(MEMORY))
    out.flush()
    assert isinstance(out.buffer, io.BytesIO)
    assert wasmtime.Module.deserialize(engine, out.buffer.getvalue()).imports == []


def test_the_process_tells_what_the_compiler_says(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(compiling, "_lower", lambda *_: None)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(branches(10)[:-5])))
    with pytest.raises(SystemExit) as caught:
        compiling.main(MEMORY, COMPILER_BYTES)
    assert caught.value.code == compiling.REFUSED
    assert capsys.readouterr().err == "failed to parse WebAssembly module"


def test_it_is_not_done_again_where_code_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, modules: Any) -> None:
    wasm = modules("greedy")
    counted = Mock(wraps=subprocess.run)
    monkeypatch.setattr(subprocess, "run", counted)
    for _ in range(2):
        cache = CodeCache(tmp_path / "cache")
        EmbeddedEngine(wasm, {}, revision="r", bundle_digest=ZERO_DIGEST, cache=cache).close()
    assert counted.call_count == 1


@pytest.mark.soak
@pytest.mark.attack("A25")
def test_the_real_bounds_hold(engine: wasmtime.Engine) -> None:
    """Each of these takes minutes or gigabytes without bounds."""
    for wasm in (branches(230_000), branches(1_400_000), branches(1_700, 800)):
        started = time.monotonic()
        with suppress(EngineError):
            compiled(engine, wasm, MEMORY)
        assert time.monotonic() - started < 60 + 10 * os.getloadavg()[0]


def test_what_is_no_code_is_compiled_again(tmp_path: Path) -> None:
    """With a right hash in front, as from another build of wasmtime; what is code would be run."""
    cache = CodeCache(tmp_path / "cache")
    with suppress(EngineError):
        EmbeddedEngine(branches(600), {}, revision="r", bundle_digest=ZERO_DIGEST, cache=cache)
    names = [p.name.removesuffix(".cwasm") for p in cache.directory.iterdir()]
    assert len(names) == 2
    assert all(wasmtime_version() in n and platform.machine() in n for n in names)
    genuine = {n: cache.read(n) for n in names}
    for name in names:
        cache.write(name, b"\x7fELF of another make")
    with suppress(EngineError):
        EmbeddedEngine(branches(600), {}, revision="r", bundle_digest=ZERO_DIGEST, cache=cache)
    assert {n: cache.read(n) for n in names} == genuine
    assert cache.notes == []
