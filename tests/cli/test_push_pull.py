"""``bundle push`` and ``bundle pull``, with a real registry, and faults of registries one at a time."""

from __future__ import annotations

import base64
import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from certificates import Authority, serving
from registries import PASSWORD, TOKEN, USER, Answer, Front, basic, front_server, registry_server
from sidecars import opa_server

from bspec_opa.bundle.registry.image import CONFIG_TYPE, INDEX_TYPE, LAYER_TYPE, MANIFEST_TYPE
from bspec_opa.bundle.shipped import shipped_bundle
from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.digest import digest_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shell import Result, Shell

    At = Callable[[str], Shell]

DEFAULT = shipped_bundle().read_bytes()
LAYER = digest_of(DEFAULT)
PLAIN = "--plain-http"
NAME = "acme/bspec:v1"


@pytest.fixture(scope="module")
def registry() -> Iterator[str]:
    with registry_server() as host:
        yield host


def pull(shell: Shell, source: str, *options: str) -> Result:
    return shell("bundle", "pull", source, "-o", "got.tar.gz", *options)


def manifest_of(shell: Shell) -> dict[str, Any]:
    document = shell.ok("bundle", "push", "default", "oci:made", "--format", "json").json
    found: dict[str, Any] = json.loads(Path("made/blobs/sha256", document["manifest"][7:]).read_bytes())
    return found


def test_the_manifest_is_made_of_the_bundle_alone(shell_at: At) -> None:
    shell = shell_at("empty")
    inspected = shell.ok("bundle", "inspect", "--format", "json").json
    assert manifest_of(shell) == {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": {"mediaType": CONFIG_TYPE, "digest": digest_of(b"{}"), "size": 2},
        "layers": [{"mediaType": LAYER_TYPE, "digest": LAYER, "size": len(DEFAULT)}],
        "annotations": {
            "bspec.bundle.revision": inspected["revision"],
            "bspec.bundle.digest": inspected["digest"],
        },
    }


def test_to_a_layout_and_a_registry_and_back(shell_at: At, registry: str) -> None:
    """The same digests everywhere, the same bytes at the end."""
    shell = shell_at("empty")
    there = shell.ok("bundle", "push", "default", "oci:images:v1", "--format", "json").json
    pushed = shell.ok("bundle", "push", "default", f"{registry}/{NAME}", PLAIN)
    assert pushed.lines[:2] == [f"PUSHED  {registry}/{NAME}", f"  manifest  {there['manifest']}"]
    digest = there["manifest"]
    for source in (f"{registry}/{NAME}", f"{registry}/acme/bspec@{digest}", f"{registry}/{NAME}@{digest}"):
        pulled = shell.ok("bundle", "pull", source, "-o", "got.tar.gz", PLAIN, "--format", "json").json
        assert (pulled["manifest"], pulled["digest"]) == (digest, there["digest"])
        assert Path("got.tar.gz").read_bytes() == DEFAULT
        Path("got.tar.gz").unlink()
    for source in ("oci:images:v1", f"oci:images@{digest}", f"oci:images:v1@{digest}"):
        assert pull(shell, source).code == 0
        assert Path("got.tar.gz").read_bytes() == DEFAULT
        Path("got.tar.gz").unlink()
    again = shell.ok("bundle", "push", "default", f"{registry}/{NAME}", PLAIN, "--format", "json").json
    assert again["manifest"] == digest


def test_a_real_opa_loads_what_was_pushed(shell_at: At, registry: str, opa_path: Path, tmp_path: Path) -> None:
    shell = shell_at("signed")
    shell.ok("bundle", "push", "default", f"{registry}/acme/sidecar:v1", PLAIN)
    config = {
        "services": {"oci": {"url": f"http://{registry}", "type": "oci"}},
        "bundles": {"bspec": {"service": "oci", "resource": f"{registry}/acme/sidecar:v1"}},
        "persistence_directory": str(tmp_path / "kept"),
    }
    Path("opa.json").write_text(json.dumps(config), encoding="utf-8")
    with opa_server(opa_path, None, f"--config-file={Path('opa.json').absolute()}") as (url, _):
        result = shell.ok("evaluate", "behavior.intent", "--env", "staging", "--opa-url", url, "--format", "json")
    assert (result.json["verdict"], result.json["assurance"]) == ("allowed", "cross-checked")


def test_other_tags_of_a_layout_stay(shell_at: At) -> None:
    shell = shell_at("empty")
    for tag in ("v1", "v2", "v1"):
        shell.ok("bundle", "push", "default", f"oci:images:{tag}")
    tags = [m["annotations"] for m in json.loads(Path("images/index.json").read_bytes())["manifests"]]
    assert tags == [{"org.opencontainers.image.ref.name": t} for t in ("v2", "v1")]
    missing = pull(shell, "oci:images:v3")
    assert (missing.code, missing.err) == (
        3,
        "images/index.json names no manifest for oci:images:v3; its tags: v1, v2 [registry.not-found]\n",
    )


def test_a_directory_of_something_else_is_no_layout(shell_at: At) -> None:
    shell = shell_at("bare")
    assert shell("bundle", "push", "default", "oci:.").code == 3
    assert "[registry.not-found]" in pull(shell, "oci:.").err
    assert {p.name for p in Path().iterdir()} == {"behavior.intent"}


def test_what_is_no_bundle_is_not_pushed(shell_at: At, registry: str) -> None:
    shell = shell_at("empty")
    Path("x.tar.gz").write_bytes(b"no tar")
    assert shell("bundle", "push", "x.tar.gz", f"{registry}/acme/none:v1", PLAIN).code == 7
    assert pull(shell, f"{registry}/acme/none:v1", PLAIN).code == 3


def put_layout(manifest: dict[str, Any] | bytes, *blobs: bytes, media_type: str = MANIFEST_TYPE) -> None:
    data = manifest if isinstance(manifest, bytes) else canonical_bytes(manifest)
    directory = Path("made/blobs/sha256")
    for blob in (data, *blobs):
        (directory / digest_of(blob)[7:]).write_bytes(blob)
    named = {"org.opencontainers.image.ref.name": "latest"}
    entry = {"mediaType": media_type, "digest": digest_of(data), "size": len(data), "annotations": named}
    Path("made/index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}), encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "code", "reason"),
    [
        ({"layers": []}, 3, "registry.no-bundle"),
        ({"layers": [{"mediaType": LAYER_TYPE, "digest": LAYER, "size": len(DEFAULT)}] * 2}, 3, "registry.no-bundle"),
        ({"layers": [{"mediaType": "text/plain", "digest": LAYER, "size": 1}]}, 3, "registry.no-bundle"),
        ({"layers": [{"mediaType": LAYER_TYPE, "digest": "sha256:../..", "size": 1}]}, 3, "registry.no-bundle"),
        ({"layers": [{"mediaType": LAYER_TYPE, "digest": LAYER, "size": True}]}, 3, "registry.no-bundle"),
        ({"layers": [{"mediaType": LAYER_TYPE, "digest": LAYER, "size": 2**40}]}, 3, "registry.too-large"),
        (
            {"layers": [{"mediaType": LAYER_TYPE, "digest": LAYER, "size": len(DEFAULT) + 1}]},
            7,
            "registry.digest-differs",
        ),
        ({"layers": [{"mediaType": LAYER_TYPE, "digest": LAYER, "size": 7}]}, 3, "file.too-large"),
        ({"annotations": {"bspec.bundle.revision": "another"}}, 7, "registry.digest-differs"),
        ({"annotations": {"bspec.bundle.sequence": "7"}}, 7, "registry.digest-differs"),
        ({"annotations": {"somebody.else": "says this"}}, 0, ""),
        ({"annotations": None}, 0, ""),
        ({"mediaType": INDEX_TYPE}, 3, "registry.no-bundle"),
    ],
    ids=str,
)
def test_manifests_that_say_something_else(shell_at: At, change: dict[str, Any], code: int, reason: str) -> None:
    shell = shell_at("empty")
    put_layout({**manifest_of(shell), **change})
    result = pull(shell, "oci:made")
    assert result.code == code
    assert result.err.endswith(f"[{reason}]\n" if reason else "")
    assert Path("got.tar.gz").exists() is (code == 0)


def test_other_media_types_and_altered_files(shell_at: At) -> None:
    shell = shell_at("empty")
    manifest = manifest_of(shell)
    put_layout(manifest, media_type=INDEX_TYPE)
    result = pull(shell, "oci:made")
    assert (result.code, "the manifest is a application/vnd.oci.image.index" in result.err) == (3, True)
    put_layout(b"[1")
    assert pull(shell, "oci:made").code == 3
    put_layout(manifest)
    layer = Path("made/blobs/sha256", LAYER[7:])
    layer.write_bytes(DEFAULT[:-1] + bytes([DEFAULT[-1] ^ 1]))
    altered = pull(shell, "oci:made")
    assert (altered.code, f"should be {LAYER}" in altered.err) == (7, True)
    put_layout(manifest, DEFAULT)
    Path("made/blobs/sha256", digest_of(canonical_bytes(manifest))[7:]).write_bytes(b"{}")
    assert pull(shell, "oci:made").code == 7
    assert not Path("got.tar.gz").exists()


def test_a_tag_that_moved(shell_at: At, registry: str) -> None:
    shell = shell_at("empty")
    tag = f"{registry}/acme/moved:v1"
    first = shell.ok("bundle", "push", "default", tag, PLAIN, "--format", "json").json["manifest"]
    data = Path(__file__).parents[2] / "bundles" / "elevated.data.json"
    shell.ok("bundle", "build", "--reuse-wasm", "default", "-o", "other.tar.gz", "--data", str(data))
    wrong = shell("bundle", "push", "other.tar.gz", f"{tag}@{first}", PLAIN)
    assert (wrong.code, "[registry.digest-differs]" in wrong.err) == (7, True)
    second = shell.ok("bundle", "push", "other.tar.gz", tag, PLAIN, "--format", "json").json["manifest"]
    moved = pull(shell, f"{tag}@{first}", PLAIN)
    place = f"{registry}/acme/moved"
    said = f"{place}: v1 names {second} now, and not {first}; find out who moved it; {place}@{first} is what was meant"
    assert (moved.code, moved.err) == (7, f"{said} [registry.tag-moved]\n")
    assert pull(shell, f"{registry}/acme/moved@{first}", PLAIN).code == 0
    assert Path("got.tar.gz").read_bytes() == DEFAULT


def test_nobody_there_and_no_tls(shell_at: At, registry: str) -> None:
    shell = shell_at("empty")
    assert "[registry.not-found]" in pull(shell, f"{registry}/acme/nothing:v1", PLAIN).err
    no_tls = pull(shell, f"{registry}/{NAME}")
    assert (no_tls.code, "does not speak TLS" in no_tls.err) == (9, True)
    nobody = pull(shell, f"127.0.0.1:1/{NAME}", PLAIN)
    assert (nobody.code, nobody.err) == (
        9,
        "127.0.0.1:1 can't be reached: Connection refused; check host and port [registry.unreachable]\n",
    )
    elsewhere = pull(shell, f"registry.example/{NAME}", PLAIN)
    assert (elsewhere.code, "[registry.plain-http]" in elsewhere.err) == (2, True)
    assert pull(shell, "oci:images", PLAIN).code == 2


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    (tmp_path / "tls").mkdir()
    return Authority(tmp_path / "tls", "CA")


@pytest.mark.parametrize("login", ["basic", "token"])
def test_tls_and_a_login(shell_at: At, registry: str, authority: Authority, login: str) -> None:
    """With the password itself, or a token that is given for it; from Docker's file or a password's."""
    shell = shell_at("empty")
    front = Front(registry, login)
    ca = ("--ca", str(authority.file))
    Path("password").write_text(f"{PASSWORD}\n", encoding="utf-8")
    mine = ("--user", USER, "--password-file", "password")
    with front_server(front, serving(authority.issue("127.0.0.1"))) as host:
        auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        Path("config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}}), encoding="utf-8")
        target = f"{host}/acme/{login}:v1"
        unknown = shell("bundle", "push", "default", target)
        assert (unknown.code, "[registry.untrusted-server]" in unknown.err) == (7, True)
        assert front.seen == []
        shell.ok("bundle", "push", "default", target, *ca, "--credentials", "config.json")
        assert pull(shell, target, *ca, *mine).code == 0
        assert Path("got.tar.gz").read_bytes() == DEFAULT
        nobody = pull(shell, target, *ca)
        assert (nobody.code, "[registry.unauthorized]" in nobody.err) == (9, True), nobody.err
        Path("password").write_text("wrong", encoding="utf-8")
        wrong = pull(shell, target, *ca, *mine)
        assert (wrong.code, "[registry.unauthorized]" in wrong.err) == (9, True), wrong.err
        assert "wrong" not in wrong.err + wrong.out
    sent = {h.get("authorization") for _, path, h in front.seen if path.startswith("/v2/acme")}
    assert (basic() if login == "basic" else f"Bearer {TOKEN}") in sent


@pytest.mark.parametrize(
    ("files", "options", "message"),
    [
        ({}, ("--user", "ann"), "a login is a user and a password"),
        ({}, ("--credentials", "missing"), "the credentials' file can't be read"),
        ({"c": "[1"}, ("--credentials", "c"), "is no JSON"),
        ({"c": '{"auths":{}}'}, ("--credentials", "c"), "log in there first"),
        ({"c": '{"credsStore":"x"}'}, ("--credentials", "c"), "credential helpers are not run"),
        ({"c": '{"auths":{"127.0.0.1:1":{"auth":"!"}}}'}, ("--credentials", "c"), "has no auth in Base64"),
        ({"p": "two\nlines"}, ("--user", "ann", "--password-file", "p"), "the file holds no password"),
        ({"c": "{}"}, ("--user", "ann", "--credentials", "c"), "two logins are given"),
        ({"ca": "none"}, ("--ca", "ca"), "holds no certificate"),
        ({"ca": "none"}, ("--ca", "ca", PLAIN), "a CA is given, and plain HTTP"),
    ],
)
def test_logins_that_can_not_be_used(
    shell_at: At, files: dict[str, str], options: tuple[str, ...], message: str
) -> None:
    shell = shell_at("empty")
    for name, text in files.items():
        Path(name).write_text(text, encoding="utf-8")
    result = pull(shell, f"127.0.0.1:1/{NAME}", *options)
    assert (result.code, message in result.err, "[registry.bad-credentials]" in result.err) == (2, True, True)


def faulty(kind: str, change: Callable[[Answer], Answer]) -> Callable[[str, str, Answer], Answer]:
    """Change what is answered to a GET of a manifest or a blob."""
    return lambda method, path, answer: change(answer) if method == "GET" and f"/{kind}/" in path else answer


def with_headers(**headers: str) -> Callable[[Answer], Answer]:
    named = {k.replace("_", "-"): v for k, v in headers.items()}
    return lambda a: Answer(a.status, {k: v for k, v in a.headers.items() if k not in named} | named, a.body)


FAULTS: dict[str, tuple[Callable[[str, str, Answer], Answer], int, str]] = {
    "an altered layer": (
        faulty("blobs", lambda a: Answer(a.status, a.headers, a.body[:-1] + bytes([a.body[-1] ^ 1]))),
        7,
        "registry.digest-differs",
    ),
    "a cut layer": (
        faulty("blobs", lambda a: Answer(a.status, {"Content-Length": "100"}, a.body[:100])),
        7,
        "registry.digest-differs",
    ),
    "a huge layer": (
        faulty("blobs", lambda a: Answer(a.status, {"Content-Length": str(65 * 2**20)}, bytes(65 * 2**20))),
        3,
        "registry.too-large",
    ),
    "a huge manifest": (
        faulty("manifests", lambda a: Answer(a.status, {"Content-Length": str(5 * 2**20)}, bytes(5 * 2**20))),
        3,
        "registry.too-large",
    ),
    "another manifest than it says": (
        faulty("manifests", with_headers(Docker_Content_Digest="sha256:" + "0" * 64)),
        7,
        "registry.digest-differs",
    ),
    "an index": (faulty("manifests", with_headers(Content_Type=INDEX_TYPE)), 3, "registry.no-bundle"),
    "docker's manifest": (
        faulty("manifests", with_headers(Content_Type="application/vnd.docker.distribution.manifest.v2+json")),
        3,
        "registry.no-bundle",
    ),
    "sent elsewhere": (
        faulty("blobs", lambda _: Answer(307, {"Location": "https://storage.example/x?key=secret"}, b"")),
        7,
        "registry.sent-elsewhere",
    ),
    "sent to the clear": (
        faulty("blobs", lambda _: Answer(307, {"Location": "http://169.254.169.254/latest"}, b"")),
        7,
        "registry.sent-elsewhere",
    ),
    "sent round": (
        lambda _, path, a: Answer(302, {"Location": path}, b"") if "/blobs/" in path else a,
        9,
        "registry.bad-reply",
    ),
    "an error": (faulty("blobs", lambda _: Answer(503, {}, b"secret")), 9, "registry.bad-reply"),
    "another status": (faulty("blobs", lambda _: Answer(418, {}, b"secret")), 9, "registry.bad-reply"),
    "no blob": (faulty("blobs", lambda _: Answer(404, {}, b"")), 3, "registry.not-found"),
    "forbidden": (faulty("blobs", lambda _: Answer(403, {}, b"secret")), 9, "registry.unauthorized"),
    "a token from elsewhere": (
        faulty(
            "manifests",
            lambda _: Answer(401, {"WWW-Authenticate": 'Bearer realm="https://evil.example/t",service="x"'}, b""),
        ),
        7,
        "registry.sent-elsewhere",
    ),
    "a challenge that is none": (
        faulty("manifests", lambda _: Answer(401, {"WWW-Authenticate": "Bearer"}, b"")),
        9,
        "registry.unauthorized",
    ),
}


@pytest.mark.attack("A62", "A63")
@pytest.mark.parametrize("fault", FAULTS)
def test_registries_with_a_fault(shell_at: At, registry: str, fault: str) -> None:
    shell = shell_at("empty")
    alter, code, reason = FAULTS[fault]
    shell.ok("bundle", "push", "default", f"{registry}/{NAME}", PLAIN)
    with front_server(Front(registry, alter=alter)) as host:
        result = pull(shell, f"{host}/{NAME}", PLAIN)
    assert (result.code, result.err[-len(reason) - 3 :]) == (code, f"[{reason}]\n"), result.err
    assert "secret" not in result.err
    assert not Path("got.tar.gz").exists()


def test_storage_that_was_named_gets_no_login(shell_at: At, registry: str, authority: Authority) -> None:
    shell = shell_at("empty")
    shell.ok("bundle", "push", "default", f"{registry}/{NAME}", PLAIN)
    Path("password").write_text(PASSWORD, encoding="utf-8")
    context = serving(authority.issue("127.0.0.1"))
    storage = Front(registry)
    with front_server(storage, context) as there:
        sends = faulty(
            "blobs", lambda _: Answer(307, {"Location": f"https://{there}/v2/acme/bspec/blobs/{LAYER}"}, b"")
        )
        with front_server(Front(registry, "basic", sends), context) as host:
            mine = ("--ca", str(authority.file), "--user", USER, "--password-file", "password")
            refused = pull(shell, f"{host}/{NAME}", *mine)
            assert (refused.code, storage.seen) == (7, [])
            assert pull(shell, f"{host}/{NAME}", *mine, "--also-host", there).code == 0
    assert [(m, "authorization" in h) for m, _, h in storage.seen] == [("GET", False)]
    assert Path("got.tar.gz").read_bytes() == DEFAULT


def unstored(kind: str, method: str, answer: Answer) -> Callable[[str, str, Answer], Answer]:
    """Answer this to one method on manifests or blobs, and say that no blob is there yet."""

    def alter(asked: str, path: str, found: Answer) -> Answer:
        if asked == "HEAD":
            return Answer(404, {}, b"")
        return answer if asked == method and f"/{kind}/" in path else found

    return alter


@pytest.mark.parametrize(
    ("alter", "code", "reason"),
    [
        (
            unstored("blobs", "POST", Answer(202, {"Location": "https://evil.example/up"}, b"")),
            7,
            "registry.sent-elsewhere",
        ),
        (unstored("blobs", "POST", Answer(202, {}, b"")), 9, "registry.bad-reply"),
        (unstored("blobs", "PUT", Answer(413, {}, b"")), 9, "registry.bad-reply"),
        (unstored("manifests", "PUT", Answer(400, {}, b"")), 9, "registry.bad-reply"),
        (
            unstored("manifests", "PUT", Answer(201, {"Docker-Content-Digest": "sha256:" + "0" * 64}, b"")),
            7,
            "registry.digest-differs",
        ),
    ],
    ids=["sent elsewhere", "nowhere to upload", "blob not taken", "manifest not taken", "stored as another"],
)
def test_a_push_that_is_not_taken(
    shell_at: At, registry: str, alter: Callable[[str, str, Answer], Answer], code: int, reason: str
) -> None:
    shell = shell_at("empty")
    name = f"acme/{reason.partition('.')[2]}-{code}"
    with front_server(Front(registry, alter=alter)) as host:
        result = shell("bundle", "push", "default", f"{host}/{name}:v1", PLAIN)
    assert (result.code, result.err[-len(reason) - 3 :]) == (code, f"[{reason}]\n"), result.err


@pytest.mark.attack("A60")
def test_nothing_is_taken_from_the_environment(shell_at: At, registry: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy, no login, no certificates, no file in the home directory (attacks A58, A71)."""
    shell = shell_at("empty")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("ORAS_USER", "somebody")
    monkeypatch.setenv("ORAS_PASS", "else")
    monkeypatch.setenv("HOME", str(shell.home))
    (shell.home / ".docker").mkdir()
    (shell.home / ".docker" / "config.json").write_text("not even JSON", encoding="utf-8")
    shell.ok("bundle", "push", "default", f"{registry}/{NAME}", PLAIN)
    front = Front(registry, "basic")
    with front_server(front) as host:
        assert pull(shell, f"{host}/{NAME}", PLAIN).code == 9
    assert ["authorization" in headers for _, _, headers in front.seen] == [False]


def test_no_directory_is_made(shell_at: At) -> None:
    shell = shell_at("empty")
    assert shell("bundle", "pull", "oci:images", "-o", "nope/x.tar.gz").code == 9
    assert list(Path().iterdir()) == []


def test_a_layout_that_another_tool_copies(shell_at: At, tmp_path: Path) -> None:
    """It holds no path of its own, so it can be carried anywhere."""
    shell = shell_at("empty")
    shell.ok("bundle", "push", "default", "oci:images")
    shutil.copytree("images", tmp_path / "elsewhere")
    assert pull(shell, f"oci:{tmp_path / 'elsewhere'}").code == 0


def test_without_the_extra(shell_at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    """A layout needs none."""
    shell = shell_at("empty")
    monkeypatch.delitem(sys.modules, "bspec_opa.bundle.registry.remote", raising=False)
    monkeypatch.setitem(sys.modules, "oras", None)
    result = shell("bundle", "push", "default", f"127.0.0.1:1/{NAME}", PLAIN)
    assert (result.code, result.err) == (
        2,
        "registries need the package oras; pip install 'bspec-opa[oci]' [registry.no-client]\n",
    )
    shell.ok("bundle", "push", "default", "oci:images")
