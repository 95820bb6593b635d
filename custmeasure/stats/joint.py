"""Several columns of the same units, reduced: a count, the means, and the covariances.

`Joint` samples add up as `Moments` do, so that days, files or partitions can be measured apart and
merged. Ratios of columns, covariates from before the test and strata all start from here.

References
----------
Chan, Golub and LeVeque (1983), The American Statistician 37, 242-247 (pairwise updates).
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from custmeasure.errors import UsageError
from custmeasure.stats.mean import LARGEST, Moments
from custmeasure.stats.tails import Floats, not_a_count


def _nothing() -> Floats:
    return np.zeros(0)


@dataclass(frozen=True, eq=False)
class Joint:
    """A sample of k columns, reduced.

    Attributes
    ----------
    n
        Number of units.
    mean
        (k,) the columns' means; of no unit, 0 by convention (they weigh nothing in a sum).
    cov
        (k, k) covariances divided by n - 1; 0 by convention for fewer than two units.

    Raises
    ------
    UsageError
        When ``n`` is not a count, a number is not finite, or the shapes do not fit.
    """

    n: int
    mean: Floats = field(default_factory=_nothing)
    cov: Floats = field(default_factory=_nothing)

    def __post_init__(self) -> None:
        mean, cov = np.asarray(self.mean, np.float64), np.asarray(self.cov, np.float64)
        if isinstance(self.n, bool) or self.n != int(self.n) or self.n < 0:
            raise not_a_count(self.n, "n")
        if mean.ndim != 1 or cov.shape != (len(mean), len(mean)):
            raise _unusable(mean, cov)
        mean = mean if self.n else np.zeros_like(mean)
        cov = cov if self.n > 1 else np.zeros_like(cov)
        # A comparison with NaN is false, so that it is refused too.
        if not ((np.abs(mean) <= LARGEST).all() and (np.abs(cov) <= LARGEST**2).all()):
            raise _unusable(mean, cov)
        if (cov.diagonal() < 0).any():
            raise _unusable(mean, cov)
        object.__setattr__(self, "n", int(self.n))
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "cov", cov)

    @classmethod
    def from_values(cls, *columns: ArrayLike) -> Self:
        """Return the moments of columns that are each (n,), one value a unit.

        Raises
        ------
        UsageError
            When the columns differ in length or hold something that is not a number.
        """
        values = np.asarray(columns, dtype=np.float64)
        n = values.shape[1]
        mean = np.array([math.fsum(column) for column in values]) / max(n, 1)
        away = values - mean[:, None]
        return cls(n, mean, away @ away.T / max(n - 1, 1))

    @classmethod
    def from_moments(cls, moments: Moments) -> Self:
        """Return one column's moments."""
        var = moments.var if moments.n > 1 else 0.0
        return cls(moments.n, np.array([moments.mean if moments.n else 0.0]), np.array([[var]]))

    def __add__(self, other: "Joint") -> "Joint":
        """Return the moments of both samples together: pairwise update of Chan et al. (1983)."""
        if self.n == 0 or other.n == 0:
            return other if self.n == 0 else self
        n = self.n + other.n
        gap = other.mean - self.mean
        between = np.outer(gap, gap) * (self.n / n) * other.n
        squares = self.cov * (self.n - 1) + other.cov * (other.n - 1) + between
        return Joint(n, self.mean + gap * (other.n / n), squares / (n - 1))

    def column(self, i: int = 0) -> Moments:
        """Return one column's moments."""
        return Moments(self.n, float(self.mean[i]), float(self.cov[i, i]))

    def along(self, gradient: Floats) -> float:
        """Return the variance a unit of the combination of columns with these weights."""
        return max(float(gradient @ self.cov @ gradient), 0.0)


def one_spread(treatment: Joint, control: Joint) -> tuple[Joint, Joint]:
    """Return both samples with the covariances that they have together, each about its own mean."""
    n = treatment.n + control.n
    squares = treatment.cov * max(treatment.n - 1, 0) + control.cov * max(control.n - 1, 0)
    cov = squares / max(n - 2, 1)
    return Joint(treatment.n, treatment.mean, cov), Joint(control.n, control.mean, cov)


def add(samples: Iterable[Joint], k: int) -> Joint:
    """Return all samples of ``k`` columns together; of none, a sample without units."""
    whole = Joint(0, np.zeros(k), np.zeros((k, k)))
    for sample in samples:
        whole = whole + sample
    return whole


def running(samples: Sequence[Joint], k: int) -> list[Joint]:
    """Return the first sample, the first two together, and so on."""
    whole, seen = Joint(0, np.zeros(k), np.zeros((k, k))), []
    for sample in samples:
        whole = whole + sample
        seen.append(whole)
    return seen


def _unusable(mean: Floats, cov: Floats) -> UsageError:
    return UsageError(
        ko=f"평균 {mean.tolist()}, 공분산 {cov.tolist()}: 쓸 수 있는 수가 아닙니다.",
        en=f"Means {mean.tolist()} and covariances {cov.tolist()} are not usable numbers.",
    )
