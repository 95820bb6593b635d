"""One plot a result, drawn from the result alone: n under the axis, intervals, notes as footnote.

``plots.<noun>(result, ax=None)`` draws the result of ``<noun>`` in the current language and returns the
Axes. The figure's label is its alternative text. Nothing here computes, and no setting outlives a plot.
"""

import functools
import io
import re
import textwrap
from collections.abc import Hashable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib import dates as mdates
from matplotlib import font_manager, ticker
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib_inline import backend_inline

from custmeasure import language
from custmeasure.language import pick
from custmeasure.show import format as fmt
from custmeasure.show.labels import label, setting_label, value_label
from custmeasure.show.result import Result

_FONTS = Path(__file__).parent / "fonts"
# Space that says nothing in an SVG whose letters are outlines.
_BETWEEN_TAGS, _IN_PATH = re.compile(r">\s+<"), re.compile(r'(?<= d=")[^"]*')
_LETTER = re.compile(r'(?<= d=")[MLQz0-9\s-]+(?=")')  # an outline in whole numbers
# Nanum has no minus sign (U+2212); DejaVu Sans after it supplies what Nanum lacks.
FAMILY = ["NanumSquare", "DejaVu Sans"]

INK, MUTED, LINE, ACCENT, SOFT = "#1f2933", "#616e7c", "#d9dee4", "#1b6ca8", "#c9ddec"
# Colours that stay apart for readers with colour-blindness (Okabe and Ito 2008).
COLOURS = ("#1b6ca8", "#d55e00", "#009e73", "#cc79a7", "#7a7a7a", "#e69f00")
SEGMENTS = len(COLOURS)
# The columns that may hold a variant's own value.
COPY_VALUES = ("conversion_rate", "revenue_amount", "metric_value")
_UP, _DOWN = "#009e73", "#d55e00"
PAGES = 8  # of a plot


def funnel(result: Result, ax: Axes | None = None) -> Axes:
    """Draw how many reached each step; of a split funnel, each segment's step rates.

    Parameters
    ----------
    result
        A `FunnelResult`.
    ax
        Where to draw; a new figure when not given.
    """
    split = result.frame.columns[0] if "step" not in result.frame.columns[:1] else None
    with _style():
        ax = ax or _axes()
        if not len(result.frame):
            return _nothing(result, ax)
        if split:
            _funnel_segments(result, str(split), ax)
        else:
            _funnel_bars(result, ax)
        ax.yaxis.set_major_formatter(ticker.PercentFormatter(1, decimals=0))
        return _finish(result, ax)


def retention(result: Result, ax: Axes | None = None) -> Axes:
    """Draw the share that came back by period: each cohort thin, all cohorts bold; or the segments.

    Parameters
    ----------
    result
        A `RetentionResult`.
    ax
        Where to draw; a new figure when not given.
    """
    with _style():
        ax = ax or _axes()
        pooled = result.pooled if len(result.frame) else pd.DataFrame()  # type: ignore[attr-defined]
        pooled = pooled[pooled["period"] > 0] if len(pooled) else pooled
        if not len(pooled):
            return _nothing(result, ax)
        by = result.by  # type: ignore[attr-defined]
        if by:
            sizes = _segment_lines(pooled, by, "period", "retained_rate", ax)
        else:
            _cohorts(result.frame, "retained_rate", ax)
            sizes = _pooled_line(pooled, "retained_rate", ax)
        cells = [result.cell_name(int(k)) for k in sizes.index]  # type: ignore[attr-defined]
        _n_under(ax, sizes.index.to_numpy(), sizes.to_list(), cells)
        ax.set_xlabel(label("period") + f" ({setting_label(str(result.definition['period']))})")
        _say_axis(ax, label("retained_rate"))
        ax.set_ylim(bottom=0)
        ax.yaxis.set_major_formatter(ticker.PercentFormatter(1, decimals=0))
        return _finish(result, ax)


def value_curve(result: Result, ax: Axes | None = None) -> Axes:
    """Draw what a customer has brought by period: each cohort thin, all cohorts bold.

    Parameters
    ----------
    result
        A `ValueCurve`.
    ax
        Where to draw; a new figure when not given.
    """
    with _style():
        ax = ax or _axes()
        pooled = result.pooled  # type: ignore[attr-defined]
        if not len(pooled):
            return _nothing(result, ax)
        _cohorts(result.frame, "value_amount", ax, first=0)
        sizes = _pooled_line(pooled, "value_amount", ax)
        _n_under(ax, sizes.index.to_numpy(), sizes.to_list())
        ax.set_xlabel(label("period") + f" ({setting_label(str(result.definition['period']))})")
        _say_axis(ax, label("value_amount"))
        ax.set_ylim(bottom=0)
        ax.yaxis.set_major_formatter(_axis_format(result, "value_amount"))
        return _describe(result, ax)


def order_steps(result: Result, ax: Axes | None = None) -> Axes:
    """Draw the share that goes on from each order to the next; or each segment's.

    Parameters
    ----------
    result
        An `OrderSteps`.
    ax
        Where to draw; a new figure when not given.
    """
    with _style():
        ax = ax or _axes()
        frame = result.frame
        if not len(frame) or not frame["n_customers"].sum():
            return _nothing(result, ax)
        by = result.by  # type: ignore[attr-defined]
        totals = frame.groupby("step", sort=False)["n_customers"].sum()
        shown = [""]
        if by:
            sizes = frame.groupby(by)["n_customers"].max().sort_values(ascending=False)
            shown = list(sizes.index[:SEGMENTS])
        for i, segment in enumerate(shown):
            rows = frame[frame[by] == segment] if by else frame
            x = np.arange(len(rows)) + 0.12 * (i - (len(shown) - 1) / 2)
            ax.errorbar(
                x, rows["again_rate"], yerr=_whiskers(rows, "again_rate"), fmt="o", markersize=7,
                color=COLOURS[i], elinewidth=1.8, capsize=4, label=value_label(str(segment)),
            )  # fmt: skip
            for place, rate in zip(x, rows["again_rate"], strict=True):
                if len(shown) == 1 and np.isfinite(rate):
                    ax.annotate(
                        fmt.show("again_rate", rate), (place, rate), (9, 0), ha="left", va="center",
                        textcoords="offset points", color=INK, fontweight="bold",
                    )  # fmt: skip
        ax.set_xticks(range(len(totals)), [f"{step}\nn={n:,}" for step, n in totals.items()])
        ax.set_xlim(-0.6, len(totals) - 0.4)
        ax.set_ylim(0, 1)
        ax.yaxis.set_major_formatter(ticker.PercentFormatter(1, decimals=0))
        _say_axis(ax, label("again_rate"))
        if by:
            ax.legend(ncols=3, loc="best", frameon=False)
        return _describe(result, ax)


def lifecycle(result: Result, ax: Axes | None = None) -> Axes:
    """Draw who bought in each period: current, resurrected and new above the line, dormant below.

    Parameters
    ----------
    result
        A `Lifecycle`.
    ax
        Where to draw; a new figure when not given.
    """
    with _style():
        ax = ax or _axes()
        frame = (
            result.frame[result.frame["mature"].astype(bool)] if len(result.frame) else result.frame
        )
        if not len(frame):
            return _nothing(result, ax)
        x, floor = np.arange(len(frame)), np.zeros(len(frame))
        colours = {"n_current": ACCENT, "n_resurrected": COLOURS[2], "n_new": SOFT}
        for name, colour in colours.items():
            heights = frame[name].to_numpy(float)
            ax.bar(x, heights, bottom=floor, width=0.72, color=colour, label=label(name), zorder=2)
            floor = floor + heights
        dormant = frame["n_dormant"].to_numpy(float)
        ax.bar(x, -dormant, width=0.72, color=COLOURS[1], label=label("n_dormant"), zorder=2)
        ax.axhline(0, color=INK, linewidth=0.8, zorder=3)
        names = result.shown_frame()["period_on"].iloc[: len(frame)]
        thin = -(-len(x) // 8)
        named = zip(names[::thin], frame["n_active"][::thin], strict=True)
        ax.set_xticks(x[::thin], [f"{_short(name)}\nn={n:,}" for name, n in named])
        ax.yaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{abs(value):,.0f}"))
        ax.legend(ncols=4, loc="lower right", bbox_to_anchor=(1, 0.99), frameon=False)
        _say_axis(ax, pick("고객", "Customers"))
        return _describe(result, ax)


def next_order(result: Result, ax: Axes | None = None) -> Axes:
    """Draw the share that has ordered again by day, with those still watched under the axis.

    Parameters
    ----------
    result
        A `NextOrder`.
    ax
        Where to draw; a new figure when not given.
    """
    with _style():
        ax = ax or _axes()
        if not len(result.frame):
            return _nothing(result, ax)
        by = result.by  # type: ignore[attr-defined]
        shown = list(result.summary["segment"][:SEGMENTS])  # type: ignore[attr-defined]
        for i, segment in enumerate(shown):
            rows = result.frame[result.frame[by] == segment] if by else result.frame
            rows = rows[(rows["n_again"] > 0) | (rows.index == rows.index[-1])]
            x = np.append(0, rows["gap_days"])
            name = value_label(str(segment)) if by else None
            ax.step(x, np.append(0, rows["again_rate"]), where="post", color=COLOURS[i], label=name,
                    linewidth=2.2)  # fmt: skip
            band = rows.iloc[:: max(1, len(rows) // 40)]
            lower, upper = (band[f"again_rate_ci_{end}"].fillna(0) for end in ("lower", "upper"))
            ax.fill_between(
                band["gap_days"], lower, upper, color=COLOURS[i], alpha=0.15, linewidth=0
            )
        _still_watched(result, ax)
        ax.set_xlabel(label("gap_days"))
        ax.set_xlim(0, float(result.frame["gap_days"].max()))
        ax.set_ylim(bottom=0)
        ax.yaxis.set_major_formatter(ticker.PercentFormatter(1, decimals=0))
        _say_axis(ax, label("again_rate"))
        if by:
            ax.legend(ncols=3, loc="best", frameon=False)
        return _describe(result, ax)


def churn_cutoff(result: Result, ax: Axes | None = None) -> Axes:
    """Draw who still comes back after a silence, and where the cut-off lies; of segments, their cut-offs.

    Parameters
    ----------
    result
        A `ChurnCutoff`.
    ax
        Where to draw; a new figure when not given.
    """
    with _style():
        split = len(result.frame) > 1
        ax = ax or _axes(1.6 + 0.45 * len(result.frame) if split else 3.7)
        if not len(result.frame) or not result.frame["cutoff_days_ci_upper"].notna().any():
            return _nothing(result, ax)
        if split:
            _cutoffs(result, ax)
        else:
            _silence(result, ax)
        return _describe(result, ax)


def copy_test(result: Result, ax: Axes | None = None) -> Axes:
    """Draw each variant's rate (or amount) with its interval.

    Parameters
    ----------
    result
        A `CopyTestResult`.
    ax
        Where to draw; a new figure when not given.
    """
    with _style():
        frame = result.frame
        ax = ax or _axes(height=1.5 + 0.7 * max(1, len(frame)))
        measured = [name for name in COPY_VALUES if name in frame]
        if not len(frame) or not measured or not frame[measured[0]].notna().any():
            return _nothing(result, ax)
        name = measured[0]
        y = np.arange(len(frame))[::-1]
        for i, row in enumerate(frame.to_dict("records")):
            _interval_line(ax, row, name, y[i], COLOURS[0] if i else MUTED, result.formats)
        ax.set_yticks(
            y, [f"{v}\nn={n:,}" for v, n in zip(frame["variant"], frame["n_units"], strict=True)]
        )
        ax.set_ylim(-0.6, len(frame) - 0.4)
        ax.set_xlabel(
            str(result.definition.get("metric")) if name == "metric_value" else label(name)
        )
        ax.grid(axis="y", visible=False)
        ax.grid(axis="x", visible=True)
        ax.xaxis.set_major_formatter(_axis_format(result, name))
        return _finish(result, ax)


def copy_test_daily(result: Result, ax: Axes | None = None) -> Axes:
    """Draw the difference so far, day by day, with the interval that each look may claim.

    Parameters
    ----------
    result
        A `CopyTestResult`.
    ax
        Where to draw; a new figure when not given.
    """
    with _style():
        daily = getattr(result, "daily", pd.DataFrame())
        name = "rel_diff" if len(daily) and daily["rel_diff"].notna().any() else "diff"
        if not len(daily) or not daily[name].notna().any():
            return _nothing(result, ax or _axes(height=1.2))
        ax = ax or _axes()
        ax.axhline(0, color=INK, linewidth=1)
        for i, (variant, rows) in enumerate(daily.groupby("variant", sort=False)):
            _difference_so_far(ax, rows, name, COLOURS[i % len(COLOURS)], str(variant))
        ax.set_ylim(*_widest(daily, name))
        ax.xaxis.set_major_formatter(mdates.DateFormatter("%m-%d"))  # type: ignore[no-untyped-call]
        if name == "rel_diff":
            ax.yaxis.set_major_formatter(ticker.PercentFormatter(1, decimals=0))
        n = int(daily.groupby("variant")["n_units"].max().max())
        ax.set_xlabel(f"n={n:,}")
        _say_axis(ax, label(name))
        if len(daily["variant"].unique()) > 1:
            ax.legend(loc="upper right", frameon=False)
        return _finish(result, ax)


def plan_test(result: Result, ax: Axes | None = None) -> Axes:
    """Draw the smallest difference that each number of weeks shows, and the number recommended.

    Parameters
    ----------
    result
        A `PlanTestResult` or a `PlanDaysResult`.
    ax
        Where to draw; a new figure when not given.
    """
    with _style():
        ax = ax or _axes()
        frame = result.frame[result.frame["mde_rel_diff"].notna()]
        if not len(frame):
            return _nothing(result, ax)
        x, y = frame["n_weeks"].to_numpy(), frame["mde_rel_diff"].to_numpy(float)
        wanted = float(str(result.definition["min_effect"]))
        ax.plot(x, y, color=ACCENT, linewidth=2.2, marker="o", markersize=3.5)
        ax.axhline(wanted, color=COLOURS[1], linewidth=1.3, linestyle=(0, (4, 3)))
        said = f"{label('min_effect')} {100 * wanted:g}%"
        ax.annotate(
            said, (x[-1], wanted), (0, 4), textcoords="offset points", ha="right", color=COLOURS[1]
        )
        weeks = getattr(result, "weeks", None)
        if weeks is not None:
            ax.axvline(weeks, color=COLOURS[2], linewidth=6, alpha=0.25)
        sizes = frame["n_units" if "n_units" in frame else "n_visitors"].to_numpy()
        some = np.unique(np.linspace(0, len(x) - 1, 7).round().astype(int))
        _n_under(ax, x[some], sizes[some].tolist(), [_weeks(int(n)) for n in x[some]])
        ax.set_ylim(0, min(1.05 * y[0], max(6 * wanted, 3 * y[-1])))
        ax.yaxis.set_major_formatter(ticker.PercentFormatter(1, decimals=0))
        _say_axis(ax, label("mde_rel_diff"))
        return _finish(result, ax, bands=False)


def copy_days(result: Result, ax: Axes | None = None) -> Axes:
    """Draw every day's value by the copy it showed, and each copy's value over all its days.

    Parameters
    ----------
    result
        A `CopyDaysResult`.
    ax
        Where to draw; a new figure when not given.
    """
    with _style():
        ax = ax or _axes()
        days = getattr(result, "days", pd.DataFrame())
        if not len(result.frame) or not len(days):
            return _nothing(result, ax)
        value = next(
            n.removesuffix("_ci_lower") for n in map(str, result.frame) if "_ci_lower" in n
        )
        for row, colour in zip(result.frame.to_dict("records"), (MUTED, ACCENT), strict=False):
            mine = days[days["variant"] == row["variant"]]
            when = pd.to_datetime(mine["day"])
            ax.scatter(when, mine["value"], s=22, color=colour, alpha=0.75, linewidth=0, zorder=3)
            ends = [row[f"{value}_ci_lower"], row[f"{value}_ci_upper"]]
            if np.isfinite(ends).all():
                ax.axhspan(*ends, color=colour, alpha=0.12, linewidth=0)
            shown = fmt.show(value, row[value], overrides=result.formats)
            n = f"n={row['n_visitors']:,.0f}"
            ax.axhline(
                row[value], color=colour, linewidth=1.6, label=f"{row['variant']}  {shown}  {n}"
            )
        ax.xaxis.set_major_formatter(mdates.DateFormatter("%m-%d"))  # type: ignore[no-untyped-call]
        ax.set_xlabel(f"n={result.frame['n_visitors'].sum():,.0f}")
        ax.set_ylim(bottom=0)
        ax.yaxis.set_major_formatter(_days_format(result, value))
        _say_axis(ax, label(value))
        ax.legend(ncols=2, loc="lower right", bbox_to_anchor=(1, 0.99), frameon=False)
        return _finish(result, ax)


def copy_memory(result: Result, ax: Axes | None = None) -> Axes:
    """Draw what each kind of copy does to the rate, with its interval.

    Parameters
    ----------
    result
        A `CopyMemoryResult`.
    ax
        Where to draw; a new figure when not given.
    """
    with _style():
        frame = result.frame[result.frame["rel_diff"].notna()]
        ax = ax or _axes(height=1.4 + 0.5 * max(2, len(frame)))
        if not len(frame):
            return _nothing(result, ax)
        y = np.arange(len(frame))[::-1]
        for place, row in zip(y, frame.to_dict("records"), strict=True):
            colour = {"better": _UP, "worse": _DOWN}.get(row["finding"], MUTED)
            _rel_line(ax, row, "rel_diff", place, colour)
        _rows_of(ax, y, frame["tag"], frame["n_units"])
        _rel_axis(ax, frame[["rel_diff_ci_lower", "rel_diff_ci_upper"]].to_numpy(float))
        return _finish(result, ax)


def past_tests(result: Result, ax: Axes | None = None) -> Axes:
    """Draw each finished test as it was seen (a ring) and as it probably was (a dot with its interval).

    Parameters
    ----------
    result
        A `PastTestsResult`, of which the latest twenty are drawn.
    ax
        Where to draw; a new figure when not given.
    """
    with _style():
        frame = result.frame.head(20)
        ax = ax or _axes(height=1.4 + 0.34 * max(3, len(frame)))
        if not len(frame):
            return _nothing(result, ax)
        y = np.arange(len(frame))[::-1]
        for place, row in zip(y, frame.to_dict("records"), strict=True):
            _rel_line(ax, row, "likely_rel_diff", place, ACCENT)
            ax.plot([row["rel_diff"]], [place], "o", markersize=7, markerfacecolor="none",
                    markeredgecolor=COLOURS[1], zorder=4)  # fmt: skip
        _rows_of(ax, y, frame["experiment"], frame["n_units"], together=True)
        ends = ["likely_rel_diff_ci_lower", "likely_rel_diff_ci_upper", "rel_diff"]
        _rel_axis(ax, frame[ends].to_numpy(float))
        said = pick(
            "고리: 본 그대로 · 점과 선: 운을 덜어 낸 값과 구간",
            "Ring: as seen · dot and line: likely, with its interval",
        )
        _say_axis(ax, said)
        return _finish(result, ax, bands=False)


def bridge(result: Result, ax: Axes | None = None) -> Axes:
    """Draw what is left of the amount ordered after each line, for the first basis.

    Parameters
    ----------
    result
        A `BridgeResult`.
    ax
        Where to draw; a new figure when not given.
    """
    with _style():
        ax = ax or _axes()
        if not len(result.frame):
            return _nothing(result, ax)
        frame = result.frame[result.frame["basis"] == result.frame["basis"].iloc[0]]
        x, amount = np.arange(len(frame)), frame["amount"].to_numpy(float)
        whole = frame["line"].isin(("gross", "net")).to_numpy()
        floor = np.where(whole, 0, frame["running_amount"].to_numpy(float))
        colours = np.where(whole, ACCENT, COLOURS[1])
        ax.bar(x, np.abs(amount), bottom=floor, width=0.62, color=list(colours), zorder=2)
        for i, value in enumerate(amount):
            said = fmt.money(value, language.current(), str(result.definition["currency"]))
            top = floor[i] + abs(value)
            ax.annotate(
                said, (i, top), (0, 4), textcoords="offset points",
                ha="center", color=INK, fontweight="bold",
            )  # fmt: skip
        ax.set_xticks(
            x, [_wrapped(line, n) for line, n in zip(frame["line"], frame["n_orders"], strict=True)]
        )
        ax.set_ylim(0, 1.12 * max(1.0, float(np.abs(amount).max())))
        ax.yaxis.set_major_formatter(_axis_format(result, "running_amount"))
        _say_axis(ax, label("amount"))
        return _finish(result, ax)


def compare_funnels(result: Result, ax: Axes | None = None) -> Axes:
    """Draw what each part adds to the change of the overall rate.

    Parameters
    ----------
    result
        A `FunnelChange`.
    ax
        Where to draw; a new figure when not given.
    """
    with _style():
        frame = result.frame[result.frame["overall_diff"].notna()]
        ax = ax or _axes(height=1.3 + 0.45 * max(2, len(frame)))
        if not len(frame):
            return _nothing(result, ax)
        diff, y = frame["overall_diff"].to_numpy(float), np.arange(len(frame))[::-1]
        colours = [INK, *(_UP if value > 0 else _DOWN for value in diff[1:])]
        ax.barh(y, diff, height=0.55, color=colours, zorder=2)
        ends = frame[["diff_ci_lower", "diff_ci_upper"]].to_numpy(float)[0]
        ax.plot(ends, [y[0], y[0]], color=MUTED, linewidth=1.4, marker="|", zorder=4)
        for value, place in zip(diff, y, strict=True):
            _beside(ax, fmt.show("diff", value), value, place)
        _rows_of(ax, y, frame["part"], frame["n_people_after"])
        _zero_line(ax, np.r_[diff, ends])
        _say_axis(ax, label("overall_diff"))
        return _finish(result, ax)


def stopped(result: Result, ax: Axes | None = None) -> Axes:
    """Draw, for each step, the shares of what those who stopped there did next.

    Parameters
    ----------
    result
        A `StoppedResult`.
    ax
        Where to draw; a new figure when not given.
    """
    with _style():
        steps = list(dict.fromkeys(result.frame["step"]))
        ax = ax or _axes(height=1.6 + 0.55 * max(1, len(steps)))
        if not steps:
            return _nothing(result, ax)
        table = result.frame.pivot_table("next_rate", "step", "next_event", fill_value=0.0)
        table = table.loc[steps, _frequent(result.frame)]
        y, start = np.arange(len(steps))[::-1], np.zeros(len(steps))
        for event, colour in zip(table.columns, ["#c3cad3", *COLOURS], strict=False):
            share = table[event].to_numpy(float)
            ax.barh(y, share, left=start, height=0.55, color=colour, label=value_label(event))
            start += share
        sizes = result.frame.drop_duplicates("step")["n_stopped"]
        _rows_of(ax, y, steps, sizes)
        ax.set_xlim(0, 1)
        ax.xaxis.set_major_formatter(ticker.PercentFormatter(1, decimals=0))
        ax.legend(ncols=3, loc="lower left", bbox_to_anchor=(0, 1.0), frameon=False)
        return _finish(result, ax, bands=False)


def stopping(result: Result, ax: Axes | None = None) -> Axes:
    """Draw how much more often people with a value stop than all others.

    Parameters
    ----------
    result
        A `StoppingResult`.
    ax
        Where to draw; a new figure when not given.
    """
    with _style():
        frame = result.shown_frame()
        frame = frame[frame["diff"].notna()]
        ax = ax or _axes(height=1.3 + 0.5 * max(2, len(frame)))
        if not len(frame):
            return _nothing(result, ax)
        y, sure = np.arange(len(frame))[::-1], (frame["p_value_adj"] < 0.05).to_numpy()  # noqa: PLR2004
        for place, row, is_sure in zip(y, frame.to_dict("records"), sure, strict=True):
            colour = _DOWN if is_sure else MUTED
            ends = [row["diff_ci_lower"], row["diff_ci_upper"]]
            ax.plot(ends, [place, place], color=colour, linewidth=2, alpha=0.6)
            ax.plot([row["diff"]], [place], "o", color=colour, markersize=7)
        names = [
            f"{value_label(str(step))} · {value_label(str(value))}"
            for step, value in zip(frame["step"], frame["value"], strict=True)
        ]
        _rows_of(ax, y, names, frame["n_with"])
        _zero_line(ax, frame[["diff_ci_lower", "diff_ci_upper"]].to_numpy(float))
        _say_axis(ax, pick("나머지보다 더 멈춘 비율", "Stopped more often than all others, by"))
        return _finish(result, ax)


def landing(result: Result, ax: Axes | None = None) -> Axes:
    """Draw the pages' rates with their intervals beside what is usual.

    Parameters
    ----------
    result
        A `LandingResult`.
    ax
        Where to draw; a new figure when not given.
    """
    with _style():
        frame = result.frame[result.frame["channel"] == "(all)"].head(PAGES)
        ax = ax or _axes(height=1.3 + 0.36 * max(2, len(frame)))
        if not len(frame):
            return _nothing(result, ax)
        name = "cart_rate" if frame["cart_rate"].notna().any() else "order_rate"
        y = np.arange(len(frame))[::-1]
        usual = frame[f"usual_{name}"].to_numpy(float)
        ax.plot(
            usual,
            y,
            "|",
            color=INK,
            markersize=13,
            markeredgewidth=1.6,
            label=label(f"usual_{name}"),
        )
        for place, row in zip(y, frame.to_dict("records"), strict=True):
            low = str(row["problem"]).startswith("look_at")
            ends = [row[f"{name}_ci_lower"], row[f"{name}_ci_upper"]]
            colour = _DOWN if low else ACCENT
            ax.plot(
                ends, [place, place], color=colour, linewidth=4, alpha=0.35, solid_capstyle="butt"
            )
            ax.plot([row[name]], [place], "o", color=colour, markersize=6)
        _rows_of(ax, y, frame["page"], frame["n_people"], together=True)
        ax.xaxis.set_major_formatter(ticker.PercentFormatter(1, decimals=0))
        ax.xaxis.set_major_locator(ticker.MaxNLocator(5))
        _say_axis(ax, label(name))
        ax.legend(loc="lower right", bbox_to_anchor=(1, 1.0), frameon=False)
        return _finish(result, ax)


def svg(figure: Figure) -> str:
    """Return the figure as SVG, letters as outlines: the same figure gives the same text."""
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "custmeasure", "svg.fonttype": "path"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = _BETWEEN_TAGS.sub("><", buffer.getvalue())
    text = _LETTER.sub(lambda path: _in_steps(path[0]), text)
    return _IN_PATH.sub(lambda path: re.sub(r"\s*([A-Za-z])\s*", r"\1", path[0]), text)


def _in_steps(outline: str) -> str:
    """Return an outline whose points are said from the one before, which takes a third less room."""
    words, here = [], np.zeros(2, int)
    for letter, numbers in re.findall(r"([MLQz])([^MLQz]*)", outline):
        points = np.array(numbers.split(), int).reshape(-1, 2)
        steps = points if letter == "M" else points - here
        words += [letter if letter == "M" else letter.lower(), *map(str, steps.ravel())]
        here = points[-1] if len(points) else here
    return " ".join(words).replace(" -", "-")


def display_as_svg(shell: Any) -> None:
    """Let a notebook show figures as SVG, with their label as alternative text.

    Parameters
    ----------
    shell
        The running IPython, or None outside one (then nothing happens).
    """
    if shell is None:
        return
    formatters = shell.display_formatter.formatters
    backend_inline.configure_inline_support(shell, "module://matplotlib_inline.backend_inline")  # type: ignore[no-untyped-call]
    formatters["image/png"].pop(Figure, None)
    formatters["image/svg+xml"].for_type(Figure, lambda f: (svg(f), {"alt": str(f.get_label())}))


def _funnel_bars(result: Result, ax: Axes) -> None:
    frame = result.frame
    x, rate = np.arange(len(frame)), frame["overall_rate"].to_numpy(float)
    ends = _whiskers(frame, "overall_rate")
    ax.bar(x, rate, width=0.62, color=[SOFT] + [ACCENT] * (len(x) - 1), zorder=2)
    ax.errorbar(x, rate, yerr=ends, fmt="none", ecolor=INK, elinewidth=1.1, capsize=3, zorder=3)
    for i, value in enumerate(rate):
        top = value + (ends[1, i] if np.isfinite(ends[1, i]) else 0)
        ax.annotate(
            fmt.show("overall_rate", value), (i, top), (0, 4), textcoords="offset points",
            ha="center", color=INK, fontweight="bold",
        )  # fmt: skip
    ax.set_xticks(
        x, [_wrapped(s, n) for s, n in zip(frame["step"], frame["n_reached"], strict=True)]
    )
    _say_axis(ax, label("overall_rate"))
    ax.set_ylim(0, 1.12 * max(1.0, np.nanmax(rate)))


def _funnel_segments(result: Result, by: str, ax: Axes) -> None:
    """Draw the step rates of the largest segments, side by side at each step."""
    frame = result.frame
    sizes = frame.groupby(by, sort=False)["n_reached"].max().sort_values(ascending=False)
    shown = list(sizes.index[:SEGMENTS])
    for i, segment in enumerate(shown):
        rows = frame[frame[by] == segment].iloc[1:]
        x = np.arange(len(rows)) + 0.12 * (i - (len(shown) - 1) / 2)
        ax.errorbar(
            x, rows["step_rate"], yerr=_whiskers(rows, "step_rate"), fmt="o", markersize=6,
            color=COLOURS[i], elinewidth=1.4, capsize=3, label=value_label(str(segment)),
        )  # fmt: skip
    totals = frame.groupby("step", sort=False)["n_reached"].sum()
    steps = list(totals.index)
    names = [_wrapped(f"{a} → {b}", totals[a]) for a, b in zip(steps, steps[1:], strict=False)]
    ax.set_xticks(range(len(names)), names)
    ax.set_xlim(-0.6, len(names) - 0.4)
    ax.set_ylim(0, 1.02)
    _say_axis(ax, label("step_rate"))
    ax.legend(ncols=len(shown), loc="lower right", bbox_to_anchor=(1, 0.99), frameon=False)


def _rows_of(ax: Axes, y: np.ndarray, names: Any, sizes: Any, *, together: bool = False) -> None:
    """Name each row, with its people; the grid runs down, not across."""
    between = "  " if together else "\n"
    known = [f"{between}n={n:,.0f}" if np.isfinite(n) else "" for n in sizes]
    texts = [f"{value_label(str(name))}{n}" for name, n in zip(names, known, strict=True)]
    ax.set_yticks(y, texts, color=INK)
    ax.set_ylim(-0.6, len(y) - 0.4)
    ax.grid(axis="y", visible=False)
    ax.grid(axis="x", visible=True)


def _zero_line(ax: Axes, values: np.ndarray) -> None:
    """Mark no difference, and leave room for the numbers beside the bars."""
    reach = max(float(np.nanmax(np.abs(values))), 0.001)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    ax.set_xlim(min(low - 0.25 * reach, -0.1 * reach), max(high + 0.25 * reach, 0.1 * reach))
    ax.axvline(0, color=INK, linewidth=0.9, zorder=3)
    lang = language.current()
    ax.xaxis.set_major_formatter(
        ticker.FuncFormatter(lambda value, _: fmt.points(value, lang) if value else "0")
    )
    ax.xaxis.set_major_locator(ticker.MaxNLocator(5))


def _beside(ax: Axes, text: str, x: float, y: float) -> None:
    side = 1 if x >= 0 else -1
    ax.annotate(
        text, (x, y), (5 * side, 0), textcoords="offset points", va="center",
        ha="left" if side > 0 else "right", color=INK, fontweight="bold", fontsize=8.5,
    )  # fmt: skip


def _frequent(frame: pd.DataFrame) -> list[str]:
    """Return the next events, those who left first, then the most frequent, as many as have colours."""
    totals = frame.groupby("next_event")["n_next"].sum().sort_values(ascending=False)
    names = [str(name) for name in totals.index if name != "(left)"][:SEGMENTS]
    return ["(left)", *names] if "(left)" in totals else names


def _cohorts(frame: pd.DataFrame, name: str, ax: Axes, first: int = 1) -> None:
    """Draw each cohort's finished cells as a thin line."""
    ripe = frame[frame["mature"] & (frame["period"] >= first) & (frame["cohort_size"] > 0)]
    for _, rows in ripe.groupby("cohort"):
        ax.plot(rows["period"], rows[name], color="#9aa5b1", linewidth=0.8, alpha=0.8)


def _pooled_line(pooled: pd.DataFrame, name: str, ax: Axes) -> "pd.Series[Any]":
    """Draw the pooled row with its band; return its sizes by period."""
    x = pooled["period"].to_numpy()
    lower, upper = (pooled[f"{name}_ci_{end}"].to_numpy(float) for end in ("lower", "upper"))
    ax.fill_between(x, lower, upper, color=SOFT, linewidth=0)
    ax.plot(x, pooled[name], color=ACCENT, linewidth=2.4, marker="o", markersize=4)
    return pooled.set_index("period")["cohort_size"]


def _segment_lines(pooled: pd.DataFrame, by: str, x: str, name: str, ax: Axes) -> "pd.Series[Any]":
    """Draw a line a segment, the largest ones; return all segments' sizes by period."""
    sizes = pooled.groupby(by)["cohort_size"].max().sort_values(ascending=False)
    for i, segment in enumerate(sizes.index[:SEGMENTS]):
        rows = pooled[pooled[by] == segment]
        lower, upper = (rows[f"{name}_ci_{end}"].to_numpy(float) for end in ("lower", "upper"))
        ax.fill_between(rows[x], lower, upper, color=COLOURS[i], alpha=0.12, linewidth=0)
        ax.plot(rows[x], rows[name], color=COLOURS[i], linewidth=2, marker="o", markersize=4,
                label=value_label(str(segment)))  # fmt: skip
    ax.legend(ncols=3, loc="best", frameon=False)
    return pooled.groupby(x)["cohort_size"].sum()


def _still_watched(result: Result, ax: Axes) -> None:
    """Write under some days how many are still watched."""
    days = [0, *sorted(set(result.shown_frame()["gap_days"].astype(int)) - {7, 14})]
    frame, by = result.frame, result.by  # type: ignore[attr-defined]
    watched = []
    for day in days:
        left = frame[frame["gap_days"] >= day]
        first = left.drop_duplicates(by) if by else left.head(1)
        watched.append(int(first["n_at_risk"].sum()))
    ax.set_xticks(days, [f"{day}\nn={n:,}" for day, n in zip(days, watched, strict=True)])


def _silence(result: Result, ax: Axes) -> None:
    """Draw the share that still comes back by days of silence, and the cut-off."""
    curve, row = result.curve, result.frame.iloc[0]  # type: ignore[attr-defined]
    watched = curve["n_at_risk"]
    curve = curve.iloc[:: max(1, len(curve) // 90)]
    x = curve["silent_days"].to_numpy()
    ax.fill_between(
        x, curve["back_rate_ci_lower"], curve["back_rate_ci_upper"], color=SOFT, linewidth=0
    )
    ax.plot(x, curve["back_rate"], color=ACCENT, linewidth=2.2)
    share = float(str(result.definition["back_rate"]))
    ax.axhline(share, color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)))
    ax.axvspan(
        row["cutoff_days_ci_lower"],
        row["cutoff_days_ci_upper"],
        color=COLOURS[1],
        alpha=0.2,
        linewidth=0,
    )
    ax.axvline(row["cutoff_days"], color=COLOURS[1], linewidth=1.6)
    said = fmt.show("cutoff_days", row["cutoff_days"])
    _beside(ax, said, row["cutoff_days"], 0.8 * float(curve["back_rate"].max()))
    ticks = np.unique(np.linspace(0, x.max(), 7).round(-1).astype(int))
    ticks = ticks[ticks <= x.max()]
    ax.set_xticks(ticks, [f"{day}\nn={watched.iloc[day]:,}" for day in ticks])
    ax.set_xlabel(label("silent_days"))
    ax.set_xlim(0, x.max())
    ax.set_ylim(bottom=0)
    ax.yaxis.set_major_formatter(ticker.PercentFormatter(1, decimals=0))
    within = str(result.definition["within"]).removesuffix("d")
    _say_axis(
        ax, pick(f"그 뒤 {within}일 안에 다시 사는 비율", f"Order within the next {within} days")
    )


def _cutoffs(result: Result, ax: Axes) -> None:
    """Draw each segment's cut-off with its interval, and the rule in use as a line."""
    frame = result.frame[result.frame["cutoff_days_ci_upper"].notna()].iloc[::-1]
    y = np.arange(len(frame))
    for i, row in enumerate(frame.to_dict("records")):
        _interval_line(ax, row, "cutoff_days", y[i], ACCENT, {})
    firsts = [str(name).split(" ", maxsplit=1)[0] for name in frame["segment"]]  # 01 of "01 beans"
    names = firsts if len(set(firsts)) == len(firsts) else frame["segment"]
    ax.set_yticks(
        y,
        [
            f"{value_label(str(name))}\nn={n:,}"
            for name, n in zip(names, frame["n_gaps"], strict=True)
        ],
    )
    ax.set_ylim(-0.6, len(frame) - 0.3)
    rule = float(str(result.definition["rule"]).removesuffix("d"))
    ax.axvline(rule, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
    ax.grid(axis="y", visible=False)
    ax.grid(axis="x", visible=True)
    ax.set_xlim(left=0)
    ax.set_xlabel(label("silent_days"))
    _say_axis(
        ax,
        pick(
            f"떠났다고 볼 때. 점선은 지금 기준 {rule:.0f}일",
            f"Lost after. Dashed: the rule of {rule:.0f} days",
        ),
    )


def _short(name: object) -> str:
    """Return a month without its century: ``2026-03`` is ``26-03``."""
    text = str(name)
    return text[2:] if len(text) == len("2026-03") else text[5:]


def _say_axis(ax: Axes, text: str) -> None:
    """Name the vertical axis above it, where it is read without turning the head."""
    ax.set_title(text, loc="left", fontsize=9, color=MUTED)


def _n_under(
    ax: Axes, x: np.ndarray, sizes: Sequence[float], names: Sequence[str] | None = None
) -> None:
    """Write under each period, or every second one, how many people the pooled rate divides by."""
    thin = -(-len(x) // 8)
    shown = list(zip(names or x, sizes, strict=True))[::thin]
    ax.set_xticks(x[::thin], [f"{k}\nn={n:,.0f}" for k, n in shown])


def _interval_line(
    ax: Axes, row: dict[Hashable, Any], name: str, y: float, colour: str,
    formats: Mapping[str, fmt.Formatter],
) -> None:  # fmt: skip
    lower, upper, value = row[f"{name}_ci_lower"], row[f"{name}_ci_upper"], row[name]
    ax.plot([lower, upper], [y, y], color=colour, linewidth=5, alpha=0.35, solid_capstyle="butt")
    ax.plot([value], [y], "o", color=colour, markersize=8)
    ax.annotate(
        fmt.show(name, value, overrides=formats), (value, y), (0, 9), textcoords="offset points",
        ha="center", color=INK, fontweight="bold",
    )  # fmt: skip


def _difference_so_far(ax: Axes, rows: pd.DataFrame, name: str, colour: str, variant: str) -> None:
    """Draw one treatment's difference: the band of its looks, and a dot on every day that was one."""
    days = pd.to_datetime(rows["day"]).to_numpy()
    ax.plot(days, rows[name], color=colour, linewidth=2, label=variant)
    looked = rows["is_look"].to_numpy(bool) & rows[f"{name}_ci_lower"].notna().to_numpy()
    lower, upper = (rows[f"{name}_ci_{end}"].to_numpy(float)[looked] for end in ("lower", "upper"))
    ax.fill_between(days[looked], lower, upper, color=colour, alpha=0.18, linewidth=0)
    ax.plot(days[looked], rows[name].to_numpy(float)[looked], "o", color=colour, markersize=3.5)


def _widest(daily: pd.DataFrame, name: str) -> tuple[float, float]:
    """Return the axis: three times the last intervals, so that the first days do not flatten the rest."""
    last = daily.groupby("variant", sort=False)[[f"{name}_ci_lower", f"{name}_ci_upper"]].last()
    lower, upper = float(np.nanmin(last)), float(np.nanmax(last))
    if not np.isfinite(upper - lower) or upper <= lower:
        values = daily[name].dropna()
        lower, upper = float(values.min()) - 0.1, float(values.max()) + 0.1
    reach = 1.2 * (upper - lower)
    return min(lower, 0) - reach / 2, max(upper, 0) + reach / 2


def _weeks(n: int) -> str:
    return pick(f"{n}주", f"{n} wk")


def _days_format(result: Result, value: str) -> ticker.Formatter:
    if value.endswith("_rate"):
        return ticker.PercentFormatter(1, decimals=0)
    if value.endswith("_amount"):
        return _axis_format(result, value)
    return ticker.FuncFormatter(lambda count, _: f"{count:,.0f}")


def _rel_line(ax: Axes, row: dict[Hashable, Any], name: str, y: float, colour: str) -> None:
    """Draw a relative difference as a dot with its interval."""
    ends = [row[f"{name}_ci_lower"], row[f"{name}_ci_upper"]]
    ax.plot(ends, [y, y], color=colour, linewidth=4, alpha=0.35, solid_capstyle="butt")
    ax.plot([row[name]], [y], "o", color=colour, markersize=7, zorder=3)


def _rel_axis(ax: Axes, values: np.ndarray) -> None:
    """Mark no difference, and count in percent."""
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    room = 0.06 * max(high - low, 0.01)
    ax.set_xlim(min(low, 0) - room, max(high, 0) + room)
    ax.axvline(0, color=INK, linewidth=0.9)
    ax.xaxis.set_major_formatter(
        ticker.FuncFormatter(
            lambda value, _: f"{100 * value:+.0f}%".replace("-", "−") if value else "0"
        )
    )
    ax.set_xlabel(label("rel_diff"))


def _axis_format(result: Result, name: str) -> ticker.Formatter:
    if name.endswith("_rate"):
        return ticker.PercentFormatter(1, decimals=1)
    if name == "metric_value" and "currency" not in result.definition:
        return ticker.FuncFormatter(lambda value, _: fmt.plain(value, language.current()))
    currency = str(result.definition.get("currency", "KRW"))
    return ticker.FuncFormatter(lambda value, _: fmt.short_money(value, currency))


def _whiskers(frame: pd.DataFrame, name: str) -> np.ndarray:
    """Return (2, n) lengths below and above each rate; blank where there is no interval."""
    rate = frame[name].to_numpy(float)
    below = rate - frame[f"{name}_ci_lower"].to_numpy(float)
    above = frame[f"{name}_ci_upper"].to_numpy(float) - rate
    return np.asarray(np.maximum(np.vstack([below, above]), 0))


def _wrapped(name: object, n: float) -> str:
    return textwrap.fill(value_label(str(name)), 16, break_long_words=False) + f"\nn={n:,.0f}"


def _axes(height: float = 3.7) -> Axes:
    _, ax = plt.subplots(figsize=(7.2, height), layout="constrained")
    return ax


def _nothing(result: Result, ax: Axes) -> Axes:
    """Say in words that there is nothing to draw, and why."""
    ax.set_axis_off()
    said = textwrap.fill(result.headline(), 60)
    ax.text(0.5, 0.5, said, ha="center", va="center", color=MUTED, transform=ax.transAxes)
    _describe(result, ax)
    return ax


def _finish(result: Result, ax: Axes, *, bands: bool = True) -> Axes:
    _footnote(result, ax, bands=bands)
    _describe(result, ax)
    return ax


def _footnote(result: Result, ax: Axes, *, bands: bool = True) -> None:
    band = pick(
        "막대 위의 선과 띠는 95% 신뢰구간입니다.", "Lines on bars and bands are 95% intervals."
    )
    confidence = float(str(result.definition.get("confidence", 0.95)))
    has_intervals = bands and any(name.endswith("_ci_lower") for name in result.frame.columns)
    notes = [band.replace("95", f"{100 * confidence:g}")] * has_intervals
    notes += [note.in_() for note in result.notes]
    lines = [line for note in notes for line in textwrap.wrap(note, _width())]
    figure = ax.get_figure()
    if figure is not None:
        figure.supxlabel("\n".join(lines), x=0.01, ha="left", fontsize=7.5, color=MUTED)


def _width() -> int:
    return int(pick("62", "112"))


def _describe(result: Result, ax: Axes) -> Axes:
    """Give the figure its alternative text: what it shows, in the result's own words."""
    figure = ax.get_figure()
    if figure is not None:
        figure.set_label(f"{pick('그래프', 'Chart')}: {result.headline()}")
    return ax


def _style() -> AbstractContextManager[None]:
    _register_fonts()
    return mpl.rc_context({
        "font.family": FAMILY, "font.size": 9.5, "text.color": INK,
        "axes.edgecolor": LINE, "axes.labelcolor": MUTED, "axes.spines.top": False,
        "axes.spines.right": False, "axes.spines.left": False, "axes.grid": True,
        "axes.grid.axis": "y", "axes.axisbelow": True, "grid.color": LINE, "grid.linewidth": 0.7,
        "xtick.color": INK, "ytick.color": MUTED, "xtick.major.size": 0, "ytick.major.size": 0,
        "xtick.labelsize": 9, "legend.fontsize": 9, "figure.facecolor": "white",
    })  # fmt: skip


@functools.cache
def _register_fonts() -> None:
    for path in sorted(_FONTS.glob("*.ttf")):
        font_manager.fontManager.addfont(path)
