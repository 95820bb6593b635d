"""What changed between two funnels: the split is exact, the intervals hold, chance is not named."""

import datetime as dt
import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep

import custmeasure as cm
from custmeasure.engine import MissingTable, as_table
from custmeasure.errors import UsageError
from custmeasure.measure.funnel import FunnelResult, funnel
from custmeasure.measure.funnel.compare import FunnelChange, FunnelParts, compare_funnels
from custmeasure.measure.funnel.periods import two_periods
from custmeasure.stats.proportion import wilson
from custmeasure.stats.split import split_change, split_product

SAMPLE = Path(__file__).resolve().parents[2] / "data" / "sample"
STEPS = ["visit", "cart", "buy"]


def change(before, after, **options):
    return FunnelChange.from_counts(STEPS, before, after, **options)


def part(result, name, column="overall_diff"):
    return float(result.frame.set_index("part")[column][name])


# --- worked out in the head -------------------------------------------------------------------------


def test_more_people_at_the_same_rate_is_traffic():
    seen = change([100, 50, 10], [300, 150, 30])
    assert part(seen, "(overall)") == 0
    assert part(seen, "(overall)", "n_change") == part(seen, "(traffic)", "n_change") == 20
    assert part(seen, "visit → cart") == part(seen, "cart → buy") == 0


def test_other_people_at_the_same_rates_is_mix():
    before = {"app": [100, 50, 20], "web": [100, 50, 10]}  # 20 % and 10 %: 15 %
    after = {"app": [40, 20, 8], "web": [160, 80, 16]}  # the same: 12 %
    seen = change(before, after, by="channel")
    assert part(seen, "(mix)") == pytest.approx(-0.03)
    assert part(seen, "(mix)", "n_change") == pytest.approx(-6)
    assert part(seen, "(traffic)", "n_change") == pytest.approx(0)
    assert part(seen, "cart → buy") == pytest.approx(0)
    # App has 30 points less of the people and lies 5 above the mean of both sides' 13.5 %: -1.95 …
    mixes = seen.parts.frame.query("part == '(mix)'").set_index("segment")["overall_diff"]
    assert mixes.round(4).to_dict() == {"app": -0.0195, "web": -0.0105}


def test_a_step_that_fell_is_that_step():
    seen = change([1000, 500, 200], [1000, 500, 100])
    assert part(seen, "visit → cart") == 0
    assert part(seen, "cart → buy") == pytest.approx(-0.1)
    assert seen.verdict == "worse"
    assert "The step that explains most is cart → buy (40.0% to 20.0%" in seen.headline("en")


def test_two_steps_share_what_they_do_together():
    # 0.5 × 0.4 to 0.4 × 0.5: each alone moves 4 or 5 points; the product stays.
    seen = change([1000, 500, 200], [1000, 400, 200])
    assert part(seen, "visit → cart") == pytest.approx(-0.1 * 0.45)
    assert part(seen, "cart → buy") == pytest.approx(0.1 * 0.45)
    assert part(seen, "(overall)") == 0


def test_a_group_that_appears_changes_the_mix_and_no_rate():
    seen = change({"a": [100, 50, 20]}, {"a": [100, 50, 20], "new": [100, 30, 0]})
    assert part(seen, "(overall)") == pytest.approx(-0.1)
    assert part(seen, "(mix)") == pytest.approx(-0.1)
    rows = seen.parts.frame.set_index(["segment", "part"])
    assert np.isnan(rows.loc[("new", "(overall)"), "before_rate"])
    assert rows.loc[("new", "(overall)"), "n_change"] == 0


def test_an_optional_step_adds_nothing_and_has_its_own_rate():
    steps = ["visit", "search", "buy"]
    sides = [
        FunnelResult.from_counts(steps, counts, optional=[1])
        for counts in ([1000, 100, 200], [1000, 300, 100])
    ]
    seen = compare_funnels(*sides)
    assert np.isnan(part(seen, "visit → search"))
    assert part(seen, "visit → search", "diff") == pytest.approx(0.2)
    assert part(seen, "visit → buy") == pytest.approx(-0.1)
    assert "The step that explains most is visit → buy" in seen.headline("en")
    with pytest.raises(UsageError, match="do not count the same thing"):
        compare_funnels(FunnelResult.from_counts(steps, [1000, 300, 100]), sides[0])


def test_what_a_funnel_put_together_is_one_group():
    sides = [
        FunnelResult.from_counts(STEPS, {"a": [90, 50, 20], f"others ({n})": [60, 30, 10]})
        for n in (3, 4)
    ]
    parts = compare_funnels(*sides).parts.frame
    assert set(parts["segment"]) == {"a", "(others)"}


# --- exact, and the same from the other side --------------------------------------------------------


def random_side(rng, n_segments, n_steps):
    """Return counts that fall from step to step, some of them to nobody."""
    side = {}
    for s in range(n_segments):
        counts = [int(rng.integers(0, 3) and rng.integers(1, 5000))]
        for _ in range(n_steps - 1):
            counts.append(int(rng.binomial(counts[-1], rng.choice([0, 0.1, 0.5, 1]))))
        side[f"s{s}"] = counts
    return side


@pytest.mark.parametrize("seed", range(60))
def test_the_parts_add_up_and_swapping_sides_changes_the_sign(seed):
    rng = np.random.default_rng(seed)
    n_segments, n_steps = int(rng.integers(1, 7)), int(rng.integers(2, 6))
    steps = list("abcdef")[:n_steps]
    before, after = (random_side(rng, n_segments, n_steps) for _ in range(2))
    if not all(sum(c[0] for c in side.values()) for side in (before, after)):
        return
    forth = FunnelChange.from_counts(steps, before, after)
    back = FunnelChange.from_counts(steps, after, before)
    frame = forth.frame.set_index("part")
    for column, scale in (("overall_diff", 1), ("n_change", 5000)):
        parts = frame[column].drop("(overall)").sum()
        assert parts == pytest.approx(frame[column]["(overall)"], abs=1e-12 * scale)
        turned = back.frame.set_index("part")[column]
        assert np.allclose(turned, -frame[column], rtol=0, atol=1e-12 * scale, equal_nan=True)
    assert frame["overall_diff"]["(overall)"] == pytest.approx(
        frame["after_rate"]["(overall)"] - frame["before_rate"]["(overall)"], abs=1e-12
    )
    rows = forth.parts.frame
    by_part = rows.groupby("part")["n_change"].sum()
    assert np.allclose(by_part[frame.index], frame["n_change"], rtol=0, atol=1e-9)
    for segment, own in rows.groupby("segment"):
        change_of = own.set_index("part")["n_change"]
        assert change_of.drop("(overall)").sum() == pytest.approx(change_of["(overall)"], abs=1e-9)
        if segment in before:
            assert change_of["(overall)"] == after[segment][-1] - before[segment][-1]


def test_the_split_of_a_product_is_shapley_s():
    """All orders in which the factors may change, enumerated."""
    rng = np.random.default_rng(1)
    for n in (1, 2, 3, 5):
        first, second = rng.random(n), rng.random(n)
        shares = np.zeros(n)
        orders = list(itertools.permutations(range(n)))
        for order in orders:
            now = first.copy()
            for k in order:
                was = now.prod()
                now[k] = second[k]
                shares[k] += (now.prod() - was) / len(orders)
        assert np.allclose(split_product(first, second), shares, rtol=0, atol=1e-14)


def test_the_mix_is_kitagawa_s():
    """Kitagawa's components, from their definition."""
    n_0, n_1 = np.array([100, 300, 600]), np.array([500, 200, 100])
    k_0, k_1 = np.array([10, 60, 30]), np.array([60, 30, 1])
    w_0, w_1, r_0, r_1 = n_0 / 1000, n_1 / 800, k_0 / n_0, k_1 / n_1
    seen = split_change(k_0, n_0, k_1, n_1)
    assert seen.mix.sum() == pytest.approx(((w_1 - w_0) * (r_0 + r_1) / 2).sum())
    assert seen.rate == pytest.approx((w_0 + w_1) / 2 * (r_1 - r_0))
    assert seen.traffic + seen.mix_count + seen.rate_count == pytest.approx(k_1 - k_0)


# --- intervals, p-values, several at once -----------------------------------------------------------


def test_intervals_are_newcombe_s_and_p_values_holm_s():
    seen = change([1000, 500, 200], [1200, 500, 240])
    frame = seen.frame.set_index("part")
    for name, (k_1, n_1, k_0, n_0) in {
        "(overall)": (240, 1200, 200, 1000),
        "visit → cart": (500, 1200, 500, 1000),
        "cart → buy": (240, 500, 200, 500),
    }.items():
        limits = confint_proportions_2indep(k_1, n_1, k_0, n_0, method="newcomb", compare="diff")
        ours = frame.loc[name, ["diff_ci_lower", "diff_ci_upper"]].to_numpy(float)
        assert ours == pytest.approx(limits, abs=1e-9)
    steps = frame.loc[["visit → cart", "cart → buy"]]
    holm = multipletests(steps["p_value"], method="holm")[1]
    assert steps["p_value_adj"].tolist() == pytest.approx(holm.tolist())
    assert frame["p_value_adj"]["(overall)"] == frame["p_value"]["(overall)"]
    assert np.isnan(frame["p_value"]["(traffic)"])


def excludes_0(k_1, n_1, k_0, n_0, alpha):
    """Whether Newcombe's interval of the difference leaves out 0, for many pairs at once."""
    (l_1, u_1), (l_0, u_0) = wilson(k_1, n_1, alpha), wilson(k_0, n_0, alpha)
    r_1, r_0 = k_1 / n_1, k_0 / n_0
    below, above = np.hypot(r_1 - l_1, u_0 - r_0), np.hypot(u_1 - r_1, r_0 - l_0)
    return (r_1 - r_0 - below > 0) | (r_1 - r_0 + above < 0)


def test_chance_is_named_no_more_often_than_promised():
    """Two draws from one truth, 5,000 times: a verdict, or any step named, in at most 5 %."""
    rng = np.random.default_rng(2)
    draws = np.full((5000, 2, 4), 400)
    for k, rate in enumerate((0.7, 0.5, 0.6), start=1):
        draws[:, :, k] = rng.binomial(draws[:, :, k - 1], rate)
    before, after = draws[:, 0], draws[:, 1]
    called = excludes_0(after[:, 3], after[:, 0], before[:, 3], before[:, 0], 0.05)
    # Holm names a step exactly when the smallest p-value lies below alpha / 3.
    steps = excludes_0(after[:, 1:], after[:, :-1], before[:, 1:], before[:, :-1], 0.05 / 3)
    named = steps.any(axis=1)
    limit = 0.05 + 3 * np.sqrt(0.05 * 0.95 / 5000)
    assert called.mean() < limit
    assert named.mean() < limit
    for i in range(40):
        seen = FunnelChange.from_counts(list("abcd"), before[i].tolist(), after[i].tolist())
        assert (seen.verdict in ("better", "worse")) == called[i]
        assert bool((seen.frame["p_value_adj"][2:] < 0.05).any()) == named[i]


def test_a_planted_change_is_named_at_its_step_and_group():
    rng = np.random.default_rng(3)
    right = 0
    for _ in range(60):
        sides = []
        for leak in (0.6, 0.45):  # only mobile, only the last step
            side = {}
            for name, rate in {"mobile": leak, "desktop": 0.8}.items():
                cart = int(rng.binomial(2000, 0.5))
                side[name] = [2000, cart, int(rng.binomial(cart, rate))]
            sides.append(side)
        seen = change(*sides, by="device")
        right += seen.parts.headline("en").startswith("What moved the whole most is mobile at cart")
    assert right >= 59


# --- verdicts ---------------------------------------------------------------------------------------


def test_verdicts():
    assert change([1000, 500, 100], [1000, 500, 200]).verdict == "better"
    assert change([1000, 500, 100], [1000, 500, 105]).verdict == "cannot_tell"
    big = change([10**7, 5 * 10**6, 10**6], [10**7, 5 * 10**6, 10**6])
    assert big.verdict == "no_difference"
    assert change([1000, 500, 100], [1000, 500, 102], min_effect=0.5).verdict == "no_difference"


def test_sums_over_groups_can_fall_while_every_group_rises():
    """Simpson: the rate of each group rises, the whole falls; the mix says why."""
    before = {"desktop": [8000, 4000, 1600], "mobile": [2000, 800, 100]}  # 20 %, 5 %: 17 %
    after = {"desktop": [2000, 1000, 440], "mobile": [8000, 3600, 480]}  # 22 %, 6 %: 9.2 %
    seen = change(before, after, by="device")
    assert seen.verdict == "worse"
    assert part(seen, "(mix)") < part(seen, "(overall)") < 0
    assert "A different mix of people accounts for −9.30 pp" in seen.headline("en")
    assert "구성이 달라진 몫" in seen.headline("ko")


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ([0, 0, 0], [100, 50, 10], "NO_UNITS"),
        ([1, 1, 1], [100, 50, 10], "TOO_FEW_UNITS"),
        ([100, 5, 0], [100, 4, 0], "ZERO_VARIANCE"),
    ],
)
def test_what_cannot_be_compared_says_why(before, after, code):
    seen = change(before, after)
    assert (str(seen.verdict), seen.verdict.code) == ("cannot_tell", code)
    assert "nan" not in repr(seen).lower()
    assert "nan" not in repr(seen.parts).lower()


def test_a_shop_without_events_says_so():
    empty = funnel(MissingTable("events"), STEPS, window="1d")
    seen = compare_funnels(empty, empty)
    assert seen.verdict.code == seen.parts.verdict.code == "MISSING_TABLE"
    assert tuple(seen.frame.columns) == FunnelChange.COLUMNS
    assert tuple(seen.parts.frame.columns) == FunnelParts.COLUMNS


def test_one_step_and_nobody_at_all():
    seen = FunnelChange.from_counts(["visit"], [5], [7])
    assert seen.frame["part"].tolist() == ["(overall)", "(traffic)"]
    assert part(seen, "(traffic)", "n_change") == 2
    assert seen.verdict.code == "ZERO_VARIANCE"
    nobody = FunnelChange.from_counts(["a", "b"], [0, 0], [0, 0])
    assert nobody.verdict.code == "NO_UNITS"
    assert "nan" not in repr(nobody).lower()


# --- what may be compared ---------------------------------------------------------------------------


def log(n):
    at = pd.date_range("2026-01-01", periods=n, freq="h")
    one = pd.DataFrame({"visitor_id": range(n), "at": at, "event": "visit", "device": "phone"})
    later = one.assign(event="buy", at=at + pd.Timedelta("1min"))
    return pd.concat([one, later.iloc[::2]])


def measured(**options):
    return funnel(log(40), ["visit", "buy"], **{"window": "1d", **options})


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"window": "2d"}, r"Window 1d ≠ 2d"),
        ({"order": "strict"}, "Order in order"),
        ({"ties": "later"}, "Ties"),
        ({"by": "device"}, "Split by – ≠ device"),
        ({"window": "2d", "ties": "later"}, "Window .*, Ties"),
    ],
)
def test_funnels_that_count_different_things_are_refused(other, says):
    with pytest.raises(UsageError, match=says) as error:
        compare_funnels(measured(), measured(**other))
    assert "같은 것을 세지 않습니다" in error.value.ko


def test_other_steps_are_refused():
    one = FunnelResult.from_counts(["visit", "buy"], [10, 5])
    other = FunnelResult.from_counts(["visit", "pay"], [10, 5])
    with pytest.raises(UsageError, match=r"Steps \[visit, buy\] ≠ \[visit, pay\]"):
        compare_funnels(one, other)


def test_dates_targets_and_the_end_of_the_data_may_differ():
    one = measured(end="2026-01-01", target=0.3)
    other = measured(start="2026-01-02", end="2026-01-02", as_of="2026-01-20", target=0.2)
    seen = compare_funnels(one, other)
    assert seen.definition["after"] == "2026-01-02 ~ 2026-01-02"
    assert seen.definition["window"] == "1d"


def test_two_groups_of_people():
    rows = log(40)
    events = as_table(rows.assign(device=np.where(rows["visitor_id"] < 30, "phone", "desk")))
    sides = [
        funnel(events.keep([("device", "=", name)]), ["visit", "buy"], window="1d")
        for name in ("phone", "desk")
    ]
    seen = compare_funnels(*sides, names=("phone", "desk"))
    assert seen.frame[["n_people_before", "n_people_after"]].to_numpy()[0].tolist() == [30, 10]


def test_sides_are_called_what_one_calls_them():
    seen = change([1000, 500, 100], [1000, 500, 200], names=("desktop", "mobile"))
    assert "10.0% of 1,000 desktop, 20.0% of 1,000 mobile" in seen.headline("en")
    assert "컴퓨터 1,000명 중 10.0%, 휴대폰 1,000명 중 20.0%" in seen.headline("ko")


def test_periods_of_different_length_and_pending_people_are_said():
    one = measured(start="2026-01-01", end="2026-01-01", as_of="2026-01-20")
    other = measured(start="2026-01-01", end="2026-01-02", as_of="2026-01-02")
    notes = " ".join(compare_funnels(one, other).notes)
    assert "1 and 2 days" in notes
    assert "16 people of 'after' are still within their window" in notes


def test_small_groups_are_folded_and_sums_stay():
    before = {f"c{i:02d}": [i, i // 2, i // 4] for i in range(1, 30)}
    seen = change(before, before, min_cell=20)
    names = set(seen.parts.frame["segment"])
    assert "(others)" in names
    assert "c09" not in names  # 18 people, both sides together
    assert "c10" in names
    assert part(seen, "(overall)", "n_people_before") == sum(range(1, 30))
    assert "9 small groups" in " ".join(seen.notes)
    many = {f"c{i:03d}": [100, 50, 10] for i in range(70)}
    seen = change(many, many)
    assert seen.parts.frame["segment"].nunique() == 51
    with pytest.raises(UsageError, match="min_cell 0 must be"):
        change(many, many, min_cell=0)
    with pytest.raises(UsageError, match="min_effect 0 must be"):
        change(many, many, min_effect=0)


def test_prints_in_both_languages_without_raising():
    seen = change({"a": [1000, 500, 100], "b": [50, 5, 0]}, {"a": [900, 500, 200]})
    for result in (seen, seen.parts):
        for lang in ("ko", "en"):
            assert result.headline(lang)
            assert len(result.display_frame(lang))
        assert "<table" in result._repr_html_()


# --- the days to compare ----------------------------------------------------------------------------


def test_two_periods():
    day = dt.date
    events = pd.DataFrame({"at": pd.to_datetime(["2026-03-31 12:00"])})
    known = {"as_of": "2026-03-31"}
    before, now = two_periods(events, days=7, window="7d", **known)
    assert now == {"start": day(2026, 3, 18), "end": day(2026, 3, 24)}
    assert before == {"start": day(2026, 3, 11), "end": day(2026, 3, 17)}
    before, now = two_periods(events, start="2026-03-01", end="2026-03-10")
    assert before == {"start": day(2026, 2, 19), "end": day(2026, 2, 28)}
    assert two_periods(events, days=1)[1] == {"start": day(2026, 3, 31), "end": day(2026, 3, 31)}
    # In the middle of a day only the day before is whole.
    noon = two_periods(events, days=1, as_of=dt.datetime(2026, 3, 31, 12, tzinfo=dt.UTC))[1]
    assert noon["end"] == day(2026, 3, 30)
    assert two_periods(MissingTable("events"))[0] == {"start": None, "end": None}
    with pytest.raises(UsageError, match="days 0 must be"):
        two_periods(events, days=0)


# --- the sample shop --------------------------------------------------------------------------------


def test_the_sample_shop_s_planted_changes_are_found():
    """Copy B for everybody since 18 May (cart up), the new mobile checkout since 1 June (mobile down)."""
    shop = cm.open_shop(SAMPLE)
    days = two_periods(shop.events, start="2026-06-01", end="2026-08-31")
    sides = [cm.funnel(shop.events, shop.steps, window="7d", by="device", **each) for each in days]
    seen = compare_funnels(*sides)
    assert "The step that explains most is product view → cart" in seen.headline("en")
    assert "The other way went checkout → purchase" in seen.headline("en")
    sure = seen.parts.frame.query("p_value_adj < 0.05 and part != '(overall)'")
    worse = sure[sure["overall_diff"] < 0][["segment", "part"]].to_numpy().tolist()
    assert worse == [["mobile", "begin_checkout → purchase"]]


def test_nothing_planted_nothing_named():
    shop = cm.open_shop(SAMPLE)
    days = two_periods(shop.events, window="7d")
    sides = [cm.funnel(shop.events, shop.steps, window="7d", by="device", **each) for each in days]
    assert compare_funnels(*sides).verdict == "cannot_tell"
