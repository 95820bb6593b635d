"""A shop's experiment, read by one metric: what its variants' units did."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from custmeasure.errors import UnknownName
from custmeasure.improve.copy_test import counts
from custmeasure.improve.copy_test.effects import Measured, Rate, Sample
from custmeasure.improve.copy_test.metrics import Metric
from custmeasure.improve.copy_test.parts import (
    COLUMNS,
    Reading,
    chosen_note,
    columns_of,
    joint_of,
    parts_of,
    records,
)
from custmeasure.improve.copy_test.quantiles import read_quantile
from custmeasure.improve.copy_test.setup import Setup, there
from custmeasure.show import format as fmt
from custmeasure.show.words import Text
from custmeasure.stats import Joint, Moments

# The t interval of a mean amount covers less than 0.94 where the sample's skewness ÷ √n is above this, or
# where fewer buy (SCENARIOS T02, T07; simulated in tests/improve/test_copy_test_calibration.py).
FEW_BUYERS = 50
SKEWED = 0.15


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
        return read_quantile(setup, metric, variants)
    rows = counts.moments(setup.source(metric), metric, setup.span(metric))
    whole = rows[rows["part"] == "all"]
    by_name = {str(row["variant"]): _sample(row, metric) for row in records(whole)}
    samples = {name: by_name.get(name, _nothing(metric)) for name in variants}
    capped = _capped(whole, metric, setup.shop.currency)
    return Reading(
        metric,
        samples,
        parts_of(rows, "day"),
        parts_of(rows, "segment"),
        (),
        {**setup.definition(metric), **capped.definition},
        (
            *capped.notes,
            *chosen_note(metric),
            *(_few_buyers(whole) if metric.is_money and metric.kind == "mean" else ()),
        ),
    )


def _nothing(metric: Metric) -> Sample:
    """Return the sample of a variant none of whose units has finished."""
    if metric.kind == "conversion" and not metric.covariate:
        return Rate(0, 0)
    if metric.kind == "mean" and not metric.covariate:
        return Moments(0)
    k = len(COLUMNS)
    return Measured(Joint(0, np.zeros(k), np.zeros((k, k))), columns_of(metric))


def _sample(row: Mapping[str, Any], metric: Metric) -> Sample:
    joint = joint_of(row)
    if metric.kind == "conversion" and not metric.covariate:
        return Rate(joint.n, int(row["n_did"]))
    if metric.kind == "mean" and not metric.covariate:
        return joint.column(0)
    return Measured(joint, columns_of(metric), int(row["n_did"]))


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


def _few_buyers(rows: pd.DataFrame) -> tuple[Text, ...]:
    """Return why the interval of a mean amount is not reliable (T07)."""
    notes = []
    for row in records(rows):
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


def _check_events(setup: Setup, metric: Metric) -> None:
    asked: Sequence[str] = [name for name in (metric.event, metric.per) if name is not None]
    if metric.table != "events" or not asked:
        return
    seen = counts.events_seen(there(setup.shop.table("events")))
    for event in asked:
        if seen and event not in seen:
            raise UnknownName("event", event, seen, "events.event")
