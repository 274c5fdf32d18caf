from __future__ import annotations

import gzip
import io
import tarfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bspec_opa.bundle import archive
from bspec_opa.bundle.archive import compress, decompress, read_tar, write_tar
from bspec_opa.foundation.errors import TrustError
from bspec_opa.foundation.limits import MAX_BUNDLE_BYTES, MAX_BUNDLE_FILES

LONG = (
    "bspec/rules/promotion/production/"
    + "a_rule_with_a_long_name_" * 2
    + "/"
    + "a_rule_with_a_long_name_" * 2
    + ".rego"
)
FILES = {".manifest": b"{}", "bspec/org/data.json": b"x" * 512, LONG: b"package x", "policy.wasm": b""}
names = st.from_regex(r"(?:[a-z0-9][a-z0-9_-]{0,8}/){0,5}[a-z0-9][a-z0-9_-]{0,8}\.[a-z]{1,4}", fullmatch=True)


def foreign(*members: tarfile.TarInfo, **options: object) -> bytes:
    """An archive by the library, with whatever header it writes."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", **options) as tar:  # type: ignore[call-overload]
        for member in members:
            tar.addfile(member, io.BytesIO(b"a" * member.size))
    return out.getvalue()


def member(name: str, **changes: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    for key, value in changes.items():
        setattr(info, key, value)
    return info


def test_what_is_written_is_read() -> None:
    assert len(LONG) > 100
    assert read_tar(decompress(compress(write_tar(FILES)))) == FILES


@given(st.dictionaries(names, st.binary(max_size=1100), max_size=6))
def test_round_trip(files: dict[str, bytes]) -> None:
    tar = write_tar(files)
    assert read_tar(tar) == files
    assert write_tar(dict(reversed(files.items()))) == tar


def test_the_library_reads_the_same() -> None:
    with tarfile.open(fileobj=io.BytesIO(compress(write_tar(FILES))), mode="r:gz") as tar:
        found = {m.name: tar.extractfile(m).read() for m in tar.getmembers()}  # type: ignore[union-attr]
        assert {(m.mode, m.mtime, m.uid, m.gid, m.uname, m.gname) for m in tar.getmembers()} == {
            (0o644, 0, 0, 0, "", "")
        }
    assert found == FILES


@given(st.binary(max_size=200_000))
def test_the_container_is_gzip(data: bytes) -> None:
    assert gzip.decompress(compress(data) if data else gzip.compress(b"")) == data
    if data:
        assert decompress(compress(data)) == data


def test_the_container_has_no_time_and_no_compression() -> None:
    assert compress(b"abc") == (
        b"\x1f\x8b\x08\0\0\0\0\0\0\xff\x01\x03\0\xfc\xffabc" + zlib.crc32(b"abc").to_bytes(4, "little") + b"\x03\0\0\0"
    )


def test_a_recompressed_archive_is_the_same_archive() -> None:
    tar = write_tar(FILES)
    assert decompress(gzip.compress(tar)) == tar


@pytest.mark.attack("A64")
@pytest.mark.parametrize(
    "tar",
    [
        pytest.param(foreign(member("../x.rego")), id="dot dot"),
        pytest.param(foreign(member("bspec/../x.rego")), id="dot dot inside"),
        pytest.param(foreign(member("/etc/x.rego")), id="absolute"),
        pytest.param(foreign(member("./x.rego")), id="dot"),
        pytest.param(foreign(member("bspec//x.rego")), id="empty part"),
        pytest.param(foreign(member("x.rego/")), id="trailing slash"),
        pytest.param(foreign(member("x.rego", type=tarfile.SYMTYPE, linkname="/etc/passwd")), id="symbolic link"),
        pytest.param(foreign(member("x.rego", type=tarfile.LNKTYPE, linkname="policy.wasm")), id="hard link"),
        pytest.param(foreign(member("x.rego", type=tarfile.CHRTYPE, devmajor=1, devminor=3)), id="device"),
        pytest.param(foreign(member("x.rego", type=tarfile.FIFOTYPE)), id="fifo"),
        pytest.param(foreign(member("x.rego", type=tarfile.DIRTYPE)), id="directory"),
        pytest.param(foreign(member("x.rego", type=tarfile.AREGTYPE)), id="old regular file"),
        pytest.param(foreign(member("x.rego", mode=0o4755)), id="setuid"),
        pytest.param(foreign(member("x.rego", mtime=1)), id="time"),
        pytest.param(foreign(member("x.rego", uname="root")), id="owner"),
        pytest.param(foreign(member("x.rego", pax_headers={"path": "../y"}), format=tarfile.PAX_FORMAT), id="PAX path"),
        pytest.param(foreign(member("x" * 300 + ".rego"), format=tarfile.GNU_FORMAT), id="GNU long name"),
        pytest.param(foreign(member("X.rego")), id="capital"),
        pytest.param(foreign(member("x")), id="no suffix"),
        pytest.param(foreign(member("x.rego")), id="padded to a record"),
        pytest.param(write_tar({"p.rego": b""})[:-1024] + write_tar({"p.rego": b"other"}), id="twice"),
        pytest.param(write_tar({"b.rego": b""})[:-1024] + write_tar({"a.rego": b""}), id="out of order"),
        pytest.param(write_tar(FILES) + b"x", id="bytes behind"),
        pytest.param(write_tar(FILES) + write_tar(FILES), id="an archive behind"),
        pytest.param(write_tar({"a.rego": b"a"}).replace(b"a" + bytes(511), b"a" + bytes(510) + b"b"), id="bytes between"),
        pytest.param(write_tar(FILES)[:-600], id="cut in its end"),
        pytest.param(write_tar(FILES)[:-1030], id="cut"),
        pytest.param(write_tar(FILES)[:700], id="cut in a file"),
        pytest.param(write_tar(FILES)[:100], id="cut in a header"),
        pytest.param(b"", id="nothing"),
        pytest.param(write_tar({"a.rego": b"a"}).replace(b"00000000001\0", b"-0000000001\0"), id="negative size"),
        pytest.param(write_tar({"a.rego": b"a"}).replace(b"00000000001\0", b"\x80" + bytes(11)), id="binary size"),
        pytest.param(write_tar({"a.rego": b"a"}).replace(b"0000644\0", b"0000645\0", 1), id="checksum"),
    ],
)  # fmt: skip
def test_other_archives_are_refused(tar: bytes) -> None:
    with pytest.raises(TrustError) as error:
        read_tar(tar)
    assert error.value.code == "bundle.bad-archive"


@pytest.mark.attack("A64")
def test_fields_that_we_would_fill_otherwise_are_refused() -> None:
    header = bytearray(write_tar({LONG: b""})[:512])
    header[:100] = b"y" * 95 + b".rego"
    header[345:500] = b"x" * 155
    with pytest.raises(TrustError) as error:
        read_tar(bytes(header) + bytes(1024))
    assert error.value.code == "bundle.bad-archive"
    header[345:500] = b"x" * 120 + b"/y" + bytes(33)
    header[:100] = b"y" * 2 + b".rego" + bytes(93)
    with pytest.raises(TrustError):
        read_tar(bytes(header) + bytes(1024))


@given(st.data())
def test_no_other_byte_string_reads_as_the_same_files(data: st.DataObject) -> None:
    tar = bytearray(write_tar(FILES))
    at = data.draw(st.integers(0, len(tar) - 1))
    tar[at] ^= 1 << data.draw(st.integers(0, 7))
    try:
        found = read_tar(bytes(tar))
    except TrustError:
        return
    assert found != FILES


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04",
        compress(b"abc")[:-1],
        compress(b"abc") + b"x",
        compress(b"abc") + compress(b"abc"),
        compress(b"abc")[:-8] + bytes(8),
    ],
)
def test_other_containers_are_refused(data: bytes) -> None:
    with pytest.raises(TrustError) as error:
        decompress(data)
    assert error.value.code == "bundle.bad-archive"


@pytest.mark.attack("A65")
def test_a_bomb_is_capped() -> None:
    bomb = gzip.compress(bytes(MAX_BUNDLE_BYTES + 1), mtime=0)
    assert len(bomb) < 100_000
    with pytest.raises(TrustError) as error:
        decompress(bomb)
    assert error.value.code == "bundle.archive-too-large"


@pytest.mark.attack("A65")
def test_the_number_of_files_is_capped() -> None:
    files = {f"f{n:06}.rego": b"" for n in range(MAX_BUNDLE_FILES + 1)}
    with pytest.raises(TrustError) as error:
        read_tar(write_tar(files))
    assert error.value.code == "bundle.archive-too-large"
    files.popitem()
    assert len(read_tar(write_tar(files))) == MAX_BUNDLE_FILES


@pytest.mark.parametrize(
    "name", ["", "x", "../x.rego", "a" * 300 + ".rego", "X.rego", "a" * 98 + "/" + "b" * 200 + ".rego"]
)
def test_a_name_that_can_not_be_written(name: str) -> None:
    with pytest.raises(ValueError, match=r"no name|too long"):
        archive.write_tar({name: b""})
