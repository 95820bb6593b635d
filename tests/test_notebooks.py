"""Every notebook keeps the skeleton, reads as an essay, runs top to bottom and repeats itself."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import papermill
import pytest

REPO = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((REPO / "notebooks").rglob("*.ipynb"))
SAMPLE = REPO / "data" / "sample"
LANGUAGES = ("ko", "en")

SECTIONS = {
    "ko": [
        "무엇을 세나요", "자료 점검", "결과", "어디가 가장 나쁜가요", "얼마나 확실한가요",
        "이 보고서가 말하지 못하는 것", "결정", "이 숫자의 출처",
    ],
    "en": [
        "What is counted", "Data check", "Result", "Where is it worst", "How sure are we",
        "What this cannot tell", "Decision", "Where these numbers come from",
    ],
}  # fmt: skip
PLAIN_TYPES = {"str", "int", "float", "bool", "list"}
SHAPING = {
    "groupby",
    "merge",
    "pivot",
    "pivot_table",
    "query",
    "eval",
    "apply",
    "melt",
    "join",
    "sql",
}

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
each_language = pytest.mark.parametrize("lang", LANGUAGES)


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def tags(cell: nbformat.NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def prose(path: Path, lang: str) -> list[str]:
    return [c.source for c in read(path).cells if c.cell_type == "markdown" and lang in tags(c)]


def code(path: Path) -> list[nbformat.NotebookNode]:
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def lines(source: str) -> list[str]:
    return [
        line for line in source.splitlines() if line.strip() and not line.strip().startswith("#")
    ]


def test_there_are_notebooks():
    assert {path.stem for path in NOTEBOOKS} >= {"funnel", "retention", "copy_test"}


@each_notebook
def test_committed_without_outputs(path):  # F22
    assert all(not cell.outputs and cell.execution_count is None for cell in code(path))


@each_notebook
@each_language
def test_sections_stand_in_order(path, lang):
    heads = [
        line for text in prose(path, lang) for line in text.splitlines() if line.startswith("#")
    ]
    assert heads[0].startswith("# ")
    assert heads[0].endswith("?")
    sections = [
        head for head in heads[1:] if not head.startswith("### ")
    ]  # a section may have parts
    assert [head.removeprefix("## ") for head in sections] == SECTIONS[lang]


@each_notebook
def test_both_languages_have_the_same_heads(path):
    levels = [
        [
            line.split(" ")[0]
            for text in prose(path, lang)
            for line in text.splitlines()
            if line[:1] == "#"
        ]
        for lang in LANGUAGES
    ]
    assert levels[0] == levels[1]


@each_notebook
def test_prose_comes_in_pairs(path):
    markdown = [cell for cell in read(path).cells if cell.cell_type == "markdown"]
    assert [tags(cell) for cell in markdown] == [["ko"], ["en"]] * (len(markdown) // 2)
    cells = read(path).cells
    for i, cell in enumerate(cells):
        if tags(cell) == ["ko"]:
            assert tags(cells[i + 1]) == ["en"]


@each_notebook
@each_language
def test_more_prose_than_code(path, lang):
    words = sum(len(text.split()) for text in prose(path, lang))
    n_code = sum(len(lines(c.source)) for c in code(path) if "parameters" not in tags(c))
    assert words >= 8 * n_code


@each_notebook
@each_language
def test_prose_holds_no_typed_number(path, lang):
    assert not [text for text in prose(path, lang) if re.search(r"\d", text.replace("0", ""))]


@each_notebook
def test_code_is_short_and_only_asks(path):
    for cell in code(path):
        assert len(cell.source.splitlines()) <= 12
        for node in ast.walk(ast.parse(cell.source)):
            assert not isinstance(
                node,
                ast.FunctionDef
                | ast.For
                | ast.While
                | ast.Lambda
                | ast.ListComp
                | ast.ClassDef
                | ast.If,
            )
            assert not (isinstance(node, ast.Attribute) and node.attr in SHAPING), ast.unparse(node)


@each_notebook
def test_parameters_are_the_interface(path):
    (cell,) = [cell for cell in code(path) if "parameters" in tags(cell)]
    statements = ast.parse(cell.source).body
    assert len(statements) == len(cell.source.splitlines())
    for statement, line in zip(statements, cell.source.splitlines(), strict=True):
        assert isinstance(statement, ast.AnnAssign)
        assert ast.unparse(statement.annotation) in PLAIN_TYPES
        assert re.fullmatch(r"[a-z][a-z0-9_]*", ast.unparse(statement.target))
        assert re.search(r"  # \w.{4,}", line)
    assert [s.target.id for s in statements][:3] == ["shop_folder", "date", "lang"]


@each_notebook
def test_papermill_sees_every_parameter_and_its_help(path):
    (cell,) = [cell for cell in code(path) if "parameters" in tags(cell)]
    seen = papermill.inspect_notebook(str(path))
    assert list(seen) == [s.target.id for s in ast.parse(cell.source).body]
    assert all(parameter["help"] for parameter in seen.values())


@each_notebook
def test_last_cell_signs_off(path):
    last = read(path).cells[-1]
    assert last.cell_type == "code"
    assert last.source.startswith("cm.sign_off(shop, ")


@each_notebook
@each_language
def test_runs_top_to_bottom_and_says_the_same_again(path, lang, tmp_path):
    """Run the notebook, keep its outputs, and let nbval run it once more and compare."""
    kept = tmp_path / path.name
    papermill.execute_notebook(
        str(path),
        str(kept),
        parameters={"shop_folder": str(SAMPLE), "lang": lang},
        progress_bar=False,
    )
    notebook = nbformat.read(kept, as_version=4)
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))
    checked = [cell for cell in notebook.cells if "cm-result" in str(cell.get("outputs"))]
    assert len(checked) >= 2
    for cell in checked:
        cell.metadata["tags"] = [*tags(cell), "nbval-check-output"]
    nbformat.write(notebook, kept)
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval-lax", "-q", "-p", "no:cacheprovider", str(kept)],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-3000:]
    assert f"{len(counts)} passed" in run.stdout
