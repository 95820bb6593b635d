"""A test from a table with one row a unit: what an experiment platform or a warehouse hands over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from custmeasure.engine import MissingTable, as_table
from custmeasure.engine.moments import Group, grouped_moments
from custmeasure.engine.table import Readable
from custmeasure.errors import UsageError, check_choice
from custmeasure.improve.copy_test.asked import Plan, Question
from custmeasure.improve.copy_test.concluding import conclude
from custmeasure.improve.copy_test.effects import Measured, Rate, Sample
from custmeasure.improve.copy_test.result import CopyTestResult
from custmeasure.improve.copy_test.watching import Watch
from custmeasure.show.words import Text
from custmeasure.stats import Columns, Joint

KINDS = ("conversion", "mean")


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

    def columns(self, names: Sequence[str]) -> Columns:
        """Return which of ``names`` make the metric."""
        place = {name: i for i, name in enumerate(names)}
        rest = (self.per, self.before, self.per_before)
        return Columns(place[self.column], *(place[name] if name else None for name in rest))


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
) -> CopyTestResult:
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
    groups = grouped_moments(source, variant, names, pairs)
    watch = Watch(method, alpha)
    questions = [_question(name, each, groups, names, watch) for name, each in metrics.items()]
    plan = Plan(control, shares, min_effect, alpha)
    return conclude(
        questions, plan, definition={"metric": questions[0].name, "engine": source.engine}
    )


def _question(
    name: str, metric: UnitMetric, groups: Mapping[str, Group], names: Sequence[str], watch: Watch
) -> Question:
    return Question(
        samples={group: _sample(metric, each, names) for group, each in groups.items()},
        name=name,
        title=Text(name, name),
        value="conversion_rate" if metric.kind == "conversion" else "metric_value",
        role=metric.role,
        watch=watch,
        sign=metric.sign,
        margin=metric.margin,
    )


def _sample(metric: UnitMetric, group: Group, names: Sequence[str]) -> Sample:
    """Return a group's sample of the metric's own columns alone."""
    kept = [names.index(name) for name in metric.names]
    joint = Joint(group.n, group.mean[kept], group.cov[np.ix_(kept, kept)])
    if metric.kind == "conversion":
        return Rate(joint.n, _conversions(metric, joint))
    if metric.per is None and metric.before is None:
        return joint.column(0)
    return Measured(joint, metric.columns(metric.names))


def _conversions(metric: UnitMetric, joint: Joint) -> int:
    """Return how many units converted, when the column holds only 0 and 1.

    Its variance then is n / (n - 1) times rate × (1 - rate).
    """
    rate = float(joint.mean[0])
    binomial = rate * (1 - rate) * joint.n / max(joint.n - 1, 1)
    if joint.n > 1 and not np.isclose(joint.cov[0, 0], binomial, rtol=1e-6, atol=1e-12):
        raise UsageError(
            ko=f"{metric.column}: 0과 1 말고도 값이 있어 전환이 아닙니다. kind='mean'으로 적으십시오.",
            en=f"{metric.column} holds values other than 0 and 1, so it is no conversion. Say kind='mean'.",
        )
    return round(rate * joint.n)
