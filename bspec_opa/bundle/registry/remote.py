"""A repository of a registry, through ``oras``: https://github.com/opencontainers/distribution-spec."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bspec_opa.bundle.registry.image import CONFIG_TYPE, LAYER_TYPE, MANIFEST_TYPE, Image, require_digest
from bspec_opa.bundle.registry.reasons import (
    BAD_CREDENTIALS,
    BAD_REPLY,
    DIFFERS,
    NO_ORAS,
    NOT_FOUND,
    PLAIN_HTTP,
    UNAUTHORIZED,
)
from bspec_opa.foundation.digest import digest_of
from bspec_opa.foundation.errors import BspecError, Location

try:
    import oras.container
    import oras.logger
    import oras.provider
except ImportError as e:  # pragma: no cover - the development environment has it
    raise NO_ORAS.error("registries need the package oras", hint="pip install 'bspec-opa[oci]'") from e

from bspec_opa.bundle.registry.session import REFUSALS, Session

if TYPE_CHECKING:
    from collections.abc import Collection

    import requests

    from bspec_opa.bundle.registry.credentials import Login
    from bspec_opa.bundle.registry.reference import Reference

_OK, _NOT_FOUND = 200, 404
_STORED = frozenset({200, 201, 202})
_LOGGED_CRITICAL = 50


class _Client(oras.provider.Registry):  # type: ignore[misc] # the package has no types
    """``oras`` over a session of ours, asking once: it would repeat for minutes what will not change."""

    def do_request(self, *args: Any, **options: Any) -> requests.Response:
        """One request, with a second one where the registry wants to know who we are."""
        response: requests.Response = oras.provider.Registry.do_request.__wrapped__(self, *args, **options)
        return response


class Remote:
    """One repository.

    Args:
        reference: names host and repository.
        ca: the authorities that may sign its certificate, PEM. Without it those that ``certifi`` ships.
        login: who we are, or None for everybody.
        plain_http: speak HTTP; on this machine only, unless ``insecure``.
        insecure: the way to the registry is trusted.
        also_hosts: where its blobs and tokens may come from besides itself.

    Raises:
        UsageError: plain HTTP to another machine, or an unusable CA file.
    """

    def __init__(
        self,
        reference: Reference,
        *,
        ca: Path | None = None,
        login: Login | None = None,
        plain_http: bool = False,
        insecure: bool = False,
        also_hosts: Collection[str] = (),
    ) -> None:
        _check_way(reference, ca, plain_http=plain_http, insecure=insecure)
        self._host = reference.host
        self._name = reference.place
        self._scheme = "http" if plain_http else "https"
        self._session = Session(reference.host, self._scheme, also_hosts)
        self._options = {"hostname": reference.host, "insecure": plain_http, "tls_verify": str(ca) if ca else True}
        self._login = login
        self._client: _Client | None = None

    def put(self, image: Image, tag: str) -> None:
        """Blobs first, the manifest last.

        Raises:
            BspecError: the registry doesn't take them.
        """
        for data, media_type in ((image.config, CONFIG_TYPE), (image.layer, LAYER_TYPE)):
            self._put_blob(data, media_type)
        url = self._url("manifests", tag or image.digest)
        headers = {"Content-Type": MANIFEST_TYPE}
        response = self._ask(url, "PUT", "push", data=image.manifest, headers=headers)
        self._require_stored(response, "manifest")
        said = response.headers.get("Docker-Content-Digest", image.digest)
        if said != image.digest:
            message = f"{self._host} stored the manifest as {said[:80]}, and it is {image.digest}"
            raise DIFFERS.error(message, hint="look at the registry")

    def manifest(self, reference: Reference) -> tuple[bytes, str]:
        """A manifest and the type that the server says it has.

        Raises:
            BspecError: not there, or refused.
        """
        headers = {"Accept": f"{MANIFEST_TYPE}, */*"}
        response = self._ask(self._url("manifests", reference.tag or reference.digest), "GET", "pull", headers=headers)
        self._require_found(response, str(reference))
        data: bytes = response.content
        said = response.headers.get("Docker-Content-Digest")
        if said is not None:
            require_digest(data, said, "manifest", str(reference))
        return data, response.headers.get("Content-Type", "").partition(";")[0].strip()

    def blob(self, digest: str, size: int) -> bytes:  # noqa: ARG002 - the session has its own bound
        """A blob.

        Raises:
            BspecError: not there, refused or too large.
        """
        response = self._ask(self._url("blobs", digest), "GET", "pull", stream=True)
        self._require_found(response, f"{self._name}@{digest}")
        data: bytes = response.content
        return data

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _put_blob(self, data: bytes, media_type: str) -> None:
        layer = {"mediaType": media_type, "digest": digest_of(data), "size": len(data)}
        client = self._opened()
        container = oras.container.Container(self._name)
        with tempfile.TemporaryDirectory() as directory:
            file = Path(directory) / "blob"
            file.write_bytes(data)
            response = self._guarded(lambda: client.upload_blob(str(file), container, layer), "push")
        self._require_stored(response, "blob")

    def _url(self, kind: str, name: str) -> str:
        repository = self._name.partition("/")[2]
        return f"{self._scheme}://{self._host}/v2/{repository}/{kind}/{name}"

    def _ask(self, url: str, method: str, action: str, **options: Any) -> requests.Response:
        client = self._opened()
        return self._guarded(lambda: client.do_request(url, method, **options), action)

    def _guarded(self, work: Any, action: str) -> requests.Response:
        try:
            response: requests.Response = work()
        except BspecError:
            raise
        except (ValueError, KeyError, TypeError, AttributeError, OSError):
            # oras says in these what a registry's answer lacks; an answer may hold anything, so it is not repeated.
            if self._session.refused:
                raise self._unauthorized(action, self._session.refused) from None
            raise BAD_REPLY.error(f"{self._host} does not answer as registries do", hint="look at its log") from None
        if response.status_code in REFUSALS:
            raise self._unauthorized(action, response.status_code)
        return response

    def _unauthorized(self, action: str, status: int) -> BspecError:
        hint = "give --credentials, or --user with --password-file; or look at what this user may do"
        return UNAUTHORIZED.error(f"{self._host} does not let us {action} (HTTP status {status})", hint=hint)

    def _opened(self) -> _Client:
        """The client that the registry's challenge asks for: a password, a token, or nothing."""
        if self._client is None:
            self._client = self._make_client()
        return self._client

    def _make_client(self) -> _Client:
        oras.logger.logger.set_level(_LOGGED_CRITICAL)  # what goes wrong is told by us, once
        verify = self._options["tls_verify"]
        challenge = self._session.request("GET", f"{self._scheme}://{self._host}/v2/", verify=verify)
        scheme = challenge.headers.get("WWW-Authenticate", "").partition(" ")[0].lower()
        client = _Client(**self._options, auth_backend="basic" if scheme == "basic" else "token")
        client.session.close()
        client.session = client.auth.session = self._session
        client.auth._basic_auth = None  # noqa: SLF001 - the backend for passwords reads one from the environment
        if self._login is not None:
            client.auth.set_basic_auth(self._login.user, self._login.password)
        elif scheme == "basic":
            hint = "give --credentials, or --user with --password-file"
            raise UNAUTHORIZED.error(f"{self._host} wants a user and a password", hint=hint)
        else:
            del client.auth._basic_auth  # noqa: SLF001 - so it asks for a token that everybody gets
        return client

    def _require_found(self, response: requests.Response, what: str) -> None:
        if response.status_code == _NOT_FOUND:
            raise NOT_FOUND.error(f"{what} is not there", hint="look at the repository's tags")
        if response.status_code != _OK:
            raise BAD_REPLY.error(f"{self._host} answered with HTTP status {response.status_code}")

    def _require_stored(self, response: requests.Response, what: str) -> None:
        if response.status_code not in _STORED:
            message = f"{self._host} did not take the {what}: HTTP status {response.status_code}"
            raise BAD_REPLY.error(message, hint="look at the registry's log, and at what this user may do")


def _check_way(reference: Reference, ca: Path | None, *, plain_http: bool, insecure: bool) -> None:
    if plain_http and not (reference.loopback or insecure):
        message = f"{reference.host} is another machine, and everybody on the way could read and alter what is sent"
        raise PLAIN_HTTP.error(message, hint="leave out --plain-http; a private authority is named with --ca")
    if ca is None:
        return
    if plain_http:
        raise BAD_CREDENTIALS.error("a CA is given, and plain HTTP", hint="leave out one of them")
    import ssl

    try:
        ssl.create_default_context(cafile=str(ca))
    except (OSError, ValueError):
        raise BAD_CREDENTIALS.error(
            "holds no certificate", hint="give the authority's, as PEM", at=Location(str(ca))
        ) from None
