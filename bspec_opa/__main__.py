"""``python -m bspec_opa`` is ``bspec-opa``."""

from bspec_opa.cli.main import run

run()
