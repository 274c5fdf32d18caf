"""Bundles that are not what they seem: an error with its reason, no lock, nothing written, in bounded time.

What no trust root accepts is never run. Without a trust root any bundle that can be read is, and only advises; that is
where policies that loop, allocate or call out come to be run.
"""

from __future__ import annotations

import base64
import gzip
import json
import socket
import subprocess
import tarfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from guest import retyped
from policy_tree import good_tree, write
from publishers import key, loosely_packed, write_keys

from bspec_opa.bundle.archive import compress, decompress, read_tar, write_tar
from bspec_opa.bundle.build.building import pack
from bspec_opa.bundle.index import Index
from bspec_opa.bundle.read import read_bundle
from bspec_opa.bundle.shipped import shipped_bundle
from bspec_opa.foundation.digest import digest_of
from bspec_opa.foundation.limits import ENGINE_DEADLINE_S, MAX_BUNDLE_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Result, Shell

    At = Callable[[str], Shell]

JSON = ("--format", "json")
WORK = ("behavior.intent", "--env", "staging", *JSON)
SLACK_S = 60.0
"""A machine may be busy; without its bounds each of these takes far longer, or for ever."""
PACKAGE = "package bspec.gate\n\n"


def shipped() -> dict[str, bytes]:
    return dict(read_tar(decompress(shipped_bundle().read_bytes())))


def everything() -> dict[Path, bytes]:
    return {p: p.read_bytes() for p in Path.cwd().parent.rglob("*") if p.is_file()}


def refused(shell: Shell, bundle: Path, code: str, exit_code: int, *verbs: str) -> Result:
    """Each verb fails with this code and leaves no trace."""
    before = everything()
    for verb in verbs:
        result = shell(verb, *WORK, "--bundle", str(bundle))
        assert (verb, result.code, result.err) == (verb, exit_code, ""), result.out
        assert [p["code"] for p in result.json["problems"]] == [code], result.out
    assert not Path("behavior.lock").exists()
    assert everything() == before
    return result


# Policies that misbehave


@pytest.fixture(scope="session")
def compiled(opa_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], bytes]:
    """The ``policy.wasm`` of a decision in Rego, by the real OPA, which asks no allow-list."""

    def wasm(rego: str) -> bytes:
        folder = tmp_path_factory.mktemp("policy")
        (folder / "gate.rego").write_text(PACKAGE + rego, encoding="utf-8")
        command = [str(opa_path), "build", "-t", "wasm", "-e", "bspec/gate/decision", "-o", "b.tar.gz", "gate.rego"]
        subprocess.run(command, env={}, cwd=folder, check=True, capture_output=True)
        with tarfile.open(folder / "b.tar.gz") as archive:
            member = archive.extractfile("/policy.wasm")
            assert member is not None
            return member.read()

    return wasm


def with_wasm(path: Path, wasm: bytes) -> Path:
    """The shipped bundle with another compiled policy: the index and every digest in it stay right."""
    path.write_bytes(compress(write_tar(shipped() | {"policy.wasm": wasm})))
    return path


LOOPS = """decision := {"found": n} if {
	xs := numbers.range(1, 2000)
	n := count([1 | some a in xs; some b in xs; some c in xs; some d in xs; d < a; a < d])
}
"""
ALLOCATES = """decision := {"found": n} if {
	text := concat("", [input.nonce | some _ in numbers.range(1, 1000)])
	n := count([concat(",", [text, $"{i}"]) | some i in numbers.range(1, 1000000)])
}
"""
POLICIES = {
    "loops": (LOOPS, {"engine.out-of-fuel", "engine.timeout"}),
    "allocates": (ALLOCATES, {"engine.out-of-memory"}),
    "wants a function of its host": ('decision := {"text": sprintf("%s", [input.nonce])}\n', {"engine.host-builtin"}),
    "wants the network": ('decision := http.send({"method": "get", "url": "http://127.0.0.1:9"})\n', {"engine.host-builtin"}),
    "wants the environment": ("decision := opa.runtime()\n", {"engine.host-builtin"}),
    "decides nothing": ("decision := {} if input.nothing\n", {"engine.undefined"}),
    "decides an empty object": ("decision := {}\n", {"engine.undefined"}),
    "decides something else": ('decision := {"allow": true}\n', {"gate.unusable-answer"}),
}  # fmt: skip


@pytest.mark.attack("A25")
@pytest.mark.attack("A69")
@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_that(shell_at: At, compiled: Callable[[str], bytes], tmp_path: Path, name: str) -> None:
    rego, codes = POLICIES[name]
    bundle = with_wasm(tmp_path / "evil.tar.gz", compiled(rego))
    shell = shell_at("bare")
    begin = time.monotonic()
    result = shell("evaluate", *WORK, "--bundle", str(bundle))
    assert time.monotonic() - begin < ENGINE_DEADLINE_S + SLACK_S
    (problem,) = result.json["problems"]
    assert (result.code, result.err) == (8, "")
    assert problem["code"] in codes
    assert not Path("behavior.lock").exists()


@pytest.mark.parametrize("size", [0, 7, 1_000, 100_000, -1])
def test_a_module_cut_off(shell_at: At, tmp_path: Path, size: int) -> None:
    bundle = with_wasm(tmp_path / "cut.tar.gz", shipped()["policy.wasm"][:size])
    refused(shell_at("bare"), bundle, "engine.bad-module", 8, "evaluate")


@pytest.mark.attack("A25")
@pytest.mark.parametrize("kind", ["v128", "anyref", "(ref func)", "f64", "funcref"])
def test_a_module_with_other_types_than_the_abi(shell_at: At, tmp_path: Path, kind: str) -> None:
    """Some of them would end the process without a word; one bad bundle must not cost a whole batch its answer."""
    bundle = with_wasm(tmp_path / "evil.tar.gz", retyped("opa_malloc", kind, taken=True))
    refused(shell_at("bare"), bundle, "engine.bad-module", 8, "evaluate")


@pytest.mark.attack("A31")
@pytest.mark.parametrize("name", ["loops", "wants the network"])
def test_what_nobody_accepted_is_not_run(
    shell_at: At, compiled: Callable[[str], bytes], tmp_path: Path, name: str
) -> None:
    bundle = with_wasm(tmp_path / "default.tar.gz", compiled(POLICIES[name][0]))
    refused(shell_at("signed"), bundle, "bundle.not-accepted", 7, "evaluate", "promote")


@pytest.mark.attack("A25")
def test_an_accepted_policy_that_loops_gives_no_lock(
    shell_at: At, compiled: Callable[[str], bytes], tmp_path: Path
) -> None:
    """Whoever accepted it accepted no promotion."""
    bundle = with_wasm(tmp_path / "accepted.tar.gz", compiled(LOOPS))
    shell = shell_at("bare")
    shell.ok("init", ".", "--trial-keys", "-q")
    trust = Path("trust.yaml")
    text = trust.read_text(encoding="utf-8")
    assert text.count("{shipped: default}") == 1
    trust.write_text(text.replace("{shipped: default}", f"{{path: {bundle}}}"), encoding="utf-8")
    made = shell.ok("trust", "init", "trust.yaml", "--key", "keys/root.pem", *JSON).json
    shell.variables |= {"BSPEC_OPA_TRUST_PIN": made["pin"], "BSPEC_OPA_BUNDLE_PATH": str(bundle)}
    shell.bind()
    shell.ok("submit", "behavior.intent", "-q")
    shell.ok("request", "behavior.intent", "--env", "staging", "-q")
    for verb in ("evaluate", "promote"):
        begin = time.monotonic()
        result = shell(verb, *WORK)
        assert time.monotonic() - begin < ENGINE_DEADLINE_S + SLACK_S
        assert (result.code, result.err) == (8, "")
        assert {p["code"] for p in result.json["problems"]} <= POLICIES["loops"][1]
    assert not Path("behavior.lock").exists()


# Archives


def inserted(path: Path, info: tarfile.TarInfo, data: bytes = b"", **form: Any) -> Path:
    """The shipped bundle with one more member at its end, written by another tar."""
    info.size = len(data)
    header = info.tobuf(**({"format": tarfile.USTAR_FORMAT} | form))
    if info.type not in {tarfile.CHRTYPE, tarfile.FIFOTYPE}:  # Python's leaves these fields empty; ours are zeros
        header = header[:-183] + b"0000000\0" * 2 + header[-167:]
    last = bytearray(header[-512:])
    last[148:156] = b" " * 8
    last[148:156] = b"%06o\0 " % sum(last)
    header = header[:-512] + bytes(last)
    path.write_bytes(compress(write_tar(shipped())[:-1024] + header + data + bytes(-len(data) % 512 + 1024)))
    return path


def member(
    name: str, kind: bytes = tarfile.REGTYPE, link: str = "", pax: dict[str, str] | None = None
) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.pax_headers = kind, link, pax or {}
    return info


OUTSIDE = "/tmp/bspec-opa-attack-a64.rego"
MEMBERS = {
    "..": member("../outside.rego"),
    ".. inside": member("bspec/../../outside.rego"),
    "an absolute path": member(OUTSIDE),
    "a symbolic link": member("bspec/a.rego", tarfile.SYMTYPE, "/etc/passwd"),
    "a symbolic link to a folder": member("bspec", tarfile.SYMTYPE, "/tmp"),
    "a hard link": member("bspec/a.rego", tarfile.LNKTYPE, "policy.wasm"),
    "a device": member("bspec/a.rego", tarfile.CHRTYPE),
    "a pipe": member("bspec/a.rego", tarfile.FIFOTYPE),
    "a folder": member("bspec/a", tarfile.DIRTYPE),
    "a PAX path": member("bspec/a.rego", pax={"path": "../outside.rego"}),
    "the name of another": member("policy.wasm"),
    "another spelling of a name": member("./policy.wasm"),
    "a doubled slash": member("bspec//org/data.json"),
    "a name in another form": member("/policy.wasm"),
}


@pytest.mark.attack("A64")
@pytest.mark.parametrize("name", MEMBERS)
@pytest.mark.parametrize("stage", ["bare", "signed"])
def test_an_archive_with(shell_at: At, tmp_path: Path, name: str, stage: str) -> None:
    info = MEMBERS[name]
    form: dict[str, Any] = {"format": tarfile.PAX_FORMAT} if info.pax_headers else {}
    bundle = inserted(tmp_path / "evil.tar.gz", info, **form)
    verbs = ("evaluate",) if stage == "bare" else ("evaluate", "promote")
    refused(shell_at(stage), bundle, "bundle.bad-archive", 7, *verbs)
    assert not Path(OUTSIDE).exists()


def test_what_is_inserted_has_nothing_else_wrong(shell_at: At, tmp_path: Path) -> None:
    """The same way of writing, with an innocent name: the archive is read, and only its contents are refused."""
    bundle = inserted(tmp_path / "odd.tar.gz", member("zz.rego"))
    refused(shell_at("bare"), bundle, "bundle.bad-contents", 7, "evaluate")


@pytest.mark.attack("A65")
@pytest.mark.parametrize("inside", ["nothing but zeros", "a file of zeros"])
def test_an_archive_bomb(shell_at: At, tmp_path: Path, inside: str) -> None:
    zeros = bytes(MAX_BUNDLE_BYTES + 1)
    tar = zeros if inside == "nothing but zeros" else write_tar(shipped() | {"policy.wasm": zeros})
    bundle = tmp_path / "bomb.tar.gz"
    bundle.write_bytes(gzip.compress(tar, mtime=0))
    assert bundle.stat().st_size < MAX_BUNDLE_BYTES // 100
    refused(shell_at("bare"), bundle, "bundle.archive-too-large", 7, "evaluate")


# What authenticates a bundle


def token(header: Any, payload: Any = None) -> str:
    """A JWT without a signature that anybody could check."""
    files = [{"name": "policy.wasm", "hash": "0" * 64, "algorithm": "SHA-256"}]
    parts = (header, payload or {"files": files, "keyid": "k", "scope": "write"})
    return ".".join([*(base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=").decode() for p in parts), ""])


HS256 = {"alg": "HS256", "typ": "JWT"}
SIGNATURES: dict[str, tuple[str, Any]] = {
    "of no kind": ("A28", {}),
    "with an empty list": ("A28", {"signatures": []}),
    "naming a plugin": ("A29", {"signatures": [token(HS256)], "plugin": "always_true"}),
    "with two tokens": ("A29", {"signatures": [token(HS256), token(HS256)]}),
    "with MD5": ("A29", {"signatures": [token(HS256, {"files": [{"name": "x", "hash": "0", "algorithm": "MD5"}]})]}),
    "with algorithm none": ("A30", {"signatures": [token({"alg": "none"})]}),
    "with HS256": ("A30", {"signatures": [token(HS256)]}),
    "with an unknown critical header": ("A30", {"signatures": [token(HS256 | {"crit": ["x"], "x": 1})]}),
}
SIGNED = [pytest.param(text, id=name, marks=pytest.mark.attack(attack)) for name, (attack, text) in SIGNATURES.items()]


def with_signatures(path: Path, data: bytes) -> Path:
    """The shipped bundle with a ``.signatures.json``, in the form in which we write archives."""
    path.write_bytes(compress(write_tar(shipped() | {".signatures.json": data})))
    return path


@pytest.mark.parametrize("stage", ["bare", "signed"])
@pytest.mark.parametrize("signatures", SIGNED)
def test_a_signature_file(shell_at: At, tmp_path: Path, signatures: Any, stage: str) -> None:
    """It is refused, not ignored: a signature that nobody checks must not look like one that somebody did."""
    bundle = with_signatures(tmp_path / "default.tar.gz", json.dumps(signatures).encode())
    verbs = ("evaluate",) if stage == "bare" else ("evaluate", "promote")
    refused(shell_at(stage), bundle, "bundle.signature-form", 7, *verbs)


@pytest.mark.attack("A64")
def test_a_signature_file_somewhere_else(shell_at: At, tmp_path: Path) -> None:
    """OPA takes it from any folder; here there is one place for it."""
    bundle = inserted(tmp_path / "odd.tar.gz", member("bspec/.signatures.json"), b"{}")
    refused(shell_at("bare"), bundle, "bundle.bad-archive", 7, "evaluate")


@pytest.mark.attack("A28")
@pytest.mark.attack("A29")
@pytest.mark.attack("A30")
@pytest.mark.parametrize(("algorithm", "code"), [("HS256", "bundle.signature-form"), ("ES256", "bundle.not-accepted")])
def test_a_bundle_that_opa_signed(shell_at: At, opa_path: Path, tmp_path: Path, algorithm: str, code: str) -> None:
    """Even a genuine signature: whose counts is the trust root's to say, and this one names no publisher."""
    folder = tmp_path / "bundle"
    for name, data in shipped().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    secret = "secret" if algorithm == "HS256" else str(write_keys(tmp_path, key())[0])
    command = [str(opa_path), "sign", "--signing-key", secret, "--signing-alg", algorithm, "--bundle", "bundle"]
    subprocess.run(command, env={}, cwd=tmp_path, check=True, capture_output=True)
    signed = with_signatures(tmp_path / "s.tar.gz", (tmp_path / ".signatures.json").read_bytes())
    refused(shell_at("signed"), signed, code, 7, "evaluate", "promote")


@pytest.mark.parametrize("form", ["as OPA writes it", "beside a bundle"])
def test_a_delta_bundle(shell_at: At, tmp_path: Path, form: str) -> None:
    patch = json.dumps({"data": [{"op": "upsert", "path": "bspec/org/forbidden", "value": []}]}).encode()
    if form == "beside a bundle":
        bundle = tmp_path / "delta.tar.gz"
        bundle.write_bytes(compress(write_tar(shipped() | {"patch.json": patch})))
    else:
        bundle = tmp_path / "delta.tar.gz"
        loosely_packed({"/patch.json": patch, "/.manifest": b'{"revision": "r", "roots": ["bspec"]}'}, bundle)
    refused(shell_at("signed"), bundle, "bundle.delta", 7, "evaluate", "promote")


@pytest.mark.attack("A28")
@pytest.mark.attack("A31")
@pytest.mark.parametrize("name", ["policy.wasm", "bspec/gate/gate.rego"])
def test_any_other_byte_is_another_bundle(shell_at: At, tmp_path: Path, name: str) -> None:
    """Even where the revision, which is over the authors' files, stays the same."""
    files = shipped()
    files[name] += b"\n"
    bundle = tmp_path / "default.tar.gz"
    bundle.write_bytes(compress(write_tar(files)))
    refused(shell_at("signed"), bundle, "bundle.not-accepted", 7, "evaluate", "promote")


def test_the_container_is_not_the_bundle(shell_at: At, tmp_path: Path) -> None:
    """The digest is over the archive inside, so that a publisher may compress it."""
    bundle = tmp_path / "default.tar.gz"
    bundle.write_bytes(gzip.compress(decompress(shipped_bundle().read_bytes())))
    assert shell_at("signed")("evaluate", *WORK, "--bundle", str(bundle)).code == 0


@pytest.mark.attack("A29")
@pytest.mark.parametrize("key", ["exclude_files", "signing", "keyid", "verification"])
def test_no_configuration_leaves_files_of_a_bundle_out(shell_at: At, key: str) -> None:
    shell = shell_at("signed")
    Path("bspec-opa.toml").write_text(f'[bundle]\n{key} = "policy.wasm"\n', encoding="utf-8")
    result = shell("evaluate", *WORK)
    assert (result.code, [p["code"] for p in result.json["problems"]]) == (2, ["config.unknown-key"])


# What a policy or a schema may reach


def listener() -> socket.socket:
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(0.2)
    return server


@pytest.mark.attack("A67")
def test_a_remote_reference_in_a_schema_reaches_no_network(shell_at: At, tmp_path: Path) -> None:
    """Neither in a bundle's own schemas, with every digest right, nor in the organisation's data."""
    shell = shell_at("bare")
    with listener() as server:
        remote = {"$ref": f"http://127.0.0.1:{server.getsockname()[1]}/schema.json"}
        bundle = read_bundle(shipped_bundle().read_bytes(), "default")
        own = {".manifest", "index.json", "bspec/org/data.json", "bspec/build/data.json", "policy.wasm"}
        files = {n: d for n, d in bundle.files.items() if n not in own}
        files["schemas/input.json"] = json.dumps(remote).encode()
        evil = tmp_path / "evil.tar.gz"
        evil.write_bytes(pack(files, bundle.index, bundle.organisation, bundle.wasm, bundle.opa_version))
        # The compiled rules are the shipped ones, but they echo another revision: nothing but their own data.
        assert shell("evaluate", *WORK, "--bundle", str(evil)).code in {4, 5, 8}
        data = json.loads(json.dumps(bundle.organisation)) | remote
        Path("data.json").write_text(json.dumps(data), encoding="utf-8")
        build = ("bundle", "build", "--reuse-wasm", "default", "--data", "data.json", "-o", "b.tar.gz", *JSON)
        result = shell(*build)
        assert (result.code, [p["code"] for p in result.json["problems"]]) == (3, ["bundle.organisation-data"])
        assert not Path("b.tar.gz").exists()
        with pytest.raises(TimeoutError):
            server.accept()


CALLS = ('http.send({"method": "get", "url": input.nonce})', 'net.lookup_ip_addr("localhost")', "opa.runtime()")


@pytest.mark.attack("A69")
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("place", ["a rule", "a library"])
def test_a_bundle_whose_policy_reaches_out_is_not_built(shell_at: At, opa_path: Path, call: str, place: str) -> None:
    shell = shell_at("empty")
    shell.variables["BSPEC_OPA_OPA"] = str(opa_path)
    write(Path("policies"), good_tree())
    name = "rules/global/tools/no_admin/no_admin" if place == "a rule" else "lib/order/order"
    file = Path(f"policies/bspec/{name}.rego")
    text = file.read_text(encoding="utf-8")
    file.write_text(f"{text}\nreached := {call}\n" if place == "a library" else reaching(text, call), encoding="utf-8")
    result = shell("bundle", "build", "policies", "-o", "b.tar.gz", *JSON)
    problems = result.json["problems"]
    assert (result.code, {p["code"] for p in problems}) == (3, {"bundle.forbidden-builtin"}), problems
    assert {p["file"] for p in problems} == {str(file)}
    assert not Path("b.tar.gz").exists()


def reaching(rule: str, call: str) -> str:
    assert rule.count("some t in input.intent.tools\n") == 1
    return rule.replace("some t in input.intent.tools\n", f"some t in input.intent.tools\n\t_ := {call}\n")


def test_a_bundle_whose_rego_is_no_text(shell_at: At) -> None:
    """Reading it takes digests alone, so every verb that shows the Rego has to bear it."""
    shell = shell_at("empty")
    bundle = read_bundle(shipped_bundle().read_bytes(), "default")
    first = bundle.index.rules[0]
    files = {n: d for n, d in shipped().items() if n.endswith(".rego") or n.startswith("schemas/")}
    files[first.path] = b"# TODO \xff\xfe\n" + files[first.path]
    rules = (replace(first, digest=digest_of(files[first.path])), *bundle.index.rules[1:])
    odd = pack(files, Index(rules), bundle.organisation, bundle.wasm, bundle.opa_version)
    Path("odd.tar.gz").write_bytes(odd)
    Path("data.json").write_text(json.dumps(bundle.organisation), encoding="utf-8")
    shell.ok("policy", "doc", "odd.tar.gz", "-o", "docs")
    assert "# TODO \ufffd\ufffd" in Path("docs", f"{first.id}.md").read_text(encoding="utf-8")
    shell.ok("bundle", "build", "--reuse-wasm", "odd.tar.gz", "--data", "data.json", "-o", "x.tar.gz")
    assert read_bundle(Path("x.tar.gz").read_bytes(), "x").revision == read_bundle(odd, "odd").revision
