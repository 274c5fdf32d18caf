"""Builds a bundle: read once, check everything, compile, pack. The same input gives the same bytes.

OPA's own ``build`` rewrites Rego and embeds paths. So it only compiles ``policy.wasm``, from an archive of our own in
a neutral folder, without any data: the module depends on the rules alone. What is packed are the authors' files.
"""

from __future__ import annotations

import io
import tarfile
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bspec_opa.bundle.archive import compress, write_tar
from bspec_opa.bundle.build.composition import WHOLE, Foundation, compose
from bspec_opa.bundle.build.gate_source import GATE_TEST
from bspec_opa.bundle.build.generate import generated
from bspec_opa.bundle.build.index_build import build_index
from bspec_opa.bundle.build.organisation import load_composed, load_organisation
from bspec_opa.bundle.contract.__main__ import rendered
from bspec_opa.bundle.contract.decision import DECISION_CONTRACT
from bspec_opa.bundle.layout import (
    BUILD_DATA,
    INDEX,
    MANIFEST,
    ORGANISATION_DATA,
    ROOT,
    SIGNATURES,
    WASM,
    BaseRef,
    data_digest_of,
    manifest,
    revision_of,
    rules_digest_of,
)
from bspec_opa.bundle.read import MAX_BASES
from bspec_opa.bundle.reasons import BASE, WASM_FAILED
from bspec_opa.bundle.rego.capabilities import capabilities
from bspec_opa.bundle.rego.lint.everything import lint
from bspec_opa.bundle.rego.opa_tool import OPA_VERSION
from bspec_opa.bundle.rego.sources import Sources, write_tree
from bspec_opa.bundle.rego.syntax import parse_modules
from bspec_opa.bundle.rego.type_check import ALL, CAPABILITIES, PACKED, SCHEMA_FOLDER, check_types
from bspec_opa.bundle.rego.visible import hidden_problems
from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.errors import BspecError, Location, Problem, error_of
from bspec_opa.foundation.files import read_bounded
from bspec_opa.foundation.limits import MAX_DOCUMENT_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bspec_opa.bundle.index import Index
    from bspec_opa.bundle.read import Bundle
    from bspec_opa.bundle.rego.opa_tool import Opa
    from bspec_opa.foundation.canonical import JsonObject

ENTRYPOINT = "bspec/gate/decision"


def build_bundle(policies: Path, data: Path | None, opa: Opa, foundation: Foundation = WHOLE) -> bytes:
    """The bytes of a bundle.

    Args:
        policies: the folder that holds ``bspec/``.
        data: the organisation's data; the policies' own ``bspec/org/data.json`` if None.
        opa: the binary; exactly the version that bundles are built with.
        foundation: what a pack stands on, and who owns its rules.

    Raises:
        InvalidInputError: policies or data are refused; every problem with file and line.
        TrustError: the base is not the one that the pack is pinned to.
        EngineError: OPA is missing, another version, or its checks are not live.
    """
    opa.require_version()
    with located_under(policies) as borrowed, tempfile.TemporaryDirectory(prefix="bspec-opa-") as folder:
        work = Path(folder)
        sources = compose(policies, foundation)
        borrowed.update(sources.borrowed)
        index = check_sources(sources, work, opa)
        files = {**sources.packed, **generated(index), **schemas()}
        wasm = compile_wasm(work, files, opa)
        organisation = load_composed(sources, index) if data is None else _load_named(data, index)
        base = bases_of(foundation.base) if foundation.base is not None and sources.borrowed else ()
        return pack(files, index, organisation, wasm, OPA_VERSION, base=base)


def check_policies(policies: Path, opa: Opa, foundation: Foundation = WHOLE) -> Index:
    """All checks of a build without building: for ``policy lint``.

    Raises:
        InvalidInputError: policies or their own data are refused.
        EngineError: OPA is missing, another version, or its checks are not live.
    """
    opa.require_version()
    with located_under(policies) as borrowed, tempfile.TemporaryDirectory(prefix="bspec-opa-") as folder:
        sources = compose(policies, foundation)
        borrowed.update(sources.borrowed)
        index = check_sources(sources, Path(folder), opa)
        if ORGANISATION_DATA in sources.files:
            load_composed(sources, index)
        return index


def check_sources(sources: Sources, work: Path, opa: Opa) -> Index:
    """Parse, index, lint and type-check; ``work`` is an empty private folder and keeps what OPA was shown."""
    if hidden := [*hidden_problems(sources.rego)]:
        raise error_of(hidden)
    write_tree(work / ALL, sources.files)
    modules = parse_modules(work / ALL, sources.rego, opa)
    index = build_index(modules, sources)
    lint(modules)
    write_tree(work / ALL, {**generated(index), "bspec/gate/gate_test.rego": GATE_TEST.encode()})
    data = {n: d for n, d in sources.files.items() if n.endswith(".json")}
    write_tree(work / PACKED, {**sources.packed, **generated(index), **data})
    write_tree(work, {**schemas(), CAPABILITIES: capabilities()})
    check_types(work, opa)
    return index


def schemas() -> dict[str, bytes]:
    """The schemas as a bundle holds them."""
    return {f"{SCHEMA_FOLDER}/{name}": text.encode() for name, text in rendered().items()}


def compile_wasm(work: Path, files: Mapping[str, bytes], opa: Opa) -> bytes:
    """``policy.wasm`` from Rego files, by the real OPA.

    Raises:
        EngineError: OPA wrote none.
    """
    rego = {n: d for n, d in files.items() if n.endswith(".rego")}
    head = {MANIFEST: canonical_bytes({"revision": "", "roots": [ROOT], "rego_version": 1})}
    (work / "raw.tar.gz").write_bytes(compress(write_tar({**rego, **head})))
    target = ("-t", "wasm", "-e", ENTRYPOINT, "-o", "compiled.tar.gz")
    opa.run(["build", *target, "--capabilities", CAPABILITIES, "-b", "raw.tar.gz"], cwd=work)
    compiled = (work / "compiled.tar.gz").read_bytes()
    with tarfile.open(fileobj=io.BytesIO(compiled), mode="r:gz") as archive:
        found = {m.name.lstrip("/"): m for m in archive.getmembers() if m.isreg()}
        member = archive.extractfile(found[WASM]) if WASM in found else None
        if member is None:
            raise WASM_FAILED.error("OPA compiled no policy.wasm")
        return member.read()


def bases_of(base: Bundle) -> tuple[BaseRef, ...]:
    """What a bundle that is composed on this one says about it: this one first, then what it stands on itself."""
    found = (BaseRef(base.revision, base.digest), *base.base)
    if len(found) > MAX_BASES:
        raise BASE.error(f"more than {MAX_BASES} bundles, each on top of another", at=Location(base.name))
    return found


def pack(
    files: Mapping[str, bytes],
    index: Index,
    organisation: JsonObject,
    wasm: bytes,
    opa_version: str,
    *,
    base: tuple[BaseRef, ...] = (),
) -> bytes:
    """A bundle from its checked parts; pure."""
    rules_digest, data_digest = rules_digest_of(files), data_digest_of(organisation)
    revision = revision_of(rules_digest, data_digest, opa_version)
    head: JsonObject = {
        "contract": DECISION_CONTRACT,
        "opa_version": opa_version,
        "rules_digest": rules_digest,
        "data_digest": data_digest,
        "base": [b.to_json() for b in base],
        "rules": index.to_json(),
    }
    build: JsonObject = {"revision": revision, "data_digest": data_digest}
    documents = {MANIFEST: manifest(revision), INDEX: head, ORGANISATION_DATA: organisation, BUILD_DATA: build}
    packed = {**files, **{n: canonical_bytes(v) for n, v in documents.items()}, WASM: wasm}
    return compress(write_tar(packed))


def repack(bundle: Bundle, data: bytes, name: str) -> bytes:
    """The same rules with another organisation's data; needs no OPA.

    Args:
        bundle: whose rules and compiled policy are kept.
        data: the other organisation's data.
        name: what messages call the data.

    Raises:
        InvalidInputError: the data is refused.
    """
    organisation = load_organisation(data, name, bundle.index)
    own = {MANIFEST, INDEX, ORGANISATION_DATA, BUILD_DATA, WASM, SIGNATURES}
    files = {n: d for n, d in bundle.files.items() if n not in own}
    return pack(files, bundle.index, organisation, bundle.wasm, bundle.opa_version, base=bundle.base)


def _load_named(data: Path, index: Index) -> JsonObject:
    return load_organisation(read_bounded(data, MAX_DOCUMENT_BYTES), str(data.absolute()), index)


@contextmanager
def located_under(policies: Path) -> Iterator[set[str]]:
    """Give problems the place of the authors' file instead of the checked copy's.

    Yields:
        a set to fill with what a composition borrows: those files don't lie below the folder and keep their names.
    """
    borrowed: set[str] = set()
    try:
        yield borrowed
    except BspecError as e:
        raise error_of(_relocated(p, policies, borrowed) for p in e.problems) from e


def _relocated(problem: Problem, policies: Path, borrowed: set[str]) -> Problem:
    at = problem.location
    if at is None or Path(at.file).is_absolute():
        return problem
    name = at.file.removeprefix(f"{ALL}/").removeprefix(f"{PACKED}/")
    if not name.startswith(f"{ROOT}/") or name in borrowed:
        return problem
    return replace(problem, location=Location(str(policies / name), at.line, at.column))
