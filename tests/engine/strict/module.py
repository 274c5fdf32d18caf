"""WebAssembly's binary format, as far as one pass needs it: sections, numbers, and where calls are in a function.

https://webassembly.github.io/spec/core/binary/
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAGIC = b"\0asm\1\0\0\0"
CUSTOM, TYPE, IMPORT, FUNCTION, CODE = 0, 1, 2, 3, 10
END, IF, CALL, LOCAL_GET, LOCAL_TEE, UNREACHABLE, I32_EQZ = 0x0B, 0x04, 0x10, 0x20, 0x22, 0x00, 0x45
I32, EMPTY = 0x7F, 0x40
_FUNCTION_KIND, _TABLE_KIND, _MEMORY_KIND, _GLOBAL_KIND = range(4)
_NAMES_OF_FUNCTIONS = 1


class UnknownFormatError(Exception):
    """Something that this reader doesn't know: nothing is guessed."""


class Reader:
    """Takes one thing after the other."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data = data
        self.at = at

    @property
    def more(self) -> bool:
        """Whether anything is left."""
        return self.at < len(self.data)

    def take(self, count: int) -> bytes:
        """So many bytes."""
        found = self.data[self.at : self.at + count]
        if len(found) != count:
            raise UnknownFormatError("the module ends early")
        self.at += count
        return found

    def byte(self) -> int:
        """One byte."""
        return self.take(1)[0]

    def number(self) -> int:
        """An unsigned LEB128 number; a signed one is passed over by it as well."""
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def text(self) -> str:
        """A name."""
        return self.take(self.number()).decode()


def leb(value: int) -> bytes:
    """An unsigned number as LEB128."""
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*found, value))


def sized(data: bytes) -> bytes:
    """Bytes behind their length."""
    return leb(len(data)) + data


def vector(parts: Sequence[bytes]) -> bytes:
    """Parts behind their number."""
    return leb(len(parts)) + b"".join(parts)


@dataclass(frozen=True)
class Section:
    """A section: its number and its bytes."""

    id: int
    data: bytes


def sections_of(wasm: bytes) -> list[Section]:
    """The sections, in order."""
    reader = Reader(wasm)
    if reader.take(len(MAGIC)) != MAGIC:
        raise UnknownFormatError("no WebAssembly module")
    found = []
    while reader.more:
        number = reader.byte()
        found.append(Section(number, reader.take(reader.number())))
    return found


def module_of(sections: Sequence[Section]) -> bytes:
    """The module again."""
    return MAGIC + b"".join(bytes([s.id]) + sized(s.data) for s in sections)


def parameters(types: bytes) -> list[int]:
    """How many parameters each type has; all of them and the one result are addresses, or it is -1."""
    reader, found = Reader(types), []
    for _ in range(reader.number()):
        if reader.byte() != 0x60:
            raise UnknownFormatError("a type that is no function's")
        taken, given = reader.take(reader.number()), reader.take(reader.number())
        found.append(len(taken) if given == bytes([I32]) and set(taken) <= {I32} else -1)
    return found


def imported_functions(imports: bytes) -> int:
    """How many functions are imported: they have the first numbers."""
    reader, count = Reader(imports), 0
    for _ in range(reader.number()):
        reader.text(), reader.text()
        kind = reader.byte()
        if kind == _FUNCTION_KIND:
            reader.number()
            count += 1
        elif kind == _MEMORY_KIND:
            _pass_limits(reader)
        elif kind == _TABLE_KIND:
            reader.byte()
            _pass_limits(reader)
        else:
            raise UnknownFormatError(f"an import of kind {kind}")
    return count


def _pass_limits(reader: Reader) -> None:
    for _ in range(2 if reader.byte() else 1):
        reader.number()


def numbers_in(data: bytes) -> list[int]:
    """A vector of numbers."""
    reader = Reader(data)
    return [reader.number() for _ in range(reader.number())]


def bodies_in(data: bytes) -> list[bytes]:
    """A vector of functions' bodies."""
    reader = Reader(data)
    return [reader.take(reader.number()) for _ in range(reader.number())]


def function_names(sections: Sequence[Section]) -> dict[int, str]:
    """Functions by number, from the section of names."""
    for section in sections:
        reader = Reader(section.data)
        if section.id != CUSTOM or reader.text() != "name":
            continue
        while reader.more:
            kind, part = reader.byte(), Reader(reader.take(reader.number()))
            if kind == _NAMES_OF_FUNCTIONS:
                return {part.number(): part.text() for _ in range(part.number())}
    raise UnknownFormatError("the functions have no names")


def calls_in(body: bytes) -> Iterator[tuple[int, int, int]]:
    """Each call in a body: where its operand begins and ends, and the function's number."""
    reader = Reader(body)
    for _ in range(reader.number()):
        reader.number(), reader.byte()
    while reader.more:
        operation = reader.byte()
        if operation == CALL:
            start = reader.at
            number = reader.number()
            yield start, reader.at, number
        else:
            _pass_operands(reader, operation)


def _pass_operands(reader: Reader, operation: int) -> None:
    if operation in {0x00, 0x01, 0x05, 0x0B, 0x0F, 0x1A, 0x1B} or 0x45 <= operation <= 0xC4:
        return
    if operation in {0x02, 0x03, 0x04, 0x0C, 0x0D, 0x3F, 0x40, 0x41, 0x42} or 0x20 <= operation <= 0x24:
        reader.number()
    elif operation == 0x11 or 0x28 <= operation <= 0x3E:
        reader.number(), reader.number()
    elif operation in {0x43, 0x44}:
        reader.take(4 if operation == 0x43 else 8)
    elif operation == 0x0E:
        for _ in range(reader.number() + 1):
            reader.number()
    else:
        raise UnknownFormatError(f"instruction {operation:#x}")
