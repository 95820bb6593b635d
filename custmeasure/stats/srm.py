"""Did the variants get the shares of units that were planned: the sample ratio.

When they did not, something between the draw and the count lost units of one variant more than of
another, and no comparison of the two means anything. Chi-square where every expected count is at
least 5, exact below.

References
----------
Fabijan et al. (2019), KDD, "Diagnosing sample ratio mismatch in online controlled experiments" (why,
and the strict level). GrowthBook asks for 8 units a variant before it speaks; so do we.
"""

import math
from collections.abc import Mapping
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
        of each variant against the rest, where there are too many outcomes to list) or ``"none"``.
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
    names = list(shares or counts)
    units = check_counts([counts.get(name, 0) for name in names], "counts")
    planned = _planned(names, counts, shares)
    expected = dict(zip(names, (planned * units.sum()).tolist(), strict=True))
    if len(names) < 2 or units.sum() == 0:
        code = "ONE_VARIANT" if len(names) == 1 else "NO_UNITS"
        return SampleRatio(math.nan, "not_enough", code, expected, "none")
    p_value, method = _test(units, planned)
    status, reason = _judge(units, p_value)
    return SampleRatio(p_value, status, reason, expected, method)


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
