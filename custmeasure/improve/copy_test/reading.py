"""A shop's experiment, read: which unit it counts, what its variants' units did, how fast they come."""

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import pandas as pd

from custmeasure import dates
from custmeasure.engine import AnyTable, MissingTable, Table
from custmeasure.errors import UnknownName, check_choice
from custmeasure.improve.copy_test import counts
from custmeasure.improve.copy_test.effects import Measured, Quantile, Rate, Sample
from custmeasure.improve.copy_test.metrics import PURCHASE, Metric
from custmeasure.improve.copy_test.plan import Traffic
from custmeasure.shop import Shop
from custmeasure.shop.contract import TABLES
from custmeasure.show import format as fmt
from custmeasure.show.words import Text, Verdict
from custmeasure.stats import Columns, Joint, Moments
from custmeasure.stats.quantile import design_effect, from_limits, places

# The t interval of a mean amount covers less than 0.94 where the sample's skewness ÷ √n is above this, or
# where fewer buy (SCENARIOS T02, T07; simulated in tests/improve/test_copy_test_calibration.py).
FEW_BUYERS = 50
SKEWED = 0.15
# A test whose last exposure is older than this gets no more units.
STILL_RUNNING = dt.timedelta(days=3)

_COLUMNS = ("y", "d", "x", "w")


@dataclass(frozen=True)
class Setup:
    """An experiment of a shop, and which units of it are measured."""

    shop: Shop
    exposures: Table
    experiment: str
    unit: str
    start: dt.date | None
    end: dt.date | None
    as_of: dt.datetime | None
    by: str | None = None

    @classmethod
    def of(
        cls,
        shop: Shop,
        exposures: Table,
        experiment: str,
        *,
        start: str | dt.date | None,
        end: str | dt.date | None,
        as_of: str | dt.date | dt.datetime | None,
        by: str | None = None,
    ) -> Self:
        """Check what was asked for, and find which unit the experiment counts."""
        first, last = dates.parse_span(start, end)
        seen = counts.experiments(exposures)
        if experiment not in seen:
            raise UnknownName("experiment", experiment, seen, "exposures.experiment")
        unit = _unit(shop, exposures, experiment)
        setup = cls(shop, exposures, experiment, unit, first, last, _known(shop, as_of), by)
        setup.marks()
        return setup

    @property
    def entry_end(self) -> dt.datetime | None:
        """The instant after which nobody enters any more; None without a planned end."""
        return dates.day_end(self.end, self.shop.timezone) if self.end else None

    def span(self, metric: Metric) -> counts.Span:
        """Return which units are counted, for a metric's window."""
        zone = self.shop.timezone
        return counts.Span(
            self.experiment,
            dates.parse_window(metric.window),
            dates.day_start(self.start, zone) if self.start else None,
            dates.day_start(self.end + dt.timedelta(days=1), zone) if self.end else None,
            self.as_of,
            zone,
        )

    def definition(self, metric: Metric) -> dict[str, object]:
        """Return everything that changes a metric's number."""
        zone = self.shop.timezone
        more: dict[str, object] = {}
        if metric.kind == "quantile":
            more["quantile"] = metric.quantile
        if metric.direction == "down":
            more["direction"] = metric.direction
        if metric.covariate:
            more["covariate"] = f"{metric.covariate / dt.timedelta(days=1):g}d"
        if metric.is_money:
            more["currency"] = self.shop.currency
        return {
            "experiment": self.experiment, "metric": metric.name, "unit": self.unit,
            "window": str(metric.window), "start": self.start, "end": self.end,
            "as_of": dates.local(self.as_of, zone), "timezone": zone, "engine": self.exposures.engine, **more,
        }  # fmt: skip

    def marks(self) -> tuple[Table, str] | None:
        """Return which column splits the units: of the exposures, or of the events before them."""
        if self.by is None:
            return None
        events = self.shop.table("events")
        known = [*self.exposures.columns, *(events.columns if isinstance(events, Table) else ())]
        if self.by in self.exposures.columns:
            return self.exposures, self.by
        if isinstance(events, Table) and self.by in events.columns and self.unit in events.columns:
            return events, self.by
        if self.by in {column.name for column in TABLES["events"]}:
            return None  # a column that a shop may do without
        raise UnknownName("column", self.by, known, where="exposures, events")

    def by_order(self, metric: Metric) -> Metric:
        """Return the metric; customers who *purchase* are counted by their orders."""
        if self.unit == "customer_id" and metric.table == "events" and metric.event == PURCHASE:
            return replace(metric, table="orders", event=None)
        return metric

    def missing(self, metric: Metric) -> str | None:
        """Return the first table that a metric needs and the shop does not have."""
        names = [metric.table]
        if metric.table != "events" and self.unit == "visitor_id":
            names.append("events")
        return next(
            (name for name in names if isinstance(self.shop.table(name), MissingTable)), None
        )

    def source(self, metric: Metric) -> counts.Source:
        """Return the tables that say what units did, for a metric that misses none."""
        actions = _there(self.shop.table(metric.table))
        marks = self.marks()
        if metric.table == "events":
            return counts.Source(self.exposures, actions, self.unit, None, marks)
        links = actions if self.unit == "customer_id" else _there(self.shop.table("events"))
        return counts.Source(self.exposures, actions, self.unit, links, marks)


@dataclass(frozen=True)
class Part:
    """What the units of one variant did by a day, or in a segment."""

    variant: str
    key: object
    sample: Joint


@dataclass(frozen=True)
class Reading:
    """What the variants' units did by one metric, with what must be said beside it.

    Attributes
    ----------
    metric
        The metric.
    samples
        Variant → its sample.
    days, segments
        The same by the day on which windows ended, and by segment; empty for quantiles.
    definition, notes
        What changes the number; what must be said.
    """

    metric: Metric
    samples: Mapping[str, Sample]
    days: tuple[Part, ...] = ()
    segments: tuple[Part, ...] = ()
    definition: Mapping[str, object] = field(default_factory=dict)
    notes: tuple[Text, ...] = ()

    @property
    def columns(self) -> Columns:
        """Which columns of a `Joint` sample make the metric."""
        return columns_of(self.metric)


def columns_of(metric: Metric) -> Columns:
    """Return which columns of (y, d, x, w) make a metric."""
    ratio = metric.kind == "ratio"
    before = 2 if metric.covariate else None
    return Columns(0, 1 if ratio else None, before, 3 if ratio and metric.covariate else None)


def read(setup: Setup, asked: Metric, variants: Sequence[str]) -> Reading:
    """Read what the units of each variant did by a metric.

    Parameters
    ----------
    setup, asked
        The experiment and the metric.
    variants
        The variants that somebody saw; one without finished units has an empty sample.

    Raises
    ------
    UnknownName
        For an event or a column that does not exist, with the nearest one.
    """
    metric = setup.by_order(asked)
    _check_events(setup, metric)
    if metric.kind == "quantile":
        return _read_quantile(setup, metric, variants)
    rows = counts.moments(setup.source(metric), metric, setup.span(metric))
    whole = rows[rows["part"] == "all"]
    by_name = {str(row["variant"]): _sample(row, metric) for row in _records(whole)}
    samples = {name: by_name.get(name, _nothing(metric)) for name in variants}
    capped = _capped(whole, metric, setup.shop.currency)
    return Reading(
        metric,
        samples,
        _parts(rows, "day"),
        _parts(rows, "segment"),
        {**setup.definition(metric), **capped.definition},
        (*capped.notes, *(_few_buyers(whole) if metric.is_money and metric.kind == "mean" else ())),
    )


def _records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in rows.to_dict("records")]


def _nothing(metric: Metric) -> Sample:
    """Return the sample of a variant none of whose units has finished."""
    if metric.kind == "conversion" and not metric.covariate:
        return Rate(0, 0)
    if metric.kind == "mean" and not metric.covariate:
        return Moments(0)
    k = len(_COLUMNS)
    return Measured(Joint(0, np.zeros(k), np.zeros((k, k))), columns_of(metric))


def _sample(row: Mapping[str, Any], metric: Metric) -> Sample:
    joint = _joint(row)
    if metric.kind == "conversion" and not metric.covariate:
        return Rate(joint.n, int(row["n_did"]))
    if metric.kind == "mean" and not metric.covariate:
        return joint.column(0)
    return Measured(joint, columns_of(metric), int(row["n_did"]))


def _joint(row: Mapping[str, Any]) -> Joint:
    """Return the four columns' moments; what the engine left out for one unit is 0."""
    n = int(row["n"])
    mean = np.array([float(row[name]) for name in _COLUMNS])
    cov = np.zeros((4, 4))
    for i, first in enumerate(_COLUMNS):
        for j, second in enumerate(_COLUMNS[i:], i):
            cov[i, j] = cov[j, i] = float(row[first + second]) if n > 1 else 0.0
    return Joint(n, mean, cov)


def _parts(rows: pd.DataFrame, part: str) -> tuple[Part, ...]:
    kept = rows[(rows["part"] == part) & rows[part].notna()]
    return tuple(Part(str(row["variant"]), row[part], _joint(row)) for row in _records(kept))


@dataclass(frozen=True)
class _Capped:
    definition: Mapping[str, object] = field(default_factory=dict)
    notes: tuple[Text, ...] = ()


def _capped(rows: pd.DataFrame, metric: Metric, currency: str) -> _Capped:
    """Return the cap and what it cut, said."""
    if metric.cap is None or not len(rows) or not rows["n"].sum():
        return _Capped()
    cap = float(rows["cap"].max())
    if cap >= 1e300:
        return _Capped()
    raw, n_capped = float(rows["total_raw"].sum()), int(rows["n_capped"].sum())
    cut = raw - float((rows["y"] * rows["n"]).sum())
    share = cut / raw if raw > 0 else 0.0
    said = {"cap": cap, "n_capped": n_capped, "capped_share": share}
    ko = fmt.money(cap, "ko", currency) if metric.is_money else f"{cap:,.4g}"
    en = fmt.money(cap, "en", currency) if metric.is_money else f"{cap:,.4g}"
    shown = fmt.percent(share, "en")
    return _Capped(said, (Text(
        f"{ko}보다 큰 값은 {ko}(으)로 셌습니다. {n_capped:,}명, 전체의 {shown}가 잘렸습니다.",
        f"Values above {en} count as {en}: {n_capped:,} people, {shown} of the total cut.",
    ),))  # fmt: skip


def _read_quantile(setup: Setup, metric: Metric, variants: Sequence[str]) -> Reading:
    source, span = setup.source(metric), setup.span(metric)
    found = {str(row["variant"]): row for row in _records(counts.middles(source, metric, span))}
    wanted: dict[str, tuple[int, int, int]] = {}
    for name, row in found.items():
        ranks = places(int(row["n_values"]), metric.quantile, _design(row, metric))
        if ranks is not None:
            wanted[name] = ranks
    places_wanted = [(name, place) for name, ranks in wanted.items() for place in ranks]
    values = counts.ranked(source, metric, span, places_wanted) if places_wanted else {}
    samples: dict[str, Sample] = {
        name: _quantile(name, found.get(name), wanted.get(name), values) for name in variants
    }
    # When windows ended says how often a look could be taken; the means themselves are not used.
    rows = counts.moments(source, replace(metric, kind="mean"), span)
    return Reading(metric, samples, _parts(rows, "day"), definition=setup.definition(metric))


def _design(row: Mapping[str, Any], metric: Metric) -> float:
    """Return how much a unit's several values add to the variance; never below independence."""
    n = int(row["n"])
    if n < 2:
        return math.nan
    cov = np.array([[row["bb"], row["bm"]], [row["bm"], row["mm"]]], dtype=np.float64)
    return max(design_effect(Joint(n, np.array([row["b"], row["m"]]), cov), metric.quantile), 1.0)


def _quantile(
    name: str,
    row: Mapping[str, Any] | None,
    ranks: tuple[int, int, int] | None,
    values: Mapping[tuple[str, int], float],
) -> Quantile:
    """Return a variant's quantile with the variance a unit, or without where values are too few."""
    if row is None:
        return Quantile(Moments(0), 0)
    n, n_values = int(row["n"]), int(row["n_values"])
    if ranks is None:
        return Quantile(Moments(1, float(row["middle"])), n_values)
    middle, low, high = (values[name, place] for place in ranks)
    se = from_limits(n_values, middle, low, high).se
    return Quantile(Moments(n, middle, se**2 * n), n_values)


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


def _few_buyers(rows: pd.DataFrame) -> tuple[Text, ...]:
    """Return why the interval of a mean amount is not reliable (T07)."""
    notes = []
    for row in _records(rows):
        total, buyers, n = row["y"] * row["n"], int(row["n_did"]), int(row["n"])
        skew = abs(row["skew"]) / math.sqrt(n) if n and pd.notna(row["skew"]) else 0.0
        if not n or (buyers >= FEW_BUYERS and skew < SKEWED):
            continue
        ko = f"{row['variant']}안의 구간은 믿기 어렵습니다: 산 사람이 {buyers:,}명"
        en = f"The interval of {row['variant']} is not reliable: {buyers:,} buyers"
        if buyers and total > 0:
            shown = fmt.percent(row["largest"] / total, "en")
            ko += f"이고, 한 사람이 매출의 {shown}입니다"
            en += f", one of them {shown} of the revenue"
            notes.append(Text(f"{ko}.", f"{en}."))
        else:
            notes.append(Text(f"{ko}뿐입니다.", f"{en}."))
    return tuple(notes)


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


def _check_events(setup: Setup, metric: Metric) -> None:
    asked: Sequence[str] = [name for name in (metric.event, metric.per) if name is not None]
    if metric.table != "events" or not asked:
        return
    seen = counts.events_seen(_there(setup.shop.table("events")))
    for event in asked:
        if seen and event not in seen:
            raise UnknownName("event", event, seen, "events.event")


def _there(table: AnyTable) -> Table:
    if isinstance(table, MissingTable):
        raise UnknownName("table", table.name, [])
    return table
