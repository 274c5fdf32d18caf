"""The ledger in a database: SQLite on one host, PostgreSQL for many writers. Needs the extra ``sql``."""
