from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bspec_opa.foundation.digest import Digest, digest_of
from bspec_opa.foundation.errors import InvalidInputError, StoreError, TrustError
from bspec_opa.ledger.objects import ObjectStore

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore(tmp_path / "objects")


@given(data=st.binary(max_size=100))
def test_what_was_put_is_got(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    store = ObjectStore(tmp_path_factory.getbasetemp() / "objects")
    assert store.put(data) == digest_of(data)
    assert store.get(digest_of(data)) == data


def test_an_object_lies_under_its_digest_and_nothing_else_is_left(store: ObjectStore, tmp_path: Path) -> None:
    digest = store.put(b"input")
    assert store.put(b"input") == digest
    assert store.has(digest)
    assert store.path(digest) == tmp_path / "objects" / "sha256" / digest.removeprefix("sha256:")
    assert [p.name for p in (tmp_path / "objects" / "sha256").iterdir()] == [digest.removeprefix("sha256:")]


def test_an_altered_object_is_refused_and_not_replaced(store: ObjectStore) -> None:
    digest = store.put(b"input")
    store.path(digest).write_bytes(b"other")
    for call in (lambda: store.get(digest), lambda: store.put(b"input")):
        with pytest.raises(TrustError) as caught:
            call()
        assert caught.value.code == "ledger.object-altered"
    assert store.path(digest).read_bytes() == b"other"


def test_a_missing_object_is_a_trust_failure(store: ObjectStore) -> None:
    assert not store.has(digest_of(b"x"))
    with pytest.raises(TrustError) as caught:
        store.get(digest_of(b"x"))
    assert caught.value.code == "ledger.object-missing"


@pytest.mark.attack("A70")
def test_a_name_that_is_no_digest_is_refused(store: ObjectStore) -> None:
    for name in ("sha256:../../x", "sha256:" + "A" * 64, ""):
        with pytest.raises(InvalidInputError):
            store.get(Digest(name))


@pytest.mark.attack("A43")
def test_a_link_is_not_followed(store: ObjectStore, tmp_path: Path) -> None:
    digest = store.put(b"input")
    store.path(digest).rename(tmp_path / "elsewhere")
    store.path(digest).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InvalidInputError):
        store.get(digest)


def test_an_object_over_the_limit_is_refused(tmp_path: Path) -> None:
    digest = ObjectStore(tmp_path).put(b"12345")
    with pytest.raises(InvalidInputError):
        ObjectStore(tmp_path, limit=4).get(digest)


def test_somebody_faster_is_no_fault(store: ObjectStore, tmp_path: Path) -> None:
    digest = store.put(b"input")
    (tmp_path / "again").write_bytes(b"input")
    store._publish(tmp_path / "again", store.path(digest))
    assert store.get(digest) == b"input"


@pytest.mark.attack("A51")
def test_what_can_not_be_kept_is_a_store_failure(store: ObjectStore, tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        store._publish(tmp_path / "nothing", store.path(store.put(b"x")).with_name("y"))
    assert caught.value.code == "ledger.unwritable"
    (tmp_path / "file").touch()
    with pytest.raises(StoreError):
        ObjectStore(tmp_path / "file").put(b"x")
