"""The embedded engine refuses bad modules, survives bad policies and keeps nothing between requests."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any

import pytest
import wasmtime
from guest import FOREIGN_VALUES, guest, guest_text, retyped
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bspec_opa.engine.code_cache import CodeCache
from bspec_opa.engine.compiling import UNUSED
from bspec_opa.engine.embedded import EmbeddedEngine
from bspec_opa.engine.wasm_program import Limits, wasmtime_version
from bspec_opa.engine.wasm_types import FUNCTIONS, VERSIONS
from bspec_opa.engine.wire import printable
from bspec_opa.foundation.digest import ZERO_DIGEST
from bspec_opa.foundation.errors import EngineError, ExitCode
from bspec_opa.foundation.limits import MIB

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Modules = Callable[[str], bytes]


def opened(wasm: bytes, data: Any = None, **named: Any) -> EmbeddedEngine:
    return EmbeddedEngine(wasm, data or {}, revision="r1", bundle_digest=ZERO_DIGEST, **named)


def refusal(act: Callable[[], object]) -> str:
    with pytest.raises(EngineError) as caught:
        act()
    assert caught.value.exit_code == ExitCode.ENGINE
    return caught.value.code


def test_the_smallest_guest_answers() -> None:
    with opened(guest()) as engine:
        answer = engine.decide({})
    assert answer.decision == {"said": 1}
    assert answer.facts[0].version == f"wasmtime-{wasmtime_version()}"


def test_constants_may_cross_the_end_of_the_memory_that_a_module_asks_for() -> None:
    """OPA works out its minimum before it writes the names of all functions; some policies would not start."""
    with opened(guest(start=f'(data (i32.const 65500) "{"x" * 100}")')) as engine:
        assert engine.decide({}).decision == {"said": 1}


def test_room_for_constants_stays_below_the_cap() -> None:
    crossing = guest(start=f'(data (i32.const 65500) "{"x" * 100}")')
    with opened(crossing, limits=Limits(memory_bytes=2 * 64 * 1024)):
        pass
    assert refusal(lambda: opened(crossing, limits=Limits(memory_bytes=64 * 1024))) == "engine.trap"


BAD_MODULES = {
    "another ABI": guest(major="2"),
    "an old ABI": guest(minor="1"),
    "no version": guest().replace(b"opa_wasm_abi_minor_version", b"xpa_wasm_abi_minor_version"),
    "a missing function": guest(malloc="malloc"),
    "no entry point": guest(entrypoints='{"other/rule":0}'),
    "entry points of another kind": guest(entrypoints="[]"),
    "an entry point without number": guest(entrypoints='{"bspec/gate/decision":"0"}'),
    "an import from elsewhere": bytes(wasmtime.wat2wasm('(module (import "wasi" "fd_write" (func)))')),
    "an unknown import": bytes(wasmtime.wat2wasm('(module (import "env" "system" (func)))')),
    "a known import of another type": bytes(
        wasmtime.wat2wasm('(module (import "env" "memory" (memory 1)) (import "env" "opa_abort" (func)))')
    ),
    "a function for memory": bytes(wasmtime.wat2wasm('(module (import "env" "memory" (func)))')),
    "a function's type that isn't known": bytes(
        wasmtime.wat2wasm('(module (type $t (func)) (func (export "eval") (param (ref null $t))))')
    ),
    "no memory": bytes(wasmtime.wat2wasm("(module)")),
    "cut off": guest()[:-20],
    "only a magic number": b"\0asm",
    "WebAssembly's text form": b"(module)",
    "something else": b"\x7fELF",
    "nothing": b"",
}


@pytest.mark.parametrize("name", BAD_MODULES)
def test_refuses_a_module(name: str) -> None:
    assert refusal(lambda: opened(BAD_MODULES[name])) == "engine.bad-module"


@pytest.mark.attack("A25")
@pytest.mark.parametrize("taken", [True, False])
@pytest.mark.parametrize("kind", FOREIGN_VALUES)
def test_refuses_a_function_that_takes_or_gives(kind: str, taken: bool) -> None:
    assert refusal(lambda: opened(retyped("opa_malloc", kind, taken=taken))) == "engine.bad-module"


@pytest.mark.attack("A25")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_refuses_other_types_of_each_function(name: str) -> None:
    for taken in (True, False):
        wasm = retyped(name, "f64", taken=taken)
        with pytest.raises(EngineError, match=f"policy.wasm has {name} of another type than OPA's ABI"):
            opened(wasm)


def test_refuses_a_function_that_gives_nothing() -> None:
    wasm = guest_text().replace("(param i32) (result i32) (local.get 0)", "(param i32)")
    assert refusal(lambda: opened(bytes(wasmtime.wat2wasm(wasm)))) == "engine.bad-module"


@pytest.mark.attack("A25")
@pytest.mark.parametrize("name", VERSIONS)
@pytest.mark.parametrize("kind", [*(k for k in FOREIGN_VALUES if k != "i32 i32"), "(mut i32)"])
def test_refuses_a_version_that_is(kind: str, name: str) -> None:
    plain = re.compile(rf'(\(global \(export "{name}"\)) i32 \(.*\)\)')
    text, count = plain.subn(rf"\1 {kind} {FOREIGN_VALUES.get(kind, '(i32.const 1)')})", guest_text())
    assert count == 1
    assert refusal(lambda: opened(bytes(wasmtime.wat2wasm(text)))) == "engine.bad-module"


@pytest.mark.attack("A25")
@pytest.mark.parametrize("kind", FOREIGN_VALUES)
def test_an_import_of_another_type(kind: str) -> None:
    text = guest_text().replace('"opa_println" (func $println (param i32))', f'"opa_println" (func (param {kind}))')
    assert text != guest_text()
    assert refusal(lambda: opened(bytes(wasmtime.wat2wasm(text)))) == "engine.bad-module"


def test_what_nobody_calls_may_be_of_any_type_that_compiles() -> None:
    extra = '(func (export "more") (param f32 f64 i64 funcref))(global (export "g") funcref (ref.null func))'
    with opened(guest(start=extra)) as engine:
        assert engine.decide({}).decision == {"said": 1}


def test_the_engine_can_be_told_what_to_do_without() -> None:
    """An unknown name would be set, and change nothing."""
    assert [n for n in UNUSED if not isinstance(getattr(wasmtime.Config, n, None), property)] == []


def test_what_the_library_raises_is_an_error_of_the_module(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> object:
        raise TypeError("don't know how to convert\x1b[31m")

    with opened(guest()) as engine:
        monkeypatch.setattr(wasmtime.Func, "__call__", broken)
        assert refusal(lambda: engine.decide({})) == "engine.trap"
    assert refusal(lambda: opened(guest())) == "engine.trap"
    monkeypatch.setattr(wasmtime.Module, "exports", property(broken))
    assert refusal(lambda: opened(guest())) == "engine.bad-module"
    monkeypatch.setattr(wasmtime.Module, "imports", property(broken))
    with pytest.raises(EngineError, match=r"\(TypeError\): don't know how to convert\?\[31m$"):
        opened(guest())


def test_refuses_a_real_module_cut_off(modules: Modules) -> None:
    wasm = modules("gate")
    assert refusal(lambda: opened(wasm[: len(wasm) // 2])) == "engine.bad-module"


def test_refuses_host_builtins(modules: Modules) -> None:
    with pytest.raises(EngineError, match="needs functions of its host: sprintf") as caught:
        opened(modules("hosted"))
    assert caught.value.code == "engine.host-builtin"
    assert refusal(lambda: opened(guest(builtins="[]"))) == "engine.host-builtin"


BAD_EVALUATIONS = {
    "reports failure": ({"eval": "(i32.const 1)"}, "engine.trap"),
    "stops": ({"eval": "unreachable"}, "engine.trap"),
    "calls a builtin": ({"eval": "(call $builtin (i32.const 0) (i32.const 0))"}, "engine.trap"),
    "reaches outside": ({"eval": "(i32.load (i32.const 0x7fffffff))"}, "engine.trap"),
    "divides by zero": ({"eval": "(i32.div_u (i32.const 1) (i32.const 0))"}, "engine.trap"),
    "answers with NULL": ({"result": "0"}, "engine.trap"),
    "answers outside its memory": ({"result": "0x7ffffff0"}, "engine.trap"),
    "answers with a negative address": ({"result": "-1"}, "engine.trap"),
    "spins": ({"eval": "(loop $l (br $l)) (i32.const 0)"}, "engine.out-of-fuel"),
    "recurses": ({"eval": "(call $eval (i32.const 1))"}, "engine.trap"),
    "answers no JSON": ({"answer": "[{"}, "engine.bad-reply"),
    "answers with duplicate members": ({"answer": '[{"result":1,"result":2}]'}, "engine.bad-reply"),
    "answers with NaN": ({"answer": '[{"result":NaN}]'}, "engine.bad-reply"),
    "answers an object": ({"answer": '{"result":1}'}, "engine.bad-reply"),
    "answers twice": ({"answer": '[{"result":{"a":1}},{"result":{"a":1}}]'}, "engine.bad-reply"),
    "answers with more": ({"answer": '[{"result":{"a":1},"warning":{}}]'}, "engine.bad-reply"),
    "answers a number": ({"answer": "[1]"}, "engine.bad-reply"),
    "answers no result": ({"answer": "[{}]"}, "engine.bad-reply"),
    "is undefined": ({"answer": "[]"}, "engine.undefined"),
    "answers null": ({"answer": '[{"result":null}]'}, "engine.undefined"),
    "answers an empty object": ({"answer": '[{"result":{}}]'}, "engine.undefined"),
}


@pytest.mark.attack("A21")
@pytest.mark.parametrize("name", BAD_EVALUATIONS)
def test_an_evaluation_that(name: str) -> None:
    changed, code = BAD_EVALUATIONS[name]
    with opened(guest(**changed), limits=Limits(fuel=50_000_000)) as engine:
        assert refusal(lambda: engine.decide({})) == code
        assert refusal(lambda: engine.decide({})) == code


@pytest.mark.parametrize("what", ["request", "bundle's data"])
def test_a_guest_that_cant_read_is_not_asked(what: str) -> None:
    """OPA's ABI says NULL; going on would make the input undefined and every denial with it."""
    longer = "(i32.gt_u (i32.const {}) (local.get 1))".replace("{}", "20" if what == "request" else "0")
    with pytest.raises(EngineError, match=f"can't read the {what}") as caught:
        opened(guest(parse=longer)).decide({"longer": "than the data of this bundle"})
    assert caught.value.code == "engine.unsendable"


def test_a_guest_without_room_for_the_request() -> None:
    with opened(guest(pages="1 1")) as engine:
        assert refusal(lambda: engine.decide({"text": "x" * 60_000})) == "engine.trap"


def test_last_words_are_told() -> None:
    words = guest(eval="(call $abort (i32.const 1024)) (i32.const 0)", answer=r"ran out of \07 luck")
    with opened(words) as engine, pytest.raises(EngineError, match=r"the policy stopped: ran out of \? luck") as caught:
        engine.decide({})
    assert caught.value.code == "engine.trap"


def test_answer_without_end() -> None:
    rest = "(i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 1024))"
    endless = guest(eval=f"(memory.fill (i32.const 1024) (i32.const 65) {rest}) (i32.const 0)")
    with opened(endless) as engine:
        assert refusal(lambda: engine.decide({})) == "engine.trap"


@pytest.mark.attack("A62")
def test_answer_over_the_limit(gate_data: Any, modules: Modules) -> None:
    with opened(modules("gate"), gate_data, limits=Limits(reply_bytes=9000)) as engine:
        tools: Any = [{"id": str(n), "privilege": "admin", "path": ""} for n in range(1000)]
        request: Any = {"nonce": "n", "environment": "staging", "tools": tools}
        assert refusal(lambda: engine.decide(request)) == "engine.reply-too-large"
        assert engine.decide(request | {"tools": []}).decision


def test_memory_is_capped(modules: Modules) -> None:
    with opened(modules("greedy"), limits=Limits(memory_bytes=16 * MIB)) as engine:
        assert refusal(lambda: engine.decide({"text": "x" * 1000})) == "engine.out-of-memory"
        assert engine.decide({}).decision == {"strings": 0}


def test_module_larger_than_the_cap() -> None:
    assert refusal(lambda: opened(guest(pages="17"), limits=Limits(memory_bytes=MIB))) == "engine.out-of-memory"


def test_module_with_a_maximum_of_its_own() -> None:
    with opened(guest(pages="1 1")) as engine:
        assert engine.decide({}).decision == {"said": 1}


def test_fuel_is_limited_and_dead_instances_are_replaced(modules: Modules) -> None:
    with opened(modules("endless"), limits=Limits(fuel=10_000_000)) as engine:
        for _ in range(3):
            assert refusal(lambda: engine.decide({"items": list(range(50))})) == "engine.out-of-fuel"
            assert engine.decide({}).decision == {"found": 0}


def test_deadline_stops_what_fuel_would_allow(modules: Modules) -> None:
    with opened(modules("endless"), limits=Limits(fuel=1 << 50, deadline_s=0.1)) as engine:
        assert refusal(lambda: engine.decide({"items": list(range(200))})) == "engine.timeout"
        assert engine.decide({}).decision == {"found": 0}
        assert refusal(lambda: engine.decide({"items": list(range(200))})) == "engine.timeout"


START = "(func $start {}) (start $start)"
GROWING = START.replace("{}", "(loop $l (drop (memory.grow (i32.const 1000))) (br $l))")


@pytest.mark.attack("A21")
def test_a_start_function_gets_the_fuel_of_the_setup_only() -> None:
    """Growing memory is slow for its fuel: an evaluation's worth of it would take minutes."""
    step = "(local.tee 0 (i32.add (local.get 0) (i32.const 1)))"
    busy = f"(local i32) (loop $l (br_if $l (i32.lt_u {step} (i32.const 20000000))))"
    limits = Limits(fuel=1_000_000_000)
    assert refusal(lambda: opened(guest(start=START.replace("{}", busy)), limits=limits)) == "engine.out-of-fuel"
    assert refusal(lambda: opened(guest(start=GROWING), limits=limits)) == "engine.out-of-fuel"


@pytest.mark.attack("A21")
@pytest.mark.parametrize("changed", [{"start": GROWING}, {"parse": "(loop $l (br $l)) (i32.const 1)"}])
def test_deadline_stops_a_setup_that_fuel_would_allow(changed: dict[str, str]) -> None:
    limits = Limits(fuel=1 << 50, setup_fuel=1 << 50, deadline_s=0.1)
    assert refusal(lambda: opened(guest(**changed), limits=limits)) == "engine.timeout"


def test_large_data_gets_fuel_for_its_size(modules: Modules) -> None:
    data: Any = {"rows": [{"id": f"row-{n}", "size": n} for n in range(20_000)]}
    with opened(modules("greedy"), data, limits=Limits(setup_fuel=2_000_000)) as engine:
        assert engine.decide({}).decision == {"strings": 0}


def test_forgotten_data_is_undefined(modules: Modules) -> None:
    with opened(modules("gate")) as engine:
        assert (
            refusal(lambda: engine.decide({"nonce": "n", "environment": "staging", "tools": []})) == "engine.undefined"
        )


def test_data_that_cant_be_sent(modules: Modules) -> None:
    assert refusal(lambda: opened(modules("gate"), {"share": 0.5})) == "engine.unsendable"


def test_unsendable_request_leaves_the_engine_alive(gate: EmbeddedEngine) -> None:
    assert refusal(lambda: gate.decide({"share": 0.5})) == "engine.unsendable"  # type: ignore[dict-item]
    assert gate.decide({"nonce": "n", "environment": "staging", "tools": []}).decision


def test_closed_twice_and_asked() -> None:
    engine = opened(guest())
    engine.close()
    engine.close()
    assert refusal(lambda: engine.decide({})) == "engine.closed"


def test_closed_after_a_failure() -> None:
    engine = opened(guest(eval="unreachable"))
    assert refusal(lambda: engine.decide({})) == "engine.trap"
    engine.close()


def test_not_usable_in_a_forked_child() -> None:
    with opened(guest()) as engine:
        engine._process += 1
        assert refusal(lambda: engine.decide({})) == "engine.closed"


def test_an_interrupted_evaluation_is_not_resumed(gate_data: Any, modules: Modules) -> None:
    with opened(modules("gate"), gate_data) as engine:
        instance = engine._instance
        assert instance is not None

        class Interrupted(BaseException):
            pass

        def interrupt(_: bytes) -> bytes:
            raise Interrupted

        instance.evaluate = interrupt  # type: ignore[method-assign,assignment]
        request: Any = {"nonce": "n", "environment": "staging", "tools": []}
        with pytest.raises(Interrupted):
            engine.decide(request)
        assert engine.decide(request).decision
        assert engine._instance is not instance


def test_threads_take_turns(gate: EmbeddedEngine) -> None:
    found: dict[str, list[Any]] = {}

    def ask(name: str) -> None:
        request: Any = {"nonce": name, "environment": "staging", "tools": []}
        found[name] = [gate.decide(request).decision["nonce"] for _ in range(50)]  # type: ignore[index,call-overload]

    threads = [threading.Thread(target=ask, args=(f"t{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {f"t{n}": [f"t{n}"] * 50 for n in range(4)}


@pytest.fixture(scope="module")
def code_cache(tmp_path_factory: pytest.TempPathFactory) -> CodeCache:
    return CodeCache(tmp_path_factory.mktemp("cache"))


TOOL = st.fixed_dictionaries(
    {"id": st.text(max_size=30), "privilege": st.sampled_from(["admin", "read"]), "path": st.text(max_size=9)}
)
REQUEST = st.fixed_dictionaries(
    {"nonce": st.text(max_size=9), "environment": st.sampled_from(["staging", "nowhere"]), "tools": st.lists(TOOL)}
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(requests=st.lists(REQUEST, min_size=2, max_size=8))
def test_property_no_request_leaves_a_trace(
    gate: EmbeddedEngine, gate_data: Any, modules: Modules, code_cache: CodeCache, requests: list[Any]
) -> None:
    def outcome(engine: EmbeddedEngine, request: Any) -> Any:
        try:
            return engine.decide(request).decision
        except EngineError as e:
            return e.code

    used = [outcome(gate, r) for r in requests]
    fresh = []
    for request in requests:
        with opened(modules("gate"), gate_data, cache=code_cache) as engine:
            fresh.append(outcome(engine, request))
    assert used == fresh


def test_cache_is_filled_and_used(tmp_path: Path, gate_data: Any, modules: Modules) -> None:
    request: Any = {"nonce": "n", "environment": "staging", "tools": []}
    answers, states = [], []
    for _ in range(2):
        with opened(modules("gate"), gate_data, cache=CodeCache(tmp_path / "cache")) as engine:
            answers.append(engine.decide(request))
            assert engine.notes == ()
        states.append([(f.name, f.stat().st_mtime_ns) for f in (tmp_path / "cache").iterdir()])
    assert answers[0] == answers[1]
    assert states[0] == states[1]
    assert len(states[0]) == 2  # the policy and its host


def test_cached_code_of_other_settings_is_compiled_anew(tmp_path: Path) -> None:
    cache = CodeCache(tmp_path / "cache")
    for limits in (Limits(), Limits(memory_bytes=8 * MIB), Limits()):
        with opened(guest(), limits=limits, cache=cache) as engine:
            assert engine.decide({}).decision == {"said": 1}
    assert cache.notes == []


def test_unsafe_cache_is_told_and_not_used(tmp_path: Path) -> None:
    directory = tmp_path / "cache"
    directory.mkdir()
    directory.chmod(0o770)
    with opened(guest(), cache=CodeCache(directory)) as engine:
        assert engine.decide({}).decision == {"said": 1}
        assert engine.notes == (
            f"code cache {directory} is not used: others own it or have access to it; chmod 700 it",
        )
    assert list(directory.iterdir()) == []


def test_version_of_wasmtime_without_its_directory(tmp_path: Path) -> None:
    assert wasmtime_version(tmp_path) == wasmtime_version()


def test_foreign_text_is_made_harmless() -> None:
    assert printable("\n a\x1b[31m\u202eb" + "c" * 300 + "\nsecond line") == "a?[31m?b" + "c" * 192
