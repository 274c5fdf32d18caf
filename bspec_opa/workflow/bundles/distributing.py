"""Bundles to and from image layouts and registries."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bspec_opa.bundle.registry.credentials import read_login
from bspec_opa.bundle.registry.layout import Layout
from bspec_opa.bundle.registry.reasons import BAD_CREDENTIALS
from bspec_opa.bundle.registry.reference import Reference, parse_reference
from bspec_opa.bundle.registry.transfer import pull, push
from bspec_opa.foundation.errors import Location
from bspec_opa.foundation.files import is_directory, write_atomic
from bspec_opa.foundation.reasons import UNWRITABLE
from bspec_opa.workflow.checkout.deciding import read_policy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bspec_opa.bundle.registry.transfer import Store, Stored


@dataclass(frozen=True, slots=True)
class Way:
    """How a registry is reached and who we are to it; all of it is from flags. A layout takes none of it."""

    ca: Path | None = None
    credentials: Path | None = None
    user: str | None = None
    password_file: Path | None = None
    plain_http: bool = False
    insecure: bool = False
    also_hosts: tuple[str, ...] = ()


def push_bundle(bundle: str, target: str, way: Way) -> tuple[Stored, Reference]:
    """Store a bundle, by file or shipped name, at a reference.

    Raises:
        BspecError: it can't be read, is no bundle, or the store doesn't take it.
    """
    reference = parse_reference(target)
    policy = read_policy(bundle)
    with _open(reference, way) as store:
        return push(store, reference, policy.archive, policy.bundle.name), reference


def pull_bundle(source: str, target: Path, way: Way) -> tuple[Stored, Reference]:
    """Write the bundle at a reference to a file, byte for byte.

    Raises:
        BspecError: it isn't there, is no bundle or another one, or can't be written.
    """
    reference = parse_reference(source)
    if not is_directory(target.parent):
        raise UNWRITABLE.error(
            "can't be written: its directory is missing", hint="create it first", at=Location(str(target))
        )
    with _open(reference, way) as store:
        stored = pull(store, reference)
    write_atomic(target, stored.archive)
    return stored, reference


@contextmanager
def _open(reference: Reference, way: Way) -> Iterator[Store]:
    if not reference.host:
        if way != Way():
            message = "options for a registry are given, and the bundle lies in an image layout"
            raise BAD_CREDENTIALS.error(message, hint="leave them out")
        yield Layout(reference.directory)
        return
    login = read_login(reference.host, user=way.user, password_file=way.password_file, config=way.credentials)
    from bspec_opa.bundle.registry.remote import Remote

    remote = Remote(
        reference,
        ca=way.ca,
        login=login,
        plain_http=way.plain_http,
        insecure=way.insecure,
        also_hosts=way.also_hosts,
    )
    try:
        yield remote
    finally:
        remote.close()
