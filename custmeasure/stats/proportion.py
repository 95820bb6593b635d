"""How sure is a share of n units, and do two shares differ: rates.

Everything rests on one interval, Wilson's, which stays inside [0, 1] and covers what it promises
with few conversions, where the textbook interval does not (0.95 against 0.86 at 1 % of 200 units).
The difference and the ratio of two rates are built from the two arms' Wilson limits (the method of
variance estimates recovery, MOVER), and the p-value is read off the same limits. So one table can
never say two things: p < alpha exactly when the interval of the difference excludes 0, exactly when
the interval of the relative difference does.

References
----------
Wilson (1927), J. Am. Stat. Assoc. 22, 209-212. Newcombe (1998), Statistics in Medicine 17, 857-872
(one rate, method 3) and 873-890 (two rates, method 10). Donner and Zou (2012), Stat. Methods in
Medical Research 21, 347-359 (ratio).
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from custmeasure.errors import UsageError
from custmeasure.stats.tails import (
    Floats,
    above_zero,
    check_counts,
    normal_quantile,
    two_sided_log_p,
)

_Arm = tuple[float, float]  # conversions, units


@dataclass(frozen=True)
class RateComparison:
    """Treatment against control; what is not defined is NaN, and ``code`` says why.

    Attributes
    ----------
    diff, diff_ci_lower, diff_ci_upper
        Treatment rate minus control rate, as a share of 1.
    rel_diff, rel_diff_ci_lower, rel_diff_ci_upper
        The difference divided by the control's rate.
    p_value
        Two-sided: the level at which the difference's interval touches 0. Never 0.
    log_p_value
        Its natural logarithm, also where ``p_value`` is at its floor.
    code
        None, or ``NO_UNITS`` (an arm has none), ``TOO_FEW_UNITS`` (an arm has one),
        ``ZERO_VARIANCE`` (all units of both arms alike: there is nothing to test),
        ``ZERO_BASELINE`` (no conversion in control: no relative difference).
    two_units
        An arm has only two units: the numbers stand, but carry next to nothing.
    """

    diff: float = math.nan
    diff_ci_lower: float = math.nan
    diff_ci_upper: float = math.nan
    rel_diff: float = math.nan
    rel_diff_ci_lower: float = math.nan
    rel_diff_ci_upper: float = math.nan
    p_value: float = math.nan
    log_p_value: float = math.nan
    code: str | None = None
    two_units: bool = False


def wilson(k: ArrayLike, n: ArrayLike, alpha: float = 0.05) -> tuple[Floats, Floats]:
    """Return Wilson's interval of each rate ``k / n``.

    Parameters
    ----------
    k, n
        Conversions and units, of any shapes that broadcast.
    alpha
        One minus the confidence.

    Returns
    -------
    tuple of numpy.ndarray
        Lower and upper limits in [0, 1]; NaN where n < 2, because one unit has no interval.

    Raises
    ------
    UsageError
        For counts that are negative, not finite or not whole, and for k > n.

    Examples
    --------
    >>> lower, upper = wilson([0, 17], [20, 238])
    >>> lower.round(4).tolist(), upper.round(4).tolist()
    ([0.0, 0.0451], [0.1611, 0.1114])
    """
    z = normal_quantile(alpha)
    conversions, units = np.broadcast_arrays(*_checked(k, n))
    enough = units >= 2
    lower, upper = _score_limits(conversions, np.where(enough, units, 2.0), z)
    return np.where(enough, lower, np.nan), np.where(enough, upper, np.nan)


def compare_rates(k_t: int, n_t: int, k_c: int, n_c: int, alpha: float = 0.05) -> RateComparison:
    """Compare a treatment's rate ``k_t / n_t`` with the control's ``k_c / n_c``.

    Parameters
    ----------
    k_t, n_t, k_c, n_c
        Conversions and units of treatment and control.
    alpha
        One minus the confidence of the intervals; the p-value does not depend on it.

    Raises
    ------
    UsageError
        As `wilson`.

    Examples
    --------
    >>> seen = compare_rates(45, 238, 17, 238)
    >>> [round(x, 4) for x in (seen.diff, seen.diff_ci_lower, seen.diff_ci_upper)]
    [0.1176, 0.0577, 0.1782]
    >>> [round(x, 2) for x in (seen.rel_diff, seen.rel_diff_ci_lower, seen.rel_diff_ci_upper)]
    [1.65, 0.57, 3.46]
    >>> round(seen.p_value, 5)
    0.00018
    """
    z = normal_quantile(alpha)
    (k_t, k_c), (n_t, n_c) = _checked([k_t, k_c], [n_t, n_c])
    if min(n_t, n_c) < 2:
        return RateComparison(code="TOO_FEW_UNITS" if min(n_t, n_c) == 1 else "NO_UNITS")
    treatment, control = (float(k_t), float(n_t)), (float(k_c), float(n_c))
    seen = _relative(_difference(treatment, control, z), treatment, control, z)
    seen = replace(seen, two_units=bool(min(n_t, n_c) == 2))
    if k_t + k_c in (0, n_t + n_c):
        return replace(seen, code="ZERO_VARIANCE")
    log_p = two_sided_log_p(_touching_z(treatment, control))
    return replace(seen, p_value=above_zero(math.exp(log_p)), log_p_value=log_p)


def rates_differ(
    k_t: ArrayLike, n_t: ArrayLike, k_c: ArrayLike, n_c: ArrayLike, alpha: float = 0.05
) -> NDArray[np.bool_]:
    """Return whether the difference's interval excludes 0, for many pairs of rates at once.

    The answer of `compare_rates` at this ``alpha``; arrays broadcast, and fewer than two units never
    differ.
    """
    z = normal_quantile(alpha)
    conversions_t, units_t = np.broadcast_arrays(*_checked(k_t, n_t))
    conversions_c, units_c = np.broadcast_arrays(*_checked(k_c, n_c))
    enough = (units_t >= 2) & (units_c >= 2)
    size_t, size_c = np.where(enough, units_t, 2.0), np.where(enough, units_c, 2.0)
    low_t, high_t = _score_limits(np.minimum(conversions_t, size_t), size_t, z)
    low_c, high_c = _score_limits(np.minimum(conversions_c, size_c), size_c, z)
    rate_t, rate_c = conversions_t / size_t, conversions_c / size_c
    below = np.hypot(rate_t - low_t, high_c - rate_c)
    above = np.hypot(high_t - rate_t, rate_c - low_c)
    diff = rate_t - rate_c
    return np.asarray(enough & ((diff > below) | (-diff > above)))


def _checked(k: ArrayLike, n: ArrayLike) -> tuple[Floats, Floats]:
    conversions, units = check_counts(k, "k"), check_counts(n, "n")
    if (conversions > units).any():
        raise UsageError(
            ko="전환 수가 인원보다 많습니다. 한 사람의 전환은 한 번만 세어 주십시오.",
            en="There are more conversions than units. Count each unit's conversion once.",
        )
    return conversions, units


def _score_limits(k: Floats, n: Floats, z: float) -> tuple[Floats, Floats]:
    """Return the roots of (k/n - P)^2 = z^2 P (1 - P) / n: Wilson (1927).

    The lower root comes from the product of the roots, which cancels nothing when k is small.
    """
    root = z * np.sqrt(z**2 + 4 * k * (n - k) / n)
    upper = np.where(k == n, 1.0, (2 * k + z**2 + root) / (2 * (n + z**2)))
    lower = k**2 / (n * (n + z**2)) / upper
    return lower, upper


def _limits(arm: _Arm, z: float) -> tuple[float, float, float]:
    """Return an arm's lower limit, rate and upper limit."""
    k, n = arm
    lower, upper = _score_limits(np.float64(k), np.float64(n), z)  # type: ignore[arg-type]
    return float(lower), k / n, float(upper)


def _newcombe(treatment: _Arm, control: _Arm, z: float) -> tuple[float, float]:
    """Return the limits of the difference: Newcombe (1998), pp. 873-890, method 10."""
    lower_t, rate_t, upper_t = _limits(treatment, z)
    lower_c, rate_c, upper_c = _limits(control, z)
    diff = rate_t - rate_c
    below = math.hypot(rate_t - lower_t, upper_c - rate_c)
    above = math.hypot(upper_t - rate_t, rate_c - lower_c)
    return diff - below, diff + above


def _difference(treatment: _Arm, control: _Arm, z: float) -> RateComparison:
    lower, upper = _newcombe(treatment, control, z)
    diff = treatment[0] / treatment[1] - control[0] / control[1]
    return RateComparison(diff=diff, diff_ci_lower=lower, diff_ci_upper=upper)


def _relative(seen: RateComparison, treatment: _Arm, control: _Arm, z: float) -> RateComparison:
    if control[0] == 0:
        return replace(seen, code="ZERO_BASELINE")
    lower, upper = _ratio_limits(_limits(treatment, z), _limits(control, z))
    return replace(
        seen,
        rel_diff=seen.diff / (control[0] / control[1]),
        rel_diff_ci_lower=lower - 1,
        rel_diff_ci_upper=upper - 1,
    )


def _ratio_limits(
    treatment: tuple[float, float, float], control: tuple[float, float, float]
) -> tuple[float, float]:
    """Return the limits of rate_t / rate_c: Donner and Zou (2012), eq. 9, MOVER-R.

    Each limit is the R at which the Newcombe interval of rate_t - R rate_c touches 0, so R = 1 lies
    outside exactly when 0 lies outside the difference's interval. The quadratics are solved in the
    form without cancellation; both discriminants are sums of squares.
    """
    l_t, p_t, u_t = treatment
    l_c, p_c, u_c = control
    cross = p_t * p_c
    below = l_t * (2 * p_t - l_t)
    above = l_c * (2 * p_c - l_c)
    root_l = math.sqrt((p_c * (p_t - l_t)) ** 2 + (u_c - p_c) ** 2 * below)
    root_u = math.sqrt((p_t * (p_c - l_c)) ** 2 + (u_t - p_t) ** 2 * above)
    return (below / (cross + root_l) if below else 0.0), (cross + root_u) / above


def _touching_z(treatment: _Arm, control: _Arm) -> float:
    """Return the z at which the Newcombe interval touches 0.

    Wilson intervals are nested in z, so the interval only ever grows, and it always reaches 0 at
    some z: halving the bracket down to the last bit is safe and needs no starting value.
    """
    if treatment[0] / treatment[1] < control[0] / control[1]:
        treatment, control = control, treatment
    low, high = 0.0, 1.0
    while _newcombe(treatment, control, high)[0] > 0:
        low, high = high, 2 * high
    while low < (middle := (low + high) / 2) < high:
        if _newcombe(treatment, control, middle)[0] > 0:
            low = middle
        else:
            high = middle
    return high
