"""Command groups: without a command they print their help, and a misspelt one gets the nearest name."""

from __future__ import annotations

import importlib
from keyword import iskeyword
from typing import TYPE_CHECKING

import click

from bspec_opa.foundation.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence


class NamedGroup(click.Group):
    """A group that lists its commands in the order in which they were written."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """All commands."""
        return list(self.commands)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Without any argument the help is what was wanted, and no error."""
        if not args and not ctx.resilient_parsing:
            click.echo(ctx.get_help(), color=ctx.color)
            ctx.exit()
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it, with the nearest command in the error."""
        known = self.list_commands(ctx)
        if args and args[0] not in known and not args[0].startswith("-"):
            ctx.fail(f"no command {args[0][:40]!r}; {did_you_mean(args[0], known)}")
        return super().resolve_command(ctx, args)


class LazyGroup(NamedGroup):
    """A group whose commands are modules of a package, loaded when they are used: none pays for another one's imports.

    The command ``two-words`` is ``command`` in the module ``two_words``, and ``import`` is in ``import_``.
    """

    package = ""
    names: Sequence[str] = ()

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """All commands."""
        return list(self.names)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """The command, from its module."""
        if cmd_name not in self.names:
            return None
        name = cmd_name.replace("-", "_") + "_" * iskeyword(cmd_name)
        module = importlib.import_module(f"{self.package}.{name}")
        command: click.Command = module.command
        return command
