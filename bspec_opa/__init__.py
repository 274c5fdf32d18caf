"""The promotion gate for AI agents: behavior.intent in, policy as code decides, behavior.lock out.

Rooms, in the order of their imports: foundation, trust, the nouns (intent, binding, approval, evidence, lock,
ledger, bundle, engine), gate, workflow, report, cli. ``docs/architecture.md`` shows how a promotion flows
through them.
"""

__version__ = "0.1.0"
