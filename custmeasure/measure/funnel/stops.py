"""What did the people who stopped do next, and where were they last?

Of everybody whose window is over and who did not take the last step, by the last step they took in
their best attempt: the next thing they did within the window, or that they left; and the page of the
last thing they did within it.

Frame, one row a step and next event: ``step, n_stopped`` (people who stopped there), ``next_event``
(``(left)``: nothing more within the window), ``n_next, next_rate`` with Wilson's interval. The rows of
a step add up to ``n_stopped``. ``pages`` holds ``step, n_stopped, last_page, n_last, last_rate`` likewise.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Self

import numpy as np
import pandas as pd

from custmeasure.engine import MissingTable, Readable, as_table, query
from custmeasure.language import LANGUAGES, Lang, pick
from custmeasure.measure.funnel.cells import MIN_CELL, OTHERS, TOP, check_min_cell, folded_note
from custmeasure.measure.funnel.people import People, people
from custmeasure.measure.funnel.steps import Exclusion, Step
from custmeasure.measure.funnel.stops_log import LAST_PAGE, LEFT, NEXT
from custmeasure.show import format as fmt
from custmeasure.show.labels import value_label
from custmeasure.show.result import Listing, missing_verdict
from custmeasure.show.words import Text, Verdict
from custmeasure.stats.proportion import wilson

# Step → what came next (or the last page) → people.
Counts = Mapping[str, Mapping[str, int]]

SHOWN = 3  # rows of each step that are printed


@dataclass(frozen=True, eq=False, repr=False)
class LastPages(Listing):
    """Where the people who stopped were last; see the module for the columns."""

    name: ClassVar[str] = "last_pages"
    COLUMNS: ClassVar[tuple[str, ...]] = (
        "step", "n_stopped", "last_page", "n_last",
        "last_rate", "last_rate_ci_lower", "last_rate_ci_upper",
    )  # fmt: skip

    def shown_frame(self) -> pd.DataFrame:
        """Return the most frequent pages of each step."""
        return self.frame.groupby("step", sort=False).head(SHOWN)

    def caption(self, lang: Lang | None = None) -> str:  # noqa: ARG002
        """Return nothing: the definition stands under what they did next."""
        return ""


@dataclass(frozen=True, eq=False, repr=False)
class StoppedResult(Listing):
    """What the people who stopped did next; see the module for the columns.

    Attributes
    ----------
    pages
        The page on which they were last.
    """

    pages: LastPages = field(kw_only=True)

    name: ClassVar[str] = "stopped"
    COLUMNS: ClassVar[tuple[str, ...]] = (
        "step", "n_stopped", "next_event", "n_next",
        "next_rate", "next_rate_ci_lower", "next_rate_ci_upper",
    )  # fmt: skip

    def shown_frame(self) -> pd.DataFrame:
        """Return the most frequent next events of each step."""
        return self.frame.groupby("step", sort=False).head(SHOWN)

    @classmethod
    def from_counts(
        cls,
        next_events: Counts,
        last_pages: Counts | None = None,
        *,
        alpha: float = 0.05,
        definition: Mapping[str, object] | None = None,
        notes: Sequence[Text] = (),
    ) -> Self:
        """Return the answer from counts.

        Parameters
        ----------
        next_events, last_pages
            Step → next event, or last page, → people; the event ``"(left)"`` counts those who did
            nothing more.
        alpha
            1 - the confidence of the intervals.

        Raises
        ------
        UsageError
            When a number is no count.
        """
        known = {**(definition or {}), "confidence": 1 - alpha}
        events = _shares(next_events, "next_event", "next", alpha)
        pages = _shares(last_pages or {}, "last_page", "last", alpha)
        shown = LastPages(pages[list(LastPages.COLUMNS)], known, verdict=_listing(_on_pages(pages)))
        return cls(
            events[list(cls.COLUMNS)], known, (*notes, _WITHIN), pages=shown,
            verdict=_listing(_on_events(events)),
        )  # fmt: skip

    @classmethod
    def without(cls, verdict: Verdict) -> Self:
        """Return an answer that holds nothing but its reason."""
        pages = LastPages(pd.DataFrame(columns=list(LastPages.COLUMNS)), {}, verdict=verdict)
        return cls(pd.DataFrame(columns=list(cls.COLUMNS)), {}, pages=pages, verdict=verdict)


_WITHIN = Text(
    "기한 안에 기록된 행동만 봅니다. '(떠남)'은 그 뒤 기한이 끝날 때까지 아무 기록이 없다는 뜻입니다.",
    "Only what was recorded within the window counts. '(left)' means that nothing more was.",
)


def stopped(
    events: Readable,
    steps: Sequence[str | Step],
    *,
    window: str | dt.timedelta,
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
) -> StoppedResult:
    """Say what the people who stopped did next, and where they were last.

    Parameters
    ----------
    events, steps, window, start, end, as_of, unit, session, order, ties, attempts, exclusions
        As `funnel`; in any order nobody stops at a step, so ``"any"`` is not known here. An optional
        step is none to stop at.
    min_cell
        Events and pages of fewer people become ``(others)``.
    alpha
        1 - the confidence of the intervals.

    Raises
    ------
    UnknownName, UsageError
        As `funnel`.
    """
    table = as_table(events)
    if isinstance(table, MissingTable):
        return StoppedResult.without(missing_verdict(table.name))
    check_min_cell(min_cell)
    seen = people(
        table, steps, window=window, start=start, end=end, as_of=as_of, unit=unit, session=session,
        order=order, ties=ties, attempts=attempts, exclusions=exclusions,
    )  # fmt: skip
    after = table.pick(
        unit=(unit, "text"),
        moment=("at", "instant"),
        event=("event", "text"),
        page=("page", "text?"),
    )
    fold = {"min_cell": min_cell, "top": TOP}
    nexts = query(NEXT, fold, people=seen.taken, events=after).to_pandas()
    pages = query(LAST_PAGE, fold, people=seen.taken, events=after).to_pandas()
    n_folded = sum(int(rows["n_values"][rows["value"] == OTHERS].sum()) for rows in (nexts, pages))
    return StoppedResult.from_counts(
        _counts(nexts, seen),
        _counts(pages, seen) if "page" in table.columns else None,
        alpha=alpha,
        definition=seen.definition,
        notes=folded_note(n_folded, min_cell),
    )


def _counts(rows: pd.DataFrame, seen: People) -> dict[str, dict[str, int]]:
    names = seen.labels
    counts: dict[str, dict[str, int]] = {names[k]: {} for k in sorted(set(rows["step"]))}
    for step, value, n in rows[["step", "value", "n"]].itertuples(index=False):
        counts[names[step]][str(value)] = int(n)
    return counts


def _shares(counts: Counts, value: str, short: str, alpha: float) -> pd.DataFrame:
    """Return one row a step and value, the most frequent first, as shares of the step's people."""
    rows = [
        (step, sum(own.values()), name, n)
        for step, own in counts.items()
        for name, n in sorted(own.items(), key=lambda item: -item[1])
    ]
    frame = pd.DataFrame(rows, columns=["step", "n_stopped", value, f"n_{short}"])
    k, n = (frame[name].to_numpy(float) for name in (f"n_{short}", "n_stopped"))
    lower, upper = wilson(k, n, alpha)
    with np.errstate(invalid="ignore"):
        rate = k / n
    ends = {f"{short}_rate_ci_lower": lower, f"{short}_rate_ci_upper": upper}
    return frame.assign(**{f"{short}_rate": rate}, **ends)


def _listing(reason: Text) -> Verdict:
    return Verdict("cannot_tell", reason, code="LISTING")


def _on_events(frame: pd.DataFrame) -> Text:
    """Say, of the step before the last one first, how many left at once and what the others did."""
    if not len(frame):
        return Text("멈춘 사람이 없습니다.", "Nobody stopped.")
    said: dict[Lang, str] = {
        lang: " ".join(_on_step(rows, lang) for rows in _last_steps(frame)) for lang in LANGUAGES
    }
    return Text(said["ko"], said["en"])


def _last_steps(frame: pd.DataFrame) -> list[pd.DataFrame]:
    """Return the rows of the two steps nearest to the end."""
    names = list(dict.fromkeys(frame["step"]))[-2:]
    return [frame[frame["step"] == name] for name in reversed(names)]


def _on_step(rows: pd.DataFrame, lang: Lang) -> str:
    step, n = value_label(str(rows["step"].iloc[0]), lang), f"{rows['n_stopped'].iloc[0]:,}"
    left = rows[rows["next_event"] == LEFT]
    share = fmt.percent(float(left["next_rate"].iloc[0]) if len(left) else 0.0, lang)
    others = rows[~rows["next_event"].isin((LEFT, OTHERS))]
    ko, en = (
        f"{step}에서 멈춘 {n}명 가운데 {share}가 기한 안에 아무것도 더 하지 않았습니다",
        f"Of {n} who stopped at {step}, {share} did nothing more within the window",
    )
    if not len(others):
        return pick(f"{ko}.", f"{en}.", lang)
    event = value_label(str(others["next_event"].iloc[0]), lang)
    rate = fmt.percent(float(others["next_rate"].iloc[0]), lang)
    return pick(
        f"{ko}. 그다음으로 많은 행동은 {event}({rate})입니다.",
        f"{en}; the next thing most others did was {event} ({rate}).",
        lang,
    )


def _on_pages(frame: pd.DataFrame) -> Text:
    if not len(frame):
        return Text("페이지의 기록이 없습니다.", "There is no record of pages.")
    rows = _last_steps(frame)[0]
    said: dict[Lang, str] = {lang: _page(rows.iloc[0], lang) for lang in LANGUAGES}
    return Text(said["ko"], said["en"])


def _page(row: pd.Series, lang: Lang) -> str:
    step, page = value_label(row["step"], lang), value_label(row["last_page"], lang)
    rate = fmt.percent(float(row["last_rate"]), lang)
    return pick(
        f"{step}에서 멈춘 사람의 {rate}는 {page}에 마지막으로 있었습니다.",
        f"{rate} of those who stopped at {step} were last on {page}.",
        lang,
    )
