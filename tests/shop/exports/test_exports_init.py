"""A shop.toml for the files that a shop owner has."""

import tomllib
from pathlib import Path

import exporters
import pandas as pd
import pytest

from custmeasure.errors import DataError, EnvironmentProblem, UsageError
from custmeasure.shop.exports.init import init_from
from custmeasure.shop.sample import write_sample

CAFE24 = {
    "주문번호": "20260302-0000001", "품목별 주문번호": "20260302-0000001-01",
    "주문일시": "2026-03-02 09:00:00", "상품구매금액(KRW)": "15000.00",
    "주문자ID": "kim", "수령인 주소": "서울", "주문상태": "배송완료",
}  # fmt: skip


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> exporters.Sample:
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder, scale=0.01, seed=3)
    return exporters.Sample(folder)


def write(row: dict[str, str], path: Path) -> Path:
    return exporters.write_csv(pd.DataFrame([row]), path)


def test_two_exports_make_a_shop(sample, tmp_path):
    """GA4 events and Shopify orders: file, mapping, time zone, currency, funnel, each said as a guess."""
    orders = exporters.write_csv(exporters.shopify(sample), tmp_path / "orders_export.csv")
    events = tmp_path / "events_20260302.parquet"
    exporters.ga4(sample, events)
    out = tmp_path / "shop"
    done = init_from([orders, events], out)
    said = tomllib.loads(done.shop_toml.read_text("utf-8"))
    assert said["timezone"] == "Asia/Seoul"
    assert said["currency"] == "KRW"
    assert said["tables"] == {
        "orders": {"file": "orders_export.csv", "from": "shopify_orders", "timezone": "UTC"},
        "order_items": {"file": "orders_export.csv", "from": "shopify_orders", "timezone": "UTC"},
        "events": {"file": "events_20260302.parquet", "from": "ga4_events", "timezone": "UTC"},
    }
    assert said["funnel"]["steps"] == ["add_to_cart", "begin_checkout", "purchase"]
    assert (out / "orders_export.csv").read_bytes() == orders.read_bytes()
    lines = "\n".join(done.said)
    assert "orders_export.csv: taken for Shopify orders" in lines
    assert "Email" in lines
    assert "Asia/Seoul" in lines
    assert "연락처" in "\n".join(line.ko for line in done.said)


def test_comments_are_in_both_languages(tmp_path):
    done = init_from([write(CAFE24, tmp_path / "주문.csv")], tmp_path / "가게")
    text = done.shop_toml.read_text("utf-8")
    assert "카페24 주문" in text
    assert "Cafe24 orders" in text
    assert 'name = "가게"' in text


def test_files_of_one_export_are_one_list(tmp_path):
    """Names with brackets mean themselves, not a pattern."""
    first, second = write(CAFE24, tmp_path / "3월[1].csv"), write(CAFE24, tmp_path / "4월.csv")
    done = init_from([first, second], tmp_path)
    tables = tomllib.loads(done.shop_toml.read_text("utf-8"))["tables"]
    assert tables["orders"]["file"] == ["3월[[]1].csv", "4월.csv"]


def test_tables_of_the_contract_need_no_mapping(tmp_path):
    row = {"order_id": "1", "customer_id": "a", "at": "2026-03-02 09:00", "amount": "1000"}
    done = init_from([write(row, tmp_path / "sales.csv")], tmp_path)
    tables = tomllib.loads(done.shop_toml.read_text("utf-8"))["tables"]
    assert tables == {"orders": {"file": "sales.csv"}}


def test_nothing_is_overwritten(tmp_path):
    export = write(CAFE24, tmp_path / "a.csv")
    init_from([export], tmp_path)
    before = (tmp_path / "shop.toml").read_text("utf-8")
    with pytest.raises(UsageError, match="nothing is overwritten"):
        init_from([export], tmp_path)
    assert (tmp_path / "shop.toml").read_text("utf-8") == before
    other = tmp_path / "other"
    other.mkdir()
    (other / "a.csv").write_text("mine")
    with pytest.raises(UsageError, match=r"a\.csv"):
        init_from([export], other)
    assert (other / "a.csv").read_text() == "mine"
    assert not (other / "shop.toml").exists()


def test_an_unknown_file_names_the_nearest_export_and_what_it_lacks(tmp_path):
    row = {"상품주문번호": "1", "주문번호": "2", "주문상태": "취소", "메모": "x"}
    with pytest.raises(DataError, match="Naver SmartStore orders.*상품별 총 주문금액"):
        init_from([write(row, tmp_path / "a.csv")], tmp_path / "shop")
    with pytest.raises(DataError, match="none of its columns is known"):
        init_from([write({"가": "1", "나": "2"}, tmp_path / "b.csv")], tmp_path / "shop")
    assert not (tmp_path / "shop").exists()


def test_two_markets_with_orders_are_two_shops(sample, tmp_path):
    cafe24 = write(CAFE24, tmp_path / "a.csv")
    shopify = exporters.write_csv(exporters.shopify(sample), tmp_path / "b.csv")
    with pytest.raises(UsageError, match="both make the table orders"):
        init_from([cafe24, shopify], tmp_path / "shop")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(EnvironmentProblem, match=r"no\.csv"):
        init_from([tmp_path / "no.csv"], tmp_path / "shop")
    with pytest.raises(UsageError, match="at least one"):
        init_from([], tmp_path / "shop")


def test_a_workbook_with_a_password_says_what_to_do(tmp_path):
    """SmartStore asks for a password when it exports; nobody but its owner can take it off."""
    path = tmp_path / "스마트스토어.xlsx"
    locked = (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + "EncryptedPackage".encode("utf-16-le")
    )
    path.write_bytes(locked + bytes(512))
    with pytest.raises(DataError, match="password") as error:
        init_from([path], tmp_path / "shop")
    assert "비밀번호" in error.value.message("ko") or "암호" in error.value.message("ko")
