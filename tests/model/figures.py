"""How large the small worlds are: what a change of the model or of its bounds changes."""

from __future__ import annotations

FIGURES = {
    "papers": (6876, 19280, 20),
    "inbox": (6658, 12056, 21),
    "race": (6370, 21122, 21),
    "rivals": (1595, 4006, 21),
    "onward": (7918, 23789, 22),
    "lock": (2723, 10127, 18),
    "back": (2395, 6853, 17),
    "revoked": (783, 1398, 16),
    "objection": (3425, 10032, 21),
    "target": (557, 783, 13),
    "withdrawn": (243, 434, 13),
    "source": (832, 2198, 17),
    "invalid": (213, 528, 16),
}
"""States, steps, and how deep the deepest state lies."""
LARGE_FIGURES: dict[str, tuple[int, int, int]] = {}
