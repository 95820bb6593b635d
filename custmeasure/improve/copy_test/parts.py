"""What the units of each variant did: in all, by day and by segment, as moments."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from custmeasure.improve.copy_test.effects import Sample
from custmeasure.improve.copy_test.metrics import Metric
from custmeasure.show.words import Text
from custmeasure.stats import Columns, Joint

COLUMNS = ("y", "d", "x", "w")


@dataclass(frozen=True)
class Part:
    """What the units of one variant did by a day, or in a segment."""

    variant: str
    key: object
    sample: Joint


@dataclass(frozen=True)
class Cell(Part):
    """What the units of one variant and stratum did by a day."""

    stratum: str = ""


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
    cells
        The same by day and stratum; empty where units are not compared inside strata.
    definition, notes
        What changes the number; what must be said.
    """

    metric: Metric
    samples: Mapping[str, Sample]
    days: tuple[Part, ...] = ()
    segments: tuple[Part, ...] = ()
    cells: tuple[Cell, ...] = ()
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


def records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows, each by its columns' names."""
    return [{str(key): value for key, value in row.items()} for row in rows.to_dict("records")]


def joint_of(row: Mapping[str, Any]) -> Joint:
    """Return the four columns' moments; what the engine left out for one unit is 0."""
    n = int(row["n"])
    mean = np.array([float(row[name]) for name in COLUMNS])
    cov = np.zeros((4, 4))
    for i, first in enumerate(COLUMNS):
        for j, second in enumerate(COLUMNS[i:], i):
            cov[i, j] = cov[j, i] = float(row[first + second]) if n > 1 else 0.0
    return Joint(n, mean, cov)


def parts_of(rows: pd.DataFrame, part: str) -> tuple[Part, ...]:
    """Return the samples by ``"day"`` or by ``"segment"``; units without one are left out."""
    kept = rows[(rows["part"] == part) & rows[part].notna()]
    return tuple(Part(str(row["variant"]), row[part], joint_of(row)) for row in records(kept))


def chosen_note(metric: Metric) -> tuple[Text, ...]:
    """Return that a ratio or a quantile is of what people did, which the copy may have changed too."""
    if metric.kind not in ("ratio", "quantile"):
        return ()
    ko, en = metric.title.ko, str(metric.title)
    return (Text(
        f"{ko}: 한 사람당 값이 아니라 한 일 하나당 값입니다. 문구가 누가, 얼마나 자주 하는지도 바꾸므로 "
        "전환율과 함께 읽으십시오.",
        f"{en}: a value for each thing done, not for each person. The copy may also change who does it and "
        "how often, so read it beside the conversion rate.",
    ),)  # fmt: skip
