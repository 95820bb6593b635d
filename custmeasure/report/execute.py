"""One notebook in one language, from its file to its executed cells or the reason it failed."""

import logging
from collections.abc import Mapping

import nbformat
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbformat.notebooknode import from_dict
from nbformat.validator import normalize
from papermill.exceptions import PapermillExecutionError
from papermill.execute import execute_notebook

from custmeasure.language import Lang
from custmeasure.report.desk import KERNEL, Desk
from custmeasure.report.executed import Executed
from custmeasure.report.failure import Failure, from_output
from custmeasure.report.kernels import ENGINE
from custmeasure.report.notebooks import Notebook, in_language
from custmeasure.report.parameters import Value
from custmeasure.report.signoff import read_sign_off


def execute(
    notebook: Notebook, lang: Lang, values: Mapping[str, Value], desk: Desk, cell_timeout: int
) -> Executed:
    """Run a notebook from top to bottom in a kernel of its own.

    Parameters
    ----------
    notebook
        What to run; the file is not changed, and outputs saved in it are not used.
    lang
        The language whose prose stays.
    values
        Every parameter the run sets.
    desk
        Where the kernel can be watched and ended.
    cell_timeout
        Seconds one cell may take.
    """
    logging.getLogger("papermill").setLevel(logging.CRITICAL)
    node = from_dict(in_language(notebook.content, lang))  # type: ignore[no-untyped-call]
    _, node = normalize(node)  # a cell without an id gets one
    try:
        execute_notebook(
            node,
            None,
            dict(values),
            engine_name=ENGINE,
            kernel_name=KERNEL,
            language="python",
            progress_bar=False,
            desk=desk,
            cell_timeout=cell_timeout,
            resources={"metadata": {"path": str(notebook.path.parent)}},
        )
    except Exception as error:  # noqa: BLE001 - whatever happens in a notebook is its failure
        return Executed(desk.notebook, _failure(error, desk, cell_timeout), desk.seconds)
    cells = desk.notebook.cells if desk.notebook else []
    return Executed(desk.notebook, read_sign_off(cells), desk.seconds)


def _failure(error: Exception, desk: Desk, cell_timeout: int) -> Failure:
    """Return what an exception of papermill or nbclient means."""
    if desk.ended_by:
        return desk.ended_by
    if isinstance(error, PapermillExecutionError):
        return from_output(error.ename, error.evalue, desk.cell, error.traceback)
    if isinstance(error, CellTimeoutError):
        return Failure(
            ko=f"코드 셀 {desk.cell}이(가) {cell_timeout}초 안에 끝나지 않아 멈췄습니다.",
            en=f"Code cell {desk.cell} did not end within {cell_timeout} s and was stopped.",
        )
    if isinstance(error, DeadKernelError):
        return Failure(
            ko=f"코드 셀 {desk.cell}에서 커널이 죽었습니다. 메모리가 모자랐을 수 있습니다.",
            en=f"The kernel died in cell {desk.cell}, likely memory.",
        )
    return Failure(
        ko=f"노트북을 실행하지 못했습니다 ({type(error).__name__}).",
        en=f"The notebook could not be run ({type(error).__name__}).",
        detail=str(error),
    )


def as_text(notebook: NotebookNode) -> str:
    """Return a notebook as the text of its file."""
    return str(nbformat.writes(notebook))  # type: ignore[no-untyped-call]
