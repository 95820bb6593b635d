"""Keys that rise from row to row cannot repeat: told without a hash, across blocks too."""

import itertools

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custmeasure.shop.reader.duplicates import _repeated, _rises


def column(*chunks):
    return pa.chunked_array([pa.array(chunk, pa.string()) for chunk in chunks], pa.string())


@pytest.mark.parametrize(
    ("chunks", "rises"),
    [
        ((["a9", "b0"], ["b1"]), True),
        (
            (["9", "10", "11"], ["100"]),
            True,
        ),  # numbers without leading zeros: the shorter comes first
        ((["10", "9"],), False),
        ((["a", "a"],), False),
        ((["a", "b"], ["b", "c"]), False),  # the same on both sides of a seam
        ((["a", "b"], [], ["c"]), True),
        (([None, "a", None], [None], ["b"]), True),
        (([],), True),
        (((["가1", "가2"]),), True),
    ],
)
def test_keys_that_rise(chunks, rises):
    assert _rises(column(*chunks)) is rises


def test_a_column_of_codes_is_not_asked():
    assert not _rises(pa.chunked_array([pa.array(["a", "b"]).dictionary_encode()]))


@settings(deadline=None)  # the first call compiles
@given(st.lists(st.lists(st.text("ab가", max_size=3), max_size=4), max_size=4))
def test_what_rises_repeats_nothing(chunks):
    texts = [text for chunk in chunks for text in chunk]
    in_order = [(len(text.encode()), text.encode()) for text in texts]
    assert _rises(column(*chunks)) is all(a < b for a, b in itertools.pairwise(in_order))
    if _rises(column(*chunks)):
        assert not len(_repeated(column(*chunks)))
        assert len(set(texts)) == len(texts)
