"""Charts are drawn from the result alone: Hangul and minus signs show, n stands under the axis."""

import matplotlib as mpl
import pandas as pd
import pytest

mpl.use("Agg")

import custmeasure as cm
from custmeasure import language
from custmeasure.measure.funnel import FunnelResult, StoppingResult
from custmeasure.show import plots
from custmeasure.show.plots.as_svg import in_steps
from custmeasure.show.result import missing_verdict

STEPS = ["방문", "add_to_cart", "구매"]


def funnel(split: bool = False) -> FunnelResult:
    counts = [1000, 300, 60]
    split_counts = {"모바일": [700, 200, 20], "데스크톱": [300, 100, 40], "<b>": [2, 1, 0]}
    return FunnelResult.from_counts(
        STEPS, split_counts if split else counts, by="기기", target=0.05
    )


def retention():
    days = pd.to_datetime(["2026-01-03", "2026-01-04", "2026-02-03", "2026-02-09", "2026-03-01"])
    log = pd.DataFrame({"customer_id": list("abacd"), "at": days})
    return cm.retention(log, unit="customer_id", at="at", period="month", as_of="2026-03-31")


def copy_test():
    return cm.copy_test_from_counts({"A": (238, 17), "나": (238, 45)}, control="A")


def bridge():
    orders = pd.DataFrame(
        {"order_id": ["1"], "customer_id": ["a"], "at": ["2026-01-01"], "amount": [5]}
    )
    return cm.bridge(orders)


def change():
    before = {"모바일": [700, 200, 60], "데스크톱": [300, 100, 40]}
    after = {"모바일": [800, 200, 20], "데스크톱": [300, 100, 60]}
    return cm.FunnelChange.from_counts(STEPS, before, after, by="기기")


def stopped():
    counts = {"방문": {"(left)": 900, "search": 90, "도움말": 10}, "add_to_cart": {"(left)": 40}}
    return cm.StoppedResult.from_counts(counts)


def stopping():
    rows = [("방문", "device", "mobile", 700, 400), ("방문", "device", "<b>", 300, 100)]
    columns = ["step", "trait", "value", "n_with", "n_stopped"]
    return cm.StoppingResult.from_counts(pd.DataFrame(rows, columns=columns))


def landing():
    days = pd.date_range("2026-01-05", periods=56).date
    visits = pd.DataFrame([(p, day, 9) for p in ("/홈", "/b") for day in days])
    people = pd.DataFrame([(p, now, 250, 90, 30) for p in ("/홈", "/b") for now in (True, False)])
    return cm.LandingResult.from_counts(
        visits.set_axis(["page", "day", "n_visits"], axis=1),
        people.set_axis(["page", "is_now", "n_people", "n_carts", "n_orders"], axis=1),
        start="2026-02-02",
    )


def plan_test():
    return cm.plan_test_from_counts(0.05, units_a_day=300, min_effect=0.2, method="one_look")


def copy_days():
    days = pd.date_range("2026-04-06", periods=14)
    rows = {"day": days, "variant": list("ABBAABABAABBAB"), "n_visitors": 200}
    return cm.copy_days_from_counts(pd.DataFrame({**rows, "n_conversions": range(5, 19)}))


def copy_memory():
    tests = {"experiment": [f"시험 {k // 2}" for k in range(10)], "variant": ["A", "나"] * 5}
    sold = [100, 150, 99, 140, 101, 147, 100, 104, 98, 97]
    rows = pd.DataFrame({**tests, "n_units": 1000, "n_conversions": sold})
    return cm.copy_memory_from_counts(rows.assign(tags=["", "proof"] * 3 + ["", "<b>"] * 2))


DRAWN = {
    "plan test": (plots.plan_test, plan_test, "n=2,100"),
    "plan days": (plots.plan_test, lambda: cm.plan_days_from_counts(200, 0.04), "n=2,800"),
    "copy memory": (plots.copy_memory, copy_memory, "n=6,000"),
    "past tests": (plots.past_tests, lambda: copy_memory().past, "n=2,000"),
    "funnel": (plots.funnel, funnel, "n=1,000"),
    "split funnel": (plots.funnel, lambda: funnel(split=True), "n=1,002"),
    "retention": (plots.retention, retention, "n=3"),
    "copy test": (plots.copy_test, copy_test, "n=238"),
    "bridge": (plots.bridge, bridge, "n=1"),
    "compare funnels": (plots.compare_funnels, change, "n=1,100"),
    "stopped": (plots.stopped, stopped, "n=1,000"),
    "stopping": (plots.stopping, stopping, "n=700"),
    "landing": (plots.landing, landing, "n=250"),
}


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize("lang", ["ko", "en"])
def test_letters_n_and_alternative_text(name, lang):
    """A missing glyph is a warning, and warnings are errors here."""
    language.use(lang)
    draw, result, n = DRAWN[name]
    ax = draw(result())
    text = plots.svg(ax.figure)
    ticks = [tick.get_text() for axis in (ax.xaxis, ax.yaxis) for tick in axis.get_ticklabels()]
    assert any(tick.endswith(n) for tick in ticks)
    assert ax.figure.get_label().startswith(("Chart: ", "그래프: "))
    assert "<script" not in text
    assert text == plots.svg(draw(result()).figure)  # F16: the same picture, byte for byte
    assert len(text) < 100_000
    mpl.pyplot.close("all")


def test_no_setting_outlives_a_plot():
    before = dict(mpl.rcParams)
    plots.funnel(funnel())
    assert dict(mpl.rcParams) == before
    mpl.pyplot.close("all")


def test_nothing_to_draw_says_why():
    frame = pd.DataFrame(columns=list(FunnelResult.COLUMNS))
    empty = FunnelResult(frame, {}, verdict=missing_verdict("events"))
    ax = plots.funnel(empty)
    assert "events" in ax.texts[0].get_text().replace("\n", " ")
    mpl.pyplot.close("all")


@pytest.mark.parametrize("counts", [[0, 0], {"x": [0, 0], "y": [0, 0]}], ids=["whole", "split"])
def test_a_funnel_that_nobody_entered_says_so(counts):
    ax = plots.funnel(FunnelResult.from_counts(["visit", "buy"], counts))
    assert "Nobody entered with visit" in ax.texts[0].get_text().replace("\n", " ")
    mpl.pyplot.close("all")


def test_what_goes_with_stopping_is_marked_at_the_result_s_own_level():
    rows = {"trait": "device", "step": "cart", "n_with": [400, 400], "n_stopped": [120, 150]}
    rows = pd.DataFrame({**rows, "value": ["desk", "phone"]})
    colours = []
    for alpha in (0.05, 0.01):
        ax = plots.stopping(StoppingResult.from_counts(rows, alpha=alpha))
        colours.append(ax.lines[1].get_color())
        mpl.pyplot.close("all")
    assert colours[0] != colours[1]


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_days_stand_with_their_copies(lang):
    language.use(lang)
    ax = plots.copy_days(copy_days())
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert [text.split()[0] for text in legend] == ["A", "B"]
    assert all("n=1,400" in text for text in legend)
    assert ax.get_xlabel() == "n=2,800"
    assert len(plots.svg(ax.figure)) < 100_000
    mpl.pyplot.close("all")


def test_given_axes_are_used():
    figure, ax = mpl.pyplot.subplots()
    assert plots.retention(retention(), ax=ax) is ax
    mpl.pyplot.close(figure)


def test_an_outline_said_in_steps_is_the_same_outline():
    outline = "M 10 -5 \nL 12 0 \nQ 3 4 5 -6 \nL -7 8 \nz\nM 1 2 \nL 4 6 \nz\n"
    assert in_steps(outline) == "M 10-5 l 2 5 q-9 4-7-6 l-12 14 z M 1 2 l 3 4 z"
