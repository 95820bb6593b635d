"""The cells of a retention table, counted in the engine: cohort, period, units."""

import datetime as dt
from dataclasses import dataclass

import pandas as pd

from custmeasure.engine import Table, query

PERIODS = ("hour", "day", "week", "month")
MODES = ("on", "on_or_after", "on_or_before")
COHORTS = ("first", "recurring")

_REACH = """
    SELECT count(*) FILTER (WHERE unit IS NULL) AS n_without_unit,
           min(timezone($timezone, moment)) FILTER (WHERE unit IS NOT NULL) AS first,
           max(timezone($timezone, moment)) AS last
    FROM rows
    WHERE $as_of IS NULL OR moment <= CAST($as_of AS TIMESTAMPTZ)"""

_VISITS = """
    WITH visits AS (
        SELECT DISTINCT unit, date_trunc($period, timezone($timezone, moment)) AS period
        FROM rows
        WHERE unit IS NOT NULL AND moment IS NOT NULL
              AND ($as_of IS NULL OR moment <= CAST($as_of AS TIMESTAMPTZ))),"""

_COHORT = {
    "first": " cohorts AS (SELECT unit, min(period) AS cohort FROM visits GROUP BY unit)",
    "recurring": " cohorts AS (SELECT unit, period AS cohort FROM visits)",
}

# What a unit adds: one in each period it is active, in its last period, or in its first return.
_CELLS = {
    "on": """
        SELECT cohort, period, count(*) AS n
        FROM cohorts JOIN visits USING (unit)
        WHERE period >= cohort GROUP BY cohort, period""",
    "on_or_after": """
        , ends AS (SELECT unit, max(period) AS period FROM visits GROUP BY unit)
        SELECT cohort, period, count(*) AS n
        FROM cohorts JOIN ends USING (unit) GROUP BY cohort, period""",
    "on_or_before": """
        , returns AS (
            SELECT cohorts.unit, cohort, min(period) AS period
            FROM cohorts JOIN visits ON cohorts.unit = visits.unit AND period > cohort
            GROUP BY cohorts.unit, cohort)
        SELECT cohort, period, count(*) AS n FROM returns GROUP BY cohort, period
        UNION ALL
        SELECT cohort, cohort AS period, count(*) AS n FROM cohorts GROUP BY cohort""",
}

_TEXTS = {
    (cohort, mode): _VISITS + _COHORT[cohort] + _CELLS[mode] for cohort in COHORTS for mode in MODES
}


@dataclass(frozen=True)
class Reach:
    """How far activity reaches, on the wall clock, and how much of it belongs to nobody."""

    first: dt.datetime | None
    last: dt.datetime | None
    n_without_unit: int


def reach(rows: Table, timezone: str, as_of: dt.datetime | None) -> Reach:
    """Return how far ``rows`` (unit, moment) reach up to ``as_of``."""
    parameters = {"timezone": timezone, "as_of": _iso(as_of)}
    return Reach(**query(_REACH, parameters, rows=rows).to_pylist()[0])


def count_cells(
    rows: Table, period: str, mode: str, cohort: str, timezone: str, as_of: dt.datetime | None
) -> pd.DataFrame:
    """Return the units that each mode adds up, by cohort and period.

    Returns
    -------
    pandas.DataFrame
        ``cohort, period`` (the wall-clock beginning of each) and ``n``.
    """
    parameters = {"period": period, "timezone": timezone, "as_of": _iso(as_of)}
    return pd.DataFrame(query(_TEXTS[cohort, mode], parameters, rows=rows).to_pandas())


def _iso(instant: dt.datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()
