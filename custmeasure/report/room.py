"""The folder in which a run keeps its data for its kernels; what killed runs left of theirs goes."""

import contextlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from custmeasure.errors import Busy, EnvironmentProblem
from custmeasure.report.lock import held

_PREFIX, _LOCK = "custmeasure-run-", "in-use"
_YOUNG = 3600  # seconds in which nobody asks whether a folder is still in use


@contextlib.contextmanager
def room_for_data() -> Iterator[Path]:
    """Make a folder that nobody else may enter, for as long as the block runs.

    A run that is killed cannot take its data away; the next one does.
    """
    _clear_left_behind(Path(tempfile.gettempdir()))
    made = tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True)
    with made as folder, held(Path(folder) / _LOCK):
        yield Path(folder)


def _clear_left_behind(where: Path) -> None:
    """Remove this user's folders that no run holds any more."""
    for folder in where.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError, Busy, EnvironmentProblem):
            if _is_old_and_ours(folder) and (folder / _LOCK).is_file():
                with held(folder / _LOCK):
                    shutil.rmtree(folder, ignore_errors=True)


def _is_old_and_ours(folder: Path) -> bool:
    seen = folder.lstat()
    ours = not hasattr(os, "getuid") or seen.st_uid == os.getuid()
    return stat.S_ISDIR(seen.st_mode) and ours and time.time() - seen.st_mtime > _YOUNG
