"""``bspec-opa check``: the global rules over intents, on a laptop."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bspec_opa.cli.options import INTENTS, JOBS, QUIET
from bspec_opa.report.check.formats import FORMATS

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime

_POLICY = "--conftest-policy"


@click.command("check", short_help="Check intents against the global rules alone.")
@INTENTS
@click.option("--bundle", "bundle_path", metavar="FILE", help="The policy bundle [the shipped one].")
@click.option("--fail-on-warn", is_flag=True, help="Exit 6 when nothing is denied and something warns.")
@click.option("--show-passed", is_flag=True, help="Name the rules that passed, too.")
@click.option(_POLICY, "policy", type=click.Path(path_type=Path), metavar="DIR", help="Ask these policies, too.")
@click.option("--conftest-namespace", "namespaces", multiple=True, metavar="NAME", help="Only these packages [all].")
@click.option(
    "--conftest-data", "data", multiple=True, type=click.Path(path_type=Path), metavar="PATH", help="Data for them."
)
@click.option(
    "--conftest-capabilities",
    "capabilities",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="What they may call [all but http.send, net.lookup_ip_addr and opa.runtime].",
)
@click.option(
    "--conftest-input",
    "seen",
    type=click.Choice(["normalized", "file"]),
    help="What they see: what normalize prints, or the file as it is written [normalized].",
)
@click.option("--rego-version", type=click.Choice(["v0", "v1"]), help="The syntax of those policies [v1].")
@JOBS
@click.option(
    "--format", "form", type=click.Choice(FORMATS), help="How results are printed; for people, machines and CI systems."
)
@QUIET
@click.pass_obj
def command(
    runtime: Runtime,
    /,
    intents: tuple[str, ...],
    bundle_path: str | None,
    fail_on_warn: bool,
    show_passed: bool,
    policy: Path | None,
    namespaces: tuple[str, ...],
    data: tuple[Path, ...],
    capabilities: Path | None,
    seen: str | None,
    rego_version: str | None,
    jobs: int | None,
    form: str | None,
    quiet: bool,
) -> int:
    """Check each INTENT, and every *.intent file in a directory, against the global rules.

    For a laptop, pre-commit and pull requests: no records, no trust root, no environment, no server. Rules of
    promotion are left to evaluate. Exits with the worst of all: 3 a file is no valid intent, 4 denied, 6 warnings with
    --fail-on-warn, 8 no usable answer.

    Policies written for conftest run as they are, through an OPA, on what normalize prints or on the file itself.

    \b
    bspec-opa check behavior.intent
    bspec-opa check agents/ --format sarif > bspec.sarif
    bspec-opa check agents/ --conftest-policy policy --conftest-input file \\
      --fail-on-warn
    """
    from bspec_opa.bundle.conftest.wanted import V1, Wanted
    from bspec_opa.cli.checking import Order, check_many, open_check

    given: dict[str, object] = {
        "--conftest-namespace": namespaces,
        "--conftest-data": data,
        "--conftest-capabilities": capabilities,
    }
    given |= {"--conftest-input": seen, "--rego-version": rego_version}
    lonely = [name for name, value in given.items() if value]
    if policy is None and lonely:
        raise click.UsageError(f"{lonely[0]} says something about policies, and {_POLICY} names none")
    wanted = None
    if policy is not None:
        wanted = Wanted(policy, namespaces, data, rego_version or V1, capabilities, seen == "file")
    world, output = open_check(runtime, Path(intents[0]), bundle_path, form, quiet=quiet)
    order = Order(fail_on_warn=fail_on_warn, show_passed=show_passed, jobs=jobs, conftest=wanted)
    return check_many(map(Path, intents), world, output, order)
