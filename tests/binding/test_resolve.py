from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from materials import CATALOG, PACKAGE, WEIGHTS, catalog, components, intent, read_document

from bspec_opa.binding.catalog import load_catalog
from bspec_opa.binding.model import BoundArtifact
from bspec_opa.binding.reasons import COMPONENT_EMPTY
from bspec_opa.binding.resolve import resolve
from bspec_opa.foundation.digest import digest_of
from bspec_opa.foundation.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bspec_opa.binding.entries import Catalog
    from bspec_opa.binding.model import Binding
    from bspec_opa.foundation.digest import Digest
    from bspec_opa.intent.load import LoadedIntent


def binding(loaded: LoadedIntent | None = None, *catalogs: Catalog) -> Binding:
    return resolve(loaded or intent(), catalogs or [catalog()], components)


def problems(loaded: LoadedIntent, catalogs: Sequence[Catalog]) -> list[tuple[str, str]]:
    """Code and full text of each problem."""
    with pytest.raises(InvalidInputError) as caught:
        resolve(loaded, catalogs, components)
    return [(p.reason.code, str(p)) for p in caught.value.problems]


def releases(*versions: str) -> Catalog:
    """The catalog with these releases of the billing tool instead of its own."""
    start = CATALOG.index("      - version: 2.4.0")
    end = CATALOG.index("  - id: search")
    listed = "".join(
        f'      - version: "{v}"\n'
        "        operations: [{name: list_invoices, privilege_floor: read}, {name: get_invoice, privilege_floor: read}]\n"
        for v in versions
    )
    return load_catalog((CATALOG[:start] + listed + CATALOG[end:]).encode(), "catalog.yaml", read_document)


def bound_release(range_: str, *versions: str) -> str:
    found = binding(intent(('">=2.0,<3"', f'"{range_}"')), releases(*versions))
    return next(t.release for t in found.tools if t.id == "billing_read_api")


def test_everything_declared_is_bound_to_one_identity() -> None:
    found = binding()
    assert [(m.class_, m.provider, m.identity, m.region, m.digest) for m in found.models] == [
        ("large", "acme", f"acme/large@{WEIGHTS}", "eu", WEIGHTS),
        ("small", "other", "small-2", None, None),
    ]
    assert [(t.id, t.release, t.range, t.publisher, t.trusted) for t in found.tools] == [
        ("billing_read_api", "2.4.0", ">=2.0,<3", "acme", True),
        ("search", "2026-05", "==2026-05", "example", False),
    ]
    assert [[(o.name, o.privilege_floor) for o in t.operations] for t in found.tools] == [
        [("get_invoice", "read"), ("list_invoices", "read")],
        [("purge", "admin"), ("query", "write")],
    ]
    assert [(c.id, c.digest) for c in found.components] == [
        ("skills", digest_of(b"skills")),
        ("system-prompt", digest_of(b"prompts/system.md")),
    ]
    tools, models = catalog().tools, catalog().models
    assert [(e.kind, e.id, e.digest) for e in found.entries] == [
        ("model", "large", models[0].entry_digest()),
        ("model", "small", models[2].entry_digest()),
        ("tool", "billing_read_api", tools[0].entry_digest(tools[0].releases[2])),
        ("tool", "search", tools[1].entry_digest(tools[1].releases[0])),
    ]


def test_the_contract_is_whole_though_only_some_operations_are_declared() -> None:
    billing = binding().tools[0]
    assert set(billing.contract.hints) == {"export_invoices", "get_invoice", "list_invoices"}
    assert {o.name for o in billing.operations} == {"get_invoice", "list_invoices"}


def test_artifacts_are_what_can_be_checked_by_content() -> None:
    assert binding().artifacts() == (
        BoundArtifact("component", "skills", digest_of(b"skills")),
        BoundArtifact("component", "system-prompt", digest_of(b"prompts/system.md")),
        BoundArtifact("model", "large", WEIGHTS),
        BoundArtifact("tool", "billing_read_api", PACKAGE),
    )


def test_the_same_intent_and_catalogs_give_the_same_digest() -> None:
    assert binding().digest == binding().digest
    renamed = binding(intent(("metadata: {id: billing-support", "metadata: {id: other")))
    assert renamed.digest == binding().digest


def test_catalogs_can_be_in_several_files_in_any_order() -> None:
    head, models = CATALOG.split("models:\n")
    first = load_catalog(head.encode(), "a.yaml", read_document)
    second = load_catalog(f"schema: bspec.catalog/v1\nmodels:\n{models}".encode(), "b.yaml", read_document)
    assert binding(intent(), first, second) == binding(intent(), second, first) == binding()


@pytest.mark.parametrize(
    ("range_", "versions", "expected"),
    [
        (">=2.0", ["2.9.0", "2.10.0", "2.2.0"], "2.10.0"),
        (">=2.0,<2.10", ["2.9.0", "2.10.0", "2.2.0"], "2.9.0"),
        (">=2.0", ["2.9.0", "3.0.0-rc.1"], "2.9.0"),
        ("==3.0.0-rc.1", ["2.9.0", "3.0.0-rc.1"], "3.0.0-rc.1"),
        (">=2.0", ["2.9.0", "v9", "2026-05"], "2.9.0"),
        ("==v9", ["2.9.0", "v9", "2026-05"], "v9"),
        ("==2.9.0+b2", ["2.9.0+b1", "2.9.0+b2"], "2.9.0+b2"),
        (">=2.0", ["2.9.0+b1", "2.9.1"], "2.9.1"),
    ],
)
def test_the_highest_release_in_the_range_is_bound(range_: str, versions: list[str], expected: str) -> None:
    assert bound_release(range_, *versions) == expected


@given(st.permutations(["2.0.0", "2.0.1+b", "2.1.0", "2.11.0", "2.9.9", "3.0.0", "3.0.0-a", "v2"]))
def test_the_order_in_the_catalog_does_not_matter(versions: list[str]) -> None:
    assert bound_release(">=2.0,<3", *versions) == "2.11.0"


@pytest.mark.parametrize(
    ("range_", "versions"), [(">=2.0", ["2.9.0+b1", "2.9.0+b2", "2.8.0"]), ("==2.9", ["2.9", "2.9.0"])]
)
def test_releases_without_an_order_are_refused(range_: str, versions: list[str]) -> None:
    found = problems(intent(('">=2.0,<3"', f'"{range_}"')), [releases(*versions)])
    assert [code for code, _ in found] == ["resolve.ambiguous-release"]
    assert all(v in found[0][1] for v in versions[:2])
    assert "2.8.0" not in found[0][1]


@pytest.mark.parametrize("range_", [">=2.5", ">=2.10,<3", "==2.10.0", "==v9"])
def test_no_active_release_in_the_range_is_refused_with_what_exists(range_: str) -> None:
    assert problems(intent(('">=2.0,<3"', f'"{range_}"')), [catalog()]) == [
        (
            "resolve.no-release",
            (
                f'behavior.intent:19:14: tool "billing_read_api" has no active release in {range_}; the catalog has '
                "1.9.0 (active), 2.10.0 (deprecated), 2.4.0 (active); widen the range, or add the release to the catalog"
            ),
        )
    ]


def test_many_releases_are_told_shortly() -> None:
    found = problems(intent(('">=2.0,<3"', '">=9"')), [releases(*(f"2.0.{i}" for i in range(30)))])
    assert "and 20 more" in found[0][1]


def test_a_tool_that_no_catalog_has_is_refused_with_the_near_name() -> None:
    assert problems(intent(("id: billing_read_api", "id: billing_api")), [catalog()]) == [
        (
            "resolve.unknown-tool",
            'behavior.intent:17:9: no catalog has a tool "billing_api"; did you mean "billing_read_api"?',
        )
    ]


def test_a_tool_cannot_be_declared_under_a_harmless_class() -> None:
    assert problems(intent(("class: finance", "class: knowledge")), [catalog()]) == [
        (
            "resolve.class-differs",
            (
                'behavior.intent:18:12: the catalog has tool "billing_read_api" under class finance, not knowledge; '
                "write class: finance"
            ),
        )
    ]


def test_an_operation_that_the_release_lacks_is_refused_with_the_near_name() -> None:
    assert problems(intent(("get_invoice]", "get_invoices]")), [catalog()]) == [
        (
            "resolve.unknown-operation",
            (
                'behavior.intent:21:33: release 2.4.0 of "billing_read_api" has no operation "get_invoices"; '
                'did you mean "get_invoice"?'
            ),
        )
    ]


def test_a_model_class_that_no_catalog_has_is_refused() -> None:
    assert problems(intent(("id: small", "id: smal")), [catalog()]) == [
        (
            "resolve.unknown-model-class",
            'behavior.intent:27:12: no catalog has a model class "smal"; did you mean "small"?',
        )
    ]


@pytest.mark.parametrize(
    "replacement",
    [("providers: [acme]", "providers: [other]"), ("regions: [eu]", "regions: [ap]")],
)
def test_no_allowed_identity_is_refused_with_what_exists(replacement: tuple[str, str]) -> None:
    found = problems(intent(replacement), [catalog()])
    assert [code for code, _ in found] == ["resolve.no-model"]
    assert f"acme:acme/large@{WEIGHTS} in eu (active), acme:large-2026-01-15 in us (active)" in found[0][1]


def test_an_identity_without_a_region_is_in_none_of_some() -> None:
    found = problems(intent(("role: fallback", "role: fallback, regions: [eu]")), [catalog()])
    assert [code for code, _ in found] == ["resolve.no-model"]
    assert "other:small-2 without region (active)" in found[0][1]


def test_several_allowed_identities_are_refused_with_their_names() -> None:
    found = problems(intent((", regions: [eu]", "")), [catalog()])
    assert [code for code, _ in found] == ["resolve.ambiguous-model"]
    assert f"acme:acme/large@{WEIGHTS} in eu, acme:large-2026-01-15 in us; narrow providers or regions" in found[0][1]


def test_a_choice_is_made_by_deprecating_the_others() -> None:
    found = binding(intent((", regions: [eu]", "")), catalog(("region: us", "region: us\n        status: deprecated")))
    assert found.models[0].identity == f"acme/large@{WEIGHTS}"


def test_a_component_without_a_path_is_refused() -> None:
    assert problems(intent(("id: skills", "id: skill")), [catalog()]) == [
        (
            "resolve.unknown-component",
            'behavior.intent:30:10: no catalog has a path for component "skill"; did you mean "skills"?',
        )
    ]


def test_a_component_that_cannot_be_read_is_told_beside_the_others() -> None:
    def read(path: str) -> Digest:
        raise COMPONENT_EMPTY.error(f"{path} is empty")

    with pytest.raises(InvalidInputError) as caught:
        resolve(intent(("id: small", "id: smal")), [catalog()], read)
    assert [p.reason.code for p in caught.value.problems] == [
        "resolve.unknown-model-class",
        "component.empty",
        "component.empty",
    ]


@pytest.mark.attack("A43")
def test_each_component_is_read_once() -> None:
    read: list[str] = []

    def reader(path: str) -> Digest:
        read.append(path)
        return digest_of(str(len(read)).encode())

    found = resolve(intent(), [catalog()], reader)
    assert sorted(read) == ["prompts/system.md", "skills"]
    assert len({c.digest for c in found.components}) == 2


def test_the_same_entry_in_two_catalogs_is_refused() -> None:
    found = problems(intent(), [catalog(name="a.yaml"), catalog(name="b.yaml")])
    assert found == [
        ("catalog.duplicate-entry", f"{what} is in a.yaml and in b.yaml; keep one")
        for what in (
            'tool "billing_read_api"',
            'tool "search"',
            'model class "large"',
            'model class "small"',
            'component "skills"',
            'component "system-prompt"',
        )
    ]


def test_without_catalogs_everything_is_missing() -> None:
    assert [code for code, _ in problems(intent(), [])] == [
        "resolve.unknown-tool",
        "resolve.unknown-tool",
        "resolve.unknown-model-class",
        "resolve.unknown-model-class",
        "resolve.unknown-component",
        "resolve.unknown-component",
    ]
