"""From catalogs to a binding file, and back: the only place where an intent is resolved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.binding.catalog import load_catalog
from bspec_opa.binding.comparison import whole_tools
from bspec_opa.binding.facts import withdrawn
from bspec_opa.binding.read import load_binding
from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.files import make_directory, read_bounded, write_atomic
from bspec_opa.foundation.limits import MAX_DOCUMENT_BYTES, MAX_IMPORT_BYTES
from bspec_opa.workflow.reasons import CATALOG_MISSING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bspec_opa.binding.entries import Catalog
    from bspec_opa.binding.model import Binding
    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.intent.load import LoadedIntent
    from bspec_opa.workflow.checkout.project import Project


def read_catalogs(project: Project) -> tuple[Catalog, ...]:
    """Every configured catalog with the documents that it names.

    Raises:
        InvalidInputError: all problems of a catalog.
    """
    return tuple(_read_catalog(path) for path in project.catalog_files())


def _read_catalog(path: Path) -> Catalog:
    def read_document(name: str) -> bytes:
        return read_bounded(path.parent / name, MAX_IMPORT_BYTES)

    return load_catalog(read_bounded(path, MAX_DOCUMENT_BYTES), str(path), read_document)


def resolve_intent(project: Project, loaded: LoadedIntent) -> Binding:
    """Resolve an intent against the project's catalogs; component paths are relative to the project.

    Raises:
        InvalidInputError: there is no catalog, or something can't be resolved to one identity.
    """
    from bspec_opa.binding.component import digest_component
    from bspec_opa.binding.resolve import resolve

    catalogs = read_catalogs(project)
    if not catalogs:
        raise CATALOG_MISSING.error(
            f"no catalog in {project.state / 'catalogs'}", hint="write one there, or name it with --catalog"
        )
    return resolve(loaded, catalogs, lambda path: digest_component(project.root, path))


def write_binding(path: Path, binding: Binding) -> None:
    """Write a binding file.

    Raises:
        StoreError: it can't be written.
    """
    make_directory(path.parent)
    write_atomic(path, canonical_bytes(binding.to_json()) + b"\n")


def read_resolved(project: Project, agent: str) -> Binding | None:
    """The binding that ``resolve`` made for an agent, if it did.

    Raises:
        InvalidInputError: the file is no binding.
    """
    path = project.binding_file(agent)
    if not path.exists() and not path.is_symlink():
        return None
    return load_binding(read_bounded(path, MAX_IMPORT_BYTES), str(path))


def withdrawn_facts(
    loaded: LoadedIntent, binding: Binding | None, catalogs: Sequence[Catalog], now: int
) -> list[JsonObject]:
    """What the catalogs have withdrawn of a binding since, with the place in the intent (attack A82)."""
    if binding is None:
        return []
    places = {("tool", t.id): f"/tools/{i}" for i, t in enumerate(loaded.intent.tools)}
    classes = enumerate(loaded.intent.models.classes)
    places |= {("model", c.id): f"/models/classes/{i}" for i, c in classes}
    found = withdrawn(binding, catalogs, now=now, whole=whole_tools(loaded))
    return [{**w, "path": places.get((str(w["kind"]), str(w["id"])), "")} for w in found]
