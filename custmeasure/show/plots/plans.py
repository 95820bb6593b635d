"""The plot of a plan: what each number of weeks would show."""

import numpy as np
from matplotlib.axes import Axes

from custmeasure.language import pick
from custmeasure.show.labels import label
from custmeasure.show.plots.canvas import ACCENT, COLOURS, finish, new_axes, nothing, style
from custmeasure.show.plots.marks import n_under, percent, say_axis
from custmeasure.show.result import Result


def plan_test(result: Result, ax: Axes | None = None) -> Axes:
    """Draw the smallest difference that each number of weeks shows, and the number recommended.

    Parameters
    ----------
    result
        A `PlanTestResult` or a `PlanDaysResult`.
    ax
        Where to draw; a new figure when not given.
    """
    with style():
        ax = ax or new_axes()
        frame = result.frame[result.frame["mde_rel_diff"].notna()]
        if not len(frame):
            return nothing(result, ax)
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
        n_under(ax, x[some], sizes[some].tolist(), [_weeks(int(n)) for n in x[some]])
        ax.set_ylim(0, min(1.05 * y[0], max(6 * wanted, 3 * y[-1])))
        ax.yaxis.set_major_formatter(percent())
        say_axis(ax, label("mde_rel_diff"))
        return finish(result, ax, bands=False)


def _weeks(n: int) -> str:
    return pick(f"{n}주", f"{n} wk")
