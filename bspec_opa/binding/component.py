"""The digest of a component: a prompt's file, or a directory of skills or configuration.

Every part of the path is opened without following links, and each file is read once: what is hashed is what was
there (attack A43).
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bspec_opa.binding.reasons import COMPONENT_EMPTY, COMPONENT_TOO_LARGE, COMPONENT_UNREADABLE
from bspec_opa.foundation.digest import Digest, digest_json
from bspec_opa.foundation.errors import Location
from bspec_opa.foundation.limits import MAX_COMPONENT_BYTES, MAX_COMPONENT_FILES, MAX_DEPTH, MIB

if TYPE_CHECKING:
    from pathlib import Path

    from bspec_opa.foundation.canonical import JsonValue
    from bspec_opa.foundation.errors import BspecError, Reason

_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class ComponentLimits:
    """Bytes of one file, files of a directory, and levels of directories."""

    file_bytes: int = MAX_COMPONENT_BYTES
    files: int = MAX_COMPONENT_FILES
    depth: int = MAX_DEPTH


_DEFAULT = ComponentLimits()


def digest_component(root: Path, path: str, limits: ComponentLimits = _DEFAULT) -> Digest:
    """The digest of a file, or of the RFC 8785 form of a directory's ``[[path, digest], …]``, sorted by path.

    Args:
        root: the directory that the path is relative to; links on the way to it are the caller's business.
        path: as in a catalog, with ``/`` between its parts.
        limits: what is refused.

    Raises:
        InvalidInputError: missing, a link, a special file, an empty directory, or over the limits.
    """
    walk = _Walk(Location(str(root / path)), limits)
    *parents, last = path.split("/")
    try:
        directory = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        for parent in parents:
            directory = walk.enter(directory, parent)
        return walk.digest(directory, last)
    except (OSError, ValueError) as e:
        raise walk.error(COMPONENT_UNREADABLE, _why(e, path)) from e


@dataclass(slots=True)
class _Walk:
    """One traversal; it closes every directory that it is handed."""

    at: Location
    limits: ComponentLimits
    files: list[tuple[str, Digest]] = field(default_factory=list)

    def error(self, reason: Reason, message: str) -> BspecError:
        return reason.error(message, hint="name a regular file or a directory of such", at=self.at)

    def enter(self, directory: int, name: str) -> int:
        """A directory inside one, which is closed."""
        try:
            return os.open(name, _FLAGS | os.O_DIRECTORY, dir_fd=directory)
        finally:
            os.close(directory)

    def digest(self, directory: int, name: str) -> Digest:
        """Of the file or directory of a name."""
        try:
            descriptor = os.open(name, _FLAGS, dir_fd=directory)
        finally:
            os.close(directory)
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            return self._file(descriptor, name)
        self._directory(descriptor, "", 1)
        if not self.files:
            raise self.error(COMPONENT_EMPTY, "the directory holds no file")
        listed: list[JsonValue] = [[path, digest] for path, digest in sorted(self.files)]
        return digest_json(listed)

    def _directory(self, descriptor: int, prefix: str, depth: int) -> None:
        try:
            if depth > self.limits.depth:
                raise self.error(COMPONENT_TOO_LARGE, f"has more than {self.limits.depth} levels")
            for name in sorted(os.listdir(descriptor)):
                self._member(descriptor, name, prefix + name, depth)
        finally:
            os.close(descriptor)

    def _member(self, directory: int, name: str, path: str, depth: int) -> None:
        if not path.isprintable():
            raise self.error(COMPONENT_UNREADABLE, f"{path[:80]!a}: a name that can't be written down")
        try:
            descriptor = os.open(name, _FLAGS, dir_fd=directory)
        except OSError as e:
            raise self.error(COMPONENT_UNREADABLE, _why(e, path)) from e
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            self._directory(descriptor, path + "/", depth + 1)
        elif len(self.files) >= self.limits.files:
            os.close(descriptor)
            raise self.error(COMPONENT_TOO_LARGE, f"holds more than {self.limits.files} files")
        else:
            self.files.append((path, self._file(descriptor, path)))

    def _file(self, descriptor: int, path: str) -> Digest:
        """Of a file's content; the descriptor is closed."""
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise self.error(COMPONENT_UNREADABLE, f"{path}: neither file nor directory")
            hashed, left = hashlib.sha256(), self.limits.file_bytes + 1
            while left and (part := file.read(min(left, MIB))):
                hashed.update(part)
                left -= len(part)
            if not left:
                raise self.error(COMPONENT_TOO_LARGE, f"{path}: more than {self.limits.file_bytes} bytes")
        return Digest("sha256:" + hashed.hexdigest())


def _why(error: OSError | ValueError, path: str) -> str:
    if isinstance(error, ValueError):
        return f"{path[:80]!a}: no file name"
    if error.errno in {errno.ELOOP, errno.ENOTDIR}:
        return f"{path}: is a link, which is not followed, or no directory"
    return f"{path}: can't be read: {error.strerror}"
