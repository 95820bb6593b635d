"""The sample shop, written as each admin page exports it and read back: equal to the last row."""

import json
import re
from pathlib import Path

import exporters
import pandas as pd
import pyarrow as pa
import pytest

from custmeasure.shop import privacy
from custmeasure.shop.exports import Exported, load, read_export
from custmeasure.shop.exports.convert import Converted, convert, counted
from custmeasure.shop.exports.recognise import best
from custmeasure.shop.reader import delivered_columns
from custmeasure.shop.sample import write_sample

KEY = b"a key that only this test knows, really"
ORDER_COLUMNS = [
    "order_id", "customer_id", "at", "amount", "status", "discount_amount", "refund_amount", "is_guest",
]  # fmt: skip


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> exporters.Sample:
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder, scale=0.05, seed=7)
    return exporters.Sample(folder)


@pytest.fixture(scope="module")
def columns(shared: Path) -> list[str]:
    """Return the 66 columns of the SmartStore order export."""
    path = shared / "data" / "korean_shop_columns" / "columns.json"
    return json.loads(path.read_text("utf-8"))["smartstore_order_export"]["columns"]


def texts(frame: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(frame, preserve_index=False)


def converted(rows: pa.Table) -> Converted:
    """Recognise and convert, with the key of the tests."""
    return convert(best(rows.column_names, "export").mapping, rows, key=lambda: KEY)


def read(path: Path) -> Exported:
    """Recognise and read a file, with the key of the tests."""
    return read_export(best(delivered_columns(path), path.name).mapping, [path], key=lambda: KEY)


def same(
    found: pa.Table, expected: pd.DataFrame, columns: list[str], by: list[str] | None = None
) -> None:
    """Assert that two tables have the same rows, in whatever order."""
    by = by or columns[:1]
    left = found.select(columns).to_pandas().sort_values(by).reset_index(drop=True)
    right = expected[columns].sort_values(by).reset_index(drop=True)
    pd.testing.assert_frame_equal(left, right, check_dtype=False)


def guests_apart(orders: pd.DataFrame) -> pd.DataFrame:
    """Return the orders with each guest checkout a customer of its own."""
    guest = "guest-" + orders["order_id"]
    return orders.assign(customer_id=orders["customer_id"].where(~orders["is_guest"], guest))


def check_account(done: Exported, n: int) -> None:
    """Assert that every row was used, and no row but these was in the file."""
    for reading in done.readings.values():
        (account,) = reading.accounts
        assert account.n_in_file == n == account.n_used
        assert not reading.problems


@pytest.mark.parametrize("kind", ["cp949", "utf-8-sig", "xlsx"])
def test_smartstore_comes_back(sample, columns, tmp_path, kind):
    """Orders, lines, refunds and guests, from CP949 and UTF-8 CSV and from a workbook with a notice."""
    frame = exporters.smartstore(sample, columns)
    assert list(frame.columns) == columns
    if kind == "xlsx":
        done = read(exporters.write_xlsx(frame, tmp_path / "a.xlsx", notice=True))
    else:
        done = read(exporters.write_csv(frame, tmp_path / "a.csv", kind))
    check_account(done, len(sample.lines))
    expected = guests_apart(sample.orders)
    more = ["channel", "promised_ship_on", "shipped_at"]
    same(done.readings["orders"].table, expected, ORDER_COLUMNS + more)
    items = sample.lines.assign(product_order_id=frame["상품주문번호"])
    item_columns = [
        "product_order_id",
        "order_id",
        "product_id",
        "product_name",
        "quantity",
        "amount",
    ]
    same(done.readings["order_items"].table, items, item_columns)
    assert expected["is_guest"].sum() > 20
    assert (expected["status"] == "refunded").sum() > 5


def test_smartstore_net_revenue_is_the_sum_of_what_the_admin_page_shows(sample, columns):
    done = converted(texts(exporters.smartstore(sample, columns)))
    orders = done.tables["orders"].to_pandas()
    net = orders["amount"] - orders["discount_amount"] - orders["refund_amount"]
    lines = sample.lines
    gone = (lines["status"] == "cancelled") | (
        (lines["status"] == "refunded") & (lines["nth"] == 1)
    )
    assert net.sum() == lines["paid"][~gone].sum()
    assert orders["shipping_amount"].sum() == 3_000 * len(orders)


def test_newer_smartstore_forms_with_masked_ids_come_back(sample, columns):
    """Two customers behind one masked id stay two, told apart by a pseudonym of their phones."""
    frame = exporters.smartstore(sample, columns, form="new")
    done = converted(texts(frame))
    expected = guests_apart(sample.orders)
    same(done.tables["orders"], expected, [c for c in ORDER_COLUMNS if c != "customer_id"])
    found = done.tables["orders"].to_pandas().merge(expected, on="order_id", suffixes=("", "_true"))
    pairs = found[["customer_id", "customer_id_true"]].drop_duplicates()
    assert frame["구매자ID"].nunique() == 2
    assert pairs["customer_id"].is_unique
    assert pairs["customer_id_true"].is_unique


def test_guests_of_one_phone_are_one_person(sample, columns):
    orders = converted(texts(exporters.smartstore(sample, columns))).tables["orders"].to_pandas()
    true = sample.orders.set_index("order_id")["customer_id"]
    assert orders["person_id"].nunique() == sample.orders["customer_id"].nunique()
    assert (orders.groupby("person_id")["order_id"].agg(lambda ids: true[ids].nunique()) == 1).all()


@pytest.mark.parametrize("encoding", ["cp949", "utf-8-sig"])
@pytest.mark.parametrize("on_every_row", [True, False])
def test_cafe24_comes_back(sample, tmp_path, encoding, on_every_row):
    """With the order's values on every row, or on its first row only."""
    frame = exporters.cafe24(sample, on_every_row=on_every_row)
    done = read(exporters.write_csv(frame, tmp_path / "a.csv", encoding))
    check_account(done, len(sample.lines))
    expected = guests_apart(sample.orders)
    more = ["coupon", "shipped_at", "delivered_at", "channel"]
    same(done.readings["orders"].table, expected, ORDER_COLUMNS + more)
    refunded = expected[expected["refund_amount"] > 0]
    back = done.readings["orders"].table.to_pandas().set_index("order_id")
    assert (back["refunded_at"][refunded["order_id"]].to_numpy() == refunded["refunded_at"]).all()
    items = ["order_id", "product_id", "product_name", "quantity", "amount"]
    same(done.readings["order_items"].table, sample.items, items, by=["order_id", "product_id"])


def test_cafe24_claims_become_returns_with_their_reason(sample):
    done = converted(texts(exporters.cafe24(sample)))
    status = sample.orders.set_index("order_id")["status"]
    claims = sample.returns.assign(status=sample.returns["order_id"].map(status))
    settled = claims[
        claims["status"].isin(["cancelled", "refunded"]) | (claims["kind"] == "exchange")
    ]
    words = load("cafe24_orders").meanings["reasons"]
    expected = settled.assign(
        stated_reason=settled["stated_reason"].map(exporters.REASON_CODES).map(words)
    )
    found = done.tables["returns"].to_pandas()
    money = found.groupby("order_id")["amount"].sum()
    per_order = found.drop_duplicates("order_id")
    assert found["return_id"].is_unique
    assert len(expected) > 20
    same(pa.Table.from_pandas(per_order), expected, ["order_id", "at", "kind", "stated_reason"])
    sent_back = sample.lines.query("status == 'refunded' and nth == 1").set_index("order_id")
    assert (money[sent_back.index] == sent_back["amount"]).all()


def test_cafe24_forms_without_refunds_take_them_from_the_states(sample):
    """Never more than was paid: the coupon of a cancelled order is not paid back."""
    frame = exporters.cafe24(sample).drop(columns=["실제 환불금액"])
    orders = converted(texts(frame)).tables["orders"].to_pandas().set_index("order_id")
    cancelled = sample.orders.query("status == 'cancelled'").set_index("order_id")
    assert (orders.loc[cancelled.index, "refund_amount"] == cancelled["refund_amount"]).all()
    assert (orders["refund_amount"] <= orders["amount"] - orders["discount_amount"]).all()


def test_shopify_comes_back(sample, tmp_path):
    """Lines folded, instants with their offset, the e-mail as a pseudonym, delivered not known."""
    frame = exporters.shopify(sample)
    done = read(exporters.write_csv(frame, tmp_path / "orders_export.csv", "utf-8"))
    check_account(done, len(sample.lines))
    mail = sample.orders["customer_id"].map(
        lambda c: privacy.pseudonym(f"buyer{c}@example.com", KEY)
    )
    expected = guests_apart(sample.orders.assign(customer_id=mail))
    expected["status"] = expected["status"].replace("delivered", "shipped")
    same(
        done.readings["orders"].table,
        expected,
        [*ORDER_COLUMNS[:-1], "coupon", "channel", "shipped_at"],
    )
    items = ["order_id", "product_id", "product_name", "quantity", "amount"]
    same(done.readings["order_items"].table, sample.items, items, by=["order_id", "product_id"])
    for reading in done.readings.values():
        assert "@" not in reading.table.to_pandas().to_csv()


@pytest.mark.parametrize("newer", [True, False])
def test_ga4_comes_back(sample, tmp_path, newer):
    """Nested parameters, microseconds, the session's channel on all of its events."""
    path = tmp_path / "events_20260302.parquet"
    expected = exporters.ga4(sample, path, newer=newer)
    done = read(path)
    check_account(done, len(expected))
    found = done.readings["events"].table.to_pandas()
    same_columns = ["visitor_id", "at", "event", "customer_id", "device"]
    pd.testing.assert_frame_equal(found[same_columns], expected[same_columns], check_dtype=False)
    assert (found["page"] == expected["page"].fillna("/")).all()
    joined = (
        expected["visitor_id"]
        + "."
        + expected["session_id"].str.rsplit("-", n=1).str[-1].astype(int).astype(str)
    )
    assert (found["session_id"] == joined).all()
    channel = expected.groupby("session_id")["channel"].transform("first") + " / cpc"
    assert (found["channel"] == (channel if newer else "x / cpc")).all()
    assert found["event_id"].is_unique if newer else "event_id" not in found
    assert "hong" not in found.to_csv()


def test_reviews_come_back(sample, tmp_path):
    """Without tags, without their authors, with an id that a second delivery repeats."""
    frame = exporters.reviews(sample)
    done = read(exporters.write_csv(frame, tmp_path / "r.csv", "cp949"))
    check_account(done, len(frame))
    found = done.readings["reviews"].table.to_pandas()
    text = sample.reviews["text"].fillna("") + " <" + sample.reviews["review_id"] + ">"
    assert (found["text"] == text.str.strip()).all()
    expected = sample.reviews[["at", "rating", "product_id"]]
    pd.testing.assert_frame_equal(
        found[["at", "rating", "product_id"]], expected, check_dtype=False
    )
    assert found["review_id"].is_unique
    assert set(done.dropped) == {"작성자"}
    assert "홍길동" not in found.to_csv()


@pytest.mark.parametrize("export", ["smartstore", "cafe24", "shopify"])
def test_a_file_appended_to_itself_changes_nothing(sample, columns, export):
    write = {
        "smartstore": lambda: exporters.smartstore(sample, columns),
        "cafe24": lambda: exporters.cafe24(sample),
        "shopify": lambda: exporters.shopify(sample),
    }[export]
    rows = texts(write())
    once, twice = converted(rows), converted(pa.concat_tables([rows, rows]))
    assert counted(twice.fates) == (len(rows), len(rows), 0, 0)
    for name, made in once.tables.items():
        assert twice.tables[name].equals(made)


def test_no_contact_data_enters(sample, columns):
    """S25: nothing of a buyer's or receiver's name, phone or address is in any table."""
    for frame in (
        exporters.smartstore(sample, columns),
        exporters.cafe24(sample),
        exporters.shopify(sample),
    ):
        done = converted(texts(frame))
        written = "\n".join(made.to_pandas().to_csv() for made in done.tables.values())
        assert not re.search(r"(?<!\d)010[- ]?\d{4}[- ]?\d{4}", written)
        for secret in ("홍길동", "성춘향", "테헤란로", "P1234", "Gildong", "Teheran", "@"):
            assert secret not in written
        assert done.dropped
