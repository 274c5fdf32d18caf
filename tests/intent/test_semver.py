from __future__ import annotations

import pytest
import semantic_version
from hypothesis import given
from hypothesis import strategies as st

from bspec_opa.intent.semver import SemVer, parse_semver, version_step

NUMBERS = st.integers(0, 12).map(str)
PARTS = NUMBERS | st.sampled_from(["alpha", "beta", "rc", "a-b", "-", "1a", "A"])
VERSIONS = st.builds(
    lambda release, pre, build: (
        ".".join(release) + ("-" + ".".join(pre)) * bool(pre) + ("+" + ".".join(build)) * bool(build)
    ),
    st.tuples(NUMBERS, NUMBERS, NUMBERS),
    st.lists(PARTS, max_size=3),
    st.lists(PARTS, max_size=2),
)


def parsed(text: str) -> SemVer:
    version = parse_semver(text)
    assert version is not None
    return version


@given(VERSIONS, VERSIONS)
def test_precedence_is_that_of_an_independent_library(one: str, other: str) -> None:
    theirs = [semantic_version.Version(text.split("+")[0]) for text in (one, other)]  # it orders build metadata, too
    ours = [parsed(text).precedence for text in (one, other)]
    assert (ours[0] < ours[1]) == (theirs[0].precedence_key < theirs[1].precedence_key)
    assert (ours[0] == ours[1]) == (theirs[0].precedence_key == theirs[1].precedence_key)


@given(st.text("0123456789.-+aA", max_size=12))
def test_what_is_a_version_is_what_an_independent_library_takes(text: str) -> None:
    assert (parse_semver(text) is not None) == semantic_version.validate(text)


@pytest.mark.parametrize(
    "text", ["1.0", "1", "v1.0.0", "1.0.0\n", "01.0.0", "1.0.0-", "1.0.0-01", "1.0.0+", "", "1" * 16 + ".0.0"]
)
def test_no_version(text: str) -> None:
    assert parse_semver(text) is None


def test_parts() -> None:
    assert parse_semver("1.2.3-rc.1+b-2.c") == SemVer((1, 2, 3), ("rc", "1"), "b-2.c")
    assert parse_semver("1.2.3+b-2") == SemVer((1, 2, 3), (), "b-2")


STEPS = {
    ("1.0.0", "1.0.0"): "same",
    ("1.0.0", "1.0.0+build"): "same",
    ("1.0.0", "1.0.1"): "patch",
    ("1.0.0-rc.1", "1.0.0"): "patch",
    ("1.0.9", "1.1.0"): "minor",
    ("1.0.9", "1.1.0-rc.1"): "minor",
    ("1.9.9", "2.0.0"): "major",
    ("1.0.0", "0.9.9"): "lower",
    ("1.0.0", "1.0.0-rc.1"): "lower",
}


@pytest.mark.parametrize("versions", STEPS, ids=str)
def test_steps(versions: tuple[str, str]) -> None:
    assert version_step(parsed(versions[0]), parsed(versions[1])) == STEPS[versions]
