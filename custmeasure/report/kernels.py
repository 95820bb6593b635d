"""A notebook's kernel: started from this very environment, watched and ended from outside.

A limit inside a kernel can be ignored by what runs there; these are kept by the process that
started it, which ends the kernel and all its children.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import zmq
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager, KernelManager
from jupyter_core.utils import ensure_event_loop
from nbformat import NotebookNode
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines
from papermill.log import logger
from traitlets import default

from custmeasure.report.failure import Failure

ENGINE = "custmeasure"
KERNEL = "python3"
# While the run reads the data, its kernels load what every notebook needs; no name is left behind.
_READY = "__import__('custmeasure.notebook')"


class OwnSpecs(KernelSpecManager):
    """Knows one kernel: this Python, whatever kernels the user has installed elsewhere."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Return the kernel of this environment."""
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        argv.append(f"--IPKernelApp.exec_lines={_READY}")
        metadata = {"supported_encryption": "curve"}
        return KernelSpec(argv=argv, display_name=kernel_name, language="python", metadata=metadata)


class OwnKernel(AsyncKernelManager):
    """Manages one kernel of this environment."""

    @default("transport_encryption")
    def _encrypted(self) -> str:
        return "auto" if zmq.has("curve") else "disabled"

    @default("kernel_spec_manager")
    def _own_specs(self) -> KernelSpecManager:
        return OwnSpecs()


class Desk:
    """Where one notebook is worked on: its kernel, its clock and the cell it is at.

    Attributes
    ----------
    notebook
        The notebook as far as it has run, also after a failure.
    cell
        The number of the code cell it is at, as its author counts.
    ended_by
        Why the kernel was ended from outside, or None.
    """

    def __init__(self, on_cell: Callable[[int, int], None]) -> None:
        self.notebook: NotebookNode | None = None
        self.cell = 0
        self.ended_by: Failure | None = None
        self._manager: KernelManager | None = None
        self._known: Future[Any] | None = None
        self._started = time.monotonic()
        self._on_cell = on_cell

    def begin_when(self, known: "Future[Any]") -> None:
        """Let the first cell wait for ``known``; the kernel starts meanwhile."""
        self._known = known

    def sit(self, notebook: NotebookNode, manager: KernelManager) -> None:
        """Take the notebook and the kernel that will run it."""
        self.notebook, self._manager = notebook, manager

    def reach(self, cell: NotebookNode, cell_index: int) -> None:
        """Note that a cell is about to run."""
        if self._known is not None:
            self._known.result()
        if cell.cell_type == "code" and "injected-parameters" not in cell.metadata.tags:
            self.cell += 1
        self._on_cell(cell_index + 1, len(self.notebook.cells) if self.notebook else 0)

    @property
    def seconds(self) -> float:
        """Wall time since the notebook was taken up."""
        return time.monotonic() - self._started

    def end(self, why: Failure) -> None:
        """Kill the kernel with its children; said again, it kills one that started since."""
        self.ended_by = self.ended_by or why
        process = getattr(getattr(self._manager, "provisioner", None), "process", None)
        if process is None:
            return
        if sys.platform == "win32":
            process.kill()
            return
        try:
            os.killpg(process.pid, signal.SIGKILL)  # a kernel leads its own session
        except (ProcessLookupError, PermissionError):
            process.kill()


class DeskEngine(NBClientEngine):  # type: ignore[misc]
    """papermill's own engine, which also hands the kernel to a `Desk`."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: NotebookExecutionManager, kernel_name: str, **options: Any
    ) -> None:
        """Run the cells; ``options`` carries ``desk``, ``resources`` and ``cell_timeout``."""
        desk = options["desk"]
        client = PapermillNotebookClient(
            nb_man,
            kernel_name=kernel_name,
            kernel_manager_class=OwnKernel,
            timeout=options["cell_timeout"],
            startup_timeout=60,
            shutdown_kernel="immediate",
            resources=options["resources"],
            on_cell_start=desk.reach,
            log=logger,
        )
        desk.sit(nb_man.nb, client.create_kernel_manager())
        try:
            client.execute()
        finally:
            ensure_event_loop().close()  # each thread has its own, and nothing else closes it


papermill_engines.register(ENGINE, DeskEngine)
