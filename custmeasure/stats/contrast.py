"""From an estimated difference and its variance to an interval, a p-value and a relative difference.

Whatever was measured (means, ratios, quantiles, adjusted by a covariate or not), a comparison of two
variants ends here: a difference, the control's value, and how the two vary together. The relative
difference follows Fieller with the quantile of the difference, so that it excludes 0 exactly when the
difference does; `relative` gives the delta method's instead, which other tools print.

References
----------
Fieller (1954), J. R. Statist. Soc. B 16, 175-185. Satterthwaite (1946), Biometrics Bulletin 2, 110-114.
"""

import math
from dataclasses import dataclass, replace
from typing import Literal

from scipy.special import stdtr, stdtrit

from custmeasure.errors import check_choice
from custmeasure.stats.tails import above_zero, check_level

Alternative = Literal["two-sided", "greater", "less"]
ALTERNATIVES = ("two-sided", "greater", "less")

# A relative difference needs a control value this many standard errors above 0.
BASELINE_SE = 3.0


@dataclass(frozen=True)
class MeanComparison:
    """Treatment against control; what is not defined is NaN, and ``code`` says why.

    Attributes
    ----------
    diff, diff_ci_lower, diff_ci_upper
        Treatment mean minus control mean, in the mean's unit.
    rel_diff, rel_diff_ci_lower, rel_diff_ci_upper
        The difference divided by the control's mean.
    p_value
        Welch's p-value (two-sided unless another alternative was asked for). Never 0.
    se, df
        The difference's standard error and its degrees of freedom.
    code
        None, or ``NO_UNITS`` (an arm has none), ``TOO_FEW_UNITS`` (an arm has one),
        ``ZERO_VARIANCE`` (all units of an arm alike: its uncertainty is unknown, not 0),
        ``ZERO_DENOMINATOR`` (an arm's ratio divides by 0), ``BASELINE_NEAR_ZERO`` (the control's
        mean is not 3 standard errors above 0, or Fieller's interval is not bounded: no relative
        difference).
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
    se: float = math.nan
    df: float = math.nan
    code: str | None = None
    two_units: bool = False


@dataclass(frozen=True)
class Contrast:
    """A difference of two variants beside the control's value.

    Attributes
    ----------
    diff, var_diff
        Treatment - control and its sampling variance.
    base, var_base
        The control's value and its sampling variance.
    cov
        The sampling covariance of ``diff`` and ``base``.
    df
        Degrees of freedom of ``var_diff``; infinite for a normal law.
    """

    diff: float
    var_diff: float
    base: float
    var_base: float
    cov: float
    df: float = math.inf

    def relative(self, at: float | None = None) -> "Contrast":
        """Return ``diff / base`` as the difference, its variance by the delta method.

        var(D/B) = (var D - 2 R cov + R^2 var B) / B^2 at R = D/B, with the sign of D over abs(B).

        Parameters
        ----------
        at
            The R at which the variance is taken, when not D/B. GrowthBook takes the difference
            before any adjustment by a covariate.
        """
        share = self.diff / self.base if at is None else at
        var = (self.var_diff - 2 * share * self.cov + share**2 * self.var_base) / self.base**2
        return replace(self, diff=self.diff / abs(self.base), var_diff=var)


def conclude(
    contrast: Contrast,
    alpha: float = 0.05,
    *,
    null: float = 0.0,
    alternative: Alternative = "two-sided",
    two_units: bool = False,
) -> MeanComparison:
    """Return the interval and the p-value of a difference, and its relative form.

    Parameters
    ----------
    contrast
        The difference with its variance, which must be above 0.
    alpha
        1 - the confidence of the interval. A one-sided interval spends it on one side.
    null
        The difference that the p-value asks about.
    alternative
        ``"two-sided"``, or ``"greater"`` or ``"less"`` than ``null``: the interval is then open on
        the other side.

    Raises
    ------
    UsageError
        When ``alpha`` is not between 0 and 1.
    UnknownName
        For another alternative.
    """
    check_choice("mode", alternative, ALTERNATIVES)
    se = math.sqrt(contrast.var_diff)
    reach = quantile(contrast.df, alpha, alternative)
    lower, upper = _open(contrast.diff - reach * se, contrast.diff + reach * se, alternative)
    seen = MeanComparison(
        diff=contrast.diff,
        diff_ci_lower=lower,
        diff_ci_upper=upper,
        p_value=_p_value((contrast.diff - null) / se, contrast.df, alternative),
        se=se,
        df=contrast.df,
        two_units=two_units,
    )
    return _with_relative(seen, contrast, reach, alternative)


def quantile(df: float, alpha: float, alternative: Alternative = "two-sided") -> float:
    """Return the t quantile that an interval reaches out by; df may be infinite."""
    level = check_level(alpha)
    return float(-stdtrit(df, level / 2 if alternative == "two-sided" else level))


def _p_value(t: float, df: float, alternative: Alternative) -> float:
    if alternative == "two-sided":
        return above_zero(2 * float(stdtr(df, -abs(t))))
    return above_zero(float(stdtr(df, t if alternative == "less" else -t)))


def _open(lower: float, upper: float, alternative: Alternative) -> tuple[float, float]:
    """Return an interval that is open on the side nobody asked about."""
    if alternative == "greater":
        return lower, math.inf
    return (-math.inf, upper) if alternative == "less" else (lower, upper)


def _with_relative(
    seen: MeanComparison, contrast: Contrast, reach: float, alternative: Alternative
) -> MeanComparison:
    limits = fieller(contrast, reach)
    if limits is None:
        return replace(seen, code="BASELINE_NEAR_ZERO")
    lower, upper = _open(*limits, alternative)
    return replace(
        seen,
        rel_diff=contrast.diff / contrast.base,
        rel_diff_ci_lower=lower,
        rel_diff_ci_upper=upper,
    )


def fieller(contrast: Contrast, reach: float) -> tuple[float, float] | None:
    """Return the limits of diff / base, or None where they are not bounded or base is too near 0.

    They are the roots in R of (D - R B)^2 = t^2 (var D - 2 R cov + R^2 var B): Fieller (1954).
    """
    se_base = math.sqrt(contrast.var_base)
    if contrast.base <= max(BASELINE_SE, reach) * se_base:
        return None
    share = contrast.diff / contrast.base
    spread = (reach / contrast.base) ** 2
    open_share = 1 - spread * contrast.var_base
    middle = (share - spread * contrast.cov) / open_share
    # The discriminant as a sum that cancels little: var of D - R B at R = share, less its own square.
    var = contrast.var_diff - 2 * share * contrast.cov + share**2 * contrast.var_base
    lost = spread * (contrast.var_diff * contrast.var_base - contrast.cov**2)
    half = math.sqrt(max(spread * (var - lost), 0.0)) / open_share
    if not math.isfinite(middle + half):
        return None
    return middle - half, middle + half
