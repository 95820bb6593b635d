"""The year of the sample shop: its days, its seasons, and at which hour whom it sees.

Inside the sample, time is whole seconds since 00:00 of the first day in Seoul (an ``int64``), and a
day is their quotient by `DAY`. Korea has no summer time, so every day has `DAY` seconds.
"""

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from custmeasure.shop.sample.draw import choose, cumulated

Seconds = NDArray[np.int64]

MINUTE, HOUR, DAY = 60, 3_600, 86_400
FIRST_DAY = dt.date(2025, 11, 1)
N_DAYS = 365
END = N_DAYS * DAY
AGES = ("20s", "30s", "40s", "50s+")

_EPOCH = 1_761_922_800  # 2025-11-01T00:00+09:00
_WEEKDAY_WEIGHT = (1.12, 1.06, 1.03, 1.02, 0.95, 0.84, 0.98)
# First day, last day, how many times the usual number of new visitors.
_SEASONS = (
    ("2025-11-24", "2025-11-30", 1.30),  # Black Friday
    ("2025-12-10", "2025-12-24", 1.35),  # presents
    ("2026-02-05", "2026-02-14", 1.90),  # half-price sale before Valentine's day
    ("2026-02-15", "2026-02-18", 0.55),  # Seollal
    ("2026-08-03", "2026-08-16", 1.45),  # Instagram campaign
    ("2026-09-23", "2026-09-27", 0.50),  # Chuseok
)
# At which hours a group shops: (middle, width, weight) of each hump; weekends start later.
_HUMPS = (
    ((22.5, 2.2, 1.0), (13.0, 1.5, 0.35)),
    ((12.5, 1.0, 0.8), (21.5, 1.8, 1.0)),
    ((10.0, 1.5, 1.0), (20.5, 1.8, 0.6)),
    ((7.5, 1.5, 1.0), (14.0, 2.0, 0.4)),
)


def day_no(day: str) -> int:
    """Return how many days after the first one ``day`` (YYYY-MM-DD) is."""
    return (dt.date.fromisoformat(day) - FIRST_DAY).days


def between(at: Seconds, first: str, last: str) -> NDArray[np.bool_]:
    """Say which instants lie in the days ``first`` to ``last``, both included."""
    return (at >= day_no(first) * DAY) & (at < (day_no(last) + 1) * DAY)


def weekday(day: NDArray[Any]) -> NDArray[Any]:
    """Return the weekday of each day number, Monday is 0."""
    return (day + FIRST_DAY.weekday()) % 7


def day_weights() -> NDArray[np.float64]:
    """Return how new visitors spread over the year's days: growth, weekdays and seasons."""
    day = np.arange(N_DAYS)
    weights = np.linspace(1.0, 1.25, N_DAYS) * np.take(_WEEKDAY_WEIGHT, weekday(day))
    for first, last, times in _SEASONS:
        weights[between(day * DAY, first, last)] *= times
    shares: NDArray[np.float64] = weights / weights.sum()
    return shares


def _hours() -> NDArray[np.float64]:
    """Return the chance of each hour, a row for each age on weekdays, then on weekends."""
    hour = np.arange(24) + 0.5
    rows = []
    for later in (0.0, 1.5):
        for humps in _HUMPS:
            distance = [np.abs((hour - middle - later + 12) % 24 - 12) for middle, _, _ in humps]
            rows.append(
                0.04
                + sum(
                    weight * np.exp(-0.5 * (gap / width) ** 2)
                    for gap, (_, width, weight) in zip(distance, humps, strict=True)
                )
            )
    return cumulated(np.array(rows))


_HOURS = _hours()


def moment(rng: np.random.Generator, day: NDArray[Any], age: NDArray[np.int64]) -> Seconds:
    """Draw an instant on each day at an hour that suits the age."""
    weekend = weekday(day) >= 5
    hour = choose(rng, _HOURS, age + len(AGES) * weekend).astype(np.int64)
    return day * DAY + hour * HOUR + rng.integers(0, HOUR, len(day))


def shopping_day(rng: np.random.Generator, day: NDArray[Any]) -> NDArray[Any]:
    """Put some visits off to the next day, so that returning visitors keep the week's rhythm."""
    dull = 1 - np.take(_WEEKDAY_WEIGHT, weekday(day)) / max(_WEEKDAY_WEIGHT)
    return day + (rng.random(len(day)) < 1.5 * dull)


def opening(at: Seconds) -> Seconds:
    """Return when somebody is there to answer: at once from 9 to 19, else the next 9 o'clock."""
    hour = at % DAY // HOUR
    closed = (hour < 9) | (hour >= 19)
    return np.where(closed, (at // DAY + (hour >= 19)) * DAY + 9 * HOUR, at)


def instants(at: NDArray[Any], known: NDArray[np.bool_] | None = None) -> pa.Array:
    """Return the UTC instants; what is not known, or not yet over at the year's end, is null."""
    missing = at >= END if known is None else (at >= END) | ~known
    micros = (np.asarray(at, np.int64) + _EPOCH) * 1_000_000
    return pa.array(micros, mask=missing).cast(pa.timestamp("us", tz="UTC"))


def days(day: NDArray[Any]) -> pa.Array:
    """Return day numbers as calendar days."""
    since_1970 = (FIRST_DAY - dt.date(1970, 1, 1)).days
    return pa.array((np.asarray(day) + since_1970).astype(np.int32)).cast(pa.date32())


def day_words(day: NDArray[Any]) -> pa.Array:
    """Return day numbers as text, ``20260302``."""
    names = [(FIRST_DAY + dt.timedelta(days=d)).strftime("%Y%m%d") for d in range(N_DAYS)]
    return pa.array(names).take(pa.array(np.asarray(day, np.int64)))
