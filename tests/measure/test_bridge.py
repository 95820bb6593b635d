"""From gross to net: worked out by hand on six orders, and the admin's number found on its line."""

import pandas as pd
import pytest

import custmeasure as cm
from custmeasure.engine import MissingTable
from custmeasure.errors import UsageError

ORDERS = pd.DataFrame(
    [
        # id, customer, ordered, amount, discount, refund, status, guest, paid
        ("1", "a", "2026-03-01 10:00", 100, 10, 0, "paid", False, "2026-03-01 10:05"),
        ("2", "a", "2026-03-02 10:00", 200, 0, 50, "refunded", False, "2026-03-02 10:05"),
        ("3", "g", "2026-03-02 11:00", 300, 30, 270, "cancelled", True, "2026-03-02 11:05"),
        ("4", "g", "2026-03-03 12:00", 400, 0, 0, "paid", True, "2026-03-03 12:05"),
        ("5", "b", "2026-03-31 23:50", 500, 0, 0, "paid", False, "2026-04-01 00:10"),
        ("6", "c", "2026-04-02 09:00", 999, 0, 0, "paid", False, "2026-04-02 09:05"),
    ],
    columns=[
        "order_id", "customer_id", "at", "amount", "discount_amount", "refund_amount", "status",
        "is_guest", "paid_at",
    ],
)  # fmt: skip
MARCH = {"start": "2026-03-01", "end": "2026-03-31"}


def line(result, name, basis="order_date"):
    rows = result.frame[(result.frame["basis"] == basis) & (result.frame["line"] == name)]
    return rows.iloc[0]


def test_every_line_by_hand():
    result = cm.bridge(ORDERS.drop(columns="paid_at"), **MARCH)
    assert tuple(result.frame.columns) == result.COLUMNS
    assert result.frame["amount"].tolist() == [1500, -40, -270, -50, 1140]
    assert result.frame["running_amount"].tolist() == [1500, 1460, 1190, 1140, 1140]
    assert result.frame["n_orders"].tolist() == [5, 2, 1, 1, 4]


def test_guests_counted_anew_or_once():
    gross = line(cm.bridge(ORDERS, **MARCH), "gross")
    assert (gross["n_buyers"], gross["n_buyers_each_guest"]) == (3, 4)


def test_by_the_day_of_payment_an_order_can_belong_to_the_next_month():
    result = cm.bridge(ORDERS, **MARCH)
    assert line(result, "gross", "payment_date")["amount"] == 1000
    assert line(result, "net", "payment_date")["amount"] == 640


@pytest.mark.parametrize(
    ("admin", "said"),
    [(1500, "gross sales (order date)"), (1460, "after discounts (order date)"),
     (1190, "and cancels (order date)"), (640, "net sales (payment date)")],
)  # fmt: skip
def test_the_admins_number_is_found(admin, said):
    result = cm.bridge(ORDERS, **MARCH, admin_amount=admin)
    assert result.verdict == "no_difference"
    assert said in result.headline("en")


def test_a_number_on_no_line_names_the_nearest():
    result = cm.bridge(ORDERS, **MARCH, admin_amount=1300)
    assert result.verdict == "cannot_tell"
    assert "−₩110" in result.headline("en")


def test_missing_columns_count_as_nothing_taken_away():
    plain = ORDERS[["order_id", "customer_id", "at", "amount"]]
    assert cm.bridge(plain, **MARCH).frame["running_amount"].unique().tolist() == [1500]


def test_no_orders_in_the_period_and_no_table():
    assert cm.bridge(ORDERS, start="2030-01-01").frame["amount"].tolist() == [0] * 10
    missing = cm.bridge(MissingTable("orders"))
    assert missing.verdict.code == "MISSING_TABLE"
    assert not len(missing.frame)
    with pytest.raises(UsageError, match="admin_amount"):
        cm.bridge(ORDERS, admin_amount=-1)


def test_guests_whom_an_export_recognises_count_once():
    orders = ORDERS.assign(customer_id=["a", "a", "guest-3", "guest-4", "b", "c"])
    orders["person_id"] = ["a", "a", "p", "p", "b", "c"]
    gross = line(cm.bridge(orders, **MARCH), "gross")
    assert (gross["n_buyers"], gross["n_buyers_each_guest"]) == (3, 4)
