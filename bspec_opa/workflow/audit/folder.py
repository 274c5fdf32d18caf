"""A pack as it lies there: every file read once, within bounds, no link followed, held against the manifest."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from bspec_opa.foundation.closed_schema import violations
from bspec_opa.foundation.digest import digest_of
from bspec_opa.foundation.document.load import parse_json
from bspec_opa.foundation.errors import BspecError, Location, error_of
from bspec_opa.foundation.files import is_directory, read_bounded
from bspec_opa.foundation.limits import MAX_BUNDLE_BYTES, MAX_DEPTH, MAX_LEDGER_BYTES
from bspec_opa.foundation.reasons import TOO_LARGE, UNREADABLE
from bspec_opa.workflow.audit.pack import LOG, MANIFEST, MANIFEST_SCHEMA
from bspec_opa.workflow.audit.reasons import NO_PACK, PACK_ALTERED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from bspec_opa.foundation.errors import Problem

HINT = "ask for the pack again"
MOST_FILES = 200_000
MOST_BYTES = 8 * MAX_LEDGER_BYTES
"""Of all files of a pack together; they are held in memory."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest's bytes and what it says."""

    data: bytes
    value: dict[str, Any]


def read_folder(directory: Path) -> tuple[Manifest, dict[str, bytes]]:
    """The manifest, and every other file of a pack by its path.

    Raises:
        InvalidInputError: there is no pack, or it exceeds the limits.
        TrustError: something is no regular file, or not as the manifest lists it.
    """
    if not is_directory(directory):
        raise NO_PACK.error("there is no such directory", hint="name a pack", at=Location(str(directory)))
    found: dict[str, bytes] = {}
    size = 0
    for path in _walked(directory, 0):
        name = path.relative_to(directory).as_posix()
        found[name] = read_bounded(path, MAX_LEDGER_BYTES if name in {LOG, MANIFEST} else MAX_BUNDLE_BYTES)
        size += len(found[name])
        require_bounded(directory, len(found), size)
    manifest = _manifest(directory, found.pop(MANIFEST, None))
    _require_listed(directory, manifest, found)
    return manifest, found


def require_bounded(directory: Path, files: int, size: int) -> None:
    """Refuse a pack that nobody could verify.

    Raises:
        InvalidInputError: too many files, or too large.
    """
    if files > MOST_FILES or size > MOST_BYTES:
        message = f"a pack has at most {MOST_FILES} files and {MOST_BYTES} bytes"
        raise TOO_LARGE.error(message, at=Location(str(directory)))


def altered(directory: Path, name: str, message: str) -> Problem:
    """What is wrong with one file of a pack."""
    return PACK_ALTERED.problem(message, hint=HINT, at=Location(str(directory / name)))


def _walked(directory: Path, depth: int) -> Iterator[Path]:
    if depth > MAX_DEPTH:
        raise PACK_ALTERED.error("lies deeper than anything of a pack", hint=HINT, at=Location(str(directory)))
    try:
        entries = [(e, e.lstat().st_mode) for e in sorted(directory.iterdir())]
    except OSError as e:
        raise UNREADABLE.error(f"can't be read: {e.strerror}", at=Location(str(directory))) from e
    for entry, mode in entries:
        if stat.S_ISDIR(mode):
            yield from _walked(entry, depth + 1)
        elif stat.S_ISREG(mode):
            yield entry
        else:
            raise PACK_ALTERED.error("is no regular file", hint=HINT, at=Location(str(entry)))


def _manifest(directory: Path, data: bytes | None) -> Manifest:
    at = Location(str(directory / MANIFEST))
    if data is None:
        raise NO_PACK.error("there is no manifest", hint="name a directory that evidence-pack wrote", at=at)
    try:
        value = parse_json(data, str(directory / MANIFEST), limit=MAX_LEDGER_BYTES)
    except BspecError as e:
        raise NO_PACK.error(f"the manifest can't be read: {e.problems[0].message}", hint=HINT, at=at) from e
    wrong = violations(MANIFEST_SCHEMA, value, limit=1)
    if wrong:
        raise NO_PACK.error(f"{wrong[0].pointer or 'the manifest'} {wrong[0].message}", hint=HINT, at=at)
    return Manifest(data, cast("dict[str, Any]", value))


def _require_listed(directory: Path, manifest: Manifest, found: Mapping[str, bytes]) -> None:
    """Every difference between the manifest and what is there, at once."""
    listed = {f["path"]: f for f in manifest.value["files"]}
    problems = [altered(directory, n, "was removed") for n in listed if n not in found]
    problems += [altered(directory, n, "was added") for n in found if n not in listed]
    problems += [
        altered(directory, n, f"was altered: it is {digest_of(d)}, listed is {listed[n]['digest']}")
        for n, d in found.items()
        if n in listed and (listed[n]["digest"], listed[n]["bytes"]) != (digest_of(d), len(d))
    ]
    if problems:
        raise error_of(problems)
