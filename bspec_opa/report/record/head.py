"""A head statement that was made or read, for people and as ``bspec.ledger-head/v1``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.times import format_time
from bspec_opa.report.writing.counting import count
from bspec_opa.report.writing.printable import printable
from bspec_opa.trust.currency.statement import CURRENT

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.report.writing.style import Style
    from bspec_opa.workflow.currency.stating import Made


def head_text(made: Made, style: Style) -> str:
    """What is current, and until when the statement says so."""
    found = made.statement
    word = "WROTE" if made.written else "CURRENT"
    ahead = made.tree_size - found.tree_size
    tree = f"{count(found.tree_size, 'entry', 'entries')}  {found.root_hash[:19]}…"
    lines = [
        f"{style.mark(word, 'bold', 'green')}  {printable(str(made.file))}",
        f"  ledger    {found.origin}  {tree}",
        f"  root      version {found.root_version}  {found.root_digest[:19]}…",
        f"  valid     {format_time(found.issued_unix)} to {format_time(found.expires_unix)}",
    ]
    for h in found.heads:
        state = "" if h.state == CURRENT else f"  {style.mark(h.state.upper(), 'bold', 'red')}"
        lines.append(f"  line      {h.agent} in {h.environment}  {h.line[:19]}…{state}")
    if ahead:
        lines.append(f"  note      the ledger here has {count(ahead, 'entry', 'entries')} more")
    lines += [f"  note      {printable(n)}" for n in made.notes]
    return "\n".join(lines) + "\n"


def head_json(made: Made) -> JsonObject:
    """The same for machines."""
    found = made.statement
    return {
        "schema": "bspec.ledger-head/v1",
        "exit_code": 0,
        "file": str(made.file),
        "written": made.written,
        "domain": found.domain,
        "origin": found.origin,
        "tree_size": found.tree_size,
        "root_hash": found.root_hash,
        "trust_root": {"version": found.root_version, "digest": found.root_digest},
        "heads": [
            {"agent": h.agent, "environment": h.environment, "line": h.line, "state": h.state} for h in found.heads
        ],
        "issued": format_time(found.issued_unix),
        "expires": format_time(found.expires_unix),
        "ledger_tree_size": made.tree_size,
        "notes": [*made.notes],
    }
