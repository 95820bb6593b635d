"""From the files of the admin pages to an open shop, as an owner does it."""

import json
from pathlib import Path

import exporters
import pytest

from custmeasure.measure.bridge import bridge
from custmeasure.shop import open_shop
from custmeasure.shop.exports import source
from custmeasure.shop.exports.init import init_from
from custmeasure.shop.privacy import KEY_VARIABLE
from custmeasure.shop.sample import write_sample


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> exporters.Sample:
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder, scale=0.03, seed=11)
    return exporters.Sample(folder)


def test_smartstore_reviews_and_analytics_make_one_shop(
    sample, shared: Path, tmp_path, monkeypatch
):
    monkeypatch.setenv(KEY_VARIABLE, "a key that only this test knows, really")
    said = json.loads((shared / "data" / "korean_shop_columns" / "columns.json").read_text("utf-8"))
    frame = exporters.smartstore(sample, said["smartstore_order_export"]["columns"])
    orders = exporters.write_xlsx(frame, tmp_path / "스마트스토어_주문.xlsx", notice=True)
    reviews = exporters.write_csv(exporters.reviews(sample), tmp_path / "리뷰.csv", "cp949")
    exporters.ga4(sample, tmp_path / "events_20261031.parquet")
    events = tmp_path / "events_20261031.parquet"
    out = tmp_path / "shop"
    init_from([orders, reviews, events], out)
    shop = open_shop(out)
    assert shop.tables == ("events", "orders", "order_items", "reviews")
    assert (shop.timezone, shop.currency, shop.language) == ("Asia/Seoul", "KRW", "ko")
    assert shop.steps[-1] == "purchase"
    checked = shop.check().frame.set_index("table")
    assert (checked["n_in_file"] == checked["n_used"]).all()
    assert checked["n_in_file"]["orders"] == checked["n_in_file"]["order_items"] == len(frame)
    lines = bridge(shop.orders).frame.set_index(["basis", "line"])["running_amount"]
    expected = sample.orders
    assert lines["order_date", "gross"] == expected["amount"].sum()
    paid = expected["amount"] - expected["discount_amount"]
    assert lines["order_date", "refunds"] == (paid - expected["refund_amount"]).sum()
    assert lines["payment_date", "refunds"] == lines["order_date", "refunds"]


def test_a_copied_and_edited_mapping_is_used(sample, tmp_path, monkeypatch):
    """The owner counts points as money, not as a discount."""
    monkeypatch.setenv(KEY_VARIABLE, "a key that only this test knows, really")
    frame = exporters.cafe24(sample).assign(**{"사용한 적립금액(최종)": "500.00"})
    exporters.write_csv(frame, tmp_path / "cafe24.csv", "cp949")
    line = '  { from = ["사용한 적립금액(최종)", "사용한 적립금액"], fold = "max" },\n'
    assert line in source("cafe24_orders")
    (tmp_path / "mine.toml").write_text(source("cafe24_orders").replace(line, ""), "utf-8")
    totals = {}
    for mapping in ("cafe24_orders", "mine.toml"):
        text = f'name = "x"\n[tables.orders]\nfile = "cafe24.csv"\nfrom = "{mapping}"\n'
        (tmp_path / "shop.toml").write_text(text, "utf-8")
        discount = open_shop(tmp_path).orders.frame("discount_amount", limit=100_000)
        totals[mapping] = discount["discount_amount"].sum()
    assert totals["cafe24_orders"] - totals["mine.toml"] == 500 * len(sample.orders)
