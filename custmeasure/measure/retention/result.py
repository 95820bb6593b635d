"""What retention looks like: tidy cells, the matrix, the pooled row, its headline and verdict."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import pandas as pd

from custmeasure.errors import UsageError
from custmeasure.language import Lang, pick
from custmeasure.show import format as fmt
from custmeasure.show.labels import label
from custmeasure.show.result import Result
from custmeasure.show.words import Text, Verdict
from custmeasure.stats.groups import against_rest
from custmeasure.stats.multiple import benjamini_hochberg
from custmeasure.stats.proportion import wilson

_FREQUENCY = {"hour": "h", "day": "D", "week": "W-SUN", "month": "M"}
_COUNTED = {
    "hour": ("시간", "hour"),
    "day": ("일", "day"),
    "week": ("주", "week"),
    "month": ("개월", "month"),
}
NOT_OVER = "·"
_MOST_CELLS = 3_000_000
_DAY = pd.Timedelta(1, "D")
_INSTANT = pd.Timedelta(1, "us")  # the finest that two instants can differ by


@dataclass(frozen=True, eq=False, repr=False)
class RetentionResult(Result):
    """How many of each cohort came back; see the module for the columns."""

    name: ClassVar[str] = "retention"
    COLUMNS: ClassVar[tuple[str, ...]] = (
        "cohort", "period", "cohort_size", "n_retained",
        "retained_rate", "retained_rate_ci_lower", "retained_rate_ci_upper", "mature",
    )  # fmt: skip

    @classmethod
    def from_cells(
        cls,
        cells: pd.DataFrame,
        *,
        period: str,
        mode: str = "on",
        first: dt.date | None = None,
        last: dt.date | None = None,
        known: dt.datetime | None = None,
        as_of: dt.datetime | None = None,
        alpha: float = 0.05,
        definition: Mapping[str, object] | None = None,
        n_without_unit: int = 0,
    ) -> Self:
        """Return the table from counted cells.

        Parameters
        ----------
        cells
            ``cohort, period`` (instants on the wall clock) and ``n`` units, as `count_cells` counts
            them for ``mode``; the cell whose period is the cohort's own holds the cohort's size
            together with the later ones of ``on_or_after``.
        period, mode
            The calendar period and the mode.
        first, last
            The days of the first and the last cohort; the cells' own when not given.
        known
            The last activity on the wall clock: no period after its own has cells.
        as_of
            The last complete instant on the wall clock; None counts every period as over.
        alpha
            1 - the confidence of the intervals.

        Raises
        ------
        UsageError
            When the table would have millions of cells.
        """
        frequency = _FREQUENCY[period]
        said = {**(definition or {}), "period": period, "as_of": as_of, "confidence": 1 - alpha}
        ends = [moment for moment in (known, as_of) if moment is not None]
        final = pd.Period(max(ends), frequency) if ends else None
        cohorts = _cohorts(cells, first, last, final, frequency)
        if final is None or not len(cohorts):
            empty = _empty()
            return cls(empty, said, _notes(empty, mode, as_of, n_without_unit), verdict=_nobody())
        counts = _counts(cells, cohorts, final, mode, frequency)
        frame = _frame(counts, cohorts, as_of, alpha)
        verdict = cohort_verdict(frame, alpha, period)
        return cls(frame, said, _notes(frame, mode, as_of, n_without_unit), verdict=verdict)

    @property
    def pooled(self) -> pd.DataFrame:
        """The pooled row: ``period, n_cohorts, cohort_size, n_retained, retained_rate, …ci…``.

        ``cohort_size`` adds up the cohorts whose period k is over, and only those.
        """
        ripe = self.frame[self.frame["mature"] & (self.frame["cohort_size"] > 0)]
        rows = ripe.groupby("period", as_index=False).agg(
            n_cohorts=("cohort", "size"),
            cohort_size=("cohort_size", "sum"),
            n_retained=("n_retained", "sum"),
        )
        rates = _rates(
            rows["n_retained"].to_numpy(float),
            rows["cohort_size"].to_numpy(float),
            rows["period"].to_numpy(int),
            1 - float(str(self.definition.get("confidence", 0.95))),
        )
        return rows.assign(**rates)

    def matrix(self, value: str = "retained_rate") -> pd.DataFrame:
        """Return one column of the frame with a row a cohort and a column a period.

        Parameters
        ----------
        value
            ``"retained_rate"``, ``"n_retained"`` or another column.
        """
        wide = self.frame.pivot_table(
            index="cohort", columns="period", values=value, aggfunc="first", dropna=False
        )
        return wide.sort_index()

    def display_frame(self, lang: Lang | None = None) -> pd.DataFrame:
        """Return the matrix as a reader sees it, the pooled row first."""
        rows = [self._pooled_cells(lang)] if len(self.frame) else []
        for cohort, part in self.frame.groupby("cohort", sort=True):
            if part["cohort_size"].iloc[0]:
                rows.append(self._cohort_cells(cohort, part, lang))  # type: ignore[arg-type]
        return pd.DataFrame(rows).fillna("")

    def shown_frame(self) -> pd.DataFrame:
        """Return the matrix with the columns that `display_frame` shows."""
        return self.display_frame()

    def headline(self, lang: Lang | None = None) -> str:
        """Return which cohort stands out, then how many came back one period later."""
        return f"{self.reason.in_(lang)} {self.said(lang)}".strip()

    def said(self, lang: Lang | None = None) -> str:
        """Return how many of all cohorts came back one period later, with the interval."""
        pooled = self.pooled if len(self.frame) else pd.DataFrame()
        if len(pooled) < 2:
            return ""
        row = pooled.iloc[1]
        rate = fmt.show("retained_rate", row["retained_rate"], lang)
        ends = fmt.interval(
            fmt.show("retained_rate", row["retained_rate_ci_lower"], lang),
            fmt.show("retained_rate", row["retained_rate_ci_upper"], lang),
            lang,
        )
        unit_ko, unit_en = _COUNTED[str(self.definition["period"])]
        shown, n = (f"{rate} ({ends})" if ends else rate), f"{row['cohort_size']:,.0f}"
        return pick(
            f"처음 온 {n}명 가운데 {shown}가 1{unit_ko} 뒤에 다시 왔습니다.",
            f"{shown} of {n} people came back 1 {unit_en} later.",
            lang,
        )

    def _pooled_cells(self, lang: Lang | None) -> dict[str, str]:
        sizes = self.frame.drop_duplicates("cohort")["cohort_size"].sum()
        cells = {label("cohort", lang): pick("전체", "All", lang),
                 label("cohort_size", lang): f"{sizes:,}"}  # fmt: skip
        for row in self.pooled.itertuples():
            if row.period:
                cells[str(row.period)] = fmt.show("retained_rate", row.retained_rate, lang)
        return cells

    def _cohort_cells(
        self, cohort: pd.Timestamp, part: pd.DataFrame, lang: Lang | None
    ) -> dict[str, str]:
        cells = {label("cohort", lang): cohort_name(cohort, str(self.definition["period"])),
                 label("cohort_size", lang): f"{part['cohort_size'].iloc[0]:,}"}  # fmt: skip
        for row in part[part["period"] > 0].itertuples():
            shown = fmt.show("retained_rate", row.retained_rate, lang) if row.mature else NOT_OVER
            cells[str(row.period)] = shown
        return cells


def missing_retention(verdict: Verdict) -> RetentionResult:
    """Return the retention of a shop without the table asked for, the reason as verdict."""
    return RetentionResult(_empty(), {}, verdict=verdict)


def _empty() -> pd.DataFrame:
    counts = dict.fromkeys(("period", "cohort_size"), "int64")
    kinds = {"cohort": "datetime64[us]", **counts, "n_retained": "Int64", "mature": "bool"}
    columns = {name: kinds.get(name, "float64") for name in RetentionResult.COLUMNS}
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in columns.items()})


def cohort_name(cohort: pd.Timestamp, period: str) -> str:
    """Return a cohort as a reader names it: ``2026-03`` for a month, the first day otherwise."""
    forms = {"month": "%Y-%m", "hour": "%Y-%m-%d %H:00"}
    return cohort.strftime(forms.get(period, "%Y-%m-%d"))


def _cohorts(
    cells: pd.DataFrame,
    first: dt.date | None,
    last: dt.date | None,
    final: pd.Period | None,
    frequency: str,
) -> pd.PeriodIndex:
    """Return the cohorts from the first to the last asked for, or to the last that has anybody."""
    if final is None or first is None:
        return pd.PeriodIndex([], freq=frequency)
    until = final
    if last is not None:
        until = min(final, pd.Period(pd.Timestamp(last) + _DAY - _INSTANT, frequency))
    elif len(cells):
        until = pd.Period(cells["cohort"].max(), frequency)
    cohorts = pd.period_range(pd.Period(first, frequency), until)
    if len(cohorts) * (final.ordinal - pd.Period(first, frequency).ordinal) > _MOST_CELLS:
        raise UsageError(
            ko="기간에 비해 단위(period)가 너무 짧아 표가 너무 큽니다. 더 긴 단위를 고르거나 "
            "start를 늦추십시오.",
            en="The period is too short for so long a time: the table would be too large. Choose a "
            "longer period or a later start.",
        )
    return cohorts


def _counts(
    cells: pd.DataFrame, cohorts: pd.PeriodIndex, final: pd.Period, mode: str, frequency: str
) -> np.ndarray:
    """Return (n_cohorts, n_periods) units; column k is the k-th period after the cohort's own."""
    width = final.ordinal - cohorts[0].ordinal + 1
    grid = np.zeros((len(cohorts), width), np.int64)
    joined = pd.PeriodIndex(cells["cohort"], freq=frequency).asi8 - cohorts[0].ordinal
    k = pd.PeriodIndex(cells["period"], freq=frequency).asi8 - cohorts[0].ordinal - joined
    inside = (joined >= 0) & (joined < len(cohorts))
    np.add.at(grid, (joined[inside], k[inside]), cells["n"].to_numpy()[inside])
    if mode == "on_or_after":
        return grid[:, ::-1].cumsum(axis=1)[:, ::-1]
    if mode == "on_or_before":
        grid[:, 1:] = grid[:, 1:].cumsum(axis=1)
    return grid


def _frame(
    counts: np.ndarray, cohorts: pd.PeriodIndex, as_of: dt.datetime | None, alpha: float
) -> pd.DataFrame:
    """Return the tidy cells of every cohort up to the last period that has begun."""
    width = counts.shape[1]
    row, k = np.nonzero(np.arange(width)[None, :] < width - np.arange(len(cohorts))[:, None])
    ends = pd.PeriodIndex.from_ordinals(cohorts.asi8[row] + k + 1, freq=cohorts.freq)  # type: ignore[attr-defined]
    last = ends.to_timestamp() - _INSTANT
    mature = np.full(len(k), True) if as_of is None else np.asarray(last <= pd.Timestamp(as_of))
    shown = mature | (k == 0)
    n = np.where(shown, counts[row, k], np.nan)
    size = counts[row, 0]
    frame = pd.DataFrame({
        "cohort": cohorts.to_timestamp()[row], "period": k, "cohort_size": size,
        "n_retained": pd.array(n, dtype="Int64"),
    })  # fmt: skip
    frame = frame.assign(**_rates(n, size.astype(float), k, alpha), mature=mature)
    return frame[list(RetentionResult.COLUMNS)]


def _rates(n: np.ndarray, size: np.ndarray, k: np.ndarray, alpha: float) -> dict[str, np.ndarray]:
    """Return the rate and its interval; blank where there is no n, and no interval in cell 0."""
    known = np.isfinite(n) & (size > 0)
    rate, lower, upper = (np.full(len(n), np.nan) for _ in range(3))
    rate[known] = n[known] / size[known]
    later = known & (k > 0)
    lower[later], upper[later] = wilson(n[later], size[later], alpha)
    names = ("retained_rate", "retained_rate_ci_lower", "retained_rate_ci_upper")
    return dict(zip(names, (rate, lower, upper), strict=True))


def _notes(
    frame: pd.DataFrame, mode: str, as_of: dt.datetime | None, n_without_unit: int
) -> tuple[Text, ...]:
    notes = []
    waiting = int((~frame["mature"] & (frame["period"] > 0)).sum())
    if waiting:
        notes.append(Text(
            f"'{NOT_OVER}'로 표시한 {waiting:,}칸은 기간이 끝나지 않아 비워 두었습니다. 0이 아닙니다.",
            f"{waiting:,} cells marked '{NOT_OVER}' are not over yet and left blank. They are not 0.",
        ))  # fmt: skip
    if as_of is None:
        notes.append(Text(
            "자료가 언제까지인지(as_of) 몰라서, 마지막 기간도 끝난 것으로 셌습니다.",
            "Nobody said how far the data reach (as_of), so the last period counts as over.",
        ))  # fmt: skip
    if n_without_unit:
        notes.append(Text(
            f"누구의 것인지 모르는 기록 {n_without_unit:,}건은 세지 않았습니다.",
            f"{n_without_unit:,} records name nobody and are not counted.",
        ))  # fmt: skip
    if mode == "on_or_after":
        notes.append(Text(
            "이 방식의 비율은 앞으로 더 오를 수 있습니다. 늦게 돌아오는 사람이 더해집니다.",
            "Rates of this mode can still rise: those who come back late are added.",
        ))  # fmt: skip
    return tuple(notes)


def _nobody() -> Verdict:
    reason = Text("이 기간에 활동한 사람이 없습니다.", "Nobody was active in this period.")
    return Verdict("cannot_tell", reason, code="NO_UNITS")


def first_returns(frame: pd.DataFrame, period: int = 1) -> pd.DataFrame:
    """Return the finished cells of ``period`` of the cohorts that have anybody."""
    ripe = frame["mature"] & (frame["period"] == period) & (frame["cohort_size"] > 0)
    return frame[ripe].reset_index(drop=True)


def cohort_verdict(frame: pd.DataFrame, alpha: float, period: str, k: int = 1) -> Verdict:
    """Say whether some cohort came back less than all others ``k`` periods later."""
    if not frame["cohort_size"].sum():
        return _nobody()
    cells = first_returns(frame, k)
    if len(cells) < 2:
        reason = Text(
            "견줄 코호트가 아직 둘이 되지 않습니다.", "There are not yet two cohorts to compare."
        )
        return Verdict("cannot_tell", reason, code="ONE_COHORT")
    gaps = against_rest(
        list(map(int, cells["n_retained"])), list(map(int, cells["cohort_size"])), alpha
    )
    sure = benjamini_hochberg([gap.p_value for gap in gaps]) < alpha
    low = [i for i, gap in enumerate(gaps) if sure[i] and gap.diff < 0]
    if not low:
        reason = Text(
            "다른 코호트보다 확실히 덜 돌아온 코호트는 없습니다.",
            "No cohort can be said to come back less than the others.",
        )
        return Verdict("cannot_tell", reason, code="NO_GAP")
    names = ", ".join(cohort_name(cells["cohort"][i], period) for i in low)
    return Verdict("worse", Text(
        f"{names} 코호트는 다른 코호트보다 덜 돌아왔습니다.",
        f"The cohort of {names} came back less than the others.",
    ))  # fmt: skip
