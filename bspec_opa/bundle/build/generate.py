"""``python -m bspec_opa.bundle.build.generate POLICIES OUT``: write the generated packages, for ``opa test``."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bspec_opa.bundle.build.gate_source import GATE_TEST, gate_source
from bspec_opa.bundle.build.guard_source import guard_source
from bspec_opa.bundle.build.index_build import build_index
from bspec_opa.bundle.contract.definitions import input_schema
from bspec_opa.bundle.layout import GATE, SHAPE
from bspec_opa.bundle.rego.opa_tool import Opa
from bspec_opa.bundle.rego.sources import read_sources, write_tree
from bspec_opa.bundle.rego.syntax import parse_modules
from bspec_opa.foundation.errors import BspecError, ExitCode
from bspec_opa.foundation.files import make_directory, write_atomic

if TYPE_CHECKING:
    from bspec_opa.bundle.index import Index


def generated(index: Index) -> dict[str, bytes]:
    """The generated packages of a bundle, by path."""
    return {GATE: gate_source(index).encode(), SHAPE: guard_source(input_schema()).encode()}


def read_index(policies: Path, opa: Opa) -> Index:
    """The index of a policies folder, without the other checks of a build."""
    sources = read_sources(policies)
    with tempfile.TemporaryDirectory(prefix="bspec-opa-") as folder:
        write_tree(Path(folder), sources.rego)
        return build_index(parse_modules(Path(folder), sources.rego, opa), sources)


def main(arguments: list[str]) -> int:
    """Write gate.rego, shape.rego and gate_test.rego."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("policies", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--opa", type=Path, required=True, help="the OPA program")
    given = parser.parse_args(arguments)
    try:
        index = read_index(given.policies, Opa(given.opa))
        make_directory(given.out)
        for name, data in {**generated(index), "gate_test.rego": GATE_TEST.encode()}.items():
            write_atomic(given.out / Path(name).name, data)
    except BspecError as e:
        sys.stderr.writelines(f"{p}\n" for p in e.problems)
        return e.exit_code
    return ExitCode.OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
