"""Semantic versions: parsing and precedence (semver.org 2.0.0), nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bspec_opa.intent.forms import SEMVER_FORM

if TYPE_CHECKING:
    from bspec_opa.intent.vocabulary import VersionStep

_FORM = re.compile(SEMVER_FORM.removeprefix("^").removesuffix("$"))


@dataclass(frozen=True, slots=True)
class SemVer:
    """A parsed version.

    Attributes:
        release: major, minor and patch.
        prerelease: its identifiers; empty for a release.
        build: build metadata, which has no precedence.
    """

    release: tuple[int, int, int]
    prerelease: tuple[str, ...] = ()
    build: str = ""

    @property
    def precedence(self) -> tuple[object, ...]:
        """Sorts versions as SemVer orders them; equal for two that differ in build metadata only."""
        identifiers = tuple((0, int(i), "") if i.isdigit() else (1, 0, i) for i in self.prerelease)
        return (self.release, not self.prerelease, identifiers)


def parse_semver(text: str) -> SemVer | None:
    """A version, or nothing if the text is not exactly one; numbers have at most 15 digits."""
    if _FORM.fullmatch(text) is None:
        return None
    rest, _, build = text.partition("+")
    numbers, _, prerelease = rest.partition("-")
    major, minor, patch = map(int, numbers.split("."))
    return SemVer((major, minor, patch), tuple(prerelease.split(".")) if prerelease else (), build)


def version_step(old: SemVer, new: SemVer) -> VersionStep:
    """How far a version went: the first number that rose, or whether it stayed or fell."""
    if new.precedence == old.precedence:
        return "same"
    if new.precedence < old.precedence:
        return "lower"
    if new.release[0] > old.release[0]:
        return "major"
    return "minor" if new.release[1] > old.release[1] else "patch"
