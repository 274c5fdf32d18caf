"""A small base and a pack on it: one rule with tests that reach every line; each test spoils one thing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from policy_tree import Tree, good_tree, metadata, write

from bspec_opa.bundle.build.building import build_bundle
from bspec_opa.bundle.build.composition import Foundation
from bspec_opa.bundle.read import Bundle, read_bundle
from bspec_opa.bundle.rego.opa_tool import Opa

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = "bspec/rules/global/payments/no_shell"
RULE, TEST = f"{FOLDER}/no_shell.rego", f"{FOLDER}/no_shell_test.rego"
NO_SHELL = (
    metadata("PAY-01", "payments")
    + """\
package bspec.rules.global.payments.no_shell

deny contains {"msg": $"tool {t.id} is of class {t.class}", "path": $"{t.path}/class"} if {
	some t in input.intent.tools
	t.class == "shell"
}
"""
)
NO_SHELL_TEST = """\
package bspec.rules.global.payments.no_shell_test

import data.bspec.rules.global.payments.no_shell as rule
import data.bspec.testing

found(class) := denials if {
	tool := object.union(testing.allowed.intent.tools[0], {"class": class})
	denials := rule.deny with input as testing.allowed with input.intent.tools as [tool]
}

test_fail if {
	found("shell") == {{"msg": "tool billing_read_api is of class shell", "path": "/tools/0/class"}}
}

test_success[class] if {
	some class in ["finance", "crm"]
	found(class) == set()
}
"""


def pack() -> Tree:
    return {RULE: NO_SHELL, TEST: NO_SHELL_TEST}


@pytest.fixture(scope="session")
def opa(opa_path: Path) -> Opa:
    return Opa(opa_path)


@pytest.fixture(scope="session")
def base_bytes(opa: Opa, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The small tree, built."""
    return build_bundle(write(tmp_path_factory.mktemp("base"), good_tree()), None, opa)


@pytest.fixture(scope="session")
def base(base_bytes: bytes) -> Bundle:
    return read_bundle(base_bytes, "base")


@pytest.fixture(scope="session")
def foundation(base: Bundle) -> Foundation:
    return Foundation(base, base.revision, "team:payments")
