"""The kernel against a matcher that writes out every attempt, and by cases worked out in the head."""

import dataclasses
import itertools
import pathlib
import random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matcher import best

from custmeasure.engine.sequence import ORDERS, Exclude, Kernel, Rules, compiled, store

# Every example holds five units, each a log of its own: 10,000 logs in all.
MANY = settings(max_examples=400, deadline=None, derandomize=True)
A, B, C, X, OTHER = 1, 2, 4, 8, 0


def walk(units, rules, **columns):
    """Run the kernel on units given as lists of (instant, mask)."""
    rows = [(number, *event) for number, unit in enumerate(units) for event in unit]
    unit, at, mask = (
        (np.array(column, np.int64) for column in zip(*rows, strict=True))
        if rows
        else (np.empty(0, np.int64),) * 3
    )
    kernel = Kernel(rules)
    kernel.feed(pa.record_batch({"unit": unit, "moment": at, "mask": mask, **columns}))
    return kernel.finish(split="segment" in columns, valued="value" in columns)


def told(unit, rules):
    """Return what the kernel finds for one unit, as the plain matcher says it."""
    seen = walk([unit], rules)
    taken, other = (int(seen.taken[0]), int(seen.other[0])) if len(seen.taken) else (0, None)
    return taken, other, flat(seen.waits), bool(seen.n_pending), bool(seen.n_void)


def flat(waits):
    """Return the times of all steps."""
    return [wait for each in waits for wait in each.tolist()]


def expected(unit, rules):
    taken, *rest = best(unit, rules)
    return taken, *(rest if taken else [None, *rest[1:]])


# --- every attempt ----------------------------------------------------------------------------------


def drawn(seed, order, plain):
    """Return units and rules: overlapping steps, ties, repeats, step windows, optional steps, exclusions.

    All evenly drawn: hypothesis alone keeps to small and repeated values and misses what is rare.
    """
    draw = random.Random(seed)
    n_steps, excludes, optional, limits = draw.randint(1, 4), (), (), ()
    masks = [*(1 << step for step in range(n_steps)), OTHER]
    if not plain:
        if draw.random() < 0.5 and order != "any":
            optional = tuple(step for step in range(1, n_steps) if draw.random() < 0.5)
        if draw.random() < 0.5 and order != "any":
            limits = (None, *(draw.choice([None, 1, 2, 4]) for _ in range(1, n_steps)))
        musts = [step for step in range(n_steps) if step not in optional]
        for bit in range(n_steps, n_steps + draw.choice([0, 0, 1, 2]) * (len(musts) > 1)):
            ends = (0, n_steps - 1) if order == "any" else sorted(draw.sample(musts, 2))
            excludes += (Exclude(bit, *ends, void=draw.random() < 0.5),)
        masks += [1 << exclude.bit for exclude in excludes]
        if draw.random() < 0.5:
            masks = range(1 << n_steps + len(excludes))
    n_events, span = draw.randint(1, 7), draw.randint(2, 9)
    units = [
        [(draw.randint(0, span), draw.choice(masks)) for _ in range(n_events)] for _ in range(5)
    ]
    days = {name: draw.randint(-1, span + 2) for name in ("first", "last", "as_of")
            if draw.random() < 0.25}  # fmt: skip
    rules = Rules(
        n_steps, draw.randint(0, span), order, later=draw.random() < 0.4 and order != "any",
        optional=optional, limits=limits, excludes=excludes, only_first=draw.random() < 0.2, **days,
    )  # fmt: skip
    return units, rules


def cases(order, *, plain=False):
    return st.integers(0, 2**32).map(lambda seed: drawn(seed, order, plain))


def agree(case):
    units, rules = case
    for unit in units:
        assert told(unit, rules) == expected(unit, rules)


@MANY
@given(cases("ordered", plain=True))
def test_one_step_an_event_agrees_with_every_attempt(case):
    assert case[1].is_plain
    agree(case)


@settings(MANY, max_examples=2 * MANY.max_examples)
@given(cases("ordered"))
def test_in_order_agrees_with_every_attempt(case):
    agree(case)


@MANY
@given(cases("strict"))
def test_strict_agrees_with_every_attempt(case):
    agree(case)


@MANY
@given(cases("any"))
def test_any_order_agrees_with_every_attempt(case):
    agree(case)


# --- in the head ------------------------------------------------------------------------------------


def test_nobody():
    seen = walk([], Rules(2, 5))
    assert seen.taken.shape == (0,)
    assert [each.shape for each in seen.waits] == [(0,)]
    assert Kernel(Rules(2, 5)).finish().taken.shape == (0,)
    assert told([(0, OTHER)], Rules(2, 5)) == (0, None, [], False, False)


def test_the_first_of_two_attempts_that_get_equally_far():
    # The first attempt is too slow, the second and the third both get through: the earlier counts.
    unit = [(0, A), (10, A), (11, A), (12, B)]
    assert told(unit, Rules(2, 5)) == (3, 0, [2], False, False)
    assert told(unit, Rules(2, 5, only_first=True)) == (1, 1, [], False, False)


def test_a_tie_may_be_taken_in_any_order_but_not_twice():
    # Three events of one instant: A B A serve A, B, A; one A cannot serve two steps.
    rules = Rules(3, 0, twins=(0, 1, 0))
    assert told([(3, A | C), (3, A | C), (3, B)], rules)[0] == 7
    assert told([(3, A | C), (3, B)], rules)[0] == 3
    # One event could serve both steps, the other only the first: each takes its own.
    assert told([(0, A), (3, B | C), (3, B)], Rules(3, 5))[0] == 7


def test_units_do_not_touch():
    seen = walk([[(0, A)], [(1, B)]], Rules(2, 9))
    assert (seen.taken.tolist(), flat(seen.waits)) == ([1], [])


@pytest.mark.parametrize("order", ORDERS)
def test_every_arrangement_of_a_tie_gives_the_same(order):
    events = [(1, A), (1, B), (1, C), (2, A)]
    seen = {str(told(list(rows), Rules(3, 5, order))) for rows in itertools.permutations(events)}
    assert len(seen) == 1


@pytest.mark.parametrize("order", ORDERS)
def test_the_window_ends_with_its_last_instant(order):
    assert told([(0, A), (5, B)], Rules(2, 5, order))[0] == 3
    assert told([(0, A), (6, B)], Rules(2, 5, order))[0] == 1


def test_instants_of_today_and_long_windows_do_not_overflow():
    day = 86_400_000_000
    today, forever = 1_800_000_000_000_000, 999_999 * 7 * day
    unit = [(today, A), (today + day, B)]
    assert told(unit, Rules(2, forever))[0] == 3
    assert told(unit, Rules(2, forever, as_of=today + 2 * day)) == (0, None, [], True, False)


def test_an_optional_step_changes_no_other_step():
    rules = Rules(3, 10, optional=(1,))
    assert told([(0, A), (1, B), (2, C)], rules) == (7, 2, [1, 2], False, False)
    assert told([(0, A), (2, C), (3, B), (4, C)], rules) == (5, 2, [2], False, False)
    # It anchors no window: C has 3 from A, not from B.
    limited = dataclasses.replace(rules, limits=(None, None, 3))
    assert told([(0, A), (2, B), (4, C)], limited)[0] == 3
    assert told([(0, A), (2, B), (3, C)], limited)[0] == 7


def test_an_exclusion_counts_strictly_between_its_two_steps():
    stop = Rules(3, 10, excludes=(Exclude(3, after=1, before=2, void=False),))
    void = dataclasses.replace(stop, excludes=(Exclude(3, after=1, before=2, void=True),))
    between = [(0, A), (1, B), (2, X), (3, C)]
    assert told(between, stop)[0] == 3
    assert told(between, void) == (0, None, [], False, True)
    for unit in ([(0, A), (1, X), (2, B), (3, C)], [(0, A), (1, B), (1, X), (3, C), (3, X)]):
        assert told(unit, stop)[0] == told(unit, void)[0] == 7
    # Whoever stops before the excluded span is not touched; nor is a later, clean attempt.
    assert told([(0, A), (1, X)], void)[0] == 1
    assert told([*between, (20, A), (21, B), (22, C)], void)[0] == 7
    assert told([(0, A), (1, B), (12, X)], void)[0] == 3  # the window is over


def test_a_pause_ends_a_session():
    unit = [(0, A), (3, OTHER), (6, B), (10, C)]
    assert walk([unit], Rules(3, 99)).taken.tolist() == [7]
    assert walk([unit], Rules(3, 99, idle=3)).taken.tolist() == [3]  # a pause of 4 before C
    assert walk([[*unit, (10, A)]], Rules(3, 99, idle=3)).taken.tolist() == [3, 1]
    assert walk([unit], Rules(3, 99, idle=2)).taken.tolist() == [1]


# --- many -------------------------------------------------------------------------------------------


def many(n=200_000, n_units=3_000):
    """Return a log of more events than one part holds, one unit with a large share of them."""
    draw = np.random.default_rng(20261122)
    unit = np.where(draw.random(n) < 0.1, 7, draw.integers(-n_units, n_units, n))
    return {
        "unit": unit,
        "moment": draw.integers(0, 50_000, n),
        "mask": draw.choice([A, A, B, C, OTHER], n),
        "segment": pa.array(draw.choice(["x", "y", "z", None], n)),
        "value": draw.choice([0.1, 0.2, 0.7], n),
    }


def asked(columns, rules, pieces=1, names=None):
    kernel = Kernel(rules, names)
    batch = pa.record_batch(columns)
    for n in range(pieces):
        start, end = (len(batch) * k // pieces for k in (n, n + 1))
        kernel.feed(batch.slice(start, end - start))
    seen = kernel.finish(split=True, valued=True, dated=True)
    names = np.array([*seen.segments, ""], object)[seen.group]
    rows = zip(seen.entered, seen.taken, seen.other, names, seen.amount, strict=True)
    return sorted(map(str, rows)), [sorted(each) for each in seen.waits], seen.n_pending


@pytest.mark.parametrize("chunk", [1, 1 << 23])
def test_batches_of_all_sizes_whose_ids_grow_hold_the_same_events(monkeypatch, chunk):
    """Small batches wait for more; a larger id, or no more room, opens another chunk."""
    monkeypatch.setattr(store, "CHUNK", chunk)
    monkeypatch.setattr(store, "_SMALL", 1_000)
    monkeypatch.setattr(store, "PARTS", 64)  # a chunk takes a page of memory for each
    draw = np.random.default_rng(5)
    n = 60_000
    unit = np.sort(draw.integers(0, 1 << 40, n) >> draw.integers(0, 40, n))
    columns = {
        "unit": np.concatenate([unit, unit, -unit]),
        "moment": draw.integers(0, 50_000, 3 * n),
        "mask": draw.choice([A, B, C, OTHER], 3 * n),
        "segment": pa.array(draw.choice(["x", "y", None], 3 * n)),
        "value": draw.choice([0.1, 0.2, 0.7], 3 * n),
    }
    rules = Rules(3, 20_000, as_of=48_000)
    expected = asked(columns, rules)
    assert sum(map(len, expected[1])) > 1_000
    assert asked(columns, rules, pieces=399) == expected


@pytest.mark.parametrize("n_segments", [6, 700])
@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("kind", [np.int64, np.uint64])
def test_segments_that_are_numbers_are_those_that_are_names(monkeypatch, n_segments, missing, kind):
    """Numbers and hashes are looked up in a table; new ones, missing ones and many come later on."""
    found = []
    look_up = Kernel._looked_up
    monkeypatch.setattr(
        Kernel, "_looked_up", lambda *given: found.append(look_up(*given)) or found[-1]
    )
    draw = np.random.default_rng(9)
    n = 40_000
    bounds = np.iinfo(kind)
    known = draw.integers(bounds.min, bounds.max, n_segments, kind)
    place = np.minimum(draw.integers(0, n_segments, n), np.arange(n) // 40)
    gone = (draw.random(n) < 0.1) & missing
    columns = {
        "unit": draw.integers(0, 9_000, n),
        "moment": draw.integers(0, 50_000, n),
        "mask": draw.choice([A, B, C, OTHER], n),
        "value": draw.choice([0.1, 0.2], n),
    }
    names = {int(key): f"segment {at:03d}" for at, key in enumerate(known)} | {None: None}
    texts = [None if no else names[int(known[at])] for at, no in zip(place, gone, strict=True)]
    numbers = pa.array(np.where(gone, kind(0), known[place]), mask=gone)
    rules = Rules(3, 20_000)
    expected = asked({**columns, "segment": pa.array(texts, pa.string())}, rules, 7)
    assert asked({**columns, "segment": numbers}, rules, 7, names) == expected
    assert f"'segment {n_segments - 1:03d}'" in str(expected)
    assert sum(found) >= (5 if n_segments == 6 else 1)  # of 6 and more batches after the first


def test_values_are_dealt_to_segments_and_times_are_added_up():
    columns = many()
    kernel = Kernel(Rules(3, 2_000))
    kernel.feed(pa.record_batch(columns).drop_columns(["segment", "value"]))
    seen = kernel.finish()
    place = np.random.default_rng(3).choice([0, 2, 3], len(seen.taken)).astype(np.uint8)
    counts = seen.counts(place, 5, 3)
    for step in (1, 2):
        took, waited = seen.reached(step), seen.waited(step)
        for values in (waited, waited / 7):
            dealt = seen.dealt(step, values, place, counts[:, step])
            own = [values[place[took] == segment] for segment in range(5)]
            assert [each.tolist() for each in dealt] == [each.tolist() for each in own]
    first, second = seen.waits
    both = first[seen.reached(2)[seen.reached(1)]] + second
    assert seen.whole([1, 2]).tolist() == both.tolist()
    assert len(both) > 100
    assert seen.counts(place, 1, 3).tolist() == [counts.sum(axis=0).tolist()]


def test_a_log_without_events_of_the_steps():
    kernel = Kernel(Rules(2, 5))
    nothing = {name: pa.array([], pa.int64()) for name in ("unit", "moment", "mask")}
    for columns in (nothing, {"unit": [1], "moment": [1], "mask": [0]}):
        kernel.feed(pa.record_batch(columns))
    seen = kernel.finish()
    assert (seen.taken.tolist(), flat(seen.waits)) == ([], [])


@pytest.mark.parametrize("order", ORDERS)
def test_t19_order_and_pieces_of_the_log_change_nothing(order):  # T19
    columns = many()
    rules = Rules(3, 2_000, order, as_of=48_000)
    expected = asked(columns, rules)
    batch = pa.record_batch(columns)
    shuffled = batch.take(pa.array(np.random.default_rng(1).permutation(len(batch))))
    in_time = batch.take(pa.compute.sort_indices(batch, [("moment", "ascending")]))
    for other in (shuffled, in_time):
        assert (
            asked(dict(zip(other.schema.names, other.columns, strict=True)), rules, 7) == expected
        )


def test_the_short_way_agrees_with_the_long_one_on_many_events():
    columns = many()
    limits = (None, 2_000, None)  # says nothing new, but takes the long way
    for later in (False, True):
        rules = Rules(3, 2_000, later=later, as_of=48_000)
        assert rules.is_plain
        assert asked(columns, rules) == asked(columns, dataclasses.replace(rules, limits=limits))


def test_events_that_name_nobody_or_no_time_are_left_out():
    kernel = Kernel(Rules(1, 5))
    columns = {"unit": [1, None, 2], "moment": [0, 0, None], "mask": [A, A, A]}
    kernel.feed(
        pa.record_batch({name: pa.array(values, pa.int64()) for name, values in columns.items()})
    )
    assert kernel.n_without_unit == 1
    assert kernel.finish().taken.tolist() == [1]


def test_the_compiled_functions_stand_in_one_file():
    """Numba forgets what it compiled when a function's own file changes, not another that it calls."""
    folder = pathlib.Path(compiled.__file__).parent
    assert [p.name for p in folder.glob("*.py") if "njit" in p.read_text("utf-8")] == [
        "compiled.py"
    ]
