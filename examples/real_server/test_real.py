"""The importers on real documents: ``make real REAL_INPUTS=folder`` (not part of ``make test``)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("promote.py")
# KeyError without the variable: a run that reads nothing must not pass.
INPUTS = Path(os.environ["REAL_INPUTS"]) / "mcp"
READS = ("list_invoices", "list_customers", "retrieve_balance", "search_stripe_documentation")


def run(document: str, *operations: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), str(INPUTS / document), *operations]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def test_a_published_list_leads_to_a_verified_lock() -> None:
    done = run("stripe-remote.tools.json", *READS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "VERIFIED  payments-helper  2 lines" in done.stdout


def test_an_operation_that_is_not_in_the_list_is_refused_with_a_near_name() -> None:
    done = run("stripe-remote.tools.json", "list_invoice", *READS[1:])
    assert done.returncode == 1
    assert '"list_invoices"' in done.stdout


def test_an_empty_list_is_refused() -> None:
    done = run("paypal.empty-tools.json", *READS)
    assert done.returncode == 1
    assert "the tool list is empty" in done.stdout


def test_a_document_of_another_kind_is_refused() -> None:
    done = run("github.server.json", *READS)
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
