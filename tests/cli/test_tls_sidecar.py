"""A real OPA behind TLS, client certificates and tokens, asked by the verbs; and everything that may be wrong with them."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from certificates import Authority
from sidecars import Server, opa_server, reply, said

from bspec_opa.bundle.shipped import shipped_bundle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shell import Result, Shell

WORK = ("behavior.intent", "--env", "staging", "--format", "json")
TOKEN = "right-" + "f00d" * 4
TOKENS = {
    "right": TOKEN,
    "wrong": "wr0ng-token",
    "empty": "",
    "words": "two words",
    "header": f"Bearer {TOKEN}",
}
UNTRUSTED, CREDENTIALS, STATUS = "engine.untrusted-server", "engine.bad-credentials", "engine.bad-status"
AUTHORIZED = """\
package system.authz

default allow := false

allow if input.path == ["health"]

allow if {conditions}
"""
BY_TOKEN = f'input.identity == "{TOKEN}"'
BY_BOTH = f"""{{
	input.client_certificates[0].Subject.CommonName == "gate"
	input.headers.Authorization == ["Bearer {TOKEN}"]
	input.method == "POST"
	input.path == ["v1", "data", "bspec", "gate", "decision"]
}}"""


@dataclass
class Site:
    """OPAs with their certificates, each started when it is first needed."""

    directory: Path
    opa: Path
    stack: contextlib.ExitStack
    started: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ours, self.rogue = Authority(self.directory, "ours"), Authority(self.directory, "rogue")
        good = self.ours.issue("127.0.0.1")
        self.servers = {
            "plain": [],
            "tls": self._tls(good),
            "expired": self._tls(self.ours.issue("127.0.0.1", "127.0.0.3", days=(-3, -1))),
            "not yet": self._tls(self.ours.issue("127.0.0.1", "127.0.0.4", days=(2, 3))),
            "rogue": self._tls(self.rogue.issue("127.0.0.1")),
            "other": self._tls(self.ours.issue("127.0.0.2")),
            "mutual": [*self._tls(good), *self._clients()],
            "token": [*self._tls(good), "--authentication=token", *self._authorized("token", BY_TOKEN)],
            "local token": ["--authentication=token", *self._authorized("local", BY_TOKEN)],
            "all": [*self._tls(good), *self._clients(), *self._authorized("all", BY_BOTH)],
        }
        issued = {
            "gate": self.ours.issue("gate"),
            "other": self.ours.issue("other"),
            "stranger": self.rogue.issue("gate"),
            "old": self.ours.issue("gate", "old", days=(-3, -1)),
            "locked": self.ours.issue("locked", passphrase=b"s3cret"),
        }
        self.files = {"ours": self.ours.file, "rogue": self.rogue.file, "nothing": self.directory / "nothing"}
        self.files |= {name: pair[0] for name, pair in issued.items()}
        self.files |= {f"{name} key": pair[1] for name, pair in issued.items()}
        for name, text in TOKENS.items():
            file = self.directory / f"token-{name}"
            file.touch(mode=0o600)
            file.write_text(text, encoding="utf-8")
            self.files[f"token {name}"] = file

    def _tls(self, pair: tuple[Path, Path]) -> list[str]:
        return [f"--tls-cert-file={pair[0]}", f"--tls-private-key-file={pair[1]}"]

    def _clients(self) -> list[str]:
        return ["--authentication=tls", f"--tls-ca-cert-file={self.ours.file}"]

    def _authorized(self, name: str, conditions: str) -> list[str]:
        policy = self.directory / f"authz-{name}.rego"
        policy.write_text(AUTHORIZED.replace("{conditions}", conditions), encoding="utf-8")
        return ["--authorization=basic", str(policy)]

    def url(self, name: str) -> str:
        if name not in self.started:
            options = self.servers[name]
            tls = any(o.startswith("--tls") for o in options)
            server = opa_server(self.opa, shipped_bundle(), *options, tls=tls)
            self.started[name] = self.stack.enter_context(server)[0]
        return self.started[name]


@pytest.fixture(scope="module")
def site(opa_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with contextlib.ExitStack() as stack:
        yield Site(tmp_path_factory.mktemp("site"), opa_path, stack)


@dataclass(frozen=True)
class Use:
    """Which OPA is asked with which files."""

    server: str
    ca: str = ""
    cert: str = ""
    key: str = ""
    token_file: str = ""
    scheme: str = ""
    host: str = "127.0.0.1"

    def values(self, site: Site) -> dict[str, str]:
        """Key of the configuration to value."""
        url = site.url(self.server).replace("127.0.0.1", self.host)
        url = url.replace(url.partition("://")[0], self.scheme or url.partition("://")[0], 1)
        names = {"ca": self.ca, "cert": self.cert, "key": self.key, "token_file": self.token_file}
        return {"url": url, "deadline_s": "60", **{k: str(site.files[n]) for k, n in names.items() if n}}


def by_flags(shell: Shell, values: dict[str, str]) -> list[str]:
    names = {"url": "--opa-url"}
    return [f"{names.get(k, '--engine-' + k.replace('_', '-'))}={v}" for k, v in values.items()]


def by_variables(shell: Shell, values: dict[str, str]) -> list[str]:
    shell.variables |= {f"BSPEC_OPA_ENGINE_{k.upper()}": v for k, v in values.items()}
    return []


def by_file(shell: Shell, values: dict[str, str]) -> list[str]:
    """Paths in the file are relative to it; a token lies in the project, or is given otherwise."""
    lines = ["[engine]"]
    for key, value in values.items():
        place = Path(value)
        if place.is_absolute():
            place = Path("tls") / place.name
            place.parent.mkdir(exist_ok=True)
            place.write_bytes(Path(value).read_bytes())
            place.chmod(0o600)
            lines.append(f'{key} = "{place}"')
        else:
            lines.append(f"{key} = {value}" if value.isdigit() else f'{key} = "{value}"')
    with Path("bspec-opa.toml").open("a", encoding="utf-8") as file:
        file.write("\n".join(["", *lines, ""]))
    return []


WAYS = {"flags": by_flags, "variables": by_variables, "file": by_file}
GOOD = {
    "plain": Use("plain"),
    "TLS": Use("tls", "ours"),
    "mutual TLS": Use("mutual", "ours", "gate", "gate key"),
    "token over TLS": Use("token", "ours", token_file="token right"),
    "token to this machine": Use("local token", token_file="token right"),
    "everything": Use("all", "ours", "gate", "gate key", "token right"),
}


@pytest.mark.attack("A57")
@pytest.mark.attack("A71")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", GOOD)
def test_what_is_right_promotes(shell_at: Callable[[str], Shell], site: Site, name: str, way: str) -> None:
    """And the token is in nothing that is printed, recorded or written."""
    shell = shell_at("signed")
    given = WAYS[way](shell, GOOD[name].values(site))
    evaluated = shell("evaluate", *WORK, *given)
    assert (evaluated.code, evaluated.json["assurance"], evaluated.json["notes"]) == (0, "cross-checked", NO_MEMORY)
    promoted = shell("promote", *WORK, *given)
    assert promoted.code == 0, promoted.out
    assert Path("behavior.lock").exists()
    assert TOKEN not in evaluated.out + evaluated.err + promoted.out + promoted.err
    written = (p for p in Path().rglob("*") if p.is_file() and p.parent.name != "tls")
    assert [p for p in written if TOKEN.encode() in p.read_bytes()] == []


NO_MEMORY = ["no memory of earlier heads: an older ledger or root could not be told"]
# A server that wants a certificate, or TLS, says so after our request is on its way, and hangs up: we may hear it or not.
UNHEARD = "engine.unreachable"
NOT_TRUSTED, THEIRS = "no trusted connection to {url}:", "the server's certificate"
NOT_GIVEN = f"{NOT_TRUSTED} {THEIRS} is not from an authority in engine.ca; add the one that issued it there"
NAMES = "write a name of its subjectAltName into engine.url, or add this one there"
CLOCK = "or correct this machine's clock"
LOG, BROKE = (
    "look at the server's log",
    "the connection to {url} broke in the middle; look at the server's log; perhaps",
)
WANTED = (
    f"{NOT_TRUSTED} the server wants a client certificate; give engine.cert and engine.key",
    f"{BROKE} it demands a client certificate (engine.cert)",
)
REFUSED, BROKE_OURS = (
    "the server refuses our certificate (engine.cert)",
    f"{BROKE} it refuses our certificate (engine.cert)",
)
STATUS_401 = "{url} answered with HTTP status 401 (unauthorized):"
NO_TOKEN = f"{STATUS_401} no engine.token_file was given; give one, or look at the server's system.authz"
AUTHZ = "was refused; look at the server's system.authz"
TOKEN_FORM = "write one line, the token alone, without 'Bearer '"
NOT_HTTPS = "a CA, certificate or key is given, but the engine URL is not https; write https://, or leave them out"
BAD: dict[str, tuple[Use, str | tuple[str, ...], int, str | tuple[str, ...]]] = {
    # the server does not prove itself
    "no CA": (Use("tls"), UNTRUSTED, 8, f"{NOT_TRUSTED} {THEIRS} is not from a publicly known authority; name its authority with engine.ca"),
    "another CA": (Use("tls", "rogue"), UNTRUSTED, 8, NOT_GIVEN),
    "a server of another CA": (Use("rogue", "ours"), UNTRUSTED, 8, NOT_GIVEN),
    "a server of another address": (Use("other", "ours"), UNTRUSTED, 8, f"{NOT_TRUSTED} {THEIRS} is not for the address 127.0.0.1; {NAMES}"),
    "another name of the server": (Use("tls", "ours", host="localhost"), UNTRUSTED, 8, f"{NOT_TRUSTED} {THEIRS} is not for the host localhost; {NAMES}"),
    "an expired server": (Use("expired", "ours"), UNTRUSTED, 8, f"{NOT_TRUSTED} {THEIRS}, or its authority's, has expired; renew it, {CLOCK}"),
    "a server of tomorrow": (Use("not yet", "ours"), UNTRUSTED, 8, f"{NOT_TRUSTED} {THEIRS}, or its authority's, is not valid yet; wait, {CLOCK}"),
    "a server without TLS": (Use("plain", "ours", scheme="https"), UNTRUSTED, 8, f"{NOT_TRUSTED} no TLS there; perhaps it is http://"),
    "no TLS to a server with it": (Use("tls", scheme="http"), (STATUS, UNHEARD), 8, ("{url} answered with HTTP status 400; perhaps it demands https", f"{BROKE} it demands https")),
    "no TLS to a server with it, and a token": (Use("token", scheme="http", token_file="token right"), (STATUS, UNHEARD), 8, ("{url} answered with HTTP status 400; perhaps it demands https", f"{BROKE} it demands https")),
    # we don't prove ourselves
    "no client certificate": (Use("mutual", "ours"), (UNTRUSTED, UNHEARD), 8, WANTED),
    "a client of another CA": (Use("mutual", "ours", "stranger", "stranger key"), (UNTRUSTED, UNHEARD), 8, (f"{NOT_TRUSTED} {REFUSED}: not from an authority that it knows; {LOG}", BROKE_OURS)),
    "an expired client": (Use("mutual", "ours", "old", "old key"), (UNTRUSTED, UNHEARD), 8, (f"{NOT_TRUSTED} {REFUSED}: it has expired, or is not valid yet; {LOG}", BROKE_OURS)),
    "no token": (Use("token", "ours"), STATUS, 8, NO_TOKEN),
    "a wrong token": (Use("token", "ours", token_file="token wrong"), STATUS, 8, f"{STATUS_401} the token in engine.token_file {AUTHZ}"),
    "all but the token": (Use("all", "ours", "gate", "gate key"), STATUS, 8, NO_TOKEN),
    "all, with a wrong token": (Use("all", "ours", "gate", "gate key", "token wrong"), STATUS, 8, f"{STATUS_401} the token in engine.token_file or our certificate (engine.cert) {AUTHZ}"),
    "all, as another client": (Use("all", "ours", "other", "other key", "token right"), STATUS, 8, f"{STATUS_401} the token in engine.token_file or our certificate (engine.cert) {AUTHZ}"),
    "all but the client": (Use("all", "ours", token_file="token right"), (UNTRUSTED, UNHEARD), 8, WANTED),
    # files that can't be used: nothing is sent at all
    "no such CA": (Use("tls", "nothing"), CREDENTIALS, 2, "{nothing}: the CA file (engine.ca) is not found; correct the path"),
    "a key as CA": (Use("tls", "gate key"), CREDENTIALS, 2, "{gate key}: the CA file (engine.ca) holds no certificate; give the authority's, as PEM"),
    "no such certificate": (Use("mutual", "ours", "nothing", "gate key"), CREDENTIALS, 2, "{nothing}: the certificate (engine.cert) is not found; correct the path"),
    "no such key": (Use("mutual", "ours", "gate", "nothing"), CREDENTIALS, 2, "{nothing}: the key (engine.key) is not found; correct the path"),
    "a certificate without key": (Use("mutual", "ours", "gate"), CREDENTIALS, 2, "{gate}: the certificate (engine.cert) comes without its key; give engine.key"),
    "a key without certificate": (Use("mutual", "ours", key="gate key"), CREDENTIALS, 2, "a client key (engine.key) is given without its certificate; give engine.cert"),
    "a key of another certificate": (Use("mutual", "ours", "gate", "other key"), CREDENTIALS, 2, "{other key}: the key (engine.key) belongs to another certificate than the one in engine.cert; give the key that was made with it"),
    "a key with a passphrase": (Use("mutual", "ours", "locked", "locked key"), CREDENTIALS, 2, "{locked key}: the key (engine.key) has a passphrase, and nobody is asked for one; write it without: openssl pkey -in KEY -out NEW"),
    "no such token": (Use("token", "ours", token_file="nothing"), CREDENTIALS, 2, "the file named by engine.token_file is not found; give the path of a file that holds the token, not the token itself"),
    "an empty token": (Use("token", "ours", token_file="token empty"), CREDENTIALS, 2, f"{{token empty}}: the token file (engine.token_file) is empty; {TOKEN_FORM}"),
    "two words as a token": (Use("token", "ours", token_file="token words"), CREDENTIALS, 2, f"{{token words}}: the token file (engine.token_file) holds no bearer token (RFC 6750); {TOKEN_FORM}"),
    "a header as a token": (Use("token", "ours", token_file="token header"), CREDENTIALS, 2, f"{{token header}}: the token file (engine.token_file) begins with 'Bearer '; {TOKEN_FORM}"),
    "a CA without TLS": (Use("plain", "ours"), CREDENTIALS, 2, NOT_HTTPS),
    "a client certificate without TLS": (Use("plain", cert="gate", key="gate key"), CREDENTIALS, 2, NOT_HTTPS),
    "a token in the clear": (Use("plain", token_file="token right", host="opa.example.com"), CREDENTIALS, 2, "a token would cross the network in the clear; use https"),
}  # fmt: skip


def everything(base: Path) -> dict[Path, bytes]:
    return {p: p.read_bytes() for p in base.rglob("*") if p.is_file()}


def sentence_of(problem: dict[str, Any]) -> str:
    """A problem as the text output has it."""
    place = f"{problem['file']}: " if problem.get("file") else ""
    hint = f"; {problem['hint']}" if problem.get("hint") else ""
    return f"{place}{problem['message']}{hint}"


def codes_of(result: Result) -> list[str]:
    return [p["code"] for p in result.json["problems"]]


@pytest.mark.attack("A57")
@pytest.mark.attack("A71")
@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_refused(shell_at: Callable[[str], Shell], site: Site, name: str) -> None:
    use, code, exit_code, sentence = BAD[name]
    shell = shell_at("signed")
    shell.ok("record", "behavior.intent", "-q")
    values = use.values(site)
    given = by_flags(shell, values)
    sentences = [
        s.format(url=values["url"], **site.files) for s in ([sentence] if isinstance(sentence, str) else sentence)
    ]
    before = everything(shell.home.parent)
    for verb in ("evaluate", "promote"):
        result = shell(verb, *WORK, *given)
        assert (verb, result.code, result.err) == (verb, exit_code, "")
        (found,) = codes_of(result)
        assert found in (code if isinstance(code, tuple) else (code,))
        assert sentence_of(result.json["problems"][0]) in sentences
        for secret in (TOKEN, "wr0ng", "two words", "s3cret", "PRIVATE"):
            assert secret not in result.out
    assert not Path("behavior.lock").exists()
    assert everything(shell.home.parent) == before


@pytest.mark.attack("A71")
@pytest.mark.parametrize("way", WAYS)
def test_a_token_in_place_of_its_file_is_nowhere(shell_at: Callable[[str], Shell], way: str) -> None:
    """``BSPEC_OPA_ENGINE_TOKEN_FILE=$(cat token)`` is easily written."""
    shell = shell_at("signed")
    given = WAYS[way](shell, {"url": "http://127.0.0.1:9", "token_file": TOKEN})
    work = WORK[:-2]
    words = (
        "the file named by engine.token_file is not found; "
        "give the path of a file that holds the token, not the token itself"
    )
    for verb in (("evaluate", *work), ("promote", *work), ("doctor",)):
        for form in ("text", "json"):
            result = shell(*verb, "--format", form, *given)
            shown = result.out + result.err
            assert (result.code, TOKEN in shown) == (2, False), shown
            if form == "json" and verb[0] != "doctor":
                (problem,) = result.json["problems"]
                assert (problem["code"], sentence_of(problem)) == (CREDENTIALS, words)
            else:
                assert words.partition(";")[0] in " ".join(shown.split())
    written = (p for p in shell.home.parent.rglob("*") if p.is_file() and p.name != "bspec-opa.toml")
    assert [p for p in written if TOKEN.encode() in p.read_bytes()] == []


@pytest.mark.attack("A27")
def test_which_bundle_to_export_for_a_server_with_another(shell_at: Callable[[str], Shell], tmp_path: Path) -> None:
    shell = shell_at("signed")
    copy = tmp_path / "my bundle.tar.gz"
    copy.write_bytes(shipped_bundle().read_bytes())
    with Server(lambda visit: visit.send(reply(said({"a": 1}, "sha256:" + "ab" * 32)))) as server:
        results = [
            shell("evaluate", *WORK, f"--opa-url={server.url}", *bundle) for bundle in ([], [f"--bundle={copy}"])
        ]
    hints = [r.json["problems"][0]["hint"] for r in results]
    rest = "-o FILE writes it; let the server load that"
    assert hints == [f"bspec-opa bundle export default {rest}", f"bspec-opa bundle export '{copy}' {rest}"]
    assert [(r.code, codes_of(r)) for r in results] == [(7, ["engine.stale-bundle"])] * 2
    message = results[0].json["problems"][0]["message"]
    assert "the bundle bspec than the accepted one: it has sha256:abababababab…, wanted is sha256:" in message


@pytest.mark.attack("A74")
def test_a_token_that_everybody_may_read_is_told(shell_at: Callable[[str], Shell], site: Site) -> None:
    shell = shell_at("signed")
    token = shell.home / "token"
    token.write_text(TOKEN + "\n", encoding="utf-8")
    given = by_flags(shell, Use("token", "ours").values(site) | {"token_file": str(token)})
    notes = {}
    for mode in (0o600, 0o640, 0o644):
        token.chmod(mode)
        result = shell("evaluate", *WORK, *given)
        assert result.code == 0, result.out
        notes[mode] = result.json["notes"]
    told = f"{token} is a secret, and every user of this machine may read it"
    assert notes == {0o600: NO_MEMORY, 0o640: NO_MEMORY, 0o644: [*NO_MEMORY, told]}


@pytest.mark.attack("A58")
def test_authorities_of_the_environment_dont_count(shell_at: Callable[[str], Shell], site: Site) -> None:
    shell = shell_at("signed")
    names = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
    shell.variables |= dict.fromkeys(names, str(site.ours.file)) | {"HTTPS_PROXY": "http://127.0.0.1:9"}
    with pytest.MonkeyPatch.context() as patch:
        for name in (*names, "HTTPS_PROXY"):
            patch.setenv(name, shell.variables[name])
        refused = shell("promote", *WORK, *by_flags(shell, Use("tls").values(site)))
        allowed = shell("evaluate", *WORK, *by_flags(shell, Use("tls", "ours").values(site)))
    assert (refused.code, codes_of(refused), allowed.code) == (8, [UNTRUSTED], 0)


@pytest.mark.attack("A61")
def test_the_deadline_covers_the_handshake(shell_at: Callable[[str], Shell], site: Site) -> None:
    """A server that takes the call and then says nothing."""
    shell = shell_at("signed")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        values: dict[str, Any] = {"url": f"https://127.0.0.1:{listener.getsockname()[1]}", "deadline_s": "0.5"}
        for verb in ("evaluate", "promote"):
            result = shell(verb, *WORK, *by_flags(shell, values | {"ca": str(site.ours.file)}))
            assert (result.code, codes_of(result)) == (8, ["engine.timeout"])
    assert not Path("behavior.lock").exists()
