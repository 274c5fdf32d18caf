"""docs/rollback.md is followed word by word, in a project where the newest of two versions misbehaves."""

from __future__ import annotations

import contextlib
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import transcript
from shell import shelf, shell_at

from bspec_opa.foundation.closed_schema import violations
from bspec_opa.report.schemas import SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Shell

__all__ = ["shelf", "shell_at"]

DAY = 86_400
PAGE = Path(__file__).parents[1] / "docs" / "rollback.md"


def on_call(shell: Shell) -> Shell:
    """Both versions were in production; who may review emergencies is somebody whom ``init`` made."""
    shell.now += DAY
    intent = Path("behavior.intent")
    text = intent.read_text(encoding="utf-8")
    for old, new in (("version: 1.0.0", "version: 1.1.0"), ("max_steps: 20", "max_steps: 15")):
        assert text.count(old) == 1
        text = text.replace(old, new)
    intent.write_text(text, encoding="utf-8")
    shell.bind()
    for environment in ("staging", "production"):
        shell.sign(environment)
        shell.promote(environment)
    shell.now += 9 * DAY
    return shell


def followed(shell: Shell) -> list[tuple[str, ...]]:
    """What each command of the page prints; a minute passes between two of them."""
    printed = []
    for step in transcript.steps_of(PAGE.read_text(encoding="utf-8")):
        assert step.command.startswith("bspec-opa ")
        result = shell(*shlex.split(step.command)[1:])
        printed.append(tuple((result.err + result.out).splitlines()))
        shell.now += 60
    return printed


@pytest.mark.soak
def test_the_night_goes_as_the_page_says(shell_at: Callable[[str], Shell]) -> None:
    shell = on_call(shell_at("live"))
    steps = transcript.steps_of(PAGE.read_text(encoding="utf-8"))
    wrong = [(s.command, o) for s, o in zip(steps, followed(shell), strict=True) if not transcript.fits(s.output, o)]
    assert wrong == []
    for command in READERS:
        result = shell(*command.split(), "--format", "json")
        assert violations(SCHEMAS[result.json["schema"]], result.json) == [], command
    assert "it is for another action" in shell("explain", "entry:29", "promotion.all.soak").err
    assert "name one intent" in shell("evaluate", ".", "--env", "production", "--rollback-to", "entry:12").err
    assert "--emergency is for a rollback" in shell("request", "behavior.intent", "--env", "staging", "--emergency").err
    said = {c: shell(*c.split()).out for c in LOUD}
    assert {c: text.count("EMERGENCY") for c, text in said.items()} == dict.fromkeys(LOUD, 1) | {LOUD[1]: 2}
    assert "reviewed by reviewer" in said["verify behavior.lock"]


@pytest.mark.soak
def test_the_project_that_the_page_makes_is_one_to_type_along(tmp_path: Path) -> None:
    """With the clock of this machine, so ages and digests are others."""
    page = PAGE.read_text(encoding="utf-8")
    (made,) = re.findall(r"^```bash\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    before = [transcript.Step(f"export CHECKOUT={PAGE.parents[1]}", ()), transcript.Step(made, ())]
    steps = [transcript.Step(f"{s.command}; echo exit $?", ()) for s in transcript.steps_of(page)]
    first = "$(head -n 1 behavior.lock | tr -d '\\n' | sha256sum | cut -c 1-64)"
    about = f"behavior.intent --env staging --rollback-to {first} --emergency"
    nowhere = [
        transcript.Step(f"bspec-opa {verb} {about}; echo exit $?", ())
        for verb in ("request", "approve --role environment-admin --key keys/environment-admin.pem")
    ]
    outputs = transcript.run([*before, *steps, *nowhere], tmp_path)
    refused = [outputs.pop(), outputs.pop()]
    assert [(o[0].rpartition(" ")[2], o[1:]) for o in refused] == [("[rollback.no-emergencies]", ("exit 4",))] * 2
    assert outputs[1] == ()
    codes = {s.command.partition(";")[0]: o[-1] for s, o in zip(steps, outputs[2:], strict=True)}
    wrong = {c: o for c, o in codes.items() if o != ("exit 5" if " evaluate " in c else "exit 0")}
    assert wrong == {}, outputs


@pytest.mark.soak
def test_a_pack_of_that_night(shell_at: Callable[[str], Shell]) -> None:
    """Every line and denial is replayed from the pack alone."""
    shell = on_call(shell_at("live"))
    followed(shell)
    assert shell("promote", "behavior.intent", "--env", "production").code == 5
    shell.ok("audit", "evidence-pack", "pack")
    assert "VERIFIED" in shell.ok("verify", "--pack", "pack").out
    index = Path("pack/index.md").read_text(encoding="utf-8")
    assert index.count("EMERGENCY") == 1
    assert "quorum for emergencies; reviewed by reviewer" in index
    assert len(Path("pack/locks/billing-support.lock").read_bytes().splitlines()) == 6


READERS = (
    "evaluate behavior.intent --env production --rollback-to entry:12",
    "verify behavior.lock",
    "history billing-support",
    "audit --at 32 --env production",
    "promote behavior.intent --env production",
    "doctor",
)
LOUD = ("verify behavior.lock", "history billing-support", "audit --at 32 --env production", "show behavior.lock")


if __name__ == "__main__":
    import tempfile

    from shell import Shelf

    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        made = Shelf(Path(folder) / "shelf").copy("live", Path(folder) / "copy")
        stack.enter_context(contextlib.chdir(Path(folder) / "copy" / "project"))
        outputs = followed(on_call(made))
    PAGE.write_text(transcript.rewritten(PAGE.read_text(encoding="utf-8"), outputs), encoding="utf-8")
