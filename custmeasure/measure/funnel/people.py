"""Who took which step when: one row a person and step, to be laid beside the events again."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from custmeasure import dates
from custmeasure.engine import Table
from custmeasure.engine.marks import Mark
from custmeasure.engine.sequence import Attempts
from custmeasure.errors import check_choice
from custmeasure.measure.funnel.log import walk
from custmeasure.measure.funnel.plan import Plan
from custmeasure.measure.funnel.steps import Exclusion, Step

# In any order a step has no place of its own, so nobody stops at one.
ORDERS = ("ordered", "strict")


@dataclass(frozen=True)
class People:
    """The counted attempts of everybody whose window is over.

    Attributes
    ----------
    taken
        ``who`` (an attempt), ``unit``, ``step`` (from 0, steps that are not optional), ``bit``, ``moment``
        (when it was taken), ``until`` (the window's end) and ``stopped`` (whether it was the last one
        taken, and not the funnel's last).
    labels
        The steps' names, each its own: the second ``visit`` is ``visit (2)``.
    marks
        What an event must be to serve each step.
    definition
        What was counted.
    """

    taken: Table
    labels: list[str]
    marks: tuple[Mark, ...]
    definition: Mapping[str, object]


def people(
    table: Table,
    steps: Sequence[str | Step],
    *,
    window: str | dt.timedelta,
    start: str | dt.date | None,
    end: str | dt.date | None,
    as_of: str | dt.date | dt.datetime | None,
    unit: str,
    session: str | dt.timedelta | None,
    order: str,
    ties: str,
    attempts: str,
    exclusions: Sequence[str | Exclusion],
) -> People:
    """Walk a funnel and return who took which step; arguments as `funnel`.

    Raises
    ------
    UsageError, UnknownName
        As `funnel`; for ``order="any"`` too.
    """
    check_choice("order", order, ORDERS)
    plan = Plan.of(
        steps, exclusions, window=window, order=order, ties=ties, attempts=attempts,
        by_at="first", session=session,
    )  # fmt: skip
    first, last = dates.parse_span(start, end)
    known = table.as_of if as_of is None else dates.to_instant(as_of, table.timezone)
    walked = walk(
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
    definition = {
        "unit": unit, "session": session and str(session), "window": str(window), "order": order,
        "ties": ties, "attempts": attempts, "rules": plan.said,
        "exclusions": tuple(map(str, plan.exclusions)) or None, "start": first, "end": last,
        "as_of": dates.local(known, table.timezone), "timezone": table.timezone,
        "engine": table.engine, "n_pending": walked.n_pending,
    }  # fmt: skip
    musts = [place for place in range(len(plan.steps)) if place not in plan.optional]
    taken = _rows(walked, musts, plan.window)
    return People(
        Table("people", taken, tuple(taken.column_names)),
        _own_names([plan.labels[place] for place in musts]),
        tuple(plan.steps[place].mark for place in musts),
        definition,
    )


def _own_names(labels: list[str]) -> list[str]:
    return [
        name if labels.index(name) == k else f"{name} ({labels[: k + 1].count(name)})"
        for k, name in enumerate(labels)
    ]


def _rows(walked: Attempts, musts: Sequence[int], window: dt.timedelta) -> pa.Table:
    """Return one row an attempt and step taken, optional steps left out."""
    at = np.zeros((len(walked.taken), len(musts)), np.int64)
    at[:, 0] = walked.entered
    reached = np.column_stack([walked.reached(place) for place in musts])
    for k, place in enumerate(musts[1:], start=1):
        inside = reached[:, k]
        at[inside, k] = at[inside, k - 1] + walked.waited(place)
    who, step = np.nonzero(reached)
    ids = pa.array(walked.segments, pa.string()).take(pa.array(walked.group))
    until = walked.entered + window // dt.timedelta(microseconds=1)
    depth = reached.sum(axis=1)
    return pa.table({
        "who": who,
        "unit": pc.take(ids, pa.array(who)),
        "step": step,
        "bit": np.left_shift(1, step),
        "moment": _instants(at[who, step]),
        "until": _instants(until[who]),
        "stopped": (step == depth[who] - 1) & (step < len(musts) - 1),
    })  # fmt: skip


def _instants(micros: np.ndarray) -> pa.Array:
    return pa.array(micros, pa.timestamp("us", tz="UTC"))
