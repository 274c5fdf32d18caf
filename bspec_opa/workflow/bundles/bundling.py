"""Building, repacking and reading policy bundles as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bspec_opa.foundation.errors import Location, error_of
from bspec_opa.foundation.files import is_directory, read_bounded, write_atomic
from bspec_opa.foundation.limits import MAX_DOCUMENT_BYTES
from bspec_opa.foundation.reasons import UNWRITABLE
from bspec_opa.workflow.checkout.deciding import Policy, policy_of, read_policy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bspec_opa.foundation.errors import Problem
    from bspec_opa.workflow.checkout.config import Value

PROJECT_TOOLS = Path(".tools/bin")


def build_policy(
    policies: Path | None,
    data: Path | None,
    target: Path,
    environ: Mapping[str, str],
    given: Mapping[str, Value | None] | None = None,
    *,
    unfinished: bool = False,
) -> Policy:
    """Check and compile policies with the real OPA, and write the bundle; a pack on top of its base.

    Args:
        policies: the folder; the configured one if None.
        data: the organisation's data, if not the folder's or its base's.
        target: the file to write.
        environ: the process's environment.
        given: configuration keys given on the command line.
        unfinished: whether rules without a test, or with TODO in METADATA, are built all the same.

    Raises:
        BspecError: every finding of the checks with its place; an unfinished rule; no OPA of the exact version;
            nowhere to write.
    """
    require_directory(target)
    from bspec_opa.bundle.build.building import build_bundle
    from bspec_opa.bundle.rego.opa_tool import Opa
    from bspec_opa.engine.toolchain import find_opa
    from bspec_opa.workflow.authors.policies import find_policies

    authored = find_policies(policies, environ, given or {})
    opa = Opa(find_opa(environ, PROJECT_TOOLS.absolute()))
    archive = build_bundle(authored.path, data, opa, authored.foundation)
    if not unfinished:
        _require_finished(policy_of(archive, target.name), authored.path)
    return write_policy(archive, target)


def _require_finished(policy: Policy, folder: Path) -> None:
    from bspec_opa.bundle.build.building import located_under
    from bspec_opa.bundle.rego.sources import optional_sources
    from bspec_opa.bundle.unfinished import unfinished

    if problems := unfinished(policy.bundle, optional_sources(folder)):
        with located_under(folder):
            raise error_of(problems)


def left_to_do(
    policy: Policy, policies: Path | None, environ: Mapping[str, str], given: Mapping[str, Value | None] | None = None
) -> list[str]:
    """What a build took, and nobody should be silent about: rules that say TODO, have no test, or never run."""
    from bspec_opa.bundle.idle import idle_note
    from bspec_opa.bundle.rego.sources import optional_sources
    from bspec_opa.bundle.unfinished import unfinished, unfinished_notes
    from bspec_opa.workflow.authors.policies import find_policies

    sources = optional_sources(find_policies(policies, environ, given or {}).path)
    allowed = [_allowed(p) for p in unfinished(policy.bundle, sources)]
    noted = unfinished_notes(policy.bundle, sources)
    return [*allowed, *noted, *idle_note(policy.bundle.index, policy.bundle.organisation)]


def _allowed(problem: Problem) -> str:
    line = problem.location.line if problem.location else None
    return f"allowed although unfinished: {problem.message}{f' in line {line}' if line else ''}"


def repack_policy(bundle: str, data: Path, target: Path) -> Policy:
    """The same rules under other data; the compiled policy does not change, so no OPA is needed.

    Raises:
        InvalidInputError: the data does not fit its schema.
        StoreError: it can't be written, or the directory is missing.
    """
    require_directory(target)
    from bspec_opa.bundle.build.building import repack

    source = read_policy(bundle).bundle
    return write_policy(repack(source, read_bounded(data, MAX_DOCUMENT_BYTES), str(data)), target)


def export_policy(bundle: str, target: Path) -> Policy:
    """Write a bundle's bytes, checked and unchanged, to where an OPA can load them; the shipped ones by name.

    Raises:
        BspecError: it can't be read or is no policy bundle; nowhere to write.
    """
    require_directory(target)
    return write_policy(read_policy(bundle).archive, target)


def write_policy(archive: bytes, target: Path) -> Policy:
    """Check a bundle's bytes, and write them."""
    policy = policy_of(archive, target.name)
    write_atomic(target, archive)
    return policy


def require_directory(target: Path) -> None:
    """A mistyped path is told before any work, and makes no directories."""
    if not is_directory(target.parent):
        raise UNWRITABLE.error(
            "can't be written: its directory is missing", hint="create it first", at=Location(str(target))
        )
