"""A binding against what was reviewed: the catalogs while there are any, and the entries kept of them afterwards."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bspec_opa.binding.comparison import catalog_entries, differences, whole_tools
from bspec_opa.binding.component import digest_component
from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.document.load import parse_json
from bspec_opa.workflow.checkout.resolving import read_catalogs
from bspec_opa.workflow.reasons import BINDING_DIFFERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bspec_opa.binding.entries import Catalog
    from bspec_opa.binding.model import Binding
    from bspec_opa.intent.load import LoadedIntent
    from bspec_opa.ledger.objects import ObjectStore
    from bspec_opa.workflow.checkout.project import Project


def require_as_reviewed(project: Project, loaded: LoadedIntent, binding: Binding) -> None:
    """Demand that a binding is what the catalogs and the component files give.

    Raises:
        InvalidInputError: it is not; the parts are named.
    """
    catalogs = read_catalogs(project)
    known = catalog_entries(catalogs)
    found = differences(binding, lambda used: known.get(used.digest), whole_tools(loaded))
    _refuse(loaded, [*found, *_components(project, binding, catalogs)])


def _components(project: Project, binding: Binding, catalogs: Sequence[Catalog]) -> Iterator[str]:
    """The components whose files are there and not what is bound."""
    paths = {name: path for catalog in catalogs for name, path in catalog.components}
    for component in binding.components:
        path = paths.get(component.id)
        there = path is not None and os.path.lexists(project.root / path)
        if path is not None and there and digest_component(project.root, path) != component.digest:
            yield f"component {component.id}: content"


def keep_entries(project: Project, loaded: LoadedIntent, binding: Binding, objects: ObjectStore) -> None:
    """Keep the catalog entries that a binding was resolved from, for later verifications.

    Raises:
        InvalidInputError: the binding is not what they say; its line could never be verified.
        TrustError: one is neither in the catalogs nor kept already.
        StoreError: one can't be written.
    """
    known = catalog_entries(read_catalogs(project))
    for used in binding.entries:
        if used.digest in known:
            objects.put(canonical_bytes(known[used.digest]))
    _refuse(loaded, stored_differences(loaded, binding, objects))


def stored_differences(loaded: LoadedIntent, binding: Binding, objects: ObjectStore) -> list[str]:
    """What is bound and not what the kept entries say.

    Raises:
        TrustError: an entry is missing or altered.
    """
    return differences(
        binding,
        lambda used: parse_json(objects.get(used.digest), f"catalog entry of {used.id}", text=False),
        whole_tools(loaded),
    )


def _refuse(loaded: LoadedIntent, different: Sequence[str]) -> None:
    if different:
        raise BINDING_DIFFERS.error(
            f"the binding is not what was reviewed: {'; '.join(different)}",
            hint=f"run bspec-opa resolve {loaded.document.name} again",
        )
