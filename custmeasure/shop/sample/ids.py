"""Names of things, as text: some with leading zeros, all unique, none of a real person."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from custmeasure.shop.sample import clock
from custmeasure.shop.sample.draw import Flags


def digits(number: NDArray[Any], width: int) -> pa.Array:
    """Return numbers as text with leading zeros."""
    return pc.utf8_lpad(pa.array(np.asarray(number, np.int64)).cast(pa.string()), width, "0")


def numbered(prefix: str, number: NDArray[Any], width: int) -> pa.Array:
    """Return ``R000012`` for 12."""
    return pc.binary_join_element_wise(pa.scalar(prefix), digits(number, width), "")


def visitors(number: NDArray[Any]) -> pa.Array:
    """Return the id of each visitor: 10 digits, mixed so that they do not tell the order.

    The step has no factor in common with 10, so no two numbers share an id.
    """
    return digits((np.asarray(number, np.int64) * 6_180_339_887 + 482_913_371) % 10**10, 10)


def customers(number: NDArray[Any], guest: Flags) -> pa.Array:
    """Return the id of each customer: 8 digits, with ``G`` before them for a guest."""
    mixed = digits((np.asarray(number, np.int64) * 61_803_399 + 12_345_678) % 10**8, 8)
    return pc.binary_join_element_wise(pa.array(["", "G"]).take(guest.astype(np.int8)), mixed, "")


def orders(number: NDArray[Any], at: clock.Seconds) -> pa.Array:
    """Return the id of each order: its day and its number, ``20260302-0000123``."""
    return pc.binary_join_element_wise(clock.day_words(at // clock.DAY), digits(number, 7), "-")
