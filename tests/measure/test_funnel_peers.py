"""The funnels of other tools, whose answers were recorded: the same log gives the same counts.

Their wording is put into ours in the test: a property becomes a column, a merged identity one unit, a
mode of ClickHouse a set of exclusions, a pattern of events the steps that it names. A step that never
happens is refused by design (a typing mistake would otherwise read as 0), so a stray unit that never
enters does it once.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from custmeasure.measure.funnel import Exclusion, Step, funnel

PEERS = Path(__file__).resolve().parents[3] / "shared" / "peers"
STRAY = "a unit that never enters"

# Every case that is not run, and why.
POSTHOG_LEFT_OUT: dict[str, str] = {}
CLICKHOUSE_LEFT_OUT = {
    "clickhouse-wf-same-step-default": "one event serves three steps; here each needs its own",
    "clickhouse-wf-shop-strict-4": "the same: the third step's event serves the first again and stops the "
    "chain; here it serves the third",
}  # fmt: skip
DUCKDB_LEFT_OUT: dict[str, str] = {}
RETENTIONEERING_LEFT_OUT = {
    "retentioneering-funnel_empty_steps-1": "a funnel of no steps is refused",
    "retentioneering-occurrence_selects_which_start_counts-2": "starts from the last occurrence; here every "
    "attempt counts, or the first",
}


def stored(name):
    """Return one file of cases at collection; none where the folder is absent."""
    path = PEERS / f"{name}.json"
    return json.loads(path.read_text("utf-8")) if path.is_file() else []


def chosen(name, left_out):
    cases = [case for case in stored(name) if case["id"] not in left_out]
    return pytest.mark.parametrize("case", cases, ids=[case["id"] for case in cases])


def log(rows, steps):
    """Return (unit, event, instant, segment) rows as a frame, with a stray for what never happens."""
    frame = pd.DataFrame(rows, columns=["visitor_id", "event", "at", "segment"])
    frame["at"] = pd.to_datetime(frame["at"])
    never = [step for step in steps if step not in set(frame["event"])]
    stray = [(STRAY, step, frame["at"].min(), None) for step in never]
    return pd.concat([frame, pd.DataFrame(stray, columns=frame.columns)]) if stray else frame


def levels(events, steps, **options):
    """Return how many steps each unit that entered reached, without the stray."""
    frame = funnel(events, steps, by="visitor_id", **options).frame
    reached = frame[frame["n_reached"] > 0].groupby("visitor_id").size()
    return {unit: int(level) for unit, level in reached.items() if unit != STRAY}


def check_levels(events, steps, expected, **options):
    """Compare each unit's level, 0 for those that never entered, and the counts of all together."""
    reached = levels(events, steps, **options)
    assert {unit: reached.get(unit, 0) for unit in expected} == expected
    if reached:  # else the stray alone enters
        counts = funnel(events, steps, **options).frame["n_reached"].tolist()
        assert counts == [sum(level > k for level in expected.values()) for k in range(len(steps))]


# --- PostHog ----------------------------------------------------------------------------------------


def posthog_step(step):
    """Return a step: null is any event, a property is a column."""
    if not isinstance(step, dict):
        return Step(step)
    return Step(step["event"], where=[(key, "=", value) for key, value in step["where"].items()])


def posthog_log(case):
    """Return a case's log with its properties as columns."""
    merged = case["semantics"].get("identity_merge", {})
    events = case["input"]["events"]
    frame = pd.DataFrame([(merged.get(e["user"], e["user"]), e["event"], e["t"]) for e in events],
                         columns=["visitor_id", "event", "at"])  # fmt: skip
    asked = [
        key for step in case["input"]["steps"] if isinstance(step, dict) for key in step["where"]
    ]
    for name in dict.fromkeys([*asked, *filter(None, [case["semantics"].get("breakdown")])]):
        frame[name] = [event.get("props", {}).get(name) for event in events]
    ruled_out = [exclusion["event"] for exclusion in case["semantics"].get("exclusions", [])]
    wanted = [step["event"] if isinstance(step, dict) else step for step in case["input"]["steps"]]
    never = {name for name in [*wanted, *ruled_out] if name} - set(frame["event"])
    stray = pd.DataFrame({"visitor_id": STRAY, "event": sorted(never), "at": frame["at"].min()})
    events = pd.concat([frame, stray]) if never else frame
    return events.assign(at=pd.to_datetime(events["at"]))


def posthog_exclusion(exclusion, order):
    """Return an exclusion: PostHog's make an attempt void; in any order they span all steps."""
    ends = (exclusion["after_step"], exclusion["before_step"]) if order != "any" else (None, None)
    return Exclusion(exclusion["event"], after=ends[0], before=ends[1], then="drop_unit")


@chosen("posthog_funnel", POSTHOG_LEFT_OUT)
def test_posthog(case):
    semantics, expected = case["semantics"], case["expected"]
    steps = [posthog_step(step) for step in case["input"]["steps"]]
    order = "any" if semantics["order"] == "unordered" else semantics["order"]
    ruled_out = [posthog_exclusion(each, order) for each in semantics.get("exclusions", [])]
    asked = {"window": f"{semantics['conversion_window_seconds']}s", "order": order,
             "exclusions": ruled_out}  # fmt: skip
    if "date_range" in semantics:
        asked |= dict(zip(("start", "end"), semantics["date_range"], strict=True))
    events, column = posthog_log(case), semantics.get("breakdown")
    if semantics.get("attribution") == "all events":
        # One person in several groups is counted once in each: by person and group.
        events["visitor_id"] = events["visitor_id"] + " " + events[column].fillna("")
    if "by_breakdown" in expected:
        result = funnel(events, steps, **asked, by=column)
        for segment, part in expected["by_breakdown"].items():
            own = result.times[result.times["segment"] == segment]
            check_posthog(result.frame[result.frame[column] == segment], own, part)
        return
    result = funnel(events, steps, **asked)
    check_posthog(result.frame, result.times, expected)
    check_members(events, steps, asked, expected)
    if "bins" in expected:
        check_bins(events, steps, asked, expected)


def check_posthog(frame, times, expected):
    """Compare the counts and the times that the case states."""
    for seen, count in zip(frame["n_reached"], expected.get("step_counts", []), strict=False):
        assert count is None or seen == count
    for name, column in (("avg", "mean_hours"), ("median", "median_hours")):
        wanted = expected.get(f"{name}_seconds_from_previous_step", [])
        for seen, seconds in zip(times[column] * 3600, wanted[1:], strict=False):
            assert seconds is None or seen == pytest.approx(seconds)


def check_bins(events, steps, asked, expected):
    """Compare the distribution of the times from the first step to the second."""
    bins = 7 if len(expected["bins"]) > 3 else 2
    result = funnel(events, steps, **asked, bins=bins)
    second = result.distribution[result.distribution["step"] == steps[1].label]
    seen = [(round(row.from_hours * 3600), row.n_reached) for row in second.itertuples()]
    wanted = [tuple(row) for row in expected["bins"]]
    assert seen == wanted[: len(seen)]
    assert not any(n for _, n in wanted[len(seen) :])
    assert result.times["mean_hours"][0] * 3600 == pytest.approx(expected["average"])


def check_members(events, steps, asked, expected):
    """Compare which units reached a step."""
    reached = levels(events, steps, **asked)
    for k, members in expected.get("users_reaching_step", {}).items():
        assert {unit for unit, level in reached.items() if level >= int(k)} == set(members)


def test_every_posthog_case_is_run_or_listed(peer_cases):
    check_listed(peer_cases("posthog_funnel"), POSTHOG_LEFT_OUT, 29)


# --- ClickHouse and DuckDB's behavioral extension -----------------------------------------------------


def seconds_log(case, steps):
    """Return a case's (seconds, event, unit) rows as a log; without a unit all are unit 1's."""
    start = pd.Timestamp("2026-01-01")
    rows = [
        (str((unit or [1])[0]), str(event), start + pd.Timedelta(seconds=at), None)
        for at, event, *unit in case["input"]["events"]
    ]
    return log(rows, steps)


def expected_levels(case):
    return case["expected"].get("level_by_user") or {"1": case["expected"]["level"]}


def clickhouse_step(step):
    """Return a step: a name, or a range of names that are numbers."""
    if "op" in step:
        return Step(where=[("code", step["op"], step["event"])])
    return Step(str(step["event"]))


def clickhouse_rules(steps, modes):
    """Return ClickHouse's modes in our words.

    ``strict_once`` is our rule: an event serves one step. ``strict_order``: an event that is no step ends
    the chain, and so does a step before the one it needs, unless ``allow_reentry``.
    ``strict_deduplication``: a step that comes again ends it. What ends a chain there ends the user: only
    the first attempt counts.
    """
    names = [step.event for step in steps]
    ended = {"then": "stop_progress"}
    asked = {"ties": "later" if "strict_increase" in modes else "together"}
    ruled_out = []
    if "strict_order" in modes and len(steps) > 1:
        ruled_out.append(Exclusion(**ended))
        if "allow_reentry" not in modes:
            ruled_out += [Exclusion(name, after=1, before=place, **ended)
                          for place, name in enumerate(names[2:], start=2)]  # fmt: skip
    if "strict_deduplication" in modes:
        ruled_out += [Exclusion(name, after=place, before=len(names), **ended)
                      for place, name in enumerate(names[1:-1], start=2)]  # fmt: skip
    first = {"strict_order", "strict_deduplication"} & set(modes)
    return asked | {"exclusions": ruled_out, "attempts": "first" if first else "best"}


@chosen("clickhouse_funnel", CLICKHOUSE_LEFT_OUT)
def test_clickhouse(case):
    steps = [clickhouse_step(step) for step in case["input"]["steps"]]
    # The most seconds that a window can be written in.
    seconds = min(case["semantics"]["window"], 604_800 * 999_999)
    events = seconds_log(case, [name for step in steps for name in step.names])
    if not all(step.names for step in steps):
        events["code"] = events["event"].astype(int)
    rules = clickhouse_rules(steps, case["semantics"]["modes"])
    check_levels(events, steps, expected_levels(case), window=f"{seconds}s", **rules)


def test_every_clickhouse_case_is_run_or_listed(peer_cases):
    check_listed(peer_cases("clickhouse_funnel"), CLICKHOUSE_LEFT_OUT, 37)


@chosen("duckdb_behavioral_funnel", DUCKDB_LEFT_OUT)
def test_duckdb_behavioral(case):
    steps, modes = [Step(name) for name in case["input"]["steps"]], case["semantics"]["modes"]
    check_levels(
        seconds_log(case, [step.event for step in steps]),
        steps,
        expected_levels(case),
        window=f"{case['semantics']['window_seconds']}s",
        **clickhouse_rules(steps, modes),
    )


def test_every_duckdb_case_is_run_or_listed(peer_cases):
    check_listed(peer_cases("duckdb_behavioral_funnel"), DUCKDB_LEFT_OUT, 7)


# --- Retentioneering ----------------------------------------------------------------------------------

FOREVER = "9999w"  # Retentioneering's funnel has no window


def paths(case, segment=None):
    """Return a case's rows as a log of its paths, and how many paths there are."""
    frame = pd.DataFrame(case["input"]["rows"], columns=case["input"]["columns"])
    unit = case["semantics"]["kwargs"].get("path_col", "user_id")
    frame["at"] = pd.to_datetime(frame["timestamp"])
    frame["segment"] = frame[segment] if segment else None
    rows = frame[[unit, "event", "at", "segment"]].itertuples(index=False, name=None)
    return list(rows), frame.groupby("segment")[unit].nunique() if segment else frame[
        unit
    ].nunique()


@chosen("retentioneering_funnel", RETENTIONEERING_LEFT_OUT)
def test_retentioneering(case):
    semantics, expected = case["semantics"], case["expected"]
    if semantics["fn"] == "get_conversion_rate":
        check_conversion(case)
    elif "diff" in semantics["kwargs"]:
        check_two_funnels(case)
    else:
        steps = [row["step"] for row in expected["steps"]]
        rows, n_paths = paths(case)
        check_steps(
            funnel(log(rows, steps), steps, window=FOREVER).frame, expected["steps"], n_paths
        )


def check_steps(frame, expected, n_paths, prefix=""):
    """Compare counts and rates; Retentioneering's overall rate divides by all paths."""
    for row, wanted in zip(frame.itertuples(), expected, strict=True):
        assert row.n_reached == wanted[f"{prefix}unique_paths"]
        assert row.n_reached / n_paths == pytest.approx(wanted[f"{prefix}conversion_rate"])
        if not np.isnan(row.step_rate):
            assert row.step_rate == pytest.approx(wanted[f"{prefix}step_conversion_rate"])


def check_two_funnels(case):
    """Compare two segments; the second may be all others together."""
    column, first, second = case["semantics"]["kwargs"]["diff"]
    steps = [row["step"] for row in case["expected"]["steps"]]
    rows, n_paths = paths(case, column)
    if second == "<REST>":
        rows = [(*row[:3], row[3] if row[3] == first else second) for row in rows]
        n_paths = pd.Series({first: n_paths[first], second: n_paths.sum() - n_paths[first]})
    frame = funnel(log(rows, steps), steps, window=FOREVER, by="segment").frame
    for prefix, segment in (("funnel1_", first), ("funnel2_", second)):
        own = frame[frame["segment"] == segment]
        check_steps(own, case["expected"]["steps"], n_paths[segment], prefix)


def check_conversion(case):
    """Compare who has the start and who the end after it; ``lift`` and ``base_rate`` have no counterpart.

    A pattern ``A->.*->B`` is two steps. ``path_start`` and ``path_end`` are written into the log. What must
    follow at once (``path_start->A``) has nothing between; within n events are n - 1 optional ones at most.
    """
    (start, end), (expected,) = case["semantics"]["args"], case["expected"]
    within = case["semantics"]["kwargs"].get("within")
    start = start["pattern"] if isinstance(start, dict) else start
    first, last = (pattern.replace("->.*->", "->").split("->") for pattern in (start, end))
    steps = [Step(name) for name in [*first, *last]]
    asked = {"window": FOREVER}
    if isinstance(within, str):
        length = within.replace("m", "min") if within[-1] == "m" else within
        asked["window"] = pd.Timedelta(length).to_pytimedelta()
    elif within:
        between = [Step(optional=True)] * (within - 1)
        steps, asked["order"] = [steps[0], *between, *steps[1:]], "strict"
    elif first[0] == "path_start":
        others = [Exclusion(then="stop_progress", after=1, before=2)]
        others += [Exclusion(name, then="stop_progress", after=1, before=2) for name in last]
        asked["exclusions"] = others
    rows, _ = paths(case)
    frame = funnel(with_ends(log(rows, [*first, *last])), steps, **asked).frame
    assert frame["n_reached"].iloc[len(first) - 1] == expected["paths_with_start"]
    assert frame["n_reached"].iloc[-1] == expected["converted"]
    if expected["conversion_rate"] is not None and len(last) == 1:
        assert frame["step_rate"].iloc[-1] == pytest.approx(expected["conversion_rate"])


def with_ends(events):
    """Return a log with an event before each path's first and after its last."""
    at = events.groupby("visitor_id")["at"]
    ends = [
        ("path_start", at.min() - pd.Timedelta("1s")),
        ("path_end", at.max() + pd.Timedelta("1s")),
    ]
    more = [
        moment.rename("at").reset_index().assign(event=name, segment=None) for name, moment in ends
    ]
    return pd.concat([events, *more])


def test_every_retentioneering_case_is_run_or_listed(peer_cases):
    check_listed(peer_cases("retentioneering_funnel"), RETENTIONEERING_LEFT_OUT, 37)


def check_listed(cases, left_out, n_cases):
    """Nothing is forgotten silently: what is left out exists, and the file holds what it held."""
    ids = [case["id"] for case in cases]
    assert len(ids) == len(set(ids)) == n_cases
    assert set(left_out) <= set(ids)
    assert all(left_out.values())
