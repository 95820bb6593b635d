"""Column names: all there, all different; and the row counts at which a spreadsheet was cut off."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from custmeasure.errors import nearest
from custmeasure.shop.contract import TABLES
from custmeasure.shop.reader.encoding import Unreadable
from custmeasure.shop.reader.keys import normal, visible
from custmeasure.shop.reader.problems import Problem
from custmeasure.show.words import Text

if TYPE_CHECKING:
    from custmeasure.shop.reader.gather import Gather

ROW_LIMITS = {65_536: "xls", 1_048_576: "xlsx"}


def checked_header(
    file: str, names: Sequence[str], line: int | None = None, sheet: str | None = None
) -> tuple[str, ...]:
    """Return the column names of a file.

    Raises
    ------
    Unreadable
        When a name is missing or stands twice, spaces not counted.
    """
    plain = [normal(name) for name in names]
    place = f"{sheet}!" if sheet else None
    for i, name in enumerate(plain):
        if not name:
            raise Unreadable(_unnamed(file, i, line, place))
        if name in plain[:i]:
            raise Unreadable(_twice(file, name, plain.index(name), i, line, place))
    return tuple(names)


def check_present(gather: "Gather") -> None:
    """Note which columns of the spec a file lacks: those of the contract block, others stay empty."""
    spec = gather.spec
    contract = {column.name for column in TABLES.get(spec.table, ())} | {spec.key}
    lacking = [(n, old) for n, old in spec.read_columns.items() if old not in gather.header]
    for name, old in lacking:
        if name in contract:
            near = nearest(old, gather.header)
            hint_ko = f" '{visible(near)}' 열인지 확인하십시오." if near else ""
            hint_en = f' Is it "{visible(near)}"?' if near else ""
            gather.block(
                Text("열이 없습니다", "the column is missing"),
                Text(
                    f"다른 파일에는 있습니다. 같은 열로 내보내십시오.{hint_ko}",
                    f"Export it with the same columns as the other files.{hint_en}",
                ),
                column=old,
            )
    extra = [old for name, old in lacking if name not in contract]
    if extra:
        names = ", ".join(map(visible, extra))
        gather.notes.append(
            Text(
                f"{gather.file}: {names} 열이 없어 비워 두었습니다.",
                f"{gather.file}: it lacks {names}; they stay empty.",
            )
        )


def cut_at_limit(gather: "Gather", n_rows: int, sheet: str | None = None) -> None:
    """Block a file that ends exactly where a spreadsheet format ends."""
    if n_rows not in ROW_LIMITS:
        return
    gather.block(
        Text(
            f"행 수가 {ROW_LIMITS[n_rows]} 형식의 한계({n_rows:,})와 같아 뒤가 잘렸을 수 있습니다",
            f"the row count equals the limit of {ROW_LIMITS[n_rows]} ({n_rows:,}); data may be cut off",
        ),
        Text(
            "기간을 나누어 여러 파일로 다시 내보내십시오.",
            "Export again in several files of shorter periods.",
        ),
        cell=sheet,
    )


def _unnamed(file: str, i: int, line: int | None, place: str | None) -> Problem:
    return Problem(
        file,
        Text(f"{i + 1}번째 열에 이름이 없습니다", f"column {i + 1} has no name"),
        Text("머리글에 이름을 적으십시오.", "Write its name into the header."),
        line=line,
        cell=place and place.rstrip("!"),
        blocks=True,
    )


def _twice(
    file: str, name: str, first: int, second: int, line: int | None, place: str | None
) -> Problem:
    return Problem(
        file,
        Text(
            f"이름이 같은 열이 {first + 1}번째와 {second + 1}번째에 있습니다",
            f"two columns have this name, number {first + 1} and number {second + 1}",
        ),
        Text("한쪽의 이름을 바꾸십시오.", "Rename one of them."),
        line=line,
        column=name,
        cell=place and place.rstrip("!"),
        blocks=True,
    )
