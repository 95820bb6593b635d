"""What a reader calls each column, each part of a definition and each of its values."""

from custmeasure import language
from custmeasure.language import Lang

# Column or definition key → (Korean, English).
LABELS: dict[str, tuple[str, str]] = {
    "step": ("단계", "Step"),
    "n_reached": ("도달", "Reached"),
    "step_rate": ("앞 단계 대비", "From step before"),
    "overall_rate": ("첫 단계 대비", "From first step"),
    "median_hours_to_step": ("앞 단계부터 걸린 시간(중앙값)", "Time from step before (median)"),
    "n_before": ("앞 단계", "At step before"),
    "n_others": ("나머지 인원", "Others"),
    "others_rate": ("나머지", "Others' rate"),
    "n_lost": ("놓친 사람(추정)", "People lost (estimate)"),
    "problem": ("문제", "Problem"),
    "n_visits": ("방문", "Visits"),
    "n_expected": ("같은 요일 보통", "Usual visits"),
    "p_value_adj_visits": ("방문 p값(보정)", "Visits, p-value adjusted"),
    "n_people": ("사람", "People"),
    "n_carts": ("담은 사람", "With a cart"),
    "cart_rate": ("담은 비율", "Cart rate"),
    "usual_cart_rate": ("보통 담는 비율", "Usual cart rate"),
    "cart_against": ("담은 비율의 기준", "Cart rate against"),
    "p_value_adj_cart": ("담은 비율 p값(보정)", "Cart rate, p-value adjusted"),
    "checkout_rate": ("담고 산 비율", "Checkout rate"),
    "usual_checkout_rate": ("보통 담고 사는 비율", "Usual checkout rate"),
    "checkout_against": ("담고 산 비율의 기준", "Checkout rate against"),
    "p_value_adj_checkout": ("담고 산 비율 p값(보정)", "Checkout rate, p-value adjusted"),
    "order_rate": ("산 비율", "Order rate"),
    "usual_order_rate": ("보통 사는 비율", "Usual order rate"),
    "order_against": ("산 비율의 기준", "Order rate against"),
    "p_value_adj_order": ("산 비율 p값(보정)", "Order rate, p-value adjusted"),
    "weeks": ("견준 주 수", "Weeks before"),
    "part": ("부분", "Part"),
    "before": ("이전", "Before"),
    "after": ("이후", "After"),
    "n_people_before": ("이전 인원", "People before"),
    "before_rate": ("이전 비율", "Rate before"),
    "n_people_after": ("이후 인원", "People after"),
    "after_rate": ("이후 비율", "Rate after"),
    "overall_diff": ("전체 비율에 보탠 몫", "Adds to the overall rate"),
    "n_change": ("끝까지 간 사람에 보탠 몫", "Adds to those at the end"),
    "segment": ("구분", "Segment"),
    "cohort": ("첫 구매 시기", "Joined in"),
    "cohort_size": ("인원", "People"),
    "period": ("지난 기간", "Periods later"),
    "n_retained": ("돌아온 사람", "Came back"),
    "retained_rate": ("돌아온 비율", "Came back, share"),
    "mature": ("기간 끝남", "Window over"),
    "n_cohorts": ("코호트 수", "Cohorts"),
    "variant": ("안", "Variant"),
    "n_units": ("인원", "People"),
    "n_conversions": ("전환", "Converted"),
    "conversion_rate": ("전환율", "Conversion rate"),
    "revenue_amount": ("1인당 순매출", "Net revenue a person"),
    "diff": ("차이", "Difference"),
    "rel_diff": ("상대 차이", "Relative difference"),
    "p_value": ("p값", "p-value"),
    "p_value_adj": ("p값(보정)", "p-value, adjusted"),
    "unit": ("세는 단위", "Counted by"),
    "window": ("기한", "Window"),
    "order": ("순서", "Order"),
    "ties": ("같은 시각", "Ties"),
    "start": ("시작일", "From"),
    "end": ("종료일", "To"),
    "as_of": ("자료 기준", "Data up to"),
    "by": ("나눈 기준", "Split by"),
    "timezone": ("시간대", "Time zone"),
    "engine": ("계산 엔진", "Engine"),
    "n_pending": ("아직 기한 안", "Still within the window"),
    "n_without_unit": ("단위 없는 기록", "Records without a unit"),
    "mode": ("세는 방식", "Mode"),
    "clock": ("기간을 세는 법", "Clock"),
    "brackets": ("묶은 기간", "Brackets"),
    "min_occurrences": ("최소 횟수", "At least"),
    "start_event": ("시작", "Joins by"),
    "return_event": ("돌아옴", "Comes back by"),
    "where": ("거른 조건", "Only where"),
    "week_start": ("한 주의 첫날", "Week begins on"),
    "experiment": ("실험", "Experiment"),
    "metric": ("지표", "Metric"),
    "control": ("기준안", "Control"),
    "alpha": ("유의수준", "alpha"),
    "n_crossover": ("두 안을 모두 본 사람", "Saw two variants"),
    "srm_p_value": ("배분 검정 p값", "Split check, p-value"),
    "shares": ("계획한 배분", "Planned split"),
    "min_effect": ("의미 있는 최소 차이", "Smallest difference that matters"),
    "target": ("목표", "Target"),
    "confidence": ("신뢰수준", "Confidence"),
    "currency": ("통화", "Currency"),
    "device": ("기기", "Device"),
    "channel": ("유입 경로", "Channel"),
    "campaign": ("광고 캠페인", "Campaign"),
    "page": ("페이지", "Page"),
    "day": ("날", "Day"),
    "n_rows": ("행", "Rows"),
    "n_usual": ("같은 요일 보통", "Usual for that weekday"),
    "gap": ("빠짐", "Gap"),
    "basis": ("날짜 기준", "By"),
    "line": ("항목", "Line"),
    "n_orders": ("주문", "Orders"),
    "n_buyers": ("산 사람", "Buyers"),
    "n_buyers_each_guest": ("산 사람(비회원은 매번 새로)", "Buyers, each guest anew"),
    "amount": ("금액", "Amount"),
    "running_amount": ("남은 금액", "What is left"),
    "table": ("표", "Table"),
    "file": ("파일", "File"),
    "n_in_file": ("파일의 행", "Rows in file"),
    "n_used": ("쓴 행", "Used"),
    "n_rejected": ("읽지 못한 행", "Rejected"),
    "n_duplicate": ("중복 행", "Duplicates"),
    "n_outside": ("기간 밖 행", "Outside the period"),
    "first_at": ("첫 기록", "First"),
    "last_at": ("마지막 기록", "Last"),
}

# Keys of a definition that mean something else than the column of that name.
_DEFINITIONS: dict[str, tuple[str, str]] = {
    "period": ("기간 단위", "Period"),
    "cohort": ("코호트", "Cohort"),
    "steps": ("단계", "Steps"),
}

# Values of a definition → (Korean, English).
SETTINGS: dict[str, tuple[str, str]] = {
    "visitor_id": ("방문자", "visitor"),
    "customer_id": ("고객", "customer"),
    "ordered": ("차례대로, 사이에 다른 행동 허용", "in order, other actions allowed between"),
    "strict": ("차례대로, 사이에 다른 행동 없음", "in order, nothing between"),
    "any": ("순서 상관없음", "in any order"),
    "together": ("함께 인정", "count together"),
    "later": ("더 늦은 것만", "strictly later only"),
    "on": ("그 기간에 다시 옴", "came back in that period"),
    "on_or_after": ("그 기간이나 그 뒤에 다시 옴", "came back in that period or later"),
    "on_or_before": ("그 기간까지 다시 옴", "came back by that period"),
    "day": ("일", "day"),
    "week": ("주(월요일 시작)", "week from Monday"),
    "month": ("월", "month"),
    "hour": ("시간", "hour"),
    "first": ("처음 온 때", "first time"),
    "recurring": ("올 때마다", "every time"),
    "rolling": ("각자 처음 온 때부터 24시간씩", "24 hours at a time from each one's own start"),
    "sunday": ("일요일", "Sunday"),
    "conversion": ("전환", "conversion"),
    "revenue": ("순매출", "net revenue"),
}

# Values that shops' data often hold → (Korean, English); no two share their words.
VALUES: dict[str, tuple[str, str]] = {
    "order_date": ("주문일", "order date"),
    "payment_date": ("결제일", "payment date"),
    "gross": ("주문 금액", "gross"),
    "discounts": ("할인", "discounts"),
    "cancels": ("취소", "cancelled orders"),
    "refunds": ("환불·반품", "refunds"),
    "net": ("순매출", "net"),
    "after_gross": ("주문 금액", "gross sales"),
    "after_discounts": ("할인을 뺀 금액", "sales after discounts"),
    "after_cancels": ("취소까지 뺀 금액", "sales after discounts and cancels"),
    "after_refunds": ("순매출", "net sales"),
    "(none)": ("(값 없음)", "(none)"),
    "(others)": ("(나머지)", "(others)"),
    "(overall)": ("전체", "overall"),
    "(traffic)": ("온 사람 수", "number of people"),
    "(mix)": ("온 사람의 구성", "mix of people"),
    "before": ("이전", "before"),
    "after": ("이후", "after"),
    "(all)": ("(모두)", "(all)"),
    "look_at_page": ("상세 페이지", "the page"),
    "look_at_checkout": ("결제", "the checkout"),
    "look_at_traffic": ("방문 수", "the traffic"),
    "look_at_several": ("여러 가지", "several"),
    "nothing_seen": ("없음", "none"),
    "cannot_tell_yet": ("아직 모름", "cannot tell yet"),
    "pages": ("다른 페이지", "other pages"),
    "past": ("지난 몇 주", "weeks before"),
    "visit": ("방문", "visit"),
    "session_start": ("방문 시작", "session start"),
    "page_view": ("페이지 보기", "page view"),
    "view_product": ("상품 보기", "product view"),
    "view_item": ("상품 상세 보기", "item view"),
    "add_to_cart": ("장바구니 담기", "cart"),
    "begin_checkout": ("주문서 작성", "checkout"),
    "purchase": ("구매", "purchase"),
    "mobile": ("휴대폰", "mobile"),
    "desktop": ("컴퓨터", "desktop"),
    "tablet": ("태블릿", "tablet"),
}

_ORDERS = {
    "events": ("방문 기록", "visits"),
    "orders": ("주문", "orders"),
    "exposures": ("실험 노출", "exposures"),
    "customers": ("고객", "customers"),
}


def label(name: str, lang: Lang | None = None) -> str:
    """Return what a reader calls the column or definition key ``name``."""
    return language.pick(*LABELS[name], lang) if name in LABELS else name


def definition_label(name: str, lang: Lang | None = None) -> str:
    """Return what a reader calls the definition key ``name``."""
    return language.pick(*_DEFINITIONS[name], lang) if name in _DEFINITIONS else label(name, lang)


def setting_label(value: str, lang: Lang | None = None) -> str:
    """Return what a reader calls the value ``value`` of a definition."""
    return language.pick(*SETTINGS[value], lang) if value in SETTINGS else value_label(value, lang)


def value_label(value: str, lang: Lang | None = None) -> str:
    """Return what a reader calls the datum ``value`` (or ``one → another``); others stay as they are."""
    if " → " in value:
        return " → ".join(value_label(part, lang) for part in value.split(" → "))
    return language.pick(*VALUES[value], lang) if value in VALUES else value


def table_label(name: str, lang: Lang | None = None) -> str:
    """Return what a reader calls the table ``name``, with its name in the contract."""
    if name not in _ORDERS:
        return name
    return f"{language.pick(*_ORDERS[name], lang)} ({name})"
