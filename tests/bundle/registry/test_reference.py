from __future__ import annotations

from pathlib import Path

import pytest

from bspec_opa.bundle.registry.reference import Reference, parse_reference
from bspec_opa.foundation.errors import UsageError

D = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("oci:images", Reference("latest", "", Path("images"))),
        ("oci:/a b/images:v1", Reference("v1", "", Path("/a b/images"))),
        (f"oci:images@{D}", Reference("", D, Path("images"))),
        ("localhost/bspec", Reference("latest", "", host="localhost", repository="bspec")),
        ("r.example/acme/bspec:v1", Reference("v1", "", host="r.example", repository="acme/bspec")),
        ("r.example:5000/a:v1", Reference("v1", "", host="r.example:5000", repository="a")),
        ("machine:5000/a", Reference("latest", "", host="machine:5000", repository="a")),
        ("[::1]:5000/a__b-c.d:v1", Reference("v1", "", host="[::1]:5000", repository="a__b-c.d")),
        (f"r.example/a@{D}", Reference("", D, host="r.example", repository="a")),
        (f"r.example/a:v1@{D}", Reference("v1", D, host="r.example", repository="a")),
    ],
)
def test_references(text: str, expected: Reference) -> None:
    assert parse_reference(text) == expected
    assert parse_reference(str(expected)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "bspec",
        "acme/bspec:v1",
        "oci:",
        "https://r.example/a:v1",
        "r.example/A:v1",
        "r.example/a:v1:v2",
        "r.example/a@sha256:abc",
        "r.example/../a",
        "r.example//a",
        "r.example:0/a",
        "r.example:99999/a",
        "r.example/" + "a" * 256,
        "r.example/a:v1?x=1",
        "r.example/a:v1\n",
        "ann:secret@r.example/a:v1",
    ],
)
def test_what_is_no_reference(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_reference(text)
    assert caught.value.code == "registry.bad-reference"
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("localhost:5000", True),
        ("127.0.0.1:5000", True),
        ("127.8.9.1", True),
        ("[::1]:5000", True),
        ("[::1]", True),
        ("10.0.0.1:5000", False),
        ("127.0.0.1.example:5000", False),
        ("localhost.example", False),
    ],
)
def test_what_is_on_this_machine(host: str, expected: bool) -> None:
    assert Reference("v1", "", host=host, repository="a").loopback is expected
