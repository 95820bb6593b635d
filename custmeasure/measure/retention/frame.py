"""The tidy frame of counted cells: rates, intervals, and blanks where a period is not over."""

import datetime as dt
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from custmeasure import dates
from custmeasure.errors import UsageError
from custmeasure.measure.retention.count import Cells
from custmeasure.stats.proportion import wilson

COLUMNS = (
    "cohort", "period", "cohort_size", "n_retained",
    "retained_rate", "retained_rate_ci_lower", "retained_rate_ci_upper", "mature",
)  # fmt: skip


def cells_frame(cells: Cells, alpha: float, by: str | None = None) -> pd.DataFrame:
    """Return a row for each cell whose time has begun, cohort after cohort (and segment)."""
    n_segments, n_cohorts, n_cells = cells.counts.shape
    shown = cells.begun.copy()
    shown[:, 0] = True
    segment, row, k = np.nonzero(np.broadcast_to(shown, (n_segments, n_cohorts, n_cells)))
    mature = cells.mature[row, k]
    size = cells.counts[segment, row, 0]
    n = np.where(mature | (k == 0), cells.counts[segment, row, k], np.nan)
    frame = pd.DataFrame({
        "cohort": cells.cohorts[row],
        "period": np.concatenate([[0], cells.ends])[k],
        "cohort_size": size,
        "n_retained": pd.array(n, dtype="Int64"),
    })  # fmt: skip
    frame = frame.assign(**rates(n, size.astype(float), k, alpha), mature=mature)
    if by is not None:
        frame.insert(0, by, np.array(cells.segments, object)[segment])
    return frame


def rates(n: np.ndarray, size: np.ndarray, k: np.ndarray, alpha: float) -> dict[str, np.ndarray]:
    """Return the rate and its interval; blank where there is no n, and no interval in cell 0."""
    known = np.isfinite(n) & (size > 0)
    rate, lower, upper = (np.full(len(n), np.nan) for _ in range(3))
    rate[known] = n[known] / size[known]
    later = known & (k > 0)
    lower[later], upper[later] = wilson(n[later], size[later], alpha)
    return dict(zip(COLUMNS[4:7], (rate, lower, upper), strict=True))


def pooled_rows(frame: pd.DataFrame, keys: list[str], alpha: float) -> pd.DataFrame:
    """Return the cells of all cohorts together, each period only over those that reached it."""
    ripe = frame[frame["mature"] & (frame["cohort_size"] > 0)]
    rows = ripe.groupby([*keys, "period"], as_index=False).agg(
        n_cohorts=("cohort", "size"),
        cohort_size=("cohort_size", "sum"),
        n_retained=("n_retained", "sum"),
    )
    n, size = rows["n_retained"].to_numpy(float), rows["cohort_size"].to_numpy(float)
    return rows.assign(**rates(n, size, rows["period"].to_numpy(int), alpha))


def empty_frame(by: str | None = None) -> pd.DataFrame:
    """Return the frame of nobody."""
    kinds = {
        "cohort": "datetime64[us]", "period": "int64", "cohort_size": "int64", "n_retained": "Int64",
        "mature": "bool",
    }  # fmt: skip
    if by is not None:
        kinds = {by: "object", **kinds}
    names = COLUMNS if by is None else (by, *COLUMNS)
    return pd.DataFrame({name: pd.Series(dtype=kinds.get(name, "float64")) for name in names})


def typed_cells(counts: Mapping[str, Sequence[int | None]]) -> Cells:
    """Return the cells that somebody typed in: cohort → size, then who came back one period later, ….

    Raises
    ------
    UsageError
        When a cohort is no day or month, or a count is not a whole number from 0 to the cohort's size.
    """
    rows = {pd.Timestamp(_day(cohort)): _row(cohort, row) for cohort, row in counts.items()}
    width = max(map(len, rows.values()), default=1)
    grid = np.full((len(rows), width), -1, np.int64)
    for place, cohort in enumerate(sorted(rows)):
        grid[place, : len(rows[cohort])] = rows[cohort]
    over = grid >= 0
    begun = np.flip(np.maximum.accumulate(np.flip(over, 1), 1), 1)
    return Cells(
        [""],
        np.where(over, grid, 0)[None],
        pd.DatetimeIndex(sorted(rows)).as_unit("us"),
        np.arange(1, width),
        begun | _given(rows, width),
        over,
    )


def _given(rows: Mapping[pd.Timestamp, list[int]], width: int) -> np.ndarray:
    lengths = np.array([len(rows[cohort]) for cohort in sorted(rows)])
    return np.asarray(np.arange(width)[None, :] < lengths[:, None])


def _day(cohort: str) -> dt.date:
    month = isinstance(cohort, str) and len(cohort) == len("2026-01")
    return dates.parse_day(f"{cohort}-01" if month else cohort, "cohort")


def _row(cohort: str, row: Sequence[int | None]) -> list[int]:
    known = [each for each in row if each is not None]
    whole = all(isinstance(each, int | np.integer) for each in known)
    if whole and known and row[0] is not None and all(0 <= each <= row[0] for each in known):
        return [-1 if each is None else int(each) for each in row]
    raise UsageError(
        ko=f"{cohort} {list(row)}: 처음 온 사람 수, 그 다음부터는 돌아온 사람 수를 적으십시오. "
        "0 이상의 정수이고, 처음 온 사람보다 많을 수 없습니다.",
        en=f"{cohort} {list(row)}: give the cohort's size and then how many came back, as whole "
        "numbers from 0 up to that size.",
    )
