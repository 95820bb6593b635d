"""Is what came in fit for a report? Gates on freshness and drift, at two levels.

``block`` stops publishing, ``warn`` puts a banner on every page. A gate compares a delivery with the
deliveries of earlier reports, which the caller hands over; with none, only the delivery itself is judged.
"""

import datetime as dt
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from custmeasure.show.words import Text

Level = Literal["block", "warn"]

STALE_DAYS = 2  # a daily export is one day old; two allow for a day without any row
FINAL_DAYS = 3  # days 3 and older are final: late rows may still reach the last two
SHRUNK = 0.8  # a cumulative export that lost a fifth of its rows is not the same export
WEEKS = 8
FAR = 3.0  # times the median of the same weekday
FEW = 20  # a median below this says too little to call a day unusual
LATE = 0.005


class Seen(Protocol):
    """What a gate needs to know of a delivery (see `custmeasure.history.Delivery`)."""

    @property
    def table(self) -> str: ...  # noqa: D102
    @property
    def file(self) -> str: ...  # noqa: D102
    @property
    def sha256(self) -> str: ...  # noqa: D102
    @property
    def n_rows(self) -> int: ...  # noqa: D102
    @property
    def columns(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def last_at(self) -> str | None: ...  # noqa: D102
    @property
    def days(self) -> tuple[tuple[str, int], ...]: ...  # noqa: D102


@dataclass(frozen=True)
class Alert:
    """One thing that is not as usual: how grave, of which table, and in words what to do."""

    level: Level
    code: str
    table: str
    said: Text


def check_delivery(now: Seen, past: Sequence[Seen], date: dt.date) -> list[Alert]:
    """Return what is unusual about a delivery.

    Parameters
    ----------
    now
        The table as it came in.
    past
        The same table in earlier reports, the oldest first.
    date
        The day of the report.
    """
    alerts = [*_stale(now, date), *_unusual_day(now)]
    for gate in _DRIFT if past else ():
        alerts.extend(gate(now, past))
    return alerts


def blocked(alerts: Sequence[Alert]) -> bool:
    """Return whether any alert stops publishing."""
    return any(alert.level == "block" for alert in alerts)


def _stale(now: Seen, date: dt.date) -> Iterator[Alert]:
    if now.last_at is None:
        return
    age = (date - dt.date.fromisoformat(now.last_at[:10])).days
    if age > STALE_DAYS:
        yield Alert("warn", "STALE", now.table, Text(
            f"{now.file}: 마지막 기록이 {age}일 전({now.last_at[:10]})입니다. 새로 내려받으십시오.",
            f"{now.file}: the last record is {age} days old ({now.last_at[:10]}). Export it again.",
        ))  # fmt: skip


def _renamed(now: Seen, past: Sequence[Seen]) -> Iterator[Alert]:
    names = {seen.file for seen in past if seen.sha256 == now.sha256}
    if names and now.file not in names:
        old = sorted(names)[0]
        yield Alert("block", "SAME_FILE", now.table, Text(
            f"{now.file}은(는) 전에 읽은 {old}과(와) 내용이 똑같습니다. 새 파일이 맞는지 확인하십시오.",
            f"{now.file} is the same file as {old}, read before. Check that it is the new export.",
        ))  # fmt: skip


def _shrunk(now: Seen, past: Sequence[Seen]) -> Iterator[Alert]:
    before = past[-1].n_rows
    if now.n_rows < SHRUNK * before:
        yield Alert("block", "SHRUNK", now.table, Text(
            f"{now.file}: {before:,}행이던 것이 {now.n_rows:,}행으로 줄었습니다. "
            "일부만 내려받았는지 확인하십시오.",
            f"{now.file} had {before:,} rows and now has {now.n_rows:,}. "
            "Check whether only a part was exported.",
        ))  # fmt: skip


def _columns(now: Seen, past: Sequence[Seen]) -> Iterator[Alert]:
    before = set(past[-1].columns)
    new = [name for name in now.columns if name not in before]
    gone = [name for name in past[-1].columns if name not in set(now.columns)]
    if new or gone:
        ko = [f"새 열 {', '.join(new)}"] * bool(new) + [f"사라진 열 {', '.join(gone)}"] * bool(gone)
        en = [f"new: {', '.join(new)}"] * bool(new) + [f"gone: {', '.join(gone)}"] * bool(gone)
        yield Alert("warn", "COLUMNS", now.table, Text(
            f"{now.file}: 열이 바뀌었습니다({'; '.join(ko)}). 뜻이 그대로인지 확인하십시오.",
            f"{now.file}: its columns changed ({'; '.join(en)}). Check that they still mean the same.",
        ))  # fmt: skip


def _unusual_day(now: Seen) -> Iterator[Alert]:
    """Compare the last day with the same weekday of the weeks before it."""
    counts = dict(now.days)
    if not counts:
        return
    last = max(counts)
    usual = _same_weekdays(counts, last)
    if len(usual) < 4 or (middle := statistics.median(usual)) < FEW:
        return
    if not middle / FAR <= counts[last] <= middle * FAR:
        yield Alert("warn", "UNUSUAL_DAY", now.table, Text(
            f"{now.file}: {last}에 {counts[last]:,}행이 있습니다. 같은 요일에는 보통 {middle:,.0f}행입니다.",
            f"{now.file}: {counts[last]:,} rows on {last}; that weekday usually has {middle:,.0f}.",
        ))  # fmt: skip


def _same_weekdays(counts: Mapping[str, int], last: str) -> list[int]:
    day = dt.date.fromisoformat(last)
    weeks = (str(day - dt.timedelta(weeks=k)) for k in range(1, WEEKS + 1))
    return [counts[week] for week in weeks if week in counts]


def _late(now: Seen, past: Sequence[Seen]) -> Iterator[Alert]:
    """Look for days that were final at the last report and have changed since."""
    before = dict(past[-1].days)
    if not before or not now.days:
        return
    limit = str(dt.date.fromisoformat(max(before)) - dt.timedelta(days=FINAL_DAYS - 1))
    counts = dict(now.days)
    common = [day for day in before if day < limit and day in counts]
    changed = [day for day in common if abs(counts[day] - before[day]) > LATE * before[day]]
    if changed:
        yield Alert("warn", "LATE_ROWS", now.table, Text(
            f"{now.file}: 이미 끝난 날 {len(changed)}일의 행 수가 바뀌었습니다(처음 {min(changed)}). "
            "늦게 온 기록이 있으면 지난 보고서의 수도 달라집니다.",
            f"{now.file}: {len(changed)} days that were final have changed (first {min(changed)}). "
            "Rows that come late change the numbers of earlier reports.",
        ))  # fmt: skip


_DRIFT: tuple[Callable[[Seen, Sequence[Seen]], Iterator[Alert]], ...] = (
    _renamed,
    _shrunk,
    _columns,
    _late,
)
