"""The index: which rules a bundle has and which of them must answer for an environment."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, cast

from bspec_opa.bundle.contract.definitions import ACTIONS
from bspec_opa.bundle.reasons import ENVIRONMENT
from bspec_opa.bundle.selection import chosen_rules, known_selectors, selectors_for, selects
from bspec_opa.foundation.closed_checker import checker
from bspec_opa.foundation.closed_schema import (
    DIGEST,
    array,
    boolean,
    enum,
    integer,
    obj,
    string,
)
from bspec_opa.foundation.suggest import did_you_mean

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.foundation.digest import Digest

LIBRARY_OWNER = "bspec-opa"
"""Who owns the rules of the shipped library."""
OWNER_PATTERN = "^[A-Za-z0-9][A-Za-z0-9:._@/+-]{0,199}$"
GLOBAL, PROMOTION = "global", "promotion"
EVERYWHERE = "all"
CHECK = "check"


@dataclass(frozen=True, slots=True)
class RuleEntry:
    """One rule, from its METADATA and its code.

    Attributes:
        id: the package path after ``data.bspec.rules``, such as ``global.tools.no_admin``.
        owner: whose rule it is: ``bspec-opa``, or the team whose pack brought it. A label, not a right.
        kind: ``global`` or ``promotion``.
        group: the collection folder of a global rule; ``all`` or the environment of a promotion rule.
        pending: the one kind of need that may make its denials pending, or empty.
        actions: what it runs for: every action for a global rule; promote, rollback or both for a promotion rule.
        effective_unix: its denials are warnings before this moment; 0 for always in force.
        digest: sha256 of the rule's source file; a waiver names it.
    """

    id: str
    owner: str
    kind: str
    group: str
    title: str
    description: str
    code: str
    severity: str
    remediation: str
    controls: tuple[str, ...]
    collections: tuple[str, ...]
    waivable: bool
    pending: str
    actions: tuple[str, ...]
    effective_unix: int
    digest: Digest
    has_deny: bool
    has_warn: bool

    @property
    def path(self) -> str:
        """The rule's source file inside a bundle."""
        return f"bspec/rules/{self.id.replace('.', '/')}/{self.id.rpartition('.')[2]}.rego"

    @property
    def frameworks(self) -> tuple[str, ...]:
        """The frameworks that the rule has a control of, sorted: ``SOC2`` for ``SOC2:CC8.1``."""
        return tuple(sorted({c.partition(":")[0] for c in self.controls if ":" in c}))

    def facts(self) -> JsonObject:
        """What the gate's library is told about the rule."""
        return {
            "id": self.id,
            "severity": self.severity,
            "waivable": self.waivable,
            "pending": self.pending,
            "actions": list(self.actions),
            "effective_unix": self.effective_unix,
            "selectors": list(selectors_for(self)),
        }

    def selected_by(self, selector: str) -> bool:
        """Whether a selector of an organisation's data names this rule."""
        return selects(selector, self)

    def to_json(self) -> JsonObject:
        """The entry as a bundle's index holds it."""
        found: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in found.items()}


_LINE = string(maximum=1000)
ENTRY = obj(
    id=string(pattern="^(global|promotion)(\\.[a-z0-9][a-z0-9_-]*){2}$", maximum=200),
    owner=string(pattern=OWNER_PATTERN, maximum=200),
    kind=enum(GLOBAL, PROMOTION),
    group=_LINE,
    title=_LINE,
    description=_LINE,
    code=_LINE,
    severity=_LINE,
    remediation=_LINE,
    controls=array(_LINE),
    collections=array(_LINE),
    waivable=boolean(),
    pending=_LINE,
    actions=array(enum(*ACTIONS), minimum=1),
    effective_unix=integer(),
    digest=DIGEST,
    has_deny=boolean(),
    has_warn=boolean(),
)
_wrong = checker(array(ENTRY))


@dataclass(frozen=True, slots=True)
class Index:
    """All rules of a bundle, sorted by id."""

    rules: tuple[RuleEntry, ...]

    def owners(self) -> dict[str, int]:
        """Who owns how many rules, sorted by name."""
        return dict(sorted(Counter(r.owner for r in self.rules).items()))

    def of_kind(self, kind: str, group: str = "") -> tuple[RuleEntry, ...]:
        """The rules of a kind and, if given, of one group."""
        return tuple(r for r in self.rules if r.kind == kind and group in {"", r.group})

    def rule(self, rule_id: str) -> RuleEntry | None:
        """The rule of that id, if there is one."""
        return next((r for r in self.rules if r.id == rule_id), None)

    @property
    def environments(self) -> tuple[str, ...]:
        """Environments with promotion rules of their own, sorted."""
        return tuple(sorted({r.group for r in self.of_kind(PROMOTION)} - {EVERYWHERE}))

    def selectors(self) -> set[str]:
        """Everything that a selector may be."""
        return known_selectors(self.rules)

    def to_json(self) -> list[JsonValue]:
        """The rules as a bundle's index holds them."""
        return [r.to_json() for r in self.rules]


def index_from_json(value: JsonValue) -> Index:
    """The index from a bundle.

    Raises:
        ValueError: another form, unsorted, or twice the same id.
    """
    bad = _wrong(value)
    if bad:
        raise ValueError(f"{bad[0].pointer} {bad[0].message}")
    rules = tuple(_entry(cast("dict[str, Any]", v)) for v in cast("list[JsonValue]", value))
    ids = [r.id for r in rules]
    if ids != sorted(set(ids)):
        raise ValueError("rules are there twice, or out of order")
    if any(r.id.split(".")[:2] != [r.kind, r.group] for r in rules):
        raise ValueError("a rule's kind or group is not its id's")
    return Index(rules)


def _entry(value: dict[str, Any]) -> RuleEntry:
    members: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in value.items()}
    return RuleEntry(**members)


def expected_rules(
    index: Index, organisation: JsonObject, environment: str, action: str, tier: str
) -> tuple[frozenset[str], frozenset[str]]:
    """The ids of the global and of the promotion rules that must answer, exactly these.

    Args:
        index: the bundle's rules.
        organisation: the bundle's ``data.bspec.org``.
        environment: where to; not looked at for the action ``check``, which asks no promotion rule.
        action: ``promote``, ``rollback`` or ``check``.
        tier: the risk tier that is judged by, see :func:`bspec_opa.bundle.selection.judged_tier`.

    Raises:
        InvalidInputError: the organisation does not know the environment, a selector names nothing, no rule is left
            (attack A41), or what guards the tier was dropped. The gate leaves its decision undefined in the same
            cases.
    """
    if action != CHECK:
        _require_environment(organisation, environment)
    chosen = chosen_rules(index, organisation, tier)
    groups = {EVERYWHERE, environment} if action != CHECK else set()
    return (
        frozenset(r.id for r in chosen if r.kind == GLOBAL),
        frozenset(r.id for r in chosen if r.kind == PROMOTION and r.group in groups and action in r.actions),
    )


def environment_ids(organisation: JsonObject) -> list[str]:
    """The environments that an organisation's data knows."""
    return [str(e["id"]) for e in cast("list[JsonObject]", organisation["environments"])]


def _require_environment(organisation: JsonObject, environment: str) -> None:
    known = environment_ids(organisation)
    if environment == EVERYWHERE or environment not in known:
        message = f'the organisation\'s data does not know the environment "{environment}"'
        raise ENVIRONMENT.error(message, hint=did_you_mean(environment, known))
