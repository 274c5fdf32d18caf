"""Reasons that the ledger in a database raises."""

from bspec_opa.foundation.errors import ExitCode, Reason

URL_FORM = Reason(
    "ledger.url-form",
    ExitCode.USAGE,
    "the ledger's URL is no address of a SQLite or PostgreSQL database, or has parameters that are not taken",
    "write sqlite:///PATH or postgresql://USER@HOST/DATABASE, see docs/ledger-sql.md",
)
URL_PASSWORD = Reason(
    "ledger.url-password",
    ExitCode.USAGE,
    "a password stands, or would be used, where others could read it or say whom it is sent to",
    "put it into a password file (PGPASSFILE) or into BSPEC_OPA_LEDGER_URL",
)
SQL_MISSING = Reason(
    "ledger.sql-missing",
    ExitCode.USAGE,
    "what a ledger in a database needs is not installed",
    "pip install 'bspec-opa[sql]'",
)
NOT_INITIALISED = Reason(
    "ledger.not-initialised",
    ExitCode.STORE,
    "the database has no ledger's tables",
    "as the database's owner: bspec-opa ledger init, or run what bspec-opa ledger ddl prints",
)
OTHER_TABLES = Reason(
    "ledger.other-tables",
    ExitCode.STORE,
    "the ledger's tables lack a column that this build reads: another build made them, or somebody changed them",
    "import the ledger into a directory with the build that made them, and from there into new tables with this one",
)
UNREACHABLE = Reason(
    "ledger.unreachable",
    ExitCode.STORE,
    "the database can't be reached, or refuses the user; nothing was recorded",
    "check that it runs, its address, the user and the password file",
)
REFUSED_BY_DATABASE = Reason(
    "ledger.database-refused",
    ExitCode.STORE,
    "the database refused a statement; nothing was recorded",
    "read what it says; a gate needs the writer's role, a reader the reader's",
)
OUTCOME_UNKNOWN = Reason(
    "ledger.outcome-unknown",
    ExitCode.STORE,
    "the connection was lost while entries were committed, and the database could not be asked since",
    "run it again once the database answers: it goes on from what is there, and records nothing twice",
)
UNSAFE_SQLITE = Reason(
    "ledger.unsafe-sqlite",
    ExitCode.STORE,
    "this SQLite can lose or damage what it has committed in the mode that the database file is in",
    "use SQLite 3.51.3 or newer, or have the file's owner run PRAGMA journal_mode=DELETE on it",
)
NO_DATABASE = Reason(
    "ledger.no-database",
    ExitCode.USAGE,
    "the ledger that is configured is in no database",
    "give --ledger-url, or set ledger.url",
)

SOMEBODY = "no crash leaves that in a database: somebody inserted it; see docs/ledger-sql.md"
"""The hint of ``ledger.uncheckpointed-tail`` where there is nothing to move aside."""
