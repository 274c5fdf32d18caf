"""The words of an intent. Where one is less than another, they stand in that order: least capability first."""

from typing import Final, Literal, get_args

SCHEMA: Final = "behavior.intent/v1"

SchemaName = Literal["behavior.intent/v1"]
Tier = Literal["low", "medium", "high"]
Exposure = Literal["internal", "partner", "customer", "public"]
Privilege = Literal["none", "read", "write", "execute", "admin"]
Sensitivity = Literal["public", "internal", "confidential", "restricted"]
Reversibility = Literal["read-only", "reversible", "externally-reversible", "irreversible"]
Confirmation = Literal["always", "on-write", "never"]
World = Literal["closed", "open"]
Routing = Literal["single-model", "fallback", "heterogeneous"]
ModelRole = Literal["primary", "subtask", "fallback"]
ComponentKind = Literal["prompt", "guardrail", "orchestration", "retrieval", "skill", "config"]
Memory = Literal["none", "session", "user", "shared"]
LogLevel = Literal["full", "decision", "metadata", "none"]
Egress = Literal["none", "allowlist", "open"]
Separation = Literal["author", "promoter", "evaluator"]
Question = Literal["boundary", "privilege", "constraint"]
Method = Literal["functional", "adversarial", "red-team", "manual"]
Confidence = Literal[0, 9000, 9500, 9900]

Verdict = Literal["initial", "cosmetic", "reduction", "governance", "expansion"]
VersionStep = Literal["initial", "same", "lower", "patch", "minor", "major"]

TIERS: Final[tuple[str, ...]] = get_args(Tier)
PRIVILEGES: Final[tuple[str, ...]] = get_args(Privilege)
SENSITIVITIES: Final[tuple[str, ...]] = get_args(Sensitivity)
REVERSIBILITIES: Final[tuple[str, ...]] = get_args(Reversibility)
CONFIRMATIONS: Final[tuple[str, ...]] = get_args(Confirmation)
WORLDS: Final[tuple[str, ...]] = get_args(World)
ROUTINGS: Final[tuple[str, ...]] = get_args(Routing)
MEMORIES: Final[tuple[str, ...]] = get_args(Memory)
LOG_LEVELS: Final[tuple[str, ...]] = get_args(LogLevel)
EGRESSES: Final[tuple[str, ...]] = get_args(Egress)
QUESTIONS: Final[tuple[str, ...]] = get_args(Question)
VERDICTS: Final[tuple[str, ...]] = get_args(Verdict)

ANY: Final = "*"
"""Stands alone in a list of names: every one, those included that nobody has thought of yet."""
EXTENSION: Final = "x-"
"""Members whose name begins so belong to whoever wrote them: kept for the digest, ignored by everything else."""
