"""Where do visitors stop on the way to a purchase?

A visitor enters with the first step and has ``window`` to take the others. Other events may happen
between the steps. An *attempt* begins at each entry and takes, for every next step, the earliest event
that serves it: an event of its own, not earlier than the step before. A visitor who tries several times
counts with the attempt that got furthest and, among those, the earliest. Dates select entries; a
conversion may fall after ``end``. An entry whose window is not over at ``as_of`` is *pending*: neither a
success nor a drop-off, and outside every rate.

Frame, one row a step (and segment): ``n_reached`` visitors; ``step_rate`` ÷ those at the step before;
``overall_rate`` ÷ those at the first step; Wilson intervals; ``median_hours_to_step`` from the step
before, in the best attempt. On the first step there is no step before, so those cells are blank. After an
optional step rates and times run from the step before it. Beside the frame: ``times`` (quartiles),
``distribution`` (how many took how long) and ``amounts`` (what the last step brought).

>>> FunnelResult.from_counts(["visit", "cart", "buy"], [1000, 300, 60]).said("en")
'6.00% (4.69% to 7.65%) of 1,000 got from visit to buy.'
"""

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence

import pandas as pd

from custmeasure import dates
from custmeasure.engine import MissingTable, Readable, as_table
from custmeasure.errors import UsageError
from custmeasure.measure.funnel.compare import FunnelChange, FunnelParts, compare_funnels
from custmeasure.measure.funnel.gaps import FunnelGaps, funnel_gaps
from custmeasure.measure.funnel.landing_rule import LandingResult, landing
from custmeasure.measure.funnel.log import Walked, walk
from custmeasure.measure.funnel.notes import more_notes, notes
from custmeasure.measure.funnel.periods import two_periods
from custmeasure.measure.funnel.plan import Plan
from custmeasure.measure.funnel.reduce import (
    amounts,
    counts,
    distribution,
    groups,
    times,
    waits,
)
from custmeasure.measure.funnel.result import FunnelResult, missing_funnel
from custmeasure.measure.funnel.steps import Exclusion, Step
from custmeasure.measure.funnel.stops import LastPages, StoppedResult, stopped
from custmeasure.measure.funnel.traits import StoppingResult, stopping
from custmeasure.show.result import missing_verdict
from custmeasure.show.words import Text

__all__ = [
    "Exclusion",
    "FunnelChange",
    "FunnelGaps",
    "FunnelParts",
    "FunnelResult",
    "LandingResult",
    "Step",
    "LastPages",
    "StoppedResult",
    "StoppingResult",
    "compare_funnels",
    "funnel",
    "funnel_gaps",
    "landing",
    "stopped",
    "stopping",
    "two_periods",
]


def funnel(
    events: Readable,
    steps: Sequence[str | Step],
    *,
    window: str | dt.timedelta,
    start: str | dt.date | None = None,
    end: str | dt.date | None = None,
    as_of: str | dt.date | dt.datetime | None = None,
    by: str | None = None,
    by_at: str | int = "first",
    unit: str = "visitor_id",
    session: str | dt.timedelta | None = None,
    order: str = "ordered",
    ties: str = "together",
    attempts: str = "best",
    exclusions: Sequence[str | Exclusion] = (),
    value: str | None = None,
    bins: int | None = None,
    target: float | None = None,
    alpha: float = 0.05,
) -> FunnelResult:
    """Count how many units take each step of a funnel.

    Parameters
    ----------
    events
        A shop's table, a pandas frame, an Arrow table or a path, with the contract's columns.
    steps
        The events in order; an event may stand more than once. A step may be a `Step` (one of several
        events, filters, optional, a window of its own) or its text: ``"purchase; within 1h"``.
    window
        How long a unit may take from the first step, the end included: ``"7d"``.
    start, end
        The days (both included) on which an attempt may begin.
    as_of
        The last instant that is known; the shop's own when not given. Of a bare frame nobody knows
        it: then every window counts as over.
    by
        A column; a unit belongs to its value at the event that ``by_at`` names. Beyond 50 values, by
        people, the others are one row together.
    by_at
        ``"first"``, the event the attempt began with; ``"last"``, the last one it took; or a step, by
        name or by place from 1: who did not take it is ``(not reached)``.
    unit
        The column that names who is counted.
    session
        A pause: longer ones end a unit's session, and each session is counted for itself (``"30m"``).
        Every event of the table keeps a session going.
    order
        ``"ordered"``; ``"strict"`` (nothing between); ``"any"`` (in whatever order: the k-th row counts
        those who took at least k of the steps).
    ties
        ``"together"`` (events of the same instant may follow each other) or ``"later"`` (not with
        ``order="any"``, where no step comes before another).
    attempts
        ``"best"``, or ``"first"``: only a unit's first entry counts. A note says how the two differ.
    exclusions
        What must not happen between two steps: an `Exclusion` or its text,
        ``"logout; after add_to_cart; drop_unit"``.
    value
        A column of amounts to add up at the last step.
    bins
        About how many rows of one length the distribution of times has; when not given, rows are cut at
        minutes, hours and days.
    target
        The overall rate aimed at.
    alpha
        1 - the confidence of the intervals.

    Returns
    -------
    FunnelResult
        ``definition["n_pending"]`` counts the units left out because their window is not over.

    Raises
    ------
    UnknownName
        For a step, column, order or tie rule that does not exist.
    UsageError
        For a window or a day that cannot be read, no steps, or rules that do not go together.
    """
    table = as_table(events)
    if isinstance(table, MissingTable):
        return missing_funnel([Step.of(step).label for step in steps], missing_verdict(table.name))
    plan = Plan.of(
        steps, exclusions, window=window, order=order, ties=ties, attempts=attempts, by_at=by_at,
        session=session,
    )  # fmt: skip
    _check_bins(bins)
    first, last = dates.parse_span(start, end)
    known = table.as_of if as_of is None else dates.to_instant(as_of, table.timezone)
    walked = walk(
        table,
        plan,
        unit=unit,
        by=by,
        value=value,
        first=dates.day_start(first, table.timezone) if first else None,
        last=dates.day_end(last, table.timezone) if last else None,
        as_of=known,
    )
    definition = {
        "unit": unit,
        "session": session and str(session),
        "window": str(window),
        "order": order,
        "ties": ties,
        "attempts": attempts,
        "rules": plan.said,
        "exclusions": tuple(map(str, plan.exclusions)) or None,
        "start": first,
        "end": last,
        "as_of": dates.local(known, table.timezone),
        "by": by,
        "by_at": plan.by_label if by else None,
        "value": value,
        "timezone": table.timezone,
        "engine": table.engine,
        "n_pending": walked.attempts.n_pending,
    }
    return _result(walked, plan, definition, by=by, value=value, bins=bins, target=target,
                   alpha=alpha, said=notes(walked, known))  # fmt: skip


def _result(
    walked: Walked,
    plan: Plan,
    definition: Mapping[str, object],
    *,
    by: str | None,
    value: str | None,
    bins: int | None,
    target: float | None,
    alpha: float,
    said: Sequence[Text],
) -> FunnelResult:
    """Return the attempts of all units as a few numbers a segment."""
    segments = groups(walked.attempts, split=by is not None)
    reached = counts(walked.attempts, plan, segments)
    found = waits(walked.attempts, plan, segments, reached)
    lengths = times(found, segments)
    hours = {
        str(label): [float("nan"), *part["median_hours"].iloc[:-1]]
        for label, part in lengths.groupby("segment", sort=False)
    }
    per_segment = dict(zip(segments.labels, reached.tolist(), strict=True))
    result = FunnelResult.from_counts(
        plan.labels,
        per_segment if by else per_segment[""],
        median_hours=hours if by else hours[""],
        optional=plan.optional,
        by=by or "segment",
        target=target,
        alpha=alpha,
        definition=definition,
        notes=[*said, *more_notes(walked, plan, segments, value)],
    )
    paid = amounts(walked.attempts, plan, segments, reached, alpha) if value else pd.DataFrame()
    frames = [lengths, distribution(found, segments, plan, bins), paid]
    if not by:
        frames = [frame.drop(columns="segment", errors="ignore") for frame in frames]
    return dataclasses.replace(result, times=frames[0], distribution=frames[1], amounts=frames[2])


def _check_bins(bins: int | None) -> None:
    if bins is not None and (isinstance(bins, bool) or not isinstance(bins, int) or bins < 1):
        raise UsageError(
            ko=f"bins {bins!r}: 1 이상의 정수여야 합니다.",
            en=f"bins {bins!r} must be a whole number of 1 or more.",
        )
