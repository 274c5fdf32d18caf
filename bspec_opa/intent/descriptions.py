"""What each member of an intent means, for editors and the reference; read only when the schema is generated."""

from typing import Final

_DATA = {
    "max": "The highest sensitivity of data that may be touched.",
    "categories": "Categories of personal or protected data that may be touched, such as pii.",
    "residency": 'Regions in which data may be kept and processed; ["*"] for anywhere.',
}
_LOGGING = {
    "level": "How much is logged; full is the least capability.",
    "retention_days": "For how many days logs are kept.",
    "redact": "Categories that are redacted in logs.",
}
_LIMITS = {
    "request_seconds": "The longest that one request may take.",
    "task_seconds": "The longest that one task may take.",
    "max_steps": "The most steps that one task may take.",
}
_NETWORK = {
    "egress": "Whether the agent reaches no host, those listed, or any.",
    "hosts": "The hosts that may be reached; only with egress allowlist.",
}
_OUTPUT = {"forbid": "Kinds of output that may never be produced."}
_CONSTRAINTS = {
    "data": "Which data may be touched.",
    "memory": "What may be remembered.",
    "logging": "What is recorded about the agent.",
    "limits": "How long and how far the agent may run; without limits if left out.",
    "network": "Which hosts may be reached.",
    "output": "What may never be produced.",
    "delegation": "Agents to which work may be handed; none if left out.",
    "self_modification": "Whether the agent may change its own prompts, tools or configuration.",
}

DESCRIPTIONS: Final[dict[str, dict[str, str]]] = {
    "Intent": {
        "schema": "The version of this schema that the document conforms to (6.3).",
        "metadata": "Who the agent is and who answers for it.",
        "purpose": "What the agent is for, in words.",
        "risk": "How much is at stake.",
        "scope": "What the agent does and what it must never do.",
        "tools": "Every tool that the agent may use.",
        "models": "Model classes that may be used and how work is routed to them.",
        "components": "Prompts, guardrails and other parts that shape behaviour; their digests go into the lock.",
        "constraints": "Operational constraints in every environment.",
        "promotion": "What a promotion needs, by environment; the trust root says which environments exist.",
    },
    "Metadata": {
        "id": "The agent's id: lower-case letters, digits, dot, dash, underscore.",
        "version": "The intent's semantic version; an expansion needs a minor or major step.",
        "owner": "The principal or group that answers for the agent, such as team:support.",
        "labels": "Free labels; they decide nothing.",
    },
    "Risk": {
        "tier": "The risk tier, which sets the floor of what a promotion needs.",
        "exposure": "Who is exposed to the agent.",
        "regimes": "Regulatory regimes that apply, such as eu-ai-act.",
    },
    "Scope": {
        "in": "What the agent is there for.",
        "out": "What the agent must never do; each entry is probed by evaluations.",
    },
    "ScopeItem": {
        "id": "The entry's id, unique in the whole scope.",
        "statement": "What is meant, in words.",
        "actions": "Actions as verb:resource, such as read:invoice.",
    },
    "Tool": {
        "id": "The tool's id in the catalog: a server or an API.",
        "class": "The organisation's class of tools it belongs to, such as finance.",
        "version": 'Accepted releases: comma-joined comparators such as ">=2.0,<3", or "==" and one release.',
        "privilege": "The most that its operations may do: none < read < write < execute < admin.",
        "operations": 'Operations that may be called; ["*"] for every one.',
        "data": "The highest sensitivity of data that it touches.",
        "reversibility": "How far its effects can be undone; if left out, it follows from the privilege.",
        "confirmation": "When a person confirms a call.",
        "world": "Whether it reaches what anybody can write to (open) or not (closed).",
        "serves": "Ids of scope.in that it is needed for.",
    },
    "Models": {
        "routing": "One model, a fallback chain, or several for different subtasks.",
        "classes": "Model classes that may be used.",
    },
    "ModelClass": {
        "id": "The class's id in the catalog.",
        "role": "What the class is used for.",
        "providers": 'Who may serve it; ["*"] for anybody.',
        "regions": 'Where it may run; ["*"] for anywhere.',
    },
    "Component": {"id": "The component's id in the catalog.", "kind": "What kind of part it is."},
    "Constraints": _CONSTRAINTS,
    "ConstraintsOverlay": {name: f"Here instead: {text}" for name, text in _CONSTRAINTS.items()},
    "Data": _DATA,
    "DataOverlay": _DATA,
    "MemoryPolicy": {"policy": "What may be remembered: none < session < user < shared."},
    "MemoryOverlay": {"policy": "What may be remembered: none < session < user < shared."},
    "Logging": _LOGGING,
    "LoggingOverlay": _LOGGING,
    "Limits": _LIMITS,
    "LimitsOverlay": _LIMITS,
    "Network": _NETWORK,
    "NetworkOverlay": _NETWORK,
    "Output": _OUTPUT,
    "OutputOverlay": _OUTPUT,
    "Promotion": {
        "approvals": "Roles that approve every promotion, with the number of distinct people.",
        "on_expansion": "Further approvals when the capability grew.",
        "separation": "Who may not approve: authors, the promoter, the evaluators.",
        "approval_ttl": "For how long an approval holds, as P<n>D or PT<n>H; for ever if left out.",
        "evidence": "Evaluations that must have passed; at least one for each question.",
        "soak": "How long the source environment must have run the same binding.",
        "freeze": "Spans of time without promotions.",
        "constraints": "Narrower constraints in this environment.",
        "rollback": "What a rollback needs.",
    },
    "ApprovalRule": {"role": "The role, as the trust root grants it.", "count": "How many distinct people."},
    "EvidenceRule": {
        "question": "Which question of evaluation evidence it answers (6.9).",
        "method": "How it was evaluated.",
        "min_cases": "The fewest cases, over all runs pooled.",
        "min_pass_bp": "The lowest pass rate, in basis points; errors and skipped cases count as not passed.",
        "max_asr_bp": "The highest attack success rate, in basis points.",
        "confidence_bp": "The confidence with which the rate must hold; 0 for the rate as measured.",
        "independent": "Whether it must hold for runs of people alone who are not authors.",
        "max_age": "The greatest age of a run, as P<n>D or PT<n>H.",
    },
    "Soak": {"duration": "As P<n>D or PT<n>H."},
    "Freeze": {"from": "The first moment, in UTC.", "to": "The first moment after it, in UTC."},
    "Rollback": {
        "approvals": "Roles that approve a rollback, with the number of distinct people.",
        "max_lock_age": "The greatest age of the lock line that is rolled back to, as P<n>D or PT<n>H.",
    },
}
