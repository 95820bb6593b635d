"""Gauss-Legendre nodes, computed when they are first needed."""

import functools

import numpy as np

from custmeasure.stats.tails import Floats


@functools.cache
def gauss_legendre(n: int) -> tuple[Floats, Floats]:
    """Return ``n`` nodes in (-1, 1) and their weights, which add up to 2.

    Examples
    --------
    >>> nodes, weights = gauss_legendre(2)
    >>> (nodes**2 @ weights).round(12) == round(2 / 3, 12)
    np.True_
    """
    nodes, weights = np.polynomial.legendre.leggauss(n)
    return nodes, weights
