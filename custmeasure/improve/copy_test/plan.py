"""What is missing when a test cannot tell: how many more people, and until when."""

import datetime as dt
import math
from dataclasses import dataclass

from custmeasure.improve.copy_test.effects import Measured, Rate, Sample, own_value
from custmeasure.language import Lang, pick
from custmeasure.stats import units_for_means, units_for_rates
from custmeasure.stats.adjusted import adjusted

POWER = 0.8
TOO_LONG_DAYS = 365.0


@dataclass(frozen=True)
class Traffic:
    """The units that a test gets.

    Attributes
    ----------
    n_units
        Units of all variants so far, those within their window too.
    days
        Days in which they came.
    today
        The day of the data when the test still gets units, None when it has ended.
    window_days
        How long a unit's window is.
    """

    n_units: int
    days: float
    today: dt.date | None
    window_days: float


def units_needed(
    treatment: Sample, control: Sample, rel_diff: float, alpha: float, power: float = POWER
) -> float:
    """Return how many control units show a relative difference, at the test's own split.

    NaN where that cannot be said: nothing to measure yet, or a rate above 1.
    """
    if not treatment.n or not control.n or not math.isfinite(rel_diff):
        return math.nan
    ratio = treatment.n / control.n
    if isinstance(control, Rate):
        rate = control.k / control.n
        return units_for_rates(rate, rate * (1 + rel_diff), alpha=alpha, power=power, ratio=ratio)
    if min(treatment.n, control.n) < 2:
        return math.nan
    base = own_value(control).mean
    if isinstance(treatment, Measured) and isinstance(control, Measured):
        left, right = adjusted(treatment.joint, control.joint, treatment.columns)
    else:
        left, right = own_value(treatment), own_value(control)
    return units_for_means(
        right.var, left.var, rel_diff * base, alpha=alpha, power=power, ratio=ratio
    )


@dataclass(frozen=True)
class Missing:
    """What a test lacks to see a difference.

    Attributes
    ----------
    rel_diff
        The relative difference to be seen.
    growth
        Units needed ÷ units so far; at most 1 when there are enough already.
    n_units
        Units so far, of all variants.
    n_variants
        Variants that share them.
    """

    rel_diff: float
    growth: float
    n_units: int
    n_variants: int

    def more(self, traffic: Traffic | None, lang: Lang) -> str:
        """Return how many more people a variant, and until when: ``about 4,100 more people …``."""
        more = _rounded_up((self.growth - 1) * self.n_units / self.n_variants)
        until = self._until(traffic, lang)
        return pick(
            f"안마다 약 {more:,}명{f'({until})' if until else ''}이 더",
            f"about {more:,} more people a variant{f' ({until})' if until else ''}",
            lang,
        )

    def is_too_long(self, traffic: Traffic | None) -> bool:
        """Whether the test's own traffic would need more than a year."""
        return traffic is not None and self._days(traffic) > TOO_LONG_DAYS

    def _days(self, traffic: Traffic) -> float:
        """Return how long the units still to come take; those within their window are here."""
        still = max(self.growth * self.n_units - traffic.n_units, 0.0)
        return still / traffic.n_units * traffic.days

    def _until(self, traffic: Traffic | None, lang: Lang) -> str:
        if traffic is None or traffic.days < 1:
            return ""
        days = self._days(traffic)
        if days > TOO_LONG_DAYS:
            return pick("지금 유입으로는 1년 넘게", "more than a year at this traffic", lang)
        if traffic.today is None:
            shown = f"{math.ceil(days):,}"
            return pick(
                f"같은 유입으로 약 {shown}일", f"about {shown} days of the same traffic", lang
            )
        on = traffic.today + dt.timedelta(days=math.ceil(days + traffic.window_days))
        return pick(f"{on}쯤까지", f"until about {on}", lang)


def _rounded_up(n: float) -> int:
    """Return ``n`` rounded up to two digits that count: what is estimated is not exact."""
    scale: int = 10 ** max(0, math.floor(math.log10(max(n, 1))) - 1)
    return math.ceil(n / scale) * scale
