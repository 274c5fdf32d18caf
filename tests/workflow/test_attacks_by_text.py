"""Attacks by the text of an intent, through everything that reads one: one documented meaning, or refused by place."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from intents import TEXT

from bspec_opa.foundation.errors import ExitCode, InvalidInputError
from bspec_opa.workflow.checkout.intents import open_intent

if TYPE_CHECKING:
    from project import Project

ACTIONS = "actions: [read:invoice, explain:line-item]"
LAST = "self_modification: false"


def at(old: str, new: str) -> str:
    assert TEXT.count(old) == 1, old
    return TEXT.replace(old, new)


def json_of(*members: str) -> str:
    return "{" + ", ".join(members) + "}"


# attack and case -> text, reason code
CASES: dict[str, tuple[str, str]] = {
    "A32 twice": (at("risk: {tier: high,", "risk: {tier: low, tier: high,"), "document.duplicate-key"),
    "A32 beside a merge": (at("risk: {tier: high,", "risk: {<<: {tier: low}, tier: high,"), "document.merge-key"),
    "A33 twice": (json_of('"schema": "a"', '"schema": "b"'), "document.duplicate-key"),
    "A33 escaped": (json_of('"schema": "a"', '"\\u0073chema": "b"'), "document.duplicate-key"),
    "A34 twin": (at("metadata: {id:", "metadata: {Id: x, id:"), "intent.unknown-field"),
    "A35 two documents": (TEXT + "---\n" + TEXT, "document.several-documents"),
    "A36 NO": (at(LAST, "self_modification: NO"), "document.ambiguous-scalar"),
    "A36 on": (at(LAST, "self_modification: on"), "document.ambiguous-scalar"),
    "A36 octal": (at("days: 365", "days: 0365"), "document.ambiguous-scalar"),
    "A36 sexagesimal": (at("days: 365", "days: 22:22"), "document.ambiguous-scalar"),
    "A36 exponent": (at("days: 365", "days: 1e3"), "document.ambiguous-scalar"),
    "A36 directive": ("%YAML 1.1\n---\n" + TEXT, "document.directive"),
    "A37 bidi": (at("explain line items", "explain \u202eline items"), "document.hidden-character"),
    "A37 zero width": (at("explain line items", "explain\u200b line items"), "document.hidden-character"),
    "A37 decomposed": (at("explain line items", "explain lin\u0065\u0301 items"), "document.not-nfc"),
    "A37 homoglyph": (at("id: refunds", "id: r\u0435funds"), "intent.bad-form"),
    "A38 NaN": (json_of('"schema": NaN'), "document.not-an-integer"),
    "A38 huge": (at("days: 365", "days: 1000000000000000"), "document.integer-range"),
    "A39 tag": (at("days: 365", "days: !!int 365"), "document.tag"),
    "A39 anchor": (at("days: 365", "days: &a 365"), "document.anchor"),
    "A41 empty": ("", "document.empty"),
    "A41 comment": ("# nothing\n", "document.empty"),
    "A66 nesting": (at(ACTIONS, "actions: " + "[" * 5_000 + "]" * 5_000), "document.too-deep"),
    "A66 nested maps": ('{"a":' * 5_000 + "1" + "}" * 5_000, "document.too-deep"),
    "A66 alias": (at(ACTIONS, "actions: *a"), "document.anchor"),
    "A66 alias of itself": (at(ACTIONS, "actions: &a [*a]"), "document.anchor"),
    "A70 traversal": (at("id: billing-support", "id: ../billing"), "intent.bad-form"),
    "A70 NUL": (at("id: billing-support", 'id: "a\\0b"'), "document.hidden-character"),
    "A70 long": (at("id: billing-support", "id: " + "a" * 10_000), "intent.bad-form"),
    "A89 next line": (at(LAST, LAST + "\u0085  x-y: 1"), "document.hidden-character"),
    "A89 line separator": (at(LAST, LAST + "\u2028  x-y: 1"), "document.hidden-character"),
    "A89 paragraph separator": (at(LAST, LAST + "\u2029  x-y: 1"), "document.hidden-character"),
    "A89 carriage return": (at(LAST, LAST + "\r  x-y: 1"), "document.hidden-character"),
}
MARKED = [pytest.param(*case, id=name, marks=pytest.mark.attack(name.split()[0])) for name, case in CASES.items()]


@pytest.mark.parametrize(("text", "code"), MARKED)
def test_refused_by_everything_that_reads_an_intent(signed: Project, text: str, code: str) -> None:
    signed.intent.write_bytes(text.encode())
    before = signed.files()
    for act in (lambda: open_intent(signed.intent), signed.evaluate, signed.promote, signed.submit):
        with signed.refused(code, ExitCode.INVALID):
            act()
    assert signed.files() == before


@pytest.mark.attack("A67")
def test_a_schema_reference_reaches_no_network(signed: Project) -> None:
    """An intent may carry a ``$ref`` in an extension; nobody follows it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        port = server.getsockname()[1]
        signed.change_intent((LAST, f'{LAST}\n  x-schema: {{"$ref": "http://127.0.0.1:{port}/schema.json"}}'))
        signed.evaluate()
        signed.denied()
        with pytest.raises(TimeoutError):
            server.accept()


@pytest.mark.attack("A70")
@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a\0b", "x" * 10_000])
def test_a_result_file_or_log_of_a_hostile_name(resolved: Project, name: str) -> None:
    resolved.submit()
    with pytest.raises(InvalidInputError):
        resolved.attest("boundary", "functional", raw_log={"path": name})
    assert not (resolved.inbox / "evidence").exists()
