"""``bspec-opa adopt``: bring an agent that runs already under the gate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.options import ENVIRONMENT, INTENT, PIN, NamedPath, engine_options, output_options, place_options
from bspec_opa.cli.records import open_signed, signer_of

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime


@click.command("adopt", short_help="Bring an agent that runs already under the gate.")
@INTENT
@ENVIRONMENT
@click.option(
    "--deployed", required=True, type=NamedPath(path_type=Path), help="What runs there: a bspec.deployed/v1 file."
)
@click.option("--gate-key", metavar="KEY", help="The key that signs lock lines and denials.")
@click.option("--ledger-key", metavar="KEY", help="The key that signs the ledger's checkpoint.")
@PIN
@engine_options
@place_options
@output_options
@click.pass_obj
def command(
    runtime: Runtime,
    /,
    intent: str,
    environment: str,
    deployed: Path,
    gate_key: str | None,
    ledger_key: str | None,
    quiet: bool,
    **options: Any,
) -> int:
    """Promote INTENT into an environment in which it runs already, without a line in the environment before.

    It is judged by the same rules but those about a source and its soak. The trust root must permit it (adoption of an
    environment), people approve it with approve --adopt in the role that it names, and what --deployed says must be
    exactly what is bound. Every line of the agent says from then on that it was adopted, and since when.

    \b
    bspec-opa adopt behavior.intent --env production --deployed deployed.json
    """
    from bspec_opa.report.record.promotion import Wanted, outcome_json, outcome_text
    from bspec_opa.workflow.life.adopting import adopt
    from bspec_opa.workflow.promote import Keys

    session, output = open_signed(runtime, intent, options, quiet=quiet)
    keys = Keys(gate=signer_of("gate", gate_key, session), ledger=signer_of("ledger", ledger_key, session))
    outcome = adopt(session, environment, deployed, keys)
    declared = session.loaded.intent.promotion
    following = tuple(e.id for e in session.anchor.root.environments if e.from_ == environment and e.id in declared)
    wanted = Wanted(intent, environment, session.project, following)
    output.show(lambda style: outcome_text(wanted, outcome, style), lambda: outcome_json(wanted, outcome))
    return int(outcome.evaluation.exit_code) if outcome.evaluation else 0
