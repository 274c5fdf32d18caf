"""Pushing and pulling, the same for layouts and registries; everything that arrives is checked here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from bspec_opa.bundle.read import read_bundle
from bspec_opa.bundle.registry.image import (
    image_of,
    read_manifest,
    require_annotated,
    require_digest,
    require_layer,
)
from bspec_opa.bundle.registry.reasons import MOVED
from bspec_opa.foundation.digest import digest_of

if TYPE_CHECKING:
    from bspec_opa.bundle.read import Bundle
    from bspec_opa.bundle.registry.image import Image
    from bspec_opa.bundle.registry.reference import Reference
    from bspec_opa.foundation.digest import Digest


class Store(Protocol):
    """An image layout or a repository."""

    def put(self, image: Image, tag: str) -> None:
        """Store an image; under a tag unless that is empty."""

    def manifest(self, reference: Reference) -> tuple[bytes, str]:
        """A manifest by tag or, without one, by digest, and its media type."""

    def blob(self, digest: str, size: int) -> bytes:
        """A blob, of at most one byte more than this size."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A bundle in a store.

    Attributes:
        archive: the exact bytes of the bundle's file.
        manifest: digest of its manifest.
        size: of the manifest, in bytes.
    """

    bundle: Bundle
    archive: bytes
    manifest: Digest
    size: int


def push(store: Store, reference: Reference, archive: bytes, name: str) -> Stored:
    """Store a bundle, after it was read: what is no bundle doesn't get into a registry.

    Raises:
        BspecError: it is no bundle, its image has another digest than the reference, or the store refuses it.
    """
    bundle = read_bundle(archive, name)
    image = image_of(bundle, archive)
    if reference.digest:
        require_digest(image.manifest, reference.digest, "manifest of this bundle", str(reference))
    store.put(image, reference.tag)
    return Stored(bundle, archive, image.digest, len(image.manifest))


def pull(store: Store, reference: Reference) -> Stored:
    """A bundle from a store, every digest on the way checked.

    Raises:
        BspecError: it isn't there, is no bundle, or is another one than was named.
    """
    place = str(reference)
    data, media_type = store.manifest(reference)
    found = digest_of(data)
    if reference.digest and found != reference.digest:
        if not reference.tag:
            require_digest(data, reference.digest, "manifest", place)
        message = f"{reference.place}: {reference.tag} names {found} now, and not {reference.digest}"
        raise MOVED.error(
            message, hint=f"find out who moved it; {reference.place}@{reference.digest} is what was meant"
        )
    layer = read_manifest(data, media_type, place)
    archive = store.blob(layer.digest, layer.size)
    require_layer(archive, layer, place)
    bundle = read_bundle(archive, reference.place)
    require_annotated(bundle, layer, place)
    return Stored(bundle, archive, found, len(data))
