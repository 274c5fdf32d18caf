"""The shell's fixtures, see ``tests/shell.py``; and a small base for packs, see ``tests/packs.py``."""

from packs import base_bytes, opa
from shell import shelf, shell_at

__all__ = ["base_bytes", "opa", "shelf", "shell_at"]
