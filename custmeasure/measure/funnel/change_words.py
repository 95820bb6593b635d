"""The verdict on a change between two funnels, in words: by how much, at which step, in which group."""

import pandas as pd

from custmeasure.language import LANGUAGES, Lang, pick
from custmeasure.measure.funnel.change_rows import MIX, OVERALL, SIDES, difference
from custmeasure.show import format as fmt
from custmeasure.show.labels import value_label
from custmeasure.show.words import Text, Verdict


def change_verdict(
    frame: pd.DataFrame, names: tuple[str, str], min_effect: float, alpha: float
) -> Verdict:
    """Return the verdict on the overall rate, and the steps that explain most."""
    word, code = _word(frame.iloc[0], min_effect, alpha)
    sure = surely(frame, alpha)
    said: dict[Lang, list[str]] = {
        lang: [
            _sides(frame.iloc[0], names, lang),
            _missing(code, lang),
            _steps(sure, lang),
            _mix(frame, lang),
        ]
        for lang in LANGUAGES
    }
    texts = {lang: " ".join(filter(None, parts)) for lang, parts in said.items()}
    return Verdict(word, Text(texts["ko"], texts["en"]), code=code)


def parts_verdict(parts: pd.DataFrame, alpha: float, *, is_split: bool) -> Verdict:
    """Return which group's step adds most to the change."""
    if not is_split:
        reason = Text(
            "나누지 않은 깔때기여서 어느 집단이 변했는지는 모릅니다.",
            "The funnels are not split, so no group can be named.",
        )
        return Verdict("cannot_tell", reason, code="NO_GAP")
    sure = surely(parts, alpha)
    if not len(sure):
        reason = Text(
            "확실히 변했다고 할 수 있는 집단과 단계가 없습니다.",
            "No group can be said to have changed at any step.",
        )
        return Verdict("cannot_tell", reason, code="NO_GAP")
    row = sure.iloc[0]
    word = "worse" if row["overall_diff"] < 0 else "better"
    return Verdict(word, Text(_moved(row, "ko"), _moved(row, "en")))


def surely(rows: pd.DataFrame, alpha: float) -> pd.DataFrame:
    """Return the steps whose change chance does not explain, the one that adds most first."""
    sure = rows[(rows["p_value_adj"].to_numpy(float) < alpha) & (rows["part"] != OVERALL)]
    sure = sure[sure["overall_diff"].notna()]
    size = sure["overall_diff"].abs().to_numpy(float)
    return sure.iloc[(-size).argsort(kind="stable")]


def _word(row: pd.Series, min_effect: float, alpha: float) -> tuple[str, str | None]:
    """Return the verdict's word and code, from the overall rates of both sides."""
    seen = difference(row[list(SIDES)].to_numpy(float), alpha)
    if seen.code in ("NO_UNITS", "TOO_FEW_UNITS", "ZERO_VARIANCE"):
        return "cannot_tell", seen.code
    if seen.p_value < alpha:
        return ("better" if seen.diff > 0 else "worse"), None
    if seen.rel_diff_ci_lower > -min_effect and seen.rel_diff_ci_upper < min_effect:
        return "no_difference", None
    return "cannot_tell", "TOO_FEW_UNITS"


def _sides(row: pd.Series, names: tuple[str, str], lang: Lang) -> str:
    before, after = (
        _side(value_label(name, lang), row[f"n_people_{side}"], row[f"{side}_rate"], lang)
        for name, side in zip(names, ("before", "after"), strict=True)
    )
    diff, lower, upper = (
        fmt.show("diff", row[name], lang) for name in ("diff", "diff_ci_lower", "diff_ci_upper")
    )
    ends = fmt.interval(lower, upper, lang)
    gap = f" ({pick('차이', 'difference', lang)} {diff}, {ends})" if ends else ""
    return f"{before}, {after}{gap}."


def _side(name: str, n: float, rate: float, lang: Lang) -> str:
    share = fmt.show("x_rate", rate, lang)
    return pick(f"{name} {n:,.0f}명 중 {share}", f"{share} of {n:,.0f} {name}", lang)


def _missing(code: str | None, lang: Lang) -> str:
    """Return what is missing where one cannot tell."""
    if code is None:
        return ""
    if code == "NO_UNITS":
        return pick("한쪽에 들어온 사람이 없습니다.", "On one side nobody entered.", lang)
    if code == "ZERO_VARIANCE":
        return pick(
            "양쪽 모두 끝까지 간 사람이 없거나 전부여서 견줄 것이 없습니다.",
            "On both sides nobody, or everybody, got to the end: there is nothing to compare.",
            lang,
        )
    return pick(
        "이만한 차이는 우연히도 생깁니다.", "A difference of this size may be chance.", lang
    )


def _steps(sure: pd.DataFrame, lang: Lang) -> str:
    """Name the step that adds most and, if some step surely pulls the other way, that one too."""
    if not len(sure):
        return pick(
            "확실히 변한 단계는 없습니다.", "No single step can be said to have changed.", lang
        )
    first = sure.iloc[0]
    against = sure[(sure["overall_diff"] > 0) != (first["overall_diff"] > 0)]
    said = pick(
        f"가장 많이 설명하는 단계는 {_step(first, lang)}입니다.",
        f"The step that explains most is {_step(first, lang)}.",
        lang,
    )
    if not len(against):
        return said
    other = _step(against.iloc[0], lang)
    return f"{said} " + pick(
        f"반대로 움직인 단계는 {other}입니다.", f"The other way went {other}.", lang
    )


def _step(row: pd.Series, lang: Lang) -> str:
    before, after = (fmt.show("x_rate", row[f"{side}_rate"], lang) for side in ("before", "after"))
    points = fmt.show("diff", row["overall_diff"], lang)
    return pick(
        f"{value_label(row['part'], lang)}({before}에서 {after}, 전체에 {points})",
        f"{value_label(row['part'], lang)} ({before} to {after}, which adds {points} overall)",
        lang,
    )


def _mix(frame: pd.DataFrame, lang: Lang) -> str:
    rows = frame[frame["part"] == MIX]
    if not len(rows) or not frame["diff"].notna().iloc[0]:
        return ""
    points = fmt.show("diff", rows["overall_diff"].iloc[0], lang)
    return pick(
        f"온 사람의 구성이 달라진 몫은 {points}입니다.",
        f"A different mix of people accounts for {points}.",
        lang,
    )


def _moved(row: pd.Series, lang: Lang) -> str:
    name = value_label(str(row["segment"]), lang)
    return pick(
        f"전체를 가장 많이 움직인 곳은 {name}의 {_step(row, lang)}입니다.",
        f"What moved the whole most is {name} at {_step(row, lang)}.",
        lang,
    )
