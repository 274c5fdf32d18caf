"""Reads what conftest's rules say, and takes nothing for a pass that is not one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bspec_opa.bundle.conftest.reasons import BAD_RESULT
from bspec_opa.foundation.errors import error_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bspec_opa.bundle.conftest.rules import ForeignRule
    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.foundation.errors import Problem

_NOT_DETAILS = frozenset({"msg", "path"})


@dataclass(frozen=True, slots=True)
class Message:
    """What one item of a set says.

    Attributes:
        text: never empty.
        path: a JSON Pointer into the intent, where the item has one.
        details: the item's other members.
    """

    text: str
    path: str = ""
    details: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ForeignAnswer:
    """What a rule says of one input, and whether an exception lifts that."""

    rule: ForeignRule
    messages: tuple[Message, ...]
    lifted: bool


def read_answer(rules: Sequence[ForeignRule], answer: JsonObject) -> tuple[ForeignAnswer, ...]:
    """The answers of all rules.

    Args:
        rules: what was asked.
        answer: as the generated query gives it: for each rule a list of none or one value.

    Raises:
        EngineError: a rule gives something that conftest would drop without a word.
    """
    problems: list[Problem] = []
    found: list[ForeignAnswer] = []
    given = _members(answer["rules"])
    exceptions = _members(answer["exceptions"])
    for rule in rules:
        messages: list[Message] = []
        for item in _items(rule, given[rule.id], problems):
            message = _message(item)
            if message is None:
                problems.append(BAD_RESULT.problem(f"{_path(rule)} gives {_shown(item)}", hint=BAD_RESULT.remedy))
            else:
                messages.append(message)
        lifted = rule.exception in _named(exceptions.get(rule.namespace, []))
        found.append(ForeignAnswer(rule, tuple(messages), lifted))
    if problems:
        raise error_of(problems)
    return tuple(found)


def _path(rule: ForeignRule) -> str:
    return f"data.{rule.namespace}.{rule.name}"


def _items(rule: ForeignRule, values: JsonValue, problems: list[Problem]) -> Iterator[JsonValue]:
    """The members of the set that a rule stands for; nothing where it is undefined."""
    for value in values if isinstance(values, list) else []:
        if isinstance(value, list):
            yield from value
        else:
            message = f"{_path(rule)} is {_shown(value)}, not a set of messages"
            problems.append(BAD_RESULT.problem(message, hint=BAD_RESULT.remedy))


def _message(item: JsonValue) -> Message | None:
    if isinstance(item, str):
        return Message(item) if item else None
    if not isinstance(item, dict):
        return None
    text, path = item.get("msg"), item.get("path")
    if not isinstance(text, str) or not text:
        return None
    details = {k: v for k, v in item.items() if k not in _NOT_DETAILS}
    if isinstance(path, str) and path.startswith("/"):
        return Message(text, path, details)
    return Message(text, details=details if path is None else {**details, "path": path})


def _named(values: JsonValue) -> set[str]:
    """What exceptions name: ``data.<namespace>.exception[_][_]``."""
    found: set[str] = set()
    for value in values if isinstance(values, list) else []:
        for inner in _values(value):
            found.update(name for name in _values(inner) if isinstance(name, str))
    return found


def _values(value: JsonValue) -> list[JsonValue]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _members(value: JsonValue) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _shown(value: JsonValue) -> str:
    if value == "":
        return "an empty message"
    if isinstance(value, dict):
        return 'an object without a "msg" that says something' if "msg" in value else 'an object without "msg"'
    kinds = {bool: "a boolean", str: "a string", list: "a list", int: "a number", float: "a number"}
    return kinds.get(type(value), "null")
