"""``python -m bspec_opa.bundle.contract``: write the schemas as JSON; ``--check`` only compares."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from bspec_opa.bundle.contract.definitions import input_schema
from bspec_opa.bundle.contract.organisation import build_schema, organisation_schema

SCHEMAS = {
    "input": input_schema,
    "org": organisation_schema,
    "build": build_schema,
}


def rendered() -> dict[str, str]:
    """File name to text of every published schema."""
    return {f"{name}.json": json.dumps(make(), indent=1) + "\n" for name, make in SCHEMAS.items()}


def main(arguments: list[str]) -> int:
    """Write or compare the files beside this module."""
    folder = Path(__file__).parent / "schemas"
    folder.mkdir(exist_ok=True)
    stale = [name for name, text in rendered().items() if _differs(folder / name, text)]
    if "--check" in arguments:
        sys.stderr.writelines(f"{name} is stale: run make schemas\n" for name in stale)
        return 1 if stale else 0
    for name in stale:
        (folder / name).write_text(rendered()[name], encoding="utf-8")
    return 0


def _differs(path: Path, text: str) -> bool:
    return not path.exists() or path.read_text(encoding="utf-8") != text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
