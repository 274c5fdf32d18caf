"""A running bundle server for people and as JSON: what it serves when it starts, and then one line an event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.times import format_time
from bspec_opa.report.writing.printable import printable, render_json

if TYPE_CHECKING:
    from bspec_opa.bundle.serving.edition import Edition
    from bspec_opa.bundle.serving.log import Event
    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.report.writing.style import Style
    from bspec_opa.workflow.bundles.serving import Serving

SHORT = 19
"""Characters of a digest that are shown to people."""


def serving_text(serving: Serving, style: Style) -> str:
    """Where it listens, who is let in, what is served."""
    who = ["a token"] * serving.tokens + ["a client certificate"] * serving.client_certificates
    open_to = f"with {' and '.join(who)}" if who else "open to everybody"
    lines = [f"{style.mark('SERVING', 'bold', 'green')}  {serving.url}   ({open_to})"]
    lines += [f"  {printable(n):<24} {_edition(e)}" for n, e in serving.editions.items()]
    if serving.signed_by:
        lines.append(f"  only what was signed by {printable(' or '.join(serving.signed_by))}")
    if serving.diagnostic_url:
        lines.append(f"  health and metrics also at {serving.diagnostic_url}")
    return "\n".join([*lines, *(f"  note      {printable(n)}" for n in serving.notes)]) + "\n"


def serving_json(serving: Serving) -> JsonObject:
    """``bspec.bundle-serving/v1``."""
    return {
        "schema": "bspec.bundle-serving/v1",
        "exit_code": 0,
        "url": serving.url,
        "diagnostic_url": serving.diagnostic_url,
        "client_certificates": serving.client_certificates,
        "tokens": serving.tokens,
        "signed_by": list(serving.signed_by),
        "bundles": [
            {
                "name": name,
                "loaded": edition is not None,
                "revision": edition.revision if edition else "",
                "digest": edition.digest if edition else "",
            }
            for name, edition in serving.editions.items()
        ],
        "notes": list(serving.notes),
    }


def event_text(event: Event) -> str:
    """One line."""
    parts = [format_time(event.at), f"{event.kind:<11}", event.bundle]
    if event.kind == "switched":
        same = event.before == event.revision
        before = f"{event.before[:SHORT]}… → " if event.before and not same else ""
        parts.append(f"{before}{event.revision[:SHORT]}…{', as before in another file or signature' if same else ''}")
    else:
        code = f" [{event.code}]" if event.code else ""
        parts += [event.file, f"{event.message}{code}", _kept(event)]
    return printable("  ".join(p for p in parts if p).rstrip()) + "\n"


def event_json(event: Event) -> str:
    """``bspec.bundle-serving-event/v1``, on one line."""
    return render_json(
        {
            "schema": "bspec.bundle-serving-event/v1",
            "exit_code": 0,
            "time": format_time(event.at),
            "event": event.kind,
            "bundle": event.bundle,
            "file": event.file,
            "revision": event.revision,
            "before": event.before,
            "code": event.code,
            "message": event.message,
        },
        one_line=True,
    )


def _kept(event: Event) -> str:
    if not event.bundle:
        return ""
    return f"{event.revision[:SHORT]}… stays" if event.revision else "nothing is served"


def _edition(edition: Edition | None) -> str:
    return f"revision {edition.revision[:SHORT]}…" if edition else "not loaded yet"
