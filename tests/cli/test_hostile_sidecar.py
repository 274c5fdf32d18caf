"""The whole gate against a sidecar that misbehaves in one way: ``evaluate`` and ``promote``, by their exit codes.

A real OPA with the shipped bundle answers each question; a middleman makes one thing of the answer. Everything runs
twice: where the sidecar is believed alone (asserted), and where the embedded engine must agree (cross-checked). Each
case ends with the genuine answer over the same middleman, which allows: so it was the tampering that was refused.
"""

from __future__ import annotations

import gzip
import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from middleman import Middleman
from sidecars import Visit, free_port, opa_server, reply

from bspec_opa.bundle.shipped import shipped_bundle
from bspec_opa.foundation.limits import MAX_REPLY_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from middleman import Tamper
    from shell import Result, Shell

    Change = Callable[[Any], object]

WORK = ("behavior.intent", "--env", "staging", "--format", "json")
PANELS = {"asserted": "sequenced-asserted", "cross-checked": "sequenced"}
SHORT_S, LONG_S, SLACK_S = 0.5, 60.0, 30.0
RULE = "promotion.all.approvals"
APPROVED: dict[str, Any] = {"status": "pass", "deny": [], "pending": [], "warn": [], "waived": [], "waivers": []}


# What tampers are made of


def wire(make: Callable[[bytes], bytes], *, close: bool = False) -> Tamper:
    """Sends other bytes than a whole HTTP reply with the answer."""

    def tamper(visit: Visit, genuine: bytes) -> None:
        visit.send(make(genuine))
        if close:
            visit.connection.shutdown(2)

    return tamper


def body(make: Callable[[bytes], bytes], status: str = "200 OK", *headers: str, media_type: str = "application/json") -> Tamper:  # fmt: skip
    """Sends a well-formed reply with another body."""
    return wire(lambda genuine: reply(make(genuine), status, *headers, media_type=media_type))


def same(genuine: bytes) -> bytes:
    return genuine


def document(change: Change) -> Tamper:
    """Changes something in the reply's document."""

    def make(genuine: bytes) -> bytes:
        found = json.loads(genuine)
        change(found)
        return json.dumps(found).encode()

    return body(make)


def decision(change: Change) -> Tamper:
    """Changes something in the decision."""
    return document(lambda found: change(found["result"]))


def rule(**members: Any) -> Tamper:
    """Changes what one rule says that the decision depends on."""
    return decision(lambda found: found["promotion"][RULE].update(members))


def text(old: str, new: str) -> Tamper:
    """Replaces bytes that json.dumps could not write."""

    def make(genuine: bytes) -> bytes:
        found = genuine.replace(old.encode(), new.encode(), 1)
        assert found != genuine
        return found

    return body(make)


def finding(**members: Any) -> dict[str, Any]:
    return {"msg": "no", "path": "/tools/0", **members}


def head(genuine: bytes) -> bytes:
    return reply(genuine).partition(b"{")[0]


def drip_all(visit: Visit, genuine: bytes) -> None:
    visit.drip(reply(genuine))


def drip_body(visit: Visit, genuine: bytes) -> None:
    visit.send(head(genuine))
    visit.drip(genuine)


def drip_trailers(visit: Visit, genuine: bytes) -> None:
    visit.send(chunked(genuine, b"0\r\n"))
    visit.drip(b"X: y\r\n" * 100_000)


def hang_in_body(visit: Visit, genuine: bytes) -> None:
    visit.send(reply(genuine)[:-1])
    visit.hang()


def reset_in_body(visit: Visit, genuine: bytes) -> None:
    visit.send(reply(genuine)[:-1])
    visit.reset()


def leave(visit: Visit, _: bytes) -> None:
    visit.connection.shutdown(2)


def chunked(genuine: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    lines = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    return lines + b"%x\r\n%b\r\n" % (len(genuine), genuine) + end


def bomb(genuine: bytes) -> bytes:
    return gzip.compress(b" " * 20_000_000 + genuine)


def endless(visit: Visit, _: bytes) -> None:
    visit.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    while not visit.leave.is_set():
        visit.send(b" " * 65_536)


def padded(genuine: bytes) -> bytes:
    return genuine + b" " * MAX_REPLY_BYTES


@dataclass(frozen=True)
class Case:
    """A tampering, and the reason codes that refuse it alone and cross-checked."""

    tamper: Tamper
    alone: str
    crossed: str = ""
    deadline_s: float = LONG_S

    def code(self, panel: str) -> str:
        return self.crossed or self.alone if panel == "cross-checked" else self.alone


def late(tamper: Tamper) -> Case:
    return Case(tamper, "engine.timeout", deadline_s=SHORT_S)


def unusable(tamper: Tamper) -> Case:
    """The decision is not exactly a decision; beside another one it is seen to be different first."""
    return Case(tamper, "gate.unusable-answer", "engine.disagreement")


def contradictory(tamper: Tamper) -> Case:
    return Case(tamper, "gate.contradiction", "engine.disagreement")


BAD, BROKEN, STATUS, UNDEFINED = "engine.bad-reply", "engine.unreachable", "engine.bad-status", "engine.undefined"
PROVENANCE, STALE = "engine.bad-provenance", "engine.stale-bundle"
ERRORS = ["400 Bad", "401 Unauthorized", "403 Forbidden", "404 Not Found", "429 Many", "500 Internal", "502 Bad", "503 Busy"]  # fmt: skip
OTHERS = ["103 Early Hints", "201 Created", "202 Accepted", "203 Changed", "204 No Content", "206 Part", "304 Same", "600 Beyond"]  # fmt: skip
MOVED = ["301 Moved", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"]
NUMBERS = {"NaN": "NaN", "Infinity": "Infinity", "-Infinity": "-Infinity", "1e400": "1e400", "1.5": "1.5", "-0": "-0", "10^15": "1000000000000000", "400 digits": "9" * 400}  # fmt: skip
WORDS = ["PASS", "Pass", "allow", "", " pass", "passed", True, 1, None, ["pass"], {"pass": True}]

CASES: dict[str, Case] = {
    # A25, A61: it never says, or not in time
    "hang": late(lambda visit, _: visit.hang()),
    "hang before the last byte": late(hang_in_body),
    "drip": late(drip_all),
    "drip of the body": late(drip_body),
    "drip behind the last chunk": late(drip_trailers),
    # A25, A63: it breaks off
    "reset": Case(lambda visit, _: visit.reset(), BROKEN),
    "reset before the last byte": Case(reset_in_body, BROKEN),
    "end without a word": Case(leave, BROKEN),
    "end in the status line": Case(wire(lambda g: reply(g)[:9], close=True), BROKEN),
    "end before the body": Case(wire(head, close=True), BROKEN),
    "end before the last byte": Case(wire(lambda g: reply(g.rstrip())[:-1], close=True), BROKEN),
    "end in a chunk": Case(wire(lambda g: chunked(g)[:-30], close=True), BROKEN),
    "end before the last chunk": Case(wire(lambda g: chunked(g, b""), close=True), BROKEN),
    "end of JSON": Case(body(lambda g: g.rstrip()[:-1]), BAD),
    "another protocol": Case(wire(lambda _: b"SSH-2.0-OpenSSH\r\n", close=True), BROKEN),
    "two lengths": Case(wire(lambda g: chunked(g).replace(b"Tr", b"Content-Length: 9\r\nTr", 1)), BAD),
    # A62: too much
    "gzip": Case(body(gzip.compress, "200 OK", "Content-Encoding: gzip"), BAD),
    "gzip bomb": Case(body(bomb, "200 OK", "Content-Encoding: gzip"), BAD),
    "gzip bomb of a redirect": Case(body(bomb, "302 Found", "Content-Encoding: gzip", "Location: /"), BAD),
    "gzip bomb that doesn't say so": Case(body(bomb), BAD),
    "over the limit": Case(body(padded), "engine.reply-too-large"),
    "without an end": Case(endless, "engine.reply-too-large"),
    "deep": Case(document(lambda d: d.update(metrics=json.loads("[" * 300 + "]" * 300))), BAD),
    # A24, A59: another status or type, with the genuine answer in it
    **{s: Case(body(b"".strip if s[:3] in {"103", "204", "304"} else same, s), STATUS) for s in (*ERRORS, *OTHERS)},
    **{f"{s} to itself": Case(body(same, s, "Location: /v1/data/bspec/gate/decision"), STATUS) for s in MOVED},
    "HTML": Case(body(lambda _: b"<html>pass</html>", media_type="text/html"), BAD),
    "HTML that says it is JSON": Case(body(lambda _: b"<html>pass</html>"), BAD),
    "JSON that says it is HTML": Case(body(same, media_type="text/html"), BAD),
    "JSON that says nothing": Case(body(same, media_type=""), BAD),
    # A24, A33, A38: no strict JSON
    "nothing": Case(body(lambda _: b""), BAD),
    "trailing object": Case(body(lambda g: g + b"{}"), BAD),
    "trailing byte": Case(body(lambda g: g + b"\0"), BAD),
    "trailing word": Case(body(lambda g: g + b"pass"), BAD),
    "trailing byte behind the length": Case(wire(lambda g: reply(g) + b"\0"), BAD),
    "second reply": Case(wire(lambda g: reply(g) * 2), BAD),
    "byte order mark": Case(body(lambda g: b"\xef\xbb\xbf" + g), BAD),
    "UTF-16": Case(body(lambda g: g.decode().encode("utf-16")), BAD),
    "no UTF-8": Case(body(lambda g: g.replace(b'"version":', b'"v\xff":1,"version":', 1)), BAD),
    "lone surrogate": Case(text('"version":', '"v":"\\ud800","version":'), BAD),
    "comment": Case(text('"version":', '/* */"version":'), BAD),
    "result twice": Case(body(lambda g: g.rstrip()[:-1] + b',"result":' + json.dumps(json.loads(g)["result"]).encode() + b"}"), BAD),
    "result and its escaped twin": Case(text('{"', '{"r\\u0065sult":{},"' ), BAD),
    "rule and its twin": Case(text(f'"{RULE}":', f'"{RULE}":{{}},"{RULE}":'), BAD),
    "rule and its escaped twin": Case(text(f'"{RULE}":', f'"promotion\\u002eall.approvals":{{}},"{RULE}":'), BAD),
    "status and its twin": Case(text('"status":"pass"', '"status":"deny","status":"pass"'), BAD),
    "status and its escaped twin": Case(text('"status":"pass"', '"\\u0073tatus":"deny","status":"pass"'), BAD),
    "revision and its escaped twin": Case(text('"version":', '"\\u0076ersion":"1","version":'), BAD),
    **{f"number {n}": Case(body(lambda g, v=v: g.rstrip()[:-1] + f',"metrics":{{"x":{v}}}}}'.encode()), BAD) for n, v in NUMBERS.items()},  # type: ignore[misc]
    # A21, A23: it decides nothing, or warns
    "{}": Case(body(lambda _: b"{}"), UNDEFINED),
    "no result": Case(document(lambda d: d.pop("result")), UNDEFINED),
    "result null": Case(document(lambda d: d.update(result=None)), UNDEFINED),
    "result {}": Case(document(lambda d: d.update(result={})), UNDEFINED),
    "result true": unusable(document(lambda d: d.update(result=True))),
    "result pass": unusable(document(lambda d: d.update(result="pass"))),
    "result []": unusable(document(lambda d: d.update(result=[]))),
    "list": Case(body(lambda g: b"[" + g + b"]"), BAD),
    "true": Case(body(lambda _: b"true"), BAD),
    "warning": Case(document(lambda d: d.update(warning={"code": "api_usage_warning", "message": "input"})), "engine.warning"),
    "empty warning": Case(document(lambda d: d.update(warning=None)), "engine.warning"),
    "error beside the result": Case(document(lambda d: d.update(code="internal_error")), BAD),
    # A27: which bundle
    "another revision": Case(document(lambda d: d["provenance"]["bundles"]["bspec"].update(revision="r0")), STALE),
    "no revision": Case(document(lambda d: d["provenance"]["bundles"]["bspec"].clear()), PROVENANCE),
    "no provenance": Case(document(lambda d: d.pop("provenance")), PROVENANCE),
    "another bundle's name": Case(document(lambda d: d["provenance"].update(bundles={"x": d["provenance"]["bundles"]["bspec"]})), PROVENANCE),
    "another bundle besides": Case(document(lambda d: d["provenance"]["bundles"].update(x={"revision": "r"})), PROVENANCE),
    "another revision in the decision": Case(decision(lambda d: d.update(revision="sha256:" + "0" * 64)), "gate.stale-revision", STALE),
    "another data digest": Case(decision(lambda d: d.update(data_digest="sha256:" + "0" * 64)), "gate.stale-revision", STALE),
    # A22, A41, A86: not exactly the decision on this question
    "another nonce": unusable(decision(lambda d: d.update(nonce="0" * 64))),
    "no nonce": unusable(decision(lambda d: d.pop("nonce"))),
    "another contract": unusable(decision(lambda d: d.update(contract="bspec.decision/v2"))),
    "a member more": unusable(decision(lambda d: d.update(allow=True))),
    "missing rule": Case(decision(lambda d: d["promotion"].pop(RULE)), "gate.rule-set", "engine.disagreement"),
    "missing global rule": Case(decision(lambda d: d["global"].popitem()), "gate.rule-set", "engine.disagreement"),
    "no rules": Case(decision(lambda d: d.update({"global": {}, "promotion": {}})), "gate.rule-set", "engine.disagreement"),
    "extra rule": Case(decision(lambda d: d["promotion"].update({"promotion.all.more": d["promotion"][RULE]})), "gate.rule-set", "engine.disagreement"),
    "rule in the other part": Case(decision(lambda d: d["global"].update({RULE: d["promotion"].pop(RULE)})), "gate.rule-set", "engine.disagreement"),
    "rules as a list": unusable(decision(lambda d: d.update(promotion=list(d["promotion"].values())))),
    **{f"status {json.dumps(w)}": unusable(rule(status=w)) for w in WORDS},
    "no status": unusable(decision(lambda d: d["promotion"][RULE].pop("status"))),
    "another member of a rule": unusable(rule(ok=True)),
    "deny null": unusable(rule(deny=None)),
    "deny that is no finding": unusable(rule(deny=["no"], status="deny")),
    "pass that denies": contradictory(rule(deny=[finding()])),
    "deny without a finding": contradictory(rule(status="deny")),
    "warn without a finding": contradictory(rule(status="warn")),
    "waived without a waiver": contradictory(rule(status="waived", waived=[finding()])),
    "waived by nobody's waiver": contradictory(rule(status="waived", waived=[finding()], waivers=["sha256:" + "0" * 64])),
    "pending without a denial": contradictory(rule(pending=[finding(needs={"kind": "approval", "role": "security", "count": 1})])),
    "another severity": contradictory(rule(severity="low")),
    "finding twice": contradictory(rule(status="deny", deny=[finding(), finding()])),
}  # fmt: skip


# What is demanded of each


def shown(result: Result) -> list[str]:
    """The reason codes that a verb printed as JSON."""
    return [p["code"] for p in result.json["problems"]]


def everything(base: Path) -> dict[Path, bytes]:
    return {p: p.read_bytes() for p in base.rglob("*") if p.is_file()}


def ask(shell: Shell, verb: str, url: str, deadline_s: float = LONG_S, *flags: str) -> Result:
    return shell(verb, *WORK, "--opa-url", url, "--engine-deadline-s", str(deadline_s), *flags)


BOTH = ("evaluate", "promote")


def refused(
    shell: Shell, url: str, code: str, exit_code: int, deadline_s: float = LONG_S, *, verbs: tuple[str, ...] = BOTH
) -> None:
    """The verbs fail with this code, in time, and leave no trace."""
    before = everything(shell.home.parent)
    for verb in verbs:
        begin = time.monotonic()
        result = ask(shell, verb, url, deadline_s)
        assert time.monotonic() - begin < deadline_s + SLACK_S
        assert (verb, result.code, shown(result), result.err) == (verb, exit_code, [code], "")
    assert not Path("behavior.lock").exists()
    assert everything(shell.home.parent) == before


@pytest.fixture(scope="session")
def opa_url(opa_path: Path) -> Iterator[str]:
    """A real OPA with the shipped bundle."""
    with opa_server(opa_path, shipped_bundle()) as (url, _):
        yield url


@pytest.fixture
def middleman(opa_url: str) -> Iterator[Middleman]:
    with Middleman(opa_url) as found:
        yield found


@pytest.mark.attack("A21")
@pytest.mark.attack("A22")
@pytest.mark.attack("A23")
@pytest.mark.attack("A24")
@pytest.mark.attack("A25")
@pytest.mark.attack("A27")
@pytest.mark.attack("A33")
@pytest.mark.attack("A38")
@pytest.mark.attack("A59")
@pytest.mark.attack("A61")
@pytest.mark.attack("A62")
@pytest.mark.attack("A63")
@pytest.mark.attack("A86")
@pytest.mark.parametrize("panel", PANELS)
@pytest.mark.parametrize("name", CASES)
def test_tampering(shell_at: Callable[[str], Shell], middleman: Middleman, name: str, panel: str) -> None:
    shell, case = shell_at(PANELS[panel]), CASES[name]
    middleman.tamper = case.tamper
    # Both verbs ask in the same way; that is seen where the sidecar is believed.
    verbs = BOTH if panel == "asserted" else ("promote",)
    exit_code = 7 if "stale" in case.code(panel) else 8
    refused(shell, middleman.url, case.code(panel), exit_code, case.deadline_s, verbs=verbs)


@pytest.mark.parametrize("panel", PANELS)
def test_the_genuine_answer_promotes(shell_at: Callable[[str], Shell], middleman: Middleman, panel: str) -> None:
    shell = shell_at(PANELS[panel])
    promoted = ask(shell, "promote", middleman.url)
    assert promoted.code == 0, promoted.out
    assert Path("behavior.lock").exists()
    verified = shell.ok("verify", "--format", "json").json
    assert [line["assurance"] for line in verified["lines"]] == [panel]


def allowing(found: dict[str, Any]) -> None:
    """Every rule passes; revision, digest and nonce stay as they must be."""
    for part in ("global", "promotion"):
        for answer in found[part].values():
            answer.update(APPROVED)


NEEDED = finding(needs={"kind": "approval", "role": "security", "count": 1})
DENIALS = {
    "deny": (rule(status="deny", deny=[finding()]), 4),
    "pending": (rule(status="deny", deny=[NEEDED], pending=[NEEDED]), 5),
    "deny and pending": (rule(status="deny", deny=[finding(), NEEDED], pending=[NEEDED]), 4),
}


@pytest.mark.attack("A86")
@pytest.mark.parametrize("name", DENIALS)
def test_a_well_formed_denial_of_the_sidecar(shell_at: Callable[[str], Shell], middleman: Middleman, name: str) -> None:
    """Alone it is a denial; where the embedded engine allows, it is a disagreement, and no less a refusal."""
    tamper, exit_code = DENIALS[name]
    middleman.tamper = tamper
    shell = shell_at("sequenced-asserted")
    for verb in ("evaluate", "promote"):
        result = ask(shell, verb, middleman.url)
        assert (result.code, result.err) == (exit_code, ""), result.out
        assert not Path("behavior.lock").exists()
    assert list(shell.home.parent.rglob("*.tmp")) == []
    middleman.tamper = None
    assert ask(shell, "promote", middleman.url).code == 0


@pytest.mark.attack("A86")
@pytest.mark.parametrize("name", DENIALS)
def test_a_denial_that_the_embedded_engine_doesnt_share(
    shell_at: Callable[[str], Shell], middleman: Middleman, name: str
) -> None:
    shell = shell_at("sequenced")
    middleman.tamper = DENIALS[name][0]
    refused(shell, middleman.url, "engine.disagreement", 8)


def unsigned(shell: Shell) -> None:
    """Takes the approval away: something is pending."""
    for file in Path(".bspec/records/approval").iterdir():
        file.unlink()
    shell.sequence()


def widened(shell: Shell) -> None:
    """Lets the agent do more than was signed, with a tool of a forbidden kind: denied."""
    intent = Path("behavior.intent")
    before = intent.read_text(encoding="utf-8")
    intent.write_text(before.replace("privilege: read", "privilege: admin", 1), encoding="utf-8")
    assert intent.read_text(encoding="utf-8") != before
    shell.sequence()


@pytest.mark.attack("A86")
@pytest.mark.parametrize("panel", PANELS)
@pytest.mark.parametrize(("spoil", "exit_code"), [(unsigned, 5), (widened, 4)])
def test_a_genuine_denial_and_a_lie_about_it(
    shell_at: Callable[[str], Shell],
    middleman: Middleman,
    spoil: Callable[[Shell], None],
    exit_code: int,
    panel: str,
) -> None:
    """Both engines deny: 4 or 5. The sidecar lies: they disagree; believed alone it meets the floor (attack A79)."""
    shell = shell_at(PANELS[panel].replace("sequenced", "signed"))
    spoil(shell)
    assert ask(shell, "evaluate", middleman.url).code == exit_code
    middleman.tamper = decision(allowing)
    if panel == "cross-checked":
        refused(shell, middleman.url, "engine.disagreement", 8)
    for verb in ("evaluate", "promote"):
        assert ask(shell, verb, middleman.url).code == (8 if panel == "cross-checked" else 4)
    middleman.tamper = None
    assert ask(shell, "promote", middleman.url).code == exit_code
    assert not Path("behavior.lock").exists()


@pytest.mark.attack("A59")
@pytest.mark.parametrize("panel", PANELS)
def test_a_redirect_sends_nothing_elsewhere(shell_at: Callable[[str], Shell], opa_url: str, panel: str) -> None:
    shell = shell_at(PANELS[panel])
    with Middleman(opa_url) as elsewhere, Middleman(opa_url) as middleman:
        for status in MOVED:
            for target in (f"{elsewhere.url}/v1/data/bspec/gate/decision", f"//127.0.0.1:{elsewhere.port}/"):
                middleman.tamper = body(same, status, f"Location: {target}")
                refused(shell, middleman.url, "engine.bad-status", 8)
        assert (elsewhere.requests, elsewhere.accepted) == ([], 0)


@pytest.mark.attack("A25")
@pytest.mark.parametrize("panel", PANELS)
def test_no_sidecar_is_no_reason_to_ask_another_engine(shell_at: Callable[[str], Shell], panel: str) -> None:
    shell = shell_at(PANELS[panel])
    refused(shell, f"http://127.0.0.1:{free_port()}", "engine.unreachable", 8)
    refused(shell, f"unix://{shell.home}/none.sock", "engine.unreachable", 8)
    assert shell("evaluate", *WORK).code == 0


@pytest.mark.attack("A26")
@pytest.mark.attack("A60")
@pytest.mark.attack("A71")
@pytest.mark.parametrize(
    "url",
    ["http://user:s3cret@{}", "http://s3cret@{}", "http://{}/v1/data/s3cret", "http://{}/?s3cret", "http://{}/#s3cret"],
)
def test_a_url_with_more_than_a_place(shell_at: Callable[[str], Shell], middleman: Middleman, url: str) -> None:
    """Whatever else is in it is neither used nor repeated."""
    shell = shell_at("sequenced")
    for form in ("json", "text"):
        found = url.format(f"127.0.0.1:{middleman.port}")
        result = shell("promote", *WORK[:-1], form, "--opa-url", found)
        assert (result.code, "engine.bad-url" in result.out + result.err) == (2, True)
        assert "s3cret" not in result.out + result.err
    assert middleman.requests == []


@pytest.mark.attack("A26")
@pytest.mark.parametrize("name", ["../x", "a/b", "a%2fb", "a//b", 'a"b', "a b", "", "a\nb"])
def test_a_bundle_name_that_leads_elsewhere(shell_at: Callable[[str], Shell], middleman: Middleman, name: str) -> None:
    shell = shell_at("signed")
    result = ask(shell, "promote", middleman.url, LONG_S, f"--engine-bundle-name={name}")
    if name:
        assert (result.code, shown(result)) == (2, ["engine.bad-path"])
        assert middleman.requests == []
    else:
        assert result.code == 0  # as if it was not given
    heads = {r.partition(b" HTTP/")[0] for r in middleman.requests}
    query = b"strict-builtin-errors=true&provenance=true"
    assert heads <= {b"POST /v1/data/bspec/gate/decision?" + query}


@pytest.mark.attack("A25")
def test_many_intents_share_a_connection_and_no_failure(shell_at: Callable[[str], Shell], middleman: Middleman) -> None:
    """What one answer lacks is that intent's failure; it is not asked again, and the others are answered."""
    shell = shell_at("signed")
    for name in "abcd":
        Path(name).mkdir()
        shutil.copy("behavior.intent", name)
    work = (*(f"{name}/behavior.intent" for name in "abcd"), "--env", "staging", "--opa-url", middleman.url)
    assert shell("evaluate", *work, "--quiet").code == 0
    assert (len(middleman.requests), middleman.accepted) == (4, 1)

    def tamper(visit: Visit, genuine: bytes) -> None:
        visit.reset() if len(middleman.requests) == 6 else visit.send(reply(genuine))

    middleman.tamper = tamper
    result = shell("evaluate", *work, "--format", "jsonl")
    found = [json.loads(line) for line in result.lines]
    assert (result.code, [f["exit_code"] for f in found]) == (8, [0, 8, 0, 0])
    assert found[1]["problems"][0]["code"] == "engine.unreachable"
    assert (len(middleman.requests), middleman.accepted) == (8, 3)
