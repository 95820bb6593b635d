"""Quantiles: the median order, the time that nine of ten wait; their variance without a model.

An interval of a quantile lies between two order statistics: the share of values below the true quantile
varies as a binomial share does, so its limits, read back as values, are the interval (Woodruff). From
them comes a standard error. Where a randomised unit has several values, the share below is a ratio of
means over units, and its delta variance takes the binomial's place.

References
----------
Woodruff (1952), J. Am. Stat. Assoc. 47, 635-646. Deng, Knoblich and Lu (2018), KDD, section 4.2
(clustered quantiles). Liu et al. (2019), arXiv:1903.08762.
"""

import math

from custmeasure.errors import UsageError
from custmeasure.stats.adjusted import ratio
from custmeasure.stats.joint import Joint
from custmeasure.stats.mean import Moments
from custmeasure.stats.tails import check_level, normal_quantile

# The level of the order statistics that the standard error is read off.
LEVEL = 0.05


def check_share(share: float) -> float:
    """Return a quantile's share, strictly between 0 and 1."""
    return check_level(share, "quantile")


def places(n: int, share: float, design: float = 1.0) -> tuple[int, int, int] | None:
    """Return the ranks (from 1) of the quantile and of the interval's two ends.

    Parameters
    ----------
    n
        Number of values.
    share
        The quantile, 0.5 for the median.
    design
        How much the share's variance exceeds that of independent values, 1 when it does not.

    Returns
    -------
    tuple of int or None
        None where the interval would reach beyond the smallest or the largest value: too few values.
    """
    check_share(share)
    if n < 2 or not math.isfinite(design) or design < 0:
        return None
    half = normal_quantile(LEVEL) * math.sqrt(share * (1 - share) * max(design, 1e-12) / n)
    low, high = share - half, share + half
    if low <= 0 or high >= 1:
        return None
    return _rank(n, share), _rank(n, low), min(_rank(n, high) + 1, n)


def _rank(n: int, share: float) -> int:
    return min(max(math.ceil(n * share), 1), n)


def design_effect(below: Joint, share: float) -> float:
    """Return var(share below) ÷ the binomial's, from each unit's values below and values in all.

    Parameters
    ----------
    below
        Columns: how many of a unit's values lie at or below the quantile; how many it has.
    share
        The quantile.
    """
    n_values = below.n * float(below.mean[1])
    if below.n < 2 or n_values <= 0:
        return math.nan
    clustered = ratio(below, 0, 1).var / below.n
    return clustered * n_values / (share * (1 - share))


def from_limits(
    n: int, value: float, lower: float, upper: float, n_used: int | None = None
) -> Moments:
    """Return a quantile as if it were a mean a value, from its 95 % limits.

    se = (upper - lower) / (2 z): Woodruff (1952). ``n_used`` is the number of values that the limits
    were read from, when that is not ``n``.

    Raises
    ------
    UsageError
        When the limits are swapped.
    """
    if lower > upper:
        raise UsageError(
            ko=f"분위수의 구간 {lower} ~ {upper}: 아래끝이 위끝보다 큽니다.",
            en=f"The quantile's interval {lower} to {upper} is upside down.",
        )
    if n < 2:
        return Moments(n, value)
    se = (upper - lower) / (2 * normal_quantile(LEVEL))
    return Moments(n, value, se**2 * (n_used or n) * (n - 1) / n)
