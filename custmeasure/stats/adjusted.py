"""Ratios of means, and means or ratios made sharper by what was known before the test (CUPED).

The unit is what was randomised. A ratio (orders per visit) is a ratio of two means a unit, never a mean
of ratios, and its variance comes from how numerator and denominator vary together over units (the
delta method): counting visits as if they were independent finds differences that are not there. A
covariate measured *before* the unit entered the test takes away the part of the variance that has
nothing to do with the copy; one measured after would take away part of the effect, so it is refused
where units are read.

References
----------
Deng, Xu, Kohavi and Walker (2013), WSDM, eq. 4-6 (CUPED). Deng, Knoblich and Lu (2018), KDD, eq. 3-5
(the delta method for ratios).
"""

import math
from dataclasses import dataclass

import numpy as np

from custmeasure.stats.contrast import Alternative, Contrast, MeanComparison, conclude
from custmeasure.stats.joint import Joint, one_spread
from custmeasure.stats.mean import Moments, satterthwaite
from custmeasure.stats.tails import Floats, check_level

# Rounding leaves this much of a column's size in a variance that is 0.
_ROUNDING = (4 * math.ulp(1.0)) ** 2


@dataclass(frozen=True)
class Columns:
    """Which columns of a `Joint` sample make a metric.

    Attributes
    ----------
    numerator
        What is averaged.
    denominator
        What it is divided by; None for a plain mean.
    covariate, covariate_denominator
        The same before the test; None without.
    """

    numerator: int = 0
    denominator: int | None = None
    covariate: int | None = None
    covariate_denominator: int | None = None


def ratio(sample: Joint, numerator: int = 0, denominator: int | None = None) -> Moments:
    """Return the ratio of two means as if it were a mean a unit, with the delta method's variance.

    var(y / d) a unit = (var y - 2 R cov(y, d) + R^2 var d) / mean(d)^2: Deng et al. (2018), eq. 5.
    The ratio is NaN, and so is its variance, where the denominator's mean is 0 (``n`` is then 0).

    Examples
    --------
    >>> orders, visits = [0, 1, 1, 2], [1, 2, 2, 3]
    >>> seen = ratio(Joint.from_values(orders, visits), 0, 1)
    >>> seen.mean, round(seen.var, 4)
    (0.5, 0.0417)
    """
    value, gradient = _ratio(sample, numerator, denominator)
    if not math.isfinite(value):
        return Moments(0)
    return Moments(sample.n, value, sample.along(gradient))


def shrinking(treatment: Joint, control: Joint, columns: Columns) -> float:
    """Return theta, the covariate's weight: cov(y, x) / var(x) over all units: Deng et al. (2013), eq. 4.

    For ratios, of their delta method's covariances. 0 without a covariate, or when it is constant.
    """
    if columns.covariate is None:
        return 0.0
    whole = treatment + control
    if not whole.n:
        return 0.0
    _, metric = _ratio(whole, columns.numerator, columns.denominator)
    _, before = _ratio(whole, columns.covariate, columns.covariate_denominator)
    if not (np.isfinite(metric).all() and np.isfinite(before).all()):
        return 0.0
    spread = whole.along(before)
    if spread <= _ROUNDING * float(whole.mean[columns.covariate]) ** 2:
        return 0.0
    return float(metric @ whole.cov @ before) / spread


def adjusted(
    treatment: Joint, control: Joint, columns: Columns, theta: float | None = None
) -> tuple[Moments, Moments]:
    """Return both variants' metric, adjusted to the covariate's mean over all units.

    Parameters
    ----------
    treatment, control
        The samples.
    columns
        Which columns make the metric.
    theta
        The covariate's weight; `shrinking` when not given.
    """
    weight = shrinking(treatment, control, columns) if theta is None else theta
    whole = treatment + control
    centre = 0.0
    if weight and columns.covariate is not None:
        centre = _ratio(whole, columns.covariate, columns.covariate_denominator)[0]
    arms = (_estimate(sample, columns, weight, centre) for sample in (treatment, control))
    adjusted_t, adjusted_c = (
        Moments(sample.n, value, sample.along(gradient)) if math.isfinite(value) else Moments(0)
        for sample, (value, gradient) in zip((treatment, control), arms, strict=True)
    )
    return adjusted_t, adjusted_c


def contrast(
    treatment: Joint,
    control: Joint,
    columns: Columns,
    theta: float | None = None,
    *,
    pooled: bool = False,
) -> Contrast | str:
    """Return treatment - control beside the control's own value, or the code of why there is none.

    The base is the control's value as it was, not adjusted: that is what a reader calls the rate
    "before". The covariance of the two carries over how the adjustment ties them together. With
    ``pooled`` both variants have the covariances of both together.
    """
    smallest = min(treatment.n, control.n)
    if smallest < 2:
        return "TOO_FEW_UNITS" if smallest == 1 else "NO_UNITS"
    weight = shrinking(treatment, control, columns) if theta is None else theta
    value_t, slope_t = _estimate(treatment, columns, weight)
    value_c, slope_c = _estimate(control, columns, weight)
    base, slope_b = _ratio(control, columns.numerator, columns.denominator)
    if not (math.isfinite(value_t) and math.isfinite(value_c)):
        return "ZERO_DENOMINATOR"
    var_t, var_c = treatment.along(slope_t) / treatment.n, control.along(slope_c) / control.n
    if _is_nothing(var_t, treatment, slope_t) or _is_nothing(var_c, control, slope_c):
        return "ZERO_VARIANCE"
    df = satterthwaite(var_t, treatment.n, var_c, control.n)
    if pooled:
        df = treatment.n + control.n - 2
        treatment, control = one_spread(treatment, control)
        var_t, var_c = treatment.along(slope_t) / treatment.n, control.along(slope_c) / control.n
    return Contrast(
        diff=value_t - value_c,
        var_diff=var_t + var_c,
        base=base,
        var_base=control.along(slope_b) / control.n,
        cov=-float(slope_c @ control.cov @ slope_b) / control.n,
        df=df,
    )


def compare(
    treatment: Joint,
    control: Joint,
    columns: Columns | None = None,
    alpha: float = 0.05,
    *,
    theta: float | None = None,
    null: float = 0.0,
    alternative: Alternative = "two-sided",
    pooled: bool = False,
) -> MeanComparison:
    """Compare two means or ratios, adjusted by a covariate where there is one.

    Parameters
    ----------
    treatment, control
        The samples.
    columns
        Which columns make the metric; the mean of the first when not given.
    alpha, null, alternative, pooled
        As `compare_means`.
    theta
        The covariate's weight; `shrinking` when not given.

    Raises
    ------
    UsageError
        When ``alpha`` is not between 0 and 1.

    Examples
    --------
    >>> before, after = [0, 1, 2, 3, 4, 5], [1, 1, 2, 4, 4, 6]
    >>> control = Joint.from_values(after, before)
    >>> treatment = Joint.from_values([2, 3, 3, 5, 6, 6], before)
    >>> plain = compare(treatment, control)
    >>> sharper = compare(treatment, control, Columns(covariate=1))
    >>> round(plain.diff, 2), round(plain.se, 2), round(sharper.diff, 2), round(sharper.se, 2)
    (1.17, 1.08, 1.17, 0.3)
    """
    check_level(alpha)
    found = contrast(treatment, control, columns or Columns(), theta, pooled=pooled)
    smallest = min(treatment.n, control.n)
    if isinstance(found, str):
        gap = math.nan
        if found == "ZERO_VARIANCE":
            t, c = adjusted(treatment, control, columns or Columns(), theta)
            gap = t.mean - c.mean
        return MeanComparison(diff=gap, code=found, two_units=smallest == 2)
    return conclude(found, alpha, null=null, alternative=alternative, two_units=smallest == 2)


def variance_left(sample: Joint, columns: Columns) -> float:
    """Return the share of the metric's variance that its covariate leaves: 1 - correlation^2."""
    theta = shrinking(sample, Joint(0, sample.mean, sample.cov), columns)
    _, plain = _ratio(sample, columns.numerator, columns.denominator)
    _, slope = _estimate(sample, columns, theta)
    whole = sample.along(plain)
    return sample.along(slope) / whole if whole > 0 else math.nan


def _estimate(
    sample: Joint, columns: Columns, theta: float, centre: float = 0.0
) -> tuple[float, Floats]:
    """Return the adjusted metric and its gradient over the sample's means."""
    value, slope = _ratio(sample, columns.numerator, columns.denominator)
    if not theta or columns.covariate is None:
        return value, slope
    before, slope_before = _ratio(sample, columns.covariate, columns.covariate_denominator)
    return value - theta * (before - centre), slope - theta * slope_before


def _ratio(sample: Joint, top: int, bottom: int | None) -> tuple[float, Floats]:
    """Return a mean, or a ratio of two, and its gradient: (1 / d, -y / d^2)."""
    gradient = np.zeros(len(sample.mean))
    if bottom is None:
        gradient[top] = 1.0
        return float(sample.mean[top]), gradient
    below = float(sample.mean[bottom])
    if below == 0:
        return math.nan, gradient
    value = float(sample.mean[top]) / below
    gradient[top] += 1 / below
    gradient[bottom] -= value / below
    return value, gradient


def _is_nothing(var: float, sample: Joint, gradient: Floats) -> bool:
    """Return whether a variance is 0 up to rounding of the means it comes from."""
    size = float(np.abs(gradient) @ np.abs(sample.mean))
    return var * sample.n <= _ROUNDING * size**2
