"""What must be said beside a test by the day: what was left out, and how the days were drawn."""

import datetime as dt
from collections.abc import Mapping

import pandas as pd

from custmeasure.improve.plan_test.store import Plan, changes, planned_note
from custmeasure.show.labels import setting_label
from custmeasure.show.words import Text, Verdict


def not_two(names: list[str], ends: dt.date | None) -> Verdict:
    """Return why days of these copies cannot be compared."""
    if not names:
        reason = Text("이 기간에 기록된 날이 없습니다.", "No day was recorded in this period.")
        return Verdict("cannot_tell", reason, code="NO_UNITS")
    if len(names) == 1 and ends is not None:
        return Verdict("cannot_tell", Text(
            f"이제 시작했습니다. 아직 {names[0]}안을 쓴 날뿐이고, 계획은 {ends}에 끝납니다.",
            f"The test has just begun: so far only days of {names[0]}. The plan ends on {ends}.",
        ), code="NOT_OVER")  # fmt: skip
    if len(names) == 1:
        return Verdict("invalid", Text(
            f"{names[0]}안을 쓴 날만 있어 견줄 것이 없습니다.",
            f"Only days of {names[0]} were recorded, so there is nothing to compare.",
        ), code="ONE_VARIANT")  # fmt: skip
    return Verdict("invalid", Text(
        f"문구가 {len(names)}개({', '.join(names)})입니다. 날을 나누는 시험은 두 문구씩 합니다. 하루는 한 "
        "문구만 쓸 수 있어, 셋을 한꺼번에 견주면 둘씩 차례로 하는 만큼 오래 걸리고 첫 답은 늦어집니다. "
        "둘을 먼저 견주고, 이긴 문구를 다음 문구와 견주십시오.",
        f"There are {len(names)} copies ({', '.join(names)}). By the day, two copies are compared at a "
        "time: a day shows only one, so three at once take about as long as two tests in turn, and the "
        "first answer comes later. Compare two, then the winner with the next one.",
    ), code="TOO_MANY_VARIANTS")  # fmt: skip


def left_out(n_days: int) -> list[Text]:
    """Return how many days could not be compared."""
    if not n_days:
        return []
    return [Text(
        f"짝이 되는 날이 없거나 앞 문구가 남아 있는 {n_days}일은 뺐습니다.",
        f"{n_days} days have no partner or still carry the copy before them; they are left out.",
    )]  # fmt: skip


def drawn(
    days: pd.DataFrame, treatment: str, plan: Plan | None, run: Mapping[str, object]
) -> list[Text]:
    """Return how the days were drawn: as planned, or on what the reader must rely."""
    if plan is None:
        arm = (days["variant"] == treatment).to_numpy()
        if len(arm) > 2 and (arm[1:] != arm[:-1]).all():
            return [ALTERNATING]
        return [NO_PLAN]
    notes = [planned_note(plan)]
    if run["metric"] == plan.metric:
        notes += changes(plan, run)
    else:
        notes += [*changes(plan, {}), _beside(plan)]
    asked = days["day"].map(lambda day: plan.days.get(str(day)[:10]))
    other = int((asked.notna() & (asked != days["variant"])).sum())
    if other:
        notes.append(Text(
            f"{other}일은 계획과 다른 문구를 썼습니다. 그런 날을 골라 바꾸었다면 결과를 믿을 수 없습니다.",
            f"On {other} days another copy ran than planned. If those days were chosen, the answer "
            "cannot be trusted.",
        ))  # fmt: skip
    return notes


def _beside(plan: Plan) -> Text:
    """Return that what is measured is not what was planned: something to look at, not to decide by."""
    return Text(
        f"계획한 지표는 {setting_label(plan.metric, 'ko')}입니다. 이 지표는 곁에서 보는 것이고, "
        "이것으로 정하지는 않습니다.",
        f"The plan is about {setting_label(plan.metric, 'en')}. This metric is looked at beside it; it does "
        "not decide.",
    )


ALTERNATING = Text(
    "두 문구를 하루씩 번갈아 썼고, 저장한 계획이 없습니다. 요일은 고르지만 우연히 나눈 것은 아니어서, "
    "날마다 번갈아 생기는 다른 일이 없었다고 믿을 때만 맞습니다.",
    "The copies alternated day by day, without a stored plan. Weekdays are balanced, but chance did not "
    "make the order: the answer holds if nothing else alternated with them.",
)
NO_PLAN = Text(
    "저장한 계획이 없어, 짝마다 동전을 던져 날을 정했다고 보고 계산했습니다.",
    "There is no stored plan; the numbers take it that a coin decided in each pair of days.",
)
