"""What several plots are made of: dots with their intervals, rows, and what stands on the axes."""

import textwrap
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import ticker
from matplotlib.axes import Axes

from custmeasure import language
from custmeasure.show import format as fmt
from custmeasure.show.labels import value_label
from custmeasure.show.plots.canvas import COLOURS, INK, MUTED
from custmeasure.show.result import Result

Row = dict[Hashable, Any]

# --- dots and their intervals -------------------------------------------------------------------------


def dot_line(
    ax: Axes, row: Row, name: str, y: float, colour: str, *,
    width: float = 4, size: float = 7, alpha: float = 0.35, cap: Any = "butt", zorder: float = 2,
) -> None:  # fmt: skip
    """Draw the value ``name`` of a row as a dot on its interval."""
    ends = [row[f"{name}_ci_lower"], row[f"{name}_ci_upper"]]
    ax.plot(ends, [y, y], color=colour, linewidth=width, alpha=alpha, solid_capstyle=cap)
    ax.plot([row[name]], [y], "o", color=colour, markersize=size, zorder=zorder)


def interval_line(
    ax: Axes, row: Row, name: str, y: float, colour: str, formats: Mapping[str, fmt.Formatter]
) -> None:
    """Draw the value ``name`` of a row on its interval, and write it above."""
    dot_line(ax, row, name, y, colour, width=5, size=8)
    ax.annotate(
        fmt.show(name, row[name], overrides=formats), (row[name], y), (0, 9),
        textcoords="offset points", ha="center", color=INK, fontweight="bold",
    )  # fmt: skip


def dots_beside(
    ax: Axes, rows: pd.DataFrame, name: str, i: int, n: int, *,
    label: str, size: float, width: float, cap: float,
) -> np.ndarray:  # fmt: skip
    """Draw the rates of group ``i`` of ``n``, side by side at each step; return where they stand."""
    x = np.arange(len(rows)) + 0.12 * (i - (n - 1) / 2)
    ax.errorbar(
        x, rows[name], yerr=whiskers(rows, name), fmt="o", markersize=size, color=COLOURS[i],
        elinewidth=width, capsize=cap, label=label,
    )  # fmt: skip
    return x


def whiskers(frame: pd.DataFrame, name: str) -> np.ndarray:
    """Return (2, n) lengths below and above each rate; blank where there is no interval."""
    rate = frame[name].to_numpy(float)
    below = rate - frame[f"{name}_ci_lower"].to_numpy(float)
    above = frame[f"{name}_ci_upper"].to_numpy(float) - rate
    return np.asarray(np.maximum(np.vstack([below, above]), 0))


def band(ax: Axes, x: Any, rows: pd.DataFrame, name: str, colour: str, alpha: float) -> None:
    """Draw the interval of ``name`` as a band."""
    lower, upper = (rows[f"{name}_ci_{end}"].to_numpy(float) for end in ("lower", "upper"))
    ax.fill_between(x, lower, upper, color=colour, alpha=alpha, linewidth=0)


# --- axes ---------------------------------------------------------------------------------------------


def percent() -> ticker.Formatter:
    """Return whole percents of a share."""
    return ticker.PercentFormatter(1, decimals=0)


def grid_down(ax: Axes) -> None:
    """Let the grid run down, not across."""
    ax.grid(axis="y", visible=False)
    ax.grid(axis="x", visible=True)


def rows_of(ax: Axes, y: np.ndarray, names: Any, sizes: Any, *, together: bool = False) -> None:
    """Name each row, with its people; the grid runs down, not across."""
    between = "  " if together else "\n"
    known = [f"{between}n={n:,.0f}" if np.isfinite(n) else "" for n in sizes]
    texts = [f"{value_label(str(name))}{n}" for name, n in zip(names, known, strict=True)]
    ax.set_yticks(y, texts, color=INK)
    ax.set_ylim(-0.6, len(y) - 0.4)
    grid_down(ax)


def zero_line(ax: Axes, values: np.ndarray) -> None:
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


def beside(ax: Axes, text: str, x: float, y: float) -> None:
    """Write beside a point, on the side away from 0."""
    side = 1 if x >= 0 else -1
    ax.annotate(
        text, (x, y), (5 * side, 0), textcoords="offset points", va="center",
        ha="left" if side > 0 else "right", color=INK, fontweight="bold", fontsize=8.5,
    )  # fmt: skip


def say_axis(ax: Axes, text: str) -> None:
    """Name the vertical axis above it, where it is read without turning the head."""
    ax.set_title(text, loc="left", fontsize=9, color=MUTED)


def n_under(
    ax: Axes, x: np.ndarray, sizes: Sequence[float], names: Sequence[str] | None = None
) -> None:
    """Write under each period, or every second one, how many people the pooled rate divides by."""
    thin = -(-len(x) // 8)
    shown = list(zip(names or x, sizes, strict=True))[::thin]
    ax.set_xticks(x[::thin], [f"{k}\nn={n:,.0f}" for k, n in shown])


def wrapped(name: object, n: float) -> str:
    """Return a step's name on several lines, with its people."""
    return textwrap.fill(value_label(str(name)), 16, break_long_words=False) + f"\nn={n:,.0f}"


def axis_format(result: Result, name: str) -> ticker.Formatter:
    """Return how an axis says a rate, an amount or another value."""
    if name.endswith("_rate"):
        return ticker.PercentFormatter(1, decimals=1)
    if name == "metric_value" and "currency" not in result.definition:
        return ticker.FuncFormatter(lambda value, _: fmt.plain(value, language.current()))
    currency = str(result.definition.get("currency", "KRW"))
    return ticker.FuncFormatter(lambda value, _: fmt.short_money(value, currency))
