"""From an intent and catalogs to a binding: pure, deterministic, and without a choice that nobody made.

The highest active release in a range is bound, by SemVer precedence; of model identities exactly one must be
left. Whatever can't be resolved is said at the intent's line, everything at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.binding.entries import ACTIVE
from bspec_opa.binding.model import Binding, BoundComponent, BoundModel, BoundTool, UsedEntry
from bspec_opa.binding.reasons import (
    AMBIGUOUS_MODEL,
    AMBIGUOUS_RELEASE,
    CLASS_DIFFERS,
    DUPLICATE_ENTRY,
    NO_MODEL,
    NO_RELEASE,
    UNKNOWN_COMPONENT,
    UNKNOWN_MODEL,
    UNKNOWN_OPERATION,
    UNKNOWN_TOOL,
)
from bspec_opa.foundation.errors import BspecError, error_of
from bspec_opa.foundation.suggest import did_you_mean
from bspec_opa.intent.ranges import parse_range
from bspec_opa.intent.semver import parse_semver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bspec_opa.binding.entries import Catalog, ModelIdentity, Release, ToolEntry
    from bspec_opa.binding.model import Operation
    from bspec_opa.foundation.digest import Digest
    from bspec_opa.foundation.errors import Problem, Reason
    from bspec_opa.intent.load import LoadedIntent
    from bspec_opa.intent.model import Component, ModelClass, Tool

ANY = "*"
_SHOWN = 10


def resolve(loaded: LoadedIntent, catalogs: Sequence[Catalog], read_component: Callable[[str], Digest]) -> Binding:
    """The binding of an intent.

    Args:
        loaded: the intent.
        catalogs: all of them; their order doesn't matter, as nothing may be in two of them.
        read_component: the digest of a component by its path in the catalog; see
            :func:`bspec_opa.binding.component.digest_component`.

    Raises:
        InvalidInputError: everything that can't be resolved to one identity.
    """
    resolver = _Resolver(loaded, catalogs)
    tools = [resolver.tool(t, f"/tools/{i}") for i, t in enumerate(loaded.intent.tools)]
    models = [resolver.model(c, f"/models/classes/{i}") for i, c in enumerate(loaded.intent.models.classes)]
    components = [
        resolver.component(c, f"/components/{i}", read_component) for i, c in enumerate(loaded.intent.components)
    ]
    if resolver.problems:
        raise error_of(resolver.problems)
    return Binding(
        models=tuple(sorted((m for m in models if m), key=lambda m: m.class_)),
        tools=tuple(sorted((t for t in tools if t), key=lambda t: t.id)),
        components=tuple(sorted((c for c in components if c), key=lambda c: c.id)),
        entries=tuple(sorted(resolver.entries, key=lambda e: (e.kind, e.id))),
    )


class _Resolver:
    """Resolves one part after the other; what can't be is None, and a problem."""

    def __init__(self, loaded: LoadedIntent, catalogs: Sequence[Catalog]) -> None:
        self.problems: list[Problem] = []
        self.entries: list[UsedEntry] = []
        self._document = loaded.document
        self._tools: dict[str, ToolEntry] = {}
        self._models: dict[str, list[ModelIdentity]] = {}
        self._components: dict[str, str] = {}
        self._gather(catalogs)

    def _gather(self, catalogs: Sequence[Catalog]) -> None:
        """Everything by its id; the same thing in two catalogs would be a choice."""
        tools: dict[str, str] = {}  # the catalog that had it; so the others
        models: dict[str, str] = {}
        components: dict[str, str] = {}
        for catalog in catalogs:
            for tool in catalog.tools:
                self._once(tools, tool.id, "tool", catalog)
                self._tools[tool.id] = tool
            for class_ in sorted({m.class_ for m in catalog.models}):
                self._once(models, class_, "model class", catalog)
                self._models[class_] = [m for m in catalog.models if m.class_ == class_]
            for component, path in catalog.components:
                self._once(components, component, "component", catalog)
                self._components[component] = path

    def _once(self, seen: dict[str, str], name: str, what: str, catalog: Catalog) -> None:
        if name in seen:
            self.problems.append(
                DUPLICATE_ENTRY.problem(f'{what} "{name}" is in {seen[name]} and in {catalog.name}', hint="keep one")
            )
        seen[name] = catalog.name

    def _add(self, reason: Reason, pointer: str, message: str, hint: str) -> None:
        self.problems.append(reason.problem(message, hint=hint, at=self._document.locate(pointer)))

    def tool(self, tool: Tool, at: str) -> BoundTool | None:
        entry = self._tools.get(tool.id)
        if entry is None:
            self._add(
                UNKNOWN_TOOL, f"{at}/id", f'no catalog has a tool "{tool.id}"', did_you_mean(tool.id, self._tools)
            )
            return None
        if entry.class_ != tool.class_:
            self._add(
                CLASS_DIFFERS,
                f"{at}/class",
                f'the catalog has tool "{tool.id}" under class {entry.class_}, not {tool.class_}',
                f"write class: {entry.class_}",
            )
        release = self._release(tool, entry, f"{at}/version")
        if release is None:
            return None
        self.entries.append(UsedEntry("tool", tool.id, entry.entry_digest(release)))
        return BoundTool(
            id=tool.id,
            publisher=entry.publisher,
            trusted=entry.trusted,
            release=release.version,
            range=tool.version,
            artifact=release.artifact,
            contract=release.contract,
            operations=self._operations(tool, release, f"{at}/operations"),
        )

    def _release(self, tool: Tool, entry: ToolEntry, at: str) -> Release | None:
        wanted = parse_range(tool.version)
        inside = [r for r in entry.releases if r.status == ACTIVE and wanted.contains(r.version)]
        if not inside:
            known = _some(f"{r.version} ({r.status})" for r in entry.releases)
            message = f'tool "{tool.id}" has no active release in {tool.version}; the catalog has {known}'
            self._add(NO_RELEASE, at, message, "widen the range, or add the release to the catalog")
            return None
        best = _highest(inside)
        if len(best) > 1:
            message = f'tool "{tool.id}": {_some(r.version for r in best)} have no order among them'
            self._add(AMBIGUOUS_RELEASE, at, message, f"declare one, such as =={best[-1].version}")
            return None
        return best[0]

    def _operations(self, tool: Tool, release: Release, at: str) -> tuple[Operation, ...]:
        if ANY in tool.operations:
            return release.operations
        known = {o.name: o for o in release.operations}
        for index, name in enumerate(tool.operations):
            if name not in known:
                message = f'release {release.version} of "{tool.id}" has no operation "{name}"'
                self._add(UNKNOWN_OPERATION, f"{at}/{index}", message, did_you_mean(name, known))
        return tuple(known[n] for n in sorted(tool.operations) if n in known)

    def model(self, declared: ModelClass, at: str) -> BoundModel | None:
        identities = self._models.get(declared.id)
        if identities is None:
            message = f'no catalog has a model class "{declared.id}"'
            self._add(UNKNOWN_MODEL, f"{at}/id", message, did_you_mean(declared.id, self._models))
            return None
        allowed = [i for i in identities if i.status == ACTIVE and _is_allowed(i, declared)]
        if len(allowed) != 1:
            self._refuse_models(declared, allowed, identities, at)
            return None
        self.entries.append(UsedEntry("model", declared.id, allowed[0].entry_digest()))
        return allowed[0].bound()

    def _refuse_models(
        self, declared: ModelClass, allowed: list[ModelIdentity], identities: list[ModelIdentity], at: str
    ) -> None:
        if allowed:
            message = f'model class "{declared.id}" could be {_some(map(_shown, allowed))}'
            hint = "narrow providers or regions, or mark all but one deprecated in the catalog"
            self._add(AMBIGUOUS_MODEL, at, message, hint)
        else:
            where = f"providers {', '.join(declared.providers)} and regions {', '.join(declared.regions)}"
            known = _some(f"{_shown(i)} ({i.status})" for i in identities)
            message = f'model class "{declared.id}" has no active identity for {where}; the catalog has {known}'
            self._add(NO_MODEL, at, message, "allow its provider and region, or add an identity to the catalog")

    def component(self, declared: Component, at: str, read_component: Callable[[str], Digest]) -> BoundComponent | None:
        path = self._components.get(declared.id)
        if path is None:
            message = f'no catalog has a path for component "{declared.id}"'
            self._add(UNKNOWN_COMPONENT, f"{at}/id", message, did_you_mean(declared.id, self._components))
            return None
        try:
            return BoundComponent(declared.id, read_component(path))
        except BspecError as e:
            self.problems.extend(e.problems)
            return None


def _highest(releases: Sequence[Release]) -> list[Release]:
    """The one highest by SemVer precedence, or those among which there is no order."""
    parsed = [(parse_semver(r.version), r) for r in releases]
    versions = [(v.precedence, r) for v, r in parsed if v is not None]
    if len(versions) < len(releases):
        return list(releases)
    top = max(precedence for precedence, _ in versions)
    return [r for precedence, r in versions if precedence == top]


def _is_allowed(identity: ModelIdentity, declared: ModelClass) -> bool:
    """An identity without a region is anywhere: allowed only where every region is."""
    provider = ANY in declared.providers or identity.provider in declared.providers
    region = ANY in declared.regions or identity.region in declared.regions
    return provider and region


def _shown(identity: ModelIdentity) -> str:
    region = f" in {identity.region}" if identity.region else " without region"
    return f"{identity.provider}:{identity.id}{region}"


def _some(names: Iterable[str]) -> str:
    several = list(names)
    more = f" and {len(several) - _SHOWN} more" if len(several) > _SHOWN else ""
    return ", ".join(several[:_SHOWN]) + more
