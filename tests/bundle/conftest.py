"""Fixtures of the bundle's tests: OPA, and the small policies tree, built once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from policy_tree import Tree, good_tree, write

from bspec_opa.bundle.build.building import build_bundle
from bspec_opa.bundle.read import Bundle, read_bundle
from bspec_opa.bundle.rego.opa_tool import Opa

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="session")
def opa(opa_path: Path) -> Opa:
    return Opa(opa_path)


@pytest.fixture
def tree() -> Tree:
    return good_tree()


@pytest.fixture
def policies(tmp_path: Path) -> Callable[[Tree], Path]:
    """Writes a tree and says where."""
    return lambda files: write(tmp_path / "policies", files)


@pytest.fixture(scope="session")
def bundle_bytes(opa: Opa, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The good tree, built."""
    return build_bundle(write(tmp_path_factory.mktemp("good"), good_tree()), None, opa)


@pytest.fixture(scope="session")
def bundle(bundle_bytes: bytes) -> Bundle:
    return read_bundle(bundle_bytes, "good")
