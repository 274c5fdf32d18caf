"""Processes for the fault tests: they append to a ledger in a database and are killed.

Run as ``python writers.py URL KEY_FILE LABEL COUNT``; what was acknowledged is printed, one JSON value a line. A count
of 0 is for ever.
"""

from __future__ import annotations

import json
import sys
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from ledger_bench import NOW, ORIGIN, Bench

from bspec_opa.foundation.errors import BspecError
from bspec_opa.ledger.sql.store import open_sql_store
from bspec_opa.ledger.sql.url import parse_url
from bspec_opa.trust.keys import load_private_key


def main() -> None:
    url, key_file, label, wanted = sys.argv[1:]
    key = load_private_key(Path(key_file))
    records = Bench(Path("nowhere"), key, key)
    store = open_sql_store(parse_url(url), origin=ORIGIN, keys=[key.public], wait_s=60)
    for number in count() if wanted == "0" else range(int(wanted)):
        record = ("submit", records.record(f"{label}-{number}"))
        while True:
            tip = store.tip()
            drafted = tip.draft(NOW, [record])
            try:
                store.append(tip, drafted, key)
            except BspecError as e:
                if e.code != "ledger.race-lost":
                    sys.stdout.write(json.dumps(e.code) + "\n")
                    sys.exit(int(e.exit_code))
            else:
                break
        sys.stdout.write(json.dumps(drafted[0].record_id) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
