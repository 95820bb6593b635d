"""Many past tests: what each effect probably was, what they have in common, which kinds of copy worked.

A test that came out best is, on average, partly lucky (the winner's curse). `shrink` draws every effect
towards what tests of this shop usually give, a small test more than a large one. `pool` says what they
usually give and how much they differ; `tag_effects` does so a kind of copy, each test having one or
more kinds, all kinds at once, so that proof is not credited with what the price did.

True effects are taken to be normal around a common mean with a spread between tests that the tests
themselves show. How little they show about that spread is counted in: `shrink` averages over every
spread the tests allow, `pool` and `tag_effects` use Hartung and Knapp's interval.

References
----------
Paule and Mandel (1982), J. Res. Natl. Bur. Stand. 87, 377-385 (the spread). DerSimonian and Laird
(1986), Controlled Clinical Trials 7, 177-188. Hartung and Knapp (2001), Statistics in Medicine 20,
3875-3889; Knapp and Hartung (2003), Statistics in Medicine 22, 2693-2710 (the interval, with regression,
never narrower than without). Gelman et al. (2013), Bayesian Data Analysis, 3rd ed., section 5.4. Gelman
(2006), Bayesian Analysis 1, 515-533, and Röver et al. (2021), Research Synthesis Methods 12, 448-474
(flat and half-normal priors of the spread).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, ndtr, ndtri, stdtr, stdtrit

from custmeasure.errors import DataError
from custmeasure.stats.quadrature import gauss_legendre
from custmeasure.stats.roots import falling_root
from custmeasure.stats.tails import Floats, above_zero, check_level

# Fewer tests say nothing about how much tests differ.
FEWEST_TESTS = 3
_N_NODES = 160


@dataclass(frozen=True)
class Pooled:
    """What tests have in common; NaN where too few tests say it.

    Attributes
    ----------
    n_tests
        Tests pooled.
    mean, ci_lower, ci_upper
        The mean effect of such tests.
    next_lower, next_upper
        Where the true effect of the next such test lies with the same confidence.
    tau
        Standard deviation of the true effects between tests.
    i_squared
        The share of the variation that is not chance.
    p_alike
        P-value of "all tests have the same effect".
    """

    n_tests: int
    mean: float = math.nan
    ci_lower: float = math.nan
    ci_upper: float = math.nan
    next_lower: float = math.nan
    next_upper: float = math.nan
    tau: float = math.nan
    i_squared: float = math.nan
    p_alike: float = math.nan


@dataclass(frozen=True)
class Shrunk:
    """What the true effects probably were.

    Attributes
    ----------
    effect, ci_lower, ci_upper
        (n_tests,) each test's effect after the others were heard, and its interval.
    own_weight
        (n_tests,) how much of it is the test's own evidence: 1 alone, 0 all borrowed.
    mean, tau
        The mean of all tests and the spread of their true effects.
    code
        None, or ``TOO_FEW_TESTS``: under three, each test is left as it is.
    """

    effect: Floats
    ci_lower: Floats
    ci_upper: Floats
    own_weight: Floats
    mean: float
    tau: float
    code: str | None = None


@dataclass(frozen=True)
class TagEffect:
    """What one kind of copy adds.

    Attributes
    ----------
    n_tests
        Tests in which it differs between the variants.
    mean, ci_lower, ci_upper, p_value
        Its mean effect, the other kinds of the same tests taken into account.
    code
        None, ``TOO_FEW_TESTS`` (none left to see how much tests differ) or ``CONFOUNDED`` (always
        together with the same other kinds: whose effect it is cannot be told).
    """

    n_tests: int
    mean: float = math.nan
    ci_lower: float = math.nan
    ci_upper: float = math.nan
    p_value: float = math.nan
    code: str | None = None


def pool(effects: ArrayLike, ses: ArrayLike, alpha: float = 0.05) -> Pooled:
    """Return what tests have in common: a random-effects mean.

    Parameters
    ----------
    effects, ses
        (n_tests,) effects in one unit (such as relative differences) and their standard errors.
    alpha
        1 - the confidence of the intervals.

    Raises
    ------
    DataError
        For an effect that is not finite or a standard error that is not above 0.

    Examples
    --------
    >>> seen = pool([0.10, 0.02, 0.06], [0.02, 0.03, 0.04])
    >>> [round(x, 3) for x in (seen.mean, seen.ci_lower, seen.ci_upper, seen.tau)]
    [0.065, -0.041, 0.17, 0.031]
    """
    y, variances = _checked(effects, ses)
    check_level(alpha)
    k = len(y)
    if k < 2:
        return Pooled(k)
    ones = np.ones((k, 1))
    tau2 = _paule_mandel(y, variances, ones)
    beta, cov = _fitted(y, variances + tau2, ones)
    mean, se = float(beta[0]), math.sqrt(cov[0, 0])
    q = _residual(y, variances, ones)
    half = _t(k - 1, alpha) * se
    ahead = _ahead(y, variances, alpha) if k >= FEWEST_TESTS else (math.nan, math.nan)
    i_squared = max(0.0, 1 - (k - 1) / q) if q > 0 else 0.0
    p_alike = above_zero(float(chdtrc(k - 1, q)))
    return Pooled(k, mean, mean - half, mean + half, *ahead, math.sqrt(tau2), i_squared, p_alike)


def shrink(
    effects: ArrayLike, ses: ArrayLike, alpha: float = 0.05, *, usual_spread: float | None = None
) -> Shrunk:
    """Return what the true effects of tests probably were, all tests together.

    Parameters
    ----------
    effects, ses, alpha
        As `pool`. Give every test that was run: leaving out those that failed brings the luck back.
    usual_spread
        How much true effects usually differ (half-normal scale): 0.1 for relative differences of
        copy says that a third of them is beyond ±10 %. With few tests it decides how much is
        borrowed; with many it hardly matters. Nothing is assumed when not given.

    Raises
    ------
    DataError
        As `pool`.

    Examples
    --------
    >>> seen = shrink([0.20, 0.01, -0.02, 0.03, 0.00], [0.08, 0.03, 0.04, 0.03, 0.05])
    >>> seen.effect.round(3).tolist()
    [0.077, 0.015, 0.001, 0.026, 0.013]
    """
    y, variances = _checked(effects, ses)
    check_level(alpha)
    if usual_spread is not None and not 0 < usual_spread < math.inf:
        raise DataError(
            ko=f"usual_spread {usual_spread}: 0보다 큰 수여야 합니다.",
            en=f"usual_spread {usual_spread} must be above 0.",
        )
    if len(y) < (2 if usual_spread else FEWEST_TESTS):
        half = -float(ndtri(alpha / 2)) * np.sqrt(variances)
        alone = np.ones(len(y))
        return Shrunk(y, y - half, y + half, alone, math.nan, math.nan, "TOO_FEW_TESTS")
    taus, weight = _spreads(y, variances, usual_spread)
    total = variances + taus[:, None] ** 2
    centre, centre_var = _centres(y, total)
    share = taus[:, None] ** 2 / total
    # Gelman et al. (2013), eq. 5.17 averaged over the mean (5.20) at each spread.
    at = share * y + (1 - share) * centre[:, None]
    var = share * variances + (1 - share) ** 2 * centre_var[:, None]
    effect = weight @ at
    lower, upper = _mixture_ends(at, np.sqrt(var), weight, alpha)
    return Shrunk(
        effect, lower, upper, weight @ share, float(weight @ centre), float(weight @ taus)
    )


def tag_effects(
    effects: ArrayLike,
    ses: ArrayLike,
    tags: Sequence[Mapping[str, float]],
    alpha: float = 0.05,
) -> dict[str, TagEffect]:
    """Return what each kind of copy adds, by a random-effects regression of all tests.

    Parameters
    ----------
    effects, ses, alpha
        As `pool`; each effect is treatment - control.
    tags
        (n_tests,) tag → 1 when the treatment has it and the control has not, -1 the other way round.
        What both have, or neither, is left out (or 0).

    Returns
    -------
    dict
        By tag, in the order of their first appearance.

    Raises
    ------
    DataError
        As `pool`, and when there is not one set of tags a test.

    Examples
    --------
    >>> kinds = [{"proof": 1}, {"proof": 1}, {"proof": 1, "price": 1}, {"price": 1}, {"price": -1}]
    >>> seen = tag_effects([0.08, 0.10, 0.07, -0.02, 0.03], [0.02] * 5, kinds)
    >>> [(tag, seen[tag].n_tests, round(seen[tag].mean, 2)) for tag in seen]
    [('proof', 3, 0.09), ('price', 3, -0.02)]
    """
    y, variances = _checked(effects, ses)
    check_level(alpha)
    if len(tags) != len(y):
        raise DataError(
            ko=f"시험 {len(y)}개에 꼬리표 묶음이 {len(tags)}개입니다. 시험마다 하나씩 주십시오.",
            en=f"{len(y)} tests but {len(tags)} sets of tags. Give one set a test.",
        )
    names = list(dict.fromkeys(name for test in tags for name, sign in test.items() if sign))
    design = np.array([[float(test.get(name, 0)) for name in names] for test in tags])
    if not names:
        return {}
    counts = (design != 0).sum(axis=0)
    df = len(y) - int(np.linalg.matrix_rank(design))
    if df < 1:
        return {
            name: TagEffect(int(n), code="TOO_FEW_TESTS")
            for name, n in zip(names, counts, strict=True)
        }
    tau2 = _paule_mandel(y, variances, design)
    beta, cov = _fitted(y, variances + tau2, design)
    apart = _is_apart(design)
    return {
        name: _tag(int(counts[j]), float(beta[j]), float(cov[j, j]), df, alpha, bool(apart[j]))
        for j, name in enumerate(names)
    }


def spread_dersimonian_laird(effects: ArrayLike, ses: ArrayLike) -> float:
    """Return the spread by the moment formula: DerSimonian and Laird (1986), eq. 8, as tau.

    Examples
    --------
    >>> round(spread_dersimonian_laird([0.10, 0.02, 0.06], [0.02, 0.03, 0.04]), 4)
    0.0358
    """
    y, variances = _checked(effects, ses)
    weights = 1 / variances
    q = _residual(y, variances, np.ones((len(y), 1)))
    scale = weights.sum() - (weights**2).sum() / weights.sum()
    return math.sqrt(max(0.0, (q - (len(y) - 1)) / scale)) if scale > 0 else math.nan


def _tag(n: int, mean: float, var: float, df: int, alpha: float, apart: bool) -> TagEffect:
    if not apart:
        return TagEffect(n, code="CONFOUNDED")
    se = math.sqrt(var)
    half = _t(df, alpha) * se
    p_value = above_zero(2 * float(stdtr(df, -abs(mean) / se)))
    return TagEffect(n, mean, mean - half, mean + half, p_value)


def _is_apart(design: Floats) -> Floats:
    """Return whether each column's effect is determined: its unit vector is in the row space."""
    kept = np.linalg.pinv(design) @ design
    return np.asarray(np.abs(np.diag(kept) - 1) < 1e-8)


def _paule_mandel(y: Floats, variances: Floats, design: Floats) -> float:
    """Return tau² at which the residual equals its degrees of freedom: Paule and Mandel (1982)."""
    df = len(y) - int(np.linalg.matrix_rank(design))
    most = 10 * float(np.abs(y).max() ** 2 + variances.max()) * len(y)
    return falling_root(lambda tau2: _residual(y, variances + tau2, design) - df, 0.0, most, 1e-12)


def _residual(y: Floats, total: Floats, design: Floats) -> float:
    """Return the weighted sum of squares that a weighted regression leaves."""
    root = 1 / np.sqrt(total)
    beta = np.linalg.lstsq(design * root[:, None], y * root, rcond=None)[0]
    return float((((y - design @ beta) * root) ** 2).sum())


def _fitted(y: Floats, total: Floats, design: Floats) -> tuple[Floats, Floats]:
    """Return coefficients and their covariance: Knapp and Hartung (2003), eq. 9, factor at least 1."""
    root = 1 / np.sqrt(total)
    inverse = np.linalg.pinv((design * root[:, None]).T @ (design * root[:, None]))
    beta = inverse @ (design.T @ (y / total))
    df = len(y) - int(np.linalg.matrix_rank(design))
    factor = max(1.0, float((((y - design @ beta) * root) ** 2).sum()) / df)
    return np.asarray(beta), np.asarray(factor * inverse, dtype=np.float64)


def _centres(y: Floats, total: Floats) -> tuple[Floats, Floats]:
    """Return the common mean and its variance at each spread: Gelman et al. (2013), eq. 5.20."""
    var = 1 / (1 / total).sum(axis=1)
    return np.asarray((y / total).sum(axis=1) * var), np.asarray(var)


def _spreads(y: Floats, variances: Floats, usual: float | None = None) -> tuple[Floats, Floats]:
    """Return spreads and how likely each is: Gelman et al. (2013), eq. 5.21, with its prior."""
    scale = math.sqrt(float(variances.mean()) + float(y.var()))
    nodes, weights = gauss_legendre(_N_NODES)
    share = (nodes + 1) / 2
    taus = scale * share / (1 - share)
    total = variances + taus[:, None] ** 2
    centre, centre_var = _centres(y, total)
    misfit = ((y - centre[:, None]) ** 2 / total + np.log(total)).sum(axis=1)
    prior = (taus / usual) ** 2 if usual else 0.0
    log_chance = 0.5 * (np.log(centre_var) - misfit - prior) - 2 * np.log1p(-share)
    weight = weights * np.exp(log_chance - log_chance.max())
    return taus, np.asarray(weight / weight.sum(), dtype=np.float64)


def _ahead(y: Floats, variances: Floats, alpha: float) -> tuple[float, float]:
    """Return where the next test's true effect lies, averaged over every spread."""
    taus, weight = _spreads(y, variances)
    centre, centre_var = _centres(y, variances + taus[:, None] ** 2)
    sd = np.sqrt(centre_var + taus**2)
    lower, upper = _mixture_ends(centre[:, None], sd[:, None], weight, alpha)
    return float(lower[0]), float(upper[0])


def _mixture_ends(at: Floats, sd: Floats, weight: Floats, alpha: float) -> tuple[Floats, Floats]:
    """Return the equal-tailed ends of mixtures of normals, one a column."""

    def end(j: int, share: float) -> float:
        reach = 40 * sd[:, j].max()
        return falling_root(
            lambda x: float(weight @ ndtr((at[:, j] - x) / sd[:, j])) - share,
            at[:, j].min() - reach, at[:, j].max() + reach, 1e-10,
        )  # fmt: skip

    columns = range(at.shape[1])
    lower, upper = ([end(j, share) for j in columns] for share in (1 - alpha / 2, alpha / 2))
    return np.array(lower), np.array(upper)


def _t(df: int, alpha: float) -> float:
    return float(-stdtrit(df, alpha / 2))


def _checked(effects: ArrayLike, ses: ArrayLike) -> tuple[Floats, Floats]:
    try:
        y = np.atleast_1d(np.asarray(effects, dtype=np.float64))
        se = np.atleast_1d(np.asarray(ses, dtype=np.float64))
    except (TypeError, ValueError):
        y, se = np.zeros(0), np.ones(1)
    if y.shape != se.shape or y.ndim != 1 or not np.isfinite(y).all() or not (
        np.isfinite(se) & (se > 0)
    ).all():  # fmt: skip
        raise DataError(
            ko="시험마다 효과(수)와 0보다 큰 표준오차를 하나씩 주십시오.",
            en="Give each test an effect, a number, and a standard error above 0.",
        )
    return y, se**2
