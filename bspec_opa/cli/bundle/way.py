"""The options with which ``bundle push`` and ``bundle pull`` reach a registry."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from bspec_opa.workflow.bundles.distributing import Way

_FILE = click.Path(path_type=Path)
_OPTIONS = (
    click.option("--ca", type=_FILE, metavar="FILE", help="The registry's authorities, PEM [those of certifi]."),
    click.option("--credentials", type=_FILE, metavar="FILE", help="A login as docker login writes it (config.json)."),
    click.option("--user", metavar="NAME", help="A login's user; with --password-file."),
    click.option("--password-file", type=_FILE, metavar="FILE", help="The user's password or token, one line."),
    click.option("--also-host", "also_hosts", multiple=True, metavar="HOST", help="May send blobs or tokens, too."),
    click.option("--plain-http", is_flag=True, help="Speak HTTP, to a registry on this machine."),
    click.option("--insecure-registry", "insecure", is_flag=True, help="Allow --plain-http to another machine."),
)


def way_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """How a registry is reached."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def way_of(given: dict[str, Any]) -> Way:
    """The given options."""
    from bspec_opa.workflow.bundles.distributing import Way

    return Way(**given)
