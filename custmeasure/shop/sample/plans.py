"""The plans that the sample shop stored before its tests, as ``custmeasure plan`` writes them.

They are texts, not computed: a stored plan never changes, and its hash shows when it does. The copy of
every day of ``smartstore_title`` is read from its plan.
"""

import datetime as dt
import tomllib

SMARTSTORE_TITLE = """\
# 시험의 계획입니다. 저장한 뒤에 고치면 해시가 달라지고, 보고서가 그렇게 말합니다.
# The plan of a test. Once stored, a change shows: the hash no longer fits, and reports say so.

experiment = "smartstore_title"
control = "A"
kind = "by_day"
metric = "conversion"
start = "2026-04-06"
end = "2026-05-31"
alpha = 0.05
power = 0.8
min_effect = 0.4
method = "one_look"
rule = "B가 나으면 B를 쓰고, 아니면 A를 그대로 둔다."
carry_over = 0

[shares]
"A" = 0.5
"B" = 0.5

[days]
"2026-04-06" = "B"
"2026-04-07" = "A"
"2026-04-08" = "B"
"2026-04-09" = "A"
"2026-04-10" = "B"
"2026-04-11" = "A"
"2026-04-12" = "A"
"2026-04-13" = "A"
"2026-04-14" = "B"
"2026-04-15" = "A"
"2026-04-16" = "B"
"2026-04-17" = "A"
"2026-04-18" = "B"
"2026-04-19" = "B"
"2026-04-20" = "A"
"2026-04-21" = "A"
"2026-04-22" = "B"
"2026-04-23" = "A"
"2026-04-24" = "A"
"2026-04-25" = "A"
"2026-04-26" = "B"
"2026-04-27" = "B"
"2026-04-28" = "B"
"2026-04-29" = "A"
"2026-04-30" = "B"
"2026-05-01" = "B"
"2026-05-02" = "B"
"2026-05-03" = "A"
"2026-05-04" = "B"
"2026-05-05" = "B"
"2026-05-06" = "A"
"2026-05-07" = "A"
"2026-05-08" = "A"
"2026-05-09" = "A"
"2026-05-10" = "A"
"2026-05-11" = "A"
"2026-05-12" = "A"
"2026-05-13" = "B"
"2026-05-14" = "B"
"2026-05-15" = "B"
"2026-05-16" = "B"
"2026-05-17" = "B"
"2026-05-18" = "B"
"2026-05-19" = "B"
"2026-05-20" = "A"
"2026-05-21" = "A"
"2026-05-22" = "A"
"2026-05-23" = "B"
"2026-05-24" = "A"
"2026-05-25" = "A"
"2026-05-26" = "A"
"2026-05-27" = "B"
"2026-05-28" = "B"
"2026-05-29" = "B"
"2026-05-30" = "A"
"2026-05-31" = "B"

[stored]
written_at = "2026-04-03T01:20:00+00:00"
late = false
hash = "2cd0d7f0bce4c0467531e175664bcfe23fe4542f3accb06d0b50a6507d7c7153"
"""

DETAIL_PAGE_COPY = """\
# 시험의 계획입니다. 저장한 뒤에 고치면 해시가 달라지고, 보고서가 그렇게 말합니다.
# The plan of a test. Once stored, a change shows: the hash no longer fits, and reports say so.

experiment = "detail_page_copy"
control = "A"
kind = "split"
metric = "conversion"
window = "7d"
unit = "visitor_id"
start = "2026-03-02"
end = "2026-05-10"
alpha = 0.05
power = 0.8
min_effect = 0.2
method = "planned_end"
n_units = 2900
rule = "B가 나으면 5월 18일부터 모두에게 B를 보인다."
carry_over = 0

[shares]
"A" = 0.5
"B" = 0.5

[stored]
written_at = "2026-02-27T02:05:00+00:00"
late = false
hash = "8346027d9ba827e5f352a413e767a2c4cc5bcef4168ce196bec6458c47faeeb6"
"""

HEADLINE_COPY = """\
# 시험의 계획입니다. 저장한 뒤에 고치면 해시가 달라지고, 보고서가 그렇게 말합니다.
# The plan of a test. Once stored, a change shows: the hash no longer fits, and reports say so.

experiment = "headline_copy"
control = "A"
kind = "split"
metric = "conversion"
window = "7d"
unit = "visitor_id"
start = "2026-06-15"
end = "2026-08-09"
alpha = 0.05
power = 0.8
min_effect = 0.2
method = "planned_end"
n_units = 3500
rule = "B가 나으면 B를 쓰고, 아니면 A를 그대로 둔다."
carry_over = 0

[shares]
"A" = 0.5
"B" = 0.5

[stored]
written_at = "2026-06-12T00:40:00+00:00"
late = false
hash = "33c8c76a776492c3885e5c5dc2881f51b0f32b8c0ba507ae2a98584f1ddd759e"
"""

PLANS = {
    "smartstore_title": SMARTSTORE_TITLE,
    "detail_page_copy": DETAIL_PAGE_COPY,
    "headline_copy": HEADLINE_COPY,
}


def title_days() -> list[str]:
    """Return the copy of each day of ``smartstore_title``, in order."""
    days: dict[str, str] = tomllib.loads(SMARTSTORE_TITLE)["days"]
    return [days[day] for day in sorted(days, key=dt.date.fromisoformat)]
