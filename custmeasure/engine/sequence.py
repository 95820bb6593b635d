"""The kernel that walks each unit's events through the steps of a funnel.

It sees plain arrays, sorted by unit, then time, then code, so that every engine can call it. An
*attempt* begins at one event and takes the earliest event that serves each next step. Each unit keeps
its deepest attempt and, among equally deep ones, the earliest.
"""

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

ORDERS = ("ordered", "strict", "any")

Int64 = npt.NDArray[np.int64]
Int16 = npt.NDArray[np.int16]

_FOREVER = np.int64(2**62)


@dataclass(frozen=True)
class Attempts:
    """The best attempt of every unit.

    Attributes
    ----------
    depth
        (n_units,) steps reached; 0 where no entry counts.
    entry
        (n_units,) row of the event it began with; -1 where none.
    at
        (n_units, n_steps) instants (µs) of its steps; 0 where not reached.
    pending
        (n_units,) whether only entries whose window is not over exist.
    """

    depth: Int16
    entry: Int64
    at: Int64
    pending: npt.NDArray[np.bool_]


def best_attempts(
    starts: Int64,
    at: Int64,
    code: Int16,
    steps: Int16,
    *,
    window: int,
    order: str = "ordered",
    later: bool = False,
    first: int | None = None,
    last: int | None = None,
    as_of: int | None = None,
) -> Attempts:
    """Return the best attempt of every unit.

    Parameters
    ----------
    starts
        (n_units + 1,) the row where each unit begins, and the number of rows.
    at, code
        (n_rows,) instants in µs, and codes 0 … n_codes - 1; an event that is no step has the code
        n_codes, which is the highest.
    steps
        (n_steps,) the code that each step asks for; a code may stand more than once.
    window
        Length in µs from the first event of an attempt to its last, both included.
    order
        ``"ordered"``, ``"strict"`` (nothing between) or ``"any"``.
    later
        Whether a step must come strictly later than the one before; in any order none is before.
    first, last
        The instants between which an attempt may begin, both included.
    as_of
        An attempt whose window ends after this instant is pending.
    """
    limits = (
        -_FOREVER if first is None else np.int64(first),
        _FOREVER if last is None else np.int64(last),
        _FOREVER if as_of is None else np.int64(as_of),
    )
    depth, entry, times, pending = _walk(
        starts, at, code, steps, np.int64(window), ORDERS.index(order), later, limits
    )
    return Attempts(depth, entry, times, pending)


@numba.njit(cache=True)
def _walk(starts, at, code, steps, window, order, later, limits):  # type: ignore[no-untyped-def]
    first, last, as_of = limits
    n_units, n_steps = len(starts) - 1, len(steps)
    n_codes = np.max(steps) + 1
    depth = np.zeros(n_units, np.int16)
    entry = np.full(n_units, -1, np.int64)
    times = np.zeros((n_units, n_steps), np.int64)
    pending = np.zeros(n_units, np.bool_)
    path = np.zeros(n_steps, np.int64)
    need = np.zeros(n_codes + 1, np.int64)
    for step in steps:
        need[step] += 1
    following = np.zeros((n_codes, 0), np.int64)
    for unit in range(n_units):
        low, high = starts[unit], starts[unit + 1]
        if order == 0:
            following = _following(code, low, high, n_codes, following)
        for row in range(low, high):
            if at[row] < first or at[row] > last:
                continue
            if order != 2 and code[row] != steps[0]:
                continue
            if order == 2 and need[code[row]] == 0:
                continue
            if at[row] + window > as_of:
                pending[unit] |= at[row] <= as_of
                continue
            end = at[row] + window
            if order == 0:
                reached = _ordered(at, code, steps, low, high, row, end, later, following, path)
            elif order == 1:
                reached = _strict(at, code, steps, high, row, end, later, path)
            else:
                reached = _any(at, code, need, high, row, end, n_steps, path)
            if reached > depth[unit]:
                depth[unit] = reached
                entry[unit] = row
                for k in range(reached):
                    times[unit, k] = at[path[k]]
            if reached == n_steps:
                break
        pending[unit] &= depth[unit] == 0
    return depth, entry, times, pending


@numba.njit(cache=True)
def _following(code, low, high, n_codes, scratch):  # type: ignore[no-untyped-def]
    """Return for each code and row of a unit the next row, this one included, with that code."""
    n = high - low
    if scratch.shape[1] < n + 1:
        scratch = np.empty((n_codes, 2 * n + 1), np.int64)
    for c in range(n_codes):
        scratch[c, n] = high
        for i in range(n - 1, -1, -1):
            scratch[c, i] = low + i if code[low + i] == c else scratch[c, i + 1]
    return scratch


@numba.njit(cache=True)
def _ordered(at, code, steps, low, high, row, end, later, following, path):  # type: ignore[no-untyped-def]
    """Walk one attempt: each step takes the earliest event left that is not before the last."""
    path[0] = row
    for k in range(1, len(steps)):
        here = at[path[k - 1]]
        found = high
        if not later:
            found = _tied(at, code, steps[k], low, high, path, k)
        if found == high:
            beyond = path[k - 1]
            while beyond < high and at[beyond] == here:
                beyond += 1
            found = following[steps[k], beyond - low]
        if found == high or at[found] > end:
            return k
        path[k] = found
    return len(steps)


@numba.njit(cache=True)
def _tied(at, code, wanted, low, high, path, k):  # type: ignore[no-untyped-def]
    """Return the first unused event of the same instant with the wanted code, or ``high``."""
    here = at[path[k - 1]]
    row = path[k - 1]
    while row > low and at[row - 1] == here:
        row -= 1
    while row < high and at[row] == here:
        if code[row] == wanted:
            used = False
            for j in range(k):
                used |= path[j] == row
            if not used:
                return row
        row += 1
    return high


@numba.njit(cache=True)
def _strict(at, code, steps, high, row, end, later, path):  # type: ignore[no-untyped-def]
    """Walk one attempt in which every event is the next step."""
    path[0] = row
    for k in range(1, len(steps)):
        found = path[k - 1] + 1
        if found >= high or code[found] != steps[k] or at[found] > end:
            return k
        if later and at[found] == at[found - 1]:
            return k
        path[k] = found
    return len(steps)


@numba.njit(cache=True)
def _any(at, code, need, high, row, end, n_steps, path):  # type: ignore[no-untyped-def]
    """Count the steps that one window from ``row`` on holds, in whatever order."""
    left = need.copy()
    reached = 0
    while row < high and at[row] <= end and reached < n_steps:
        if left[code[row]] > 0:
            left[code[row]] -= 1
            path[reached] = row
            reached += 1
        row += 1
    return reached
