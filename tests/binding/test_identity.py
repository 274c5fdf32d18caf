from __future__ import annotations

import pytest

from bspec_opa.binding.identity import why_no_identity, why_no_release

EXACT = [
    "1.0.0",
    "2026-05",
    "v3",
    "claude-opus-4-1-20250805",
    "acme/large@" + "ab" * 20,
    "pkg:npm/%40stripe/mcp@0.2.4",
    "pkg:oci/server@sha256:" + "ab" * 32 + "?repository_url=ghcr.io/main/x",
    "latest-news-model-7",
    "mainframe-2",
]
MOVING = [
    "latest",
    "LATEST",
    "main",
    "gpt-4o-latest",
    "x_latest",
    "ghcr.io/acme/server:latest",
    "acme/large@main",
    "pkg:github/acme/x@master",
    "pkg:oci/x?tag=latest",
    "refs/heads/feature-1",
    "HEAD",
]
UNFILLED = [
    "${VERSION}",
    "ghcr.io/x:${VERSION}",
    "{{ version }}",
    "<version>",
    "%VERSION%",
    "$(cat v)",
    "TODO",
    "1.0-TBD",
]


@pytest.mark.parametrize("text", EXACT)
def test_an_exact_name_is_an_identity(text: str) -> None:
    assert why_no_identity(text) is None


@pytest.mark.parametrize("text", [t for t in EXACT if not t.startswith("pkg:")])
def test_an_exact_name_is_a_release(text: str) -> None:
    assert why_no_release(text) is None


@pytest.mark.parametrize("text", [*MOVING, *UNFILLED, "", " "])
def test_what_may_change_tomorrow_is_none(text: str) -> None:
    assert why_no_identity(text)
    assert why_no_release(text)


@pytest.mark.parametrize("text", [">=2.0", "^1.2", "~1", "1.*", "1.0 || 2.0", "1,2", "1 2", "=1"])
def test_a_range_is_no_release(text: str) -> None:
    assert why_no_release(text) == "is a range or has white space"


def test_reasons_say_what_is_wrong() -> None:
    assert [why_no_release(t) for t in ("", "${V}", "main", "x:main", "refs/heads/x")] == [
        "is empty",
        "holds a placeholder that nobody filled in",
        "may point to something else tomorrow",
        'ends in "main", which may move',
        "is a branch",
    ]
