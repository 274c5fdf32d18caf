"""The shell's fixtures; see ``tests/shell.py``."""

from shell import shelf, shell_at

__all__ = ["shelf", "shell_at"]
