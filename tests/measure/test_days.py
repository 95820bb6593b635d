"""Missing days: found against the same weekday, not where few rows a day are usual."""

import numpy as np
import pandas as pd
import pytest

import custmeasure as cm
from custmeasure.errors import UnknownName


def log(counts: dict[int, int], n_days: int = 70, usual: int = 20) -> pd.DataFrame:
    """Return ``usual`` rows at noon of each day from 2026-01-05 on, but ``counts`` on some."""
    n = np.full(n_days, usual)
    for day, rows in counts.items():
        n[day] = rows
    noon = pd.Timestamp("2026-01-05 12:00") + pd.to_timedelta(
        np.repeat(np.arange(n_days), n), unit="D"
    )
    return pd.DataFrame({"at": noon})


def gaps(result) -> list[str]:
    return [str(day) for day in result.frame.loc[result.frame["gap"], "day"]]


def test_empty_and_thin_days_are_gaps():
    result = cm.days(log({30: 0, 40: 6, 50: 7}))
    assert gaps(result) == ["2026-02-04", "2026-02-14"]
    assert result.verdict == "worse"
    assert "2 of 70 days" in result.headline("en")
    assert "2026-02-14" in result.headline("ko")


def test_a_whole_log_has_none():
    result = cm.days(log({}))
    assert result.verdict == "no_difference"
    assert len(result.frame) == 70
    assert repr(result)
    assert "<table" not in result._repr_html_()


def test_days_after_the_last_row_are_missing_too():
    result = cm.days(log({}), as_of="2026-03-20")
    assert gaps(result) == [f"2026-03-{day}" for day in range(16, 21)]


def test_weekday_rhythm_is_usual():  # a shop that sells nothing on Sundays
    sundays = dict.fromkeys(range(6, 70, 7), 0)
    assert gaps(cm.days(log(sundays))) == []


def test_few_rows_a_day_say_nothing():
    assert gaps(cm.days(log({30: 0}, usual=3))) == []


def test_unknown_column_and_no_rows():
    with pytest.raises(UnknownName, match="at"):
        cm.days(log({}), at="att")
    assert cm.days(log({}).iloc[:0]).verdict == "cannot_tell"
