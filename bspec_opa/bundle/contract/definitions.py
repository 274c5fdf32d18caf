"""The closed schema of the OPA input, as code. ``make schemas`` writes it as the JSON file beside.

Rules of the form (``docs/rego.md``): no null, no union, no open map and no optional key. A part that isn't there
is a list of none or one; a limit that nobody set has its neutral value. Every list item that a rule may complain
about carries ``path``, the JSON Pointer into the authored intent. No patterns: the guard has no regular
expressions, and guard and JSON Schema must agree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.closed_schema import array, boolean, enum, integer, integers, obj, optional, ref, string

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject

INPUT_CONTRACT = "bspec.input/v1"
DIALECT = "https://json-schema.org/draft/2020-12/schema"

TIERS = ("low", "medium", "high")
EXPOSURES = ("internal", "partner", "customer", "public")
PRIVILEGES = ("none", "read", "write", "execute", "admin")
SENSITIVITIES = ("public", "internal", "confidential", "restricted")
REVERSIBILITIES = ("read-only", "reversible", "externally-reversible", "irreversible")
CONFIRMATIONS = ("always", "on-write", "never")
WORLDS = ("closed", "open")
ROUTINGS = ("single-model", "heterogeneous", "fallback")
MODEL_ROLES = ("primary", "subtask", "fallback")
COMPONENT_KINDS = ("prompt", "guardrail", "orchestration", "retrieval", "skill", "config")
MEMORIES = ("none", "session", "user", "shared")
LOG_LEVELS = ("full", "decision", "metadata", "none")
EGRESSES = ("none", "allowlist", "open")
SEPARATIONS = ("author", "promoter", "evaluator")
QUESTIONS = ("boundary", "privilege", "constraint")
METHODS = ("functional", "adversarial", "red-team", "manual")
CONFIDENCES = (0, 9000, 9500, 9900)
IMMUTABILITIES = ("content", "provider-asserted")
ACTIONS = ("promote", "rollback", "check")
WRITING_ACTIONS = ("promote", "rollback")
"""What a promotion rule may run for: what ends in a line."""
CHANGES = ("initial", "cosmetic", "reduction", "governance", "expansion")
VERSION_STEPS = ("initial", "same", "lower", "patch", "minor", "major")
NEEDS = ("resolve", "submit", "approval", "evidence", "request", "soak", "review")
SEVERITIES = ("low", "medium", "high", "critical")
RELEASE_STATUSES = ("active", "deprecated", "yanked", "retired")
SUSPICIONS = ("hidden-character", "instruction")
RECORD_TYPES = ("submit", "evidence", "approval", "waiver", "request", "review")

TEXT = string()
BASIS_POINTS = integer(0, 10_000)


def shared_shapes() -> JsonObject:
    """Shapes that occur more than once."""
    return {
        "approval_requirement": obj(role=TEXT, count=integer(), path=TEXT),
        "evidence_requirement": obj(
            question=enum(*QUESTIONS),
            method=enum(*METHODS),
            min_cases=integer(),
            min_pass_bp=BASIS_POINTS,  # neutral: 0
            max_asr_bp=BASIS_POINTS,  # neutral: 10000
            confidence_bp=integers(*CONFIDENCES),
            independent=boolean(),
            max_age_seconds=integer(),  # neutral: limits.UNLIMITED
            path=TEXT,
        ),
        "promotion": obj(
            environment=TEXT,
            path=TEXT,
            approvals=array(ref("approval_requirement")),
            on_expansion=array(ref("approval_requirement")),
            separation=array(enum(*SEPARATIONS)),
            approval_ttl_seconds=integer(),  # neutral: limits.UNLIMITED
            evidence=array(ref("evidence_requirement")),
            soak_seconds=integer(),
            frozen=boolean(),  # whether input.now lies in one of the freezes
            # what a rollback needs instead of approvals; without it, what a promotion needs
            rollback=optional(
                obj(
                    approvals=array(ref("approval_requirement")),
                    max_lock_age_seconds=integer(),  # neutral: limits.UNLIMITED
                    path=TEXT,
                )
            ),
        ),
        "scope_item": obj(id=TEXT, path=TEXT, statement=TEXT, actions=array(TEXT)),
        "tool": obj(
            id=TEXT,
            path=TEXT,
            class_=TEXT,
            range=obj(text=TEXT, bounded=boolean()),
            privilege=enum(*PRIVILEGES),
            operations=array(TEXT),
            wildcard=boolean(),  # operations is ["*"]
            data=enum(*SENSITIVITIES),
            reversibility=enum(*REVERSIBILITIES),
            confirmation=enum(*CONFIRMATIONS),
            world=enum(*WORLDS),
            serves=array(TEXT),
        ),
        "model_class": obj(id=TEXT, path=TEXT, role=enum(*MODEL_ROLES), providers=array(TEXT), regions=array(TEXT)),
    }


def _constraints() -> JsonObject:
    return obj(
        data=obj(max=enum(*SENSITIVITIES), categories=array(TEXT), residency=array(TEXT)),
        memory=enum(*MEMORIES),
        logging=obj(level=enum(*LOG_LEVELS), retention_days=integer(), redact=array(TEXT)),
        limits=obj(request_seconds=integer(), task_seconds=integer(), max_steps=integer()),
        network=obj(egress=enum(*EGRESSES), hosts=array(TEXT)),
        output=obj(forbid=array(TEXT)),
        delegation=array(TEXT),
        self_modification=boolean(),
    )


def _intent() -> JsonObject:
    return obj(
        digest=TEXT,
        schema=TEXT,
        metadata=obj(id=TEXT, version=TEXT, owner=TEXT, labels=array(obj(key=TEXT, value=TEXT))),
        purpose=TEXT,
        risk=obj(tier=enum(*TIERS), exposure=enum(*EXPOSURES), regimes=array(TEXT)),
        scope=obj(in_=array(ref("scope_item")), out=array(ref("scope_item"))),
        tools=array(ref("tool")),
        models=obj(routing=enum(*ROUTINGS), classes=array(ref("model_class"))),
        components=array(obj(id=TEXT, kind=enum(*COMPONENT_KINDS), path=TEXT)),
        constraints=_constraints(),
        promotion=array(ref("promotion")),  # every declared environment, sorted by id
    )


def _binding() -> JsonObject:
    return obj(
        digest=TEXT,
        models=array(
            obj(
                class_=TEXT,
                provider=TEXT,
                identity=TEXT,
                kind=TEXT,
                preview=boolean(),
                immutability=enum(*IMMUTABILITIES),
                digest=optional(TEXT),
                region=optional(TEXT),
                bom=optional(TEXT),  # digest of its bill of materials
                signature=optional(TEXT),  # digest of the signature over its weights
            )
        ),
        tools=array(
            obj(
                id=TEXT,
                publisher=TEXT,
                trusted=boolean(),
                release=TEXT,
                in_range=boolean(),  # the release lies in the intent's range
                artifact=optional(obj(purl=TEXT, digest=optional(TEXT))),  # what is installed, if anything is
                contract=obj(
                    kind=TEXT,
                    digest=TEXT,
                    described=boolean(),  # it says what each operation takes
                    suspicions=array(obj(operation=TEXT, what=enum(*SUSPICIONS))),
                ),
                operations=array(obj(name=TEXT, privilege_floor=enum(*PRIVILEGES))),
            )
        ),
        components=array(obj(id=TEXT, digest=TEXT)),
    )


def _approval() -> JsonObject:
    return obj(
        id=TEXT,
        principal=TEXT,
        group=TEXT,
        role=TEXT,
        decision=enum("approve", "reject"),
        age_seconds=integer(),
        expires_unix=integer(),  # of a reject: limits.UNLIMITED
        # whether the signed value is the one being promoted
        binds=obj(
            intent=boolean(),
            binding=boolean(),
            base=boolean(),
            source=boolean(),
            evidence=boolean(),
            change=boolean(),
            view=boolean(),
        ),
    )


def _evidence_pool() -> JsonObject:
    """The newest ``runs`` runs of one question and method, pooled; one item for every such prefix.

    A rule takes the pool with the greatest ``oldest_age_seconds`` within its ``max_age_seconds``.
    """
    return obj(
        question=enum(*QUESTIONS),
        method=enum(*METHODS),
        independent=boolean(),  # true: only independent runs are in the pool; false: all are
        runs=array(TEXT),
        evaluators=array(TEXT),
        oldest_age_seconds=integer(),
        cases=integer(),
        passed=integer(),
        bounds=array(obj(confidence_bp=integers(*CONFIDENCES), pass_bp=BASIS_POINTS, asr_bp=BASIS_POINTS)),
        probes=array(obj(scope_out_id=TEXT, cases=integer(), passed=integer())),
        undeclared_tools=array(TEXT),  # observed "tool/operation" that the intent doesn't declare
    )


def _waiver() -> JsonObject:
    return obj(
        id=TEXT,
        rule=TEXT,
        path=TEXT,
        msg=TEXT,
        binds=obj(intent=boolean(), binding=boolean(), environment=boolean(), base=boolean()),
        expires_unix=integer(),
    )


def _sameness() -> dict[str, JsonObject]:
    """How a line of the past compares with what would be deployed."""
    same = {f"same_{part}": boolean() for part in ("intent", "surface", "binding")}
    return {**same, "age_seconds": integer()}


def input_schema() -> JsonObject:
    """What a policy sees: ``bspec.input/v1``."""
    body = obj(
        contract=enum(INPUT_CONTRACT),
        action=enum(*ACTIONS),
        environment=TEXT,
        now=TEXT,
        now_unix=integer(),
        nonce=TEXT,
        intent=_intent(),
        surface=obj(digest=TEXT),
        binding=optional(_binding()),
        change=obj(
            verdict=enum(*CHANGES),
            base=TEXT,  # a line digest, or "genesis"
            version_step=enum(*VERSION_STEPS),
            items=array(obj(verdict=enum(*CHANGES), path=TEXT, what=TEXT)),
        ),
        requirements=obj(
            declared=optional(ref("promotion")),
            previous=optional(ref("promotion")),
            previous_risk=optional(obj(tier=enum(*TIERS), exposure=enum(*EXPOSURES))),  # of the line it replaces
        ),
        submits=array(obj(id=TEXT, principal=TEXT, group=TEXT, current=boolean())),
        authors=array(TEXT),  # everyone who submitted any version since the head
        approvals=array(_approval()),
        evidence=array(_evidence_pool()),
        waivers=array(_waiver()),
        predecessor_expected=boolean(),  # the environment has a "from"
        predecessor=optional(obj(environment=TEXT, line=TEXT, **_sameness())),
        requester=optional(
            obj(id=TEXT, principal=TEXT, group=TEXT, age_seconds=integer(), expires_unix=integer(), current=boolean())
        ),
        # of the action rollback: the line that is redeployed, and since when it has been approved here
        rollback=optional(obj(target_line=TEXT, **_sameness(), emergency=boolean())),
        # emergency rollbacks since the last ordinary line, here or in the source, that nobody uninvolved has reviewed
        unreviewed=array(obj(line=TEXT, environment=TEXT, age_seconds=integer())),
        withdrawn=array(
            obj(kind=enum("tool", "model"), id=TEXT, release=TEXT, status=enum(*RELEASE_STATUSES), path=TEXT)
        ),
        delegates=array(obj(agent=TEXT, path=TEXT, current=boolean())),
        rejected=array(obj(type=TEXT, id=TEXT, reason=TEXT)),
    )
    return {"$schema": DIALECT, "title": INPUT_CONTRACT, **body, "$defs": shared_shapes()}
