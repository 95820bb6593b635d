"""Plots of copy tests: one test, day by day, by days in turns, and all past tests together."""

import numpy as np
import pandas as pd
from matplotlib import dates as mdates
from matplotlib import ticker
from matplotlib.axes import Axes

from custmeasure.language import pick
from custmeasure.show import format as fmt
from custmeasure.show.labels import label
from custmeasure.show.plots.canvas import (
    ACCENT,
    COLOURS,
    DOWN,
    INK,
    MUTED,
    UP,
    axes_for_rows,
    finish,
    new_axes,
    nothing,
    style,
)
from custmeasure.show.plots.marks import (
    axis_format,
    dot_line,
    grid_down,
    interval_line,
    percent,
    rows_of,
    say_axis,
)
from custmeasure.show.result import Result

# The columns that may hold a variant's own value.
COPY_VALUES = ("conversion_rate", "revenue_amount", "metric_value")


def copy_test(result: Result, ax: Axes | None = None) -> Axes:
    """Draw each variant's rate (or amount) with its interval.

    Parameters
    ----------
    result
        A `CopyTestResult`.
    ax
        Where to draw; a new figure when not given.
    """
    with style():
        frame = result.frame
        ax = axes_for_rows(ax, len(frame), 0.7, rest=1.5, least=1)
        measured = [name for name in COPY_VALUES if name in frame]
        if not len(frame) or not measured or not frame[measured[0]].notna().any():
            return nothing(result, ax)
        name = measured[0]
        y = np.arange(len(frame))[::-1]
        for i, row in enumerate(frame.to_dict("records")):
            interval_line(ax, row, name, y[i], COLOURS[0] if i else MUTED, result.formats)
        ax.set_yticks(
            y, [f"{v}\nn={n:,}" for v, n in zip(frame["variant"], frame["n_units"], strict=True)]
        )
        ax.set_ylim(-0.6, len(frame) - 0.4)
        ax.set_xlabel(
            str(result.definition.get("metric")) if name == "metric_value" else label(name)
        )
        grid_down(ax)
        ax.xaxis.set_major_formatter(axis_format(result, name))
        return finish(result, ax)


def copy_test_daily(result: Result, ax: Axes | None = None) -> Axes:
    """Draw the difference so far, day by day, with the interval that each look may claim.

    Parameters
    ----------
    result
        A `CopyTestResult`.
    ax
        Where to draw; a new figure when not given.
    """
    with style():
        daily = getattr(result, "daily", pd.DataFrame())
        name = "rel_diff" if len(daily) and daily["rel_diff"].notna().any() else "diff"
        if not len(daily) or not daily[name].notna().any():
            return nothing(result, ax or new_axes(height=1.2))
        ax = ax or new_axes()
        ax.axhline(0, color=INK, linewidth=1)
        for i, (variant, rows) in enumerate(daily.groupby("variant", sort=False)):
            _difference_so_far(ax, rows, name, COLOURS[i % len(COLOURS)], str(variant))
        ax.set_ylim(*_widest(daily, name))
        ax.xaxis.set_major_formatter(mdates.DateFormatter("%m-%d"))  # type: ignore[no-untyped-call]
        if name == "rel_diff":
            ax.yaxis.set_major_formatter(percent())
        n = int(daily.groupby("variant")["n_units"].max().max())
        ax.set_xlabel(f"n={n:,}")
        say_axis(ax, label(name))
        if len(daily["variant"].unique()) > 1:
            ax.legend(loc="upper right", frameon=False)
        return finish(result, ax)


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


def copy_days(result: Result, ax: Axes | None = None) -> Axes:
    """Draw every day's value by the copy it showed, and each copy's value over all its days.

    Parameters
    ----------
    result
        A `CopyDaysResult`.
    ax
        Where to draw; a new figure when not given.
    """
    with style():
        ax = ax or new_axes()
        days = getattr(result, "days", pd.DataFrame())
        if not len(result.frame) or not len(days):
            return nothing(result, ax)
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
        say_axis(ax, label(value))
        ax.legend(ncols=2, loc="lower right", bbox_to_anchor=(1, 0.99), frameon=False)
        return finish(result, ax)


def _days_format(result: Result, value: str) -> ticker.Formatter:
    if value.endswith("_rate"):
        return percent()
    if value.endswith("_amount"):
        return axis_format(result, value)
    return ticker.FuncFormatter(lambda count, _: f"{count:,.0f}")


def copy_memory(result: Result, ax: Axes | None = None) -> Axes:
    """Draw what each kind of copy does to the rate, with its interval.

    Parameters
    ----------
    result
        A `CopyMemoryResult`.
    ax
        Where to draw; a new figure when not given.
    """
    with style():
        frame = result.frame[result.frame["rel_diff"].notna()]
        ax = axes_for_rows(ax, len(frame), 0.5, rest=1.4)
        if not len(frame):
            return nothing(result, ax)
        y = np.arange(len(frame))[::-1]
        for place, row in zip(y, frame.to_dict("records"), strict=True):
            colour = {"better": UP, "worse": DOWN}.get(row["finding"], MUTED)
            dot_line(ax, row, "rel_diff", place, colour, zorder=3)
        rows_of(ax, y, frame["tag"], frame["n_units"])
        _rel_axis(ax, frame[["rel_diff_ci_lower", "rel_diff_ci_upper"]].to_numpy(float))
        return finish(result, ax)


def past_tests(result: Result, ax: Axes | None = None) -> Axes:
    """Draw each finished test as it was seen (a ring) and as it probably was (a dot with its interval).

    Parameters
    ----------
    result
        A `PastTestsResult`, of which the latest twenty are drawn.
    ax
        Where to draw; a new figure when not given.
    """
    with style():
        frame = result.frame.head(20)
        ax = axes_for_rows(ax, len(frame), 0.34, rest=1.4, least=3)
        if not len(frame):
            return nothing(result, ax)
        y = np.arange(len(frame))[::-1]
        for place, row in zip(y, frame.to_dict("records"), strict=True):
            dot_line(ax, row, "likely_rel_diff", place, ACCENT, zorder=3)
            ax.plot([row["rel_diff"]], [place], "o", markersize=7, markerfacecolor="none",
                    markeredgecolor=COLOURS[1], zorder=4)  # fmt: skip
        rows_of(ax, y, frame["experiment"], frame["n_units"], together=True)
        ends = ["likely_rel_diff_ci_lower", "likely_rel_diff_ci_upper", "rel_diff"]
        _rel_axis(ax, frame[ends].to_numpy(float))
        said = pick(
            "고리: 본 그대로 · 점과 선: 운을 덜어 낸 값과 구간",
            "Ring: as seen · dot and line: likely, with its interval",
        )
        say_axis(ax, said)
        return finish(result, ax, bands=False)


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
