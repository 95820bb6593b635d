"""The events behind a funnel: queried once, sorted, walked unit by unit."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from custmeasure.engine import Table, query
from custmeasure.engine.sequence import Attempts, best_attempts
from custmeasure.errors import UnknownName
from custmeasure.show.words import Text

NONE = "(none)"
HOUR = 3_600_000_000  # µs

_SEEN = """
    SELECT event, count(*) AS n, count(*) FILTER (WHERE unit IS NULL) AS n_without_unit
    FROM events GROUP BY event ORDER BY n DESC, event"""

# A unit is known here by the hash of its id: sorting numbers is several times faster than sorting texts,
# and two of 40 million ids share one of 2^64 hashes with a chance of 0.00004.
_LOG = """
    SELECT hash(unit) AS unit, epoch_us(moment) AS moment, segment,
           CAST(coalesce(list_position($names, event) - 1, len($names)) AS SMALLINT) AS code
    FROM events
    WHERE unit IS NOT NULL AND moment IS NOT NULL AND ($every OR list_contains($names, event))
    ORDER BY unit, moment, code"""

# Split or not. Two events of one instant that differ in their segment alone stand in the order of its
# hash, whatever the order of the rows.
_LOGS = {False: _LOG, True: _LOG + ", hash(segment)"}


@dataclass(frozen=True)
class Log:
    """The events of a funnel, named unit, at, event and segment."""

    events: Table
    seen: pd.DataFrame
    split: bool = False

    @classmethod
    def of(cls, table: Table, unit: str, by: str | None) -> Self:
        """Read what happened in ``table``, each event belonging to ``unit`` and to ``by``."""
        segment = (by, "text") if by else ("event", "text")
        events = table.pick(
            unit=(unit, "text"), moment=("at", "instant"), event=("event", "text"), segment=segment
        )
        return cls(events, query(_SEEN, events=events).to_pandas(), bool(by))

    def check(self, names: Sequence[str]) -> None:
        """Refuse a step that never happened, unless nothing ever did."""
        happened = self.seen["event"].dropna().tolist()
        for name in names:
            if happened and name not in happened:
                raise UnknownName("step", name, happened, f"{self.events.name}.event")

    def walk(
        self,
        names: Sequence[str],
        *,
        length: dt.timedelta,
        order: str,
        later: bool,
        first: dt.datetime | None,
        last: dt.datetime | None,
        as_of: dt.datetime | None,
    ) -> tuple[Attempts, pa.ChunkedArray]:
        """Return every unit's best attempt, and the segment of each row of the log."""
        distinct = list(dict.fromkeys(names))
        parameters = {"names": distinct, "every": order == "strict"}
        rows = query(_LOGS[self.split], parameters, events=self.events)
        attempts = best_attempts(
            _starts(rows["unit"].to_numpy()),
            rows["moment"].to_numpy(),
            rows["code"].to_numpy(),
            np.array([distinct.index(name) for name in names], np.int16),
            window=length // dt.timedelta(microseconds=1),
            order=order,
            later=later,
            first=micros(first),
            last=micros(last),
            as_of=micros(as_of),
        )
        return attempts, rows["segment"]

    def notes(self, as_of: dt.datetime | None, n_pending: int) -> list[Text]:
        """Return what must be said beside the numbers."""
        notes = []
        without = int(self.seen["n_without_unit"].sum())
        if without:
            notes.append(Text(
                f"누구의 것인지 모르는 기록 {without:,}건은 세지 않았습니다.",
                f"{without:,} events name nobody and are not counted.",
            ))  # fmt: skip
        if n_pending:
            notes.append(Text(
                f"{n_pending:,}명은 아직 기한 안에 있어 빼고 셌습니다. 이탈이 아닙니다.",
                f"{n_pending:,} people are still within their window and are left out. "
                "They have not dropped off.",
            ))  # fmt: skip
        if as_of is None:
            notes.append(Text(
                "자료가 언제까지인지(as_of) 몰라서, 기한이 모두 지난 것으로 셌습니다.",
                "Nobody said how far the data reach (as_of), so every window counts as over.",
            ))  # fmt: skip
        return notes


def _starts(units: np.ndarray) -> np.ndarray:
    """Return the row where each unit begins, and the number of rows."""
    if not len(units):
        return np.zeros(1, np.int64)
    changes = np.flatnonzero(units[1:] != units[:-1]) + 1
    return np.asarray(np.r_[0, changes, len(units)], np.int64)


def micros(instant: dt.datetime | None) -> int | None:
    """Return an instant as µs since 1970 in UTC."""
    if instant is None:
        return None
    return (instant - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1)


def reduce_attempts(
    attempts: Attempts, segments: pa.ChunkedArray | None
) -> dict[str, tuple[list[int], list[float]]]:
    """Return segment → (units that reached each step, median hours from the step before).

    Without segments there is one, named ``""``.
    """
    inside = attempts.depth > 0
    depth, at = attempts.depth[inside], attempts.at[inside]  # noqa: PD008
    labels = np.full(len(depth), "", object)
    if segments is not None:
        labels = pc.fill_null(segments.take(pa.array(attempts.entry[inside])), NONE).to_numpy()
    return {
        str(label): _counted(depth[labels == label], at[labels == label])
        for label in sorted(set(labels))
    }


def _counted(depth: np.ndarray, at: np.ndarray) -> tuple[list[int], list[float]]:
    n_steps = at.shape[1]
    counts = [int((depth > k).sum()) for k in range(n_steps)]
    hours = [float("nan")] + [_median_hours(at[depth > k], k) for k in range(1, n_steps)]
    return counts, hours


def _median_hours(at: np.ndarray, k: int) -> float:
    return float(np.median(at[:, k] - at[:, k - 1])) / HOUR if len(at) else float("nan")
