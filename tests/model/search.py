"""Breadth first through every state: the first step that breaks a property has the shortest way to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from model.properties import broken
from model.protocol import all_lines, steps
from model.state import IDLE, NOBODY, Left, Run, State, canonical
from model.surroundings import around

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model.bounds import Bounds
    from model.protocol import Protocol

NO_RUNS = (Run(), Run())
MOST_STEPS = 100
"""No run takes as many steps on its own."""


class Explored(NamedTuple):
    """What a search came to: how many states and steps there were, how long the longest shortest way is."""

    states: int
    steps: int
    depth: int
    broken: str = ""
    trace: tuple[str, ...] = ()

    def shown(self) -> str:
        """A counterexample, or the figures, for people."""
        if not self.broken:
            return f"{self.states} states, {self.steps} steps, {self.depth} deep: every property holds"
        lines = [f"{number:>3}. {step}" for number, step in enumerate(self.trace, 1)]
        return "\n".join([f"broken after {len(self.trace)} steps: {self.broken}", *lines])


def successors(protocol: Protocol, state: State, bounds: Bounds) -> Iterator[tuple[str, State]]:
    """Every step that may come next."""
    yield from steps(protocol, state)
    yield from around(protocol, state, bounds)


def explore(protocol: Protocol, bounds: Bounds, *, limit: int = 10_000_000) -> Explored:
    """All states that can be reached within the bounds, or the shortest way to a property that doesn't hold."""
    start = canonical(bounds.start(protocol))
    came: dict[State, tuple[State, str] | None] = {start: None}
    level, depth, taken = [start], 0, 0
    endings = Endings(protocol, bounds)
    while level:
        following: list[State] = []
        for state in level:
            for label, reached in successors(protocol, state, bounds):
                taken += 1
                if wrong := ", ".join(dict.fromkeys(broken(state, reached))):
                    return Explored(len(came), taken, depth + 1, wrong, (*way(came, state), label))
                after = canonical(reached)
                if after in came:
                    continue
                came[after] = (state, label)
                following.append(after)
                if not endings.converges(after):
                    return Explored(len(came), taken, depth + 1, "converges", way(came, after))
                if len(came) > limit:
                    raise AssertionError(f"more than {limit} states")
        level, depth = following, depth + 1
    return Explored(len(came), taken, depth - 1)


def way(came: dict[State, tuple[State, str] | None], state: State) -> tuple[str, ...]:
    """The steps from the start to a state."""
    found: list[str] = []
    at = came[state]
    while at is not None:
        found.append(at[1])
        at = came[at[0]]
    return tuple(reversed(found))


class Endings:
    """Whether everything comes to an end, remembered from one state to the next."""

    def __init__(self, protocol: Protocol, bounds: Bounds) -> None:
        self.protocol, self.bounds = protocol, bounds
        self._ending: set[State] = set()
        self._converging: set[State] = set()

    def converges(self, state: State) -> bool:
        """Left alone, nobody is stuck; and whatever is killed, one more run makes lock and ledger agree.

        The runs finish one after the other. Then, from the same state, all of them are killed instead, and a fresh run
        is made. Only a tail that somebody has planted has to be moved aside by the operator before.
        """
        if state.runs != NO_RUNS and self._alone(state, self._ending) is None:
            return False
        if state.lock == all_lines(state.tree) and not state.has_tail:
            return True
        planted = any(r.by == NOBODY for r in state.ledger[state.covered :])
        idle = state._replace(
            runs=NO_RUNS, ledger=state.tree if planted else state.ledger, left=Left(), signed=frozenset()
        )
        if idle in self._converging:
            return True
        self._converging.add(idle)
        orders = (*self.bounds.orders, *self.bounds.prepared)
        begun = next((s for o in orders if (s := self.protocol.begin(idle, 0, o)) is not None), None)
        done = self._alone(begun, set()) if begun is not None else None
        return done is not None and done.lock == all_lines(done.tree)

    def _alone(self, state: State, known: set[State]) -> State | None:
        """The state when every run has finished and nothing else has happened, or one that is known to get there.

        None if it doesn't.
        """
        way: list[State] = []
        for _ in range(MOST_STEPS):
            if state.runs == NO_RUNS or state in known:
                known.update(way)
                return state
            way.append(state)
            after = self.protocol.step(state, 0) if state.runs[0].step != IDLE else None
            if after is None and state.runs[1].step != IDLE:
                after = self.protocol.step(state, 1)
            if after is None:
                return None
            state = after
        return None
