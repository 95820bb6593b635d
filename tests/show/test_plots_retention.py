"""Charts of buying again: letters show, n stands under the axis, what is blank says why."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

mpl.use("Agg")

import custmeasure as cm
from custmeasure import language
from custmeasure.engine import MissingTable
from custmeasure.show import plots


def orders():
    """Return orders of 600 customers of January; six in ten come back each time, after some 20 days."""
    draw = np.random.default_rng(2)
    customer, day, parts = np.arange(600), draw.integers(0, 31, 600), []
    while len(customer):
        parts.append(pd.DataFrame({"customer_id": customer, "day": day}))
        stay = draw.random(len(customer)) < 0.6
        customer, day = customer[stay], day[stay] + 1 + draw.geometric(0.05, int(stay.sum()))
    frame = pd.concat(parts, ignore_index=True)
    return frame.assign(
        at=pd.Timestamp("2026-01-01") + pd.to_timedelta(frame["day"], unit="D"),
        amount=1000.0 + frame["customer_id"],
        channel=np.where(frame["customer_id"] % 2, "네이버", "instagram"),
    )


def of(measure, **options):
    return lambda table=None: measure(
        orders() if table is None else table, as_of="2026-10-31", **options
    )


def retention(**options):
    return of(cm.retention, unit="customer_id", at="at", period="month", **options)


DRAWN = {
    "retention": (plots.retention, retention(), "n=600"),
    "brackets": (plots.retention, retention(brackets=[1, 3]), "2–3\nn=600"),
    "segments": (plots.retention, retention(by="channel"), "n=600"),
    "value": (plots.value_curve, of(cm.value_curve), "n=600"),
    "steps": (plots.order_steps, of(cm.order_steps), None),
    "steps split": (plots.order_steps, of(cm.order_steps, by="channel"), None),
    "lifecycle": (plots.lifecycle, of(cm.lifecycle), None),
    "next order": (plots.next_order, of(cm.time_to_next_order), "0\nn=600"),
    "next order split": (plots.next_order, of(cm.time_to_next_order, by="channel"), "0\nn=600"),
    "cut-off": (plots.churn_cutoff, of(cm.churn_cutoff, within="30d"), None),
    "cut-offs": (plots.churn_cutoff, of(cm.churn_cutoff, within="30d", by="channel"), None),
}


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize("lang", ["ko", "en"])
def test_letters_n_and_alternative_text(name, lang):
    """A missing glyph is a warning, and warnings are errors here."""
    language.use(lang)
    draw, measure, n = DRAWN[name]
    ax = draw(measure())
    text = plots.svg(ax.figure)
    ticks = [tick.get_text() for axis in (ax.xaxis, ax.yaxis) for tick in axis.get_ticklabels()]
    assert any("n=" in tick for tick in ticks)
    assert n is None or any(tick.endswith(n) for tick in ticks), ticks
    assert ax.figure.get_label().startswith(("Chart: ", "그래프: "))
    assert text == plots.svg(draw(measure()).figure)  # F16
    assert len(text) < 120_000
    mpl.pyplot.close("all")


@pytest.mark.parametrize("name", DRAWN)
def test_nothing_to_draw_says_why(name):
    draw, measure, _ = DRAWN[name]
    for table in (MissingTable("orders"), orders().iloc[:0]):
        ax = draw(measure(table))
        assert ax.texts[0].get_text()
        mpl.pyplot.close("all")
