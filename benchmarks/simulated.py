"""Tests without any difference, many at once, and whether the library calls them different."""

import math
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, stdtrit

from custmeasure.stats import wilson
from custmeasure.stats.proportion import rates_differ

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Rng = np.random.Generator

CHUNK = 2_500  # tests made at once
ALPHA = 0.05
CONVERTING, BUYING, SKEW = 0.03, 0.05, 1.5


def chunks(repeats: int, seed: int) -> Iterator[tuple[int, Rng]]:
    """Yield how many tests to make at once, each with numbers of its own."""
    n_chunks = math.ceil(repeats / CHUNK)
    for i, child in enumerate(np.random.SeedSequence(seed).spawn(n_chunks)):
        yield min(CHUNK, repeats - i * CHUNK), np.random.default_rng(child)


def share(repeats: int, seed: int, trial: Callable[[int, Rng], Flags]) -> float:
    """Return the share of ``repeats`` trials that came out true."""
    return sum(int(trial(n, rng).sum()) for n, rng in chunks(repeats, seed)) / repeats


def conversions(n_tests: int, days: int, a_day: int, rng: Rng) -> NDArray[np.int64]:
    """Return (2, n_tests, days) conversions so far of both variants."""
    drawn = rng.binomial(a_day, CONVERTING, (2, n_tests, days))
    return np.asarray(drawn.cumsum(axis=2))


def revenue(n_tests: int, days: int, a_day: int, rng: Rng) -> tuple[Floats, Floats]:
    """Return (2, n_tests, days) means and variances a unit so far of both variants."""
    buyers = rng.binomial(a_day, BUYING, (2, n_tests, days))
    owner = np.repeat(np.arange(buyers.size), buyers.ravel())
    amounts = rng.lognormal(0.0, SKEW, len(owner))
    sums, squares = (
        np.bincount(owner, amounts**power, buyers.size).reshape(buyers.shape).cumsum(axis=2)
        for power in (1, 2)
    )
    n = a_day * np.arange(1, days + 1)
    mean = sums / n
    return mean, (squares - n * mean**2) / (n - 1)


def means_differ(
    mean: Floats, var: Floats, n: int | tuple[int, int], alpha: float, *, pooled: bool = False
) -> Flags:
    """Return whether the interval of `compare_means` excludes 0, for (2, n_tests) at once."""
    usable = (var > 0).all(axis=0)
    sizes = np.broadcast_to(n, 2)[:, None]
    known = np.where(usable, var, 1.0)
    if pooled:
        known = np.broadcast_to((known * (sizes - 1)).sum(axis=0) / (sizes.sum() - 2), var.shape)
    parts = known / sizes
    se2 = parts.sum(axis=0)
    df = se2**2 / (parts**2 / (sizes - 1)).sum(axis=0) if not pooled else sizes.sum() - 2
    reach = -stdtrit(df, alpha / 2) * np.sqrt(se2)
    return np.asarray(usable & (np.abs(mean[0] - mean[1]) > reach))


def false_alarms(p: float, n: int) -> float:
    """Return how often two variants with rate ``p`` and ``n`` units each are called different."""
    k = np.arange(n + 1)
    chance = np.diff(bdtr(k, n, p), prepend=0.0)
    usual = k[chance > 1e-15]
    called = rates_differ(usual[:, None], n, usual[None, :], n, ALPHA)
    return float(chance[usual] @ called @ chance[usual])


def most_false_alarms(n_t: int, n_c: int) -> float:
    """Return the largest share of false alarms over common rates from 0.2 % to a half."""
    k_t, k_c = np.arange(n_t + 1), np.arange(n_c + 1)
    called = rates_differ(k_t[:, None], n_t, k_c[None, :], n_c, ALPHA)
    rates = np.linspace(0.002, 0.5, 250)[:, None]
    first, second = (np.diff(bdtr(k, len(k) - 1, rates), prepend=0.0) for k in (k_t, k_c))
    return float((first @ called * second).sum(axis=1).max())


def wilson_coverage(p: float, n: int) -> float:
    """Return how often Wilson's interval holds the true rate, summed over every outcome."""
    k = np.arange(n + 1)
    lower, upper = wilson(k, n)
    chance = np.diff(bdtr(k, n, p), prepend=0.0)
    return float(chance[(lower <= p) & (p <= upper)].sum())
