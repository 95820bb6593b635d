"""The kernel that walks each unit's events through the steps of a funnel.

It sees batches of plain columns and no engine: whoever runs the query feeds it, DuckDB here, each worker of
a cluster elsewhere (whole units to one worker). An *attempt* begins at one event, the entry, and takes the
earliest event that serves each next step. Each unit keeps its deepest attempt and, among equally deep
ones, the earliest.
"""

from custmeasure.engine.sequence.kernel import NOT_REACHED, Attempts, Kernel
from custmeasure.engine.sequence.rules import FIRST, LAST, MOST_STEPS, ORDERS, Exclude, Rules

__all__ = [
    "FIRST", "LAST", "MOST_STEPS", "NOT_REACHED", "ORDERS", "Attempts", "Exclude", "Kernel", "Rules",
]  # fmt: skip
