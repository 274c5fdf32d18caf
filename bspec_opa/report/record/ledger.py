"""What the commands about the ledger as a whole did, for people and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.times import format_time
from bspec_opa.report.writing.counting import count
from bspec_opa.report.writing.printable import printable

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.ledger.interface import Tip
    from bspec_opa.report.writing.style import Style
    from bspec_opa.workflow.ledger.moving import Moved
    from bspec_opa.workflow.ledger.verifying import Verified


def verified_text(verified: Verified, style: Style) -> str:
    """What held, and what was not checked."""
    what = "export" if verified.export else "ledger"
    lines = [f"{style.mark('VERIFIED', 'bold', 'green')}  {what} {printable(verified.place)}", *_head(verified.tip)]
    return "\n".join([*lines, *(f"  note    {printable(n)}" for n in verified.notes)]) + "\n"


def verified_json(verified: Verified) -> JsonObject:
    """``bspec.ledger-verification/v1``."""
    return {
        "schema": "bspec.ledger-verification/v1",
        "exit_code": 0,
        "place": verified.place,
        "kind": "export" if verified.export else "ledger",
        **_head_json(verified.tip),
        "notes": list(verified.notes),
    }


def exported_text(moved: Moved, style: Style) -> str:
    """Where the files are now."""
    new = count(moved.added, "new file")
    head = f"{style.mark('EXPORTED', 'bold', 'green')}  {printable(moved.target)}, {new}"
    return "\n".join([head, *_head(moved.tip)]) + "\n"


def exported_json(moved: Moved) -> JsonObject:
    """``bspec.ledger-export/v1``."""
    return _moved_json("bspec.ledger-export/v1", moved, "files")


def imported_text(moved: Moved, style: Style) -> str:
    """Where the entries are now."""
    new = count(moved.added, "new entry", "new entries")
    head = f"{style.mark('IMPORTED', 'bold', 'green')}  {printable(moved.source)} into {printable(moved.target)}, {new}"
    cosigned = [f"  cosigned by {', '.join(map(printable, moved.cosigned))}"] if moved.cosigned else []
    return "\n".join([head, *_head(moved.tip), *cosigned]) + "\n"


def imported_json(moved: Moved) -> JsonObject:
    """``bspec.ledger-import/v1``."""
    return {**_moved_json("bspec.ledger-import/v1", moved, "entries"), "cosigned": [*moved.cosigned]}


def _head(tip: Tip) -> list[str]:
    last = f", the last of {format_time(tip.last_at)}" if tip.size else ""
    return [
        f"  origin  {printable(tip.origin)}",
        f"  holds   {count(tip.size, 'entry', 'entries')} under a signed checkpoint{last}",
        f"  root    {tip.root_hash}",
    ]


def _head_json(tip: Tip) -> JsonObject:
    return {
        "origin": tip.origin,
        "tree_size": tip.size,
        "root_hash": tip.root_hash,
        "last_at": format_time(tip.last_at) if tip.size else "",
    }


def _moved_json(schema: str, moved: Moved, what: str) -> JsonObject:
    return {
        "schema": schema,
        "exit_code": 0,
        "source": moved.source,
        "target": moved.target,
        **_head_json(moved.tip),
        f"new_{what}": moved.added,
    }
