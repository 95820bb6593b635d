"""A shop's experiment, read: which unit it counts, what its variants' units did, how fast they come."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import pandas as pd

from custmeasure import dates
from custmeasure.engine import AnyTable, MissingTable, Table
from custmeasure.errors import UnknownName, check_choice
from custmeasure.improve.copy_test import counts, gates
from custmeasure.improve.copy_test.effects import Rate, Sample
from custmeasure.improve.copy_test.plan import Traffic
from custmeasure.shop import Shop
from custmeasure.show import format as fmt
from custmeasure.show.words import Text, Verdict
from custmeasure.stats import Moments

PURCHASE = "purchase"
REVENUE = "revenue"
# Below these, the t interval of a mean amount covers too little (SCENARIOS T02, T07).
FEW_BUYERS = 50
LARGE_SHARE = 0.10
# A test whose last exposure is older than this gets no more units.
STILL_RUNNING = dt.timedelta(days=3)


@dataclass(frozen=True)
class Setup:
    """An experiment of a shop, and what is to be measured on it."""

    shop: Shop
    exposures: Table
    unit: str
    metric: str
    event: str
    span: counts.Span
    definition: Mapping[str, object]

    @classmethod
    def of(
        cls,
        shop: Shop,
        exposures: Table,
        experiment: str,
        *,
        metric: str,
        event: str,
        window: str | dt.timedelta,
        start: str | dt.date | None,
        end: str | dt.date | None,
        as_of: str | dt.date | dt.datetime | None,
    ) -> Self:
        """Check what was asked for, and find which unit the experiment counts."""
        length = dates.parse_window(window)
        first, last = dates.parse_span(start, end)
        known = _known(shop, as_of)
        seen = counts.experiments(exposures)
        if experiment not in seen:
            raise UnknownName("experiment", experiment, seen, "exposures.experiment")
        unit = _unit(shop, exposures, experiment)
        zone = shop.timezone
        span = counts.Span(
            experiment,
            length,
            dates.day_start(first, zone) if first else None,
            dates.day_start(last + dt.timedelta(days=1), zone) if last else None,
            known,
        )
        definition = {
            "experiment": experiment, "metric": metric, "unit": unit, "window": str(window),
            "start": first, "end": last, "as_of": dates.local(known, zone), "timezone": zone,
            "engine": "DuckDB",
        }  # fmt: skip
        return cls(shop, exposures, unit, metric, event, span, definition)

    @property
    def by_order(self) -> bool:
        """Whether customers are counted by their orders rather than by an event."""
        return self.unit == "customer_id" and (self.event == PURCHASE or self.metric == REVENUE)

    @property
    def tables(self) -> list[AnyTable]:
        """The tables that say what units did: for revenue, also which customer a unit is."""
        doing = self.shop.table("orders" if self.by_order else "events")
        return [self.shop.table("orders"), doing] if self.metric == REVENUE else [doing]


@dataclass(frozen=True)
class Reading:
    """What the variants' units did, with what must be said beside it."""

    samples: Mapping[str, Sample]
    enrolled: Mapping[str, int]
    traffic: Traffic | None
    definition: Mapping[str, object]
    notes: tuple[Text, ...]
    unanswerable: Verdict | None


def read_conversions(setup: Setup, table: Table) -> Reading:
    """Read which units converted, from the table that says what they did."""
    if setup.by_order:
        rows = counts.count_orders(setup.exposures, table, setup.span)
    else:
        _check_event(table, setup.event)
        rows = counts.count_events(setup.exposures, table, setup.unit, setup.event, setup.span)
    samples = {
        str(name): Rate(int(row["n_units"]), int(row["n_did"])) for name, row in rows.iterrows()
    }
    return _reading(setup, rows, samples, ())


def read_revenue(setup: Setup, orders: Table, links: Table) -> Reading:
    """Read the net amount of each unit's orders; ``links`` says which customer a unit is."""
    rows = counts.sum_orders(setup.exposures, orders, links, setup.unit, setup.span)
    samples = {
        str(name): Moments(int(row["n_units"]), row["mean"], row["var"])
        for name, row in rows.iterrows()
    }
    return _reading(setup, rows, samples, _few_buyers(rows))


def _reading(
    setup: Setup, rows: pd.DataFrame, samples: Mapping[str, Sample], notes: tuple[Text, ...]
) -> Reading:
    n_crossover, n_pending = int(rows["n_crossover"].sum()), int(rows["n_pending"].sum())
    n_seen = int(rows["n_enrolled"].sum()) + n_crossover
    money = {"currency": setup.shop.currency} if setup.metric == REVENUE else {}
    said = (*gates.crossover_note(n_crossover, n_seen), *_pending_note(n_pending), *notes)
    return Reading(
        samples,
        {str(name): int(n) for name, n in rows["n_enrolled"].items()},
        _traffic(setup, rows),
        {**setup.definition, **money, "n_crossover": n_crossover, "n_pending": n_pending},
        said,
        _unanswerable(setup, rows),
    )


def _known(shop: Shop, as_of: str | dt.date | dt.datetime | None) -> dt.datetime | None:
    asked = None if as_of in (None, "") else dates.to_instant(as_of, shop.timezone)
    ends = [end for end in (asked, shop.as_of) if end is not None]
    return min(ends) if ends else None


def _unit(shop: Shop, exposures: Table, experiment: str) -> str:
    """Return the declared unit, or the one in which more of the exposed units are found."""
    declared = shop.settings.experiments.get(experiment, {}).get("unit")
    if declared is not None:
        return check_choice("column", declared, counts.UNITS)
    found = {}
    for unit, name in zip(counts.UNITS, ("events", "orders"), strict=True):
        table = shop.table(name)
        if isinstance(table, Table):
            found[unit] = counts.n_known(exposures, table, unit, experiment)
    return max(found, key=lambda unit: found[unit])


def _check_event(events: Table, event: str) -> None:
    seen = counts.events_seen(events)
    if seen and event not in seen:
        raise UnknownName("event", event, seen, "events.event")


def _traffic(setup: Setup, rows: pd.DataFrame) -> Traffic | None:
    if rows["first_at"].isna().all():
        return None
    first, last = rows["first_at"].min(), rows["last_at"].max()
    known = setup.span.as_of
    today = None
    ended = known is None or (setup.span.before is not None and setup.span.before <= known)
    if not ended and known - last <= STILL_RUNNING:
        local = dates.local(known, setup.shop.timezone)
        today = local.date() if local else None
    return Traffic(
        int(rows["n_enrolled"].sum()),
        (last - first) / dt.timedelta(days=1),
        today,
        setup.span.window / dt.timedelta(days=1),
    )


def _unanswerable(setup: Setup, rows: pd.DataFrame) -> Verdict | None:
    """Return the verdict when nothing that these units did could ever be seen."""
    if not rows["n_enrolled"].sum():
        return None
    if not rows["n_units"].sum() and rows["n_pending"].sum():
        return _all_pending(setup, rows)
    column = f"{'orders' if setup.by_order else 'events'}.{setup.unit}"
    table = setup.shop.table(column.partition(".")[0])
    if rows["n_did"].sum() or isinstance(table, MissingTable):
        return None
    if counts.n_known(setup.exposures, table, setup.unit, setup.span.experiment):
        return None
    return Verdict("cannot_tell", Text(
        f"시험에 든 사람이 {column}에 한 명도 없어 무엇을 했는지 알 수 없습니다. "
        f"shop.toml의 [experiments.{setup.span.experiment}] unit을 확인하십시오.",
        f"None of the people in this test is found in {column}, so what they did is not known. "
        f"Check unit under [experiments.{setup.span.experiment}] in shop.toml.",
    ), code="NO_MATCH")  # fmt: skip


def _all_pending(setup: Setup, rows: pd.DataFrame) -> Verdict:
    n_pending = int(rows["n_pending"].sum())
    over = dates.local(rows["last_at"].max() + setup.span.window, setup.shop.timezone)
    on = f"{over:%Y-%m-%d}"
    return Verdict("cannot_tell", Text(
        f"{n_pending:,}명 모두 아직 기한 안에 있습니다. {on}에 모두 끝납니다.",
        f"All {n_pending:,} people are still within their window. The last one is over on {on}.",
    ), code="NO_UNITS")  # fmt: skip


def _pending_note(n_pending: int) -> list[Text]:
    if not n_pending:
        return []
    return [Text(
        f"{n_pending:,}명은 아직 기한 안에 있어 빼고 셌습니다.",
        f"{n_pending:,} people are still within their window and are left out.",
    )]  # fmt: skip


def _few_buyers(rows: pd.DataFrame) -> tuple[Text, ...]:
    """Return why the interval of a mean amount is not reliable (T07)."""
    notes = []
    for name, row in rows.iterrows():
        total, buyers = row["mean"] * row["n_units"], int(row["n_did"])
        share = row["largest"] / total if buyers and total > 0 else 0.0
        if row["n_units"] and (buyers < FEW_BUYERS or share >= LARGE_SHARE):
            ko = f"{name}안의 구간은 믿기 어렵습니다: 산 사람이 {buyers:,}명"
            en = f"The interval of {name} is not reliable: {buyers:,} buyers"
            if share >= LARGE_SHARE:
                shown = fmt.percent(share, "en")
                ko += f"이고, 한 사람이 매출의 {shown}입니다"
                en += f", one of them {shown} of the revenue"
            notes.append(Text(f"{ko}." if share >= LARGE_SHARE else f"{ko}뿐입니다.", f"{en}."))
    return tuple(notes)
