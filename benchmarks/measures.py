"""``funnel`` and ``retention`` beside plain pandas, on a million generated events.

Every visitor enters once, so that the plain version (which knows no second attempt, no pending window
and no interval) must count the same people.
"""

import numpy as np
import pandas as pd

import custmeasure as cm
from benchmarks.turns import Line, in_turns, seconds

STEPS = ["session_start", "view_product", "add_to_cart", "purchase"]
WINDOW = pd.Timedelta("7D")
N_EVENTS = 1_000_000


def measure(rounds: int) -> list[Line]:
    """Return both comparisons; stop when the counts differ."""
    events = generate(N_EVENTS)
    _same(ours_funnel(events), plain_funnel(events))
    _same(ours_retention(events), plain_retention(events))
    return [
        Line(
            "Funnel of 1,000,000 events",
            "cm.funnel",
            "plain pandas",
            *in_turns(
                lambda: seconds(lambda: ours_funnel(events)),
                lambda: seconds(lambda: plain_funnel(events)),
                rounds,
            ),
        ),
        Line(
            "Retention of 1,000,000 events",
            "cm.retention",
            "plain pandas",
            *in_turns(
                lambda: seconds(lambda: ours_retention(events)),
                lambda: seconds(lambda: plain_retention(events)),
                rounds,
            ),
        ),
    ]


def generate(n_events: int) -> pd.DataFrame:
    """Return shuffled events of visitors who enter once and then do other things for a month."""
    draw = np.random.default_rng(20261101)
    n_visitors = n_events // 4
    entry = draw.integers(0, 180 * 86_400, n_visitors)
    visitor = draw.integers(0, n_visitors, n_events - n_visitors)
    later = entry[visitor] + draw.integers(1, 30 * 86_400, visitor.size)
    name = draw.choice(STEPS[1:], visitor.size, p=[0.6, 0.3, 0.1])
    events = pd.DataFrame(
        {
            "visitor_id": np.char.add(
                "v", np.concatenate([np.arange(n_visitors), visitor]).astype(str)
            ),
            "at": pd.Timestamp("2026-01-01", tz="UTC")
            + pd.to_timedelta(np.concatenate([entry, later]), unit="s"),
            "event": np.concatenate([np.full(n_visitors, STEPS[0]), name]),
        }
    )
    return events.sample(frac=1, random_state=1, ignore_index=True)


def ours_funnel(events: pd.DataFrame) -> list[int]:
    """Return how many visitors reach each step."""
    return [int(n) for n in cm.funnel(events, STEPS, window="7d").frame["n_reached"]]


def plain_funnel(events: pd.DataFrame) -> list[int]:
    """Return the same: the earliest event of each step not before the step before."""
    entry = events[events["event"] == STEPS[0]].groupby("visitor_id")["at"].min()
    reached, before = [len(entry)], entry
    for step in STEPS[1:]:
        these = events.loc[events["event"] == step, ["visitor_id", "at"]]
        these = these[these["visitor_id"].isin(before.index)]
        after = these["at"] >= these["visitor_id"].map(before)
        within = these["at"] <= these["visitor_id"].map(entry) + WINDOW
        before = these[after & within].groupby("visitor_id")["at"].min()
        reached.append(len(before))
    return reached


def ours_retention(events: pd.DataFrame) -> list[int]:
    """Return how many visitors are active in each month of each cohort."""
    result = cm.retention(events, unit="visitor_id", at="at", period="month", timezone="UTC")
    return [int(n) for n in result.frame["n_retained"].dropna() if n]


def plain_retention(events: pd.DataFrame) -> list[int]:
    """Return the same: distinct visitors by first month and month."""
    month = events["at"].dt.year * 12 + events["at"].dt.month
    first = month.groupby(events["visitor_id"]).transform("min")
    cells = pd.DataFrame({"cohort": first, "period": month - first, "who": events["visitor_id"]})
    return cells.groupby(["cohort", "period"])["who"].nunique().tolist()


def _same(ours: list[int], plain: list[int]) -> None:
    if ours != plain:
        raise SystemExit(f"Not the same people.\nours:  {ours}\nplain: {plain}")
