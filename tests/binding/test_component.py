from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bspec_opa.binding.component import ComponentLimits, digest_component
from bspec_opa.foundation.digest import digest_json, digest_of
from bspec_opa.foundation.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Callable


def write(root: Path, **files: str) -> None:
    """Files by name; ``__`` stands for a directory's slash."""
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def refused(root: Path, path: str, limits: ComponentLimits | None = None) -> tuple[str, str]:
    with pytest.raises(InvalidInputError) as caught:
        digest_component(root, path, limits or ComponentLimits())
    return caught.value.code, str(caught.value)


def test_a_file_is_digested_by_its_bytes(tmp_path: Path) -> None:
    write(tmp_path, prompts__system="You explain invoices.")
    assert digest_component(tmp_path, "prompts/system") == digest_of(b"You explain invoices.")


def test_an_empty_file_is_a_file(tmp_path: Path) -> None:
    write(tmp_path, empty="")
    assert digest_component(tmp_path, "empty") == digest_of(b"")


def test_a_directory_is_digested_by_its_sorted_paths_and_contents(tmp_path: Path) -> None:
    write(tmp_path, s__b="2", s__a__z="1", s__a_="3", s__a__y__x="4")
    (tmp_path / "s" / "nothing").mkdir()
    assert digest_component(tmp_path, "s") == digest_json(
        [["a/y/x", digest_of(b"4")], ["a/z", digest_of(b"1")], ["a_", digest_of(b"3")], ["b", digest_of(b"2")]]
    )


def test_hidden_files_count(tmp_path: Path) -> None:
    write(tmp_path, s__a="1")
    before = digest_component(tmp_path, "s")
    (tmp_path / "s" / ".hidden").write_text("2")
    assert digest_component(tmp_path, "s") != before


def _content(root: Path) -> None:
    write(root, s__a="2")


def _name(root: Path) -> None:
    (root / "s" / "a").rename(root / "s" / "c")


def _more(root: Path) -> None:
    write(root, s__c="")


def _less(root: Path) -> None:
    (root / "s" / "a").unlink()


def _deeper(root: Path) -> None:
    (root / "s" / "b").unlink()
    write(root, s__b__b="2")


@pytest.mark.parametrize("change", [_content, _name, _more, _less, _deeper])
def test_every_change_changes_the_digest(tmp_path: Path, change: Callable[[Path], None]) -> None:
    write(tmp_path, s__a="1", s__b="2")
    before = digest_component(tmp_path, "s")
    change(tmp_path)
    assert digest_component(tmp_path, "s") != before


def test_what_is_missing_is_refused(tmp_path: Path) -> None:
    write(tmp_path, file="1")
    assert refused(tmp_path, "none") == (
        "component.unreadable",
        f"{tmp_path}/none: none: can't be read: No such file or directory; name a regular file or a directory of such",
    )
    assert refused(tmp_path, "none/file")[0] == "component.unreadable"
    assert refused(tmp_path / "none", "file")[0] == "component.unreadable"
    assert refused(tmp_path, "file/inside")[0] == "component.unreadable"
    assert refused(tmp_path, "a\0b")[0] == "component.unreadable"


@pytest.mark.attack("A43")
@pytest.mark.parametrize("path", ["link", "s", "up/file", "to-directory"])
def test_links_are_not_followed_wherever_they_are(tmp_path: Path, path: str) -> None:
    write(tmp_path, file="1", s__a="1", real__file="1")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "s" / "link").symlink_to("a")
    (tmp_path / "up").symlink_to("real")
    (tmp_path / "to-directory").symlink_to("real")
    code, text = refused(tmp_path, path)
    assert (code, "is a link, which is not followed" in text) == ("component.unreadable", True)


def test_what_is_neither_file_nor_directory_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    code, text = refused(tmp_path, "pipe")
    assert (code, "neither file nor directory" in text) == ("component.unreadable", True)
    (tmp_path / "s").mkdir()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s" / "socket"))
        assert refused(tmp_path, "s")[0] == "component.unreadable"


@pytest.mark.attack("A70")
@pytest.mark.parametrize("name", [b"a\nb", b"\xff", "a\u202eb".encode()])
def test_names_that_cannot_be_written_down_are_refused(tmp_path: Path, name: bytes) -> None:
    (tmp_path / "s").mkdir()
    with open(os.fsencode(tmp_path / "s") + b"/" + name, "wb"):  # noqa: PTH123 - the name is no text
        pass
    code, text = refused(tmp_path, "s")
    assert (code, "can't be written down" in text, text.isprintable()) == ("component.unreadable", True, True)


def test_an_empty_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "s" / "t").mkdir(parents=True)
    assert refused(tmp_path, "s")[0] == "component.empty"


@pytest.mark.parametrize(
    ("limits", "fits"),
    [
        (ComponentLimits(file_bytes=3, files=2, depth=2), True),
        (ComponentLimits(file_bytes=2, files=2, depth=2), False),
        (ComponentLimits(file_bytes=3, files=1, depth=2), False),
        (ComponentLimits(file_bytes=3, files=2, depth=1), False),
    ],
)
def test_limits(tmp_path: Path, limits: ComponentLimits, fits: bool) -> None:
    write(tmp_path, s__a="123", s__t__b="1")
    if fits:
        digest_component(tmp_path, "s", limits)
    else:
        assert refused(tmp_path, "s", limits)[0] == "component.too-large"


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    write(tmp_path, s__a="123", s__t__b="1", deep__er__file="1", many__a="", many__b="")
    (tmp_path / "s" / "t" / "link").symlink_to("b")
    before = len(list(Path("/proc/self/fd").iterdir()))
    digest_component(tmp_path, "deep/er")
    for path in ("s", "none", "deep/none/x", "deep/er/file/x"):
        refused(tmp_path, path)
    refused(tmp_path, "many", ComponentLimits(files=1))
    refused(tmp_path, "many", ComponentLimits(depth=0))
    assert len(list(Path("/proc/self/fd").iterdir())) == before
