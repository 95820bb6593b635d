"""Several rates at once: are they alike, are they what was targeted.

One answer for the whole set, before anybody looks for the one that stands out.

References
----------
Pearson (1900), Philosophical Magazine 50, 157-175. Without continuity correction.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc

from custmeasure.errors import UsageError
from custmeasure.stats.tails import Floats, above_zero, check_counts, check_level


@dataclass(frozen=True)
class ChiSquare:
    """A chi-square test; NaN where there is nothing to test."""

    statistic: float = math.nan
    df: int = 0
    p_value: float = math.nan


def rates_alike(k: ArrayLike, n: ArrayLike) -> ChiSquare:
    """Test whether all rates ``k / n`` are the same.

    Parameters
    ----------
    k, n
        (n_groups,) conversions and units.

    Returns
    -------
    ChiSquare
        NaN for fewer than two groups with units, and when nobody or everybody converted.

    Raises
    ------
    UsageError
        For counts that are no counts, or more conversions than units.

    Examples
    --------
    >>> seen = rates_alike([40, 50], [100, 100])
    >>> round(seen.statistic, 3), seen.df, round(seen.p_value, 3)
    (2.02, 1, 0.155)
    """
    conversions, units = _checked(k, n)
    total = units.sum()
    share = conversions.sum() / total if total else math.nan
    return _against(conversions, units, share, len(units) - 1)


def rates_on_target(k: ArrayLike, n: ArrayLike, target: float) -> ChiSquare:
    """Test whether all rates are ``target``, one rate or several; arguments as `rates_alike`.

    Examples
    --------
    >>> round(rates_on_target([73], [86], 0.9).p_value, 4)
    0.1138
    """
    conversions, units = _checked(k, n)
    return _against(conversions, units, check_level(target, "target"), len(units))


def _against(k: Floats, n: Floats, share: float, df: int) -> ChiSquare:
    if df < 1 or not 0 < share < 1:
        return ChiSquare()
    expected = n * share
    # Pearson (1900): the conversions' and the others' cells together.
    statistic = float(((k - expected) ** 2 / (expected * (1 - share))).sum())
    return ChiSquare(statistic, df, above_zero(float(chdtrc(df, statistic))))


def _checked(k: ArrayLike, n: ArrayLike) -> tuple[Floats, Floats]:
    conversions, units = np.broadcast_arrays(
        np.atleast_1d(check_counts(k, "k")), np.atleast_1d(check_counts(n, "n"))
    )
    if (conversions > units).any():
        raise UsageError(
            ko="전환 수가 인원보다 많습니다. 한 사람의 전환은 한 번만 세어 주십시오.",
            en="There are more conversions than units. Count each unit's conversion once.",
        )
    some = units > 0
    return conversions[some], units[some]
