"""How much the days of a page differ when nothing changes: what a plan by the day has to overcome."""

import datetime as dt
import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from custmeasure.engine import Table, query
from custmeasure.improve.copy_days.design import WEEK, Design
from custmeasure.improve.copy_days.reading import put_in_pairs
from custmeasure.shop import Shop
from custmeasure.stats.proportion import compare_rates
from custmeasure.stats.randomisation import compare_pairs

# Days of the past that are looked at, the latest ones.
PAST_DAYS = 26 * WEEK

_BY_DAY = """
    WITH came AS (
        SELECT CAST(timezone($timezone, moment) AS DATE) AS day, unit,
               max(CASE WHEN event = $event THEN 1 ELSE 0 END) AS did
        FROM events
        WHERE unit IS NOT NULL AND ($as_of IS NULL OR moment <= CAST($as_of AS TIMESTAMPTZ))
        GROUP BY ALL
        HAVING $page IS NULL OR max(CASE WHEN page = $page THEN 1 ELSE 0 END) = 1)
    SELECT day, count(*) AS n_visitors, CAST(sum(did) AS BIGINT) AS n_conversions
    FROM came GROUP BY day ORDER BY day"""


@dataclass(frozen=True)
class Past:
    """Days on which a page was seen, and how they differ.

    Attributes
    ----------
    n_visitors
        A day's visitors, on average.
    value
        The metric, over all days.
    sd
        Standard deviation of the difference within a pair of days, when nothing changed.
    n_pairs
        Pairs of days that say so.
    source
        The table they come from.
    """

    n_visitors: float
    value: float
    sd: float
    n_pairs: int
    source: str = ""


def from_copy_days(rows: pd.DataFrame, metric: str, carry_over: int) -> Past | None:
    """Return the past from earlier tests by the day, what the copies did taken out."""
    gaps = [
        (gap, weight)
        for _, one in rows.groupby("experiment", sort=True)
        for gap, weight in _gaps(one.drop(columns="experiment"), metric, carry_over)
    ]
    return _summed(rows, gaps, metric, "copy_days")


def read_visits(shop: Shop, events: Table, event: str, page: str | None) -> pd.DataFrame:
    """Return the visitors of each day and those who did ``event``, of the latest half year."""
    given = {"timezone": shop.timezone, "event": event, "page": page,
             "as_of": shop.as_of.isoformat() if shop.as_of else None}  # fmt: skip
    picked = events.pick(
        unit=("visitor_id", "text"), event=("event", "text"), page=("page", "text?"),
        moment=("at", "instant"),
    )  # fmt: skip
    days = pd.DataFrame(query(_BY_DAY, given, events=picked).to_pandas()).tail(PAST_DAYS)
    return days.assign(experiment="", variant="", revenue_amount=np.nan).reset_index(drop=True)


def from_visits(rows: pd.DataFrame, metric: str, carry_over: int) -> Past | None:
    """Return the past of the shop's own pages, from `read_visits`."""
    if not len(rows):
        return None
    gaps = _gaps(rows.drop(columns="experiment"), metric, carry_over)
    return _summed(rows, gaps, metric, "events")


def _gaps(rows: pd.DataFrame, metric: str, carry_over: int) -> list[tuple[float, float]]:
    """Return the differences between the two halves of each pair, with their weights.

    What the copies themselves did is taken out first: each day counts as its copy's days do beside
    all days.
    """
    first = min(rows["day"])
    design = Design(first.date() if isinstance(first, dt.datetime) else first, carry_over)
    half = design.places(rows["day"].to_numpy("datetime64[D]"))["half"].to_numpy()
    halves = rows.assign(variant=np.where(half, "1", "0"), was=rows["variant"])
    days = put_in_pairs(halves, "0", "1", design, metric, planned=True).days
    days = days[days["used"]]
    if days["pair"].nunique() < 2:
        return []
    own = days["value"] - days.groupby("was")["value"].transform("mean")
    wide = days.assign(own=own).pivot_table(index="pair", columns="variant", values=["own", "n"])
    gap = (wide["own", "1"] - wide["own", "0"]).to_numpy(float)
    weight = (wide["n", "0"] * wide["n", "1"] / (wide["n", "0"] + wide["n", "1"])).to_numpy(float)
    centred = (gap - (weight * gap).sum() / weight.sum()) * math.sqrt(len(gap) / (len(gap) - 1))
    return list(zip(centred.tolist(), weight.tolist(), strict=True))


def _summed(
    rows: pd.DataFrame, gaps: list[tuple[float, float]], metric: str, source: str
) -> Past | None:
    if len(gaps) < WEEK:
        return None
    gap, weight = np.array(gaps).T
    share = weight / weight.sum()
    sd = math.sqrt(float(((share * gap) ** 2).sum()) * len(gap))
    n = float(rows.groupby(["experiment", "day"])["n_visitors"].sum().mean())
    visitors, sold = rows["n_visitors"].sum(), rows["n_conversions"].sum()
    value = n
    if metric == "conversion":
        value = float(sold / visitors) if visitors else 0.0
        # Luck alone: no page can be quieter than its own visitors.
        sd = max(sd, math.sqrt(value * (1 - value) * len(gap) / weight.sum()))
    elif metric == "revenue":
        value = float(rows["revenue_amount"].sum() / visitors) if visitors else 0.0
    return Past(n, value, sd, len(gap), source)


def week_on_week(rows: pd.DataFrame) -> tuple[int, int]:
    """Return how many neighbouring weeks there are, and how many a plain test calls different."""
    tested = apart = 0
    for _, one in rows.groupby("experiment"):
        days = one["day"].to_numpy("datetime64[D]")
        week = (days - days.min()).astype(np.int64) // WEEK
        sums = one.groupby(week)[["n_visitors", "n_conversions"]].sum()
        full = one.groupby(week)["day"].nunique() == WEEK
        weeks = sums[full]
        for (at, before), (later, after) in zip(
            weeks.iloc[:-1].iterrows(), weeks.iloc[1:].iterrows(), strict=True
        ):
            if int(str(later)) - int(str(at)) != 1:
                continue
            p_value = compare_rates(
                int(after.iloc[1]), int(after.iloc[0]), int(before.iloc[1]), int(before.iloc[0])
            ).p_value
            tested += math.isfinite(p_value)
            apart += p_value < 0.05
    return tested, apart


def placebo_rate(
    days: pd.DataFrame, n_weeks: int, *, draws: int = 200, alpha: float = 0.05, seed: int = 1
) -> float:
    """Return the share of made-up plans on untouched days that come out significant.

    Parameters
    ----------
    days
        ``day, n_visitors, n_conversions`` of days on which nothing changed.
    n_weeks
        Length of each made-up plan, an even number of weeks; they start on any day that leaves room.
    """
    rng = np.random.default_rng(seed)
    found = 0
    n_days = n_weeks * WEEK
    for _ in range(draws):
        at = int(rng.integers(0, len(days) - n_days + 1))
        part = days.iloc[at : at + n_days].reset_index(drop=True)
        design = Design(part["day"].iloc[0])
        arm = design.draw(n_days, rng)[0]
        rows = part.assign(variant=np.where(arm, "B", "A"), revenue_amount=np.nan)
        of = put_in_pairs(rows, "A", "B", design, "conversion", planned=True).pairs
        found += compare_pairs(of["value_t"], of["value_c"], of["n_t"], of["n_c"]).p_value < alpha
    return found / draws
