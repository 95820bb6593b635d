"""A notebook's kernel: started from this very environment, watched and ended from outside.

A limit inside a kernel can be ignored by what runs there; these are kept by the process that
started it, which ends the kernel and all its children.
"""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import zmq
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets import default

from custmeasure.report.failure import Failure
from custmeasure.report.zygote import Zygote

KERNEL = "python3"

# While the run reads the data, its kernels load what every notebook needs; no name is left behind.
_READY = "__import__('custmeasure.notebook')"


class OwnSpecs(KernelSpecManager):
    """Knows one kernel: this Python, whatever kernels the user has installed elsewhere."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Return the kernel of this environment, which keeps no history of what it ran."""
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        argv += ["--HistoryManager.hist_file=:memory:", f"--IPKernelApp.exec_lines={_READY}"]
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


class _Provisioner(LocalProvisioner):
    """Gives a kernel manager a kernel that a `Zygote` forked."""

    process: Any
    zygote: Zygote

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Fork the kernel that ``cmd`` would start: Python, ``-m``, the launcher, its arguments."""
        kernel = self.zygote.fork(cmd[3:], kwargs["cwd"], kwargs["env"])
        self.process = kernel
        self.pid = self.pgid = kernel.pid
        self.cwd = kwargs["cwd"]
        return self.connection_info


class Desk:
    """Where one notebook is worked on: its kernel, its clock and the cell it is at.

    Parameters
    ----------
    folder
        The kernel's current folder.
    zygote
        What forks the kernel; when not given, it starts and loads by itself.

    Attributes
    ----------
    manager
        Of the kernel.
    notebook
        The notebook as far as it has run, also after a failure.
    cell
        The number of the code cell it is at, as its author counts.
    ended_by
        Why the kernel was ended from outside, or None.
    """

    def __init__(self, folder: Path, zygote: Zygote | None = None) -> None:
        self.manager = OwnKernel(kernel_name=KERNEL)
        self.notebook: Any = None
        self.cell = 0
        self.ended_by: Failure | None = None
        self._folder, self._zygote = folder, zygote
        self._opened = self._closed = False
        self._lock = threading.Lock()
        self._known: Future[Any] | None = None
        self._started: float | None = None
        self._on_cell: Callable[[int, int], None] = _silent

    def open(self) -> None:
        """Start the kernel, once; not after the end."""
        with self._lock:
            if not self._opened and self.ended_by is None:
                self._opened = True
                asyncio.run(self._start())

    async def _start(self) -> None:
        if self._zygote:
            spec = self.manager.kernel_spec
            given = _Provisioner(kernel_spec=spec, parent=self.manager)
            given.zygote = self._zygote
            self.manager.provisioner = given
        await self.manager.start_kernel(cwd=str(self._folder))

    def sit(self, on_cell: Callable[[int, int], None]) -> None:
        """Begin: the clock runs from here, and ``on_cell`` is told each cell and how many there are."""
        self._started, self._on_cell = time.monotonic(), on_cell
        self.open()

    def begin_when(self, known: "Future[Any]") -> None:
        """Let the first cell wait for ``known``, and the clock too; the kernel loads meanwhile."""
        self._known, self._started = known, None
        known.add_done_callback(self._start_clock)

    def _start_clock(self, _: "Future[Any]") -> None:
        self._started = time.monotonic()

    def reach(self, cell: Any, cell_index: int) -> None:
        """Note that a cell is about to run."""
        if self._known is not None:
            self._known.result()
        if cell.cell_type == "code" and "injected-parameters" not in cell.metadata.tags:
            self.cell += 1
        self._on_cell(cell_index + 1, len(self.notebook.cells) if self.notebook else 0)

    @property
    def seconds(self) -> float:
        """Wall time since the notebook was taken up and what it waits for is there."""
        return 0.0 if self._started is None else time.monotonic() - self._started

    def end(self, why: Failure) -> None:
        """Kill the kernel with its children; none starts afterwards."""
        self.ended_by = self.ended_by or why
        with self._lock:
            process = None if self._closed else getattr(self.manager.provisioner, "process", None)
        if process is not None:
            _kill(process)

    def close(self) -> None:
        """Leave nothing behind: no process, no connection file."""
        with self._lock:
            if self._closed or not self._opened:
                return
            self._closed = True
        process = getattr(self.manager.provisioner, "process", None)
        if process is not None:
            _kill(process)
            process.wait()
        asyncio.run(self._clean())

    async def _clean(self) -> None:
        await self.manager.cleanup_resources()


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """Kill a kernel with its children; it leads a session of its own."""
    if sys.platform == "win32":
        process.kill()
        return
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()


def _silent(cell: int, cells: int) -> None:
    """Tell nobody."""
