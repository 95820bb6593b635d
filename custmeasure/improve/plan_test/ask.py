"""What a plan is asked for, and what each number of weeks can show of it."""

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from custmeasure.stats.planning import Baseline, Design, plan_mde, plan_power, plan_units
from custmeasure.stats.tails import Floats

WEEK = 7
MOST_LOOKS = {"one_look": 1, "planned_end": 56, "open_end": 28}
# After so many days' looks the units needed hardly change any more, and they are quickly computed.
SETTLED = 2 * WEEK


@dataclass(frozen=True)
class Ask:
    """What a plan is asked for.

    Attributes
    ----------
    metric, window
        What is measured, and within how long after a unit came in.
    min_effect
        The smallest relative difference that matters.
    baseline, design
        What units do today; how the test is run (`looks` follow from the days).
    by_day
        (n_days,) different units by the end of each day.
    foreseen
        How well what units did before foresees the metric (a correlation), whether used or not.
    currency
        Of amounts.
    """

    metric: str
    window: dt.timedelta
    min_effect: float
    baseline: Baseline
    design: Design
    by_day: Sequence[float] | Floats
    foreseen: float = math.nan
    currency: str = "KRW"

    def at(self, n_days: int) -> Design:
        """Return the design of a test of ``n_days``, looked at every day unless once.

        More looks than `MOST_LOOKS` change the units by less than 1 % and take long to compute.
        """
        return replace(self.design, looks=min(n_days, MOST_LOOKS[self.design.method]))

    @property
    def n_weeks(self) -> int:
        """The longest test that is looked at."""
        return len(self.by_day) // WEEK


def table(ask: Ask) -> pd.DataFrame:
    """Return, a number of whole weeks, the units, the smallest difference seen, and the power."""
    weeks = np.arange(1, ask.n_weeks + 1)
    units = np.asarray(ask.by_day, dtype=np.float64)[weeks * WEEK - 1]
    mde = [
        plan_mde(ask.baseline, n, ask.at(WEEK * int(w))) for w, n in zip(weeks, units, strict=True)
    ]
    power = [_power(ask, n, WEEK * int(w)) for w, n in zip(weeks, units, strict=True)]
    return pd.DataFrame({
        "n_weeks": weeks, "n_days": weeks * WEEK, "n_units": np.rint(units).astype(np.int64),
        "mde_rel_diff": mde, "mde_diff": np.array(mde) * ask.baseline.mean, "power_rate": power,
    })  # fmt: skip


def needed(ask: Ask, weeks: int | None) -> int | None:
    """Return the units, of all variants, that the smallest difference that matters takes."""
    days = SETTLED if ask.design.method == "open_end" or weeks is None else WEEK * weeks
    units = plan_units(ask.baseline, ask.min_effect, ask.at(days))
    return math.ceil(units) if math.isfinite(units) else None


def _power(ask: Ask, n_units: float, n_days: int) -> float:
    return plan_power(ask.baseline, ask.min_effect, n_units, ask.at(n_days))


def shortest(ask: Ask) -> int | None:
    """Return the fewest whole weeks that are enough, without a table of all of them."""
    least = plan_units(
        ask.baseline, ask.min_effect, replace(ask.design, method="one_look", looks=1)
    )
    for week in range(1, ask.n_weeks + 1):
        n = ask.by_day[WEEK * week - 1]
        if n >= least and _power(ask, n, WEEK * week) >= ask.design.power - 1e-9:
            return week
    return None
