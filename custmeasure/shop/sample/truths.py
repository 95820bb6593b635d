"""What is true in the sample shop, because we made it so: every planted number in one place.

``data/README.md`` says where each can be measured. A probability is changed either by *points*
(added to the probability) or on the *log-odds* scale.
"""

from dataclasses import dataclass

# Days of the experiments, first and last; every 7-day window after them is over within the data.
DETAIL_PAGE_COPY = ("2026-03-02", "2026-05-10")
HEADLINE_COPY = ("2026-06-15", "2026-08-09")
FREE_SHIPPING_BANNER = ("2026-08-17", "2026-09-27")
SMARTSTORE_TITLE = ("2026-04-06", "2026-05-31")
SMARTSTORE_THUMBNAIL = ("2026-07-06", "2026-08-30")
PARCEL_GIFT = ("2026-01-05", "2026-08-23")

# Days on which something changed for everybody, and stayed.
COPY_B_FOR_ALL = "2026-05-18"
NEW_MOBILE_CHECKOUT = "2026-06-01"
SHIPPING_NOTICES = "2026-04-01"

# A campaign brings many visitors; the first one is the half-price sale of the worse cohort.
VALENTINE = ("2026-02-05", "2026-02-14")
WORSE_COHORT = ("2026-02-01", "2026-02-28")
SUMMER_REELS = ("2026-08-03", "2026-08-16")

# Weeks in which parcels are late twice as often.
BUSY_WEEKS = (("2025-12-10", "2025-12-31"), ("2026-09-14", "2026-10-04"))


@dataclass(frozen=True)
class Truths:
    """The planted numbers; `dataclasses.replace` makes a world in which one of them differs."""

    # The funnel of somebody who never ordered; visit → view_product is by channel, in this order:
    # naver_search, naver_shopping, instagram, kakao, direct, referral.
    view_rate: tuple[float, ...] = (0.68, 0.80, 0.58, 0.64, 0.74, 0.76)
    cart_rate: float = 0.36
    checkout_rate: float = 0.58
    # begin_checkout → purchase on mobile, desktop, tablet: the leaking step.
    purchase_rate: tuple[float, ...] = (0.46, 0.82, 0.76)
    new_mobile_checkout_logit: float = -0.35
    loyal_logit: tuple[float, ...] = (1.8, 2.0, 1.5, 1.0)
    instagram_cart_logit: float = -0.35
    poor_page_cart_logit: float = -1.10

    # Experiments.
    copy_b_cart_logit: float = 0.80
    crossover_rate: float = 0.004
    banner_b_lost_rate: float = 0.95
    title_rates: tuple[float, float] = (0.033, 0.051)
    thumbnail_rates: tuple[float, float] = (0.040, 0.040)

    # Tests of earlier years, on the log scale of the rate: what each kind of copy does, in the order of
    # `experiments.TAGS`, and how much else the tests differ.
    tag_effects: tuple[float, ...] = (0.25, 0.10, 0.0, 0.0, -0.08, 0.0)
    tag_spread: float = 0.03

    # The chance that a buyer comes back after the 1st, 2nd, 3rd, 4th and later order; then points.
    comeback_rate: tuple[float, ...] = (0.72, 0.82, 0.87, 0.91)
    worse_cohort_points: float = -0.28
    gift_points: float = 0.14
    late_points: float = -0.18
    slow_complaint_points: float = -0.32
    fast_complaint_points: float = -0.10
    broken_promise_points: float = -0.25
    goodwill_points: float = 0.08
    deal_seeker_points: float = -0.12
    guest_points: float = -0.25
    referred_points: float = 0.10
    coupon_refused_rate: float = 0.60

    # Contacts: an answered product question becomes an order, by itself, this often.
    answered_question_rate: float = 0.25
    answered_rate: float = 0.85
    answered_rate_busy: float = 0.55
    copy_b_questions_times: float = 0.65

    # Parcels, returns, reviews.
    late_rate: float = 0.10
    late_rating: float = -0.90
    gift_rating: float = 0.25
    where_is_it_rate: tuple[float, float] = (0.07, 0.45)
    notice_where_is_it_times: float = 0.45
    notice_rate: tuple[float, float] = (0.62, 0.95)
    return_rate: float = 0.03
    poor_product_return_rate: float = 0.10
    serial_returner_share: float = 0.015
    serial_return_rate: float = 0.45
    really_change_of_mind_rate: float = 0.35
