"""How a test is watched, and what each look at it may claim.

A daily report is a look every day, and the plain level at every look finds differences that are not
there in one test of four. With a planned last day the level is spent over the looks; without one an
always-valid sequence is used; only one single look at the planned end is the classical test. The looks
are the earlier reports that history knows; where there is no history every day counts as one.
"""

import datetime as dt
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from custmeasure import dates
from custmeasure.errors import UsageError, check_choice
from custmeasure.history import FILE, HISTORY, History
from custmeasure.improve.copy_test.watching import Watch
from custmeasure.shop import Shop
from custmeasure.stats.anytime import TUNED_FOR
from custmeasure.stats.planning import METHODS

CHOICES = ("auto", *METHODS)


def watch(
    method: str,
    alpha: float,
    finished: Mapping[dt.date, int],
    *,
    last_day: dt.date | None,
    today: dt.date | None,
    looked: Sequence[dt.date] | None,
    tuned_for: float = TUNED_FOR,
) -> Watch:
    """Return how a test is watched.

    Parameters
    ----------
    method
        ``"planned_end"``, ``"open_end"`` or ``"one_look"``; ``"auto"`` plans where there is a last day.
    alpha
        Level of the whole test.
    finished
        Day → units whose window ended on it.
    last_day
        The day on which the last planned window ends; None without a planned end.
    today
        The last complete day.
    looked
        The days of earlier looks; None when nobody knows, and every day is taken for one.
    tuned_for
        Units of two variants at which a test without an end is read best; fixed before the first.

    Raises
    ------
    UnknownName
        For another method.
    UsageError
        For ``"planned_end"`` without an end.
    """
    chosen = check_choice("mode", method, CHOICES)
    if chosen == "auto":
        chosen = "planned_end" if last_day else "open_end"
    if chosen == "planned_end" and last_day is None:
        raise UsageError(
            ko="method='planned_end'에는 끝나는 날(end)이 있어야 합니다. shop.toml의 실험에 적으십시오.",
            en="method='planned_end' needs a last day: give end, or declare it for the experiment.",
        )
    if not finished or chosen == "one_look":
        return Watch(chosen, alpha, tuned_for=tuned_for)
    first, until = min(finished), today or max(finished)
    now = min(until, last_day) if last_day and chosen == "planned_end" else until
    every = [first + dt.timedelta(days=i) for i in range(max((now - first).days, 0) + 1)]
    days = every if looked is None else [day for day in every if day in set(looked) or day == now]
    known = _running(finished, days)
    kept = [(day, n) for day, n in zip(days, known, strict=True) if n > 0]
    if chosen == "open_end" or last_day is None:
        return Watch("open_end", alpha, tuple(day for day, _ in kept), tuned_for=tuned_for)
    whole = (last_day - first).days + 1
    return Watch(
        "planned_end",
        alpha,
        tuple(day for day, _ in kept),
        tuple(float(n) for _, n in kept),
        tuple(min(((day - first).days + 1) / whole, 1.0) for day, _ in kept),
    )


def _running(finished: Mapping[dt.date, int], days: Sequence[dt.date]) -> list[int]:
    """Return how many units had finished by the end of each day."""
    return [sum(n for day, n in finished.items() if day <= until) for until in days]


def last_day(end: dt.date | None, window: str | dt.timedelta, timezone: str) -> dt.date | None:
    """Return the day on which the window of who enters last, on the day ``end``, is over."""
    if end is None:
        return None
    over = dates.day_end(end, timezone) + dates.parse_window(window)
    local = dates.local(over, timezone)
    return local.date() if local else None


def looked_at(
    shop: Shop, history: str | Path | None, today: dt.date | None
) -> list[dt.date] | None:
    """Return the last complete day of every earlier report, or None where there is no history.

    Parameters
    ----------
    shop
        The shop.
    history
        The file of earlier runs; when not given the one that the environment names, or ``runs``
        beside the reports of the shop's folder.
    today
        The last complete day of this report; later reports do not count.
    """
    named = history or os.environ.get(HISTORY)
    path = Path(named) if named else shop.folder / "runs" / FILE
    if not path.is_file():
        return None
    before = (today or dt.date.max - dt.timedelta(days=1)) + dt.timedelta(days=1)
    past = History(path).past("exposures", before)
    return [dt.date.fromisoformat(each.report_date) - dt.timedelta(days=1) for each in past]
