"""Mappings: what they say, what they may not say, and which file is which."""

import json
import tomllib
from pathlib import Path

import pytest

from custmeasure.errors import DataError, UnknownName, UsageError
from custmeasure.shop import privacy
from custmeasure.shop.contract import TABLES
from custmeasure.shop.exports import load, names, source
from custmeasure.shop.exports.recognise import best, recognise
from custmeasure.shop.exports.written import read, shipped

MINE = """
name = "mine"
title = { ko = "내 주문", en = "My orders" }
[rows]
needs = [["번호"]]
[tables.orders.columns]
order_id = "번호"
customer_id = "고객"
at = "날짜"
amount = "금액"
"""


def test_these_exports_are_known():
    assert names() == (
        "cafe24_orders", "ga4_events", "review_sheet", "shopify_orders", "smartstore_orders",
        "smartstore_reviews",
    )  # fmt: skip


@pytest.mark.parametrize("name", names())
def test_a_shipped_mapping_is_whole_and_can_be_copied(name, tmp_path: Path):
    """Both languages in its comments and title, no contact column but as a pseudonym."""
    text = source(name)
    mapping = load(name)
    assert mapping.name == name
    assert mapping.title.ko != mapping.title
    comments = [line for line in text.splitlines() if line.startswith("#")]
    assert any("가" <= letter <= "힣" for line in comments for letter in line)
    assert any(" one " in line.casefold() or " of " in line for line in comments)
    contact = privacy.contact_columns(mapping.used) - set(mapping.rows.not_contact)
    assert contact <= mapping.hidden
    (tmp_path / "mine.toml").write_text(text, "utf-8")
    assert load("mine.toml", tmp_path) == mapping


def test_the_smartstore_mapping_knows_all_66_columns(shared: Path):
    path = shared / "data" / "korean_shop_columns" / "columns.json"
    said = json.loads(path.read_text("utf-8"))
    columns = said["smartstore_order_export"]["columns"]
    assert list(load("smartstore_orders").rows.known[:66]) == columns
    codes = {k: v for k, v in said["cafe24_claim_reason_codes"].items() if k != "source"}
    assert load("cafe24_orders").meanings["reasons"] == codes
    assert set(said["review_upload_sheet"]["columns"]) <= set(load("review_sheet").known)
    assert set(said["cafe24_orders_seen_elsewhere"]["columns"]) <= set(load("cafe24_orders").known)


def test_every_known_export_is_recognised_by_its_columns(shared: Path):
    said = json.loads((shared / "data" / "korean_shop_columns" / "columns.json").read_text("utf-8"))
    smartstore = said["smartstore_order_export"]["columns"]
    guess = best(smartstore, "a.xlsx")
    assert (guess.name, guess.n_known, guess.known_share) == ("smartstore_orders", 66, 1.0)
    assert best([*smartstore, "메모", "담당자"], "a.xlsx").n_known == 66
    cafe24 = list(said["cafe24_sales_export_seen"]["columns_with_position"].values())
    assert best(cafe24, "b.csv").name == "cafe24_orders"
    assert best(said["review_upload_sheet"]["columns"], "c.xlsx").name == "review_sheet"
    shopify = [
        "Name",
        "Email",
        "Financial Status",
        "Created at",
        "Lineitem price",
        "Lineitem quantity",
    ]
    assert best(shopify, "d.csv").name == "shopify_orders"
    ga4 = [
        "event_date",
        "event_timestamp",
        "event_name",
        "event_params",
        "user_pseudo_id",
        "device",
    ]
    assert best(ga4, "e.parquet").name == "ga4_events"


@pytest.mark.parametrize("table", TABLES)
def test_tables_of_the_contract_are_recognised(table):
    columns = [column.name for column in TABLES[table]]
    assert best(columns, "x.csv").name == table
    assert best(columns, "x.csv").mapping is None


def test_guesses_are_ranked_by_what_they_know():
    guesses = recognise(
        ["주문번호", "품목별 주문번호", "주문일시", "상품구매금액(KRW)", "주문상태"]
    )
    assert guesses[0].name == "cafe24_orders"
    assert guesses[0].fits
    assert guesses[1].name == "smartstore_orders"
    assert ("상품주문번호",) in guesses[1].missing
    assert guesses[0].n_known > guesses[1].n_known


def test_an_orders_table_without_a_date_is_not_taken_for_customers():
    with pytest.raises(
        DataError, match="nearest is table orders .3 of 3 columns., but it lacks at"
    ):
        best(["order_id", "customer_id", "amount"], "sales.csv")


def test_the_nearest_export_says_what_is_missing():
    with pytest.raises(DataError) as error:
        best(["Name", "Email", "Created at", "Total"], "orders.csv")
    assert "Shopify orders (4 of 4 columns)" in error.value.message("en")
    assert "Lineitem price" in error.value.message("en")
    assert "없는 열이 있습니다" in error.value.message("ko")


def test_own_mappings_are_recognised_too():
    own = read(MINE, "mine.toml")
    assert best(["번호", "고객", "날짜", "금액"], "x.csv", [own]).mapping is own


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("needs", "need", "'needs'"),
        ("[tables.orders.columns]", "[tables.order.columns]", "'orders'"),
        ('at = "날짜"', 'at = { from = "날짜", fold = "frist" }', "'first'"),
        ('at = "날짜"', 'at = { form = "날짜" }', "'from'"),
        ('at = "날짜"', 'at = { from = "날짜", style = "htm" }', "'html'"),
        ('at = "날짜"', 'at = { from = "날짜", meanings = "codes" }', "codes"),
        ('at = "날짜"', "at = 3", "must be the name of a column"),
        ('at = "날짜"', "", "must have at"),
        ('name = "mine"', 'timezone = "Asia/Seol"', "'Asia/Seoul'"),
        ('name = "mine"', 'numbers = "1 234"', "1 234"),
        ('name = "mine"', 'dates = ["%Y"]', "%Y"),
        ('name = "mine"', 'dates = "%Y-%m-%d"\nrows = 1', "cannot be read"),
        ('customer_id = "고객"', 'customer_id = "구매자연락처"', "contact data"),
        ('needs = [["번호"]]', "", "needs"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused(old, new, said):
    """S29: nothing is executed, an unknown name comes with the nearest."""
    text = MINE.replace(old, new)
    assert text != MINE
    with pytest.raises((UsageError, UnknownName, DataError), match=said):
        read(text, "mine.toml")


def test_contact_columns_may_be_used_as_pseudonyms():
    mapping = read(MINE.replace('"고객"', '{ pseudonym = ["구매자연락처"] }'), "mine.toml")
    assert mapping.hidden == {"구매자연락처"}


def test_a_mapping_is_looked_for_only_in_the_shop(tmp_path: Path):
    (tmp_path / "outside.toml").write_text(MINE, "utf-8")
    shop = tmp_path / "shop"
    shop.mkdir()
    with pytest.raises(UsageError, match="no such file in the shop's folder"):
        load("../outside.toml", shop)
    with pytest.raises(UnknownName, match="smartstore_orders"):
        load("smartstor_orders", shop)


def test_every_shipped_mapping_is_toml_that_says_every_name_once():
    for mapping in shipped():
        said = tomllib.loads(source(mapping.name))
        assert len(set(said["rows"]["known"])) == len(said["rows"]["known"])
