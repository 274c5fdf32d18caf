"""Times and durations: ``YYYY-MM-DDTHH:MM:SSZ`` without fractions, ``P<n>D`` or ``PT<n>H``."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from bspec_opa.foundation.reasons import BAD_TIME

_TIME = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})Z\Z")
_DURATION = re.compile(r"P(?:([0-9]{1,5})D|T([0-9]{1,6})H)\Z")
_DAY_S = 86_400
_HOUR_S = 3_600


def parse_time(text: str) -> int:
    """RFC 3339 text in the one accepted form, as Unix seconds.

    Raises:
        InvalidInputError: another form, or no such moment.
    """
    match = _TIME.match(text)
    if match is None:
        raise BAD_TIME.error(f"{text[:40]!r} is not a time", hint="write it as 2026-05-01T00:00:00Z")
    try:
        year, month, day, hour, minute, second = map(int, match.groups())
        return int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp())
    except ValueError as e:
        raise BAD_TIME.error(f"{text} does not exist", hint="write an existing date and time") from e


def format_time(unix_seconds: int) -> str:
    """Unix seconds in the one accepted form.

    Raises:
        InvalidInputError: the moment lies outside the years 1 to 9999.
    """
    try:
        moment = datetime.fromtimestamp(unix_seconds, tz=UTC)
    except (ValueError, OverflowError, OSError) as e:
        raise BAD_TIME.error("a time is outside the years 1 to 9999", hint="count in seconds since 1970") from e
    return moment.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def parse_duration(text: str) -> int:
    """``P<n>D`` or ``PT<n>H`` in seconds.

    Raises:
        InvalidInputError: another form.
    """
    match = _DURATION.match(text)
    if match is None:
        raise BAD_TIME.error(f"{text[:40]!r} is not a duration", hint="write days as P7D or hours as PT12H")
    days, hours = match.groups()
    return int(days) * _DAY_S if days is not None else int(hours) * _HOUR_S


def shown_age(seconds: int) -> str:
    """How long ago, for people: in days, or in hours or minutes where it is less."""
    for size, unit in ((_DAY_S, "day"), (_HOUR_S, "hour"), (60, "minute")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "less than a minute"
