"""Who reached which step when: one row a person and step, to be laid beside the events again."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from custmeasure import dates
from custmeasure.engine import Table
from custmeasure.errors import check_choice
from custmeasure.measure.funnel.log import walk
from custmeasure.measure.funnel.plan import Plan

# In any order a step has no place of its own, so nobody stops at one.
ORDERS = ("ordered", "strict")


@dataclass(frozen=True)
class People:
    """The best attempts of everybody whose window is over.

    Attributes
    ----------
    reached
        ``unit, step`` (from 0), ``moment`` (when it was reached), ``until`` (the window's end) and
        ``stopped`` (whether it was the last step, and not the funnel's last).
    steps
        The steps' events.
    definition
        What was counted.
    """

    reached: Table
    steps: list[str]
    definition: Mapping[str, object]


def people(
    table: Table,
    steps: Sequence[str],
    *,
    window: str | dt.timedelta,
    start: str | dt.date | None,
    end: str | dt.date | None,
    as_of: str | dt.date | dt.datetime | None,
    unit: str,
    order: str,
) -> People:
    """Walk a funnel and return who reached which step; arguments as `funnel`.

    Raises
    ------
    UsageError
        For steps that are no list of names, or a window or a day that cannot be read.
    UnknownName
        For a step, column or order that does not exist.
    """
    check_choice("order", order, ORDERS)
    plan = Plan.of(
        steps, (), window=window, order=order, ties="together", attempts="best", by_at="first",
        session=None,
    )  # fmt: skip
    first, last = dates.parse_span(start, end)
    known = table.as_of if as_of is None else dates.to_instant(as_of, table.timezone)
    attempts = walk(
        table,
        plan,
        unit=unit,
        by=unit,
        value=None,
        first=dates.day_start(first, table.timezone) if first else None,
        last=dates.day_end(last, table.timezone) if last else None,
        as_of=known,
        dated=True,
    ).attempts
    reached = _long(
        pa.array(attempts.segments, pa.string()).take(pa.array(attempts.group)),
        np.bitwise_count(attempts.taken).astype(np.int64),
        attempts.instants(len(steps)),
        plan.window,
    )
    definition = {
        "unit": unit, "window": str(window), "order": order, "start": first, "end": last,
        "as_of": dates.local(known, table.timezone), "timezone": table.timezone,
        "engine": "DuckDB", "steps": list(steps),
    }  # fmt: skip
    return People(Table("people", reached, tuple(reached.column_names)), list(steps), definition)


def step_labels(steps: list[str]) -> list[str]:
    """Return the steps' names, each its own: the second ``visit`` is ``visit (2)``."""
    return [
        name if steps.index(name) == k else f"{name} ({steps[: k + 1].count(name)})"
        for k, name in enumerate(steps)
    ]


def _long(ids: pa.Array, depth: np.ndarray, at: np.ndarray, length: dt.timedelta) -> pa.Table:
    """Return one row a person and step reached."""
    n_steps = at.shape[1]
    row, step = np.nonzero(np.arange(n_steps) < depth[:, None])
    until = at[:, 0] + length // dt.timedelta(microseconds=1)
    return pa.table({
        "unit": pc.take(ids, pa.array(row)),
        "step": step,
        "moment": _instants(at[row, step]),
        "until": _instants(until[row]),
        "stopped": (step == depth[row] - 1) & (step < n_steps - 1),
    })  # fmt: skip


def _instants(micros: np.ndarray) -> pa.Array:
    return pa.array(micros, pa.timestamp("us", tz="UTC"))
