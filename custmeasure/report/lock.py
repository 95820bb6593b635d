"""One run at a time for one date: a lock that the system releases when its holder dies."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from custmeasure.errors import Busy, EnvironmentProblem

if sys.platform == "win32":
    import msvcrt

    _FAR = (
        1 << 20
    )  # Windows locks bytes; these lie beyond the holder's number, which stays readable

    def _take(handle: int) -> None:
        os.lseek(handle, _FAR, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        os.lseek(handle, 0, os.SEEK_SET)
else:
    import fcntl

    def _take(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def held(path: Path, wait: float = 0) -> Iterator[None]:
    """Hold the lock file ``path`` while the block runs.

    Parameters
    ----------
    path
        The file; it is made when missing and never removed, for removing it would race.
    wait
        Seconds to wait for another holder.

    Raises
    ------
    Busy
        When another process holds it, with that process's number.
    EnvironmentProblem
        When the file cannot be opened or this file system cannot lock.
    """
    handle = _open(path)
    try:
        _wait_for(handle, path, wait)
        os.ftruncate(handle, 0)
        os.write(handle, str(os.getpid()).encode())
        yield
    finally:
        os.close(handle)


def _open(path: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, flags, 0o644)
    except OSError as error:
        raise EnvironmentProblem(
            ko=f"{path}을(를) 열 수 없습니다: {error.strerror}. 폴더의 쓰기 권한을 확인하십시오.",
            en=f"{path} cannot be opened: {error.strerror}. Check that the folder is writable.",
        ) from error


def _wait_for(handle: int, path: Path, wait: float) -> None:
    deadline = time.monotonic() + wait
    while True:
        try:
            return _take(handle)
        except (BlockingIOError, PermissionError):
            if time.monotonic() >= deadline:
                raise _busy(path) from None
        time.sleep(0.05)


def _busy(path: Path) -> Busy:
    pid = _holder(path)
    return Busy(
        ko=f"같은 날짜의 보고서를 다른 실행(프로세스 {pid})이 만들고 있습니다. 끝난 뒤 다시 하십시오.",
        en=f"Another run (process {pid}) is making the report of this date. Try again when it ends.",
    )


def _holder(path: Path) -> str:
    """Return the holder's number, which it writes just after it took the lock."""
    for _ in range(20):
        text = path.read_text("ascii", "replace")
        if text.isdigit():
            return text
        time.sleep(0.025)
    return "?"
