"""A bundle as an OCI image: one layer, and a manifest that depends on nothing but the bundle.

OPA's ``type: oci`` service (1.22, ``v1/download/oci_download.go``) takes the first layer of type
``application/vnd.oci.image.layer.v1.tar+gzip``. We write exactly one layer and accept no more: nobody can disagree
about which one is meant. There is no time in it, so the same bundle has the same manifest digest everywhere.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from bspec_opa.bundle.registry.reasons import DIFFERS, NO_BUNDLE, TOO_LARGE
from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.digest import digest_of, is_digest
from bspec_opa.foundation.document.load import parse_json
from bspec_opa.foundation.errors import BspecError
from bspec_opa.foundation.limits import MAX_BUNDLE_BYTES, MIB

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bspec_opa.bundle.read import Bundle
    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.foundation.digest import Digest

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
CONFIG = b"{}"
REVISION, DIGEST, SEQUENCE = "bspec.bundle.revision", "bspec.bundle.digest", "bspec.bundle.sequence"
MAX_MANIFEST_BYTES = 4 * MIB
"""The distribution specification's advice to registries."""
_SCHEMA_VERSION = 2


@dataclass(frozen=True, slots=True)
class Image:
    """Everything that is stored for one bundle."""

    manifest: bytes
    layer: bytes
    config: bytes = CONFIG

    @property
    def digest(self) -> Digest:
        """What the manifest is named by."""
        return digest_of(self.manifest)


@dataclass(frozen=True, slots=True)
class Layer:
    """What a manifest says of its bundle."""

    digest: str
    size: int
    annotations: Mapping[str, str]


def image_of(bundle: Bundle, archive: bytes) -> Image:
    """The image of a bundle that was read from these bytes."""
    layer = _descriptor(LAYER_TYPE, archive)
    manifest: JsonObject = {
        "schemaVersion": _SCHEMA_VERSION,
        "mediaType": MANIFEST_TYPE,
        "config": _descriptor(CONFIG_TYPE, CONFIG),
        "layers": [layer],
        "annotations": dict(annotations_of(bundle)),
    }
    return Image(canonical_bytes(manifest), archive)


def annotations_of(bundle: Bundle) -> dict[str, str]:
    """What a reader of the registry may know without the bundle; the sequence only where a signature gives one."""
    sequence = getattr(getattr(bundle, "signature", None), "sequence", None)
    known = {REVISION: str(bundle.revision), DIGEST: str(bundle.digest)}
    return known | ({SEQUENCE: str(sequence)} if sequence is not None else {})


def _descriptor(media_type: str, data: bytes) -> JsonObject:
    return {"mediaType": media_type, "digest": digest_of(data), "size": len(data)}


def read_manifest(data: bytes, media_type: str, place: str) -> Layer:
    """The one layer of a manifest, checked before it is fetched.

    Args:
        data: the manifest.
        media_type: what the server or index said it is.
        place: for messages.

    Raises:
        InvalidInputError: no manifest of a bundle, or a bundle that is too large.
    """
    if media_type != MANIFEST_TYPE:
        raise _no_bundle(place, f"is a {media_type[:100] or 'manifest of no type'}")
    manifest = _object(data, place)
    layers = manifest.get("layers")
    if manifest.get("schemaVersion") != _SCHEMA_VERSION or manifest.get("mediaType", MANIFEST_TYPE) != MANIFEST_TYPE:
        raise _no_bundle(place, "is of another type than the server says")
    if not isinstance(layers, list) or len(layers) != 1 or not isinstance(layers[0], dict):
        raise _no_bundle(place, "has not exactly one layer")
    return _layer(layers[0], manifest.get("annotations"), place)


def _layer(layer: dict[str, Any], annotations: object, place: str) -> Layer:
    if layer.get("mediaType") != LAYER_TYPE:
        raise _no_bundle(place, f"has a layer of type {str(layer.get('mediaType'))[:100]}")
    digest, size = layer.get("digest"), layer.get("size")
    if not is_digest(digest) or isinstance(size, bool) or not isinstance(size, int) or size < 0:
        raise _no_bundle(place, "has a layer without digest or size")
    if size > MAX_BUNDLE_BYTES:
        raise TOO_LARGE.error(f"{place}: the layer has {size} bytes, and a bundle at most {MAX_BUNDLE_BYTES}")
    known = annotations if isinstance(annotations, dict) else {}
    return Layer(str(digest), size, {k: v for k, v in known.items() if isinstance(v, str)})


def _object(data: bytes, place: str) -> JsonObject:
    try:
        value = parse_json(data, place, text=False, limit=MAX_MANIFEST_BYTES)
    except BspecError as e:
        raise _no_bundle(place, f"is no JSON object ({e.code})") from e
    if not isinstance(value, dict):
        raise _no_bundle(place, "is no JSON object")
    return value


def _no_bundle(place: str, what: str) -> BspecError:
    hint = f"a bundle's is a {MANIFEST_TYPE} with one layer of type {LAYER_TYPE}"
    return NO_BUNDLE.error(f"{place}: the manifest {what}", hint=hint)


def require_digest(data: bytes, digest: str, what: str, place: str) -> None:
    """Demand that bytes are those that were named.

    Raises:
        TrustError: they aren't.
    """
    found = digest_of(data)
    if found != digest:
        raise DIFFERS.error(f"{place}: the {what} is {found}, and should be {digest}", hint="don't use it")


def require_layer(data: bytes, layer: Layer, place: str) -> None:
    """Demand size and digest of a fetched layer.

    Raises:
        TrustError: it is another one.
    """
    if len(data) != layer.size:
        message = f"{place}: the layer has {len(data)} bytes, and should have {layer.size}"
        raise DIFFERS.error(message, hint="don't use it")
    require_digest(data, layer.digest, "layer", place)


def require_annotated(bundle: Bundle, layer: Layer, place: str) -> None:
    """Demand that what the manifest says of the bundle is so; it need not say anything.

    Raises:
        TrustError: it says something else.
    """
    said = {k: v for k, v in layer.annotations.items() if k in {REVISION, DIGEST, SEQUENCE}}
    true = annotations_of(bundle)
    for key in sorted(said):
        if said[key] != true.get(key):
            message = f"{place}: the annotation {key} says {said[key][:80]}, and the bundle {true.get(key, 'has none')}"
            raise DIFFERS.error(message, hint="don't use it")


def index_with(found: bytes | None, image: Image, tag: str, place: str) -> bytes:
    """The index of an image layout with a tag, unless it is empty, on this image; other tags stay.

    Raises:
        InvalidInputError: what is there is no index.
    """
    index: dict[str, Any] = {"schemaVersion": _SCHEMA_VERSION, "mediaType": INDEX_TYPE, "manifests": []}
    if found is not None:
        index = cast("dict[str, Any]", _object(found, place))
        if not isinstance(index.get("manifests"), list):
            raise _no_bundle(place, "is no index of images")
    ours = {**_descriptor(MANIFEST_TYPE, image.manifest), **({"annotations": {REF_NAME: tag}} if tag else {})}
    kept = [m for m in index["manifests"] if m != ours and not (tag and tag_of(m) == tag)]
    return json.dumps({**index, "manifests": [*kept, ours]}, sort_keys=True, indent=1).encode() + b"\n"


REF_NAME = "org.opencontainers.image.ref.name"


def tag_of(entry: object) -> str:
    """The tag of an index's entry, or nothing."""
    annotations = entry.get("annotations") if isinstance(entry, dict) else None
    tag = annotations.get(REF_NAME) if isinstance(annotations, dict) else None
    return tag if isinstance(tag, str) else ""


def index_entries(data: bytes, place: str) -> list[dict[str, Any]]:
    """The manifests that an image layout's index names.

    Raises:
        InvalidInputError: it is no index.
    """
    entries = _object(data, place).get("manifests")
    if not isinstance(entries, list):
        raise _no_bundle(place, "is no index of images")
    return [cast("dict[str, Any]", e) for e in entries if isinstance(e, dict)]
