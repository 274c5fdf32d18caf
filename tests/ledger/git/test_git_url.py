from __future__ import annotations

import pytest
from world import refused

from bspec_opa.ledger.git.url import DEFAULT_REF, GitUrl, is_git, parse_git_url


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("git+file:///srv/ledger.git", GitUrl("file", "file:///srv/ledger.git", DEFAULT_REF)),
        ("git+file:///srv/a%20b.git#refs/bspec/a", GitUrl("file", "file:///srv/a%20b.git", "refs/bspec/a")),
        (
            "git+ssh://git@host.example:2222/~gate/x.git#refs/heads/ledger",
            GitUrl("ssh", "ssh://git@host.example:2222/~gate/x.git", "refs/heads/ledger"),
        ),
        ("git+https://[::1]:8443/x#refs/heads/a/b", GitUrl("https", "https://[::1]:8443/x", "refs/heads/a/b")),
    ],
)
def test_addresses(text: str, found: GitUrl) -> None:
    assert is_git(text)
    assert parse_git_url(text) == found
    assert found.shown.startswith(text.partition("#")[0])


@pytest.mark.attack("A57")
@pytest.mark.parametrize(
    "text",
    [
        "git+ssh://-oProxyCommand=id/x",
        "git+ssh://-oProxyCommand=id@host/x",
        "git+ssh://host/-x",
        "git+ssh://host/x#--upload-pack=id",
        "git+ssh://host/x#refs/heads/-x",
        "git+ssh://host/x#refs/heads/../x",
        "git+ssh://host/x#refs/heads/a..b",
        "git+ssh://host/x#refs/heads/x.lock",
        "git+ssh://host/x#refs/heads/x:refs/heads/y",
        "git+ssh://host/x#refs/heads/+x",
        "git+ssh://host/x#main",
        "git+ssh://host/x#refs/heads",
        "git+ssh://host",
        "git+ssh://host/",
        "git+ssh:///x",
        "git+ssh://host:x/y",
        "git+ssh://host/a/../b",
        "git+ssh://host/a;id",
        "git+ssh://host/a'b",
        "git+ssh://host/a\nb",
        "git+https://host/x?token=1",
        "git+https://host/x?",
        "git+http://host/x",
        "git+git://host/x",
        "git+ext::sh -c id",
        "git+file://host/x",
        "git+file:relative",
        "git+origin",
        "origin",
    ],
)
def test_what_could_be_an_option_a_name_or_another_protocol_is_refused(text: str) -> None:
    with refused("ledger.git-url"):
        parse_git_url(text)


@pytest.mark.attack("A71")
@pytest.mark.parametrize(
    "text", ["git+ssh://git:secret@host/x", "git+https://secret@host/x", "git+https://u:secret@host/x"]
)
def test_no_password_is_taken_or_shown(text: str) -> None:
    with refused("ledger.git-url") as raised:
        parse_git_url(text)
    assert "secret" not in str(raised.value)
