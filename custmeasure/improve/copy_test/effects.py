"""The table of a copy test: each variant's rate, mean or ratio, and each treatment against the control."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from custmeasure.improve.copy_test.watching import Watch
from custmeasure.show.rows import Row
from custmeasure.stats import (
    Columns,
    Joint,
    MeanComparison,
    Moments,
    RateComparison,
    compare_means,
    compare_rates,
    wilson,
)
from custmeasure.stats.adjusted import compare as compare_joint
from custmeasure.stats.adjusted import ratio
from custmeasure.stats.strata import compare_strata

EFFECT = (
    "diff", "diff_ci_lower", "diff_ci_upper", "rel_diff", "rel_diff_ci_lower", "rel_diff_ci_upper",
    "p_value", "p_value_adj",
)  # fmt: skip

# The name under which a variant's own value stands, by how the metric is counted.
VALUES = ("conversion_rate", "revenue_amount", "metric_value")


@dataclass(frozen=True)
class Rate:
    """What a variant's units did: ``n`` units, ``k`` of them converted."""

    n: int
    k: int


@dataclass(frozen=True)
class Measured:
    """Several columns of a variant's units, of which a metric is made.

    Attributes
    ----------
    joint
        The columns' moments.
    columns
        Which make the metric: a ratio, a covariate.
    k
        Units that did anything.
    """

    joint: Joint
    columns: Columns
    k: int = 0

    @property
    def n(self) -> int:
        """How many units."""
        return self.joint.n

    @property
    def value(self) -> Moments:
        """The metric as it was, not adjusted, as if it were a mean a unit."""
        return ratio(self.joint, self.columns.numerator, self.columns.denominator)


@dataclass(frozen=True)
class Stratified(Measured):
    """The same, and by strata that were known before the exposure.

    Attributes
    ----------
    strata
        Stratum → its units' moments; together they are ``joint``.
    """

    strata: Mapping[str, Joint] = field(default_factory=dict)


@dataclass(frozen=True)
class Quantile:
    """A quantile of a variant's values, as if it were a mean a unit; and how many values."""

    value: Moments
    n_values: int

    @property
    def n(self) -> int:
        """How many units have a value."""
        return self.value.n


# Beyond this ratio of their sizes two variants are compared with one spread for both (`is_pooled`).
UNEVEN = 1.5

Sample = Rate | Moments | Measured | Quantile
Comparison = RateComparison | MeanComparison


def compare(treatment: Sample, control: Sample, alpha: float) -> Comparison:
    """Return treatment against control, by the test that fits what they are."""
    if isinstance(treatment, Rate) and isinstance(control, Rate):
        return compare_rates(treatment.k, treatment.n, control.k, control.n, alpha)
    if isinstance(treatment, Moments) and isinstance(control, Moments):
        return compare_means(treatment, control, alpha, pooled=is_pooled(treatment, control))
    if isinstance(treatment, Stratified) and isinstance(control, Stratified):
        return _inside(treatment, control, alpha)
    if isinstance(treatment, Measured) and isinstance(control, Measured):
        pooled = is_pooled(treatment, control)
        return compare_joint(
            treatment.joint, control.joint, treatment.columns, alpha, pooled=pooled
        )
    if isinstance(treatment, Quantile) and isinstance(control, Quantile):
        return compare_means(treatment.value, control.value, alpha)
    raise TypeError("a rate compares with a rate, a mean with a mean")


def _inside(treatment: Stratified, control: Stratified, alpha: float) -> MeanComparison:
    """Return the comparison inside strata; a stratum that one variant does not have is empty there."""
    names = dict.fromkeys((*control.strata, *treatment.strata))
    nothing = Joint(0, np.zeros_like(control.joint.mean), np.zeros_like(control.joint.cov))
    pairs = [
        (treatment.strata.get(name, nothing), control.strata.get(name, nothing)) for name in names
    ]
    pooled = is_pooled(treatment, control)
    return compare_strata(pairs, control.columns, alpha, pooled=pooled)


def is_pooled(treatment: Sample, control: Sample) -> bool:
    """Return whether two means are compared with one spread for both variants.

    What people pay is skewed: few pay, and of these a few much. When one variant is much smaller, its
    mean and its own spread rise together with one large order, and Welch's test finds differences that
    are not there in 11 to 17 tests of 100 at 1 to 9; with the spread of both together in 5
    (docs/calibration.md). An arm in which all are alike is left to Welch, who says so.
    """
    pair = (treatment, control)
    if any(isinstance(sample, Rate | Quantile) for sample in pair):
        return False
    small, large = sorted(sample.n for sample in pair)
    alike = any(own_value(sample).is_constant for sample in pair)
    return small > 1 and large > UNEVEN * small and not alike


def comparisons(samples: Mapping[str, Sample], watch: Watch) -> dict[str, Comparison]:
    """Return treatment → its comparison with the control, which stands first in ``samples``.

    Interval and p-value are those of a test that is watched as ``watch`` says.
    """
    control, *treatments = samples
    seen = {}
    for name in treatments:
        n = samples[name].n + samples[control].n
        found = compare(samples[name], samples[control], watch.level(n))
        seen[name] = replace(found, p_value=watch.p_value(found.p_value, n))
    return seen


def table(
    samples: Mapping[str, Sample],
    compared: Mapping[str, Comparison],
    adjusted: Sequence[float],
    alpha: float,
    value: str,
) -> dict[str, Row]:
    """Return each variant's row, the control first; the control's effect is blank.

    Parameters
    ----------
    samples, compared, adjusted
        Variant → its sample, treatment → its comparison, and the adjusted p-values of these.
    alpha
        1 - the confidence of each variant's own interval.
    value
        One of `VALUES`.
    """
    rows: dict[str, Row] = {
        name: {"variant": name, **_alone(sample, alpha, value), **dict.fromkeys(EFFECT, math.nan)}
        for name, sample in samples.items()
    }
    for (name, found), p_value in zip(compared.items(), adjusted, strict=True):
        effect = {key: getattr(found, key) for key in EFFECT[:-1]}
        rows[name] = {**rows[name], **effect, "p_value_adj": p_value}
    return rows


def own_value(sample: Sample) -> Moments:
    """Return a variant's own value as if it were a mean a unit."""
    if isinstance(sample, Rate):
        rate = sample.k / sample.n if sample.n else 0.0
        return Moments(sample.n, rate, rate * (1 - rate))
    return sample if isinstance(sample, Moments) else sample.value


def _alone(sample: Sample, alpha: float, value: str) -> Row:
    """Return a variant's own value with its interval."""
    n = int(sample.n)
    if value != "conversion_rate":
        own = own_value(sample)
        lower, upper = own.interval(alpha)
        return {
            "n_units": n,
            value: own.mean,
            f"{value}_ci_lower": lower,
            f"{value}_ci_upper": upper,
        }
    k = int(getattr(sample, "k", 0))
    low, high = map(float, wilson(k, n, alpha))
    return {
        "n_units": n,
        "n_conversions": k,
        "conversion_rate": k / n if n else math.nan,
        "conversion_rate_ci_lower": low,
        "conversion_rate_ci_upper": high,
    }
