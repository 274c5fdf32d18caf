"""Would a pass that makes WebAssembly stop where OPA raises be right? Real OPA, its WebAssembly and the pass, side by side.

The pass and the judgement of it: docs/adr/0007-strict-wasm.md. ``STRICT_SEED`` repeats a run with other calls.
"""

from __future__ import annotations

import copy
import json
import os
import re
import subprocess
import sys
from collections import Counter
from itertools import islice
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
import wasmtime
from engine.parity.mutation import Words, change, spoil
from engine.parity.opa_build import Batch
from engine.parity.opa_cases import load_cases
from engine.parity.outcomes import is_accepted
from engine.strict.asking import (
    ERROR,
    STOPPED,
    UNDEFINED,
    Module,
    Row,
    ask_opa,
    asked_strictly,
    build,
    compile_calls,
    declarations,
    row_of,
    same,
)
from engine.strict.calls import Call, Maker, is_askable
from engine.strict.module import MAGIC, Section, UnknownFormatError, leb, module_of, sections_of
from engine.strict.rewriting import NATIVE, strict, wrapped_calls
from engine.strict.tally import (
    CAUGHT,
    CHANGED,
    DIFFERENT,
    EQUAL,
    FALSE_STOP,
    KINDS,
    LACKING,
    LAX,
    MISSED,
    PLAIN_STOPS,
    QUIET,
    Tally,
    kind_of,
)
from engine.test_opa_cases import BATCHES, batch_of, through_embedded
from engine.test_opa_cases import LISTED as LISTED_CASES

from bspec_opa.bundle.read import read_bundle
from bspec_opa.bundle.rego.capabilities import FILE as CAPABILITIES
from bspec_opa.bundle.shipped import shipped_bundle
from bspec_opa.engine.code_cache import CodeCache
from bspec_opa.engine.embedded import EmbeddedEngine
from bspec_opa.engine.reasons import TRAP, UNSENDABLE
from bspec_opa.engine.reasons import UNDEFINED as NO_DECISION
from bspec_opa.foundation.digest import ZERO_DIGEST
from bspec_opa.foundation.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

ROOT = Path(__file__).parents[2]
SEED = int(os.environ.get("STRICT_SEED", "1"))
IN_CI, IN_SOAK = 6, 1200
"""Calls of each builtin."""
PARTS = 4
NEVER = (MISSED, FALSE_STOP, CHANGED)
"""What would show the pass to be wrong."""
LISTED = {
    "concat": {DIFFERENT: "joins a set in the order of WebAssembly's memory"},
    "json.filter": {PLAIN_STOPS: "an empty path"},
    "json.remove": {PLAIN_STOPS: "an empty path"},
    "minus": {CAUGHT: "a number and a set"},
}
"""Of the allow-list, what does anything but agree when its arguments are well-typed and integers below 10^15."""

SAFE_WITHOUT = frozenset(
    [
        "array.slice",
        "bits.and",
        "bits.negate",
        "bits.or",
        "bits.xor",
        "ceil",
        "floor",
        "numbers.range",
        "product",
        "regex.is_valid",
        "round",
    ]
)
SAFE_WITH = frozenset(
    ["bits.lsh", "format_int", "net.cidr_contains", "net.cidr_intersects", "rem", "substring", "to_number"]
)
"""Outside of the allow-list: what only agrees, and what else only fails where OPA raises."""


@pytest.fixture(scope="module")
def types(opa_path: Path) -> dict[str, Sequence[Any]]:
    return declarations(opa_path)


@pytest.fixture(scope="module")
def wasm(opa_path: Path, types: Mapping[str, Sequence[Any]], tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return compile_calls(opa_path, tmp_path_factory.mktemp("calls"), types)


@pytest.fixture(scope="module")
def plain(wasm: bytes) -> Iterator[Module]:
    module = Module(wasm)
    yield module
    module.close()


@pytest.fixture(scope="module")
def wrapped(wasm: bytes) -> Iterator[Module]:
    module = Module(strict(wasm))
    yield module
    module.close()


def allowed() -> set[str]:
    return {b["name"] for b in json.loads(CAPABILITIES.read_text(encoding="utf-8"))["builtins"]}


def some_calls(types: Mapping[str, Sequence[Any]], builtin: str, number: int) -> list[Call]:
    """So many different calls of a builtin, fewer where there are not so many; the same in every run."""
    maker = Maker(Random(f"{SEED} {builtin}"), types)  # noqa: S311 - no secret
    made = (maker.call(builtin) for _ in range(20 * number))
    different = {c.key: c for c in made if is_askable(c)}
    return list(islice(different.values(), number))


def require_right(tally: Tally) -> None:
    """Nothing shows the pass to be wrong, and of the allow-list nothing is unknown."""
    assert {k: tally.kinds[k] for k in NEVER} == dict.fromkeys(NEVER, 0), tally.examples
    odd = {
        (builtin, kind)
        for builtin in tally.plain.keys() & allowed()
        for kind in tally.plain[builtin].keys() - {EQUAL, QUIET}
    }
    assert odd <= {(b, k) for b, kinds in LISTED.items() for k in kinds}, [tally.examples[o] for o in sorted(odd)]


# The comparison


def test_a_few_calls_of_each_builtin(
    opa_path: Path, types: dict[str, Sequence[Any]], plain: Module, wrapped: Module, tmp_path: Path
) -> None:
    calls = [c for builtin in types for c in some_calls(types, builtin, IN_CI)]
    assert len(calls) > 500
    asked = ask_opa(opa_path, tmp_path, calls)
    tally = Tally()
    for row in zip(calls, asked, plain.ask(calls), wrapped.ask(calls), strict=True):
        tally.count(*row)
    require_right(tally)
    assert tally.kinds[EQUAL] > 250
    assert tally.kinds[CAUGHT] > 100
    # One by one it is the same: a batch hides no error and adds none.
    for outcome in (ERROR, None):
        some = [n for n, o in enumerate(asked) if (o is ERROR) == (outcome is ERROR)][:3]
        for number in some:
            alone = asked_strictly(opa_path, tmp_path, calls[number])
            assert alone == asked[number]


@pytest.mark.soak
@pytest.mark.parametrize("part", range(PARTS))
def test_many_calls_of_each_builtin(  # noqa: PLR0917 - its fixtures
    part: int, opa_path: Path, types: dict[str, Sequence[Any]], plain: Module, wrapped: Module, tmp_path: Path
) -> None:
    tally = Tally()
    for builtin in sorted(types)[part::PARTS]:
        calls = some_calls(types, builtin, IN_SOAK)
        answers = ask_opa(opa_path, tmp_path, calls), plain.ask(calls), wrapped.ask(calls)
        for row in zip(calls, *answers, strict=True):
            tally.count(*row)
    sys.stdout.write(f"strict builtins, part {part + 1} of {PARTS}, STRICT_SEED={SEED}\n{tally.table()}")
    require_right(tally)
    others = tally.plain.keys() - allowed()
    odd = {b: tally.plain[b].keys() - {EQUAL, QUIET} for b in others}
    assert {b for b in others if not odd[b]} == SAFE_WITHOUT & others
    assert {b for b in others if odd[b] == {CAUGHT}} == SAFE_WITH & others
    if SEED == 1:
        assert {k: tally.kinds[k] for k in KINDS} == figures()[part]


def figures() -> list[dict[str, int]]:
    """The record's table: by part, how many calls are of each kind."""
    text = (ROOT / "docs" / "adr" / "0007-strict-wasm.md").read_text(encoding="utf-8")
    rows = {}
    for kind, cells in re.findall(r"^\| ([^|]+?) \|((?: [0-9]+ \|)+)$", text, re.MULTILINE):
        rows[kind] = [int(n) for n in re.findall("[0-9]+", cells)]
    return [{k: rows[k][part] for k in KINDS} for part in range(PARTS)]


def test_the_record_shows_a_hundred_thousand_calls() -> None:
    assert sum(sum(part.values()) for part in figures()) >= 100_000
    assert sum(part[k] for part in figures() for k in NEVER) == 0
    text = (ROOT / "docs" / "adr" / "0007-strict-wasm.md").read_text(encoding="utf-8")
    listed = [set(m.split()) for m in re.findall(r"`([a-z0-9._ \n]+)`", text) if len(m.split()) > 5]
    assert listed == [SAFE_WITHOUT, SAFE_WITH, NATIVE.keys() - allowed() - SAFE_WITHOUT - SAFE_WITH]


@pytest.mark.parametrize(
    ("builtin", "arguments", "kind"),
    [
        ("lower", [{"v": "Ä"}], EQUAL),
        ("lower", [{"v": 7}], CAUGHT),
        ("count", [{"set": [1, 2]}], EQUAL),
        ("count", [{"v": 7}], CAUGHT),
        ("max", [{"v": []}], QUIET),
        ("min", [{"set": []}], QUIET),
        ("max", [{"v": [1, 3]}], EQUAL),
        ("min", [{"v": "a"}], CAUGHT),
        ("min", [{"v": {}}], CAUGHT),
        ("to_number", [{"v": "x"}], CAUGHT),
        ("div", [{"v": 1}, {"v": 0}], CAUGHT),
        ("union", [{"sets": [[1], [2]]}], EQUAL),
        ("walk", [{"v": {"a": [1]}}], EQUAL),
        ("object.get", [{"v": {"a": False}}, {"v": "a"}, {"v": 1}], EQUAL),
        ("object.union_n", [{"v": []}], LACKING),
        ("base64.is_valid", [{"v": "01"}], DIFFERENT),
        ("base64.decode", [{"v": "ab"}], LAX),
        ("json.filter", [{"v": {}}, {"v": [[]]}], PLAIN_STOPS),
        ("replace", [{"v": "a"}, {"v": ""}, {"v": "b"}], PLAIN_STOPS),
        ("concat", [{"v": ""}, {"set": ["1e3", "\u2028", " "]}], DIFFERENT),
    ],
)
def test_a_call(  # noqa: PLR0917 - its fixtures
    builtin: str, arguments: Any, kind: str, opa_path: Path, plain: Module, wrapped: Module, tmp_path: Path
) -> None:
    call = Call(builtin, tuple(arguments), well_typed=True, in_range=True)
    (opa,) = ask_opa(opa_path, tmp_path, [call])
    assert kind_of(opa, *plain.ask([call]), *wrapped.ask([call])) == kind


def test_every_native_builtin_is_wrapped(types: dict[str, Sequence[Any]], wasm: bytes) -> None:
    """Those of the allow-list, too, but for two that the compiler takes apart."""
    assert types.keys() == NATIVE.keys()
    assert allowed() - NATIVE.keys() == {"assign", "eq"}
    assert set(wrapped_calls(wasm)) == set(NATIVE.values())


# The comparison itself


def test_values_are_compared_as_what_they_are() -> None:
    def rows(one: Any, other: Any, *, sets: bool = False) -> bool:
        return same(row_of({"value": one, "sets": int(sets)}), row_of({"value": other, "sets": int(sets)}))

    assert rows({"a": 1, "b": [1, 2]}, {"b": [1, 2], "a": 1})
    assert not rows([1, 2], [2, 1])
    assert rows([1, [3, 2]], [[2, 3], 1], sets=True)
    assert not rows([1], [1, 1], sets=True)
    assert not rows(True, 1)
    assert not rows(None, False)
    assert not same(Row([1], sets=True), Row([1], sets=False))


def test_each_kind_is_told_from_the_others() -> None:
    one, two = Row(1, sets=False), Row(2, sets=False)
    stopped = STOPPED
    assert kind_of(one, one, one) == EQUAL
    assert kind_of(UNDEFINED, UNDEFINED, UNDEFINED) == QUIET
    assert kind_of(ERROR, UNDEFINED, stopped) == CAUGHT
    assert kind_of(ERROR, UNDEFINED, UNDEFINED) == MISSED
    assert kind_of(ERROR, one, one) == LAX
    assert kind_of(UNDEFINED, UNDEFINED, stopped) == FALSE_STOP
    assert kind_of(one, UNDEFINED, stopped) == LACKING
    assert {kind_of(one, two, two), kind_of(UNDEFINED, one, one), kind_of(one, UNDEFINED, UNDEFINED)} == {DIFFERENT}
    assert kind_of(one, stopped, stopped) == PLAIN_STOPS
    assert {kind_of(one, one, two), kind_of(one, one, stopped), kind_of(one, UNDEFINED, one)} == {CHANGED}
    assert kind_of(one, stopped, one) == CHANGED


# The pass


def test_the_module_is_valid_and_only_grows(wasm: bytes) -> None:
    changed = strict(wasm)
    wasmtime.Module.validate(wasmtime.Engine(), changed)
    assert module_of(sections_of(wasm)) == wasm
    before, after = sections_of(wasm), sections_of(changed)
    assert [s.id for s in before] == [s.id for s in after]
    assert {b.id for b, a in zip(before, after, strict=True) if b != a} == {3, 10}
    assert strict(wasm) == changed


@pytest.mark.parametrize("number", [0, 1, 127, 128, 300, 65_535, 2**31])
def test_numbers_are_written_as_they_are_read(number: int) -> None:
    section = Section(0, b"x" * min(number, 300))
    assert sections_of(module_of([section])) == [section]
    assert (leb(number)[-1] < 0x80) is all(b >= 0x80 for b in leb(number)[:-1])


@pytest.mark.parametrize("data", [b"", MAGIC[:-1], b"\0asm\2\0\0\0", MAGIC + b"\x0a\x05ab"])
def test_what_is_no_module_is_refused(data: bytes) -> None:
    with pytest.raises(UnknownFormatError):
        strict(data)


def test_without_names_nothing_is_guessed(wasm: bytes) -> None:
    with pytest.raises(UnknownFormatError, match="no names"):
        strict(module_of([s for s in sections_of(wasm) if s.id]))


# Whole rules


def test_a_rule_that_opa_does_not_look_into_stops_all_the_same(opa_path: Path, tmp_path: Path) -> None:
    """OPA's index passes over a rule whose constants don't match; WebAssembly goes from one expression to the next."""
    for first, second, stops in (
        ('input.kind == "a"', 'lower(input.x) == "b"', False),
        ('lower(input.x) == "b"', 'input.kind == "a"', True),
    ):
        rego = f"package calls\n\nhit if {{\n\t{first}\n\t{second}\n}}\n\nr := [x | x := hit]\n"
        (tmp_path / "rule.rego").write_text(rego, encoding="utf-8")
        data = {"kind": "other", "x": 7}
        command = [
            str(opa_path),
            "eval",
            "-I",
            "--strict-builtin-errors",
            "--format=raw",
            "-d",
            "rule.rego",
            "data.calls.r",
        ]
        body = json.dumps(data).encode()
        done = subprocess.run(command, env={}, cwd=tmp_path, input=body, check=True, capture_output=True)
        assert json.loads(done.stdout) == []
        module = build(opa_path, tmp_path, "rule.rego", ["calls/r"])
        named: Any = {"revision": "r", "bundle_digest": ZERO_DIGEST, "entrypoint": "calls/r"}
        for wasm, stopping in ((module, False), (strict(module), stops)):
            with EmbeddedEngine(wasm, {}, **named) as engine:
                codes = outcomes([engine], data)
            assert (codes == [{TRAP.code}]) is stopping


class WrappedBatch(Batch):
    """OPA's cases with their builtins wrapped."""

    def wasm(self) -> bytes:
        return strict(super().wasm())


@pytest.mark.soak
@pytest.mark.parametrize("number", BATCHES)
def test_of_opas_own_cases_only_what_a_strict_server_refuses_is_refused(
    number: int, opa_path: Path, tmp_path: Path
) -> None:
    """All that strict mode raises in OPA's cases stops here, and the one case more is the strict server's, too."""
    cases = batch_of(load_cases(), number)
    batch = WrappedBatch(opa_path, tmp_path / "cases", cases)
    batch.keep_allowed()
    found = {case: got for (case, _), got in through_embedded(batch, CodeCache(tmp_path / "code")).items() if got}
    rows = [r for r in LISTED_CASES["differences"] if r["case"] in {c.id for c in cases}]
    assert found == {
        **{r["case"]: r["got"] for r in rows if r["engine"] == "embedded" and r["reason"] != "strict-wasm"},
        **{r["case"]: TRAP.code for r in rows if r["reason"] == "strict-server"},
    }


# Shipped rules


@pytest.fixture(scope="module")
def shipped() -> Iterator[tuple[EmbeddedEngine, EmbeddedEngine]]:
    path = shipped_bundle("default")
    bundle = read_bundle(path.read_bytes(), path.name)
    named: Any = {"revision": bundle.revision, "bundle_digest": bundle.digest}
    with (
        EmbeddedEngine(bundle.wasm, bundle.data, **named) as one,
        EmbeddedEngine(strict(bundle.wasm), bundle.data, **named) as other,
    ):
        yield one, other


def outcomes(engines: Iterable[EmbeddedEngine], request: Any) -> list[Any]:
    found: list[Any] = []
    for engine in engines:
        try:
            decision = engine.decide(request).decision
            found.append(json.dumps(decision, sort_keys=True))
        except EngineError as e:
            found.append({p.reason.code for p in e.problems})
    return found


def test_shipped_rules_decide_the_same(shipped: tuple[EmbeddedEngine, EmbeddedEngine], opa_path: Path) -> None:
    """Wrapped or not: on well-formed requests no rule calls a builtin that fails, on others none decides."""
    words, seen = Words(), Counter[str]()
    command = [str(opa_path), "eval", "--data=policies", "--format=raw", "data.bspec.testing.full"]
    done = subprocess.run(command, env={}, cwd=ROOT, check=True, capture_output=True)
    full = json.loads(done.stdout)
    words.learn([full])
    for number in range(120):
        random, request = Random(number), copy.deepcopy(full)  # noqa: S311 - no secret
        for _ in range(random.randrange(1, 6)):
            change(request, words, random)
        if number % 2:
            spoil(request, words, random)
        one, other = outcomes(shipped, request)
        if is_accepted(request):
            assert one == other
            seen["accepted"] += 1
        else:
            assert one in ({NO_DECISION.code}, {UNSENDABLE.code})
            assert other in (one, {TRAP.code})
            seen["refused"] += 1
    assert min(seen["accepted"], seen["refused"]) > 20
