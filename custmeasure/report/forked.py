"""The zygote's own side: what it loads, and how one of its forks becomes a kernel.

Importing this module is the loading. Nothing it imports may leave a thread behind: a fork does not take
threads along.
"""

import contextlib
import json
import os
import signal
import socket
import traceback
from typing import NoReturn

import numpy as np
from ipykernel import kernelapp

import custmeasure
import custmeasure.notebook
from custmeasure.report.zygote import Kernel

for _name in custmeasure.__all__:  # most are loaded when first used
    getattr(custmeasure, _name)


def serve(fd: int) -> NoReturn:
    """Fork a kernel for every line of the socket ``fd``; end when it closes."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # kernels that end leave nothing behind
    kernels: list[Kernel] = []
    with socket.socket(fileno=fd) as link, link.makefile("rb") as lines:
        while said := lines.readline():
            try:
                pid = os.fork()
            except OSError as error:
                link.sendall(json.dumps({"errno": error.errno}).encode() + b"\n")
                continue
            if not pid:
                _be_kernel(fd, **json.loads(said))
            kernels.append(Kernel(pid))
            link.sendall(json.dumps({"pid": pid}).encode() + b"\n")
    for kernel in kernels:
        if kernel.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(kernel.pid, signal.SIGKILL)
    os._exit(0)


def _be_kernel(fd: int, argv: list[str], cwd: str, env: dict[str, str]) -> NoReturn:
    """Become the kernel: of the process it came from nothing is left but what that had loaded."""
    status = 1
    try:
        os.setsid()
        os.close(fd)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.environ.clear()
        os.environ.update(env)
        os.chdir(cwd)
        np.random.seed()  # noqa: NPY002 - else every kernel would draw the same numbers
        # The kernel ends when its parent does; ipykernel has read its variable for that already.
        kernelapp.launch_new_instance([*argv, f"--IPKernelApp.parent_handle={os.getppid()}"])
        status = 0
    except Exception:  # noqa: BLE001 - a kernel's log is all that can be told from here
        traceback.print_exc()
    finally:
        os._exit(status)
