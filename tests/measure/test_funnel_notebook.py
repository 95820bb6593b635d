"""The funnel notebook on the sample shop says what was planted, and survives shops that have less."""

from pathlib import Path

import nbformat
import pandas as pd
import papermill
import pytest

from custmeasure.notebook import MIME

REPO = Path(__file__).resolve().parents[2]
NOTEBOOK = REPO / "notebooks" / "measure" / "funnel.ipynb"
SAMPLE = REPO / "data" / "sample"


def signed(folder, tmp_path, **parameters):
    """Run the notebook; return each result's headline by its name, and its verdict's code."""
    kept = tmp_path / "funnel.ipynb"
    papermill.execute_notebook(
        str(NOTEBOOK),
        str(kept),
        parameters={"shop_folder": str(folder), "lang": "en", **parameters},
        progress_bar=False,
    )
    last = nbformat.read(kept, as_version=4).cells[-1]
    (record,) = [output.data[MIME] for output in last.outputs if MIME in output.data]
    said = {each["name"]: each["headline"]["en"] for each in record["results"]}
    return said, {each["name"]: each["code"] for each in record["results"]}


def test_the_notebook_finds_what_is_planted(tmp_path):
    """The leak, the worse checkout since June, the better copy since May, the poor page (data/README)."""
    said, _ = signed(SAMPLE, tmp_path, start="2026-06-01", end="2026-08-31")
    assert "The biggest leak is mobile at checkout → purchase" in said["funnel_gaps"]
    assert "The step that explains most is product view → cart" in said["funnel_change"]
    assert "The other way went checkout → purchase" in said["funnel_change"]
    assert "Stopping at checkout is most associated with device mobile" in said["stopping"]
    assert "Look at the product page /product/0109" in said["landing"]
    assert "who stopped at checkout" in said["stopped"]


SHOP = """
name = "Tiny"
timezone = "Asia/Seoul"
currency = "KRW"
[funnel]
steps = ["visit", "purchase"]
"""


@pytest.mark.parametrize("has_events", [True, False])
def test_a_shop_that_has_little_still_gets_its_page(tmp_path, has_events):
    """Forty visits without page or channel; or no visits at all."""
    (tmp_path / "shop.toml").write_text(SHOP, "utf-8")
    at = pd.date_range("2026-01-01", periods=40, freq="12h", tz="UTC")
    visits = pd.DataFrame({"visitor_id": [f"v{i}" for i in range(40)], "at": at, "event": "visit"})
    bought = visits.iloc[::4].assign(event="purchase", at=at[::4] + pd.Timedelta("1h"))
    if has_events:
        events = pd.concat([visits, bought]).assign(device="mobile").sort_values("at")
        events.to_parquet(tmp_path / "events.parquet", index=False)
    else:
        orders = {"order_id": ["1"], "customer_id": ["a"], "at": at[:1], "amount": [5.0]}
        pd.DataFrame(orders).to_parquet(tmp_path / "orders.parquet", index=False)
    said, codes = signed(tmp_path, tmp_path)
    assert codes["landing"] == ("MISSING_COLUMN" if has_events else "MISSING_TABLE")
    assert codes["funnel_change"] == ("NO_UNITS" if has_events else "MISSING_TABLE")
    assert all(said.values())
