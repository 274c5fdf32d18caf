"""``check``: the global rules over intents, and never a pass where nothing was checked."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from policy_tree import good_tree
from policy_tree import write as write_policies

from bspec_opa.bundle.index import GLOBAL
from bspec_opa.bundle.read import read_bundle
from bspec_opa.bundle.shipped import shipped_bundle
from bspec_opa.report.check.formats import FORMATS
from bspec_opa.workflow.checkout import deciding
from bspec_opa.workflow.checks import check as workflow

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Shell

    At = Callable[[str], Shell]

ROOT = Path(__file__).parents[2]
BROKEN = "x: ["
ADMIN = ("privilege: read", "privilege: admin")
BOUNDED = ('version: ">=2.0"', 'version: ">=2.0,<3"')


def write(path: str, *replaced: tuple[str, str]) -> str:
    text = Path("behavior.intent").read_text(encoding="utf-8")
    for old, new in replaced:
        assert old in text
        text = text.replace(old, new)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, encoding="utf-8")
    return path


def global_rules() -> set[str]:
    path = shipped_bundle()
    return {r.id for r in read_bundle(path.read_bytes(), path.name).index.of_kind(GLOBAL)}


def statuses(document: Any) -> dict[str, str]:
    (file,) = document["files"]
    return {r["id"]: r["status"] for r in file["rules"]}


# What is asked, and what it exits with


def test_every_global_rule_is_asked_and_no_other(shell_at: At) -> None:
    document = shell_at("bare")("check", write("x.intent", BOUNDED), "--format", "json").json
    assert statuses(document).keys() == global_rules()
    assert (document["exit_code"], document["files"][0]["verdict"]) == (0, "passed")
    assert document["counts"]["passed"] == document["counts"]["tests"] == len(global_rules())


def test_a_denial_has_its_source_line(shell_at: At) -> None:
    shell = shell_at("bare")
    result = shell("check", write("x.intent", ADMIN))
    assert result.code == 4
    assert result.err == ""
    assert result.lines[0] == "DENIED   x.intent  billing-support 1.0.0"
    assert result.lines[1].startswith("  bundle default sha256:")
    start = result.lines.index("  critical  global.tools.no_admin  tool billing_read_api has privilege admin")
    assert result.lines[start + 1 : start + 3] == [
        "            x.intent:19:16",
        "            19 |     privilege: admin",
    ]
    assert result.lines[start + 3].startswith("               |                ^^^^^")
    assert re.fullmatch(
        r"[0-9]+ tests, [0-9]+ passed, [0-9]+ warnings?, [1-9][0-9]* failures?, 0 exceptions in 1 file",
        result.lines[-1],
    )


@pytest.mark.parametrize(
    ("files", "more", "code"),
    [
        (("clean",), (), 0),
        (("clean", "warned"), (), 0),
        (("clean", "warned"), ("--fail-on-warn",), 6),
        (("clean",), ("--fail-on-warn",), 0),
        (("warned", "denied", "clean"), ("--fail-on-warn",), 4),
        (("denied", "broken", "clean"), (), 3),
        (("clean", "missing"), (), 3),
    ],
)
@pytest.mark.parametrize("form", FORMATS)
def test_the_worst_decides_in_every_format(
    shell_at: At, files: tuple[str, ...], more: tuple[str, ...], code: int, form: str
) -> None:
    shell = shell_at("bare")
    write("clean", BOUNDED)
    write("warned")
    write("denied", ADMIN)
    Path("broken").write_text(BROKEN, encoding="utf-8")
    assert shell("check", *files, *more, "--format", form).code == code
    quiet = shell("check", *files, *more, "--format", form, "--quiet")
    assert (quiet.code, quiet.out, quiet.err) == (code, "", "")


@pytest.mark.attack("A41")
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("what", ["empty", "README.md", "list.json", "nothing", "link", "directory/", "missing"])
def test_what_is_no_intent_is_no_pass(shell_at: At, form: str, what: str) -> None:
    shell = shell_at("bare")
    Path("empty").mkdir()
    Path("directory/deeper").mkdir(parents=True)
    Path("directory/x.txt").write_bytes(b"")
    Path("README.md").write_text("# Not an intent\n", encoding="utf-8")
    Path("list.json").write_text("[]\n", encoding="utf-8")
    Path("nothing").write_bytes(b"")
    Path("link").symlink_to("behavior.intent")
    for files in ((what,), ("behavior.intent", what), (what, "behavior.intent")):
        assert shell("check", *files, "--format", form).code == 3


@pytest.mark.attack("A41")
@pytest.mark.parametrize("form", FORMATS)
def test_a_bundle_whose_data_leaves_out_every_global_rule_is_no_pass(shell_at: At, form: str) -> None:
    shell = shell_at("bare")
    path = shipped_bundle()
    organisation = read_bundle(path.read_bytes(), path.name).organisation
    select = {"include": ["*"], "exclude": sorted(global_rules()), "tiers": []}
    Path("data.json").write_text(json.dumps({**organisation, "select": select}), encoding="utf-8")
    shell.ok("bundle", "build", "--reuse-wasm", "default", "--data", "data.json", "-o", "x.tar.gz", "-q")
    result = shell("check", "behavior.intent", "--bundle", "x.tar.gz", "--format", form)
    assert result.code == 8
    assert "gate.rule-set" in result.out


@pytest.mark.attack("A41")
def test_a_bundle_without_global_rules_is_no_pass(shell_at: At, opa_path: Path) -> None:
    shell = shell_at("bare")
    shell.variables["BSPEC_OPA_OPA"] = str(opa_path)
    tree = {name: text for name, text in good_tree().items() if "/rules/global/" not in name}
    write_policies(Path("policies"), tree)
    shell.ok("bundle", "build", "policies", "-o", "x.tar.gz", "-q", "--allow-unfinished")
    result = shell("check", "behavior.intent", "--bundle", "x.tar.gz")
    assert result.code == 8
    assert "[gate.rule-set]" in result.out


@pytest.mark.parametrize("bundle", ["behavior.intent", "missing.tar.gz", "nonesuch"])
def test_a_bundle_that_is_none(shell_at: At, bundle: str) -> None:
    result = shell_at("bare")("check", "behavior.intent", "--bundle", bundle, "--format", "json")
    assert result.code in {2, 3, 7}
    assert [f["verdict"] for f in result.json["files"]] == ["failed"]


def test_an_answer_that_lacks_a_rule_is_no_pass(shell_at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    shell = shell_at("bare")
    genuine = deciding.ask

    def ask(panel: Any, policy: Any, request: Any) -> Any:
        class Engine:
            notes = ()

            def decide(self, request: Any) -> Any:
                answer = panel.engine.decide(request)
                answer.decision["global"].popitem()
                return answer

        return genuine(type(panel)(Engine(), panel.assurance), policy, request)

    monkeypatch.setattr(workflow, "ask", ask)
    result = shell("check", "behavior.intent", "--format", "json")
    assert (result.code, result.json["files"][0]["problems"][0]["code"]) == (8, "gate.rule-set")


# What is not looked at


def test_neither_records_nor_the_trust_root_nor_a_sidecar_are_looked_at(shell_at: At) -> None:
    shell = shell_at("staged")
    before = shell("check", "behavior.intent")
    for file in Path(".bspec").rglob("*"):
        if file.is_file():
            file.write_text("no longer what it was", encoding="utf-8")
    Path("behavior.lock").write_text("neither is this\n", encoding="utf-8")
    with Path("bspec-opa.toml").open("a", encoding="utf-8") as config:
        config.write('\n[engine]\nurl = "unix:///nonexistent/opa.sock"\n')
    shell.variables.clear()
    assert shell("check", "behavior.intent") == before
    assert before.code == 0
    assert shell("evaluate", "behavior.intent", "--env", "staging").code not in {0, 4, 5}


def test_nothing_is_written(shell_at: At) -> None:
    shell = shell_at("bare")
    before = sorted(Path().rglob("*"))
    shell("check", "behavior.intent")
    assert sorted(Path().rglob("*")) == before


def test_the_projects_bundle_and_format_count(shell_at: At) -> None:
    shell = shell_at("bare")
    Path("bspec-opa.toml").write_text('[bundle]\npath = "elevated"\n[output]\nformat = "json"\n', encoding="utf-8")
    assert shell("check", "behavior.intent").json["files"][0]["bundle"][0]["name"] == "elevated"
    document = shell("check", "behavior.intent", "--bundle", "default").json
    assert document["files"][0]["bundle"][0]["name"] == "default"
    assert shell("check", "behavior.intent", "--format", "tap").out.startswith("TAP version 13\n")


def test_each_project_has_its_own_bundle(shell_at: At) -> None:
    shell = shell_at("bare")
    for name in ("default", "elevated"):
        write(f"{name}/behavior.intent")
        Path(name, "bspec-opa.toml").write_text(f'[bundle]\npath = "{name}"\n', encoding="utf-8")
    files = shell("check", "default", "elevated", "--format", "json").json["files"]
    assert [f["bundle"][0]["name"] for f in files] == ["default", "elevated"]


# Many, and in every format


def write_many(number: int) -> list[str]:
    files = []
    for n in range(number):
        files.append(f"agents/{n:03}/behavior.intent")
        write(files[-1], *([ADMIN] if n % 5 == 0 else []))
        if n % 7 == 0:
            Path(files[-1]).write_text(BROKEN, encoding="utf-8")
    return files


@pytest.mark.parametrize(
    "form", [f if f in {"json", "text"} else pytest.param(f, marks=pytest.mark.soak) for f in FORMATS]
)
def test_over_several_processes_it_is_the_same(shell_at: At, form: str) -> None:
    shell = shell_at("bare")
    write_many(30)
    one, two = (shell("check", "agents", "--format", form, "--jobs", jobs) for jobs in ("1", "2"))
    assert one == two
    assert one.code == 3


def test_every_format_tells_the_same(shell_at: At) -> None:
    shell = shell_at("bare")
    files = write_many(8)

    def out(form: str) -> str:
        return shell("check", "agents", "--format", form).out

    document = json.loads(out("json"))
    assert [f["file"] for f in document["files"]] == files
    said = [
        (f["file"], r["id"], d["line"], d["column"]) for f in document["files"] for r in f["rules"] for d in r["denied"]
    ]
    assert len({file for file, *_ in said}) == 1
    results = json.loads(out("sarif"))["runs"][0]["results"]
    places = [(r, r["locations"][0]["physicalLocation"]) for r in results if r["ruleId"].startswith("global.")]
    assert said == [
        (p["artifactLocation"]["uri"], r["ruleId"], p["region"]["startLine"], p["region"]["startColumn"])
        for r, p in places
        if r["level"] == "error"
    ]
    errors = re.findall(
        r"^::error file=([^,]*),line=([0-9]+),col=([0-9]+),.*title=(global[^:]*)::", out("github"), re.MULTILINE
    )
    assert said == [(f, r, int(n), int(c)) for f, n, c, r in errors]
    issues = re.findall(r"type=error;sourcepath=([^;]*);.*code=(global[^;]*);", out("azuredevops"))
    cases = [c for c in ET.fromstring(out("junit")).iter("testcase") if c.find("failure") is not None]  # noqa: S314 - ours
    points = re.findall(r"^not ok [0-9]+ - (\S+) (global\S+)$", out("tap"), re.MULTILINE)
    rows = re.findall(r"^\| denied +\| (\S+?):[0-9]+:[0-9]+ +\| (\S+)", out("table"), re.MULTILINE)
    named = [(c.get("classname"), c.get("name")) for c in cases]
    assert [(f, r) for f, r, _, _ in said] == named == points == issues == rows
    assert [json.loads(line)["files"][0] for line in out("jsonl").splitlines()] == document["files"]


def test_passed_rules_are_named_where_that_is_wanted(shell_at: At) -> None:
    shell = shell_at("bare")
    assert "global.tools.no_admin" not in shell("check", "behavior.intent").out
    assert "  passed    global.tools.no_admin\n" in shell("check", "behavior.intent", "--show-passed").out


@pytest.mark.attack("A72")
@pytest.mark.parametrize("form", FORMATS)
def test_names_of_files_command_nobody(shell_at: At, form: str) -> None:
    shell = shell_at("bare")
    name = "a\n::set-env name=x::y\n##vso[task.setvariable variable=x]\x1b[2J\u2028]]>&<"
    write(f"{name}/x.intent", ADMIN)
    write("::error::x/::y.intent", ADMIN)
    Path("##vso[task.complete]x.intent").write_text(BROKEN, encoding="utf-8")
    Path("::add-path::").write_text(BROKEN, encoding="utf-8")
    Path(name, "y.intent").write_text(BROKEN, encoding="utf-8")
    Path(os.fsdecode(b"z\xff.intent")).write_text(BROKEN, encoding="utf-8")
    out = shell("check", ".", "::error::x", "::add-path::", "##[stop-commands]t", "--format", form).out
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\ud800-\udfff]", out)
    for line in out.split("\n"):
        # As the runner and the agent look for commands, each in the logs of its own pipelines.
        if form != "github":
            assert not line.strip().startswith("::")
            assert "##[" not in line or form == "azuredevops"
        else:
            assert not line.strip().startswith("::") or re.match("::(error|warning) file=", line)
        if form != "azuredevops":
            assert "##vso[" not in line or form == "github"
        else:
            assert line.find("##vso[") <= 0
            assert not line.startswith("##") or line.startswith("##vso[task.logissue ")


# The command line


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--format", "xml"), "xml"),
        (("--conftest-namespace", "main"), "--conftest-policy"),
        (("--conftest-data", "x"), "--conftest-policy"),
        (("--conftest-capabilities", "x"), "--conftest-policy"),
        (("--rego-version", "v0"), "--conftest-policy"),
        (("--env", "staging"), "--env"),
    ],
)
def test_usage(shell_at: At, arguments: tuple[str, ...], said: str) -> None:
    result = shell_at("bare")("check", "behavior.intent", *arguments)
    assert (result.code, result.out) == (2, "")
    assert said in result.err
    assert "[cli.usage]" in result.err


def test_without_an_intent_it_is_usage(shell_at: At) -> None:
    assert shell_at("bare")("check").code == 2


def test_a_failure_before_anything_is_checked_is_told_in_the_form(shell_at: At) -> None:
    shell = shell_at("bare")
    Path("bspec-opa.toml").write_text("[engine]\nurll = 1\n", encoding="utf-8")
    result = shell("check", "behavior.intent", "--format", "sarif")
    assert (result.code, result.out) == (2, "")
    assert "[config.unknown-key]" in result.err


# The page

PAGE = (ROOT / "docs" / "pull-requests.md").read_text(encoding="utf-8")


def test_the_snippets_are_yaml_and_call_what_there_is(shell_at: At) -> None:
    snippets = [yaml.safe_load(s) for s in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
    assert len(snippets) == 4
    assert {h["id"] for h in snippets[0]["repos"][0]["hooks"]} == {h["id"] for h in hooks()}
    shell = shell_at("bare")
    for directory in ("agents", "policy"):
        Path(directory).mkdir()
    write("agents/x.intent", BOUNDED)
    commands = sorted(set(re.findall(r"^[^#|]*?(bspec-opa check [^>\n`|]*)", PAGE, re.MULTILINE)))
    assert len(commands) > 5
    for command in commands:
        assert shell(*command.split()[1:]).code in ({3, 8} if "--conftest" in command else {0}), command


def test_every_format_and_option_is_on_the_page() -> None:
    assert set(re.findall(r"`([a-z]+)`", PAGE.partition("## Formats")[2].partition("SARIF's level")[0])) == set(FORMATS)
    help_text = (
        (ROOT / "docs" / "commands.md")
        .read_text(encoding="utf-8")
        .partition("## bspec-opa check")[2]
        .partition("\n## ")[0]
    )
    for option in re.findall(r"--(?:conftest|rego)[a-z-]+", help_text):
        assert option in PAGE


# pre-commit


def hooks() -> list[dict[str, Any]]:
    return list(yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")))


def pre_commit(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(Path.cwd()), **variables}
    command = [sys.executable, "-m", "pre_commit", *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=120)


def test_the_hooks_are_a_manifest(shell_at: At) -> None:
    shell_at("empty")
    done = pre_commit("validate-manifest", str(ROOT / ".pre-commit-hooks.yaml"))
    assert (done.returncode, done.stdout) == (0, "")
    assert [h["id"] for h in hooks()] == ["bspec-check", "bspec-validate"]
    for hook in hooks():
        assert hook["entry"].split()[0] == "bspec-opa"
        assert hook["language"] == "python"
        assert re.search(hook["files"], "agents/behavior.intent")
        assert not re.search(hook["files"], "behavior.intent.md")


@pytest.mark.parametrize("hook", hooks(), ids=lambda h: h["id"])
def test_a_hook_stops_a_commit(shell_at: At, hook: dict[str, Any]) -> None:
    """As pre-commit runs it, but with the program that is installed here."""
    shell_at("bare")
    write("good.intent", BOUNDED)
    Path("behavior.intent").unlink()
    local = {"repo": "local", "hooks": [{**hook, "language": "system"}]}
    Path(".pre-commit-config.yaml").write_text(json.dumps({"repos": [local]}), encoding="utf-8")
    subprocess.run(["git", "init", "-q", "."], check=True)

    def run() -> subprocess.CompletedProcess[str]:
        subprocess.run(["git", "add", "-A"], check=True)
        return pre_commit("run", "--all-files")

    done = run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Passed" in done.stdout
    shutil.copy("good.intent", "agent.intent")
    text = Path("agent.intent").read_text(encoding="utf-8")
    old, new = ADMIN if hook["id"] == "bspec-check" else ("privilege: read", "privilege: reed")
    Path("agent.intent").write_text(text.replace(old, new), encoding="utf-8")
    done = run()
    assert done.returncode == 1, done.stdout + done.stderr
    assert "agent.intent" in done.stdout
    assert f"- exit code: {4 if hook['id'] == 'bspec-check' else 3}" in done.stdout


def test_a_bar_on_the_terminal_and_results_in_the_pipe(shell_at: At) -> None:
    shell = shell_at("bare")
    write_many(12)
    mine, theirs = pty.openpty()
    program = [sys.executable, "-m", "bspec_opa", "check", "agents"]
    environ = {**shell.environ, "TERM": "xterm"}
    done = subprocess.run(program, env=environ, stdout=subprocess.PIPE, stderr=theirs, check=False, timeout=120)
    os.close(theirs)
    seen = os.read(mine, 65_536).decode()
    os.close(mine)
    assert done.returncode == 3
    assert "checking" in seen
    assert "12/12" in seen
    assert done.stdout.endswith(b" in 12 files\n")
