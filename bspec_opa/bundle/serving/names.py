"""Names of served bundles: an organisation and an environment, such as ``acme/production``. Nothing else is a name."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from bspec_opa.bundle.serving.limits import MAX_BUNDLES
from bspec_opa.bundle.serving.reasons import BAD_NAME, NOTHING
from bspec_opa.foundation.errors import Location
from bspec_opa.foundation.limits import MAX_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SUFFIX = ".tar.gz"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*(?:/[a-z0-9][a-z0-9_-]*){0,3}")
_HINT = "write it as acme/production=bundles/acme.tar.gz"


def is_name(text: str) -> bool:
    """Whether a text is a name; none has a dot, so none is a path to anywhere else."""
    return len(text) <= MAX_NAME and _NAME.fullmatch(text) is not None


def parse_named(texts: Sequence[str]) -> dict[str, Path]:
    """Files by name, from ``NAME=FILE``.

    Raises:
        UsageError: another form, a name twice, or too many.
    """
    found: dict[str, Path] = {}
    for text in texts:
        name, equals, file = text.partition("=")
        if not equals or not file:
            raise BAD_NAME.error(f"{text[:80]!r} is not NAME=FILE", hint=_HINT)
        if not is_name(name):
            raise BAD_NAME.error(f"{name[:80]!r} is no name for a bundle", hint=_HINT)
        if name in found:
            raise BAD_NAME.error(f"{name} is named twice", hint="serve one file under one name")
        found[name] = Path(file)
    if len(found) > MAX_BUNDLES:
        raise BAD_NAME.error(f"more than {MAX_BUNDLES} bundles", hint="use several servers")
    return found


def check_directory(directory: Path) -> None:
    """Refuse a ``--dir`` that isn't there: a mistyped one would serve nothing, in silence.

    Raises:
        UsageError: no directory.
    """
    if not directory.is_dir():
        raise NOTHING.error("is no directory", hint="create it first", at=Location(str(directory)))


def discover(directory: Path) -> tuple[dict[str, Path], dict[Path, str]]:
    """The bundles below a directory by name, and for what is left out the reason.

    ``DIR/acme/production.tar.gz`` is ``acme/production``. Hidden files and directories don't count, and a link has to
    stay inside of the directory; there it is followed, since this is how Kubernetes mounts volumes.
    """
    root = Path(os.path.realpath(directory))
    found: dict[str, Path] = {}
    left_out: dict[Path, str] = {}
    for path in sorted(_archives(directory, left_out)):
        name = path.relative_to(directory).as_posix().removesuffix(SUFFIX)
        if not is_name(name):
            left_out[path] = "its path is no name for a bundle"
        elif not Path(os.path.realpath(path)).is_relative_to(root):
            left_out[path] = "leads out of the directory"
        elif len(found) == MAX_BUNDLES:
            left_out[path] = f"more than {MAX_BUNDLES} bundles"
        else:
            found[name] = path
    return found, left_out


def _archives(directory: Path, left_out: dict[Path, str]) -> Iterator[Path]:
    def note(error: OSError) -> None:
        left_out[Path(error.filename)] = f"can't be read: {error.strerror}"

    for folder, folders, files in os.walk(directory, onerror=note):
        folders[:] = [f for f in folders if not f.startswith(".")]
        yield from (Path(folder) / f for f in files if f.endswith(SUFFIX) and not f.startswith("."))
