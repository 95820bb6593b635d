"""Several metrics of one test: the ones that decide, the ones that must not suffer, and one verdict."""

import math
from collections.abc import Sequence
from typing import Protocol

from custmeasure.improve.copy_test.effects import Rate, Sample, own_value
from custmeasure.improve.copy_test.result import BELIEVED
from custmeasure.improve.copy_test.verdict import Case, decide
from custmeasure.improve.copy_test.wording import each, percent, topic
from custmeasure.language import Lang, pick
from custmeasure.show.rows import Rows
from custmeasure.show.words import Text, Verdict
from custmeasure.stats import MeanComparison
from custmeasure.stats.bayes import NormalPrior, Posterior, effect_posterior, rates_posterior
from custmeasure.stats.non_inferiority import guardrail

METRICS = (
    "metric", "role", "variant", "n_units", "rel_diff", "rel_diff_ci_lower", "rel_diff_ci_upper",
    "p_value", "p_value_adj", "outcome", *BELIEVED,
)  # fmt: skip


class Asked(Protocol):
    """What is needed of a metric that was asked about."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def title(self) -> Text:
        """What a reader calls it."""

    @property
    def role(self) -> str:
        """``"decision"`` or ``"guardrail"``."""

    @property
    def margin(self) -> float:
        """The relative loss that a guardrail accepts."""


def decide_all(asked: Sequence[Asked], cases: Sequence[Case]) -> Verdict:
    """Return the one verdict: a guardrail that is worse, then the goals.

    In order: a guardrail surely worse; a goal surely better and none worse; a goal surely worse; every
    goal without a difference worth having; cannot tell yet.
    """
    pairs = list(zip(asked, cases, strict=True))
    goals = [case for each_, case in pairs if each_.role == "decision"]
    verdicts = [decide(case) for case in goals]
    hurt = [(case, name) for a, case in pairs if a.role == "guardrail"
            for name in case.compared if guard(case, name, a.margin) == "worse"]  # fmt: skip
    if hurt:
        return _hurt(*hurt[0], verdicts[0])
    better = [v for v in verdicts if v == "better"]
    worse = [v for v in verdicts if v == "worse"]
    if better and worse:
        return _mixed(better[0], worse[0])
    for wanted in (better, worse):
        if wanted:
            return wanted[0]
    if all(verdict == "no_difference" for verdict in verdicts):
        return verdicts[0]
    return next(verdict for verdict in verdicts if verdict == "cannot_tell")


def guard(case: Case, name: str, margin: float) -> str:
    """Return what is known of a guardrail: ``"worse"``, ``"safe"`` (non-inferior) or ``"cannot_tell"``."""
    row = case.rows[name]
    one, other = (case.sign * float(row[f"rel_diff_ci_{end}"]) for end in ("lower", "upper"))
    return (
        guardrail(min(one, other), max(one, other), margin)
        if case.can_test(name)
        else "cannot_tell"
    )


def open_guards(asked: Sequence[Asked], cases: Sequence[Case]) -> list[Text]:
    """Return which guardrails are not shown to be safe yet, by how much they may still be worse."""
    notes = []
    for question, case in zip(asked, cases, strict=True):
        names = [
            name for name in case.compared if guard(case, name, question.margin) == "cannot_tell"
        ]
        if question.role != "guardrail" or not names:
            continue
        margin = percent(question.margin)
        subject = question.title.ko + topic(question.title.ko)
        notes.append(Text(
            f"{subject} {margin} 넘게 나빠지지 않았다고 아직 말할 수 없습니다({', '.join(names)}안).",
            f"{question.title}: it is not shown yet that it got worse by less than {margin} "
            f"({', '.join(names)}).",
        ))  # fmt: skip
    return notes


def metrics_table(asked: Sequence[Asked], cases: Sequence[Case]) -> Rows:
    """Return one row a metric and treatment, with the Bayesian view beside the test.

    ``chance_to_beat_share``, ``loss_share`` and ``credible_rel_diff`` (mean and credible interval of the
    difference) are all of one posterior; the last two ÷ the control's value as it was measured. The
    interval leaves 0 out exactly when the chance to beat is beyond 1 - alpha / 2.
    """
    rows = (
        _row(question, case, name)
        for question, case in zip(asked, cases, strict=True)
        for name in case.compared
    )
    return Rows(METRICS, tuple(rows))


def _row(question: Asked, case: Case, name: str) -> dict[str, object]:
    row = case.rows[name]
    base = own_value(next(iter(case.samples.values()))).mean
    base = base if base > 0 else math.nan
    seen = _believed(case, name, base)
    kept = {
        key: row[key]
        for key in ("n_units", "rel_diff", "rel_diff_ci_lower", "rel_diff_ci_upper", "p_value")
    }
    is_goal = question.role == "decision"
    return {
        "metric": shown_name(question.name, question.title),
        "role": question.role,
        "variant": name,
        **kept,
        "p_value_adj": row["p_value_adj"] if is_goal else math.nan,
        "outcome": case.outcome(name) if is_goal else guard(case, name, question.margin),
        "chance_to_beat_share": seen.chance_to_beat,
        "loss_share": seen.loss_if_chosen / base,
        "credible_rel_diff": seen.mean / base,
        "credible_rel_diff_ci_lower": seen.ci_lower / base,
        "credible_rel_diff_ci_upper": seen.ci_upper / base,
    }


def shown_name(name: str, title: Text) -> str:
    """Return a metric as a table holds it: its name where labels know it, else the shop's title."""
    return name if title.ko != str(title) else str(title)


def _believed(case: Case, name: str, base: float) -> Posterior:
    """Return the posterior of the difference, from a flat or the stated prior.

    Two rates under a flat prior exactly, all else by the difference's standard error.
    """
    control, treatment = next(iter(case.samples.values())), case.samples[name]
    lower = case.sign < 0
    if isinstance(control, Rate) and isinstance(treatment, Rate):
        if min(treatment.n, control.n) < 2:
            return Posterior(code="NO_UNITS")
        if case.prior is None:
            counts = (treatment.k, treatment.n, control.k, control.n)
            return rates_posterior(*counts, alpha=case.alpha, lower_is_better=lower)
    found = case.compared[name]
    se = found.se if isinstance(found, MeanComparison) else _se(treatment, control)
    prior = None
    if case.prior is not None:
        if math.isnan(base):
            return Posterior(code="ZERO_BASELINE")
        prior = NormalPrior(0.0, case.prior * base)
    return effect_posterior(found.diff, se, prior, alpha=case.alpha, lower_is_better=lower)


def _se(treatment: Sample, control: Sample) -> float:
    return math.hypot(own_value(treatment).se, own_value(control).se)


def _hurt(case: Case, name: str, goal: Verdict) -> Verdict:
    def said(lang: Lang) -> str:
        found = pick(
            f"지켜야 할 지표가 나빠졌습니다. {case.against_control(name, lang)} "
            "이 안을 쓰지 마십시오.",
            f"A metric that must not suffer got worse. {case.against_control(name, lang)} "
            "Do not use this copy.",
            lang,
        )
        won = pick(" 목표 지표는 좋아졌습니다.", " The goal itself improved.", lang)
        return found + (won if goal == "better" else "")

    return Verdict("worse", each(said), code="GUARDRAIL")


def _mixed(better: Verdict, worse: Verdict) -> Verdict:
    def said(lang: Lang) -> str:
        lead = pick(
            "한 지표는 좋아지고 다른 지표는 나빠졌습니다. 무엇이 더 중요한지 정해야 합니다.",
            "One goal got better and another worse. Decide which matters more.",
            lang,
        )
        return f"{lead} {better.reason.in_(lang)} {worse.reason.in_(lang)}"

    return Verdict("cannot_tell", each(said), code="MIXED")
