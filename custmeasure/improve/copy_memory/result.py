"""What the memory looks like: kinds of copy with what they did, and every test with its luck taken out."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pandas as pd

from custmeasure.improve.copy_memory.reading import PastTest
from custmeasure.language import LANGUAGES, Lang, pick
from custmeasure.show import format as fmt
from custmeasure.show.labels import value_label
from custmeasure.show.result import Result
from custmeasure.show.words import Text, Verdict
from custmeasure.stats.multiple import benjamini_hochberg
from custmeasure.stats.shrinkage import Shrunk, TagEffect

# One kind shown in more tests than this is plenty for a sentence.
NAMED = 3


@dataclass(frozen=True, eq=False, repr=False)
class PastTestsResult(Result):
    """Every finished test: what was seen, and what it probably was."""

    name: ClassVar[str] = "past_tests"
    COLUMNS: ClassVar[tuple[str, ...]] = (
        "experiment", "variant", "ended_on", "n_units",
        "rel_diff", "rel_diff_ci_lower", "rel_diff_ci_upper",
        "likely_rel_diff", "likely_rel_diff_ci_lower", "likely_rel_diff_ci_upper", "own_share",
    )  # fmt: skip

    def headline(self, lang: Lang | None = None) -> str:
        """Return what the largest effect probably was; a list of tests is not judged."""
        return self.reason.in_(lang)


@dataclass(frozen=True, eq=False, repr=False)
class CopyMemoryResult(Result):
    """Kinds of copy with what they did; ``past`` holds every test behind them."""

    name: ClassVar[str] = "copy_memory"
    COLUMNS: ClassVar[tuple[str, ...]] = (
        "tag", "n_tests", "n_units", "rel_diff", "rel_diff_ci_lower", "rel_diff_ci_upper",
        "p_value", "p_value_adj", "finding",
    )  # fmt: skip
    past: PastTestsResult = field(kw_only=True)


def tag_table(
    tests: Sequence[PastTest], effects: dict[str, TagEffect], alpha: float
) -> pd.DataFrame:
    """Return one row a kind of copy, the surest first."""
    rows = [_row(tag, seen, tests) for tag, seen in effects.items()]
    frame = pd.DataFrame(rows, columns=["tag", "n_tests", "n_units", "rel_diff", "rel_diff_ci_lower",
                                        "rel_diff_ci_upper", "p_value", "code"])  # fmt: skip
    adjusted = benjamini_hochberg(frame["p_value"].to_numpy(float))
    sure = np.nan_to_num(adjusted, nan=1.0) < alpha
    finding = np.where(sure, np.where(frame["rel_diff"] > 0, "better", "worse"), "cannot_tell")
    finding = np.where(frame["code"] == "CONFOUNDED", "not_apart", finding)
    frame = frame.assign(p_value_adj=adjusted, finding=finding)
    order = frame.assign(unknown=frame["p_value"].isna()).sort_values(
        ["unknown", "p_value", "n_tests", "tag"], ascending=[True, True, False, True]
    )
    return order[list(CopyMemoryResult.COLUMNS)].reset_index(drop=True)


def _row(tag: str, seen: TagEffect, tests: Sequence[PastTest]) -> tuple[object, ...]:
    units = sum(test.n_units for test in tests if test.tags.get(tag))
    ends = (math.expm1(seen.mean), math.expm1(seen.ci_lower), math.expm1(seen.ci_upper))
    return (tag, seen.n_tests, units, *ends, seen.p_value, seen.code)


def past_table(tests: Sequence[PastTest], shrunk: Shrunk, z: float) -> pd.DataFrame:
    """Return one row a test, the latest first."""
    y = np.array([test.effect for test in tests])
    se = np.array([test.se for test in tests])
    frame = pd.DataFrame({
        "experiment": [test.experiment for test in tests],
        "variant": [f"{test.control} → {test.variant}" for test in tests],
        "ended_on": [test.ended_on for test in tests],
        "n_units": [test.n_units for test in tests],
        "rel_diff": np.expm1(y), "rel_diff_ci_lower": np.expm1(y - z * se),
        "rel_diff_ci_upper": np.expm1(y + z * se), "likely_rel_diff": np.expm1(shrunk.effect),
        "likely_rel_diff_ci_lower": np.expm1(shrunk.ci_lower),
        "likely_rel_diff_ci_upper": np.expm1(shrunk.ci_upper), "own_share": shrunk.own_weight,
    })  # fmt: skip
    return frame.iloc[::-1].reset_index(drop=True)


def each(sentence: Callable[[Lang], str]) -> Text:
    """Return ``sentence`` said in every language."""
    said = {lang: sentence(lang) for lang in LANGUAGES}
    return Text(said["ko"], said["en"])


def past_verdict(frame: pd.DataFrame, shrunk: Shrunk) -> Verdict:
    """Return what is to be said of the tests as a list."""
    if not len(frame):
        return Verdict("cannot_tell", NO_TESTS, code="NO_TESTS")
    if shrunk.code is not None:
        return Verdict("cannot_tell", Text(
            f"끝난 시험이 {len(frame)}개뿐이어서, 서로 견주어 운을 덜어 낼 수 없습니다.",
            f"Only {len(frame)} tests are over, too few to hear the others and take the luck out.",
        ), code=shrunk.code)  # fmt: skip
    row = frame.iloc[int(frame["rel_diff"].to_numpy().argmax())]
    return Verdict("cannot_tell", each(lambda lang: _luck(row, len(frame), lang)), code="LISTING")


def _luck(row: pd.Series, n: int, lang: Lang) -> str:
    seen, likely = (fmt.change(row[name], lang) for name in ("rel_diff", "likely_rel_diff"))
    low, high = (fmt.change(row[f"likely_rel_diff_ci_{end}"], lang) for end in ("lower", "upper"))
    inside = fmt.interval(low, high, lang)
    return pick(
        f"끝난 시험 {n}개 가운데 {row['experiment']}이(가) {seen}로 가장 컸습니다. 가장 좋아 보인 시험에는 "
        f"운이 섞이기 마련이라, 실제로는 {likely}({inside})쯤이었을 것입니다.",
        f"Of {n} finished tests, {row['experiment']} came out largest, with {seen}. What looks best is "
        f"partly luck; it probably was {likely} ({inside}).",
        lang,
    )


def verdict(frame: pd.DataFrame, n_tests: int) -> Verdict:
    """Return which kinds worked here, which did harm, or what is missing to tell."""
    if not n_tests:
        return Verdict("cannot_tell", NO_TESTS, code="NO_TESTS")
    if not len(frame):
        return Verdict("cannot_tell", NO_TAGS, code="NO_TAGS")
    good = frame[frame["finding"] == "better"].sort_values("rel_diff", ascending=False)
    bad = frame[frame["finding"] == "worse"].sort_values("rel_diff")
    if not len(good) and not len(bad):
        code = "TOO_FEW_TESTS" if frame["p_value"].isna().all() else None
        return Verdict("cannot_tell", each(lambda lang: _open(frame, n_tests, lang)), code)
    said = each(lambda lang: _found(good, bad, frame, n_tests, lang))
    return Verdict("better" if len(good) else "worse", said)


def _found(
    good: pd.DataFrame, bad: pd.DataFrame, frame: pd.DataFrame, n_tests: int, lang: Lang
) -> str:
    parts = []
    if len(good):
        parts.append(pick(f"여기서 통한 것은 {_named(good, lang)}입니다.",
                          f"What works here: {_named(good, lang)}.", lang))  # fmt: skip
    if len(bad):
        parts.append(pick(f"손해를 본 것은 {_named(bad, lang)}입니다.",
                          f"What costs sales here: {_named(bad, lang)}.", lang))  # fmt: skip
    open_ones = frame[~frame["finding"].isin(["better", "worse"])]
    if len(open_ones):
        names = ", ".join(value_label(str(tag), lang) for tag in open_ones["tag"])
        parts.append(pick(f"아직 모르는 것: {names}.", f"Not known yet: {names}.", lang))
    parts.append(
        pick(f"끝난 시험 {n_tests}개를 모았습니다.", f"From {n_tests} finished tests.", lang)
    )
    return " ".join(parts)


def _named(rows: pd.DataFrame, lang: Lang) -> str:
    return ", ".join(_one(row, lang) for _, row in rows.head(NAMED).iterrows())


def _one(row: pd.Series, lang: Lang) -> str:
    value, low, high = (
        fmt.change(row[f"rel_diff{end}"], lang) for end in ("", "_ci_lower", "_ci_upper")
    )
    name, n = value_label(str(row["tag"]), lang), int(row["n_tests"])
    inside = fmt.interval(low, high, lang)
    return pick(
        f"'{name}' {value}({inside}, 시험 {n}개)", f"'{name}' {value} ({inside}, {n} tests)", lang
    )


def _open(frame: pd.DataFrame, n_tests: int, lang: Lang) -> str:
    known = frame[frame["p_value"].notna()]
    if not len(known):
        return pick(
            f"끝난 시험이 {n_tests}개여서 문구의 종류를 하나하나 가를 수 없습니다. "
            "종류가 하나만 다른 시험을 더 하십시오.",
            f"With {n_tests} finished tests the kinds of copy cannot be told apart. Run more tests in which "
            "one kind alone differs.",
            lang,
        )
    return pick(
        f"끝난 시험 {n_tests}개로는 어느 종류도 확실하지 않습니다. "
        f"가장 가까운 것은 {_one(known.iloc[0], lang)}입니다.",
        f"From {n_tests} finished tests no kind is sure. The nearest: {_one(known.iloc[0], lang)}.",
        lang,
    )


NO_TESTS = Text(
    "끝난 시험이 아직 없습니다. shop.toml의 [experiments.이름]에 시험과 문구의 종류(tags)를 적거나, "
    "copy_tests 표에 지난 시험의 합계를 적으십시오.",
    "No test is over yet. Declare tests with the kinds of their copies (tags) under [experiments.NAME] in "
    "shop.toml, or put the totals of past tests into the table copy_tests.",
)
NO_TAGS = Text(
    "끝난 시험은 있지만 문구의 종류가 적혀 있지 않습니다. tags에 benefit_first, proof처럼 적으십시오.",
    "There are finished tests, but nobody wrote down what kind of copy they showed. Write it as tags, "
    "such as benefit_first or proof.",
)
