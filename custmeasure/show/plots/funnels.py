"""Plots of a funnel: its steps, what changed, who stopped, and which page is to be looked at."""

import numpy as np
import pandas as pd
from matplotlib import ticker
from matplotlib.axes import Axes

from custmeasure.language import pick
from custmeasure.show import format as fmt
from custmeasure.show.labels import label, value_label
from custmeasure.show.plots.canvas import (
    ACCENT,
    COLOURS,
    DOWN,
    INK,
    MUTED,
    SEGMENTS,
    SOFT,
    UP,
    axes_for_rows,
    finish,
    new_axes,
    nothing,
    style,
)
from custmeasure.show.plots.marks import (
    beside,
    dot_line,
    dots_beside,
    percent,
    rows_of,
    say_axis,
    whiskers,
    wrapped,
    zero_line,
)
from custmeasure.show.result import Result

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
    with style():
        ax = ax or new_axes()
        if not len(result.frame) or not result.frame["n_reached"].any():
            return nothing(result, ax)
        if split:
            _funnel_segments(result, str(split), ax)
        else:
            _funnel_bars(result, ax)
        ax.yaxis.set_major_formatter(percent())
        return finish(result, ax)


def _funnel_bars(result: Result, ax: Axes) -> None:
    frame = result.frame
    x, rate = np.arange(len(frame)), frame["overall_rate"].to_numpy(float)
    ends = whiskers(frame, "overall_rate")
    ax.bar(x, rate, width=0.62, color=[SOFT] + [ACCENT] * (len(x) - 1), zorder=2)
    ax.errorbar(x, rate, yerr=ends, fmt="none", ecolor=INK, elinewidth=1.1, capsize=3, zorder=3)
    for i, value in enumerate(rate):
        top = value + (ends[1, i] if np.isfinite(ends[1, i]) else 0)
        ax.annotate(
            fmt.show("overall_rate", value), (i, top), (0, 4), textcoords="offset points",
            ha="center", color=INK, fontweight="bold",
        )  # fmt: skip
    ax.set_xticks(
        x, [wrapped(s, n) for s, n in zip(frame["step"], frame["n_reached"], strict=True)]
    )
    say_axis(ax, label("overall_rate"))
    ax.set_ylim(0, 1.12 * max(1.0, np.nanmax(rate)))


def _funnel_segments(result: Result, by: str, ax: Axes) -> None:
    """Draw the step rates of the largest segments, side by side at each step."""
    frame = result.frame
    sizes = frame.groupby(by, sort=False)["n_reached"].max().sort_values(ascending=False)
    shown = list(sizes.index[:SEGMENTS])
    for i, segment in enumerate(shown):
        rows = frame[frame[by] == segment].iloc[1:]
        name = value_label(str(segment))
        dots_beside(ax, rows, "step_rate", i, len(shown), label=name, size=6, width=1.4, cap=3)
    totals = frame.groupby("step", sort=False)["n_reached"].sum()
    steps = list(totals.index)
    names = [wrapped(f"{a} → {b}", totals[a]) for a, b in zip(steps, steps[1:], strict=False)]
    ax.set_xticks(range(len(names)), names)
    ax.set_xlim(-0.6, len(names) - 0.4)
    ax.set_ylim(0, 1.02)
    say_axis(ax, label("step_rate"))
    ax.legend(ncols=len(shown), loc="lower right", bbox_to_anchor=(1, 0.99), frameon=False)


def compare_funnels(result: Result, ax: Axes | None = None) -> Axes:
    """Draw what each part adds to the change of the overall rate.

    Parameters
    ----------
    result
        A `FunnelChange`.
    ax
        Where to draw; a new figure when not given.
    """
    with style():
        frame = result.frame[result.frame["overall_diff"].notna()]
        ax = axes_for_rows(ax, len(frame), 0.45, rest=1.3)
        if not len(frame):
            return nothing(result, ax)
        diff, y = frame["overall_diff"].to_numpy(float), np.arange(len(frame))[::-1]
        colours = [INK, *(UP if value > 0 else DOWN for value in diff[1:])]
        ax.barh(y, diff, height=0.55, color=colours, zorder=2)
        ends = frame[["diff_ci_lower", "diff_ci_upper"]].to_numpy(float)[0]
        ax.plot(ends, [y[0], y[0]], color=MUTED, linewidth=1.4, marker="|", zorder=4)
        for value, place in zip(diff, y, strict=True):
            beside(ax, fmt.show("diff", value), value, place)
        rows_of(ax, y, frame["part"], frame["n_people_after"])
        zero_line(ax, np.r_[diff, ends])
        say_axis(ax, label("overall_diff"))
        return finish(result, ax)


def stopped(result: Result, ax: Axes | None = None) -> Axes:
    """Draw, for each step, the shares of what those who stopped there did next.

    Parameters
    ----------
    result
        A `StoppedResult`.
    ax
        Where to draw; a new figure when not given.
    """
    with style():
        steps = list(dict.fromkeys(result.frame["step"]))
        ax = axes_for_rows(ax, len(steps), 0.55, rest=1.6, least=1)
        if not steps:
            return nothing(result, ax)
        table = result.frame.pivot_table("next_rate", "step", "next_event", fill_value=0.0)
        table = table.loc[steps, _frequent(result.frame)]
        y, start = np.arange(len(steps))[::-1], np.zeros(len(steps))
        for event, colour in zip(table.columns, ["#c3cad3", *COLOURS], strict=False):
            share = table[event].to_numpy(float)
            ax.barh(y, share, left=start, height=0.55, color=colour, label=value_label(event))
            start += share
        sizes = result.frame.drop_duplicates("step")["n_stopped"]
        rows_of(ax, y, steps, sizes)
        ax.set_xlim(0, 1)
        ax.xaxis.set_major_formatter(percent())
        ax.legend(ncols=3, loc="lower left", bbox_to_anchor=(0, 1.0), frameon=False)
        return finish(result, ax, bands=False)


def _frequent(frame: pd.DataFrame) -> list[str]:
    """Return the next events, those who left first, then the most frequent, as many as have colours."""
    totals = frame.groupby("next_event")["n_next"].sum().sort_values(ascending=False)
    names = [str(name) for name in totals.index if name != "(left)"][:SEGMENTS]
    return ["(left)", *names] if "(left)" in totals else names


def stopping(result: Result, ax: Axes | None = None) -> Axes:
    """Draw how much more often people with a value stop than all others.

    Parameters
    ----------
    result
        A `StoppingResult`.
    ax
        Where to draw; a new figure when not given.
    """
    with style():
        frame = result.shown_frame()
        frame = frame[frame["diff"].notna()]
        ax = axes_for_rows(ax, len(frame), 0.5, rest=1.3)
        if not len(frame):
            return nothing(result, ax)
        alpha = 1 - float(str(result.definition["confidence"]))
        y, sure = np.arange(len(frame))[::-1], (frame["p_value_adj"] < alpha).to_numpy()
        for place, row, is_sure in zip(y, frame.to_dict("records"), sure, strict=True):
            colour = DOWN if is_sure else MUTED
            dot_line(ax, row, "diff", place, colour, width=2, alpha=0.6, cap="projecting")
        names = [
            f"{value_label(str(step))} · {value_label(str(value))}"
            for step, value in zip(frame["step"], frame["value"], strict=True)
        ]
        rows_of(ax, y, names, frame["n_with"])
        zero_line(ax, frame[["diff_ci_lower", "diff_ci_upper"]].to_numpy(float))
        say_axis(ax, pick("나머지보다 더 멈춘 비율", "Stopped more often than all others, by"))
        return finish(result, ax)


def landing(result: Result, ax: Axes | None = None) -> Axes:
    """Draw the pages' rates with their intervals beside what is usual.

    Parameters
    ----------
    result
        A `LandingResult`.
    ax
        Where to draw; a new figure when not given.
    """
    with style():
        frame = result.frame[result.frame["channel"] == "(all)"].head(PAGES)
        ax = axes_for_rows(ax, len(frame), 0.36, rest=1.3)
        if not len(frame):
            return nothing(result, ax)
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
            dot_line(ax, row, name, place, DOWN if low else ACCENT, size=6)
        rows_of(ax, y, frame["page"], frame["n_people"], together=True)
        ax.xaxis.set_major_formatter(percent())
        ax.xaxis.set_major_locator(ticker.MaxNLocator(5))
        say_axis(ax, label(name))
        ax.legend(loc="lower right", bbox_to_anchor=(1, 1.0), frameon=False)
        return finish(result, ax)
