"""How a table is to be read: from the contract and its section, every name and style checked."""

import pytest
from reading import ORDERS, SEOUL, order, put, read, rows

from custmeasure.errors import UnknownName, UsageError
from custmeasure.shop.reader import Spec, delivered_columns, read_source, spec_for

COLUMNS = ("주문번호", "customer_id", "at", "amount", "메모", "수취인연락처1")


def spec(**section):
    return spec_for("orders", {"columns": {"order_id": "주문번호"}, **section}, SEOUL, COLUMNS)


def test_names_and_types_come_from_the_contract():
    found = spec()
    assert found.columns["order_id"] == "주문번호"
    assert found.kinds["amount"] == "number"
    assert found.kinds["메모"] == "text"
    assert found.required == {"order_id", "customer_id", "at", "amount"}
    assert found.key == "order_id"
    assert (found.timezone, found.timezone_declared) == ("Asia/Seoul", False)
    assert found.hidden == {"수취인연락처1"}


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"columns": {"order_idd": "주문번호"}}, "Did you mean 'order_id'?"),
        ({"columns": {"order_id": "주문 번호"}}, "Did you mean '주문번호'?"),
        ({"encoding": "euckr"}, "Did you mean 'euc-kr'?"),
        ({"timezone": "Asia/Soul"}, "Did you mean 'Asia/Seoul'?"),
        ({"dates": {"att": "%Y%m%d"}}, "Did you mean 'at'?"),
        ({"aliases": {"메모장": {}}}, "Did you mean '메모'?"),
    ],
)
def test_a_name_that_does_not_exist_comes_with_the_nearest(section, message):
    with pytest.raises(UnknownName) as caught:
        spec(**section)
    assert message in caught.value.message("en")
    assert caught.value.message("ko") != caught.value.message("en")


@pytest.mark.parametrize(
    "section",
    [{"delimiter": ":"}, {"aliases": {"메모": "x"}}, {"numbers": "12"}, {"dates": "d/m/y"}],
)
def test_a_setting_that_cannot_be_is_refused(section):
    with pytest.raises(UsageError):
        spec(**section)


def test_constants_stand_in_for_columns(tmp_path):
    path = put(tmp_path, "order_id,customer_id,at\nA,c,2026-03-04\n")
    reading = read(path, constants={"amount": "1200", "channel": "smartstore"})
    assert rows(reading)[0] | {"at": None} == {
        "order_id": "A", "customer_id": "c", "at": None, "amount": 1200, "channel": "smartstore",
    }  # fmt: skip
    with pytest.raises(UsageError, match="does not read as number"):
        read(path, constants={"amount": "many"})


def test_a_spec_of_one_s_own_reads_any_table(tmp_path):
    path = put(
        tmp_path, "상품주문번호,수량\n001,3\n002,x\n" + "".join(f"{i},1\n" for i in range(10, 60))
    )
    own = Spec("lines", {"id": "상품주문번호", "n": "수량"}, {"id": "text", "n": "count"}, key="id")
    reading = read_source(str(path), own)
    assert rows(reading)[0] == {"id": "001", "n": 3}
    assert reading.problems[0].line == 3


def test_delivered_columns_of_several_files_are_listed_once(tmp_path):
    first = put(tmp_path, ORDERS + order(), "a.csv")
    second = put(tmp_path, "memo,order_id,customer_id,at,amount\n", "b.csv")
    assert delivered_columns([first, second]) == ("order_id", "customer_id", "at", "amount", "memo")


def test_no_file_is_a_mistake():
    with pytest.raises(UsageError, match="There is no file to read"):
        delivered_columns([])


def test_a_table_without_rows_may_be_allowed(tmp_path):
    from dataclasses import replace

    path = put(tmp_path, ORDERS)
    allowed = replace(spec_for("orders", {}, SEOUL, delivered_columns(path)), allow_empty=True)
    assert rows(read_source(path, allowed)) == []
