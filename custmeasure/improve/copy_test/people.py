"""Who entered a test: how fast they come, who is still to be waited for, who is found nowhere."""

import datetime as dt

import pandas as pd

from custmeasure import dates
from custmeasure.engine import MissingTable
from custmeasure.improve.copy_test import counts
from custmeasure.improve.copy_test.metrics import Metric
from custmeasure.improve.copy_test.plan import Traffic
from custmeasure.improve.copy_test.setup import Setup
from custmeasure.show.words import Text, Verdict

# A test whose last exposure is older than this gets no more units.
STILL_RUNNING = dt.timedelta(days=3)


def traffic(setup: Setup, enrolled: pd.DataFrame, window: dt.timedelta) -> Traffic | None:
    """Return the units that the test gets, None when nobody entered."""
    if enrolled["first_at"].isna().all():
        return None
    first, last = enrolled["first_at"].min(), enrolled["last_at"].max()
    known, today = setup.as_of, None
    before = setup.entry_end
    ended = known is None or (before is not None and before <= known)
    if not ended and known is not None and known - last <= STILL_RUNNING:
        local = dates.local(known, setup.shop.timezone)
        today = local.date() if local else None
    return Traffic(
        int(enrolled["n_enrolled"].sum()),
        (last - first) / dt.timedelta(days=1),
        today,
        window / dt.timedelta(days=1),
    )


def unanswerable(
    setup: Setup, metric: Metric, enrolled: pd.DataFrame, n_did: float
) -> Verdict | None:
    """Return the verdict when nothing that these units did could ever be seen."""
    if not enrolled["n_enrolled"].sum():
        return None
    if not enrolled["n_units"].sum() and enrolled["n_pending"].sum():
        return _all_pending(setup, enrolled, dates.parse_window(metric.window))
    asked = setup.by_order(metric)
    column = f"{asked.table}.{setup.unit}"
    if asked.table != "events" and setup.unit == "visitor_id":
        column = f"events.{setup.unit}"
    table = setup.shop.table(column.partition(".")[0])
    if n_did or isinstance(table, MissingTable):
        return None
    if counts.n_known(setup.exposures, table, setup.unit, setup.experiment):
        return None
    return Verdict("cannot_tell", Text(
        f"시험에 든 사람이 {column}에 한 명도 없어 무엇을 했는지 알 수 없습니다. "
        f"shop.toml의 [experiments.{setup.experiment}] unit을 확인하십시오.",
        f"None of the people in this test is found in {column}, so what they did is not known. "
        f"Check unit under [experiments.{setup.experiment}] in shop.toml.",
    ), code="NO_MATCH")  # fmt: skip


def _all_pending(setup: Setup, enrolled: pd.DataFrame, window: dt.timedelta) -> Verdict:
    n_pending = int(enrolled["n_pending"].sum())
    over = dates.local(enrolled["last_at"].max() + window, setup.shop.timezone)
    on = f"{over:%Y-%m-%d}"
    return Verdict("cannot_tell", Text(
        f"{n_pending:,}명 모두 아직 기한 안에 있습니다. {on}에 모두 끝납니다.",
        f"All {n_pending:,} people are still within their window. The last one is over on {on}.",
    ), code="NO_UNITS")  # fmt: skip


def pending_note(n_pending: int) -> list[Text]:
    """Return how many units are left out because their window is not over."""
    if not n_pending:
        return []
    return [Text(
        f"{n_pending:,}명은 아직 기한 안에 있어 빼고 셌습니다.",
        f"{n_pending:,} people are still within their window and are left out.",
    )]  # fmt: skip
