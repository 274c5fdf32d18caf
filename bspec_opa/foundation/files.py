"""Files, read once and written whole.

Reading opens with ``O_NOFOLLOW``, checks the open descriptor and reads at most the limit, so that what was
hashed is what is used (attack A43). Writing goes to a temporary file beside the target, ``fsync``, rename,
``fsync`` of the directory: a reader sees the old bytes or the new ones, never a part. What a killed process left of
that is swept up by those who write there a day later.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat
import time
from typing import TYPE_CHECKING

from bspec_opa.foundation.errors import Location
from bspec_opa.foundation.limits import MAX_NAME
from bspec_opa.foundation.reasons import BAD_NAME, EXISTS, TOO_LARGE, UNREADABLE, UNWRITABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LEFT_OVER_S = 86_400
"""A temporary file of this age belongs to nobody any more; writing one takes seconds."""
_TEMPORARY = re.compile(r"\.(?:[0-9a-f]{16}|[0-9a-f]{32})\.tmp\Z")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*\Z")


def read_bounded(path: Path, limit: int) -> bytes:
    """All bytes of a regular file.

    Raises:
        InvalidInputError: missing, unreadable, a symbolic link, not a regular file, or over ``limit`` bytes.
    """
    at = Location(str(path))
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as e:
        raise UNREADABLE.error(_why_unreadable(e), hint="name an existing regular file", at=at) from e
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise UNREADABLE.error("not a regular file", hint="name an existing regular file", at=at)
        data = b"" if (size := os.fstat(descriptor).st_size) > limit else _read_at_most(descriptor, limit + 1)
    except OSError as e:
        raise UNREADABLE.error(f"can't be read: {e.strerror}", at=at) from e
    finally:
        os.close(descriptor)
    if max(size, len(data)) > limit:
        raise TOO_LARGE.error(f"larger than {limit} bytes", hint="make it smaller", at=at)
    return data


def _read_at_most(descriptor: int, count: int) -> bytes:
    with os.fdopen(descriptor, "rb", closefd=False) as file:
        data: bytes | None = file.read(count)
    if data is None:  # a file of the kernel that has nothing to say just now
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
    return data


def _why_unreadable(error: OSError | ValueError) -> str:
    if isinstance(error, OSError):
        if error.errno == errno.ELOOP:
            return "is a symbolic link, which is not followed"
        return f"can't be read: {error.strerror}"
    return "is no file name"


def beside(path: Path, name: str) -> Path:
    """The file of another name in the directory of a file.

    Raises:
        InvalidInputError: the path names no file, such as ``.`` or ``/``.
    """
    if not path.name:
        raise BAD_NAME.error("names no file", hint="name a file, not a directory", at=Location(str(path)))
    return path.with_name(name)


def is_directory(path: Path) -> bool:
    """Whether there is a directory of this name.

    Raises:
        InvalidInputError: it can't be told: the name is too long, or a directory above may not be searched.
    """
    return _tell(path, path.is_dir)


def is_regular(path: Path) -> bool:
    """Whether there is a regular file of this name, or a link to one.

    Raises:
        InvalidInputError: it can't be told.
    """
    return _tell(path, path.is_file)


def exists(path: Path) -> bool:
    """Whether there is anything of this name, or a link to something.

    Raises:
        InvalidInputError: it can't be told.
    """
    return _tell(path, path.exists)


def _tell(path: Path, question: Callable[[], bool]) -> bool:
    try:
        return question()
    except OSError as e:
        raise UNREADABLE.error(_why_unreadable(e), hint="name an existing one", at=Location(str(path))) from e


def write_atomic(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Replace or create a file as a whole, durably.

    Raises:
        StoreError: nothing was changed.
    """
    try:
        with _temporary(path, data, mode) as temporary:
            temporary.replace(path)
        sync_directory(path.parent)
        sweep(path.parent)
    except (OSError, ValueError) as e:
        raise UNWRITABLE.error(_why_unwritable(e), at=Location(str(path))) from e


def write_new(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Create a file that must not exist yet, as a whole and durably.

    Raises:
        UsageError: it exists.
        StoreError: it can't be written.
    """
    try:
        with _temporary(path, data, mode) as temporary:
            os.link(temporary, path)
        sync_directory(path.parent)
        sweep(path.parent)
    except FileExistsError as e:
        raise EXISTS.error("is already there", hint="choose another name", at=Location(str(path))) from e
    except (OSError, ValueError) as e:
        raise UNWRITABLE.error(_why_unwritable(e), at=Location(str(path))) from e


@contextlib.contextmanager
def _temporary(path: Path, data: bytes, mode: int) -> Iterator[Path]:
    """A durable file beside the target, gone afterwards unless it was renamed."""
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        _write_exclusive(temporary, data, mode)
        yield temporary
    finally:
        with contextlib.suppress(OSError, ValueError):
            temporary.unlink(missing_ok=True)


def _why_unwritable(error: OSError | ValueError) -> str:
    return f"can't be written: {error.strerror}" if isinstance(error, OSError) else "is no file name"


def _write_exclusive(path: Path, data: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)


def sync_directory(path: Path) -> None:
    """Make a rename or a new name in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep(directory: Path | int, now: float | None = None) -> None:
    """Remove what killed processes left behind: old regular files of our own under the names of temporary ones.

    Never fails: what can't be removed stays.

    Args:
        directory: its path, or a descriptor of it.
        now: Unix seconds.
    """
    oldest = (time.time() if now is None else now) - LEFT_OVER_S
    with contextlib.suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            if _TEMPORARY.match(entry.name) and _is_left_over(entry.stat(follow_symlinks=False), oldest):
                with contextlib.suppress(OSError):
                    os.unlink(entry.path, dir_fd=directory if isinstance(directory, int) else None)


def _is_left_over(state: os.stat_result, oldest: float) -> bool:
    return stat.S_ISREG(state.st_mode) and state.st_uid == os.geteuid() and state.st_mtime < oldest


def make_directory(path: Path, *, mode: int = 0o755) -> None:
    """Create a directory and its parents where they are missing.

    Raises:
        StoreError: it can't be created.
    """
    try:
        path.mkdir(mode=mode, parents=True, exist_ok=True)
    except (OSError, ValueError) as e:
        raise UNWRITABLE.error(_why_unwritable(e), at=Location(str(path))) from e


def safe_name(name: str) -> str:
    """A name that stays inside its directory (attack A70).

    Raises:
        InvalidInputError: a separator, ``..``, a control character, a leading dot or too long.
    """
    if len(name) > MAX_NAME or not _NAME.match(name) or ".." in name:
        raise BAD_NAME.error(f"{name[:60]!r} is no safe name", hint="use letters, digits, dot, dash and underscore")
    return name


def list_files(directory: Path, suffix: str, limit: int) -> list[Path]:
    """Entries of a directory with a suffix, sorted by name; hidden ones are left out.

    Raises:
        InvalidInputError: the directory is missing or holds more than ``limit`` such entries.
    """
    try:
        names = sorted(e.name for e in os.scandir(directory) if e.name.endswith(suffix) and e.name[0] != ".")
    except (OSError, ValueError) as e:
        hint = "name an existing directory"
        raise UNREADABLE.error(_why_unreadable(e), hint=hint, at=Location(str(directory))) from e
    if len(names) > limit:
        raise TOO_LARGE.error(f"holds more than {limit} files", at=Location(str(directory)))
    return [directory / n for n in names]
