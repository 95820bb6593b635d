"""What every test here shares: the checked level, checked counts, and p-values that never read 0."""

import math
from numbers import Real

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_ndtr, ndtri

from custmeasure.errors import UsageError

Floats = NDArray[np.float64]

# The smallest p-value there is: what underflows is tiny, not impossible.
SMALLEST_P = 5e-324
# Beyond it a float no longer holds every whole number.
LARGEST_COUNT = 2.0**53


def normal_quantile(alpha: float) -> float:
    """Return z with a two-sided normal tail of ``alpha`` (1.96 for 0.05)."""
    return float(-ndtri(check_level(alpha) / 2))


def two_sided_log_p(z: float) -> float:
    """Return ln P(|Z| >= z) for a standard normal Z, exact far beyond where P itself is 0."""
    return min(math.log(2) + float(log_ndtr(-abs(z))), 0.0)


def above_zero(p: float) -> float:
    """Return a p-value that is never 0 and never above 1."""
    return min(max(float(p), SMALLEST_P), 1.0)


def check_level(value: float, name: str = "alpha") -> float:
    """Return a level strictly between 0 and 1.

    Raises
    ------
    UsageError
        For anything else.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
        raise UsageError(
            ko=f"{name} {value!r}: 0과 1 사이의 수여야 합니다(예: 0.05).",
            en=f"{name} {value!r} must be a number between 0 and 1, such as 0.05.",
        )
    return float(value)


def is_positive(value: object) -> bool:
    """Whether a value is a finite number above 0."""
    return isinstance(value, Real) and not isinstance(value, bool) and 0 < float(value) < math.inf


def check_counts(values: ArrayLike, name: str) -> Floats:
    """Return counts as floats: finite whole numbers, not below 0.

    Raises
    ------
    UsageError
        Naming the first value that is not a count.
    """
    counts = _floats(values, name)
    wrong = ~((counts >= 0) & (counts <= LARGEST_COUNT) & (counts == np.floor(counts)))
    if wrong.any():
        raise not_a_count(np.asarray(values)[wrong].ravel()[0], name)
    return counts


def not_a_count(value: object, name: str) -> UsageError:
    """Return the error for a value that counts nothing."""
    return UsageError(
        ko=f"{name} {value}: 개수가 아닙니다. 0 이상의 정수를 주십시오.",
        en=f"{name} {value} is not a count. Give a whole number, 0 or more.",
    )


def _floats(values: ArrayLike, name: str) -> Floats:
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise not_a_count(values, name) from None
