"""The texts behind digests: what a prompt or a tool contract said before, and says now.

An approver signs digests (the view); these are the texts that they stand for, kept among the objects when a version
is promoted, so that the next approver sees the difference. A directory component has no single text and is left to
its digest.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from bspec_opa.foundation.digest import Digest, digest_of
from bspec_opa.foundation.errors import BspecError
from bspec_opa.foundation.files import read_bounded
from bspec_opa.foundation.limits import MAX_DOCUMENT_BYTES
from bspec_opa.workflow.checkout.resolving import read_catalogs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bspec_opa.binding.model import Binding
    from bspec_opa.ledger.objects import ObjectStore
    from bspec_opa.workflow.checkout.project import Project
    from bspec_opa.workflow.facts.situation import Situation


@dataclass(frozen=True, slots=True)
class TextChange:
    """A text that differs from the current line's; ``before`` is empty for something new.

    Attributes:
        subject: such as ``component system-prompt``.
        before: the text that the current line binds.
        after: the text that would be bound.
        known: whether both texts are at hand; if not, only their digests can be shown.
    """

    subject: str
    before: str
    after: str
    known: bool


def component_files(project: Project, binding: Binding) -> Iterator[tuple[str, bytes]]:
    """The bound components that are single files, with exactly the bytes that the binding's digests name."""
    paths = {name: path for catalog in read_catalogs(project) for name, path in catalog.components}
    for component in binding.components:
        path = project.root / paths.get(component.id, "")
        try:
            data = read_bounded(path, MAX_DOCUMENT_BYTES)
        except BspecError:
            continue
        if digest_of(data) == component.digest:
            yield component.id, data


def keep_components(project: Project, binding: Binding, objects: ObjectStore) -> None:
    """Keep the texts of a promoted binding, for the next approver.

    Raises:
        StoreError: one can't be written.
    """
    for _, data in component_files(project, binding):
        objects.put(data)


def text_changes(project: Project, situation: Situation, objects: ObjectStore) -> list[TextChange]:
    """Every prompt, other component and tool contract whose text differs from the current line's."""
    if situation.binding is None:
        return []
    old: dict[str, Any] = cast("dict[str, Any]", situation.head.binding) if situation.head else {}
    now = {name: data.decode("utf-8", "replace") for name, data in component_files(project, situation.binding)}
    return [*_components(old, situation.binding, now, objects), *_contracts(old, situation.binding)]


def _components(
    old: dict[str, Any], binding: Binding, now: dict[str, str], objects: ObjectStore
) -> Iterable[TextChange]:
    before = {c["id"]: c["digest"] for c in old.get("components", [])}
    for component in binding.components:
        digest = before.get(component.id)
        if digest == component.digest:
            continue
        earlier = _stored(objects, digest)
        later = now[component.id] if component.id in now else _stored(objects, component.digest)
        known = later is not None and earlier is not None
        yield TextChange(f"component {component.id}", earlier or "", later or "", known)


def _stored(objects: ObjectStore, digest: str | None) -> str | None:
    """An earlier text; empty if there was none, ``None`` if it was not kept."""
    if digest is None:
        return ""
    if not objects.has(Digest(digest)):
        return None
    return objects.get(Digest(digest)).decode("utf-8", "replace")


def _contracts(old: dict[str, Any], binding: Binding) -> Iterable[TextChange]:
    before = {t["id"]: t["contract"] for t in old.get("tools", [])}
    for tool in binding.tools:
        earlier = before.get(tool.id)
        if earlier is None or earlier["digest"] == tool.contract.digest:
            continue
        now = _pretty(tool.contract.document)
        yield TextChange(f"contract of tool {tool.id}", _pretty(earlier["document"]), now, known=True)


def _pretty(document: object) -> str:
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
