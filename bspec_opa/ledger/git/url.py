"""Where a ledger's Git ref is: ``git+ssh://USER@HOST/PATH#REF``, ``git+https://…`` or ``git+file:///PATH#REF``. Pure.

What is taken is narrow, because it ends in the arguments of a program: nothing that could be read as an option, no
password, which every process of the machine could read there, and no name of a remote, since that would be looked up
in the configuration of a checkout (attacks A57, A71).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from bspec_opa.ledger.git.reasons import GIT_URL

PREFIX = "git+"
DEFAULT_REF = "refs/bspec/ledger"
FILE, SSH, HTTPS = TRANSPORTS = ("file", "ssh", "https")
_VISIBLE = re.compile(r"[!-~]{1,2000}\Z")
_HOST = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9.-]{0,252}|\[[0-9A-Fa-f:.]{2,45}\])\Z")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}\Z")
_PATH = re.compile(r"/[A-Za-z0-9._~+@%][A-Za-z0-9._~/+@%-]{0,1000}\Z")
# git check-ref-format, narrower: no component begins with a dot or dash or ends with .lock or a dot.
_REF = re.compile(r"refs(?:/(?!-)(?!\.)[A-Za-z0-9._-]{1,100}(?<!\.lock)(?<!\.)){2,8}\Z")
_EXAMPLE = "write git+ssh://USER@HOST/PATH#refs/heads/NAME"


@dataclass(frozen=True, slots=True)
class GitUrl:
    """An address, taken apart.

    Attributes:
        transport: ``file``, ``ssh`` or ``https``.
        address: as git takes it.
        ref: the full name of the ref.
    """

    transport: str
    address: str
    ref: str

    @property
    def shown(self) -> str:
        """As it is written."""
        return f"{PREFIX}{self.address}#{self.ref}"


def is_git(text: str) -> bool:
    """Whether a ledger's URL names a Git ref."""
    return text.startswith(PREFIX)


def parse_git_url(text: str) -> GitUrl:
    """An address from its text.

    Raises:
        UsageError: another form.
    """
    address, _, ref = text.removeprefix(PREFIX).partition("#")
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as e:
        raise GIT_URL.error("the ledger's URL has another form", hint=_EXAMPLE) from e
    # urlsplit drops line breaks, and would let through what git is handed.
    if not is_git(text) or not _VISIBLE.match(text) or parts.scheme not in TRANSPORTS or parts.query or "?" in address:
        raise GIT_URL.error("the ledger's URL names no Git repository", hint=_EXAMPLE)
    host = parts.netloc.rpartition("@")[2].removesuffix(f":{port}" if port else "")
    if (parts.scheme == FILE and parts.netloc) or (parts.scheme != FILE and not _HOST.match(host)):
        raise GIT_URL.error("the ledger's URL names no host of the usual form", hint=_EXAMPLE)
    if parts.password is not None or (parts.username is not None and parts.scheme != SSH):
        hint = "let a credential helper of git, or an SSH agent, have it"
        raise GIT_URL.error("the ledger's URL has a user or password where git would show it to others", hint=hint)
    if parts.username is not None and not _USER.match(parts.username):
        raise GIT_URL.error("the ledger's URL names no user of the usual form", hint=_EXAMPLE)
    if not _PATH.match(parts.path) or "/../" in f"{parts.path}/":
        raise GIT_URL.error("the ledger's URL names no repository of the usual form", hint=_EXAMPLE)
    if not _REF.match(ref or DEFAULT_REF) or ".." in ref:
        hint = f"write it in full, such as #{DEFAULT_REF}"
        raise GIT_URL.error("what stands behind the # is no full name of a ref", hint=hint)
    return GitUrl(parts.scheme, address, ref or DEFAULT_REF)
