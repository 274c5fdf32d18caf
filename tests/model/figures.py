"""How large the small worlds are: what a change of the model or of its bounds changes."""

from __future__ import annotations

FIGURES = {
    "papers": (7585, 20380, 20),
    "inbox": (6658, 12056, 21),
    "race": (6370, 21122, 21),
    "rivals": (1595, 4006, 21),
    "onward": (7918, 23789, 22),
    "lock": (2723, 10127, 18),
    "back": (2329, 6705, 17),
    "revoked": (783, 1398, 16),
    "objection": (3425, 10032, 21),
    "target": (442, 612, 13),
    "withdrawn": (243, 434, 13),
    "source": (798, 2122, 17),
    "fallen": (482, 812, 12),
    "reviewed": (1809, 5171, 20),
    "urgent": (1206, 3401, 17),
    "instead": (174, 306, 12),
    "invalid": (213, 528, 16),
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
