"""Means: revenue a unit and other amounts, from a count, a mean and a variance.

`Moments` add up: the days, files or partitions of one arm can be measured apart and merged, and the
answer does not depend on how they were cut. `compare_means` is Welch's test; the relative difference
follows Fieller, with the same quantile, so that it excludes 0 exactly when the difference does.

References
----------
Chan, Golub and LeVeque (1983), The American Statistician 37, 242-247. Welch (1947), Biometrika 34,
28-35. Satterthwaite (1946), Biometrics Bulletin 2, 110-114. Fieller (1954), J. R. Statist. Soc. B
16, 175-185.
"""

import math
import operator
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from scipy.special import stdtr, stdtrit

from custmeasure.errors import DataError, UsageError
from custmeasure.stats.tails import above_zero, check_level, not_a_count

# No amount of money is larger; beyond it squares would overflow and answers become infinite.
LARGEST = 1e100
# A relative difference needs a control mean this many standard errors above 0.
BASELINE_SE = 3.0


@dataclass(frozen=True)
class Moments:
    """A sample, reduced: number of units, mean, and variance divided by n - 1.

    The mean of no unit and the variance of fewer than two are NaN, whatever is given.

    Raises
    ------
    UsageError
        When ``n`` is not a count, or a number that should exist is not finite, or a variance is
        below 0.
    """

    n: int
    mean: float = math.nan
    var: float = math.nan

    def __post_init__(self) -> None:
        object.__setattr__(self, "n", _count(self.n))
        object.__setattr__(self, "mean", float(self.mean) if self.n > 0 else math.nan)
        object.__setattr__(self, "var", float(self.var) if self.n > 1 else math.nan)
        usable = self.n == 0 or abs(self.mean) <= LARGEST
        if not usable or (self.n > 1 and not 0 <= self.var <= LARGEST**2):
            raise UsageError(
                ko=f"평균 {self.mean}, 분산 {self.var}: 쓸 수 있는 수가 아닙니다.",
                en=f"Mean {self.mean} and variance {self.var} are not usable numbers.",
            )

    @classmethod
    def from_values(cls, values: Iterable[float]) -> Self:
        """Return the moments of ``values``, summed exactly: their order changes no bit.

        Raises
        ------
        DataError
            When a value is missing, not finite, or not a number.
        """
        floats = _finite(values)
        if not floats:
            return cls(0)
        if min(floats) == max(floats):
            return cls(len(floats), floats[0], 0.0)
        mean = math.fsum(floats) / len(floats)
        squares = math.fsum((value - mean) ** 2 for value in floats)
        return cls(len(floats), mean, squares / (len(floats) - 1))

    def __add__(self, other: "Moments") -> "Moments":
        """Return the moments of both samples together: pairwise update of Chan et al. (1983)."""
        if self.n == 0 or other.n == 0:
            return other if self.n == 0 else self
        n = self.n + other.n
        gap = other.mean - self.mean
        squares = math.fsum(
            (self._squares, other._squares, gap**2 * (self.n / n) * other.n)  # noqa: SLF001
        )
        return Moments(n, self.mean + gap * (other.n / n), squares / (n - 1))

    @property
    def se(self) -> float:
        """The standard error of the mean."""
        return math.sqrt(self.var / self.n) if self.n > 1 else math.nan

    @property
    def is_constant(self) -> bool:
        """Whether all units are alike, to the last bits that a float of this size has."""
        return self.n > 1 and math.sqrt(self.var) <= 4 * math.ulp(1.0) * abs(self.mean)

    @property
    def _squares(self) -> float:
        return self.var * (self.n - 1) if self.n > 1 else 0.0

    def interval(self, alpha: float = 0.05) -> tuple[float, float]:
        """Return the t interval of the mean; NaN for fewer than two units or all units alike."""
        if self.n < 2 or self.is_constant:
            return math.nan, math.nan
        half = _t_quantile(self.n - 1, alpha) * self.se
        return self.mean - half, self.mean + half


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
        Welch's two-sided p-value. Never 0.
    se, df
        The difference's standard error and its degrees of freedom.
    code
        None, or ``NO_UNITS`` (an arm has none), ``TOO_FEW_UNITS`` (an arm has one),
        ``ZERO_VARIANCE`` (all units of an arm alike: its uncertainty is unknown, not 0),
        ``BASELINE_NEAR_ZERO`` (the control's mean is not 3 standard errors above 0, or Fieller's
        interval is not bounded: no relative difference).
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


def compare_means(treatment: Moments, control: Moments, alpha: float = 0.05) -> MeanComparison:
    """Compare two means by Welch's test.

    Raises
    ------
    UsageError
        When ``alpha`` is not between 0 and 1.

    Examples
    --------
    >>> treatment, control = Moments(21307, 1.422617, 314.9), Moments(21306, 0.652789, 134.6)
    >>> seen = compare_means(treatment, control)
    >>> [round(x, 3) for x in (seen.diff, seen.diff_ci_lower, seen.diff_ci_upper)]
    [0.77, 0.485, 1.055]
    """
    check_level(alpha)
    smallest = min(treatment.n, control.n)
    if smallest < 2:
        return MeanComparison(code="TOO_FEW_UNITS" if smallest == 1 else "NO_UNITS")
    diff = treatment.mean - control.mean
    se = math.hypot(treatment.se, control.se)
    if treatment.is_constant or control.is_constant or se == 0:
        return MeanComparison(diff=diff, code="ZERO_VARIANCE", two_units=smallest == 2)
    df = _satterthwaite(treatment, control, se)
    half = _t_quantile(df, alpha) * se
    seen = MeanComparison(
        diff=diff,
        diff_ci_lower=diff - half,
        diff_ci_upper=diff + half,
        p_value=above_zero(2 * float(stdtr(df, -abs(diff) / se))),
        se=se,
        df=df,
        two_units=smallest == 2,
    )
    return _with_ratio(seen, treatment, control, half / se)


def _satterthwaite(treatment: Moments, control: Moments, se: float) -> float:
    """Return the degrees of freedom of the difference: Satterthwaite (1946), Welch (1947)."""
    share = (treatment.se / se) ** 2
    return 1 / (share**2 / (treatment.n - 1) + (1 - share) ** 2 / (control.n - 1))


def _with_ratio(
    seen: MeanComparison, treatment: Moments, control: Moments, t: float
) -> MeanComparison:
    """Add the limits of mean_t / mean_c, minus 1: Fieller (1954), independent samples.

    They are the roots in R of (mean_t - R mean_c)^2 = t^2 (se_t^2 + R^2 se_c^2).
    """
    if control.mean <= BASELINE_SE * control.se or control.mean <= t * control.se:
        return replace(seen, code="BASELINE_NEAR_ZERO")
    rel_diff = seen.diff / control.mean
    spread_t, spread_c = t * treatment.se / control.mean, t * control.se / control.mean
    open_share = 1 - spread_c**2
    half = math.hypot(spread_t * math.sqrt(open_share), (1 + rel_diff) * spread_c) / open_share
    middle = (rel_diff + spread_c**2) / open_share
    if not math.isfinite(middle + half):
        return replace(seen, code="BASELINE_NEAR_ZERO")
    return replace(
        seen, rel_diff=rel_diff, rel_diff_ci_lower=middle - half, rel_diff_ci_upper=middle + half
    )


def _t_quantile(df: float, alpha: float) -> float:
    return float(-stdtrit(df, check_level(alpha) / 2))


def _count(n: object) -> int:
    try:
        whole = operator.index(n)  # type: ignore[arg-type]
    except TypeError:
        raise not_a_count(n, "n") from None
    if whole < 0:
        raise not_a_count(n, "n")
    return whole


def _finite(values: Iterable[float]) -> list[float]:
    try:
        floats = np.array([float(value) for value in values])
    except (TypeError, ValueError, OverflowError):
        floats = np.array([math.nan])
    wrong = ~(np.abs(floats) <= LARGEST)
    if wrong.any():
        raise DataError(
            ko=f"값 {wrong.sum():,}개가 쓸 수 있는 수가 아닙니다(빈 값, 무한대 등). 먼저 고쳐 주십시오.",
            en=f"{wrong.sum():,} values are not finite numbers. Correct them before measuring.",
        )
    return [float(value) for value in floats]
