from __future__ import annotations

import re

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bspec_opa.foundation.document.load import load_yaml
from bspec_opa.foundation.document.scalars import INTEGER, WORDS, other_reading
from bspec_opa.foundation.errors import InvalidInputError

AMBIGUOUS_TABLE = """
    NO No no nO yes Yes YES on On ON off Off OFF y Y n N True TRUE tRuE False FALSE Null NULL ~
    010 00 0o10 0O10 0x1F 0X1f 0b101 0x +1 -0 -01 1_000 1__0 -1_0 0_1 +_0o7 -_1 0_x1F
    1.0 1. .5 -.5 +1.5 1e3 1E3 1e+3 1.5e-3 1_0.5 685_230.15 6.8523015e+5 12e03 -2E+05
    .inf .Inf .INF -.inf +.inf .nan .NaN .NAN
    22:22 190:20:30 190:20:30.15 -1:30 8080:80 10:99
    2026-01-01 2026-1-1 2026-01-01T00:00:00Z 2001-12-14t21:59:43.10-05:00
    << =
"""
STRING_TABLE = """
    1.0.0 v1 a.b 10.0.0.1 1-2 2026-05 26-01-01 2026-01-01-rc gpt-4-2026-01-01 yesterday nothing none None nil
    read:invoke P7D team:support ... .. .infinity nan inf NaN Infinity 1e3x e3 x10 ten a<<b - / + - 1,000
    12-34 0-1 sha256:00 1:a 1:2:x a1 _1 ._ --1 +-1
"""
AMBIGUOUS, STRINGS = AMBIGUOUS_TABLE.split(), STRING_TABLE.split()


@pytest.mark.attack("A36")
@pytest.mark.parametrize("plain", [*AMBIGUOUS, "2026-01-01 12:00:00", "2001-12-14 21:59:43.10 -5"])
def test_what_parsers_read_differently_is_refused_with_a_hint_and_fine_in_quotes(plain: str) -> None:
    with pytest.raises(InvalidInputError, match="quote it") as caught:
        load_yaml(f"a: b\nk: {plain}\n".encode(), "f")
    assert caught.value.code == "document.ambiguous-scalar"
    assert str(caught.value).startswith(f'f:2:4: "{plain}" is ')
    for quoted in (f"'{plain}'", f'"{plain}"', f"|-\n  {plain}", f">-\n  {plain}"):
        assert load_yaml(f"k: {quoted}\n".encode(), "f").value == {"k": plain}


@pytest.mark.attack("A36")
@pytest.mark.parametrize("plain", [p for p in AMBIGUOUS if p != "<<"])
def test_they_are_refused_as_keys_as_well(plain: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        load_yaml(f"{plain}: b\n".encode(), "f")
    assert [p.reason.code for p in caught.value.problems] == ["document.ambiguous-scalar"]


@pytest.mark.parametrize("plain", [s for s in STRINGS if s not in {"...", "-"}])
def test_everything_unambiguous_is_a_string(plain: str) -> None:
    assert load_yaml(f"k: {plain}\n".encode(), "f").value == {"k": plain}


@pytest.mark.parametrize(
    ("plain", "value"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("0", 0),
        ("7", 7),
        ("-7", -7),
        ("999999999999999", 10**15 - 1),
        ("-999999999999999", 1 - 10**15),
    ],
)
def test_the_plain_forms_of_json_are_what_they_look_like(plain: str, value: object) -> None:
    loaded = load_yaml(f"- {plain}\n".encode(), "f").value
    assert loaded == [value]
    assert isinstance(loaded, list)
    assert type(loaded[0]) is type(value)


@pytest.mark.attack("A38")
@pytest.mark.parametrize("plain", ["1000000000000000", "-1000000000000000", "9" * 50_000])
def test_integers_out_of_range_are_refused(plain: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        load_yaml(f"k: {plain}\n".encode(), "f")
    assert caught.value.code == "document.integer-range"


# YAML 1.2.2, 10.3.2: what the core schema resolves to something else than a string.
CORE = re.compile(
    r"null|Null|NULL|~|true|True|TRUE|false|False|FALSE|[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"
    r"|[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?(\.inf|\.Inf|\.INF)|\.nan|\.NaN|\.NAN"
)


@pytest.mark.attack("A36")
@settings(max_examples=2000)
@given(st.text("0123456789+-._:eExXoObBaAfFtTzZ <=~", min_size=1, max_size=12))
def test_what_counts_as_a_string_is_one_in_yaml_1_1_and_1_2(plain: str) -> None:
    if plain in WORDS or INTEGER.fullmatch(plain) or other_reading(plain):
        return
    assert CORE.fullmatch(plain) is None
    resolved = yaml.resolver.Resolver().resolve(yaml.ScalarNode, plain, (True, False))  # type: ignore[no-untyped-call]
    assert resolved == "tag:yaml.org,2002:str"


@given(st.from_regex(CORE, fullmatch=True))
def test_every_scalar_that_the_core_schema_resolves_is_no_string(plain: str) -> None:
    assert plain in WORDS or INTEGER.fullmatch(plain) or other_reading(plain)
