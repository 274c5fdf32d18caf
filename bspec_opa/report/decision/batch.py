"""One of many evaluations, shortly, and what became of them all (``bspec.evaluations/v1``)."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bspec_opa.foundation.errors import ExitCode, worst
from bspec_opa.report.decision.evaluation_json import VERDICTS as WORDS
from bspec_opa.report.decision.evaluation_json import evaluation_json
from bspec_opa.report.decision.text import VERDICTS, denials, squeeze
from bspec_opa.report.writing.counting import count
from bspec_opa.report.writing.printable import printable, render_json
from bspec_opa.report.writing.problems import problems_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.foundation.errors import BspecError
    from bspec_opa.report.writing.style import Style
    from bspec_opa.workflow.facts.evaluation import Evaluation

FAILED = "failed"
KINDS = ("allowed", "pending", "denied", FAILED)
SCREEN = 20
"""Of more results than this the bad ones are named again at the end: they would have scrolled away."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of one intent of many; plain data, because it may come from another process.

    Attributes:
        code: as if it had been the only one.
        verdict: allowed, pending, denied or failed.
        shown: the text or the JSON line that says so, ending with a line break.
    """

    code: ExitCode
    verdict: str
    shown: str


def judged_text(evaluation: Evaluation, code: ExitCode, style: Style) -> Judged:
    """The verdict on a line, and below it what denies. What is pending is told of a single intent."""
    word, colour = VERDICTS[evaluation.exit_code]
    decision = evaluation.decision
    numbers = ((decision.denied, "denied"), (decision.pending, "pending"), (decision.warned, "warned"))
    told = ", ".join(f"{len(rules)} {what}" for rules, what in numbers if rules)
    advisory = "advisory" if evaluation.advisory else ""
    subject = f"{evaluation.agent} {evaluation.version} → {evaluation.environment}"
    remarks = ", ".join(t for t in (advisory, told) if t)
    head = f"{style.mark(f'{word:<7}', 'bold', colour)}  {printable(evaluation.document.name)}  {printable(subject)}"
    lines = [head + (f"   ({remarks})" if remarks else ""), *denials(evaluation, style)]
    return Judged(code, WORDS[int(evaluation.exit_code)], "\n".join(squeeze(lines)) + "\n")


def judged_json(evaluation: Evaluation, next_steps: Sequence[str], code: ExitCode) -> Judged:
    """The whole ``bspec.evaluation/v1`` on a line."""
    document = evaluation_json(evaluation, next_steps, exit_code=code)
    return Judged(code, WORDS[int(evaluation.exit_code)], render_json(document, one_line=True))


def failed(file: str, error: BspecError, style: Style, *, as_json: bool) -> Judged:
    """An intent on which nothing could be decided."""
    if as_json:
        return Judged(error.exit_code, FAILED, render_json(problems_json(error, file), one_line=True))
    head = f"{style.mark('FAILED ', 'bold', 'red')}  {printable(file)}"
    lines = [head, *(f"  {printable(f'{p} [{p.reason.code}]')}" for p in error.problems)]
    return Judged(error.exit_code, FAILED, "".join(line + "\n" for line in lines))


class Tally:
    """Counts verdicts, and knows the exit code of the whole."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._codes: set[ExitCode] = set()
        self._bad: list[str] = []

    def add(self, judged: Judged) -> None:
        """One more."""
        if judged.verdict in {"denied", FAILED}:
            self._bad.append(judged.shown.partition("\n")[0])
        self._counts[judged.verdict] += 1
        self._codes.add(judged.code)

    @property
    def exit_code(self) -> ExitCode:
        """The worst of all; without any, nothing was right."""
        return worst(self._codes) if self._codes else ExitCode.INTERNAL

    def text(self, environment: str) -> str:
        """The last lines."""
        again = "".join(f"{head}\n" for head in self._bad[:SCREEN]) if self._counts.total() > SCREEN else ""
        if again:
            left_off = len(self._bad) - SCREEN
            again = f"\nnot allowed:\n{again}" + (f"and {left_off} more\n" if left_off > 0 else "") + "\n"
        said = ", ".join(f"{self._counts[k]} {k}" for k in KINDS if self._counts[k])
        return f"{again}{count(self._counts.total(), 'intent')} → {printable(environment)}: {said}\n"

    def json(self, environment: str, shown: Iterable[str]) -> JsonObject:
        """``bspec.evaluations/v1``, with every result in the order of the intents."""
        counts: dict[str, JsonValue] = {k: self._counts[k] for k in KINDS}
        return {
            "schema": "bspec.evaluations/v1",
            "exit_code": int(self.exit_code),
            "environment": environment,
            "counts": counts,
            "results": [json.loads(line) for line in shown],
        }
