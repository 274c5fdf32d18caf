"""Finding the OPA program. Bundles are built by one exact version, so that they come out the same everywhere."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from bspec_opa.bundle.rego.opa_tool import OPA_VERSION as REQUIRED
from bspec_opa.engine.reasons import NO_OPA, OPA_VERSION
from bspec_opa.foundation.checkout import lies_in

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

VARIABLE = "BSPEC_OPA_OPA"
REMEDY = f"install OPA {REQUIRED} on PATH or name it in {VARIABLE}; make opa gets it"
_TIMEOUT_S = 20.0
_LINE = re.compile(r"^Version: ([0-9A-Za-z.+-]{1,64})$", re.MULTILINE)


def find_opa(
    environ: Mapping[str, str], project_tools: Path | None, *, untrusted: Collection[Path | None] = ()
) -> Path:
    """The OPA program of the required version.

    Looks at ``$BSPEC_OPA_OPA``, which then must be it; else in the project's tools, then on ``PATH``, where relative
    entries don't count: a checkout's own ``opa`` is not run.

    Args:
        environ: the process's environment.
        project_tools: a directory with programs.
        untrusted: checkouts from which no program is run, by whatever name it is reached (attack A75).

    Raises:
        EngineError: none found, or none of the required version.
    """
    wrong: list[str] = []
    for path in _candidates(environ, project_tools, wrong):
        if not environ.get(VARIABLE) and any(c is not None and lies_in(path, c) for c in untrusted):
            wrong.append(f"{path} lies in the checkout and is not run")
            continue
        version = opa_version(path)
        if version == REQUIRED:
            return path
        wrong.append(f"{path} is OPA {version}")
    if wrong:
        raise OPA_VERSION.error(f"OPA {REQUIRED} is needed; {', '.join(wrong)}", hint=REMEDY)
    raise NO_OPA.error("the OPA program is not found", hint=REMEDY)


def opa_version(path: Path) -> str:
    """What a program says when it is asked for OPA's version; it gets an empty environment.

    Raises:
        EngineError: it doesn't run, or doesn't say.
    """
    try:
        done = subprocess.run([path, "version"], env={}, capture_output=True, timeout=_TIMEOUT_S, check=True)
    except (OSError, subprocess.SubprocessError) as e:
        raise NO_OPA.error(f"{path} doesn't run as OPA ({type(e).__name__})", hint=REMEDY) from e
    match = _LINE.search(done.stdout.decode("utf-8", "replace"))
    if match is None:
        raise NO_OPA.error(f"{path} doesn't say which OPA it is", hint=REMEDY)
    return match[1]


def _candidates(environ: Mapping[str, str], project_tools: Path | None, wrong: list[str]) -> Iterator[Path]:
    named = environ.get(VARIABLE, "")
    if named:
        if Path(named).is_absolute():
            yield Path(named)
        else:
            wrong.append(f"{VARIABLE} is no absolute path, so a checkout could hold it")
        return
    directories = [project_tools] if project_tools is not None else []
    directories += [p for p in map(Path, environ.get("PATH", "").split(os.pathsep)) if p.is_absolute()]
    for directory in directories:
        path = directory / "opa"
        if path.is_file() and os.access(path, os.X_OK):
            yield path
