"""Personal data at the door: which columns are contact data, and a pseudonym for ids that are.

A phone number hashed without a secret is no pseudonym: there are only 10^8 of them, and trying all
takes seconds. So ids made from a phone or an e-mail go through HMAC-SHA-256 (RFC 2104) with a key
that never lies in the shop's folder: whoever gets the data cannot try numbers without it.
"""

import hmac
import os
import re
import secrets
import stat
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from custmeasure.errors import EnvironmentProblem, UsageError

KEY_VARIABLE = "CUSTMEASURE_PSEUDONYM_KEY"
HIDDEN = "***"
CONTACT_SHARE = 0.1  # of a column's values: from here on it is contact data, not a slip
CARD_SHARE = 0.5

_CARDS_LOOKED_AT = 1_000
_KEY_LENGTH = 32  # characters; fewer could be guessed
_DIGEST_LENGTH = 32  # hexadecimal digits kept: 128 bits

# Who a column may speak of; alone, or followed by what is said of them.
_OTHERS = (
    "수취인|수령인|수령자|받는분|받는사람|보내는분|보내는사람|발송인|입금자|예금주|작성자|등록자"
)
_WHO = f"({_OTHERS}|구매자|주문자|고객|회원)"

_CONTACT_NAMES = re.compile(
    rf"{_WHO}(명|이름|성명|성함)|{_WHO}.{{0,6}}(전화|우편|메일|생일)|^\(?({_OTHERS})\)?\d?$"
    "|연락처|휴대폰|휴대전화|핸드폰|전화번호|^(이름|성명|성함|전화|생일)$"
    "|(?<!이미지)(?<!쇼핑몰)(?<!사이트)(?<!페이지)(?<!홈페이지)(?<!URL)(?<!웹)주소|배송지(?!연|역)|우편번호|이메일|전자우편"
    "|주민등록|주민번호|외국인등록|여권번호|운전면허|통관고유|통관부호|생년월일|카드번호|계좌번호|비밀번호"
    "|배송메[세시]지|배송요청|출입방법내용|수령위치내용|아이피"
    r"|e[-_ ]?mail|phone|^(mobile|cell|tel|fax)\b|(mobile|cell|tel|fax)[ _-]?(no|number|phone)"
    r"|^(name|full[ _]?name|first[ _]?name|last[ _]?name|surname|address\d?|street|zip|post(al)?[ _]?code)$"
    r"|(customer|buyer|billing|shipping|recipient|receiver|orderer|contact|user|member|author|reviewer"
    r"|first|last|full|family|given)[ _]?name"
    r"|(billing|shipping|delivery|home|street|mailing|ip|recipient|receiver|customer|buyer|user)[ _]?address"
    r"|(billing|shipping)[ _](street|company|zip|post)|(date[ _]of[ _])?birth(day|date)?$|\bdob\b"
    r"|passport|social[ _]security|\bssn\b|resident[ _]?(registration)?[ _]?(no|number)|card[ _]?number",
    re.IGNORECASE,
)

# What contact data look like (RE2, so that Arrow can search millions of values). Digits alone may be an
# id as well, so they count only where a column is full of them.
_MAIL = r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}"
_MOBILE = r"\(?01[016789][-. )]+[0-9]{3,4}[-. ]*[0-9]{4}"
_LANDLINE = r"\(?0(2|[3-6][1-5]|70|50[0-9])[-. )]+[0-9]{3,4}[-. ][0-9]{4}"
_INTERNATIONAL = r"\+[1-9][0-9]{0,2}[-. ()]*[0-9]{1,4}[-. ()]*[0-9]{3,4}[-. ]*[0-9]{3,4}"
_RESIDENT = r"[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])-[1-8][0-9]{6}"
_BARE_MOBILE = r"(82)?010[0-9]{8}|8210[0-9]{8}|01[16789][0-9]{7,8}"
_CUSTOMS = r"P[0-9]{12}"
_SURE = "|".join((_MAIL, _MOBILE, _LANDLINE, _INTERNATIONAL, _RESIDENT))
_BARE = f"{_BARE_MOBILE}|{_CUSTOMS}"
_ALONE = r"(^|[^0-9A-Za-z+])({})($|[^0-9A-Za-z])"
_CARD = (
    r"(^|[^0-9])((?:[0-9]{4}[- ]?){3}[0-9]{1,7}|3[47][0-9]{2}[- ]?[0-9]{6}[- ]?[0-9]{5})($|[^0-9])"
)
_CARD_START = re.compile(r"4|5[1-5]|2[2-7]|3[4-8]|6|9[0-9]")
_ONE = re.compile(rf"(?<![0-9A-Za-z+])({_SURE}|{_BARE})(?![0-9A-Za-z])")
_ONE_CARD = re.compile(_CARD)


def contact_columns(names: Iterable[str]) -> frozenset[str]:
    """Return the names that are contact data of a person, in Korean or English.

    Examples
    --------
    >>> sorted(contact_columns(["주문번호", "수취인명", "상품명", "배송지", "배송지연", "Email"]))
    ['Email', '배송지', '수취인명']
    """
    return frozenset(name for name in names if _is_contact_name(name))


def _is_contact_name(name: str) -> bool:
    spoken = re.sub(r"[가-힣]\s+(?=[가-힣])", lambda m: m[0].strip(), name)
    return bool(_CONTACT_NAMES.search(unicodedata.normalize("NFC", spoken).strip()))


def contact_values(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return, for each value, whether a phone, an e-mail, a resident or a customs number is in it.

    Digits alone (01012345678) count where one value in ten looks so: elsewhere they are an id.
    """
    sure = _found(_SURE, values)
    bare = _found(_BARE, values)
    n = len(values) - values.null_count
    return pc.or_(sure, bare) if _n_true(bare) >= max(1, CONTACT_SHARE * n) else sure


def _found(pattern: str, values: pa.Array | pa.ChunkedArray) -> pa.Array:
    whole = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    known = whole.dictionary_encode()
    hits = pc.match_substring_regex(known.dictionary, _ALONE.format(pattern))
    return pc.fill_null(hits.take(known.indices), False)


def _n_true(flags: pa.Array) -> int:
    return int(pc.sum(flags).as_py() or 0)


def _are_cards(values: pa.Array | pa.ChunkedArray, n: int) -> bool:
    """Return whether half of the values, by their first thousand candidates, are card numbers."""
    maybe = values.filter(pc.fill_null(pc.match_substring_regex(values, _CARD), False))
    if len(maybe) < CARD_SHARE * n:
        return False
    looked_at = maybe[:_CARDS_LOOKED_AT].to_pylist()
    return sum(map(_has_card, looked_at)) / len(looked_at) * len(maybe) >= CARD_SHARE * n


def _has_card(text: str) -> bool:
    return any(_is_card(match[2]) for match in _ONE_CARD.finditer(text))


def _is_card(number: str) -> bool:
    """Check a card number: its last digit follows from the others (Luhn, US patent 2,950,048)."""
    digits = [int(digit) for digit in number if digit.isdigit()]
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]
    valid = (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
    return valid and 13 <= len(digits) <= 19 and bool(_CARD_START.match("".join(map(str, digits))))


def looks_like_contact(values: pa.Array | pa.ChunkedArray | Iterable[str | None]) -> bool:
    """Return whether a column's values are contact data, whatever its name says.

    One value in ten is enough (`CONTACT_SHARE`), but card numbers must be half of the values: one in
    ten of any numbers of sixteen digits has the right check digit by chance.

    Examples
    --------
    >>> looks_like_contact(["010-1234-5678", "+82 10 1234 5678"])
    True
    >>> looks_like_contact(["2026112212345671", "2026112212345682"])
    False
    """
    texts = values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(list(values))
    n = len(texts) - texts.null_count
    if not n or not pa.types.is_string(texts.type):
        return False
    return _n_true(contact_values(texts)) >= CONTACT_SHARE * n or _are_cards(texts, n)


def redact(text: str) -> str:
    """Return a sentence with its phones, e-mails, resident, customs and card numbers as ``***``.

    Examples
    --------
    >>> redact("전화 주세요 010-1234-5678 아니면 hong@example.com")
    '전화 주세요 *** 아니면 ***'
    """
    hidden = _ONE.sub(HIDDEN, text)
    return _ONE_CARD.sub(lambda m: m[1] + HIDDEN + m[3] if _is_card(m[2]) else m[0], hidden)


def normalise(value: str) -> str:
    """Return a phone as its digits (``+82`` as ``0``), an e-mail trimmed and case-folded.

    Any other text is only trimmed.

    Examples
    --------
    >>> normalise("+82 10-1234-5678"), normalise(" Hong@Example.com ")
    ('01012345678', 'hong@example.com')
    """
    text = unicodedata.normalize("NFKC", value).strip()
    if "@" in text:
        return text.casefold()
    digits = re.sub(r"[-. ()]", "", text)
    phone = re.fullmatch(r"(?:\+?82)?0?(1[016789][0-9]{7,8})|\+820?([2-7][0-9]{7,9})", digits)
    if phone:
        return "0" + (phone[1] or phone[2])
    return digits if re.fullmatch(r"[+0][0-9]{7,14}", digits) else text


def pseudonym(value: str, key: bytes) -> str:
    """Return the pseudonym of a phone, an e-mail or another id: 32 hexadecimal digits.

    The same person written in two ways gets the same one; without ``key`` nobody can try numbers.
    """
    return hmac.digest(key, normalise(value).encode(), "sha256").hex()[:_DIGEST_LENGTH]


def pseudonyms(values: pa.Array | pa.ChunkedArray, key: bytes) -> pa.Array:
    """Return the pseudonym of every value; what is missing stays missing."""
    texts = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    known = texts.dictionary_encode()
    named = pa.array([pseudonym(value, key) for value in known.dictionary.to_pylist()], pa.string())
    return named.take(known.indices)


def pseudonym_key(environ: Mapping[str, str], home: Path, shop: Path | None = None) -> bytes:
    """Return the secret key of the pseudonyms; the first time, make one.

    Parameters
    ----------
    environ
        ``CUSTMEASURE_PSEUDONYM_KEY`` holds the key itself; without it the key is the file
        ``~/.config/custmeasure/pseudonym.key``, made with a random key that only its owner can read.
    home
        The home folder.
    shop
        The shop's folder, in which the key may not lie.

    Raises
    ------
    UsageError
        When the key is too short, or lies inside the shop's folder.
    EnvironmentProblem
        When the file cannot be made or others can read it.
    """
    if KEY_VARIABLE in environ:
        return _strong(environ[KEY_VARIABLE], KEY_VARIABLE)
    path = home / ".config" / "custmeasure" / "pseudonym.key"
    if shop is not None and path.resolve().is_relative_to(shop.resolve()):
        raise UsageError(
            ko=f"가명 열쇠 {path}이(가) 상점 폴더 안에 있습니다. 데이터와 함께 두면 가명이 풀립니다. "
            f"상점 폴더를 옮기거나 {KEY_VARIABLE}에 열쇠를 적으십시오.",
            en=f"The pseudonym key {path} lies inside the shop's folder, where it would travel with "
            f"the data. Move the shop's folder, or give the key in {KEY_VARIABLE}.",
        )
    try:
        if not path.exists():
            _make_key(path)
        _check_private(path)
        return _strong(path.read_text("ascii"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        if isinstance(error, EnvironmentProblem):
            raise
        raise EnvironmentProblem(
            ko=f"가명 열쇠 {path}을(를) 읽거나 만들 수 없습니다 ({type(error).__name__}). "
            f"권한을 확인하거나 {KEY_VARIABLE}에 열쇠를 적으십시오.",
            en=f"The pseudonym key {path} cannot be read or made ({type(error).__name__}). Check "
            f"the permissions, or give the key in {KEY_VARIABLE}.",
        ) from None


def _strong(text: str, where: str) -> bytes:
    key = text.strip()
    if len(key) >= _KEY_LENGTH:
        return key.encode()
    raise UsageError(
        ko=f"{where}: 가명 열쇠가 너무 짧습니다. {_KEY_LENGTH}자 이상이어야 합니다. "
        "python -c 'import secrets; print(secrets.token_hex(32))'로 만들 수 있습니다.",
        en=f"{where}: the pseudonym key is too short; it needs {_KEY_LENGTH} characters or more. "
        "python -c 'import secrets; print(secrets.token_hex(32))' makes one.",
    )


def _make_key(path: Path) -> None:
    """Write a new key; of two that are made at once, the first stays."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _check_private(path: Path) -> None:
    """Refuse a key that other users of the machine can read."""
    if os.name == "posix" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise EnvironmentProblem(
            ko=f"다른 사용자가 가명 열쇠 {path}을(를) 읽을 수 있습니다. chmod 600 {path}을(를) 실행하십시오.",
            en=f"Other users can read the pseudonym key {path}. Run chmod 600 {path}.",
        )
