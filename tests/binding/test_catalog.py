from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from materials import CATALOG, DOCUMENTS, PACKAGE, TOOLS, WEIGHTS, catalog, changed, read_document

from bspec_opa.binding.catalog import catalog_digest, load_catalog
from bspec_opa.binding.importers.interface import Hints
from bspec_opa.binding.model import Artifact, Operation
from bspec_opa.foundation.errors import BspecError, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bspec_opa.foundation.canonical import JsonValue

READS = Hints(read_only=True)
HEAD = "schema: bspec.catalog/v1\n"
TOOL = "tools: [{id: t, class: c, publisher: p, releases: [%s]}]\n"
MODEL = "models: [{class: c, identities: [%s]}]\n"


def problems(text: str, documents: Mapping[str, bytes] | None = None) -> list[tuple[str, str]]:
    """Code and full text of each problem."""
    read = read_document if documents is None else documents.__getitem__
    with pytest.raises(InvalidInputError) as caught:
        load_catalog(text.encode(), "c.yaml", read)
    return [(p.reason.code, str(p)) for p in caught.value.problems]


def release(text: str, *, trusted: bool = False) -> list[tuple[str, str]]:
    """The problems of a catalog with one release."""
    return problems(HEAD + (TOOL % text).replace("publisher: p", f"publisher: p, trusted: {str(trusted).lower()}"))


def identity(text: str) -> list[tuple[str, str]]:
    """The problems of a catalog with these identities of one class."""
    return problems(HEAD + MODEL % text)


def test_a_whole_catalog_is_read() -> None:
    found = catalog()
    assert (found.name, [t.id for t in found.tools]) == ("catalog.yaml", ["billing_read_api", "search"])
    billing, search = found.tools
    assert (billing.class_, billing.publisher, billing.trusted, search.trusted) == ("finance", "acme", True, False)
    assert [(r.version, r.status, r.contract.kind) for r in billing.releases] == [
        ("1.9.0", "active", "hand-written/names-only"),
        ("2.10.0", "deprecated", "mcp-tools"),
        ("2.4.0", "active", "mcp-tools"),
    ]
    assert billing.releases[2].artifact == Artifact("pkg:oci/billing@2.4.0", PACKAGE)
    assert billing.releases[0].artifact is None
    assert [(m.class_, m.provider, m.id, m.region, m.status) for m in found.models] == [
        ("large", "acme", f"acme/large@{WEIGHTS}", "eu", "active"),
        ("large", "acme", "large-2026-01-15", "us", "active"),
        ("small", "other", "small-2", None, "active"),
    ]
    assert (found.models[0].digest, found.models[1].digest) == (WEIGHTS, None)
    assert found.models[1].aliases == ("large", "large-newest")
    assert found.components == (("skills", "skills"), ("system-prompt", "prompts/system.md"))


def test_a_trusted_publishers_hints_lower_the_floor_and_a_review_wins_over_them() -> None:
    assert catalog().tools[0].releases[2].operations == (
        Operation("export_invoices", "execute", READS),
        Operation("get_invoice", "read", READS),
        Operation("list_invoices", "read", Hints(read_only=True, open_world=False)),
    )


def test_an_untrusted_publishers_hints_lower_nothing() -> None:
    found = catalog(("    trusted: true\n", ""), ("privilege_floor: read}]", "privilege_floor: write}]"))
    assert [o.privilege_floor for o in found.tools[0].releases[2].operations] == ["execute", "write", "write"]


def test_a_review_can_lower_only_what_a_trusted_publisher_says() -> None:
    inline = "{version: 1.0.0, operations: [{name: a, privilege_floor: none}]}"
    assert release(inline) == [
        (
            "catalog.floor-lowered",
            (
                'c.yaml:2:125: "a" can\'t be lowered from write to none: the publisher is not trusted; '
                "write trusted: true for a publisher whose tools you have reviewed"
            ),
        )
    ]
    found = catalog(("privilege_floor: read}]", "privilege_floor: none}]"))
    assert found.tools[0].releases[0].operations == (Operation("list_invoices", "none", Hints()),)


def test_the_digest_covers_the_document_and_what_it_imports() -> None:
    plain = catalog()
    assert catalog(name="other.yaml").digest == plain.digest
    assert catalog(("publisher: example", "publisher: sample")).digest != plain.digest
    changed_document = {"documents/billing.json": json.dumps({"tools": TOOLS["tools"], "_meta": {}}).encode()}
    same = load_catalog(CATALOG.encode(), "catalog.yaml", changed_document.__getitem__)
    assert same.digest == plain.digest
    other = {"documents/billing.json": DOCUMENTS["documents/billing.json"].replace(b"Lists", b"Deletes")}
    assert load_catalog(CATALOG.encode(), "catalog.yaml", other.__getitem__).digest != plain.digest


def test_the_digest_of_several_catalogs_does_not_depend_on_their_order() -> None:
    one, two = catalog(), catalog(("publisher: example", "publisher: sample"))
    assert catalog_digest([one, two]) == catalog_digest([two, one])
    assert len({catalog_digest(c) for c in ([], [one], [two], [one, two])}) == 4


def test_entries_change_with_what_was_reviewed_and_not_with_the_life_cycle() -> None:
    def entries(*replacements: tuple[str, str]) -> list[str]:
        found = catalog(*replacements)
        tool, model = found.tools[0], found.models[1]
        return [tool.entry_digest(tool.releases[2]), model.entry_digest()]

    same = entries(("2.4.0\n", "2.4.0\n        status: yanked\n"), ("2027-01-01", "2026-01-01"), (", large-newest", ""))
    assert same == entries()
    other = entries(("privilege_floor: execute", "privilege_floor: admin"), ("region: us", "region: eu-2"))
    assert [a == b for a, b in zip(other, entries(), strict=True)] == [False, False]


def test_a_json_catalog_is_read() -> None:
    text = json.dumps({"schema": "bspec.catalog/v1", "components": {"a": {"path": "b"}}})
    assert load_catalog(text.encode(), "c.json", read_document).components == (("a", "b"),)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[]", "must be an object"),
        ("schema: bspec.catalog/v2", "c.yaml:1:9: schema: must be one of bspec.catalog/v1"),
        ("tools: []", 'lacks "schema"'),
        (HEAD + "tool: []", 'c.yaml:2:1: tool: unknown member "tool"; did you mean "tools"?'),
        (HEAD + "tools: [{id: t, class: c, publisher: p, releases: []}]", "tools[0].releases: must have 1 to"),
        (HEAD + "tools: [{id: T, class: c, publisher: p, releases: []}]", "tools[0].id: has another form"),
        (HEAD + TOOL % "{version: 1.0.0, statis: active}", 'unknown member "statis"; did you mean "status"?'),
        (HEAD + TOOL % "{version: 1.0.0, status: gone}", "status: must be one of active"),
        (
            HEAD + TOOL % "{version: 1.0.0, document: {importer: magic, path: x}}",
            "document.importer: must be one of mcp-tools",
        ),
        (HEAD + MODEL % "{provider: p, id: x}", 'models[0].identities[0]: lacks "immutability"'),
        (HEAD + "components: {a: {}}", 'c.yaml:2:17: components.a: lacks "path"'),
        (HEAD + "components: {A: {path: x}}", "c.yaml:2:14: component id 'A' has another form than [a-z0-9._-]"),
        (HEAD + "components: {a/b~: {path: x}}", "c.yaml:2:14: component id 'a/b~' has another form"),
        (HEAD + "components: [a]", "c.yaml:2:13: components: must be an object"),
        (
            HEAD
            + MODEL
            % "{provider: p, id: x, kind: vendor-snapshot, preview: false, immutability: provider-asserted, retires_at: '2026-02-30T00:00:00Z'}",
            "does not exist",
        ),
    ],
)
def test_another_shape_is_refused_with_its_place(text: str, expected: str) -> None:
    found = problems(text)
    assert {code for code, _ in found} == {"catalog.bad-shape"}
    assert any(expected in message for _, message in found), found


def test_what_is_listed_twice_is_refused() -> None:
    tool = "{id: t, class: c, publisher: p, releases: [%s]}"
    one = "{version: 1.0.0, operations: [{name: a, privilege_floor: write}]}"
    twice = "{version: 2.0.0, operations: [{name: a, privilege_floor: write}, {name: a, privilege_floor: admin}]}"
    model = "{class: c, identities: [%s]}"
    snapshot = "{provider: p, id: x, kind: vendor-snapshot, preview: false, immutability: provider-asserted}"
    text = (
        HEAD
        + f"tools: [{tool % one}, {tool % f'{one}, {one}, {twice}'}]\n"
        + f"models: [{model % snapshot}, {model % f'{snapshot}, {snapshot}'}]\n"
    )
    found = problems(text)
    assert {code for code, _ in found} == {"catalog.duplicate-entry"}
    assert sorted(message.split(": ", 1)[1] for _, message in found) == [
        "identity 'x' is listed twice; keep one",
        "identity 'x' is listed twice; keep one",
        'model class "c" is listed twice; keep one',
        'operation "a" is listed twice; keep one',
        'release "1.0.0" is listed twice; keep one',
        'tool "t" is listed twice; keep one',
    ]


@pytest.mark.parametrize("version", ["latest", "main", "'${VERSION}'", "''", "'>=2.0'", "'1.0 '"])
def test_a_release_that_is_none_is_refused(version: str) -> None:
    found = release(f"{{version: {version}, operations: [{{name: a, privilege_floor: write}}]}}")
    assert [(code, text.startswith("c.yaml:2:")) for code, text in found] == [("catalog.no-identity", True)]


@pytest.mark.parametrize(
    ("purl", "why"),
    [
        ("pkg:oci/x@latest", 'ends in "latest"'),
        ("pkg:oci/x@${VERSION}", "placeholder"),
        ("pkg:npm/%40scope/x", "neither a version nor a digest"),
        ("pkg:npm/x?a=b@1", "neither a version nor a digest"),
        ("npm/x@1", "no package URL"),
    ],
)
def test_a_package_url_that_names_no_package_is_refused(purl: str, why: str) -> None:
    found = release(
        f"{{version: 1.0.0, artifact: {{purl: '{purl}'}}, operations: [{{name: a, privilege_floor: write}}]}}"
    )
    assert [code for code, _ in found] == ["catalog.no-identity"]
    assert why in found[0][1]


def test_a_digest_makes_up_for_a_version() -> None:
    found = catalog(("pkg:oci/billing@2.4.0", "pkg:oci/billing")).tools[0].releases[2].artifact
    assert found == Artifact("pkg:oci/billing", PACKAGE)


@pytest.mark.parametrize("text", ["{version: 1.0.0}", "{version: 1.0.0, operations: []}"])
def test_a_release_without_any_operation_is_refused(text: str) -> None:
    assert [code for code, _ in release(text)] == ["catalog.no-contract"]


def test_a_reviewed_operation_that_does_not_exist_is_refused_with_the_near_name() -> None:
    found = problems(changed(CATALOG, ("name: export_invoices", "name: export_invoice")))
    assert found == [
        (
            "catalog.unknown-operation",
            'c.yaml:12:20: the document has no operation "export_invoice"; did you mean "export_invoices"?',
        )
    ]


@pytest.mark.parametrize(
    ("id_", "rest", "why"),
    [
        ("latest", "kind: vendor-snapshot, immutability: provider-asserted", "may point to something else"),
        ("x-latest", "kind: vendor-snapshot, immutability: provider-asserted", "may point to something else"),
        ("", "kind: vendor-snapshot, immutability: provider-asserted", "is empty"),
        ("x, aliases: [x]", "kind: vendor-snapshot, immutability: provider-asserted", "is an alias of p"),
    ],
)
def test_a_model_id_that_names_nothing_for_ever_is_refused(id_: str, rest: str, why: str) -> None:
    found = identity(f"{{provider: p, preview: false, {rest}, id: {id_ or repr('')}}}")
    assert [code for code, _ in found] == ["catalog.no-identity"]
    assert why in found[0][1]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("id: ns/m@main7, kind: hf-commit, immutability: content", "40 hexadecimal digits"),
        ("id: ns/m@abc, kind: oci-digest, immutability: content", "64 hexadecimal digits"),
        (
            f"id: 'ns/m@{WEIGHTS}', digest: '{PACKAGE}', kind: oci-digest, immutability: content",
            "its own 64 hexadecimal digits",
        ),
        ("id: m, kind: oms-root, immutability: content", "needs the digest"),
        ("id: m, kind: vendor-snapshot, immutability: content", "can't be checked by content"),
    ],
)
def test_an_identity_must_be_what_its_kind_promises(text: str, why: str) -> None:
    found = identity(f"{{provider: p, preview: false, {text}}}")
    assert [code for code, _ in found] == ["catalog.kind-mismatch"]
    assert why in found[0][1]


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        (f"id: 'ns/m@{'ab' * 20}', kind: hf-commit, immutability: content", None),
        (f"id: 'ns/m@{WEIGHTS}', kind: oci-digest, immutability: content", WEIGHTS),
        (f"id: 'ns/m@{WEIGHTS}', digest: '{WEIGHTS}', kind: oci-digest, immutability: content", WEIGHTS),
        (f"id: m, digest: '{PACKAGE}', kind: oms-root, immutability: content", PACKAGE),
    ],
)
def test_identities_by_content(text: str, digest: str | None) -> None:
    whole = HEAD + MODEL % f"{{provider: p, preview: false, {text}}}"
    assert [m.digest for m in load_catalog(whole.encode(), "c.yaml", read_document).models] == [digest]


@pytest.mark.attack("A70")
@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../x", "a//b", ".git/config", "x" * 201])
def test_paths_stay_below(path: str) -> None:
    assert [c for c, _ in release(f"{{version: 1.0.0, document: {{importer: mcp-tools, path: '{path}'}}}}")] == [
        "catalog.bad-path"
    ]
    assert [c for c, _ in problems(HEAD + f"components: {{a: {{path: '{path}'}}}}")] == ["catalog.bad-path"]


@pytest.mark.attack("A70")
@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=12))
def test_no_component_path_leaves_the_root(path: str) -> None:
    text = json.dumps({"schema": "bspec.catalog/v1", "components": {"a": {"path": path}}})
    try:
        found = load_catalog(text.encode(), "c.json", read_document)
    except BspecError as e:
        assert e.code == "catalog.bad-path"  # noqa: PT017 - both outcomes are right
    else:
        assert not any(part in ("", ".", "..") for part in found.components[0][1].split("/"))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"[]", ("import.no-tools", "c.yaml:2:107: d.json: the tool list is empty")),
        (b'{"tools": [{"name": "a", "inputSchema": {"minimum": 0.5}}]}', ("document.not-an-integer", "d.json:1:53: ")),
        (b'{"tools": [{"name": "a", "name": "b"}]}', ("document.duplicate-key", "d.json:1:26: ")),
        (b"not json", ("document.syntax", "d.json:1:1: ")),
        (b'{"tools": [{}]}', ("import.bad-document", "c.yaml:2:107: d.json: tools[0] has no name")),
    ],
)
def test_a_bad_document_is_told_with_its_own_place_or_where_it_is_named(data: bytes, expected: tuple[str, str]) -> None:
    text = HEAD + TOOL % "{version: 1.0.0, document: {importer: mcp-tools, path: d.json}}"
    found = problems(text, {"d.json": data})
    assert [code for code, _ in found] == [expected[0]]
    assert found[0][1].startswith(expected[1])


def test_a_missing_document_is_told_once_for_all_releases() -> None:
    found = problems(CATALOG.replace("documents/billing.json", "documents/none.json"))
    assert [code for code, _ in found] == ["file.unreadable"]


def test_documents_may_hold_what_people_must_not_write() -> None:
    described: JsonValue = [{"name": "a", "description": "fine \ufe0f", "inputSchema": {}}]
    text = HEAD + TOOL % "{version: 1.0.0, document: {importer: mcp-tools, path: d.json}}"
    found = load_catalog(text.encode(), "c.yaml", {"d.json": json.dumps(described).encode()}.__getitem__)
    assert found.tools[0].releases[0].operations == (Operation("a", "write", Hints()),)


def test_all_problems_are_told_at_once() -> None:
    text = changed(
        CATALOG,
        ("version: 2.10.0", "version: latest"),
        ("name: export_invoices", "name: export"),
        ("kind: oci-digest", "kind: hf-commit"),
        ("path: skills", "path: ../skills"),
    )
    assert [code for code, _ in problems(text)] == [
        "catalog.unknown-operation",
        "catalog.no-identity",
        "catalog.kind-mismatch",
        "catalog.bad-path",
    ]
