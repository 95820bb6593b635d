"""What a reader should know of how files were read: encodings, zones, spellings, repeated rows."""

import unicodedata
from collections.abc import Iterator, Sequence

from custmeasure.shop.privacy import redact
from custmeasure.shop.reader.duplicates import Sifted
from custmeasure.shop.reader.gather import Part
from custmeasure.shop.reader.keys import visible
from custmeasure.shop.reader.problems import counted
from custmeasure.shop.reader.spec import Spec
from custmeasure.show.words import Text

_LISTED = 5


def notes_of(parts: Sequence[Part], sifted: Sifted, spec: Spec) -> tuple[Text, ...]:
    """Return the notes of a table, in the order in which its files were read."""
    notes = [note for part in parts for note in (*_encoding(part), *part.notes)]
    notes += [note for name in spec.read_columns for note in _clock(name, parts, spec)]
    notes += [note for name in spec.read_columns for note in _spellings(name, parts, spec)]
    return (*notes, *_repeated(sifted, spec))


def _encoding(part: Part) -> Iterator[Text]:
    if part.encoding not in (None, "utf-8"):
        name = str(part.encoding).upper()
        yield Text(f"{part.file}: {name}로 읽었습니다.", f"{part.file}: read as {name}.")


def _clock(name: str, parts: Sequence[Part], spec: Spec) -> Iterator[Text]:
    clocks = [part.clocks[name] for part in parts if name in part.clocks]
    n_naive = sum(clock.n_naive for clock in clocks)
    n_aware = sum(clock.n_aware for clock in clocks)
    n_gap = sum(clock.n_gap for clock in clocks)
    n_fold = sum(clock.n_fold for clock in clocks)
    column = visible(spec.columns[name])
    if n_naive and n_aware:
        yield Text(
            f"'{column}' 열: 시간대가 있는 시각 {n_aware:,}개는 그대로 바꾸고, 없는 {n_naive:,}개는 "
            f"{spec.timezone} 시각으로 읽었습니다.",
            f'Column "{column}": {counted(n_aware, "time")} with a time zone converted, {n_naive:,} without '
            f"one read as {spec.timezone}.",
        )
    if n_gap:
        yield Text(
            f"'{column}' 열: 시계를 앞당길 때 건너뛴 시각 {n_gap:,}개는 그만큼 뒤로 읽었습니다"
            "(02:30 → 03:30).",
            f'Column "{column}": {counted(n_gap, "time")} that the clocks skipped in spring, read one gap '
            "later (02:30 as 03:30).",
        )
    if n_fold:
        yield Text(
            f"'{column}' 열: 시계를 늦출 때 두 번 있는 시각 {n_fold:,}개는 먼저 온 시각으로 읽었습니다.",
            f'Column "{column}": {counted(n_fold, "time")} that the clocks showed twice in autumn, read as '
            "the first.",
        )


def _spellings(name: str, parts: Sequence[Part], spec: Spec) -> Iterator[Text]:
    pairs = {p: None for part in parts for p in part.spellings.get(name, {}).items()}
    if not pairs:
        return
    column = visible(spec.columns[name])
    shown = [
        f"'{_seen(redact(old))}' → '{visible(redact(new))}'" for old, new in list(pairs)[:_LISTED]
    ]
    more = f" (+{len(pairs) - _LISTED})" if len(pairs) > _LISTED else ""
    listed = "" if spec.columns[name] in spec.hidden else f": {', '.join(shown)}{more}"
    yield Text(
        f"'{column}' 열: 보이지 않는 글자나 공백만 다른 표기 {len(pairs):,}개를 하나로 합쳤습니다{listed}.",
        f'Column "{column}": {counted(len(pairs), "spelling")} with invisible differences, read as the '
        f"plain one{listed}.",
    )


def _seen(text: str) -> str:
    """Return a spelling with what cannot be seen spelled out."""
    return visible(text) + ("" if unicodedata.is_normalized("NFC", text) else " (NFD)")


def _repeated(sifted: Sifted, spec: Spec) -> Iterator[Text]:
    n = sum(sifted.n_duplicate)
    if not n:
        return
    key = visible(spec.columns[str(spec.key)])
    newer_ko = (
        f" 그중 {sifted.n_newer:,}개는 뒤 파일의 값이 달라 그 값을 썼습니다."
        if sifted.n_newer
        else ""
    )
    newer_en = (
        f" For {counted(sifted.n_newer, 'key')} the later file says something else, and that was used."
        if sifted.n_newer
        else ""
    )
    yield Text(
        f"'{key}'이(가) 같은 행 {n:,}개를 한 번만 세었습니다.{newer_ko}",
        f'{counted(n, "row")} whose "{key}" came before, counted once.{newer_en}',
    )
