"""What goes with stopping: the device, channel or page at a step, or a number such as the load time.

Of everybody who took a step, with their best attempt and its window over: do people with one value stop
there more often than all others? These are associations. People with one device differ from others
in much more than the device.

Frame, one row a step, trait and value, those with whom most stop beyond the others' share first:
``step, trait, value``; ``n_with`` people with the value at that step and ``rate_with`` of them who
stopped there; ``n_without, rate_without`` of all others; ``base_rate`` of everybody; ``diff`` =
rate_with − rate_without with Newcombe's interval; ``p_value``; ``p_value_adj`` (Benjamini–Hochberg over
all rows); ``n_more``, people who would have gone on at the others' rate. A number is cut into its
quarters among the people at that step.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import pandas as pd

from custmeasure.engine import MissingTable, Readable, Table, as_table, query
from custmeasure.errors import UsageError
from custmeasure.language import LANGUAGES, Lang, pick
from custmeasure.measure.funnel.cells import MIN_CELL, OTHERS, TOP, check_min_cell, folded_note
from custmeasure.measure.funnel.people import People, people
from custmeasure.measure.funnel.steps import Exclusion, Step
from custmeasure.measure.funnel.stops_log import BY_NAME, BY_QUARTER, CUTS
from custmeasure.show import format as fmt
from custmeasure.show.labels import label, value_label
from custmeasure.show.result import Result, missing_verdict
from custmeasure.show.words import Text, Verdict
from custmeasure.stats.groups import against_rest
from custmeasure.stats.multiple import benjamini_hochberg

TRAITS = ("device", "channel", "page")


@dataclass(frozen=True, eq=False, repr=False)
class StoppingResult(Result):
    """What goes with stopping; see the module for the columns."""

    name: ClassVar[str] = "stopping"
    COLUMNS: ClassVar[tuple[str, ...]] = (
        "step", "trait", "value", "n_with", "rate_with", "n_without", "rate_without", "base_rate",
        "diff", "diff_ci_lower", "diff_ci_upper", "p_value", "p_value_adj", "n_more",
    )  # fmt: skip
    FORMATS: ClassVar[Mapping[str, fmt.Formatter]] = {
        "rate_with": fmt.percent, "rate_without": fmt.percent,
    }  # fmt: skip
    SHOWN: ClassVar[int] = 8

    def shown_frame(self) -> pd.DataFrame:
        """Return the rows with whom most stop, without what a reader can do without."""
        rows = self.frame[(self.frame["diff"] > 0) & (self.frame["value"] != OTHERS)]
        shown = rows if len(rows) else self.frame
        return shown.drop(columns=["n_without", "p_value", "base_rate"]).head(self.SHOWN)

    def display_frame(self, lang: Lang | None = None) -> pd.DataFrame:
        """Return the frame as a reader sees it, the traits by the names of their columns."""
        shown = super().display_frame(lang)
        return shown.assign(
            **{label("trait", lang): [label(t, lang) for t in self.shown_frame()["trait"]]}
        )

    def headline(self, lang: Lang | None = None) -> str:
        """Return what goes with stopping most."""
        return self.reason.in_(lang)

    @classmethod
    def from_counts(
        cls,
        counts: pd.DataFrame,
        *,
        alpha: float = 0.05,
        definition: Mapping[str, object] | None = None,
        notes: Sequence[Text] = (),
    ) -> Self:
        """Return the associations from counts.

        Parameters
        ----------
        counts
            ``step, trait, value, n_with, n_stopped``: people with the value at the step, and those of
            them who stopped there.
        alpha
            1 - the confidence of the intervals, and the share of false alarms allowed among the rows
            that are called associated.
        """
        groups = counts.groupby(["step", "trait"], sort=False)
        parts = [_compared(own, alpha) for _, own in groups]
        frame = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=cls.COLUMNS)
        frame["p_value_adj"] = benjamini_hochberg(frame["p_value"].to_numpy(float))
        frame = frame.sort_values("n_more", ascending=False, kind="stable", ignore_index=True)
        known = {**(definition or {}), "confidence": 1 - alpha}
        verdict = _verdict(frame, alpha)
        return cls(frame[list(cls.COLUMNS)], known, (_OBSERVED, *notes), verdict=verdict)


_OBSERVED = Text(
    "함께 나타난다는 관찰입니다. 그 값인 사람은 온 주처럼 다른 점도 다르므로, "
    "그 값이 멈춤의 원인이라는 뜻은 아닙니다.",
    "These go together. People with a value differ in other things too, such as the week they came, "
    "so it does not follow that one causes the other.",
)


def stopping(
    events: Readable,
    steps: Sequence[str | Step],
    *,
    window: str | dt.timedelta,
    traits: Sequence[str] = TRAITS,
    numbers: Sequence[str] = (),
    start: str | dt.date | None = None,
    end: str | dt.date | None = None,
    as_of: str | dt.date | dt.datetime | None = None,
    unit: str = "visitor_id",
    session: str | dt.timedelta | None = None,
    order: str = "ordered",
    ties: str = "together",
    attempts: str = "best",
    exclusions: Sequence[str | Exclusion] = (),
    min_cell: int = MIN_CELL,
    alpha: float = 0.05,
) -> StoppingResult:
    """Say what goes with stopping at each step.

    Parameters
    ----------
    events, steps, window, start, end, as_of, unit, session, order, ties, attempts, exclusions
        As `stopped`.
    traits
        Columns of names; of the three that stand here by default, those that the events have.
    numbers
        Columns of numbers, such as the time a page takes to load; each is cut into quarters.
    min_cell
        Values of fewer people at a step become ``(others)``.
    alpha
        1 - the confidence of the intervals.

    Raises
    ------
    UnknownName
        For a column that does not exist, and as `stopped`.
    """
    table = as_table(events)
    if isinstance(table, MissingTable):
        empty = pd.DataFrame(columns=list(StoppingResult.COLUMNS))
        return StoppingResult(empty, {}, verdict=missing_verdict(table.name))
    check_min_cell(min_cell)
    names = [name for name in traits if traits != TRAITS or name in table.columns]
    if isinstance(traits, str) or isinstance(numbers, str):
        raise UsageError(
            ko="traits와 numbers는 열 이름의 목록이어야 합니다.",
            en="traits and numbers must be lists of columns.",
        )
    seen = people(
        table, steps, window=window, start=start, end=end, as_of=as_of, unit=unit, session=session,
        order=order, ties=ties, attempts=attempts, exclusions=exclusions,
    )  # fmt: skip
    parts = [_by_name(table, name, seen, unit, min_cell) for name in names]
    parts += [_by_quarter(table, name, seen, unit, min_cell) for name in numbers]
    counts = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["value"])
    n_folded = int(counts.loc[counts["value"] == OTHERS, "n_values"].sum()) if parts else 0
    return StoppingResult.from_counts(
        counts if parts else pd.DataFrame(columns=["step", "trait"]),
        alpha=alpha,
        definition={**seen.definition, "traits": [*names, *numbers]},
        notes=folded_note(n_folded, min_cell),
    )


def _asked(seen: People, min_cell: int) -> dict[str, object]:
    return {"last": len(seen.labels) - 1, "min_cell": min_cell, "top": TOP}


def _rows(table: Table, name: str, kind: str, unit: str, seen: People) -> Table:
    """Return the events with the steps that each can serve, and a trait."""
    picked = table.pick(unit=(unit, "text"), moment=("at", "instant"), trait=(name, kind))
    return picked.mark("mask", "event", seen.marks, only=True)


def _by_name(table: Table, name: str, seen: People, unit: str, min_cell: int) -> pd.DataFrame:
    events = _rows(table, name, "text", unit, seen)
    rows = query(BY_NAME, _asked(seen, min_cell), people=seen.taken, events=events).to_pandas()
    return _named(rows, name, seen)


def _by_quarter(table: Table, name: str, seen: People, unit: str, min_cell: int) -> pd.DataFrame:
    """Count a number by quarters, and name each by its limits."""
    events = _rows(table, name, "number", unit, seen)
    found = query(CUTS, {"last": len(seen.labels) - 1}, people=seen.taken, events=events)
    cuts = Table("cuts", found, tuple(found.column_names))
    asked = _asked(seen, min_cell)
    rows = query(BY_QUARTER, asked, people=seen.taken, events=events, cuts=cuts).to_pandas()
    limits = {row["step"]: (row["q1"], row["q2"], row["q3"]) for row in found.to_pylist()}
    values = [
        _quarter(value, limits.get(step))
        for step, value in zip(rows["step"], rows["value"], strict=True)
    ]
    return _named(rows.assign(value=values), name, seen)


def _quarter(value: str, limits: tuple[float, float, float] | None) -> str:
    """Return a quarter's name: its limits."""
    if limits is None or value not in "1234":
        return value
    q1, q2, q3 = (f"{limit:,.3g}" for limit in limits)
    return {"1": f"≤ {q1}", "2": f"{q1} – {q2}", "3": f"{q2} – {q3}", "4": f"> {q3}"}[value]


def _named(rows: pd.DataFrame, trait: str, seen: People) -> pd.DataFrame:
    names = seen.labels
    return rows.assign(step=[names[k] for k in rows["step"]], trait=trait).rename(
        columns={"n": "n_with"}
    )


def _compared(rows: pd.DataFrame, alpha: float) -> pd.DataFrame:
    """Compare each value of one trait at one step with all its other values."""
    n, k = rows["n_with"].to_numpy(int), rows["n_stopped"].to_numpy(int)
    seen = against_rest(k.tolist(), n.tolist(), alpha)
    rest = (n.sum() - n).astype(float)
    frame = rows[["step", "trait", "value", "n_with"]].assign(
        rate_with=k / n,
        n_without=n.sum() - n,
        rate_without=(k.sum() - k) / pd.Series(rest).where(rest > 0).to_numpy(),
        base_rate=k.sum() / n.sum(),
    )
    for name in ("diff", "diff_ci_lower", "diff_ci_upper", "p_value"):
        frame[name] = [getattr(each, name) for each in seen]
    return frame.assign(n_more=frame["diff"] * n)


def _verdict(frame: pd.DataFrame, alpha: float) -> Verdict:
    """Name the value with whom most stop beyond the others, among those chance does not explain."""
    sure = frame[(frame["p_value_adj"] < alpha) & (frame["diff"] > 0) & (frame["value"] != OTHERS)]
    if not len(sure):
        reason = Text(
            "멈춘 사람과 확실히 함께 나타나는 것이 없습니다.",
            "Nothing surely goes with stopping.",
        )
        return Verdict("cannot_tell", reason, code="NO_GAP")
    said: dict[Lang, str] = {lang: _most(sure.iloc[0], lang) for lang in LANGUAGES}
    return Verdict("worse", Text(said["ko"], said["en"]))


def _most(row: pd.Series, lang: Lang) -> str:
    what = f"{label(row['trait'], lang)} {value_label(str(row['value']), lang)}"
    step = value_label(row["step"], lang)
    rate, rest, base = (
        fmt.percent(float(row[name]), lang) for name in ("rate_with", "rate_without", "base_rate")
    )
    ends = fmt.interval(
        fmt.points(float(row["diff_ci_lower"]), lang),
        fmt.points(float(row["diff_ci_upper"]), lang),
        lang,
    )
    return pick(
        f"{step}에서 멈추는 것과 가장 크게 함께 나타나는 것은 {what}입니다. "
        f"{row['n_with']:,}명 중 {rate}가 멈췄고 나머지는 {rest}, 전체는 {base}입니다(차이 {ends}).",
        f"Stopping at {step} is most associated with {what.lower()}: {rate} of {row['n_with']:,} stopped, "
        f"against {rest} of the others and {base} overall (difference {ends}).",
        lang,
    )
