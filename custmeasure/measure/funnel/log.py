"""The events behind a funnel: asked of the engine once, walked unit by unit."""

import datetime as dt
from dataclasses import replace

from custmeasure.engine import Table, in_parts, query
from custmeasure.engine.sequence.part import Walk, Walked, joined
from custmeasure.errors import UnknownName
from custmeasure.measure.funnel.plan import Plan

__all__ = ["Walked", "walk"]

_EVENTS = "SELECT * FROM events"
_NAMES = "SELECT code, name FROM events"
_HAPPENED = "SELECT event, count(*) AS n FROM events GROUP BY event ORDER BY n DESC, event"


def walk(
    table: Table,
    plan: Plan,
    *,
    unit: str,
    by: str | None,
    value: str | None,
    first: dt.datetime | None,
    last: dt.datetime | None,
    as_of: dt.datetime | None,
    dated: bool = False,
) -> Walked:
    """Return every unit's best attempt; ``dated``, when each began.

    Raises
    ------
    UnknownName
        For a column that is not there, or an event that never happened, unless nothing ever did.
    """
    rules = plan.rules(first, last, as_of)
    columns = {"unit": (unit, "key"), "moment": ("at", "micros")}
    columns |= {"segment": (by, "key")} if by else {}
    columns |= {"value": (value, "number")} if value else {}
    events = table.pick(**columns).mark(
        "mask", "event", plan.marks, only=not rules.needs_every_event
    )
    names = _names(table, by) if by else None
    part = Walk(rules, by is not None, value is not None, dated, names)
    walked = joined(in_parts(part, "unit", _EVENTS, events=events))
    _check(table, plan, walked.seen)
    return walked


def _names(table: Table, by: str) -> dict[object, str | None]:
    """Return the segment that each key stands for: numbers travel faster than names."""
    rows = query(_NAMES, events=table.pick_distinct(code=(by, "key"), name=(by, "text")))
    return dict(zip(rows["code"].to_pylist(), rows["name"].to_pylist(), strict=True))


def _check(table: Table, plan: Plan, seen: int) -> None:
    """Refuse an event that never happened; one look at the events tells which, if there may be one.

    The whole table is looked at: a step that only the rows that were kept lack is no mistake.
    """
    marks = plan.marks
    doubtful = any(len(mark.any_of) > 1 or not seen >> bit & 1 for bit, mark in enumerate(marks))
    if not doubtful:
        return
    rows = query(_HAPPENED, events=replace(table, kept=()).pick(event=("event", "text")))
    happened = [name for name in rows["event"].to_pylist() if name is not None]
    for name in (name for mark in marks for name in mark.any_of):
        if happened and name not in happened:
            raise UnknownName("step", name, happened, f"{table.name}.event")
