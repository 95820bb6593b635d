"""The command line: ``custmeasure run | check | init | plan | lab | index | sample``.

Rooms that are slow to load (pandas, papermill, nbconvert) are loaded by the command that needs them,
so that ``custmeasure --help`` answers at once. Exit codes: 0 published; 1 data blocked; 2 usage;
3 environment; 4 anything unforeseen; 75 another run holds the lock; 130 stopped.
"""

# ruff: noqa: ARG001 - a command's --debug is read by the decorator around it

import contextlib
import datetime as dt
import functools
import importlib
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

import custmeasure
from custmeasure import dates, language
from custmeasure.errors import CustmeasureError, UsageError
from custmeasure.language import LANGUAGES, Lang, pick

_BUG, _STOPPED = 4, 130
_PACKAGE = Path(custmeasure.__file__).resolve().parent


def _locale_language() -> Lang:
    """Return the language that the terminal is set to."""
    named = (os.environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return "ko" if next(filter(None, named), "").startswith("ko") else "en"


def _say(ko: str, en: str) -> str:
    """Return a help text in the terminal's language."""
    return pick(ko, en, _locale_language())


app = typer.Typer(
    name="custmeasure",
    help=_say(
        "작은 온라인 가게의 숫자를 재는 노트북과 보고서.",
        "Notebooks and reports that measure a small online shop.",
    ),
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

ShopArgument = Annotated[
    Path | None,
    typer.Argument(
        metavar="[SHOP]",
        help=_say(
            "가게 폴더. 없으면 위로 올라가며 shop.toml을 찾습니다.",
            "The shop's folder; when not given, the nearest with shop.toml from here upwards.",
        ),
    ),
]
OutOption = Annotated[Path, typer.Option(help=_say("보고서 폴더.", "The folder of reports."))]
DebugOption = Annotated[
    bool, typer.Option("--debug", help=_say("오류의 자세한 내용.", "Show details of an error."))
]


def _told(command: Callable[..., None]) -> Callable[..., None]:
    """Turn what a command raises into one sentence and an exit code."""

    @functools.wraps(command)
    def run_command(*args: Any, debug: bool = False, **options: Any) -> None:
        language.use(_locale_language())
        try:
            command(*args, debug=debug, **options)
        except typer.Exit:
            raise
        except KeyboardInterrupt:
            _complain(
                pick(
                    "중단했습니다. 새로 발행한 것은 없습니다.",
                    "Stopped. Nothing new was published.",
                )
            )
            raise typer.Exit(_STOPPED) from None
        except CustmeasureError as error:
            if debug:
                raise
            _complain(error.message())
            raise typer.Exit(error.exit_code) from None
        except Exception as error:
            if debug:
                raise
            _complain(_unforeseen(error))
            raise typer.Exit(_BUG) from None

    return run_command


def _unforeseen(error: Exception) -> str:
    name = type(error).__name__
    return pick(
        f"예상하지 못한 오류입니다 ({name}). --debug를 붙여 다시 실행하면 자세히 보입니다.",
        f"Something unforeseen happened ({name}). Run again with --debug to see it.",
    )


def _complain(text: str) -> None:
    typer.echo(text, err=True)


def _find_shop(shop: Path | None) -> Path:
    """Return the named shop, or the nearest, and speak its language from here on."""
    folder = shop or _load("custmeasure.shop").find_shop(Path.cwd())
    try:
        spoken = tomllib.loads((folder / "shop.toml").read_text("utf-8-sig")).get("language", "ko")
    except (OSError, ValueError):
        return folder
    if spoken in LANGUAGES:
        language.use(spoken)
    return folder


def _load(module: str) -> Any:
    """Import a room when a command needs it."""
    return importlib.import_module(module)


@app.command(
    help=_say("노트북을 실행해 날짜별 보고서를 만듭니다.", "Run the notebooks into a dated report.")
)
@_told
def run(
    shop: ShopArgument = None,
    date: Annotated[
        str | None,
        typer.Option(
            help=_say("보고서 날짜 YYYY-MM-DD. 기본은 오늘.", "Report date; today if not given.")
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            help=_say("이 노트북만. 여러 번 쓸 수 있습니다.", "Only this notebook; repeatable.")
        ),
    ] = None,
    lang: Annotated[
        str | None,
        typer.Option(help=_say("ko, en, both.", "ko, en or both; the shop's if not given.")),
    ] = None,
    jobs: Annotated[
        int, typer.Option(min=1, help=_say("동시에 실행할 노트북 수.", "Notebooks side by side."))
    ] = 2,
    out: OutOption = Path("reports"),
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "-p",
            "--parameter",
            metavar="NAME=VALUE",
            help=_say("매개변수. 여러 번 쓸 수 있습니다.", "A parameter; repeatable."),
        ),
    ] = None,
    debug: DebugOption = False,
) -> None:
    """Run the notebooks of a shop and publish their pages."""
    folder = _find_shop(shop)
    if lang in LANGUAGES:
        language.use(lang)
    given = _load("custmeasure.report.parameters").parse_pairs(parameter or [])
    with _Display() as display:
        outcome = _load("custmeasure.report.run").run_report(
            folder,
            date=date,
            only=only or (),
            lang=lang,
            jobs=jobs,
            out=out,
            parameters=given,
            on_progress=display.show,
        )
    _tell(outcome, debug)
    raise typer.Exit(outcome.exit_code)


def _tell(outcome: Any, debug: bool) -> None:
    """Say what was published, what failed, and what to open."""
    for name, failure in outcome.failures.items():
        _complain(f"{name}: {failure.message()}")
        if debug and failure.detail:
            _complain(failure.detail)
    for copy in outcome.copies:
        _complain(pick(f"  멈춘 곳 보기: {_near(copy)}", f"  Where it stopped: {_near(copy)}"))
    for name in outcome.warnings:
        _complain(pick(f"따라가지 않은 이름: {name}", f"Not followed among the reports: {name}"))
    typer.echo(_counted(len(outcome.pages), f"{outcome.seconds:.1f}"))
    for page in outcome.pages:
        typer.echo(f"  {_near(page)}")
    typer.echo(pick(f"여십시오: {_near(outcome.index)}", f"Open {_near(outcome.index)}"))


def _counted(count: int, seconds: str) -> str:
    if not count:
        return pick(f"발행한 것이 없습니다 ({seconds}초).", f"Nothing was published ({seconds} s).")
    pages = "1 page" if count == 1 else f"{count} pages"
    return pick(f"{count}쪽을 발행했습니다 ({seconds}초).", f"{pages} published in {seconds} s.")


def _near(path: Path) -> str:
    """Return a path as seen from here when it lies below."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


class _Display:
    """Shows how far notebooks are: bars on a terminal, one line an event in a log."""

    def __init__(self) -> None:
        self._lang = language.current()  # the threads that call speak another
        self._console = Console(stderr=True, highlight=False)
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TimeElapsedColumn(),
            console=self._console,
        )
        self._tasks: dict[tuple[str, str], Any] = {}

    def __enter__(self) -> "_Display":
        if self._console.is_terminal:
            self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def show(self, step: Any) -> None:
        """Show one step; called from the threads that run the notebooks."""
        name = f"{step.name} ({step.lang})"
        if not self._console.is_terminal:
            self._line(step, name)
            return
        task = self._tasks.get((step.name, step.lang))
        if task is None:
            task = self._tasks[step.name, step.lang] = self._bars.add_task(name, total=None)
        if step.state == "running":
            self._bars.update(task, completed=step.cell - 1, total=step.cells)
        else:
            sign = "✓" if step.state == "done" else "✗"
            self._bars.update(task, completed=1, total=1, description=f"{name} {sign}")

    def _line(self, step: Any, name: str) -> None:
        seconds = f"{step.seconds:.1f}"
        if step.state == "running" and step.cell == 1:
            _complain(pick(f"{name} 시작", f"{name} started", self._lang))
        if step.state == "done":
            _complain(pick(f"{name} 완료 {seconds}초", f"{name} done in {seconds} s", self._lang))
        if step.state == "failed":
            _complain(
                pick(f"{name} 실패 {seconds}초", f"{name} failed after {seconds} s", self._lang)
            )


@app.command(help=_say("가게의 표를 읽고 점검합니다.", "Read the shop's tables and check them."))
@_told
def check(shop: ShopArgument = None, debug: DebugOption = False) -> None:
    """Print what was read from every table of a shop."""
    folder = _find_shop(shop)
    checked = _load("custmeasure.shop").open_shop(folder).check()
    typer.echo(repr(checked))
    if checked.verdict == "invalid":
        raise typer.Exit(1)


@app.command(help=_say("새 가게 폴더를 만듭니다.", "Make a new shop folder that works at once."))
@_told
def init(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help=_say("새 폴더.", "The new folder."))
    ],
    from_files: Annotated[
        list[Path] | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help=_say(
                "내려받은 파일로 시작합니다(스마트스토어, 카페24, Shopify, GA4). 여러 번 쓸 수 있습니다.",
                "Begin with an export (SmartStore, Cafe24, Shopify, GA4); repeatable.",
            ),
        ),
    ] = None,
    debug: DebugOption = False,
) -> None:
    """Make a new shop folder: a copy of the sample shop, or a shop of the files at hand."""
    if from_files:
        _init_from(from_files, folder)
        return
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(
            ko=f"{folder}이(가) 비어 있지 않습니다. 덮어쓰지 않으니 새 이름을 적어 주십시오.",
            en=f"{folder} is not empty, and nothing is overwritten. Name a new folder.",
        )
    notebooks = _load("custmeasure.report.notebooks").own_notebooks()
    unwanted = shutil.ignore_patterns(".*", "__pycache__", "README.md")
    shutil.copytree(_sample_folder(), folder, dirs_exist_ok=True, ignore=unwanted)
    shutil.copytree(notebooks, folder / "notebooks", dirs_exist_ok=True, ignore=unwanted)
    typer.echo(
        pick(f"{folder}에 가게를 만들었습니다. 다음:", f"A shop is ready in {folder}. Next:")
    )
    typer.echo(f"  custmeasure run {folder}\n  custmeasure lab {folder}")
    typer.echo(
        pick(
            f"자기 데이터를 쓰려면 {folder / 'shop.toml'}을 고치고 표 파일을 바꾸십시오.",
            f"For your own data, edit {folder / 'shop.toml'} and replace the table files.",
        )
    )


def _init_from(files: list[Path], folder: Path) -> None:
    """Write shop.toml for exports, copy the notebooks, and say what was guessed."""
    started = _load("custmeasure.shop.exports.init").init_from(files, folder)
    unwanted = shutil.ignore_patterns(".*", "__pycache__")
    notebooks = _load("custmeasure.report.notebooks").own_notebooks()
    shutil.copytree(notebooks, folder / "notebooks", dirs_exist_ok=True, ignore=unwanted)
    for line in started.said:
        typer.echo(line.in_())


def _sample_folder() -> Path:
    """Return the folder of the sample shop: in the wheel, or in the clone."""
    bundled = _PACKAGE / "_sample"
    return bundled if bundled.is_dir() else _PACKAGE.parent / "data" / "sample"


@app.command(
    help=_say(
        "시험을 계획해 첫 노출 전에 저장합니다.", "Plan a test and store the plan before it begins."
    )
)
@_told
def plan(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help=_say("실험의 이름.", "The experiment's name."))
    ],
    shop: ShopArgument = None,
    start: Annotated[
        str | None,
        typer.Option(
            help=_say(
                "첫날 YYYY-MM-DD. 기본은 다음 월요일.", "First day; next Monday if not given."
            )
        ),
    ] = None,
    by_day: Annotated[
        bool,
        typer.Option(
            "--by-day",
            help=_say("손님 대신 날을 나눕니다.", "Draw the days, where visitors cannot be split."),
        ),
    ] = False,
    metric: Annotated[str, typer.Option(help=_say("지표.", "The metric."))] = "conversion",
    min_effect: Annotated[
        float,
        typer.Option(
            help=_say("의미 있는 최소 상대 차이.", "Smallest relative difference that matters.")
        ),
    ] = 0.1,
    variants: Annotated[
        str,
        typer.Option(
            help=_say(
                "안, 기준안이 먼저. 배분은 A=0.9,B=0.1처럼.",
                "Variants, the control first; shares as in A=0.9,B=0.1.",
            )
        ),
    ] = "A,B",
    method: Annotated[str | None, typer.Option(help="planned_end, open_end, one_look")] = None,
    weeks: Annotated[
        int | None,
        typer.Option(help=_say("기간(주). 기본은 권하는 기간.", "Weeks; the advice if not given.")),
    ] = None,
    window: Annotated[
        str | None, typer.Option(help=_say("전환을 기다리는 기한, 예: 7d.", "The window, e.g. 7d."))
    ] = None,
    entry: Annotated[
        str | None,
        typer.Option(help=_say("시험에 드는 행동.", "The event that lets a visitor in.")),
    ] = None,
    page: Annotated[
        str | None, typer.Option(help=_say("그 행동의 페이지.", "The page of that event."))
    ] = None,
    carry_over: Annotated[
        int,
        typer.Option(
            help=_say(
                "바꾼 뒤 세지 않는 날(--by-day).", "Days not counted after a change (--by-day)."
            )
        ),
    ] = 0,
    cuped: Annotated[
        bool,
        typer.Option("--cuped", help=_say("이전 행동을 씁니다.", "Use what visitors did before.")),
    ] = False,
    strata: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help=_say(
                "안에서 견줄 무리의 열, 예: device.",
                "Compare inside the groups of this column, e.g. device.",
            ),
        ),
    ] = None,
    prior: Annotated[
        float | None,
        typer.Option(
            help=_say("효과의 흔한 크기, 예: 0.1.", "How large effects usually are, e.g. 0.1.")
        ),
    ] = None,
    a_day: Annotated[
        float | None,
        typer.Option(
            help=_say(
                "하루 새 방문자. 자료가 없을 때.", "New visitors a day, where there are no data."
            )
        ),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(help=_say("지금 전환율, 예: 0.03.", "Today's conversion rate, e.g. 0.03.")),
    ] = None,
    rule: Annotated[
        str,
        typer.Option(help=_say("어떤 답이면 무엇을 할지.", "What will be done with which answer.")),
    ] = "",
    assign: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help=_say(
                "이 사람들의 안을 파일로 씁니다: customers 또는 한 줄에 하나씩 적은 파일.",
                "Also write who gets which variant: customers, or a file with one id a line.",
            ),
        ),
    ] = None,
    late: Annotated[
        bool,
        typer.Option("--late", help=_say("이미 시작한 시험.", "The test has begun already.")),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help=_say("계산만 합니다.", "Only compute; store nothing.")),
    ] = False,
    debug: DebugOption = False,
) -> None:
    """Say how long a test takes, and store its plan."""
    desk = _load("custmeasure.improve.planning")
    opened = _load("custmeasure.shop").open_shop(_find_shop(shop))
    now = dt.datetime.now(dt.UTC)
    day = dates.parse_day(start, "--start") if start else _next_monday(now, opened.timezone)
    wish = desk.Wish(
        name, day, _shares(variants), by_day, metric, window, entry=entry, page=page,
        carry_over=carry_over, cuped=cuped, min_effect=min_effect, method=method, weeks=weeks,
        rule=rule, strata=strata, prior=prior, a_day=a_day, rate=rate,
    )  # fmt: skip
    result = desk.answer(opened, wish)
    typer.echo(repr(result))
    if dry_run:
        return
    stored = desk.plan_from(result, wish)
    for path in desk.keep(opened, stored, now=now, late=late, units=assign):
        typer.echo(pick(f"썼습니다: {_near(path)}", f"Written: {_near(path)}"))
    digest = stored.digest()[:12]
    typer.echo(
        pick(
            f"{stored.start}에 시작해 {stored.end}까지 받습니다. 해시 {digest}.",
            f"It takes people in from {stored.start} to {stored.end}. Hash {digest}.",
        )
    )


def _next_monday(now: dt.datetime, timezone: str) -> dt.date:
    today = now.astimezone(dates.zone(timezone)).date()
    return today + dt.timedelta(days=7 - today.weekday())


def _shares(variants: str) -> dict[str, float]:
    """Read ``A,B`` or ``A=0.9,B=0.1``."""
    parts = [part.strip().partition("=") for part in variants.split(",") if part.strip()]
    try:
        shares = {name.strip(): float(share) if share else 1.0 for name, _, share in parts}
    except ValueError:
        shares = {}
    if len(shares) < 2 or len(shares) < len(parts) or "" in shares:
        raise UsageError(
            ko=f"--variants {variants!r}: A,B나 A=0.9,B=0.1처럼 서로 다른 안을 둘 이상 적으십시오.",
            en=f"--variants {variants!r}: name two or more different variants: A,B or A=0.9,B=0.1.",
        )
    return shares


@app.command(
    help=_say("가게 폴더에서 JupyterLab을 엽니다.", "Open JupyterLab in the shop's folder.")
)
@_told
def lab(
    shop: ShopArgument = None,
    port: Annotated[int, typer.Option(help=_say("포트.", "The port to listen on."))] = 8888,
    browser: Annotated[bool, typer.Option(help=_say("브라우저 열기.", "Open the browser."))] = True,
    debug: DebugOption = False,
) -> None:
    """Start JupyterLab where the notebooks are, with the kernel of this environment."""
    command = lab_command(_lab_root(_find_shop(shop)), port, browser)
    environment = os.environ | {"JUPYTER_PREFER_ENV_PATH": "1"}
    if os.name == "posix":
        os.execve(command[0], command, environment)  # JupyterLab takes over, Ctrl-C included
    raise typer.Exit(subprocess.call(command, env=environment))


def lab_command(root: Path, port: int, browser: bool) -> list[str]:
    """Return the command that starts JupyterLab in ``root``."""
    options = [f"--ServerApp.root_dir={root}", f"--ServerApp.port={port}"]
    quiet = [] if browser else ["--no-browser"]
    return [sys.executable, "-m", "jupyterlab", *options, *quiet]


def _lab_root(shop: Path) -> Path:
    """Return the shop's folder, or the clone's where the shop and the notebooks lie apart in it."""
    project = _load("custmeasure.report.notebooks").notebook_folder(shop).resolve().parent
    return project if shop.resolve().is_relative_to(project) else shop.resolve()


@app.command(help=_say("보고서 목록을 다시 만듭니다.", "Build the list of reports again."))
@_told
def index(out: OutOption = Path("reports"), debug: DebugOption = False) -> None:
    """Rebuild every index from the manifests."""
    if not out.is_dir():
        raise UsageError(
            ko=f"{out} 폴더가 없습니다. --out으로 보고서 폴더를 적어 주십시오.",
            en=f"There is no folder {out}. Name the folder of reports with --out.",
        )
    listed = _load("custmeasure.report.index").rebuild(out, language.current())
    for name in listed.ignored:
        _complain(pick(f"따라가지 않은 이름: {name}", f"Not followed: {name}"))
    typer.echo(pick(f"여십시오: {_near(listed.path)}", f"Open {_near(listed.path)}"))


@app.command(help=_say("표본 가게의 데이터를 만듭니다.", "Write the data of the sample shop."))
@_told
def sample(
    out: Annotated[Path, typer.Option(help=_say("새 폴더.", "The folder to write."))],
    scale: Annotated[
        float,
        typer.Option(help=_say("크기. 1은 방문자 약 2만.", "Size; 1 is about 20,000 visitors.")),
    ] = 1,
    seed: Annotated[int, typer.Option(help=_say("난수 씨앗.", "The random seed."))] = 20261101,
    debug: DebugOption = False,
) -> None:
    """Write a sample shop."""
    _load("custmeasure.shop.sample").write_sample(out, scale=scale, seed=seed)
    typer.echo(pick(f"{out}에 썼습니다.", f"Written to {out}."))


def main() -> NoReturn:
    """Run the command line, and end the process at once.

    Every command closes what it opens. Python would go on to take apart all that was loaded, which after
    a run takes as long as a notebook.
    """
    code: object = 0
    try:
        app()
    except SystemExit as end:
        code = end.code
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # closed by who was to read it
            stream.flush()
    os._exit(code if isinstance(code, int) else bool(code))


if __name__ == "__main__":
    main()
