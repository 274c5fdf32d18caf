"""What authors of policies work on: their folder, what it stands on, and OPA."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bspec_opa.bundle.build.composition import Foundation
from bspec_opa.bundle.rego.sources import ANNOTATED
from bspec_opa.foundation.files import is_directory, is_regular
from bspec_opa.workflow.checkout.deciding import read_policy
from bspec_opa.workflow.checkout.project import find_project

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bspec_opa.workflow.checkout.config import Config, Value
    from bspec_opa.workflow.checkout.project import Project

POLICIES = "policies"
DEFAULT_BASE = "default"


@dataclass(frozen=True, slots=True)
class Authored:
    """A folder of policies and what it stands on."""

    path: Path
    foundation: Foundation


def has_policies(environ: Mapping[str, str]) -> bool:
    """Whether the project around the working directory has a folder of policies."""
    return is_directory(policies_of(find_project(Path(), environ, {})))


def find_policies(path: Path | None, environ: Mapping[str, str], given: Mapping[str, Value | None]) -> Authored:
    """The policies that somebody works on.

    Args:
        path: the folder, also where the project is looked for; ``policy.path`` of the project around the working
            directory, else ``policies``, if None.
        environ: the process's environment.
        given: configuration keys given on the command line.

    Raises:
        BspecError: the configuration is wrong, or the base can't be read. Whether the base is the one that the pack
            is pinned to, the composition tells.
    """
    project = find_project(path or Path(), environ, given)
    folder = path or policies_of(project)
    return Authored(folder, _foundation(folder, project.config))


def policies_of(project: Project) -> Path:
    """A project's folder of policies."""
    return project.config.path("policy.path") or project.root / POLICIES


def _foundation(folder: Path, config: Config) -> Foundation:
    """A whole library has no base; whoever wrote one down for it is told so by the composition."""
    whole = is_regular(folder / ANNOTATED)
    base = None if whole else read_policy(config.text("policy.base") or DEFAULT_BASE).bundle
    return Foundation(base, config.text("policy.base_revision") or "", config.text("policy.owner") or "")
