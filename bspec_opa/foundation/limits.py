"""All bounds in one place. Sizes are bytes, depths are nesting levels, times are seconds."""

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB

MAX_DOCUMENT_BYTES: Final = 1 * MIB
"""An intent, configuration, catalog or trust.yaml."""
MAX_IMPORT_BYTES: Final = 8 * MIB
"""A document that an importer reads, such as an MCP tools list."""
MAX_RECORD_BYTES: Final = 1 * MIB
"""One DSSE envelope, lock line or ledger entry."""
MAX_RECORDS: Final = 10_000
"""Files in one records directory."""
MAX_LEDGER_BYTES: Final = 8192 * MIB
"""A whole file ledger."""
MAX_APPEND_BYTES: Final = 32 * MIB
"""What one append adds to a file ledger: ten thousand ordinary records, thirty of the largest."""
MAX_BUNDLE_BYTES: Final = 64 * MIB
"""A policy bundle, uncompressed."""
MAX_BUNDLE_FILES: Final = 10_000
"""Members of a policy bundle."""
MAX_COMPONENT_BYTES: Final = 64 * MIB
"""One file of a component."""
MAX_COMPONENT_FILES: Final = 10_000
"""Files of a component directory."""
MAX_DEPTH: Final = 64
"""Nesting of any document that people write or tools send."""
MAX_NODES: Final = 200_000
"""Scalars and collections in one document."""
MAX_STRING: Final = 64 * KIB
"""One scalar, in characters."""
MAX_NAME: Final = 200
"""An identifier, in characters."""
INTEGER_LIMIT: Final = 10**15
"""Integers are of smaller magnitude; arithmetic past 18 digits differs between engines."""
UNLIMITED: Final = INTEGER_LIMIT - 1
"""The neutral value of a limit that nobody set."""
MAX_EVIDENCE_CASES: Final = 100_000
"""Cases of one pooled evaluation; exact bounds stay fast below."""
MAX_REPLY_BYTES: Final = 4 * MIB
"""A reply of a policy engine, decoded."""
ENGINE_DEADLINE_S: Final = 5.0
"""Total time for one decision, connection included."""
MANAGED_START_S: Final = 20.0
"""Until an OPA that we start has loaded its bundle."""
MANAGED_MEMORY_BYTES: Final = 2048 * MIB
"""Of an OPA that we start; it keeps documents at about twenty times their size."""
COMPILE_DEADLINE_S: Final = 30.0
"""For compiling a bundle's policy.wasm, where no compiled code was kept; a thousand rules take one to three."""
MAX_REASON: Final = 4096
"""Characters of why somebody signed a record."""
MAX_JOBS: Final = 64
"""Processes that share many items; each holds an engine of its own."""
LEDGER_LOCK_TIMEOUT_S: Final = 10.0
"""How long a process waits for another one that writes the ledger."""
REDECIDE_LIMIT: Final = 3
"""How often a promotion decides again when the ledger moved under it."""
