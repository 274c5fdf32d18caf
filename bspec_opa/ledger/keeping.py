"""Small private files outside the checkout: what a user has seen, one file for each name, never made older.

One directory, which others can't write and one process at a time does; files are named by the digest of what they are
about and hold the canonical form of a closed schema. What is newer is for the caller to say.
"""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.closed_schema import TEXT, integers, obj, violations
from bspec_opa.foundation.digest import digest_of, hex_of
from bspec_opa.foundation.document.load import parse_json
from bspec_opa.foundation.errors import BspecError, Location
from bspec_opa.foundation.files import make_directory, read_bounded, write_atomic
from bspec_opa.foundation.limits import KIB
from bspec_opa.foundation.locking import lock_descriptor
from bspec_opa.ledger.reasons import BUSY, MEMORY_DAMAGED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from bspec_opa.foundation.canonical import JsonObject, JsonValue

VERSION = 1
_MAX_BYTES = 16 * KIB


@dataclass(frozen=True, slots=True)
class Kept:
    """Files of one kind.

    Attributes:
        directory: private; made with mode 0700 when something is written.
        prefix: of the files' names.
        about: the member that holds what a file is about.
        members: what a file holds besides, and the schema of each.
        wait_s: how long to wait for other processes, in seconds.
    """

    directory: Path
    prefix: str
    about: str
    members: Mapping[str, JsonObject]
    wait_s: float

    def path(self, name: str) -> Path:
        """The file about a name."""
        return self.directory / f"{self.prefix}{hex_of(digest_of(name.encode()))}.json"

    def read(self, name: str) -> dict[str, Any] | None:
        """What is kept about a name; None if nothing is.

        Raises:
            TrustError: the file is damaged, or others may write the directory.
        """
        path = self.path(name)
        if not os.path.lexists(path):
            return None
        require_private(self.directory)
        at = Location(str(path))
        try:
            value = parse_json(read_bounded(path, _MAX_BYTES), str(path))
        except BspecError as e:
            raise MEMORY_DAMAGED.error(f"can't be read: {e.problems[0].message}", at=at) from e
        found = cast("dict[str, Any]", value)
        schema = obj({}, v=integers(VERSION), **{self.about: TEXT}, **self.members)
        if violations(schema, value) or found[self.about] != name:
            raise MEMORY_DAMAGED.error("is not what was written", at=at)
        return found

    def write(self, name: str, **members: JsonValue) -> None:
        """Keep this about a name, durably; the caller holds the directory and has compared.

        Raises:
            StoreError: it can't be written.
        """
        value: JsonObject = {"v": VERSION, self.about: name, **members}
        write_atomic(self.path(name), canonical_bytes(value), mode=0o600)

    @contextmanager
    def held(self) -> Iterator[None]:
        """The directory, which no other process writes meanwhile; made if it isn't there.

        Raises:
            TrustError: others may write it.
            StoreError: it can't be made, or another process holds it for too long.
        """
        make_directory(self.directory, mode=0o700)
        descriptor = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            if not lock_descriptor(descriptor, exclusive=True, wait_s=self.wait_s):
                raise BUSY.error("another process holds the memory", at=Location(str(self.directory)))
            require_private(self.directory)
            yield
        finally:
            os.close(descriptor)


def require_private(directory: Path) -> None:
    """Others must not be able to write the directory: who can, can make it forget.

    Raises:
        TrustError: they are.
    """
    status = directory.stat()
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) or status.st_uid != os.geteuid():
        raise MEMORY_DAMAGED.error(
            "others may write the state directory", hint="chmod 700 it", at=Location(str(directory))
        )
