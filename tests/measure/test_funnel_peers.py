"""The funnels of other tools, whose answers were recorded: the same log gives the same counts.

Their wording is put into ours in the test: a property filter becomes part of the event's name, a
merged identity one unit, a named breakdown a column. A step that never happens is refused by design
(a typing mistake would otherwise read as 0), so a stray unit that never enters does it once.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from custmeasure.measure.funnel import funnel

PEERS = Path(__file__).resolve().parents[3] / "shared" / "peers"
STRAY = "a unit that never enters"

# Every case that is not run, and why.
POSTHOG_LEFT_OUT = {
    "posthog-ordered-funnel_with_any_event": "a step that any event serves; a step names one event",
    "posthog-ordered-funnel_with_matching_properties": "two steps whose filters both fit one event; "
    "an event has one name",
    "posthog-ordered-funnel_exclusion_no_end_event": "exclusions are not built yet",
    "posthog-ordered-funnel_exclusion_multiple_possible_no_end_event1": "exclusions are not built yet",
    "posthog-ordered-funnel_exclusions_full_window": "exclusions are not built yet",
    "posthog-ordered-advanced_funnel_exclusions_between_steps-3to4": "exclusions are not built yet",
    "posthog-unordered-funnel_exclusions_full_window": "exclusions are not built yet",
    "posthog-unordered-unordered_exclusion_after_completion": "exclusions are not built yet",
    "posthog-unordered-advanced_funnel_multiple_exclusions_between_steps": "exclusions are not built yet",
    "posthog-unordered-funnel_step_breakdown_event_single_person_events_with_multiple_properties": "one "
    "person in two segments; here a unit belongs to its value at entry",
}
CLICKHOUSE_LEFT_OUT = {
    "clickhouse-wf-overlap": "steps are ranges that overlap; a step names one event",
    "clickhouse-wf-same-step-default": "one event serves three steps; here a step needs an event of its own",
}  # fmt: skip
RETENTIONEERING_LEFT_OUT = {
    "retentioneering-funnel_empty_steps-1": "a funnel of no steps is refused",
    "retentioneering-occurrence_selects_which_start_counts-2": "starts from the last occurrence; here every "
    "attempt counts",
    "retentioneering-end_pattern_must_fall_entirely_after_the_start-1": "ends with a pattern of events",
    "retentioneering-anchor_spec_selects_landings_only-1": "starts with a pattern of events",
    "retentioneering-path_end_within_one_event_is_the_exit_rate-1": "a path's end is no event",
    "retentioneering-within_events_includes_its_far_edge-1": "a window counted in events, not in time",
    "retentioneering-within_events_includes_its_far_edge-2": "a window counted in events, not in time",
    "retentioneering-within_events_includes_its_far_edge-3": "a window counted in events, not in time",
    "retentioneering-start_that_never_happens_is_data_not_an_error-1": "starts with a pattern of events",
    "retentioneering-zero_base_rate_does_not_divide_by_zero-1": "ends with a pattern of events",
}
# ClickHouse's other modes: only what `strict_increase` and `strict_once` say exists here under another name.
CLICKHOUSE_MODES = {(): "together", ("strict_once",): "together", ("strict_increase",): "later",
                    ("strict_once", "strict_increase"): "later"}  # fmt: skip


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
    if events.loc[events["event"] == steps[0], "visitor_id"].ne(STRAY).any():
        counts = funnel(events, steps, **options).frame["n_reached"].tolist()
        assert counts == [sum(level > k for level in expected.values()) for k in range(len(steps))]


# --- PostHog ----------------------------------------------------------------------------------------


def name_of(step):
    """Return a step as an event's name: the filter belongs to it."""
    if isinstance(step, str):
        return step
    return step["event"] + "".join(
        f" {key}={value}" for key, value in sorted(step["where"].items())
    )


def posthog_log(case):
    steps, merged = case["input"]["steps"], case["semantics"].get("identity_merge", {})
    filtered = {step["event"]: step["where"] for step in steps if isinstance(step, dict)}
    breakdown = case["semantics"].get("breakdown")
    rows = []
    for event in case["input"]["events"]:
        props = event.get("props", {})
        where = {key: props[key] for key in filtered.get(event["event"], {}) if key in props}
        name = name_of({"event": event["event"], "where": where}) if where else event["event"]
        rows.append(
            (merged.get(event["user"], event["user"]), name, event["t"], props.get(breakdown))
        )
    return log(rows, [name_of(step) for step in steps])


@chosen("posthog_funnel", POSTHOG_LEFT_OUT)
def test_posthog(case):
    semantics, expected = case["semantics"], case["expected"]
    steps = [name_of(step) for step in case["input"]["steps"]]
    asked = {"window": f"{semantics['conversion_window_seconds']}s",
             "order": "any" if semantics["order"] == "unordered" else semantics["order"]}  # fmt: skip
    if "date_range" in semantics:
        asked |= dict(zip(("start", "end"), semantics["date_range"], strict=True))
    events = posthog_log(case)
    if "by_breakdown" in expected:
        frame = funnel(events, steps, **asked, by="segment").frame
        for segment, part in expected["by_breakdown"].items():
            check_posthog(frame[frame["segment"] == segment], part)
        return
    result = funnel(events, steps, **asked)
    check_posthog(result.frame, expected)
    check_members(events, steps, asked, expected)


def check_posthog(frame, expected):
    """Compare the counts that the case states, and the times where they do not depend on a mean."""
    for seen, count in zip(frame["n_reached"], expected.get("step_counts", []), strict=False):
        assert count is None or seen == count
    seconds = frame["median_hours_to_step"].to_numpy() * 3600
    for seen, wanted in zip(
        seconds, expected.get("median_seconds_from_previous_step", []), strict=False
    ):
        assert wanted is None or seen == pytest.approx(wanted)
    if expected.get("bins"):
        # Times of 3600, 2220 and 82800 s: their mean is stated, their median is the middle one.
        assert seconds[1] == pytest.approx(3600)
        assert expected["average"] == pytest.approx(np.mean([3600, 2220, 82800]))


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


def modes_left_out(cases):
    return {
        case["id"]: f"mode {'+'.join(case['semantics']['modes'])} has no counterpart"
        for case in cases
        if tuple(case["semantics"]["modes"]) not in CLICKHOUSE_MODES
    }


CLICKHOUSE_LEFT_OUT |= modes_left_out(stored("clickhouse_funnel"))


@chosen("clickhouse_funnel", CLICKHOUSE_LEFT_OUT)
def test_clickhouse(case):
    steps = [str(step["event"]) for step in case["input"]["steps"]]
    seconds = min(
        case["semantics"]["window"], 999_999
    )  # the most seconds that a window can be written in
    check_levels(
        seconds_log(case, steps),
        steps,
        expected_levels(case),
        window=f"{seconds}s",
        ties=CLICKHOUSE_MODES[tuple(case["semantics"]["modes"])],
    )


def test_every_clickhouse_case_is_run_or_listed(peer_cases):
    check_listed(peer_cases("clickhouse_funnel"), CLICKHOUSE_LEFT_OUT, 37)


DUCKDB_LEFT_OUT = {
    "duckdb-behavioral-wf-3600-strict_deduplication": "mode strict_deduplication has no counterpart",
}


@chosen("duckdb_behavioral_funnel", DUCKDB_LEFT_OUT)
def test_duckdb_behavioral(case):
    steps, modes = case["input"]["steps"], case["semantics"]["modes"]
    check_levels(
        seconds_log(case, steps),
        steps,
        expected_levels(case),
        window=f"{case['semantics']['window_seconds']}s",
        order="strict" if modes == ["strict_order"] else "ordered",
        ties="later" if modes == ["strict_increase"] else "together",
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
    """Compare a funnel of two steps; ``lift`` and ``base_rate`` have no counterpart here."""
    (start, end), (expected,) = case["semantics"]["args"], case["expected"]
    within = case["semantics"]["kwargs"].get("within")
    window = pd.Timedelta(within.replace("m", "min")).to_pytimedelta() if within else FOREVER
    rows, _ = paths(case)
    frame = funnel(log(rows, [start, end]), [start, end], window=window).frame
    assert frame["n_reached"].tolist() == [expected["paths_with_start"], expected["converted"]]
    assert frame["step_rate"][1] == pytest.approx(expected["conversion_rate"])


def test_every_retentioneering_case_is_run_or_listed(peer_cases):
    check_listed(peer_cases("retentioneering_funnel"), RETENTIONEERING_LEFT_OUT, 37)


def check_listed(cases, left_out, n_cases):
    """Nothing is forgotten silently: what is left out exists, and the file holds what it held."""
    ids = [case["id"] for case in cases]
    assert len(ids) == len(set(ids)) == n_cases
    assert set(left_out) <= set(ids)
    assert all(left_out.values())
