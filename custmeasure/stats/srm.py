"""Did the variants get the shares of units that were planned: the sample ratio.

When they did not, something between the draw and the count lost units of one variant more than of
another, and no comparison of the two means anything. Chi-square where every expected count is at
least 5, exact below: `sample_ratio`, for one look. A split that is looked at every day is wrong now and
then by chance alone; `anytime_sample_ratio` may be looked at as often as one likes.

References
----------
Fabijan et al. (2019), KDD, "Diagnosing sample ratio mismatch in online controlled experiments" (why,
and the strict level). Lindon and Malek (2020), "Anytime-valid inference for multinomial count data",
arXiv:2011.03567 (the Dirichlet-multinomial test martingale). GrowthBook asks for 8 units a variant
before it speaks; so do we.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc, gammaln

from custmeasure.errors import UnknownName, UsageError
from custmeasure.stats.tails import Floats, above_zero, check_counts

INVALID_BELOW = 0.001
WARN_BELOW = 0.01
MIN_UNITS_A_VARIANT = 8
CHI_SQUARE_FROM = 5.0
# More outcomes than this are not listed one by one.
MAX_OUTCOMES = 200_000
# How near the plan a broken split is thought to be, as if so many units had been seen before.
CONCENTRATION = 500.0


@dataclass(frozen=True)
class SampleRatio:
    """The check of a split.

    Attributes
    ----------
    p_value
        Chance of a split at least this far from the plan when the plan was kept; NaN when there
        are no units or no two variants.
    status
        ``"ok"``, ``"warn"`` (p < 0.01), ``"invalid"`` (p < 0.001) or ``"not_enough"`` (fewer than 8
        units a variant on average).
    code
        None, or ``SRM`` (p < 0.01), ``EMPTY_VARIANT`` (a variant has no unit where another has 8 or
        more), ``TOO_FEW_UNITS``, ``NO_UNITS``, ``ONE_VARIANT``.
    expected
        Units that each variant should have.
    method
        ``"chi-square"``, ``"exact"`` (binomial or multinomial), ``"bonferroni"`` (exact binomials
        of each variant against the rest, where there are too many outcomes to list), ``"anytime"``
        (always valid) or ``"none"``.
    """

    p_value: float
    status: str
    code: str | None
    expected: dict[str, float]
    method: str


def sample_ratio(
    counts: Mapping[str, int], shares: Mapping[str, float] | None = None
) -> SampleRatio:
    """Check the units of each variant against the planned shares.

    Parameters
    ----------
    counts
        Units by variant. A declared variant without units is a count of 0, or left out.
    shares
        Planned share by variant, in any positive unit (``{"A": 10, "B": 1}``); equal when not given.

    Raises
    ------
    UsageError
        When counts are no counts, or a share is not above 0.
    UnknownName
        When a variant of ``counts`` has no share.

    Examples
    --------
    >>> sample_ratio({"A": 5000, "B": 5200}).status
    'ok'
    >>> sample_ratio({"A": 50_000, "B": 5_000}, {"A": 10, "B": 1}).p_value
    1.0
    """
    return _checked_split(counts, shares, _test)


def anytime_sample_ratio(
    counts: Mapping[str, int],
    shares: Mapping[str, float] | None = None,
    *,
    concentration: float = CONCENTRATION,
) -> SampleRatio:
    """Check the split of a test that is looked at again and again.

    Over all looks together, a split that is as planned is called broken in at most 1 of 1,000 tests. At
    one look it needs more units than `sample_ratio` to see the same.

    Parameters
    ----------
    counts, shares
        As `sample_ratio`; the counts so far, of all days together.
    concentration
        Large to see a split that is slightly wrong, small to see a badly wrong one sooner. Fixed
        before the test.

    Raises
    ------
    UsageError
        As `sample_ratio`, and for a concentration not above 0.

    Examples
    --------
    >>> round(anytime_sample_ratio({"A": 5000, "B": 5200}).p_value, 3)
    0.714
    >>> anytime_sample_ratio({"A": 5000, "B": 5600}).status
    'invalid'
    """
    if not 0 < concentration < math.inf:
        raise UsageError(
            ko=f"concentration {concentration}: 0보다 큰 수여야 합니다.",
            en=f"concentration {concentration} must be above 0.",
        )

    def test(units: Floats, planned: Floats) -> tuple[float, str]:
        log_e = _log_e_value(units, planned, concentration)
        return above_zero(math.exp(min(-log_e, 0.0))), "anytime"

    return _checked_split(counts, shares, test)


def _checked_split(
    counts: Mapping[str, int],
    shares: Mapping[str, float] | None,
    test: Callable[[Floats, Floats], tuple[float, str]],
) -> SampleRatio:
    names = list(shares or counts)
    units = check_counts([counts.get(name, 0) for name in names], "counts")
    planned = _planned(names, counts, shares)
    expected = dict(zip(names, (planned * units.sum()).tolist(), strict=True))
    if len(names) < 2 or units.sum() == 0:
        code = "ONE_VARIANT" if len(names) == 1 else "NO_UNITS"
        return SampleRatio(math.nan, "not_enough", code, expected, "none")
    p_value, method = test(units, planned)
    status, reason = _judge(units, p_value)
    return SampleRatio(p_value, status, reason, expected, method)


def _log_e_value(units: Floats, planned: Floats, concentration: float) -> float:
    """Return ln of the Bayes factor against the plan, a martingale under it.

    The Dirichlet-multinomial chance of the units, in any order of arrival, ÷ the multinomial one:
    Lindon and Malek (2020), section 2.
    """
    prior = concentration * planned
    mixed = (gammaln(prior + units) - gammaln(prior)).sum()
    scale = gammaln(concentration) - gammaln(concentration + units.sum())
    return float(scale + mixed - units @ np.log(planned))


def _planned(
    names: list[str], counts: Mapping[str, int], shares: Mapping[str, float] | None
) -> Floats:
    if unknown := [name for name in counts if name not in names]:
        raise UnknownName("variant", unknown[0], names, where="shares")
    weights = _weights([(shares or {}).get(name, 1.0) for name in names])
    if not (np.isfinite(weights) & (weights > 0)).all():
        raise UsageError(
            ko=f"계획한 배분 {dict(shares or {})}: 모든 안의 배분은 0보다 큰 수여야 합니다.",
            en=f"Planned shares {dict(shares or {})}: every variant's share must be above 0.",
        )
    planned: Floats = weights / weights.sum()
    return planned


def _weights(shares: list[float]) -> Floats:
    try:
        return np.array(shares, dtype=np.float64)
    except (TypeError, ValueError):
        return np.array([math.nan])


def _test(units: Floats, planned: Floats) -> tuple[float, str]:
    expected = planned * units.sum()
    if expected.min() >= CHI_SQUARE_FROM or units.sum() > MAX_OUTCOMES:
        statistic = float(((units - expected) ** 2 / expected).sum())
        return above_zero(float(chdtrc(len(units) - 1, statistic))), "chi-square"
    n, arms = int(units.sum()), len(units)
    if arms == 2 or math.comb(n + arms - 1, arms - 1) <= MAX_OUTCOMES:
        return _exact(units, planned, _outcomes(n, arms)), "exact"
    apart = [_one_against_rest(k, n, share) for k, share in zip(units, planned, strict=True)]
    return above_zero(arms * min(apart)), "bonferroni"


def _one_against_rest(k: float, n: int, share: float) -> float:
    return _exact(np.array([k, n - k]), np.array([share, 1 - share]), _outcomes(n, 2))


def _exact(units: Floats, planned: Floats, outcomes: Floats) -> float:
    """Return the chance of an outcome no likelier than the one seen, as R's binom.test."""
    log_seen = _log_chance(units[None, :], planned)[0]
    log_all = _log_chance(outcomes, planned)
    # The slack takes in outcomes that are equally likely up to rounding.
    return above_zero(float(np.exp(log_all[log_all <= log_seen + 1e-7]).sum()))


def _log_chance(outcomes: Floats, planned: Floats) -> Floats:
    ways = gammaln(outcomes[0].sum() + 1) - gammaln(outcomes + 1).sum(axis=1)
    return np.asarray(ways + outcomes @ np.log(planned), dtype=np.float64)


def _outcomes(n: int, arms: int) -> Floats:
    """Return every way to put ``n`` units into ``arms`` variants, one a row."""
    rows, left = np.zeros((1, 0)), np.array([n])
    for _ in range(arms - 1):
        ways = left + 1
        first = np.repeat(np.cumsum(ways) - ways, ways)
        column = np.arange(ways.sum()) - first
        rows = np.column_stack([np.repeat(rows, ways, axis=0), column])
        left = np.repeat(left, ways) - column
    return np.column_stack([rows, left])


def _judge(units: Floats, p_value: float) -> tuple[str, str | None]:
    empty = units.min() == 0 and units.max() >= MIN_UNITS_A_VARIANT
    enough = units.sum() >= MIN_UNITS_A_VARIANT * len(units)
    if not enough and not empty:
        return "not_enough", "TOO_FEW_UNITS"
    if p_value < INVALID_BELOW:
        return "invalid", "EMPTY_VARIANT" if empty else "SRM"
    if empty:
        return "warn", "EMPTY_VARIANT"
    return ("warn", "SRM") if p_value < WARN_BELOW else ("ok", None)
