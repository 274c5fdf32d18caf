"""Any OPA's bundle, read in memory: for looking at it and verifying its signature, never for deciding.

Looser than :mod:`bspec_opa.bundle.archive`, which takes only what we write, and as careful: nothing is extracted, no
links, devices or sparse files, no name that leads elsewhere or stands there twice, and bounded (attacks A64, A65).
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from bspec_opa.bundle.layout import PATCH
from bspec_opa.bundle.reasons import ARCHIVE_SIZE
from bspec_opa.bundle.signing.reasons import DELTA, FOREIGN_ARCHIVE
from bspec_opa.foundation.errors import TrustError
from bspec_opa.foundation.limits import MAX_BUNDLE_FILES

if TYPE_CHECKING:
    import tarfile
    from collections.abc import Iterable

_NAME = re.compile(r"[A-Za-z0-9._@+=,%~ -]+(?:/[A-Za-z0-9._@+=,%~ -]+)*\Z")
_HARMLESS = frozenset(("mtime", "atime", "ctime"))
_MESSAGE = "a delta bundle patches data; only whole bundles are taken"


def read_any(tar: bytes) -> dict[str, bytes]:
    """The files of an uncompressed bundle, named as OPA names them: without a leading slash.

    Raises:
        TrustError: something in it that no bundle needs, or a delta bundle.
    """
    import tarfile

    files: dict[str, bytes] = {}
    stream = io.BytesIO(tar)
    try:
        # "r:" reads no compression; with errors of the format raised instead of ending the list.
        with tarfile.open(fileobj=stream, mode="r:", errorlevel=2, ignore_zeros=False) as archive:
            for member in archive:
                if not member.isdir():
                    name = _name(member, files)
                    files[name] = _content(archive, member)
            end = archive.offset
    except (tarfile.TarError, ValueError, EOFError, OverflowError) as e:
        raise FOREIGN_ARCHIVE.error("not a tar file, or damaged") from e
    if any(tar[end:]):
        raise FOREIGN_ARCHIVE.error("bytes after its end")
    require_whole(files)
    return files


def _name(member: tarfile.TarInfo, files: dict[str, bytes]) -> str:
    name = member.name.removeprefix("/").removeprefix("./")
    if member.type not in {b"0", b"\0"} or member.issparse() or member.pax_headers.keys() - _HARMLESS:
        raise FOREIGN_ARCHIVE.error(f"{name[:80]!r} is a link, a device, sparse or has an extension")
    if not _NAME.match(name) or not {".", ".."}.isdisjoint(name.split("/")):
        raise FOREIGN_ARCHIVE.error(f"{name[:80]!r} is no name for a file in a bundle")
    if name in files:
        raise FOREIGN_ARCHIVE.error(f"{name[:80]} is there twice")
    if len(files) == MAX_BUNDLE_FILES:
        raise ARCHIVE_SIZE.error(f"holds more than {MAX_BUNDLE_FILES} files")
    return name


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    reader = archive.extractfile(member)
    data = reader.read() if reader else b""
    if len(data) != member.size:
        raise FOREIGN_ARCHIVE.error(f"{member.name[:80]} is cut off")
    return data


def require_whole(names: Iterable[str]) -> None:
    """Refuse delta bundles: OPA applies their patches unsigned, and keeps the revision of what they patch.

    Raises:
        TrustError: there is a patch.
    """
    if any(n.rpartition("/")[2] == PATCH for n in names):
        raise DELTA.error(_MESSAGE)


def refuse_delta(tar: bytes) -> None:
    """Say that an archive which isn't ours is a delta bundle, if it is one; anything else is for the caller to say.

    Raises:
        TrustError: it is a delta bundle.
    """
    try:
        read_any(tar)
    except TrustError as e:
        if e.code == DELTA.code:
            raise
