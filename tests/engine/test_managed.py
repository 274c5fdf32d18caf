"""An OPA of our own is private, is ours, and is gone when we are, whoever kills what."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bspec_opa.bundle.archive import compress, write_tar
from bspec_opa.engine import keeper as keeper_program
from bspec_opa.engine import kept_opa
from bspec_opa.foundation.errors import BspecError, EngineError, ExitCode
from bspec_opa.foundation.limits import MIB

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bspec_opa.engine.managed import ManagedEngine

    Start = Callable[..., ManagedEngine]

WAIT_S = 60.0
STEP_S = 0.01
ALLOW: dict[str, Any] = {"nonce": "n1", "environment": "staging", "tools": []}
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def processes(engine: ManagedEngine) -> tuple[int, int]:
    """The numbers of the keeper and of its OPA."""
    keeper = engine._opa._keeper.pid
    return keeper, child_of(keeper)


def child_of(pid: int) -> int:
    found = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], check=True, capture_output=True, text=True).stdout
    return next(int(p) for p, parent in (line.split() for line in found.splitlines()) if int(parent) == pid)


def is_gone(pid: int) -> bool:
    """Whether a process has ended; one that is nobody's child here waits for the system alone to forget it."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    state = subprocess.run(["ps", "-o", "stat=,ppid=", "-p", str(pid)], check=False, capture_output=True, text=True)
    return state.stdout.startswith("Z") and int(state.stdout.split()[1]) == 1


def wait_until(condition: Callable[[], bool]) -> None:
    pause = threading.Event()
    until = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < until, "it never came true"
        pause.wait(STEP_S)


def nothing_left(directory: Path, *pids: int) -> None:
    wait_until(lambda: all(map(is_gone, pids)) and not directory.exists())


PASSES = 'test "$1" = check && exit 0\n'


def program(directory: Path, body: str, interpreter: str = "/bin/sh") -> Path:
    """An ``opa`` that is another program; a shell script has nothing against the bundle."""
    body = PASSES + body if interpreter == "/bin/sh" else body
    directory.mkdir(exist_ok=True)
    path = directory / "opa"
    path.write_text(f"#!{interpreter}\n{body}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def place(tmp_path: Path) -> Iterator[dict[str, str]]:
    """An environment whose private place has nothing else in it."""
    short = Path("/tmp") / f"bspec-test-{os.urandom(4).hex()}"
    short.mkdir(mode=0o700)
    yield {"XDG_RUNTIME_DIR": str(short)}
    short.rmdir()  # fails if anything is left


def refusal(start: Start, *arguments: Any, **named: Any) -> BspecError:
    with pytest.raises(BspecError) as caught:
        start(*arguments, **named)
    assert caught.value.exit_code == ExitCode.ENGINE
    return caught.value


# What it is.


def test_it_is_private(start_managed: Start, place: dict[str, str]) -> None:
    with start_managed(environ=place) as engine:
        directory = engine._opa.path.parent
        assert directory.parent == Path(place["XDG_RUNTIME_DIR"])
        assert {p.name: stat.S_IMODE(p.stat().st_mode) for p in directory.iterdir()} == {
            "opa.sock": 0o600,
            "bundle.tar.gz": 0o600,
            "capabilities.json": 0o600,
        }
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        assert os.getsid(processes(engine)[0]) != os.getsid(0)
        assert engine.notes == ()


@LINUX
def test_opa_gets_nothing_of_ours(start_managed: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S3CRET", "x")
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    try:
        # What the keeper needs to find its libraries is nothing to OPA.
        environ = {"LD_LIBRARY_PATH": "/nonexistent", "S3CRET": "x"}
        with start_managed(environ=environ) as engine:
            keeper, opa = (Path(f"/proc/{p}") for p in processes(engine))
            assert (opa / "environ").read_bytes() == b""
            assert (keeper / "environ").read_bytes() == b"LD_LIBRARY_PATH=/nonexistent\0"
            assert (opa / "cwd").resolve() == engine._opa.path.parent
            assert (opa / "fd" / "0").resolve() == (opa / "fd" / "1").resolve() == Path("/dev/null")
            ours = f"pipe:[{os.fstat(reader).st_ino}]"
            assert ours not in {str(f.readlink()) for p in (keeper, opa) for f in (p / "fd").iterdir()}
    finally:
        os.close(reader)
        os.close(writer)


@LINUX
def test_opa_has_no_connection_but_its_socket(start_managed: Start) -> None:
    with start_managed() as engine:
        engine.decide(ALLOW)
        opa = Path(f"/proc/{processes(engine)[1]}")
        assert b"--skip-version-check" in (opa / "cmdline").read_bytes().split(b"\0")
        links = {str(f.readlink()) for f in (opa / "fd").iterdir()}
        inodes = {link[8:-1] for link in links if link.startswith("socket:")}
        inet = {line.split()[9] for n in ("tcp", "tcp6", "udp", "udp6") for line in _table(f"/proc/net/{n}")}
        assert inodes
        assert inodes & inet == set()


def _table(path: str) -> list[str]:
    return Path(path).read_text().splitlines()[1:] if Path(path).exists() else []


def test_threads_take_turns(start_managed: Start) -> None:
    with start_managed() as engine, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: engine.decide(ALLOW), range(64)))
    assert all(a == answers[0] for a in answers)


# Every way to end.


def test_close(start_managed: Start) -> None:
    engine = start_managed()
    directory, pids = engine._opa.path.parent, processes(engine)
    engine.decide(ALLOW)
    engine.close()
    engine.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)  # no zombie either
    nothing_left(directory, *pids)
    with pytest.raises(EngineError) as caught:
        engine.decide(ALLOW)
    assert caught.value.code == "engine.closed"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_exception(start_managed: Start, error: type[BaseException]) -> None:
    with pytest.raises(error), start_managed() as engine:  # noqa: PT012 - the block is the subject
        directory, pids = engine._opa.path.parent, processes(engine)
        raise error
    nothing_left(directory, *pids)


HOST = """
import os, signal, sys
from pathlib import Path
from bspec_opa.engine.managed import ManagedEngine
from bspec_opa.foundation.digest import ZERO_DIGEST
opa, bundle = map(Path, sys.argv[1:3])
signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever started the tests may have it ignored
signal.signal(signal.SIGHUP, signal.SIG_DFL)
engine = ManagedEngine(opa, bundle.read_bytes(), revision="r1", bundle_digest=ZERO_DIGEST, environ={})
forked = -1
if sys.argv[3] == "fork":
    forked = os.fork()
    if forked == 0:
        sys.stdin.read()
        os._exit(0)
with engine:
    print(engine._opa.path.parent, engine._opa._keeper.pid, forked, flush=True)
    try:
        sys.stdin.read()
    except KeyboardInterrupt:
        sys.exit(7)
    if sys.argv[3] == "exit":
        os._exit(0)
"""


@contextmanager
def host(opa: Path, bundle: Path, how: str = "") -> Iterator[subprocess.Popen[str]]:
    """Another process that uses the engine and waits for its standard input to end."""
    command = [sys.executable, "-c", HOST, str(opa), str(bundle), how]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def told(process: subprocess.Popen[str]) -> tuple[Path, int, int, int]:
    """Directory, keeper, OPA and forked child of a host."""
    assert process.stdout is not None
    directory, keeper, forked = process.stdout.readline().split()
    return Path(directory), int(keeper), child_of(int(keeper)), int(forked)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL, signal.SIGABRT])
def test_we_are_killed(opa_path: Path, gate_bundle: Path, number: signal.Signals) -> None:
    with host(opa_path, gate_bundle) as process:
        directory, keeper, opa, _ = told(process)
        assert not is_gone(opa)
        process.send_signal(number)
        assert process.wait(WAIT_S) == (7 if number == signal.SIGINT else -number)
        nothing_left(directory, keeper, opa)


@pytest.mark.parametrize("how", ["", "exit"])
def test_we_end(opa_path: Path, gate_bundle: Path, how: str) -> None:
    with host(opa_path, gate_bundle, how) as process:
        directory, keeper, opa, _ = told(process)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(WAIT_S) == 0
        nothing_left(directory, keeper, opa)


def test_we_are_killed_and_a_forked_child_lives_on(opa_path: Path, gate_bundle: Path) -> None:
    with host(opa_path, gate_bundle, "fork") as process:
        directory, keeper, opa, forked = told(process)
        process.kill()
        process.wait(WAIT_S)
        nothing_left(directory, keeper, opa)
        assert not is_gone(forked)


def test_we_are_killed_while_opa_starts(tmp_path: Path, gate_bundle: Path) -> None:
    pid = tmp_path / "pid"
    opa = program(tmp_path / "bin", f"echo $PPID $$ > {pid}; pwd > {pid}.d; mv {pid}.d {pid}.directory; exec sleep 999")
    with host(opa, gate_bundle) as process:
        wait_until(Path(f"{pid}.directory").exists)
        process.kill()
        process.wait(WAIT_S)
        nothing_left(Path(Path(f"{pid}.directory").read_text().strip()), *map(int, pid.read_text().split()))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_the_keeper_is_killed(start_managed: Start, number: signal.Signals) -> None:
    with start_managed() as engine:
        engine.decide(ALLOW)
        directory, (keeper, opa) = engine._opa.path.parent, processes(engine)
        os.kill(keeper, number)
        if sys.platform == "linux" or number != signal.SIGKILL:
            wait_until(lambda: is_gone(opa))
            with pytest.raises(EngineError) as caught:
                engine.decide(ALLOW)
            assert caught.value.code == "engine.ended"
    nothing_left(directory, keeper, opa)


def test_the_keeper_is_killed_where_the_system_ends_no_orphans(
    start_managed: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on macOS: OPA lives on until we close the engine, and no longer."""
    source = Path(keeper_program.__file__).read_text(encoding="utf-8")
    assert source.count('if sys.platform != "linux":') == 1
    elsewhere = tmp_path / "keeper.py"
    elsewhere.write_text(source.replace('if sys.platform != "linux":', "if True:"), encoding="utf-8")
    monkeypatch.setattr(keeper_program, "__file__", str(elsewhere))
    with start_managed() as engine:
        directory, (keeper, opa) = engine._opa.path.parent, processes(engine)
        os.kill(keeper, signal.SIGKILL)
        engine.decide(ALLOW)
    nothing_left(directory, keeper, opa)


def test_the_keeper_hangs(start_managed: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_opa, "_STOP_S", 0.2)
    with start_managed() as engine:
        directory, (keeper, opa) = engine._opa.path.parent, processes(engine)
        os.kill(keeper, signal.SIGSTOP)
    nothing_left(directory, keeper, opa)


def test_blocked_signals_are_no_matter(start_managed: Start) -> None:
    """Else the keeper would inherit them, and never hear of OPA's end."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD, signal.SIGTERM})
    try:
        engine = start_managed(start_s=WAIT_S)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    with engine:
        directory, pids = engine._opa.path.parent, processes(engine)
        os.kill(pids[0], signal.SIGTERM)
        nothing_left(directory, *pids[1:])


def test_opa_is_killed(start_managed: Start) -> None:
    with start_managed() as engine:
        engine.decide(ALLOW)
        directory, (keeper, opa) = engine._opa.path.parent, processes(engine)
        os.kill(opa, signal.SIGKILL)
        with pytest.raises(EngineError) as caught:
            engine.decide(ALLOW)
        assert caught.value.code == "engine.ended"
        assert "was ended by SIGKILL" in str(caught.value)
        nothing_left(directory, keeper, opa)
        with pytest.raises(EngineError):
            engine.decide(ALLOW)


def test_a_forked_child_neither_asks_nor_stops_it(start_managed: Start) -> None:
    with start_managed() as engine:
        child = os.fork()
        if child == 0:
            code = 1
            with suppress(BaseException):
                try:
                    engine.decide(ALLOW)
                except EngineError as e:
                    engine.close()
                    code = 42 if e.code == "engine.closed" else 2
            os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 42
        engine.decide(ALLOW)


# What a policy does.


def policy(text: str) -> bytes:
    return compress(
        write_tar({".manifest": b'{"revision":"r1"}', "gate.rego": b"package bspec.gate\n\n" + text.encode()})
    )


GREEDY = """
decision := {"strings": count([s |
    some a in input.items
    some b in input.items
    s := concat(a, [b, input.text])
])}
"""


@LINUX
def test_a_policy_that_fills_memory(start_managed: Start) -> None:
    request: dict[str, Any] = {"items": [str(n) for n in range(5_000)], "text": "x" * 1_000}
    with start_managed(archive=policy(GREEDY), memory_bytes=256 * MIB, deadline_s=WAIT_S) as engine:
        directory, pids = engine._opa.path.parent, processes(engine)
        with pytest.raises(EngineError) as caught:
            engine.decide(request)
    assert caught.value.code == "engine.ended"
    assert "ended with status 2; it says: fatal error: " in str(caught.value)
    assert "out of memory" in str(caught.value) or "cannot allocate" in str(caught.value)
    nothing_left(directory, *pids)


def test_a_policy_that_does_not_end(start_managed: Start) -> None:
    endless = (Path(__file__).parent / "assets" / "endless" / "endless.rego").read_text()
    with start_managed(archive=policy(endless.partition("package bspec.gate")[2]), deadline_s=1.0) as engine:
        directory, pids = engine._opa.path.parent, processes(engine)
        with pytest.raises(EngineError) as caught:
            engine.decide({"items": [str(n) for n in range(500)]})
        assert caught.value.code == "engine.timeout"
        assert engine.decide({}).decision == {"found": 0}
    nothing_left(directory, *pids)


# What doesn't start.


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("exit 3", "ended with status 3"),
        ("kill -9 $$", "was ended by SIGKILL"),
        ("echo 'no such \033[31mflag' >&2; exit 2", r"ended with status 2; it says: no such \x1b[31mflag"),
        ('echo \'{"level":"info","msg":"hello"}\' >&2; exit 2', "ended with status 2"),
        ("head -c 100000 /dev/zero | tr '\\0' x >&2; exit 1", "ended with status 1; it says: " + "x" * 300),
        ("rm -r $PWD; exit 1", "ended with status 1"),
    ],
)
def test_it_ends_at_once(start_managed: Start, place: dict[str, str], tmp_path: Path, body: str, words: str) -> None:
    opa = program(tmp_path / "bin", body)
    error = refusal(start_managed, opa, environ=place)
    assert error.code == "engine.not-started"
    assert error.problems[0].message == f"{opa} {words}"


def test_no_program(start_managed: Start, place: dict[str, str], tmp_path: Path) -> None:
    assert "can't be started: No such file" in str(refusal(start_managed, tmp_path / "opa", environ=place))
    plain = program(tmp_path / "bin", "exit 0")
    plain.chmod(0o644)
    assert "can't be started: Permission denied" in str(refusal(start_managed, plain, environ=place))
    plain.write_bytes(b"\x7fELF but not really")
    plain.chmod(0o755)
    assert "can't be started: Exec format error" in str(refusal(start_managed, plain, environ=place))


HANGS = ["exec sleep 999", "sleep 999", "exec yes 'a log that never ends' >&2", "exec tr '\\0' x </dev/zero >&2"]


@pytest.mark.parametrize("body", HANGS)
def test_it_hangs(start_managed: Start, place: dict[str, str], tmp_path: Path, body: str) -> None:
    opa = program(tmp_path / "bin", f"echo $$ > {tmp_path}/pid; {body}")
    before = time.monotonic()
    error = refusal(start_managed, opa, environ=place, start_s=2.0)
    assert time.monotonic() - before < WAIT_S
    assert error.code == "engine.not-started"
    assert f"{opa} is not ready after 2 s" in str(error)
    assert is_gone(int((tmp_path / "pid").read_text()))


@pytest.mark.parametrize("size", [0, 1, 100, -100])
def test_a_broken_bundle(start_managed: Start, place: dict[str, str], gate_bundle: Path, size: int) -> None:
    error = refusal(start_managed, archive=gate_bundle.read_bytes()[:size], environ=place)
    assert error.code == "engine.not-started"
    assert "does not accept the bundle, it ended with status 1; it says: " in str(error)


@pytest.mark.attack("A69")
@pytest.mark.parametrize("call", ['http.send({"method": "get", "url": "http://a"})', "opa.runtime()", "time.now_ns()"])
def test_a_policy_that_could_reach_out(start_managed: Start, place: dict[str, str], call: str) -> None:
    error = refusal(start_managed, archive=policy(f"decision := {call}\n"), environ=place)
    assert error.code == "engine.not-started"
    assert f"undefined function {call.partition('(')[0]}" in str(error)


def test_a_bundle_that_only_the_server_refuses(
    start_managed: Start, place: dict[str, str], opa_path: Path, gate_bundle: Path, tmp_path: Path
) -> None:
    opa = program(tmp_path / "bin", f'exec "{opa_path}" "$@"')
    error = refusal(start_managed, opa, archive=gate_bundle.read_bytes()[:100], environ=place)
    assert error.code == "engine.not-started"
    assert "opa refuses the bundle; it says: Bundle load failed: " in str(error)


def test_a_check_that_does_not_end(start_managed: Start, place: dict[str, str], tmp_path: Path) -> None:
    opa = program(tmp_path / "bin", "exec sleep 999", "/bin/bash")
    assert "is not ready after 1 s" in str(refusal(start_managed, opa, environ=place, start_s=1.0))


def test_a_line_that_does_not_end_is_not_kept() -> None:
    watching = keeper_program.Keeper("opa", "/nonexistent", 1)
    for _ in range(100):
        watching._repeat(b"x" * 10_000)
    assert len(watching._unread) == keeper_program.MAX_LINE_BYTES


def test_another_process_listens(start_managed: Start, place: dict[str, str], opa_path: Path, tmp_path: Path) -> None:
    wrapper = program(tmp_path / "bin", f'"{opa_path}" "$@" & echo $! > {tmp_path}/pid; wait')
    error = refusal(start_managed, wrapper, environ=place)
    assert error.code == "engine.not-started"
    assert "another process" in str(error)
    wait_until(lambda: is_gone(int((tmp_path / "pid").read_text())))


# What answers wrongly.

IMPOSTOR = """
import json, os, socket, sys
if sys.argv[1] == "check":
    sys.exit()
path = next(a for a in sys.argv if a.startswith("--addr=unix://"))[14:]
listener = socket.socket(socket.AF_UNIX)
listener.bind(path)
listener.listen()
sys.stderr.write("a log that somebody must read\\n" * 10_000)
while True:
    connection, _ = listener.accept()
    request = connection.recv(65536)
    said = {"result": {"deny": []}, "provenance": {"version": VERSION, "bundles": {"bspec": {"revision": "r1"}}}}
    body = json.dumps(said).encode()
    head = b"HTTP/1.0 200 OK\\r\\nContent-Type: application/json\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body)
    connection.sendall(head + body)
    connection.close()
"""


@pytest.mark.parametrize("version", ["1.22.1", "1.22.20", "0.1.0", "1.22.2-dev"])
def test_another_version_answers(start_managed: Start, place: dict[str, str], tmp_path: Path, version: str) -> None:
    opa = program(tmp_path / "bin", IMPOSTOR.replace("VERSION", repr(version)), sys.executable)
    with start_managed(opa, environ=place) as engine, pytest.raises(EngineError) as caught:
        engine.decide(ALLOW)
    assert caught.value.code == "engine.opa-version"
    assert version in str(caught.value)


@pytest.mark.attack("A31")
def test_another_revision_answers(start_managed: Start) -> None:
    with start_managed(revision="r2") as engine, pytest.raises(BspecError) as caught:
        engine.decide(ALLOW)
    assert (caught.value.code, caught.value.exit_code) == ("engine.stale-bundle", ExitCode.TRUST)
