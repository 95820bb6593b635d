"""Days, windows and time zones, read literally: what is not exactly a day or a window is refused."""

import datetime as dt
import re
import zoneinfo

from custmeasure.errors import UnknownName, UsageError

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}.*")
_YEARS = range(1900, 2200)  # beyond them an instant in another time zone may not exist
_WINDOW = re.compile(r"([1-9][0-9]{0,11})([smhdw])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}  # seconds
_LONGEST = dt.timedelta(weeks=999_999)


def parse_day(value: object, name: str = "date") -> dt.date:
    """Return the day that ``value`` writes as ``YYYY-MM-DD``.

    Parameters
    ----------
    value
        The text (a `datetime.date` is taken as it is).
    name
        What the value is for, named in the error.

    Raises
    ------
    UsageError
        For any other spelling, for days that do not exist, and for years before 1900 or after 2199.
    """
    day = _day(value)
    if day and day.year in _YEARS:
        return day
    raise UsageError(
        ko=f"{name} {value!r}: 날짜가 아닙니다. 2026-01-31처럼 연-월-일로 적어 주세요.",
        en=f"{name} {value!r} is not a day. Write it as year-month-day, such as 2026-01-31.",
    )


def _day(value: object) -> dt.date | None:
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            return None
    return None


def parse_window(value: object, name: str = "window") -> dt.timedelta:
    """Return the length that ``value`` writes as a number and a unit: ``"7d"``, ``"30m"``.

    Parameters
    ----------
    value
        The text, with a unit of s, m, h, d or w (a `datetime.timedelta` is taken as it is).
    name
        What the value is for, named in the error.

    Raises
    ------
    UsageError
        For a bare number, an unknown unit, or a length that is not above 0.
    """
    if isinstance(value, dt.timedelta) and dt.timedelta(0) < value <= _LONGEST:
        return value
    match = _WINDOW.fullmatch(value) if isinstance(value, str) else None
    seconds = int(match[1]) * _UNITS[match[2]] if match else 0
    if 0 < seconds <= _LONGEST.total_seconds():
        return dt.timedelta(seconds=seconds)
    raise UsageError(
        ko=f"{name} {value!r}: 길이를 알 수 없습니다. 숫자와 단위로 적어 주세요: 7d, 12h, 30m, 10s, 2w.",
        en=f"{name} {value!r} is not a length of time. Write a number and a unit: 7d, 12h, 30m, 10s, 2w.",
    )


def zone(name: str) -> zoneinfo.ZoneInfo:
    """Return the time zone called ``name`` (``"Asia/Seoul"``).

    Raises
    ------
    UnknownName
        With the nearest time zone.
    """
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError, TypeError):
        pass
    raise UnknownName("time zone", name, sorted(zoneinfo.available_timezones()))


def day_start(day: dt.date, timezone: str) -> dt.datetime:
    """Return the instant (UTC) at which ``day`` begins in ``timezone``."""
    midnight = dt.datetime.combine(day, dt.time(), tzinfo=zone(timezone))
    return midnight.astimezone(dt.UTC)


def to_instant(value: object, timezone: str, name: str = "as_of") -> dt.datetime:
    """Return the last instant (UTC) that ``value`` takes in.

    Parameters
    ----------
    value
        A day (taken in to its end in ``timezone``), an ISO date and time, or a `datetime.datetime`; a
        date and time without an offset is read in ``timezone``.

    Raises
    ------
    UsageError
        When ``value`` is none of these.
    """
    moment = _moment(value)
    if moment is None:
        return day_end(parse_day(value, name), timezone)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone(timezone))
    return moment.astimezone(dt.UTC)


def _moment(value: object) -> dt.datetime | None:
    """Return the date and time that ``value`` is or writes."""
    if isinstance(value, dt.datetime):
        return value if value == value else None  # noqa: PLR0124 - pandas' NaT equals nothing
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        try:
            return dt.datetime.fromisoformat(value)
        except ValueError:
            return None
    return None


def parse_span(start: object, end: object) -> tuple[dt.date | None, dt.date | None]:
    """Return the days ``start`` and ``end``, each None when not given.

    Raises
    ------
    UsageError
        When one is not a day, or ``end`` lies before ``start``.
    """
    first = None if start is None or start == "" else parse_day(start, "start")
    last = None if end is None or end == "" else parse_day(end, "end")
    if first and last and last < first:
        raise UsageError(
            ko=f"끝나는 날(end) {last}이 시작하는 날(start) {first}보다 앞섭니다. 두 날을 바꾸십시오.",
            en=f"end {last} lies before start {first}. Swap the two days.",
        )
    return first, last


def day_end(day: dt.date, timezone: str) -> dt.datetime:
    """Return the last instant (UTC, to the microsecond) of ``day`` in ``timezone``."""
    return day_start(day + dt.timedelta(days=1), timezone) - dt.timedelta(microseconds=1)


def local(instant: dt.datetime | None, timezone: str) -> dt.datetime | None:
    """Return an instant as the clock on the wall shows it in ``timezone``."""
    return None if instant is None else instant.astimezone(zone(timezone)).replace(tzinfo=None)
