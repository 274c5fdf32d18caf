"""The documents say what is so: commands, output, reasons, attacks, keys, limits, links."""

from __future__ import annotations

import importlib.util
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import transcript

from bspec_opa.cli.main import VERBS
from bspec_opa.foundation import limits
from bspec_opa.workflow.checkout.config import KEYS, OTHER_VARIABLES, PREFIX

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.glob("**/*.md")])
INTENT = ROOT / "examples" / "billing" / "v1" / "behavior.intent"


def load_generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generate = load_generator()
TESTS = {
    p: p.read_text(encoding="utf-8") for p in (ROOT / "tests").rglob("*.py") if p.is_file() and p != Path(__file__)
}


def test_generated_pages_are_up_to_date() -> None:
    assert generate.main(["--check"]) == 0


def test_every_command_is_documented_with_an_example() -> None:
    page = (DOCS / "commands.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## bspec-opa ([^\n]+)\n\n```\n(.*?)^```$", page, re.MULTILINE | re.DOTALL))
    assert {name.split()[0] for name in sections} == set(VERBS)
    without = [name for name, text in sections.items() if f"\n  bspec-opa {name}" not in text]
    assert without == []


def test_the_readme_shows_what_the_first_command_prints(tmp_path: Path) -> None:
    """After its five lines of installation, pasted; only the clone and pip's download are stood in for."""
    document = (ROOT / "README.md").read_text(encoding="utf-8")
    (install,) = re.findall(r"^```sh\n(git clone .*?)^```$", document, re.MULTILINE | re.DOTALL)
    stands_in = (
        f'git() {{ test "$1 $2" = \'clone there\' && ln -s {ROOT} "$3"; }}; python() {{ echo "$@"; }}; URL=there'
    )
    shown = transcript.steps_of(document)
    steps = [transcript.Step(c, ()) for c in (stands_in, *install.splitlines())] + shown
    *done, pip, entered, printed = transcript.run(steps, tmp_path)
    assert (*done, pip, entered) == ((), (), (), (), ("-m pip install ./bspec-opa",), ())
    assert (ROOT / "pyproject.toml").is_file()
    assert [s.command for s in shown] == ["bspec-opa evaluate behavior.intent --env staging"]
    assert transcript.masked(shown[0].output) == transcript.masked(printed)


def test_what_the_readme_calls_exists() -> None:
    document = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make ([a-z-]+)", document, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_tutorial_runs_as_it_is_written(tmp_path: Path) -> None:
    steps = transcript.steps_of((DOCS / "tutorial.md").read_text(encoding="utf-8"))
    outputs = transcript.run(steps, tmp_path)
    wrong = [(s.command, o) for s, o in zip(steps, outputs, strict=True) if not transcript.fits(s.output, o)]
    assert wrong == []
    assert {"promote", "verify", "approve"} <= {
        s.command.split()[1] for s in steps if s.command.startswith("bspec-opa")
    }


@pytest.mark.soak
def test_an_adoption_goes_as_the_page_says(tmp_path: Path) -> None:
    steps = transcript.steps_of((DOCS / "adopting.md").read_text(encoding="utf-8"))
    outputs = transcript.run(steps, tmp_path)
    wrong = [(s.command, o) for s, o in zip(steps, outputs, strict=True) if not transcript.fits(s.output, o)]
    assert wrong == []


def test_the_fleet_runs_as_it_is_written_and_so_does_its_ci(tmp_path: Path) -> None:
    page = (DOCS / "fleet.md").read_text(encoding="utf-8")
    (workflow,) = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    ours = [c for c in re.findall(r"- run: (.*)", workflow) if "bspec_opa" in c]
    unpinned = transcript.Step("unset BSPEC_OPA_TRUST_PIN", ())
    shown = transcript.steps_of(page)
    # What makes a pull request red: any verdict worse than pending.
    broken = "mkdir agents/x; echo nonsense > agents/x/x.intent"
    steps = [*shown, unpinned, *(transcript.Step(f"{c}; echo exit $?", ()) for c in (*ours, f"{broken}; {ours[-1]}"))]
    outputs = transcript.run(steps, tmp_path)
    wrong = [(s.command, o) for s, o in zip(shown, outputs, strict=False) if not transcript.fits(s.output, o)]
    assert wrong == []
    assert [o[-1] for o in outputs[-3:]] == ["exit 0", "exit 0", "exit 1"]
    assert "2 intents → staging: 2 pending" in outputs[-2]
    tops = set(re.findall(r"^(?:\.bspec/)?([a-z.-]+)/?(?= |[A-Z])", page.split("```")[1], re.MULTILINE))
    state = tmp_path / "work" / "fleet"
    assert {"bspec-opa.toml", "trust", "catalogs", "bindings", "records"} <= tops
    assert {t for t in tops if not (state / t).exists() and not (state / ".bspec" / t).exists()} == {"ledger"}


def test_a_transcript_that_differs_does_not_fit() -> None:
    assert transcript.fits(("a", "…", "z"), ("a", "b", "c", "z"))
    assert transcript.fits(("at 2026-01-01T00:00:00Z",), ("at 2027-02-03T04:05:06Z",))
    assert not transcript.fits(("a", "…", "z"), ("a", "b"))
    assert not transcript.fits(("a",), ("a", "b"))


def test_every_reason_has_a_test_that_names_it() -> None:
    words = {word for text in TESTS.values() for word in re.findall(r"[\w.-]+", text)}
    parts = [word.split(".") for word in words]
    named = {".".join(p[:n]) for p in parts for n in range(1, len(p) + 1)}  # a code may end a sentence
    assert [r.code for r in generate.reasons() if r.code not in named] == []


def test_every_reason_is_documented() -> None:
    page = (DOCS / "errors.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE) == [r.code for r in generate.reasons()]


def test_what_the_page_of_checks_names_exists_and_is_all() -> None:
    from bspec_opa.bundle.contract.organisation import organisation_schema
    from bspec_opa.bundle.read import read_bundle
    from bspec_opa.bundle.shipped import shipped_bundle

    page = (DOCS / "checks.md").read_text(encoding="utf-8")
    ids = {r.id for r in read_bundle(shipped_bundle().read_bytes(), "default").index.rules}
    named = set(re.findall(r"`((?:global|promotion)\.[a-z_.]+)`", page))
    assert named <= ids
    assert {i for i in ids if i.startswith("promotion.")} <= named
    codes = {r.code for r in generate.reasons()}
    assert set(re.findall(r"`([a-z]+\.[a-z]+(?:-[a-z]+)*)`", page)) - {"data.json"} <= codes
    keys = page.partition("## The organisation's data")[2]
    rows = re.findall(r"^\| (`[^|]*`) \|", keys, re.MULTILINE)
    assert {k for row in rows for k in re.findall(r"`([a-z_]+)`", row)} == set(organisation_schema()["properties"])  # type: ignore[arg-type]


def test_every_key_variable_and_limit_is_in_the_reference() -> None:
    page = (DOCS / "reference.md").read_text(encoding="utf-8")
    keys = dict(re.findall(r"^\| `([a-z_]+\.[a-z_]+)` \| `([A-Z_]+)` \|", page, re.MULTILINE))
    assert keys == {k: PREFIX + k.replace(".", "_").upper() for k in KEYS}
    others = set(re.findall(rf"^\| `{PREFIX}([A-Z_]+)` \|", page, re.MULTILINE))
    assert others == OTHER_VARIABLES
    named = set(re.findall(r"\(`([A-Z_]+)`\) \|", page))
    assert named == {n for n in vars(limits) if n.isupper()} - {"KIB", "MIB", "UNLIMITED"}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = [t.partition("#")[0] for t in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in t]
    assert [link for link in links if link and not (page.parent / link).exists()] == []


def test_the_formats_in_the_reference_are_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Catalog, result, deployed and trust.yaml: the examples have the form that the program demands."""
    from bspec_opa.evidence.result import RESULT_SCHEMA
    from bspec_opa.foundation.closed_schema import violations
    from bspec_opa.foundation.document.load import load_document
    from bspec_opa.trust.author_schema import TRUST_FILE_SCHEMA
    from bspec_opa.workflow.verifying.deployed import DEPLOYED_SCHEMA

    page = (DOCS / "reference.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```(?:yaml|json)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    found = {}
    for block in blocks:
        text = block.replace("sha256:…", "sha256:" + "0" * 64)
        document = load_document(text.encode(), "example")
        assert isinstance(document.value, dict)
        found[str(document.value["schema"])] = document.value
    schemas = {
        "bspec.evaluation-result/v1": RESULT_SCHEMA,
        "bspec.deployed/v1": DEPLOYED_SCHEMA,
        "bspec.trust/v1": TRUST_FILE_SCHEMA,
    }
    assert found.keys() == schemas.keys() | {"bspec.catalog/v1"}
    assert {name: violations(schema, found[name]) for name, schema in schemas.items()} == {n: [] for n in schemas}


def test_the_catalog_in_the_reference_resolves(tmp_path: Path) -> None:
    page = (DOCS / "reference.md").read_text(encoding="utf-8")
    catalog = re.findall(r"^```yaml\n(schema: bspec\.catalog.*?)^```$", page, re.MULTILINE | re.DOTALL)[0]
    shutil.copytree(ROOT / "examples" / "billing" / "documents", tmp_path / "work" / "documents")
    (tmp_path / "work" / "prompts").mkdir()
    (tmp_path / "work" / "prompts" / "system.md").write_text("x", encoding="utf-8")
    shutil.copy(INTENT, tmp_path / "work" / "behavior.intent")
    text = catalog.replace(
        "          - {name: get_invoice",
        "          - {name: list_invoices, privilege_floor: read}\n          - {name: get_invoice",
    )
    (tmp_path / "work" / "catalog.yaml").write_text(text, encoding="utf-8")
    step = transcript.Step("bspec-opa resolve behavior.intent --catalog catalog.yaml", ())
    (printed,) = transcript.run([step], tmp_path)
    assert printed[0].startswith("RESOLVED  sha256:"), printed
