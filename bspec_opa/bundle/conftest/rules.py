"""Which rules conftest would ask, and which it would only seem to ask.

conftest asks ``deny``, ``violation``, ``warn`` and the same with ``_name`` for sets of messages. Whatever else such a
name stands for, it takes for a pass; whatever is named a little differently, it never asks.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from bspec_opa.bundle.conftest.reasons import NEVER_ASKED, NO_NAMESPACE, NO_POLICIES, RULE_FORM
from bspec_opa.bundle.rego.syntax import rule_name, walk
from bspec_opa.foundation.errors import error_of
from bspec_opa.foundation.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bspec_opa.bundle.rego.syntax import Module, Node
    from bspec_opa.foundation.errors import Problem

# As in conftest's policy/engine.go.
_ASKED = re.compile(r"(?:deny|violation|warn)(?:_[a-zA-Z0-9]+)*\Z")
_PREFIXES = ("violation_", "deny_", "warn_")
EXCEPTION = "exception"
_WORDS = ("deny", "violation", "warn", EXCEPTION)
_NEAR = 0.75
_SINGLE = frozenset({"boolean", "string", "number", "null", "object"})
_HINT = "write: deny contains msg if {...}"


@dataclass(frozen=True, slots=True, order=True)
class ForeignRule:
    """A rule that is asked: its package path without ``data``, and its name."""

    package: tuple[str, ...]
    name: str

    @property
    def namespace(self) -> str:
        """The package as conftest writes it."""
        return ".".join(self.package)

    @property
    def id(self) -> str:
        """How reports call it."""
        return f"conftest.{self.namespace}.{self.name}"

    @property
    def denies(self) -> bool:
        """Whether its messages deny; else they warn."""
        return not self.name.startswith("warn")

    @property
    def exception(self) -> str:
        """What an exception has to say to lift it; empty for the bare names, as in conftest."""
        name = "" if self.name in {"deny", "violation", "warn"} else self.name
        for prefix in _PREFIXES:
            name = name.removeprefix(prefix)
        return name


def asked_rules(modules: Sequence[Module], namespaces: Sequence[str]) -> tuple[ForeignRule, ...]:
    """The rules to ask, sorted.

    Args:
        modules: all parsed files.
        namespaces: which packages; ``*`` stands for any characters. None means all.

    Raises:
        InvalidInputError: none at all, none in a namespace, or some that only look as if they were asked.
    """
    meant = [m for m in modules if is_meant(m, namespaces)]
    found = tuple(sorted({r for m in meant for r in _asked_in(m)}))
    _require_each(namespaces, found, modules)
    problems = [*_misformed(meant), *_overlooked(meant, modules)]
    if problems:
        raise error_of(problems)
    if not found:
        raise NO_POLICIES.error(
            "no deny, warn or violation rule is here: nothing would be asked",
            hint=did_you_mean("deny", {rule_name(r) for m in modules for r in m.rules}),
        )
    return found


def is_meant(module: Module, namespaces: Sequence[str]) -> bool:
    """Whether a file's package is one of those that were asked for."""
    return not namespaces or any(fnmatchcase(".".join(module.package), n) for n in namespaces)


def has_rules(module: Module) -> bool:
    """Whether a file defines something that conftest would ask."""
    return any(_asked_in(module))


def _asked_in(module: Module) -> Iterator[ForeignRule]:
    for rule in module.rules:
        if _ASKED.match(rule_name(rule)):
            yield ForeignRule(module.package, rule_name(rule))


def _require_each(namespaces: Iterable[str], found: Iterable[ForeignRule], modules: Sequence[Module]) -> None:
    with_rules = {r.namespace for r in found}
    for namespace in namespaces:
        if not any(fnmatchcase(n, namespace) for n in with_rules):
            known = {r.namespace for m in modules for r in _asked_in(m)}
            message = f'namespace "{namespace}" has no deny, warn or violation rule'
            raise NO_NAMESPACE.error(message, hint=did_you_mean(namespace, known))


def _misformed(modules: Iterable[Module]) -> Iterator[Problem]:
    """Rules under a name that is asked, which conftest would take for a pass whatever they find."""
    for module in modules:
        for rule in module.rules:
            name = rule_name(rule)
            wrong = _wrong_form(rule["head"]) if _ASKED.match(name) or name == EXCEPTION else ""
            if wrong:
                yield RULE_FORM.problem(f"{name} {wrong}, not a set of messages", hint=_HINT, at=module.at(rule))


def _wrong_form(head: Node) -> str:
    if "args" in head:
        return "is a function"
    if len(head.get("ref", [0])) > 1:
        return "is an object or has parts"
    if "key" in head:
        return ""
    kind = str(head.get("value", {}).get("type", "boolean"))
    return f"is a single {kind}" if kind in _SINGLE else ""


def _overlooked(meant: Iterable[Module], modules: Iterable[Module]) -> Iterator[Problem]:
    """Rules that nothing asks and nothing uses, named as if somebody thought that they were asked."""
    used = {name for m in modules if not _is_test(m) for rule in m.rules for name in _names_in(rule)}
    for module in meant:
        if _is_test(module):
            continue
        for rule in module.rules:
            name = rule_name(rule)
            if not _ASKED.match(name) and name != EXCEPTION and name not in used and _is_near(name):
                message = f"nothing asks for {name}, and nothing uses it"
                yield NEVER_ASKED.problem(message, hint=did_you_mean(name, _WORDS), at=module.at(rule))


def _is_test(module: Module) -> bool:
    return module.name.endswith("_test.rego") or module.package[-1].endswith("_test")


def _names_in(rule: Node) -> Iterator[str]:
    """Every variable, and every constant part of a reference, that a rule uses; not the name that it defines."""
    head = rule["head"]
    parts = [head.get(k) for k in ("key", "value", "args")] + [rule.get("body"), rule.get("else")]
    for node in walk(parts):
        if node.get("type") in {"var", "string"} and isinstance(node.get("value"), str):
            yield node["value"]


def _is_near(name: str) -> bool:
    if name.startswith("test_"):
        return False
    lower = name.lower()
    first = lower.partition("_")[0]
    return lower.startswith(_WORDS) or bool(difflib.get_close_matches(first, _WORDS, n=1, cutoff=_NEAR))
