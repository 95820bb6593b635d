"""Rows of an export folded into orders: what each state, gap, slip and repetition does."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custmeasure.errors import DataError
from custmeasure.shop.exports import load
from custmeasure.shop.exports.convert import Converted, convert, counted
from custmeasure.shop.exports.written import read

KEY = b"a key that only this test knows, really"

LINE = {
    "상품주문번호": "P1", "주문번호": "O1", "주문상태": "구매확정", "주문세부상태": "구매확정",
    "구매자ID": "kim", "구매자연락처": "010-1111-2222", "주문일시": "2026-03-04 09:00:00",
    "결제일": "2026-03-04 09:01:00", "상품번호": "0101", "상품명": "원두", "수량": "1",
    "상품별 할인액": "1,000",
    "상품별 총 주문금액": "9,000",
}  # fmt: skip


def table(*rows: dict[str, str], base: dict[str, str] = LINE) -> pa.Table:
    """Return the rows, each the usual line but for what it says."""
    whole = [base | row for row in rows]
    names = dict.fromkeys(name for row in whole for name in row)
    return pa.table({name: pa.array([row.get(name, "") for row in whole]) for name in names})


def smartstore(*rows: dict[str, str], **options: str) -> Converted:
    return convert(load("smartstore_orders"), table(*rows), key=lambda: KEY, **options)


def orders(done: Converted) -> list[dict[str, object]]:
    return done.tables["orders"].to_pylist()


def test_lines_of_one_order_are_one_order():
    done = smartstore({}, {"상품주문번호": "P2", "상품번호": "0102", "상품별 총 주문금액": "5,000"})
    (order,) = orders(done)
    assert (order["amount"], order["discount_amount"], order["refund_amount"]) == (16_000, 2_000, 0)
    assert order["at"].isoformat() == "2026-03-04T00:00:00+00:00"
    assert order["status"] == "delivered"
    assert [item["amount"] for item in done.tables["order_items"].to_pylist()] == [10_000, 6_000]
    assert counted(done.fates) == (2, 0, 0, 0)


@pytest.mark.parametrize(
    ("state", "detail", "status", "refund"),
    [
        ("결제완료", "신규주문", "paid", 0),
        ("배송중", "배송중", "shipped", 0),
        ("배송완료", "", "delivered", 0),
        ("취소", "취소완료", "cancelled", 9_000),
        ("취소완료", "", "cancelled", 9_000),
        ("반품", "반품완료", "refunded", 9_000),
        ("교환", "교환완료", "delivered", 0),
        ("배송완료", "반품요청", "delivered", 0),
        ("발송대기", "취소요청", "paid", 0),
        ("배송완료", "반품 철회", "delivered", 0),
        ("", "", "paid", 0),
    ],
)
def test_states_mean_money(state, detail, status, refund):
    """A claim that was only asked for pays nothing back."""
    (order,) = orders(smartstore({"주문상태": state, "주문세부상태": detail}))
    assert (order["status"], order["refund_amount"]) == (status, refund)


@pytest.mark.parametrize(
    ("states", "status"),
    [
        (["구매확정", "반품"], "refunded"),
        (["구매확정", "배송중"], "shipped"),
        (["배송중", "결제완료"], "paid"),
        (["취소", "구매확정"], "delivered"),
        (["취소", "취소"], "cancelled"),
    ],
)
def test_an_order_is_where_its_last_line_is(states, status):
    lines = [
        {"상품주문번호": f"P{i}", "주문상태": state, "주문세부상태": ""}
        for i, state in enumerate(states)
    ]
    assert orders(smartstore(*lines))[0]["status"] == status


def test_unpaid_orders_are_outside():
    done = smartstore(
        {}, {"상품주문번호": "P2", "주문번호": "O2", "주문상태": "미결제취소", "주문세부상태": ""}
    )
    assert counted(done.fates) == (1, 0, 1, 0)
    assert [order["order_id"] for order in orders(done)] == ["O1"]
    assert any("never paid" in note for note in done.notes)


def test_unknown_states_are_said_and_counted_without_refund():
    done = smartstore({"주문상태": "별나라배송", "주문세부상태": ""})
    assert orders(done)[0]["refund_amount"] == 0
    assert orders(done)[0]["status"] is None
    assert any("별나라배송" in note and "(1 rows)" in note for note in done.notes)


def test_guests_are_each_their_own_customer():
    guest = {"구매자ID": ""}
    done = smartstore(guest, guest | {"상품주문번호": "P2", "주문번호": "O2"})
    first, second = orders(done)
    assert (first["customer_id"], second["customer_id"]) == ("guest-O1", "guest-O2")
    assert first["is_guest"]
    assert first["person_id"] == second["person_id"]
    again = smartstore(guest)
    assert orders(again)[0]["customer_id"] == "guest-O1"


def test_masked_ids_without_a_phone_stay_as_they_are():
    done = smartstore({"구매자ID": "ab****", "구매자연락처": ""})
    assert orders(done)[0]["customer_id"] == "ab****"
    masked = smartstore({"구매자ID": "ab****", "구매자연락처": "010-****-2222", "구매자명": ""})
    assert orders(masked)[0]["customer_id"] == "ab****"
    assert "person_id" not in orders(masked)[0]


def test_ids_that_are_mails_become_pseudonyms_and_others_stay():
    done = smartstore({"구매자ID": "Kim@Example.com"}, {"상품주문번호": "P2", "주문번호": "O2"})
    first, second = (order["customer_id"] for order in orders(done))
    assert "@" not in first
    assert second == "kim"


def test_no_key_is_asked_for_without_need():
    def no_key() -> bytes:
        raise AssertionError

    rows = table({}).drop_columns(["구매자연락처"])
    assert convert(load("smartstore_orders"), rows, key=no_key).tables["orders"].num_rows == 1


def test_a_line_that_cannot_be_read_takes_its_order_with_it():
    """Half an order is a wrong amount."""
    done = smartstore(
        {"상품별 총 주문금액": "9,0O0"},
        {"상품주문번호": "P2"},
        {"상품주문번호": "P3", "주문번호": "O3"},
    )
    assert [order["order_id"] for order in orders(done)] == ["O3"]
    assert done.tables["order_items"].num_rows == 1
    assert counted(done.fates) == (1, 0, 0, 2)
    bad, other = done.problems
    assert bad.row == 1
    assert 'column "상품별 총 주문금액": "9,0O0"' in bad.said("en")
    assert other.row == 2
    assert "another line of the same order" in other.said("en")


def test_what_must_be_there_is_asked_of_the_order_not_of_every_line():
    done = smartstore({}, {"상품주문번호": "P2", "주문일시": "", "결제일": ""})
    assert counted(done.fates) == (2, 0, 0, 0)
    empty = smartstore({"주문일시": "", "결제일": ""}, {"상품주문번호": "P2", "주문번호": ""})
    assert counted(empty.fates) == (0, 0, 0, 2)
    assert {problem.column for problem in empty.problems} == {"주문일시", "주문번호"}


def test_a_product_order_that_comes_again_counts_once_as_it_came_last():
    """Exports of overlapping months: the later state is the newer one."""
    done = smartstore({}, {"주문상태": "반품", "주문세부상태": "반품완료"})
    assert counted(done.fates) == (1, 1, 0, 0)
    assert done.fates.tolist() == [1, 0]
    assert orders(done)[0]["refund_amount"] == 9_000


def test_shipping_counts_once_a_bundle():
    bundle = {"배송비 합계": "3,000", "배송비 묶음번호": "B1"}
    done = smartstore(bundle, bundle | {"상품주문번호": "P2"})
    assert orders(done)[0]["shipping_amount"] == 3_000


def test_columns_with_other_spaces_are_the_same_columns():
    rows = table({}).rename_columns(
        [
            {"상품별 총 주문금액": "상품별총주문금액"}.get(name, name)
            for name in table({}).column_names
        ]
    )
    done = convert(load("smartstore_orders"), rows, key=lambda: KEY)
    assert orders(done)[0]["amount"] == 10_000


def test_a_missing_column_is_named_with_the_nearest():
    rows = table({}).drop_columns(["상품주문번호", "주문번호"])
    rows = rows.append_column("주문번호(전체)", pa.array(["O1"]))
    with pytest.raises(
        DataError, match="order_id one of the columns 주문번호. Is it '주문번호.전체.'"
    ):
        convert(load("smartstore_orders"), rows, file="a.csv")


def test_other_styles_can_be_declared():
    done = smartstore({"주문일시": "04/03/2026", "결제일": ""}, dates="%d/%m/%Y", timezone="UTC")
    assert orders(done)[0]["at"].isoformat() == "2026-03-04T00:00:00+00:00"
    days = smartstore({"주문일시": "04/03/2026", "결제일": ""})
    assert days.problems[0].blocks


def test_a_renamed_contact_column_is_caught_by_its_content():
    """S25: whatever the mapping calls it, a column of phones does not enter."""
    text = """
        name = "mine"
        [rows]
        needs = [["no"]]
        [tables.orders.columns]
        order_id = "no"
        customer_id = "who"
        at = "when"
        amount = "won"
        channel = "memo"
        coupon = "code"
    """
    memo = ["010-1234-5678", "+82 10 2345 6789", "01034567890"]
    code = ["A", "B", "전화 010-1234-5678"]
    rows = pa.table({
        "no": ["1", "2", "3"], "who": ["a", "b@example.com", "c"], "when": ["2026-03-04 09:00"] * 3,
        "won": ["1", "2", "3"], "memo": memo, "code": code,
    })  # fmt: skip
    done = convert(read(text, "mine.toml"), rows, key=lambda: KEY)
    found = done.tables["orders"]
    assert "channel" not in found.column_names
    assert set(done.dropped) == {"memo", "code"}
    assert "@" not in "".join(found["customer_id"].to_pylist())


def test_a_slip_in_a_long_column_is_hidden_where_it_is():
    rows = table(*[
        {"상품주문번호": f"P{i}", "주문번호": f"O{i}", "유입경로": "검색"} for i in range(30)
    ])  # fmt: skip
    channel = pa.array(["검색"] * 29 + ["전화 010-1234-5678"])
    rows = rows.set_column(rows.column_names.index("유입경로"), "유입경로", channel)
    found = orders(convert(load("smartstore_orders"), rows, key=lambda: KEY))
    assert found[-1]["channel"] == "전화 ***"
    assert found[0]["channel"] == "검색"


def test_an_export_without_rows_makes_empty_tables():
    done = convert(load("smartstore_orders"), table({}).slice(0, 0), key=lambda: KEY)
    assert done.tables["orders"].num_rows == 0
    assert done.tables["orders"].schema.field("at").type == pa.timestamp("us", tz="UTC")


SHOPIFY = {
    "Name": "#1001", "Email": "a@example.com", "Financial Status": "paid", "Fulfillment Status": "fulfilled",
    "Created at": "2026-03-04 09:00:00 +0900", "Lineitem quantity": "2", "Lineitem price": "10.50",
    "Lineitem name": "Beans", "Discount Amount": "1.00", "Refunded Amount": "0.00",
}  # fmt: skip
LATER = dict.fromkeys(SHOPIFY, "") | {
    "Name": "#1001", "Lineitem quantity": "1", "Lineitem price": "5.00", "Lineitem name": "Mug",
}  # fmt: skip


def shopify(*rows: dict[str, str]) -> Converted:
    return convert(load("shopify_orders"), table(*rows, base={}), key=lambda: KEY)


def test_shopify_lines_without_the_orders_values_belong_to_it():
    done = shopify(SHOPIFY, LATER, LATER)
    (order,) = orders(done)
    assert (order["amount"], order["discount_amount"], order["status"]) == (31, 1, "shipped")
    assert counted(done.fates) == (3, 0, 0, 0)


def test_shopify_orders_that_were_never_paid_are_outside_with_all_their_lines():
    unpaid = {"Name": "#1002", "Financial Status": "voided", "Fulfillment Status": "unfulfilled"}
    done = shopify(SHOPIFY, SHOPIFY | unpaid, LATER | {"Name": "#1002"})
    assert counted(done.fates) == (1, 0, 2, 0)


def test_shopify_orders_that_come_again_count_as_they_came_last():
    """Two lines that are the same are two lines; an order that begins again is the same order."""
    refunded = SHOPIFY | {"Financial Status": "refunded", "Refunded Amount": "31.00"}
    done = shopify(SHOPIFY, LATER, LATER, refunded, LATER, LATER)
    assert counted(done.fates) == (3, 3, 0, 0)
    (order,) = orders(done)
    assert (order["amount"], order["refund_amount"], order["status"]) == (31, 31, "refunded")


def test_shopify_customers_are_known_by_mail_then_phone_then_not_at_all():
    phone = {"Name": "#2", "Email": "", "Phone": "+82 10 1234 5678"}
    nobody = {"Name": "#3", "Email": ""}
    done = shopify(SHOPIFY, SHOPIFY | phone, SHOPIFY | nobody)
    first, second, third = (order["customer_id"] for order in orders(done))
    assert len(first) == len(second) == 32
    assert first != second
    assert third == "guest-#3"


CAFE24 = {
    "품목별 주문번호": "20260302-0000012-01", "주문일시": "2026-03-02 09:00", "주문자ID": "kim",
    "판매가": "9000.00", "옵션추가 가격": "1000.00", "수량": "2", "상품번호": "7", "주문상태": "배송 완료",
}  # fmt: skip


def test_cafe24_forms_differ_in_their_columns():
    """The order's number from the item's, the amount from price, option and quantity."""
    second = {"품목별 주문번호": "20260302-0000012-02", "수량": "1"}
    done = convert(load("cafe24_orders"), table({}, second, base=CAFE24), key=lambda: KEY)
    (order,) = orders(done)
    assert (order["order_id"], order["amount"]) == ("20260302-0000012", 30_000)
    assert "status" in order


def test_cafe24_forms_without_ids_know_customers_by_their_phone():
    rows = table(
        {"주문자 휴대전화": "010-1234-5678"},
        {"주문자 휴대전화": "01012345678", "품목별 주문번호": "20260303-0000013-01"},
        base=CAFE24,
    ).drop_columns(["주문자ID"])
    done = convert(load("cafe24_orders"), rows, key=lambda: KEY)
    first, second = orders(done)
    assert first["customer_id"] == second["customer_id"]
    assert "is_guest" not in first


def test_cafe24_forms_without_any_customer_say_what_to_add():
    rows = table({}, base=CAFE24).drop_columns(["주문자ID"])
    with pytest.raises(DataError, match="customer_id one of the columns 주문자ID"):
        convert(load("cafe24_orders"), rows)


def test_claims_without_a_date_are_no_returns_but_stay_in_the_orders():
    claims = {"주문상태": "취소 완료", "취소일시": ""}
    dated = {
        "주문상태": "반품완료",
        "취소일시": "2026-03-05",
        "품목별 주문번호": "20260303-0000013-01",
    }
    done = convert(load("cafe24_orders"), table(claims, dated, base=CAFE24), key=lambda: KEY)
    assert done.tables["returns"]["kind"].to_pylist() == ["return"]
    assert done.tables["returns"]["stated_reason"].to_pylist() == ["미기재"]
    assert [order["refund_amount"] for order in orders(done)] == [20_000, 20_000]
    assert any("1 rows without 취소일시" in note for note in done.notes)


def test_without_a_state_column_the_table_says_that_claims_are_not_known():
    rows = table({}, base=CAFE24).drop_columns(["주문상태"])
    done = convert(load("cafe24_orders"), rows, key=lambda: KEY)
    assert "status" not in orders(done)[0]
    assert any("cancels and returns cannot be told" in note for note in done.notes)
    assert any("returns was not made" in note for note in done.notes)


def test_splitting_and_shuffling_orders_changes_no_order():
    rng = np.random.default_rng(5)
    lines = [
        {"상품주문번호": f"P{i}", "주문번호": f"O{i // 3}", "상품별 총 주문금액": str(1_000 + i)}
        for i in range(60)
    ]
    whole = smartstore(*lines).tables["orders"].sort_by("order_id")
    shuffled = smartstore(*(lines[i] for i in rng.permutation(60))).tables["orders"]
    assert shuffled.sort_by("order_id").equals(whole)


WRITTEN = {
    "상품주문번호": st.sampled_from(["P1", "P2", "P3", "P4", ""]),
    "주문번호": st.sampled_from(["O1", "O2", "O3", ""]),
    "주문상태": st.sampled_from(["구매확정", "취소", "미결제취소", "???", ""]),
    "주문세부상태": st.sampled_from(["", "취소요청", "반품완료"]),
    "구매자ID": st.sampled_from(["kim", "ab***", "a@example.com", ""]),
    "주문일시": st.sampled_from(["2026-03-04 09:00:00", "2026-02-30", "03/04/2026", ""]),
    "상품별 총 주문금액": st.sampled_from(["9,000", "0", "-", "1e400", ""]),
    "수량": st.sampled_from(["1", "둘", ""]),
}  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(st.fixed_dictionaries(WRITTEN), min_size=1, max_size=8))
def test_every_row_has_one_fate_and_every_amount_is_whole(rows):
    """R2: used + duplicate + outside + rejected is what came; an order has all of its lines or none."""
    done = convert(
        load("smartstore_orders"), table(*rows, base=dict.fromkeys(WRITTEN, "")), key=lambda: KEY
    )
    assert sum(counted(done.fates)) == len(rows)
    used = [row for row, fate in zip(rows, done.fates.tolist(), strict=True) if fate == 0]
    assert {row["주문번호"] for row in used} == {order["order_id"] for order in orders(done)}
    for order in orders(done):
        paid = [row["상품별 총 주문금액"] for row in used if row["주문번호"] == order["order_id"]]
        assert order["amount"] == sum(float(amount.replace(",", "")) for amount in paid if amount)
        assert order["refund_amount"] is None or 0 <= order["refund_amount"] <= order["amount"]
    assert len(done.problems) == counted(done.fates)[-1]
