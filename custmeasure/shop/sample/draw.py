"""Drawing by the thousand: choices, chances, and frames of equally long columns."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit

Frame = dict[str, NDArray[Any]]
Flags = NDArray[np.bool_]
Rng = np.random.Generator


def cumulated(weights: ArrayLike) -> NDArray[np.float64]:
    """Return the cumulated chances of each row of weights, one row a kind of drawer."""
    sums = np.atleast_2d(np.asarray(weights, float)).cumsum(axis=1)
    shares: NDArray[np.float64] = sums / sums[:, -1:]
    return shares


def choose(rng: Rng, cumulated_rows: NDArray[np.float64], row: NDArray[Any]) -> NDArray[np.int64]:
    """Draw one code for each entry of ``row`` (which row of chances it draws from)."""
    dice = rng.random(len(row))
    code = np.zeros(len(row), np.int64)
    for column in cumulated_rows.T[:-1]:
        code += dice >= column[row]
    return code


def chance(rng: Rng, probability: ArrayLike, n: int | None = None) -> Flags:
    """Draw yes or no: one for each probability, or ``n`` of them with the same one."""
    p = np.asarray(probability, float)
    return rng.random(p.shape if n is None else n) < p


def shifted(probability: ArrayLike, by: ArrayLike) -> NDArray[np.float64]:
    """Return the probability moved on the log-odds scale, so that it stays between 0 and 1."""
    return np.asarray(expit(logit(np.asarray(probability)) + np.asarray(by, float)))


def around(rng: Rng, median: ArrayLike, spread: float, n: int) -> NDArray[np.float64]:
    """Draw log-normal lengths around a median."""
    return np.asarray(median, float) * np.exp(spread * rng.standard_normal(n))


def spread_out(rng: Rng, low: float, high: float, n: int) -> NDArray[np.int64]:
    """Draw whole numbers (of seconds, mostly) evenly from ``low`` up to ``high``."""
    return rng.integers(int(low), int(high), n)


def rows(frame: Frame, which: NDArray[Any]) -> Frame:
    """Return some rows of a frame, by flags or by positions."""
    return {name: column[which] for name, column in frame.items()}


def stack(frames: Sequence[Frame]) -> Frame:
    """Put frames with the same columns below one another."""
    return {name: np.concatenate([frame[name] for frame in frames]) for name in frames[0]}


def n_rows(frame: Frame) -> int:
    """Return how many rows a frame has."""
    return len(next(iter(frame.values())))
