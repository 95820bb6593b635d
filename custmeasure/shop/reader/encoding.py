"""Bytes to UTF-8, strictly: UTF-8 with or without its mark, UTF-16 by its mark, then CP949.

Never latin-1: it reads every byte and so turns Korean into signs that look like an answer.
"""

import codecs
import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from custmeasure.shop.reader.problems import Problem
from custmeasure.shop.reader.scan import Bytes
from custmeasure.show.words import Text

# What shop.toml may declare → the codec.
ENCODINGS = {
    "utf-8": "utf-8", "utf8": "utf-8", "utf-8-sig": "utf-8", "utf-16": "utf-16",
    "utf-16-le": "utf-16-le", "utf-16-be": "utf-16-be",
    "cp949": "cp949", "ms949": "cp949", "uhc": "cp949", "euc-kr": "cp949", "ks-c-5601-1987": "cp949",
}  # fmt: skip

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"),
          (codecs.BOM_UTF16_BE, "utf-16-be"))  # fmt: skip

# A file with fewer letters than this beyond ASCII, all of two bytes, may be UTF-8 and CP949 alike.
_FEW_LETTERS = 20
_SHORT_FILE = 1 << 20

# A compressed file may grow so much and no more.
_RATIO, _RATIO_FROM = 250, 64 << 20

_LF = 10
_LINE_WITH_LETTERS = re.compile(rb"(?<=\n)[\x00-\x7f]*[\x80-\xff][^\n]*\n")


class Undecodable(Exception):
    """Bytes that an encoding does not know."""

    def __init__(self, line: int, mixed: bool = False) -> None:
        self.line = line
        self.mixed = mixed
        super().__init__(line)


class Unreadable(Exception):
    """A file that cannot be read on; carries the problem."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.said("en"))


@dataclass
class Feed:
    """One pass over a text file, as UTF-8.

    Attributes
    ----------
    path
        The file; ``.gz`` is unpacked on the way.
    encoding
        The codec to read it with.
    n_letters
        Letters beyond ASCII so far, in UTF-8.
    wide
        Whether one of them takes three bytes in UTF-8, as every Hangul syllable does.
    """

    path: Path
    encoding: str
    n_letters: int = 0
    wide: bool = False

    def __post_init__(self) -> None:
        self._raw = self.path.open("rb")
        self._packed = self.path.suffix.lower() == ".gz"
        self._file: Any = gzip.GzipFile(fileobj=self._raw) if self._packed else self._raw
        self._decoder = codecs.getincrementaldecoder(self.encoding)("strict")
        self._unpacked = 0
        self._given = self._mark = 0
        self._n_lines = 0
        self._left = b""
        self._skip_mark()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        self._raw.close()

    def fill(self, data: Bytes, at: int, room: int) -> int:
        """Put up to ``room`` bytes of UTF-8 at ``data[at:]`` and return how many; 0 at the end.

        Raises
        ------
        Undecodable
            With the line.
        Unreadable
            When the file ends too early, grows beyond all measure or holds a NUL byte.
        """
        new = (
            self._utf8(data, at, room) if self.encoding == "utf-8" else self._other(data, at, room)
        )
        part = data[at : at + new]
        if new and int(part.min()) == 0:
            raise Unreadable(_nul(self.path.name, self._line(part[: int(part.argmin())])))
        self._given += new
        if self.encoding != "utf-8":
            self._n_lines += int(np.count_nonzero(part == _LF))
        return new

    def _line(self, before: Bytes) -> int:
        """Return the line of what follows ``before``, the bytes after those given.

        In UTF-8 lines are counted only now that somebody asks.
        """
        if self.encoding == "utf-8":
            self._n_lines = _line_ends(self.path, self._mark + self._given)
        return self._n_lines + int(np.count_nonzero(before == _LF)) + 1

    def _utf8(self, data: Bytes, at: int, room: int) -> int:
        """Read bytes in place and check that they are UTF-8; a letter cut in two waits."""
        used = 0
        while not used:
            waiting = len(self._left)
            data[at : at + waiting] = np.frombuffer(self._left, np.uint8)
            got = self._read_into(memoryview(data.data)[at + waiting : at + room])
            part = data[at : at + waiting + got]
            self._left = b""
            if not len(part) or int(part.max()) < 128:
                return len(part)
            used = self._letters(part, final=got == 0)
            self._left = part[used:].tobytes()
        return used

    def _letters(self, part: Bytes, final: bool) -> int:
        """Return how many bytes are whole letters."""
        try:
            _, used = codecs.utf_8_decode(part.data, "strict", final)
        except UnicodeDecodeError as error:
            self._count_letters(part[: error.start])
            raise Undecodable(self._line(part[: error.start]), mixed=self.wide) from None
        self._count_letters(part[:used])
        return int(used)

    def _count_letters(self, part: Bytes) -> None:
        self.n_letters += int((part >= 0xC0).sum())
        self.wide = self.wide or bool((part >= 0xE0).any())

    def _other(self, data: Bytes, at: int, room: int) -> int:
        """Read bytes of another encoding and write them as UTF-8."""
        while True:
            raw = self._read(room // 4)
            if self.encoding == "cp949":
                self._check_one_encoding(raw)
            try:
                text = self._decoder.decode(raw, final=not raw)
            except UnicodeDecodeError as error:
                before = error.object[: error.start].decode(self.encoding, "ignore")
                raise Undecodable(self._n_lines + 1 + before.count("\n")) from None
            utf8 = text.encode("utf-8")
            if utf8 or not raw:
                data[at : at + len(utf8)] = np.frombuffer(utf8, np.uint8)
                return len(utf8)

    def _check_one_encoding(self, raw: bytes) -> None:
        """Raise when a line that was taken for CP949 is UTF-8 with Hangul."""
        for match in _LINE_WITH_LETTERS.finditer(raw):
            try:
                text = match[0].decode("utf-8")
            except UnicodeDecodeError:
                continue
            if any("가" <= letter <= "힣" for letter in text):
                raise Undecodable(
                    self._n_lines + 1 + raw.count(b"\n", 0, match.start()), mixed=True
                )

    def _skip_mark(self) -> None:
        head = self._read(3)
        for mark, encoding in _MARKS:
            if head.startswith(mark) and self.encoding in (encoding, "utf-16"):
                self._left, self._mark = head[len(mark) :], len(mark)
                self._decoder = codecs.getincrementaldecoder(encoding)("strict")
                return
        self._left = head

    def _read(self, n: int) -> bytes:
        """Return up to ``n`` bytes, what was left over first."""
        left, self._left = self._left, b""
        try:
            read: bytes = left + self._file.read(n)
        except (EOFError, OSError, zlib.error) as error:
            raise _broken(self.path, error) from None
        self._check_ratio(len(read))
        return read

    def _read_into(self, view: memoryview) -> int:
        try:
            got = self._file.readinto(view)
        except (EOFError, OSError, zlib.error) as error:
            raise _broken(self.path, error) from None
        self._check_ratio(got)
        return int(got)

    def _check_ratio(self, got: int) -> None:
        self._unpacked += got
        if self._packed and self._unpacked > max(_RATIO_FROM, _RATIO * self._raw.tell()):
            raise Unreadable(_bomb(self.path.name))


def encodings(path: Path, declared: str | None) -> Iterator[str]:
    """Return the encodings to try, in turn: the declared one, that of the mark, or UTF-8 and CP949."""
    if declared:
        yield declared
        return
    head = first_bytes(path, 4)
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            yield encoding
            return
    yield from ("utf-8", "cp949")


def _line_ends(path: Path, n: int) -> int:
    """Return how many lines end within the first ``n`` bytes, unpacked."""
    total = 0
    with path.open("rb") as raw:
        file: Any = gzip.GzipFile(fileobj=raw) if path.suffix.lower() == ".gz" else raw
        while n > 0 and (part := file.read(min(n, 1 << 20))):
            total += part.count(b"\n")
            n -= len(part)
    return total


def first_bytes(path: Path, n: int) -> bytes:
    """Return the first bytes of a file, unpacked when it is ``.gz``."""
    with path.open("rb") as raw:
        try:
            return (
                gzip.GzipFile(fileobj=raw).read(n) if path.suffix.lower() == ".gz" else raw.read(n)
            )
        except (EOFError, OSError, zlib.error) as error:
            raise _broken(path, error) from None


def check_not_both(feed: Feed) -> None:
    """Raise when a short file read as UTF-8 says something else, just as validly, in CP949.

    Every Hangul syllable takes three bytes in UTF-8, while CP949 text that happens to be valid UTF-8 comes
    out as letters of two bytes; so only a file with few such letters and no other is in doubt.
    """
    if feed.wide or not 0 < feed.n_letters < _FEW_LETTERS or feed.path.stat().st_size > _SHORT_FILE:
        return
    raw = first_bytes(feed.path, 64 * _SHORT_FILE)
    try:
        korean, other = raw.decode("cp949"), raw.decode("utf-8")
    except UnicodeDecodeError:
        return
    if korean == other:
        return
    place = next(i for i, (a, b) in enumerate(zip(korean, other, strict=False)) if a != b)
    line = other.count("\n", 0, place) + 1
    raise Unreadable(
        Problem(
            feed.path.name,
            Text(
                f"글자 '{other[place]}'(UTF-8)와 '{korean[place]}'(CP949) 가운데 어느 것인지 알 수 없습니다",
                f"the letter is '{other[place]}' in UTF-8 and '{korean[place]}' in CP949, both valid",
            ),
            Text(
                'shop.toml에 encoding = "utf-8" 또는 encoding = "cp949"를 적으십시오.',
                'Write encoding = "utf-8" or encoding = "cp949" in shop.toml.',
            ),
            line=line,
            blocks=True,
        )
    )


def undecodable(file: str, found: list[tuple[str, Undecodable]]) -> Problem:
    """Say where the bytes stop making sense, by the encoding that came furthest."""
    mixed = [pair for pair in found if pair[1].mixed]
    name, error = max(mixed or found, key=lambda pair: pair[1].line)
    if mixed:
        rule = Text(
            "여기서 인코딩이 바뀝니다(한 파일에 UTF-8과 CP949가 섞여 있습니다)",
            "the encoding changes here (UTF-8 and CP949 in one file)",
        )
    else:
        tried = ", ".join(each.upper() for each, _ in found)
        rule = Text(
            f"글자로 읽을 수 없는 바이트가 있습니다({tried}로 읽어 봤습니다)",
            f"a byte is not text in {tried}",
        )
    do = Text(
        "파일을 하나의 인코딩(UTF-8)으로 다시 내보내거나 shop.toml에 encoding을 적으십시오.",
        "Export the file again in one encoding (UTF-8), or write its encoding in shop.toml.",
    )
    return Problem(file, rule, do, line=error.line, blocks=True)


def _nul(file: str, line: int) -> Problem:
    return Problem(
        file,
        Text("NUL 바이트(0)가 있습니다", "a NUL byte (0) stands in the text"),
        Text(
            '다시 내보내거나, UTF-16이면 shop.toml에 encoding = "utf-16-le"를 적으십시오.',
            'Export it again; if it is UTF-16, write encoding = "utf-16-le" in shop.toml.',
        ),
        line=line,
        blocks=True,
    )


def _bomb(file: str) -> Problem:
    return Problem(
        file,
        Text(
            f"압축을 풀면 {_RATIO}배 넘게 커집니다",
            f"the file grows more than {_RATIO}-fold when unpacked",
        ),
        Text(
            "믿을 수 있는 파일이면 압축을 풀어서 두십시오.", "If you trust it, unpack it yourself."
        ),
        blocks=True,
    )


def _broken(path: Path, error: Exception) -> Unreadable:
    if isinstance(error, OSError) and error.errno:
        raise error
    return Unreadable(
        Problem(
            path.name,
            Text(
                "압축 파일이 중간에 끊기거나 깨졌습니다", "the compressed file is cut off or broken"
            ),
            Text("다시 내려받으십시오.", "Download it again."),
            blocks=True,
        )
    )
