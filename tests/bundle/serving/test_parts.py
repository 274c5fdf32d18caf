"""Names, addresses, tokens, headers: what is taken, and everything else is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from bundle_server import edition, put

from bspec_opa.bundle.serving.address import ListenAt, parse_listen
from bspec_opa.bundle.serving.edition import edition_of
from bspec_opa.bundle.serving.limits import Limits
from bspec_opa.bundle.serving.names import check_directory, discover, is_name, parse_named
from bspec_opa.bundle.serving.requests import bundle_name, knows, wanted_wait
from bspec_opa.bundle.serving.tokens import parse_tokens
from bspec_opa.foundation.errors import BspecError

NAMES = ["acme", "acme/production", "a-b_c/1", "a/b/c/d"]
NO_NAMES = ["", "/", "a/", "/a", "a//b", "A", "..", "a/..", "a.b", "a/b/c/d/e", "-a", "a b", "a\n", "ä", "a" * 201]
FIRST, SECOND = "first-token-0123456789", "second+token/0123456789=="


@pytest.mark.parametrize("name", NAMES)
def test_names(name: str) -> None:
    assert is_name(name)
    assert parse_named([f"{name}=x=y"]) == {name: Path("x=y")}


@pytest.mark.parametrize("name", NO_NAMES)
def test_everything_else_is_no_name(name: str) -> None:
    assert not is_name(name)
    with pytest.raises(BspecError) as e:
        parse_named([f"{name}=x"])
    assert (e.value.code, e.value.exit_code) == ("serving.bad-name", 2)


@pytest.mark.parametrize("texts", [["acme"], ["acme="], ["acme=a", "acme=b"], [f"a{n}=x" for n in range(1001)]])
def test_names_and_files_of_another_form(texts: list[str]) -> None:
    with pytest.raises(BspecError) as e:
        parse_named(texts)
    assert e.value.code == "serving.bad-name"


def test_a_directory_has_names_by_path(tmp_path: Path) -> None:
    top = tmp_path / "top"
    for name in ("acme/production.tar.gz", "acme/staging.tar.gz", "one.tar.gz", ".hidden/x.tar.gz", "acme/.x.tar.gz"):
        put(top / name, b"x")
    put(tmp_path / "outside.tar.gz", b"x")
    put(top / "Upper.tar.gz", b"x")
    put(top / "notes.txt", b"x")
    (top / "linked.tar.gz").symlink_to(top / ".hidden" / "x.tar.gz")  # as Kubernetes mounts a ConfigMap
    (top / "out.tar.gz").symlink_to(tmp_path / "outside.tar.gz")
    found, left_out = discover(top)
    assert found == {
        "acme/production": top / "acme/production.tar.gz",
        "acme/staging": top / "acme/staging.tar.gz",
        "linked": top / "linked.tar.gz",
        "one": top / "one.tar.gz",
    }
    assert left_out == {
        top / "Upper.tar.gz": "its path is no name for a bundle",
        top / "out.tar.gz": "leads out of the directory",
    }


def test_a_directory_that_is_gone_says_so(tmp_path: Path) -> None:
    assert discover(tmp_path / "gone") == ({}, {tmp_path / "gone": "can't be read: No such file or directory"})
    with pytest.raises(BspecError) as e:
        check_directory(tmp_path / "gone")
    assert (e.value.code, e.value.exit_code) == ("serving.nothing", 2)


@pytest.mark.parametrize(
    ("text", "host", "port", "local"),
    [
        ("127.0.0.1:8282", "127.0.0.1", 8282, True),
        ("localhost:0", "localhost", 0, True),
        ("[::1]:1", "::1", 1, True),
        ("0.0.0.0:80", "0.0.0.0", 80, False),  # noqa: S104 - it is said to be reachable
        ("bundles.example:443", "bundles.example", 443, False),
    ],
)
def test_addresses(text: str, host: str, port: int, local: bool) -> None:
    at = parse_listen(text)
    assert (at, at.local, str(at)) == (ListenAt(host, port), local, text)


@pytest.mark.parametrize("text", ["", "8282", ":8282", "a:b", "a:70000", "::1:80", "http://a:1", "a:1/", "a b:1"])
def test_addresses_of_another_form(text: str) -> None:
    with pytest.raises(BspecError) as e:
        parse_listen(text)
    assert (e.value.code, e.value.exit_code) == ("serving.bad-address", 2)


def test_several_tokens_are_valid_at_once() -> None:
    tokens = parse_tokens(f"# old\n{FIRST}\r\n\n  {SECOND}  \n".encode(), Path("tokens"))
    assert len(tokens) == 2
    assert tokens.admits(f"Bearer {FIRST}")
    assert tokens.admits(f"bearer {SECOND}")
    wrong = [
        "",
        "Bearer",
        "Bearer ",
        FIRST,
        f"Basic {FIRST}",
        f"Bearer {FIRST}x",
        f"Bearer {FIRST[:-1]}",
        "Bearer \udcff",
    ]
    assert [w for w in wrong if tokens.admits(w)] == []


@pytest.mark.attack("A71")
@pytest.mark.parametrize(
    ("text", "line"),
    [("", None), ("# none\n", None), (f"{FIRST}\nBearer {SECOND}", 2), ("short", 1), ("two tokens here", 1)],
)
def test_a_token_file_of_another_form_is_not_repeated(text: str, line: int | None) -> None:
    with pytest.raises(BspecError) as e:
        parse_tokens(text.encode(), Path("tokens"))
    (problem,) = e.value.problems
    assert (problem.reason.code, problem.location and problem.location.line) == ("serving.bad-credentials", line)
    assert not any(word in str(problem) for word in (FIRST, SECOND, "short", "two tokens here"))


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/bundles/acme/production", "acme/production"),
        ("/bundles/acme/production.tar.gz", "acme/production"),
        ("/bundles/acme?x=1", "acme"),
        ("/bundles/", None),
        ("/bundles", None),
        ("/bundles/acme/", None),
        ("/bundles/.tar.gz", None),
        ("/bundles//acme", None),
        ("//bundles/acme", None),
        ("/Bundles/acme", None),
        ("/bundles/acme%2fproduction", None),
        ("/bundles/../bundles/acme", None),
        ("/bundles/acme/../acme", None),
        ("/bundles/acme.tar.gz.tar.gz", None),
        ("http://x/bundles/acme", None),
    ],
)
def test_one_way_to_write_a_path(path: str, name: str | None) -> None:
    assert bundle_name(path) == name


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        ("modes=snapshot,delta;wait=30", 30),
        ("modes=snapshot,delta", None),
        ("wait=5", 5),
        ('respond-async, wait = "7"', 7),
        ("wait=", None),
        ("wait=-1", None),
        ("wait=1.5", None),
        ("wait=99999999999", None),
        ("await=5", None),
        ("", None),
    ],
)
def test_how_long_a_client_wants_to_wait(prefer: str, seconds: int | None) -> None:
    assert wanted_wait(prefer) == seconds


def test_what_a_client_has_already() -> None:
    current = edition_of(edition(0), "x", 0)
    assert current.etag[0] == current.etag[-1] == '"'
    has = [current.etag, f'"other", {current.etag}', f"W/{current.etag}", "*"]
    assert [h for h in has if not knows(h, current)] == []
    has_not = ["", '"other"', current.etag.strip('"'), current.etag.upper()]
    assert [h for h in has_not if knows(h, current)] == []


def test_long_polls_leave_room_for_others() -> None:
    assert [(n, Limits(connections=n).polls) for n in (1024, 100, 8)] == [(1024, 922), (100, 84), (8, 1)]
