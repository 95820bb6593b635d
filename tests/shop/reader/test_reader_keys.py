"""Texts that look alike are one; rows delivered twice are one; rows that contradict each other are none."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading import ORDERS, blocked, calm, good_orders, order, put, read, rows

from custmeasure.shop.reader import kernels
from custmeasure.shop.reader.keys import normal
from custmeasure.shop.reader.values import cells_of

NFD = unicodedata.normalize("NFD", "네이버")
SPELLINGS = ["네이버", NFD, "네이버 ", "네이버\u00a0", "네\u200b이버", "NAVER", "ＮＡＶＥＲ"]


def customers(channels):
    return "customer_id,channel\n" + "".join(f"c{i},{c}\n" for i, c in enumerate(channels))


def test_spellings_that_look_alike_are_one_and_listed_b19(tmp_path):
    reading = read(put(tmp_path, customers(SPELLINGS)), "customers")
    assert [row["channel"] for row in rows(reading)] == ["네이버"] * 5 + ["NAVER", "ＮＡＶＥＲ"]
    assert reading.merges == tuple((spelling, "네이버") for spelling in SPELLINGS[1:5])
    assert reading.notes[0].startswith('Column "channel": 4 spellings with invisible differences')
    assert "'네이버\\u00a0' → '네이버'" in reading.notes[0].ko


def test_other_names_of_the_same_thing_are_declared_not_guessed_b19(tmp_path):
    aliases = {"channel": {"NAVER": "네이버", "ＮＡＶＥＲ": "네이버"}}
    reading = read(put(tmp_path, customers(SPELLINGS)), "customers", aliases=aliases)
    assert {row["channel"] for row in rows(reading)} == {"네이버"}


def test_ids_lose_what_nobody_sees_and_nothing_else_b19(tmp_path):
    reading = read(put(tmp_path, "customer_id\n 007\u200b\n0 07\n7\n"), "customers")
    assert [row["customer_id"] for row in rows(reading)] == ["007", "0 07", "7"]


def test_an_id_of_nothing_visible_is_missing_b19(tmp_path):
    path = put(tmp_path, ORDERS + good_orders(40) + order(customer_id="\u200b\u00a0"))
    (problem,) = read(path).problems
    assert 'line 42 column "customer_id": the value is missing' in problem.said("en")


def test_what_people_wrote_stays_letter_for_letter(tmp_path):
    text = f"review_id,at,rating,text\nr,2026-03-04,5,  {NFD}  좋아요\n"
    assert rows(read(put(tmp_path, text), "reviews"))[0]["text"] == f"  {NFD}  좋아요"


@calm
@given(st.text())
def test_a_plain_spelling_is_its_own_plain_spelling_b19(text):
    assert normal(normal(text)) == normal(text)


@calm
@given(st.lists(st.text(), min_size=1))
def test_texts_that_the_kernel_passes_are_plain_b19(texts):
    import numpy as np

    marked = np.empty(len(texts), np.bool_)
    cells = cells_of([text.encode("utf-8", "ignore").decode() for text in texts])
    kernels.needs_care(*cells, marked)
    for row in np.flatnonzero(~marked):
        assert normal(cells.text(row)) == cells.text(row)


def test_the_same_row_twice_is_one(tmp_path):
    reading = read(put(tmp_path, ORDERS + order() + good_orders(3) + order()))
    account = reading.accounts[0]
    assert (account.n_in_file, account.n_used, account.n_duplicate) == (5, 4, 1)
    assert '1 row whose "order_id" came before, counted once.' in reading.notes


def test_a_file_appended_to_itself_changes_nothing(tmp_path):
    text = good_orders(50)
    once = read(put(tmp_path, ORDERS + text))
    twice = read(put(tmp_path, ORDERS + text + text))
    assert rows(twice) == rows(once)
    assert twice.accounts[0].n_duplicate == 50


def test_one_key_with_different_values_in_one_file_rejects_its_rows(tmp_path):
    path = put(tmp_path, ORDERS + order(amount="5") + good_orders(60) + order(amount="6"))
    reading = read(path)
    assert "A1" not in [row["order_id"] for row in rows(reading)]
    assert [(p.line, p.value) for p in reading.problems] == [(2, "A1"), (63, "A1")]
    assert "names several rows of this file whose values differ" in reading.problems[0].said("en")
    assert "값이 서로 다른 여러 행에 쓰였습니다" in reading.problems[0].said("ko")
    assert reading.rejected[1].raw == ("A1", "c1", "2026-03-03 15:00:00+00:00", "6.0")


def test_between_files_the_later_one_is_newer(tmp_path):
    monday = put(tmp_path, ORDERS + order(amount="5") + good_orders(2), "1.csv")
    tuesday = put(tmp_path, ORDERS + order(amount="9") + good_orders(1), "2.csv")
    reading = read([monday, tuesday])
    amounts = {row["order_id"]: row["amount"] for row in rows(reading)}
    assert amounts == {"G0": 5, "G1": 5, "A1": 9}
    assert [account.n_duplicate for account in reading.accounts] == [1, 1]
    assert "For 1 key the later file says something else" in reading.notes[0]


def test_rows_without_a_key_are_never_duplicates(tmp_path):
    text = "visitor_id,at,event,event_id\n" + "v,2026-03-04 09:00,visit,\n" * 3
    assert read(put(tmp_path, text), "events").accounts[0].n_used == 3


def test_tables_whose_rows_may_repeat_keep_them(tmp_path):
    text = "order_id,product_id,quantity\n" + "A,p,1\n" * 3
    assert read(put(tmp_path, text), "order_items").accounts[0].n_used == 3


@pytest.mark.parametrize("word", ["합계", "총계:", "Grand Total", "[소계]"])
def test_a_row_of_totals_blocks_b27(tmp_path, word):
    path = put(tmp_path, f"customer_id,channel\nc1,a\nc2,b\n{word},\n")
    error = blocked(path, "customers")
    assert f"line 4: the row '{word}' is a total, not a record." in error.message("en")
    assert "기록이 아니라 합계입니다" in error.message("ko")
