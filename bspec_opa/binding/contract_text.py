"""What a tool's contract says to the model and not to a reviewer: characters that nobody sees, and orders. Pure, total.

A model reads every description and schema that a server offers, so a text there can steer it ("tool poisoning", OWASP
MCP03). The marks below are the known ways; a contract without them is not proven harmless, so policies only warn.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from bspec_opa.foundation.document.text import IGNORABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bspec_opa.binding.importers.interface import Contract
    from bspec_opa.foundation.canonical import JsonObject, JsonValue

HIDDEN_CHARACTER = "hidden-character"
INSTRUCTION = "instruction"

_CONTROLS = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
_EMOJI_STYLE = "[\ufe0e\ufe0f]"  # ordinary behind a symbol; a second one behind it carries data
_ORDERS = (
    r"(?:ignore|disregard|forget|override) (?:all |any )?(?:of )?(?:the |your )?(?:previous|prior|above|earlier|other)",
    r"(?:do not|don't|never) (?:tell|inform|notify|alert|mention|reveal|show) [^.]{0,40}\buser",
    r"without (?:telling|informing|notifying|alerting|asking) (?:the )?user",
    r"before (?:using|calling|invoking|running) (?:this|any|other|another) (?:other )?tools?\b",
    r"<[ /]{0,2}(?:important|system|secret|hidden|instructions?)[ /]{0,2}>",
    r"\bsystem prompt\b",
    r"(?:~|\$home)/\.(?:ssh|aws|cursor|gnupg|config|netrc|kube)\b",
    r"\bid_(?:rsa|ed25519)\b",
)


@lru_cache(maxsize=1)
def _hidden() -> re.Pattern[str]:
    plain = IGNORABLE.replace(r"\ufe00-\ufe0f", r"\ufe00-\ufe0d")
    return re.compile(f"[{_CONTROLS}{plain}]|(?<![^{IGNORABLE}]){_EMOJI_STYLE}")


@lru_cache(maxsize=1)
def _orders() -> re.Pattern[str]:
    return re.compile("|".join(_ORDERS))


def suspicions(contract: Contract) -> list[JsonObject]:
    """``{operation, what}`` for every operation whose description or schemas hold something suspicious, sorted."""
    tools = cast("list[JsonObject]", contract.document["tools"])
    found = {(str(tool["name"]), what) for tool in tools for text in _texts(tool) for what in _marks(text)}
    return [{"operation": operation, "what": what} for operation, what in sorted(found)]


def _marks(text: str) -> Iterator[str]:
    if not text.isascii() or not text.isprintable():
        if _hidden().search(text):
            yield HIDDEN_CHARACTER
        text = unicodedata.normalize("NFKC", text)
    if _orders().search(" ".join(text.casefold().split())):
        yield INSTRUCTION


def _texts(value: JsonValue) -> Iterator[str]:
    """Every string of a document, keys too; no recursion, whatever its depth."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, list):
            waiting += item
        elif isinstance(item, dict):
            yield from item
            waiting += item.values()
