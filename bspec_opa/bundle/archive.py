"""Archives: written deterministically, read in memory and only in the form that we write.

A member's header must be, byte for byte, the header that :func:`write_tar` makes for its name and size. So links,
devices, PAX and GNU extensions, owners, times and modes need no rule of their own (attack A64): none of them can be
expressed. Nothing is ever extracted.
"""

from __future__ import annotations

import re
import struct
import zlib
from typing import TYPE_CHECKING

from bspec_opa.bundle.reasons import ARCHIVE, ARCHIVE_SIZE
from bspec_opa.foundation.limits import MAX_BUNDLE_BYTES, MAX_BUNDLE_FILES

if TYPE_CHECKING:
    from collections.abc import Mapping

_BLOCK = 512
_END = bytes(2 * _BLOCK)
_NAME = re.compile(r"(?:(?:[a-z0-9][a-z0-9_-]*/)*(?:\.manifest|[a-z0-9][a-z0-9_-]*\.[a-z]+)|\.signatures\.json)\Z")
_NAME_BYTES, _PREFIX_BYTES = 100, 155
_SIZE = re.compile(rb"[0-7]{11}\0\Z")
_STORED = 65_535
_GZIP = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
_GZIP_WINDOW = 31


def write_tar(files: Mapping[str, bytes]) -> bytes:
    """A POSIX ustar archive, names in order, without times, owners and record padding.

    Raises:
        ValueError: a name can't be written; names come from checked sources.
    """
    parts: list[bytes] = []
    for name in sorted(files):
        data = files[name]
        parts += [_header(name, len(data)), data, bytes(-len(data) % _BLOCK)]
    return b"".join([*parts, _END])


def _header(name: str, size: int) -> bytes:
    if not _NAME.match(name):
        raise ValueError(f"{name!r} is no name for a member")
    prefix, short = _split(name)
    fields = (short, b"0000644\0", b"0000000\0", b"0000000\0", b"%011o\0" % size, b"00000000000\0", b" " * 8, b"0")
    head = struct.pack("100s8s8s8s12s12s8s1s100s6s2s32s32s8s8s155s12x", *fields, b"", b"ustar\0", b"00", b"", b"",
                       b"0000000\0", b"0000000\0", prefix)  # fmt: skip
    return head[:148] + b"%06o\0 " % sum(head) + head[156:]


def _split(name: str) -> tuple[bytes, bytes]:
    """Prefix and name fields: everything in the name if it fits, else the longest prefix that is needed."""
    encoded = name.encode("ascii")
    if len(encoded) <= _NAME_BYTES:
        return b"", encoded
    at = encoded.find(b"/", len(encoded) - _NAME_BYTES - 1)
    if not 0 < at <= _PREFIX_BYTES:
        raise ValueError(f"{name!r} is too long for an archive")
    return encoded[:at], encoded[at + 1 :]


def compress(tar: bytes) -> bytes:
    """A gzip container of stored blocks, the same bytes with every Python and every zlib."""
    blocks: list[bytes] = []
    for start in range(0, len(tar), _STORED):
        part = tar[start : start + _STORED]
        last = start + _STORED >= len(tar)
        blocks += [struct.pack("<BHH", last, len(part), len(part) ^ 0xFFFF), part]
    return b"".join([_GZIP, *blocks, struct.pack("<II", zlib.crc32(tar), len(tar) & 0xFFFFFFFF)])


def decompress(data: bytes) -> bytes:
    """What a gzip container holds, at most the limit for bundles (attack A65).

    Raises:
        TrustError: no gzip, cut off, followed by more bytes, or too much inside.
    """
    stream = zlib.decompressobj(_GZIP_WINDOW)
    try:
        found = stream.decompress(data, MAX_BUNDLE_BYTES + 1)
    except zlib.error as e:
        raise ARCHIVE.error("not a gzip file, or damaged") from e
    if len(found) > MAX_BUNDLE_BYTES:
        raise ARCHIVE_SIZE.error(f"unpacks to more than {MAX_BUNDLE_BYTES} bytes")
    if not stream.eof or stream.unused_data:
        raise ARCHIVE.error("cut off, or followed by other bytes")
    return found


def read_tar(tar: bytes) -> dict[str, bytes]:
    """The members of an archive that :func:`write_tar` could have written.

    Raises:
        TrustError: anything else.
    """
    files: dict[str, bytes] = {}
    at, before = 0, ""
    while tar[at : at + 2 * _BLOCK] != _END:
        name, size = _member(tar[at : at + _BLOCK])
        start, end = at + _BLOCK, at + _BLOCK + size
        at = end + -size % _BLOCK
        if at > len(tar) or any(tar[end:at]):
            raise ARCHIVE.error("cut off, or bytes between its files")
        if name <= before:
            raise ARCHIVE.error(f"{name} is there twice, or out of order")
        if len(files) == MAX_BUNDLE_FILES:
            raise ARCHIVE_SIZE.error(f"holds more than {MAX_BUNDLE_FILES} files")
        files[name], before = tar[start:end], name
    if len(tar) != at + 2 * _BLOCK:
        raise ARCHIVE.error("bytes after its end")
    return files


def _member(header: bytes) -> tuple[str, int]:
    """Name and size of a member, if its header is ours."""
    if len(header) < _BLOCK or not _SIZE.match(header[124:136]):
        raise ARCHIVE.error("cut off, or not a tar file")
    prefix, name = header[345:500].rstrip(b"\0"), header[:100].rstrip(b"\0")
    text = (prefix + b"/" + name if prefix else name).decode("latin-1")
    size = int(header[124:135], 8)
    if not _NAME.match(text):
        raise ARCHIVE.error(f"{text[:80]!r} is no name for a file in a bundle")
    if header != _header(text, size):
        raise ARCHIVE.error(f"{text[:80]} is a link, a device, or has an owner, a time or an extension")
    return text, size
