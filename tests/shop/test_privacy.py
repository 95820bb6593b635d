"""Contact data at the door, and pseudonyms that nobody can try out."""

import hashlib
import json
import os
import secrets
import stat
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from custmeasure.errors import EnvironmentProblem, UsageError
from custmeasure.shop import privacy

KEY = b"a key that only this test knows, really"


def phones(n: int) -> list[str]:
    """Return n phone numbers of the 10^8 there are."""
    return [f"010{secrets.randbelow(10**8):08d}" for _ in range(n)]


@pytest.mark.parametrize(
    "name",
    [
        "구매자명", "수취인명", "구매자 연락처", "수취인연락처1", "(기본주소)", "배송지", "통합배송지",
        "이메일", "구매자 주민등록번호", "개인통관고유부호", "수령인", "수령인 휴대전화", "주문자명",
        "받는 분", "작성자", "우편번호", "배송메세지", "주문자 휴대전화", "이름", "생년월일",
        "phone", "Email", "e-mail", "e_mail", "Billing Name", "Shipping Address1", "Billing Zip",
        "customer_name", "first name", "address", "ip_address", "Name",
    ],
)  # fmt: skip
def test_contact_columns_are_known_by_name(name):
    assert privacy.contact_columns([name]) == {name}


@pytest.mark.parametrize(
    "name",
    [
        "주문번호", "구매자ID", "주문자ID", "상품명", "이미지 파일명", "배송지연", "배송지역", "결제위치",
        "회원등급", "주문자 가입일", "쇼핑몰 주소", "유입경로", "event_name", "product_name",
        "Lineitem name", "Shipping", "Shipping Method", "user_id", "hotel", "mobile_app", "Id",
    ],
)  # fmt: skip
def test_other_columns_are_not(name):
    assert not privacy.contact_columns([name])


def test_every_personal_column_of_the_smartstore_export_is_known(shared: Path):
    """S25."""
    path = shared / "data" / "korean_shop_columns" / "columns.json"
    columns = json.loads(path.read_text("utf-8"))["smartstore_order_export"]["columns"]
    words = ("명", "연락처", "배송지", "우편번호", "주소", "주민등록번호", "고유부호", "메세지")
    personal = {c for c in columns if c.strip("()").rstrip("12").endswith(words)} - {"상품명"}
    assert len(personal) == 16
    assert privacy.contact_columns(columns) == personal


@pytest.mark.parametrize(
    "value",
    [
        "010-1234-5678", "01012345678", "+82 10 1234 5678", "+821012345678", "010.1234.5678",
        "900101-1234567", "hong@example.com", "4111 1111 1111 1111", "5500005555555559",
        "P123456789012", "02-123-4567", "031-123-4567", "0504-1234-5678", "+1 415 555 2671",
        "홍길동 010-1234-5678",
    ],
)  # fmt: skip
def test_contact_data_are_known_by_content(value):
    """S25: a renamed column is caught."""
    assert privacy.looks_like_contact([value, None, value])


@pytest.mark.parametrize(
    "values",
    [
        ["20260302-0000123", "20260303-0000124"], ["0101", "0201"], ["2026-03-04 09:00:00"],
        ["1772582400000"], ["naver_search"], ["15000", "9900"], ["nurs*****"], ["900101"], [], [None],
        [str(2026112200000000 + 37 * n) for n in range(500)], ["0107438568"],
    ],
)  # fmt: skip
def test_ids_dates_and_amounts_are_not_contact_data(values):
    assert not privacy.looks_like_contact(values)


def test_one_slip_in_a_thousand_does_not_make_a_contact_column():
    column = pa.array(["mobile"] * 999 + ["010-1234-5678"])
    assert not privacy.looks_like_contact(column)
    assert privacy.contact_values(column).to_pylist()[-1]


def test_ids_that_happen_to_look_like_phones_stay_ids():
    ids = pa.array([f"{n * 6_180_339_887 % 10**10:010d}" for n in range(2_000)])
    assert not pc.any(privacy.contact_values(ids)).as_py()
    assert not privacy.looks_like_contact(ids)


def test_sentences_lose_their_contact_data():
    said = "P123456789012 카드 4111-1111-1111-1111, 전화 +82 10 1234 5678로 2개 15,000원"
    assert privacy.redact(said) == "*** 카드 ***, 전화 ***로 2개 15,000원"


def test_one_person_written_in_five_ways_is_one_pseudonym():
    phone = "1012345678"
    ways = [f"0{phone}", "010-1234-5678", "+82 10 1234 5678", " 010 1234 5678", f"+820{phone}"]
    assert len({privacy.pseudonym(way, KEY) for way in ways}) == 1
    mails = ["Hong@Example.com", " hong@example.com "]
    assert len({privacy.pseudonym(mail, KEY) for mail in mails}) == 1
    assert privacy.pseudonym("1234-5678", KEY) != privacy.pseudonym("12345678", KEY)


def test_pseudonyms_of_a_column_keep_what_is_missing():
    values = pa.chunked_array([["01012345678", None], ["010-1234-5678"]])
    first, missing, again = privacy.pseudonyms(values, KEY).to_pylist()
    assert first == again == privacy.pseudonym("01012345678", KEY)
    assert missing is None
    assert len(first) == 32


def test_phones_cannot_be_tried_without_the_key():
    """S26: the attack that finds every plain hash finds none of 1,000 pseudonyms."""
    victims, others = phones(1_000), phones(10_000)
    tried = victims + others  # the attacker is lucky: every victim is among the numbers tried
    plain = {hashlib.sha256(phone.encode()).hexdigest()[:32] for phone in tried}
    leaked_plain = [hashlib.sha256(phone.encode()).hexdigest()[:32] for phone in victims]
    assert sum(found in plain for found in leaked_plain) == 1_000
    leaked = [privacy.pseudonym(phone, KEY) for phone in victims]
    guessed_keys = [b"", b"custmeasure", b"0" * 32, hashlib.sha256(b"").digest()]
    dictionary = set(plain).union(*(
        {privacy.pseudonym(phone, key) for phone in tried} for key in guessed_keys
    ))  # fmt: skip
    assert sum(found in dictionary for found in leaked) == 0


def test_the_key_comes_from_the_environment(tmp_path: Path):
    key = privacy.pseudonym_key({privacy.KEY_VARIABLE: " " + "k" * 40 + "\n"}, tmp_path)
    assert key == b"k" * 40
    assert not list(tmp_path.iterdir())


def test_a_short_key_is_refused(tmp_path: Path):
    with pytest.raises(UsageError, match="too short"):
        privacy.pseudonym_key({privacy.KEY_VARIABLE: "secret"}, tmp_path)


def test_the_first_time_a_private_key_is_made_and_kept(tmp_path: Path):
    key = privacy.pseudonym_key({}, tmp_path)
    path = tmp_path / ".config" / "custmeasure" / "pseudonym.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert len(key) == 64
    assert privacy.pseudonym_key({}, tmp_path) == key
    assert [file.name for file in path.parent.iterdir()] == ["pseudonym.key"]


def test_a_key_inside_the_shop_is_refused(tmp_path: Path):
    """S26: the key never travels with the data."""
    with pytest.raises(UsageError, match="inside the shop's folder"):
        privacy.pseudonym_key({}, tmp_path, tmp_path)
    assert not (tmp_path / ".config").exists()


def test_a_key_that_others_can_read_is_refused(tmp_path: Path):
    privacy.pseudonym_key({}, tmp_path)
    path = tmp_path / ".config" / "custmeasure" / "pseudonym.key"
    path.chmod(0o644)
    with pytest.raises(EnvironmentProblem, match="chmod 600"):
        privacy.pseudonym_key({}, tmp_path)


def test_a_home_that_cannot_be_written_says_what_to_do(tmp_path: Path):
    (tmp_path / ".config").write_text("a file where the folder should be")
    with pytest.raises(EnvironmentProblem, match=privacy.KEY_VARIABLE):
        privacy.pseudonym_key({}, tmp_path)


def test_of_two_keys_made_at_once_one_stays(tmp_path: Path):
    path = tmp_path / "pseudonym.key"
    privacy._make_key(path)
    first = path.read_text()
    privacy._make_key(path)
    assert path.read_text() == first
    assert os.listdir(tmp_path) == ["pseudonym.key"]
