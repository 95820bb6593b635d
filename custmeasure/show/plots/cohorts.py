"""Plots of buying again: who came back, from order to order, and what a customer has brought."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib import ticker
from matplotlib.axes import Axes

from custmeasure.language import pick
from custmeasure.show import format as fmt
from custmeasure.show.labels import label, setting_label, value_label
from custmeasure.show.plots.canvas import (
    ACCENT,
    COLOURS,
    INK,
    SEGMENTS,
    SOFT,
    describe,
    finish,
    new_axes,
    nothing,
    style,
)
from custmeasure.show.plots.marks import axis_format, band, dots_beside, n_under, percent, say_axis
from custmeasure.show.result import Result


def retention(result: Result, ax: Axes | None = None) -> Axes:
    """Draw the share that came back by period: each cohort thin, all cohorts bold; or the segments.

    Parameters
    ----------
    result
        A `RetentionResult`.
    ax
        Where to draw; a new figure when not given.
    """
    with style():
        ax = ax or new_axes()
        pooled = result.pooled if len(result.frame) else pd.DataFrame()  # type: ignore[attr-defined]
        pooled = pooled[pooled["period"] > 0] if len(pooled) else pooled
        if not len(pooled):
            return nothing(result, ax)
        by = result.by  # type: ignore[attr-defined]
        if by:
            sizes = _segment_lines(pooled, by, "period", "retained_rate", ax)
        else:
            _cohorts(result.frame, "retained_rate", ax)
            sizes = _pooled_line(pooled, "retained_rate", ax)
        cells = [result.cell_name(int(k)) for k in sizes.index]  # type: ignore[attr-defined]
        n_under(ax, sizes.index.to_numpy(), sizes.to_list(), cells)
        ax.set_xlabel(label("period") + f" ({setting_label(str(result.definition['period']))})")
        say_axis(ax, label("retained_rate"))
        ax.set_ylim(bottom=0)
        ax.yaxis.set_major_formatter(percent())
        return finish(result, ax)


def value_curve(result: Result, ax: Axes | None = None) -> Axes:
    """Draw what a customer has brought by period: each cohort thin, all cohorts bold.

    Parameters
    ----------
    result
        A `ValueCurve`.
    ax
        Where to draw; a new figure when not given.
    """
    with style():
        ax = ax or new_axes()
        pooled = result.pooled  # type: ignore[attr-defined]
        if not len(pooled):
            return nothing(result, ax)
        _cohorts(result.frame, "value_amount", ax, first=0)
        sizes = _pooled_line(pooled, "value_amount", ax)
        n_under(ax, sizes.index.to_numpy(), sizes.to_list())
        ax.set_xlabel(label("period") + f" ({setting_label(str(result.definition['period']))})")
        say_axis(ax, label("value_amount"))
        ax.set_ylim(bottom=0)
        ax.yaxis.set_major_formatter(axis_format(result, "value_amount"))
        return describe(result, ax)


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
        band(ax, rows[x], rows, name, COLOURS[i], 0.12)
        ax.plot(rows[x], rows[name], color=COLOURS[i], linewidth=2, marker="o", markersize=4,
                label=value_label(str(segment)))  # fmt: skip
    ax.legend(ncols=3, loc="best", frameon=False)
    return pooled.groupby(x)["cohort_size"].sum()


def order_steps(result: Result, ax: Axes | None = None) -> Axes:
    """Draw the share that goes on from each order to the next; or each segment's.

    Parameters
    ----------
    result
        An `OrderSteps`.
    ax
        Where to draw; a new figure when not given.
    """
    with style():
        ax = ax or new_axes()
        frame = result.frame
        if not len(frame) or not frame["n_customers"].sum():
            return nothing(result, ax)
        by = result.by  # type: ignore[attr-defined]
        totals = frame.groupby("step", sort=False)["n_customers"].sum()
        shown = [""]
        if by:
            sizes = frame.groupby(by)["n_customers"].max().sort_values(ascending=False)
            shown = list(sizes.index[:SEGMENTS])
        for i, segment in enumerate(shown):
            rows = frame[frame[by] == segment] if by else frame
            name = value_label(str(segment))
            x = dots_beside(
                ax, rows, "again_rate", i, len(shown), label=name, size=7, width=1.8, cap=4
            )
            for place, rate in zip(x, rows["again_rate"], strict=True):
                if len(shown) == 1 and np.isfinite(rate):
                    ax.annotate(
                        fmt.show("again_rate", rate), (place, rate), (9, 0), ha="left", va="center",
                        textcoords="offset points", color=INK, fontweight="bold",
                    )  # fmt: skip
        ax.set_xticks(range(len(totals)), [f"{step}\nn={n:,}" for step, n in totals.items()])
        ax.set_xlim(-0.6, len(totals) - 0.4)
        ax.set_ylim(0, 1)
        ax.yaxis.set_major_formatter(percent())
        say_axis(ax, label("again_rate"))
        if by:
            ax.legend(ncols=3, loc="best", frameon=False)
        return describe(result, ax)


def lifecycle(result: Result, ax: Axes | None = None) -> Axes:
    """Draw who bought in each period: current, resurrected and new above the line, dormant below.

    Parameters
    ----------
    result
        A `Lifecycle`.
    ax
        Where to draw; a new figure when not given.
    """
    with style():
        ax = ax or new_axes()
        frame = (
            result.frame[result.frame["mature"].astype(bool)] if len(result.frame) else result.frame
        )
        if not len(frame):
            return nothing(result, ax)
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
        say_axis(ax, pick("고객", "Customers"))
        return describe(result, ax)


def _short(name: object) -> str:
    """Return a month without its century: ``2026-03`` is ``26-03``."""
    text = str(name)
    return text[2:] if len(text) == len("2026-03") else text[5:]
