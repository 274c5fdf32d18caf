"""The page of the input: every path that a rule can read, from the closed schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bspec_opa.foundation.canonical import JsonObject

MEANINGS: Mapping[str, str] = {
    "action": "What is asked about. `check` knows no records and no environment.",
    "approvals": "Approvals and rejects by entitled people, also those that don't count: expired, or of something "
    "else. `binds` says which parts of what is promoted the signer saw. Don't count them yourself: "
    "`data.bspec.lib.approvals` does.",
    "authors": "Who submitted, as principals such as `person:ann`.",
    "binding": "What the intent's tools, models and components were resolved to; a list of none or one.",
    "change": "What is different from the line that would be replaced, and whether that widens what the agent may do.",
    "contract": "Always `bspec.input/v1`.",
    "delegates": "Agents that this one may delegate to, and whether they are current in this environment.",
    "environment": "Where to; `none` for a `check`.",
    "evidence": "Runs of evaluations, pooled by question, method, independence and age. Ask `data.bspec.lib.evidence`.",
    "intent": "The `behavior.intent`, with everything filled in that it leaves out.",
    "nonce": "Of this one question; for no rule.",
    "now": "The moment of the decision, for people.",
    "now_unix": "The same in seconds; compare with this one.",
    "predecessor": "The current line of the environment before, such as staging for production; a list of none or one.",
    "predecessor_expected": "Whether this environment has one before it.",
    "rejected": "Records that were not believed, and why.",
    "requester": "Who requested this promotion; a list of none or one.",
    "requirements": "What the intent and the line before demand; `data.bspec.lib.requirements` joins them with the "
    "organisation's.",
    "rollback": "The line that is redeployed, compared with what would be deployed; a list of none or one. Only the "
    "action `rollback` has it.",
    "submits": "Who submitted which version; `current` if it is this one.",
    "surface": "The digest of what the agent may do.",
    "unreviewed": "Emergencies since the last ordinary line here or in the source that nobody uninvolved has reviewed.",
    "waivers": "Waivers. The gate applies them to findings; for no rule.",
    "withdrawn": "Bound releases that their publisher has withdrawn.",
}


def input_page(schema: JsonObject) -> str:
    """The page.

    Args:
        schema: ``bspec.input/v1``.

    Raises:
        KeyError: a member without a meaning.
    """
    members = cast("dict[str, Any]", schema["properties"])
    return "".join(_section(name, members[name], schema) for name in sorted(members))


def _section(name: str, member: Any, schema: JsonObject) -> str:
    rows = "".join(f"| `{path}` | {kind} |\n" for path, kind in _leaves(member, f"input.{name}", schema))
    return f"\n## input.{name}\n{MEANINGS[name]}\n\n| path | is |\n| --- | --- |\n{rows}"


def _leaves(node: Any, path: str, schema: JsonObject) -> Iterator[tuple[str, str]]:
    if "$ref" in node:
        node = cast("Any", schema["$defs"])[node["$ref"].removeprefix("#/$defs/")]
    if node["type"] == "object":
        for name, member in sorted(node["properties"].items()):
            yield from _leaves(member, f"{path}.{name}", schema)
    elif node["type"] == "array":
        yield from _leaves(node["items"], f"{path}[_]", schema)
    else:
        yield path, ", ".join(f"`{word}`" for word in node["enum"]) if "enum" in node else node["type"]
