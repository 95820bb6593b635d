"""What came in is compared with earlier runs: some things stop a run, others stand on every page."""

import json

import nbformat
import pytest

from custmeasure.errors import DataError
from custmeasure.report.run import run_report

HEADER = "order_id,customer_id,at,amount\n"


def orders(n: int, first: int = 0) -> str:
    rows = (f"o{i},c{i % 7},2026-01-{1 + i % 28:02d} 10:00,100\n" for i in range(first, first + n))
    return HEADER + "".join(rows)


@pytest.fixture
def shop(tmp_path):
    """Return a shop folder with one notebook that signs off at once."""
    folder = tmp_path / "shop"
    (folder / "notebooks").mkdir(parents=True)
    (folder / "shop.toml").write_text('name = "s"\nlanguage = "en"\n', "utf-8")
    code = [
        'shop_folder: str = ""  # folder\ndate: str = ""  # day\nlang: str = "en"  # language',
        "import custmeasure as cm\nshop = cm.start(shop_folder, date=date, lang=lang)",
        "cm.sign_off(shop, shop.check())",
    ]
    cells = [nbformat.v4.new_markdown_cell("# What came in?")]
    cells += [nbformat.v4.new_code_cell(source) for source in code]
    cells[1].metadata["tags"] = ["parameters"]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "notebooks" / "data.ipynb")
    return folder


def run(shop, date):
    return run_report(shop, date=date, out=shop.parent / "reports", jobs=1)


def page(shop, date):
    return (shop.parent / "reports" / date / "data.html").read_text("utf-8")


def test_as_usual_no_banner_and_the_run_is_remembered(shop):
    (shop / "orders.csv").write_text(orders(100), "utf-8")
    assert run(shop, "2026-01-29").exit_code == 0
    assert 'class="alerts"' not in page(shop, "2026-01-29")
    assert (shop.parent / "runs" / "history.sqlite").is_file()


def test_stale_data_stand_in_a_banner(shop):
    (shop / "orders.csv").write_text(orders(100), "utf-8")
    assert run(shop, "2026-02-20").exit_code == 0
    assert "the last record is 23 days old (2026-01-28)" in page(shop, "2026-02-20")


def test_a_shrunken_export_stops_the_run_and_the_old_pages_stay(shop):
    (shop / "orders.csv").write_text(orders(100), "utf-8")
    run(shop, "2026-01-29")
    before = page(shop, "2026-01-29")
    (shop / "orders.csv").write_text(orders(50), "utf-8")
    with pytest.raises(DataError, match="had 100 rows and now has 50") as raised:
        run(shop, "2026-01-30")
    assert raised.value.exit_code == 1
    assert page(shop, "2026-01-29") == before
    assert not (shop.parent / "reports" / "2026-01-30" / "data.html").exists()


def test_the_same_file_under_a_new_name_stops_the_run(shop):
    toml = '[tables.orders]\nfile = "orders-*.csv"\n'
    (shop / "shop.toml").write_text('name = "s"\nlanguage = "en"\n' + toml, "utf-8")
    (shop / "orders-0129.csv").write_text(orders(100), "utf-8")
    run(shop, "2026-01-29")
    (shop / "orders-0129.csv").rename(shop / "orders-0130.csv")
    with pytest.raises(DataError, match="is the same file as orders-0129.csv"):
        run(shop, "2026-01-30")


def test_rejected_rows_are_kept_beside_the_run_and_counted(shop):
    (shop / "orders.csv").write_text(orders(100) + "o100,c1,yesterday,5\n", "utf-8")
    outcome = run(shop, "2026-01-29")
    (kept,) = (shop.parent / "runs").glob("*/rejected/orders.csv")
    assert "yesterday" in kept.read_text("utf-8-sig")
    record = json.loads((outcome.folder / "run.json").read_text("utf-8"))
    assert record["tables"]["orders"]["rows_rejected"] == 1
    assert "could not be read" in page(shop, "2026-01-29")


def test_a_table_that_cannot_be_used_stops_the_run_with_its_lines(shop):
    (shop / "orders.csv").write_text(orders(10) + "o10,c1,2026-01-01 10:00,5,too many\n", "utf-8")
    with pytest.raises(DataError, match="orders.csv line 12") as raised:
        run(shop, "2026-01-29")
    assert "12줄" in raised.value.message("ko")


def test_the_same_date_again_gives_the_same_page(shop):  # F16
    (shop / "orders.csv").write_text(orders(100), "utf-8")
    run(shop, "2026-02-20")
    first = page(shop, "2026-02-20").splitlines()
    run(shop, "2026-02-20")
    again = page(shop, "2026-02-20").splitlines()
    different = [line for line, other in zip(first, again, strict=True) if line != other]
    assert all("generated" in line for line in different)
