"""How many units one comparison needs before it can see a difference, and what chance it has.

These are the plain formulas of one look at one comparison; `plan_units` and `plan_mde` add
what a real test has: several variants and metrics, looks on the way, a covariate.

References
----------
Fleiss, Levin and Paik (2003), Statistical Methods for Rates and Proportions, 3rd ed., section 4.2.
Chow, Shao and Wang (2008), Sample Size Calculations in Clinical Research, section 3.2. Cohen (1988),
Statistical Power Analysis for the Behavioral Sciences, 2nd ed., chapters 2 and 6.
"""

import math

from scipy.special import nctdtr, ndtr, ndtri, stdtrit

from custmeasure.errors import check_choice
from custmeasure.stats.tails import check_level, normal_quantile

ALTERNATIVES = ("two-sided", "greater", "less")


def units_for_rates(
    rate_c: float, rate_t: float, *, alpha: float = 0.05, power: float = 0.8, ratio: float = 1.0
) -> float:
    """Return the control units that show ``rate_t`` against ``rate_c`` with chance ``power``.

    Parameters
    ----------
    rate_c, rate_t
        The two true rates, in [0, 1].
    alpha, power
        Two-sided level, and the wanted chance to see the difference.
    ratio
        Treatment units a control unit.

    Returns
    -------
    float
        Units of the control, not rounded; NaN when the rates are equal or outside [0, 1].

    Examples
    --------
    >>> round(units_for_rates(0.20, 0.25))
    1094
    """
    if not (0 <= rate_c <= 1 and 0 <= rate_t <= 1) or rate_c == rate_t:
        return math.nan
    null, real = rate_variances(rate_c, rate_t, ratio)
    reach = normal_quantile(alpha) * math.sqrt(null) + _z(power) * math.sqrt(real)
    return (reach / (rate_t - rate_c)) ** 2  # Fleiss et al. (2003), section 4.2


def units_for_means(
    var_c: float,
    var_t: float,
    diff: float,
    *,
    alpha: float = 0.05,
    power: float = 0.8,
    ratio: float = 1.0,
) -> float:
    """Return the control units that show a difference of means ``diff``; the rest as for rates.

    Examples
    --------
    >>> round(units_for_means(100, 100, 3))
    174
    """
    if not diff:
        return math.nan
    reach = normal_quantile(alpha) + _z(power)
    return (reach / diff) ** 2 * (var_c + var_t / ratio)  # Chow et al. (2008), section 3.2


def rate_variances(rate_c: float, rate_t: float, ratio: float = 1.0) -> tuple[float, float]:
    """Return a difference's variance × control units: were both rates alike, and as they are."""
    pooled = (rate_c + ratio * rate_t) / (1 + ratio)
    null = (1 + 1 / ratio) * pooled * (1 - pooled)
    return null, rate_c * (1 - rate_c) + rate_t * (1 - rate_t) / ratio


def power_of_rates(
    rate_c: float, rate_t: float, n_c: float, *, alpha: float = 0.05, ratio: float = 1.0
) -> float:
    """Return the chance that ``n_c`` control units show any difference between two rates.

    Examples
    --------
    >>> round(power_of_rates(0.20, 0.25, 1094), 3)
    0.8
    """
    null, real = rate_variances(rate_c, rate_t, ratio)
    bar = normal_quantile(alpha) * math.sqrt(null)
    shift = (rate_t - rate_c) * math.sqrt(n_c)
    tails = ndtr((shift - bar) / math.sqrt(real)) + ndtr((-shift - bar) / math.sqrt(real))
    return float(tails)


def power_of_z(drift: float, alpha: float = 0.05, alternative: str = "two-sided") -> float:
    """Return the power of a z test whose statistic has mean ``drift``: difference ÷ its error.

    Parameters
    ----------
    drift
        effect size × sqrt(n) for one sample, × sqrt(n_t n_c / (n_t + n_c)) for two.
    alpha
        Level of the test.
    alternative
        ``"two-sided"``, ``"greater"`` or ``"less"``.

    Raises
    ------
    UnknownName
        For another ``alternative``.

    Examples
    --------
    >>> round(power_of_z(2.8016), 3)
    0.8
    """
    level = _one_tail(alpha, alternative)
    above, below = ndtr(drift + ndtri(level)), ndtr(ndtri(level) - drift)
    return _wanted(float(above), float(below), alternative)


def power_of_t(
    drift: float, df: float, alpha: float = 0.05, alternative: str = "two-sided"
) -> float:
    """Return the power of a t test with ``df`` degrees of freedom; the rest as `power_of_z`.

    Examples
    --------
    >>> round(power_of_t(0.2 * 20**0.5, 19), 4)
    0.136
    """
    bar = float(-stdtrit(df, _one_tail(alpha, alternative)))
    above, below = 1 - nctdtr(df, drift, bar), nctdtr(df, drift, -bar)
    return _wanted(float(above), float(below), alternative)


def cohens_h(rate_t: float, rate_c: float) -> float:
    """Return the effect size of two rates: the difference of their arcsines, Cohen (1988), eq. 6.2.1.

    Examples
    --------
    >>> round(cohens_h(0.5, 0.4), 4)
    0.2014
    """
    return 2 * (math.asin(math.sqrt(rate_t)) - math.asin(math.sqrt(rate_c)))


def _one_tail(alpha: float, alternative: str) -> float:
    check_choice("mode", alternative, ALTERNATIVES)
    return check_level(alpha) / 2 if alternative == "two-sided" else check_level(alpha)


def _wanted(above: float, below: float, alternative: str) -> float:
    return {"two-sided": above + below, "greater": above, "less": below}[alternative]


def _z(power: float) -> float:
    return float(ndtri(check_level(power, "power")))
