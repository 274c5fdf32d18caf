"""What verbs print with --format json fits its published schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator
from policy_tree import good_tree, write
from shell import fill_result

from bspec_opa.foundation.closed_schema import violations
from bspec_opa.intent.schema import PUBLISHED as INTENT_SCHEMA
from bspec_opa.report.schemas import SCHEMAS
from bspec_opa.report.writing.schema_parts import OPEN
from bspec_opa.trust.predicates import check_predicate

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Shell

    At = Callable[[str], Shell]

PUBLISHED = Path(__file__).parents[2] / "docs" / "schemas"
STAGING = ("behavior.intent", "--env", "staging")
PRODUCTION = ("behavior.intent", "--env", "production")
APPROVE = ("approve", *STAGING, "--role", "environment-admin", "--key", "keys/environment-admin.pem")
ATTEST = ("attest", *STAGING, "--result", "results/boundary-functional.json")
DATA = Path(__file__).parents[2] / "bundles" / "elevated.data.json"

# stage, command, the document's name
CASES: dict[str, tuple[str, tuple[str, ...], str]] = {
    "error": ("empty", ("show",), "error"),
    "usage": ("empty", ("validat",), "error"),
    "valid": ("bare", ("validate", "behavior.intent"), "validation"),
    "invalid": ("bare", ("validate", "behavior.intent", "missing"), "validation"),
    "checked": ("bare", ("check", "behavior.intent", "--fail-on-warn"), "check"),
    "not checked": ("bare", ("check", "behavior.intent", "missing"), "check"),
    "advice": ("bare", ("evaluate", *STAGING), "evaluation"),
    "allowed": ("signed", ("evaluate", *STAGING, "--fail-on-warn"), "evaluation"),
    "many": ("bare", ("evaluate", "behavior.intent", "missing", "--env", "staging"), "evaluations"),
    "denied": ("signed", ("evaluate", *PRODUCTION), "evaluation"),
    "explained": ("bare", ("explain", *STAGING), "explanation"),
    "explained a denial": ("signed", ("explain", *PRODUCTION), "explanation"),
    "explained a record": ("staged", ("explain", "entry:6", "TOL-03"), "explanation"),
    "impact": ("staged", ("policy", "impact", "elevated"), "impact"),
    "impact of what is no input": ("staged", ("policy", "impact", "default", "behavior.lock"), "impact"),
    "promoted": ("signed", ("promote", *STAGING), "promotion"),
    "pending": ("bound", ("promote", *STAGING), "promotion"),
    "unbound": ("ready", ("promote", *STAGING), "promotion"),
    "current": ("staged", ("promote", *STAGING), "promotion-current"),
    "submit": ("bound", ("submit", "behavior.intent"), "record"),
    "attest": ("bound", ATTEST, "record"),
    "approve": ("bound", APPROVE, "record"),
    "request": ("bound", ("request", *STAGING), "record"),
    "record": ("signed", ("record", "behavior.intent"), "recorded"),
    "resolve": ("ready", ("resolve", "behavior.intent"), "resolution"),
    "trust init": ("bare", ("trust", "init", "trust.yaml", "--key", "keys/root.pem"), "trust-state"),
    "draft of a root": (
        "staged",
        ("trust", "revoke", "keys/evaluator.pub.pem", "--mode", "retired", "--reason", "left"),
        "trust-draft",
    ),
    "chain of roots": ("staged", ("trust", "verify"), "trust-chain"),
    "trust show": ("ready", ("trust", "show"), "trust-state"),
    "trust renew": ("ready", ("trust", "renew", "--key", "keys/root.pem"), "trust-state"),
    "key generate": ("empty", ("key", "generate", "me.pem"), "key"),
    "key show": ("ready", ("key", "show", "keys/root.pub.pem"), "key"),
    "waivers": ("live", ("waivers", "behavior.intent"), "waivers"),
    "show": ("live", ("show",), "lock"),
    "verify": ("live", ("verify",), "verification"),
    "revoke": ("staged", ("revoke", "entry:6", "--reason", "x"), "revoked"),
    "retire": ("staged", ("retire", "billing-support", "--all", "--reason", "x"), "retired"),
    "history": ("live", ("history", "billing-support", "--denials"), "history"),
    "audit": ("live", ("audit", "--at", "12"), "audit"),
    "pack": ("live", ("audit", "evidence-pack", "pack"), "pack"),
    "report": ("live", ("report", "."), "controls"),
    "report of an intent": ("bare", ("report", *STAGING), "controls"),
    "inspect": ("empty", ("bundle", "inspect"), "bundle"),
    "build": (
        "empty",
        ("bundle", "build", "--reuse-wasm", "default", "-o", "x.tar.gz", "--data", str(DATA)),
        "bundle-built",
    ),
    "export": ("empty", ("bundle", "export", "-o", "x.tar.gz"), "bundle-exported"),
    "push": ("empty", ("bundle", "push", "default", "oci:images"), "bundle-pushed"),
    "pull": ("empty", ("bundle", "pull", "oci:images", "-o", "x.tar.gz"), "bundle-pulled"),
    "sign": (
        "empty",
        ("bundle", "sign", "default", "--key", "publisher.pem", "--sequence", "1", "-o", "x.tar.gz"),
        "bundle-signed",
    ),
    "verify a bundle": ("empty", ("bundle", "verify", "s.tar.gz", "--key", "publisher.pub.pem"), "bundle-verified"),
    "inspect a signed one": ("empty", ("bundle", "inspect", "s.tar.gz"), "bundle"),
    "diff": ("empty", ("bundle", "diff", "elevated", "s.tar.gz"), "bundle-diff"),
    "ledger verify": ("live", ("ledger", "verify"), "ledger-verification"),
    "ledger export": ("staged", ("ledger", "export", "public"), "ledger-export"),
    "ledger import": ("staged", ("ledger", "import", ".bspec/ledger", "--ledger-path", "x"), "ledger-import"),
    "ledger init": ("ready", ("ledger", "init", "--ledger-url", "sqlite:///x"), "ledger-init"),
    "ledger ddl": ("empty", ("ledger", "ddl"), "ledger-ddl"),
    "policy new": ("empty", ("policy", "new", "global/tools/no_shell"), "policy-new"),
    "policy test": ("empty", ("policy", "test"), "policy-test"),
    "policy bench": ("empty", ("policy", "bench", "--repeat", "1"), "policy-bench"),
    "policy lint": ("empty", ("policy", "lint"), "lint"),
    "doctor empty": ("empty", ("doctor",), "doctor"),
    "doctor": ("live", ("doctor",), "doctor"),
    "init": ("bare", ("init", ".", "--trial-keys"), "init"),
}

ELSEWHERE = {
    "bspec.ledger-restart/v1",
    "bspec.bundle-serving/v1",
    "bspec.bundle-serving-event/v1",
    "bspec.policy-doc/v1",
}
"""Of what runs until it is stopped: tests/cli/test_bundle_serve.py; of what --json prints: tests/cli/test_policy_doc.py;
of a ledger that starts again: tests/cli/test_trust_rotation.py."""
ELSEWHERE |= {"bspec.waiver/v1"}  # tests/cli/test_waive.py
ELSEWHERE |= {"bspec.witness/v1", "bspec.witness-event/v1", "bspec.cosigned/v1"}  # tests/cli/test_ledger_witness.py
ELSEWHERE |= {"bspec.ledger-head/v1"}  # tests/cli/test_ledger_head.py


def faults(document: Any) -> list[Any]:
    """What keeps a document from fitting its schema, by our own check and by jsonschema's."""
    schema = SCHEMAS[document["schema"]]
    name = document["schema"].removeprefix("bspec.").replace("/", ".")
    published = json.loads((PUBLISHED / f"{name}.json").read_text(encoding="utf-8"))
    return [
        *violations(closed(schema), without_open(schema, document)),
        *Draft202012Validator(published).iter_errors(document),
    ]


def is_open(schema: Any) -> bool:
    """Whether a member is another schema's, or a list of such; those have tests of their own."""
    return bool(schema == OPEN) or bool(schema and schema.get("items") == OPEN)


def closed(schema: Any) -> Any:
    """The schema without its open members, which our own check does not know."""
    if schema["type"] == "array":
        return schema | {"items": closed(schema["items"])}
    if schema["type"] != "object":
        return schema
    kept = {n: closed(s) for n, s in schema["properties"].items() if not is_open(s)}
    return schema | {"properties": kept, "required": [n for n in schema["required"] if n in kept]}


def without_open(schema: Any, value: Any) -> Any:
    """The value without what stands in open members."""
    if schema["type"] == "array" and isinstance(value, list):
        return [without_open(schema["items"], v) for v in value]
    if schema["type"] != "object" or not isinstance(value, dict):
        return value
    members = schema["properties"]
    return {n: without_open(members.get(n, {"type": ""}), v) for n, v in value.items() if not is_open(members.get(n))}


@pytest.mark.parametrize("case", CASES)
def test_what_is_printed_fits(shell_at: At, case: str, opa_path: Path) -> None:
    stage, arguments, name = CASES[case]
    shell = shell_at(stage)
    shell.variables["BSPEC_OPA_OPA"] = str(opa_path)
    if case in {"policy test", "policy bench", "policy lint"}:
        write(Path("policies"), good_tree())
    if case == "trust init":
        shell.ok("init", ".", "--trial-keys")
    if case == "pull":
        shell.ok("bundle", "push", "default", "oci:images")
    if case == "attest":
        fill_result(Path("results/boundary-functional.json"), shell.now)
    if "publisher.pem" in arguments or "s.tar.gz" in arguments:
        shell.ok("key", "generate", "publisher.pem", "--publisher")
        shell.ok("bundle", "sign", "default", "--key", "publisher.pem", "--sequence", "1", "-o", "s.tar.gz")
    result = shell(*arguments, "--format", "json")
    document = result.json
    assert document["schema"] == f"bspec.{name}/v1"
    assert document["exit_code"] == result.code
    assert faults(document) == []


def test_every_schema_has_a_case() -> None:
    assert {f"bspec.{name}/v1" for _, _, name in CASES.values()} == SCHEMAS.keys() - ELSEWHERE


def test_a_wrong_document_does_not_fit(shell_at: At) -> None:
    document = shell_at("empty")("show", "--format", "json").json
    document["problems"][0]["line"] = "1"
    document["more"] = True
    assert len(faults(document)) == 4


def test_what_a_lock_says_is_a_predicate(shell_at: At) -> None:
    lines = shell_at("live")("show", "--format", "json").json["lines"]
    for line in lines:
        check_predicate("promotion", line["predicate"])
    published = json.loads((PUBLISHED / "record-promotion.v1.json").read_text(encoding="utf-8"))
    assert [list(Draft202012Validator(published).iter_errors(line["predicate"])) for line in lines] == [[], []]


@pytest.mark.parametrize("path", sorted(PUBLISHED.glob("*.json")), ids=lambda p: p.stem)
def test_what_is_published_is_a_schema(path: Path) -> None:
    schema = json.loads(path.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    # The intent's schema is the package's own file, which says what it is called.
    own = json.loads(INTENT_SCHEMA.read_text(encoding="utf-8"))
    assert schema["$id"] == (own["$id"] if path.stem == INTENT_SCHEMA.stem else f"urn:bspec-opa:schema:{path.stem}")
