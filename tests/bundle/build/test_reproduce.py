"""Whether a bundle's parts came from its Rego: each digest can be right and the answer no."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from publishers import members, packed

from bspec_opa.bundle.build.reproduce import reproduce
from bspec_opa.bundle.read import read_bundle
from bspec_opa.foundation.errors import BspecError

if TYPE_CHECKING:
    from collections.abc import Callable

    from bspec_opa.bundle.read import Bundle
    from bspec_opa.bundle.rego.opa_tool import Opa

MADE = (
    "bspec/gate/gate.rego",
    "bspec/gate/shape/shape.rego",
    "schemas/build.json",
    "schemas/input.json",
    "schemas/org.json",
    "index.json",
    "policy.wasm",
)


def test_what_was_built_is_built_again(bundle: Bundle, opa: Opa) -> None:
    assert reproduce(bundle, opa) == MADE


def _another_module(files: dict[str, bytes]) -> None:
    files["policy.wasm"] += b"\x00\x01x"


def _another_gate(files: dict[str, bytes]) -> None:
    files["bspec/gate/gate.rego"] += b"\n"


def _another_severity(files: dict[str, bytes]) -> None:
    files["index.json"] = files["index.json"].replace(b'"severity":"high"', b'"severity":"low"', 1)


SPOILT: dict[str, tuple[Callable[[dict[str, bytes]], None], str]] = {
    "the module": (_another_module, "policy.wasm"),
    "the gate": (_another_gate, "bspec/gate/gate.rego"),
    "the index": (_another_severity, "index.json"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_what_was_not_made_from_the_rego(bundle_bytes: bytes, opa: Opa, name: str) -> None:
    spoil, part = SPOILT[name]
    files = members(bundle_bytes)
    spoil(files)
    with pytest.raises(BspecError) as error:
        reproduce(read_bundle(packed(files), "odd"), opa)
    assert error.value.code == "bundle.not-reproduced"
    assert error.value.problems[0].message == f"{part} is not what the bundle's Rego gives"


def test_a_bundle_of_another_opa_version(bundle: Bundle, opa: Opa) -> None:
    """Another compiler gives other bytes: that would say nothing about the bundle."""
    with pytest.raises(BspecError, match=r"was compiled by OPA 1\.0\.0, and here is ") as error:
        reproduce(replace(bundle, opa_version="1.0.0"), opa)
    assert error.value.code == "bundle.not-reproduced"
