"""What joins and what returns: an event's name, or filters."""

from collections.abc import Sequence
from dataclasses import replace

from custmeasure.engine import Filter, Filters, Table, query
from custmeasure.engine.filters import check_filters
from custmeasure.errors import UnknownName

_EVENTS = "SELECT DISTINCT event FROM rows WHERE event IS NOT NULL ORDER BY event"


def as_filters(event: str | Filters | None, name: str) -> tuple[Filter, ...]:
    """Return the filters that an event's name stands for, or the filters as they are."""
    return (("event", "=", event),) if isinstance(event, str) else check_filters(event, name)


def as_text(event: str | Filters | None) -> str | None:
    """Return an event or filters as a definition says them."""
    if event is None or isinstance(event, str):
        return event
    return ", ".join(f"{column} {operator} {value}" for column, operator, value in event) or None


def check_events(table: Table, *filters: Sequence[Filter]) -> None:
    """Refuse an event that never happened, unless nothing ever did.

    The whole table is looked at: an event that is only missing among the rows that were kept is no
    mistake.

    Raises
    ------
    UnknownName
        With the nearest event.
    """
    asked = [
        event
        for part in filters
        for column, operator, value in part
        if column == "event" and operator in ("=", "in")
        for event in (value if isinstance(value, tuple) else (value,))
        if event is not None
    ]
    if not asked:
        return
    rows = replace(table, kept=()).pick(event=("event", "text"))
    seen = query(_EVENTS, rows=rows)["event"].to_pylist()
    for event in asked:
        if seen and event not in seen:
            raise UnknownName("event", event, seen, f"{table.name}.event")
