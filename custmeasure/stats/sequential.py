"""A test with a planned end that is looked at on the way: how much each look may claim.

A test that is looked at every day at the plain level finds differences that are not there. Alpha
spending divides the one level over the looks: what a look may *claim* is a stricter level, and the
interval at that level is right at every look together. `alpha_spending` gives the level of each look
(hand it to `compare_rates`, `compare_means` … as ``alpha``), `repeated_p_value` the p-value that
agrees with it, `crossing_chances` how likely the test ends by each look (its power).

Nothing has to be known beforehand but the planned end: looks may come at any time and in any number.
The last look at the planned end takes all that is left, so one look alone is the classical test.

- *Under-running*: fewer units than planned by the end. Give the last look the fraction 1.
- *Over-running*: the first look at or after the planned end takes what is left, at its own
  information. Looks after it claim nothing more: the answer at the end stands.

References
----------
Lan and DeMets (1983), Biometrika 70, 659-663 (spending; their alpha_1* is the O'Brien-Fleming type).
Lan and DeMets (1989), Statistics in Medicine 8, 1191-1198 (spending by the calendar). Kim and DeMets
(1987), Biometrika 74, 149-154 (power family). Armitage, McPherson and Rowe (1969), J. R. Statist. Soc.
A 132, 235-244 (the recursion). Jennison and Turnbull (2000), Group Sequential Methods, chapters 9
(repeated intervals and p-values) and 19 (integration).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from custmeasure.errors import UsageError, check_choice
from custmeasure.stats.quadrature import gauss_legendre
from custmeasure.stats.roots import falling_root
from custmeasure.stats.tails import Floats, above_zero, check_level, normal_quantile

# Looks whose information grew less than this are the same look: z moves by 0.01 at most.
SAME_LOOK = 1e-4
# Beyond it a standard normal does not go.
FARTHEST_Z = 37.0
# A panel of so many nodes resolves a normal kernel over so many of its standard deviations.
_N_NODES, _PANEL = 20, 6.0
_FEW_PANELS = 12

Spend = Callable[[float, float], float]


def obrien_fleming(fraction: float, alpha: float) -> float:
    """Return what is spent by ``fraction`` of the plan: hardly anything early, nearly all late.

    Examples
    --------
    >>> [round(obrien_fleming(t, 0.05), 5) for t in (0.25, 0.5, 0.75, 1)]
    [1e-05, 0.00305, 0.0193, 0.05]
    """
    # Lan and DeMets (1983), p. 661, alpha_1*, each side of the test at half the level.
    return 4 * float(ndtr(-normal_quantile(alpha / 2) / math.sqrt(fraction)))


def squared(fraction: float, alpha: float) -> float:
    """Return what is spent by ``fraction`` of the plan when early looks may claim more.

    Examples
    --------
    >>> [round(squared(t, 0.05), 5) for t in (0.25, 0.5, 0.75, 1)]
    [0.00313, 0.0125, 0.02813, 0.05]
    """
    return alpha * fraction**2  # Kim and DeMets (1987), p. 150, power family, exponent 2.


SPENDING: dict[str, Spend] = {"obrien_fleming": obrien_fleming, "squared": squared}


@dataclass(frozen=True)
class Looks:
    """What each look of a test may claim.

    Attributes
    ----------
    information
        (n_looks,) how much was known at each look, in units or any other scale.
    spent
        (n_looks,) the chance, without any difference, of a claim at that look or before.
    critical
        (n_looks,) the z beyond which a look may claim a difference; infinite when it may not.
    """

    information: tuple[float, ...]
    spent: tuple[float, ...]
    critical: tuple[float, ...]

    @property
    def levels(self) -> tuple[float, ...]:
        """The two-sided level of each look; 0 where nothing may be claimed."""
        return tuple(2 * float(ndtr(-z)) for z in self.critical)

    @property
    def level(self) -> float:
        """The level of the last look: ``alpha`` for its interval and for its p-value."""
        return self.levels[-1]

    @property
    def widening(self) -> float:
        """How much wider the last look's interval is than one without other looks."""
        return self.critical[-1] / normal_quantile(self.spent[-1])


def alpha_spending(
    information: Sequence[float],
    fractions: Sequence[float] | None = None,
    *,
    alpha: float = 0.05,
    spend: str = "obrien_fleming",
) -> Looks:
    """Return what each look may claim, so that all together err no more often than ``alpha``.

    Parameters
    ----------
    information
        What was known at each look, from the first to this one, on any scale: units that finished
        their window (with an equal split), or 1 / se². Never falling.
    fractions
        The share of the plan that was over at each look, by information or by the calendar; the
        information itself when not given. What exceeds 1 is past the planned end.
    alpha
        Two-sided level of the whole test.
    spend
        ``"obrien_fleming"`` or ``"squared"``.

    Raises
    ------
    UsageError
        Without looks, for information that falls or is not above 0, and for fractions likewise.
    UnknownName
        For another ``spend``.

    Examples
    --------
    >>> [round(z, 3) for z in alpha_spending([0.25, 0.5, 0.75, 1]).critical]
    [4.333, 2.963, 2.359, 2.014]
    >>> round(alpha_spending([1840], [1]).critical[0], 3)
    1.96
    """
    known, done = _checked(information, fractions)
    rule = _rule(spend)
    budget = [check_level(alpha) if t >= 1 else rule(t, alpha) for t in done]
    steps = _Steps(_with_an_end(known, done))
    for fraction, limit in zip(done, budget, strict=True):
        steps.look(limit, over=fraction >= 1)
    return Looks(tuple(known), tuple(steps.spent), tuple(steps.critical))


def repeated_p_value(
    p_value: float,
    information: Sequence[float],
    fractions: Sequence[float] | None = None,
    *,
    spend: str = "obrien_fleming",
) -> float:
    """Return the p-value of the last look with all looks taken into account.

    It is the smallest ``alpha`` at which the last look may claim a difference: below ``alpha``
    exactly when ``p_value`` is below the level of `alpha_spending`, and so when the interval at that
    level excludes 0. Jennison and Turnbull (2000), section 9.3.

    Parameters
    ----------
    p_value
        The plain two-sided p-value at the last look; NaN stays NaN.
    information, fractions, spend
        As `alpha_spending`.

    Examples
    --------
    >>> round(repeated_p_value(0.03, [0.25, 0.5, 0.75, 1]), 4)
    0.0336
    >>> round(repeated_p_value(0.03, [1]), 4)
    0.03
    """
    if math.isnan(p_value):
        return math.nan
    z = _z_of(p_value)
    _checked(information, fractions)

    def lacking(z_alpha: float) -> float:
        level = 2 * float(ndtr(-z_alpha))
        looks = alpha_spending(information, fractions, alpha=level, spend=spend)
        return z - min(looks.critical[-1], FARTHEST_Z + 1)

    # The stricter the level, the higher the bar: `lacking` falls with the quantile of the level.
    least = float(-ndtri(0.5 - 1e-9))
    found = falling_root(lacking, least, max(z, 2 * least), 1e-9)
    return 1.0 if found <= least else max(2 * float(ndtr(-found)), above_zero(p_value))


def crossing_chances(
    information: Sequence[float], critical: Sequence[float], drift: float = 0.0
) -> Floats:
    """Return the chance that the test has claimed a difference by each look.

    Parameters
    ----------
    information
        As `alpha_spending`.
    critical
        (n_looks,) the z of each look.
    drift
        The expected z at the last look: the true difference ÷ its standard error then.

    Returns
    -------
    ndarray
        (n_looks,) never falling; at drift 0 the last one is the level, else the power.

    Examples
    --------
    >>> looks = alpha_spending([0.25, 0.5, 0.75, 1])
    >>> crossing_chances(looks.information, looks.critical).round(4).tolist()
    [0.0, 0.0031, 0.0193, 0.05]
    >>> float(crossing_chances(looks.information, looks.critical, 2.8)[-1].round(3))
    0.792
    """
    known, _ = _checked(information, None)
    steps = _Steps(known, drift)
    for z in critical:
        steps.stop(z)
    return np.cumsum(steps.ended)


class _Steps:
    """The sum of the evidence from look to look, as long as nothing was claimed.

    Information is scaled to 1 at the last look; there the sum has mean ``drift`` and variance 1.
    ``at`` and ``mass`` are where the sum may be, undecided, and how likely that is:
    Jennison and Turnbull (2000), section 19.2, with Gauss-Legendre panels.
    """

    def __init__(self, information: Sequence[float], drift: float = 0.0) -> None:
        self.times = [i / information[-1] for i in information]
        self.drift = drift
        self.at, self.mass = np.zeros(1), np.ones(1)
        self.now = self.last = 0.0
        self.spent: list[float] = []
        self.critical: list[float] = []
        self.ended: list[float] = []
        self.is_over = False

    def look(self, limit: float, *, over: bool) -> None:
        """Take the next look: its critical value is what is left of ``limit``."""
        if self._is_same():
            self._repeat()
            return
        z = math.inf if self.is_over else self._z_for(limit - sum(self.ended))
        self.is_over = self.is_over or over
        self.stop(z)

    def stop(self, z: float) -> None:
        """Take the next look with critical value ``z``."""
        if self._is_same():
            self._repeat()
            return
        time = self.times[len(self.critical)]
        reach = min(z, FARTHEST_Z) * math.sqrt(time)
        self.ended.append(self._beyond(reach, time) if z < FARTHEST_Z else 0.0)
        self.critical.append(z)
        self.spent.append(sum(self.ended))
        if not self.is_over:
            self._move(reach, time)
        self.last = time

    def _is_same(self) -> bool:
        return self.times[len(self.critical)] <= self.last * (1 + SAME_LOOK)

    def _repeat(self) -> None:
        self.critical.append(self.critical[-1])
        self.spent.append(self.spent[-1])
        self.ended.append(0.0)

    def _z_for(self, chance: float) -> float:
        """Return the critical value that ends the test at this look with ``chance``."""
        if chance <= 0:
            return math.inf
        if not self.critical:
            return float(-ndtri(chance / 2))
        time = self.times[len(self.critical)]
        z = min(self.critical[-1], float(-ndtri(chance / 2)))
        # ln of the tail is concave and falls: Newton's steps overshoot once, then only come closer.
        for _ in range(100):
            tail, slope = self._tail(z, time)
            step = math.log(chance / tail) * tail / slope if tail and slope else z / 2
            z = min(max(z - step, 0.0), FARTHEST_Z)
            if abs(step) <= 1e-12 * z:
                break
        return z

    def _tail(self, z: float, time: float) -> tuple[float, float]:
        """Return the chance of a claim at ``z``, and how fast it falls with ``z``."""
        sd, root = math.sqrt(time - self.now), math.sqrt(time)
        above, below = (self.at - z * root) / sd, (-self.at - z * root) / sd
        density = np.exp(-0.5 * above**2) + np.exp(-0.5 * below**2)
        slope = float(self.mass @ density) * root / (sd * math.sqrt(2 * math.pi))
        return float(self.mass @ (ndtr(above) + ndtr(below))), slope

    def _beyond(self, reach: float, time: float) -> float:
        """Return the chance that the sum at ``time`` lies beyond ±``reach``."""
        sd = math.sqrt(time - self.now)
        middle = self.at + self.drift * (time - self.now)
        tails = ndtr((middle - reach) / sd) + ndtr((-reach - middle) / sd)
        return float(self.mass @ tails)

    def _move(self, reach: float, time: float) -> None:
        """Carry what did not end to ``time``: Armitage et al. (1969), eq. 2.1."""
        sd = math.sqrt(time - self.now)
        later = [t for t in self.times if t > time * (1 + SAME_LOOK)]
        finest = min(sd, math.sqrt(later[0] - time)) if later else sd
        at, width = _panels(reach, _PANEL * finest)
        near = sd * max(9.5, reach / math.sqrt(time) + 3)
        start = at - self.drift * (time - self.now)
        density = _blurred(self.at, self.mass, start.reshape(-1, _N_NODES), sd, near)
        self.at, self.mass, self.now = at, density * width, time


def _panels(reach: float, widest: float) -> tuple[Floats, Floats]:
    """Return nodes and weights of Gauss-Legendre on [-reach, reach] in panels of equal width."""
    nodes, weights = gauss_legendre(_N_NODES)
    n_panels = max(1, math.ceil(2 * reach / widest))
    half = reach / n_panels
    middles = -reach + half * (2 * np.arange(n_panels) + 1)
    return (middles[:, None] + half * nodes).ravel(), np.tile(half * weights, n_panels)


def _blurred(at: Floats, mass: Floats, rows: Floats, sd: float, near: float) -> Floats:
    """Return the density of ``mass`` at ``at`` plus a normal law, in ``rows`` of nodes.

    Where there are many rows, what lies farther than ``near`` is left out: no float would show it.
    """
    few = len(rows) <= _FEW_PANELS
    parts = [rows.ravel()] if few else list(rows)
    first = np.searchsorted(at, [part[0] - near for part in parts])
    last = np.searchsorted(at, [part[-1] + near for part in parts])
    density = [
        np.exp(-0.5 * ((part[:, None] - at[i:j]) / sd) ** 2) @ mass[i:j]
        for part, i, j in zip(parts, first, last, strict=True)
    ]
    return np.concatenate(density) / (sd * math.sqrt(2 * math.pi))


def _with_an_end(known: list[float], done: list[float]) -> list[float]:
    """Let the look at the planned end be a look of its own, though it may have brought nothing new."""
    end = next((i for i, fraction in enumerate(done) if fraction >= 1), 0)
    least = known[end - 1] * (1 + 2 * SAME_LOOK) if end else 0.0
    return [*known[:end], *(max(i, least) for i in known[end:])]


def _rule(spend: str) -> Spend:
    check_choice("mode", spend, list(SPENDING))
    return SPENDING[spend]


def _z_of(p_value: float) -> float:
    if not 0 <= p_value <= 1:
        raise UsageError(
            ko=f"p값 {p_value}: 0과 1 사이의 수여야 합니다.",
            en=f"p-value {p_value} must be between 0 and 1.",
        )
    return min(float(-ndtri(p_value / 2)), FARTHEST_Z)


def _checked(
    information: Sequence[float], fractions: Sequence[float] | None
) -> tuple[list[float], list[float]]:
    known = _rising(information, "information")
    if fractions is None and known[0] > 1:
        raise UsageError(
            ko="information이 1보다 큽니다. 계획의 몇 %에 보았는지 fractions를 함께 주십시오.",
            en="information is above 1. Give fractions too: the share of the plan at each look.",
        )
    done = known if fractions is None else _rising(fractions, "fractions")
    if len(done) != len(known):
        raise UsageError(
            ko=f"information {len(known)}개와 fractions {len(done)}개: 수가 같아야 합니다.",
            en=f"{len(known)} information and {len(done)} fractions: give one for each look.",
        )
    return known, done


def _rising(values: ArrayLike, name: str) -> list[float]:
    try:
        numbers = np.atleast_1d(np.asarray(values, dtype=np.float64))
    except (TypeError, ValueError):
        numbers = np.zeros(0)
    if not numbers.size or not (np.isfinite(numbers) & (numbers > 0)).all() or (
        np.diff(numbers) < 0
    ).any():  # fmt: skip
        raise UsageError(
            ko=f"{name} {values!r}: 0보다 크고 줄지 않는 수들이어야 합니다.",
            en=f"{name} {values!r} must be numbers above 0 that never fall.",
        )
    return [float(number) for number in numbers]
