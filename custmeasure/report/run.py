"""One command from a shop's folder to dated pages: ``custmeasure run``.

Everything a person can have mistyped is checked before a kernel starts. Then: lock, check the data,
run the notebooks side by side, render and gate each page, publish, index.
"""

import contextlib
import datetime as dt
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from custmeasure import report
from custmeasure.errors import EnvironmentProblem, UsageError
from custmeasure.history import HISTORY
from custmeasure.report import gate, manifest, publish
from custmeasure.report.crew import Crew, Progress, Task, Watcher, interruptible
from custmeasure.report.desk import Desk
from custmeasure.report.executed import Executed, Key, refuse_changed_tables, tables_read
from custmeasure.report.failure import BLOCKED, Failure
from custmeasure.report.index import Indexes, rebuild
from custmeasure.report.lock import held
from custmeasure.report.manifest import Entry, Manifest
from custmeasure.report.notebooks import Notebook
from custmeasure.report.order import Order, make_order
from custmeasure.report.room import room_for_data
from custmeasure.report.signoff import SignOff
from custmeasure.shop.settings import FROZEN

if TYPE_CHECKING:
    from custmeasure.report.inspect import Inspected

_INDEX_WAIT = 30  # seconds to wait for a run of another date that writes the index


@dataclass(frozen=True)
class RunOutcome:
    """How a run ended.

    Attributes
    ----------
    date
        The report's date.
    folder, index
        Where its pages are; the list of all reports.
    pages
        The pages that were published now.
    failures
        Notebook → why it has no new page.
    copies
        Executed copies of failed notebooks, for a look at what went wrong.
    warnings
        Names among the reports that are not followed.
    exit_code
        0 published, 1 data blocked, else the worst failure's.
    seconds
        Wall time.
    """

    date: dt.date
    folder: Path
    index: Path
    pages: tuple[Path, ...]
    failures: Mapping[str, Failure]
    copies: tuple[Path, ...]
    warnings: tuple[str, ...]
    exit_code: int
    seconds: float


def run_report(
    shop_folder: str | Path,
    *,
    date: str | dt.date | None = None,
    only: Sequence[str] = (),
    lang: str | None = None,
    jobs: int = 2,
    out: str | Path | None = None,
    parameters: Mapping[str, object] | None = None,
    on_progress: Watcher | None = None,
    notebook_timeout: float = 600,
    run_timeout: float = 3600,
) -> RunOutcome:
    """Run a shop's notebooks and publish their pages.

    Parameters
    ----------
    shop_folder
        The folder with ``shop.toml``.
    date
        The report's date, ``YYYY-MM-DD``; today in the shop's time zone when not given.
    only
        Names of notebooks; all when empty.
    lang
        ``ko``, ``en`` or ``both``; the shop's language when not given.
    jobs
        Kernels side by side.
    out
        The folder of reports; ``reports`` in the current folder when not given.
    parameters
        Values by parameter name, as text or of the declared type.
    on_progress
        Is told every cell and every end, from the threads that run them.
    notebook_timeout, run_timeout
        Seconds for one notebook, and for the whole run.

    Raises
    ------
    UsageError
        Before any kernel starts: for an unknown name or a value that cannot be.
    DataError
        When the data cannot be used.
    EnvironmentProblem
        When the reports cannot be written.
    Busy
        When another run makes the report of the same date.
    """
    if jobs < 1 or notebook_timeout <= 0 or run_timeout <= 0:
        raise UsageError(
            ko="동시에 실행할 개수와 제한 시간은 1 이상이어야 합니다.",
            en="Jobs and time limits must be above 0.",
        )
    order = make_order(shop_folder, date=date, only=only, lang=lang, out=out, parameters=parameters)
    publish.check_out(order.out, order.date)
    with held(order.out / ".locks" / f"{order.date}.lock"), interruptible() as stopped:
        crew = Crew(jobs, notebook_timeout, run_timeout, on_progress or _silent, stopped)
        try:
            return _carry_out(order, crew, max(1, int(notebook_timeout)))
        except OSError as error:
            raise _disk(error) from error


def _silent(_: Progress) -> None:
    """Tell nobody."""


def _disk(error: OSError) -> EnvironmentProblem:
    if isinstance(error, EnvironmentProblem):
        return error
    name = error.filename or ""
    return EnvironmentProblem(
        ko=f"파일을 읽거나 쓰지 못했습니다: {name} {error.strerror}. 남은 공간과 권한을 확인하십시오.",
        en=f"A file could not be read or written: {name} {error.strerror}. "
        "Check space and permissions.",
    )


def _carry_out(order: Order, crew: Crew, cell_timeout: int) -> RunOutcome:
    """Run the notebooks and publish what they gave."""
    clock, secrets = time.monotonic(), gate.secrets()
    tasks = [Task(notebook, lang) for notebook in order.notebooks for lang in order.languages]
    inspected: Future[Inspected] = Future()

    def do(task: Task, desk: Desk) -> Executed:
        made: Executed = report.make_page(order, secrets, cell_timeout, inspected, task, desk)
        return made

    with publish.staging(order.out, order.date) as staged, _told_to_kernels(order) as kept:
        done = crew.work(tasks, do, lambda: _inspect(order, kept, inspected))
        done = refuse_changed_tables(done)
        entries = {book.name: _entry(order, book, done) for book in order.notebooks}
        listed = _publish(order, entries, done, staged, clock)
        report.remember(order, inspected.result())
    failures = {name: why for name in entries if (why := _failure(name, done))}
    folder = order.out / order.date
    return RunOutcome(
        date=order.day,
        folder=folder,
        index=listed.path,
        pages=tuple(folder / page.file for e in entries.values() for page in e.pages.values()),
        failures=failures,
        copies=_keep_copies(order, failures, done, secrets),
        warnings=listed.ignored,
        exit_code=max((entry.exit_code for entry in entries.values()), default=0),
        seconds=time.monotonic() - clock,
    )


@contextlib.contextmanager
def _told_to_kernels(order: Order) -> Iterator[Path]:
    """Make a folder for the data of this run; the environment names it to the kernels, and the history."""
    with room_for_data() as folder:
        told = {FROZEN: str(folder), HISTORY: str(order.history_file)}
        os.environ |= told
        try:
            yield folder
        finally:
            for name in told:
                del os.environ[name]


def _inspect(order: Order, kept: Path, told: "Future[Inspected]") -> None:
    """Read the data while kernels start, keep them for these, and say what is unusual about them.

    While the first cells run, what makes pages of them is loaded.
    """
    try:
        told.set_result(report.examine(order, kept))
    except BaseException as error:
        told.set_exception(error)
        raise
    report.render  # noqa: B018 - the name loads it


def _failure(name: str, done: Mapping[Key, Executed]) -> Failure | None:
    """Return the worst failure of a notebook in any language."""
    outcomes = [executed.outcome for key, executed in done.items() if key[0] == name]
    failures = [outcome for outcome in outcomes if isinstance(outcome, Failure)]
    return max(failures, key=lambda failure: failure.exit_code, default=None)


def _entry(order: Order, notebook: Notebook, done: Mapping[Key, Executed]) -> Entry:
    """Return how a notebook ended; all its languages are published, or none."""
    name = notebook.name
    made = {lang: done[name, lang] for lang in order.languages}
    signed = made[order.languages[0]].outcome
    failure = _failure(name, done)
    entry = Entry(
        name=name,
        status=manifest.FAILED,
        seconds=round(sum(executed.seconds for executed in made.values()), 2),
        parameters=order.told(notebook),
    )
    if failure:
        told = {"ko": failure.ko, "en": failure.en}
        return replace(entry, exit_code=failure.exit_code, exit_reason=told)
    if not isinstance(signed, SignOff):
        return entry
    return replace(
        entry,
        status=manifest.PUBLISHED,
        title={lang: executed.title for lang, executed in made.items()},
        verdict=signed.verdict,
        code=signed.code,
        headline=signed.headline.both(),
        reason=signed.reason.both(),
        pages={
            lang: manifest.page_file(order.file_name(name, lang), executed.page.encode())
            for lang, executed in made.items()
        },
        exit_code=BLOCKED if signed.blocked else 0,
    )


def _publish(
    order: Order,
    entries: Mapping[str, Entry],
    done: Mapping[Key, Executed],
    staged: Path,
    clock: float,
) -> Indexes:
    """Write the pages, then the manifest, then the indexes."""
    folder = order.out / order.date
    for name, lang in done:
        if entries[name].pages:
            path = staged / order.file_name(name, lang)
            publish.write_synced(path, done[name, lang].page.encode())
    before = manifest.read_manifest(folder)
    publish.move_all(staged, folder)
    after = Manifest(
        date=order.date,
        shop=order.settings.name,
        language=order.languages[0],
        entries=manifest.merged(before, entries),
        details=_details(order, done, clock),
    )
    publish.replace_file(folder, manifest.FILE, after.to_json())
    _remove_old_pages(folder, before, after)
    with held(order.out / ".locks" / "index.lock", _INDEX_WAIT):
        return rebuild(order.out, order.languages[0])


def _details(order: Order, done: Mapping[Key, Executed], clock: float) -> dict[str, object]:
    """Return what ``run.json`` tells beside the notebooks."""
    finished = dt.datetime.now(dt.UTC).astimezone(order.started.tzinfo)
    return {
        "run": order.run,
        "languages": list(order.languages),
        "tables": dict(sorted(tables_read(done))),
        "versions": manifest.versions(),
        "started": order.started.isoformat(timespec="seconds"),
        "finished": finished.isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - clock, 2),
    }


def _remove_old_pages(folder: Path, before: Manifest | None, after: Manifest) -> None:
    """Remove pages of the earlier run that no entry names now (another choice of languages)."""
    named = {page.file for entry in after.entries.values() for page in entry.pages.values()}
    for entry in before.entries.values() if before else ():
        for page in entry.pages.values():
            if page.file not in named:
                (folder / page.file).unlink(missing_ok=True)


def _keep_copies(
    order: Order,
    failures: Mapping[str, Failure],
    done: Mapping[Key, Executed],
    secrets: Mapping[str, str],
) -> tuple[Path, ...]:
    """Write what failed notebooks computed to ``runs/`` beside the reports, secrets masked."""
    folder = order.runs_folder
    copies = []
    for (name, lang), executed in done.items():
        if name in failures and executed.notebook is not None:
            path = folder / f"{name}.{lang}.ipynb"
            with contextlib.suppress(OSError):  # what was published stays published
                folder.mkdir(parents=True, exist_ok=True)
                path.write_text(gate.masked(report.as_text(executed.notebook), secrets), "utf-8")
                copies.append(path)
    return tuple(copies)
