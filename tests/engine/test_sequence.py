"""The kernel against a matcher that tries every attempt and every way to serve its steps."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custmeasure.engine.sequence import best_attempts

MANY = settings(max_examples=500, deadline=None, derandomize=True)


# --- the plain matcher ------------------------------------------------------------------------------


def attempts(log, entry, steps, window, order, later):
    """Yield every way to take steps from ``log[entry]`` on, as the positions of distinct events."""
    end = log[entry][0] + window

    def fits(path, position):
        (here, _), (at, code) = log[path[-1]], log[position]
        if position in path or at > end or at < here:
            return False
        if order == "any":
            left = list(steps)
            for used in path:
                left.remove(log[used][1])
            return code in left
        if code != steps[len(path)] or (later and at == here):
            return False
        return order == "ordered" or position == path[-1] + 1

    def extend(path):
        yield path
        if len(path) < len(steps):
            for position in range(len(log)):
                if fits(path, position):
                    yield from extend([*path, position])

    return extend([entry])


def best(log, steps, window, *, order, later=False, first=None, last=None, as_of=None):
    """Return (depth, instants, pending) of one unit: the deepest attempt, then the earliest."""
    log = sorted(log)
    found, pending = [], False
    for entry, (at, code) in enumerate(log):
        starts = code in steps if order == "any" else code == steps[0]
        if not starts or not (first is None or first <= at) or not (last is None or at <= last):
            continue
        if as_of is not None and at + window > as_of:
            pending |= at <= as_of
            continue
        for path in attempts(log, entry, steps, window, order, later):
            found.append((-len(path), [log[position][0] for position in path]))
    if not found:
        return 0, [], pending
    depth, instants = min(found)
    return -depth, instants, False


# --- the kernel on a list of units ------------------------------------------------------------------


def walk(units, steps, window, **options):
    """Run the kernel on units given as lists of (instant, code)."""
    rows = [event for unit in units for event in sorted(unit)]
    starts = np.r_[0, np.cumsum([len(unit) for unit in units])].astype(np.int64)
    at = np.array([event[0] for event in rows], np.int64)
    code = np.array([event[1] for event in rows], np.int16)
    return best_attempts(starts, at, code, np.array(steps, np.int16), window=window, **options)


def told(seen):
    """Return what the kernel found, as the plain matcher says it."""
    return [
        (int(depth), seen.at[unit, :depth].tolist(), bool(seen.pending[unit]))  # noqa: PD008
        for unit, depth in enumerate(seen.depth)
    ]


@st.composite
def cases(draw, strict=False):
    steps = draw(st.sampled_from([[0], [0, 1], [0, 0], [0, 1, 2], [0, 1, 0], [0, 0, 1], [0, 0, 0], [1, 0, 1],
                                  [0, 1, 1, 0]]))  # fmt: skip
    codes = st.integers(0, max(steps) + (1 if strict or draw(st.booleans()) else 0))
    event = st.tuples(st.integers(0, 6), codes)
    units = draw(st.lists(st.lists(event, max_size=7), min_size=1, max_size=5))
    options = {"window": draw(st.integers(0, 7))}
    for name in ("first", "last", "as_of"):
        if draw(st.integers(0, 3)) == 0:
            options[name] = draw(st.integers(-1, 9))
    return units, steps, options


def agree(case, **rule):
    units, steps, options = case
    options = {**options, **rule}
    window = options.pop("window")
    assert told(walk(units, steps, window, **options)) == [
        best(unit, steps, window, **options) for unit in units
    ]


@MANY
@given(cases())
def test_ordered_together_agrees_with_every_assignment(case):
    agree(case, order="ordered", later=False)


@MANY
@given(cases())
def test_ordered_later_agrees_with_every_assignment(case):
    agree(case, order="ordered", later=True)


@MANY
@given(cases(strict=True))
def test_strict_together_agrees_with_every_assignment(case):
    agree(case, order="strict", later=False)


@MANY
@given(cases(strict=True))
def test_strict_later_agrees_with_every_assignment(case):
    agree(case, order="strict", later=True)


@MANY
@given(cases())
def test_any_order_agrees_with_every_assignment(case):
    agree(case, order="any")


# --- in the head ------------------------------------------------------------------------------------


def test_nobody():
    seen = walk([], [0, 1], 5)
    assert seen.depth.shape == (0,)
    assert seen.at.shape == (0, 2)
    assert told(walk([[]], [0, 1], 5)) == [(0, [], False)]


def test_the_entry_is_the_row_it_began_with():
    # The first attempt is too slow, the second and the third both get through: the earlier counts.
    seen = walk([[(0, 0), (10, 0), (11, 0), (12, 1)]], [0, 1], 5)
    assert seen.entry.tolist() == [1]
    assert told(seen) == [(2, [10, 12], False)]


def test_a_tie_may_be_taken_in_any_order_but_not_twice():
    # Four events of one instant: A B A serve A B A; the one A cannot serve two steps.
    assert told(walk([[(3, 0), (3, 0), (3, 1)]], [0, 1, 0], 0)) == [(3, [3, 3, 3], False)]
    assert told(walk([[(3, 0), (3, 1)]], [0, 1, 0], 0)) == [(2, [3, 3], False)]


def test_units_do_not_touch():
    # The second unit has only the second step: the first unit's entry does not serve it.
    assert told(walk([[(0, 0)], [(1, 1)]], [0, 1], 9)) == [(1, [0], False), (0, [], False)]


def test_every_arrangement_of_a_tie_gives_the_same():
    events = [(1, 0), (1, 1), (1, 2), (2, 0)]
    told_by = {
        tuple(map(str, told(walk([list(p)], [0, 1, 2], 5)))) for p in itertools.permutations(events)
    }
    assert len(told_by) == 1


@pytest.mark.parametrize("order", ["ordered", "strict", "any"])
def test_the_window_ends_with_its_last_instant(order):
    assert told(walk([[(0, 0), (5, 1)]], [0, 1], 5, order=order)) == [(2, [0, 5], False)]
    assert walk([[(0, 0), (6, 1)]], [0, 1], 5, order=order).depth.tolist() == [1]


def test_instants_of_today_and_long_windows_do_not_overflow():
    day = 86_400_000_000
    today, forever = 1_800_000_000_000_000, 999_999 * 7 * day
    seen = walk([[(today, 0), (today + day, 1)]], [0, 1], forever)
    assert seen.depth.tolist() == [2]
    seen = walk([[(today, 0), (today + day, 1)]], [0, 1], forever, as_of=today + 2 * day)
    assert told(seen) == [(0, [], True)]
