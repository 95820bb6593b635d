"""The answer of the rule of the landing page in words: the page, the checkout, the traffic, or not yet."""

import pandas as pd

from custmeasure.language import LANGUAGES, Lang, pick
from custmeasure.measure.funnel.landing_judge import (
    CHECKOUT,
    NOTHING,
    PAGE,
    SEVERAL,
    TRAFFIC,
    Rule,
)
from custmeasure.measure.funnel.landing_log import ALL
from custmeasure.show import format as fmt
from custmeasure.show.labels import value_label
from custmeasure.show.words import Text, Verdict

FLAGGED = (PAGE, SEVERAL, CHECKOUT, TRAFFIC)

_AGAINST = {
    "pages": ("다른 페이지는 보통", "usual on the other pages is"),
    "past": ("이 페이지의 지난 몇 주는", "in the weeks before it was"),
    "target": ("목표는", "the target is"),
}


def landing_verdict(rows: pd.DataFrame, rule: Rule) -> Verdict:
    """Return which half of the problem it is: pages first, whole pages before single channels."""
    whole = rows["channel"] == ALL
    for part in (rows[whole], rows[~whole]):
        for problem in FLAGGED:
            found = part[part["problem"] == problem]
            if len(found):
                said: dict[Lang, str] = {lang: _flagged(found, rows, lang) for lang in LANGUAGES}
                return Verdict("worse", Text(said["ko"], said["en"]))
    return _unflagged(rows, rule)


def _flagged(found: pd.DataFrame, rows: pd.DataFrame, lang: Lang) -> str:
    row = found.iloc[0]
    parts = [
        _where(row, lang),
        _visits(row, lang),
        *(_rate(row, rate, lang) for rate in _low_rates(row)),
        _channel(row, rows, lang),
        _more(found, row, lang),
    ]
    return " ".join(part for part in parts if part)


def _where(row: pd.Series, lang: Lang) -> str:
    """Return where to look, in one sentence."""
    place = _place(row, lang)
    ko, en = {
        PAGE: (
            f"{place}의 상세 페이지를 보십시오. 사람은 오는데 다음으로 가지 않습니다.",
            f"Look at the product page {place}: people come, but do not go on.",
        ),
        CHECKOUT: (
            f"{place}에서 온 사람은 장바구니까지는 갑니다. 페이지가 아니라 결제 쪽을 보십시오.",
            f"Look at the checkout, not at the page: from {place} people get as far as the cart.",
        ),
        TRAFFIC: (
            f"페이지가 아니라 방문 수를 보십시오. {place}에 오는 사람이 줄었습니다.",
            f"Look at the traffic, not at the page: fewer people come to {place}.",
        ),
        SEVERAL: (
            f"{place}에는 여러 문제가 겹쳐 있습니다: {_several(row, 'ko')}.",
            f"Several things are wrong at once at {place}: {_several(row, 'en')}.",
        ),
    }[row["problem"]]
    return pick(ko, en, lang)


def _several(row: pd.Series, lang: Lang) -> str:
    """Name what is wrong at once."""
    on_page = row["cart_low"] or (row["order_low"] and not row["checkout_low"])
    seen = (
        (row["n_visits"] < row["n_expected_ci_lower"], "줄어든 방문", "fewer people come"),
        (on_page, "상세 페이지", "those who come do not go on"),
        (row["checkout_low"], "결제", "fewer carts become orders"),
    )
    said = [pick(ko, en, lang) for is_so, ko, en in seen if is_so]
    return pick(", ", " and ", lang).join(said)


def _place(row: pd.Series, lang: Lang) -> str:
    page = value_label(str(row["page"]), lang)
    if row["channel"] == ALL:
        return page
    return f"{page} ({value_label(str(row['channel']), lang)})"


def _visits(row: pd.Series, lang: Lang) -> str:
    usual, lower, upper = (
        fmt.show("n_visits", row[name], lang)
        for name in ("n_expected", "n_expected_ci_lower", "n_expected_ci_upper")
    )
    ends = fmt.interval(lower, upper, lang)
    n = fmt.show("n_visits", row["n_visits"], lang)
    return pick(
        f"방문은 {n}번, 같은 요일의 보통은 {usual}번({ends})입니다.",
        f"It had {n} visits; usual for these weekdays is {usual} ({ends}).",
        lang,
    )


def _low_rates(row: pd.Series) -> list[str]:
    """Return the rates that are below usual; the order's only where no earlier one is."""
    low = [name for name in ("cart", "checkout") if row[f"{name}_low"]]
    return low or (["order"] if row["order_low"] else [])


def _rate(row: pd.Series, short: str, lang: Lang) -> str:
    name = f"{short}_rate"
    rate, lower, upper, usual = (
        fmt.show(name, row[column], lang)
        for column in (name, f"{name}_ci_lower", f"{name}_ci_upper", f"usual_{name}")
    )
    n = fmt.show("n_people", row["n_carts" if short == "checkout" else "n_people"], lang)
    ends, against = fmt.interval(lower, upper, lang), pick(*_AGAINST[row[f"{short}_against"]], lang)
    ko, en = {
        "cart": (f"{n}명 중 {rate}({ends})가 담았고", f"{rate} of {n} people put something in the cart"),
        "checkout": (f"담은 {n}명 중 {rate}({ends})가 샀고", f"{rate} of {n} with a cart bought"),
        "order": (f"{n}명 중 {rate}({ends})가 샀고", f"{rate} of {n} people bought"),
    }[short]  # fmt: skip
    return pick(f"{ko}, {against} {usual}입니다.", f"{en} ({ends}); {against} {usual}.", lang)


def _channel(row: pd.Series, rows: pd.DataFrame, lang: Lang) -> str:
    """Name the channel of a page that surely has the problem too, or say that none stands out."""
    own = rows[(rows["page"] == row["page"]) & (rows["channel"] != ALL)]
    if row["channel"] != ALL or not len(own):
        return ""
    alike = own[own["problem"] == row["problem"]]
    if not len(alike):
        return pick(
            "어느 한 유입 경로의 문제라고는 할 수 없습니다.", "No single channel stands out.", lang
        )
    names = ", ".join(value_label(str(name), lang) for name in alike["channel"])
    return pick(
        f"유입 경로로는 {names}에서 뚜렷합니다.",
        f"Among the channels it is clear in {names}.",
        lang,
    )


def _more(found: pd.DataFrame, row: pd.Series, lang: Lang) -> str:
    n = found["page"].nunique() - 1
    if n < 1:
        return ""
    names = [str(page) for page in dict.fromkeys(found["page"]) if page != row["page"]]
    shown = ", ".join(names[:3]) + ("…" if n > 3 else "")
    return pick(f"같은 문제의 페이지가 더 있습니다: {shown}.", f"The same holds for {shown}.", lang)


def _unflagged(rows: pd.DataFrame, rule: Rule) -> Verdict:
    """Say whether all is well, or what is too small to tell."""
    whole = rows[rows["channel"] == ALL]
    least = fmt.percent(rule.min_effect, "en").replace(".0", "")
    if not len(whole):
        reason = Text(
            "이 기간에 상품 페이지를 본 사람이 없습니다.",
            "Nobody saw a product page in this period.",
        )
        return Verdict("cannot_tell", reason, code="NO_UNITS")
    if whole["n_expected"].isna().all():
        reason = Text(
            "보통 수준을 말해 줄 지난 몇 주의 자료가 모자라, 방문이 줄었는지 알 수 없습니다.",
            "Too few earlier weeks say what is usual, so nobody can say whether visits fell.",
        )
        return Verdict("cannot_tell", reason, code="NO_BASELINE")
    n_fine = int((whole["problem"] == NOTHING).sum())
    if n_fine == len(whole):
        reason = Text(
            f"페이지 {n_fine:,}개 가운데 보통보다 {least} 넘게 처지는 곳이 없습니다.",
            f"None of {n_fine:,} pages lies more than {least} below usual.",
        )
        return Verdict("no_difference", reason)
    reason = Text(
        f"확실히 처지는 페이지는 없습니다. 다만 {len(whole):,}개 가운데 {len(whole) - n_fine:,}개는 "
        f"사람이 적어, {least}쯤 낮아도 알아볼 수 없습니다.",
        f"No page surely lies below usual. But {len(whole) - n_fine:,} of {len(whole):,} pages have too "
        f"few people to see a shortfall of {least}.",
    )
    return Verdict("cannot_tell", reason, code="TOO_FEW_UNITS")
