"""libFuzzer through atheris, for one harness: ``python -m fuzzing.driver NAME [libFuzzer's arguments]``."""

from __future__ import annotations

import sys

import atheris


def main() -> None:
    name, *arguments = sys.argv[1:]
    with atheris.instrument_imports(include=["bspec_opa"]):
        from fuzzing.harnesses import HARNESSES

    harness = HARNESSES[name]
    atheris.Setup([name, *arguments], harness.check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
