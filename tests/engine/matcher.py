"""A second opinion on funnels: every attempt of a unit written out in plain Python, the best one picked.

It shares nothing with the kernel and knows no shortcut: it lists every way in which distinct events can
serve the steps and takes the earliest, step by step.
"""

import itertools
import math

LATE = math.inf


def best(log, rules):
    """Return (taken bits, the other rule's last step, waits, is pending, is void) of one unit.

    ``log`` is a list of (instant, mask).
    """
    log = sorted(log, key=lambda event: (event[0], first_bit(event[1]), event[1]))
    starts = range(rules.n_steps) if rules.order == "any" else [0]
    entries, pending = [], False
    for place, (at, mask) in enumerate(log):
        begins = any(mask >> step & 1 for step in starts)
        inside = (rules.first is None or rules.first <= at) and (
            rules.last is None or at <= rules.last
        )
        if begins and inside and (rules.as_of is None or at + rules.window <= rules.as_of):
            entries.append(place)
        elif begins and inside:
            pending |= at <= rules.as_of
    walk = {"any": in_any_order, "strict": strictly, "ordered": in_order}[rules.order]
    tried = [(log[place][0], walk(log, place, rules)) for place in entries]
    counted = [attempt for _, attempt in tried if attempt]
    firsts = [attempt for at, attempt in tried if attempt and at == tried[0][0]]
    found, others = (firsts, counted) if rules.only_first else (counted, firsts)
    other = max((depth(attempt, rules) for attempt in others), default=-1)
    if not found:  # whether a later attempt gets anywhere matters only where later attempts count
        pending &= not (rules.only_first and tried)
        return 0, other, [], pending, bool(tried) and not pending
    attempt = min(found, key=lambda each: rank(each, rules))
    taken = sum(1 << step for step, at in enumerate(attempt) if at < LATE)
    return taken, other, waits(attempt, rules), False, False


def first_bit(mask):
    return (mask & -mask).bit_length() if mask else 99


def required(rules):
    return [step for step in range(rules.n_steps) if step not in rules.optional]


def depth(attempt, rules):
    return max(step for step in required(rules) if attempt[step] < LATE)


def rank(attempt, rules):
    """Deepest first; then the required steps' instants, one after the other; then the optional ones'."""
    musts = [attempt[step] for step in required(rules)]
    return -depth(attempt, rules), musts, [attempt[step] for step in rules.optional]


def waits(attempt, rules):
    found, anchor = [], 0
    for step in range(1, rules.n_steps):
        if attempt[step] < LATE:
            found.append(attempt[step] - attempt[anchor])
            anchor = step if step not in rules.optional else anchor
    return found


def limit(rules, step):
    return (rules.limits[step] if rules.limits else None) or LATE


def hits(log, rules, k, after, until):
    """Return (instant, is void) of what ends an attempt in the gap after step k, the earliest first."""
    return sorted(
        (at, not e.void)
        for e in rules.excludes
        for at, mask in log
        if e.after <= k < e.before and mask >> e.bit & 1 and after < at <= until
    )


# --- in order ---------------------------------------------------------------------------------------


def in_order(log, entry, rules):
    """Return the instants of the steps of the attempt from ``entry`` (LATE where not taken); None if void."""
    ways = list(assignments(log, entry, rules))
    musts = required(rules)
    way = min(ways, key=lambda each: [instant(log, each[step]) for step in musts])
    start = log[entry][0]
    attempt, k, until = [LATE] * rules.n_steps, 0, start + rules.window
    attempt[0] = start
    for step in musts[1:]:
        at = instant(log, way[step])
        bound = min(start + rules.window, attempt[k] + limit(rules, step))
        found = hits(log, rules, k, attempt[k], bound)
        if found and found[0][0] < at:
            if not found[0][1]:
                return None
            until = found[0][0]
            break
        if at > bound:
            break
        attempt[step], k = at, step
    options = [
        fits
        for each in ways
        if (fits := with_optional(log, each, attempt, rules, k, until)) is not None
    ]
    return min(options, key=lambda each: [each[step] for step in rules.optional])


def instant(log, place):
    return LATE if place is None else log[place][0]


def assignments(log, entry, rules):
    """Yield every way to serve the steps with distinct events in order of time; None for none."""

    def extend(way):
        step = len(way)
        if step == rules.n_steps:
            yield way
            return
        taken = [place for place in way if place is not None]
        stopped = any(way[s] is None for s in range(step) if s not in rules.optional)
        for place, (at, mask) in enumerate(log):
            if stopped and step not in rules.optional:
                break
            if place in taken or not mask >> step & 1:
                continue
            here = log[taken[-1]][0]
            if at < here or (rules.later and at == here):
                continue
            yield from extend([*way, place])
        yield from extend([*way, None])

    return extend([entry])


def with_optional(log, way, attempt, rules, k, until):
    """Return the attempt with this way's optional steps, or None if the way does not fit it."""
    full, anchor = list(attempt), 0
    for step in range(1, rules.n_steps):
        at = instant(log, way[step])
        if step not in rules.optional:
            if attempt[step] < LATE:
                if at != attempt[step]:
                    return None
                anchor = step
            elif way[step] is not None and any(
                way[s] is not None for s in rules.optional if s > step
            ):
                return None
            continue
        if at == LATE:
            continue
        nexts = [s for s in required(rules) if s > step]
        ended = nexts and attempt[nexts[0]] == LATE
        if any(attempt[s] == LATE for s in required(rules) if s < step):
            return None
        if at > attempt[anchor] + limit(rules, step) or ((ended or not nexts) and at > until):
            return None
        full[step] = at
    return full


# --- nothing between --------------------------------------------------------------------------------


def strictly(log, entry, rules):
    start, last_must = log[entry][0], max(required(rules))

    def extend(path):
        yield path
        place = entry + len(path)
        if place == len(log) or log[place][0] > start + rules.window:
            return
        at, mask = log[place]
        if rules.later and at == log[place - 1][0]:
            return
        anchor = max(step for step in path if step not in rules.optional)
        between = range(path[-1] + 1, rules.n_steps)
        for step in between:
            skipped = [s for s in range(path[-1] + 1, step) if s not in rules.optional]
            wait = at - log[entry + path.index(anchor)][0]
            if not skipped and mask >> step & 1 and wait <= limit(rules, step):
                yield from extend([*path, step])

    def instants(path):
        found = dict(zip(path, (log[entry + n][0] for n in range(len(path))), strict=True))
        return [found.get(step, LATE) for step in range(rules.n_steps)]

    def order(path):
        """Of one instant the rows have an order, too: here it says what stands between."""
        places = [path.index(step) if step in path else LATE for step in range(rules.n_steps)]
        return [places[s] for s in required(rules)], [places[s] for s in rules.optional]

    path = min(extend([0]), key=order)
    attempt = instants(path)
    k, place = depth(attempt, rules), entry + len(path)
    if k < last_must and place < len(log) and start + rules.window >= log[place][0] > attempt[k]:
        bits = [e.bit for e in rules.excludes if e.void and e.after <= k < e.before]
        if any(log[place][1] >> bit & 1 for bit in bits):
            return None
    return attempt


# --- in any order -----------------------------------------------------------------------------------


def in_any_order(log, entry, rules):
    start, until, stopped = log[entry][0], log[entry][0] + rules.window, None
    found = hits(log, rules, 0, start, until)
    if found:
        until, stopped = found[0]
    events = [(at, mask) for at, mask in log[entry:] if at <= until]
    attempt = []
    for n in range(1, len(events) + 1):
        if servable(events[:n], rules.n_steps) > len(attempt):
            attempt.append(events[n - 1][0])
    if stopped is False and len(attempt) < rules.n_steps:
        return None
    return attempt + [LATE] * (rules.n_steps - len(attempt))


def servable(events, n_steps):
    """Return how many steps distinct events can serve, by trying every order."""
    most = 0
    for n in range(min(len(events), n_steps), 0, -1):
        for chosen in itertools.permutations(range(n_steps), n):
            left = [mask for _, mask in events]
            if fits(left, chosen):
                return n
    return most


def fits(masks, steps):
    if not steps:
        return True
    return any(
        masks[i] >> steps[0] & 1 and fits(masks[:i] + masks[i + 1 :], steps[1:])
        for i in range(len(masks))
    )
