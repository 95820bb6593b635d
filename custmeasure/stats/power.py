"""How many units a test needs before it can see a difference.

References
----------
Fleiss, Levin and Paik (2003), Statistical Methods for Rates and Proportions, 3rd ed., section 4.2.
Chow, Shao and Wang (2008), Sample Size Calculations in Clinical Research, section 3.2.
"""

import math

from scipy.special import ndtri

from custmeasure.stats.tails import check_level, normal_quantile


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
    pooled = (rate_c + ratio * rate_t) / (1 + ratio)
    null = (1 + 1 / ratio) * pooled * (1 - pooled)
    real = rate_c * (1 - rate_c) + rate_t * (1 - rate_t) / ratio
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


def _z(power: float) -> float:
    return float(ndtri(check_level(power, "power")))
