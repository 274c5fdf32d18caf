"""Where a rule stands: its id, folder and package, from what somebody wrote."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bspec_opa.authoring.reasons import PLACE
from bspec_opa.bundle.index import EVERYWHERE, GLOBAL, PROMOTION
from bspec_opa.bundle.layout import RULES
from bspec_opa.foundation.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection

MAX_NAME = 60
_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
_ENVIRONMENT = re.compile(r"[a-z0-9][a-z0-9_-]*\Z")
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*\Z")
_KEYWORDS = frozenset(
    [
        "as",
        "contains",
        "data",
        "default",
        "else",
        "every",
        "false",
        "if",
        "import",
        "in",
        "input",
        "not",
        "null",
        "package",
        "some",
        "true",
        "with",
    ]
)
_PARTS = 3
_HINT = "write global/<collection>/<rule> or promotion/<all or environment>/<rule>"


def collection_of(file: str) -> str:
    """What a rule's file shares one prefix of codes with: ``global/tools``; all promotion rules are one collection."""
    kind, _, rest = file.removeprefix(RULES).partition("/")
    return f"{kind}/{rest.partition('/')[0]}" if kind == GLOBAL else kind


@dataclass(frozen=True, slots=True)
class Place:
    """A rule's place.

    Attributes:
        kind: ``global`` or ``promotion``.
        group: the collection, or ``all`` or an environment.
        name: the rule's own name.
    """

    kind: str
    group: str
    name: str

    @property
    def id(self) -> str:
        """The rule's id, as decisions and selectors name it."""
        return f"{self.kind}.{self.group}.{self.name}"

    @property
    def folder(self) -> str:
        """The rule's folder below the policies folder."""
        return f"bspec/rules/{self.kind}/{self.group}/{self.name}"

    @property
    def rule(self) -> str:
        """The rule's file."""
        return f"{self.folder}/{self.name}.rego"

    @property
    def test(self) -> str:
        """The file of its tests."""
        return f"{self.folder}/{self.name}_test.rego"

    @property
    def package(self) -> str:
        """The package, as Rego writes it: an environment like ``pre-prod`` needs brackets."""
        group = f".{self.group}" if _PLAIN.match(self.group) else f'["{self.group}"]'
        return f"bspec.rules.{self.kind}{group}.{self.name}"

    @property
    def collection(self) -> str:
        """The collection that a rule is in to begin with."""
        return self.group if self.kind == GLOBAL else PROMOTION

    @property
    def words(self) -> str:
        """The rule's name as words, for titles."""
        return self.name.replace("_", " ").capitalize()


def place_of(text: str, environments: Collection[str]) -> Place:
    """The place that somebody named, as a path or as an id.

    Args:
        text: ``global/tools/no_shell`` or ``global.tools.no_shell``.
        environments: those that the organisation's data knows.

    Raises:
        UsageError: another form, a name that Rego or the layout does not take, or an environment that nobody knows.
    """
    parts = re.split(r"[/.]", text.strip("/"))
    if len(parts) != _PARTS:
        raise PLACE.error(f"{text[:80]!r} is no place for a rule", hint=_HINT)
    kind, group, name = parts
    if kind not in {GLOBAL, PROMOTION}:
        hint = f"{did_you_mean(kind, (GLOBAL, PROMOTION))}; {_HINT}"
        raise PLACE.error(f"{kind[:80]!r} is no kind of rule", hint=hint)
    if kind == PROMOTION:
        _require_environment(group, environments)
    else:
        _require_name("collection", group)
    _require_name("rule", name)
    return Place(kind, group, name)


def _require_environment(name: str, known: Collection[str]) -> None:
    words = [EVERYWHERE, *known]
    if name not in words or not _ENVIRONMENT.match(name):
        hint = did_you_mean(name, words)
        raise PLACE.error(f"the organisation's data knows no environment {name[:80]!r}", hint=hint)


def _require_name(what: str, name: str) -> None:
    if not _NAME.match(name) or len(name) > MAX_NAME:
        hint = f"lower-case letters, digits and underscores, a letter first, at most {MAX_NAME}"
        raise PLACE.error(f"{name[:80]!r} is no name for a {what}", hint=hint)
    if name in _KEYWORDS:
        raise PLACE.error(f"{name!r} is a word of Rego", hint=f"give the {what} another name")
    if what == "rule" and name.endswith("_test"):
        raise PLACE.error(f"{name!r} would be a test", hint="name the rule; its test is written beside it")
