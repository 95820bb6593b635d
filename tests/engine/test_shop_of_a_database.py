"""A shop whose tables lie in PostgreSQL: named in shop.toml, read in one snapshot, accounted for."""

import pytest
from postgres import PASSWORD, Server, postgres_server  # noqa: F401

import custmeasure as cm
from custmeasure.errors import EnvironmentProblem, UnknownName
from custmeasure.report.run import run_report
from custmeasure.shop import freeze
from custmeasure.shop.settings import FROZEN

TOML = """
name = "db"
[sources.shop_db]
uri_env = "TEST_SHOP_DB_URL"
[tables.orders]
database = "shop_db"
relation = "door_orders"
[tables.orders.columns]
order_id = "id"
customer_id = "buyer"
amount = "paid"
[tables.customers]
database = "shop_db"
query = "SELECT buyer AS customer_id, min(at) AS joined_at FROM door_orders GROUP BY buyer"
"""


@pytest.fixture
def folder(tmp_path, server: Server, monkeypatch):
    server.run(
        "DROP TABLE IF EXISTS door_orders",
        "CREATE TABLE door_orders (id text, buyer text, at timestamptz, paid numeric, phone text)",
        "INSERT INTO door_orders SELECT 'o' || i, 'c' || i % 10, "
        "'2026-01-01 00:00+09'::timestamptz + i * interval '1 hour', 100, '010-1234-5678' "
        "FROM generate_series(0, 99) AS s(i)",
        "INSERT INTO door_orders VALUES ('bad', 'c1', '2026-01-02', 'NaN', NULL)",
        "GRANT SELECT ON door_orders TO reader",
    )
    monkeypatch.setenv("TEST_SHOP_DB_URL", server.url())
    (tmp_path / "shop.toml").write_text(TOML, "utf-8")
    return tmp_path


def test_tables_of_a_database_are_tables_of_the_shop(folder):
    shop = cm.open_shop(folder)
    assert shop.tables == ("orders", "customers")
    assert "phone" not in shop.orders.columns
    bridge = cm.bridge(shop.orders)
    assert bridge.frame["amount"].iloc[0] == 100 * 100
    check = shop.check()
    orders = check.frame.set_index("table").loc["orders"]
    assert (orders["n_in_file"], orders["n_used"], orders["n_rejected"]) == (101, 100, 1)
    assert "door_orders" in orders["file"]


def test_no_password_is_told(folder):  # S22
    shop = cm.open_shop(folder)
    told = repr(shop) + repr(shop.check()) + str(shop.provenance()) + repr(shop.settings)
    assert PASSWORD not in told


def test_a_database_that_is_not_named_and_one_that_is_not_there(folder, monkeypatch):
    (folder / "shop.toml").write_text(
        TOML.replace('database = "shop_db"', 'database = "shopdb"', 1), "utf-8"
    )
    with pytest.raises(UnknownName, match="shop_db"):
        cm.open_shop(folder)
    (folder / "shop.toml").write_text(TOML, "utf-8")
    monkeypatch.setenv("TEST_SHOP_DB_URL", "postgresql://reader:x@127.0.0.1:1/none")
    with pytest.raises(EnvironmentProblem) as raised:
        cm.open_shop(folder)
    assert raised.value.exit_code == 3


def test_a_run_reads_one_instant_in_every_process(folder, server: Server, monkeypatch):  # F21
    kept = folder / "kept"
    kept.mkdir()
    freeze(cm.open_shop(folder), kept)
    server.run("INSERT INTO door_orders VALUES ('late', 'c1', '2026-01-03', 100, NULL)")
    assert len(cm.start(str(folder)).orders.frame("order_id", limit=1000)) == 101
    monkeypatch.setenv(FROZEN, str(kept))
    assert len(cm.start(str(folder)).orders.frame("order_id", limit=1000)) == 100


def test_a_run_without_its_database_ends_before_any_kernel(folder, monkeypatch):  # F14
    monkeypatch.setenv("TEST_SHOP_DB_URL", "postgresql://reader:x@127.0.0.1:1/none")
    with pytest.raises(EnvironmentProblem) as raised:
        run_report(folder, date="2026-02-01", out=folder / "reports")
    assert raised.value.exit_code == 3
    assert not (folder / "reports" / "2026-02-01").exists()


def test_days_are_asked_of_the_database(folder):
    shop = cm.open_shop(folder, as_of="2026-01-02")
    orders = shop.check().frame.set_index("table").loc["orders"]
    assert (orders["n_in_file"], orders["n_outside"]) == (101, 52)
    assert orders["n_used"] + orders["n_rejected"] == 49
    assert str(orders["last_at"]) == "2026-01-02 23:00:00"
