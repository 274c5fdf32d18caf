"""A real PostgreSQL for the tests: in a private directory, on a Unix socket, as another user than root, gone afterwards.

    server = Server(directory); server.start()
    url = server.url(server.fresh())    # postgresql://gate@/t1?host=…: a database with an empty ledger

Users: ``boss`` owns everything, ``gate`` is a writer, ``auditor`` a reader, ``stranger`` neither. ``locked`` has the
password ``sesame``; the others need none.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import psycopg

from bspec_opa.ledger.sql.ddl import read_ddl
from bspec_opa.ledger.sql.tables import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Callable

TOOLS = Path(__file__).parents[1] / ".tools" / "postgresql"
WITHOUT_ROOT = "nobody"
TEMPLATE = "empty_ledger"
TABLES = ("entries", "nodes", "checkpoints")
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "16MB",
    "max_connections": "60",
    "autovacuum": "off",
    "log_min_messages": "fatal",
    "unix_socket_permissions": "0777",
}
HBA = "local all locked scram-sha-256\nlocal all all trust\n"
PATIENCE_S = 60


class Server:
    """See the module's docstring."""

    def __init__(self, *, durable: bool = False) -> None:
        """Name a server; ``durable`` ones flush to disk, as benchmarks want it."""
        self._settings = SETTINGS | ({"fsync": "on", "full_page_writes": "on"} if durable else {})
        self._user = pwd.getpwnam(WITHOUT_ROOT).pw_uid if os.geteuid() == 0 else None
        self.directory = Path(tempfile.mkdtemp(prefix="bspec-pg-"))
        if self._user is not None:
            os.chown(self.directory, self._user, -1)
        self.directory.chmod(0o755)
        self._names = (f"t{i}" for i in itertools.count())
        self._free: list[str] = []
        self._lent: list[str] = []
        self._copies: list[str] = []
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        return self.directory / "data"

    def make(self) -> None:
        """A cluster with users and a database to copy."""
        arguments = ["-D", str(self.data), "-U", "boss", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        self._run("initdb", *arguments).check_returncode()
        self._write("pg_hba.conf", HBA)
        self.start()
        with self.boss("postgres") as boss:
            for user in ("gate", "auditor", "stranger"):
                boss.execute(f"CREATE ROLE {user} LOGIN")
            boss.execute("CREATE ROLE locked LOGIN PASSWORD 'sesame'")
            boss.execute(f"CREATE DATABASE {TEMPLATE}")
        with self.boss(TEMPLATE) as boss:
            boss.execute(read_ddl("postgresql"))
            boss.execute("GRANT bspec_ledger_writer TO gate, locked")
            boss.execute("GRANT bspec_ledger_reader TO auditor")

    def start(self) -> None:
        settings = [x for name, value in self._settings.items() for x in ("-c", f"{name}={value}")]
        command = [program("postgres"), "-D", str(self.data), "-k", str(self.directory), *settings]
        log = self.directory / "log"
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                preexec_fn=_die_together,  # noqa: PLW1509 - one system call
                **self._as(),
            )
        self._wait(self._answers, log)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT asks it to, SIGQUIT is a crash of the whole server."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(PATIENCE_S)
            self._process = None

    def remove(self) -> None:
        self.stop(signal.SIGQUIT)  # nobody waits for a checkpoint of what is thrown away
        shutil.rmtree(self.directory)

    def url(self, database: str, user: str = "gate") -> str:
        return f"postgresql://{user}@/{database}?host={quote(str(self.directory), safe='')}"

    def fresh(self) -> str:
        """A database with an empty ledger; its name."""
        if not self._free:
            self._free.append(self.copy(TEMPLATE))
            self._copies.pop()
        self._lent.append(self._free.pop())
        return self._lent[-1]

    def copy(self, template: str) -> str:
        """A database like another one; its name."""
        self._copies.append(next(self._names))
        with self.boss("postgres") as boss:
            boss.execute(f"CREATE DATABASE {self._copies[-1]} TEMPLATE {template}")
        return self._copies[-1]

    def keep(self, name: str) -> None:
        """Keep what is in a database's ledger now, for :meth:`put_back`."""
        with self.boss(name) as boss:
            for table in TABLES:
                boss.execute(f"CREATE TABLE public.{table} AS TABLE {SCHEMA}.{table}")

    def put_back(self, name: str) -> None:
        """What was kept is in the ledger again, and nobody else is connected; far cheaper than a copied database."""
        with self.boss(name) as boss:
            boss.execute(
                "SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
                (name,),
            )
            boss.execute("SET session_replication_role = replica")  # what refuses changes is not asked
            for table in TABLES:
                boss.execute(f"TRUNCATE {SCHEMA}.{table}")
                boss.execute(f"INSERT INTO {SCHEMA}.{table} SELECT * FROM public.{table}")

    def give_back(self) -> None:
        """Make what was lent as it was, for the next test; making a database copies seven megabytes."""
        for name in self._lent:
            with self.boss(name) as boss:
                boss.execute(f"ALTER DATABASE {name} RESET ALL")
                boss.execute(f"DROP SCHEMA {SCHEMA} CASCADE")
                boss.execute(read_ddl("postgresql"))
        with self.boss("postgres") as boss:
            for name in self._copies:
                boss.execute(f"DROP DATABASE {name} WITH (FORCE)")
        self._free += self._lent
        self._lent, self._copies = [], []

    def boss(self, database: str) -> psycopg.Connection[Any]:
        return psycopg.connect(host=str(self.directory), user="boss", dbname=database, autocommit=True)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "the server ended"
        try:
            self.boss("postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    @staticmethod
    def _wait(until: Callable[[], bool], log: Path) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not until():
            assert time.monotonic() < deadline, log.read_text(encoding="utf-8", errors="replace")[-2000:]
            time.sleep(0.01)

    def _write(self, name: str, text: str) -> None:
        (self.data / name).write_text(text, encoding="utf-8")

    def _run(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [program(name), *arguments], check=False, capture_output=True, text=True, cwd=self.directory, **self._as()
        )

    def _as(self) -> dict[str, Any]:
        """Never as root: the server refuses that."""
        return {} if self._user is None else {"user": self._user, "group": 65534, "extra_groups": []}


def program(name: str) -> str:
    """A program of PostgreSQL; a test that needs it fails without it."""
    found = TOOLS / name
    assert found.exists(), f"{found} is missing: run make setup"
    return str(found)


def _die_together() -> None:
    """If the tests are killed, so is the server (PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, int(signal.SIGQUIT))
