"""Contact data stop at the door, whatever they are called; ids keep joining as pseudonyms (S25, S26)."""

import pytest

from custmeasure.shop import open_shop
from custmeasure.shop.privacy import KEY_VARIABLE

KEY = "k" * 40


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv(KEY_VARIABLE, KEY)


def shop(folder, **tables):
    (folder / "shop.toml").write_text('name = "s"\n', "utf-8")
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text(text, "utf-8")
    return open_shop(folder)


ORDERS = """order_id,customer_id,at,amount,수취인명,memo,region
1,010-1234-5678,2026-01-31 09:00,100,홍길동,+82 10 2345 6789,서울
2,+82 10-1234-5678,2026-02-01 09:00,200,김철수,hong@example.com,부산
3,010-9999-0000,2026-02-02 09:00,300,이영희,010-7777-8888,서울
"""
CONTACTS = """contact_id,customer_id,at,reason
c1,01012345678,2026-02-01 10:00,delivery
c2,010-9999-0000,2026-02-02 10:00,return
"""


def test_contact_columns_do_not_enter(tmp_path):
    found = shop(tmp_path, orders=ORDERS, contacts=CONTACTS)
    assert set(found.orders.columns) == {"order_id", "customer_id", "at", "amount", "region"}
    said = " ".join(found.check().notes)
    assert "수취인명" in said
    assert "memo" in said
    assert "홍길동" not in repr(found.check())


def test_the_same_phone_is_the_same_pseudonym_in_every_table(tmp_path):
    found = shop(tmp_path, orders=ORDERS, contacts=CONTACTS)
    orders = found.orders.frame("customer_id")["customer_id"].tolist()
    contacts = found.contacts.frame("customer_id")["customer_id"].tolist()
    assert orders[0] == orders[1] == contacts[0] != orders[2]
    assert orders[2] == contacts[1]
    assert all(len(each) == 32 and "010" not in each[:3] for each in orders)
    assert "are pseudonyms now" in " ".join(found.check().notes)


def test_another_key_gives_other_pseudonyms(tmp_path, monkeypatch):
    first = shop(tmp_path, orders=ORDERS).orders.frame("customer_id")["customer_id"].tolist()
    monkeypatch.setenv(KEY_VARIABLE, "x" * 40)
    assert (
        shop(tmp_path, orders=ORDERS).orders.frame("customer_id")["customer_id"].tolist() != first
    )


def test_ids_that_are_no_contact_data_stay_as_delivered(tmp_path):
    plain = ORDERS.replace("010-1234-5678", "00123").replace("+82 10-1234-5678", "00124")
    plain = plain.replace("010-9999-0000", "00125").replace("+82 00123", "00124")
    found = shop(tmp_path, orders=plain)
    assert found.orders.frame("customer_id")["customer_id"].tolist()[0] == "00123"


def test_rejected_rows_hide_contact_columns(tmp_path):
    bad = ORDERS + "4,010-5555-6666,yesterday,400,최민수,x,서울\n"
    found = shop(tmp_path, orders=bad)
    (path,) = found.write_rejected(tmp_path / "runs")
    text = path.read_text("utf-8-sig")
    assert "yesterday" in text
    assert path.name == "orders.csv"
    assert found.check().frame["n_rejected"].tolist() == [1]
