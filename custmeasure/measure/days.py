"""Are there days missing in the data?

Counts the rows of each day in the shop's time zone, from the first day that has any to the last
complete one, and sets each day beside the median of the same weekday in the eight weeks around it. A
day without rows, or with less than a third of what is usual, is a *gap*: an export that was cut, a tag
that was off, or a holiday; the marketer knows which.

Frame, one row a day: ``day, n_rows, n_usual`` (NaN where too few weeks say what is usual), ``gap``.
"""

import datetime as dt
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from custmeasure import dates
from custmeasure.engine import MissingTable, Readable, as_table, query
from custmeasure.language import Lang
from custmeasure.show.labels import table_label
from custmeasure.show.result import Result, missing_verdict
from custmeasure.show.words import Text, Verdict

WEEKS = 4  # on either side
ENOUGH_WEEKS = 3
LOW = 1 / 3
FEW = 5  # a usual day below this is empty by chance

_BY_DAY = """
    SELECT CAST(timezone($timezone, moment) AS DATE) AS day, count(*) AS n_rows
    FROM rows
    WHERE moment IS NOT NULL AND ($as_of IS NULL OR moment < CAST($as_of AS TIMESTAMPTZ))
    GROUP BY ALL ORDER BY day"""


@dataclass(frozen=True, eq=False, repr=False)
class DaysResult(Result):
    """Rows by day and the days that look cut; see the module for the columns."""

    name: ClassVar[str] = "days"
    COLUMNS: ClassVar[tuple[str, ...]] = ("day", "n_rows", "n_usual", "gap")
    SHOWN: ClassVar[int] = 14

    def shown_frame(self) -> pd.DataFrame:
        """Return the days that look cut, the latest first."""
        gaps = self.frame[self.frame["gap"].astype(bool)]
        return gaps.sort_values("day", ascending=False).head(self.SHOWN)

    def headline(self, lang: Lang | None = None) -> str:
        """Return how many days look cut."""
        return self.reason.in_(lang)


def days(
    rows: Readable, *, at: str = "at", as_of: str | dt.date | dt.datetime | None = None
) -> DaysResult:
    """Count the rows of each day and mark the days that look cut.

    Parameters
    ----------
    rows
        A shop's table, a pandas frame, an Arrow table or a path.
    at
        The column of the instant.
    as_of
        The last instant that is known; the shop's own when not given.

    Raises
    ------
    UnknownName
        When there is no such column.
    """
    table = as_table(rows)
    if isinstance(table, MissingTable):
        empty = pd.DataFrame(columns=list(DaysResult.COLUMNS))
        return DaysResult(empty, {}, verdict=missing_verdict(table.name))
    known = table.as_of if as_of is None else dates.to_instant(as_of, table.timezone)
    parameters = {"timezone": table.timezone, "as_of": known.isoformat() if known else None}
    counted = query(_BY_DAY, parameters, rows=table.pick(moment=(at, "instant"))).to_pandas()
    frame = _frame(counted, dates.local(known, table.timezone))
    definition = {
        "table": table.name,
        "as_of": dates.local(known, table.timezone),
        "timezone": table.timezone,
        "engine": table.engine,
    }
    return DaysResult(frame, definition, verdict=_verdict(frame, table.name))


def _frame(counted: pd.DataFrame, until: dt.datetime | None) -> pd.DataFrame:
    if not len(counted):
        return pd.DataFrame(columns=list(DaysResult.COLUMNS))
    first, last = counted["day"].min(), counted["day"].max()
    if until is not None:
        last = max(last, (until - dt.timedelta(microseconds=1)).date())
    index = pd.date_range(first, last, freq="D")
    rows = counted.set_index(pd.DatetimeIndex(counted["day"]))["n_rows"].reindex(
        index, fill_value=0
    )
    n, usual = rows.to_numpy(np.int64), _usual(rows.to_numpy(float))
    gap = (n == 0) | (n < LOW * usual)
    gap &= ~(usual < FEW)
    return pd.DataFrame({"day": index.date, "n_rows": n, "n_usual": usual, "gap": gap})


def _usual(n: np.ndarray) -> np.ndarray:
    """Return the median of the same weekday in the weeks around each day; NaN where too few."""
    shifts = [7 * k for k in range(-WEEKS, WEEKS + 1) if k]
    padded = np.pad(n, 7 * WEEKS, constant_values=np.nan)
    around = np.vstack([padded[7 * WEEKS + s : 7 * WEEKS + s + len(n)] for s in shifts])
    enough = np.isfinite(around).sum(axis=0) >= ENOUGH_WEEKS
    usual = np.full(len(n), np.nan)
    if enough.any():
        usual[enough] = np.nanmedian(around[:, enough], axis=0)
    return usual


def _verdict(frame: pd.DataFrame, name: str) -> Verdict:
    said = {"ko": table_label(name, "ko"), "en": table_label(name, "en")}
    if not len(frame):
        reason = Text(
            f"{said['ko']}에 날짜가 있는 행이 없습니다.", f"No row of {said['en']} has a day."
        )
        return Verdict("cannot_tell", reason, code="NO_UNITS")
    n_gaps = int(frame["gap"].sum())
    if not n_gaps:
        reason = Text(
            f"{said['ko']}: {len(frame):,}일 가운데 빠진 날이 보이지 않습니다.",
            f"{said['en'].capitalize()}: no gap in {len(frame):,} days.",
        )
        return Verdict("no_difference", reason)
    last = frame.loc[frame["gap"].astype(bool), "day"].max()
    reason = Text(
        f"{said['ko']}: {len(frame):,}일 가운데 {n_gaps:,}일이 비었거나 보통의 3분의 1에 못 미칩니다. "
        f"가장 최근은 {last}입니다. 쉬는 날이 아니었다면 그 날을 다시 내려받으십시오.",
        f"{said['en'].capitalize()}: {n_gaps:,} of {len(frame):,} days are empty or below a third of "
        f"what is usual, the latest {last}. Unless the shop was closed, export those days again.",
    )
    return Verdict("worse", reason)
