"""Every record is accounted for, every rejected one is kept, and no sentence shows contact data."""

import csv
from dataclasses import replace

import pytest
from reading import ORDERS, blocked, good_orders, order, put, read

from custmeasure.errors import DataError
from custmeasure.shop.reader import Account, DataBlocked, Problem, write_rejected
from custmeasure.shop.reader.rejected import spreadsheet_safe
from custmeasure.show.words import Text


def written(path):
    """Return the lines of a file of rejected rows."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def test_the_sum_of_an_account_holds_or_it_is_none_r2():
    assert Account("a.csv", 10, 6, 2, 1, 1).n_used == 6
    with pytest.raises(DataError, match="10 records in the file, but 9 accounted for"):
        Account("a.csv", 10, 6, 2, 1, 0)


def test_every_record_of_every_file_is_accounted_for_r2(tmp_path):
    body = order() + order() + "short\n" + order(amount="x", order_id="B") + good_orders(50)
    account = read(put(tmp_path, ORDERS + body)).accounts[0]
    assert (account.n_in_file, account.n_used) == (54, 51)
    assert (account.n_rejected, account.n_duplicate, account.n_outside) == (2, 1, 0)


def test_each_wrong_value_of_a_row_is_named(tmp_path):
    bad = order("45000", "x", "B")
    problems = read(put(tmp_path, ORDERS + good_orders(50) + bad)).problems
    assert [problem.column for problem in problems] == ["at", "amount"]
    assert {problem.line for problem in problems} == {52}


def test_more_than_20_problems_are_counted_and_kept_r1(tmp_path):
    bad = "".join(order(amount="x", order_id=f"B{i}") for i in range(432))
    error = blocked(put(tmp_path, ORDERS + bad))
    for lang, last in (
        ("en", "and 413 more in rejected/orders.csv."),
        ("ko", "그 밖의 413개는 rejected/orders.csv에 있습니다."),
    ):
        lines = error.message(lang).splitlines()
        assert len(lines) == 21
        assert lines[-1] == last
    (path,) = write_rejected(error.reading, tmp_path / "run")
    assert path == tmp_path / "run" / "rejected" / "orders.csv"
    assert len(written(path)) == 433


def test_rejected_rows_are_kept_as_delivered(tmp_path):
    text = "주문번호,customer_id,at,amount\n" + good_orders(40) + "short\nA1,c1,2026-03-04,1O0\n"
    reading = read(put(tmp_path, text), columns={"order_id": "주문번호"})
    (path,) = write_rejected(reading, tmp_path, "en")
    assert written(path) == [
        ["line", "column", "value", "rule", "주문번호", "customer_id", "at", "amount"],
        ["42", "", "", "1 field, but the header has 4", "short"],
        ["43", "amount", "1O0", "has the letter O, l or I in place of a digit",
         "A1", "c1", "2026-03-04", "1O0"],
    ]  # fmt: skip
    (path,) = write_rejected(reading, tmp_path, "ko")
    assert written(path)[2][3] == "숫자 자리에 글자(O·l·I)가 있습니다"


def test_contact_columns_show_nothing_r1_s25(tmp_path):
    head = "customer_id,수취인연락처1,joined_at,memo\n"
    good = "".join(f"c{i},010-1234-5678,2026-03-04,\n" for i in range(40))
    bad = "c9,010-1234-5678,yesterday,call hong@example.com\nshort,010-1234-5678\n"
    reading = read(put(tmp_path, head + good + bad, "c.csv"), "customers")
    (path,) = write_rejected(reading, tmp_path)
    assert written(path)[1][4:] == ["c9", "***", "yesterday", "call ***"]
    assert written(path)[2][4:] == ["***", "***"]  # fields that cannot be told apart are all hidden
    assert "5678" not in path.read_text("utf-8")


def test_a_value_of_a_hidden_column_is_stars_with_its_line_r1(tmp_path):
    from custmeasure.shop.reader import delivered_columns, read_source, spec_for
    from custmeasure.shop.settings import Settings

    path = put(tmp_path, ORDERS + good_orders(40) + order(amount="9001011234567x"))
    spec = spec_for("orders", {}, Settings("s"), delivered_columns(path))
    (problem,) = read_source(path, replace(spec, contact=frozenset({"amount"}))).problems
    assert problem.said("en").startswith(
        'orders.csv line 42 column "amount": "***" is not a number.'
    )


def test_dropped_columns_do_not_enter(tmp_path):
    from custmeasure.shop.reader import delivered_columns, read_source, spec_for
    from custmeasure.shop.settings import Settings

    path = put(tmp_path, "customer_id,수취인명\nc1,홍길동\n")
    spec = spec_for("customers", {}, Settings("s"), delivered_columns(path))
    reading = read_source(path, replace(spec, drop=frozenset({"수취인명"})))
    assert reading.columns == ("customer_id",)


@pytest.mark.parametrize(
    "text",
    ['=HYPERLINK("http://evil","x")', "+1+cmd|' /C calc'!A0", "@SUM(1)", "\t=1+1", "\r=1", "＝1+1", " =1",
     "-2+3", "－1", "\u200b=1"],
)  # fmt: skip
def test_no_rejected_value_is_a_formula_s16(text):
    assert spreadsheet_safe(text) == "'" + text


@pytest.mark.parametrize("text", ["-5", "+3.5", "-1,200", "A-7", "", "홍길동"])
def test_numbers_and_words_stay_as_they_are_s16(text):
    assert spreadsheet_safe(text) == text


def test_two_files_have_two_files_of_rejected_rows(tmp_path):
    first = put(tmp_path, ORDERS + good_orders(40) + "short\n", "a.csv")
    second = put(
        tmp_path, ORDERS + good_orders(40, 40) + order(amount="x"), "b.csv.gz".removesuffix(".gz")
    )
    paths = write_rejected(read([first, second]), tmp_path)
    assert [path.name for path in paths] == ["a.csv", "b.csv"]


def test_few_rejected_rows_do_not_stop_a_table_many_do(tmp_path):
    few = read(put(tmp_path, ORDERS + good_orders(1000) + order(amount="x") * 3))
    assert few.accounts[0].n_rejected == 3
    many = "".join(order(amount="x", order_id=f"B{i}") for i in range(100))
    error = blocked(put(tmp_path, ORDERS + good_orders(1000) + many))
    assert error.message("en").startswith("orders.csv: 100 of 1,100 rows cannot be read")
    assert "1,100행 가운데 100행을 읽을 수 없습니다" in error.message("ko")


def test_rejected_rows_beyond_those_kept_are_counted(tmp_path, monkeypatch):
    monkeypatch.setattr("custmeasure.shop.reader.gather.KEPT", 10)
    bad = order(amount="x") * 30 + "short\n" * 20
    error = blocked(put(tmp_path, ORDERS + good_orders(100) + bad))
    assert len(error.reading.rejected) == 10
    assert error.n_more == 40
    assert error.message("en").splitlines()[-1] == "and 40 more."
    assert error.reading.accounts[0].n_rejected == 50


def test_what_blocks_is_said_first_and_travels_between_processes():
    import pickle

    rule, do = Text("잘못됐습니다", "is wrong"), Text("고치십시오.", "Fix it.")
    row = Problem("a.csv", rule, do, row=1, line=2, column="x", value="v\u200b")
    error = DataBlocked([row, Problem("a.csv", rule, do, blocks=True)])
    assert error.message("en").splitlines() == [
        "a.csv: is wrong. Fix it.",
        'a.csv line 2 column "x": "v\\u200b" is wrong. Fix it.',
    ]
    copy = pickle.loads(pickle.dumps(error))
    assert copy.message("ko") == error.message("ko")
    assert copy.exit_code == 1


def test_a_long_value_is_cut_in_a_line():
    problem = Problem("a.csv", Text("", "is long"), Text("", ""), value="x" * 1000)
    assert problem.said("en") == f'a.csv: "{"x" * 59}…" is long.'
