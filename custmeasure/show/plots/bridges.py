"""The plot of a bridge: from the amount ordered to what is left."""

import numpy as np
from matplotlib.axes import Axes

from custmeasure import language
from custmeasure.show import format as fmt
from custmeasure.show.labels import label
from custmeasure.show.plots.canvas import ACCENT, COLOURS, INK, finish, new_axes, nothing, style
from custmeasure.show.plots.marks import axis_format, say_axis, wrapped
from custmeasure.show.result import Result


def bridge(result: Result, ax: Axes | None = None) -> Axes:
    """Draw what is left of the amount ordered after each line, for the first basis.

    Parameters
    ----------
    result
        A `BridgeResult`.
    ax
        Where to draw; a new figure when not given.
    """
    with style():
        ax = ax or new_axes()
        if not len(result.frame):
            return nothing(result, ax)
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
            x, [wrapped(line, n) for line, n in zip(frame["line"], frame["n_orders"], strict=True)]
        )
        ax.set_ylim(0, 1.12 * max(1.0, float(np.abs(amount).max())))
        ax.yaxis.set_major_formatter(axis_format(result, "running_amount"))
        say_axis(ax, label("amount"))
        return finish(result, ax)
