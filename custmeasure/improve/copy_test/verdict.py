"""The decision of a copy test: better, worse, no difference, or what is missing to tell."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from custmeasure.improve.copy_test import wording
from custmeasure.improve.copy_test.effects import Comparison, Rate, Sample
from custmeasure.improve.copy_test.plan import POWER, Missing, Traffic, units_needed
from custmeasure.improve.copy_test.watching import Watch
from custmeasure.improve.copy_test.wording import Said
from custmeasure.language import Lang, pick
from custmeasure.show.rows import Row
from custmeasure.show.words import Text, Verdict

# Comparisons with these codes still say whether there is a difference, only not how large relatively.
_TESTED = (None, "BASELINE_NEAR_ZERO")


@dataclass(frozen=True)
class Case:
    """All that a decision rests on, by one metric; the control stands first in ``samples`` and ``rows``.

    Attributes
    ----------
    samples, compared, rows
        Variant → its sample, treatment → its comparison, and variant → its row in the table of both.
    said
        How the metric is said.
    alpha, min_effect
        Level of the whole test; the smallest relative difference that matters.
    watch
        How the test is watched.
    traffic
        The units it gets.
    sign
        1 when more is better, -1 when less is.
    several
        Whether p-values are adjusted for other comparisons.
    prior
        How large relative effects usually are (a standard deviation around 0); None for a flat prior.
    """

    samples: Mapping[str, Sample]
    compared: Mapping[str, Comparison]
    rows: Mapping[str, Row]
    said: Said
    alpha: float
    min_effect: float
    watch: Watch = Watch()
    traffic: Traffic | None = None
    sign: int = 1
    several: bool = False
    prior: float | None = None

    @property
    def control(self) -> Row:
        """The control's row."""
        return next(iter(self.rows.values()))

    def gain(self, name: str) -> float:
        """Return by how much a treatment is better, in the metric's unit."""
        return self.sign * self.compared[name].diff

    def against_control(self, name: str, lang: Lang) -> str:
        """Return a treatment beside the control, in words."""
        return wording.against(self.rows[name], self.control, self.said, lang, several=self.several)

    def can_test(self, name: str) -> bool:
        """Whether a treatment can be decided: it has a p-value and no rate rests on 0 conversions."""
        pair = (next(iter(self.samples.values())), self.samples[name])
        silent = any(isinstance(sample, Rate) and sample.k == 0 for sample in pair)
        return self.compared[name].code in _TESTED and not silent

    def is_sure(self, name: str) -> bool:
        """Whether a treatment differs from the control, all comparisons taken together."""
        return self.can_test(name) and bool(self.rows[name]["p_value_adj"] < self.alpha)

    def is_small(self, name: str) -> bool:
        """Whether the interval of the relative difference lies inside the smallest that matters."""
        row = self.rows[name]
        return bool(
            self.can_test(name)
            and row["rel_diff_ci_lower"] > -self.min_effect
            and row["rel_diff_ci_upper"] < self.min_effect
        )

    def outcome(self, name: str) -> str:
        """Return what is known of one treatment, as one of the verdicts."""
        if self.is_sure(name):
            return "better" if self.gain(name) > 0 else "worse"
        return "no_difference" if self.is_small(name) else "cannot_tell"


def decide(case: Case) -> Verdict:
    """Return the verdict on the treatments of a test that passed its checks, by one metric."""
    names = sorted(case.compared, key=lambda name: -_or_lowest(case.gain(name)))
    sure = [name for name in names if case.is_sure(name)]
    if sure and case.gain(sure[0]) > 0:
        return Verdict("better", _found(case, sure[0]))
    if sure == names:
        return Verdict("worse", _found(case, names[0]))
    open_ones = [name for name in names if name not in sure]
    if all(case.is_small(name) for name in open_ones):
        return Verdict("no_difference", _no_difference(case, open_ones[0]))
    testable = [name for name in open_ones if case.can_test(name)]
    if not testable:
        return _no_test(case, open_ones[0])
    return Verdict("cannot_tell", _not_yet(case, testable[0]))


def _found(case: Case, name: str) -> Text:
    def said(lang: Lang) -> str:
        sides = case.against_control(name, lang)
        if not case.is_small(name):
            return sides
        least = wording.percent(case.min_effect)
        small = pick(f"다만 의미 있다고 정한 {least}보다는 작은 차이입니다.",
                     f"That is less than the {least} that was set to matter.", lang)  # fmt: skip
        return f"{sides} {small}"

    return wording.each(said)


def _no_difference(case: Case, name: str) -> Text:
    least = wording.percent(case.min_effect)
    return _with_sides(
        case,
        name,
        lambda lang: pick(
            f"차이가 있어도 ±{least}보다 작습니다. 어느 안을 써도 됩니다.",
            f"If there is a difference, it is below ±{least}. Either may be used.",
            lang,
        ),
    )


def _no_test(case: Case, name: str) -> Verdict:
    code = case.compared[name].code or "NO_CONVERSIONS"
    if code in ("NO_UNITS", "TOO_FEW_UNITS"):
        few = [str(name) for name, row in case.rows.items() if row["n_units"] < 2]
        return Verdict("cannot_tell", Text(
            f"{', '.join(few)}안에 기한이 끝난 사람이 2명이 되지 않아 견줄 수 없습니다.",
            f"Fewer than 2 people in {', '.join(few)} have finished their window, "
            "so there is nothing to compare.",
        ), code=code)  # fmt: skip
    reason = _with_sides(case, name, lambda lang: _silent(case, name, lang))
    return Verdict("cannot_tell", reason, code=code)


def _silent(case: Case, name: str, lang: Lang) -> str:
    """Return why two samples that have units cannot be tested."""
    pair = [case.control, case.rows[name]]
    counted = "n_conversions" in case.control
    none = [str(row["variant"]) for row in pair if counted and not row["n_conversions"]]
    if len(none) == 1 and case.rows[name]["p_value_adj"] < case.alpha:
        return pick(
            f"{none[0]}안에만 전환이 하나도 없습니다. 전환이 기록되는지 먼저 확인하십시오.",
            f"Only {none[0]} has no conversion at all. Check first that its conversions are recorded.",
            lang,
        )
    if len(none) == 1:
        return pick(
            f"{none[0]}안에 전환이 생겨야 판정할 수 있습니다.",
            f"This can be judged once {none[0]} has conversions.",
            lang,
        )
    if none:
        return pick(
            "아직 전환이 하나도 없습니다. 전환이 생기면 답할 수 있습니다.",
            "There is no conversion yet. Once there are some, this can be answered.",
            lang,
        )
    return pick(
        "모두 같은 값이라 견줄 것이 없습니다. 값이 제대로 기록되는지 확인하십시오.",
        "All values of a variant are the same, so there is nothing to test. "
        "Check that they are recorded.",
        lang,
    )


def _not_yet(case: Case, name: str) -> Text:
    return _with_sides(case, name, lambda lang: _lacking(case, name, lang))


def _lacking(case: Case, name: str, lang: Lang) -> str:
    """Return how many more people would show the smallest effect that matters, or the one seen."""
    least, seen = (_missing(case, name, e) for e in (case.min_effect, case.rows[name]["rel_diff"]))
    if math.isnan(least.growth) or case.compared[name].code:
        return pick("사람이 더 있어야 가릴 수 있습니다.", "More people are needed to tell.", lang)
    if least.growth <= 1:
        return _enough(case.min_effect, lang)
    said = [_asked(case, least, lang)]
    if 1 < seen.growth < least.growth:
        said.append(_if_real(case, seen, lang))
    elif least.is_too_long(case.traffic):
        said.append(pick("더 크게 바꾼 안이라면 더 빨리 알 수 있습니다.",
                         "A bolder change would show sooner.", lang))  # fmt: skip
    return " ".join(said)


def _enough(min_effect: float, lang: Lang) -> str:
    least = wording.percent(min_effect)
    return pick(
        f"{least} 차이가 있었다면 거의 드러났을 만큼 모였습니다. 차이가 있어도 그보다 작을 것입니다.",
        f"There are enough people to have shown {least} in most cases. "
        "A difference, if any, is probably smaller.",
        lang,
    )


def _asked(case: Case, least: Missing, lang: Lang) -> str:
    effect, more = wording.percent(least.rel_diff), least.more(case.traffic, lang)
    chance = wording.percent(POWER)
    return pick(
        f"{effect} 차이를 {chance} 확률로 가리려면 {more} 필요합니다.",
        f"To see a difference of {effect} with a chance of {chance}, {more} are needed.",
        lang,
    )


def _if_real(case: Case, seen: Missing, lang: Lang) -> str:
    effect, more = wording.percent(seen.rel_diff), seen.more(case.traffic, lang)
    return pick(
        f"지금 보이는 {effect}가 실제 차이라면 {more} 필요합니다.",
        f"If the {effect} seen now is real, {more} are enough.",
        lang,
    )


def _missing(case: Case, name: str, rel_diff: float) -> Missing:
    control = next(iter(case.samples.values()))
    # Holm may ask as much as Bonferroni, so that is what is planned for.
    level = case.watch.level_at_end(case.samples[name].n + control.n) / len(case.compared)
    needed = units_needed(case.samples[name], control, rel_diff, level)
    n_units = sum(sample.n for sample in case.samples.values())
    return Missing(rel_diff, needed / max(control.n, 1), n_units, len(case.samples))


def _with_sides(case: Case, name: str, rest: Callable[[Lang], str]) -> Text:
    def said(lang: Lang) -> str:
        parts = [case.against_control(name, lang), rest(lang), _losers(case, lang)]
        return " ".join(part for part in parts if part)

    return wording.each(said)


def _losers(case: Case, lang: Lang) -> str:
    """Return which treatments are surely worse, beside the one that the verdict is about."""
    losers = [name for name in case.compared if case.is_sure(name) and case.gain(name) < 0]
    if not losers:
        return ""
    names, control = ", ".join(losers), case.control["variant"]
    return pick(
        f"{names}안은 {control}안보다 확실히 {_side(case)[0]}.",
        f"{names}: surely {_side(case)[1]} {control}.",
        lang,
    )


def _side(case: Case) -> tuple[str, str]:
    """Return how a loser stands to the control: below it, or above where less is better."""
    return ("낮습니다", "below") if case.sign > 0 else ("높습니다", "above")


def _or_lowest(diff: float) -> float:
    return -math.inf if math.isnan(diff) else diff
