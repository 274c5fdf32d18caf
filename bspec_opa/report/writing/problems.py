"""Problems as JSON: ``bspec.error/v1``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.foundation.errors import BspecError, Problem


def problem_json(problem: Problem) -> JsonObject:
    """One problem with its stable reason code; file is "" and line and column 0 where they are not known."""
    at = problem.location
    return {
        "code": problem.reason.code,
        "message": problem.message,
        "hint": problem.hint,
        "file": at.file if at else "",
        "line": (at.line or 0) if at else 0,
        "column": (at.column or 0) if at else 0,
    }


def problem_list(problems: Iterable[Problem]) -> list[JsonValue]:
    """Several problems."""
    return [problem_json(p) for p in problems]


def problems_json(error: BspecError, file: str = "") -> JsonObject:
    """The document that every verb prints with ``--format json`` when it fails.

    Args:
        error: what is wrong.
        file: the intent that could not be judged, where it is one of many.
    """
    return {
        "schema": "bspec.error/v1",
        "exit_code": int(error.exit_code),
        "file": file,
        "problems": problem_list(error.problems),
    }
