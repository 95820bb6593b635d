"""What is usual, and is this below it: counts of days beside earlier weeks, a rate beside other rates.

Days vary more than Poisson's law allows, and so do the pages of a shop. Both comparisons measure that
extra spread on the very numbers that say what is usual, and widen the interval by it.

References
----------
McCullagh and Nelder (1989), Generalized Linear Models, 2nd ed., section 6.2 (overdispersed counts).
DerSimonian and Laird (1986), Controlled Clinical Trials 7, 177-188. Higgins, Thompson and
Spiegelhalter (2009), J. R. Statist. Soc. A 172, 137-159 (what a further study would show).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, ndtr, stdtr, stdtrit

from custmeasure.stats.tails import Floats, check_level

# Fewer other rates than this do not say how much rates differ.
ENOUGH_OTHERS = 4


@dataclass(frozen=True)
class Usual:
    """What was to be expected, and how likely something this far from it is.

    Attributes
    ----------
    expected, lower, upper
        What is usual, and the limits between which a new value lies with the wanted confidence.
    p_value
        Two-sided; NaN where there is nothing to compare with.
    spread
        Days: variance ÷ mean (1 is Poisson's). Rates: their standard deviation in log-odds.
    """

    expected: Floats
    lower: Floats
    upper: Floats
    p_value: Floats
    spread: Floats


def usual_total(
    history: ArrayLike, past_weekday: ArrayLike, now: ArrayLike, weekday: ArrayLike, alpha: float
) -> Usual:
    """Compare a total of some days with the same weekdays of days before.

    With the mean of each weekday, the days' variance is their mean times a factor, estimated by
    Pearson's statistic over its degrees of freedom (McCullagh and Nelder 1989, section 6.2) and never below
    1. The interval holds the new days' own variation and that of the means.

    Parameters
    ----------
    history
        (..., n_days) counts of earlier days.
    past_weekday, weekday
        (n_days,) and (n_new_days,) the weekday of each day.
    now
        (..., n_new_days) counts of the days to judge.
    alpha
        1 - the confidence of the limits.

    Returns
    -------
    Usual
        (...,) NaN where a weekday has no day before, no day is left to tell the spread, or nobody ever
        came.

    Examples
    --------
    >>> weeks = [10, 20, 12, 22, 8, 18]
    >>> seen = usual_total(weeks, [0, 1, 0, 1, 0, 1], [4, 8], [0, 1], 0.05)
    >>> float(seen.expected), round(float(seen.p_value), 3)
    (30.0, 0.047)
    """
    check_level(alpha)
    days = np.asarray(history, float)
    before, new = np.asarray(past_weekday), np.asarray(weekday)
    kinds = np.unique(np.r_[before, new])
    times, n_new = ((before == kinds[:, None]).sum(axis=1), (new == kinds[:, None]).sum(axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        means = days @ (before == kinds[:, None]).T / times
        fitted = means[..., np.searchsorted(kinds, before)]
        pearson = np.where(fitted > 0, (days - fitted) ** 2 / fitted, 0.0).sum(axis=-1)
        df = len(before) - (times > 0).sum()
        spread = np.maximum(pearson / df, 1.0) if df > 0 else np.full(pearson.shape, np.nan)
        asked = n_new > 0
        expected = (means * n_new)[..., asked].sum(axis=-1)
        variance = expected + (means * n_new**2 / times)[..., asked].sum(axis=-1)
        error = np.sqrt(spread * np.where(expected > 0, variance, np.nan))
        p_value = 2 * stdtr(df, -np.abs(np.asarray(now, float).sum(axis=-1) - expected) / error)
    half = -stdtrit(max(df, 1), alpha / 2) * error
    return Usual(expected, np.maximum(expected - half, 0), expected + half, p_value, spread)


def beside_others(k: ArrayLike, n: ArrayLike, alpha: float) -> Usual:
    """Compare each rate with what the other rates lead one to expect of one more.

    In log-odds, with half an event added to both sides; the others' spread is that of DerSimonian and
    Laird (1986), the limits are those of Higgins, Thompson and Spiegelhalter (2009), with the rate's
    own uncertainty added.

    Parameters
    ----------
    k, n
        (..., n_groups) successes and units.
    alpha
        1 - the confidence of the limits.

    Returns
    -------
    Usual
        (..., n_groups) as rates; NaN for a group without units, and where fewer than 4 others have any.
    """
    check_level(alpha)
    counts, units = np.asarray(k, float), np.asarray(n, float)
    y = np.log((counts + 0.5) / (units - counts + 0.5))
    own = 1 / (counts + 0.5) + 1 / (units - counts + 0.5)
    others = (~np.eye(counts.shape[-1], dtype=bool)) & (units > 0)[..., None, :]
    there = np.where(others, 1.0, 0.0)
    n_others = there.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        spread2 = _between(y[..., None, :], there / own[..., None, :], n_others)
        weight = there / (own[..., None, :] + spread2[..., None])
        mean = (weight * y[..., None, :]).sum(axis=-1) / weight.sum(axis=-1)
        error = np.sqrt(own + spread2 + 1 / weight.sum(axis=-1))
        enough = (n_others >= ENOUGH_OTHERS) & (units > 0)
        df = np.where(enough, n_others - 2, 1)
        p_value = np.where(enough, 2 * stdtr(df, -np.abs(y - mean) / error), np.nan)
        half = -stdtrit(df, alpha / 2) * error
    mean = np.where(enough, mean, np.nan)
    return Usual(expit(mean), expit(mean - half), expit(mean + half), p_value, np.sqrt(spread2))


def _between(y: Floats, weight: Floats, n_others: Floats) -> Floats:
    """Return the variance between the others: DerSimonian and Laird (1986)."""
    total = weight.sum(axis=-1)
    mean = (weight * y).sum(axis=-1) / total
    q = (weight * (y - mean[..., None]) ** 2).sum(axis=-1)
    scale = total - (weight**2).sum(axis=-1) / total
    return np.asarray(np.maximum((q - (n_others - 1)) / scale, 0.0))


def rate_against(k: ArrayLike, n: ArrayLike, target: float) -> Floats:
    """Return the two-sided p-value of rates against a fixed one: where Wilson's interval touches it.

    Examples
    --------
    >>> rate_against([17], [238], 0.1).round(3).tolist()
    [0.142]
    """
    units = np.asarray(n, float)
    if not 0 < target < 1:
        return np.full(units.shape, math.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        z = (np.asarray(k, float) / units - target) / np.sqrt(target * (1 - target) / units)
    return np.asarray(2 * ndtr(-np.abs(z)))
