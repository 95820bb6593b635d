"""Columns inside columns."""

import pyarrow as pa

from custmeasure.shop.exports.nested import leaf

VALUE = pa.struct(
    [("string_value", pa.string()), ("int_value", pa.int64()), ("double_value", pa.float64())]
)
PARAMS = pa.list_(pa.struct([("key", pa.string()), ("value", VALUE)]))


def params(*rows: list[tuple[str, dict[str, object]]] | None) -> pa.Array:
    lists = [None if row is None else [{"key": k, "value": v} for k, v in row] for row in rows]
    return pa.array(lists, PARAMS)


def test_a_parameter_is_found_by_its_key_whatever_its_type():
    column = params(
        [("page", {"string_value": "/a"}), ("n", {"int_value": 7})],
        [("n", {"double_value": 1.5}), ("n", {"int_value": 9})],
        [],
        None,
        [("other", {"string_value": "x"})],
    )
    table = pa.table({"event_params": column})
    assert leaf(table, "event_params.page").to_pylist() == ["/a", None, None, None, None]
    assert leaf(table, "event_params.n").to_pylist() == ["7", "1.5", None, None, None]


def test_slices_and_chunks_keep_their_rows():
    rows = [[("n", {"int_value": i})] for i in range(6)]
    whole = pa.chunked_array([params(*rows[:4]).slice(1, 2), params(*rows[4:])])
    assert leaf(pa.table({"p": whole}), "p.n").to_pylist() == ["1", "2", "4", "5"]


def test_fields_of_records_are_found_and_what_is_not_there_is_nothing():
    record = pa.array([{"a": {"b": 1}}, None, {"a": None}])
    table = pa.table({"r": record, "x.y": pa.array([1, 2, 3])})
    assert leaf(table, "r.a.b").to_pylist() == [1, None, None]
    assert leaf(table, "x.y").to_pylist() == [1, 2, 3]
    assert leaf(table, "r.a.c") is None
    assert leaf(table, "r.a") is None
    assert leaf(table, "q.a") is None
    assert leaf(table, "r.a.b.c") is None


def test_no_rows_make_no_rows():
    table = pa.table({"p": pa.chunked_array([], PARAMS)})
    assert leaf(table, "p.n").to_pylist() == []
