"""Several p-values at once: what remains when one asked more than one question.

`holm` keeps the chance of even one false alarm at alpha (decisions); `benjamini_hochberg` keeps the
expected share of false alarms among the alarms at alpha (breakdowns to explore). A NaN is a question
that could not be asked: it stays NaN and does not count in the family.

References
----------
Holm (1979), Scand. J. Statist. 6, 65-70. Benjamini and Hochberg (1995), J. R. Statist. Soc. B 57,
289-300. Šidák (1967), JASA 62, 626-633. Benjamini and Yekutieli (2001), Annals of Statistics 29,
1165-1188.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from custmeasure.errors import UsageError
from custmeasure.stats.tails import Floats


def holm(p_values: ArrayLike) -> Floats:
    """Return Holm's step-down adjusted p-values.

    Parameters
    ----------
    p_values
        One-dimensional, in [0, 1] or NaN.

    Raises
    ------
    UsageError
        For values outside [0, 1], and for another shape.

    Examples
    --------
    >>> holm([0.01, float("nan"), 0.04]).tolist()
    [0.02, nan, 0.04]
    """
    return _adjusted(p_values, _step_down)


def benjamini_hochberg(p_values: ArrayLike) -> Floats:
    """Return the Benjamini-Hochberg step-up adjusted p-values; arguments as `holm`.

    Examples
    --------
    >>> benjamini_hochberg([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.04, 0.04]
    """
    return _adjusted(p_values, _step_up)


def benjamini_yekutieli(p_values: ArrayLike) -> Floats:
    """Return the Benjamini-Yekutieli adjusted p-values, right however the questions hang together.

    Examples
    --------
    >>> benjamini_yekutieli([0.005, 0.06]).round(3).tolist()
    [0.015, 0.09]
    """
    return _adjusted(p_values, _step_up_dependent)


def holm_sidak(p_values: ArrayLike) -> Floats:
    """Return Holm's adjusted p-values for independent questions: slightly smaller.

    Examples
    --------
    >>> holm_sidak([0.005, 0.06]).round(6).tolist()
    [0.009975, 0.06]
    """
    return _adjusted(p_values, _step_down_independent)


def _adjusted(p_values: ArrayLike, rule: Callable[[Floats], Floats]) -> Floats:
    adjusted = _checked(p_values).copy()
    asked = np.flatnonzero(~np.isnan(adjusted))
    ranked = asked[np.argsort(adjusted[asked], kind="stable")]
    adjusted[ranked] = np.minimum(rule(adjusted[ranked]), 1.0)
    return adjusted


def _step_down(ranked: Floats) -> Floats:
    """Return max over j <= i of (m - j + 1) p_(j): Holm (1979)."""
    return np.maximum.accumulate(ranked * np.arange(len(ranked), 0, -1))


def _step_up(ranked: Floats) -> Floats:
    """Return min over j >= i of m p_(j) / j: Benjamini and Hochberg (1995), eq. 1."""
    scaled = ranked * (len(ranked) / np.arange(1, len(ranked) + 1))
    return np.minimum.accumulate(scaled[::-1])[::-1]


def _step_down_independent(ranked: Floats) -> Floats:
    """Return max over j <= i of 1 - (1 - p_(j))^(m - j + 1): Holm (1979), remark 2, with Šidák."""
    with np.errstate(divide="ignore"):
        adjusted: Floats = -np.expm1(np.arange(len(ranked), 0, -1) * np.log1p(-ranked))
    return np.maximum.accumulate(adjusted)


def _step_up_dependent(ranked: Floats) -> Floats:
    """Return the step-up p-values × (1 + 1/2 + … + 1/m): Benjamini and Yekutieli (2001), thm. 1.3."""
    return np.asarray(_step_up(ranked) * (1 / np.arange(1, len(ranked) + 1)).sum())


def _checked(p_values: ArrayLike) -> Floats:
    values = np.asarray(p_values, dtype=np.float64)
    if values.ndim != 1 or ((values < 0) | (values > 1)).any():
        raise UsageError(
            ko="p값은 0과 1 사이의 수를 한 줄로 주어야 합니다.",
            en="p-values must be numbers between 0 and 1, in one row.",
        )
    return values
