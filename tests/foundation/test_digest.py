from __future__ import annotations

import pytest

from bspec_opa.foundation.digest import (
    ZERO_DIGEST,
    digest_json,
    digest_of,
    hex_of,
    is_digest,
    parse_digest,
)
from bspec_opa.foundation.errors import InvalidInputError

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_the_digest_of_nothing_is_the_published_one() -> None:
    assert digest_of(b"") == f"sha256:{EMPTY}"
    assert hex_of(digest_of(b"")) == EMPTY


def test_the_digest_of_a_value_is_that_of_its_canonical_bytes() -> None:
    assert digest_json({"b": 1, "a": [True]}) == digest_of(b'{"a":[true],"b":1}')


def test_a_digest_round_trips() -> None:
    assert parse_digest(f"sha256:{EMPTY}") == digest_of(b"")
    assert parse_digest(ZERO_DIGEST) == "sha256:" + "0" * 64


@pytest.mark.parametrize(
    "text",
    [
        "",
        EMPTY,
        f"sha256:{EMPTY.upper()}",
        f"sha256:{EMPTY}\n",
        f"sha256:{EMPTY}0",
        f"sha256:{EMPTY[:-1]}",
        f"sha512:{EMPTY}",
        f" sha256:{EMPTY}",
        "sha256:" + "\u0660" * 64,
    ],
)
def test_anything_else_is_no_digest(text: str) -> None:
    assert not is_digest(text)
    with pytest.raises(InvalidInputError) as caught:
        parse_digest(text)
    assert caught.value.code == "foundation.bad-digest"


def test_only_text_can_be_a_digest() -> None:
    assert not is_digest(None)
    assert not is_digest(digest_of(b"").encode())
