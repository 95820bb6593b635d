"""Which cohort or segment came back less than all others: the verdicts of a retention table."""

from collections.abc import Iterable

import pandas as pd

from custmeasure.language import LANGUAGES, Lang, pick
from custmeasure.measure.retention.frame import pooled_rows
from custmeasure.show.labels import label, value_label
from custmeasure.show.words import Text, Verdict
from custmeasure.stats.groups import against_rest
from custmeasure.stats.multiple import benjamini_hochberg

_FORMS = {"month": "%Y-%m", "hour": "%Y-%m-%d %H:00"}


def cohort_name(cohort: pd.Timestamp, period: str) -> str:
    """Return a cohort as a reader names it: ``2026-03`` for a month, the first day otherwise."""
    return cohort.strftime(_FORMS.get(period, "%Y-%m-%d"))


def segment_name(by: str, value: object, lang: Lang) -> str:
    """Return a segment as a sentence names it; of a flag, the column goes before."""
    if value in ("true", "false"):
        said = ("예", "yes") if value == "true" else ("아니요", "no")
        return f"{label(by, lang)}: {pick(*said, lang)}"
    return value_label(str(value), lang)


def nobody() -> Verdict:
    """Return the verdict on nobody."""
    reason = Text("이 기간에 활동한 사람이 없습니다.", "Nobody was active in this period.")
    return Verdict("cannot_tell", reason, code="NO_UNITS")


def first_returns(frame: pd.DataFrame, period: int | None = None) -> pd.DataFrame:
    """Return the finished cells of ``period`` (the first after 0) of the cohorts that have anybody."""
    later = frame.loc[frame["period"] > 0, "period"]
    k = period if period is not None else (later.min() if len(later) else 1)
    ripe = frame["mature"] & (frame["period"] == k) & (frame["cohort_size"] > 0)
    return frame[ripe].reset_index(drop=True)


def cohort_verdict(frame: pd.DataFrame, alpha: float, period: str, k: int | None = None) -> Verdict:
    """Say whether some cohort came back less than all others ``k`` periods later."""
    if not frame["cohort_size"].sum():
        return nobody()
    cells = first_returns(frame, k)
    if len(cells) < 2:
        reason = Text(
            "견줄 코호트가 아직 둘이 되지 않습니다.", "There are not yet two cohorts to compare."
        )
        return Verdict("cannot_tell", reason, code="ONE_COHORT")
    low = lower_than_rest(cells["n_retained"], cells["cohort_size"], alpha)
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


def segment_verdict(frame: pd.DataFrame, by: str, alpha: float) -> Verdict:
    """Say whether some segment came back less than all others in the first period."""
    if not frame["cohort_size"].sum():
        return nobody()
    cells = first_returns(pooled_rows(frame, [by], alpha).assign(mature=True))
    low = (
        lower_than_rest(cells["n_retained"], cells["cohort_size"], alpha) if len(cells) > 1 else []
    )
    if not low:
        reason = Text(
            "다른 묶음보다 확실히 덜 돌아온 묶음은 없습니다.",
            "No segment can be said to come back less than the others.",
        )
        return Verdict("cannot_tell", reason, code="NO_GAP")
    names_ko, names_en = (
        ", ".join(segment_name(by, cells[by][i], lang) for i in low) for lang in LANGUAGES
    )
    return Verdict("worse", Text(
        f"{names_ko} 고객은 다른 고객보다 덜 돌아왔습니다.",
        f"{names_en} came back less than the others.",
    ))  # fmt: skip


def no_customers() -> Verdict:
    """Return the verdict on orders of nobody, or of nobody long enough ago."""
    reason = Text(
        "기한이 지난 고객이 아직 없습니다.", "There is no customer yet whose window is over."
    )
    return Verdict("cannot_tell", reason, code="NO_UNITS")


def lower_than_rest(successes: Iterable[int], units: Iterable[int], alpha: float) -> list[int]:
    """Return the places whose rate is surely below that of all others (Benjamini–Hochberg)."""
    gaps = against_rest(list(map(int, successes)), list(map(int, units)), alpha)
    sure = benjamini_hochberg([gap.p_value for gap in gaps]) < alpha
    return [i for i, gap in enumerate(gaps) if sure[i] and gap.diff < 0]
