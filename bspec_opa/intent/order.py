"""The partial order on capability surfaces, coordinate by coordinate. Pure.

Less or equal is a reduction; whatever grows, or can't be compared, is an expansion. Free text can't be compared, so
a changed purpose or statement is one. Tool contracts and components are compared by their bindings
(:mod:`bspec_opa.intent.change`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.intent import vocabulary as v
from bspec_opa.intent.items import Step, bans, grants, in_order, ladder, number, pairs
from bspec_opa.intent.ranges import parse_range, widens
from bspec_opa.intent.surface import merged, surface_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.intent.items import ChangeItem, Surface, Tokens
    from bspec_opa.intent.model import Intent

# Components that may hold the agent back: without them, or with others, nothing says that it can do no more.
_RESTRAINING = frozenset({"prompt", "guardrail", "orchestration", "config"})
_LIMITS = ("request_seconds", "task_seconds", "max_steps")


# None is below every word and every number.
_NOTHING: Surface = {
    "purpose": "",
    "scope": {"in": [], "out": []},
    "tools": [],
    "models": {"routing": None, "classes": []},
    "components": [],
    "constraints": {
        "data": {"max": None, "categories": [], "residency": []},
        "memory": {"policy": None},
        "logging": {"level": None, "retention_days": 0, "redact": []},
        "limits": dict.fromkeys(_LIMITS),
        "network": {"egress": None, "hosts": []},
        "output": {"forbid": []},
        "delegation": [],
        "self_modification": False,
    },
    "promotion": {},
}


def compare(old: JsonObject | None, new: JsonObject, *, authored: JsonObject | None = None) -> tuple[ChangeItem, ...]:
    """The differences between two surfaces, the gravest first.

    Args:
        old: the surface before; None compares with an agent that can do nothing, which lists every capability.
        new: the surface after.
        authored: the document that paths point into; the new surface itself if left out.
    """
    document = new if authored is None else authored
    if old is None:
        return in_order(s.at(document) for s in _first(new))
    return in_order(s.at(document) for s in (*_general(old, new), *_overlays(old, new)))


def widened_by_overlays(intent: Intent) -> Iterator[tuple[str, Tokens, str]]:
    """Where the overlay of an environment is not narrower: environment, coordinate, sentence."""
    surface: Surface = surface_of(intent)
    for environment in surface["promotion"]:
        for step in _constraints(surface["constraints"], _effective(surface, environment)):
            if step.verdict in {"expansion", "governance"}:
                yield environment, _inside(environment, step.tokens), step.what


def _first(new: Surface) -> Iterator[Step]:
    for step in _general(_NOTHING, new):
        if step.verdict == "expansion":
            yield step


def _general(old: Surface, new: Surface) -> Iterator[Step]:
    if old["purpose"] != new["purpose"]:
        yield Step(
            "expansion", ("purpose",), "the purpose is worded differently" if old["purpose"] else "purpose stated"
        )
    yield from _scope(old["scope"], new["scope"])
    yield from _tools(old["tools"], new["tools"])
    yield from _models(old["models"], new["models"])
    yield from _components(old["components"], new["components"])
    yield from _constraints(old["constraints"], new["constraints"])


def _scope(old: Surface, new: Surface) -> Iterator[Step]:
    for name, before, after in pairs(old["in"], new["in"]):
        at = ("scope", "in", name)
        actions = _actions(before), _actions(after)
        yield from grants((*at, "actions"), "scope action", *actions)
        yield from _statement(at, f"in-scope entry {name}", before, after)
    for name, before, after in pairs(old["out"], new["out"]):
        at = ("scope", "out", name)
        if after is None:
            yield Step("expansion", at, f"out-of-scope entry {name} removed")
        else:
            yield from bans((*at, "actions"), f"out-of-scope entry {name}: action", _actions(before), _actions(after))
            yield from _statement(at, f"out-of-scope entry {name}", before, after)


def _actions(item: Surface | None) -> list[str]:
    return [] if item is None else item["actions"]


def _statement(at: Tokens, label: str, before: Surface | None, after: Surface | None) -> Iterator[Step]:
    if before is not None and after is not None and before["statement"] != after["statement"]:
        yield Step("expansion", (*at, "statement"), f"the statement of {label} is worded differently")


def _tools(old: list[Surface], new: list[Surface]) -> Iterator[Step]:
    for name, before, after in pairs(old, new):
        if after is None:
            yield Step("reduction", ("tools", name), f"tool {name} removed")
        elif before is None:
            yield Step("expansion", ("tools", name), f"tool {name} added at {_capability(after)}")
        else:
            yield from _tool(("tools", name), f"tool {name}", before, after)


def _capability(tool: Surface) -> str:
    """What a new tool brings, in the one item that it has."""
    rungs = ", ".join(f"{n} {tool[n]}" for n in ("privilege", "data", "world", "confirmation", "reversibility"))
    return f"{rungs}, range {tool['version']}"


def _tool(at: Tokens, label: str, old: Surface, new: Surface) -> Iterator[Step]:
    if old["class"] != new["class"]:
        yield Step("expansion", (*at, "class"), f"{label}: class {old['class']} becomes {new['class']}")
    yield from _range((*at, "version"), label, old["version"], new["version"])
    for field, words in (
        ("privilege", v.PRIVILEGES),
        ("data", v.SENSITIVITIES),
        ("reversibility", v.REVERSIBILITIES),
        ("confirmation", v.CONFIRMATIONS),
        ("world", v.WORLDS),
    ):
        yield from ladder((*at, field), f"{label}: {field}", words, old[field], new[field])
    yield from grants((*at, "operations"), f"{label}: operation", old["operations"], new["operations"])
    yield from grants((*at, "serves"), f"{label}: scope entry served", old["serves"], new["serves"])


def _range(at: Tokens, label: str, old: str, new: str) -> Iterator[Step]:
    if old == new:
        return
    before, after = parse_range(old), parse_range(new)
    words = f'{label}: version range "{old}" becomes "{new}"'
    if widens(before, after):
        yield Step("expansion", at, f"{words}, which accepts more releases")
    elif widens(after, before):
        yield Step("reduction", at, f"{words}, which accepts fewer releases")
    else:
        yield Step("cosmetic", at, f"{words}, which accepts the same releases")


def _models(old: Surface, new: Surface) -> Iterator[Step]:
    yield from ladder(("models", "routing"), "model routing", v.ROUTINGS, old["routing"], new["routing"])
    for name, before, after in pairs(old["classes"], new["classes"]):
        at, label = ("models", "classes", name), f"model class {name}"
        if after is None:
            yield Step("reduction", at, f"{label} removed")
        elif before is None:
            yield Step("expansion", at, f"{label} added with role {after['role']}")
        else:
            if before["role"] != after["role"]:
                words = f"{label}: role {before['role']} becomes {after['role']}"
                yield Step("expansion", (*at, "role"), words)
            yield from grants((*at, "providers"), f"{label}: provider", before["providers"], after["providers"])
            yield from grants((*at, "regions"), f"{label}: region", before["regions"], after["regions"])


def _components(old: list[Surface], new: list[Surface]) -> Iterator[Step]:
    for name, before, after in pairs(old, new):
        at = ("components", name)
        if before is None:
            yield Step("expansion", at, f"component {name} added")
        elif after is None:
            verdict: v.Verdict = "expansion" if before["kind"] in _RESTRAINING else "reduction"
            yield Step(verdict, at, f"{before['kind']} component {name} removed")
        elif before["kind"] != after["kind"]:
            words = f"component {name}: kind {before['kind']} becomes {after['kind']}"
            yield Step("expansion", (*at, "kind"), words)


def _constraints(old: Surface, new: Surface) -> Iterator[Step]:
    at = ("constraints",)
    data = (old["data"], new["data"])
    yield from ladder((*at, "data", "max"), "data maximum", v.SENSITIVITIES, data[0]["max"], data[1]["max"])
    for field, label in (("categories", "data category"), ("residency", "data residency")):
        yield from grants((*at, "data", field), label, data[0][field], data[1][field])
    policies = (old["memory"]["policy"], new["memory"]["policy"])
    yield from ladder((*at, "memory", "policy"), "memory policy", v.MEMORIES, *policies)
    yield from _logging((*at, "logging"), old["logging"], new["logging"])
    for field in _LIMITS:
        yield from number((*at, "limits", field), f"limit {field}", old["limits"][field], new["limits"][field])
    yield from _network((*at, "network"), old["network"], new["network"])
    yield from bans((*at, "output", "forbid"), "forbidden output", old["output"]["forbid"], new["output"]["forbid"])
    yield from grants((*at, "delegation"), "delegate", old["delegation"], new["delegation"])
    if old["self_modification"] != new["self_modification"]:
        on = new["self_modification"]
        words = f"self-modification {'allowed' if on else 'no longer allowed'}"
        yield Step("expansion" if on else "reduction", (*at, "self_modification"), words)


def _logging(at: Tokens, old: Surface, new: Surface) -> Iterator[Step]:
    yield from ladder((*at, "level"), "log level", v.LOG_LEVELS, old["level"], new["level"])
    days = (old["retention_days"], new["retention_days"])
    if days[0] != days[1]:
        verdict: v.Verdict = "governance" if days[1] < days[0] else "reduction"
        yield Step(verdict, (*at, "retention_days"), f"log retention goes from {days[0]} to {days[1]} days")
    yield from bans((*at, "redact"), "log redaction", old["redact"], new["redact"])


def _network(at: Tokens, old: Surface, new: Surface) -> Iterator[Step]:
    yield from ladder((*at, "egress"), "network egress", v.EGRESSES, old["egress"], new["egress"])
    # Any host lies in "open" and none in "none", so single hosts say more only from list to list, or from nothing.
    if old["egress"] != "open" and new["egress"] != "open":
        yield from grants((*at, "hosts"), "network host", old["hosts"], new["hosts"])


def _overlays(old: Surface, new: Surface) -> Iterator[Step]:
    """What the constraints of single environments change beyond what the general ones do."""
    general = set(_constraints(old["constraints"], new["constraints"]))
    for environment in sorted({*old["promotion"], *new["promotion"]}):
        for step in _constraints(_effective(old, environment), _effective(new, environment)):
            if step not in general:
                yield Step(step.verdict, _inside(environment, step.tokens), f"in {environment}: {step.what}")


def _effective(surface: Surface, environment: str) -> Surface:
    overlay = surface["promotion"].get(environment, {"constraints": {}})
    return merged(surface["constraints"], overlay["constraints"])


def _inside(environment: str, tokens: Tokens) -> Tokens:
    return ("promotion", environment, *tokens)
