"""``policy test``: the project's policies, composed and tested with the real OPA; again on every change if wanted."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from bspec_opa.authoring.testing.running import Demand, run_tests
from bspec_opa.bundle.rego.opa_tool import Opa
from bspec_opa.engine.toolchain import find_opa
from bspec_opa.foundation.digest import digest_of
from bspec_opa.foundation.errors import BspecError
from bspec_opa.foundation.files import read_bounded
from bspec_opa.foundation.limits import MAX_DOCUMENT_BYTES
from bspec_opa.workflow.authors.policies import find_policies, policies_of
from bspec_opa.workflow.bundles.bundling import PROJECT_TOOLS
from bspec_opa.workflow.checkout.config import FILE_NAME
from bspec_opa.workflow.checkout.project import find_project

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bspec_opa.authoring.testing.model import Run
    from bspec_opa.workflow.checkout.config import Value

POLL_S = 0.3
"""How often a watched folder is looked at, seconds."""


def run_policy_tests(
    path: Path | None, environ: Mapping[str, str], given: Mapping[str, Value | None], demand: Demand
) -> Run:
    """One run.

    Raises:
        BspecError: configuration, base, policies, tests or data are refused; no OPA of the exact version.
    """
    authored = find_policies(path, environ, given)
    opa = Opa(find_opa(environ, PROJECT_TOOLS.absolute()))
    return run_tests(authored.path, authored.foundation, opa, demand)


def snapshot(path: Path | None, environ: Mapping[str, str]) -> Mapping[str, str]:
    """Digests of all that a run reads: the policies and the configuration.

    Polled rather than notified, so that it is the same on every file system. What can't be read counts as gone; the
    run says why.
    """
    project = find_project(path or Path(), environ, {})
    folder = path or policies_of(project)
    files = [project.root / FILE_NAME, *sorted(p for p in folder.rglob("*") if p.is_file())]
    found: dict[str, str] = {}
    for file in files:
        with contextlib.suppress(BspecError):
            found[str(file)] = digest_of(read_bounded(file, MAX_DOCUMENT_BYTES))
    return found


def watch(
    look: Callable[[], object], run: Callable[[], None], wait: Callable[[float], None], poll_s: float = POLL_S
) -> None:
    """Run now and after every change, until somebody interrupts.

    Args:
        look: what is watched, as a value that compares.
        run: what to do.
        wait: how to wait for some seconds.
        poll_s: between two looks, seconds.
    """
    while True:
        seen = look()
        run()
        while look() == seen:
            wait(poll_s)
