"""``bspec-opa resolve``: intent and catalogs to a binding."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.opening import open_world
from bspec_opa.cli.options import INTENT, output_options, place_options

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime


@click.command("resolve", short_help="Bind an intent to exact releases and identities.")
@INTENT
@click.option(
    "--output", "-o", "target", type=click.Path(path_type=Path), help="Where to [.bspec/bindings/AGENT.json]."
)
@place_options
@output_options
@click.pass_obj
def command(runtime: Runtime, /, intent: str, target: Path | None, quiet: bool, **options: Any) -> None:
    """Resolve INTENT against the catalogs into a binding: exact releases, identities and digests.

    The same intent and catalogs give the same bytes. Nothing is ever resolved during a promotion.

    \b
    bspec-opa resolve behavior.intent
    bspec-opa resolve behavior.intent --catalog catalogs/billing.yaml \\
      -o binding.json
    """
    from bspec_opa.report.binding import binding_json, binding_text
    from bspec_opa.report.decision.next_steps import steps_in
    from bspec_opa.workflow.checkout.intents import open_intent
    from bspec_opa.workflow.checkout.project import find_project
    from bspec_opa.workflow.checkout.resolving import resolve_intent, write_binding

    world, output = open_world(runtime, Path(intent), options, quiet=quiet)
    loaded = open_intent(Path(intent))
    project = find_project(Path(intent), world.environ, world.flags)
    binding = resolve_intent(project, loaded)
    file = target or project.binding_file(loaded.intent.metadata.id)
    write_binding(file, binding)
    step = steps_in(project, intent, "").submit()
    output.show(lambda style: binding_text(binding, file, step, style), lambda: binding_json(binding, file, step))
