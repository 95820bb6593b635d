"""The names that a plan is asked for, checked against what was seen."""

from custmeasure.engine import Table, query
from custmeasure.errors import UnknownName
from custmeasure.improve.plan_test.traffic import Entry

_EVENTS = "SELECT event, count(*) AS n FROM events GROUP BY event ORDER BY n DESC, event"
_PAGES = """
    SELECT page, count(*) AS n FROM events WHERE page IS NOT NULL
    GROUP BY page ORDER BY n DESC, page LIMIT 1000"""


def check_names(events: Table, entry: Entry, event: str, per: str | None = None) -> None:
    """Check that the events and the page exist.

    Raises
    ------
    UnknownName
        With the nearest name.
    """
    rows = events.pick(event=("event", "text"))
    seen = [str(row["event"]) for row in query(_EVENTS, events=rows).to_pylist()]
    for name in (entry.event, event, per):
        if name is not None and seen and name not in seen:
            raise UnknownName("event", name, seen, "events.event")
    if entry.page is None:
        return
    pages = query(_PAGES, events=events.pick(page=("page", "text?"))).to_pylist()
    names = [str(row["page"]) for row in pages]
    if entry.page not in names:
        raise UnknownName("page", entry.page, names, "events.page")
