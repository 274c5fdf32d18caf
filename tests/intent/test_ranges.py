from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from world import refused

from bspec_opa.foundation.errors import InvalidInputError
from bspec_opa.intent.ranges import VersionRange, parse_range, widens

RELEASES = [f"{a}.{b}.{c}" for a in range(4) for b in range(3) for c in range(3)]
ODD = ["2.0", "1", "2.0.0-rc.1", "2.0.0+b", "2024-11-05", "latest"]
EVERY = [*RELEASES, *ODD]

MATCHES = {
    ">=2.0": {r for r in RELEASES if r >= "2"} | {"2.0.0+b"},
    ">=2,<3": {r for r in RELEASES if r[0] == "2"} | {"2.0.0+b"},
    ">2.0,<=2.1": {"2.0.1", "2.0.2", "2.1.0"},
    "<0.1": {"0.0.0", "0.0.1", "0.0.2"},
    "<=0.0.1": {"0.0.0", "0.0.1"},
    ">3.2.1": {"3.2.2"},
    "==2.0.0": {"2.0.0", "2.0.0+b"},
    "==2.0": {"2.0.0", "2.0.0+b", "2.0"},
    "==1": {"1.0.0", "1"},
    "==2.0.0-rc.1": {"2.0.0-rc.1"},
    "==2.0.0+b": {"2.0.0+b"},
    "==2024-11-05": {"2024-11-05"},
    "==latest": {"latest"},
    ">=1,>=2,<3,<2.1": {"2.0.0", "2.0.1", "2.0.2", "2.0.0+b"},
}


@pytest.mark.parametrize("text", MATCHES)
def test_what_a_range_contains(text: str) -> None:
    wanted = parse_range(text)
    assert {release for release in EVERY if wanted.contains(release)} == MATCHES[text]
    assert wanted.text == text


@pytest.mark.parametrize(
    ("text", "bounded"),
    [(">=2.0", False), (">2", False), (">=2,<3", True), ("<3", True), ("<=3", True), ("==2.0", True), ("==odd", True)],
)
def test_bounded(text: str, bounded: bool) -> None:
    assert parse_range(text).bounded is bounded


@pytest.mark.parametrize("text", [">=3,<2", ">=2,<2", ">2,<=2", ">2.0.0,<2.0.1", "<0", ">=1,<3,>=3"])
def test_a_range_that_nothing_satisfies(text: str) -> None:
    with pytest.raises(InvalidInputError) as e:
        parse_range(text)
    assert e.value.code == "intent.range-empty"


REFUSED = {
    "^1.2.3": 'write ">=1.2.3,<2"',
    "^0.2.3": 'write ">=0.2.3,<0.3"',
    "^0.0.3": 'write ">=0.0.3,<0.0.4"',
    "^0": 'write ">=0,<1"',
    "^1.2,<1.5": 'write ">=1.2,<2,<1.5"',
    "~1.2": 'write ">=1.2,<1.3"',
    "~1": 'write ">=1,<2"',
    "~>1.2.3": 'write ">=1.2.3,<1.3"',
    "~=1.4.2": 'write ">=1.4.2,<1.5"',
    "~=1.4": 'write ">=1.4,<2"',
    "1.*": 'write ">=1,<2"',
    "1.x.x": 'write ">=1,<2"',
    "==1.2.*": 'write ">=1.2,<1.3"',
    "*": 'write ">=0" for every release',
    ">= 2.0": 'write ">=2.0"',
    ">=2.0 <3": 'write ">=2.0,<3"',
    ">=2.0, <3": 'write ">=2.0,<3"',
    " >=2.0": 'write ">=2.0"',
    "2.0": 'write "==2.0"',
    "=2.0": 'write "==2.0"',
    "1.0.0-rc.1": 'write "==1.0.0-rc.1"',
    "!=1.5": 'a range has no gaps: write "<1.5" or ">1.5"',
}
HOPELESS = [
    "latest",
    "",
    ",",
    ">=2,",
    "==",
    "== ",
    "==a b",
    "a||b",
    ">=1.0.0-rc.1",
    "==1,>=2",
    ">=01",
    ">=1.2.3.4",
    "==^1",
    "1 - 2",
]
FORMS = 'write comparators joined by commas, such as ">=2.0,<3", or "==" and one release'


@pytest.mark.parametrize("text", REFUSED)
def test_other_dialects_are_refused_with_the_equivalent(text: str) -> None:
    with pytest.raises(InvalidInputError) as e:
        parse_range(text)
    assert (e.value.code, e.value.problems[0].hint) == ("intent.range-syntax", REFUSED[text])


@pytest.mark.parametrize("text", [t for t, hint in REFUSED.items() if hint.startswith('write "')])
def test_the_equivalent_is_itself_accepted(text: str) -> None:
    parse_range(REFUSED[text].split('"')[1])


@pytest.mark.parametrize("text", HOPELESS)
def test_what_has_no_equivalent_is_refused_with_the_forms(text: str) -> None:
    with pytest.raises(InvalidInputError) as e:
        parse_range(text)
    assert (e.value.code, e.value.problems[0].hint) == ("intent.range-syntax", FORMS)


def test_the_refusal_shows_nothing_raw() -> None:
    with refused("intent.range-syntax") as e:
        parse_range("\x1b[31m")
    assert "\x1b" not in str(e.value)


COMPARATORS = st.tuples(
    st.sampled_from([">=", ">", "<=", "<"]), st.sampled_from(["0", "1", "1.1", "2.0.1", "2", "3.2"])
)


def usable(text: str) -> bool:
    try:
        parse_range(text)
    except InvalidInputError:
        return False
    return True


RANGES = (
    (st.lists(COMPARATORS, min_size=1, max_size=3).map(lambda cs: ",".join(a + b for a, b in cs)).filter(usable))
    | st.sampled_from(EVERY).map(lambda release: "==" + release)
).map(parse_range)


def members(wanted: VersionRange) -> set[str]:
    return {release for release in EVERY if wanted.contains(release)}


@given(RANGES, RANGES)
def test_widening_is_letting_in_one_more_release(old: VersionRange, new: VersionRange) -> None:
    """On a grid of releases that has one beyond every bound, the intervals decide as the sets do."""
    if not widens(old, new):
        assert members(new) <= members(old)
    elif new.upper is not None or old.upper is None:
        assert not members(new) <= members(old)


@given(RANGES, RANGES, RANGES)
def test_within_is_a_partial_order(a: VersionRange, b: VersionRange, c: VersionRange) -> None:
    assert a.within(a)
    assert not (a.within(b) and b.within(c)) or a.within(c)
    if a.within(b) and b.within(a):
        assert members(a) == members(b)


@pytest.mark.parametrize(
    ("old", "new", "wider"),
    [
        (">=2.0", ">=2.0.0", False),
        (">=2.0", ">=1.9", True),
        (">=2.0,<3", ">=2.0", True),
        (">=2.0", ">=2.0,<3", False),
        (">=2.0,<3", ">=2.1,<3.1", True),
        ("<=2.0.1", "<2.0.2", False),
        (">=1", "==1.5.0", False),
        (">=1", "==1.5.0-rc.1", True),
        (">=1", "==odd", True),
        ("==odd", ">=1", True),
        ("==odd", "==odd", False),
        ("==odd", "==other", True),
        ("==2.0", "==2.0.0", False),
        ("==2.0.0", "==2.0", True),
        (">=2", "==2.0.0+b", False),
    ],
)
def test_widens(old: str, new: str, wider: bool) -> None:
    assert widens(parse_range(old), parse_range(new)) is wider
