"""Which copy is shown on which day: pairs of the same weekday, a coin in each pair.

Two weeks stand beside each other, Monday with Monday. In each pair a coin says in which of the two
weeks the treatment is shown; the other week shows the control. So every weekday is shared fairly, a
slow trend cancels within two weeks, and chance alone made the order. Where a copy still works on the day
after (people come back), ``carry_over`` days are shown and not counted: each copy then runs for
``1 + carry_over`` days, of which the last one counts.
"""

import datetime as dt
import functools
import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from custmeasure.errors import UsageError

WEEK = 7
# Copies that change as rarely as fewer than this share of all draws do were not drawn like this.
RARE = 0.005
_TRIES = 4000


@dataclass(frozen=True)
class Design:
    """Pairs of days from ``start`` on.

    Attributes
    ----------
    start
        The first day.
    carry_over
        Days at the start of each run that are shown and not counted.
    """

    start: dt.date
    carry_over: int = 0

    def __post_init__(self) -> None:
        if isinstance(self.carry_over, bool) or self.carry_over not in range(7):
            raise UsageError(
                ko=f"carry_over {self.carry_over!r}: 0부터 6까지의 날 수여야 합니다.",
                en=f"carry_over {self.carry_over!r} must be a number of days from 0 to 6.",
            )

    @property
    def run(self) -> int:
        """How many days a copy is shown before the next coin counts."""
        return 1 + self.carry_over

    @property
    def block_days(self) -> int:
        """Days after which every weekday has been compared once."""
        return 2 * WEEK * self.run

    def places(self, days: NDArray[Any]) -> pd.DataFrame:
        """Return, a day, its ``pair``, the ``half`` of the pair it lies in, and if it is ``counted``.

        ``days`` are numpy days (``datetime64[D]``); days before the start have pair -1.
        """
        offset = (days - np.datetime64(self.start, "D")).astype(np.int64)
        cycle, within = np.divmod(offset, WEEK * self.run)
        run, step = np.divmod(within, self.run)
        pair = np.where(offset < 0, -1, (cycle // 2) * WEEK + run)
        return pd.DataFrame({"pair": pair, "half": cycle % 2, "counted": step == self.carry_over})

    def draw(self, n_days: int, rng: np.random.Generator, draws: int = 1) -> NDArray[np.int64]:
        """Return (draws, n_days) of 0 for the control and 1 for the treatment."""
        days = np.datetime64(self.start, "D") + np.arange(n_days)
        places = self.places(days)
        pair = places["pair"].to_numpy()
        flips = rng.integers(0, 2, (draws, int(pair.max()) + 1))
        return np.asarray(flips[:, pair] ^ places["half"].to_numpy())

    def schedule(self, n_days: int, control: str, treatment: str, seed: str) -> pd.DataFrame:
        """Return the plan, one row a day: ``day, variant, pair, counted``; the same for the same seed.

        A draw in which one copy happens to run for weeks is drawn again.
        """
        rng = np.random.default_rng(int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8]))
        days = np.datetime64(self.start, "D") + np.arange(n_days)
        arm = self.draw(n_days, rng)[0]
        while n_days >= self.block_days and runs_are_too_long(arm, days, self):
            arm = self.draw(n_days, rng)[0]
        places = self.places(days)
        names = np.where(arm == 1, treatment, control)
        return pd.DataFrame({
            "day": pd.Series(days).dt.date, "variant": names,
            "pair": places["pair"], "counted": places["counted"],
        })  # fmt: skip


def runs_are_too_long(arm: NDArray[np.int64], days: NDArray[Any], design: Design) -> bool:
    """Whether the copies changed so rarely that the days were not drawn one by one.

    ``arm`` is 0 or 1 for each of ``days``, in order. A copy that ran for weeks on end, and one change
    from the old to the new, are told from a drawn plan: fewer than one draw in two hundred
    changes so rarely.
    """
    changes = int((arm[1:] != arm[:-1]).sum())
    if changes <= 1:
        return True
    offsets = tuple((days - days[0]).astype(np.int64).tolist())
    return bool((_changes_drawn(offsets, design.carry_over) <= changes).mean() < RARE)


@functools.lru_cache(maxsize=64)
def _changes_drawn(offsets: tuple[int, ...], carry_over: int) -> NDArray[np.int64]:
    """Return how often the copy changes over days ``offsets`` after the first, in `_TRIES` draws."""
    aligned = Design(dt.date(2026, 1, 5), carry_over)
    drawn = aligned.draw(offsets[-1] + 1, np.random.default_rng(0), _TRIES)[:, list(offsets)]
    return np.asarray((drawn[:, 1:] != drawn[:, :-1]).sum(axis=1))
