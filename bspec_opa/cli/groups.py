"""Command groups: without a command they print their help, and a misspelt one gets the nearest name."""

from __future__ import annotations

import click

from bspec_opa.foundation.suggest import did_you_mean


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
