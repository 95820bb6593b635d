"""Names that become file names: an allow-list first, then a look at where the path really leads."""

import re
from pathlib import Path

from custmeasure.errors import UsageError

_NAME = re.compile(r"[A-Za-z0-9가-힣][A-Za-z0-9가-힣_-]*")
_LONGEST = 100  # bytes; file systems take 255, and languages and endings come on top
_TAKEN = {"index", "con", "prn", "aux", "nul"}  # our own page, and devices on Windows
_TAKEN |= {f"{port}{n}" for port in ("com", "lpt") for n in range(10)}


def check_name(name: str) -> str:
    """Return ``name`` when a report may be called so.

    Raises
    ------
    UsageError
        For anything but letters, digits, Hangul, ``-`` and ``_``, for names that are too long, and
        for names that mean something else (``index``, ``con``).
    """
    allowed = _NAME.fullmatch(name) and len(name.encode()) <= _LONGEST
    if not allowed or name.lower() in _TAKEN:
        raise UsageError(
            ko=f"노트북 이름 {name[:40]!r}은(는) 보고서 이름으로 쓸 수 없습니다. "
            "영문자, 숫자, 한글, '-', '_'만 쓴 다른 이름으로 바꿔 주세요.",
            en=f"The notebook name {name[:40]!r} cannot name a report. Rename it, using letters, "
            "digits, Hangul, '-' and '_' only.",
        )
    return name


def inside(root: Path, *parts: str) -> Path:
    """Return the path of ``parts`` under ``root``, after following every link.

    Raises
    ------
    UsageError
        When the path leads outside of ``root``.
    """
    place = root.resolve()
    path = place.joinpath(*parts).resolve()
    if path == place or not path.is_relative_to(place):
        raise UsageError(
            ko=f"{'/'.join(parts)[:60]!r}: 폴더 밖을 가리킵니다. 링크라면 지워 주세요.",
            en=f"{'/'.join(parts)[:60]!r} leads outside of its folder. If it is a link, remove it.",
        )
    return path
