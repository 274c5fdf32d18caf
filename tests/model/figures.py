"""How large the small worlds are: what a change of the model or of its bounds changes."""

from __future__ import annotations

FIGURES = {
    "papers": (7585, 20380, 20),
    "inbox": (6658, 12056, 21),
    "race": (7284, 22539, 21),
    "rivals": (2285, 5570, 23),
    "onward": (8077, 24104, 22),
    "lock": (2761, 10251, 18),
    "back": (2709, 7199, 18),
    "revoked": (783, 1398, 16),
    "objection": (3978, 10709, 21),
    "target": (442, 612, 13),
    "withdrawn": (249, 446, 13),
    "source": (1000, 2379, 18),
    "fallen": (488, 840, 12),
    "instead": (185, 320, 12),
    "reviewed": (2089, 5551, 20),
    "urgent": (1424, 3680, 17),
    "invalid": (270, 599, 16),
}
"""States, steps, and how deep the deepest state lies."""
LARGE_FIGURES = {
    "papers": (70399, 200700, 26),
    "inbox": (57598, 165979, 24),
    "race": (43011, 122554, 29),
    "rivals": (335264, 1240669, 31),
    "onward": (521996, 1445269, 32),
    "lock": (198308, 902141, 29),
    "back": (265518, 702433, 32),
    "revoked": (79805, 232127, 30),
    "objection": (22167, 54448, 27),
    "target": (9222, 26261, 20),
    "withdrawn": (62721, 199702, 25),
    "source": (22834, 58151, 31),
    "fallen": (11399, 34527, 22),
    "instead": (47293, 124794, 29),
    "reviewed": (108249, 294142, 30),
    "urgent": (64759, 167993, 29),
    "invalid": (2011, 6092, 22),
}
