"""The checks of a copy test, in the order in which they are made, as a table."""

import datetime as dt
import math
from collections.abc import Mapping, Sequence

import pandas as pd

from custmeasure.improve.copy_test.gates import CROSSOVER_WARN
from custmeasure.improve.copy_test.people import STILL_RUNNING
from custmeasure.improve.copy_test.setup import Setup
from custmeasure.shop import Shop
from custmeasure.show.words import Text
from custmeasure.stats import SampleRatio
from custmeasure.stats.placebo import Placebo

COLUMNS = ("check", "metric", "outcome", "n_counted", "counted_share", "p_value")


def checks_table(
    setup: Setup,
    enrolled: pd.DataFrame,
    split: SampleRatio,
    watched: SampleRatio | None,
    placebos: Sequence[tuple[str, Placebo | None]],
) -> pd.DataFrame:
    """Return one row a check: fresh data, rows, two variants, the split, random splits.

    ``watched`` is the check of the split that holds at all looks together; None for a single look.

    ``n_counted`` and ``counted_share`` are what the check counted: rows that are not accounted for,
    units in two variants (÷ all), units whose split was checked, random splits that were significant
    (÷ all).
    """
    rows = [_fresh(setup, enrolled), _rows(setup.shop), _crossed(enrolled)]
    rows += [_split("split", split), *([_split("split_anytime", watched)] if watched else [])]
    rows += [_placebo(name, placebo) for name, placebo in placebos if placebo is not None]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def stale_note(setup: Setup, enrolled: pd.DataFrame) -> list[Text]:
    """Return that a test which should still run has had no exposure for days."""
    if _fresh(setup, enrolled)["outcome"] != "warn":
        return []
    days = math.floor(_silence(setup, enrolled) / dt.timedelta(days=1))
    return [Text(
        f"{days:,}일째 새로 든 사람이 없습니다. 시험이 아직 돌고 있는지, 노출이 기록되는지 확인하십시오.",
        f"Nobody has entered for {days:,} days. Check that the test still runs and that exposures are "
        "recorded.",
    )]  # fmt: skip


def _fresh(setup: Setup, enrolled: pd.DataFrame) -> dict[str, object]:
    silence = _silence(setup, enrolled)
    return _row("fresh", "warn" if silence > STILL_RUNNING else "ok")


def _silence(setup: Setup, enrolled: pd.DataFrame) -> dt.timedelta:
    """Return how long nobody has entered a test whose planned end has not come."""
    last = enrolled["last_at"].max()
    span_end = setup.entry_end
    if pd.isna(last) or setup.as_of is None or (span_end is not None and span_end <= setup.as_of):
        return dt.timedelta(0)
    silence: dt.timedelta = (setup.as_of - last).to_pytimedelta()
    # Without a planned end, a test that has been silent for weeks is over.
    return silence if span_end is not None else dt.timedelta(0)


def _rows(shop: Shop) -> dict[str, object]:
    """Check that every row of every file was used, rejected, a duplicate, or outside the period."""
    lost = 0
    for each in shop.accounts():
        row: Mapping[str, object] = each.row
        parts = ("n_used", "n_rejected", "n_duplicate", "n_outside")
        lost += abs(int(str(row["n_in_file"])) - sum(int(str(row[part])) for part in parts))
    return _row("rows", "failed" if lost else "ok", lost)


def _crossed(enrolled: pd.DataFrame) -> dict[str, object]:
    n = int(enrolled["n_crossover"].sum())
    seen = n + int(enrolled["n_enrolled"].sum())
    share = n / seen if seen else math.nan
    return _row("crossover", "warn" if share >= CROSSOVER_WARN else "ok", n, share)


def _split(name: str, split: SampleRatio) -> dict[str, object]:
    outcome = "failed" if split.status == "invalid" else split.status
    n = round(sum(split.expected.values()))
    return {**_row(name, outcome, n), "p_value": split.p_value}


def _placebo(metric: str, placebo: Placebo) -> dict[str, object]:
    outcome = {"loose": "failed", "strict": "warn"}.get(placebo.status, placebo.status)
    share = placebo.significant_share
    n = 0 if math.isnan(share) else round(share * placebo.n_splits)
    return {**_row("random_splits", outcome, n, share), "metric": metric}


def _row(
    check: str, outcome: str, n: float = math.nan, share: float = math.nan
) -> dict[str, object]:
    return {
        "check": check, "metric": "", "outcome": outcome, "n_counted": n, "counted_share": share,
        "p_value": math.nan,
    }  # fmt: skip
