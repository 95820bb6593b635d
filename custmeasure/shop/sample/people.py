"""Who visits: the traits of a block of visitors, in the order of their first day."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from custmeasure.shop.sample import clock, words
from custmeasure.shop.sample.draw import Frame, Rng, chance, choose, cumulated, spread_out
from custmeasure.shop.sample.truths import SUMMER_REELS, VALENTINE, Truths

# Rows: usual days, the Valentine sale, the summer campaign. Columns: words.CHANNELS.
_CHANNELS = cumulated([
    (0.30, 0.20, 0.16, 0.10, 0.17, 0.07),
    (0.19, 0.13, 0.44, 0.08, 0.11, 0.05),
    (0.20, 0.14, 0.42, 0.08, 0.11, 0.05),
])  # fmt: skip
# Rows: words.CHANNELS. Columns: words.DEVICES.
_DEVICES = cumulated([
    (0.64, 0.31, 0.05),
    (0.68, 0.27, 0.05),
    (0.90, 0.06, 0.04),
    (0.90, 0.07, 0.03),
    (0.50, 0.44, 0.06),
    (0.70, 0.25, 0.05),
])  # fmt: skip
_AGES = cumulated([(0.17, 0.33, 0.30, 0.20), (0.24, 0.37, 0.25, 0.14)])  # weekdays, weekends
_REGIONS = cumulated([0.27, 0.29, 0.07, 0.10, 0.07, 0.07, 0.06, 0.04, 0.03])


def day_chances(rng: Rng) -> NDArray[np.float64]:
    """Draw how new visitors spread over the days of this year: usual weights and some luck."""
    luck = np.exp(0.08 * rng.standard_normal(clock.N_DAYS))
    weights = clock.day_weights() * luck
    chances: NDArray[np.float64] = weights / weights.sum()
    return chances


def draw_people(
    rng: Rng, first: int, last: int, chances: NDArray[np.float64], truths: Truths
) -> Frame:
    """Draw the traits of visitors ``first`` up to ``last`` (not included).

    Parameters
    ----------
    chances
        The chance of each day to be the one of a first visit (`day_chances`).

    Returns
    -------
    Frame
        One row a visitor; the columns with names of `words` hold codes of these.
    """
    n = last - first
    day = np.repeat(np.arange(clock.N_DAYS), rng.multinomial(n, chances))
    zero = np.zeros(n, np.int64)
    age = choose(rng, _AGES, (clock.weekday(day) >= 5).astype(int))
    channel = choose(rng, _CHANNELS, _season(day))
    return {
        "visitor": np.arange(first, last),
        "first_at": clock.moment(rng, day, age),
        "age": age,
        "gender": chance(rng, 0.42, n).astype(np.int64),
        "region": choose(rng, _REGIONS, zero),
        "channel": channel,
        "device": choose(rng, _DEVICES, channel),
        "deal_seeker": chance(rng, np.where(channel == words.INSTAGRAM, 0.30, 0.13)),
        "guest": chance(rng, 0.13, n),
        "serial_returner": chance(rng, truths.serial_returner_share, n),
        "old_customer": chance(rng, 0.40 * np.exp(-day / 28)),
        "joined_at": -spread_out(rng, 5 * clock.DAY, 700 * clock.DAY, n),
        "arm": rng.integers(0, 2, (n, 4)).astype(np.int8),
    }


def _season(day: NDArray[Any]) -> NDArray[Any]:
    at = day * clock.DAY
    return clock.between(at, *VALENTINE) + 2 * clock.between(at, *SUMMER_REELS)
