from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bspec_opa.foundation.errors import InvalidInputError
from bspec_opa.foundation.times import format_time, parse_duration, parse_time

FIRST, LAST = parse_time("0001-01-01T00:00:00Z"), parse_time("9999-12-31T23:59:59Z")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2000-02-29T12:00:00Z", 951_825_600),
        ("2026-05-01T00:00:00Z", 1_777_593_600),
        ("1969-12-31T23:59:59Z", -1),
    ],
)
def test_times_are_unix_seconds(text: str, seconds: int) -> None:
    assert parse_time(text) == seconds
    assert format_time(seconds) == text


@given(st.integers(FIRST, LAST))
def test_every_moment_of_four_digit_years_round_trips(seconds: int) -> None:
    assert parse_time(format_time(seconds)) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-05-01",
        "2026-05-01T00:00:00",
        "2026-05-01T00:00:00z",
        "2026-05-01 00:00:00Z",
        "2026-05-01T00:00:00.000Z",
        "2026-05-01T00:00:00+00:00",
        "2026-05-01T00:00:00Z\n",
        " 2026-05-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-05-01T24:00:00Z",
        "2026-05-01T23:59:60Z",
        "0000-01-01T00:00:00Z",
        "\u0662\u0660\u0662\u0666-05-01T00:00:00Z",
    ],
)
def test_other_forms_and_moments_that_do_not_exist_are_refused(text: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_time(text)
    assert caught.value.code == "foundation.bad-time"


@pytest.mark.parametrize("seconds", [FIRST - 1, LAST + 1, 10**15, -(10**15), 10**30])
def test_moments_without_that_form_are_refused(seconds: int) -> None:
    with pytest.raises(InvalidInputError) as caught:
        format_time(seconds)
    assert caught.value.code == "foundation.bad-time"


@pytest.mark.parametrize(
    ("text", "seconds"), [("P0D", 0), ("P7D", 604_800), ("PT12H", 43_200), ("PT0H", 0), ("P99999D", 8_639_913_600)]
)
def test_durations_are_seconds(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "P", "PT", "7D", "P7", "P7H", "PT7D", "P-1D", "P1.5D", "P7D\n", "p7d", "P1DT1H", "P999999D", "P\u0667D"],
)
def test_other_durations_are_refused(text: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_duration(text)
    assert caught.value.code == "foundation.bad-time"
