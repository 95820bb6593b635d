"""What must be said beside a funnel's numbers."""

import datetime as dt

import numpy as np

from custmeasure.measure.funnel.log import Walked
from custmeasure.measure.funnel.plan import Plan
from custmeasure.measure.funnel.reduce import TOP, Groups
from custmeasure.show import format as fmt
from custmeasure.show.words import Text


def notes(walked: Walked, as_of: dt.datetime | None) -> list[Text]:
    """Return what must be said of who was counted."""
    found = []
    n_pending, n_void = walked.attempts.n_pending, walked.attempts.n_void
    if walked.n_without_unit:
        found.append(Text(
            f"누구의 것인지 모르는 기록 {walked.n_without_unit:,}건은 세지 않았습니다.",
            f"{walked.n_without_unit:,} events name nobody and are not counted.",
        ))  # fmt: skip
    if n_void:
        found.append(Text(
            f"제외한 행동을 한 {n_void:,}명은 첫 단계부터 빼고 셌습니다.",
            f"{n_void:,} people did what is excluded and are left out from the first step on.",
        ))  # fmt: skip
    if n_pending:
        found.append(Text(
            f"{n_pending:,}명은 아직 기한 안에 있어 빼고 셌습니다. 이탈이 아닙니다.",
            f"{n_pending:,} people are still within their window and are left out. "
            "They have not dropped off.",
        ))  # fmt: skip
    if as_of is None:
        found.append(Text(
            "자료가 언제까지인지(as_of) 몰라서, 기한이 모두 지난 것으로 셌습니다.",
            "Nobody said how far the data reach (as_of), so every window counts as over.",
        ))  # fmt: skip
    return found


def more_notes(walked: Walked, plan: Plan, segments: Groups, value: str | None) -> list[Text]:
    """Return what must be said of how they were counted."""
    found = _other_attempts(walked, plan)
    if segments.n_others:
        found.append(Text(
            f"사람이 많은 {TOP}개만 따로 보이고 나머지 {segments.n_others:,}개는 한 줄로 묶었습니다. "
            "합은 그대로입니다.",
            f"The {TOP} largest groups have rows of their own; the other {segments.n_others:,} are one "
            "row together. The sums stay exact.",
        ))  # fmt: skip
    n_blank = int(np.isnan(walked.attempts.amount).sum())
    if n_blank:
        found.append(Text(
            f"마지막 단계에 금액({value})이 없는 {n_blank:,}건은 0으로 셌습니다.",
            f"{n_blank:,} last steps have no {value} and count as 0.",
        ))  # fmt: skip
    return found


def _other_attempts(walked: Walked, plan: Plan) -> list[Text]:
    """Say how many got to the end under the other rule, where that is another number."""
    last, n_units = len(plan.steps) - 1, len(walked.attempts.taken)
    n_done = int(walked.attempts.reached(last).sum())
    n_other = int((walked.attempts.other == last).sum())
    if n_done == n_other:
        return []
    rates = [fmt.percent(n / n_units, "en") for n in (n_done, n_other)]
    if plan.attempts == "best":
        return [Text(
            f"가장 멀리 간 시도로 세면 {n_done:,}명({rates[0]})이, 첫 시도만 세면 {n_other:,}명"
            f"({rates[1]})이 끝까지 갔습니다.",
            f"{n_done:,} people ({rates[0]}) got to the end in their best attempt, {n_other:,} "
            f"({rates[1]}) in their first.",
        )]  # fmt: skip
    return [Text(
        f"첫 시도만 세어 {n_done:,}명({rates[0]})이 끝까지 갔습니다. 가장 멀리 간 시도로 세면 {n_other:,}명"
        f"({rates[1]})입니다.",
        f"{n_done:,} people ({rates[0]}) got to the end in their first attempt, {n_other:,} "
        f"({rates[1]}) in their best.",
    )]  # fmt: skip
