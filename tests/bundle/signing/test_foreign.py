"""Archives of other programs: read in memory, and refused where they hold what no bundle needs."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from bspec_opa.bundle.read import read_bundle
from bspec_opa.bundle.signing.foreign import read_any
from bspec_opa.foundation.errors import TrustError
from bspec_opa.foundation.limits import MAX_BUNDLE_FILES

if TYPE_CHECKING:
    from collections.abc import Callable

REGO = b"package p\n"


def member(name: str, kind: bytes = tarfile.REGTYPE, data: bytes = REGO, **more: Any) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, len(data) if kind == tarfile.REGTYPE else 0
    for attribute, value in more.items():
        setattr(info, attribute, value)
    return info, data


def tar(*given: tuple[tarfile.TarInfo, bytes], form: int = tarfile.USTAR_FORMAT) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=form) as archive:
        for info, data in given:
            archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def code(data: bytes) -> str:
    with pytest.raises(TrustError) as error:
        read_any(data)
    return error.value.code


def test_what_tar_programs_write() -> None:
    """Leading slashes as OPA writes them, dots, folders, owners, times; GNU and PAX."""
    given = [
        member("/a.rego"),
        member("./b/c.rego", uname="me", mtime=5),
        member("b", tarfile.DIRTYPE),
        member("d e.rego", data=b""),
    ]
    for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        assert read_any(tar(*given, form=form)) == {"a.rego": REGO, "b/c.rego": REGO, "d e.rego": b""}
    timed = member("a.rego", pax_headers={"mtime": "1.5", "atime": "1.5"})
    assert read_any(tar(timed, form=tarfile.PAX_FORMAT)) == {"a.rego": REGO}
    long = "x/" * 60 + "a.rego"
    assert read_any(tar(member(long), form=tarfile.GNU_FORMAT)) == {long: REGO}


REFUSED: dict[str, tuple[tarfile.TarInfo, bytes]] = {
    "a symbolic link": member("a.rego", tarfile.SYMTYPE, linkname="/etc/passwd"),
    "a hard link": member("b.rego", tarfile.LNKTYPE, linkname="a.rego"),
    "a device": member("a.rego", tarfile.CHRTYPE),
    "a pipe": member("a.rego", tarfile.FIFOTYPE),
    "a contiguous file": member("a.rego", tarfile.CONTTYPE),
    "a sparse file": member("a.rego", tarfile.GNUTYPE_SPARSE),
    "..": member("../a.rego"),
    ".. inside": member("a/../../b.rego"),
    ". inside": member("a/./b.rego"),
    "two slashes": member("a//b.rego"),
    "two leading slashes": member("//a.rego"),
    "a backslash": member("a\\b.rego"),
    "a line break": member("a\n.rego"),
    "no name": member("./"),
    "a letter of another alphabet": member("\u0430.rego"),
}


@pytest.mark.attack("A64")
@pytest.mark.parametrize("name", REFUSED)
def test_what_no_bundle_needs(name: str) -> None:
    good = tar(member("good.rego"))
    assert read_any(good) == {"good.rego": REGO}
    assert code(tar(member("good.rego"), REFUSED[name], form=tarfile.GNU_FORMAT)) == "bundle.foreign-archive"


@pytest.mark.attack("A64")
@pytest.mark.parametrize(
    "spoil",
    [
        lambda: tar(member("a.rego"), member("/a.rego")),
        lambda: tar(member("a.rego"), member("a.rego")),
        lambda: tar(member("a.rego", pax_headers={"path": "../b.rego"}), form=tarfile.PAX_FORMAT),
        lambda: tar(member("a.rego", pax_headers={"GNU.sparse.name": "b"}), form=tarfile.PAX_FORMAT),
        lambda: tar(member("a.rego")) + b"x",
        lambda: tar(member("a.rego")) + tar(member("b.rego")),
        lambda: tar(member("a.rego"))[:700],
        lambda: tar(member("a.rego", data=bytes(4000)))[:1500],
        lambda: b"",
        lambda: b"no tar" * 200,
        lambda: bytes(100),
    ],
)
def test_odd_archives(spoil: Callable[[], bytes]) -> None:
    assert code(spoil()) == "bundle.foreign-archive"


@pytest.mark.attack("A65")
def test_too_many_files() -> None:
    data = tar(*(member(f"f{n}", data=b"") for n in range(MAX_BUNDLE_FILES + 1)))
    assert code(data) == "bundle.archive-too-large"


@pytest.mark.parametrize("name", ["patch.json", "/patch.json", "a/patch.json"])
def test_delta_bundles(name: str) -> None:
    """Wherever the patch is: OPA looks at the last part of the name."""
    assert code(tar(member(name, data=b'{"data": []}'), member("/.manifest", data=b"{}"))) == "bundle.delta"


def test_an_odd_archive_that_is_no_delta_is_told_as_before() -> None:
    from bspec_opa.bundle.archive import compress

    with pytest.raises(TrustError) as error:
        read_bundle(compress(tar(member("/a.rego"))), "x")
    assert error.value.code == "bundle.bad-archive"
