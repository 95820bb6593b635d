"""How long until it happens, when for some it has not happened yet: Kaplan–Meier and log-rank.

Who has not come back when the data end is *censored*: it counts among those who could have, up to that
day, and as nothing after it. The intervals are Greenwood's on the log-log scale (as lifelines and R's
``conf.type = "log-log"``): they stay within [0, 1] and hold their level in small samples, which the plain
ones do not.

References
----------
Klein and Moeschberger (2003), Survival Analysis, 2nd ed., sec. 4.2, 4.3, 4.5 and 7.3. Greenwood (1926).
Kaplan and Meier (1958), JASA 53, 457-481. Schoenfeld (1983), Biometrics 39, 499-503.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc, ndtri

from custmeasure.errors import UsageError
from custmeasure.stats.tails import Floats, above_zero, check_level, normal_quantile


@dataclass(frozen=True)
class Survival:
    """A Kaplan–Meier curve; every array is (n_times,).

    Attributes
    ----------
    times
        The times at which something happened or somebody was censored, rising.
    n_at_risk, n_events
        Those to whom it could still happen just before each time, and to whom it then did.
    survival, ci_lower, ci_upper
        The share to whom it has not happened by each time, and its interval; NaN where no interval is
        defined (nothing has happened yet, or it has happened to everybody).
    """

    times: Floats
    n_at_risk: Floats
    n_events: Floats
    survival: Floats
    ci_lower: Floats
    ci_upper: Floats

    def at(self, times: ArrayLike) -> tuple[Floats, Floats, Floats]:
        """Return the share and its interval at other times; before the first time it is 1."""
        places = np.searchsorted(self.times, np.asarray(times, np.float64), "right") - 1
        shown = (self.survival, self.ci_lower, self.ci_upper)
        before = (1.0, math.nan, math.nan)
        return tuple(
            np.where(places < 0, empty, values[np.maximum(places, 0)] if len(values) else empty)
            for values, empty in zip(shown, before, strict=True)
        )  # type: ignore[return-value]

    def quantile(self, share: float = 0.5) -> tuple[float, float, float]:
        """Return the time by which it has happened to ``share``, and its interval; NaN where unknown.

        The interval holds the times whose own interval takes in 1 - ``share``: Brookmeyer and Crowley
        (1982), Klein and Moeschberger (2003), sec. 4.5.
        """
        left = 1 - share
        first = (
            _first_below(self.times, values, left)
            for values in (self.survival, self.ci_lower, self.ci_upper)
        )
        return tuple(first)  # type: ignore[return-value]


@dataclass(frozen=True)
class LogRank:
    """A log-rank test: the statistic, its degrees of freedom, and the p-value (NaN without an answer)."""

    chi_square: float
    degrees: int
    p_value: float


def kaplan_meier(
    times: ArrayLike,
    observed: ArrayLike | None = None,
    *,
    weights: ArrayLike | None = None,
    entry: ArrayLike | None = None,
    alpha: float = 0.05,
) -> Survival:
    """Return the Kaplan–Meier curve.

    Parameters
    ----------
    times
        (n,) how long each was watched: until it happened, or until the watching ended.
    observed
        (n,) whether it happened; to all when not given.
    weights
        (n,) how many each stands for; 1 when not given.
    entry
        (n,) from when on each was watched; 0 when not given.
    alpha
        1 - the confidence of the intervals.

    Raises
    ------
    UsageError
        For times below 0 or not finite, for weights not above 0, for an entry after the end, and for
        arrays of different lengths.

    Examples
    --------
    >>> curve = kaplan_meier([3, 5, 5, 8], [1, 1, 0, 1])
    >>> curve.times.tolist(), curve.survival.tolist()
    ([3.0, 5.0, 8.0], [0.75, 0.5, 0.0])
    """
    ends, happened, weight, begins = _checked(times, observed, weights, entry)
    moments, at_risk, events = life_table(ends, happened, weight, begins)
    # Klein and Moeschberger (2003), eq. 4.2.1
    survival = np.asarray(np.cumprod(1 - _divided(events, at_risk)), np.float64)
    lower, upper = _log_log(survival, _greenwood(at_risk, events), normal_quantile(alpha))
    return Survival(moments, at_risk, events, survival, lower, upper)


def life_table(
    times: Floats, observed: NDArray[np.bool_], weights: Floats, entry: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return each distinct time with those at risk just before it and those to whom it then happened."""
    moments, place = np.unique(times, return_inverse=True)
    left = np.bincount(place, weights, len(moments))
    events = np.bincount(place[observed], weights[observed], len(moments))
    # At risk at t: who entered before t and was still watched at t.
    watched = left[::-1].cumsum()[::-1]
    late = np.searchsorted(moments, entry, "right")
    not_yet = np.bincount(late, weights, len(moments) + 1)[::-1].cumsum()[::-1][1:]
    return moments, watched - not_yet, events.astype(np.float64)


def log_rank(times: ArrayLike, observed: ArrayLike, groups: ArrayLike) -> LogRank:
    """Test whether groups share one curve: Klein and Moeschberger (2003), sec. 7.3, weights 1.

    Parameters
    ----------
    times, observed
        (n,) as `kaplan_meier`.
    groups
        (n,) the group of each.

    Returns
    -------
    LogRank
        Without two groups, or without anything that happened, the p-value is NaN.

    Raises
    ------
    UsageError
        As `kaplan_meier`.

    Examples
    --------
    >>> round(log_rank([10, 20, 30, 10, 20, 50], [1, 0, 1, 1, 0, 1], list("aaabbb")).p_value, 4)
    0.5351
    """
    ends, happened, weight, _ = _checked(times, observed, None, None)
    names, group = np.unique(np.asarray(groups).astype(str), return_inverse=True)
    moments, place = np.unique(ends, return_inverse=True)
    shape = (len(names), len(moments))
    left, events = np.zeros(shape), np.zeros(shape)
    np.add.at(left, (group, place), weight)
    np.add.at(events, (group[happened], place[happened]), 1.0)
    at_risk = left[:, ::-1].cumsum(axis=1)[:, ::-1]
    degrees = len(names) - 1
    gap, covariance = _gap(at_risk, events)
    if degrees < 1 or not np.diag(covariance)[:-1].all():
        return LogRank(math.nan, max(degrees, 0), math.nan)
    # The gaps add up to 0, so one group is left out: eq. 7.3.6.
    statistic = float(gap[:-1] @ np.linalg.pinv(covariance[:-1, :-1]) @ gap[:-1])
    return LogRank(statistic, degrees, above_zero(float(chdtrc(degrees, statistic))))


def smallest_ratio(
    n_events: float, share: float, *, alpha: float = 0.05, power: float = 0.8
) -> float:
    """Return the smallest ratio above 1 of two hazards that a log-rank test would notice.

    Schoenfeld (1983), eq. 1: events = (z_alpha/2 + z_power)^2 / (share (1 - share) ln(ratio)^2).

    Parameters
    ----------
    n_events
        To how many it happened, both groups together.
    share
        The share of one group among all.
    alpha, power
        The level of the two-sided test, and how often it should notice.
    """
    needed = normal_quantile(alpha) + float(ndtri(check_level(power, "power")))
    if n_events <= 0 or not 0 < share < 1:
        return math.inf
    return math.exp(needed / math.sqrt(n_events * share * (1 - share)))


def _gap(at_risk: Floats, events: Floats) -> tuple[Floats, Floats]:
    """Return observed less expected by group, and its covariance: eq. 7.3.3 and 7.3.4."""
    n, d = at_risk.sum(axis=0), events.sum(axis=0)
    share = _divided(at_risk, n[None, :])
    expected = share * d
    spread = d * (n - d) / np.maximum(n - 1, 1)
    covariance = np.diag((share * spread).sum(axis=1)) - (share * spread) @ share.T
    return (events - expected).sum(axis=1), covariance


def _greenwood(at_risk: Floats, events: Floats) -> Floats:
    """Return the variance of ln S(t): Greenwood (1926), eq. 4.2.2 without the factor S(t)^2."""
    return np.cumsum(_divided(events, at_risk * (at_risk - events)))


def _log_log(survival: Floats, variance: Floats, z: float) -> tuple[Floats, Floats]:
    """Return the limits S^(1/theta) and S^theta: Klein and Moeschberger (2003), eq. 4.3.2."""
    inside = (survival > 0) & (survival < 1) & np.isfinite(variance)
    log = np.log(survival, where=inside, out=np.full(len(survival), math.nan))
    theta = np.exp(z * np.sqrt(variance, where=inside, out=np.zeros(len(survival))) / log)
    return np.exp(log / theta), np.exp(log * theta)


def _first_below(times: Floats, values: Floats, level: float) -> float:
    # The slack takes in shares that are equal up to rounding.
    reached = np.flatnonzero(values <= level + 1e-12)
    return float(times[reached[0]]) if len(reached) else math.nan


def _divided(above: Floats, below: Floats) -> Floats:
    """Return a quotient; infinite where a positive number is divided by 0, and 0 where 0 is."""
    below = np.broadcast_to(below, above.shape)
    quotient = np.where(above > 0, math.inf, 0.0)
    return np.divide(above, below, out=quotient, where=below > 0)


def _checked(
    times: ArrayLike,
    observed: ArrayLike | None,
    weights: ArrayLike | None,
    entry: ArrayLike | None,
) -> tuple[Floats, NDArray[np.bool_], Floats, Floats]:
    try:
        ends = np.atleast_1d(np.asarray(times, np.float64))
        n = len(ends)
        happened = np.ones(n, bool) if observed is None else np.asarray(observed).astype(bool)
        weight = np.ones(n) if weights is None else np.asarray(weights, np.float64)
        begins = np.zeros(n) if entry is None else np.asarray(entry, np.float64)
    except (TypeError, ValueError):
        raise _unusable() from None
    alike = all(each.shape == (n,) for each in (ends, happened, weight, begins))
    if not alike or not np.isfinite(np.concatenate([ends, weight, begins])).all():
        raise _unusable()
    if (ends < 0).any() or (weight <= 0).any() or (entry is not None and (begins >= ends).any()):
        raise _unusable()
    # Who is watched from the beginning is at risk at 0 too.
    return ends, happened, weight, np.where(begins <= 0, -1.0, begins)


def _unusable() -> UsageError:
    return UsageError(
        ko="시간은 0 이상의 수, 가중치는 0보다 큰 수, 시작은 끝보다 앞이어야 하고, "
        "길이가 모두 같아야 합니다.",
        en="Times must be numbers of 0 or more, weights above 0, each entry before its end, and all of "
        "one length.",
    )
