"""What the closed schemas of predicates can't say: counts that add up, and nothing named twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bspec_opa.foundation.canonical import JsonObject, JsonValue


def evidence_faults(predicate: JsonObject) -> Iterator[str]:
    """What contradicts itself in the predicate of an evaluation run."""
    counts = cast("dict[str, int]", predicate["counts"])
    if counts["n"] != sum(v for k, v in counts.items() if k != "n"):
        yield "/counts n is not the sum of pass, fail, error and skip"
    probes = cast("list[dict[str, int]]", predicate["probes"])
    if any(p["passed"] > p["cases"] for p in probes):
        yield "/probes more passed than cases"
    if _repeats([p["scope_out_id"] for p in probes]):
        yield "/probes names an id twice"
    failed = sum(p["cases"] - p["passed"] for p in probes)
    if failed > counts["n"] - counts["pass"] or any(p["cases"] > counts["n"] for p in probes):
        yield "/probes contradict the counts"
    times = [str(predicate[m]) for m in ("started", "finished", "signed_at")]
    if times != sorted(times):
        yield "/finished lies before started or after signed_at"


def repetitions(predicate: JsonObject) -> Iterator[str]:
    """What a predicate names twice."""
    for member in ("submits", "evidence", "waivers", "reviews", "observed_tools"):
        if _repeats(cast("list[JsonValue]", predicate.get(member, []))):
            yield f"/{member} names something twice"
    for member, key in (("components", "id"), ("approvals", "id"), ("bundles", "name")):
        items = cast("list[JsonObject]", predicate.get(member, []))
        if _repeats([i[key] for i in items]):
            yield f"/{member} names something twice"


def _repeats(items: list[JsonValue] | list[int]) -> bool:
    return len(set(map(str, items))) < len(items)
