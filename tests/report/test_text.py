from __future__ import annotations

from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import pytest

from bspec_opa.foundation.document.load import load_yaml
from bspec_opa.foundation.errors import ExitCode, Location, Reason
from bspec_opa.gate.decision import Decision, Finding, Needs, RuleOutcome
from bspec_opa.report.decision.next_steps import Steps, steps_after
from bspec_opa.report.decision.text import _distinct, counts, render_evaluation
from bspec_opa.report.writing.counting import by, count
from bspec_opa.report.writing.excerpt import excerpt, recorded_excerpt
from bspec_opa.report.writing.folding import WIDTH, aside, fold
from bspec_opa.report.writing.printable import printable, printable_lines, render_json
from bspec_opa.report.writing.style import Style

if TYPE_CHECKING:
    from bspec_opa.workflow.facts.evaluation import Evaluation

FLOOR = Reason("gate.floor-test", ExitCode.DENIED, "refused", "sign it")


def needing(*needs: Needs) -> Decision:
    found = tuple(Finding(n.kind, "", n) for n in needs)
    return Decision((RuleOutcome("promotion.all.x", "deny", "high", denied=found, pending=found),))


STEPS = {
    "resolve": (Needs("resolve"), "bspec-opa resolve a.intent"),
    "submit": (Needs("submit"), "bspec-opa submit a.intent --key keys/author.pem"),
    "evidence": (
        Needs("evidence", question="privilege", method="manual", count=3),
        "bspec-opa attest a.intent --env staging --result results/privilege-manual.json --key keys/evaluator.pem",
    ),
    "any evidence": (
        Needs("evidence"),
        "bspec-opa attest a.intent --env staging --result results/boundary-functional.json --key keys/evaluator.pem",
    ),
    "approval": (
        Needs("approval", role="security"),
        "bspec-opa approve a.intent --env staging --role security --key keys/security.pem",
    ),
    "any approval": (
        Needs("approval"),
        "bspec-opa approve a.intent --env staging --role ROLE --key keys/approver.pem",
    ),
    "request": (Needs("request"), "bspec-opa request a.intent --env staging --key keys/promoter.pem"),
    "soak, days": (Needs("soak", count=90_000), "wait 2 days: the source environment's soak is not over"),
    "soak, hours": (Needs("soak", count=3_600), "wait 1 hour: the source environment's soak is not over"),
    "soak, minutes": (Needs("soak", count=61), "wait 2 minutes: the source environment's soak is not over"),
}


@pytest.mark.parametrize("case", STEPS)
def test_each_need_has_its_command(case: str) -> None:
    need, command = STEPS[case]
    assert Steps("a.intent", "staging", exists=lambda _: True).of(needing(need)) == [command]


FLEET = ("keys/evaluator.pem", "agents/x/keys/evaluator.pem", "keys/security.pem", "results/privilege-manual.json")


@pytest.mark.parametrize(
    ("need", "there", "command"),
    [
        (Needs("approval", role="security"), FLEET, "approve {} --role security --key keys/security.pem"),
        (Needs("approval", role="security"), (), "approve {} --role security --key KEY"),
        (
            Needs("evidence", question="privilege", method="manual"),
            FLEET,
            "attest {} --result results/privilege-manual.json --key agents/x/keys/evaluator.pem",
        ),
        (
            Needs("evidence", question="privilege", method="manual"),
            ("agents/x/results/privilege-manual.json", *FLEET),
            "attest {} --result agents/x/results/privilege-manual.json --key agents/x/keys/evaluator.pem",
        ),
        (Needs("evidence"), (), "attest {} --result results/boundary-functional.json --key KEY"),
    ],
)
def test_only_files_that_are_there_are_named_and_the_nearest_first(
    need: Needs, there: tuple[str, ...], command: str
) -> None:
    """The agent's own, then the project's; a key that is called otherwise can't be guessed."""
    steps = Steps("agents/x/a.intent", "staging", PurePath(), lambda p: str(p) in there)
    assert steps.of(needing(need)) == [f"bspec-opa {command.format('agents/x/a.intent --env staging')}"]


def test_a_trust_file_that_nobody_has_signed_is_signed_next() -> None:
    def steps(*there: str) -> list[str]:
        found = Steps("agents/x/a.intent", "staging", PurePath("my fleet"), lambda p: str(p) in there, prepared=False)
        return found.of(needing(Needs("submit")))

    pin = "export BSPEC_OPA_TRUST_PIN=…   (trust init prints the line)"
    assert steps() == ["bspec-opa init agents/x --trial-keys"]
    assert steps("my fleet/trust.yaml") == ["bspec-opa trust init 'my fleet/trust.yaml' --key KEY", pin]
    assert steps("my fleet/trust.yaml", "my fleet/keys/root.pem") == [
        "bspec-opa trust init 'my fleet/trust.yaml' --key 'my fleet/keys/root.pem'",
        pin,
    ]


def test_needs_that_one_command_meets_are_one() -> None:
    needs = (
        Needs("approval"),
        Needs("approval", role="security", count=1),
        Needs("approval", role="security", count=2),
        Needs("evidence", question="boundary"),
        Needs("evidence", question="boundary", method="red-team"),
    )
    assert Steps("a.intent", "staging", configured=frozenset({"evaluator", "approver"})).of(needing(*needs)) == [
        "bspec-opa attest a.intent --env staging --result results/boundary-red-team.json",
        "bspec-opa approve a.intent --env staging --role security",
    ]


def test_a_command_can_be_pasted_whatever_the_file_is_called() -> None:
    steps = Steps("my agent/x;y.intent", "staging", configured=frozenset({"author"}))
    assert steps.submit() == "bspec-opa submit 'my agent/x;y.intent'"
    assert Steps("my agent/b", "staging", prepared=False).of(needing(Needs("submit"))) == [
        "bspec-opa init 'my agent' --trial-keys"
    ]
    assert steps_after("a b", PurePath("c d"), ["production"]) == [
        "bspec-opa verify 'c d'",
        "bspec-opa evaluate 'a b' --env production",
    ]


def evaluation(shell_at: Any) -> Evaluation:
    """A real evaluation, to be changed by the test."""
    from pathlib import Path

    from bspec_opa.workflow.checkout.session import open_session
    from bspec_opa.workflow.checkout.world import World
    from bspec_opa.workflow.evaluate import evaluate

    shell = shell_at("signed")
    world = World(shell.environ, shell.now, {})
    world = replace(world, pin=shell.pin())
    return evaluate(open_session(Path("behavior.intent"), world, need_pin=True), "staging")


def test_the_floor_speaks_where_policies_allow(shell_at: Any) -> None:
    found = evaluation(shell_at)
    refusal = FLOOR.problem("nobody submitted\n::set-env", at=Location("x"))
    refused = replace(found, decision=replace(found.decision, refusals=(refusal,)))
    lines = render_evaluation(refused, []).splitlines()
    assert lines[0].startswith("DENIED  ")
    assert lines[1].endswith("; refused by the floor: 1")
    assert "  floor     gate.floor-test  nobody submitted\\x0a::set-env" in lines


def test_the_floor_adds_nothing_to_a_denial(shell_at: Any) -> None:
    found = evaluation(shell_at)
    denied = needing(Needs("submit"))
    both = replace(found, decision=replace(denied, refusals=(FLOOR.problem("x"),)))
    text = render_evaluation(both, [])
    assert "floor" not in text
    assert counts(both) == "1 rule: 0 denied, 1 pending, 0 warned, 0 passed"


def test_nothing_to_say_leaves_no_blank_lines(shell_at: Any) -> None:
    quiet = replace(evaluation(shell_at), decision=Decision(()), unsequenced=(), notes=(), rejected=())
    assert render_evaluation(quiet, []).splitlines()[1:] == [
        "  0 rules: 0 denied, 0 pending, 0 warned, 0 passed (--show-passed names them)"
    ]


def test_one_record_is_one(shell_at: Any) -> None:
    found = replace(evaluation(shell_at), unsequenced=("sha256:00",))
    assert "  inbox     1 verified record is not in the ledger yet" in render_evaluation(found, [])


def test_of_the_same_words_the_greatest_number_is_shown(shell_at: Any) -> None:
    def cases(count: int, words: str) -> Finding:
        return Finding(f"0 of {count} cases ({words})", "", Needs("evidence", question="q", method="m", count=count))

    findings = (cases(5, "m"), cases(9, "m"), cases(7, "m"), cases(9, "independent m"), Finding("0 of 1 probes", ""))
    rule = RuleOutcome("promotion.all.x", "deny", "high", denied=findings, pending=findings)
    text = render_evaluation(replace(evaluation(shell_at), decision=Decision((rule,))), [])
    assert [line.split(maxsplit=2)[2] for line in text.splitlines() if line.startswith("  pending")] == [
        "0 of 9 cases (independent m)",
        "0 of 1 probes",
    ]


DOCUMENT = load_yaml(b"a: 1\nb:\n  c: long enough\n", "x.yaml")


def test_excerpts() -> None:
    assert excerpt(DOCUMENT, "/b/c", "change it", "") == [
        "x.yaml:3:6",
        "3 |   c: long enough",
        "  |      ^^^^^^^^^^^ change it",
    ]
    assert excerpt(DOCUMENT, "/b/c", "", "")[-1] == "  |      ^^^^^^^^^^^"


def test_of_a_recorded_intent_the_path_and_the_line_are_named() -> None:
    """It has no file, and its canonical form is one line."""
    intent: Any = {"tools": [{"id": "read_api", "version": ">=2"}], "purpose": "p" * 100}
    found = recorded_excerpt(intent, "/tools/0/version", "3a260cb06741", "Add an upper bound.", "  ")
    assert found == [
        '  /tools/0/version = ">=2"  (tools/read_api/version)',
        "  of the intent that line 3a260cb06741 recorded",
        "  Add an upper bound.",
    ]
    places = ("", "/tools", "/tools/7", "/purpose")
    first = [recorded_excerpt(intent, p, "3a260cb06741", "", "  ")[0] for p in places]
    assert first[:3] == ["  /", "  /tools", "  /tools/7"]
    assert (first[3][:15], first[3][-1], len(first[3])) == ('  /purpose = "p', "…", WIDTH)


def test_of_a_long_line_the_part_around_the_place_is_shown() -> None:
    document = load_yaml(f"{{a: {'x' * 150}, b: wrong}}\n".encode(), "x.yaml")
    place, source, carets = excerpt(document, "/b", "", "")
    assert place == "x.yaml:1:160"
    assert source == f"1 | …{'x' * 35}, b: wrong}}"
    assert len(source) <= WIDTH
    assert carets.index("^") == source.index("wrong")
    assert carets.count("^") == 5
    _, source, carets = excerpt(document, "/a", "", "")
    assert source == f"1 | {{a: {'x' * 71}…"
    assert carets == f"  |     {'^' * 72}"


def test_of_a_long_line_far_to_the_right_the_place_is_shown_too() -> None:
    document = load_yaml(f"{{a: {'x' * 62}, b: wrong, c: {'y' * 20}}}\n".encode(), "x.yaml")
    _, source, carets = excerpt(document, "/b", "", " " * 12)
    assert carets[carets.index("^") :] == "^" * 5
    assert source[carets.index("^") :].startswith("wrong")
    assert (source[16], source[-1]) == ("…", "…")
    assert len(source) <= WIDTH


def test_a_long_remedy_stands_below() -> None:
    remedy = "say " * 24 + "it"
    assert excerpt(DOCUMENT, "/b/c", remedy, "  ")[2:] == [
        "    |      ^^^^^^^^^^^",
        "  " + ("say " * 19).strip(),
        "  " + "say " * 5 + "it",
    ]


def test_sentences_are_broken_between_words_and_names_never() -> None:
    assert fold("  note  ", "short", 8) == ["  note  short"]
    assert fold("\x1b[31mnote\x1b[0m  ", "x" * 74, 6) == ["\x1b[31mnote\x1b[0m  " + "x" * 74]
    assert fold("note  ", "word " * 15 + "x" * 90, 6) == [
        "note  " + ("word " * 15).strip(),
        "      " + "x" * 90,
    ]
    assert fold("note  ", "x" * 90, 6) == ["note", "      " + "x" * 90]
    assert aside("HEAD", "few words") == ["HEAD   (few words)"]
    assert aside("HEAD", "word " * 15 + "end") == ["HEAD", "  " + "word " * 15 + "end"]


@pytest.mark.attack("A72")
def test_what_had_to_be_escaped_adds_no_line() -> None:
    assert fold("note  ", "word " * 20 + r"\x0a", 6) == ["note  " + "word " * 20 + r"\x0a"]


def test_numbers_and_names() -> None:
    assert [count(n, "entry", "entries") for n in (0, 1, 2)] == ["0 entries", "1 entry", "2 entries"]
    assert count(3, "line") == "3 lines"
    assert (by("dana", "security"), by("security", "security")) == ("dana as security", "security")


@pytest.mark.attack("A72")
def test_no_control_character_survives() -> None:
    hostile = "a\x1b[31m\r\n\x9b\u202e\u200b\u2028\ud800\x7f"
    assert printable(hostile) == "a\\x1b[31m\\x0d\\x0a\\x9b\\u202e\\u200b\\u2028\\ud800\\x7f"
    coloured = Style(colour=True).mark("x", "bold", "red")
    assert printable_lines(f"{coloured}\n\x1b[2Jü\n") == f"{coloured}\n\\x1b[2Jü\n"
    assert Style(colour=True).mark("") == ""


def test_json_is_ascii_and_valid_unicode() -> None:
    assert render_json({"a\u202e": ["\udcff", "é", 1, True]}) == (
        '{\n  "a\\u202e": [\n    "?",\n    "\\u00e9",\n    1,\n    true\n  ]\n}\n'
    )


def test_the_same_need_at_two_places_is_two_lines() -> None:
    need = Needs("evidence", question="boundary", count=1)
    found = [Finding(f"{name}: 0 of 1 boundary probes", f"/scope/out/{i}", need) for i, name in enumerate("ab")]
    assert _distinct(found) == found
