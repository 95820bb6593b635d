"""What the shop spends, day by day."""

import numpy as np

from custmeasure.shop.sample import clock, words
from custmeasure.shop.sample.draw import Rng
from custmeasure.shop.sample.files import Columns, named
from custmeasure.shop.sample.truths import SUMMER_REELS, VALENTINE

# Kind, channel (-1 none), won a day at scale 1: most goes into bringing people, little into care.
_SPEND = (
    ("ads", words.NAVER_SEARCH, 30_000),
    ("ads", words.NAVER_SHOPPING, 24_000),
    ("ads", words.INSTAGRAM, 28_000),
    ("ads", words.KAKAO, 6_000),
    ("content", -1, 8_000),
    ("care_staff", -1, 40_000),
    ("packaging", -1, 15_000),
)


def spend(rng: Rng, scale: float) -> Columns:
    """Return what every kind of spending cost on every day; Instagram triples in its campaigns."""
    row = np.tile(np.arange(len(_SPEND)), clock.N_DAYS)
    day = np.repeat(np.arange(clock.N_DAYS), len(_SPEND))
    channel = np.array([channel for _, channel, _ in _SPEND])[row]
    at = day * clock.DAY
    campaign = clock.between(at, *VALENTINE) | clock.between(at, *SUMMER_REELS)
    won = np.array([won for _, _, won in _SPEND])[row] * scale
    won = won * np.where(campaign & (channel == words.INSTAGRAM), 3.0, 1.0)
    noise = np.exp(0.1 * rng.standard_normal(len(row)))
    return {
        "day": clock.days(day),
        "kind": named(tuple(kind for kind, _, _ in _SPEND), row),
        "amount": np.round(won * noise, -1),
        "channel": named(words.CHANNELS, channel),
    }
