"""Texts that look alike become one: NFC, no invisible characters, single spaces, none at the ends.

Nothing else changes: ``00123`` stays ``00123``, ``NA`` stays ``NA``, and ``NAVER`` is not ``네이버`` unless
shop.toml says so. What was changed is kept as pairs of spellings, so that the merges can be listed.
"""

import re
import unicodedata

# Format characters, controls and fillers that draw nothing; a joiner inside an emoji stays.
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    r"\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
    r"|(?<![\u2190-\u2bff\ufe0f\U0001f000-\U0001faff])\u200d|\u200d$"
)
_SPACES = re.compile(r"(?:[^\S\r\n]|[\u3164\uffa0])+")
_HARD_TO_SEE = re.compile(
    r"[\x00-\x1f\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f"
    r"\u2028-\u202f\u205f-\u206f\u3000\u3164\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff]"
)


def normal(text: str) -> str:
    r"""Return the plain spelling of ``text``.

    Examples
    --------
    >>> normal(" 네이버\u200b\u00a0 쇼핑 ")
    '네이버 쇼핑'
    """
    text = unicodedata.normalize("NFC", _INVISIBLE.sub("", text))
    return _SPACES.sub(" ", text).strip(" \r\n\u200d")


def visible(text: str) -> str:
    r"""Return ``text`` with the characters nobody can see spelled out.

    Examples
    --------
    >>> print(visible("금액\u200b"))
    금액\u200b
    """
    return _HARD_TO_SEE.sub(lambda found: _spelled(found[0]), text)


def _spelled(character: str) -> str:
    known = {"\n": r"\n", "\r": r"\r", "\t": r"\t", "\0": r"\0"}
    return known.get(character, f"\\u{ord(character):04x}")
