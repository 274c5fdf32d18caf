"""Every verb of the program, as click knows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bspec_opa.cli.main import cli

if TYPE_CHECKING:
    from collections.abc import Iterator


def verbs(group: click.Group = cli, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Each command with the words that call it; a group comes before what is in it."""
    context = click.Context(group)
    yield path, group
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, name
        if isinstance(command, click.Group):
            yield from verbs(command, *path, name)
        else:
            yield (*path, name), command


def having(name: str) -> list[tuple[str, ...]]:
    """The verbs with a parameter of this name, such as ``--reason`` or ``environment``."""
    return [path for path, command in verbs() if any(name in (p.name, *p.opts) for p in command.params)]


def help_of(path: tuple[str, ...], width: int) -> str:
    """What ``--help`` prints in a terminal of so many columns."""
    command: click.Command = cli
    context = click.Context(command, info_name="bspec-opa", terminal_width=width)
    for name in path:
        assert isinstance(command, click.Group)
        found = command.get_command(context, name)
        assert found is not None
        context, command = click.Context(found, info_name=name, parent=context, **found.context_settings), found
    return command.get_help(context)
