"""Intervals of skewed means by resampling customers, from each customer's sums alone.

The bootstrap-t: each resample is judged by its own standard error, which keeps the promised level for
skewed amounts where percentiles of the resampled means do not. Customers may come in groups (of any
size): a group is resampled whole, so that millions of customers need no more room than a thousand
groups. The seed is fixed, so that the same data give the same bytes.

References
----------
Efron and Tibshirani (1993), An Introduction to the Bootstrap, sec. 12.5 (bootstrap-t). Cochran (1977),
Sampling Techniques, sec. 2.11 (standard error of a ratio of sums).
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from custmeasure.errors import UsageError
from custmeasure.stats.tails import Floats, check_level

REPEATS = 4000
SEED = 20261101
FEWEST = 8  # groups below which resampling says nothing
_CHUNK = 2_000_000  # draws at a time


def resamples(n: int, repeats: int = REPEATS, seed: int = SEED) -> Iterator[Floats]:
    """Yield (some, n) counts: how often each of ``n`` is drawn in a resample of ``n``."""
    draw = np.random.default_rng(seed)
    size = max(1, _CHUNK // max(1, n))
    for first in range(0, repeats, size):
        rows = min(size, repeats - first)
        places = draw.integers(0, n, (rows, n)) + n * np.arange(rows)[:, None]
        yield np.bincount(places.ravel(), minlength=rows * n).reshape(rows, n).astype(np.float64)


def mean_intervals(
    sums: ArrayLike,
    sizes: ArrayLike | None = None,
    *,
    alpha: float = 0.05,
    repeats: int = REPEATS,
    seed: int = SEED,
) -> tuple[Floats, Floats]:
    """Return the bootstrap-t intervals of means a customer.

    Parameters
    ----------
    sums
        (n_groups, n_means) what each group of customers adds up to.
    sizes
        (n_groups,) customers in each group; 1 when not given.
    alpha
        1 - the confidence.
    repeats, seed
        Resamples, and what they are drawn from.

    Returns
    -------
    tuple of numpy.ndarray
        (n_means,) lower and upper limits; NaN for fewer than 8 groups and where all groups are alike.

    Raises
    ------
    UsageError
        For sums that are not finite, and for sizes that are not above 0.

    Examples
    --------
    >>> lower, upper = mean_intervals([[1.0], [2.0], [4.0], [3.0], [9.0], [2.0], [5.0], [6.0]])
    >>> bool(lower[0] < 4.0 < upper[0])
    True
    """
    values, customers = _checked(sums, sizes)
    check_level(alpha)
    if len(values) < FEWEST:
        blank = np.full(values.shape[1], np.nan)
        return blank, blank.copy()
    mean, error = _mean(np.ones((1, len(values))), values, customers)
    apart = [_apart(w, values, customers, mean) for w in resamples(len(values), repeats, seed)]
    ranked = np.sort(np.vstack(apart), axis=0)
    tail = max(1, int(alpha / 2 * (repeats + 1)))
    known = error[0] > 1e-12 * np.abs(mean[0])
    # Efron and Tibshirani (1993), eq. 12.22: the upper quantile of t gives the lower limit.
    lower = np.where(known, mean[0] - ranked[-tail] * error[0], np.nan)
    upper = np.where(known, mean[0] - ranked[tail - 1] * error[0], np.nan)
    told = np.isfinite(lower) & np.isfinite(upper)
    return np.where(told, lower, np.nan), np.where(told, upper, np.nan)


def _apart(counts: Floats, values: Floats, customers: Floats, mean: Floats) -> Floats:
    """Return (n_resamples, n_means) distances to the mean, in the resample's own standard errors."""
    again, error = _mean(counts, values, customers)
    # Resamples of one value alone have no error of their own: they are as far as can be, either way.
    gap = again - mean
    far = np.where(gap > 0, np.inf, np.where(gap < 0, -np.inf, 0.0))
    return np.divide(gap, error, out=far, where=error > 0)


def _mean(counts: Floats, values: Floats, customers: Floats) -> tuple[Floats, Floats]:
    """Return (n_resamples, n_means) means a customer and their standard errors.

    The error is that of a ratio of sums: Cochran (1977), eq. 2.46, without the finite correction.
    """
    n = counts.shape[1]
    total = (counts @ customers)[:, None]
    mean = counts @ values / total
    squares = (
        counts @ values**2
        - 2 * mean * (counts @ (values * customers[:, None]))
        + mean**2 * (counts @ customers**2)[:, None]
    )
    return mean, np.sqrt(np.maximum(squares, 0) * n / (n - 1)) / total


def _checked(sums: ArrayLike, sizes: ArrayLike | None) -> tuple[Floats, Floats]:
    values: NDArray[np.float64] = np.asarray(sums, np.float64)
    values = values[:, None] if values.ndim == 1 else values
    customers = np.ones(len(values)) if sizes is None else np.asarray(sizes, np.float64)
    usable = customers.shape == (len(values),) and np.isfinite(values).all()
    if not usable or not (np.isfinite(customers) & (customers > 0)).all():
        raise UsageError(
            ko="고객별 합계는 유한한 수, 인원은 0보다 큰 수여야 하고 길이가 같아야 합니다.",
            en="Sums must be finite numbers and sizes above 0, of one length.",
        )
    return values, customers
