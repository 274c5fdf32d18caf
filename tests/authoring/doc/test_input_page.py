from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bspec_opa.authoring.doc.input_page import MEANINGS, input_page
from bspec_opa.bundle.contract.__main__ import rendered

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject

SCHEMA = json.loads(rendered()["input.json"])


def test_every_member_has_a_meaning_and_no_other() -> None:
    assert MEANINGS.keys() == SCHEMA["properties"].keys()


def test_a_path_for_each_leaf_with_its_words() -> None:
    word: JsonObject = {"type": "string", "enum": ["a", "b"]}
    item: JsonObject = {"type": "object", "properties": {"z": {"type": "integer"}, "a": word}}
    approvals: JsonObject = {"type": "array", "items": {"$ref": "#/$defs/item"}}
    page = input_page({"properties": {"approvals": approvals}, "$defs": {"item": item}})
    assert page.startswith("\n## input.approvals\n")
    assert page.endswith(
        "\n| path | is |\n| --- | --- |\n| `input.approvals[_].a` | `a`, `b` |\n| `input.approvals[_].z` | integer |\n"
    )


def test_what_a_rule_about_approvals_reads_is_there() -> None:
    page = input_page(SCHEMA)
    assert "| `input.approvals[_].decision` | `approve`, `reject` |\n" in page
    assert "| `input.intent.tools[_].privilege` |" in page
