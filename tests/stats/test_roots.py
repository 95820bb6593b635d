"""The search for a root, by hand."""

import math

import pytest

from custmeasure.stats.roots import falling_root


@pytest.mark.parametrize(
    ("f", "low", "high", "root"),
    [
        (lambda x: 1 - x, 0, 3, 1),
        (lambda x: 8 - x**3, 0, 100, 2),
        (lambda x: math.exp(-x) - 1e-8, 0, 700, 8 * math.log(10)),
        (lambda x: 1.0 if x < 0.3 else -1.0, 0, 1, 0.3),
        (lambda x: -1 - x, 0, 1, 0),
        (lambda x: 2 - x, 0, 1, 1),
    ],
)
def test_root(f, low, high, root):
    assert falling_root(f, low, high) == pytest.approx(root, rel=1e-12, abs=1e-12)
