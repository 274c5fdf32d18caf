"""The view: exactly what an approver is shown and signs the digest of. Pure.

It holds no times and no ages, so that the gate can rebuild it later from the ids that an approval lists; an approval
of something else doesn't count (attack A87).
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any, cast

from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.closed_schema import escape
from bspec_opa.foundation.digest import digest_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.foundation.digest import Digest

VIEW_SCHEMA = "bspec.view/v1"
EXTENSION = "x-"
MARKS = {"initial": "+", "expansion": "+", "reduction": "-", "cosmetic": "~", "governance": "!"}
"""Change verdict to the mark in front of its line."""

_HIDDEN = frozenset({"Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp"})
_MODEL = ("class", "provider", "identity", "kind", "preview", "immutability", "digest", "region")
_COUNTS = ("n", "pass", "fail", "error", "skip")

# Bindings, changes and predicates were checked against their closed schemas before they get here.
Facts = dict[str, Any]


def build_view(
    *,
    agent: str,
    version: str,
    environment: str,
    base: str,
    source: str,
    intent_digest: Digest,
    surface_digest: Digest,
    change: JsonObject,
    binding: JsonObject | None,
    old_binding: JsonObject | None,
    evidence: Iterable[tuple[Digest, JsonObject]],
    waivers: Iterable[tuple[Digest, JsonObject]] = (),
    extensions: Iterable[JsonObject] = (),
    rollback: Iterable[JsonObject] = (),
) -> JsonObject:
    """The ``bspec.view/v1`` document.

    Args:
        agent: the agent's id.
        version: the intent's version.
        environment: where to.
        base: digest of the environment's current line, or ``genesis``.
        source: digest of the source environment's current line, ``none`` or ``missing``.
        intent_digest: the intent.
        surface_digest: its surface.
        change: ``verdict`` and ``items``; other members are left out.
        binding: what is bound, as in a lock line; None if nothing is.
        old_binding: what the base binds, if there is one.
        evidence: id and predicate of the evidence that the approval lists.
        waivers: id and predicate of the waivers that the approval lists.
        extensions: see :func:`extensions_of`.
        rollback: ``target``, when that was ``promoted``, and whether it is an ``emergency``; none of a promotion.
    """
    return {
        "schema": VIEW_SCHEMA,
        "agent": agent,
        "version": version,
        "environment": environment,
        "base": base,
        "source": source,
        "rollback": [*rollback],
        "intent": {"digest": intent_digest, "surface_digest": surface_digest},
        "change": {"verdict": change["verdict"], "items": change["items"]},
        "artifacts": _artifacts(binding or {}, old_binding or {}),
        "evidence": [_evidence(i, p) for i, p in sorted(evidence, key=lambda e: e[0])],
        "waivers": [_waiver(i, p) for i, p in sorted(waivers, key=lambda w: w[0])],
        "extensions": [*extensions],
    }


def view_digest(view: JsonObject) -> Digest:
    """What an approval signs as ``view``."""
    return digest_json(view)


def _artifacts(new: Facts, old: Facts) -> JsonObject:
    before = {c["id"]: c["digest"] for c in old.get("components", [])}
    after = {c["id"]: c["digest"] for c in new.get("components", [])}
    return {
        "models": [{n: m[n] for n in _MODEL} for m in new.get("models", [])],
        "tools": [
            {
                "id": t["id"],
                "publisher": t["publisher"],
                "trusted": t["trusted"],
                "release": t["release"],
                "artifact": t["artifact"],
                "contract": t["contract"]["digest"],
                "operations": [{n: o[n] for n in ("name", "privilege_floor")} for o in t["operations"]],
            }
            for t in new.get("tools", [])
        ],
        "components": [
            {"id": i, "from": before.get(i, ""), "to": after.get(i, "")} for i in sorted(before.keys() | after.keys())
        ],
    }


def _evidence(record_id: Digest, predicate: Facts) -> JsonObject:
    counts: JsonObject = {name: predicate["counts"][name] for name in _COUNTS}
    return {"id": record_id, "question": predicate["question"], "method": predicate["method"], "counts": counts}


def _waiver(record_id: Digest, predicate: Facts) -> JsonObject:
    return {
        "id": record_id,
        "rule": predicate["rule"]["id"],
        "findings": predicate["findings"],
        "reason": predicate["reason"],
        "requester": predicate["requester"],
        "expires": predicate["expires"],
    }


def extensions_of(document: JsonValue) -> list[JsonObject]:
    """Every ``x-`` member of an intent, with its JSON Pointer and its whole value, sorted by pointer."""
    found: list[JsonObject] = [{"path": path, "value": value} for path, value in _extensions(document, "")]
    return sorted(found, key=lambda e: str(e["path"]))


def _extensions(value: JsonValue, at: str) -> Iterator[tuple[str, JsonValue]]:
    if isinstance(value, dict):
        for name, member in value.items():
            path = f"{at}/{escape(name)}"
            if name.startswith(EXTENSION):
                yield path, member
            else:
                yield from _extensions(member, path)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _extensions(item, f"{at}/{index}")


def render_view(view: JsonObject) -> str:
    """The view as plain text for people; nothing in it is left out, and nothing of it reaches a terminal raw."""
    v = cast("Facts", view)
    lines = [
        *_head(v),
        f"  intent   {v['intent']['digest']}",
        f"  surface  {v['intent']['surface_digest']}",
        f"  base     {v['base']}",
        f"  source   {v['source']}",
        f"change: {v['change']['verdict']}",
        *(f"  {MARKS[i['verdict']]} {i['path'] or '/'}  {i['what']}" for i in v["change"]["items"]),
        *_section("models", map(_model_line, v["artifacts"]["models"])),
        *_section("tools", (line for t in v["artifacts"]["tools"] for line in _tool_lines(t))),
        *_section("components", map(_component_line, v["artifacts"]["components"])),
        *_section("evidence", map(_evidence_line, v["evidence"])),
        *_section("waivers", (line for w in v["waivers"] for line in _waiver_lines(w))),
        *_section("extensions", (f"{e['path']}: {_plain(e['value'])}" for e in v["extensions"])),
    ]
    return "".join(_visible(line) + "\n" for line in lines)


def _head(v: Facts) -> Iterator[str]:
    if not v["rollback"]:
        yield f"{v['agent']} {v['version']} to {v['environment']}"
    for back in v["rollback"]:
        word = "EMERGENCY ROLLBACK" if back["emergency"] else "ROLLBACK"
        yield f"{word} of {v['agent']} in {v['environment']}, back to {v['version']}"
        yield f"  line     {back['target']}"
        yield f"  promoted {back['promoted']}"


def _section(title: str, lines: Iterable[str]) -> list[str]:
    found = [f"  {line}" for line in lines]
    return [title, *found] if found else [f"{title}: none"]


def _model_line(model: Facts) -> str:
    parts = [
        f"{model['class']}: {model['provider']} {model['identity']}",
        model["kind"],
        f"region {', '.join(model['region']) or 'unknown'}",
        f"immutability {model['immutability']}",
        *(f"digest {d}" for d in model["digest"]),
        *(["preview"] if model["preview"] else []),
    ]
    return ", ".join(parts)


def _tool_lines(tool: Facts) -> Iterator[str]:
    trust = "trusted" if tool["trusted"] else "not trusted"
    yield f"{tool['id']} {tool['release']} of {tool['publisher']} ({trust}), contract {tool['contract']}"
    for artifact in tool["artifact"]:
        yield f"  artifact {' '.join([artifact['purl'], *artifact['digest']])}"
    for operation in tool["operations"]:
        yield f"  {operation['name']}: privilege floor {operation['privilege_floor']}"


def _component_line(component: Facts) -> str:
    before, after = component["from"], component["to"]
    if before == after:
        return f"  {component['id']}: {after}, as before"
    if not before:
        return f"+ {component['id']}: {after}"
    return f"~ {component['id']}: {before} becomes {after}" if after else f"- {component['id']}: was {before}"


def _evidence_line(run: Facts) -> str:
    counts = run["counts"]
    rest = ", ".join(
        f"{counts[n]} {word}" for n, word in (("fail", "failed"), ("error", "errors"), ("skip", "skipped"))
    )
    return f"{run['question']} {run['method']}: {counts['pass']} of {counts['n']} passed, {rest} ({run['id']})"


def _waiver_lines(waiver: Facts) -> Iterator[str]:
    yield f"{waiver['rule']}: {waiver['reason']} ({waiver['id']})"
    yield f"  until {waiver['expires']}, asked for by {waiver['requester']}"
    for finding in waiver["findings"]:
        yield f"  {finding['path'] or '/'}  {finding['msg']}"


def _plain(value: JsonValue) -> str:
    return canonical_bytes(value).decode()


def _visible(line: str) -> str:
    return "".join(c if unicodedata.category(c) not in _HIDDEN else f"\\u{{{ord(c):x}}}" for c in line)
