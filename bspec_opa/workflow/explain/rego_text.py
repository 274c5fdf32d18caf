"""What can be read from a rule's source without running it: its blocks, what they say, and what they refer to. Pure.

Enough to show an author the right lines where no OPA is there. What decides is never read this way.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_HEAD = re.compile(r"^(deny|warn) contains\b", re.MULTILINE)
# A text that never ends is read to its end all the same: looking for the next beginning in it would take square time.
# A text without an end is taken whole: to look for the next beginning inside it would take time by its square.
_TOKEN = re.compile(r"#[^\n]*|`[^`]*`?|\"(?:\\.|[^\"\\\n])*\"?|[\[\](){}\n]|\bif\b")
_DEPTH = {"{": 1, "[": 1, "(": 1, "}": -1, "]": -1, ")": -1}
_MESSAGE = re.compile(r"\"msg\":\s*\$?\"((?:\\.|[^\"\\])*)\"")
_FILLED = re.compile(r"\{[^{}]*\}")
_REFERENCE = re.compile(r"\b(?:input|data\.bspec\.org)(?:\.[A-Za-z_]\w*)+")
_IMPORT = re.compile(r"^import data\.([\w.]+)", re.MULTILINE)
_PACKAGE = re.compile(r"^package ([\w.]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """One ``deny contains …`` or ``warn contains …`` of a rule's file.

    Attributes:
        kind: deny or warn.
        start: its first line, from 1.
        lines: its source.
        body: line and column at which the conditions begin; beyond the block if it has none.
    """

    kind: str
    start: int
    lines: tuple[str, ...]
    body: tuple[int, int]

    def says(self, message: str) -> bool:
        """Whether its ``msg`` can come out as this message."""
        found = _MESSAGE.search("\n".join(self.lines))
        if found is None:
            return False
        pieces = (re.escape(_unescaped(p)) for p in _FILLED.split(found[1]))
        return re.fullmatch(".*".join(pieces), message, re.DOTALL) is not None


def _unescaped(piece: str) -> str:
    try:
        return str(json.loads(f'"{piece}"'))
    except ValueError:
        return piece


def blocks_of(source: str) -> tuple[Block, ...]:
    """The blocks of a rule's file, in their order."""
    return tuple(_block(source, m) for m in _HEAD.finditer(source))


def _block(source: str, head: re.Match[str]) -> Block:
    depth, body, end = 0, None, len(source)
    for token in _TOKEN.finditer(source, head.end()):
        text = token[0]
        depth += _DEPTH.get(text, 0)
        if text == "if" and depth == 0 and body is None:
            body = token.end()
        if text == "\n" and depth == 0 and source[token.end() : token.end() + 1] not in {" ", "\t"}:
            end = token.start()
            break
    lines = source[head.start() : end].rstrip().split("\n")
    start = _place(source, head.start())[0]
    return Block(head[1], start, tuple(lines), _place(source, body) if body else (start + len(lines), 1))


def _place(source: str, offset: int) -> tuple[int, int]:
    """Line and column, from 1."""
    return source.count("\n", 0, offset) + 1, offset - source.rfind("\n", 0, offset)


def blocks_saying(blocks: Iterable[Block], message: str) -> tuple[Block, ...]:
    """The blocks whose message it can be; all of them where none can be told apart."""
    every = tuple(blocks)
    return tuple(b for b in every if b.says(message)) or every


def references_of(name: str, files: Mapping[str, bytes]) -> tuple[str, ...]:
    """What a rule's file, and the library that it imports, read: ``input.…`` and ``data.bspec.org.…``, sorted.

    A reference that only leads to another one is left out.
    """
    packages = _packages(files)
    found: set[str] = set()
    waiting, seen = [name], set()
    while waiting:
        file = waiting.pop()
        if file in seen or file not in files:
            continue
        seen.add(file)
        text = _without_comments(files[file].decode("utf-8", "replace"))
        found.update(_REFERENCE.findall(text))
        # An import names a package, or one of its rules.
        imported = ((i, i.rpartition(".")[0]) for i in _IMPORT.findall(text))
        waiting += [packages[p] for several in imported for p in several if p in packages]
    return tuple(sorted(r for r in found if not any(o.startswith(f"{r}.") for o in found)))


def _packages(files: Mapping[str, bytes]) -> dict[str, str]:
    """Package to file; each package of a bundle is one file."""
    sources = ((n, d.decode("utf-8", "replace")) for n, d in files.items() if n.endswith(".rego"))
    return {m[1]: n for n, text in sources if (m := _PACKAGE.search(text)) is not None}


def _without_comments(text: str) -> str:
    return "\n".join(line for line in text.split("\n") if not line.lstrip().startswith("#"))
