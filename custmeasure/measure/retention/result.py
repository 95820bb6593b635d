"""What retention looks like: tidy cells, the matrix, the pooled row, its headline and verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import pandas as pd

from custmeasure import dates
from custmeasure.errors import check_choice
from custmeasure.language import Lang, pick
from custmeasure.measure.retention import frame as cells_of
from custmeasure.measure.retention.calendar import PERIODS
from custmeasure.measure.retention.count import Cells
from custmeasure.measure.retention.judge import (
    cohort_name,
    cohort_verdict,
    nobody,
    segment_verdict,
)
from custmeasure.measure.retention.plan import Plan
from custmeasure.show import format as fmt
from custmeasure.show.labels import label, value_label
from custmeasure.show.result import Result
from custmeasure.show.words import Text, Verdict

NOT_OVER = "·"
# period → in Korean, in English for one and for several.
_COUNTED = {
    "hour": ("시간", "hour", "hours"),
    "day": ("일", "day", "days"),
    "week": ("주", "week", "weeks"),
    "month": ("개월", "month", "months"),
}
_WHEN = {
    "on": ("{} 뒤에 다시 왔습니다", "came back {} later"),
    "on_or_after": ("{} 뒤나 그 뒤에 다시 왔습니다", "came back {} later or after that"),
    "on_or_before": ("{} 안에 다시 왔습니다", "came back within {}"),
}


@dataclass(frozen=True, eq=False, repr=False)
class RetentionResult(Result):
    """How many of each cohort came back; see the module for the columns.

    Of a split table the first column is the one it was split by.
    """

    name: ClassVar[str] = "retention"
    COLUMNS: ClassVar[tuple[str, ...]] = cells_of.COLUMNS

    @classmethod
    def from_cells(
        cls,
        cells: Cells | None,
        plan: Plan,
        *,
        by: str | None = None,
        alpha: float = 0.05,
        n_nobody: int = 0,
        definition: Mapping[str, object] | None = None,
    ) -> Self:
        """Return the table of counted cells; None is a log without anybody."""
        said = {**(definition or {}), **_said(plan, alpha)}
        if cells is None or not len(cells.cohorts):
            empty = cells_of.empty_frame(by)
            return cls(empty, said, _notes(empty, plan, n_nobody), verdict=nobody())
        frame = cells_of.cells_frame(cells, alpha, by)
        notes = _notes(frame, plan, n_nobody)
        return cls(frame, said, notes, verdict=_judged(frame, alpha, plan.period, by))

    @classmethod
    def from_counts(
        cls,
        counts: Mapping[str, Sequence[int | None]],
        *,
        period: str = "month",
        alpha: float = 0.05,
    ) -> Self:
        """Return the table of cohorts that somebody counted.

        Parameters
        ----------
        counts
            Cohort (its first day ``"2026-01-01"``, or its month ``"2026-01"``) → its size, then how many
            came back one period later, two, …; None is a period that is not over.
        period
            What a period is.
        alpha
            1 - the confidence of the intervals.

        Raises
        ------
        UsageError
            When a cohort is no day, or a count is no whole number from 0 to the cohort's size.

        Examples
        --------
        >>> table = RetentionResult.from_counts({"2026-01": [100, 40, 30], "2026-02": [80, 20, None]})
        >>> table.said("en")
        '33.3% (26.9% to 40.5%) of 180 people came back 1 month later.'
        """
        check_choice("period", period, PERIODS)
        frame = cells_of.cells_frame(cells_of.typed_cells(counts), alpha)
        definition = {"period": period, "mode": "on", "confidence": 1 - alpha}
        return cls(frame, definition, _waiting(frame), verdict=_judged(frame, alpha, period, None))

    @property
    def by(self) -> str | None:
        """The column that the table is split by."""
        first = str(self.frame.columns[0])
        return None if first == "cohort" else first

    @property
    def pooled(self) -> pd.DataFrame:
        """The pooled row: ``period, n_cohorts, cohort_size, n_retained, retained_rate, …ci…``.

        ``cohort_size`` adds up the cohorts whose period k is over, and only those. Of a split table
        there is one for each segment.
        """
        keys = [self.by] if self.by else []
        alpha = 1 - float(str(self.definition.get("confidence", 0.95)))
        return cells_of.pooled_rows(self.frame, keys, alpha)

    def matrix(self, value: str = "retained_rate") -> pd.DataFrame:
        """Return one column of the frame with a row a cohort and a column a period.

        Parameters
        ----------
        value
            ``"retained_rate"``, ``"n_retained"`` or another column.
        """
        index = [self.by, "cohort"] if self.by else "cohort"
        wide = self.frame.pivot_table(
            index=index, columns="period", values=value, aggfunc="first", dropna=False
        )
        return wide.sort_index()

    def display_frame(self, lang: Lang | None = None) -> pd.DataFrame:
        """Return the matrix as a reader sees it, the pooled row first; of a split table, a row a segment."""
        if self.by:
            parts = self.pooled.groupby(self.by, sort=False) if len(self.frame) else ()
            rows = [self._segment_cells(str(name), part, lang) for name, part in parts]
            return pd.DataFrame(rows).fillna("")
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
        if self.by or not len(self.frame):
            return ""
        pooled = self.pooled
        later = pooled[pooled["period"] > 0]
        if not len(later):
            return ""
        row = later.iloc[0]
        rate = fmt.show("retained_rate", row["retained_rate"], lang)
        ends = fmt.interval(
            fmt.show("retained_rate", row["retained_rate_ci_lower"], lang),
            fmt.show("retained_rate", row["retained_rate_ci_upper"], lang),
            lang,
        )
        shown, n = (f"{rate} ({ends})" if ends else rate), f"{row['cohort_size']:,.0f}"
        when_ko, when_en = (
            sentence.format(self._length(int(row["period"]), each))
            for sentence, each in zip(
                _WHEN[str(self.definition["mode"])], ("ko", "en"), strict=True
            )
        )
        return pick(
            f"처음 온 {n}명 가운데 {shown}가 {when_ko}.", f"{shown} of {n} people {when_en}.", lang
        )

    def cell_name(self, period: int) -> str:
        """Return a period as a column names it: ``3``, or ``2–3`` for a bracket."""
        brackets = self.definition.get("brackets")
        ends = [0, *brackets] if isinstance(brackets, list) else []
        if period not in ends:
            return str(period)
        first = ends[ends.index(period) - 1] + 1 if period else 0
        return str(period) if first == period else f"{first}–{period}"

    def _length(self, period: int, lang: str) -> str:
        ko, one, several = _COUNTED[str(self.definition["period"])]
        name = self.cell_name(period)
        return f"{name}{ko}" if lang == "ko" else f"{name} {one if name == '1' else several}"

    def _rate_cells(self, rows: pd.DataFrame, lang: Lang | None) -> dict[str, str]:
        shown = {
            self.cell_name(int(period)): fmt.show("retained_rate", rate, lang)
            for period, rate in zip(rows["period"], rows["retained_rate"], strict=True)
        }
        return {name: rate for name, rate in shown.items() if name != "0"}

    def _segment_cells(self, name: str, part: pd.DataFrame, lang: Lang | None) -> dict[str, str]:
        return {
            label(str(self.by), lang): value_label(name, lang),
            label("cohort_size", lang): f"{part['cohort_size'].max():,}",
            **self._rate_cells(part, lang),
        }

    def _pooled_cells(self, lang: Lang | None) -> dict[str, str]:
        sizes = self.frame.drop_duplicates("cohort")["cohort_size"].sum()
        cells = {label("cohort", lang): pick("전체", "All", lang),
                 label("cohort_size", lang): f"{sizes:,}"}  # fmt: skip
        return {**cells, **self._rate_cells(self.pooled, lang)}

    def _cohort_cells(
        self, cohort: pd.Timestamp, part: pd.DataFrame, lang: Lang | None
    ) -> dict[str, str]:
        cells = {label("cohort", lang): cohort_name(cohort, str(self.definition["period"])),
                 label("cohort_size", lang): f"{part['cohort_size'].iloc[0]:,}"}  # fmt: skip
        rates = self._rate_cells(part, lang)
        over = dict(zip(map(self.cell_name, part["period"]), part["mature"], strict=True))
        return {**cells, **{name: rate if over[name] else NOT_OVER for name, rate in rates.items()}}


def missing_retention(verdict: Verdict) -> RetentionResult:
    """Return the retention of a shop without the table asked for, the reason as verdict."""
    return RetentionResult(cells_of.empty_frame(), {}, verdict=verdict)


def _judged(frame: pd.DataFrame, alpha: float, period: str, by: str | None) -> Verdict:
    return segment_verdict(frame, by, alpha) if by else cohort_verdict(frame, alpha, period)


def _said(plan: Plan, alpha: float) -> dict[str, object]:
    """Return a plan as a definition says it; what is as usual is left out."""
    return {
        "period": plan.period,
        "mode": plan.mode,
        "cohort": plan.cohort,
        "clock": plan.clock if plan.width else None,
        "brackets": list(plan.brackets) or None,
        "min_occurrences": plan.times if plan.times > 1 else None,
        "week_start": plan.week_start if plan.week_start != "monday" else None,
        "start": plan.first,
        "end": plan.last,
        "timezone": plan.timezone,
        "as_of": dates.local(plan.as_of, plan.timezone),
        "confidence": 1 - alpha,
    }


def _waiting(frame: pd.DataFrame) -> tuple[Text, ...]:
    """Return the note on the cells that are not over."""
    waiting = int((~frame["mature"] & (frame["period"] > 0)).sum())
    note = Text(
        f"'{NOT_OVER}'로 표시한 {waiting:,}칸은 기간이 끝나지 않아 비워 두었습니다. 0이 아닙니다.",
        f"{waiting:,} cells marked '{NOT_OVER}' are not over yet and left blank. They are not 0.",
    )
    return (note,) if waiting else ()


def _notes(frame: pd.DataFrame, plan: Plan, n_nobody: int) -> tuple[Text, ...]:
    notes = list(_waiting(frame))
    if plan.as_of is None:
        notes.append(Text(
            "자료가 언제까지인지(as_of) 몰라서, 마지막 기간도 끝난 것으로 셌습니다.",
            "Nobody said how far the data reach (as_of), so the last period counts as over.",
        ))  # fmt: skip
    if n_nobody:
        notes.append(Text(
            f"누구의 것인지 모르는 기록 {n_nobody:,}건은 세지 않았습니다.",
            f"{n_nobody:,} records name nobody and are not counted.",
        ))  # fmt: skip
    if plan.mode == "on_or_after":
        notes.append(Text(
            "이 방식의 비율은 앞으로 더 오를 수 있습니다. 늦게 돌아오는 사람이 더해집니다.",
            "Rates of this mode can still rise: those who come back late are added.",
        ))  # fmt: skip
    return tuple(notes)
