from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from policy_tree import good_tree, write

from bspec_opa.bundle.rego import sources
from bspec_opa.bundle.rego.sources import read_sources
from bspec_opa.bundle.rego.syntax import is_partial_set, parse_modules
from bspec_opa.foundation.errors import InvalidInputError

if TYPE_CHECKING:
    from pathlib import Path

    from bspec_opa.bundle.rego.opa_tool import Opa

RULE = "bspec/rules/global/tools/no_admin/no_admin.rego"


def test_the_files(tmp_path: Path) -> None:
    found = read_sources(write(tmp_path, good_tree()))
    assert {n: d.decode() for n, d in found.files.items()} == good_tree()
    assert set(found.rego) - set(found.packed) == {
        "bspec/rules/global/tools/no_admin/no_admin_test.rego",
        "bspec/testing/testing.rego",
    }


@pytest.mark.parametrize(
    "name",
    [
        "bspec/lib/order/data.json",
        "data.json",
        "bspec/input.json",
        "bspec/data.yaml",
        "bspec/lib/order/Order.rego",
        "bspec/lib/order/.hidden.rego",
        "bspec/Lib/order.rego",
        "other/order.rego",
        "order.rego",
        "bspec/README.md",
    ],
)
def test_a_file_that_does_not_belong(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError) as error:
        read_sources(write(tmp_path, {**good_tree(), name: ""}))
    assert [(p.reason.code, str(p.location)) for p in error.value.problems] == [("bundle.layout", name)]


@pytest.mark.attack("A41")
def test_no_rules(tmp_path: Path) -> None:
    """One folder deeper, the organisation's data vanishes and rules go quiet."""
    write(tmp_path, good_tree())
    for folder, code in ((tmp_path / "bspec", "bundle.layout"), (tmp_path / "none", "bundle.no-rules")):
        with pytest.raises(InvalidInputError) as error:
            read_sources(folder)
        assert error.value.code == code
    tests_only = {n: t for n, t in good_tree().items() if "/rules/" not in n or n.endswith("_test.rego")}
    with pytest.raises(InvalidInputError) as error:
        read_sources(write(tmp_path / "other", tests_only))
    assert error.value.code == "bundle.no-rules"


def test_links_are_not_followed(tmp_path: Path) -> None:
    write(tmp_path / "p", good_tree())
    (tmp_path / "p" / RULE).rename(tmp_path / "real.rego")
    (tmp_path / "p" / RULE).symlink_to(tmp_path / "real.rego")
    with pytest.raises(InvalidInputError) as error:
        read_sources(tmp_path / "p")
    assert error.value.code == "file.unreadable"


def test_a_folder_that_is_a_link_is_no_folder(tmp_path: Path) -> None:
    write(tmp_path / "p", good_tree())
    (tmp_path / "p" / "bspec" / "more").symlink_to(tmp_path / "p" / "bspec" / "lib")
    with pytest.raises(InvalidInputError) as error:
        read_sources(tmp_path / "p")
    assert error.value.code == "bundle.layout"


def test_the_number_of_files_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_BUNDLE_FILES", 3)
    with pytest.raises(InvalidInputError) as error:
        read_sources(write(tmp_path, good_tree()))
    assert error.value.code == "bundle.layout"


def test_every_file_that_does_not_parse_is_named(tmp_path: Path, opa: Opa) -> None:
    names = {f"f{n}.rego": b"package x\n\nx = {" for n in range(3)}
    for name, data in names.items():
        (tmp_path / name).write_bytes(data)
    with pytest.raises(InvalidInputError) as error:
        parse_modules(tmp_path, names, opa)
    assert {str(p.location).split(":")[0] for p in error.value.problems} == set(names)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("p contains 1", True),
        ("p contains x if some x in [1]", True),
        ("p := 1", False),
        ("p[1] := 2", False),
        ("p.q contains 1", False),
        ("p(x) := x", False),
        ("default p := 1", False),
        ("p if input.a else := 2", False),
    ],
)
def test_partial_sets(text: str, expected: bool, tmp_path: Path, opa: Opa) -> None:
    (tmp_path / "a.rego").write_text(f"package a\n\n{text}\n")
    (module,) = parse_modules(tmp_path, {"a.rego": b""}, opa)
    assert [is_partial_set(r) for r in module.rules] == [expected]
