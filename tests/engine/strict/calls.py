"""Calls of builtins, made from their declarations: well-typed and ill-typed arguments, nested ones, odd texts and numbers.

JSON has no sets, so an argument says what it is: ``{"v": value}``, ``{"set": [...]}`` or ``{"sets": [[...]]}``, a set of
sets. Only the outermost value can be a set.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from random import Random

Argument = dict[str, Any]
TEXTS = (
    "", " ", "a", "A", "ab", "aB", "abc", "b", "a,b,c", ",", "/", "a/b/c", ".", "a.b.c", "*.b.c", "a*", "[a-c]+", "(", "a|b",
    "0", "1", "-1", "1.5", "1e3", "0x1f", "01", "+1", "NaN", "Infinity", "10", "1_000", " 1", "9007199254740993",
    "ä", "Ä", "ß", "İ", "ǆ", "Σς", "é", "e\u0301", "中文", "\U0001f600", "\U0001f468\u200d\U0001f469", "\u00a0x\u2003", "\ufeff",
    "\t\n\r", "\0", "a\0b", "\x7f", "\u2028", "\ufffe", "true", "null", "{}", "[1, 2]", '{"a": 1, "a": 2}', '{"a": [}', '"x"',
    "10.0.0.0/8", "10.1.2.3", "10.0.0.0/33", "::1", "fe80::/10", "300.1.1.1/8", "YQ==", "YQ", "YW-_", "YW+/", "====", "w6Q=",
    "a" * 300,
)  # fmt: skip
INTEGERS = (
    0, 1, -1, 2, 3, 7, 8, 10, 16, 31, 32, 63, 64, 255, -128, 1000, 65_536, 2**31 - 1, 2**31, -(2**31), 2**32, 10**9, 10**15 - 1,
    -(10**15) + 1, 999_999_999_999_998,
)  # fmt: skip
BEYOND = (
    10**15, 2**53, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**64, 10**18, 10**19, 10**30, -(10**30), 0.5, -0.5, 1.5,
    0.1, 2.5, 1e100, 1e-7, 3.0, 123_456.789, -2.25,
)  # fmt: skip
SMALL = (0, 1, -1, 2, 3, 5, 8, 10, 16, 20, 31)
"""For functions whose answer is as large as the number says."""
GROWS = frozenset({"numbers.range", "bits.lsh", "format_int", "array.slice", "substring"})
KEYS = ("", "a", "b", "c", "a/b", "~", "ä", "0", "1")
JSON_PATHS = ("a", "a/b", "/a", "b/0", "", "a/0/c", "c")
_JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][-+]?[0-9]+)?")
_LIKE_A_NUMBER = re.compile(r"[-+]?([0-9.]|inf|nan)", re.IGNORECASE)
BEYOND_SHARE = 0.15
ILL_TYPED_SHARE = 0.2
ODD_ITEM_SHARE = 0.06
DEPTH = 3


@dataclass(frozen=True)
class Call:
    """A builtin with arguments.

    Attributes:
        builtin: its name.
        arguments: see the module.
        well_typed: whether each argument is what the declaration says.
        in_range: whether every number is an integer below 10^15, as in a request.
    """

    builtin: str
    arguments: tuple[Argument, ...]
    well_typed: bool
    in_range: bool

    @property
    def key(self) -> str:
        """What makes it another call."""
        return json.dumps([self.builtin, self.arguments])


@dataclass(frozen=True)
class Maker:
    """Makes calls; all choices come from ``random``."""

    random: Random
    declarations: Mapping[str, Sequence[Any]]

    def call(self, builtin: str) -> Call:
        """A call of a builtin."""
        beyond = self.random.random() < BEYOND_SHARE
        small = builtin in GROWS
        source = Values(self.random, beyond=beyond, small=small)
        types = self.declarations[builtin]
        arguments = []
        for kind in types:
            wanted = {"type": "any"} if self.random.random() < ILL_TYPED_SHARE else kind
            arguments.append(source.argument(wanted))
        well = all(fits(kind, a) for kind, a in zip(types, arguments, strict=True))
        return Call(builtin, tuple(arguments), well, all(_in_range(a) for a in arguments))


@dataclass(frozen=True)
class Values:
    """Values of a type."""

    random: Random
    beyond: bool
    small: bool

    def argument(self, kind: Any) -> Argument:
        """An argument of a type as OPA declares it, or of any."""
        name = kind["type"]
        if name == "any" and "of" in kind:
            return self.argument(self.random.choice(kind["of"]))
        if name == "any":
            return self.random.choice((self._plain, self._plain, self._plain, self._set, self._sets))()
        if name == "set" and kind.get("of", {}).get("type") == "set":
            return self._sets()
        if name == "set":
            return {"set": self._several(kind.get("of", {"type": "any"}), 1)}
        return {"v": self.value(kind, 0)}

    def value(self, kind: Any, depth: int) -> Any:
        """A value of a type; now and then a part of it is of another."""
        if depth and self.random.random() < ODD_ITEM_SHARE:
            kind = {"type": "any"}
        name = kind["type"]
        if name == "any":
            return self.value(self._some(kind, depth), depth)
        if name == "array":
            return [self.value(k, depth + 1) for k in kind.get("static", ())] + (
                self._several(kind["dynamic"], depth + 1) if "dynamic" in kind else []
            )
        if name == "set":  # inside of something else: a list takes its place
            return self._several(kind.get("of", {"type": "any"}), depth + 1)
        if name == "object":
            return self._object(kind, depth)
        return self._scalar(name)

    def _some(self, kind: Any, depth: int) -> Any:
        if "of" in kind:
            return self.random.choice(kind["of"])
        names = ["null", "boolean", "number", "string", "string"] + ["array", "object"] * (depth < DEPTH)
        name = self.random.choice(names)
        dynamic = {"key": {"type": "string"}, "value": {"type": "any"}} if name == "object" else {"type": "any"}
        return {"type": name, "dynamic": dynamic}

    def _object(self, kind: Any, depth: int) -> dict[str, Any]:
        found = {s["key"]: self.value(s["value"], depth + 1) for s in kind.get("static", ())}
        if "dynamic" in kind and depth < DEPTH + 1:
            for _ in range(self.random.randrange(4)):
                found[self.random.choice(KEYS)] = self.value(kind["dynamic"]["value"], depth + 1)
        return found

    def _several(self, kind: Any, depth: int) -> list[Any]:
        return [self.value(kind, depth) for _ in range(self.random.choice((0, 1, 1, 2, 3, 5)))]

    def _plain(self) -> Argument:
        return {"v": self.value({"type": "any"}, 0)}

    def _set(self) -> Argument:
        return {"set": self._several({"type": "any"}, 2)}

    def _sets(self) -> Argument:
        return {"sets": [self._several({"type": "any"}, 2) for _ in range(self.random.randrange(4))]}

    def _scalar(self, name: str) -> Any:
        if name == "null":
            return None
        if name == "boolean":
            return self.random.random() < 0.5
        if name == "number":
            return self._number()
        if self.random.random() < 0.1:
            return self.random.choice(JSON_PATHS)
        text = self.random.choice(TEXTS)
        return text + self.random.choice(TEXTS) if self.random.random() < 0.2 else text

    def _number(self) -> int | float:
        if self.small:
            return self.random.choice(SMALL)
        return self.random.choice(BEYOND if self.beyond and self.random.random() < 0.6 else INTEGERS)


def is_askable(call: Call) -> bool:
    """Whether OPA can be asked in a batch: two kinds of calls end its whole run.

    A list or object in a template is an internal error; and of a text such as "+1" or "NaN" it makes a number that it
    then refuses to print.
    """
    value = call.arguments[0].get("v", call.arguments[0].get("set"))
    if call.builtin == "internal.template_string":
        return not isinstance(value, list) or not any(isinstance(p, list | dict) for p in value)
    if call.builtin == "to_number" and isinstance(value, str):
        return bool(_JSON_NUMBER.fullmatch(value)) or not _LIKE_A_NUMBER.match(value)
    return True


def fits(kind: Any, argument: Argument) -> bool:
    """Whether an argument is of a declared type."""
    name = kind["type"]
    if name == "any":
        return "of" not in kind or any(fits(k, argument) for k in kind["of"])
    if "v" in argument:
        return _is(kind, argument["v"])
    if name != "set":
        return False
    of = kind.get("of", {"type": "any"})
    members = [{"v": m} for m in argument["set"]] if "set" in argument else [{"set": m} for m in argument["sets"]]
    return all(fits(of, m) for m in members)


def _is(kind: Any, value: Any) -> bool:
    name = kind["type"]
    if name == "any":
        return "of" not in kind or any(_is(k, value) for k in kind["of"])
    if name == "array":
        static = kind.get("static", ())
        rest = value[len(static) :] if isinstance(value, list) else []
        return (
            isinstance(value, list)
            and len(value) >= len(static)
            and all(_is(k, v) for k, v in zip(static, value, strict=False))
            and (not rest or ("dynamic" in kind and all(_is(kind["dynamic"], v) for v in rest)))
        )
    if name == "object":
        return (
            isinstance(value, dict)
            and all(s["key"] in value and _is(s["value"], value[s["key"]]) for s in kind.get("static", ()))
            and ("dynamic" not in kind or all(_is(kind["dynamic"]["value"], v) for v in value.values()))
        )
    if name == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    return {"string": str, "boolean": bool, "null": type(None)}.get(name, set) is type(value)


def _in_range(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(_in_range, value.values()))
    if isinstance(value, list):
        return all(map(_in_range, value))
    return not isinstance(value, float) and (not isinstance(value, int) or abs(value) < 10**15)
