"""What a file really is, by its first bytes; how large it may be; whether it grew while it was read.

Nothing is opened by its name alone: a file that is not what its name says is named for what it is. Limits
on size and compression are checked before anything is unpacked.
"""

import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from custmeasure.errors import EnvironmentProblem
from custmeasure.shop.reader.encoding import Unreadable, first_bytes
from custmeasure.shop.reader.problems import Problem
from custmeasure.show.words import Text

# Name ending → what such a file must be.
SUFFIXES = {
    ".csv": "text", ".tsv": "text", ".txt": "text",
    ".xlsx": "xlsx", ".xlsm": "xlsx", ".xls": "xls",
    ".parquet": "parquet",
}  # fmt: skip

# What a file is → what to say.
_NAMES: dict[str, Text] = {
    "text": Text("일반 텍스트(CSV)", "plain text (CSV)"),
    "xlsx": Text("Excel 통합 문서(xlsx)", "an Excel workbook (xlsx)"),
    "xls": Text("옛 Excel 파일(xls)", "an old Excel file (xls)"),
    "locked": Text("암호가 걸린 Excel 파일", "an Excel file protected by a password"),
    "office": Text("옛 Office 문서", "an old Office document"),
    "parquet": Text("Parquet 파일", "a Parquet file"),
    "zip": Text("ZIP 압축 파일", "a ZIP archive"),
    "gzip": Text("gzip 압축 파일", "a gzip file"),
    "archive": Text("압축 파일", "a compressed archive"),
    "html": Text("HTML 표(웹 페이지)", "an HTML table (a web page)"),
    "xml": Text("XML 문서", "an XML document"),
    "json": Text("JSON 자료", "JSON data"),
    "pdf": Text("PDF 문서", "a PDF document"),
    "image": Text("그림 파일", "an image"),
    "database": Text("데이터베이스 파일", "a database file"),
    "pickle": Text("Python pickle 파일", "a Python pickle"),
}

_SIGNATURES = (
    (b"PAR1", "parquet"), (b"PK\x03\x04", "zip"), (b"PK\x05\x06", "zip"), (b"\x1f\x8b", "gzip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "office"), (b"%PDF-", "pdf"),
    (b"\x89PNG", "image"), (b"\xff\xd8\xff", "image"), (b"GIF8", "image"),
    (b"7z\xbc\xaf\x27\x1c", "archive"), (b"Rar!", "archive"), (b"BZh91AY&SY", "archive"),
    (b"\xfd7zXZ", "archive"), (b"\x28\xb5\x2f\xfd", "archive"),
    (b"SQLite format 3\0", "database"), (b"\x80\x02", "pickle"), (b"\x80\x03", "pickle"),
    (b"\x80\x04\x95", "pickle"), (b"\x80\x05\x95", "pickle"),
)  # fmt: skip
_HTML = re.compile(rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype html|html|head|meta|table|body|style|script)",
                   re.IGNORECASE | re.DOTALL)  # fmt: skip
_XML = re.compile(rb"\s*<\?xml")
_JSON = re.compile(rb'\s*(?:\{\s*"|\[\s*[\[{])')
_HEAD = 4096

# What a damaged archive or workbook may break with, deep inside its reader.
DAMAGE = (
    ArithmeticError, AttributeError, EOFError, LookupError, NotImplementedError, RecursionError,
    struct.error, TypeError, ValueError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip

# Of an Excel workbook, before anything is unpacked.
_MAX_PARTS = 10_000
_MAX_UNPACKED = 2 << 30
_MAX_OTHER = 128 << 20  # texts, styles and whatever is no worksheet and no picture
_STREAMED = ("xl/worksheets/", "xl/media/", "xl/drawings/")
_MAX_RATIO, _RATIO_FROM = 200, 16 << 20

R = TypeVar("R")


@dataclass(frozen=True)
class Stamp:
    """Size and time of change, to notice a file that is still being written."""

    size: int
    changed: int

    @classmethod
    def of(cls, path: Path) -> "Stamp":
        """Return the stamp that ``path`` has now."""
        stat = path.stat()
        return cls(stat.st_size, stat.st_mtime_ns)


def while_still(path: Path, work: Callable[[], R]) -> R:
    """Return what ``work`` makes of a file that did not change meanwhile; it is tried twice.

    Raises
    ------
    Unreadable
        When the file changed both times.
    EnvironmentProblem
        When it is not there or may not be read.
    """
    for _ in range(2):
        try:
            before = Stamp.of(path)
            result = work()
            if Stamp.of(path) == before:
                return result
        except OSError as error:
            if isinstance(error, EnvironmentProblem):
                raise
            raise EnvironmentProblem(
                ko=f"{path}을(를) 읽을 수 없습니다({error.strerror}). 경로와 권한을 확인하십시오.",
                en=f"{path} cannot be read ({error.strerror}). Check the path and its permissions.",
            ) from None
    raise Unreadable(
        Problem(
            path.name,
            Text("읽는 동안 파일이 바뀌었습니다", "the file changed while it was read"),
            Text("다 저장된 뒤에 다시 실행하십시오.", "Run again when it is completely written."),
            blocks=True,
        )
    )


def kind_of(path: Path) -> str:
    """Return what a file is: ``text``, ``xlsx`` or ``parquet``.

    Raises
    ------
    Unreadable
        When it is not what its name says, is protected by a password, is too large when unpacked, or
        is of no kind that can be read.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
    packed = suffixes[-1:] == [".gz"]
    named = SUFFIXES.get(suffixes[-2] if packed and len(suffixes) > 1 else (suffixes or [""])[-1])
    if named is None or (packed and named != "text"):
        raise Unreadable(_not_readable(path))
    if path.stat().st_size == 0:
        raise Unreadable(empty(path))
    if packed and _bare_head(path)[:2] != b"\x1f\x8b":
        raise Unreadable(_disguised(path, _inside(path, _bare_head(path))))
    found = _inside(path, first_bytes(path, _HEAD))
    if found != named or found == "xls":
        raise Unreadable(_disguised(path, found))
    if found == "xlsx":
        _check_workbook(path)
    return found


def _bare_head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD)


def _inside(path: Path, head: bytes) -> str:
    """Return what the first bytes say."""
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return _zip(path) if kind == "zip" else _office(path) if kind == "office" else kind
    for pattern, kind in ((_HTML, "html"), (_XML, "xml"), (_JSON, "json")):
        if pattern.match(head.removeprefix(b"\xef\xbb\xbf")):
            return kind
    return "text"


def _zip(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except DAMAGE:
        if SUFFIXES.get(path.suffix.lower()) == "xlsx":
            raise Unreadable(broken(path)) from None
        return "zip"
    return "xlsx" if "[Content_Types].xml" in names and "xl/workbook.xml" in names else "zip"


def _office(path: Path) -> str:
    """Tell an old workbook from one that Office encrypted: both are OLE containers."""
    with path.open("rb") as file:
        head = file.read(1 << 20)
        file.seek(max(0, path.stat().st_size - (1 << 20)))
        names = head + file.read()
    if "EncryptedPackage".encode("utf-16-le") in names:
        return "locked"
    books = ("Workbook".encode("utf-16-le"), "Book".encode("utf-16-le"))
    return "xls" if any(book in names for book in books) else "office"


def _check_workbook(path: Path) -> None:
    """Raise when a workbook is broken, locked or would unpack to more than a workbook holds."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except DAMAGE:
        raise Unreadable(broken(path)) from None
    if any(part.flag_bits & 1 for part in parts):
        raise Unreadable(_disguised(path, "locked"))
    unpacked = sum(part.file_size for part in parts)
    other = sum(part.file_size for part in parts if not part.filename.startswith(_STREAMED))
    ratio = unpacked / max(1, path.stat().st_size)
    too_dense = ratio > _MAX_RATIO and unpacked > _RATIO_FROM
    if len(parts) > _MAX_PARTS or unpacked > _MAX_UNPACKED or other > _MAX_OTHER or too_dense:
        raise Unreadable(too_large(path, unpacked))


def too_large(path: Path, unpacked: int) -> Problem:
    """Say that a file would unpack to far more than it may."""
    size = f"{unpacked / (1 << 20):,.0f} MB"
    return Problem(
        path.name,
        Text(
            f"압축을 풀면 {size}로 너무 커집니다",
            f"the file unpacks to {size}, too much for its kind",
        ),
        Text("CSV로 저장해서 쓰십시오.", "Save it as CSV instead."),
        blocks=True,
    )


def empty(path: Path) -> Problem:
    """Say that a file holds nothing at all."""
    return Problem(
        path.name,
        Text("파일이 비어 있습니다", "the file is empty"),
        Text("다시 내보내십시오.", "Export it again."),
        blocks=True,
    )


def broken(path: Path) -> Problem:
    """Say that a file is cut off or damaged."""
    return Problem(
        path.name,
        Text("파일이 중간에 끊기거나 깨졌습니다", "the file is cut off or damaged"),
        Text("다시 내려받으십시오.", "Download it again."),
        blocks=True,
    )


def _not_readable(path: Path) -> Problem:
    allowed = ", ".join((*SUFFIXES, ".csv.gz"))
    return Problem(
        path.name,
        Text("읽을 수 있는 종류가 아닙니다", "the file is of no kind that can be read"),
        Text(f"{allowed} 가운데 하나로 저장하십시오.", f"Save it as one of {allowed}."),
        blocks=True,
    )


def _disguised(path: Path, found: str) -> Problem:
    name = _NAMES[found]
    if found == "locked":
        do = Text(
            "Excel에서 열어 암호를 지우고 다시 저장하십시오.",
            "Open it in Excel, take the password off and save it again.",
        )
    elif found in ("xls", "html", "xml", "office"):
        do = Text(
            "Excel에서 열어 xlsx나 CSV로 저장하십시오.",
            "Open it in Excel and save it as xlsx or CSV.",
        )
    elif found in ("text", "parquet", "xlsx"):
        do = Text("이름의 끝을 내용에 맞게 고치십시오.", "Correct the ending of its name.")
    elif found in ("zip", "gzip", "archive"):
        do = Text("압축을 풀어서 두십시오.", "Unpack it.")
    else:
        do = Text("CSV나 Excel로 내보내십시오.", "Export it as CSV or Excel.")
    if found in (SUFFIXES.get(path.suffix.lower()), "locked"):
        rule = Text(f"이 파일은 {name.ko}입니다", f"the file is {name}")
    else:
        rule = Text(
            f"이름은 {path.suffix}인데 내용은 {name.ko}입니다",
            f"the file is named {path.suffix} but is {name}",
        )
    return Problem(path.name, rule, do, blocks=True)
