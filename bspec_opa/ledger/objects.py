"""Content-addressed objects, written once: the exact inputs and bundles that decisions were taken on.

``sha256/<hex>`` below a directory. A name tells the content, so reading verifies it and nothing is ever replaced.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from typing import TYPE_CHECKING

from bspec_opa.foundation.digest import Digest, digest_of, hex_of, parse_digest
from bspec_opa.foundation.errors import Location
from bspec_opa.foundation.files import make_directory, read_bounded, sync_directory, write_new
from bspec_opa.foundation.limits import MAX_BUNDLE_BYTES
from bspec_opa.ledger.reasons import OBJECT_ALTERED, OBJECT_MISSING, UNWRITABLE

if TYPE_CHECKING:
    from pathlib import Path


class ObjectStore:
    """Objects in a directory, such as ``.bspec/objects``."""

    def __init__(self, directory: Path, *, limit: int = MAX_BUNDLE_BYTES) -> None:
        """Name a store; nothing is opened yet.

        Args:
            directory: holds ``sha256/<hex>``; created by the first object.
            limit: the largest object, in bytes.
        """
        self.directory = directory
        self._directory = directory / "sha256"
        self._limit = limit

    def path(self, digest: Digest) -> Path:
        """Where an object lies, if it is there.

        Raises:
            InvalidInputError: the digest is none.
        """
        return self._directory / hex_of(parse_digest(digest))

    def has(self, digest: Digest) -> bool:
        """Whether there is something under that name; only :meth:`get` says whether it is right."""
        return os.path.lexists(self.path(digest))

    def put(self, data: bytes) -> Digest:
        """Keep an object durably; one that is there already stays as it is.

        Raises:
            TrustError: something else lies under its name.
            StoreError: it can't be written; nothing was kept.
        """
        digest = digest_of(data)
        path = self.path(digest)
        if not self.has(digest):
            make_directory(self._directory)
            temporary = path.with_name(f".{secrets.token_hex(16)}.tmp")
            try:
                write_new(temporary, data)
                self._publish(temporary, path)
            finally:
                with contextlib.suppress(OSError):
                    temporary.unlink(missing_ok=True)
        self.get(digest)
        return digest

    def _publish(self, temporary: Path, path: Path) -> None:
        """Give a complete file its name, unless somebody was faster."""
        try:
            with contextlib.suppress(FileExistsError):
                os.link(temporary, path)
            sync_directory(self._directory)
        except OSError as e:
            raise UNWRITABLE.error(f"can't be kept: {e.strerror}", at=Location(str(path))) from e

    def get(self, digest: Digest) -> bytes:
        """An object, verified against its name.

        Raises:
            InvalidInputError: the digest is none, or the file is unreadable, a link or over the limit.
            TrustError: it is not there, or has another content.
        """
        path = self.path(digest)
        if not self.has(digest):
            hint = "copy .bspec/objects from where it was promoted; a name tells the content"
            raise OBJECT_MISSING.error(f"object {digest} is not stored", hint=hint, at=Location(str(path)))
        data = read_bounded(path, self._limit)
        if digest_of(data) != digest:
            raise OBJECT_ALTERED.error("does not have the digest that names it", at=Location(str(path)))
        return data
