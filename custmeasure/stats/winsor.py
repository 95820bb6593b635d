"""Winsorising: amounts above a cap count as the cap, and how much that took away is said.

One order of a reseller can outweigh a hundred customers. A cap fixed beforehand, or a quantile of all
variants' amounts together, keeps the mean readable; it also moves what is measured, so that the cap and
the share of people and of money that it cut stand beside the answer.

References
----------
Kohavi, Tang and Xu (2020), Trustworthy Online Controlled Experiments, ch. 18. Boos and Hughes-Oliver
(2000), The American Statistician 54, 121-128 (how skewness spoils t intervals).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from custmeasure.errors import UsageError
from custmeasure.stats.tails import Floats


@dataclass(frozen=True)
class Capped:
    """What a cap did.

    Attributes
    ----------
    cap
        The amount above which everything counts as the cap; infinite without one.
    n_capped
        Units above it.
    cut_share
        The share of the total that it took away.
    """

    cap: float
    n_capped: int
    cut_share: float


def check_cap(cap: object) -> float:
    """Return a cap: a quantile in (0, 1), or an amount of 1 or more.

    Raises
    ------
    UsageError
        For anything else.
    """
    if not isinstance(cap, bool) and isinstance(cap, int | float) and 0 < cap < math.inf:
        return float(cap)
    raise UsageError(
        ko=f"cap {cap!r}: 0.99처럼 분위수이거나 500000처럼 금액이어야 합니다.",
        en=f"cap {cap!r} must be a quantile such as 0.99 or an amount such as 500000.",
    )


def winsorise(values: ArrayLike, cap: float) -> tuple[Floats, Capped]:
    """Return values cut at ``cap`` and what that took away.

    Parameters
    ----------
    values
        (n,) amounts of all variants together.
    cap
        Below 1 a quantile of the amounts above 0; otherwise an amount.

    Examples
    --------
    >>> cut, seen = winsorise([0, 10, 20, 30, 940], 100)
    >>> cut.tolist(), seen.n_capped, seen.cut_share
    ([0.0, 10.0, 20.0, 30.0, 100.0], 1, 0.84)
    """
    amounts = np.asarray(values, dtype=np.float64)
    paid = amounts[amounts > 0]
    limit = check_cap(cap)
    if limit < 1:
        limit = float(np.quantile(paid, limit)) if len(paid) else math.inf
    cut = np.minimum(amounts, limit)
    total = float(amounts.sum())
    share = (total - float(cut.sum())) / total if total > 0 else 0.0
    return cut, Capped(limit, int((amounts > limit).sum()), share)
