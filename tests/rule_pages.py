"""Reads the page of a rule, and puts its snippets into documents."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bspec_opa.foundation.document.load import load_document

if TYPE_CHECKING:
    from pathlib import Path

_SNIPPET = re.compile(r"^```yaml (intent|input|org)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SECTIONS = ("Why", "Avoid", "Prefer")
_KEYS = (("id",), ("class",), ("principal",), ("name",), ("question", "method", "independent"))


@dataclass(frozen=True)
class Page:
    """The part of a rule's page that people write; a snippet is what it changes, and what."""

    why: str
    avoid: list[tuple[str, Any]]
    prefer: list[tuple[str, Any]]


def read_page(path: Path) -> Page:
    _, *parts = re.split(r"^## (\w+)\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert tuple(parts[::2]) == _SECTIONS, path.name
    why, avoid, prefer = parts[1::2]
    return Page(why.strip(), _snippets(avoid), _snippets(prefer))


def _snippets(section: str) -> list[tuple[str, Any]]:
    assert section.count("```") == 2 * len(_SNIPPET.findall(section)), section
    return [(kind, load_document(text.encode(), "snippet.yaml").value) for kind, text in _SNIPPET.findall(section)]


def merged(base: Any, patch: Any) -> Any:
    """Objects member by member; lists of objects item by item, by their key; everything else is replaced."""
    if isinstance(base, dict) and isinstance(patch, dict):
        return {**base, **{k: merged(base[k], v) if k in base else v for k, v in patch.items()}}
    if isinstance(base, list) and isinstance(patch, list) and base and patch and isinstance(patch[0], dict):
        return _merged_lists(base, patch)
    return copy.deepcopy(patch)


def _merged_lists(base: list[Any], patch: list[Any]) -> list[Any]:
    if len(base) == len(patch) == 1:
        return [merged(base[0], patch[0])]
    for key in _KEYS:
        if all(isinstance(i, dict) and set(key) <= set(i) for i in [*base, *patch]):
            new = {tuple(i[k] for k in key): i for i in patch}
            old = {tuple(i[k] for k in key): i for i in base}
            assert new.keys() <= old.keys(), f"{new.keys() - old.keys()} is not there"
            return [merged(i, new[n]) if n in new else i for n, i in old.items()]
    return copy.deepcopy(patch)
