"""Plots of silence: how long until the next order, and when a customer counts as lost."""

import numpy as np
from matplotlib.axes import Axes

from custmeasure.language import pick
from custmeasure.show import format as fmt
from custmeasure.show.labels import label, value_label
from custmeasure.show.plots.canvas import (
    ACCENT,
    COLOURS,
    MUTED,
    SEGMENTS,
    SOFT,
    describe,
    new_axes,
    nothing,
    style,
)
from custmeasure.show.plots.marks import beside, grid_down, interval_line, percent, say_axis
from custmeasure.show.result import Result


def next_order(result: Result, ax: Axes | None = None) -> Axes:
    """Draw the share that has ordered again by day, with those still watched under the axis.

    Parameters
    ----------
    result
        A `NextOrder`.
    ax
        Where to draw; a new figure when not given.
    """
    with style():
        ax = ax or new_axes()
        if not len(result.frame):
            return nothing(result, ax)
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
        ax.yaxis.set_major_formatter(percent())
        say_axis(ax, label("again_rate"))
        if by:
            ax.legend(ncols=3, loc="best", frameon=False)
        return describe(result, ax)


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


def churn_cutoff(result: Result, ax: Axes | None = None) -> Axes:
    """Draw who still comes back after a silence, and where the cut-off lies; of segments, their cut-offs.

    Parameters
    ----------
    result
        A `ChurnCutoff`.
    ax
        Where to draw; a new figure when not given.
    """
    with style():
        split = len(result.frame) > 1
        ax = ax or new_axes(1.6 + 0.45 * len(result.frame) if split else 3.7)
        if not len(result.frame) or not result.frame["cutoff_days_ci_upper"].notna().any():
            return nothing(result, ax)
        if split:
            _cutoffs(result, ax)
        else:
            _silence(result, ax)
        return describe(result, ax)


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
    beside(ax, said, row["cutoff_days"], 0.8 * float(curve["back_rate"].max()))
    ticks = np.unique(np.linspace(0, x.max(), 7).round(-1).astype(int))
    ticks = ticks[ticks <= x.max()]
    ax.set_xticks(ticks, [f"{day}\nn={watched.iloc[day]:,}" for day in ticks])
    ax.set_xlabel(label("silent_days"))
    ax.set_xlim(0, x.max())
    ax.set_ylim(bottom=0)
    ax.yaxis.set_major_formatter(percent())
    within = str(result.definition["within"]).removesuffix("d")
    say_axis(
        ax, pick(f"그 뒤 {within}일 안에 다시 사는 비율", f"Order within the next {within} days")
    )


def _cutoffs(result: Result, ax: Axes) -> None:
    """Draw each segment's cut-off with its interval, and the rule in use as a line."""
    frame = result.frame[result.frame["cutoff_days_ci_upper"].notna()].iloc[::-1]
    y = np.arange(len(frame))
    for i, row in enumerate(frame.to_dict("records")):
        interval_line(ax, row, "cutoff_days", y[i], ACCENT, {})
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
    grid_down(ax)
    ax.set_xlim(left=0)
    ax.set_xlabel(label("silent_days"))
    say_axis(
        ax,
        pick(
            f"떠났다고 볼 때. 점선은 지금 기준 {rule:.0f}일",
            f"Lost after. Dashed: the rule of {rule:.0f} days",
        ),
    )
