"""Options that several verbs share, under the names that people expect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from bspec_opa.foundation.limits import MAX_JOBS, MAX_REASON

if TYPE_CHECKING:
    from collections.abc import Callable

    from bspec_opa.workflow.checkout.config import Value

    Decorated = Callable[..., Any]

FORMAT = click.option(
    "--format",
    "output_format",
    type=click.Choice(["text", "json", "jsonl"]),
    default=None,
    help="How results are printed; jsonl is JSON, one document a line.",
)
QUIET = click.option("--quiet", "-q", is_flag=True, help="Print no result; the exit code tells.")
PIN = click.option("--trust-pin", metavar="DIGEST", help="The trust root's pin. Also BSPEC_OPA_TRUST_PIN.")
ENVIRONMENT = click.option("--env", "environment", required=True, metavar="ENV", help="The target environment.")
ADOPT = click.option("--adopt", "adopting", is_flag=True, help="For bspec-opa adopt: of an agent that runs already.")
HEAD = click.option("--head", "head_file", metavar="FILE", help="The head statement; named, it must be there.")
KEY = click.option("--key", metavar="KEY", help="The signing key: a file, file:PATH, envvar:NAME or a KMS URI.")


class NamedPath(click.Path):
    """A path that somebody wrote; an empty one would mean the working directory."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Click's, but for the empty text."""
        if value == "":
            self.fail("the path is empty; is a variable unset?", param, ctx)
        return super().convert(value, param, ctx)


class Reason(click.ParamType[str]):
    """Why somebody signs. Every record that asks for one wants some text, and not too much; so does every verb."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The text as it is."""
        if not str(value).strip():
            self.fail("the reason is empty; is a variable unset?", param, ctx)
        if len(value) > MAX_REASON:
            self.fail(f"the reason has {len(value)} characters, of {MAX_REASON} at most", param, ctx)
        return value


def reason_option(help_text: str, *, required: bool) -> Callable[[Decorated], Decorated]:
    """``--reason``; where it may be left out it is empty then."""
    taken: Callable[[Decorated], Decorated] = click.option(
        "--reason",
        type=Reason(),
        required=required,
        metavar="TEXT",
        help=help_text,
        callback=lambda _context, _parameter, value: value or "",
    )
    return taken


INTENT = click.argument("intent", type=NamedPath(path_type=str))
INTENTS = click.argument("intents", nargs=-1, required=True, type=NamedPath(path_type=str), metavar="INTENT...")
JOBS = click.option(
    "--jobs",
    "-j",
    type=click.IntRange(1, MAX_JOBS),
    metavar="N",
    help="Processes for many intents [one for each core].",
)

_ENGINE = (
    click.option("--engine", "engine_name", metavar="NAME", help="embedded, managed or rest."),
    click.option("--opa-url", metavar="URL", help="Ask this OPA: http(s)://… or unix://…"),
    click.option("--engine-bundle-name", metavar="NAME", help="The bundle's name in that OPA [bspec]."),
    click.option("--engine-ca", metavar="FILE", help="CA certificates of that OPA."),
    click.option("--engine-cert", metavar="FILE", help="Client certificate."),
    click.option("--engine-key", metavar="FILE", help="Client key."),
    click.option("--engine-token-file", metavar="FILE", help="Bearer token."),
    click.option("--engine-deadline-s", type=float, metavar="SECONDS", help="Total time for a decision [5]."),
    click.option("--bundle", "bundle_path", metavar="FILE", help="The policy bundle [the shipped one]."),
)
_PLACES = (
    click.option("--records", multiple=True, metavar="DIR", help="An inbox of records; may be given again."),
    click.option("--ledger-path", metavar="DIR", help="The ledger's directory."),
    click.option("--ledger-url", metavar="URL", help="Where the ledger is: sqlite:///…, postgresql://…, git+ssh://…"),
    click.option("--catalog", "catalogs", multiple=True, metavar="FILE", help="A catalog; may be given again."),
)
_FOUNDATION = (
    click.option("--base", metavar="BUNDLE", help="A pack's base: a bundle's file or a shipped name [default]."),
    click.option("--base-revision", metavar="REVISION", help="The base's revision that the pack is pinned to."),
    click.option("--owner", metavar="NAME", help="Who owns the rules, such as team:payments."),
)
_FLAG_KEYS = {
    "engine_name": "engine.name",
    "opa_url": "engine.url",
    "engine_bundle_name": "engine.bundle_name",
    "engine_ca": "engine.ca",
    "engine_cert": "engine.cert",
    "engine_key": "engine.key",
    "engine_token_file": "engine.token_file",
    "engine_deadline_s": "engine.deadline_s",
    "bundle_path": "bundle.path",
    "records": "records.dirs",
    "ledger_path": "ledger.path",
    "ledger_url": "ledger.url",
    "head_file": "ledger.head",
    "catalogs": "catalogs.paths",
    "base": "policy.base",
    "base_revision": "policy.base_revision",
    "owner": "policy.owner",
    "witness_urls": "witness.urls",
    "witness_ca": "witness.ca",
    "witness_cert": "witness.cert",
    "witness_key": "witness.key",
    "witness_token_file": "witness.token_file",
    "output_format": "output.format",
}

# What decides, or is decided on: nothing may stand in for what somebody meant to name. The bundle's name in a sidecar
# decides nothing: whatever it is, the answer has to prove revision and data.
_NEVER_EMPTY = frozenset(_FLAG_KEYS.values()) - {"engine.bundle_name"}


def engine_options(function: Decorated) -> Decorated:
    """Which engine decides, and on which bundle."""
    return _apply(_ENGINE, function)


def place_options(function: Decorated) -> Decorated:
    """Where records, ledger and catalogs lie."""
    return _apply(_PLACES, function)


def foundation_options(function: Decorated) -> Decorated:
    """What a pack of policies stands on, and whose it is."""
    return _apply(_FOUNDATION, function)


def output_options(function: Decorated) -> Decorated:
    """How results are printed."""
    return _apply((FORMAT, QUIET), function)


def _apply(options: tuple[Callable[[Decorated], Decorated], ...], function: Decorated) -> Decorated:
    for option in reversed(options):
        function = option(function)
    return function


def flags(given: dict[str, Any]) -> dict[str, Value | None]:
    """The given flags by configuration key; takes them out of ``given``."""
    found: dict[str, Value | None] = {}
    for name, key in _FLAG_KEYS.items():
        value = given.pop(name, None)
        found[key] = _given(key, value)
    return found


def _given(key: str, value: Any) -> Value | None:
    """A flag's value. An empty one is no default, but a variable that somebody forgot to set."""
    texts = value if isinstance(value, list | tuple) else (value,)
    if "" in texts:
        if key in _NEVER_EMPTY:
            raise click.UsageError(f"the flag for {key} is empty; is a variable unset?")
        return None
    return tuple(texts) or None if texts is value else value
