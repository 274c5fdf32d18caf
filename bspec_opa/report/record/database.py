"""What the commands about a ledger's database did, for people and as JSON, and its closed schemas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.closed_schema import boolean, enum, string
from bspec_opa.report.writing.printable import printable
from bspec_opa.report.writing.schema_parts import LINE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.report.writing.style import Style
    from bspec_opa.workflow.ledger.making import Made

DATABASE: Mapping[str, tuple[tuple[int, ...], dict[str, JsonObject]]] = {
    "bspec.ledger-init/v1": ((0,), {"place": LINE, "made": boolean()}),
    "bspec.ledger-ddl/v1": ((0,), {"dialect": enum("postgresql", "sqlite"), "script": string(maximum=65536)}),
}


def made_text(made: Made, style: Style) -> str:
    """Whether there are tables now, and what is left to do."""
    if not made.made:
        return f"{style.mark('THERE', 'bold')}  a ledger's tables are in {printable(made.place)} already\n"
    lines = [f"{style.mark('MADE', 'bold', 'green')}  a ledger's tables in {printable(made.place)}"]
    if made.grants:
        lines += ["  gates     GRANT bspec_ledger_writer TO …", "  auditors  GRANT bspec_ledger_reader TO …"]
    return "\n".join(lines) + "\n"


def made_json(made: Made) -> JsonObject:
    """``bspec.ledger-init/v1``."""
    return {"schema": "bspec.ledger-init/v1", "exit_code": 0, "place": made.place, "made": made.made}


def ddl_json(dialect: str, script: str) -> JsonObject:
    """``bspec.ledger-ddl/v1``."""
    return {"schema": "bspec.ledger-ddl/v1", "exit_code": 0, "dialect": dialect, "script": script}
