"""Buying again: steps, lifecycle, value, time to the next order, the churn cut-off; by hand and by force."""

import datetime as dt

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from statsmodels.duration.survfunc import SurvfuncRight, survdiff

from custmeasure import language
from custmeasure.engine import MissingTable, Table
from custmeasure.errors import UnknownName, UsageError
from custmeasure.measure.retention import (
    OrderSteps,
    churn_cutoff,
    cohort_change,
    lifecycle,
    order_steps,
    retention,
    time_to_next_order,
    value_curve,
    without_cancelled,
)
from custmeasure.measure.retention.cutoff import _back, _cutoffs
from custmeasure.measure.retention.result import RetentionResult
from custmeasure.stats import wilson

MEASURES = (order_steps, lifecycle, value_curve, time_to_next_order, churn_cutoff)
BEGIN = pd.Timestamp("2026-01-01")


def orders(**customers):
    """Return orders from ``a="1 31 40"``: the days of 2026 on which a ordered for 1,000 each time."""
    rows = [
        (f"{customer}{i}", customer, BEGIN + pd.Timedelta(days=int(day) - 1, hours=12), 1000.0)
        for customer, days in customers.items()
        for i, day in enumerate(days.split())
    ]
    return pd.DataFrame(rows, columns=["order_id", "customer_id", "at", "amount"])


def drawn(n, seed=1, days=360, again=0.7, scale=30.0):
    """Return orders of a shop in which 70 % come back, after 30 days on average, again and again."""
    draw = np.random.default_rng(seed)
    rows, customer, day = [], np.arange(n), draw.uniform(0, days, n)
    while len(customer):
        rows.append(pd.DataFrame({"customer_id": customer, "day": day}))
        stay = draw.random(len(customer)) < again
        customer, day = customer[stay], day[stay] + 1 + draw.exponential(scale, int(stay.sum()))
        inside = day < days
        customer, day = customer[inside], day[inside]
    frame = pd.concat(rows, ignore_index=True)
    frame = frame.assign(
        at=BEGIN + pd.to_timedelta(frame["day"], unit="D"),
        amount=draw.lognormal(10, 0.5, len(frame)),
    )
    return frame.assign(order_id=np.arange(len(frame)).astype(str))


# --- what counts as a purchase ----------------------------------------------------------------------


def test_two_orders_of_a_day_are_one_purchase():
    rows = pd.concat([orders(a="1 1 5", b="1"), orders(a="1")])
    row = order_steps(rows, window="10d", as_of="2026-01-31").frame.iloc[0]
    assert (row["n_customers"], row["n_again"]) == (2, 1)
    assert value_curve(rows, as_of="2026-01-31").frame["value_amount"].tolist() == [2500]


def test_days_are_those_of_the_time_zone():
    rows = orders(a="1 1").assign(at=pd.to_datetime(["2026-01-01 14:00", "2026-01-01 16:00"]))
    asked = {"window": "3d", "as_of": "2026-01-31"}
    assert order_steps(rows, **asked).frame["n_again"][0] == 0
    assert order_steps(rows, timezone="Asia/Seoul", **asked).frame["n_again"][0] == 1


def test_cancelled_orders_can_be_left_out():
    rows = orders(a="1 5", b="1 5").assign(status=["paid", "cancelled", "paid", None])
    assert order_steps(rows, window="9d", as_of="2026-01-31").frame["n_again"][0] == 2
    kept = without_cancelled(rows)
    assert order_steps(kept, window="9d", as_of="2026-01-31").frame["n_again"][0] == 1
    assert without_cancelled(orders(a="1")).kept == ()
    assert without_cancelled(MissingTable("orders")) == MissingTable("orders")


def test_nobody_s_orders_are_counted_and_left_out():
    rows = orders(a="1 5", b="1").assign(customer_id=["a", "a", None])
    result = order_steps(rows, window="9d", as_of="2026-01-31")
    assert result.frame["n_customers"][0] == 1
    assert "1 orders name nobody" in result.notes[0]


def test_a_day_that_is_not_over_is_not_known():
    noon = dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)
    assert order_steps(orders(a="1 31"), window="30d", as_of=noon).frame["n_customers"][0] == 0
    assert order_steps(orders(a="1 31"), window="30d", as_of="2026-01-31").frame["n_again"][0] == 1


# --- 1st → 2nd → 3rd --------------------------------------------------------------------------------

STEPS = orders(a="1 11 21", b="1 30", c="1 12", d="1", e="25 26", f="28")


def test_only_finished_windows_count():
    result = order_steps(STEPS, window="14d", as_of="2026-01-31", n_steps=2)
    first, second = result.frame.to_dict("records")
    # e came back at once, but whoever joined with e has not had 14 days yet: both are pending.
    assert (first["n_customers"], first["n_again"], first["n_pending"]) == (4, 2, 2)
    assert (second["n_customers"], second["n_again"], second["n_pending"]) == (2, 1, 2)
    assert (first["step"], first["median_gap_days"]) == ("1 → 2", 10.5)
    assert [first["again_rate_ci_lower"], first["again_rate_ci_upper"]] == pytest.approx(
        [float(each) for each in wilson(2, 4)]
    )
    assert "2 customers are still within their window" in result.notes[0]


def test_steps_split_by_the_first_order_s_value():
    rows = STEPS.assign(channel=["x", "y", "y", "x", "x", "y", "y", "y", "x", "x", "x"])
    frame = order_steps(rows, window="14d", as_of="2026-01-31", n_steps=1, by="channel").frame
    assert frame[["channel", "n_customers", "n_again"]].to_numpy().tolist() == [
        ["x", 2, 1],
        ["y", 2, 1],
    ]


def test_a_target_is_judged_by_the_interval():
    counts = [(400, 200), (200, 120)]
    assert OrderSteps.from_counts(counts).verdict.code == "NO_TARGET"
    assert str(OrderSteps.from_counts(counts, target=0.4).verdict) == "better"
    assert str(OrderSteps.from_counts(counts, target=0.6).verdict) == "worse"
    assert OrderSteps.from_counts(counts, target=0.5).verdict.code == "TOO_FEW_UNITS"


def test_steps_agree_with_plain_pandas():
    rows = drawn(3000)
    result = order_steps(rows, window="60d", as_of="2026-12-26", n_steps=3).frame
    day = rows.assign(day=rows["at"].dt.floor("D")).drop_duplicates(["customer_id", "day"])
    day = day.sort_values(["customer_id", "day"])
    number = day.groupby("customer_id").cumcount() + 1
    gap = day.groupby("customer_id")["day"].shift(-1) - day["day"]
    over = day["day"] + pd.Timedelta("60D") <= pd.Timestamp("2026-12-26")
    for k, row in enumerate(result.to_dict("records"), start=1):
        own = (number == k) & over
        assert row["n_customers"] == own.sum()
        assert row["n_again"] == (gap[own] <= pd.Timedelta("60D")).sum()


# --- lifecycle --------------------------------------------------------------------------------------


def test_every_customer_is_new_current_resurrected_or_dormant():
    rows = orders(a="1 32 60", b="1 61", c="33", d="1")  # January, February, March
    frame = lifecycle(rows, as_of="2026-04-15").frame
    assert frame["n_new"].tolist() == [3, 1, 0, pd.NA]
    assert frame["n_current"].tolist() == [0, 1, 1, pd.NA]
    assert frame["n_resurrected"].tolist() == [0, 0, 1, pd.NA]
    assert frame["n_dormant"].tolist() == [0, 2, 1, pd.NA]
    assert frame["n_active"].tolist() == [3, 2, 2, pd.NA]
    assert frame["kept_rate"].tolist() == pytest.approx([np.nan, 1 / 3, 0.5, np.nan], nan_ok=True)


def test_what_is_active_adds_up_and_what_fell_asleep_was_active_before():
    frame = lifecycle(drawn(2000), period="week", as_of="2026-12-20").frame
    done = frame[frame["mature"]]
    parts = done[["n_new", "n_current", "n_resurrected"]].sum(axis=1)
    assert (parts == done["n_active"]).all()
    before = done["n_active"].shift(1, fill_value=0)
    assert (done["n_current"] + done["n_dormant"] == before).all()
    # The same as retention's recurring cohorts one period later.
    again = retention(
        drawn(2000),
        unit="customer_id",
        at="at",
        period="week",
        cohort="recurring",
        as_of="2026-12-20",
    ).frame
    later = again[(again["period"] == 1) & again["mature"]].set_index("cohort")["n_retained"]
    assert done["n_current"].tolist()[1:] == later.tolist()[: len(done) - 1]


def test_growth_is_said_only_where_it_is_sure():
    growing = orders(
        **{f"c{i}": str(1 + i) for i in range(20)}, **{f"d{i}": "40 70" for i in range(60)}
    )
    assert str(lifecycle(growing, as_of="2026-02-28").verdict) == "better"
    shrinking = orders(**{f"c{i}": "5" for i in range(60)}, **{f"d{i}": "40" for i in range(20)})
    assert str(lifecycle(shrinking, as_of="2026-02-28").verdict) == "worse"
    assert str(lifecycle(orders(a="5", b="40"), as_of="2026-02-28").verdict) == "cannot_tell"


def test_start_and_end_choose_periods_but_not_who_is_new():
    frame = lifecycle(
        orders(a="1 40", b="40"), start="2026-02-10", end="2026-02-11", as_of="2026-03-31"
    ).frame
    assert frame["n_new"].tolist() == [1]
    assert frame["n_current"].tolist() == [1]


# --- what a customer has brought --------------------------------------------------------------------


def test_a_refund_counts_in_the_period_of_its_order():
    rows = orders(a="1 40", b="2").assign(
        discount_amount=[100, 0, 0],
        refund_amount=[0, 0, 400],
        refunded_at=pd.Timestamp("2026-02-20"),
    )
    result = value_curve(rows, as_of="2026-03-15")
    assert result.frame["value_amount"].tolist() == pytest.approx([750, 1250, np.nan], nan_ok=True)
    assert result.frame["mature"].tolist() == [True, True, False]  # T31


def test_the_pooled_row_holds_the_cohorts_that_reached_that_age():
    rows = orders(a="1 40", b="35")
    pooled = value_curve(rows, as_of="2026-02-28").pooled
    assert pooled["value_amount"].tolist() == [1000, 2000]
    assert pooled["cohort_size"].tolist() == [2, 1]


def test_t32_the_interval_is_the_same_every_time():  # T32
    rows = drawn(400, days=100)
    first, again = (value_curve(rows, as_of="2026-04-05") for _ in range(2))
    pd.testing.assert_frame_equal(first.frame, again.frame)
    other = value_curve(rows, as_of="2026-04-05", seed=2).frame
    assert not other["value_amount_ci_lower"].equals(first.frame["value_amount_ci_lower"])


def test_value_agrees_with_plain_pandas_and_its_interval_takes_in_the_truth():
    rows = drawn(4000, days=120)
    result = value_curve(rows, as_of="2026-04-30").frame
    month = rows["at"].dt.to_period("M")
    cohort = month.groupby(rows["customer_id"]).transform("min")
    k = month.astype("int64") - cohort.astype("int64")
    for (begins, size), part in result[result["mature"]].groupby(["cohort", "cohort_size"]):
        own = rows[cohort == pd.Period(begins, "M")]
        assert own["customer_id"].nunique() == size
        for age, worth in zip(part["period"], part["value_amount"], strict=True):
            assert worth == pytest.approx(own.loc[k[own.index] <= age, "amount"].sum() / size)
    inside = (result["value_amount_ci_lower"] < result["value_amount"]) & (
        result["value_amount"] < result["value_amount_ci_upper"]
    )
    assert inside[result["mature"]].all()


def test_large_cohorts_are_resampled_in_groups(monkeypatch):
    rows = drawn(3000, days=30)
    whole = value_curve(rows, as_of="2026-01-31").frame
    monkeypatch.setattr("custmeasure.measure.retention.value.GROUPS", 300)
    grouped = value_curve(rows, as_of="2026-01-31").frame
    assert grouped["value_amount"].tolist() == pytest.approx(whole["value_amount"].tolist())
    width = whole["value_amount_ci_upper"] - whole["value_amount_ci_lower"]
    again = grouped["value_amount_ci_upper"] - grouped["value_amount_ci_lower"]
    assert again.to_numpy() == pytest.approx(width.to_numpy(), rel=0.15)


def test_a_cohort_that_brought_less_is_named():
    rows = drawn(2000, days=120)
    poor = (rows["at"] >= "2026-02-01") & (rows["at"] < "2026-03-01")
    first = rows.groupby("customer_id")["at"].transform("min")
    rows = rows.assign(
        amount=rows["amount"].where(~(poor & (first == rows["at"])), 0.4 * rows["amount"])
    )
    verdict = value_curve(rows, as_of="2026-04-30").verdict
    assert (str(verdict), "2026-02" in verdict.reason) == ("worse", True)


# --- time to the next order -------------------------------------------------------------------------


def test_a_curve_with_those_who_have_not_come_back():
    # a after 10 days, b after 20; c has been silent for 15 of them, d for 30.
    rows = orders(a="1 11", b="1 21", c="16", d="1")
    frame = time_to_next_order(rows, as_of="2026-01-31").frame.set_index("gap_days")
    assert frame["n_at_risk"].tolist() == [4, 3, 2, 1]
    assert frame["again_rate"].tolist() == pytest.approx([1 / 4, 1 / 4, 5 / 8, 5 / 8])
    shown = time_to_next_order(rows, as_of="2026-01-31").at([7, 14, 30, 60])
    assert shown["gap_days"].tolist() == [14, 30]
    assert shown["n_again"].tolist() == [1, 2]


def test_the_curve_is_statsmodels_and_the_segments_test_too():
    rows = drawn(800, days=200)
    channel = np.array(["a", "b"])[rows["customer_id"] % 2]
    result = time_to_next_order(rows.assign(channel=channel), by="channel", as_of="2026-07-19")
    day = rows.assign(day=rows["at"].dt.floor("D")).drop_duplicates(["customer_id", "day"])
    day = day.sort_values(["customer_id", "day"])
    following = day.groupby("customer_id")["day"].shift(-1)
    first = ~day.duplicated("customer_id")
    gap = (following.fillna(pd.Timestamp("2026-07-19")) - day["day"])[first].dt.days
    again = following.notna()[first]
    group = np.array(["a", "b"])[day["customer_id"][first] % 2]
    for name in "ab":
        oracle = SurvfuncRight(gap[group == name], again[group == name])
        own = result.frame[result.frame["channel"] == name].set_index("gap_days")
        assert 1 - own.loc[oracle.surv_times, "again_rate"].to_numpy() == pytest.approx(
            oracle.surv_prob
        )
    assert result.pairs["p_value"][0] == pytest.approx(survdiff(gap, again, group)[1])
    assert result.verdict.code == "NO_GAP"
    assert "times as fast" in result.notes[0]


def test_the_slower_segment_is_named_with_holm():
    slow, fast = drawn(400, seed=2, scale=60), drawn(400, seed=3, scale=15)
    rows = pd.concat([
        slow.assign(channel="slow"),
        fast.assign(channel="fast", customer_id=fast["customer_id"] + 1000),
    ])  # fmt: skip
    result = time_to_next_order(rows, by="channel", as_of="2026-12-26")
    assert str(result.verdict) == "worse"
    assert result.headline("en") == "slow order again later, or less, than fast."
    assert "slow 고객은 fast 고객보다" in result.headline("ko")
    three = pd.concat([rows, slow.assign(channel="third", customer_id=slow["customer_id"] + 2000)])
    pairs = time_to_next_order(three, by="channel", as_of="2026-12-26").pairs
    assert (pairs["p_value_adj"] >= pairs["p_value"]).all()
    assert len(pairs) == 3


def test_half_come_back_within_so_many_days():
    rows = orders(**{f"c{i}": f"1 {2 + i}" for i in range(9)})
    result = time_to_next_order(rows, as_of="2026-01-31")
    assert result.headline("en").startswith("Half of them order again within 5 days.")
    assert result.summary["median_gap_days"].tolist() == [5]


# --- when is a customer lost ------------------------------------------------------------------------


def test_the_share_that_still_comes_in_the_head():
    # 10 silences; 4 end on day 1, 3 on day 2, the other 3 are watched for 5 days.
    ended, watched = np.array([[0, 4.0, 3, 0, 0, 0]]), np.array([[10.0, 10, 6, 3, 3, 3]])
    back = _back(ended, watched, 2)
    assert back[0, :3] == pytest.approx([0.7, 0.5, 0.0], abs=1e-9)  # S: 1, 0.6, 0.3, 0.3, …
    assert _cutoffs(back, 0.6).tolist() == [1]
    assert np.isnan(_cutoffs(np.array([[0.5, 0.05, 0.5]]), 0.1)).all()
    assert np.isnan(_cutoffs(np.zeros((2, 0)), 0.1)).all()


def test_the_cut_off_is_where_theory_puts_it():
    """70 % come back, after 1 + an exponential time of 30 days: P(next 90 days | silent for g) is known."""
    rows = drawn(6000)
    result = churn_cutoff(rows, as_of="2026-12-26", within="90d")
    g = np.arange(300)
    left = 0.3 + 0.7 * np.exp(-g / 30)
    true = int(np.argmax(1 - (0.3 + 0.7 * np.exp(-(g + 90) / 30)) / left < 0.1))
    row = result.frame.iloc[0]
    assert row["cutoff_days_ci_lower"] - 1 <= true + 1 <= row["cutoff_days_ci_upper"] + 1
    assert row["lost_back_rate"] < 0.1
    assert "fewer than 10% order within the next 90 days" in result.reason


@pytest.mark.slow
def test_the_interval_of_the_cut_off_holds_its_level():
    g = np.arange(300)
    left = 0.3 + 0.7 * np.exp(-np.maximum(g - 1, 0) / 30)
    later = 0.3 + 0.7 * np.exp(-(g + 60 - 1) / 30)
    true = float(np.argmax(1 - later / left < 0.15))
    inside = 0
    for seed in range(60):
        row = churn_cutoff(
            drawn(500, seed=seed), as_of="2026-12-26", within="60d", back_rate=0.15
        ).frame.iloc[0]
        # A cut-off is a whole day, and an order of the day after may lie up to a day later.
        inside += row["cutoff_days_ci_lower"] - 1 <= true <= row["cutoff_days_ci_upper"] + 1
    assert inside >= 52


def test_each_category_has_its_own():
    fast, slow = drawn(1500, seed=4, scale=12), drawn(1500, seed=5, scale=45)
    slow = slow.assign(customer_id=slow["customer_id"] + 5000, order_id="s" + slow["order_id"])
    rows = pd.concat([fast, slow], ignore_index=True)
    items = pd.DataFrame({
        "order_id": rows["order_id"],
        "product_id": np.where(rows["order_id"].str.startswith("s"), "0201", "0103"), "amount": 1.0,
    })  # fmt: skip
    small = items.assign(product_id="0300", amount=0.1)  # the largest line decides
    result = churn_cutoff(
        rows, by="product_id", items=pd.concat([items, small]), letters=2, as_of="2026-12-26"
    )
    days = result.frame.set_index("segment")["cutoff_days"]
    assert set(days.index) == {"01", "02"}
    assert days["01"] < days["02"] - 30
    assert "01" in result.headline("ko")


@pytest.mark.parametrize(
    ("rule", "word", "said"),
    [
        ("10d", "worse", "too early"),
        ("300d", "worse", "too late"),
        ("92d", "no_difference", "fits"),
    ],
)
def test_the_rule_in_use_is_compared(rule, word, said):
    result = churn_cutoff(drawn(2000), as_of="2026-12-26", rule=rule)
    assert str(result.verdict) == word, result.frame.T
    assert said in result.reason


def test_too_few_orders_cannot_tell():
    result = churn_cutoff(orders(a="1 20", b="3 40", c="5"), as_of="2026-12-26")
    assert (str(result.verdict), result.verdict.code) == ("cannot_tell", "TOO_FEW_UNITS")
    assert result.frame["cutoff_days"].isna().all()
    short = churn_cutoff(drawn(500, days=60), as_of="2026-03-01")
    assert short.verdict.code == "TOO_FEW_UNITS"


# --- what changed between cohorts -------------------------------------------------------------------


def counted(*rates, n=300):
    return RetentionResult.from_counts({
        f"2026-{month:02d}": [n, round(n * rate)] for month, rate in enumerate(rates, start=1)
    })  # fmt: skip


def test_since_which_cohort():
    result = cohort_change(counted(0.5, 0.5, 0.5, 0.3, 0.3, 0.3))
    assert str(result.verdict) == "worse"
    assert result.frame["cohort"].tolist() == ["2026-01", "2026-04"]
    assert result.frame["diff"].iloc[1] == pytest.approx(-0.2)
    assert "Since the cohort of 2026-04" in result.headline("en")
    assert str(cohort_change(counted(0.3, 0.5)).verdict) == "better"
    assert cohort_change(counted(0.5, 0.48, 0.5, 0.51)).verdict.code == "NO_CHANGE"
    assert cohort_change(counted(0.5)).verdict.code == "ONE_COHORT"
    assert cohort_change(counted()).verdict.code == "NO_UNITS"


def test_trying_every_place_is_taken_into_account():
    """12 cohorts of one rate: the largest change is called sure in 5 % of 150 shops, not in a third."""
    draw = np.random.default_rng(6)
    false_alarms = sum(
        cohort_change(counted(*(draw.binomial(200, 0.35, 12) / 200), n=200)).verdict
        != "cannot_tell"
        for _ in range(150)
    )
    assert 1 <= false_alarms <= 17


def test_a_split_table_has_no_change():
    rows = orders(a="1 40", b="1").assign(channel="x")
    split = retention(rows, unit="customer_id", at="at", period="month", by="channel")
    with pytest.raises(UsageError, match="must not be split"):
        cohort_change(split)
    with pytest.raises(UsageError, match="1 or more"):
        cohort_change(counted(0.5, 0.5), period=0)


# --- all of them ------------------------------------------------------------------------------------


@pytest.mark.parametrize("measure", MEASURES)
def test_a_missing_table_and_nobody_are_answers_in_words(measure):
    for lang in ("ko", "en"):
        language.use(lang)
        missing = measure(MissingTable("orders"))
        assert missing.verdict.code == "MISSING_TABLE"
        empty = measure(orders(a="1").iloc[:0], as_of="2026-01-31")
        assert empty.verdict.code in ("NO_UNITS", "TOO_FEW_UNITS")
        for result in (missing, empty):
            assert result.headline()
            assert repr(result)
            assert result._repr_html_()


@pytest.mark.parametrize("measure", MEASURES)
def test_one_customer_with_one_order_is_no_crash(measure):
    result = measure(orders(a="5"), as_of="2026-02-28")
    assert str(result.verdict) == "cannot_tell"
    assert repr(result)


@pytest.mark.parametrize("measure", MEASURES)
def test_rows_and_names_do_not_matter(measure):
    rows = drawn(300, days=150)
    names = {column: f"주문 {column}" for column in ("at", "amount")}
    table = Table(
        "orders", rows.sample(frac=1, random_state=3).rename(columns=names), tuple(rows.columns),
        delivered=tuple(names.items()),
    )  # fmt: skip
    one, other = measure(rows, as_of="2026-05-30"), measure(table, as_of="2026-05-30")
    pd.testing.assert_frame_equal(one.frame, other.frame)


@pytest.mark.parametrize("measure", MEASURES)
def test_captions_and_columns_have_words(measure):
    result = measure(drawn(300, days=150), as_of="2026-05-30")
    for lang in ("ko", "en"):
        for part in result.caption(lang).split(" · "):
            assert "_" not in part.split(":")[0]
        assert not [name for name in result.display_frame(lang).columns if "_" in name]


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize(
    "options", [{"timezone": "Asia/Soul"}, {"as_of": "2026-1-1"}, {"alpha": 2.0}]
)
def test_what_cannot_be_read_is_refused(measure, options):
    with pytest.raises(UsageError):
        measure(drawn(300, days=150), **{"as_of": "2026-05-30", **options})


@pytest.mark.parametrize(
    ("measure", "options"),
    [
        (order_steps, {"window": "36h"}), (order_steps, {"window": "90"}), (order_steps, {"n_steps": 0}),
        (order_steps, {"target": 2}), (order_steps, {"by": "step"}), (order_steps, {"by": "nothing"}),
        (lifecycle, {"period": "hour"}), (value_curve, {"period": "year"}), (lifecycle, {"start": "x"}),
        (time_to_next_order, {"after": 0}), (time_to_next_order, {"by": "gap_days"}),
        (churn_cutoff, {"back_rate": 10}), (churn_cutoff, {"within": "1h"}), (churn_cutoff, {"letters": 0}),
        (churn_cutoff, {"by": "channel"}),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(measure, options):
    with pytest.raises(UsageError) as raised:
        measure(orders(a="1 20"), as_of="2026-03-31", **options)
    assert raised.value.message("ko") != raised.value.message("en")


def test_a_column_that_is_not_there_has_a_nearest_one():
    with pytest.raises(UnknownName, match="'customer_id'"):
        order_steps(orders(a="1").rename(columns={"customer_id": "customerid"}))
    with pytest.raises(UnknownName, match="amount"):
        value_curve(orders(a="1").drop(columns="amount"))


# --- real data --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def retail(shared):
    """Return the invoices of UCI Online Retail as orders."""
    path = shared / "data" / "online_retail_uci" / "online_retail.parquet"
    lines = pq.read_table(path).to_pandas()
    lines = lines[lines["CustomerID"].notna() & ~lines["InvoiceNo"].astype(str).str.startswith("C")]
    lines = lines.assign(amount=lines["Quantity"] * lines["UnitPrice"])
    grouped = lines.groupby(["InvoiceNo", "CustomerID"], as_index=False)
    found = grouped.agg(at=("InvoiceDate", "min"), amount=("amount", "sum"))
    return found.rename(columns={"InvoiceNo": "order_id", "CustomerID": "customer_id"})


def test_online_retail(retail):
    steps = order_steps(retail, window="90d", as_of="2011-12-08")
    curve = time_to_next_order(retail, as_of="2011-12-08")
    # The share within 90 days, once from finished windows, once from everybody's (censored) time.
    assert steps.frame["again_rate"][0] == pytest.approx(curve.at([90])["again_rate"][0], abs=0.03)
    day = pd.to_datetime(retail["at"]).dt.floor("D")
    days = retail.assign(day=day)[day <= "2011-12-08"].drop_duplicates(["customer_id", "day"])
    days = days.sort_values(["customer_id", "day"])
    following = days.groupby("customer_id")["day"].shift(-1)
    first = ~days.duplicated("customer_id")
    gap = (following.fillna(pd.Timestamp("2011-12-08")) - days["day"])[first].dt.days
    oracle = SurvfuncRight(gap, following.notna()[first])
    own = curve.frame.set_index("gap_days")["again_rate"]
    assert 1 - own.loc[oracle.surv_times].to_numpy() == pytest.approx(oracle.surv_prob)
    total = value_curve(retail, as_of="2011-11-30").frame
    december = total[(total["cohort"] == "2010-12-01") & (total["period"] == 11)].iloc[0]
    worth = retail[pd.to_datetime(retail["at"]) < "2011-12-01"]
    first_month = (
        pd.to_datetime(worth["at"]).groupby(worth["customer_id"]).transform("min") < "2011-01-01"
    )
    expected = worth.loc[first_month, "amount"].sum() / december["cohort_size"]
    assert december["value_amount"] == pytest.approx(expected)
    assert churn_cutoff(retail, as_of="2011-12-08").frame["n_gaps"][0] == len(days)
