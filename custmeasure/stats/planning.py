"""How big a test must be, before it starts: units, the smallest difference it can see, days.

A plan has a `Baseline` (what a unit does today, and how much units differ) and a `Design` (the split,
the level and power, how it will be looked at, how many comparisons share the level, how well a
covariate from before foresees the metric). Everything is computed for the least supplied treatment
against the control, at the level that Holm asks in the worst case.

Looking on the way costs units: the chance that the test ends is summed look by look, with the very
bounds that will be used. Looks are taken to be evenly spread over the units.

References
----------
Fleiss, Levin and Paik (2003), Statistical Methods for Rates and Proportions, 3rd ed., section 4.2.
Deng, Xu, Kohavi and Walker (2013), WSDM, 123-132 (CUPED: the variance × (1 - ρ²), eq. 4). Deng, Knoblich
and Lu (2018), KDD, 233-242 (ratios by the delta method, eq. 3). Jennison and Turnbull (2000), Group
Sequential Methods, section 7.2 (power with alpha spending).
"""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from scipy.special import ndtri

from custmeasure.errors import UsageError, check_choice
from custmeasure.stats.anytime import TUNED_FOR, anytime_critical
from custmeasure.stats.power import rate_variances
from custmeasure.stats.roots import falling_root
from custmeasure.stats.sequential import alpha_spending, crossing_chances
from custmeasure.stats.tails import check_level, normal_quantile

# How a test is watched: once at its end, often until a planned end, often without one.
METHODS = ("one_look", "planned_end", "open_end")
# No plan needs more units than there are people.
MOST_UNITS = 1e10
LARGEST_REL_DIFF = 1e4


@dataclass(frozen=True)
class Baseline:
    """What units of the control are expected to do.

    Attributes
    ----------
    mean
        The control's rate, mean amount or ratio.
    var
        Variance of one unit.
    is_rate
        Whether a unit only does it or not, so that the variance follows the rate.

    Examples
    --------
    >>> Baseline.of_rate(0.2).var
    0.16000000000000003
    """

    mean: float
    var: float
    is_rate: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.mean) and math.isfinite(self.var) and self.var >= 0):
            raise UsageError(
                ko=f"평균 {self.mean}, 분산 {self.var}: 계획에 쓸 수 있는 수가 아닙니다.",
                en=f"Mean {self.mean} and variance {self.var} cannot be planned with.",
            )

    @classmethod
    def of_rate(cls, rate: float) -> "Baseline":
        """Return the baseline of a conversion rate in [0, 1]."""
        if not 0 <= rate <= 1:
            raise UsageError(
                ko=f"전환율 {rate}: 0과 1 사이의 수여야 합니다(3%는 0.03).",
                en=f"Rate {rate} must be between 0 and 1 (3% is 0.03).",
            )
        return cls(rate, rate * (1 - rate), is_rate=True)

    @classmethod
    def of_ratio(
        cls, mean_num: float, mean_den: float, var_num: float, var_den: float, cov: float
    ) -> "Baseline":
        """Return the baseline of a ratio of two means a unit, such as orders ÷ sessions.

        Examples
        --------
        >>> Baseline.of_ratio(1, 2, 1, 0, 0)
        Baseline(mean=0.5, var=0.25, is_rate=False)
        """
        if not mean_den:
            raise UsageError(
                ko="비율의 분모 평균이 0입니다.", en="The ratio's denominator has a mean of 0."
            )
        ratio = mean_num / mean_den
        # Deng et al. (2018), eq. 3, a unit.
        var = (var_num - 2 * ratio * cov + ratio**2 * var_den) / mean_den**2
        return cls(ratio, max(var, 0.0))


@dataclass(frozen=True)
class Design:
    """How a test is run.

    Attributes
    ----------
    shares
        The units' shares in any unit, the control first: ``(1, 1)``, ``(0.5, 0.25, 0.25)``.
    alpha, power
        Two-sided level of the whole test, and the wanted chance to see the difference.
    method
        ``"one_look"`` (at the end), ``"planned_end"`` (alpha spending) or ``"open_end"``
        (always valid).
    looks
        How often it is looked at until the end; does not matter for ``"one_look"``.
    n_metrics
        Decision metrics that share the level.
    correlation
        Between the metric and its covariate from before the test; 0 without one.
    tuned_for
        As `anytime_critical`.
    """

    shares: tuple[float, ...] = (1.0, 1.0)
    alpha: float = 0.05
    power: float = 0.8
    method: str = "one_look"
    looks: int = 1
    n_metrics: int = 1
    correlation: float = 0.0
    tuned_for: float = TUNED_FOR

    def __post_init__(self) -> None:
        check_level(self.alpha)
        check_level(self.power, "power")
        check_choice("mode", self.method, METHODS)
        usable = len(self.shares) > 1 and all(0 < share < math.inf for share in self.shares)
        if not usable or self.looks < 1 or self.n_metrics < 1 or not -1 < self.correlation < 1:
            raise UsageError(
                ko="시험 계획: 안은 둘 이상이고 배분은 0보다 커야 하며, looks와 n_metrics는 1 이상, "
                "correlation은 -1과 1 사이여야 합니다.",
                en="The design needs two or more shares above 0, looks and n_metrics of 1 or more, "
                "and a correlation between -1 and 1.",
            )

    @property
    def level(self) -> float:
        """The level of one comparison: Bonferroni's, which Holm asks in the worst case."""
        return self.alpha / ((len(self.shares) - 1) * self.n_metrics)

    @property
    def noise_left(self) -> float:
        """The share of the variance that a covariate leaves: Deng et al. (2013), eq. 4."""
        return 1 - self.correlation**2

    @property
    def control_share(self) -> float:
        """The control's share of all units."""
        return self.shares[0] / sum(self.shares)

    @property
    def ratio(self) -> float:
        """Units of the least supplied treatment a control unit."""
        return min(self.shares[1:]) / self.shares[0]


def plan_units(baseline: Baseline, rel_diff: float, design: Design | None = None) -> float:
    """Return the units, of all variants together, that show ``rel_diff`` with the design's power.

    Parameters
    ----------
    baseline
        The control's metric.
    rel_diff
        The true relative difference (0.05 is 5 % more), not 0.
    design
        How the test is run; one look at two equal halves when not given.

    Returns
    -------
    float
        Not rounded; NaN where it cannot be said: no difference, a rate above 1, a mean of 0, a
        metric that never varies.

    Examples
    --------
    >>> round(plan_units(Baseline.of_rate(0.20), 0.25))
    2187
    >>> daily = Design(method="planned_end", looks=28)
    >>> round(plan_units(Baseline.of_rate(0.20), 0.25, daily))
    2295
    """
    plan = design or Design()
    if not _is_possible(baseline, rel_diff):
        return math.nan
    if plan.method != "open_end":
        return _units_for(baseline, rel_diff, plan, _needed_drift(plan, 1.0))

    def lacking(log_n: float) -> float:
        n = math.exp(log_n)
        return math.log(_units_for(baseline, rel_diff, plan, _needed_drift(plan, n))) - log_n

    return math.exp(falling_root(lacking, 0.0, math.log(MOST_UNITS), 1e-9))


def plan_mde(baseline: Baseline, n_units: float, design: Design | None = None) -> float:
    """Return the smallest relative increase that ``n_units`` show with the design's power.

    Parameters
    ----------
    n_units
        Units of all variants together.
    baseline, design
        As `plan_units`.

    Returns
    -------
    float
        NaN when no increase can be shown: the rate would exceed 1, the mean is 0, no units.

    Examples
    --------
    >>> round(plan_mde(Baseline.of_rate(0.20), 2188), 3)
    0.25
    """
    plan = design or Design()
    if not n_units >= 2 or not baseline.mean or not baseline.var:
        return math.nan
    drift = _needed_drift(plan, n_units)
    most = 1 / baseline.mean - 1 if baseline.is_rate else LARGEST_REL_DIFF
    found = falling_root(lambda r: drift - _drift(baseline, r, n_units, plan), 1e-12, most, 1e-10)
    return found if found < most * (1 - 1e-9) else math.nan


def plan_power(
    baseline: Baseline, rel_diff: float, n_units: float, design: Design | None = None
) -> float:
    """Return the chance that ``n_units`` show ``rel_diff`` at one of the design's looks.

    Examples
    --------
    >>> round(plan_power(Baseline.of_rate(0.20), 0.25, 2188), 3)
    0.8
    """
    plan = design or Design()
    if not n_units >= 2 or not _is_possible(baseline, rel_diff):
        return math.nan
    drift = _drift(baseline, rel_diff, n_units, plan)
    times, critical = _bounds(plan, n_units)
    return float(crossing_chances(times, critical, drift)[-1])


def mde_by_day(
    baseline: Baseline, units_by_day: Sequence[float], design: Design | None = None
) -> list[float]:
    """Return the smallest relative increase that a test of 1, 2, … days shows.

    Parameters
    ----------
    units_by_day
        Different units that have come by the end of each day; they grow ever more slowly, because
        the same people come back.
    design
        A test of d days is looked at d times, whatever ``looks`` says; once when ``"one_look"``.

    Examples
    --------
    >>> [round(mde, 2) for mde in mde_by_day(Baseline.of_rate(0.2), [300, 550, 780])]
    [0.72, 0.52, 0.43]
    """
    plan = design or Design()
    return [
        plan_mde(baseline, n, replace(plan, looks=day))
        for day, n in enumerate(units_by_day, start=1)
    ]


def days_needed(
    baseline: Baseline,
    rel_diff: float,
    units_by_day: Sequence[float],
    design: Design | None = None,
) -> int | None:
    """Return the first day by which enough units have come to show ``rel_diff``; None if by none.

    Parameters
    ----------
    baseline, rel_diff, design
        As `plan_units`.
    units_by_day
        As `mde_by_day`.

    Examples
    --------
    >>> days_needed(Baseline.of_rate(0.2), 0.5, [300, 550, 780])
    3
    """
    plan = design or Design()
    # A day without enough units for one look has not enough for several either.
    least = plan_units(baseline, rel_diff, replace(plan, method="one_look"))
    for day, n in enumerate(units_by_day, start=1):
        if n >= least and n >= plan_units(baseline, rel_diff, replace(plan, looks=day)):
            return day
    return None


def _is_possible(baseline: Baseline, rel_diff: float) -> bool:
    value = baseline.mean * (1 + rel_diff)
    possible = math.isfinite(rel_diff) and rel_diff != 0 and baseline.mean != 0
    return possible and baseline.var > 0 and (not baseline.is_rate or 0 <= value <= 1)


def _variances(baseline: Baseline, rel_diff: float, plan: Design) -> tuple[float, float]:
    """Return the difference's variance × all units: were there no difference, and with it."""
    if baseline.is_rate:
        null, real = rate_variances(baseline.mean, baseline.mean * (1 + rel_diff), plan.ratio)
    else:
        null = real = baseline.var * (1 + 1 / plan.ratio)
    scale = plan.noise_left / plan.control_share
    return null * scale, real * scale


def _drift(baseline: Baseline, rel_diff: float, n_units: float, plan: Design) -> float:
    """Return the expected z at the end, less what the variance under no difference takes.

    Fleiss et al. (2003), section 4.2, solved for the quantile of the power, plus that of the level.
    """
    null, real = _variances(baseline, rel_diff, plan)
    z = normal_quantile(plan.level)
    reach = abs(baseline.mean * rel_diff) * math.sqrt(n_units)
    return z + (reach - z * math.sqrt(null)) / math.sqrt(real)


def _units_for(baseline: Baseline, rel_diff: float, plan: Design, drift: float) -> float:
    """Return the units at which `_drift` is ``drift``."""
    null, real = _variances(baseline, rel_diff, plan)
    z = normal_quantile(plan.level)
    reach = z * math.sqrt(null) + (drift - z) * math.sqrt(real)
    return (reach / (baseline.mean * rel_diff)) ** 2


def _needed_drift(plan: Design, n_units: float) -> float:
    """Return the expected z at the end at which the test has its power."""
    if plan.method == "one_look":
        return normal_quantile(plan.level) + float(ndtri(plan.power))
    size = n_units / plan.tuned_for if plan.method == "open_end" else 0.0
    return _solved_drift(plan.method, plan.looks, plan.level, plan.power, round(size, 6))


@functools.lru_cache(maxsize=1024)
def _solved_drift(method: str, looks: int, level: float, power: float, size: float) -> float:
    times, critical = _looks(method, looks, level, size)
    start = normal_quantile(level) + float(ndtri(power))
    return falling_root(
        lambda drift: power - float(crossing_chances(times, critical, drift)[-1]),
        start / 2, 3 * max(critical[-1], 1) + 6, 1e-8,
    )  # fmt: skip


def _bounds(plan: Design, n_units: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    if plan.method == "one_look":
        return (1.0,), (normal_quantile(plan.level),)
    return _looks(plan.method, plan.looks, plan.level, n_units / plan.tuned_for)


@functools.lru_cache(maxsize=256)
def _looks(
    method: str, looks: int, level: float, size: float
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the looks' times, evenly spread to 1, and their critical values."""
    times = tuple(look / looks for look in range(1, looks + 1))
    if method == "planned_end":
        return times, alpha_spending(times, alpha=level).critical
    return times, tuple(anytime_critical(size * t, level, 1.0) for t in times)
