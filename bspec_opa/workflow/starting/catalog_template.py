"""The catalog that ``init`` writes for an intent. Pure text; a test resolves intents against it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from bspec_opa.intent.ranges import parse_range

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from bspec_opa.intent.model import Intent, ModelClass, Tool

ANY = "*"


def catalog_template(intent: Intent, paths: Mapping[str, str], known: Collection[tuple[str, str]] = ()) -> str:
    """A catalog with one release for each tool and one identity for each model class of an intent.

    Args:
        intent: the intent.
        paths: where its components lie, relative to the project, by their ids.
        known: kind and id of what the project's catalogs have already; the same thing twice would be a choice.

    Returns:
        The text; empty when everything is known.
    """
    tools = [_tool(t) for t in intent.tools if ("tool", t.id) not in known]
    classes = [_model(c) for c in intent.models.classes if ("model", c.id) not in known]
    ids = [c.id for c in intent.components if ("component", c.id) not in known]
    if not (tools or classes or ids):
        return ""
    components = [f"  {word(i)}: {{path: {json.dumps(paths[i])}}}\n" for i in ids]
    return f"""\
# What there is: exact releases and identities. Replace them by those that you run; bspec-opa resolve binds them.
schema: bspec.catalog/v1
{_listed("tools", tools)}{_listed("models", classes)}{"components:" + chr(10) if ids else ""}{"".join(components)}"""


def _listed(name: str, items: list[str]) -> str:
    return f"{name}:\n{''.join(items)}" if items else f"{name}: []\n"


def _tool(tool: Tool) -> str:
    operations = "".join(
        f"          - {{name: {word(o)}, privilege_floor: {tool.privilege}}}\n" for o in _operations(tool.operations)
    )
    return f"""\
  - id: {word(tool.id)}
    class: {word(tool.class_)}
    publisher: acme
    trusted: true  # somebody of yours has reviewed the floors below
    releases:
      - version: {_release(tool.version)}
        operations:
{operations}"""


def _model(model: ModelClass) -> str:
    return f"""\
  - class: {word(model.id)}
    identities:
      - provider: {word(_first(model.providers, "acme"))}
        id: {word(f"{model.id}-2026-01-15")}
        kind: vendor-snapshot
        preview: false
        immutability: provider-asserted
        region: {word(_first(model.regions, "eu"))}
"""


def _release(version_range: str) -> str:
    """A release that the range admits: one of its bounds, or the next one up."""
    if version_range.startswith("=="):
        return f'"{version_range.removeprefix("==")}"'
    admitted = parse_range(version_range)
    bounds = [_three(c.lstrip("<>=")) for c in version_range.split(",")]
    candidates = [
        *bounds,
        *(_raised(b, i) for b in bounds for i in range(3)),
        (1, 0, 0),
        (0, 1, 0),
        (0, 0, 1),
        (0, 0, 0),
    ]
    texts = [".".join(map(str, c)) for c in candidates]
    return f'"{next((t for t in texts if admitted.contains(t)), texts[0])}"'


def _three(text: str) -> tuple[int, ...]:
    numbers = [int(n) for n in text.split("-", maxsplit=1)[0].split("+", maxsplit=1)[0].split(".")]
    return tuple([*numbers, 0, 0][:3])


def _raised(version: tuple[int, ...], index: int) -> tuple[int, ...]:
    return (*version[:index], version[index] + 1, 0, 0)[:3]


def _operations(names: tuple[str, ...]) -> tuple[str, ...]:
    """What the catalog lists; an intent that takes any operation needs one to take."""
    return ("name_it",) if names == (ANY,) else names


_PLAIN = re.compile(r"[a-z][_:-]*[a-z][a-z0-9._:-]*")
_READ_DIFFERENTLY = frozenset({"no", "on", "yes", "off", "null", "true", "false"})


def word(text: str) -> str:
    """A word of the intent in YAML: quoted where it could be read as something else."""
    plain = _PLAIN.fullmatch(text) and text not in _READ_DIFFERENTLY and not text.endswith(":")
    return text if plain else f'"{text}"'


def _first(names: tuple[str, ...], fallback: str) -> str:
    return names[0] if names[0] != ANY else fallback
