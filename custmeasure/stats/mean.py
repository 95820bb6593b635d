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

from custmeasure.errors import DataError, UsageError
from custmeasure.stats.contrast import Alternative, Contrast, MeanComparison, conclude, quantile
from custmeasure.stats.tails import check_level, not_a_count

# No amount of money is larger; beyond it squares would overflow and answers become infinite.
LARGEST = 1e100


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

    def log(self) -> "Moments":
        """Return the moments of the mean's logarithm, by the delta method: var / mean^2.

        The difference of two of them is the logarithm of a ratio of means. A mean that is not above 0
        has none: no units are left.
        """
        if not self.mean > 0:
            return Moments(0)
        return Moments(self.n, math.log(self.mean), self.var / self.mean**2)

    def interval(self, alpha: float = 0.05) -> tuple[float, float]:
        """Return the t interval of the mean; NaN for fewer than two units or all units alike."""
        if self.n < 2 or self.is_constant:
            return math.nan, math.nan
        half = quantile(self.n - 1, alpha) * self.se
        return self.mean - half, self.mean + half


def compare_means(
    treatment: Moments,
    control: Moments,
    alpha: float = 0.05,
    *,
    null: float = 0.0,
    alternative: Alternative = "two-sided",
    pooled: bool = False,
    normal: bool = False,
) -> MeanComparison:
    """Compare two means by Welch's test.

    Parameters
    ----------
    treatment, control
        The two samples.
    alpha
        1 - the confidence of the intervals.
    null, alternative
        The difference asked about, and on which side: as `conclude`.
    pooled
        Take the variances for equal (Student's test) instead.
    normal
        Take the normal law instead of Student's.

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
    if pooled:
        treatment, control = _pooled(treatment, control)
    se = math.hypot(treatment.se, control.se)
    if treatment.is_constant or control.is_constant or se == 0:
        return MeanComparison(diff=diff, code="ZERO_VARIANCE", two_units=smallest == 2)
    df = satterthwaite(treatment.se**2, treatment.n, control.se**2, control.n)
    if pooled:
        df = treatment.n + control.n - 2
    base = control.se**2
    contrast = Contrast(diff, se**2, control.mean, base, -base, math.inf if normal else df)
    return conclude(contrast, alpha, null=null, alternative=alternative, two_units=smallest == 2)


def satterthwaite(var_t: float, n_t: int, var_c: float, n_c: int) -> float:
    """Return the degrees of freedom of a difference of two estimates from their variances.

    Satterthwaite (1946), Welch (1947).
    """
    share = var_t / (var_t + var_c)
    return 1 / (share**2 / (n_t - 1) + (1 - share) ** 2 / (n_c - 1))


def _pooled(treatment: Moments, control: Moments) -> tuple[Moments, Moments]:
    squares = treatment.var * (treatment.n - 1) + control.var * (control.n - 1)
    var = squares / (treatment.n + control.n - 2)
    return replace(treatment, var=var), replace(control, var=var)


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
