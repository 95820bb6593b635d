"""The compiled part: one unit's events walked through the steps, part of the log by part.

An attempt begins at an entry; each step takes the earliest event that serves it. Of one instant, as many
steps as distinct events can serve are served, whatever the order of the rows (augmenting paths: Kuhn, 1955,
Naval Research Logistics Quarterly 2, 83-97). A unit's best attempt reaches the furthest required step; among
those it takes its required steps earliest, one after the other, then its optional ones.

The functions see events between the rows ``lo`` and ``hi``, sorted by instant, and leave in ``path`` the row
that each step took, -1 where it took none. They all stand in one file: what numba keeps of a function is
thrown away when the file of that function changes, not when another that it calls does.
"""

# ruff: noqa: ANN001, ANN201, PLR0912, PLR0915

import numba
import numpy as np

VOID = -1
ORDERED, STRICT, ANY = 0, 1, 2
FIRST = -2
NOWHERE = -1  # the group of a unit that did not take the step that names it
_MISSING = np.int64(2**62)
_NEVER = np.int64(-(2**63))  # before every instant, and before every window that ends at one
_compiled = numba.njit(cache=True, nogil=True)
# numba counts the references to each array that a function is given, and counting takes longer than most of
# what these functions do. Those that only look at and write to what others hold need not count.
_UNCOUNTED = {"_nrt": False} if hasattr(numba.core.options.DefaultOptions, "_nrt") else {}
_leaf = numba.njit(cache=True, nogil=True, **_UNCOUNTED)
BLOCK = 512  # rows of one part that lie together; a power of 2
# Rows are counted without a sign where it pays: a row with a sign might count from the end of its array, and
# numba looks each time whether it does.
_U = np.uint64
_ONE = np.uint64(1)
_FEW = 16  # events that are put in order one by one


# --- one attempt ------------------------------------------------------------------------------------


@_leaf
def seat(step, mask, low, high, path, seen, stamp):  # type: ignore[no-untyped-def]
    """Give ``step`` a row of one instant, moving other steps of that instant if need be; not the entry."""
    for row in range(low, high):
        if (mask[row] >> step) & 1 == 0 or seen[row] == stamp:
            continue
        seen[row] = stamp
        owner = -1
        for other in range(len(path)):
            if path[other] == row:
                owner = other
        if owner == -1 or (owner != 0 and seat(owner, mask, low, high, path, seen, stamp)):
            path[step] = row
            return True
    return False


@_leaf
def landmarks(at, mask, lo, hi, stops, begin, beyond, following, hits):  # type: ignore[no-untyped-def]
    """Note for each row where its instant begins and ends, and the next row of each step and stop."""
    for row in range(lo, hi):
        begin[row] = begin[row - 1] if row > lo and at[row] == at[row - 1] else row
    for row in range(hi - 1, lo - 1, -1):
        beyond[row] = beyond[row + 1] if row + 1 < hi and at[row] == at[row + 1] else row + 1
    for step in range(len(stops)):
        note_next(mask, lo, hi, np.int64(1) << step, following[step])
        if stops[step]:
            note_next(mask, lo, hi, stops[step], hits[step])


@_leaf
def note_next(mask, lo, hi, bits, following):  # type: ignore[no-untyped-def]
    """Note for each row the next one, this one included, that has one of the bits; ``hi`` for none."""
    found = hi
    following[hi] = hi
    for row in range(hi - 1, lo - 1, -1):
        found = row if mask[row] & bits else found
        following[row] = found


@_leaf
def next_required(step, optional):  # type: ignore[no-untyped-def]
    """Return the place of the next step that may not be missing."""
    step += 1
    while step < len(optional) and optional[step]:
        step += 1
    return step


@_leaf
def ordered(at, mask, hi, entry, rules, marks, path, seen, stamp):  # type: ignore[no-untyped-def]
    """Walk one attempt in order; return its last required step, or ``VOID``."""
    scalars, optional, limits, stops, voids, _ = rules
    begin, beyond, following, hits = marks
    end, later = at[entry] + scalars[0], scalars[2]
    path[:] = -1
    path[0] = entry
    k, until = 0, end
    step = next_required(0, optional)
    while step < len(path):
        here = path[k]
        stamp[0] += 1
        if not later and seat(step, mask, begin[here], beyond[here], path, seen, stamp[0]):
            k, step = step, next_required(step, optional)
            continue
        found = following[step, beyond[here]]
        hit = hits[k, beyond[here]] if stops[k] else hi
        bound = min(end, at[here] + limits[step])
        arrives = found < hi and at[found] <= bound
        if hit < hi and at[hit] <= bound and not (arrives and at[found] <= at[hit]):
            if is_void(at, mask, hit, hi, voids[k]):
                return VOID
            until = at[hit]
            break
        if not arrives:
            break
        path[step] = found
        k, step = step, next_required(step, optional)
    fill(at, mask, hi, until, rules, marks, path, seen, stamp)
    return k


@_leaf
def is_void(at, mask, hit, hi, bits):  # type: ignore[no-untyped-def]
    """Say whether an event of the instant of ``hit`` makes the attempt void."""
    row = hit
    while row < hi and at[row] == at[hit]:
        if mask[row] & bits:
            return True
        row += 1
    return False


@_leaf
def fill(at, mask, hi, until, rules, marks, path, seen, stamp):  # type: ignore[no-untyped-def]
    """Give optional steps what the required ones left, between those before and after them."""
    scalars, optional, limits = rules[0], rules[1], rules[2]
    anchor, before = 0, 0
    for step in range(1, len(path)):
        if not optional[step]:
            if path[step] < 0:
                return
            anchor, before = step, step
            continue
        after = next_required(step, optional)
        last = until
        if after < len(path) and path[after] >= 0:
            last = at[path[after]] - scalars[2]
        last = min(last, at[path[anchor]] + limits[step])
        if take(at, mask, hi, step, path[before], last, scalars[2], marks, path, seen, stamp):
            before = step


@_leaf
def take(at, mask, hi, step, row, last, later, marks, path, seen, stamp):  # type: ignore[no-untyped-def]
    """Give ``step`` the earliest event from the instant of ``row`` until ``last``."""
    begin, beyond, following, _ = marks
    stamp[0] += 1
    now = not later and at[row] <= last
    if now and seat(step, mask, begin[row], beyond[row], path, seen, stamp[0]):
        return True
    found = following[step, beyond[row]]
    while found < hi and at[found] <= last:
        if seat(step, mask, begin[found], beyond[found], path, seen, stamp[0]):
            return True
        found = following[step, beyond[found]]
    return False


@_leaf
def strict(at, mask, hi, entry, rules, path):  # type: ignore[no-untyped-def]
    """Walk one attempt in which every event is the next step; return as `ordered` does."""
    scalars, optional, limits, _, voids, _ = rules
    path[:] = -1
    path[0] = entry
    k, taken, row = 0, 0, entry + 1
    step = next_required(0, optional)
    while row < hi and at[row] <= at[entry] + scalars[0] and taken < len(path) - 1:
        wait = at[row] - at[path[k]]
        ties = scalars[2] and at[row] == at[row - 1]
        now = -1 if ties else served(mask[row], wait, limits, taken, step)
        if now < 0:
            if step < len(path) and wait > 0 and mask[row] & voids[k]:
                return VOID
            break
        path[now] = row
        taken = now
        if now == step:
            k, step = now, next_required(now, optional)
        row += 1
    return k


@_leaf
def served(bits, wait, limits, taken, step):  # type: ignore[no-untyped-def]
    """Return the step that an event serves: the required one, else the first optional one before it."""
    if step < len(limits) and (bits >> step) & 1 and wait <= limits[step]:
        return step
    for each in range(taken + 1, step):
        if (bits >> each) & 1 and wait <= limits[each]:
            return each
    return -1


@_leaf
def place(row, mask, path, seen, stamp):  # type: ignore[no-untyped-def]
    """Give the event of ``row`` a step, moving other events to other steps if need be."""
    for step in range(len(path)):
        if (mask[row] >> step) & 1 == 0 or seen[step] == stamp:
            continue
        seen[step] = stamp
        if path[step] < 0 or place(path[step], mask, path, seen, stamp):
            path[step] = row
            return True
    return False


@_leaf
def in_any_order(at, mask, hi, entry, rules, path, seen, stamp):  # type: ignore[no-untyped-def]
    """Walk one attempt in whatever order; return how many steps one window holds, less one."""
    stops, voids = rules[3][0], rules[4][0]
    path[:] = -1
    reached, until, row = 0, at[entry] + rules[0][0], entry
    void = False
    while row < hi and at[row] <= until and reached < len(path):
        if at[row] > at[entry] and mask[row] & stops:
            until = at[row]
            void |= mask[row] & voids != 0
        stamp[0] += 1
        reached += place(row, mask, path, seen, stamp[0])
        row += 1
    return VOID if void and reached < len(path) else reached - 1


# --- one unit -------------------------------------------------------------------------------------


@_leaf
def best_attempt(at, mask, lo, hi, rules, marks, scratch, best):  # type: ignore[no-untyped-def]
    """Return (the attempt's last step, the other rule's, is the unit pending, is it void).

    The attempt is the best one, or the first if only that one counts; the other rule is then the best.
    ``best`` receives the rows of its steps. A step is counted from 0 (in any order, the steps taken
    less one); -1 says that no attempt counts.
    """
    scalars, twins = rules[0], rules[5]
    path, seen, stamp, count = scratch
    order, n_steps = scalars[1], len(best)
    begins = (np.int64(1) << n_steps) - 1 if order == ANY else np.int64(1)
    full = last_required(rules[1])
    if order == ORDERED:
        landmarks(at, mask, lo, hi, rules[3], *marks)
    only_first = scalars[7] != 0
    count[:] = 0
    counted = lo
    deepest, first_deepest, furthest, pending = -1, -1, -1, False
    first_at, best_at = _MISSING, _MISSING
    for row in range(lo, hi):
        if order == ANY:
            counted = slide(at, mask, row, lo, hi, counted, scalars[0], count)
        if mask[row] & begins == 0 or at[row] < scalars[3] or at[row] > scalars[4]:
            continue
        if at[row] + scalars[0] > scalars[5]:
            pending |= at[row] <= scalars[5]
            continue
        first_at = min(first_at, at[row])
        is_first = at[row] == first_at
        if furthest == full and not is_first and at[row] > best_at:
            break
        if order == ANY and not is_first and within(count, twins) <= furthest + 1:
            continue
        if order == ORDERED and deepest >= 0 and at[row] > best_at and not is_first:
            further = marks[2][next_required(furthest, rules[1]), marks[0][row]]
            if further == hi or at[further] > at[row] + scalars[0]:
                continue  # it gets no further than the one before
        if order == ORDERED:
            k = ordered(at, mask, hi, row, rules, marks, path, seen, stamp)
        elif order == STRICT:
            k = strict(at, mask, hi, row, rules, path)
        else:
            k = in_any_order(at, mask, hi, row, rules, path, seen, stamp)
        furthest = max(furthest, k)
        if is_first:
            first_deepest = max(first_deepest, k)
        elif only_first:
            continue
        ties = k >= 0 and k == deepest and at[row] == best_at and order != ANY
        if k > deepest or (ties and earlier(at, path, best, rules[1])):
            deepest, best_at = k, at[row]
            for step in range(n_steps):
                best[step] = path[step]
    if only_first:
        first_deepest = furthest
        pending = pending and first_at == _MISSING
    pending = pending and deepest < 0
    return deepest, first_deepest, pending, deepest < 0 and not pending and first_at < _MISSING


@_leaf
def last_required(optional):  # type: ignore[no-untyped-def]
    """Return the place of the last step that may not be missing."""
    step = len(optional) - 1
    while optional[step]:
        step -= 1
    return step


@_leaf
def earlier(at, path, best, optional):  # type: ignore[no-untyped-def]
    """Say whether one of two equally deep attempts takes its steps earlier: required, then optional."""
    for asked in range(2):
        for step in range(len(path)):
            if optional[step] == asked:
                ours = at[path[step]] if path[step] >= 0 else _MISSING
                theirs = at[best[step]] if best[step] >= 0 else _MISSING
                if ours != theirs:
                    return ours < theirs
    return False


@_leaf
def slide(at, mask, row, lo, hi, counted, window, count):  # type: ignore[no-untyped-def]
    """Move the counts of each step's events to the window that begins with ``row``."""
    if row > lo:
        for step in range(len(count)):
            count[step] -= (mask[row - 1] >> step) & 1
    while counted < hi and at[counted] <= at[row] + window:
        for step in range(len(count)):
            count[step] += (mask[counted] >> step) & 1
        counted += 1
    return counted


@_leaf
def within(count, twins):  # type: ignore[no-untyped-def]
    """Return how many steps the counted events could serve at most; twins ask for the same events."""
    most = 0
    for step in range(len(count)):
        rank = 0
        for other in range(step):
            rank += twins[other] == twins[step]
        most += count[step] > rank
    return most


@_leaf
def at_once(  # type: ignore[no-untyped-def]
    now, bits, enters, window, later, latest, deepest, reached_at, first_deepest, first_at
):
    """Take in events of one instant that serve several steps; see `try_plain`."""
    if enters and not later:
        latest[1] = now
        first_at = min(first_at, now)
        first_deepest = max(first_deepest, 0)
    k = highest = top = highest_bit(bits)
    if later:
        while k > 0:  # one step at most, from what was taken before this instant
            if bits >> k & 1:
                latest[k + 1] = latest[k]
            k -= 1
        if first_deepest >= 0 and bits >> (first_deepest + 1) & 1 and now <= first_at + window:
            first_deepest += 1
    else:
        k = 1
        while k <= top:
            if bits >> k & 1:
                latest[k + 1] = latest[k]
                if first_deepest == k - 1 and now <= first_at + window:
                    first_deepest = k
            k += 1
    while highest > deepest:
        if bits >> highest & 1 and latest[highest + 1] >= now - window:
            deepest, reached_at = highest, now
        highest -= 1
    if enters and later:
        latest[1] = now
        first_at = min(first_at, now)
        first_deepest = max(first_deepest, 0)
        deepest = max(deepest, 0)
    return deepest, reached_at, first_deepest, first_at


@_leaf
def place_of(bit):  # type: ignore[no-untyped-def]
    """Return the place of a bit that stands alone, 0 for none: it counts the bits below (one instruction)."""
    below, place = _U(bit - (bit != 0)), 0
    while below:
        below &= below - _ONE
        place += 1
    return place


@_leaf
def highest_bit(bits):  # type: ignore[no-untyped-def]
    """Return the place of the highest bit; -1 where there is none."""
    place = -1
    while bits:
        bits >>= 1
        place += 1
    return place


# --- part of the log ------------------------------------------------------------------------------


@_compiled
def grouped(unit, at, mask):  # type: ignore[no-untyped-def]
    """Return the rows unit by unit, each unit's as given; their instants and bits; the starts."""
    n = _U(len(unit))
    keys, groups = table_for(n)
    group, sizes, n_groups = np.empty(n, np.int32), np.zeros(n + _ONE, np.int32), 0
    for row in range(n):
        slot = slot_of(unit[row], keys, groups)
        if groups[slot] < 0:
            keys[slot], groups[slot] = unit[row], n_groups
            n_groups += 1
        group[row] = groups[slot]
        sizes[_U(group[row]) + _ONE] += 1
    starts = np.cumsum(sizes[: n_groups + 1])
    places = starts.copy()
    rows, moments, bits = np.empty(n, np.int32), np.empty(n, np.int64), np.empty(n, np.int64)
    for row in range(n):
        place = _U(places[_U(group[row])])
        rows[place], moments[place], bits[place] = row, at[row], mask[row]
        places[_U(group[row])] = place + _ONE
    return rows, moments, bits, starts


@_compiled
def table_for(n):  # type: ignore[no-untyped-def]
    """Return room for up to ``n`` keys, and for what stands for each, -1 for nothing (see `slot_of`)."""
    size = 16
    while size <= n:
        size *= 2
    return np.empty(size, np.int64), np.full(size, -1, np.int32)


@_leaf
def slot_of(key, keys, found):  # type: ignore[no-untyped-def]
    """Return the slot in which a key stands, or the free one where it will.

    Of the scrambled key other bits are used than those that say in which part it is (see `divided`).
    """
    last = np.uint64(len(keys) - 1)
    slot = scrambled(key) >> np.uint64(32) & last
    while found[slot] >= 0 and keys[slot] != key:
        slot = (slot + np.uint64(1)) & last
    return slot


@_compiled
def placed_keys(known, codes):  # type: ignore[no-untyped-def]
    """Return the table that says which of ``codes`` stands for each known key (see `slot_of`)."""
    keys, places = table_for(2 * len(known))
    for i in range(len(known)):
        slot = slot_of(known[i], keys, places)
        keys[slot], places[slot] = known[i], codes[i]
    return keys, places


@_leaf
def scrambled(key):  # type: ignore[no-untyped-def]
    """Return a number whose bits all depend on all bits of ``key`` (splitmix64's finaliser)."""
    x = np.uint64(key)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@_leaf
def before(i, j, at, mask, code, rank, value):  # type: ignore[no-untyped-def]
    """Say whether event i stands before event j: by instant, first step served, segment, amount."""
    if at[i] != at[j]:
        return at[i] < at[j]
    if mask[i] != mask[j]:
        a, b = mask[i] & -mask[i], mask[j] & -mask[j]
        if a != b:
            return b == 0 or (a != 0 and a < b)
        return mask[i] < mask[j]
    if len(code) and code[i] != code[j]:
        return rank[code[i]] < rank[code[j]]
    return len(value) > 0 and value[i] < value[j]


@_compiled
def arrange(rows, moments, bits, lo, hi, at, mask, code, rank, value):  # type: ignore[no-untyped-def]
    """Put the rows from ``lo`` to ``hi`` in order, in place: runs of a few, then merged."""
    for start in range(lo, hi, _FEW):
        end = min(start + _FEW, hi)
        insert(rows, moments, bits, start, end, at, mask, code, rank, value)
    size = _FEW
    while size < hi - lo:
        for start in range(lo, hi - size, 2 * size):
            middle, end = start + size, min(start + 2 * size, hi)
            merge(rows, start, middle, end, at, mask, code, rank, value)
        size *= 2
    for k in range(lo, hi):
        moments[k], bits[k] = at[rows[k]], mask[rows[k]]


@_leaf
def insert(rows, moments, bits, lo, hi, at, mask, code, rank, value):  # type: ignore[no-untyped-def]
    """Put a few rows in order, with their instants and bits."""
    first = _U(lo)
    for i in range(first + _ONE, _U(hi)):
        row, moment, bit, j = rows[i], moments[i], bits[i], i
        while j > first and (
            moment < moments[j - _ONE]
            or (
                moment == moments[j - _ONE]
                and before(row, rows[j - _ONE], at, mask, code, rank, value)
            )
        ):
            rows[j], moments[j], bits[j] = rows[j - _ONE], moments[j - _ONE], bits[j - _ONE]
            j -= _ONE  # type: ignore[assignment]
        rows[j], moments[j], bits[j] = row, moment, bit


@_compiled
def merge(rows, lo, middle, hi, at, mask, code, rank, value):  # type: ignore[no-untyped-def]
    """Merge two neighbouring runs, in place."""
    if not before(rows[middle], rows[middle - 1], at, mask, code, rank, value):
        return
    left = rows[lo:middle].copy()
    i, j, k = 0, middle, lo
    while i < len(left):
        if j < hi and before(rows[j], left[i], at, mask, code, rank, value):
            rows[k] = rows[j]
            j += 1
        else:
            rows[k] = left[i]
            i += 1
        k += 1


@_compiled
def walk(unit, at, mask, code, rank, value, rules, plain, dated):  # type: ignore[no-untyped-def]
    """Return the best attempts of a part of the log, as `Attempts` holds them.

    ``code`` (the segment) and ``value`` are (n_rows,) or empty; ``rank`` is each segment's place in the
    alphabet.
    """
    rows, moments, bits, starts = grouped(unit, at, mask)
    for g in range(len(starts) - 1):
        lo, hi = starts[g], starts[g + 1]
        for i in range(_U(lo) + _ONE, _U(hi)):
            if moments[i] <= moments[i - _ONE] and before(
                rows[i], rows[i - _ONE], at, mask, code, rank, value
            ):
                if hi - lo <= _FEW:  # said here, so that the usual case is one call
                    insert(rows, moments, bits, lo, hi, at, mask, code, rank, value)
                else:
                    arrange(rows, moments, bits, lo, hi, at, mask, code, rank, value)
                break
    if rules[0][6] < _MISSING:
        starts = sessions(moments, starts, rules[0][6])
    paths = np.empty((len(starts) - 1, len(rules[1])), np.int64)
    other = np.empty(len(starts) - 1, np.int8)
    if plain:
        n, n_pending, n_void = try_plain(moments, bits, starts, rules, paths, other)
    else:
        n, n_pending, n_void = try_every(moments, bits, starts, rules, paths, other)
    taken, waits, ends = waited(moments, paths[:n], rules)
    group = np.empty(n if len(code) else 0, np.int32)
    amount = np.empty(n if len(value) else 0, np.float64)
    entered = np.empty(n if dated else 0, np.int64)
    for unit_ in range(len(group)):
        row = step_row(paths, unit_, rules[0][8])
        group[unit_] = code[rows[row]] if row >= 0 else NOWHERE
    for unit_ in range(len(amount)):
        amount[unit_] = paid(paths, unit_, rows, value, rules)
    for unit_ in range(len(entered)):
        entered[unit_] = moments[first_row(paths, unit_)]
    return taken, other[:n], group, amount, entered, waits, ends, n_pending, n_void


@_compiled
def sessions(moments, starts, idle):  # type: ignore[no-untyped-def]
    """Return where each session begins: a unit's longer pauses end one."""
    found = np.empty(len(moments) + 1, np.int64)
    n = 0
    for g in range(len(starts) - 1):
        for i in range(starts[g], starts[g + 1]):
            if i == starts[g] or moments[i] - moments[i - 1] > idle:
                found[n] = i
                n += 1
    found[n] = len(moments)
    return found[: n + 1]


@_compiled
def try_plain(at, mask, starts, rules, paths, other):  # type: ignore[no-untyped-def]
    """Do what `try_every` does where each event serves one step, in order, in one window.

    For each step the latest entry that took it so far is enough to see how deep the unit gets, and when it
    first does: ``latest[k + 1]`` for step k, and ``latest[0]`` is the entry itself. Every entry of the window
    before that instant gets there no later: the earliest of them is the best attempt.

    Which step an event serves is chance, and a branch on it would be guessed wrongly half the time: the usual
    event, alone at its instant, is worked on without one.
    """
    scalars, n_steps = rules[0], paths.shape[1]
    window, later, first, last = scalars[0], scalars[2], scalars[3], scalars[4]
    as_of, only_first = scalars[5], scalars[7]
    latest = np.empty(n_steps + 1, np.int64)
    n, n_pending = 0, 0
    for g in range(len(starts) - 1):
        row, hi = _U(starts[g]), _U(starts[g + 1])
        for place in range(n_steps + 1):
            latest[place] = _NEVER
        deepest, reached_at, entry, pending = -1, np.int64(0), _NEVER, 0
        first_deepest, first_at, first_row = -1, _MISSING, row
        while row < hi and deepest < n_steps - 1:
            now, bits, begin = at[row], mask[row], row
            row += _ONE
            while row < hi and at[row] == now:
                bits |= mask[row]
                row += _ONE
            due = bits & 1 & (first <= now) & (now <= last)
            enters = due & (now + window <= as_of)
            pending |= due & (now + window > as_of) & (now <= as_of)
            is_first = enters & (first_at == _MISSING)
            first_row = begin if is_first else first_row
            entry = now if enters else entry
            if bits & (bits - 1):
                deepest, reached_at, first_deepest, first_at = at_once(
                    now, bits, enters, window, later, latest,
                    deepest, reached_at, first_deepest, first_at,
                )  # fmt: skip
                continue
            k = place_of(bits)
            latest[0] = entry
            since = latest[k]
            latest[k + 1] = since
            first_at = now if is_first else first_at
            follows = (first_deepest == k - 1) & (first_at <= now) & (now <= first_at + window)
            first_deepest = k if follows else first_deepest
            deeper = (k > deepest) & (since >= now - window)
            deepest = k if deeper else deepest
            reached_at = now if deeper else reached_at
        since = reached_at - window if deepest > 0 else first_at
        if only_first:
            deepest, first_deepest, since = first_deepest, deepest, first_at
        since, until = max(since, first), min(last, as_of - window)
        row, k, before = first_row, 0, _NEVER
        while k <= deepest and row < hi:  # once more, to see which rows the attempt takes
            now = at[row]
            if mask[row] >> k & 1 and (
                since <= now <= until if k == 0 else now > before or not later
            ):
                paths[n, k] = row
                k, before = k + 1, now
            row += _ONE
        for step in range(k, n_steps):
            paths[n, step] = -1
        other[n] = first_deepest
        n_pending += pending & (deepest < 0)
        n += deepest >= 0
    return n, n_pending, 0


@_compiled
def try_every(moments, bits, starts, rules, paths, other):  # type: ignore[no-untyped-def]
    """Do what `try_plain` does for any rules."""
    n_steps = len(rules[1])
    scratch = (
        np.empty(n_steps, np.int64),
        np.zeros(max(len(moments), n_steps), np.int64),
        np.zeros(1, np.int64),
        np.empty(n_steps, np.int64),
    )
    marks = landscape(len(moments) if rules[0][1] == ORDERED else 0, n_steps)
    n, n_pending, n_void = 0, 0, 0
    for g in range(len(starts) - 1):
        deepest, other[n], pending, void = best_attempt(
            moments, bits, starts[g], starts[g + 1], rules, marks, scratch, paths[n]
        )
        n_pending += pending
        n_void += void
        n += deepest >= 0
    return n, n_pending, n_void


@_compiled
def landscape(n, n_steps):  # type: ignore[no-untyped-def]
    """Return room for `landmarks`."""
    return (
        np.empty(n, np.int64),
        np.empty(n, np.int64),
        np.empty((n_steps, n + 1), np.int64),
        np.empty((n_steps, n + 1), np.int64),
    )


@_leaf
def paid(paths, unit, rows, value, rules):  # type: ignore[no-untyped-def]
    """Return the amount at the last required step; 0 where it was not taken."""
    for step in range(paths.shape[1]):
        if paths[unit, step] < 0 and not rules[1][step]:
            return 0.0
    in_any_order = rules[0][1] == ANY
    last = last_row(paths, unit) if in_any_order else paths[unit, last_required(rules[1])]
    return value[rows[last]]


@_leaf
def step_row(paths, unit, step):  # type: ignore[no-untyped-def]
    """Return the row that took ``step``; -1 asks for the last one taken, -2 for the first."""
    if step == FIRST:
        return first_row(paths, unit)
    return paths[unit, step] if step >= 0 else last_row(paths, unit)


@_leaf
def first_row(paths, unit):  # type: ignore[no-untyped-def]
    """Return the first row taken, whichever step took it."""
    row = last_row(paths, unit)
    for step in range(paths.shape[1]):
        row = paths[unit, step] if 0 <= paths[unit, step] < row else row
    return row


@_leaf
def last_row(paths, unit):  # type: ignore[no-untyped-def]
    """Return the last row taken, whichever step took it."""
    row = paths[unit, 0]
    for step in range(paths.shape[1]):
        row = max(row, paths[unit, step])
    return row


@_compiled
def waited(moments, paths, rules):  # type: ignore[no-untyped-def]
    """Return the bits of each unit's steps, the times they took, step by step, and where each step's end.

    Times run from the required step before. In any order the bits are the first ones, one for each step, and
    times run from the step before.
    """
    optional, in_order = rules[1], rules[0][1] != ANY
    n_steps = len(optional)
    taken, ends = np.empty(len(paths), np.int32), np.zeros(n_steps, np.int64)
    for unit in range(len(paths)):
        bits = 0
        for step in range(n_steps):
            if paths[unit, step] >= 0:
                bits = bits | (1 << step) if in_order else 2 * bits + 1
        taken[unit] = bits
        for step in range(1, n_steps):
            ends[step] += (bits >> step) & 1
    ends = np.cumsum(ends)
    waits, places = np.empty(ends[-1], np.int64), ends.copy()
    places[1:] = ends[:-1]
    for unit in range(len(paths)):
        if taken[unit] & (taken[unit] - 1) == 0:
            continue
        path = paths[unit] if in_order else np.sort(paths[unit])[-highest_bit(taken[unit]) - 1 :]
        anchor = -1
        for step in range(len(path)):
            if path[step] < 0:
                continue
            if anchor >= 0:
                waits[places[step]] = moments[path[step]] - moments[path[anchor]]
                places[step] += 1
            if anchor < 0 or not in_order or not optional[step]:
                anchor = step
    return taken, waits, ends


@_compiled
def divided(unit, mask, n_parts, keep_all):  # type: ignore[no-untyped-def]
    """Return the rows that are kept, the part of each, and what was seen.

    Rows that no step asks for are left out, unless all are kept. Seen are the bits of all rows, whether some
    row has several, and the lowest and the highest unit.
    """
    n = len(unit)
    rows, part = np.empty(n, np.int32), np.empty(n, np.int16)
    seen, several, low, high = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    kept = 0
    for row in range(n):
        bits = mask[row]
        seen |= bits
        several |= bits & (bits - 1)
        low, high = min(low, unit[row]), max(high, unit[row])
        rows[kept] = row
        part[kept] = scrambled(unit[row]) & np.uint64(n_parts - 1)
        kept += bits != 0 or keep_all  # no branch: rows without a bit come at random
    return rows[:kept], part[:kept], (seen, several != 0, low, high)


@_compiled
def placed(part, ends, owner, n_blocks):  # type: ignore[no-untyped-def]
    """Return where each row goes, and how many blocks there are then.

    A row goes behind the last of its part (``ends``), into a new block where that one's block is full;
    ``owner`` is written: the part of each block.
    """
    places = np.empty(len(part), np.int32)
    for i in range(len(part)):
        end = ends[part[i]]
        if end & (BLOCK - 1) == 0:
            end = n_blocks * BLOCK
            owner[n_blocks] = part[i]
            n_blocks += 1
        places[i] = end
        ends[part[i]] = end + 1
    return places, n_blocks


@_leaf
def spread(column, rows, places, out):  # type: ignore[no-untyped-def]
    """Write the rows of a column to their places."""
    for i in range(len(rows)):
        out[places[i]] = column[rows[i]]


@_leaf
def gathered(column, blocks, sizes, out, n):  # type: ignore[no-untyped-def]
    """Write blocks one behind the other, from place ``n`` on; return where they end."""
    end = _U(n)
    for b in range(len(blocks)):
        begin = _U(blocks[b]) * _U(BLOCK)
        for i in range(_U(sizes[b])):
            out[end + i] = column[begin + i]
        end += _U(sizes[b])
    return np.int64(end)


@_leaf
def coded(given, keys, places, codes):  # type: ignore[no-untyped-def]
    """Write what stands for each given key to ``codes``; return whether all are known (see `placed_keys`)."""
    for row in range(len(given)):
        place = places[slot_of(given[row], keys, places)]
        if place < 0:
            return False
        codes[row] = place
    return True


@_leaf
def tallied(taken, place, n):  # type: ignore[no-untyped-def]
    """Add to ``n`` (n_segments, n_steps) the units that took each step; ``place`` is their segment's."""
    for unit in range(len(taken)):
        for step in range(n.shape[1]):
            n[place[unit], step] += (taken[unit] >> step) & 1


@_leaf
def sized(group, n):  # type: ignore[no-untyped-def]
    """Add to ``n`` the units of each group; the last place is that of -1."""
    for unit in range(len(group)):
        n[group[unit]] += 1


@_leaf
def added(taken, step, last, waits, out):  # type: ignore[no-untyped-def]
    """Add the times of ``step`` to those of the units that took ``last`` (``out``), who all took it."""
    i, j = 0, 0
    for unit in range(len(taken)):
        if taken[unit] >> last & 1:
            out[j] += waits[i]
            j += 1
        i += (taken[unit] >> step) & 1


@_leaf
def dealt(taken, step, place, values, ends, out):  # type: ignore[no-untyped-def]
    """Write the values of those who took ``step`` segment by segment: from ``ends`` on, which move along.

    ``place`` is each unit's segment. The last of ``ends`` is where the units that did not take it write.
    """
    i = 0
    for unit in range(len(taken)):
        took = (taken[unit] >> step) & 1
        segment = place[unit] if took else len(ends) - 1
        out[ends[segment]] = values[min(i, len(values) - 1)]
        ends[segment] += took
        i += took
