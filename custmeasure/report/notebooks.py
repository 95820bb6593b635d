"""Which notebooks a shop's report is made of, and the cells of each that one language keeps."""

import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import custmeasure
from custmeasure.errors import UnknownName, UsageError
from custmeasure.language import LANGUAGES, Lang
from custmeasure.report.names import check_name
from custmeasure.report.parameters import Parameter, read_parameters

_PACKAGE = Path(custmeasure.__file__).resolve().parent


@dataclass(frozen=True)
class Notebook:
    """A notebook file: its name, where it lies, its content and its parameters."""

    name: str
    path: Path
    content: Mapping[str, Any]
    parameters: Mapping[str, Parameter]


def own_notebooks() -> Path:
    """Return the folder of the project's own notebooks: in the wheel, or beside the package."""
    bundled = _PACKAGE / "_notebooks"
    return bundled if bundled.is_dir() else _PACKAGE.parent / "notebooks"


def notebook_folder(shop_folder: Path) -> Path:
    """Return the folder a shop's notebooks are in: its own if it has one, else the project's."""
    own = shop_folder / "notebooks"
    return own if own.is_dir() else own_notebooks()


def find_notebooks(shop_folder: Path) -> dict[str, Path]:
    """Return the notebooks of a shop by name (the file's stem), in the order of their folders.

    Raises
    ------
    UsageError
        When there is none, when two share a name, or a name cannot name a report.
    """
    folder = notebook_folder(shop_folder)
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*.ipynb")):
        if any(part.startswith(".") for part in path.relative_to(folder).parts):
            continue
        name = check_name(unicodedata.normalize("NFC", path.stem))
        if name in found:
            raise _twice(name, found[name].relative_to(folder), path.relative_to(folder))
        found[name] = path
    if not found:
        raise UsageError(
            ko=f"{folder}에 노트북이 없습니다. custmeasure init으로 새 가게 폴더를 만들 수 있습니다.",
            en=f"There is no notebook in {folder}. custmeasure init makes a new shop folder.",
        )
    return found


def _twice(name: str, first: Path, second: Path) -> UsageError:
    return UsageError(
        ko=f"노트북 이름 {name!r}이(가) 둘입니다: {first}, {second}. 하나의 이름을 바꿔 주세요.",
        en=f"Two notebooks are called {name!r}: {first} and {second}. Rename one of them.",
    )


def select(found: Mapping[str, Path], only: Sequence[str]) -> dict[str, Path]:
    """Return the notebooks named in ``only``; all when it is empty.

    Raises
    ------
    UnknownName
        With the nearest notebook.
    """
    for name in only:
        if name not in found:
            raise UnknownName("notebook", name, list(found))
    return {name: path for name, path in found.items() if not only or name in only}


def load(name: str, path: Path) -> Notebook:
    """Read a notebook and its parameters cell.

    Raises
    ------
    UsageError
        When the file is not a notebook (format 4), has no parameters cell or a broken one.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
        cells = content["cells"]
        sources = [text_of(cell) for cell in cells if "parameters" in tags_of(cell)]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            ko=f"{path.name}: 노트북 파일이 아닙니다. JupyterLab에서 다시 저장해 주세요.",
            en=f"{path.name} is not a notebook. Save it again from JupyterLab.",
        ) from error
    if len(sources) != 1:
        raise UsageError(
            ko=f"{path.name}: 'parameters' 태그가 붙은 셀이 {len(sources)}개입니다. 하나여야 합니다.",
            en=f"{path.name} has {len(sources)} cells tagged 'parameters'. It needs exactly one.",
        )
    return Notebook(name, path, content, read_parameters(sources[0], name))


def text_of(cell: Mapping[str, Any]) -> str:
    """Return a cell's source, which the file may keep as text or as lines."""
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def tags_of(cell: Mapping[str, Any]) -> list[str]:
    """Return a cell's tags."""
    return list(cell.get("metadata", {}).get("tags", []))


def in_language(content: Mapping[str, Any], lang: Lang) -> dict[str, Any]:
    """Return the notebook without the cells of the other language."""
    others = set(LANGUAGES) - {lang}
    kept = [cell for cell in content["cells"] if not others & set(tags_of(cell))]
    return {**content, "cells": kept}
