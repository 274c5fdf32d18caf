"""A process that promotes, for the fault tests: ``python promoters.py BASE CACHE NOW PIN MODE [LEDGER_URL]``.

It says ``ready``, waits for a line, promotes to staging and prints its outcome as JSON. ``full`` leaves it no room for
a file larger than the number of bytes on the line.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from project import Project

from bspec_opa.foundation.errors import BspecError


def main() -> None:
    base, cache, now, pin, mode, *url = sys.argv[1:]
    project = Project(Path(base), Path(cache), int(now), pin)
    if url:
        project.flags["ledger.url"] = url[0]
    if mode == "race":
        project.evaluate()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    line = sys.stdin.readline()
    if mode == "full":
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(line), resource.RLIM_INFINITY))
    try:
        outcome = project.promote()
        said = {
            "line": outcome.line,
            "code": "",
            "exit": int(outcome.evaluation.exit_code) if outcome.evaluation else 0,
        }
    except BspecError as e:
        said = {"line": None, "code": e.code, "exit": int(e.exit_code)}
    sys.stdout.write(json.dumps(said) + "\n")


if __name__ == "__main__":
    main()
