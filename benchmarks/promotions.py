"""Whole promotions, one agent a writer and all on one ledger: how many a second, against one writer alone.

Each writer is a process with an agent, a checkout and signed records of its own. It evaluates once, so that its policy
is compiled; then it sequences, decides, signs, appends and writes its lock, and does so again where others kept moving
the ledger. Projects and people are those of the tests.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.ledger_sql import WRITERS, server, shot
from benchmarks.measure import Figure

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from intents import TEXT
from project import AGENT, TRUST, Project

from bspec_opa.foundation.errors import BspecError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from postgres import Server

KINDS = ("file", "sqlite", "postgresql")
_OWNED = ("agents: [billing-support, other-agent]", "agents: [billing-support]")
_AGENTS = """\
  - {id: billing-support, owners: ["team:support"]}
  - {id: other-agent, owners: ["team:support"]}
"""


def promotions(counts: Sequence[int] = WRITERS, kinds: Sequence[str] = KINDS) -> Iterator[Figure]:
    """Milliseconds a promotion and promotions a second, of several writers against one, for each kind of store."""
    with tempfile.TemporaryDirectory() as place, server() as running:
        for kind in kinds:
            alone = 0.0
            for number in counts:
                directory = Path(place) / f"{kind}-{number}"
                made = _projects(directory, number, _ledger(kind, directory, running), Path(place) / "cache")
                took = shot([_command(p) for p in made])
                each = took / number * 1e3
                assert [len(p.lines()) for p in made] == [1] * number
                alone = alone or each
                name, rival = f"promotion, {number} writers, {kind}", "one writer"
                ratio, rate = round(each / alone, 2), round(number / took, 2)
                yield Figure(name, rival, "wall", round(each, 3), round(alone, 3), ratio, None, rate)


def _ledger(kind: str, directory: Path, running: Server) -> tuple[str, str]:
    if kind == "postgresql":
        return "ledger.url", running.url(running.fresh())
    return (
        ("ledger.path", f"{directory}/ledger") if kind == "file" else ("ledger.url", f"sqlite:///{directory}/ledger.db")
    )


def _projects(directory: Path, number: int, ledger: tuple[str, str], cache: Path) -> list[Project]:
    """One project an agent, under one trust root and with everything signed for staging."""
    agents = [f"agent-{n:02}" for n in range(number)]
    trust = TRUST
    for owned in _OWNED:
        trust = trust.replace(owned, f"agents: [{', '.join(agents)}]")
    trust = trust.replace(_AGENTS, "".join(f'  - {{id: {a}, owners: ["team:support"]}}\n' for a in agents))
    made = []
    for agent in agents:
        project = Project(directory / agent, cache)
        project.base.mkdir(parents=True)
        project.found(TEXT.replace(f"id: {AGENT}", f"id: {agent}"), trust)
        project.flags[ledger[0]] = ledger[1]
        project.submit()
        project.attest_all()
        project.approve("environment-admin")
        project.request()
        made.append(project)
    return made


def _command(project: Project) -> list[str]:
    ((key, value),) = project.flags.items()
    base, cache, now, pin = str(project.base), str(project.cache), str(project.now), str(project.pin)
    return [sys.executable, "-m", "benchmarks.promotions", base, cache, now, pin, key, str(value)]


def _promote(base: str, *rest: str) -> None:
    """One writer, in a process of its own."""
    cache, now, pin, key, value = rest
    project = Project(Path(base), Path(cache), int(now), pin, {key: value})
    project.evaluate()
    print("ready", flush=True)
    sys.stdin.readline()
    while not project.lines():
        try:
            project.promote()
        except BspecError as e:
            if e.exit_code != ExitCode.STORE:
                raise


if __name__ == "__main__":
    _promote(*sys.argv[1:])
