"""The walk through the events of some units, and the answers of all parts put together."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from custmeasure.engine.ahead import ahead
from custmeasure.engine.sequence.kernel import NOT_REACHED, Attempts, Kernel
from custmeasure.engine.sequence.rules import Rules


@dataclass(frozen=True)
class Walked:
    """The best attempt of every unit, and what the events did not say.

    Attributes
    ----------
    attempts
        One a unit.
    seen
        The bits of all events.
    n_without_unit
        Events that name nobody.
    """

    attempts: Attempts
    seen: int
    n_without_unit: int


@dataclass(frozen=True)
class Walk:
    """Walks whole units wherever their events lie; arguments as `Kernel`."""

    rules: Rules
    split: bool = False
    valued: bool = False
    dated: bool = False
    names: Mapping[object, str | None] | None = None

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Walked:
        """Return the best attempts of the units whose events come."""
        kernel = Kernel(self.rules, self.names)
        for batch in ahead(batches):
            kernel.feed(batch)
        attempts = kernel.finish(split=self.split, valued=self.valued, dated=self.dated)
        return Walked(attempts, kernel.seen, kernel.n_without_unit)


def joined(parts: Sequence[Walked]) -> Walked:
    """Return the answers of parts that share no unit as one."""
    if len(parts) == 1:
        return parts[0]
    found = [part.attempts for part in parts]
    segments = tuple(dict.fromkeys(name for each in found for name in each.segments))
    places = {name: place for place, name in enumerate(segments)}
    attempts = replace(
        found[0],
        **{name: np.concatenate([getattr(each, name) for each in found]) for name in _ARRAYS},
        waits=tuple(map(np.concatenate, zip(*(each.waits for each in found), strict=True))),
        group=np.concatenate([_renumbered(each, places) for each in found]),
        n_pending=sum(each.n_pending for each in found),
        n_void=sum(each.n_void for each in found),
        segments=segments,
    )
    seen = int(np.bitwise_or.reduce([part.seen for part in parts]))
    return Walked(attempts, seen, sum(part.n_without_unit for part in parts))


_ARRAYS = ("taken", "other", "amount", "entered")


def _renumbered(attempts: Attempts, places: dict[str | None, int]) -> np.ndarray:
    """Return each unit's group by the places of all parts' segments."""
    new = np.array([places[name] for name in attempts.segments] + [NOT_REACHED], np.int32)
    # NOT_REACHED is -1 and so finds the last place.
    return new[attempts.group]
