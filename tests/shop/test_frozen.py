"""What a run read once, its other processes open: the same rows, without reading again."""

import datetime as dt
import subprocess
import sys

import pyarrow.parquet as pq
import pytest

import custmeasure as cm
from custmeasure.shop import freeze, thawed
from custmeasure.shop.settings import FROZEN

ORDERS = """order_id,customer_id,at,amount
o1,c1,2026-01-01 10:00,100
o2,c2,2026-01-02 10:00,oops
o3,,2026-01-03 10:00,300
o4,c1,2026-01-04 10:00,400
"""
DAY = dt.date(2026, 1, 3)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "shop.toml").write_text('name = "작은 가게"\nlanguage = "ko"\n', "utf-8")
    (folder / "orders.csv").write_text(ORDERS, "utf-8")
    return folder


@pytest.fixture
def kept(tmp_path, folder, monkeypatch):
    kept = tmp_path / "kept"
    kept.mkdir()
    freeze(cm.open_shop(folder, as_of=DAY), kept)
    monkeypatch.setenv(FROZEN, str(kept))
    return kept


def test_nothing_is_frozen_outside_a_run(folder, monkeypatch):
    monkeypatch.delenv(FROZEN, raising=False)
    assert thawed(folder, DAY) is None


def test_a_frozen_shop_says_what_the_shop_says(folder, kept):
    shop, again = cm.open_shop(folder, as_of=DAY), thawed(folder, DAY)
    assert again.orders.frame().equals(shop.orders.frame())
    assert str(again.check()) == str(shop.check())
    assert again.provenance() == shop.provenance()
    assert again.as_of == shop.as_of


def test_what_changes_after_reading_does_not_reach_the_run(folder, kept):
    before = cm.open_shop(folder, as_of=DAY)
    (folder / "orders.csv").write_text(ORDERS + "o5,c2,2026-01-03 11:00,500\n", "utf-8")
    again = thawed(folder, DAY)
    assert len(again.orders.frame()) == len(before.orders.frame()) < 4
    assert again.provenance()["orders"]["rows_in_file"] == 4


def test_another_day_or_another_shop_is_read_anew(folder, kept, tmp_path):
    assert thawed(folder, dt.date(2026, 1, 4)) is None
    assert thawed(folder, None) is None
    assert thawed(tmp_path, DAY) is None


def test_rejected_rows_with_what_they_hold_are_not_kept(folder, kept):
    assert not [
        each for each in kept.iterdir() if b"oops" in each.read_bytes() and each.suffix == ".arrow"
    ]
    assert all(found.reading is None for found in thawed(folder, DAY)._tables.values()
               if hasattr(found, "reading"))  # fmt: skip


def test_parquet_that_can_be_used_as_it_lies_is_not_copied(folder, tmp_path, monkeypatch):
    orders = cm.open_shop(folder).orders.source
    (folder / "orders.csv").unlink()
    pq.write_table(orders, folder / "orders.parquet")
    kept = tmp_path / "kept"
    kept.mkdir()
    freeze(cm.open_shop(folder), kept)
    assert [each.name for each in kept.iterdir()] == ["shop.pickle"]
    monkeypatch.setenv(FROZEN, str(kept))
    assert len(thawed(folder, None).orders.frame()) == orders.num_rows


def test_a_notebook_that_is_handed_its_shop_loads_no_reader(folder, kept):
    code = (
        "import sys, custmeasure as cm\n"
        f"shop = cm.start({str(folder)!r}, date='2026-01-04')\n"
        "assert len(shop.orders.frame()), shop\n"
        "print(sorted({'numba', 'openpyxl', 'nbconvert'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
