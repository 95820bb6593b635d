"""PostHog's retention, whose answers were recorded: the same log gives the same cells."""

import json
from pathlib import Path

import pandas as pd
import pytest

from custmeasure.measure.retention import retention

CASES = Path(__file__).resolve().parents[3] / "shared" / "peers" / "posthog_retention.json"
CODES = {"hour": "h", "day": "D", "month": "M"}

# Every case that is not run, and why.
LEFT_OUT = {
    f"posthog-retention-{name}": "one event joins and another returns; an activity is one kind of event"
    for name in (
        "retention_event_action",
        "retention_with_properties_on_start_event",
        "retention_with_properties_on_start_event_for_first_time",
        "retention_with_properties_on_return_event",
    )
}


def chosen():
    """Return the cases to run; none where the folder is absent."""
    stored = json.loads(CASES.read_text("utf-8")) if CASES.is_file() else []
    cases = [case for case in stored if case["id"] not in LEFT_OUT]
    return pytest.mark.parametrize("case", cases, ids=[case["id"] for case in cases])


def activity(case):
    """Return the rows of the event that joins and returns, of the people asked about."""
    semantics = case["semantics"]
    frame = pd.DataFrame(case["input"]["events"]).rename(columns={"t": "at"})
    if semantics["target_event"] != "*":
        frame = frame[frame["event"] == semantics["target_event"]]
    if "user_filter" in semantics:
        frame = frame[frame["user"].isin(semantics["user_filter"])]
    return frame.assign(at=pd.to_datetime(frame["at"]))


@chosen()
def test_posthog(case):
    semantics = case["semantics"]
    last = pd.Period(semantics["date_to"], CODES[semantics["period"]])
    first = last - semantics["intervals"] + 1
    result = retention(
        activity(case),
        unit="user",
        at="at",
        period=semantics["period"],
        mode="on_or_after" if "ROLLING" in semantics["return_rule"] else "on",
        cohort="first" if semantics["cohort_type"] == "first_time" else "recurring",
        start=first.start_time.strftime("%Y-%m-%d"),
        end=last.end_time.strftime("%Y-%m-%d"),
        as_of=last.end_time.floor(
            "us"
        ).to_pydatetime(),  # PostHog counts the running interval to its end
        timezone=semantics["timezone"],
    )
    cells = result.frame.set_index(["cohort", "period"])
    assert cells["mature"].loc[: last.start_time].all()
    for row, expected in enumerate(case["expected"]["matrix_rows"]):
        cohort = (first + row).start_time
        seen = [cells["n_retained"].get((cohort, k), 0) for k in range(len(expected))]
        assert seen == expected, f"cohort {cohort}"
        assert cells["cohort_size"].get((cohort, 0), 0) == expected[0]


def test_every_case_is_run_or_listed(peer_cases):
    ids = [case["id"] for case in peer_cases("posthog_retention")]
    assert len(ids) == len(set(ids)) == 16
    assert set(LEFT_OUT) <= set(ids)
