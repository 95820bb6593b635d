"""A test from a table with one row a unit: what an experiment platform or a warehouse hands over.

What judges it is loaded while the table is read: a process that does nothing else is a fifth quicker.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from custmeasure import lazy
from custmeasure.engine import MissingTable, as_table
from custmeasure.engine.begun import begun
from custmeasure.engine.moments import asked_moments
from custmeasure.engine.table import Readable
from custmeasure.errors import UsageError, check_choice

if TYPE_CHECKING:
    from custmeasure.improve.copy_test.result import CopyTestResult

KINDS = ("conversion", "mean")

# What judges. The long one comes first, from here: loaded from further inside, where more calls are open,
# CPython 3.11 asks the system for memory at many of its calls, and it takes half as long again.
_JUDGING = ("scipy.special", "custmeasure.improve.copy_test.unit_samples")


@dataclass(frozen=True)
class UnitMetric:
    """A metric of a table with one row a unit.

    Attributes
    ----------
    column
        What is averaged: of a conversion 0 or 1.
    per
        What it is divided by, for a ratio of two sums; None for a plain mean.
    before, per_before
        The same, measured before the unit entered the test; None without. A column measured after
        that must not be given: the copy may have changed it, and part of the effect would be taken
        away with it.
    kind
        ``"mean"``, or ``"conversion"`` for a column of 0 and 1 without ``per`` and ``before``.
    role, sign, margin
        ``"decision"`` or ``"guardrail"``; 1 when more is better, -1 when less is; the relative loss
        that a guardrail accepts.
    """

    column: str
    per: str | None = None
    before: str | None = None
    per_before: str | None = None
    kind: str = "mean"
    role: str = "decision"
    sign: int = 1
    margin: float = 0.05

    def __post_init__(self) -> None:
        check_choice("kind", self.kind, KINDS)
        if self.kind == "conversion" and (self.per or self.before):
            raise UsageError(
                ko=f"{self.column}: conversion은 per와 before 없이 씁니다. kind='mean'으로 적으십시오.",
                en=f"{self.column}: a conversion takes no per or before. Say kind='mean'.",
            )

    @property
    def names(self) -> tuple[str, ...]:
        """Its columns, those that it has."""
        asked = (self.column, self.per, self.before, self.per_before)
        return tuple(dict.fromkeys(name for name in asked if name))


def copy_test_from_units(
    table: Readable,
    metrics: Mapping[str, UnitMetric],
    *,
    variant: str = "variant",
    control: str | None = None,
    shares: Mapping[str, float] | None = None,
    min_effect: float = 0.05,
    alpha: float = 0.05,
    method: str = "one_look",
) -> "CopyTestResult":
    """Compare variants in a table with one row a unit, by all metrics in one pass over it.

    Parameters
    ----------
    table
        A frame, an Arrow table, or the path of a Parquet or CSV file; each unit once.
    metrics
        Name → metric, the one that the table shows first.
    variant
        The column that says which variant a unit saw.
    control, shares, min_effect, alpha
        As `copy_test_from_counts`.
    method
        ``"one_look"`` or ``"open_end"``.

    Raises
    ------
    UnknownName
        For a column or variant that does not exist, with the nearest one.
    DataError
        When a value is missing or not a number.
    UsageError
        When no metric is given.
    """
    check_choice("mode", method, ("one_look", "open_end"))
    source = as_table(table)
    if isinstance(source, MissingTable) or not metrics:
        raise UsageError(ko="잴 지표가 없습니다.", en="There is no metric to measure.")
    names = list(dict.fromkeys(name for each in metrics.values() for name in each.names))
    pairs = [(a, b) for each in metrics.values() for a in each.names for b in each.names]
    with asked_moments(source, variant, names, pairs) as answer, begun(answer) as groups:
        judging = lazy.loaded(*_JUDGING)
        plan = judging.Plan(control, shares, min_effect, alpha)
        watch = judging.Watch(method, alpha)
        answered: CopyTestResult = judging.judge(
            metrics, names, groups.result(), plan, watch, source.engine
        )
    return answered
