"""One plot a result, drawn from the result alone: n under the axis, intervals, notes as footnote.

``plots.<noun>(result, ax=None)`` draws the result of ``<noun>`` in the current language and returns the
Axes. The figure's label is its alternative text. Nothing here computes, and no setting outlives a plot.
"""

import functools
import io
import textwrap
from collections.abc import Hashable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
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
        measured = [name for name in ("conversion_rate", "revenue_amount") if name in frame]
        if not len(frame) or not measured or not frame[measured[0]].notna().any():
            return _nothing(result, ax)
        name = measured[0]
        y = np.arange(len(frame))[::-1]
        for i, row in enumerate(frame.to_dict("records")):
            _interval_line(ax, row, name, y[i], COLOURS[0] if i else MUTED)
        ax.set_yticks(
            y, [f"{v}\nn={n:,}" for v, n in zip(frame["variant"], frame["n_units"], strict=True)]
        )
        ax.set_ylim(-0.6, len(frame) - 0.4)
        ax.set_xlabel(label(name))
        ax.grid(axis="y", visible=False)
        ax.grid(axis="x", visible=True)
        ax.xaxis.set_major_formatter(_axis_format(result, name))
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


def _interval_line(ax: Axes, row: dict[Hashable, Any], name: str, y: float, colour: str) -> None:
    lower, upper, value = row[f"{name}_ci_lower"], row[f"{name}_ci_upper"], row[name]
    ax.plot([lower, upper], [y, y], color=colour, linewidth=5, alpha=0.35, solid_capstyle="butt")
    ax.plot([value], [y], "o", color=colour, markersize=8)
    ax.annotate(
        fmt.show(name, value), (value, y), (0, 9), textcoords="offset points",
        ha="center", color=INK, fontweight="bold",
    )  # fmt: skip


def _axis_format(result: Result, name: str) -> ticker.Formatter:
    if name.endswith("_rate"):
        return ticker.PercentFormatter(1, decimals=1)
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


def _finish(result: Result, ax: Axes) -> Axes:
    _footnote(result, ax)
    _describe(result, ax)
    return ax


def _footnote(result: Result, ax: Axes) -> None:
    band = pick(
        "막대 위의 선과 띠는 95% 신뢰구간입니다.", "Lines on bars and bands are 95% intervals."
    )
    confidence = float(str(result.definition.get("confidence", 0.95)))
    has_intervals = any(name.endswith("_ci_lower") for name in result.frame.columns)
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
