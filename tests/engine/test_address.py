"""URLs and paths are checked before anything is sent."""

from __future__ import annotations

import pytest

from bspec_opa.engine.address import Address, check_bundle_name, check_decision_path, parse_address
from bspec_opa.foundation.errors import ExitCode, UsageError

GOOD = {
    "http://localhost:8181": (Address("http", "localhost", 8181, ""), "http://localhost:8181", True),
    "http://opa.example.com/": (Address("http", "opa.example.com", 80, ""), "http://opa.example.com:80", False),
    "https://opa": (Address("https", "opa", 443, ""), "https://opa:443", False),
    "https://127.0.0.1:65535": (Address("https", "127.0.0.1", 65535, ""), "https://127.0.0.1:65535", True),
    "http://[::1]:8181": (Address("http", "::1", 8181, ""), "http://[::1]:8181", True),
    "http://[2001:DB8:0::1]": (Address("http", "2001:db8::1", 80, ""), "http://[2001:db8::1]:80", False),
    "unix:///run/opa.sock": (Address("unix", "", 0, "/run/opa.sock"), "http://localhost", True),
    "unix://@opa": (Address("unix", "", 0, "@opa"), "http://localhost", True),
}


@pytest.mark.parametrize("url", GOOD)
def test_good_url(url: str) -> None:
    address, base, local = GOOD[url]
    assert (parse_address(url), address.base, address.local) == (address, base, local)


def test_shown() -> None:
    shown = [str(parse_address(u)) for u in ("unix:///run/opa.sock", "http://[::1]:1", "https://opa")]
    assert shown == ["unix:///run/opa.sock", "http://[::1]:1", "https://opa:443"]


BAD = [
    "",
    "localhost:8181",
    "ftp://host",
    "file:///etc/passwd",
    "HTTP://host",
    "http+unix://%2Frun%2Fopa.sock",
    "http://",
    "http:///v1",
    "http://host:0",
    "http://host:65536",
    "http://host:",
    "http://host:80x",
    "http://host/v1",
    "http://host?x",
    "http://host#x",
    "http://host\\@other",
    "http://ho st",
    "http://host\n",
    "http://host\r\nX: y",
    "http://h%6fst",
    "http://h\u00f6st",
    "http://-host",
    "http://[::g]",
    "http://[1.2.3.4]",
    "http://[::1%25eth0]",
    "http://::1",
    "unix://relative",
    "unix://",
    "unix:///run/\0opa",
    "unix:///run/%2e",
    "unix:///" + "x" * 100,
]


@pytest.mark.parametrize("url", BAD, ids=range(len(BAD)))
def test_bad_url(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_address(url)
    assert (caught.value.code, caught.value.exit_code) == ("engine.bad-url", ExitCode.USAGE)


@pytest.mark.attack("A60")
@pytest.mark.attack("A71")
@pytest.mark.parametrize("url", ["http://user:s3cret@host", "https://s3cret@host:1", "http://:s3cret@host/"])
def test_user_and_password_are_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(UsageError, match="carries a user or password") as caught:
        parse_address(url)
    assert caught.value.code == "engine.bad-url"
    assert "s3cret" not in str(caught.value)


def test_good_path_and_name() -> None:
    assert check_decision_path("bspec/gate/decision") == "bspec/gate/decision"
    assert check_decision_path("_x") == "_x"
    assert check_bundle_name("bspec-1.x") == "bspec-1.x"


BAD_PATHS = [
    "",
    "/bspec",
    "bspec/",
    "bspec//gate",
    "bspec/../gate",
    "bspec/./gate",
    "..",
    'bspec/"gate"',
    'bspec/gate"]; data["x',
    "bspec%2fgate",
    "bspec/%2e%2e/gate",
    "bspec/gate?pretty",
    "bspec/gate#x",
    "bspec/gate decision",
    "bspec/gate\n",
    "bspec.gate",
    "bspec/1",
    "bspec\\gate",
    "bspec/g\u00e4te",
]


@pytest.mark.attack("A26")
@pytest.mark.parametrize("path", BAD_PATHS, ids=range(len(BAD_PATHS)))
def test_bad_path(path: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_decision_path(path)
    assert (caught.value.code, caught.value.exit_code) == ("engine.bad-path", ExitCode.USAGE)


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "a b", 'a"', "a\n"])
def test_bad_bundle_name(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_bundle_name(name)
    assert caught.value.code == "engine.bad-path"
