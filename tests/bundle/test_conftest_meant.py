from __future__ import annotations

import pytest

from bspec_opa.bundle.conftest.meant import meant

FILE = "bspec-opa normalize prints what policies see; or let them see the file itself: --conftest-input file"


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("input.tools[_].class", f"did you mean input.intent.tools? {FILE}"),
        ("input.metadta.owner", f"did you mean input.intent.metadata.owner? {FILE}"),
        ("input.metadata.owner", f"did you mean input.intent.metadata.owner? {FILE}"),
        ("input.intent.tolls", f"did you mean input.intent.tools? {FILE}"),
        ("input.intnet.tools", f"did you mean input.intent.tools? {FILE}"),
        ("input.zzz", FILE),
    ],
)
def test_a_path_that_the_normalized_input_lacks(path: str, hint: str) -> None:
    assert meant(f"undefined ref: {path}", written=False) == hint


def test_a_path_that_the_file_lacks() -> None:
    hint = "did you mean input.tools? or let policies see what normalize prints: --conftest-input normalized"
    assert meant("undefined ref: input.intent.tools[_]", written=True) == hint
    said = "no intent has it; a member that may be anything is read with object.get"
    assert meant("undefined ref: input.tolls", written=True) == said
