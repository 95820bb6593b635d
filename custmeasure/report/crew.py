"""Several notebooks side by side, each within its time and all within the run's."""

import contextlib
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from types import FrameType

from custmeasure.language import Lang
from custmeasure.report.desk import Desk
from custmeasure.report.executed import Executed, Key
from custmeasure.report.failure import Failure
from custmeasure.report.notebooks import Notebook
from custmeasure.report.zygote import Zygote, started_if_available

_TICK = 0.1  # seconds between two looks at the clock
_GRACE = 4.0  # seconds in which ended kernels are gone


@dataclass(frozen=True)
class Task:
    """A notebook to run in one language."""

    notebook: Notebook
    lang: Lang

    @property
    def key(self) -> Key:
        """What tells it from other tasks."""
        return self.notebook.name, self.lang


@dataclass(frozen=True)
class Progress:
    """How far a task is: the cell it is at of how many, or how it ended."""

    name: str
    lang: Lang
    state: str  # running, done, failed
    cell: int = 0
    cells: int = 0
    message: Failure | None = None
    seconds: float = 0.0


Watcher = Callable[[Progress], None]


class Crew:
    """Runs tasks, as many at a time as there are workers, and keeps the time.

    Parameters
    ----------
    workers
        Kernels side by side.
    notebook_timeout, run_timeout
        Seconds for one notebook, and for all.
    watch
        Is told every step.
    stopped
        Is set when the run shall end.
    """

    def __init__(
        self,
        workers: int,
        notebook_timeout: float,
        run_timeout: float,
        watch: Watcher,
        stopped: threading.Event,
    ) -> None:
        self._workers = workers
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="notebook")
        self._notebook_timeout = notebook_timeout
        self._run_timeout = run_timeout
        self._started = time.monotonic()
        self._watch = watch
        self._stopped = stopped
        self._desks: list[Desk] = []
        self._over: Failure | None = None

    def work(
        self,
        tasks: Sequence[Task],
        do: Callable[[Task, Desk], Executed],
        meanwhile: Callable[[], None],
    ) -> dict[Key, Executed]:
        """Do every task and return what came of it.

        Parameters
        ----------
        tasks
            In the order in which they start.
        do
            Does one, at a desk of its own.
        meanwhile
            Is called once while the first kernels start. What it raises ends the run, as an
            interrupt does: kernels are killed and the exception goes on.
        """
        with started_if_available() as zygote:
            return self._work(tasks, do, meanwhile, zygote)

    def _work(
        self,
        tasks: Sequence[Task],
        do: Callable[[Task, Desk], Executed],
        meanwhile: Callable[[], None],
        zygote: Zygote | None,
    ) -> dict[Key, Executed]:
        self._desks = [Desk(task.notebook.path.parent, zygote) for task in tasks]
        futures = {self._pool.submit(self._one, i, task, do): task for i, task in enumerate(tasks)}
        try:
            meanwhile()
            self._wait(list(futures))
        except BaseException:
            self._end_until_gone(list(futures))
            raise
        finally:
            self._pool.shutdown(wait=False, cancel_futures=True)
            for desk in self._desks:
                desk.close()
        return {task.key: future.result() for future, task in futures.items()}

    def _one(self, place: int, task: Task, do: Callable[[Task, Desk], Executed]) -> Executed:
        """Do one task; the kernel of the one that will follow loads meanwhile."""
        name, lang = task.key

        def on_cell(cell: int, cells: int) -> None:
            self._watch(Progress(name, lang, "running", cell, cells))

        desk = self._desks[place]
        try:
            desk.sit(on_cell)
            for following in self._desks[place + self._workers :][:1]:
                following.open()
            done = Executed(None, self._over) if self._over else do(task, desk)
        except Exception as error:  # noqa: BLE001 - one notebook's page never stops the others
            done = Executed(desk.notebook, _unforeseen(error), desk.seconds)
        finally:
            desk.close()
        failure = done.outcome if isinstance(done.outcome, Failure) else None
        state = "failed" if failure else "done"
        self._watch(Progress(name, lang, state, message=failure, seconds=done.seconds))
        return done

    def _wait(self, futures: list[Future[Executed]]) -> None:
        """Wait for all, ending kernels whose time is over."""
        while wait(futures, timeout=_TICK).not_done:
            if self._stopped.is_set():
                raise KeyboardInterrupt
            if time.monotonic() - self._started > self._run_timeout:
                self._end_all(_late_run(self._run_timeout))
            for desk in self._desks:
                if desk.seconds > self._notebook_timeout:
                    desk.end(_late_notebook(self._notebook_timeout))

    def _end_until_gone(self, futures: Sequence[Future[Executed]]) -> None:
        """Kill every kernel, also one that is only starting, until no task is left."""
        last = time.monotonic() + _GRACE
        left = True
        while left and time.monotonic() < last:
            self._end_all(Failure("중단했습니다.", "Stopped."))
            left = bool(wait(futures, timeout=0.1).not_done)

    def _end_all(self, why: Failure) -> None:
        self._over = self._over or why
        for desk in self._desks:
            desk.end(why)


def _unforeseen(error: Exception) -> Failure:
    name = type(error).__name__
    return Failure(
        ko=f"페이지를 만들지 못했습니다 ({name}).",
        en=f"The page could not be made ({name}).",
        detail="".join(traceback.format_exception(error)),
    )


def _late_notebook(seconds: float) -> Failure:
    return Failure(
        ko=f"노트북이 {seconds:g}초 안에 끝나지 않아 멈췄습니다.",
        en=f"The notebook did not end within {seconds:g} s and was stopped.",
    )


def _late_run(seconds: float) -> Failure:
    return Failure(
        ko=f"전체 실행이 {seconds:g}초 안에 끝나지 않아 멈췄습니다.",
        en=f"The whole run did not end within {seconds:g} s and was stopped.",
    )


@contextlib.contextmanager
def interruptible() -> Iterator[threading.Event]:
    """Turn SIGTERM into the exception that Ctrl-C is, so that both end kernels on their way out.

    The event that it gives stays set: a library that catches everything may have kept the exception.
    """
    stopped = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stopped
        return

    def stop(number: int, _frame: FrameType | None) -> None:
        stopped.set()
        if number == signal.SIGTERM:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise KeyboardInterrupt

    caught = [signal.SIGTERM]
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else it is somebody's own
        caught.append(signal.SIGINT)
    before = {number: signal.signal(number, stop) for number in caught}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
