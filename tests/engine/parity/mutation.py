"""Changes to a request: some keep it well-formed by the input schema, some spoil it. All choices come from ``random``."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bspec_opa.bundle.contract.definitions import input_schema
from bspec_opa.foundation.limits import INTEGER_LIMIT, UNLIMITED

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

SCHEMA: dict[str, Any] = input_schema()
ODD_TEXTS = (
    "",
    " ",
    "\0",
    "a\0b",
    "\x7f\x85",
    "\u2028line\u2029",
    "\u202eright to left",
    "e\u0301",
    "\u00e9",
    "\U0001f525",
    "\U00010000\U00020000",
    "\U0010ffff",
    "\uffff",
    '"\\/',
    "{x} ${x} %v",
    "x" * 3_000,
)
LONE_SURROGATES = ("\ud800", "\udc00x", "\udfff\ud800")
BOUNDARIES = (0, 1, 2, 10_000, 10_001, 2**31 - 1, 2**31, 2**32, 2**53, UNLIMITED - 1, UNLIMITED)
WRONG_NUMBERS = (-1, -UNLIMITED, INTEGER_LIMIT, 2**63, 2**64 + 1, 10**40, 0.0, 1.0, 0.5, 1e300, -0.0)
DEPTHS = (5, 60, 70, 120, 140, 400)


@dataclass(slots=True)
class Node:
    """A place in a request, with what the schema says of it and the name of the member that it is or is an item of."""

    holder: Any
    key: Any
    schema: dict[str, Any]
    name: str

    @property
    def value(self) -> Any:
        return self.holder[self.key]

    @value.setter
    def value(self, value: Any) -> None:
        self.holder[self.key] = value


@dataclass
class Words:
    """Strings and numbers that rules are likely to compare: those of requests and of the organisation's data."""

    texts: dict[str, list[str]] = field(default_factory=dict)
    numbers: set[int] = field(default_factory=set)

    def learn(self, value: Any, name: str = "") -> None:
        if isinstance(value, dict):
            for key, item in value.items():
                self.learn(item, key)
        elif isinstance(value, list):
            for item in value:
                self.learn(item, name)
        elif isinstance(value, str) and value not in self.texts.setdefault(name, []):
            self.texts[name].append(value)
        elif isinstance(value, int) and not isinstance(value, bool):
            self.numbers.add(value)

    def text(self, name: str, random: Random) -> str:
        """Mostly one that stood in the same member elsewhere."""
        known = self.texts.get(name) or [name]
        every = [t for texts in self.texts.values() for t in texts]
        odd = ODD_TEXTS if random.randrange(50) else LONE_SURROGATES
        pool = random.choice([known, known, known, every, odd])
        return random.choice(list(pool))

    def number(self, low: int, high: int, random: Random) -> int:
        near = sorted({n + d for n in self.numbers for d in (-1, 0, 1)} | set(BOUNDARIES) | {low, high})
        return random.choice([n for n in near if low <= n <= high])


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        found: dict[str, Any] = SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")]
        return found
    return schema


def generated(schema: dict[str, Any], name: str, words: Words, random: Random) -> Any:
    """A value that fits a schema."""
    schema = resolved(schema)
    if "enum" in schema:
        return random.choice(schema["enum"])
    kind = schema["type"]
    if kind == "object":
        return {k: generated(v, k, words, random) for k, v in schema["properties"].items()}
    if kind == "array":
        most = min(2, schema.get("maxItems", 2))
        return [generated(schema["items"], name, words, random) for _ in range(random.randint(0, most))]
    if kind == "integer":
        return words.number(schema["minimum"], schema["maximum"], random)
    return random.random() < 0.5 if kind == "boolean" else words.text(name, random)


def weight(schema: dict[str, Any]) -> int:
    """How many places of a schema lie here and below."""
    schema = resolved(schema)
    if id(schema) not in _WEIGHTS:
        inside = [schema["items"]] if "items" in schema else list(schema.get("properties", {}).values())
        _WEIGHTS[id(schema)] = 1 + sum(weight(s) for s in inside)
    return _WEIGHTS[id(schema)]


_WEIGHTS: dict[int, int] = {}


def place(request: dict[str, Any], random: Random) -> Node:
    """A place below the top, each of the schema's as likely as another: long lists don't crowd out what occurs once."""
    node = Node({"": request}, "", SCHEMA, "")
    while True:
        inside = _inside(node)
        weights = [weight(n.schema) for n in inside]
        if not inside or (node.name and random.randrange(1 + sum(weights)) == 0):
            return node
        (node,) = random.choices(inside, weights)
        if isinstance(node.holder, list):
            node.key = random.randrange(len(node.holder))


def _inside(node: Node) -> list[Node]:
    """The members of an object; of a list one item, since all have the same schema."""
    value, schema = node.value, node.schema
    if isinstance(value, dict) and schema["type"] == "object":
        known = schema["properties"]
        return [Node(value, k, resolved(known[k]), k) for k in value if k in known]
    if isinstance(value, list) and value and schema["type"] == "array":
        return [Node(value, 0, resolved(schema["items"]), node.name)]
    return []


def change(request: dict[str, Any], words: Words, random: Random) -> None:
    """One change that keeps a well-formed request well-formed."""
    node = place(request, random)
    if node.schema["type"] == "array" and random.randrange(3):
        _change_list(node, words, random)
    elif node.schema["type"] == "boolean":
        node.value = not node.value
    else:
        node.value = generated(node.schema, node.name, words, random)


def _change_list(node: Node, words: Words, random: Random) -> None:
    items: list[Any] = node.value
    full = len(items) >= node.schema.get("maxItems", 20)
    if items and (full or random.randrange(2)):
        index = random.randrange(len(items))
        if full or random.randrange(3):
            del items[index]
        else:
            items.append(copy.deepcopy(items[index]))
    else:
        items.append(generated(node.schema["items"], node.name, words, random))


def spoil(request: dict[str, Any], words: Words, random: Random) -> None:
    """One change that mostly breaks the schema; the input check says whether it did."""
    random.choice(SPOILERS)(place(request, random), words, random)


def _remove(node: Node, _: Words, random: Random) -> None:
    del node.holder[node.key]


def _rename(node: Node, words: Words, random: Random) -> None:
    if isinstance(node.holder, dict):
        node.holder[str(node.key) + random.choice(["", "s", "_", "\0", " "])] = node.holder.pop(node.key)
    else:
        node.value = [node.value]


def _another_type(node: Node, _: Words, random: Random) -> None:
    old = node.value
    others: list[Any] = [None, True, False, 0, 1, "", "true", "1", [], {}, [[]], [None], {"a": 1}, [old], {"x": old}]
    node.value = random.choice([o for o in others if type(o) is not type(old)])


def _extra(node: Node, words: Words, random: Random) -> None:
    inside = node.value if isinstance(node.value, dict) else node.holder
    if isinstance(inside, dict):
        inside[random.choice(["extra", "", "__proto__", "Nonce", "\U0001f525", "\ud800"])] = random.choice(
            [None, 1, {}]
        )
    else:
        inside.append(random.choice([None, 1, {}, [], words.text("", random)]))


def _number(node: Node, _: Words, random: Random) -> None:
    node.value = random.choice(WRONG_NUMBERS)


def _text(node: Node, _: Words, random: Random) -> None:
    node.value = random.choice([*ODD_TEXTS, *LONE_SURROGATES])


def _deep(node: Node, _: Words, random: Random) -> None:
    value: Any = node.value
    as_list = random.randrange(2)
    for _level in range(random.choice(DEPTHS)):
        value = [value] if as_list else {"a": value}
    node.value = value


def _swap(node: Node, _: Words, random: Random) -> None:
    """The value of another member of the same object."""
    if isinstance(node.holder, dict):
        node.value = copy.deepcopy(node.holder[random.choice(sorted(node.holder))])


def _case(node: Node, _: Words, random: Random) -> None:
    if isinstance(node.value, str):
        node.value = random.choice([node.value.upper(), node.value + " ", node.value[:-1], node.value + "\n"])


SPOILERS: tuple[Callable[[Node, Words, Random], None], ...] = (
    _remove,
    _rename,
    _another_type,
    _extra,
    _number,
    _text,
    _deep,
    _swap,
    _case,
)
