"""Which way is better, and is a guardrail kept: "not worse by more than …".

A metric where less is better (returns, complaints, waiting) is turned round once, so that above 0 always
means better. A guardrail asks for more than "no significant difference", which any small test reaches: its
interval has to lie above the harm that was declared bearable, the margin.

References
----------
Piaggio et al. (2012), JAMA 308, 2594-2604 (CONSORT for non-inferiority: the interval and its margin).
"""

import math
from dataclasses import replace
from typing import Literal, TypeVar

from scipy.special import ndtr, stdtr

from custmeasure.errors import UsageError
from custmeasure.stats.contrast import MeanComparison
from custmeasure.stats.proportion import RateComparison
from custmeasure.stats.tails import above_zero

Comparison = TypeVar("Comparison", RateComparison, MeanComparison)
Kept = Literal["safe", "worse", "cannot_tell"]


def gain(comparison: Comparison, *, lower_is_better: bool = False) -> Comparison:
    """Return a comparison in which above 0 is better; where less is better it is turned round.

    Examples
    --------
    >>> fewer_returns = MeanComparison(diff=-2.0, diff_ci_lower=-3.0, diff_ci_upper=-1.0)
    >>> seen = gain(fewer_returns, lower_is_better=True)
    >>> seen.diff, seen.diff_ci_lower, seen.diff_ci_upper
    (2.0, 1.0, 3.0)
    """
    if not lower_is_better:
        return comparison
    return replace(
        comparison,
        diff=-comparison.diff,
        diff_ci_lower=-comparison.diff_ci_upper,
        diff_ci_upper=-comparison.diff_ci_lower,
        rel_diff=-comparison.rel_diff,
        rel_diff_ci_lower=-comparison.rel_diff_ci_upper,
        rel_diff_ci_upper=-comparison.rel_diff_ci_lower,
    )


def guardrail(lower: float, upper: float, margin: float) -> Kept:
    """Return whether a metric is not worse by ``margin`` or more.

    Parameters
    ----------
    lower, upper
        Interval of the gain (above 0 is better), absolute or relative; NaN when there is none.
    margin
        The harm that can be borne, above 0, in the same unit.

    Returns
    -------
    str
        ``"safe"``: the whole interval lies above ``-margin``. ``"worse"``: it lies below 0 and
        reaches the margin. ``"cannot_tell"``: neither.

    Raises
    ------
    UsageError
        When ``margin`` is not above 0.

    Examples
    --------
    >>> guardrail(-0.01, 0.03, 0.02), guardrail(-0.05, -0.01, 0.02), guardrail(-0.05, 0.04, 0.02)
    ('safe', 'worse', 'cannot_tell')
    """
    _check_margin(margin)
    if lower > -margin:
        return "safe"
    return "worse" if upper < 0 else "cannot_tell"


def not_worse_p_value(gained: float, se: float, margin: float, df: float = math.inf) -> float:
    """Return the one-sided p-value of "worse by the margin or more".

    Below alpha / 2 exactly when the two-sided interval at alpha lies above ``-margin``.

    Parameters
    ----------
    gained, se, df
        The gain, its standard error and the degrees of freedom.
    margin
        As `guardrail`.

    Examples
    --------
    >>> round(not_worse_p_value(0.0, 0.01, 0.0196), 3)
    0.025
    """
    _check_margin(margin)
    if not se > 0 or math.isnan(gained):
        return math.nan
    z = -(gained + margin) / se
    return above_zero(float(ndtr(z) if math.isinf(df) else stdtr(df, z)))


def _check_margin(margin: float) -> None:
    if not 0 < margin < math.inf:
        raise UsageError(
            ko=f"한도(margin) {margin}: 0보다 큰 수여야 합니다.",
            en=f"margin {margin} must be above 0.",
        )
