"""Where a bundle lies: an image layout on disk, or a repository of a registry."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path

from bspec_opa.bundle.registry.reasons import BAD_REFERENCE

LATEST = "latest"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}"
_DIGEST = r"sha256:[0-9a-f]{64}"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_HOST = r"(?:localhost|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+|[A-Za-z0-9-]+(?=:)|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?"
# The distribution specification's grammar of names; a host has a dot or a port, or is localhost.
_NAME = rf"(?P<repository>{_PART}(?:/{_PART})*)"
_REMOTE = re.compile(rf"(?P<host>{_HOST})/{_NAME}(?::(?P<tag>{_TAG}))?(?:@(?P<digest>{_DIGEST}))?")
_LAYOUT = re.compile(rf"oci:(?P<directory>[^\0]+?)(?::(?P<tag>{_TAG}))?(?:@(?P<digest>{_DIGEST}))?")
_MAX_REPOSITORY = 255
_MAX_PORT = 65_535
_HINT = "write oci:DIRECTORY:TAG, HOST/REPOSITORY:TAG or HOST/REPOSITORY@sha256:…"


@dataclass(frozen=True, slots=True)
class Reference:
    """One manifest by tag, by digest, or by a tag that has to have this digest.

    Attributes:
        tag: empty if only the digest counts.
        digest: of the manifest; empty if whatever the tag names is wanted.
        directory: of an image layout.
        host: of a registry, with its port; empty for a layout.
        repository: in the registry; empty for a layout.
    """

    tag: str
    digest: str
    directory: Path = Path()
    host: str = ""
    repository: str = ""

    @property
    def place(self) -> str:
        """Without tag and digest."""
        return f"{self.host}/{self.repository}" if self.host else f"oci:{self.directory}"

    @property
    def loopback(self) -> bool:
        """Whether the registry is on this machine."""
        name = self.host.rpartition(":")[0] if re.search(r":[0-9]+\Z", self.host) else self.host
        if name == "localhost":
            return True
        try:
            return ipaddress.ip_address(name.strip("[]")).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        return self.place + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")


def parse_reference(text: str) -> Reference:
    """``oci:DIR[:TAG]``, ``HOST/REPOSITORY[:TAG]``, each with an optional ``@sha256:…``.

    Without a tag and a digest the tag is ``latest``, as everywhere in this trade.

    Raises:
        UsageError: anything else, and a user or password in it.
    """
    match = _LAYOUT.fullmatch(text) if text.startswith("oci:") else _REMOTE.fullmatch(text)
    if match is None:
        raise BAD_REFERENCE.error(_why(text), hint=_HINT)
    found = match.groupdict()
    digest = found["digest"] or ""
    tag = found["tag"] or ("" if digest else LATEST)
    if "directory" in found:
        return Reference(tag, digest, Path(found["directory"]))
    port = found["host"].rpartition(":")[2]
    if len(found["repository"]) > _MAX_REPOSITORY or (port.isdigit() and not 0 < int(port) <= _MAX_PORT):
        raise BAD_REFERENCE.error("the repository's name is too long, or the port impossible", hint=_HINT)
    return Reference(tag, digest, host=found["host"], repository=found["repository"])


def _why(text: str) -> str:
    """Never repeats what may hold a password."""
    if "://" in text:
        return "a registry is named without http:// or https://"
    if re.match(r"[^/]*:[^/]*@", text):
        return "a registry's name carries a user or password"
    return f"{text[:80]!r} names no place for bundles"
