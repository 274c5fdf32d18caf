"""What an engine makes of one of OPA's cases, against what OPA wants."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bspec_opa.foundation.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.parity.opa_cases import Case

    from bspec_opa.engine.interface import Engine

STOPPED = frozenset({"engine.trap", "engine.bad-status"})
"""How the embedded engine and a server say that the evaluation itself failed."""


def difference(case: Case, opened: Callable[[], Engine]) -> str:
    """In a word or two, how the engine's answer differs from the wanted one; empty if it doesn't."""
    try:
        answer: Any = opened().decide(case.request).decision
    except EngineError as e:
        if not case.error or e.code not in STOPPED:
            return e.code
        told = not case.conflict or e.code != "engine.trap" or "conflict" in str(e)
        return "" if told else "stops for another reason"
    if case.error:
        return "undefined" if answer["rows"] == [] else "answers"
    loose = case.unordered or answer["sets"] > 0
    return "" if _rows(answer["rows"], loose=loose) == _rows(case.rows, loose=loose) else "another answer"


def _rows(rows: Any, *, loose: bool) -> list[str]:
    """Bindings as texts, in no order, since a query has none."""
    return sorted(_form(row, loose=loose) for row in rows)


def _form(value: Any, *, loose: bool) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(k)}:{_form(value[k], loose=loose)}" for k in sorted(value)) + "}"
    if isinstance(value, list):
        items = [_form(v, loose=loose) for v in value]
        return "[" + ",".join(sorted(items) if loose else items) + "]"
    return json.dumps(value)
