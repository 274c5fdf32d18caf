"""The model of ``behavior.intent/v1``: strict, frozen, closed but for ``x-…`` members.

The published JSON Schema is generated from it (:mod:`bspec_opa.intent.schema`), with the texts of
:mod:`bspec_opa.intent.descriptions`; both accept and refuse the same documents. What concerns more than one field
is in :mod:`bspec_opa.intent.consistency`. A default is the reading with more capability, so that leaving a field out
never hides one.
"""

# No `from __future__ import annotations`: pydantic reads the annotations, and reading text costs start-up time.

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bspec_opa.foundation.limits import UNLIMITED
from bspec_opa.intent import forms as f
from bspec_opa.intent import vocabulary as v


class Part(BaseModel):
    """One object of an intent. Its ``x-…`` members are not part of the model."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _without_extensions(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {name: item for name, item in value.items() if not name.startswith(v.EXTENSION)}


class Metadata(Part):
    """Who the agent is (6.2)."""

    id: f.Identifier
    version: f.Version
    owner: f.Principal
    labels: dict[f.Label, Annotated[str, Field(max_length=f.MAX_TEXT)]] = {}


class Risk(Part):
    """How much is at stake (6.5, 6.9)."""

    tier: v.Tier
    exposure: v.Exposure
    regimes: f.Many[f.Identifier] = ()


class ScopeItem(Part):
    """A class of actions that the agent is there for, or must never take."""

    id: f.Identifier
    statement: f.Text
    actions: f.AtLeastOne[f.Action]


class Scope(Part):
    """What is in and what is out (6.2, 6.5)."""

    in_: f.AtLeastOne[ScopeItem] = Field(alias="in")
    out: f.Many[ScopeItem]


class Tool(Part):
    """A tool and how far the agent may go with it (6.2, 6.2.1, 6.4)."""

    id: f.Identifier
    class_: f.Identifier = Field(alias="class")
    version: f.Range
    privilege: v.Privilege
    operations: f.AtLeastOne[f.Operation]
    data: v.Sensitivity = "restricted"
    reversibility: f.Maybe[v.Reversibility] = None
    confirmation: v.Confirmation = "never"
    world: v.World = "open"
    serves: f.Many[f.Identifier]


class ModelClass(Part):
    """A class of models that may be used (6.2)."""

    id: f.Identifier
    role: v.ModelRole
    providers: f.AtLeastOne[f.NameOrAny] = (v.ANY,)
    regions: f.AtLeastOne[f.NameOrAny] = (v.ANY,)


class Models(Part):
    """Model classes and how work is routed to them (6.2)."""

    routing: v.Routing
    classes: f.AtLeastOne[ModelClass]


class Component(Part):
    """A prompt, guardrail or other text that shapes behaviour; its digest is in the lock (6.6, 9.5.2)."""

    id: f.Identifier
    kind: v.ComponentKind


class Data(Part):
    """Which data the agent may touch."""

    max: v.Sensitivity
    categories: f.Many[f.Identifier]
    residency: f.AtLeastOne[f.NameOrAny]


class MemoryPolicy(Part):
    """What the agent may remember."""

    policy: v.Memory


class Logging(Part):
    """What is recorded about the agent."""

    level: v.LogLevel
    retention_days: f.Days
    redact: f.Many[f.Identifier]


class Limits(Part):
    """How long and how far the agent may run."""

    request_seconds: f.Limit = UNLIMITED
    task_seconds: f.Limit = UNLIMITED
    max_steps: f.Limit = UNLIMITED


class Network(Part):
    """Which hosts the agent may reach."""

    egress: v.Egress
    hosts: f.Many[f.Host] = ()


class Output(Part):
    """What the agent may never produce."""

    forbid: f.Many[f.Identifier] = ()


class Constraints(Part):
    """Operational constraints (3, 6.9)."""

    data: Data
    memory: MemoryPolicy
    logging: Logging
    limits: Limits = Limits.model_construct()
    network: Network
    output: Output = Output.model_construct()
    delegation: f.Many[f.Identifier] = ()
    self_modification: bool = True


class DataOverlay(Part):
    """Narrower data limits of one environment."""

    max: f.Maybe[v.Sensitivity] = None
    categories: f.Maybe[f.Many[f.Identifier]] = None
    residency: f.Maybe[f.AtLeastOne[f.NameOrAny]] = None


class MemoryOverlay(Part):
    """A narrower memory policy of one environment."""

    policy: f.Maybe[v.Memory] = None


class LoggingOverlay(Part):
    """Stricter logging of one environment."""

    level: f.Maybe[v.LogLevel] = None
    retention_days: f.Maybe[f.Days] = None
    redact: f.Maybe[f.Many[f.Identifier]] = None


class LimitsOverlay(Part):
    """Lower limits of one environment."""

    request_seconds: f.Maybe[f.Limit] = None
    task_seconds: f.Maybe[f.Limit] = None
    max_steps: f.Maybe[f.Limit] = None


class NetworkOverlay(Part):
    """Fewer hosts of one environment."""

    egress: f.Maybe[v.Egress] = None
    hosts: f.Maybe[f.Many[f.Host]] = None


class OutputOverlay(Part):
    """More that the agent may never produce in one environment."""

    forbid: f.Maybe[f.Many[f.Identifier]] = None


class ConstraintsOverlay(Part):
    """Constraints of one environment: what it names replaces the general one and may only be narrower (6.5)."""

    data: f.Maybe[DataOverlay] = None
    memory: f.Maybe[MemoryOverlay] = None
    logging: f.Maybe[LoggingOverlay] = None
    limits: f.Maybe[LimitsOverlay] = None
    network: f.Maybe[NetworkOverlay] = None
    output: f.Maybe[OutputOverlay] = None
    delegation: f.Maybe[f.Many[f.Identifier]] = None
    self_modification: f.Maybe[bool] = None


class ApprovalRule(Part):
    """So many distinct people in a role."""

    role: f.Identifier
    count: f.People


class EvidenceRule(Part):
    """What an evaluation must have shown (6.9)."""

    question: v.Question
    method: v.Method
    min_cases: f.Cases
    min_pass_bp: f.Maybe[f.BasisPoints] = None
    max_asr_bp: f.Maybe[f.RateBasisPoints] = None
    confidence_bp: f.Confidence = 0
    independent: bool = False
    max_age: f.Maybe[f.Duration] = None


class Soak(Part):
    """How long the source environment must have run the same binding."""

    duration: f.Duration


class Freeze(Part):
    """A span of time without promotions; ``to`` is no longer part of it."""

    from_: f.Time = Field(alias="from")
    to: f.Time


class Rollback(Part):
    """What a rollback needs (6.7)."""

    approvals: f.AtLeastOne[ApprovalRule]
    max_lock_age: f.Maybe[f.Duration] = None


class Promotion(Part):
    """What a promotion into one environment needs (6.5, 6.7, 6.8, 6.9)."""

    approvals: f.AtLeastOne[ApprovalRule]
    on_expansion: f.Many[ApprovalRule] = ()
    separation: f.Many[v.Separation] = ()
    approval_ttl: f.Maybe[f.Duration] = None
    evidence: f.AtLeastOne[EvidenceRule]
    soak: f.Maybe[Soak] = None
    freeze: f.Many[Freeze] = ()
    constraints: f.Maybe[ConstraintsOverlay] = None
    rollback: f.Maybe[Rollback] = None


class Intent(Part):
    """A whole ``behavior.intent``."""

    schema_: v.SchemaName = Field(alias="schema")
    metadata: Metadata
    purpose: f.Text
    risk: Risk
    scope: Scope
    tools: f.Many[Tool]
    models: Models
    components: f.Many[Component]
    constraints: Constraints
    promotion: Annotated[dict[f.Identifier, Promotion], Field(min_length=1)]
