"""What a copy test looks like, and how its checks, its tables and its verdict come together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
import pandas as pd

from custmeasure.errors import UnknownName, UsageError
from custmeasure.improve.copy_test import gates
from custmeasure.improve.copy_test.effects import (
    EFFECT,
    Comparison,
    Measured,
    Quantile,
    Rate,
    Sample,
    comparisons,
    table,
    without_effect,
)
from custmeasure.improve.copy_test.family import decide_all, metrics_table, open_guards
from custmeasure.improve.copy_test.plan import Traffic
from custmeasure.improve.copy_test.verdict import Case
from custmeasure.improve.copy_test.watching import Watch, watch_note
from custmeasure.improve.copy_test.wording import Said, plain_change
from custmeasure.show import format as fmt
from custmeasure.show.result import Result
from custmeasure.show.words import Text, Verdict
from custmeasure.stats import Joint, Moments, SampleRatio, holm
from custmeasure.stats.exact import fisher, needs_exact
from custmeasure.stats.placebo import Placebo
from custmeasure.stats.tails import check_level

_FORMATS: Mapping[str, fmt.Formatter] = {"srm_p_value": fmt.p_value}
# How differences look, by what a variant's own value is.
FORMATS: Mapping[str, Mapping[str, fmt.Formatter]] = {
    "conversion_rate": _FORMATS,
    "revenue_amount": {**_FORMATS, "diff": fmt.money_change},
    "metric_value": {**_FORMATS, "diff": plain_change},
}
_MONEY: Mapping[str, fmt.Formatter] = {
    **_FORMATS, "diff": fmt.money_change, "metric_value": fmt.money, "cap": fmt.money,
}  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class CopyTestResult(Result):
    """Variants side by side by their conversion rate; see the module for the columns.

    Attributes
    ----------
    metrics
        One row a metric and treatment: its role, relative difference, adjusted p-value, the
        Bayesian view, and how often random splits of the same units were significant.
    daily
        One row a day and treatment: the difference so far, with the interval of that day's look.
    segments
        One row a segment and treatment, adjusted by Benjamini-Hochberg; empty without ``by``.
    checks
        One row a check of the data, in the order in which they were made.
    """

    metrics: pd.DataFrame = field(default_factory=pd.DataFrame, kw_only=True)
    daily: pd.DataFrame = field(default_factory=pd.DataFrame, kw_only=True)
    segments: pd.DataFrame = field(default_factory=pd.DataFrame, kw_only=True)
    checks: pd.DataFrame = field(default_factory=pd.DataFrame, kw_only=True)

    name: ClassVar[str] = "copy_test"
    VALUE: ClassVar[str] = "conversion_rate"
    COLUMNS: ClassVar[tuple[str, ...]] = (
        "variant", "n_units", "n_conversions",
        "conversion_rate", "conversion_rate_ci_lower", "conversion_rate_ci_upper", *EFFECT,
    )  # fmt: skip

    @property
    def formats(self) -> Mapping[str, fmt.Formatter]:
        """How columns look whose name alone does not decide it."""
        if self.VALUE == "metric_value" and "currency" in self.definition:
            return _MONEY
        return FORMATS[self.VALUE]

    def shown_frame(self) -> pd.DataFrame:
        """Return the rows that are printed: the adjusted p-value only where there are several."""
        several = len(self.frame) > 2 or bool(
            (self.frame["p_value_adj"] > self.frame["p_value"]).any()
        )
        return self.frame if several else self.frame.drop(columns="p_value_adj")


@dataclass(frozen=True, eq=False, repr=False)
class RevenueTestResult(CopyTestResult):
    """Variants side by side by their net revenue a unit."""

    VALUE: ClassVar[str] = "revenue_amount"
    COLUMNS: ClassVar[tuple[str, ...]] = (
        "variant", "n_units",
        "revenue_amount", "revenue_amount_ci_lower", "revenue_amount_ci_upper", *EFFECT,
    )  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class ValueTestResult(CopyTestResult):
    """Variants side by side by another mean, a ratio or a quantile."""

    VALUE: ClassVar[str] = "metric_value"
    COLUMNS: ClassVar[tuple[str, ...]] = (
        "variant", "n_units", "metric_value", "metric_value_ci_lower", "metric_value_ci_upper", *EFFECT,
    )  # fmt: skip


RESULTS = {each.VALUE: each for each in (CopyTestResult, RevenueTestResult, ValueTestResult)}


@dataclass(frozen=True)
class Plan:
    """What was fixed before the data were looked at.

    Attributes
    ----------
    control
        The variant that the others are compared with; the first one when None.
    shares
        Variant → planned share of the units; equal when None.
    min_effect
        The smallest relative difference that matters.
    alpha
        1 - the confidence, and the level of the test.
    """

    control: str | None = None
    shares: Mapping[str, float] | None = None
    min_effect: float = 0.05
    alpha: float = 0.05

    def __post_init__(self) -> None:
        check_level(self.alpha)
        if isinstance(self.min_effect, bool) or not 0 < self.min_effect < float("inf"):
            raise UsageError(
                ko=f"min_effect {self.min_effect!r}: 0보다 큰 상대 차이여야 합니다(예: 0.05 = 5%).",
                en=f"min_effect {self.min_effect!r} must be a relative difference above 0, "
                "such as 0.05 for 5 %.",
            )


@dataclass(frozen=True)
class Question:
    """One metric of a test, and what its variants' units did.

    Attributes
    ----------
    samples
        Variant → its sample; all of one kind.
    name, title, value
        The metric's name, what a reader calls it, and the column of a variant's own value.
    role
        ``"decision"`` or ``"guardrail"``.
    watch
        How the test is watched.
    sign
        1 when more is better, -1 when less is.
    margin
        The relative loss that a guardrail accepts.
    is_money
        Whether values are amounts.
    placebo
        How often random splits of the same units were significant; None where nobody tried.
    """

    samples: Mapping[str, Sample]
    name: str = "conversion"
    title: Text = Text("전환율", "Conversion rate")  # noqa: RUF009 - a Text is a str
    value: str = "conversion_rate"
    role: str = "decision"
    watch: Watch = Watch()
    sign: int = 1
    margin: float = 0.05
    is_money: bool = False
    placebo: Placebo | None = None

    def said(self, currency: str) -> Said:
        """Return how its numbers look."""
        formats = FORMATS[self.value]
        if self.is_money and self.value == "metric_value":
            formats = _MONEY
        return Said(self.title, self.value, formats, currency)


@dataclass(frozen=True)
class Frames:
    """The further tables of a result."""

    daily: pd.DataFrame = field(default_factory=pd.DataFrame)
    segments: pd.DataFrame = field(default_factory=pd.DataFrame)
    checks: pd.DataFrame = field(default_factory=pd.DataFrame)


def conclude(
    questions: Sequence[Question],
    plan: Plan,
    *,
    enrolled: Mapping[str, int] | None = None,
    traffic: Traffic | None = None,
    definition: Mapping[str, object] | None = None,
    notes: Sequence[Text] = (),
    unanswerable: Verdict | None = None,
    frames: Frames | None = None,
    looks_known: bool = True,
) -> CopyTestResult:
    """Return the result of a test from what each variant's units did.

    Parameters
    ----------
    questions
        The metrics, the one that the table shows first.
    plan
        What was fixed beforehand.
    enrolled
        Variant → units that were assigned, finished or not, for the check of the split; the units
        of the first metric's samples when not given.
    traffic
        The units that the test gets, to say until when it must run.
    definition, notes, frames
        What the result carries beside its own.
    unanswerable
        A verdict that stands whatever the numbers are.
    looks_known
        Whether the earlier looks are known from history.
    """
    given = dict(definition or {})
    currency = str(given.get("currency", "KRW"))
    asked = [replace(each, samples=control_first(each.samples, plan)) for each in questions]
    first = asked[0]
    enrolled = enrolled or {name: sample.n for name, sample in first.samples.items()}
    split = gates.check_split(enrolled, plan.shares)
    cases = _cases(asked, plan, traffic, currency)
    invalid = gates.failed(enrolled, plan.shares, split) or gates.uncalibrated(
        [(each.title, each.placebo) for each in asked if each.role == "decision"]
    )
    empty = None if any(enrolled.values()) else nobody()
    verdict = invalid or unanswerable or empty or decide_all(asked, cases)
    said = [*notes, *gates.split_notes(enrolled, split)]
    if invalid is None:
        said += [
            *gates.placebo_notes([(each.title, each.placebo) for each in asked]),
            *_notes(cases),
        ]
        said.append(watch_note(first.watch, is_known=looks_known))
        said += open_guards(asked, cases)
    measured = metrics_table(asked, cases)
    more = frames or Frames()
    return RESULTS[first.value](
        without_effect(cases[0].frame) if invalid else cases[0].frame,
        _definition(given, first, plan, split),
        tuple(said),
        verdict=verdict,
        metrics=_blank(measured) if invalid else measured,
        daily=_blank(more.daily) if invalid else more.daily,
        segments=_blank(more.segments) if invalid else more.segments,
        checks=more.checks,
    )


def _cases(
    asked: Sequence[Question], plan: Plan, traffic: Traffic | None, currency: str
) -> list[Case]:
    """Return each metric's case; the p-values of decision metrics are one family (Holm)."""
    compared = [comparisons(each.samples, each.watch) for each in asked]
    adjusted = _family(asked, compared)
    several = (
        sum(len(c) for each, c in zip(asked, compared, strict=True) if each.role == "decision") > 1
    )
    return [
        Case(
            samples=each.samples,
            compared=seen,
            frame=table(each.samples, seen, plan.alpha, each.value).assign(
                p_value_adj=[np.nan, *values]
            ),
            said=each.said(currency),
            alpha=plan.alpha,
            min_effect=plan.min_effect,
            watch=each.watch,
            traffic=traffic,
            sign=each.sign,
            several=several and each.role == "decision",
        )
        for each, seen, values in zip(asked, compared, adjusted, strict=True)
    ]


def _family(
    asked: Sequence[Question], compared: Sequence[Mapping[str, Comparison]]
) -> list[list[float]]:
    """Return the adjusted p-values of each metric's comparisons; a guardrail's stay as they are."""
    plain = [[c.p_value for c in seen.values()] for seen in compared]
    decisions = [i for i, each in enumerate(asked) if each.role == "decision"]
    together = iter(holm([p for i in decisions for p in plain[i]]).tolist())
    return [
        [next(together) for _ in values] if i in decisions else values
        for i, values in enumerate(plain)
    ]


def _blank(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table with every effect blank."""
    effects = [name for name in (*EFFECT, "chance_to_beat_share", "loss_share") if name in frame]
    blanked = frame.assign(**dict.fromkeys(effects, np.nan))
    return blanked.assign(outcome="invalid") if "outcome" in blanked else blanked


def control_first(samples: Mapping[str, Sample], plan: Plan) -> dict[str, Sample]:
    """Return the samples with the control first, and planned variants that nobody saw.

    Raises
    ------
    UnknownName
        When the control is not one of them.
    UsageError
        When there are no samples.
    """
    if not samples:
        raise UsageError(ko="견줄 안이 없습니다.", en="There are no variants to compare.")
    empty = _empty(next(iter(samples.values())))
    every = {**samples, **{name: empty for name in plan.shares or () if name not in samples}}
    control = next(iter(every)) if plan.control is None else plan.control
    if control not in every:
        raise UnknownName("variant", control, every, where="control")
    return {control: every[control], **every}


def _empty(like: Sample) -> Sample:
    """Return the sample of a variant that nobody saw."""
    if isinstance(like, Rate):
        return Rate(0, 0)
    if isinstance(like, Measured):
        return replace(like, joint=Joint(0, like.joint.mean, like.joint.cov), k=0)
    return Quantile(Moments(0), 0) if isinstance(like, Quantile) else Moments(0)


def missing_copy_test(
    verdict: Verdict, definition: Mapping[str, object] | None = None, *, value: str
) -> CopyTestResult:
    """Return a test that has no rows, because a table or all exposures are missing."""
    kind = RESULTS[value]
    return kind(pd.DataFrame(columns=list(kind.COLUMNS)), definition or {}, verdict=verdict)


def _definition(
    given: Mapping[str, object], first: Question, plan: Plan, split: SampleRatio
) -> dict[str, object]:
    samples, watched = first.samples, first.watch
    total = sum(split.expected.values())
    shares = plan.shares or dict.fromkeys(samples, 1.0)
    whole = sum(shares.values())
    looks = {"n_looks": len(watched.days)} if watched.days else {}
    n = sum(sample.n for sample in samples.values())
    level = round(watched.level(n), 4) if watched.method != "one_look" else None
    return {
        **given,
        "control": next(iter(samples)),
        "alpha": plan.alpha,
        "min_effect": plan.min_effect,
        "shares": {name: share / whole for name, share in shares.items()},
        "srm_p_value": split.p_value if total else None,
        "method": watched.method,
        **looks,
        "look_alpha": level,
    }


def nobody() -> Verdict:
    """Return the verdict of a test that nobody entered."""
    reason = Text("이 기간에 시험에 든 사람이 없습니다.", "Nobody entered the test in this period.")
    return Verdict("cannot_tell", reason, code="NO_UNITS")


def _notes(cases: Sequence[Case]) -> list[Text]:
    return [*_several(cases), *_doubtful(cases), *_counted_exactly(cases)]


def _several(cases: Sequence[Case]) -> list[Text]:
    family = [case for case in cases if case.several]
    n = sum(len(case.compared) for case in family)
    if n < 2:
        return []
    if len(family) == 1:
        return [Text(
            f"안 {n}개를 기준안과 견주어, 보정한 p값(Holm)으로 판정합니다. 구간은 하나씩 본 것입니다.",
            f"{n} variants are compared with the control; the verdict uses the adjusted p-values "
            "(Holm). The intervals are those of each comparison alone.",
        )]  # fmt: skip
    return [Text(
        f"지표 {len(family)}개를 함께 보아 비교가 {n}번입니다. 판정에는 보정한 p값(Holm)을 씁니다.",
        f"{len(family)} metrics are decided on together, {n} comparisons in all; the verdict uses the "
        "adjusted p-values (Holm).",
    )]  # fmt: skip


def _counted_exactly(cases: Sequence[Case]) -> list[Text]:
    """Return the exact answer beside the interval's where conversions are few; without looks."""
    notes = []
    for case in cases:
        control = next(iter(case.samples.values()))
        for name in case.compared:
            sample = case.samples[name]
            if not (isinstance(sample, Rate) and isinstance(control, Rate)) or not case.can_test(
                name
            ):
                continue
            counts = (sample.k, sample.n, control.k, control.n)
            if needs_exact(*counts):
                shown = fmt.show("p_value", fisher(*counts).p_value)
                notes.append(Text(
                    f"{name}안: 전환이 적어 모든 경우도 세었습니다. 한 번 볼 때 정확한 p값은 {shown}입니다.",
                    f"{name}: there are few conversions, so every outcome was counted too: the exact "
                    f"p-value of a single look is {shown}.",
                ))  # fmt: skip
    return notes


def _doubtful(cases: Sequence[Case]) -> list[Text]:
    """Return what is not defined or hardly worth reading in the comparisons."""
    notes = []
    compared: list[Comparison] = [each for case in cases for each in case.compared.values()]
    if any(comparison.two_units for comparison in compared):
        notes.append(Text(
            "2명뿐인 안이 있습니다. 숫자는 나오지만 믿을 것이 못 됩니다.",
            "A variant has only 2 people: the numbers are there but mean next to nothing.",
        ))  # fmt: skip
    codes = {comparison.code for comparison in compared}
    if codes & {"ZERO_BASELINE", "BASELINE_NEAR_ZERO"}:
        notes.append(Text(
            "기준안의 값이 0이거나 0에 가까워 상대 차이는 정할 수 없습니다.",
            "The control's value is 0 or too close to 0, so the relative difference is not defined.",
        ))  # fmt: skip
    return notes
