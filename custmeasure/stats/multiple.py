"""Several p-values at once: what remains when one asked more than one question.

`holm` keeps the chance of even one false alarm at alpha (decisions); `benjamini_hochberg` keeps the
expected share of false alarms among the alarms at alpha (breakdowns to explore). A NaN is a question
that could not be asked: it stays NaN and does not count in the family.

References
----------
Holm (1979), Scand. J. Statist. 6, 65-70. Benjamini and Hochberg (1995), J. R. Statist. Soc. B 57,
289-300.
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


def _checked(p_values: ArrayLike) -> Floats:
    values = np.asarray(p_values, dtype=np.float64)
    if values.ndim != 1 or ((values < 0) | (values > 1)).any():
        raise UsageError(
            ko="p값은 0과 1 사이의 수를 한 줄로 주어야 합니다.",
            en="p-values must be numbers between 0 and 1, in one row.",
        )
    return values
