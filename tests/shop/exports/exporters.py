"""Writes the sample shop the way the admin pages of SmartStore, Cafe24, Shopify and GA4 export it.

No real export can be had, so these follow the columns, codes and habits that public code speaks of: a
sentence above the header, amounts after discount, values of the order on its first row only, masked ids.
"""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

KST = "Asia/Seoul"
REASON_CODES = {
    "단순변심": "A", "상품불량": "K", "오배송": "J", "상품설명과 다름": "F", "배송지연": "B",
}  # fmt: skip
NOTICE = "다운로드 받은 파일은 개인정보를 포함하고 있으니 관리에 유의하시기 바랍니다."


class Sample:
    """The tables of a sample shop that an admin page knows, with their lines priced."""

    def __init__(self, folder: Path) -> None:
        self.orders = pd.read_parquet(folder / "orders.parquet")
        self.items = pd.read_parquet(folder / "order_items.parquet")
        self.returns = pd.read_parquet(folder / "returns.parquet")
        self.reviews = pd.read_parquet(folder / "reviews.parquet")
        self.events = pd.read_parquet(folder / "events.parquet")
        self.lines = self._lines()

    def _lines(self) -> pd.DataFrame:
        """Return one row a line of an order: its order's columns, what of it was paid, what it claims."""
        claims = self.returns.set_index("order_id")[["kind", "at", "stated_reason"]]
        orders = self.orders.join(
            claims.rename(columns={"kind": "claim", "at": "claimed_at"}), on="order_id"
        )
        lines = self.items.merge(orders, on="order_id", suffixes=("", "_order"))
        lines["nth"] = lines.groupby("order_id").cumcount() + 1
        lines["n_lines"] = lines.groupby("order_id")["nth"].transform("max")
        due = lines["amount_order"] - lines["discount_amount"]
        lines["paid"] = np.floor(lines["amount"] * due / lines["amount_order"])
        last = lines["nth"] == lines["n_lines"]
        others = lines["paid"].where(~last, 0).groupby(lines["order_id"]).transform("sum")
        lines.loc[last, "paid"] = (due - others)[last]
        lines["discount"] = lines["amount"] - lines["paid"]
        return lines


def phone(customer: pd.Series, row: pd.Series) -> list[str]:
    """Return each customer's phone, written in one of three ways."""
    numbers = pd.util.hash_array(customer.to_numpy(object)) % 10**8
    ways = ("010-{}-{}", "010{}{}", "+82 10 {} {}")
    digits = [f"{number:08d}" for number in numbers]
    return [ways[n % 3].format(d[:4], d[4:]) for d, n in zip(digits, row, strict=True)]


def clock(at: pd.Series, form: str = "%Y-%m-%d %H:%M:%S", zone: str = KST) -> pd.Series:
    """Return instants as a clock in Seoul shows them."""
    return at.dt.tz_convert(zone).dt.strftime(form).fillna("")


def won(amount: pd.Series) -> pd.Series:
    """Return amounts with commas."""
    return amount.map("{:,.0f}".format)


def smartstore(sample: Sample, columns: list[str], *, form: str = "old") -> pd.DataFrame:
    """Return the SmartStore order export, every value a text; ``form="new"`` has newer columns."""
    lines = sample.lines
    state, detail = _smartstore_states(lines)
    guest = lines["is_guest"].to_numpy()
    written = pd.DataFrame({
        "상품주문번호": lines["order_id"].str.replace("-", "") + lines["nth"].map("{:02d}".format),
        "주문번호": lines["order_id"],
        "배송방법": "택배,등기,소포",
        "판매채널": "스마트스토어",
        "구매자명": "홍길동",
        "구매자ID": lines["customer_id"].where(~guest, ""),
        "수취인명": "성춘향",
        "주문상태": state,
        "주문세부상태": detail,
        "결제위치": "MOBILE",
        "결제일": clock(lines["at"] + pd.Timedelta(minutes=2)),
        "상품번호": lines["product_id"],
        "상품명": lines["product_name"],
        "상품종류": "단일상품",
        "수량": lines["quantity"].map("{:.0f}".format),
        "옵션가격": "0",
        "상품가격": won(lines["amount"] / lines["quantity"]),
        "상품별 할인액": won(lines["discount"]),
        "상품별 총 주문금액": won(lines["paid"]),
        "발송기한": lines["promised_ship_on"].astype(str) + " 23:59:59",
        "발송처리일": clock(lines["shipped_at"]),
        "배송비 묶음번호": "B" + lines["order_id"],
        "배송비 합계": "3,000",
        "수취인연락처1": "010-9999-8888",
        "배송지": "서울특별시 강남구 테헤란로 1",
        "구매자연락처": phone(lines["customer_id"], lines["nth"]),
        "우편번호": "06236",
        "배송메세지": "문 앞에 놓아 주세요",
        "결제수단": "신용카드",
        "유입경로": lines["channel"],
        "구매자 주민등록번호": "",
        "개인통관고유부호": "P123456789012",
        "주문일시": clock(lines["at"]),
    })  # fmt: skip
    if form == "new":
        return _new_form(written, lines)
    empty = {name: "" for name in columns if name not in written}
    return written.assign(**empty)[columns].astype(str)


def _new_form(written: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame:
    """Return the newer form: masked ids, and amounts before (최초) and after (최종) partial claims."""
    masked = written["구매자ID"].where(written["구매자ID"] == "", "ab" + "*" * 6)
    gone = lines["status"].eq("cancelled") | (lines["status"].eq("refunded") & lines["nth"].eq(1))
    renamed = written.rename(columns={
        "상품별 할인액": "최초 상품별 할인액", "상품별 총 주문금액": "최초 상품별 총 주문금액",
        "배송지": "통합배송지",
    })  # fmt: skip
    final = won(lines["paid"].where(~gone, 0))
    return renamed.assign(
        구매자ID=masked, **{"최종 상품별 총 주문금액": final, "수량클레임 여부": "N"}
    )


def _smartstore_states(lines: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return 주문상태 and 주문세부상태: a line that asks to go back is not back yet."""
    status, first = lines["status"].to_numpy(), lines["nth"].to_numpy() == 1
    back = (status == "refunded") & first
    changed = (lines["claim"] == "exchange").to_numpy() & first
    asked = (lines["claim"] == "return").to_numpy() & first & (status == "delivered")
    cases = [status == "cancelled", back, changed, asked, status == "paid", status == "shipped"]
    states = ["취소", "반품", "교환", "배송완료", "결제완료", "배송중"]
    details = ["취소완료", "반품완료", "교환완료", "반품요청", "신규주문", "배송중"]
    return np.select(cases, states, "구매확정"), np.select(cases, details, "구매확정")


def cafe24(sample: Sample, *, on_every_row: bool = True) -> pd.DataFrame:
    """Return the Cafe24 order export; values of the order stand on every row, or on its first."""
    lines = sample.lines
    shown = pd.Series(True, lines.index) if on_every_row else lines["nth"] == 1
    status, first = lines["status"], lines["nth"] == 1
    claims = lines["claim"].notna() & (first | (lines["claim"] == "cancel"))
    done = claims & (status.isin(["cancelled", "refunded"]) | (lines["claim"] == "exchange"))
    state = np.select(
        [status == "cancelled", done & (lines["claim"] == "return"), done, claims,
         status == "paid", status == "shipped"],
        ["취소 완료 - 구매자", "반품완료", "교환 완료", "반품접수", "상품준비중", "배송중"],
        "배송 완료",
    )  # fmt: skip
    return pd.DataFrame({
        "쇼핑몰": "새벽로스터스",
        "주문번호": lines["order_id"],
        "품목별 주문번호": lines["order_id"] + lines["nth"].map("-{:02d}".format),
        "주문일시": clock(lines["at"]),
        "결제일시(입금확인일)": clock(lines["at"] + pd.Timedelta(minutes=2)),
        "주문자명": "홍길동",
        "주문자ID": lines["customer_id"].where(~lines["is_guest"], ""),
        "주문자 휴대전화": phone(lines["customer_id"], lines["nth"]),
        "상품품목코드": lines["product_id"],
        "주문상품명": lines["product_name"],
        "수량": lines["quantity"].map("{:.0f}".format),
        "판매가": (lines["amount"] / lines["quantity"]).map("{:.2f}".format),
        "상품구매금액(KRW)": lines["amount"].map("{:.2f}".format),
        "상품별 추가할인금액": "0.00",
        "주문서 쿠폰 할인금액": lines["discount_amount"].where(shown, 0).map("{:.2f}".format),
        "사용한 적립금액(최종)": "0.00",
        "사용한 쿠폰명": lines["coupon"].fillna(""),
        "주문상태": state,
        "취소사유 구분": lines["stated_reason"].map(REASON_CODES).where(claims, "").fillna(""),
        "취소일시": clock(lines["claimed_at"].where(done)),
        "실제 환불금액": lines["refund_amount"].where(shown, 0).map("{:.2f}".format),
        "환불완료일": clock(lines["refunded_at"]),
        "배송시작일": clock(lines["shipped_at"]),
        "배송완료일": clock(lines["delivered_at"]),
        "주문경로": lines["channel"],
        "수령인": "성춘향",
        "수령인 휴대전화": "010-9999-8888",
        "수령인 주소": "서울특별시 강남구 테헤란로 1",
    }).astype(str)  # fmt: skip


def shopify(sample: Sample) -> pd.DataFrame:
    """Return the Shopify order export; what is said of an order stands on its first row."""
    lines = sample.lines.copy()
    first = lines["nth"] == 1
    status = lines["status"]
    in_part = (status == "refunded") & (lines["n_lines"] > 1)
    money = np.select([status == "cancelled", in_part, status == "refunded"],
                      ["refunded", "partially_refunded", "refunded"], "paid")  # fmt: skip
    parcel = np.where(lines["shipped_at"].notna(), "fulfilled", "unfulfilled")
    form = "%Y-%m-%d %H:%M:%S +0900"
    mail = "buyer" + lines["customer_id"] + "@example.com"
    order = pd.DataFrame({
        "Name": lines["order_id"],
        "Email": mail.where(~lines["is_guest"], ""),
        "Financial Status": money,
        "Paid at": clock(lines["at"], form),
        "Fulfillment Status": parcel,
        "Fulfilled at": clock(lines["shipped_at"], form),
        "Currency": "KRW",
        "Subtotal": (lines["amount_order"] - lines["discount_amount"]).map("{:.2f}".format),
        "Shipping": "3000.00",
        "Discount Code": lines["coupon"].fillna(""),
        "Discount Amount": lines["discount_amount"].map("{:.2f}".format),
        "Created at": clock(lines["at"], form),
        "Billing Name": "Gildong Hong",
        "Shipping Address1": "1 Teheran-ro",
        "Cancelled at": clock(lines["claimed_at"].where(status == "cancelled"), form),
        "Refunded Amount": lines["refund_amount"].map("{:.2f}".format),
        "Source": lines["channel"],
    }).where(first, "")  # fmt: skip
    item = pd.DataFrame({
        "Lineitem quantity": lines["quantity"].map("{:.0f}".format),
        "Lineitem name": lines["product_name"],
        "Lineitem price": (lines["amount"] / lines["quantity"]).map("{:.2f}".format),
        "Lineitem sku": lines["product_id"],
    })  # fmt: skip
    whole = pd.concat([order, item], axis=1)
    return whole.assign(Name=lines["order_id"], Email=mail.where(~lines["is_guest"], "")).astype(
        str
    )


def reviews(sample: Sample) -> pd.DataFrame:
    """Return the review sheet, its texts as HTML."""
    rows = sample.reviews
    return pd.DataFrame({
        "상품번호": rows["product_id"].fillna(""),
        "옵션": "",
        "제목": "후기",
        "내용(HTML)": "<p>" + rows["text"].fillna("") + "<br/>&lt;" + rows["review_id"] + "&gt;</p>",
        "이미지 파일명": "",
        "작성자": "홍길동",
        "작성시간": clock(rows["at"], "%Y.%m.%d %H:%M:%S"),
        "평점": rows["rating"].map("{:.0f}".format),
    }).astype(str)  # fmt: skip


def ga4(sample: Sample, path: Path, *, newer: bool = True) -> pd.DataFrame:
    """Write a GA4 BigQuery export as Parquet; return the events in its order."""
    events = sample.events.sort_values(["visitor_id", "at"]).reset_index(drop=True)
    entry = ~events.duplicated("session_id")
    source = events["channel"].where(entry)
    session = events["session_id"].str.rsplit("-", n=1).str[-1].astype("int64")
    params = [
        [
            {"key": "ga_session_id", "value": {"int_value": int(number)}},
            {"key": "page_location", "value": {
                "string_value": f"https://shop.example.com{page}?mail=hong%40example.com#top"}},
        ]
        for number, page in zip(session, events["page"].fillna("/"), strict=True)
    ]  # fmt: skip
    value = pa.struct([("string_value", pa.string()), ("int_value", pa.int64()),
                       ("float_value", pa.float64()), ("double_value", pa.float64())])  # fmt: skip
    columns = {
        "event_date": pa.array(clock(events["at"], "%Y%m%d")),
        "event_timestamp": pa.array(events["at"].dt.as_unit("us").astype("int64")),
        "event_name": pa.array(events["event"]),
        "event_params": pa.array(
            params, pa.list_(pa.struct([("key", pa.string()), ("value", value)]))
        ),
        "user_id": pa.array(events["customer_id"], pa.string()),
        "user_pseudo_id": pa.array(events["visitor_id"]),
        "device": pa.array([{"category": device} for device in events["device"]]),
        "traffic_source": pa.array(
            [{"name": "first", "medium": "cpc", "source": "x"}] * len(events)
        ),
    }
    if newer:
        columns |= {
            "collected_traffic_source": pa.array([
                None if pd.isna(word) else {
                    "manual_source": word, "manual_medium": "cpc",
                    "manual_campaign_name": None if pd.isna(name) else name,
                }
                for word, name in zip(source, events["campaign"], strict=True)
            ]),
            "batch_page_id": pa.array(np.arange(len(events)) // 3),
            "batch_ordering_id": pa.array(np.arange(len(events)) % 3),
            "batch_event_index": pa.array(np.ones(len(events), "int64")),
        }  # fmt: skip
    pq.write_table(pa.table(columns), path, row_group_size=5_000)
    return events


def write_csv(frame: pd.DataFrame, path: Path, encoding: str = "utf-8-sig") -> Path:
    """Write what Excel would save as CSV."""
    with path.open("w", encoding=encoding, newline="") as file:
        rows = csv.writer(file)
        rows.writerow(frame.columns)
        rows.writerows(frame.itertuples(index=False))
    return path


def write_xlsx(frame: pd.DataFrame, path: Path, *, notice: bool = False) -> Path:
    """Write a workbook as the seller centre does: a notice above the header, everything a text."""
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("발주발송관리")
    if notice:
        sheet.append([NOTICE])
    sheet.append(list(frame.columns))
    for row in frame.itertuples(index=False):
        sheet.append(list(row))
    book.save(path)
    return path
