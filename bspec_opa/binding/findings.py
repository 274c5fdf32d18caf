"""Where the problems of one catalog come together while its values are built."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from bspec_opa.binding.reasons import BAD_PATH, DUPLICATE_ENTRY
from bspec_opa.foundation.errors import BspecError
from bspec_opa.foundation.files import safe_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.foundation.document.document import Document
    from bspec_opa.foundation.errors import Problem, Reason


class Findings:
    """Problems of one document, located by JSON Pointer."""

    def __init__(self, document: Document) -> None:
        self.problems: list[Problem] = []
        self._document = document

    def add(self, reason: Reason, pointer: str, message: str, hint: str = "") -> None:
        """Note a problem at a place."""
        self.problems.append(reason.problem(message, hint=hint, at=self._document.locate(pointer)))

    def add_import(self, error: BspecError, pointer: str, path: str) -> None:
        """Note what an imported document did wrong: its own line if it is known, else the place that names it."""
        for problem in error.problems:
            if problem.location is not None:
                self.problems.append(problem)
            else:
                self.add(problem.reason, pointer, f"{path}: {problem.message}", problem.hint)

    def refuse_twins(self, pointer: str, names: Iterable[str], what: str) -> None:
        """Note every name of a list's items that an earlier item has."""
        seen: set[str] = set()
        for index, name in enumerate(names):
            if name in seen:
                self.add(DUPLICATE_ENTRY, f"{pointer}/{index}", f'{what} "{name}" is listed twice', "keep one")
            seen.add(name)

    def check_path(self, path: str, pointer: str) -> bool:
        """Note a path that is absolute or has a part that is no safe name (attack A70)."""
        try:
            for part in path.split("/"):
                safe_name(part)
        except BspecError as e:
            self.add(BAD_PATH, pointer, f"path: {e.problems[0].message}", "name a file below, without .. or a first /")
            return False
        return True


def objects(value: JsonObject, member: str) -> list[JsonObject]:
    """The objects of a list that may be missing; the shape is checked already."""
    return cast("list[JsonObject]", value.get(member, []))
