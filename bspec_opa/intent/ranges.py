"""Version ranges: comma-joined comparators over release numbers, as half-open intervals. Pure.

``>=2.0,<3`` is the interval [2.0.0, 3.0.0); numbers that are left out are 0. Between two neighbouring releases
``x.y.z`` and ``x.y.z+1`` there is nothing that a range matches, so ``>x.y.z`` begins at the second and ``<=x.y.z``
ends there. Pre-releases and releases that are not SemVer match only an exact ``==``, which stands alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bspec_opa.foundation.document.text import shown
from bspec_opa.intent.reasons import RANGE_EMPTY, RANGE_SYNTAX
from bspec_opa.intent.semver import parse_semver

if TYPE_CHECKING:
    from bspec_opa.foundation.errors import BspecError

Release = tuple[int, int, int]

_NUMBERS = re.compile(r"(?:0|[1-9][0-9]{0,14})(?:\.(?:0|[1-9][0-9]{0,14})){0,2}")
_COMPARATOR = re.compile(r"(>=|>|<=|<)(.*)", re.DOTALL)
_OPAQUE = re.compile(r"[0-9A-Za-z][0-9A-Za-z._+:/@-]*")
_FIRST: Release = (0, 0, 0)


@dataclass(frozen=True, slots=True)
class VersionRange:
    """The releases that a tool may have.

    Attributes:
        text: as authored.
        lower: the first release number of the interval.
        upper: the first release number after it; None if it never ends. Equal to ``lower`` if it is empty.
        literal: a release that matches by its exact text, beside the interval.
    """

    text: str
    lower: Release
    upper: Release | None
    literal: str | None = None

    @property
    def bounded(self) -> bool:
        """Whether there is an upper bound."""
        return self.upper is not None

    def contains(self, version: str) -> bool:
        """Whether a release lies in the range. Build metadata doesn't count, unless the range names it."""
        if version == self.literal:
            return True
        parsed = parse_semver(version)
        if parsed is None or parsed.prerelease:
            return False
        return self.lower <= parsed.release and (self.upper is None or parsed.release < self.upper)

    def within(self, other: VersionRange) -> bool:
        """Whether every release of this range lies in the other one."""
        if self.literal is not None and not other.contains(self.literal):
            return False
        if self.lower == self.upper:
            return True
        ends_within = other.upper is None or (self.upper is not None and self.upper <= other.upper)
        return other.lower <= self.lower and ends_within


def widens(old: VersionRange, new: VersionRange) -> bool:
    """Whether the new range lets in a release that the old one keeps out."""
    return not new.within(old)


def parse_range(text: str) -> VersionRange:
    """A range from its text.

    Raises:
        InvalidInputError: another form (the message shows the equivalent where there is one), or a range that no
            release satisfies.
    """
    if text.startswith("==") and "," not in text:
        return _exact(text, text[2:])
    lower, upper = _FIRST, None
    for comparator in text.split(","):
        match = _COMPARATOR.fullmatch(comparator)
        if match is None or _NUMBERS.fullmatch(match[2]) is None:
            raise _refused(text)
        low, high = _bounds(match[1], _release(match[2]))
        lower = max(lower, low)
        upper = high if upper is None else upper if high is None else min(upper, high)
    if upper is not None and upper <= lower:
        raise RANGE_EMPTY.error(f"no release satisfies {shown(text)}", hint="correct the bounds")
    return VersionRange(text, lower, upper)


def _exact(text: str, version: str) -> VersionRange:
    if _NUMBERS.fullmatch(version):
        release = _release(version)
        return VersionRange(text, release, _next(release), None if parse_semver(version) else version)
    if _OPAQUE.fullmatch(version) is None:
        raise _refused(text)
    return VersionRange(text, _FIRST, _FIRST, version)


def _release(numbers: str) -> Release:
    major, minor, patch = ([int(n) for n in numbers.split(".")] + [0, 0])[:3]
    return major, minor, patch


def _next(release: Release) -> Release:
    return release[0], release[1], release[2] + 1


def _bounds(operator: str, release: Release) -> tuple[Release, Release | None]:
    if operator == ">=":
        return release, None
    if operator == ">":
        return _next(release), None
    return _FIRST, _next(release) if operator == "<=" else release


def _refused(text: str) -> BspecError:
    from bspec_opa.intent.range_hints import equivalent

    return RANGE_SYNTAX.error(f"{shown(text)} is not a version range", hint=equivalent(text))
