"""The ``shop.toml`` of the sample shop; its comments are the help a shop owner reads."""

SHOP_TOML = """\
# 이 파일은 가게의 설정입니다. # 뒤의 글은 설명이며 결과에 영향을 주지 않습니다.
# This file describes the shop. What follows a # is help and changes nothing.

# 보고서에 보이는 이름 / The name that reports show.
name = "새벽로스터스 (Saebyeok Roasters, sample)"

# 하루가 바뀌는 기준 시간대 / The time zone in which a day begins and ends.
timezone = "Asia/Seoul"

# 통화 / The currency of every amount.
currency = "KRW"

# 보고서의 언어: "ko" 또는 "en" / The language of reports: "ko" or "en".
language = "ko"

# 표는 이 파일 옆의 events.parquet, orders.parquet … 입니다. 이름이 다르면 이렇게 적습니다.
# The tables lie beside this file: events.parquet, orders.parquet … Other names go like this:
# [tables.orders]
# file = "주문내역.csv"
# [tables.orders.columns]
# order_id = "주문번호"

# 구매까지의 단계와, 첫 단계부터 구매까지 기다려 주는 기간
# The steps to a purchase, and how long a visitor may take from the first to the last.
[funnel]
steps = ["visit", "view_product", "add_to_cart", "begin_checkout", "purchase"]
window = "7d"

# 목표. 0.15는 15 %입니다. / Targets. 0.15 means 15 %.
[targets]
funnel_overall_rate = 0.15

# 지표: 어떤 행동을, 며칠 안에 하면 성공으로 셀지
# Metrics: which event counts as success, and within how long.
[metrics.conversion]
event = "purchase"
window = "7d"

[metrics.add_to_cart]
event = "add_to_cart"
window = "1d"

# 실험: control은 지금까지의 안, shares는 계획한 비율, start와 end는 첫날과 마지막 날,
# tags는 그 문구의 종류(무엇을 앞세우는지). 종류는 copy_memory가 지난 시험과 모아 봅니다.
# Experiments: control is the copy so far, shares the planned split, start and end the first and last day,
# tags what kind of copy it is; copy_memory pools the kinds over all past tests.
[experiments.detail_page_copy]
title = "상세페이지 첫 문장 (Detail page: first sentence)"
control = "A"
shares = { A = 0.5, B = 0.5 }
unit = "visitor_id"
start = "2026-03-02"
end = "2026-05-10"
tags = { A = [], B = ["benefit_first"] }

[experiments.headline_copy]
title = "첫 화면 제목 (Home page headline)"
control = "A"
shares = { A = 0.5, B = 0.5 }
unit = "visitor_id"
start = "2026-06-15"
end = "2026-08-09"
tags = { A = ["number"], B = ["price_first"] }

[experiments.free_shipping_banner]
title = "무료배송 배너 (Free shipping banner)"
control = "A"
shares = { A = 0.5, B = 0.5 }
unit = "visitor_id"
start = "2026-08-17"
end = "2026-09-27"
tags = { A = [], B = ["price_first"] }

# 손님을 나눌 수 없는 스마트스토어 상품: 하루에 한 문구씩 (copy_days 표)
# A SmartStore product, where visitors cannot be split: one copy a day (table copy_days).
[experiments.smartstore_title]
title = "스마트스토어 상품명 (SmartStore: product title)"
control = "A"
start = "2026-04-06"
end = "2026-05-31"
tags = { A = [], B = ["benefit_first", "number"] }

[experiments.smartstore_thumbnail]
title = "스마트스토어 대표 사진 (SmartStore: thumbnail)"
control = "A"
start = "2026-07-06"
end = "2026-08-30"
tags = { A = [], B = ["comparison"] }

# 우리가 정한 목표 고객: 묶음마다 합은 1 / The customers we aim at: each group adds up to 1.
[customer.age_band]
"20s" = 0.35
"30s" = 0.40
"40s" = 0.15
"50s+" = 0.10

[customer.gender]
F = 0.60
M = 0.40

[customer.region]
"서울" = 0.45
"경기" = 0.30
"인천" = 0.05
"부산" = 0.06
"대구" = 0.04
"대전" = 0.04
"광주" = 0.03
"강원" = 0.02
"제주" = 0.01
"""
