"""What an attempt may do: the numbers that the kernel follows."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

ORDERS = ("ordered", "strict", "any")
FIRST, LAST = -2, -1
FOREVER = 2**62  # µs
MOST_STEPS = 30  # and as many exclusions: all bits together fit a signed 64-bit number

Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Exclude:
    """An event that must not happen between two steps.

    Attributes
    ----------
    bit
        Its bit in an event's mask.
    after, before
        The places of two required steps, from 0: it counts strictly after the first and strictly before
        the second, or until the attempt's end where the second is never taken.
    void
        Whether the whole attempt is void; else it stops there and what came before counts.
    """

    bit: int
    after: int
    before: int
    void: bool


@dataclass(frozen=True)
class Rules:
    """The rules of a funnel, in numbers.

    Attributes
    ----------
    n_steps
        Bit k of an event's mask says that it can serve step k, from 0.
    window
        Length in µs from the first event of an attempt to its last, both included.
    order
        ``"ordered"``, ``"strict"`` (nothing between) or ``"any"``.
    later
        Whether a step must come strictly later than the one before.
    optional
        The places of the steps that may be missing; never the first.
    limits
        (n_steps,) the longest time in µs from the nearest required step before, or None.
    excludes
        What must not happen between.
    twins
        (n_steps,) the place of the first step that asks for the same; each its own when not given.
    first, last
        The instants (µs) between which an attempt may begin, both included.
    as_of
        An attempt whose window ends after this instant (µs) is pending.
    idle
        The longest pause in µs inside a session; None when a unit is one whole.
    only_first
        Whether only a unit's first attempt counts.
    by_step
        The step whose event names a unit's segment; ``LAST`` is the last one taken, ``FIRST`` the first.
    """

    n_steps: int
    window: int
    order: str = "ordered"
    later: bool = False
    optional: tuple[int, ...] = ()
    limits: tuple[int | None, ...] = ()
    excludes: tuple[Exclude, ...] = ()
    twins: tuple[int, ...] = ()
    first: int | None = None
    last: int | None = None
    as_of: int | None = None
    idle: int | None = None
    only_first: bool = False
    by_step: int = FIRST

    @property
    def is_plain(self) -> bool:
        """Whether attempts in order need nothing but their steps and one window."""
        return self.order == "ordered" and not (self.optional or self.excludes or any(self.limits))

    @property
    def needs_every_event(self) -> bool:
        """Whether events that serve no step matter too."""
        return self.order == "strict" or self.idle is not None

    def packed(self) -> "Packed":
        """Return the rules as arrays of one type and shape, so that the kernel compiles once."""
        places = range(self.n_steps)
        gaps = [[e for e in self.excludes if e.after <= k < e.before] for k in places]
        limits = self.limits or (None,) * self.n_steps
        return Packed(
            scalars=_int64(
                self.window,
                ORDERS.index(self.order),
                self.later,
                -FOREVER if self.first is None else self.first,
                FOREVER if self.last is None else self.last,
                FOREVER if self.as_of is None else self.as_of,
                FOREVER if self.idle is None else self.idle,
                self.only_first,
                self.by_step,
            ),
            optional=_int64(*(k in self.optional for k in places)),
            limits=_int64(*(FOREVER if limit is None else limit for limit in limits)),
            stops=_int64(*(_mask(e.bit for e in gap) for gap in gaps)),
            voids=_int64(*(_mask(e.bit for e in gap if e.void) for gap in gaps)),
            twins=_int64(*(self.twins or places)),
        )


@dataclass(frozen=True)
class Packed:
    """`Rules` as the kernel reads them: (n_steps,) arrays, and the scalars in one.

    ``stops`` holds, for the gap after each step, the bits of all that ends an attempt there, ``voids``
    those of them that make it void.
    """

    scalars: Int64
    optional: Int64
    limits: Int64
    stops: Int64
    voids: Int64
    twins: Int64 = field(repr=False)

    def arrays(self) -> tuple[Int64, ...]:
        """Return the arrays in the kernel's order."""
        return self.scalars, self.optional, self.limits, self.stops, self.voids, self.twins


def _int64(*values: int) -> Int64:
    return np.array(values, np.int64)


def _mask(bits: object) -> int:
    return sum(1 << bit for bit in set(bits))  # type: ignore[call-overload]
