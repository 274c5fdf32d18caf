"""The small base and its fixtures; see ``tests/packs.py``."""

from packs import base, base_bytes, foundation, opa

__all__ = ["base", "base_bytes", "foundation", "opa"]
