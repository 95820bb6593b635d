"""The kernel as engines call it: fed with batches, it answers when all have come."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from custmeasure.engine.begun import in_threads
from custmeasure.engine.sequence.compiled import (
    added,
    coded,
    dealt,
    placed_keys,
    sized,
    tallied,
    walk,
)
from custmeasure.engine.sequence.rules import Int64, Rules
from custmeasure.engine.sequence.store import Array, Store, smallest

_N = TypeVar("_N", bound=np.generic)
_NUMBERS = (pa.int64(), pa.uint64())  # what stands for names: numbers, or hashes of texts
NOT_REACHED = -1  # the group of units that did not take the step that names it


@dataclass(frozen=True)
class Attempts:
    """The best attempt of every unit that entered.

    Attributes
    ----------
    taken
        (n_units,) bit k says that step k was taken; in any order that k + 1 steps were. As few bytes as
        hold a bit for each step.
    other
        (n_units,) the last required step, from 0, under the other rule: of the unit's first attempt where
        the best counts, of its best where only the first counts; -1 where that one is void.
    group
        (n_units,) the place in ``segments`` of the unit's segment, ``NOT_REACHED`` where the step that
        names it was not taken; empty when nothing is split.
    amount
        (n_units,) the amount at the last required step, 0 where it was not taken and NaN where it has none;
        empty when nothing is added up.
    entered
        (n_units,) the instant (µs) at which the attempt began; empty when nobody asks.
    waits
        Of each step but the first (n_reached,) µs, unit by unit: since the nearest required step before, in
        any order since the step before.
    n_pending
        Units all of whose entries are not over yet.
    n_void
        Units all of whose attempts are void.
    segments
        The segments' names; None for a missing one.
    """

    taken: npt.NDArray[np.integer]
    other: npt.NDArray[np.int8]
    group: npt.NDArray[np.int32]
    amount: npt.NDArray[np.float64]
    entered: Int64
    waits: tuple[Int64, ...]
    n_pending: int
    n_void: int
    segments: tuple[str | None, ...] = ()

    def reached(self, step: int) -> npt.NDArray[np.bool_]:
        """Return (n_units,) whether each unit took ``step``."""
        return np.asarray(self.taken & self.taken.dtype.type(1 << step) != 0)

    def sizes(self) -> Int64:
        """Return (n_segments + 1,) how many units each segment has, and last those without one."""
        found = np.zeros(len(self.segments) + 1, np.int64)
        sized(self.group, found)
        return found

    def counts(self, place: npt.NDArray[np.integer], n_segments: int, n_steps: int) -> Int64:
        """Return (n_segments, n_steps) how many units of each segment took each step.

        ``place`` is (n_units,) the segment of each.
        """
        if n_segments == 1:
            return np.array([[len(self.taken), *map(len, self.waits[: n_steps - 1])]])
        found = np.zeros((n_segments, n_steps), np.int64)
        tallied(self.taken, place, found)
        return found

    def waited(self, step: int) -> Int64:
        """Return (n_reached,) the times in µs that ``step``, which is not the first, took."""
        return self.waits[step - 1]

    def whole(self, steps: Sequence[int]) -> Int64:
        """Return (n_reached,) the times in µs that ``steps`` took together, of those who took the last."""
        total = np.zeros(len(self.waited(steps[-1])), np.int64)
        for step in steps:
            added(self.taken, step, steps[-1], self.waited(step), total)
        return total

    def dealt(
        self, step: int, values: npt.NDArray[_N], place: Array, sizes: Int64
    ) -> list[npt.NDArray[_N]]:
        """Return ``values``, one for each unit that took ``step``, segment by segment.

        ``place`` is (n_units,) the segment of each unit, ``sizes`` (n_segments,) how many of each took it.
        """
        if len(sizes) == 1 or not len(values):
            return [values] * len(sizes)
        ends = np.cumsum(sizes)
        out = np.empty(len(values) + 1, values.dtype)
        dealt(self.taken, step, place, values, np.concatenate([[0], ends]), out)
        return np.split(out[:-1], ends[:-1])

    def instants(self, n_steps: int) -> Int64:
        """Return (n_units, n_steps) when each step was taken (µs), 0 where not; no step is optional."""
        at = np.zeros((len(self.taken), n_steps), np.int64)
        at[:, 0] = self.entered
        for step in range(1, n_steps):
            inside = self.reached(step)
            at[inside, step] = at[inside, step - 1] + self.waited(step)
        return at


@dataclass
class Kernel:
    """Walks the events of all units; see `Rules` for what an attempt may do.

    Batches may come in any order of rows; events in order of time cost least.

    Attributes
    ----------
    rules
        What an attempt may do.
    names
        What the segments in the batches are called, where these are numbers that stand for names.
    n_without_unit
        Events so far that name nobody; they count nowhere.
    """

    rules: Rules
    names: Mapping[object, str | None] | None = None
    n_without_unit: int = 0
    _store: Store = field(init=False)
    _codes: dict[object, int] = field(default_factory=dict)
    _table: tuple[Array, ...] = ()

    def __post_init__(self) -> None:
        self._store = Store(self.rules.needs_every_event)

    @property
    def seen(self) -> int:
        """The bits of all events so far."""
        return self._store.seen

    def feed(self, batch: pa.RecordBatch) -> None:
        """Take in events.

        Parameters
        ----------
        batch
            Columns ``unit`` (64-bit number: an id or its hash), ``moment`` (µs since 1970) and ``mask`` (the
            bits of the steps and exclusions that the event serves); ``segment`` (its name, or a number that
            stands for it) when units are split, ``value`` when amounts are added up.
        """
        self.n_without_unit += batch.column("unit").null_count
        if batch.column("unit").null_count or batch.column("moment").null_count:
            batch = batch.filter(
                pa.compute.and_(batch["unit"].is_valid(), batch["moment"].is_valid())
            )
        numbers: list[Array] = [_int64(batch[name]) for name in ("unit", "mask", "moment")]
        names = batch.schema.names
        if "segment" in names:
            numbers.append(self._coded(batch["segment"]))
        if "value" in names:
            numbers.append(batch["value"].to_numpy(zero_copy_only=False).astype(np.float64))
        self._store.add(*numbers)

    def _coded(self, segment: pa.Array) -> Array:
        """Return each segment's place in the order in which they came."""
        codes = np.empty(len(segment), smallest(0, len(self._codes)))
        if self._table and self._looked_up(segment, codes):
            return codes
        encoded = segment.dictionary_encode(null_encoding="encode")
        places = [
            self._codes.setdefault(name, len(self._codes))
            for name in encoded.dictionary.to_pylist()
        ]
        known = {key: code for key, code in self._codes.items() if key is not None}
        if known and segment.type in _NUMBERS:
            keys = np.array(list(known), segment.type.to_pandas_dtype()).view(np.int64)
            self._table = placed_keys(keys, np.array(list(known.values())))
        given = np.array(places, smallest(0, len(self._codes)))
        return np.asarray(given[encoded.indices.to_numpy()])

    def _looked_up(self, segment: pa.Array, codes: Array) -> bool:
        """Write the place of each segment, a number, to ``codes``; return whether all have one."""
        if not segment.null_count:
            return bool(coded(_int64(segment), *self._table, codes))
        if None not in self._codes:
            return False
        known = next(key for key in self._codes if key is not None)
        found = coded(_int64(segment.fill_null(known)), *self._table, codes)
        codes[np.flatnonzero(segment.is_null())] = self._codes[None]
        return bool(found)

    def finish(self, *, split: bool = False, valued: bool = False, dated: bool = False) -> Attempts:
        """Return the best attempts, when every event has come."""
        self._store.close()
        rules = self.rules.packed().arrays()
        segments = [self.names[key] if self.names else key for key in self._codes]
        rank = _alphabetic(segments)
        steps_alone = not self._store.several and self.seen < 1 << self.rules.n_steps
        plain = self.rules.is_plain and steps_alone

        def walked(first: int, last: int) -> tuple[Array, ...]:
            unit, mask, at, *rest = self._store.columns(first, last)
            code = rest.pop(0) if split else np.empty(0, np.int64)
            value = rest.pop(0) if valued else np.empty(0, np.float64)
            return walk(unit, at, mask, code, rank, value, rules, plain, dated)  # type: ignore[no-any-return]

        parts = in_threads(walked, self._store.shares())
        return _joined(parts, self.rules.n_steps, tuple(segments))


def _int64(column: pa.Array) -> Int64:
    """Return numbers, or instants in µs, as 64-bit numbers that nobody may write."""
    given = np.asarray(column.to_numpy(zero_copy_only=False))
    numbers = given.view(np.int64) if given.itemsize == 8 else given.astype(np.int64)
    numbers.flags.writeable = False
    return numbers


def _alphabetic(names: list[Any]) -> Int64:
    """Return each name's place in the alphabet; a missing one stands first."""
    order = sorted(range(len(names)), key=lambda code: names[code] or "")
    rank = np.empty(len(names), np.int64)
    rank[order] = np.arange(len(names))
    return rank


def _joined(parts: list[tuple[Array, ...]], n_steps: int, segments: tuple[Any, ...]) -> Attempts:
    """Return the answers of all parts as one."""
    bits = np.uint8 if n_steps <= 8 else np.int32
    kinds = (bits, np.int8, np.int32, np.float64, np.int64)
    columns = [
        [np.empty(0, kind), *(part[place].astype(kind, copy=False) for part in parts)]
        for place, kind in enumerate(kinds)
    ]
    columns += [
        [np.empty(0, np.int64), *(part[5][part[6][step - 1] : part[6][step]] for part in parts)]
        for step in range(1, n_steps)
    ]
    whole = in_threads(np.concatenate, [(column,) for column in columns])
    taken, other, group, amount, entered, *waits = whole
    n_pending, n_void = (sum(int(part[place]) for part in parts) for place in (7, 8))
    return Attempts(taken, other, group, amount, entered, tuple(waits), n_pending, n_void, segments)
