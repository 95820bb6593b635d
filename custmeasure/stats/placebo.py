"""A test of the test: the same units split at random again and again, where no difference can be.

If a metric's test is right, one random split of twenty is "significant" at 5 %. Units with equal values
are alike, so that a split draws how many of each value go to one side: a thousand splits of a hundred
thousand units are one small matrix product.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from custmeasure.stats.adjusted import Columns, shrinking
from custmeasure.stats.joint import Joint
from custmeasure.stats.mean import Moments, compare_means
from custmeasure.stats.proportion import rates_differ
from custmeasure.stats.quantile import design_effect, from_limits, places
from custmeasure.stats.strata import compare_strata
from custmeasure.stats.tails import Floats, check_level

N_SPLITS = 1000
# At 1,000 splits, the share of significant ones lies between these in all but 1 of 16,000 right tests.
LOWEST, HIGHEST = 0.022, 0.078
_MOST_CLASSES = 20_000
MOST_VALUES = 200_000  # of a quantile
_CELLS = 4_000_000  # of one block of draws
SEED = 20260101

Arm = tuple[Floats, Floats, Floats]  # units, means, covariances of one side of every split


@dataclass(frozen=True)
class Placebo:
    """How often random splits were significant.

    Attributes
    ----------
    significant_share
        The share of them; NaN when nothing could be split.
    n_splits, n_units
        How many splits, of how many units.
    """

    significant_share: float
    n_splits: int
    n_units: int

    @property
    def status(self) -> str:
        """``"ok"``, ``"loose"`` (too many false alarms), ``"strict"`` (too few) or ``"not_enough"``."""
        if np.isnan(self.significant_share):
            return "not_enough"
        if self.significant_share > HIGHEST:
            return "loose"
        return "strict" if self.significant_share < LOWEST else "ok"


def random_splits(
    values: ArrayLike,
    n: ArrayLike,
    columns: Columns | None = None,
    *,
    share: float = 0.5,
    alpha: float = 0.05,
    n_splits: int = N_SPLITS,
    seed: int = SEED,
    pooled: bool = False,
) -> Placebo:
    """Return how often two random parts of the same units differ "significantly".

    Parameters
    ----------
    values
        (n_classes, k) the columns of each class of equal units.
    n
        (n_classes,) how many units each class has.
    columns
        Which columns make the metric; the mean of the first when not given. A first column of only 0
        and 1 alone is a rate and is tested as `compare_rates` does, all else as `compare`.
    share
        The chance of a unit to fall on the treatment's side.
    alpha, n_splits, seed
        Level, number of splits, and the seed of the draws.
    pooled
        Whether both parts are taken to vary alike, as `compare` with ``pooled``.

    Examples
    --------
    >>> seen = random_splits([[0.0], [1.0]], [970, 30])
    >>> seen.n_splits, seen.n_units, seen.status
    (1000, 1000, 'ok')
    """
    wanted = columns or Columns()
    rows, sizes = _reduced(np.asarray(values, np.float64), np.asarray(n, np.float64))
    n_units = int(sizes.sum())
    if n_units < 4 or not len(rows) or _is_constant(rows, wanted):
        return Placebo(np.nan, 0, n_units)
    draws = np.random.default_rng(seed)
    block = max(1, _CELLS // len(rows))
    found: list[Floats] = []
    for start in range(0, n_splits, block):
        drawn = _drawn(draws, sizes, check_level(share, "share"), min(block, n_splits - start))
        found.append(_significant(rows, sizes, drawn, wanted, alpha, pooled=pooled))
    return Placebo(float(np.concatenate(found).mean()), n_splits, n_units)


def random_strata_splits(
    values: ArrayLike,
    n: ArrayLike,
    strata: ArrayLike,
    columns: Columns | None = None,
    *,
    share: float = 0.5,
    alpha: float = 0.05,
    n_splits: int = N_SPLITS,
    seed: int = SEED,
    pooled: bool = False,
) -> Placebo:
    """Return how often two random parts of the same units differ when compared inside strata.

    Parameters
    ----------
    values, n
        As `random_splits`.
    strata
        (n_classes,) to which stratum each class belongs.
    columns, share, alpha, n_splits, seed, pooled
        As `random_splits`; the test is `compare_strata`.
    """
    wanted = columns or Columns()
    rows, sizes = np.asarray(values, np.float64), np.asarray(n, np.float64)
    n_units = int(sizes.sum())
    if n_units < 4 or not len(rows) or _is_constant(rows, wanted):
        return Placebo(np.nan, 0, n_units)
    draws = np.random.default_rng(seed)
    arms: list[tuple[list[Joint], list[Joint]]] = []
    for stratum in np.unique(np.asarray(strata)):
        kept = np.asarray(strata) == stratum
        some, whole = _reduced(rows[kept], sizes[kept])
        drawn = _drawn(draws, whole, check_level(share, "share"), n_splits)
        arms.append((_joints(drawn, some), _joints(whole - drawn, some)))
    found = [
        compare_strata([(t[i], c[i]) for t, c in arms], wanted, alpha, pooled=pooled).p_value
        for i in range(n_splits)
    ]
    return Placebo(float((np.array(found) < alpha).mean()), n_splits, n_units)


def _joints(drawn: Floats, rows: Floats) -> list[Joint]:
    """Return one side of every split as a sample."""
    centre = rows.mean(axis=0)
    n = drawn.sum(axis=1)
    clipped, mean, cov = _moments(drawn, rows - centre)
    mean = mean * (clipped / np.maximum(n, 1.0))[:, None] + centre
    k = np.arange(rows.shape[1])
    cov[:, k, k] = np.maximum(cov[:, k, k], 0.0)
    return [Joint(int(a), b, c) for a, b, c in zip(n, mean, cov, strict=True)]


def random_quantile_splits(
    values: ArrayLike,
    units: ArrayLike,
    quantile: float,
    *,
    share: float = 0.5,
    alpha: float = 0.05,
    n_splits: int = N_SPLITS,
    seed: int = SEED,
) -> Placebo:
    """Return how often a quantile of two random parts of the same units differs "significantly".

    Parameters
    ----------
    values
        (n_values,) the values of all units.
    units
        (n_values,) whose each is: whole numbers from 0.
    quantile
        The quantile's share, 0.5 for the median.
    share, alpha, n_splits, seed
        As `random_splits`.
    """
    order = np.argsort(np.asarray(values), kind="stable")
    ranked, owner = np.asarray(values, np.float64)[order], np.asarray(units, np.int64)[order]
    n_units = int(owner.max()) + 1 if len(owner) else 0
    if n_units < 4 or ranked[0] == ranked[-1]:
        return Placebo(np.nan, 0, n_units)
    draws = np.random.default_rng(seed)
    found = 0
    for _ in range(n_splits):
        side = (draws.random(n_units) < check_level(share, "share"))[owner]
        one, other = (_quantile_of(ranked[kept], owner[kept], quantile) for kept in (side, ~side))
        found += compare_means(one, other, alpha).p_value < alpha
    return Placebo(found / n_splits, n_splits, n_units)


def _quantile_of(ranked: Floats, owner: NDArray[np.int64], share: float) -> Moments:
    """Return a part's quantile as a mean a unit; without variance where its values are too few."""
    n = len(ranked)
    if not n:
        return Moments(0)
    middle = ranked[max(math.ceil(n * share), 1) - 1]
    counted = np.bincount(owner)
    below = np.bincount(owner[: np.searchsorted(ranked, middle, "right")], minlength=len(counted))
    kept = counted > 0
    design = design_effect(Joint.from_values(below[kept], counted[kept]), share)
    found = places(n, share, max(design, 1.0)) if math.isfinite(design) else None
    if found is None:
        return Moments(1, float(middle))
    at, low, high = (float(ranked[place - 1]) for place in found)
    n_units = int(kept.sum())
    return Moments(n_units, at, from_limits(n, at, low, high).se ** 2 * n_units)


def _is_constant(rows: Floats, columns: Columns) -> bool:
    used = [i for i in (columns.numerator, columns.denominator) if i is not None]
    return bool((rows[:, used] == rows[0, used]).all())


def _reduced(rows: Floats, sizes: Floats) -> tuple[Floats, Floats]:
    """Return fewer classes where there are very many: values rounded to their first digits."""
    digits = 4
    while len(rows) > _MOST_CLASSES and digits > 1:
        digits -= 1
        size = np.where(rows == 0, 1.0, 10.0 ** (np.floor(np.log10(np.abs(rows) + (rows == 0)))))
        rounded = np.round(rows / size, digits - 1) * size
        rows, place = np.unique(rounded, axis=0, return_inverse=True)
        sizes = np.bincount(place.ravel(), sizes).astype(np.float64)
    return rows, sizes


def _drawn(draws: np.random.Generator, sizes: Floats, share: float, n_splits: int) -> Floats:
    """Return (n_splits, n_classes) how many units of each class fall on one side."""
    drawn = np.empty((n_splits, len(sizes)))
    single = sizes == 1
    drawn[:, single] = draws.random((n_splits, int(single.sum())), dtype=np.float32) < share
    drawn[:, ~single] = draws.binomial(
        sizes[~single].astype(np.int64), share, (n_splits, int((~single).sum()))
    )
    return drawn


def _significant(
    rows: Floats, sizes: Floats, drawn: Floats, columns: Columns, alpha: float, *, pooled: bool
) -> Floats:
    """Return for each split whether its two sides differ at ``alpha``."""
    top = rows[:, columns.numerator]
    is_rate = columns == Columns() and set(np.unique(top)) <= {0.0, 1.0}
    if is_rate:
        k_t, n_t = drawn @ top, drawn.sum(axis=1)
        return rates_differ(k_t, n_t, sizes @ top - k_t, sizes.sum() - n_t, alpha).astype(
            np.float64
        )
    centre = sizes @ rows / sizes.sum()
    away = rows - centre
    treatment = _moments(drawn, away)
    control = _moments(sizes - drawn, away)
    if pooled:
        treatment, control = _one_spread(treatment, control)
    cov = (away * sizes[:, None]).T @ away / max(sizes.sum() - 1, 1)
    whole = Joint(int(sizes.sum()), centre, cov)
    theta = shrinking(whole, Joint(0, centre, cov), columns)
    value_t, var_t = _estimates(treatment, centre, columns, theta)
    value_c, var_c = _estimates(control, centre, columns, theta)
    with np.errstate(invalid="ignore", divide="ignore"):
        se = np.sqrt(var_t + var_c)
        share = var_t / se**2
        df = 1 / (share**2 / (treatment[0] - 1) + (1 - share) ** 2 / (control[0] - 1))
        df = treatment[0] + control[0] - 2 if pooled else df
        beyond = np.abs(value_t - value_c) > -stdtrit(df, alpha / 2) * se
    return np.where(np.isfinite(se), beyond, False).astype(np.float64)


def _one_spread(treatment: Arm, control: Arm) -> tuple[Arm, Arm]:
    """Return both sides of every split with the covariances that they have together."""
    (n_t, mean_t, cov_t), (n_c, mean_c, cov_c) = treatment, control
    more_t, more_c = (n[:, None, None] - 1 for n in (n_t, n_c))
    cov = (more_t * cov_t + more_c * cov_c) / (more_t + more_c)
    return (n_t, mean_t, cov), (n_c, mean_c, cov)


def _moments(drawn: Floats, away: Floats) -> Arm:
    """Return (n_splits,) units, (n_splits, k) means away from the centre, (n_splits, k, k) covariances."""
    k = away.shape[1]
    n = np.maximum(drawn.sum(axis=1), 2.0)
    mean = drawn @ away / n[:, None]
    products = (away[:, :, None] * away[:, None, :]).reshape(len(away), k * k)
    squares = (drawn @ products).reshape(-1, k, k)
    between = n[:, None, None] * mean[:, :, None] * mean[:, None, :]
    return n, mean, (squares - between) / (n - 1)[:, None, None]


def _estimates(arm: Arm, centre: Floats, columns: Columns, theta: float) -> tuple[Floats, Floats]:
    """Return each split's value and its sampling variance: `compare`'s, for many samples at once."""
    n, mean, cov = arm
    value, slope = _ratios(mean + centre, columns.numerator, columns.denominator)
    if theta and columns.covariate is not None:
        before, other = _ratios(mean + centre, columns.covariate, columns.covariate_denominator)
        value, slope = value - theta * before, slope - theta * other
    return value, np.einsum("si,sij,sj->s", slope, cov, slope) / n


def _ratios(means: Floats, top: int, bottom: int | None) -> tuple[Floats, Floats]:
    slope = np.zeros_like(means)
    if bottom is None:
        slope[:, top] = 1.0
        return means[:, top], slope
    below = np.where(means[:, bottom] == 0, np.nan, means[:, bottom])
    value = means[:, top] / below
    slope[:, top] += 1 / below
    slope[:, bottom] -= value / below
    return value, slope
