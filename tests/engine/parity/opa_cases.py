"""OPA's own conformance cases, as its Go module carries them; ``.ci/get-opa-cases`` puts them into ``.tools``."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import yaml

DIRECTORY = Path(__file__).parents[3] / ".tools" / "opa-cases"
NO_JSON = object()
_OLD = frozenset({"tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp"})


@dataclass(frozen=True, slots=True)
class Case:
    """One case.

    Attributes:
        id: file and number in it: OPA's notes are not unique.
        note: OPA's own name of it.
        modules: Rego.
        query: Rego; its variables are what ``rows`` binds.
        data: base documents.
        request: the input; ``NO_JSON`` if it is a term that JSON has not, such as a set.
        rows: the expected bindings; none if an error is expected.
        error: whether the evaluation has to fail.
        strict: whether it fails only where failing builtins are errors.
        conflict: whether it fails because two rules contradict each other.
        unordered: whether OPA says that the order of a list in the result is open.
    """

    id: str
    note: str
    modules: tuple[str, ...]
    query: str
    data: dict[str, Any]
    request: Any
    rows: tuple[dict[str, Any], ...] | None
    error: bool
    strict: bool
    conflict: bool
    unordered: bool

    @property
    def folder(self) -> str:
        return self.id.partition("/")[0]

    @property
    def variables(self) -> list[str]:
        return sorted({name for row in self.rows or () for name in row})


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Reads YAML as OPA does: ``on`` and ``no`` are strings, dates too."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {
        first: [(tag, pattern) for tag, pattern in found if tag not in _OLD]
        for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("true|false"), ["t", "f"])


def load_cases(directory: Path = DIRECTORY) -> list[Case]:
    """All cases, in the order of their files.

    Raises:
        FileNotFoundError: they have not been fetched.
    """
    files = sorted(directory.glob("*/*.yaml"))
    if not files:
        raise FileNotFoundError(f"no cases of OPA in {directory}: run `make opa-cases`")
    found: list[Case] = []
    for file in files:
        document = yaml.load(file.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - a safe one
        document = json.loads(json.dumps(document))  # as OPA does: the names of all members are strings
        name = f"{file.parent.name}/{file.name}"
        found += [_case(f"{name}#{n}", c) for n, c in enumerate(document["cases"])]
    return found


def _case(name: str, found: dict[str, Any]) -> Case:
    rows = found.get("want_result")
    return Case(
        id=name,
        note=found["note"],
        modules=tuple(found.get("modules") or ()),
        query=found["query"].strip(),
        data=found.get("data") or {},
        request=_request(found),
        rows=None if rows is None else tuple(rows),
        error="want_error" in found or "want_error_code" in found,
        strict=bool(found.get("strict_error")),
        conflict=found.get("want_error_code") == "eval_conflict_error",
        unordered=bool(found.get("sort_bindings")),
    )


def _request(found: dict[str, Any]) -> Any:
    """Our engines are always given an input; what isn't there is an empty object."""
    term = found.get("input_term")
    if term is None:
        return found.get("input", {})
    try:
        return json.loads(term)
    except ValueError:
        return NO_JSON
