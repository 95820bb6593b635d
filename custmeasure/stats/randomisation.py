"""Two copies on different days: a test that asks only how the days were drawn.

Where one page shows one copy at a time, days are the units, and days are alike in ways no formula
knows: weekdays, seasons, advertisements, a good week that lasts. So the test takes nothing for
granted but the draw. Days stand in pairs, and in each pair a coin decided which day got the
treatment; had the copies been the same, every other outcome of the coins would have been as likely.
The difference is the Mantel-Haenszel one, each pair with the weight n_t n_c / (n_t + n_c), which
stays the same however the coins fall.

The interval holds every difference that the test would not refuse, and so excludes 0 exactly when
the p-value is below alpha. For each outcome of the coins the differences not refused by it form one
interval around the observed difference, in closed form: the limits are order statistics, nothing is
searched for.

References
----------
Fisher (1935), The Design of Experiments, section 21. Lehmann and Romano (2005), Testing Statistical
Hypotheses, 3rd ed., section 15.2 (randomisation tests, drawn assignments). Greenland and Robins
(1985), Biometrics 41, 55-68 (Mantel-Haenszel risk difference).
"""

import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import nctdtr, stdtrit

from custmeasure.errors import UsageError
from custmeasure.stats.tails import Floats, check_level

# Up to so many pairs every outcome of the coins is listed; beyond, so many are drawn.
LISTED_PAIRS = 14
DRAWN = 20_000
_SEED = 20261101


@dataclass(frozen=True)
class PairComparison:
    """Treatment against control over pairs of days; what is not defined is NaN, ``code`` says why.

    Attributes
    ----------
    diff, diff_ci_lower, diff_ci_upper
        Weighted mean of the differences within pairs, in the values' unit.
    rel_diff, rel_diff_ci_lower, rel_diff_ci_upper
        The same effect as a factor on the control's value, minus 1.
    p_value
        Share of the outcomes of the coins whose difference is at least as far from 0. Never 0.
    se
        The standard error of ``diff``, from how the pairs' differences scatter.
    control
        The control's value with the same weights: what ``rel_diff`` divides by.
    n_pairs, n_assignments
        Pairs used, and outcomes of the coins that were looked at.
    code
        None, ``TOO_FEW_PAIRS`` (no outcome could be significant), ``ZERO_VARIANCE`` (all pairs differ
        alike: how sure that is, is not known)
        or ``ZERO_BASELINE`` (the relative difference is not defined).
    """

    diff: float = math.nan
    diff_ci_lower: float = math.nan
    diff_ci_upper: float = math.nan
    rel_diff: float = math.nan
    rel_diff_ci_lower: float = math.nan
    rel_diff_ci_upper: float = math.nan
    p_value: float = math.nan
    se: float = math.nan
    control: float = math.nan
    n_pairs: int = 0
    n_assignments: int = 0
    code: str | None = None


def pairs_needed(alpha: float = 0.05) -> int:
    """Return the fewest pairs with which a difference can be significant at all.

    Examples
    --------
    >>> pairs_needed(0.05)
    6
    """
    return math.floor(1 - math.log2(check_level(alpha))) + 1


@functools.lru_cache(maxsize=8)
def coins(n_pairs: int, *, drawn: int = DRAWN, seed: int = _SEED) -> Floats:
    """Return the outcomes of the coins, one a row, +1 where a pair stays as it was.

    All 2^n of them up to `LISTED_PAIRS` pairs, else ``drawn`` ones: half are drawn (the observed one
    is among them) and each has its mirror image, so that the test stays exact and two-sided.

    Returns
    -------
    ndarray
        (n_assignments, n_pairs) of +1 and -1; the first row is the observed one.
    """
    if n_pairs <= LISTED_PAIRS:
        numbers = np.arange(2**n_pairs)[:, None]
        return _kept(np.asarray(1.0 - 2 * (numbers >> np.arange(n_pairs) & 1), dtype=np.float64))
    half = np.random.default_rng(seed).integers(0, 2, (drawn // 2, n_pairs)) * 2.0 - 1
    half[0] = 1
    return _kept(np.vstack([half, -half]))


def _kept(signs: Floats) -> Floats:
    """Return an array that is shared between calls, and so cannot be written to."""
    signs.flags.writeable = False
    return signs


def compare_pairs(
    treatment: ArrayLike, control: ArrayLike, n_t: ArrayLike, n_c: ArrayLike, alpha: float = 0.05
) -> PairComparison:
    """Compare the treatment's days with the control's, pair by pair.

    Parameters
    ----------
    treatment, control
        (n_pairs,) a day's value: a rate, or an amount a visitor.
    n_t, n_c
        (n_pairs,) what the values divide by (visitors), above 0; all 1 where they divide by nothing.
    alpha
        1 - the confidence of the intervals, and the level of the test.

    Raises
    ------
    UsageError
        When the arrays differ in length, a value is not finite, or a divisor is not above 0.

    Examples
    --------
    >>> seen = compare_pairs([0.05] * 7, [0.03, 0.04] * 3 + [0.03], [100] * 7, [100] * 7)
    >>> round(seen.diff, 4), seen.p_value, seen.n_assignments
    (0.0157, 0.015625, 128)
    """
    check_level(alpha)
    value_t, value_c, weight = _checked(treatment, control, n_t, n_c)
    n_pairs = len(weight)
    if n_pairs < pairs_needed(alpha):
        return PairComparison(n_pairs=n_pairs, code="TOO_FEW_PAIRS")
    share = weight / weight.sum()
    gap = value_t - value_c
    signs = coins(n_pairs)
    diff = math.fsum(share * gap)
    if np.ptp(gap) <= 1e-12 * np.abs(gap).max():
        return PairComparison(diff=diff, n_pairs=n_pairs, code="ZERO_VARIANCE")
    lower, upper = _not_refused(signs @ (share * gap), signs @ share, diff, 1.0)
    limits = _limits(lower, upper, alpha)
    rel_diff, rel_limits = _relative(value_t, value_c, share, signs, alpha)
    return PairComparison(
        diff=diff,
        diff_ci_lower=limits[0],
        diff_ci_upper=limits[1],
        rel_diff=rel_diff,
        rel_diff_ci_lower=rel_limits[0],
        rel_diff_ci_upper=rel_limits[1],
        p_value=float(np.mean((lower <= 0) & (upper >= 0))),
        se=_se(gap, share),
        control=math.fsum(share * value_c),
        n_pairs=n_pairs,
        n_assignments=len(signs),
        code=None if math.isfinite(rel_diff) else "ZERO_BASELINE",
    )


def power_of_pairs(diff: float, sd: float, n_pairs: int, alpha: float = 0.05) -> float:
    """Return the chance that ``n_pairs`` alike pairs show a difference ``diff``.

    Parameters
    ----------
    diff
        The true difference.
    sd
        Standard deviation of the differences within pairs.
    n_pairs
        Pairs of days. With too few for any significance the chance is 0.

    Notes
    -----
    The coins' test and the paired t-test agree to the first order (Lehmann and Romano 2005, section
    15.2), so the t-test's exact power stands in for it.
    """
    if n_pairs < pairs_needed(alpha):
        return 0.0
    if sd == 0:
        return float(diff != 0)
    df, shift = n_pairs - 1, abs(diff) / (sd / math.sqrt(n_pairs))
    edge = float(-stdtrit(df, alpha / 2))
    return float(1 - nctdtr(df, shift, edge) + nctdtr(df, shift, -edge))


def _checked(*arrays: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Return the values and the weights n_t n_c / (n_t + n_c): Greenland and Robins (1985)."""
    value_t, value_c, n_t, n_c = (np.asarray(each, dtype=np.float64).ravel() for each in arrays)
    alike = len({len(value_t), len(value_c), len(n_t), len(n_c)}) == 1
    every = np.concatenate([value_t, value_c, n_t, n_c])
    if (
        not alike
        or not np.isfinite(every).all()
        or (np.minimum(n_t, n_c) <= 0 if alike else True).any()
    ):
        raise UsageError(
            ko="짝마다 두 날의 값과 0보다 큰 인원이 있어야 합니다. 값은 모두 유한한 수여야 합니다.",
            en="Every pair needs two finite values and two divisors above 0.",
        )
    return value_t, value_c, n_t * n_c / (n_t + n_c)


def _not_refused(moved: Floats, kept: Floats, diff: float, whole: float) -> tuple[Floats, Floats]:
    """Return, an outcome of the coins, the least and the largest effect x that it does not refuse.

    An outcome speaks for x when |moved - x kept| >= |diff - x whole|. As |kept| <= whole, these x lie
    between (diff - moved) / (whole - kept) and (diff + moved) / (whole + kept), around diff / whole;
    the observed outcome and its mirror image refuse nothing.
    """
    speck = 1e-12 * (abs(diff) + float(np.abs(moved).max()))
    down, up = whole - kept, whole + kept
    never = np.minimum(down, up) <= 1e-12 * whole
    with np.errstate(divide="ignore", invalid="ignore"):
        roots = np.vstack(
            [_snapped(diff - moved, speck) / down, _snapped(diff + moved, speck) / up]
        )
    lower = np.where(never, -np.inf, roots.min(axis=0))
    upper = np.where(never, np.inf, roots.max(axis=0))
    return lower, upper


def _snapped(values: Floats, speck: float) -> Floats:
    """Return the values, what is 0 but for rounding as 0."""
    return np.where(np.abs(values) <= speck, 0.0, values)


def _limits(lower: Floats, upper: Floats, alpha: float) -> tuple[float, float]:
    """Return the interval of the x that at least a share ``alpha`` of the outcomes speaks for."""
    enough = math.ceil(alpha * len(lower) - 1e-9)
    ends = (
        np.partition(lower, enough - 1)[enough - 1],
        -np.partition(-upper, enough - 1)[enough - 1],
    )
    return float(ends[0]), float(ends[1])


def _relative(
    value_t: Floats, value_c: Floats, share: Floats, signs: Floats, alpha: float
) -> tuple[float, tuple[float, float]]:
    """Return the effect as a factor minus 1: the treatment's values are divided by it, then compared."""
    mean_t, mean_c = math.fsum(share * value_t), math.fsum(share * value_c)
    if min(value_t.min(), value_c.min()) < 0 or mean_c <= 0:
        return math.nan, (math.nan, math.nan)
    if mean_t <= 0:
        return -1.0, (math.nan, math.nan)
    # With u = 1 / factor, an outcome speaks for u when |u a - b| >= |u mean_t - mean_c|.
    shrunk = signs @ (share * value_c), signs @ (share * value_t)
    low, high = _limits(*_not_refused(shrunk[0], shrunk[1], mean_c, mean_t), alpha)
    return mean_t / mean_c - 1, (_factor(high), _factor(low) if low > 0 else math.nan)


def _factor(inverse: float) -> float:
    """Return 1 / inverse - 1, exactly 0 where only rounding keeps it from being so."""
    factor = 1 / inverse - 1
    return 0.0 if abs(factor) < 1e-12 else factor


def _se(gap: Floats, share: Floats) -> float:
    n = len(gap)
    scatter = float(((share * (gap - share @ gap)) ** 2).sum())
    return math.sqrt(scatter * n / (n - 1))
