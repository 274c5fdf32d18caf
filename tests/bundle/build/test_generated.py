from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, validators
from policy_tree import allowed, full, good_tree, sample, write

from bspec_opa.bundle.build.gate_source import GATE_TEST, gate_source
from bspec_opa.bundle.build.generate import generated, main
from bspec_opa.bundle.build.guard_source import guard_source
from bspec_opa.bundle.build.organisation import validator
from bspec_opa.bundle.contract.definitions import input_schema
from bspec_opa.bundle.index import Index
from bspec_opa.foundation.closed_schema import array, integer, obj, string, violations

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bspec_opa.bundle.read import Bundle
    from bspec_opa.bundle.rego.opa_tool import Opa

SCHEMA: dict[str, Any] = input_schema()
JUDGE = """\
package judge

import data.bspec.gate.shape

verdicts := [v | some x in input; v := verdict(x)]

verdict(x) := true if shape.is_input(x)

verdict(x) := false if not shape.is_input(x)
"""


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory, opa: Opa) -> Path:
    """The generated packages of the good tree, as a developer gets them; the tree is beside."""
    root = tmp_path_factory.mktemp("generated")
    write(root / "policies", good_tree())
    assert main([str(root / "policies"), str(root / "gate"), "--opa", str(opa.path)]) == 0
    return root / "gate"


def test_the_command_writes_three_files(out: Path, bundle: Bundle) -> None:
    assert {p.name: p.read_bytes() for p in out.iterdir()} == {
        "gate.rego": bundle.files["bspec/gate/gate.rego"],
        "shape.rego": bundle.files["bspec/gate/shape/shape.rego"],
        "gate_test.rego": GATE_TEST.encode(),
    }


def test_the_command_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str], opa: Opa) -> None:
    assert main([str(tmp_path), str(tmp_path / "gate"), "--opa", str(opa.path)]) == 3
    assert "holds no rule" in capsys.readouterr().err
    assert not (tmp_path / "gate").exists()


def test_the_text_has_the_form_of_opa_fmt(out: Path, opa: Opa) -> None:
    assert opa.run(["fmt", "--list", str(out)]) == ""


def test_the_generated_tests_pass_and_cover_everything(out: Path, opa: Opa) -> None:
    policies = out.parent / "policies"
    arguments = ["test", str(policies), str(out), "--fail-on-empty", "--format", "json"]
    results = json.loads(opa.run(arguments))
    assert {r["name"] for r in results if r["package"] == "data.bspec.gate_test"} == {
        "test_a_missing_organisation_key_is_undefined",
        "test_accepts_the_full_shape",
        "test_all_is_no_environment_even_if_the_data_says_so",
        "test_bad_selector_is_undefined",
        "test_bad_selector_of_a_pack_is_undefined",
        "test_check_needs_no_environment",
        "test_environment_without_own_rules_reports_the_common_ones",
        "test_ill_typed_input_is_undefined",
        "test_no_rule_chosen_is_undefined",
        "test_no_word_about_tiers_is_undefined",
        "test_packs_without_what_checks_the_tier_are_undefined",
        "test_reports_exactly_the_index",
        "test_says_who_answers_and_to_what",
        "test_unknown_environment_is_undefined",
    }
    coverage = json.loads(opa.run([*arguments, "--coverage"]))
    bare = {f for f, c in coverage["files"].items() if f.startswith(str(out)) and c.get("not_covered")}
    assert bare == set()


def test_a_rule_that_is_gone_makes_the_decision_undefined(out: Path, opa: Opa, tmp_path: Path) -> None:
    (tmp_path / "input.json").write_text(json.dumps(allowed()))
    query = ["eval", "-i", str(tmp_path / "input.json"), "-d", str(out / "gate.rego"), "-d", str(out / "shape.rego")]
    decision = "data.bspec.gate.decision"
    assert json.loads(opa.run([*query, "-d", str(out.parent / "policies"), decision]))["result"]
    tree = good_tree()
    del tree["bspec/rules/promotion/production/carried/carried.rego"]
    write(tmp_path / "policies", tree)
    assert json.loads(opa.run([*query, "-d", str(tmp_path / "policies"), decision])) == {}


def test_without_rules_of_an_environment_the_gate_compiles(bundle: Bundle, tmp_path: Path, opa: Opa) -> None:
    index = Index(bundle.index.of_kind("global"))
    files = {**good_tree(), **{n: d.decode() for n, d in generated(index).items()}}
    write(tmp_path, {n: t for n, t in files.items() if "/rules/promotion/" not in n})
    opa.run(["check", "--strict", str(tmp_path)])
    assert "here := {}\n" in gate_source(index)
    assert "everywhere := {}\n" in gate_source(index)


def strict() -> Draft202012Validator:
    """jsonschema as the contract reads it: 1.0 is no integer."""
    checker = Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, v: isinstance(v, int) and not isinstance(v, bool)
    )
    extended: Any = validators.extend
    return extended(Draft202012Validator, type_checker=checker)(SCHEMA)  # type: ignore[no-any-return]


def judge(values: list[Any], out: Path, opa: Opa) -> list[bool]:
    """What the guard says of each value, through the real OPA."""
    folder = out.parent / "judge"
    folder.mkdir(exist_ok=True)
    (folder / "judge.rego").write_text(JUDGE)
    arguments = ["eval", "-I", "-f", "raw", "-d", str(folder), "-d", str(out / "shape.rego"), "data.judge.verdicts"]
    found: list[bool] = json.loads(opa.run(arguments, stdin=json.dumps(values).encode()))
    return found


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if at:
        yield at
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(item, (*at, key))


def parent(value: Any, at: tuple[Any, ...]) -> Any:
    for step in at[:-1]:
        value = value[step]
    return value


VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 1.0, 1.5, -0.5, 1e-7, 1e20, 9000, 9000.0, 10_000, 10_001, 10**15 - 1, 10**15, 10**16,
    "", "zz", "later", "1", "1.5", "approve", [], {}, ["a"], [1], [[]], [{}], {"a": 1}, [None],
]  # fmt: skip
STRANGE: dict[type, list[Any]] = {
    str: [7, "zz"],
    int: [True, -1, 9000.0, 10**15],
    bool: [0, None],
    list: [{}, "ab"],
    dict: [[], None],
}
BASES = [allowed(), full(), sample(SCHEMA, SCHEMA, 2)]


@st.composite
def mutants(draw: st.DrawFn) -> Any:
    value = copy.deepcopy(draw(st.sampled_from(BASES)))
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.sampled_from(list(places(value))))
        inside, last = parent(value, at), at[-1]
        kind = draw(st.sampled_from(["replace", "replace", "remove", "add", "repeat"]))
        if kind == "remove":
            del inside[last]
        elif kind == "add" and isinstance(inside, dict):
            inside[draw(st.sampled_from(["extra", "", "id", "path"]))] = draw(st.sampled_from(VALUES))
        elif kind == "repeat" and isinstance(inside, list):
            inside.append(copy.deepcopy(inside[last]))
        else:
            inside[last] = draw(st.sampled_from(VALUES))
    return value


def taken_for_whole(value: Any) -> bool:
    """Whether only a 1.0 where 1 stands elsewhere is wrong with a value.

    OPA keeps what a function gave for an argument, and takes 1.0 and 1 for the same argument, as every rule does. So the
    guard may not look at the second one. Our own check of the input does, before any engine is asked.
    """
    return strict().is_valid(whole(value))


def whole(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: whole(v) for k, v in value.items()}
    if isinstance(value, list):
        return [whole(v) for v in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(values=st.lists(mutants(), min_size=20, max_size=30))
def test_guard_and_schema_agree(values: list[Any], out: Path, opa: Opa) -> None:
    reference = strict()
    expected = [reference.is_valid(v) for v in values]
    judged = judge(values, out, opa)
    assert [g for g, e, v in zip(judged, expected, values, strict=True) if g != e and not taken_for_whole(v)] == []
    assert [violations(input_schema(), v) == [] for v in values] == expected


def test_guard_and_schema_agree_at_every_place(out: Path, opa: Opa) -> None:
    """Each place of the full input, with each strange value, one at a time."""
    values: list[Any] = [None, [], "word", 7, True, full()]
    for at in places(full()):
        for new in STRANGE[type(parent(full(), at)[at[-1]])]:
            value = full()
            parent(value, at)[at[-1]] = new
            values.append(value)
    for at in places(full()):
        inside = parent(full(), at)
        value = full()
        if isinstance(inside, list):
            parent(value, at).append(inside[0])
        else:
            del parent(value, at)[at[-1]]
        values.append(value)
    reference = strict()
    expected = [reference.is_valid(v) for v in values]
    assert {True, False} == set(expected)
    assert judge(values, out, opa) == expected


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("1", True),
        ("1.0", False),
        ("1e3", False),
        ("15e-1", False),
        ("1E-5", False),
        ("100000000000000000000000", False),
    ],
)
def test_numbers_as_they_are_written(text: str, fits: bool, out: Path, opa: Opa) -> None:
    """A sidecar reads numbers that Python never writes."""
    value = json.dumps([{**allowed(), "now_unix": "NUMBER"}]).replace('"NUMBER"', text)
    folder = out.parent / "numbers"
    folder.mkdir(exist_ok=True)
    (folder / "judge.rego").write_text(JUDGE)
    arguments = ["eval", "-I", "-f", "raw", "-d", str(folder), "-d", str(out / "shape.rego"), "data.judge.verdicts"]
    assert json.loads(opa.run(arguments, stdin=value.encode())) == [fits]


@pytest.mark.parametrize(
    "schema",
    [
        obj(a=string(pattern="^x$")),
        obj(a={**string(), "format": "date"}),
        obj({"a": string()}),
        {**obj(a=string()), "additionalProperties": True},
        obj(a=array({**integer(), "multipleOf": 2})),
    ],
)
def test_the_guard_refuses_schemas_that_it_can_not_check(schema: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"guard can.t check|guard checks"):
        guard_source(schema)


def test_the_guard_knows_lengths(tmp_path: Path, opa: Opa) -> None:
    schema = obj(a=array(integer(1, 2), minimum=1, maximum=2), b=string(minimum=1, maximum=2))
    (tmp_path / "shape.rego").write_text(guard_source(schema))
    (tmp_path / "judge.rego").write_text(JUDGE)
    lists: list[list[int]] = [[], [1], [1, 2], [1, 1, 1], [3]]
    cases = [*({"a": a, "b": "x"} for a in lists), *({"a": [1], "b": b} for b in ("", "é", "éé", "xyz"))]
    arguments = ["eval", "-I", "-f", "raw", "-d", str(tmp_path), "data.judge.verdicts"]
    assert json.loads(opa.run(arguments, stdin=json.dumps(cases).encode())) == [
        *(False, True, True, False, False),
        *(False, True, True, False),
    ]


def test_the_guard_of_data_knows_optional_keys(tmp_path: Path, opa: Opa) -> None:
    schema = obj({"b": obj(c=integer(1, 2))}, a=string())
    (tmp_path / "shape.rego").write_text(guard_source(schema, optional=True))
    (tmp_path / "judge.rego").write_text(JUDGE)
    cases: list[Any] = [{"a": "x"}, {"a": "x", "b": {"c": 1}}, {"a": "x", "b": {"c": 3}}, {"b": {"c": 1}}]
    cases += [{"a": "x", "b": None}, {"a": "x", "c": 1}]
    arguments = ["eval", "-I", "-f", "raw", "-d", str(tmp_path), "data.judge.verdicts"]
    verdicts = [True, True, False, False, False, False]
    assert json.loads(opa.run(arguments, stdin=json.dumps(cases).encode())) == verdicts


@pytest.mark.attack("A67")
def test_a_remote_reference_is_not_fetched() -> None:
    from referencing.exceptions import Unresolvable

    with pytest.raises(Unresolvable):
        validator({"$ref": "http://127.0.0.1:9/schema.json"}).is_valid({})
