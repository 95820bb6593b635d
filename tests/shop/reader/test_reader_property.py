"""What must hold for any file: ids round-trip, broken rows are named, the order of files does not matter."""

import csv
import io
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reading import ORDERS, calm, good_orders, put, read, rows

from custmeasure.shop.reader import DataBlocked, scan
from custmeasure.shop.reader.csv import fields


def ids_come_through(folder, ids):
    path = put(folder, "customer_id\n" + "".join(f"{each}\n" for each in ids))
    assert [row["customer_id"] for row in rows(read(path, "customers"))] == ids


@calm
@given(st.lists(st.from_regex(r"[0-9]{1,25}", fullmatch=True), min_size=1, unique=True))
def test_any_id_comes_through_digit_for_digit_b01(tmp_path_factory, ids):
    ids_come_through(tmp_path_factory.mktemp("ids"), ids)


def test_10_000_ids_come_through_digit_for_digit_b01(tmp_path):
    draw = random.Random(20261122)
    lengths = (draw.randint(1, 25) for _ in range(11_000))
    ids = {"".join(draw.choices("0123456789", k=length)): None for length in lengths}
    assert len(ids) > 10_000
    ids_come_through(tmp_path, list(ids)[:10_000])


LINES = [f"A{i},c{i % 7},2026-03-04 09:0{i % 10},{i}" for i in range(200)]
MUTATIONS = {
    "too many": lambda line: line + ",9",
    "too few": lambda line: line.rpartition(",")[0],
    "no date": lambda line: line.replace("2026-03-04", "2026-02-30"),
    "no number": lambda line: line + "O",
    "no id": lambda line: "," + line.partition(",")[2],
    "junk": lambda line: '"A"x,' + line.partition(",")[2],
}


@calm
@given(
    st.dictionaries(st.integers(0, len(LINES) - 1), st.sampled_from(sorted(MUTATIONS)), min_size=1),
    st.sampled_from(["\n", "\r\n"]),
)
def test_every_broken_row_is_named_and_no_other_b04(tmp_path_factory, broken, end):
    lines = [MUTATIONS[broken[i]](x) if i in broken else x for i, x in enumerate(LINES)]
    path = put(tmp_path_factory.mktemp("mutated"), ORDERS.replace("\n", end) + end.join(lines))
    try:
        problems = read(path).problems
    except DataBlocked as error:
        problems = error.problems
    assert {problem.line for problem in problems if problem.line} == {i + 2 for i in broken}


@settings(deadline=None, max_examples=20)
@given(st.randoms(use_true_random=False))
def test_seven_shuffled_files_are_the_one_file_t19(tmp_path_factory, draw):
    folder = tmp_path_factory.mktemp("split")
    lines = good_orders(300).splitlines(keepends=True)
    whole = read(put(folder, ORDERS + "".join(lines), "whole.csv"))
    draw.shuffle(lines)
    parts = [put(folder, ORDERS + "".join(lines[i::7]), f"part{i}.csv") for i in range(7)]
    draw.shuffle(parts)
    split = read(parts)
    assert sorted(rows(split), key=str) == sorted(rows(whole), key=str)
    assert sum(account.n_in_file for account in split.accounts) == 300


CELL = st.text(alphabet='ab,"\n\r 가é\t', max_size=6)


@calm
@given(st.lists(st.lists(CELL, min_size=3, max_size=3), min_size=1, max_size=8), st.booleans())
def test_what_python_writes_the_scanner_reads(table, all_quoted):
    buffer = io.StringIO()
    quoting = csv.QUOTE_ALL if all_quoted else csv.QUOTE_MINIMAL
    csv.writer(buffer, quoting=quoting).writerows(table)
    data = np.frombuffer(buffer.getvalue().encode(), np.uint8).copy()
    found = scan.Scanner(ord(","), 3).scan(data, len(data), final=True)
    cells = [[_cell(data, *place) for place in record] for record in found.fields]
    assert cells == [row for row in table if any(row)]
    records = [fields(data[a:b], ",") for a, b in zip(found.first, found.last, strict=True)]
    assert records == [tuple(row) for row in table if any(row)]


def _cell(data, start, stop):
    text = data[start:stop].tobytes().decode()
    return text.replace('""', '"') if start and data[start - 1] == ord('"') else text


@calm
@given(st.text(alphabet='ab,"\n\r', max_size=40), st.integers(1, 12))
def test_a_text_cut_into_buffers_is_scanned_like_the_whole(text, size):
    data = np.frombuffer(text.encode() or b"\n", np.uint8).copy()
    whole, pieces = scan.Scanner(44, 2), scan.Scanner(44, 2)
    at_once = whole.scan(data, len(data), final=True)
    records, lines, faults, begin, status = [], [], [], 0, scan.DONE
    for end in [*range(size, len(data), size), len(data)]:
        found = pieces.scan(data[begin:end], end - begin, final=end == len(data))
        records += found.record.tolist()
        lines += found.line.tolist()
        faults += found.faults[:, :3].tolist()
        begin += found.used
        status = found.status
    assert records == at_once.record.tolist()
    assert lines == at_once.line.tolist()
    assert faults == at_once.faults[:, :3].tolist()
    assert status == at_once.status
    assert (pieces.n_records, pieces.n_lines) == (whole.n_records, whole.n_lines)


@pytest.mark.parametrize("buffer", [64, 1000])
def test_small_buffers_read_the_same_table(tmp_path, monkeypatch, buffer):
    draw = random.Random(7)
    texts = ["plain", "네이버 쇼핑", 'a "b"', "c,d", "e\nf", "", "é", "x" * 200]
    lines = io.StringIO()
    csv.writer(lines).writerows([f"c{i}", draw.choice(texts)] for i in range(500))
    for encoding in ("utf-8", "cp949"):
        text = "customer_id,memo\n" + lines.getvalue().replace("é", "뷁")
        path = put(tmp_path, text.encode(encoding))
        expected = rows(read(path, "customers"))
        monkeypatch.setattr("custmeasure.shop.reader.csv._BUFFER", buffer)
        assert rows(read(path, "customers")) == expected
        monkeypatch.undo()
