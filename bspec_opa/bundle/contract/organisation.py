"""The closed schemas of the data beside the rules: an organisation's own, and what the build writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.bundle.contract.definitions import (
    DIALECT,
    EXPOSURES,
    PRIVILEGES,
    SENSITIVITIES,
    TEXT,
    TIERS,
    shared_shapes,
)
from bspec_opa.foundation.closed_schema import array, enum, integer, obj, ref, string

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject

MASKED = "^/(?:input|result)(?:/[A-Za-z0-9_.~-]+)*$"
"""What a decision log may hide. OPA escapes each part for a URL and compares that with names, so others never match."""


PROOFS = ("approvals", "evaluations", "binding", "ledger")
"""What a control may ask to see beside rules that passed."""

SELECT = obj(
    include=array(TEXT, minimum=1),
    exclude=array(TEXT),
    tiers=array(obj(tier=enum(*TIERS), include=array(TEXT), exclude=array(TEXT))),
)
"""Which rules run; ``tiers`` adds and drops at one tier."""

CONTROL = obj(
    framework=string(minimum=1, maximum=100),
    id=string(minimum=1, maximum=100),
    title=string(minimum=1, maximum=300),
    rules=array(TEXT),
    evidence=array(enum(*PROOFS)),
)
"""A control of a framework, the selectors of the rules that cover it, and what an auditor wants to see besides."""

MAX_WAIVER_DAYS, MAX_WAIVER_RENEWALS = 90, 2
"""What bounds waivers where the data says nothing."""
WAIVERS = obj(max_days=integer(1, 366), max_renewals=integer(0, 100))
"""How long a waiver may run, and how often a waiver of one finding may be prolonged. No rule reads it; Python does."""


def organisation_schema() -> JsonObject:
    """An organisation's data, ``data.bspec.org``: what it decides without touching a rule."""
    body = obj(
        {"waivers": WAIVERS},
        name=TEXT,
        contact=TEXT,
        environments=array(obj(id=TEXT, schemas=array(TEXT)), minimum=1),
        exposure_floor=array(obj(exposure=enum(*EXPOSURES), tier=enum(*TIERS))),
        forbidden=array(obj(class_=TEXT, privilege=enum(*PRIVILEGES), reason=TEXT)),
        elevated=array(
            obj(class_=TEXT, privilege=enum(*PRIVILEGES), environment=TEXT, role=TEXT, count=integer(1, 100))
        ),
        # who may roll back in an emergency, instead of the ordinary approvals; nobody where there is no entry
        emergency=array(obj(environment=TEXT, approvals=array(obj(role=TEXT, count=integer(1, 100)), minimum=1))),
        providers=array(TEXT),
        publishers=array(TEXT),
        moving=array(obj(provider=TEXT, identity=TEXT, reason=TEXT)),  # names that a provider points elsewhere
        signed_weights_tier=enum(*TIERS),  # from this tier on, own weights are signed
        preview_environments=array(TEXT),
        regions=array(obj(region=TEXT, residency=TEXT)),  # which residency a provider's region lies in
        open_world_data=enum(*SENSITIVITIES),  # the most that a tool of the open world may reach
        redacted_categories=array(TEXT),
        limits=array(obj(tier=enum(*TIERS), request_seconds=integer(), task_seconds=integer(), max_steps=integer())),
        floors=array(obj(environment=TEXT, tier=enum(*TIERS), rules=ref("promotion"))),
        min_probe_cases=integer(1),
        log_retention=array(obj(regime=TEXT, days=integer())),
        controls=array(CONTROL),  # what auditors ask for, and which rules answer
        log_mask=array(obj(op=enum("remove", "upsert"), path=string(pattern=MASKED), value=TEXT)),  # of decision logs
        select=SELECT,
    )
    return {"$schema": DIALECT, "title": "bspec.org/v1", **body, "$defs": shared_shapes()}


def build_schema() -> JsonObject:
    """What ``bundle build`` writes at ``data.bspec.build``."""
    return {"$schema": DIALECT, "title": "bspec.build/v1", **obj(revision=TEXT, data_digest=TEXT)}
