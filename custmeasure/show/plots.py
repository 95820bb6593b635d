"""One plot a result, drawn from the result alone: n under the axis, intervals, notes as footnote.

``plots.<noun>(result, ax=None)`` draws the result of ``<noun>`` in the current language and returns the
Axes. The figure's label is its alternative text. Nothing here computes, and no setting outlives a plot.
"""

import functools
import io
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
# Nanum has no minus sign (U+2212); DejaVu Sans after it supplies what Nanum lacks.
FAMILY = ["NanumSquare", "DejaVu Sans"]

INK, MUTED, LINE, ACCENT, SOFT = "#1f2933", "#616e7c", "#d9dee4", "#1b6ca8", "#c9ddec"
# Colours that stay apart for readers with colour-blindness (Okabe and Ito 2008).
COLOURS = ("#1b6ca8", "#d55e00", "#009e73", "#cc79a7", "#7a7a7a", "#e69f00")
SEGMENTS = len(COLOURS)
# The columns that may hold a variant's own value.
COPY_VALUES = ("conversion_rate", "revenue_amount", "metric_value")
_UP, _DOWN = "#009e73", "#d55e00"
PAGES = 12  # of a plot


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
    """Draw the share that came back by period: each cohort thin, all cohorts bold.

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
        _cohorts(result.frame, ax)
        x = pooled["period"].to_numpy()
        lower, upper = (
            pooled[f"retained_rate_ci_{end}"].to_numpy(float) for end in ("lower", "upper")
        )
        ax.fill_between(x, lower, upper, color=SOFT, linewidth=0)
        ax.plot(x, pooled["retained_rate"], color=ACCENT, linewidth=2.4, marker="o", markersize=4)
        _n_under(ax, x, pooled["cohort_size"].to_list())
        ax.set_xlabel(label("period") + f" ({setting_label(str(result.definition['period']))})")
        _say_axis(ax, label("retained_rate"))
        ax.set_ylim(bottom=0)
        ax.yaxis.set_major_formatter(ticker.PercentFormatter(1, decimals=0))
        return _finish(result, ax)


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
        ax = ax or _axes()
        daily = getattr(result, "daily", pd.DataFrame())
        name = "rel_diff" if len(daily) and daily["rel_diff"].notna().any() else "diff"
        if not len(daily) or not daily[name].notna().any():
            return _nothing(result, ax)
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
        ax.set_xlim(left=0)
        ax.xaxis.set_major_formatter(ticker.PercentFormatter(1, decimals=0))
        _say_axis(ax, label(name))
        ax.legend(loc="lower right", bbox_to_anchor=(1, 1.0), frameon=False)
        return _finish(result, ax)


def svg(figure: Figure) -> str:
    """Return the figure as SVG, letters as outlines: the same figure gives the same text."""
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "custmeasure", "svg.fonttype": "path"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


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


def _cohorts(frame: pd.DataFrame, ax: Axes) -> None:
    ripe = frame[frame["mature"] & (frame["period"] > 0) & (frame["cohort_size"] > 0)]
    for _, rows in ripe.groupby("cohort"):
        ax.plot(rows["period"], rows["retained_rate"], color="#9aa5b1", linewidth=0.8, alpha=0.8)


def _say_axis(ax: Axes, text: str) -> None:
    """Name the vertical axis above it, where it is read without turning the head."""
    ax.set_title(text, loc="left", fontsize=9, color=MUTED)


def _n_under(ax: Axes, x: np.ndarray, sizes: Sequence[float]) -> None:
    """Write under each period how many people the pooled rate divides by."""
    thin = max(1, len(x) // 12)
    ticks = x[::thin]
    names = [f"{k}\nn={n:,.0f}" for k, n in zip(ticks, sizes[::thin], strict=True)]
    ax.set_xticks(ticks, names)


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


def _describe(result: Result, ax: Axes) -> None:
    """Give the figure its alternative text: what it shows, in the result's own words."""
    figure = ax.get_figure()
    if figure is not None:
        figure.set_label(f"{pick('그래프', 'Chart')}: {result.headline()}")


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
