from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from bspec_opa.bundle.registry.image import MANIFEST_TYPE, annotations_of, image_of, index_with, tag_of

if TYPE_CHECKING:
    from bspec_opa.bundle.read import Bundle

REVISION, DIGEST = "sha256:" + "1" * 64, "sha256:" + "2" * 64


@dataclass
class Signature:
    """What a signed bundle says of its place among others."""

    sequence: int | None


@dataclass
class Signed:
    """As much of a bundle as an image knows."""

    revision: str = REVISION
    digest: str = DIGEST
    signature: Signature | None = None


def bundle(signature: Signature | None = None) -> Bundle:
    return cast("Bundle", Signed(signature=signature))


def test_the_sequence_is_there_where_a_signature_gives_one() -> None:
    plain = {"bspec.bundle.revision": REVISION, "bspec.bundle.digest": DIGEST}
    assert annotations_of(bundle()) == plain
    assert annotations_of(bundle(Signature(None))) == plain
    assert annotations_of(bundle(Signature(7))) == {**plain, "bspec.bundle.sequence": "7"}


def test_the_same_bundle_is_the_same_image() -> None:
    assert image_of(bundle(), b"x").digest == image_of(bundle(), b"x").digest
    assert len({image_of(bundle(), b"x").digest, image_of(bundle(Signature(7)), b"x").digest}) == 2


def test_an_index_of_others_keeps_what_it_has() -> None:
    found = b'{"schemaVersion":2,"manifests":[{"digest":"d"},{"annotations":[]}],"annotations":{"by":"others"}}'
    made = json.loads(index_with(found, image_of(bundle(), b"x"), "v1", "index.json"))
    assert (made["manifests"][:2], made["annotations"]) == (
        [{"digest": "d"}, {"annotations": []}],
        {"by": "others"},
    )
    assert [tag_of(m) for m in made["manifests"]] == ["", "", "v1"]
    for _ in range(2):
        found = index_with(found, image_of(bundle(), b"x"), "", "index.json")
    untagged = {"mediaType": MANIFEST_TYPE, "digest": image_of(bundle(), b"x").digest, "size": 607}
    assert json.loads(found)["manifests"] == [{"digest": "d"}, {"annotations": []}, untagged]
