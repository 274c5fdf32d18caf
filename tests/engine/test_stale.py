"""Another bundle than the accepted one: which the server has, unless it could be anything, and which is wanted."""

from __future__ import annotations

import pytest

from bspec_opa.engine.stale import stale_bundle
from bspec_opa.foundation.errors import ExitCode

FOUND, WANTED = "sha256:" + "ab" * 32, "sha256:" + "0c" * 32
REMEDY = "bspec-opa bundle export {} -o FILE writes it; let the server load that"


def test_both_revisions_are_told() -> None:
    error = stale_bundle("http://opa:1", "revision of the bundle bspec", FOUND, WANTED, exported="default")
    problem = error.problems[0]
    assert (error.code, error.exit_code) == ("engine.stale-bundle", ExitCode.TRUST)
    assert problem.message == (
        "http://opa:1 decides on another revision of the bundle bspec than the accepted one: "
        "it has sha256:abababababab…, wanted is sha256:0c0c0c0c0c0c…"
    )
    assert problem.hint == REMEDY.format("default")


@pytest.mark.attack("A71")
@pytest.mark.parametrize(
    "found", ["", "s3cret", "sha256:s3cret", FOUND + "\n", FOUND.upper(), "\x1b[31m", "r" * 10_000, FOUND + "s3cret"]
)
def test_what_is_no_digest_is_not_repeated(found: str) -> None:
    """It may be our own token, that the server echoes, or commands to a terminal."""
    problem = stale_bundle("the sidecar", "bundle revision", found, WANTED).problems[0]
    words = "what it has is no digest, wanted is sha256:0c0c0c0c0c0c…"
    assert problem.message == f"the sidecar decides on another bundle revision than the accepted one: {words}"
    assert problem.hint == REMEDY.format("NAME")


def test_a_bundle_whose_path_has_blanks_can_be_pasted() -> None:
    assert stale_bundle("x", "x", FOUND, WANTED, exported="my dir/b.tar.gz").problems[0].hint == REMEDY.format(
        "'my dir/b.tar.gz'"
    )
