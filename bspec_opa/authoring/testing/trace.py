"""From OPA's trace of a failing test to the difference between what was expected and what was found.

With ``--var-values`` a failing expression comes with the values of its variables. OPA's compiler has put every call
and reference in a variable of its own, so that of ``found(x) == {...}`` both sides are there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from bspec_opa.authoring.testing.model import Difference
from bspec_opa.authoring.testing.terms import LITERALS, Term, UnresolvedError, Value, value_of, variables_in
from bspec_opa.foundation.errors import Location

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Event = dict[str, Any]
_EQUAL = frozenset({"eq", "equal"})
_SIDES = 3
_MAX_VALUES = 8


class Tracer:
    """Reads the traces of one run.

    Args:
        sources: the author's files by the names that OPA was given.
    """

    def __init__(self, sources: Mapping[str, bytes]) -> None:
        self._lines = {n: d.decode("utf-8", "replace").splitlines() for n, d in sources.items()}

    def differences(self, result: Event) -> tuple[Difference, ...]:
        """Why a test failed, for each of its failing cases."""
        trace = cast("list[Event]", result.get("trace") or [])
        failing = [e for e in trace if e["Op"] == "Fail" and e["Location"]["file"] in self._lines]
        own = _queries(trace, str(result["name"]))
        direct = [e for e in failing if e["QueryID"] in own]
        cases = failing_cases(result)
        if not cases:
            return (self._one("", _furthest(direct), failing, result),)
        return tuple(self._one(" / ".join(c), _furthest(_about(c, direct)), failing, result) for c in cases)

    def source(self, name: str, row: int) -> str:
        """A line of the author's."""
        lines = self._lines.get(name, [])
        return lines[row - 1].strip() if 0 < row <= len(lines) else ""

    def _one(self, case: str, event: Event | None, failing: Sequence[Event], result: Event) -> Difference:
        if event is None:
            at = _place(result["location"])
            return Difference(case, at, self.source(at.file, at.line or 0), "is not true")
        compared = self._compared(case, event)
        if compared is not None:
            return compared
        # The comparison may stand in a helper that the test calls.
        helper = [
            e for e in failing if e["QueryID"] > event["QueryID"] and e["Location"]["file"].endswith("_test.rego")
        ]
        for inner in reversed(helper):
            compared = self._compared(case, inner)
            if compared is not None:
                return compared
        at = _place(event["Location"])
        said = "holds, and must not" if event["Node"].get("negated") else "does not hold, or is undefined"
        return Difference(case, at, self.source(at.file, at.line or 0), said, values=_values(event))

    def _compared(self, case: str, event: Event) -> Difference | None:
        """The difference between the two sides of an equality, if the event is one and both are in the trace."""
        node = event["Node"]
        sides = cast("list[Term]", node.get("terms")) if isinstance(node.get("terms"), list) else []
        if len(sides) != _SIDES or _operator(sides[0]) not in _EQUAL or node.get("negated"):
            return None
        known = _locals(event)
        try:
            left, right = value_of(sides[1], known), value_of(sides[2], known)
        except UnresolvedError:
            return None
        if left == right:  # an equality inside of something that failed otherwise
            return None
        expected, found = (left, right) if _is_literal(sides[1]) and not _is_literal(sides[2]) else (right, left)
        at = _place(event["Location"])
        return _differing(case, at, self.source(at.file, at.line or 0), expected, found)


def failing_cases(result: Event) -> list[tuple[str, ...]]:
    """The names of the failing cases of a test, outermost first."""
    return [path for path, case in _cases(result) if case.get("fail")]


def count_cases(result: Event) -> int:
    """How many cases of a test ran."""
    return len(_cases(result))


def _cases(result: Event) -> list[tuple[tuple[str, ...], Event]]:
    found: list[tuple[tuple[str, ...], Event]] = []
    for name, case in cast("dict[str, Event]", result.get("sub_results") or {}).items():
        inner = _cases(case)
        found += [((name, *path), c) for path, c in inner] if inner else [((name,), case)]
    return found


def _queries(trace: Sequence[Event], name: str) -> set[int]:
    """The queries that evaluate the test's own rule."""
    return {e["QueryID"] for e in trace if isinstance(e["Node"], dict) and _head(e["Node"]) == name}


def _head(node: Event) -> str:
    """The name of a rule's definition; empty for anything else. A test with cases has a reference for a name."""
    head = node.get("head") or {}
    return str(head["ref"][0]["value"] if head.get("ref") else head.get("name", ""))


def _furthest(events: Sequence[Event]) -> Event | None:
    """Of the expressions that failed, the one that the evaluation got furthest to; of equals, the last."""
    best: Event | None = None
    for event in events:
        if best is None or _progress(event) >= _progress(best):
            best = event
    return best


def _progress(event: Event) -> tuple[int, int]:
    return event["Location"]["row"], event["Node"].get("index", 0)


def _about(case: tuple[str, ...], events: Sequence[Event]) -> list[Event]:
    """The events in which the case's names are values of variables; all if no such event is there."""
    found = []
    for event in events:
        values = {str(v.get("value")) for v in event.get("Locals") or []}
        if values >= set(case):
            found.append(event)
    return found or list(events)


def _differing(case: str, at: Location, source: str, expected: Value, found: Value) -> Difference:
    if expected.items is None or found.items is None:
        return Difference(case, at, source, "the values differ", (expected.text,), (found.text,))
    missing = tuple(i for i in expected.items if i not in found.items)
    unexpected = tuple(i for i in found.items if i not in expected.items)
    common = len(expected.items) - len(missing)
    return Difference(case, at, source, "the sets differ", missing, unexpected, common)


def _values(event: Event) -> tuple[tuple[str, str], ...]:
    """Names and values of the author's own variables in an expression."""
    known = _locals(event)
    names = {n: str(m["name"]) for n, m in (event.get("LocalMetadata") or {}).items()}
    found: list[tuple[str, str]] = []
    for variable in variables_in(event["Node"].get("terms")):
        name = names.get(variable, variable)
        if variable in known and not name.startswith("__local"):
            try:
                found.append((name, value_of({"type": "var", "value": variable}, known).text))
            except UnresolvedError:
                continue
    return tuple(found[:_MAX_VALUES])


def _locals(event: Event) -> dict[str, Term]:
    return {str(v["name"]): v for v in event.get("Locals") or []}


def _operator(term: Term) -> str:
    return ".".join(str(p["value"]) for p in term["value"]) if term.get("type") == "ref" else ""


def _is_literal(term: Term) -> bool:
    return term["type"] in LITERALS


def _place(location: Mapping[str, Any]) -> Location:
    return Location(str(location["file"]), location["row"], location["col"])
