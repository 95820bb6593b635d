"""Why a value is refused and what to do about it: one table of spellings for dates, one for numbers.

A reason is looked for only after a value was refused, so guessing here can help but never change a number.
"""

import datetime as dt
import functools
import itertools
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from custmeasure.shop.contract import Kind
from custmeasure.shop.reader import kernels, values
from custmeasure.shop.reader.values import FALSE, TRUE, DateStyle, NumberStyle
from custmeasure.show.words import Text


class Reason(NamedTuple):
    """A broken rule (a predicate of the value), what to do, and whether it blocks the table."""

    rule: Text
    do: Text
    blocks: bool = False


FIX = Text("값을 고치십시오.", "Fix the value.")
EMPTY = Reason(
    Text("꼭 있어야 하는 값이 비어 있습니다", "the value is missing and must be there"),
    Text("원래 자료에서 값을 채우십시오.", "Fill it in where the file comes from."),
)

_DATES = ("%Y-%m-%d", "%Y.%m.%d", "%Y.%m.%d.", "%Y. %m. %d.", "%Y. %m. %d", "%Y/%m/%d",
          "%Y년 %m월 %d일", "%Y년%m월%d일", "%Y%m%d", "%y.%m.%d", "%y/%m/%d", "%y-%m-%d")  # fmt: skip
_TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", "T%H:%M:%S", "%H%M%S", "%H%M", " %p %I:%M",
          " %p %I:%M:%S", " %I:%M %p", " %I:%M:%S %p", " %H시 %M분")  # fmt: skip
_FORMATS = tuple(date + time for date, time in itertools.product(_DATES, _TIMES))
_DIGITS = {"%Y": "0000", "%y": "00", "%f": "0{1,6}", "%p": "(?:오전|오후|AM|PM|am|pm)"}
_TOGETHER = {"%Y%m%d": "0{8}", "%H%M%S": "0{6}", "%H%M": "0{4}"}

_DAY_FIRST = re.compile(r"([0-9]{1,2})([/.-])([0-9]{1,2})\2([0-9]{4}|[0-9]{2})(.*)", re.DOTALL)
_TIME_ONLY = re.compile(
    r"(?:(?:오전|오후|AM|PM) ?)?[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?(?: ?(?:AM|PM))?", re.IGNORECASE
)
_MIDNIGHT_24 = re.compile(r"(?:.*\D)?24:00(?::00)?\D*")
_NO_DATE = re.compile(r"(?:0000|0001|1900)[-./]?(?:00|01)[-./]?(?:00|01)(?:[ T]00:00.*)?")
_WHOLE = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_CURRENCY = re.compile(r"[₩￦$€£¥]|원$|^(?:KRW|USD)|(?:KRW|USD)$")
_NOT_FINITE = re.compile(r"[+-]?(?:nan|inf|infinity|#num!)", re.IGNORECASE)
_LETTERS = re.compile(r"[-+]?[0-9OoIl.,]*[OoIl][0-9OoIl.,]*")


def why_not(
    kind: Kind, text: str, dates: DateStyle | None, numbers: NumberStyle, table: str
) -> Reason:
    """Return why ``text`` does not read as ``kind``.

    Parameters
    ----------
    kind
        The declared type.
    text
        The value as seen.
    dates, numbers
        The declared styles.
    table
        Whose section of shop.toml is named.
    """
    text = text.strip(" ")
    if kind in ("instant", "day"):
        return _why_not_date(text, kind, dates, table)
    if kind == "flag":
        return Reason(
            Text("예·아니요 값이 아닙니다", "is neither yes nor no"),
            Text(
                f"{', '.join(TRUE)} 또는 {', '.join(FALSE)}로 적으십시오.",
                f"Write {', '.join(TRUE)} or {', '.join(FALSE)}.",
            ),
        )
    return _why_not_number(text, kind, numbers, table)


def _why_not_date(text: str, kind: Kind, style: DateStyle | None, table: str) -> Reason:
    for test in (_other_digits, _no_date, _serial, _midnight_24, _time_only):
        if reason := test(text):
            return reason
    if kind == "day" and _has_zone(text, style):
        return Reason(
            Text(
                "시각의 시간대가 붙어 있어 날짜로 쓸 수 없습니다", "has a time zone, a day has none"
            ),
            Text("날짜만 적으십시오.", "Write the day alone."),
        )
    if style is not None:
        return _not_declared(text, style)
    if reason := _day_first(text, table) or _other_format(text, table):
        return reason
    return Reason(
        Text("날짜가 아닙니다", "is not a date"),
        Text(
            "2026-03-04 또는 2026-03-04 09:00처럼 적으십시오.",
            "Write 2026-03-04 or 2026-03-04 09:00.",
        ),
    )


def _other_digits(text: str) -> Reason | None:
    if not any(c.isdigit() and c not in "0123456789" for c in text):
        return None
    return Reason(
        Text("0-9가 아닌 숫자 문자(전각 등)를 씁니다", "has digits other than 0-9 (full-width)"),
        Text("반각 숫자로 적으십시오.", "Write it with plain digits."),
    )


def _no_date(text: str) -> Reason | None:
    if not _NO_DATE.fullmatch(text):
        return None
    return Reason(
        Text("'날짜 없음'을 뜻하는 값으로 보입니다", "looks like a stand-in for 'no date'"),
        Text("비워 두십시오.", "Leave it empty."),
    )


def _serial(text: str) -> Reason | None:
    """Recognise a day counted by Excel, and seconds or milliseconds since 1970."""
    if not _WHOLE.fullmatch(text):
        return None
    number = float(text)
    if 20_000 <= number <= 80_000:
        day = dt.date(1899, 12, 30) + dt.timedelta(days=int(number))
        return Reason(
            Text(f"Excel 날짜 일련번호로 보입니다({day})", f"looks like an Excel serial ({day})"),
            Text(
                "Excel에서 셀 서식을 날짜로 바꾸어 다시 내보내십시오.",
                "Format the cells as dates in Excel and export again.",
            ),
        )
    for digits, unit_ko, unit_en, scale in (
        (10, "초", "seconds", 1),
        (13, "밀리초", "milliseconds", 1000),
    ):
        if len(text.partition(".")[0]) == digits:
            moment = dt.datetime.fromtimestamp(number / scale, dt.UTC).isoformat(" ", "seconds")
            said = moment.replace("+00:00", " UTC")
            return Reason(
                Text(
                    f"1970년부터 센 {unit_ko}로 보입니다({said})",
                    f"looks like epoch {unit_en} ({said})",
                ),
                Text("날짜로 내보내십시오.", "Export it as a date."),
            )
    return None


def _time_only(text: str) -> Reason | None:
    if not _TIME_ONLY.fullmatch(text):
        return None
    return Reason(
        Text("날짜 없는 시각입니다", "is a time without a day"),
        Text("날짜와 함께 내보내십시오.", "Export it together with its day."),
    )


def _midnight_24(text: str) -> Reason | None:
    if not _MIDNIGHT_24.fullmatch(text):
        return None
    return Reason(
        Text("없는 시각(24:00)을 적었습니다", "says 24:00, which no clock shows"),
        Text("다음 날 00:00으로 적으십시오.", "Write 00:00 of the next day."),
    )


def _has_zone(text: str, style: DateStyle | None) -> bool:
    column = values.read("instant", values.cells_of([text]), style, values.number_style("1234.5"))
    return int(column.state[0]) == kernels.AWARE


def _not_declared(text: str, style: DateStyle) -> Reason:
    if _format_of(_shape(text)) == style.format:
        return _no_such_day()
    return Reason(
        Text(
            f"정해 둔 날짜 형식 {style.format}에 맞지 않습니다",
            f"does not fit the declared date format {style.format}",
        ),
        FIX,
    )


def _day_first(text: str, table: str) -> Reason | None:
    """Recognise 03/04/2026, which is a day in March for one reader and in April for another."""
    match = _DAY_FIRST.fullmatch(text)
    if not match or re.fullmatch(r"[0-9]{2}[.-].*", text) and len(match[4]) == 2:
        return None
    first, second = int(match[1]), int(match[3])
    sep, year = match[2], "%Y" if len(match[4]) == 4 else "%y"
    day_first, month_first = f"%d{sep}%m{sep}{year}", f"%m{sep}%d{sep}{year}"
    if first <= 12 and second <= 12:
        return Reason(
            Text(
                "두 가지로 읽힙니다(일/월 또는 월/일)",
                "can be read in two ways (day/month or month/day)",
            ),
            _declare(table, f'dates = "{day_first}"', f'dates = "{month_first}"'),
            blocks=True,
        )
    return _declared_style(day_first if first > 12 else month_first, table)


def _other_format(text: str, table: str) -> Reason | None:
    format_ = _format_of(_shape(text))
    if format_ is None:
        return None
    style = values.date_style(format_)
    column = values.read("instant", values.cells_of([text]), style, values.number_style("1234.5"))
    if int(column.state[0]) == kernels.WRONG or re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return _no_such_day()
    return _declared_style(format_, table)


def _no_such_day() -> Reason:
    return Reason(Text("없는 날짜나 시각입니다", "is a day or time that does not exist"), FIX)


def _declared_style(format_: str, table: str) -> Reason:
    return Reason(
        Text("형식을 정하지 않은 날짜입니다", "is a date in a style that was not declared"),
        _declare(table, f'dates = "{format_}"'),
    )


def _declare(table: str, *lines: str) -> Text:
    ko = " 또는 ".join(lines)
    en = " or ".join(lines)
    return Text(
        f"shop.toml의 [tables.{table}]에 {ko}을(를) 적으십시오.",
        f"Write {en} under [tables.{table}] in shop.toml.",
    )


def _shape(text: str) -> str:
    return re.sub(r"[0-9]", "0", text)


@functools.lru_cache(maxsize=1024)
def _format_of(shape: str) -> str | None:
    """Return the first known format that a text of this shape (its digits as 0) is written in."""
    return next((name for name, pattern in _patterns().items() if pattern.fullmatch(shape)), None)


@functools.cache
def _patterns() -> Mapping[str, re.Pattern[str]]:
    return {format_: re.compile(_pattern(format_)) for format_ in _FORMATS}


def _pattern(format_: str) -> str:
    tokens = re.findall("|".join(_TOGETHER) + r"|%.|[^%]", format_)
    known = {**_DIGITS, **_TOGETHER}
    return "".join(
        known.get(token, "0{1,2}") if token.startswith("%") else re.escape(token)
        for token in tokens
    )


def _why_not_number(text: str, kind: Kind, style: NumberStyle, table: str) -> Reason:
    for test in _NUMBER_TESTS:
        if reason := test(text):
            return reason
    if kind == "count" and _reads(text, style):
        return Reason(Text("정수가 아닙니다", "is not a whole number"), FIX)
    if reason := _other_number_style(text, style, table):
        return reason
    what = ("정수가", "a whole number") if kind == "count" else ("숫자가", "a number")
    return Reason(Text(f"{what[0]} 아닙니다", f"is not {what[1]}"), FIX)


def _reads(text: str, style: NumberStyle) -> bool:
    column = values.read("number", values.cells_of([text]), None, style)
    return int(column.state[0]) == kernels.READ


def _dash(text: str) -> Reason | None:
    if text not in ("-", "–", "—", "−", "－", "--"):
        return None
    return Reason(
        Text("줄표이며 숫자가 아닙니다", "is a dash, not a number"),
        Text(
            "모르면 비우고, 없으면 0으로 적으십시오.",
            "Leave it empty when unknown, write 0 for none.",
        ),
    )


def _not_finite(text: str) -> Reason | None:
    too_large = re.fullmatch(r"[+-]?[0-9]*\.?[0-9]+[eE]\+?[0-9]+", text) and float(text) in (
        float("inf"), float("-inf"),
    )  # fmt: skip
    if not too_large and not _NOT_FINITE.fullmatch(text):
        return None
    return Reason(Text("유한한 숫자가 아닙니다", "is not a finite number"), FIX)


def _parentheses(text: str) -> Reason | None:
    if not (text.startswith("(") and text.endswith(")")):
        return None
    return Reason(
        Text("괄호로 적은 음수로 보입니다", "is in parentheses, as accountants write minus"),
        Text("-1200처럼 적으십시오.", "Write it as -1200."),
    )


def _letters(text: str) -> Reason | None:
    if not (_LETTERS.fullmatch(text) and any(c.isdigit() for c in text)):
        return None
    return Reason(
        Text("숫자 자리에 글자(O·l·I)가 있습니다", "has the letter O, l or I in place of a digit"),
        FIX,
    )


_NUMBER_TESTS: tuple[Callable[[str], Reason | None], ...] = (
    _other_digits, _dash, _not_finite, _parentheses, _letters,
)  # fmt: skip


def _other_number_style(text: str, style: NumberStyle, table: str) -> Reason | None:
    """Recognise a currency sign, or thousands written otherwise than declared."""
    currency = _CURRENCY.search(text)
    bare = _CURRENCY.sub("", text).strip()
    fitting = [name for name in values.NUMBER_STYLES if _reads(bare, values.number_style(name))]
    if currency and fitting:
        sign = currency[0]
        around = f"{fitting[0]}{sign}" if text.endswith(sign) else f"{sign}{fitting[0]}"
        return Reason(
            Text(f"통화 표시({sign})가 붙어 있습니다", f"has the currency sign '{sign}'"),
            _declare(table, f'numbers = "{around}"'),
        )
    other = [name for name in fitting if name != style.name]
    if other:
        return Reason(
            Text(
                f"정해 둔 숫자 형식 {style.name}에 맞지 않습니다",
                f"is not written in the declared number style {style.name}",
            ),
            _declare(table, *(f'numbers = "{name}"' for name in other)),
        )
    return None
