"""An OCI image layout: a directory that holds images, for machines without a network and for other tools to copy.

https://github.com/opencontainers/image-spec/blob/main/image-layout.md
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bspec_opa.bundle.registry.image import (
    MAX_MANIFEST_BYTES,
    Image,
    index_entries,
    index_with,
    require_digest,
    tag_of,
)
from bspec_opa.bundle.registry.reasons import NOT_FOUND
from bspec_opa.foundation.digest import digest_of, hex_of, is_digest, parse_digest
from bspec_opa.foundation.files import make_directory, read_bounded, write_atomic

if TYPE_CHECKING:
    from pathlib import Path

    from bspec_opa.bundle.registry.reference import Reference

MARK, MARK_CONTENT = "oci-layout", b'{"imageLayoutVersion":"1.0.0"}'
INDEX = "index.json"


class Layout:
    """Images in a directory. One process writes at a time."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def put(self, image: Image, tag: str) -> None:
        """Blobs first, the index last: a reader never sees a name for what isn't there yet.

        Raises:
            InvalidInputError: the directory holds something else.
            StoreError: it can't be written.
        """
        index = self._directory / INDEX
        found = read_bounded(index, MAX_MANIFEST_BYTES) if os.path.lexists(index) else None
        if found is None and self._directory.is_dir() and any(self._directory.iterdir()):
            hint = "name a new directory, or one that push has made"
            raise NOT_FOUND.error(f"{self._directory} is no image layout, and not empty", hint=hint)
        named = index_with(found, image, tag, str(index))
        blobs = self._directory / "blobs" / "sha256"
        make_directory(blobs)
        for data in (image.config, image.layer, image.manifest):
            write_atomic(blobs / hex_of(digest_of(data)), data)
        write_atomic(self._directory / MARK, MARK_CONTENT)
        write_atomic(index, named)

    def manifest(self, reference: Reference) -> tuple[bytes, str]:
        """A manifest, checked against the index.

        Raises:
            InvalidInputError: no layout, or no such image.
            TrustError: the file has another digest than the index says.
        """
        index = self._directory / INDEX
        if not (self._directory / MARK).is_file():
            raise NOT_FOUND.error(f"{self._directory} is no image layout", hint=f"it has no file {MARK}")
        entries = index_entries(read_bounded(index, MAX_MANIFEST_BYTES), str(index))
        wanted = [e for e in entries if _named(e, reference)]
        if len(wanted) != 1 or not is_digest(wanted[0].get("digest")):
            known = ", ".join(sorted(filter(None, map(tag_of, entries)))) or "none"
            count = "several manifests" if wanted else "no manifest"
            raise NOT_FOUND.error(f"{index} names {count} for {reference}", hint=f"its tags: {known}")
        digest = str(wanted[0]["digest"])
        data = self.blob(digest, MAX_MANIFEST_BYTES)
        require_digest(data, digest, "manifest", str(reference))
        return data, str(wanted[0].get("mediaType", ""))

    def blob(self, digest: str, size: int) -> bytes:
        """A blob's file.

        Raises:
            InvalidInputError: missing, or larger than it may be.
        """
        return read_bounded(self._directory / "blobs" / "sha256" / hex_of(parse_digest(digest)), size + 1)


def _named(entry: dict[str, object], reference: Reference) -> bool:
    return tag_of(entry) == reference.tag if reference.tag else entry.get("digest") == reference.digest
