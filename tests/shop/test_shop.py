"""A shop opened from small folders: what is mapped, what is read, what is refused, what is counted."""

import datetime as dt

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from custmeasure.engine import MissingTable, query
from custmeasure.errors import DataError, UnknownName, UsageError
from custmeasure.shop import find_shop, open_shop
from custmeasure.shop.contract import CLOCKS, KEYS, TABLES

EVENTS = "visitor_id,at,event\n00123,2026-01-31 08:00,visit\n00123,2026-01-31 08:10,purchase\n"
ORDERS = "order_id,customer_id,at,amount\nO1,C1,2026-01-31 08:10,12000\n"


def make(folder, toml='name = "가게"\n', **files):
    """Write a shop: ``events="…"`` becomes events.csv, a frame becomes Parquet."""
    (folder / "shop.toml").write_text(toml, "utf-8")
    for name, content in files.items():
        if isinstance(content, str):
            (folder / f"{name}.csv").write_text(content, "utf-8", newline="")
        else:
            pq.write_table(pa.table(content), folder / f"{name}.parquet")
    return folder


def instants(table, column="at"):
    """Return a table's instants in UTC."""
    rows = query("SELECT moment FROM rows", rows=table.pick(moment=(column, "instant")))
    return [
        moment.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M")
        for moment in rows["moment"].to_pylist()
    ]


def account(shop, name):
    rows = shop.check().frame.set_index("table").loc[name]
    return tuple(
        int(rows[f"n_{part}"]) for part in ("in_file", "used", "rejected", "duplicate", "outside")
    )


# --- what a shop is ---------------------------------------------------------------------------------


def test_a_shop_has_its_tables_as_attributes(tmp_path):
    shop = open_shop(make(tmp_path, events=EVENTS))
    assert shop.tables == ("events",)
    assert shop.events.columns == ("visitor_id", "at", "event")
    assert shop.orders == MissingTable("orders")
    assert shop.table("orders") == MissingTable("orders")
    assert repr(shop) == "Shop 가게 (Asia/Seoul): events"
    assert (shop.events.timezone, shop.events.currency) == ("Asia/Seoul", "KRW")


def test_the_settings_are_what_shop_toml_says(tmp_path):
    toml = """
name = "Beans"
timezone = "Europe/Paris"
currency = "EUR"
language = "en"
[funnel]
steps = ["visit", "purchase"]
window = "3d"
[targets]
funnel_overall_rate = 0.03
[metrics.conversion]
event = "purchase"
window = "7d"
[experiments.headline]
control = "A"
shares = { A = 0.5, B = 0.5 }
unit = "visitor_id"
[customer]
age_band = "30s"
[share]
k = 5
"""
    shop = open_shop(make(tmp_path, toml, events=EVENTS))
    assert (shop.name, shop.timezone, shop.currency, shop.language) == (
        "Beans",
        "Europe/Paris",
        "EUR",
        "en",
    )
    assert (shop.steps, shop.settings.window) == (["visit", "purchase"], "3d")
    assert shop.targets == {"funnel_overall_rate": 0.03}
    assert shop.settings.metrics["conversion"]["event"] == "purchase"
    assert shop.settings.experiments["headline"]["shares"] == {"A": 0.5, "B": 0.5}


def test_the_defaults_are_a_korean_shop_s(tmp_path):
    shop = open_shop(make(tmp_path, "", events=EVENTS))
    assert (shop.name, shop.timezone, shop.currency, shop.language) == (
        tmp_path.name, "Asia/Seoul", "KRW", "ko",
    )  # fmt: skip
    assert shop.steps == []


def test_shop_toml_may_begin_with_a_byte_order_mark(tmp_path):
    make(tmp_path, events=EVENTS)
    (tmp_path / "shop.toml").write_bytes('\ufeffname = "가게"'.encode())
    assert open_shop(tmp_path).name == "가게"


# --- columns ----------------------------------------------------------------------------------------


def test_korean_column_names_are_mapped(tmp_path):
    toml = """
[tables.orders]
file = "주문내역.csv"
[tables.orders.columns]
order_id = "주문번호"
customer_id = "구매자ID"
at = "결제일시"
amount = "결제금액"
"""
    make(tmp_path, toml)
    korean = "주문번호,구매자ID,결제일시,결제금액,결제수단\n00077,kim,2026-01-31 09:00,12000,카드\n"
    (tmp_path / "주문내역.csv").write_text(korean, "utf-8")
    shop = open_shop(tmp_path)
    frame = shop.orders.frame("order_id", "customer_id", "amount", "결제수단")
    assert frame.iloc[0].tolist() == ["00077", "kim", 12000.0, "카드"]
    assert instants(shop.orders) == ["2026-01-31 00:00"]


def test_parquet_columns_are_mapped_where_they_lie(tmp_path):
    toml = '[tables.orders.columns]\norder_id = "주문번호"\n'
    orders = {"주문번호": ["00077"], "customer_id": ["kim"], "at": [dt.datetime(2026, 1, 31, 9)],  # noqa: DTZ001
              "amount": [12000]}  # fmt: skip
    shop = open_shop(make(tmp_path, toml, orders=orders))
    assert set(shop.orders.columns) == {"order_id", "customer_id", "at", "amount"}
    assert shop.orders.frame("order_id")["order_id"].tolist() == ["00077"]


def test_a_mapped_name_takes_the_place_of_a_column_of_that_name(tmp_path):
    toml = '[tables.orders.columns]\namount = "paid"\n'
    orders = "order_id,customer_id,at,amount,paid\nO1,C1,2026-01-31,1,2\n"
    assert open_shop(make(tmp_path, toml, orders=orders)).orders.frame("amount")[
        "amount"
    ].tolist() == [2]


def test_a_missing_required_column_names_the_nearest(tmp_path):
    make(tmp_path, events="vistor_id,at,event\na,2026-01-31,visit\n")
    with pytest.raises(DataError, match="'visitor_id' is missing. Is it 'vistor_id'") as raised:
        open_shop(tmp_path)
    assert (
        "[tables.events]: 필요한 열 'visitor_id'이 없습니다. 혹시 'vistor_id' 열인가요?"
        in raised.value.message("ko")
    )
    assert "[tables.events.columns]" in str(raised.value)


def test_a_mapping_to_nowhere_names_the_nearest(tmp_path):
    make(tmp_path, '[tables.orders.columns]\norder_id = "주문번허"\n',
         orders="주문번호,customer_id,at,amount\n1,2,2026-01-31,3\n")  # fmt: skip
    with pytest.raises(
        UnknownName, match=r"'주문번허' does not exist in \[tables.orders\] file.*'주문번호'"
    ):
        open_shop(tmp_path)
    (tmp_path / "shop.toml").write_text('[tables.orders.columns]\norderid = "주문번호"\n', "utf-8")
    with pytest.raises(
        UnknownName, match=r"'orderid' does not exist in \[tables.orders.columns\].*'order_id'"
    ):
        open_shop(tmp_path)


def test_a_table_that_the_contract_does_not_have_names_the_nearest(tmp_path):
    shop = open_shop(make(tmp_path, events=EVENTS))
    with pytest.raises(UnknownName, match="'events'"):
        _ = shop.evnts
    with pytest.raises(AttributeError):
        _ = shop.evnts
    assert not hasattr(shop, "evnts")
    assert not hasattr(shop, "_repr_png_")


# --- shop.toml --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ('timezon = "UTC"', "'timezone'"),
        ('[tables.order]\nfile = "a.csv"', "'orders'"),
        ('[tables.orders]\nfiles = "a.csv"', "'file'"),
        ("[funnel]\nstep = []", "'steps'"),
        ('[metrics.conversion]\nevents = "purchase"', "'event'"),
        ('[experiments.a]\ncontrols = "A"', "'control'"),
        ('timezone = "Asia/Soul"', "'Asia/Seoul'"),
        ('currency = "KWR"', "'KRW'"),
        ('language = "kr"', "'ko'"),
    ],
)
def test_an_unknown_setting_names_the_nearest(tmp_path, toml, message):
    with pytest.raises(UnknownName, match=message) as raised:
        open_shop(make(tmp_path, toml, events=EVENTS))
    assert raised.value.exit_code == 2


@pytest.mark.parametrize(
    ("toml", "kind"),
    [
        ('name = "a', DataError),
        ("[funnel]\nsteps = 'visit'", UsageError),
        ("[funnel]\nsteps = [1, 2]", UsageError),
        ("[funnel]\nwindow = 7", UsageError),
        ("[funnel]\nwindow = '7'", UsageError),
        ("funnel = 3", UsageError),
        ("[metrics]\nconversion = 'purchase'", UsageError),
        ("[targets]\nfunnel_overall_rate = '3%'", UsageError),
        ("[targets]\nfunnel_overall_rate = true", UsageError),
    ],
)
def test_a_setting_that_cannot_be_is_refused_in_words(tmp_path, toml, kind):
    with pytest.raises(kind) as raised:
        open_shop(make(tmp_path, toml, events=EVENTS))
    assert raised.value.message("ko") != raised.value.message("en")


def test_no_folder_no_shop_toml_nothing_to_read(tmp_path):
    with pytest.raises(UsageError, match="There is no folder"):
        open_shop(tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"There is no shop\.toml in .*custmeasure init"):
        open_shop(tmp_path)
    with pytest.raises(UsageError, match="neither orders nor events"):
        open_shop(make(tmp_path, customers="customer_id\nC1\n"))


@pytest.mark.parametrize(
    "file", ["../events.csv", "/etc/hosts", "a/../../events.csv", "events.xlsx", "", "."]
)
def test_a_file_outside_the_folder_or_of_another_kind_is_refused(tmp_path, file):
    folder = tmp_path / "shop"
    folder.mkdir()
    (tmp_path / "events.csv").write_text(EVENTS, "utf-8")
    make(folder, f"[tables.events]\nfile = '{file}'\n", orders=ORDERS)
    with pytest.raises(UsageError, match=r"\[tables.events\]"):
        open_shop(folder)


def test_a_link_that_leads_outside_is_refused(tmp_path):
    folder = tmp_path / "shop"
    folder.mkdir()
    (tmp_path / "elsewhere.csv").write_text(EVENTS, "utf-8")
    (folder / "events.csv").symlink_to(tmp_path / "elsewhere.csv")
    make(folder, orders=ORDERS)
    with pytest.raises(UsageError, match=r"\[tables.events\]"):
        open_shop(folder)


def test_a_file_that_is_named_but_not_there(tmp_path):
    with pytest.raises(UsageError, match=r"there is no 'none\.csv'"):
        open_shop(make(tmp_path, "[tables.events]\nfile = 'none.csv'\n", orders=ORDERS))


def test_the_nearest_shop_upwards_is_found(tmp_path):
    deep = tmp_path / "notebooks" / "measure"
    deep.mkdir(parents=True)
    make(tmp_path, events=EVENTS)
    assert find_shop(deep) == tmp_path
    sample = tmp_path / "data" / "sample"
    sample.mkdir(parents=True)
    make(sample, events=EVENTS)
    assert find_shop(deep) == tmp_path
    (tmp_path / "shop.toml").unlink()
    assert find_shop(deep) == sample


# --- values -----------------------------------------------------------------------------------------


def test_b01_b03_ids_and_segments_stay_as_delivered(tmp_path):  # B01, B03
    rows = ("00123,2026-01-31,visit,NA", "123,2026-01-31,visit,null", "9,2026-01-31,visit,")
    events = "\n".join(["visitor_id,at,event,channel", *rows])
    frame = open_shop(make(tmp_path, events=events)).events.frame()
    assert frame["visitor_id"].tolist() == ["00123", "123", "9"]
    assert frame["channel"].tolist()[:2] == ["NA", "null"]
    assert pd.isna(frame["channel"][2])


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path):
    assert open_shop(make(tmp_path, events="\ufeff" + EVENTS)).events.columns[0] == "visitor_id"


def test_instants_are_read_in_the_shop_s_time_zone(tmp_path):
    events = (
        "visitor_id,at,event\na,2026-01-31 09:00,v\na,2026-01-31T00:00:00Z,v\na,2026-01-31T09:00:00+09:00,v\n"
        "a,2026-01-30 19:00:00-05:00,v\na,2026-01-31 09:00:00.000,v\na,2026-01-31,v\n"
    )
    with pytest.raises(DataError, match="mixed with 3 that have one"):  # B11
        open_shop(make(tmp_path, events=events))
    shop = open_shop(make(tmp_path, '[tables.events]\ntimezone = "Asia/Seoul"\n', events=events))
    assert instants(shop.events) == ["2026-01-31 00:00"] * 5 + ["2026-01-30 15:00"]


def test_a_table_may_be_written_in_another_time_zone(tmp_path):
    toml = '[tables.events]\ntimezone = "UTC"\n'
    assert instants(open_shop(make(tmp_path, toml, events=EVENTS)).events)[0] == "2026-01-31 08:00"
    columns = {"visitor_id": ["a"], "at": [dt.datetime(2026, 1, 31, 8)], "event": ["v"]}  # noqa: DTZ001
    (tmp_path / "events.csv").unlink()
    assert instants(open_shop(make(tmp_path, toml, events=columns)).events) == ["2026-01-31 08:00"]
    assert instants(open_shop(make(tmp_path, "", events=columns)).events) == ["2026-01-30 23:00"]


def test_a_wrong_time_zone_of_a_table_is_refused(tmp_path):
    with pytest.raises(UnknownName, match="'Asia/Seoul'"):
        open_shop(make(tmp_path, '[tables.events]\ntimezone = "Asia/Soul"\n', events=EVENTS))


def test_parquet_says_the_same_as_csv(tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    a.mkdir()
    b.mkdir()
    texts = {"visitor_id": ["00123"], "at": ["2026-01-31 08:00"], "event": ["visit"]}
    aware = {**texts, "at": [dt.datetime(2026, 1, 30, 23, tzinfo=dt.UTC)]}
    assert instants(open_shop(make(a, events=texts)).events) == ["2026-01-30 23:00"]
    assert instants(open_shop(make(b, events=aware)).events) == ["2026-01-30 23:00"]


BAD = {
    "amount": ["", "1,200", "12원", "1_000", "nan", "inf", "1e400", "0x10", "１２", "1O0", "-"],
    "at": ["", "2026-02-30", "어제", "infinity", "epoch", "20260131", "1772582400", "45000", "24:00",
           "2026-01-31 09:00:00 Asia/Seoul", "2026-01-31 25:00", "2026.01.31"],
    "order_id": [""],
}  # fmt: skip


@pytest.mark.parametrize("column", BAD)
def test_rows_whose_value_does_not_read_are_rejected_and_counted(tmp_path, column):
    good = {
        "order_id": "O2",
        "customer_id": "C2",
        "at": "2026-01-31",
        "amount": "-5.5",
        "tried": "",
    }
    bad = [{**good, column: value, "tried": f"<{value}>"} for value in BAD[column]]
    lines = [
        ",".join(good),
        *(
            ",".join(f'"{v}"' for v in row.values())
            for row in (good, *bad, {**good, "order_id": "O3"})
        ),
    ]
    shop = open_shop(make(tmp_path, orders="\n".join(lines)))
    assert shop.orders.frame("tried")["tried"].isna().tolist() == [True, True]
    assert account(shop, "orders") == (2 + len(bad), 2, len(bad), 0, 0)
    check = shop.check()
    assert (str(check.verdict), check.verdict.code) == ("cannot_tell", "ROWS_REJECTED")
    assert f"{len(bad)} rows could not be read" in check.headline("en")


def test_counts_days_and_flags_read_as_declared(tmp_path):
    days = "experiment,day,variant,n_visitors,n_conversions\n" + "".join(
        f"e,{day},A,{n},1\n"
        for day, n in [("2026-01-31", "100"), ("2026-01-31", "3.7"), ("2026-01-31", "1e3"),
                       ("2026-01-31", "0x10"), ("2026-02-30", "5"), ("epoch", "5"), ("infinity", "5")]
    )  # fmt: skip
    orders = "order_id,customer_id,at,amount,is_guest\n" + "".join(
        f"{order},C1,2026-01-31,1,{guest}\n"
        for order, guest in (("O1", "Y"), ("O2", ""), ("O3", "maybe"))
    )
    shop = open_shop(make(tmp_path, copy_days=days, orders=orders))
    assert account(shop, "copy_days") == (7, 2, 5, 0, 0)
    assert account(shop, "orders") == (3, 2, 1, 0, 0)
    assert shop.orders.frame("is_guest")["is_guest"].tolist()[0] is True


def test_a_table_with_a_header_and_no_rows(tmp_path):  # B21
    with pytest.raises(DataError, match="0 rows, only a header"):
        open_shop(make(tmp_path, events="visitor_id,at,event\n", orders=ORDERS))


# --- how far the data reach -------------------------------------------------------------------------


def test_as_of_is_the_end_of_the_last_day_with_a_visit_or_an_order(tmp_path):
    shop = open_shop(make(tmp_path, events=EVENTS, orders=ORDERS.replace("01-31", "02-02"),
                          reviews="review_id,at,rating\nr,2026-05-01,5\n"))  # fmt: skip
    assert shop.as_of == dt.datetime(2026, 2, 2, 14, 59, 59, 999_999, tzinfo=dt.UTC)
    assert shop.events.as_of == shop.as_of


def test_a_day_is_taken_in_to_its_end_and_midnight_belongs_to_the_next(tmp_path):
    events = "visitor_id,at,event\n" + "".join(
        f"a,2026-01-{day} 00:00,visit\n" for day in (29, 30, 31)
    )
    shop = open_shop(make(tmp_path, events=events), as_of="2026-01-30")
    assert account(shop, "events") == (3, 2, 0, 0, 1)
    assert shop.until("2026-01-29").as_of < shop.as_of
    assert account(shop.until("2026-01-29"), "events") == (3, 1, 0, 0, 2)
    assert account(shop.until(None), "events") == (3, 2, 0, 0, 1)  # never beyond its own limit
    assert account(open_shop(tmp_path), "events") == (3, 3, 0, 0, 0)
    assert shop.limit is not None  # a shop is never changed: until() returns another


def test_as_of_never_lies_after_the_data(tmp_path):
    shop = open_shop(make(tmp_path, events=EVENTS), as_of="2027-01-01")
    assert shop.as_of == shop.data_end
    with pytest.raises(UsageError, match="as_of"):
        open_shop(tmp_path, as_of="2026-1-31")


def test_days_are_counted_in_the_shop_s_time_zone(tmp_path):
    spend = "day,kind,amount\n2026-01-31,ads,1\n2026-02-01,ads,1\n"
    shop = open_shop(make(tmp_path, events=EVENTS, spend=spend), as_of="2026-01-31")
    assert account(shop, "spend") == (2, 1, 0, 0, 1)
    frame = shop.check().frame.set_index("table")
    assert str(frame.loc["spend", "first_at"]) == "2026-01-31 00:00:00"


def test_the_accounts_add_up(tmp_path):
    orders = "order_id,customer_id,at,amount\n" + "".join(
        f"O{i},C{i},2026-01-{1 + i % 31:02d} 12:00,{'x' if i % 25 == 0 else i}\n"
        for i in range(200)
    )
    shop = open_shop(make(tmp_path, orders=orders, events=EVENTS), as_of="2026-01-20")
    check = shop.check()
    parts = check.frame[["n_used", "n_rejected", "n_duplicate", "n_outside"]].sum(axis=1)
    assert (parts == check.frame["n_in_file"]).all()
    assert (check.frame[["n_rejected", "n_outside"]].loc[check.frame["table"] == "orders"] > 0).all(
        axis=None
    )
    said = shop.provenance()["orders"]
    assert (
        said["rows_in_file"]
        == 200
        == sum(said[f"rows_{part}"] for part in ("used", "rejected", "duplicate", "outside"))
    )
    assert len(said["sha256"]) == 64


def test_the_check_prints_in_both_languages(tmp_path):
    check = open_shop(make(tmp_path, events=EVENTS)).check()
    assert check.headline("en") == "All 1 tables were read. No row was lost."
    assert "표 1개" in check.headline("ko")
    assert "없는 표: orders" in check.notes[0].ko
    assert "events.csv" in repr(check)


# --- the contract -----------------------------------------------------------------------------------


def test_the_contract_names_what_it_relies_on():
    assert set(KEYS) <= set(TABLES)
    for name, key in KEYS.items():
        assert key in [column.name for column in TABLES[name]]
    assert CLOCKS == {**CLOCKS, "events": "at", "spend": "day", "promises": "promised_at"}
    assert not {"customers", "order_items"} & set(CLOCKS)


def test_a_check_of_some_tables_counts_the_others_and_hides_no_loss(tmp_path):
    (tmp_path / "shop.toml").write_text('name = "s"\nlanguage = "en"\n', "utf-8")
    row = "o{},c1,2026-01-0{} 10:00,{}\n"
    orders = "".join(row.format(i, i, "oops" if i == 3 else 100) for i in range(1, 5))
    (tmp_path / "orders.csv").write_text("order_id,customer_id,at,amount\n" + orders, "utf-8")
    (tmp_path / "customers.csv").write_text("customer_id\nc1\n", "utf-8")
    (tmp_path / "spend.csv").write_text("day,kind,amount\n2026-01-01,ads,5\n", "utf-8")
    check = open_shop(tmp_path).check("customers", "reviews")
    assert list(check.frame["table"]) == ["orders", "customers"]
    assert any(note.startswith("1 other table") for note in check.notes)
    assert any("reviews" in note for note in check.notes)
    assert "1 row" in check.headline("en")
    with pytest.raises(UnknownName, match="customers"):
        open_shop(tmp_path).check("customer")
