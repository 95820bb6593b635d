"""From finished pages to published files: either the old complete report or the new complete one.

Pages are written and synced in a staging folder beside the reports, then moved one by one with
``os.replace``; the manifest ``run.json`` follows and the indexes come last. A kill or a power cut at
any moment leaves whole files, and the next run repairs the rest.
"""

import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from custmeasure.errors import EnvironmentProblem
from custmeasure.report.names import inside

_STAGING = ".staging-"


def check_out(out: Path, date: str) -> None:
    """Make the folder of reports and see that this date can be written there.

    Raises
    ------
    EnvironmentProblem
        When it cannot be written, or the date's folder is a link or not a folder.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe = out / f"{_STAGING}{secrets.token_hex(4)}"
        probe.mkdir()
        probe.rmdir()
    except OSError as error:
        raise EnvironmentProblem(
            ko=f"{out}에 쓸 수 없습니다: {error.strerror}. 권한과 남은 공간을 확인하십시오.",
            en=f"{out} cannot be written: {error.strerror}. Check its permissions and free space.",
        ) from error
    folder = out / date
    if not is_missing(folder) and not is_plain_folder(folder):
        raise _odd(folder)
    if folder.is_dir() and not os.access(folder, os.W_OK | os.X_OK):
        raise EnvironmentProblem(
            ko=f"{folder}에 쓸 수 없습니다. 폴더의 권한을 확인하십시오.",
            en=f"{folder} cannot be written. Check its permissions.",
        )


def is_missing(path: Path) -> bool:
    """Say whether nothing is at ``path``, not even a broken link."""
    return not os.path.lexists(path)


def is_plain_folder(path: Path) -> bool:
    """Say whether ``path`` is a folder itself, not a link to one."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def is_plain_file(path: Path) -> bool:
    """Say whether ``path`` is a regular file itself, not a link, a pipe or a device."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def _odd(path: Path) -> EnvironmentProblem:
    return EnvironmentProblem(
        ko=f"{path}은(는) 링크이거나 보통 파일·폴더가 아닙니다. 지우거나 다른 이름으로 바꾸십시오.",
        en=f"{path} is a link, or not an ordinary file or folder. Remove or rename it.",
    )


@contextmanager
def staging(out: Path, date: str) -> Iterator[Path]:
    """Give a fresh folder on the same disk as ``out``, and remove it afterwards.

    The caller holds the lock of ``date``, so folders left by a killed run of it go as well.
    """
    for left in out.glob(f"{_STAGING}{date}-*"):
        shutil.rmtree(left, ignore_errors=True)
    folder = out / f"{_STAGING}{date}-{secrets.token_hex(4)}"
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_synced(path: Path, data: bytes) -> None:
    """Write a new file and wait until it is on the disk."""
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def move_all(staged: Path, folder: Path) -> None:
    """Move every staged file into ``folder``, replacing what is there, and sync the folder.

    Raises
    ------
    EnvironmentProblem
        When a link or something odd lies where a page belongs.
    """
    folder.mkdir(exist_ok=True)
    if not is_plain_folder(folder):
        raise _odd(folder)
    for source in sorted(staged.iterdir()):
        os.replace(source, _target(folder, source.name))
    sync_folder(folder)


def replace_file(folder: Path, name: str, data: bytes) -> None:
    """Replace one file of ``folder`` durably."""
    target = _target(folder, name)
    fresh = folder / f".{name}.{secrets.token_hex(4)}"
    try:
        write_synced(fresh, data)
        os.replace(fresh, target)
    finally:
        fresh.unlink(missing_ok=True)
    sync_folder(folder)


def _target(folder: Path, name: str) -> Path:
    path = folder / name
    if not is_missing(path) and not is_plain_file(path):
        raise _odd(path)
    return inside(folder, name)


def sync_folder(folder: Path) -> None:
    """Wait until the names in ``folder`` are on the disk (POSIX only)."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
