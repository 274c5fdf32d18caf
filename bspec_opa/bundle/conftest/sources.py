"""The files of conftest policies and their data, each read once: what is checked and what runs is the same bytes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bspec_opa.bundle.conftest.reasons import LINK, NO_POLICIES
from bspec_opa.foundation.errors import Location
from bspec_opa.foundation.files import is_directory, read_bounded
from bspec_opa.foundation.limits import MAX_BUNDLE_FILES, MAX_IMPORT_BYTES
from bspec_opa.foundation.reasons import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REGO = (".rego",)
DATA = (".json", ".yaml", ".yml")


def read_policies(path: Path) -> dict[str, bytes]:
    """Every Rego file below a directory, or the one that is named, by its path below it.

    Raises:
        InvalidInputError: none, a link, or unreadable.
    """
    found = _read(path, REGO)
    if not found:
        raise NO_POLICIES.error("there is no .rego file here", hint="name another directory", at=Location(str(path)))
    return found


def read_data(path: Path) -> dict[str, bytes]:
    """Every JSON and YAML file below a directory, or the one that is named.

    Raises:
        InvalidInputError: none, a link, or unreadable.
    """
    found = _read(path, DATA)
    if not found:
        hint = "name another file or directory"
        raise NO_POLICIES.error("there is no .json, .yaml or .yml file here", hint=hint, at=Location(str(path)))
    return found


def _read(path: Path, endings: tuple[str, ...]) -> dict[str, bytes]:
    if not is_directory(path):
        # A file that is named is read whatever kind of file it is; OPA says what is wrong with it.
        name = path.name if path.name.endswith(endings) else path.name + endings[0]
        return {name: read_bounded(path, MAX_IMPORT_BYTES)}
    names = sorted(_walk(path, "", endings))
    if len(names) > MAX_BUNDLE_FILES:
        raise NO_POLICIES.error(f"more than {MAX_BUNDLE_FILES} files", at=Location(str(path)))
    return {n: read_bounded(path / n, MAX_IMPORT_BYTES) for n in names}


def _walk(folder: Path, prefix: str, endings: tuple[str, ...]) -> Iterator[str]:
    try:
        entries = sorted(os.scandir(folder), key=lambda e: e.name)
    except OSError as e:
        raise UNREADABLE.error(f"can't be looked into: {e.strerror}", at=Location(str(folder))) from e
    for entry in entries:
        if entry.is_symlink() and (entry.is_dir() or entry.name.endswith(endings)):
            at = Location(str(folder / entry.name))
            raise LINK.error("is a link, which is not followed", hint="put the file itself there", at=at)
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(folder / entry.name, f"{prefix}{entry.name}/", endings)
        elif entry.name.endswith(endings):
            yield prefix + entry.name
