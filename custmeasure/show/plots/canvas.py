"""What a plot is drawn on: fonts, colours, a figure, its footnote and its alternative text."""

import functools
import textwrap
from contextlib import AbstractContextManager
from pathlib import Path

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from custmeasure.language import pick
from custmeasure.show.result import Result

_FONTS = Path(__file__).parent.parent / "fonts"
# Nanum has no minus sign (U+2212); DejaVu Sans after it supplies what Nanum lacks.
FAMILY = ["NanumSquare", "DejaVu Sans"]

INK, MUTED, LINE, ACCENT, SOFT = "#1f2933", "#616e7c", "#d9dee4", "#1b6ca8", "#c9ddec"
# Colours that stay apart for readers with colour-blindness (Okabe and Ito 2008).
COLOURS = ("#1b6ca8", "#d55e00", "#009e73", "#cc79a7", "#7a7a7a", "#e69f00")
SEGMENTS = len(COLOURS)
UP, DOWN = "#009e73", "#d55e00"


def style() -> AbstractContextManager[None]:
    """Return the setting in which every plot is drawn; it ends with the plot."""
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


def new_axes(height: float = 3.7) -> Axes:
    """Return a new figure's axes, of a height in inches."""
    _, ax = plt.subplots(figsize=(7.2, height), layout="constrained")
    return ax


def axes_for_rows(ax: Axes | None, n: int, each: float, *, rest: float, least: int = 2) -> Axes:
    """Return ``ax``, or where ``n`` rows can be drawn one under another.

    Parameters
    ----------
    ax
        Where to draw; a new figure when not given.
    n, each
        How many rows there are, and how high one is (inches).
    rest
        What else the figure holds (inches).
    least
        The fewest rows that there is room for.
    """
    return ax or new_axes(rest + each * max(least, n))


def nothing(result: Result, ax: Axes) -> Axes:
    """Say in words that there is nothing to draw, and why."""
    ax.set_axis_off()
    said = textwrap.fill(result.headline(), 60)
    ax.text(0.5, 0.5, said, ha="center", va="center", color=MUTED, transform=ax.transAxes)
    describe(result, ax)
    return ax


def finish(result: Result, ax: Axes, *, bands: bool = True) -> Axes:
    """Write the notes under the figure, and give it its alternative text."""
    _footnote(result, ax, bands=bands)
    describe(result, ax)
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


def describe(result: Result, ax: Axes) -> Axes:
    """Give the figure its alternative text: what it shows, in the result's own words."""
    figure = ax.get_figure()
    if figure is not None:
        figure.set_label(f"{pick('그래프', 'Chart')}: {result.headline()}")
    return ax
