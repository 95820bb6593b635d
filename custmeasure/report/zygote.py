"""A process that has loaded what every notebook needs, and forks kernels from itself.

Loading pandas, matplotlib and the rest takes a kernel longer than most notebooks do. Loaded once and
forked, a kernel is there at once and shares that memory. A kernel is still a process and a session of its
own, as one started afresh is. It needs pidfds (Linux); elsewhere each kernel loads by itself.

The two sides speak over a socket, one JSON line each way for a kernel; `forked` is the other side. When the
run is gone, however it ended, the socket closes, and the zygote ends with all its kernels.
"""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Self

AVAILABLE = hasattr(os, "pidfd_open") and sys.platform == "linux"

_PATIENCE = 60.0  # seconds a kernel may take to be there, loading included
# The folder the run was called from must not shadow a module; a kernel adds its own folder later.
_SERVE = (
    "import sys; sys.path[:] = filter(None, sys.path); "
    "from custmeasure.report.forked import serve; serve({})"
)
# matplotlib reads it when it is imported; ipykernel would set it, but too late for what is loaded already.
_INLINE = {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}


class Kernel:
    """A kernel that another process forked; of `subprocess.Popen` it has what jupyter_client uses.

    Attributes
    ----------
    pid
        Its process, its session and its group.
    """

    stdin = stdout = stderr = None

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None  # how it ended only its parent knows: -1 stands for that
        try:
            self._fd: int | None = os.pidfd_open(pid)
        except ProcessLookupError:
            self._fd, self.returncode = None, -1

    def poll(self) -> int | None:
        """Return None while it lives."""
        return self._ended(0.0)

    def wait(self, timeout: float | None = None) -> int | None:
        """Return when it is gone, or after ``timeout`` seconds."""
        return self._ended(timeout)

    def _ended(self, seconds: float | None) -> int | None:
        if self._fd is not None and select.select([self._fd], [], [], seconds)[0]:
            os.close(self._fd)
            self._fd, self.returncode = None, -1
        return self.returncode

    def send_signal(self, signum: int) -> None:
        """Send it a signal; a kernel that is gone gets none."""
        if self._fd is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._fd, signum)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


class Zygote:
    """The run's side: starts the process, asks it for kernels, and ends it.

    It loads while its owner does other things; the first kernel asked for waits until it has.
    """

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            fd = theirs.fileno()
            self._process = subprocess.Popen(
                [sys.executable, "-c", _SERVE.format(fd)],
                env=_INLINE | os.environ,
                stdin=subprocess.DEVNULL,
                pass_fds=[fd],
                start_new_session=True,
            )
        ours.settimeout(_PATIENCE)
        self._socket, self._lines = ours, ours.makefile("rb")
        self._one_at_a_time = threading.Lock()

    def fork(self, argv: Sequence[str], cwd: str, env: Mapping[str, str]) -> Kernel:
        """Return a new kernel.

        Parameters
        ----------
        argv
            Arguments of ipykernel's launcher.
        cwd, env
            The folder and the environment it runs in.

        Raises
        ------
        OSError
            When the process is gone, or none could be forked.
        """
        asked = json.dumps({"argv": list(argv), "cwd": cwd, "env": {**_INLINE, **env}})
        with self._one_at_a_time:
            self._socket.sendall(asked.encode() + b"\n")
            said = self._lines.readline()
        if not said:
            raise ConnectionResetError("The process that starts kernels has ended.")
        answer = json.loads(said)
        if "pid" not in answer:
            raise OSError(answer["errno"], os.strerror(answer["errno"]))
        return Kernel(answer["pid"])

    def close(self) -> None:
        """End the process, and with it every kernel that is left."""
        self._lines.close()
        self._socket.close()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def started_if_available() -> contextlib.AbstractContextManager[Zygote | None]:
    """Return one to use for a while, or None where the system has no such thing."""
    return Zygote() if AVAILABLE else contextlib.nullcontext()
