"""A figure as text: the same figure gives the same SVG."""

import io
import re
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

# Space that says nothing in an SVG whose letters are outlines.
_BETWEEN_TAGS, _IN_PATH = re.compile(r">\s+<"), re.compile(r'(?<= d=")[^"]*')
_LETTER = re.compile(r'(?<= d=")[MLQz0-9\s-]+(?=")')  # an outline in whole numbers


def svg(figure: Figure) -> str:
    """Return the figure as SVG, letters as outlines: the same figure gives the same text."""
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "custmeasure", "svg.fonttype": "path"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = _BETWEEN_TAGS.sub("><", buffer.getvalue())
    text = _LETTER.sub(lambda path: in_steps(path[0]), text)
    return _IN_PATH.sub(lambda path: re.sub(r"\s*([A-Za-z])\s*", r"\1", path[0]), text)


def in_steps(outline: str) -> str:
    """Return an outline whose points are said from the one before, which takes a third less room."""
    words, here = [], np.zeros(2, int)
    for letter, numbers in re.findall(r"([MLQz])([^MLQz]*)", outline):
        points = np.array(numbers.split(), int).reshape(-1, 2)
        steps = points if letter == "M" else points - here
        words += [letter if letter == "M" else letter.lower(), *map(str, steps.ravel())]
        here = points[-1] if len(points) else here
    return " ".join(words).replace(" -", "-")


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
    shell.enable_matplotlib("inline")  # matplotlib may have been loaded before the shell
    formatters["image/png"].pop(Figure, None)
    formatters["image/svg+xml"].for_type(Figure, lambda f: (svg(f), {"alt": str(f.get_label())}))
