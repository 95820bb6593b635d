"""What a notebook can be asked: its ``parameters`` cell, read without running it.

The cell is the notebook's interface: one annotated assignment a line, with a comment as help, of the
plain types str, int, float, bool and list (of str). Values given on the command line are taken
literally, as the declared type says: ``00123`` for a str stays ``00123``.
"""

import ast
import io
import json
import math
import re
import tokenize
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from custmeasure.errors import UnknownName, UsageError

KIND_NAMES = ("str", "int", "float", "bool", "list")
Value = str | int | float | bool | list[str]

RESERVED = ("shop_folder", "date", "lang")  # set by the run itself, from --date and --lang

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_INT = re.compile(r"-?[0-9]{1,18}")
_FLOAT = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")
_TYPES: dict[str, type] = {"str": str, "int": int, "float": float, "bool": bool, "list": list}
_EXAMPLES = {"int": "30", "float": "0.05", "bool": "true", "list": "view,cart,buy", "str": "text"}


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell: its name, declared type, default and help."""

    name: str
    kind: str
    default: Value
    help: str


def read_parameters(source: str, notebook: str) -> dict[str, Parameter]:
    """Return the parameters that the cell ``source`` declares, in its order.

    Parameters
    ----------
    source
        The text of the cell tagged ``parameters``.
    notebook
        The notebook's name, for the error.

    Raises
    ------
    UsageError
        When a line is anything but ``name: type = value  # help`` with a plain type.
    """
    try:
        statements = ast.parse(source).body
        comments = _comments(source)
    except (SyntaxError, ValueError, tokenize.TokenError) as error:
        raise _bad_cell(notebook, getattr(error, "lineno", None) or 1, source) from None
    found: dict[str, Parameter] = {}
    for statement in statements:
        parameter = _read_line(statement, comments.get(statement.end_lineno or 0, ""))
        if parameter is None or parameter.name in found:
            raise _bad_cell(notebook, statement.lineno, source)
        found[parameter.name] = parameter
    return found


def _comments(source: str) -> dict[int, str]:
    """Return the comment on each line, by line number."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {t.start[0]: t.string.lstrip("# ") for t in tokens if t.type == tokenize.COMMENT}


def _read_line(line: ast.stmt, comment: str) -> Parameter | None:
    """Return the parameter a statement declares, or None when it breaks the rule."""
    if not (isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and line.value):
        return None
    kind = line.annotation.id if isinstance(line.annotation, ast.Name) else ""
    try:
        default = ast.literal_eval(line.value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    if line.lineno != line.end_lineno or not _NAME.fullmatch(line.target.id):
        return None
    return Parameter(line.target.id, kind, default, comment) if _is_a(default, kind) else None


def _is_a(value: object, kind: str) -> bool:
    """Say whether ``value`` is exactly of the declared type."""
    if kind not in _TYPES or type(value) is not _TYPES[kind]:
        return False
    if isinstance(value, float):
        return math.isfinite(value)
    return not isinstance(value, list) or all(type(item) is str for item in value)


def _bad_cell(notebook: str, line: int, source: str) -> UsageError:
    lines = source.splitlines() or [""]
    text = lines[min(line, len(lines)) - 1].strip()
    return UsageError(
        ko=f"{notebook}: 매개변수 셀 {line}행 {text!r}을(를) 읽을 수 없습니다. 한 줄에 하나씩 "
        f'window: str = "7d"  # 설명 처럼 적어 주세요. 형식은 {", ".join(KIND_NAMES)}입니다.',
        en=f"{notebook}: line {line} of the parameters cell, {text!r}, cannot be read. Write one a "
        f'line, such as window: str = "7d"  # help. The types are {", ".join(KIND_NAMES)}.',
    )


def parse_pairs(pairs: Sequence[str]) -> dict[str, str]:
    """Split ``name=value`` texts from the command line.

    Raises
    ------
    UsageError
        For a text without ``=``, a name that is not a plain name, or a name given twice.
    """
    given: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not _NAME.fullmatch(name):
            raise UsageError(
                ko=f"-p {pair!r}: 이름=값으로 적어 주세요. 예: -p window=7d",
                en=f"-p {pair!r} is not name=value. Write it like -p window=7d.",
            )
        if name in given:
            raise UsageError(
                ko=f"-p {name}: 두 번 적혀 있습니다. 하나만 남겨 주세요.",
                en=f"-p {name} is given twice. Keep one of them.",
            )
        given[name] = value
    return given


def assign(
    given: Mapping[str, object], notebooks: Mapping[str, Mapping[str, Parameter]]
) -> dict[str, dict[str, Value]]:
    """Return, for each notebook, the given values of the parameters it has.

    Parameters
    ----------
    given
        Values by parameter name: text, converted by the declared type, or a value of that type.
    notebooks
        The parameters of each selected notebook.

    Raises
    ------
    UnknownName
        When no selected notebook has the parameter.
    UsageError
        When a value is not of the declared type, or the run itself sets the parameter.
    """
    known = {name for declared in notebooks.values() for name in declared}
    for name in given:
        if name in RESERVED:
            raise _reserved(name)
        if name not in known:
            raise UnknownName("parameter", name, sorted(known - set(RESERVED)))
    return {
        notebook: {
            name: convert(declared[name], value)
            for name, value in given.items()
            if name in declared
        }
        for notebook, declared in notebooks.items()
    }


def _reserved(name: str) -> UsageError:
    ko = (
        "가게 폴더를 명령 뒤에 적어 주세요."
        if name == "shop_folder"
        else f"--{name}(으)로 적어 주세요."
    )
    en = "Name the shop's folder after the command." if name == "shop_folder" else f"Use --{name}."
    return UsageError(
        ko=f"매개변수 {name!r}은(는) 실행할 때 정해집니다. {ko}",
        en=f"The parameter {name!r} is set by the run itself. {en}",
    )


def convert(parameter: Parameter, value: object) -> Value:
    """Return ``value`` as the declared type of ``parameter``; nothing is guessed from its look.

    Raises
    ------
    UsageError
        When the text does not write a value of that type.
    """
    if _is_a(value, parameter.kind):
        return value  # type: ignore[return-value]
    converted = _READERS[parameter.kind](value) if isinstance(value, str) else None
    if converted is None:
        example = _EXAMPLES[parameter.kind]
        raise UsageError(
            ko=f"매개변수 {parameter.name} 값 {value!r}은(는) {parameter.kind} 형식이 아닙니다. "
            f"{example}처럼 적어 주세요.",
            en=f"The parameter {parameter.name} is {parameter.kind}: {value!r} is not. "
            f"Write it like {example}.",
        )
    return converted


def _read_int(text: str) -> int | None:
    return int(text) if _INT.fullmatch(text) else None


def _read_float(text: str) -> float | None:
    number = float(text) if _FLOAT.fullmatch(text) else math.nan
    return number if math.isfinite(number) else None


def _read_bool(text: str) -> bool | None:
    return {"true": True, "false": False}.get(text)


def _read_list(text: str) -> list[str] | None:
    """Read ``["a", "b"]`` or ``a,b``; an empty text is an empty list."""
    if not text.lstrip().startswith("["):
        items = [part.strip() for part in text.split(",")] if text.strip() else []
        return items if all(items) else None
    try:
        items = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return items if _is_a(items, "list") else None


_READERS: dict[str, Callable[[str], Value | None]] = {
    "str": str,
    "int": _read_int,
    "float": _read_float,
    "bool": _read_bool,
    "list": _read_list,
}
