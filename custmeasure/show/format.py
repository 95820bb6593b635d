"""How a number looks: the column's name decides, in one table of suffixes.

``*_rate`` is a percentage, ``n_*`` a whole number, ``*_amount`` money, ``*_hours`` and ``*_days`` a
length of time, ``p_value*`` three decimals. What is undefined is a dash, never 0.
"""

import datetime as dt
import math
import re
import sys
from collections.abc import Callable, Mapping

from custmeasure import language, lazy
from custmeasure.language import Lang

BLANK = "–"

Formatter = Callable[[float, Lang, str], str]


def percent(value: float, lang: Lang, _: str = "") -> str:
    """Return a share of 1 as a percentage: one decimal from 10 %, two below."""
    return f"{100 * value:.{_decimals(value)}f}%"


def points(value: float, lang: Lang, _: str = "") -> str:
    """Return a difference of two rates in percentage points, with its sign."""
    unit = language.pick("%p", " pp", lang)
    return f"{100 * value:+.{_decimals(value)}f}{unit}".replace("-", "−")


def change(value: float, lang: Lang, _: str = "") -> str:
    """Return a relative difference as a percentage, with its sign."""
    return f"{100 * value:+.1f}%".replace("-", "−")


def whole(value: float, lang: Lang, _: str = "") -> str:
    """Return a count with thousands separated."""
    return f"{value:,.0f}".replace("-", "−")


def money(value: float, lang: Lang, currency: str = "KRW") -> str:
    """Return an amount in the shop's currency, as the reader's language writes it."""
    numbers = lazy.loaded("babel.numbers")
    decimals = numbers.get_currency_precision(currency)
    digits = f"{abs(value):,.{decimals}f}"
    sign = "−" if value < 0 else ""
    if currency == "KRW":
        return f"{sign}{digits}원" if lang == "ko" else f"{sign}₩{digits}"
    symbol: str = numbers.get_currency_symbol(currency, locale="en_US")
    return f"{sign}{symbol}{digits}"


def short_money(value: float, currency: str = "KRW", lang: Lang | None = None) -> str:
    """Return an amount short enough for an axis: ``₩2.5억``, ``₩250M``."""
    locale = language.pick("ko_KR", "en_US", lang)
    said: str = lazy.loaded("babel.numbers").format_compact_currency(
        value, currency, locale=locale, fraction_digits=1
    )
    return said


def money_change(value: float, lang: Lang, currency: str = "KRW") -> str:
    """Return a difference of two amounts, with its sign."""
    return ("+" if value > 0 else "") + money(value, lang, currency)


def hours(value: float, lang: Lang, _: str = "") -> str:
    """Return a length in hours as a reader says it: minutes below 1 h, days from 48 h."""
    if value < 1:
        return f"{60 * value:.0f}" + language.pick("분", " min", lang)
    if value < 48:
        return f"{value:.1f}" + language.pick("시간", " h", lang)
    return f"{value / 24:.1f}" + language.pick("일", " days", lang)


def days(value: float, lang: Lang, _: str = "") -> str:
    """Return a length in days."""
    return f"{value:,.1f}" + language.pick("일", " days", lang)


def whole_days(value: float, lang: Lang, _: str = "") -> str:
    """Return a number of days counted one by one."""
    return f"{value:,.0f}" + language.pick("일", " days", lang)


def minutes(value: float, lang: Lang, _: str = "") -> str:
    """Return a length in minutes."""
    return f"{value:,.0f}" + language.pick("분", " min", lang)


def p_value(value: float, lang: Lang, _: str = "") -> str:
    """Return a p-value: three decimals, never 0."""
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def plain(value: float, lang: Lang, _: str = "") -> str:
    """Return a number that no suffix describes."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.3g}"


# The one table: the first pattern that fits a column's name decides how its numbers look.
SUFFIXES: tuple[tuple[str, Formatter], ...] = (
    (r"(^|_)(rel_diff)$", change),
    (r"(^|_)diff$", points),
    (r"(_rate|_share)$", percent),
    (r"^n_|_size$|^period$", whole),
    (r"_amount$", money),
    (r"_hours(_|$)|_hours_to_", hours),
    (r"^(median_gap|cutoff)_days$", whole_days),
    (r"_days$", days),
    (r"_minutes$", minutes),
    (r"^p_value", p_value),
)

_INTERVAL = re.compile(r"_ci_(lower|upper)$")


def formatter(column: str, overrides: Mapping[str, Formatter] | None = None) -> Formatter:
    """Return what formats the numbers of ``column``; ``overrides`` goes before `SUFFIXES`."""
    name = _INTERVAL.sub("", column)
    if overrides and name in overrides:
        return overrides[name]
    return next((shape for pattern, shape in SUFFIXES if re.search(pattern, name)), plain)


def show(  # noqa: PLR0911
    column: str,
    value: object,
    lang: Lang | None = None,
    currency: str = "KRW",
    overrides: Mapping[str, Formatter] | None = None,
) -> str:
    """Return ``value`` of ``column`` as text for the reader; never raises."""
    lang = lang or language.current()
    if value is None or _is_pandas_missing(value):
        return BLANK
    if isinstance(value, bool):
        return language.pick("예" if value else "아니요", "yes" if value else "no", lang)
    if isinstance(value, dt.date):
        return _day(value)
    if isinstance(value, str):
        return value
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return str(value)
    if not math.isfinite(number):
        return BLANK
    return formatter(column, overrides)(number, lang, currency)


def interval(lower: str, upper: str, lang: Lang | None = None) -> str:
    """Return an interval's two ends as one text, or nothing when there is none."""
    return "" if BLANK in (lower, upper) else lower + language.pick(" ~ ", " to ", lang) + upper


def _decimals(value: float) -> int:
    return 1 if abs(value) >= 0.0995 or value == 0 else 2


def _is_pandas_missing(value: object) -> bool:
    """Whether a value is one of pandas' own two signs for nothing; only pandas makes them."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and (value is pandas.NA or value is pandas.NaT)


def _day(value: dt.date) -> str:
    if isinstance(value, dt.datetime) and (value.hour or value.minute):
        return value.strftime("%Y-%m-%d %H:%M")
    return value.strftime("%Y-%m-%d")
