"""Options that several commands about the trust root share, and what they come to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.options import NamedPath

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bspec_opa.cli.output import Output
    from bspec_opa.trust.rotation import Changes
    from bspec_opa.trust.signers import Signer
    from bspec_opa.workflow.checkout.world import World
    from bspec_opa.workflow.roots.retiring import Wish
    from bspec_opa.workflow.roots.rotating import Drafted

    Decorated = Callable[..., Any]

ROOT_KEYS = click.option("--key", "keys", multiple=True, metavar="KEY", help="A root key; once for each.")
DIRECTORY = click.option(
    "--project",
    "directory",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=".",
    help="The project [.].",
)
VALID_FOR = click.option("--valid-for", metavar="DURATION", help="How long it holds: P365D [as long as the last].")
TARGET = click.option(
    "--output", "-o", "target", type=NamedPath(path_type=Path), help="The file to write [.bspec/trust/<N>.draft.json]."
)
_CHANGES = (
    click.option("--add-root-key", "add_root", multiple=True, metavar="PEM", help="One more root key."),
    click.option("--add-ledger-key", "add_ledger", multiple=True, metavar="PEM", help="One more ledger key."),
    click.option(
        "--add-key", "add_keys", multiple=True, nargs=2, metavar="WHO PEM", help="One more key of a person or gate."
    ),
    click.option(
        "--replace-key", "replaced", multiple=True, nargs=2, metavar="KEY PEM", help="Another key in the place of one."
    ),
    click.option("--remove-key", "removed", multiple=True, metavar="KEY", help="Take a key out wherever it stands."),
    click.option("--threshold", type=click.IntRange(1, 64), metavar="N", help="How many holders of root keys sign."),
)
CHANGES = ("add_root", "add_ledger", "add_keys", "replaced", "removed", "threshold")


def change_options(function: Decorated) -> Decorated:
    """What the next version has other than the present one."""
    for option in reversed(_CHANGES):
        function = option(function)
    return function


def take_changes(options: dict[str, Any]) -> dict[str, Any]:
    """The change options, taken out of click's arguments."""
    return {name: options.pop(name) for name in CHANGES}


def signers(keys: Sequence[str], world: World) -> list[Signer]:
    """Whoever signs."""
    from bspec_opa.workflow.checkout.keys import open_keys

    return open_keys(keys, world.environ)


def draft(
    directory: Path,
    world: World,
    given: dict[str, Any],
    *,
    wishes: Sequence[Wish] = (),
    **how: Any,
) -> Drafted:
    """The next version with the changes of the command line, and what is to be revoked."""
    from bspec_opa.workflow.roots.retiring import revocation_of
    from bspec_opa.workflow.roots.rotating import draft_next, trusted_roots

    project, roots = trusted_roots(directory, world)
    changes = _changes(given, roots[-1])
    revoke = tuple(revocation_of(wish, project, roots) for wish in wishes)
    return draft_next(directory, world, replace(changes, revoke=revoke), **how)


def _changes(given: dict[str, Any], root: Any) -> Changes:
    from bspec_opa.trust.rotation import Changes
    from bspec_opa.workflow.checkout.keys import key_named, public_key_at

    return Changes(
        add_root=tuple(public_key_at(f) for f in given["add_root"]),
        add_ledger=tuple(public_key_at(f) for f in given["add_ledger"]),
        add_keys=tuple((who, public_key_at(f)) for who, f in given["add_keys"]),
        replace=tuple((key_named(k, root), public_key_at(f)) for k, f in given["replaced"]),
        remove=tuple(key_named(k, root) for k in given["removed"]),
        threshold=given["threshold"],
    )


def show_draft(output: Output, drafted: Drafted, now: int) -> None:
    """A draft in the form that is wanted."""
    from bspec_opa.report.trust.rotation import draft_json, draft_text

    output.show(lambda style: draft_text(drafted, now, style), lambda: draft_json(drafted, now))
