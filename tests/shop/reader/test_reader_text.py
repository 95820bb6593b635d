"""Text files: ids stay as they are, fields stay in their columns, bytes are letters or an error."""

import gzip

import pytest
from reading import ORDERS, blocked, both, good_orders, order, put, read, rows

from custmeasure.errors import DataError, UnknownName


def test_ids_and_further_columns_stay_as_they_are_b01(tmp_path):
    path = put(tmp_path, "customer_id,zip\n00123,04524\n", "customers.csv")
    assert rows(read(path, "customers")) == [{"customer_id": "00123", "zip": "04524"}]


def test_only_the_empty_field_is_missing_b03(tmp_path):
    words = ["NA", "null", "None", "nan", "N/A", "", "Null", "-"]
    lines = "".join(f"c{i},{word}\n" for i, word in enumerate(words))
    reading = read(put(tmp_path, "customer_id,channel\n" + lines), "customers")
    assert [row["channel"] for row in rows(reading)] == [word or None for word in words]


def test_a_quoted_empty_field_is_missing_too_b03(tmp_path):
    reading = read(put(tmp_path, 'customer_id,channel\na,""\n'), "customers")
    assert rows(reading) == [{"customer_id": "a", "channel": None}]


def test_too_many_fields_block_and_are_named_b04(tmp_path):
    error = blocked(put(tmp_path, "customer_id,amt\n1,100,9\n2,200,8\n", "c.csv"), "customers")
    ko, en = both(error)
    assert en[0] == (
        "c.csv line 2: 3 fields, but the header has 2. "
        "Export again with quotes around values that hold the delimiter."
    )
    assert ko[0].startswith("c.csv 2줄: 칸이 3개인데 머리글은 2개입니다.")
    assert [problem.line for problem in error.problems] == [2, 3]


def test_too_few_fields_reject_the_row_b05(tmp_path):
    text = "customer_id,amt\n1\n" + "".join(f"c{i},5\n" for i in range(30))
    reading = read(put(tmp_path, text, "c.csv"), "customers")
    (problem,) = reading.problems
    assert problem.said("en") == "c.csv line 2: 1 field, but the header has 2. Correct that line."
    assert problem.said("ko") == "c.csv 2줄: 칸이 1개인데 머리글은 2개입니다. 그 줄을 고치십시오."
    assert (reading.accounts[0].n_in_file, reading.accounts[0].n_rejected) == (31, 1)


def test_too_few_fields_block_where_others_have_too_many_b06(tmp_path):
    error = blocked(put(tmp_path, "customer_id,b\n1,2\n3,4,5\n6\n"), "customers")
    assert [(p.line, p.blocks) for p in error.problems] == [(3, True), (4, True)]


@pytest.mark.parametrize("end", ["", "\n"])
def test_a_quote_that_is_never_closed_blocks_with_its_line_b07(tmp_path, end):
    path = put(tmp_path, f'customer_id,b\n1,x\n1,"x\n2,y\n3,z{end}')
    ko, en = both(blocked(path, "customers"))
    assert en == [
        "orders.csv line 3: the quote opened on this line is not closed. Close the quote or remove it."
    ]
    assert ko == [
        "orders.csv 3줄: 여기서 열린 따옴표가 닫히지 않습니다. 따옴표를 닫거나 지우십시오."
    ]


def test_text_after_a_closing_quote_blocks_b07(tmp_path):
    error = blocked(put(tmp_path, 'customer_id,b\n1,"x"y\n2,y\n'), "customers")
    assert error.message("en").startswith("orders.csv line 2: text stands after a closing quote.")


def test_quotes_delimiters_and_line_ends_inside_quotes_stay_in_the_value(tmp_path):
    text = 'review_id,at,rating,text\r\nr1,2026-03-04,5,"a ""b"", c\r\nd"\r\nr2,2026-03-04,4,5" tall\r\n'
    reading = read(put(tmp_path, text), "reviews")
    assert [row["text"] for row in rows(reading)] == ['a "b", c\r\nd', '5" tall']


def test_a_type_comes_from_the_declaration_and_the_row_is_named_b08(tmp_path):
    head = "experiment,day,variant,n_visitors,n_conversions\n"
    good = "".join(f"e,2026-03-04,v{i},{i},0\n" for i in range(30_000))
    text = head + good + "e,2026-03-05,A,A-7,0\n"
    (problem,) = read(put(tmp_path, text, "copy_days.csv"), "copy_days").problems
    assert (problem.row, problem.line) == (30_001, 30_002)
    assert problem.said("en") == (
        'copy_days.csv line 30002 column "n_visitors": "A-7" is not a whole number. Fix the value.'
    )
    assert problem.said("ko") == (
        "copy_days.csv 30002줄 'n_visitors' 열: \"A-7\"은(는) 정수가 아닙니다. 값을 고치십시오."
    )


def test_all_hangul_syllables_come_through_cp949_b15(tmp_path):
    syllables = [chr(code) for code in range(ord("가"), ord("힣") + 1)]
    text = "customer_id,이름표\n" + "".join(f"c{i},{s}\n" for i, s in enumerate(syllables))
    reading = read(put(tmp_path, text.encode("cp949")), "customers")
    assert [row["이름표"] for row in rows(reading)] == syllables
    assert reading.accounts[0].encoding == "cp949"
    assert reading.notes[0].both() == {
        "ko": "orders.csv: CP949로 읽었습니다.",
        "en": "orders.csv: read as CP949.",
    }


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp949"])
def test_the_mark_or_the_bytes_say_the_encoding_b16(tmp_path, encoding):
    text = "customer_id\tchannel\nc1\t뷁쀍 쇼핑\n"
    reading = read(put(tmp_path, text.encode(encoding)), "customers")
    assert rows(reading) == [{"customer_id": "c1", "channel": "뷁쀍 쇼핑"}]
    assert reading.columns == ("customer_id", "channel")


@pytest.mark.parametrize("order", [("utf-8", "cp949"), ("cp949", "utf-8")])
def test_a_file_of_two_encodings_blocks_at_the_line_b17(tmp_path, order):
    first, second = order
    head = ("customer_id,channel\n" + "c,네이버 쇼핑\n" * 999).encode(first)
    ko, en = both(blocked(put(tmp_path, head + "c,카카오톡\n".encode(second)), "customers"))
    assert en[0].startswith("orders.csv line 1001: the encoding changes here")
    assert ko[0].startswith("orders.csv 1001줄: 여기서 인코딩이 바뀝니다")


def test_bytes_of_no_encoding_block_at_the_line_b17(tmp_path):
    raw = b"customer_id,channel\nc1,a\nc2,\xff\xff\n"
    ko, en = both(blocked(put(tmp_path, raw), "customers"))
    assert en[0].startswith("orders.csv line 3: a byte is not text in UTF-8, CP949.")
    assert ko[0].startswith("orders.csv 3줄: 글자로 읽을 수 없는 바이트가 있습니다")


def test_a_letter_cut_in_two_at_the_end_blocks_b17(tmp_path):
    raw = "customer_id,channel\nc1,네이버".encode()[:-1]
    assert blocked(put(tmp_path, raw), "customers").problems[0].line == 2


def test_bytes_valid_in_both_encodings_ask_b18(tmp_path):
    path = put(tmp_path, b"customer_id,channel\nc1,\xc7\xa1\n")
    ko, en = both(blocked(path, "customers"))
    assert en[0] == (
        "orders.csv line 2: the letter is 'ǡ' in UTF-8 and '퐈' in CP949, both valid. "
        'Write encoding = "utf-8" or encoding = "cp949" in shop.toml.'
    )
    assert "'ǡ'(UTF-8)와 '퐈'(CP949)" in ko[0]
    for encoding, letter in (("utf-8", "ǡ"), ("cp949", "퐈"), ("EUC_KR", "퐈")):
        assert rows(read(path, "customers", encoding=encoding))[0]["channel"] == letter


def test_short_korean_utf8_does_not_ask_b18(tmp_path):
    path = put(tmp_path, "customer_id,channel\nc1,금액\n".encode())
    assert rows(read(path, "customers"))[0]["channel"] == "금액"


def test_latin_1_is_not_an_encoding_b15(tmp_path):
    with pytest.raises(UnknownName):
        read(put(tmp_path, "customer_id\nc1\n"), "customers", encoding="latin-1")


def test_a_name_with_spaces_is_not_the_name_b20(tmp_path):
    path = put(tmp_path, " 금액 ,order_id,customer_id,at\n1,A,c,2026-03-04\n")
    with pytest.raises(UnknownName, match="Did you mean ' 금액 '"):
        read(path, columns={"amount": "금액"})


def test_a_name_that_stands_twice_blocks_b20(tmp_path):
    ko, en = both(blocked(put(tmp_path, " 금액 ,금액,customer_id\n1,2,c\n"), "customers"))
    assert en == [
        'orders.csv line 1 column "금액": two columns have this name, number 1 and number 2. '
        "Rename one of them."
    ]
    assert "이름이 같은 열이 1번째와 2번째에 있습니다" in ko[0]


def test_a_column_without_a_name_blocks_b20(tmp_path):
    error = blocked(put(tmp_path, "customer_id,,channel\nc,1,a\n"), "customers")
    assert error.message("en").startswith("orders.csv line 1: column 2 has no name.")


def test_a_missing_required_column_names_the_nearest_b20(tmp_path):
    with pytest.raises(DataError) as caught:
        read(put(tmp_path, "order_id,customer_id,at,amuont\nA,c,2026-03-04,5\n"))
    assert "required column 'amount' is missing. Is it 'amuont'?" in caught.value.message("en")
    assert "필요한 열 'amount'이 없습니다. 혹시 'amuont' 열인가요?" in caught.value.message("ko")


@pytest.mark.parametrize(
    ("text", "en", "ko"),
    [
        ("", "the file is empty", "파일이 비어 있습니다"),
        ("\n\r\n\n", "there is no header, only empty lines", "머리글 없이 빈 줄만"),
        ("customer_id\n", "there are 0 rows, only a header", "머리글만 있고 행이 0개"),
    ],
)
def test_three_kinds_of_nothing_b21(tmp_path, text, en, ko):
    error = blocked(put(tmp_path, text), "customers")
    assert en in error.message("en")
    assert ko in error.message("ko")


def test_lines_without_content_are_no_records_b21(tmp_path):
    reading = read(put(tmp_path, "\ncustomer_id,a\n\nc1,1\n,\n\nc2,2\n,"), "customers")
    assert [row["customer_id"] for row in rows(reading)] == ["c1", "c2"]
    assert reading.accounts[0].n_in_file == 2
    assert "4 lines without any content" in reading.notes[0]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("bad", [b"\0", b"\xff"])
def test_the_line_is_right_however_far_down_b17_b34(tmp_path, monkeypatch, mark, bad):
    monkeypatch.setattr("custmeasure.shop.reader.csv._BUFFER", 4096)
    text = mark + ("customer_id,a\n" + "c,네이버\n" * 5000).encode() + b"c," + bad + b"\n"
    for name, data in (("c.csv", text), ("c.csv.gz", gzip.compress(text))):
        assert blocked(put(tmp_path, data, name), "customers").problems[0].line == 5002
    korean = ("customer_id,a\n" + "c,네이버\n" * 5000).encode("cp949") + b"c,\0\n"
    assert blocked(put(tmp_path, korean), "customers").problems[0].line == 5002


def test_a_nul_byte_blocks_with_its_line_b34(tmp_path):
    ko, en = both(blocked(put(tmp_path, b"customer_id,a\nc1,x\nc2,\0\n"), "customers"))
    assert en[0].startswith("orders.csv line 3: a NUL byte (0) stands in the text.")
    assert ko[0].startswith("orders.csv 3줄: NUL 바이트(0)가 있습니다.")


def test_utf_16_without_its_mark_asks_for_its_name_b16(tmp_path):
    path = put(tmp_path, "customer_id\nc1\n".encode("utf-16-le"))
    assert 'if it is UTF-16, write encoding = "utf-16-le"' in blocked(path, "customers").message(
        "en"
    )
    assert rows(read(path, "customers", encoding="utf-16-le")) == [{"customer_id": "c1"}]


def test_thousands_of_short_rows_are_all_named_b05(tmp_path):
    path = put(tmp_path, "customer_id,a\n" + "short\n" * 10_000 + "c,1\n")
    error = blocked(path, "customers")
    assert error.reading.accounts[0].n_rejected == 10_000
    assert [r.problem.line for r in error.reading.rejected] == list(range(2, 10_002))


def test_a_record_that_never_ends_blocks_b34(tmp_path, monkeypatch):
    monkeypatch.setattr("custmeasure.shop.reader.csv._LARGEST", 8 << 20)
    path = put(tmp_path, "customer_id,a\nc,1\n" + "x," * 10_000_000)
    assert blocked(path, "customers").problems[0].line == 3


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_cell_of_10_megabytes_blocks_with_its_line_b34(tmp_path, quote):
    text = f"customer_id,a\nc1,x\nc2,{quote}{'x' * 10_000_000}{quote}\nc3,y\n"
    ko, en = both(blocked(put(tmp_path, text), "customers"))
    assert en[0].startswith("orders.csv line 3: one value is longer than 65,536 bytes.")
    assert ko[0].startswith("orders.csv 3줄: 한 값이 65,536바이트를 넘습니다.")


def test_a_value_of_64_kib_is_read_b34(tmp_path):
    long = "x" * 65_536
    reading = read(put(tmp_path, f"customer_id,a\nc1,{long}\n"), "customers")
    assert rows(reading)[0]["a"] == long


@pytest.mark.parametrize("name", ["x" * 1_000_000, ",".join(map(str, range(200_000)))])
def test_a_header_of_a_million_characters_blocks_b34(tmp_path, name):
    assert blocked(put(tmp_path, name + "\n1\n"), "customers").problems[0].line == 1


def test_gzip_is_unpacked(tmp_path):
    path = put(tmp_path, gzip.compress((ORDERS + order()).encode()), "orders.csv.gz")
    reading = read(path)
    assert rows(reading)[0]["order_id"] == "A1"
    assert reading.accounts[0].file == "orders.csv.gz"


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_the_header_says_the_delimiter_and_shop_toml_may(tmp_path, delimiter):
    path = put(tmp_path, f"customer_id{delimiter}channel\nc,1\n".replace(",", delimiter))
    expected = [{"customer_id": "c", "channel": "1"}]
    assert rows(read(path, "customers")) == expected
    assert rows(read(path, "customers", delimiter=delimiter)) == expected


def test_a_first_line_for_excel_says_the_delimiter(tmp_path):
    path = put(tmp_path, "sep=;\r\ncustomer_id;a,b\r\nc;1\r\nd\r\n" + "e;2\r\n" * 30)
    reading = read(path, "customers")
    assert rows(reading)[0] == {"customer_id": "c", "a,b": "1"}
    assert reading.problems[0].line == 4


def test_line_ends_of_any_system_are_the_same(tmp_path):
    for end in ("\n", "\r\n", "\r"):
        path = put(tmp_path, (ORDERS + order() + order(order_id="A2")).replace("\n", end))
        assert [row["order_id"] for row in rows(read(path))] == ["A1", "A2"]


def test_a_row_count_at_the_limit_of_excel_blocks_b28(tmp_path):
    text = "customer_id\n" + "".join(f"c{i}\n" for i in range(65_535))
    error = blocked(put(tmp_path, text), "customers")
    assert "the row count equals the limit of xls (65,536)" in error.message("en")
    assert "한계(65,536)와 같아" in error.message("ko")


def test_several_files_are_one_table_whatever_the_order_of_their_columns(tmp_path):
    first = put(tmp_path, ORDERS + good_orders(2), "a.csv")
    second = put(tmp_path, "amount,at,customer_id,order_id\n7,2026-03-05,c2,B1\n", "b.csv")
    reading = read([first, second])
    assert [row["amount"] for row in rows(reading)] == [5, 5, 7]
    assert [account.n_used for account in reading.accounts] == [2, 1]


def test_a_contract_column_that_one_file_lacks_blocks(tmp_path):
    first = put(tmp_path, "order_id,customer_id,at,amount,status\nA,c,2026-03-04,5,paid\n", "a.csv")
    second = put(tmp_path, ORDERS + order(order_id="B"), "b.csv")
    assert 'b.csv column "status": the column is missing' in blocked([first, second]).message("en")


def test_a_further_column_that_one_file_lacks_stays_empty(tmp_path):
    first = put(tmp_path, "order_id,customer_id,at,amount,memo\nA,c,2026-03-04,5,x\n", "a.csv")
    second = put(tmp_path, ORDERS + order(order_id="B"), "b.csv")
    reading = read([first, second])
    assert [row["memo"] for row in rows(reading)] == ["x", None]
    assert "b.csv: it lacks memo; they stay empty." in reading.notes
