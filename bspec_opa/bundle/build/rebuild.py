"""``python -m bspec_opa.bundle.build.rebuild``: build the shipped bundles; ``--check`` compares byte for byte."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bspec_opa.bundle.build.building import build_bundle, repack
from bspec_opa.bundle.read import read_bundle
from bspec_opa.bundle.rego.opa_tool import Opa
from bspec_opa.bundle.shipped import SUFFIX
from bspec_opa.foundation.errors import BspecError, ExitCode
from bspec_opa.foundation.files import list_files, read_bounded, write_atomic
from bspec_opa.foundation.limits import MAX_DOCUMENT_BYTES

DEFAULT = "default"
DATA = ".data.json"
_LIMIT = 100


def shipped(root: Path, opa: Opa) -> dict[str, bytes]:
    """The bundles of a checkout, by file name: the default, and one for each ``bundles/<name>.data.json``."""
    default = build_bundle(root / "policies", None, opa)
    found = {DEFAULT + SUFFIX: default}
    rules = read_bundle(default, DEFAULT)
    for path in list_files(root / "bundles", DATA, _LIMIT):
        found[path.name.removesuffix(DATA) + SUFFIX] = repack(rules, read_bounded(path, MAX_DOCUMENT_BYTES), str(path))
    return found


def main(arguments: list[str]) -> int:
    """Write the bundles, or with ``--check`` say which ones are stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--opa", type=Path, required=True, help="the OPA program")
    parser.add_argument("--root", type=Path, default=Path(__file__).parents[3], help="the checkout")
    given = parser.parse_args(arguments)
    root: Path = given.root
    try:
        built = shipped(root, Opa(given.opa))
    except BspecError as e:
        sys.stderr.writelines(f"{p}\n" for p in e.problems)
        return e.exit_code
    stale = {n: d for n, d in built.items() if _differs(root / "bundles" / n, d)}
    if given.check:
        sys.stderr.writelines(f"bundles/{name} is stale: run make bundle\n" for name in stale)
        return ExitCode.INTERNAL if stale else ExitCode.OK
    for name, data in stale.items():
        write_atomic(root / "bundles" / name, data)
    return ExitCode.OK


def _differs(path: Path, data: bytes) -> bool:
    return not path.exists() or path.read_bytes() != data


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
