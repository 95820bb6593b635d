"""The days of a test, read and put in pairs: which of them can be compared."""

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from custmeasure import dates
from custmeasure.engine import Table, query
from custmeasure.errors import UsageError
from custmeasure.improve.copy_days.design import Design, runs_are_too_long
from custmeasure.shop import Shop
from custmeasure.show.words import Text, Verdict

METRICS = ("conversion", "revenue", "visitors")
COLUMNS = ("day", "variant", "n_visitors", "n_conversions", "revenue_amount")

_NAMES = """
    SELECT experiment, min(day) AS first_day, max(day) AS last_day, count(*) AS n_rows
    FROM rows WHERE experiment IS NOT NULL GROUP BY experiment ORDER BY experiment"""

_DAYS = """
    SELECT experiment, day, variant,
           CAST(sum(n_visitors) AS BIGINT) AS n_visitors,
           CAST(sum(n_conversions) AS BIGINT) AS n_conversions,
           sum(revenue_amount) AS revenue_amount
    FROM rows
    WHERE ($experiment IS NULL OR experiment = $experiment)
          AND day IS NOT NULL AND variant IS NOT NULL
          AND ($start IS NULL OR day >= CAST($start AS DATE))
          AND ($end IS NULL OR day <= CAST($end AS DATE))
    GROUP BY experiment, day, variant ORDER BY experiment, day, variant"""


def experiments(table: Table) -> list[str]:
    """Return the names of the experiments that were counted by the day."""
    rows = table.pick(experiment=("experiment", "text"), day=("day", "day"))
    return [str(row["experiment"]) for row in query(_NAMES, rows=rows).to_pylist()]


def read_days(
    table: Table, experiment: str | None, start: dt.date | None, end: dt.date | None
) -> pd.DataFrame:
    """Return the totals of each day and variant; of every experiment when it is None."""
    rows = table.pick(
        experiment=("experiment", "text"), day=("day", "day"), variant=("variant", "text"),
        n_visitors=("n_visitors", "count"), n_conversions=("n_conversions", "count"),
        revenue_amount=("revenue_amount", "number?"),
    )  # fmt: skip
    given = {
        "experiment": experiment,
        "start": start.isoformat() if start else None,
        "end": end.isoformat() if end else None,
    }
    return pd.DataFrame(query(_DAYS, given, rows=rows).to_pandas())


def last_complete_day(shop: Shop) -> dt.date | None:
    """Return the last day that is complete at the shop's ``as_of``, or None in an empty shop."""
    local = dates.local(shop.as_of, shop.timezone)
    return (
        None if local is None else (local + dt.timedelta(microseconds=1)).date() - dt.timedelta(1)
    )


def checked(rows: pd.DataFrame) -> pd.DataFrame:
    """Return a typed-in table of days with the columns of ``copy_days``, in order.

    Raises
    ------
    UsageError
        When a column is missing, or there are more conversions than visitors.
    """
    missing = [name for name in COLUMNS[:4] if name not in rows]
    if missing:
        raise UsageError(
            ko=f"{', '.join(missing)} 열이 없습니다. 날마다 한 행: {', '.join(COLUMNS[:4])}.",
            en=f"Column {', '.join(missing)} is missing. One row a day: {', '.join(COLUMNS[:4])}.",
        )
    frame = rows.assign(
        day=pd.to_datetime(rows["day"]).dt.date, variant=rows["variant"].astype(str)
    )
    if (frame["n_conversions"] > frame["n_visitors"]).any() or (frame["n_conversions"] < 0).any():
        raise UsageError(
            ko="전환이 방문자보다 많거나 0보다 작은 날이 있습니다. 그 날의 수를 고치십시오.",
            en="A day has more conversions than visitors, or fewer than 0. Correct that day.",
        )
    if "revenue_amount" not in frame:
        frame = frame.assign(revenue_amount=np.nan)
    return frame[list(COLUMNS)].sort_values(["day", "variant"], ignore_index=True)


@dataclass(frozen=True)
class Paired:
    """The days of a test.

    Attributes
    ----------
    days
        One row a day: ``day, variant, n_visitors, n_conversions, revenue_amount, pair, used``.
    pairs
        One row a pair used, columns ``(value_t, value_c, n_t, n_c)``.
    n_left_out
        Days that could not be compared: no partner, no visitors, both copies, or still carried over.
    wrong
        Why the days cannot be compared at all, or None.
    """

    days: pd.DataFrame
    pairs: pd.DataFrame
    n_left_out: int
    wrong: Verdict | None


def put_in_pairs(
    rows: pd.DataFrame, control: str, treatment: str, design: Design, metric: str, *, planned: bool
) -> Paired:
    """Put each day beside the same weekday of the other week, and check how the days were drawn."""
    mixed = rows["day"].duplicated(keep=False)
    days = rows[~mixed].reset_index(drop=True)
    moments = days["day"].to_numpy("datetime64[D]")
    places = design.places(moments)
    days = pd.concat([days, places[["pair", "counted"]]], axis=1)
    value, n = _values(days, metric)
    usable = days["counted"] & (days["pair"] >= 0) & np.isfinite(value) & (n > 0)
    days = days.assign(value=value, n=n)
    wide = days[usable].pivot_table(index="pair", columns="variant", values=["value", "n"])
    whole = wide.dropna().index if len(wide) else wide.index
    both = len(whole) and {control, treatment} <= set(days.loc[usable, "variant"])
    pairs = _wide(wide, whole, control, treatment) if both else _wide_empty()
    days = days.assign(used=usable & days["pair"].isin(pairs.index))
    arm = (days["variant"] == treatment).to_numpy(np.int64)
    wrong = _wrong(mixed, arm, moments, design, planned=planned)
    return Paired(days, pairs, int(len(rows["day"].unique()) - days["used"].sum()), wrong)


def _values(days: pd.DataFrame, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """Return each day's value and what it divides by."""
    n = days["n_visitors"].to_numpy(float)
    if metric == "visitors":
        return n, np.ones(len(days))
    column = "n_conversions" if metric == "conversion" else "revenue_amount"
    total = days[column].to_numpy(float)
    return np.divide(total, n, out=np.full(len(days), np.nan), where=n > 0), n


def _wide(wide: pd.DataFrame, whole: pd.Index, control: str, treatment: str) -> pd.DataFrame:
    chosen = wide.loc[whole]
    columns = [("value", treatment), ("value", control), ("n", treatment), ("n", control)]
    return pd.DataFrame({name: chosen[column] for name, column in zip(_PAIR, columns, strict=True)})


_PAIR = ("value_t", "value_c", "n_t", "n_c")


def _wide_empty() -> pd.DataFrame:
    return pd.DataFrame({name: np.zeros(0) for name in _PAIR})


def _wrong(
    mixed: pd.Series,
    arm: np.ndarray,
    moments: np.ndarray,
    design: Design,
    *,
    planned: bool,
) -> Verdict | None:
    if mixed.mean() > 0.5:
        return Verdict("invalid", BOTH_EACH_DAY, code="BOTH_EACH_DAY")
    if planned or len(arm) < 2 or not 0 < arm.sum() < len(arm):
        return None
    if int((arm[1:] != arm[:-1]).sum()) == 1:
        return Verdict("invalid", BEFORE_AFTER, code="BEFORE_AFTER")
    if runs_are_too_long(arm, moments, design):
        return Verdict("invalid", LONG_RUNS, code="LONG_RUNS")
    return None


_INSTEAD = Text(
    "대신 같은 요일끼리 짝을 지어, 짝마다 동전을 던져 어느 주에 어느 문구를 쓸지 정하십시오. "
    "'custmeasure plan 이름 --by-day'가 그 계획표를 만듭니다.",
    "Instead, pair the same weekdays of two weeks and let a coin decide, pair by pair, which week "
    "shows which copy. 'custmeasure plan NAME --by-day' writes that plan.",
)

BEFORE_AFTER = Text(
    "한 문구를 먼저 쓰고 그다음에 다른 문구를 썼습니다. 지난주와 이번 주는 문구가 아니어도 다릅니다: "
    f"날씨, 월급날, 광고, 명절이 다릅니다. 그래서 견주지 않습니다. {_INSTEAD.ko}",
    "One copy was shown first and the other after it. Last week and this week differ without any "
    f"copy: weather, pay day, advertisements, holidays. So they are not compared. {_INSTEAD}",
)
LONG_RUNS = Text(
    "한 문구를 여러 날 이어서 써서, 문구의 차이와 그 기간의 차이를 나눌 수 없습니다. "
    f"날을 하나씩 뽑은 계획이 아닙니다. {_INSTEAD.ko}",
    "Each copy ran for many days on end, so what the copy did and what those days did cannot be told "
    f"apart. The days were not drawn one by one. {_INSTEAD}",
)
BOTH_EACH_DAY = Text(
    "날마다 두 문구의 합계가 모두 있습니다. 방문자를 나누어 보여 준 시험이니 copy_test로 견주십시오.",
    "Every day has totals of both copies: the visitors were split. Compare them with copy_test.",
)
