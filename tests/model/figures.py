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
    "papers": (64394, 189933, 25),
    "inbox": (50635, 155964, 24),
    "race": (26068, 83815, 26),
    "rivals": (254403, 925398, 29),
    "onward": (372838, 1088491, 30),
    "lock": (166288, 751263, 29),
    "back": (160712, 479791, 29),
    "revoked": (54115, 173749, 27),
    "objection": (12362, 34693, 26),
    "target": (8094, 24273, 21),
    "withdrawn": (59159, 193743, 25),
    "source": (13684, 39220, 28),
    "fallen": (11301, 34189, 22),
    "reviewed": (67935, 205691, 30),
    "urgent": (34304, 103405, 27),
    "instead": (27805, 81947, 27),
    "invalid": (955, 2853, 21),
}
