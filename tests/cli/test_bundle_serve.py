"""The command: what it prints, how it ends, and what it refuses to start with."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from bundle_server import NAME, edition, put, revision
from certificates import Authority
from jsonschema import Draft202012Validator
from publishers import key as signing_key
from publishers import members, packed, sign, write_keys

from bspec_opa.bundle.layout import SIGNATURES
from bspec_opa.bundle.serving.limits import SPARE_DESCRIPTORS
from bspec_opa.report.schemas import SCHEMAS
from bspec_opa.workflow.bundles.serving import affordable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from shell import Shell

    At = Callable[[str], Shell]

PUBLISHED = Path(__file__).parents[2] / "docs" / "schemas"
PROGRAM = (sys.executable, "-m", "bspec_opa", "bundle", "serve", "--listen", "127.0.0.1:0", "--interval-s", "0.05")
TOKEN = "token-0123456789abcdef"


@contextmanager
def running(*arguments: str, program: Sequence[str] = PROGRAM) -> Iterator[subprocess.Popen[str]]:
    pipe = subprocess.PIPE
    with subprocess.Popen([*program, *arguments], stdout=pipe, stderr=pipe, text=True) as process:
        guard = threading.Timer(300, process.kill)
        guard.start()
        try:
            yield process
        finally:
            guard.cancel()
            process.kill()


def line(stream: Any) -> str:
    """The next one; the process is killed before this could wait for ever."""
    return str(stream.readline())


def document(text: str) -> Any:
    """One that fits its schema."""
    found = json.loads(text)
    name = found["schema"].removeprefix("bspec.").replace("/", ".")
    published = json.loads((PUBLISHED / f"{name}.json").read_text(encoding="utf-8"))
    assert list(Draft202012Validator(published).iter_errors(found)) == []
    assert found["schema"] in SCHEMAS
    return found


def fetched(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=60) as reply:  # noqa: S310 - our own loopback server
        data: bytes = reply.read()
        return data


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_a_signal_and_ends_well(tmp_path: Path, number: signal.Signals) -> None:
    file = tmp_path / "acme.tar.gz"
    put(file, edition(0))
    with running(f"{NAME}={file}") as process:
        first = line(process.stdout)
        url = first.split()[1]
        assert first == f"SERVING  {url}   (open to everybody)\n"
        assert line(process.stdout) == f"  acme/production          revision {revision(0)[:19]}…\n"
        assert line(process.stderr).split()[1:] == ["switched", NAME, f"{revision(0)[:19]}…"]
        assert fetched(f"{url}/bundles/{NAME}") == edition(0)
        put(file, edition(1)[:-1])
        refused = line(process.stderr)
        assert refused.split("  ", 1)[1] == (
            f"refused      {NAME}  {file}  cut off, or followed by other bytes [bundle.bad-archive]"
            f"  {revision(0)[:19]}… stays\n"
        )
        process.send_signal(number)
        out, err = process.communicate()
    assert (process.returncode, out, err.split()[1:]) == (0, "", ["stopping"])


def test_json_fits_its_schemas(tmp_path: Path) -> None:
    put(tmp_path / "acme" / "production.tar.gz", edition(0))
    put(tmp_path / "acme" / "staging.tar.gz", b"x")
    put(tmp_path / "tokens", TOKEN.encode())
    (tmp_path / "tokens").chmod(0o644)
    arguments = ("--dir", str(tmp_path), "--token-file", str(tmp_path / "tokens"), "--format", "jsonl")
    with running(*arguments, "--diagnostic-listen", "127.0.0.1:0") as process:
        started = document(line(process.stdout))
        events = [document(line(process.stderr)) for _ in range(2)]
        assert b"bspec_serve_bundle_loaded" in fetched(f"{started['diagnostic_url']}/metrics")
        put(tmp_path / "acme" / "staging.tar.gz", edition(1))
        events.append(document(line(process.stderr)))
        process.terminate()
        out, err = process.communicate()
    events.append(document(err))
    staging = {"name": "acme/staging", "loaded": False, "revision": "", "digest": ""}
    assert started["bundles"][1] == staging
    assert started["bundles"][0]["revision"] == revision(0)
    assert (started["tokens"], started["client_certificates"]) == (True, False)
    assert started["notes"] == [f"{tmp_path}/tokens is a secret, and every user of this machine may read it"]
    assert [(e["event"], e["bundle"], e["code"]) for e in events] == [
        ("switched", "acme/production", ""),
        ("refused", "acme/staging", "bundle.bad-archive"),
        ("switched", "acme/staging", ""),
        ("stopping", "", ""),
    ]
    assert (process.returncode, out) == (0, "")
    assert TOKEN not in json.dumps([started, events])


@pytest.mark.attack("A28")
def test_only_what_a_publisher_signed_is_served(tmp_path: Path) -> None:
    """Two keys during a rotation; everything else is refused with its own reason, and what was served stays."""
    file, signer = tmp_path / "acme.tar.gz", signing_key("old", "RS256")
    old, new = write_keys(tmp_path, signer)[1], write_keys(tmp_path, signing_key("new"))[1]
    good = sign(edition(0), signer, sequence=7, scope="acme")
    bad = {
        "bundle.unsigned": edition(1),
        "bundle.bad-signature": sign(edition(1), signing_key("other"), scope="acme"),
        "bundle.signature-scope": sign(edition(1), signing_key("new"), scope="elsewhere"),
        "bundle.below-minimum": sign(edition(1), signing_key("new"), sequence=6, scope="acme"),
        "bundle.from-the-future": sign(edition(1), signing_key("new"), at=int(time.time()) + 86_400, scope="acme"),
        "bundle.signed-files": packed({**members(edition(1)), SIGNATURES: members(good)[SIGNATURES]}),
    }
    put(file, edition(1))
    limits = ("--scope", "acme", "--minimum-sequence", "7", "--format", "jsonl")
    with running(f"{NAME}={file}", "--require-key", str(old), "--require-key", str(new), *limits) as process:
        started = document(line(process.stdout))
        assert (started["signed_by"], started["bundles"][0]["loaded"]) == ([str(old), str(new)], False)
        assert document(line(process.stderr))["code"] == "bundle.unsigned"
        put(file, good)
        assert document(line(process.stderr))["event"] == "switched"
        for code, archive in bad.items():
            put(file, archive)
            event = document(line(process.stderr))
            assert (event["event"], event["code"], event["revision"]) == ("refused", code, revision(0))
        assert fetched(f"{started['url']}/bundles/{NAME}") == good
        put(file, sign(edition(2), signing_key("new"), sequence=8, scope="acme"))
        event = document(line(process.stderr))
        assert (event["event"], event["revision"]) == ("switched", revision(2))
        process.terminate()
        process.communicate()
    assert process.returncode == 0


@pytest.mark.attack("A31")
def test_an_older_signed_bundle_is_never_served_again(tmp_path: Path) -> None:
    """While it runs, and, with a file, after a restart; its memory is its own."""
    file, state, signer = tmp_path / "acme.tar.gz", tmp_path / "served.json", signing_key()
    public = write_keys(tmp_path, signer)[1]
    arguments = (f"{NAME}={file}", "--require-key", str(public), "--state", str(state), "--format", "jsonl")
    old, new = sign(edition(0), signer, sequence=7), sign(edition(1), signer, sequence=8)
    put(file, old)
    with running(*arguments) as process:
        url = document(line(process.stdout))["url"]
        assert document(line(process.stderr))["event"] == "switched"
        put(file, new)
        assert document(line(process.stderr))["event"] == "switched"
        put(file, old)
        event = document(line(process.stderr))
        assert (event["event"], event["code"], event["revision"], event["message"]) == (
            "refused",
            "serving.older-bundle",
            revision(1),
            "has sequence 7; 8 was served before",
        )
        assert fetched(f"{url}/bundles/{NAME}") == new
        metrics = fetched(f"{url}/metrics").decode()
        series = f'bundle="{NAME}",reason="serving.older-bundle"'
        assert f"bspec_serve_refused_candidates_total{{{series}}} 1.0" in metrics
        assert f'bspec_serve_bundle_sequence{{bundle="{NAME}"}} 8.0' in metrics
        process.terminate()
        process.communicate()
    assert state.stat().st_mode & 0o777 == 0o600
    with running(*arguments) as process:
        assert document(line(process.stdout))["bundles"][0]["loaded"] is False
        event = document(line(process.stderr))
        assert (event["event"], event["code"], event["revision"]) == ("refused", "serving.older-bundle", "")
        put(file, new)
        assert document(line(process.stderr))["revision"] == revision(1)
        with running(*arguments) as second:
            told = document(second.communicate()[0])
        assert (second.returncode, told["problems"][0]["code"]) == (9, "serving.state-in-use")
        process.terminate()
        process.communicate()
    assert process.returncode == 0


def test_people_read_whose_signature_it_takes(tmp_path: Path) -> None:
    _, public = write_keys(tmp_path, signing_key())
    with running(f"{NAME}={tmp_path}/none", "--require-key", str(public)) as process:
        said = [line(process.stdout) for _ in range(3)]
        process.terminate()
        process.communicate()
    assert said[2] == f"  only what was signed by {public}\n"


def test_a_hangup_means_look_now(tmp_path: Path) -> None:
    file = tmp_path / "acme.tar.gz"
    put(file, edition(0))
    with running(f"{NAME}={file}", "--interval-s", "3600") as process:
        line(process.stdout)
        line(process.stderr)
        put(file, edition(1))
        process.send_signal(signal.SIGHUP)
        assert line(process.stderr).split()[1] == "switched"
        process.terminate()
        process.communicate()
    assert process.returncode == 0


def test_quiet_says_nothing_but_what_happens(tmp_path: Path) -> None:
    with running(f"{NAME}={tmp_path}/none", "--quiet") as process:
        assert line(process.stderr).split()[1] == "unreadable"
        process.terminate()
        assert process.communicate()[0] == ""


def test_a_missing_library_is_named_with_what_to_install(tmp_path: Path) -> None:
    for name in ("aiohttp", "prometheus_client"):
        program = f"import sys; sys.modules[{name!r}] = None; from bspec_opa.entry import run; run()"
        command = [sys.executable, "-c", program, "bundle", "serve", f"{NAME}={tmp_path}/x"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"]})
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == (f"{name} is not installed; pip install 'bspec-opa[serve]' [serving.not-installed]\n")


def test_no_more_connections_than_files_may_be_open() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert hard == resource.RLIM_INFINITY or hard > 500
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (300, hard))
        assert affordable(200) == 200
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (2 * 200 + SPARE_DESCRIPTORS, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        if hard != resource.RLIM_INFINITY:
            assert affordable(hard) == hard - SPARE_DESCRIPTORS
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def refused(shell: Shell, *arguments: str) -> tuple[int, str]:
    """Exit code and reason."""
    result = shell("bundle", "serve", *arguments, "--format", "json")
    problem = result.json["problems"][0]
    return result.code, problem["code"]


def test_what_starts_no_server(shell_at: At, tmp_path: Path) -> None:
    shell = shell_at("empty")
    authority = Authority(tmp_path, "ca")
    cert, key = map(str, authority.issue("127.0.0.1"))
    put(Path("tokens"), TOKEN.encode())
    named = f"{NAME}=x.tar.gz"
    cases: dict[str, tuple[str, ...]] = {
        "serving.nothing": (),
        "serving.bad-name": ("x.tar.gz",),
        "serving.bad-address": (named, "--listen", "8282"),
        "serving.bad-credentials": (named, "--tls-key", key),
    }
    assert {code: refused(shell, *a) for code, a in cases.items()} == {code: (2, code) for code in cases}
    assert refused(shell, "--dir", "missing") == (2, "serving.nothing")
    assert refused(shell, named, "--listen", "192.0.2.1:0") == (2, "serving.bad-address")
    assert refused(shell, named, "--client-ca", cert) == (2, "serving.bad-credentials")
    assert refused(shell, named, "--listen", "127.0.0.1:0", "--tls-cert", cert) == (2, "serving.bad-credentials")
    in_the_clear = (named, "--listen", "0.0.0.0:0", "--token-file", "tokens")
    assert refused(shell, *in_the_clear) == (2, "serving.bad-credentials")
    assert refused(shell, named, "--interval-s", "0") == (2, "cli.usage")
    assert refused(shell, named, "--token-file", "") == (2, "cli.usage")
    assert refused(shell, named, "--scope", "acme") == (2, "cli.usage")
    assert refused(shell, named, "--minimum-sequence", "2") == (2, "cli.usage")
    assert refused(shell, named, "--state", "served.json") == (2, "cli.usage")
    assert refused(shell, named, "--require-key", cert) == (7, "trust.bad-key")
    public = str(write_keys(tmp_path, signing_key())[1])
    remembering = (named, "--listen", "127.0.0.1:0", "--require-key", public, "--state")
    assert refused(shell, *remembering, "missing/served.json") == (9, "file.unwritable")
    put(Path("served.json"), b"{}")
    Path("served.json").chmod(0o600)
    assert refused(shell, *remembering, "served.json") == (7, "serving.bad-state")


def test_an_empty_directory_is_served_and_said_to_be_empty(tmp_path: Path) -> None:
    with running("--dir", str(tmp_path), "--format", "jsonl") as process:
        started = document(line(process.stdout))
        process.terminate()
        process.communicate()
    assert (started["bundles"], started["notes"]) == ([], ["nothing is served yet: put a bundle's file below --dir"])
