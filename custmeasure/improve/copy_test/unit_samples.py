"""The samples of a table with one row a unit, and what they say."""

from collections.abc import Mapping, Sequence

import numpy as np

from custmeasure.engine.moments import Group
from custmeasure.errors import UsageError
from custmeasure.improve.copy_test.asked import Plan, Question
from custmeasure.improve.copy_test.concluding import conclude
from custmeasure.improve.copy_test.effects import Measured, Rate, Sample
from custmeasure.improve.copy_test.result import CopyTestResult
from custmeasure.improve.copy_test.units import UnitMetric
from custmeasure.improve.copy_test.watching import Watch
from custmeasure.show.words import Text
from custmeasure.stats import Columns, Joint

__all__ = ["Plan", "Watch", "judge"]


def judge(
    metrics: Mapping[str, UnitMetric],
    names: Sequence[str],
    groups: Mapping[str, Group],
    plan: Plan,
    watch: Watch,
    engine: str,
) -> CopyTestResult:
    """Return the result of a test from the moments of each variant's units.

    Parameters
    ----------
    metrics
        Name → metric, the one that the table shows first.
    names, groups
        The columns, and variant → their moments.
    plan, watch
        What was fixed beforehand, and how the test is watched.
    engine
        What read the table.
    """
    questions = [_question(name, each, groups, names, watch) for name, each in metrics.items()]
    return conclude(questions, plan, definition={"metric": questions[0].name, "engine": engine})


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
    return Measured(joint, _columns(metric))


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


def _columns(metric: UnitMetric) -> Columns:
    """Return which of its own columns make the metric."""
    place = {name: i for i, name in enumerate(metric.names)}
    rest = (metric.per, metric.before, metric.per_before)
    return Columns(place[metric.column], *(place[name] if name else None for name in rest))
