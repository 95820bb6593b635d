"""Other tools' retention, whose answers were recorded: the same log gives the same cells.

PostHog's cases keep their log; what each setting of PostHog's is called here stands in `asked`. Those of
ClickHouse's ``retention(cond1, cond2, …)`` (and of its likes) know conditions instead of periods: a user
who meets condition i is active in period i, and who meets the first one is in the first cohort.
"""

import json
from pathlib import Path

import pandas as pd
import pytest

from custmeasure.measure.retention import retention

PEERS = Path(__file__).resolve().parents[3] / "shared" / "peers"
CODES = {"hour": "h", "day": "D", "month": "M", "monday": "W-SUN", "sunday": "W-SAT"}
KNOWN = {
    "period", "intervals", "date_to", "cohort_type", "cohort_rule", "return_rule", "timezone",
    "target_event", "return_event", "last_interval", "identity_merge", "user_filter", "event_times",
    "week_start", "minimum_occurrences", "brackets", "time_window",
}  # fmt: skip

# Every case that is not run, and why.
LEFT_OUT: dict[str, str] = {}


def stored(name):
    """Return the cases of a file; none where the folder is absent."""
    path = PEERS / f"{name}.json"
    return json.loads(path.read_text("utf-8")) if path.is_file() else []


def chosen(name):
    cases = [case for case in stored(name) if case["id"] not in LEFT_OUT]
    return pytest.mark.parametrize("case", cases, ids=[case["id"] for case in cases])


# --- PostHog ----------------------------------------------------------------------------------------


def log_of(case):
    """Return the recorded rows; a property is a column."""
    rows = [{**event, **event.get("props", {})} for event in case["input"]["events"]]
    frame = pd.DataFrame(rows).drop(columns="props", errors="ignore").rename(columns={"t": "at"})
    return frame.assign(at=pd.to_datetime(frame["at"]))


def triples(event):
    """Return the filters that an event of PostHog's stands for; None is every event."""
    if event == "*" or event is None:
        return None
    if isinstance(event, str):
        return event
    named = [] if event["event"] in ("*", None) else [("event", "=", event["event"])]
    return named + [(name, "=", value) for name, value in event.get("where", {}).items()]


def asked(semantics):
    """Return the parameters that say the same."""
    # PostHog's brackets are lengths, ours are last periods.
    lengths = semantics.get("brackets") or []
    users = semantics.get("user_filter")
    return {
        "mode": "on_or_after" if "ROLLING" in semantics["return_rule"] else "on",
        "cohort": "first" if semantics["cohort_type"].startswith("first") else "recurring",
        "clock": "rolling" if "24" in str(semantics.get("time_window")) else "calendar",
        "week_start": semantics.get("week_start", "monday"),
        "min_occurrences": semantics.get("minimum_occurrences") or 1,
        "brackets": [sum(lengths[: i + 1]) for i in range(len(lengths))] or None,
        "start_event": triples(semantics["target_event"]),
        "return_event": triples(semantics["return_event"]),
        "where": None if users is None else [("user", "in", users)],
        "timezone": semantics["timezone"],
    }


@chosen("posthog_retention")
def test_posthog(case):
    semantics = case["semantics"]
    assert set(semantics) <= KNOWN
    code = semantics["period"] if semantics["period"] != "week" else asked(semantics)["week_start"]
    last = pd.Period(semantics["date_to"], CODES[code])
    first = last - semantics["intervals"] + 1
    result = retention(
        log_of(case),
        unit="user",
        at="at",
        period=semantics["period"],
        start=first.start_time.strftime("%Y-%m-%d"),
        end=last.end_time.strftime("%Y-%m-%d"),
        # PostHog counts the running interval to its end.
        as_of=last.end_time.floor("us").to_pydatetime(),
        **asked(semantics),
    )
    cells = result.frame.set_index(["cohort", "period"])
    assert cells["mature"].loc[: last.start_time].all()
    periods = [0, *(asked(semantics)["brackets"] or range(1, semantics["intervals"]))]
    for row, expected in enumerate(case["expected"]["matrix_rows"]):
        cohort = (first + row).start_time
        seen = [
            cells["n_retained"].get((cohort, k), 0) for k, _ in zip(periods, expected, strict=False)
        ]
        assert seen == expected, f"cohort {cohort}"
        assert cells["cohort_size"].get((cohort, 0), 0) == expected[0]


# --- ClickHouse, duckdb-behavioral, Doris -----------------------------------------------------------


def met(case):
    """Return user → which conditions it meets, in the order of the conditions."""
    given = case["input"]
    if "active_users_by_day" in given:
        days = list(given["active_users_by_day"].items())
        users = range(max(size for _, size in days))
        conditions = case["expected"].get("conditions", ["day"] * len(days))
        even = [[user % 2 == 0] if "even" in conditions[0] else [] for user in users]
        return {user: even[user] + [user < size for _, size in days] for user in users}
    user_days = (
        given["user_days"] if isinstance(given["user_days"], dict) else {"0": given["user_days"]}
    )
    return {user: [day in days for day in given["conditions"]] for user, days in user_days.items()}


@chosen("clickhouse_retention")
def test_clickhouse(case):
    expected = case["expected"]
    flags = met(case)
    n_conditions = len(next(iter(flags.values())))
    day = pd.Timestamp("2026-01-01")
    rows = [
        (user, day + pd.Timedelta(days=i))
        for user, conditions in flags.items()
        for i, is_met in enumerate(conditions)
        if is_met
    ]
    options = {
        "unit": "user", "at": "at", "period": "day", "cohort": "recurring", "start": "2026-01-01",
        "end": "2026-01-01", "as_of": str((day + pd.Timedelta(days=n_conditions - 1)).date()),
    }  # fmt: skip
    frame = pd.DataFrame(rows, columns=["user", "at"])
    if "totals" in expected:
        assert retention(frame, **options).frame["n_retained"].tolist() == expected["totals"]
        return
    single = expected.get("per_user_first_five", expected.get("retention"))
    by_user = single if isinstance(single, dict) else dict(enumerate(single))
    if "user_days" in case["input"] and not isinstance(single, dict):
        by_user = {"0": single}
    cells = retention(frame, by="user", **options).frame
    for user, wanted in by_user.items():
        own = cells.loc[cells["user"] == str(user), "n_retained"].tolist()
        # Who does not meet the first condition is in no cohort.
        assert (own or [0] * n_conditions) == wanted, f"user {user}"


@pytest.mark.parametrize(("name", "n"), [("posthog_retention", 16), ("clickhouse_retention", 11)])
def test_every_case_is_run_or_listed(name, n, peer_cases):
    ids = [case["id"] for case in peer_cases(name)]
    assert len(ids) == len(set(ids)) >= n
    assert set(LEFT_OUT) <= {case["id"] for each in ("posthog", "clickhouse")
                             for case in peer_cases(f"{each}_retention")}  # fmt: skip
