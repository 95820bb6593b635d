"""A test without a planned end: intervals that are right at every look, however long it runs.

An asymptotic confidence sequence holds at all times together, so a test may be looked at as often as
one likes and stopped whenever one likes. It costs width: about 1.55 times the classical interval near
the number of units it is tuned for, at most 1.65 times from a third to nine times that number. With a
planned end `alpha_spending` asks less.

As with a planned end, what a look may claim is a stricter level: `anytime_level` gives it, to hand to
`compare_rates`, `compare_means` … as ``alpha``; `anytime_p_value` gives the p-value that agrees.
The tuning must be fixed before the first unit; it moves the width, never the promise.

References
----------
Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024), Annals of Statistics 52, 2613-2640,
arXiv:2103.06476v7 (equation numbers are those of v7). Tuned as GrowthBook tunes it.
"""

import math

from scipy.special import ndtr, ndtri

from custmeasure.errors import UsageError
from custmeasure.stats.sequential import FARTHEST_Z
from custmeasure.stats.tails import above_zero, check_level

# Units, all variants together, at which the interval is narrowest beside the classical one.
TUNED_FOR = 5000.0


def anytime_critical(
    n: float, alpha: float = 0.05, tuned_for: float = TUNED_FOR, *, one_sided: bool = False
) -> float:
    """Return the z beyond which a look at ``n`` units may claim a difference.

    Parameters
    ----------
    n
        Units of both variants together.
    alpha
        Level of the whole test, all looks together.
    tuned_for
        Units at which the interval is narrowest; fixed beforehand.
    one_sided
        Only one direction is of interest.

    Raises
    ------
    UsageError
        For a level outside (0, 1), no units, or a tuning not above 0.

    Examples
    --------
    >>> [round(anytime_critical(n), 2) for n in (500, 1000, 5000, 50_000)]
    [3.86, 3.36, 3.04, 3.24]
    """
    check_level(alpha)
    if one_sided:
        spread = _spread(n, min(2 * alpha, 1 - 1e-12), tuned_for)
        # One-sided sequence of arXiv:2103.06476v7, appendix B.1.
        return math.sqrt(
            2 * (spread + 1) / spread * math.log1p(math.sqrt(spread + 1) / (2 * alpha))
        )
    spread = _spread(n, alpha, tuned_for)
    # arXiv:2103.06476v7, eq. 9, divided by the standard error.
    return math.sqrt((spread + 1) / spread * (math.log1p(spread) - 2 * math.log(alpha)))


def anytime_level(n: float, alpha: float = 0.05, tuned_for: float = TUNED_FOR) -> float:
    """Return the two-sided level of a look at ``n`` units, for its interval and its p-value.

    Examples
    --------
    >>> round(anytime_level(5000), 4)
    0.0024
    """
    return 2 * float(ndtr(-anytime_critical(n, alpha, tuned_for)))


def anytime_p_value(
    p_value: float,
    n: float,
    alpha: float = 0.05,
    tuned_for: float = TUNED_FOR,
) -> float:
    """Return the always-valid p-value of a look, from its plain two-sided p-value.

    It is below ``alpha`` exactly when ``p_value`` is below `anytime_level`, and so when the interval
    at that level excludes 0. Never above 1; NaN stays NaN.

    Examples
    --------
    >>> round(anytime_p_value(0.0001, 5000), 4)
    0.0036
    """
    if math.isnan(p_value):
        return math.nan
    spread = _spread(n, check_level(alpha), tuned_for)
    z = min(float(-ndtri(above_zero(p_value) / 2)), FARTHEST_Z)
    # 1 ÷ the e-value of arXiv:2103.06476v7, eq. 155.
    log_p = 0.5 * (math.log1p(spread) - z**2 * spread / (spread + 1))
    return above_zero(math.exp(min(log_p, 0.0)))


def anytime_one_sided_p_value(
    z: float, n: float, alpha: float = 0.05, tuned_for: float = TUNED_FOR
) -> float:
    """Return the always-valid p-value of "the difference is above 0", from its ``z``.

    Below ``alpha`` exactly when ``z`` is above ``anytime_critical(…, one_sided=True)``.

    Examples
    --------
    >>> round(anytime_one_sided_p_value(3.0, 5000), 4)
    0.0284
    """
    spread = _spread(n, min(2 * check_level(alpha), 1 - 1e-12), tuned_for)
    if not z > 0:
        return math.nan if math.isnan(z) else 1.0
    # The one-sided sequence of arXiv:2103.06476v7, appendix B.1, solved for the level.
    gain = math.expm1(min(z, FARTHEST_Z) ** 2 * spread / (2 * (spread + 1)))
    return above_zero(math.sqrt(spread + 1) / (2 * gain))


def _spread(n: float, alpha: float, tuned_for: float) -> float:
    """Return n rho², with rho such that the interval is narrowest at ``tuned_for`` units."""
    if not (math.isfinite(n) and n > 0 and math.isfinite(tuned_for) and tuned_for > 0):
        raise UsageError(
            ko=f"n {n}, tuned_for {tuned_for}: 0보다 큰 수여야 합니다.",
            en=f"n {n} and tuned_for {tuned_for} must be above 0.",
        )
    least = -2 * math.log(alpha)
    # arXiv:2103.06476v7, eq. 161, rho at the unit tuned_for.
    return n * (least + math.log1p(least)) / tuned_for
