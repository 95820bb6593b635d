"""What a run is asked to do, checked to the last name before anything starts."""

import datetime as dt
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from custmeasure import dates
from custmeasure.errors import UsageError, check_choice
from custmeasure.history import FILE
from custmeasure.language import LANGUAGES, Lang
from custmeasure.report import gate
from custmeasure.report.notebooks import Notebook, find_notebooks, load, select
from custmeasure.report.parameters import RESERVED, Value, assign
from custmeasure.shop.settings import Settings, read_settings

BOTH = "both"


@dataclass(frozen=True)
class Order:
    """A run that can start.

    Attributes
    ----------
    folder, settings
        Of the shop.
    day
        The report's date, fixed here; nothing below asks the clock for it.
    languages
        The languages of the pages, the shop's own first.
    notebooks
        The notebooks to run.
    given
        For each notebook the values given for its parameters.
    out
        The folder of reports.
    run
        The run's own name: date, time and a few random letters.
    started
        When it started, in the shop's time zone.
    """

    folder: Path
    settings: Settings
    day: dt.date
    languages: tuple[Lang, ...]
    notebooks: tuple[Notebook, ...]
    given: Mapping[str, Mapping[str, Value]]
    out: Path
    run: str
    started: dt.datetime

    @property
    def date(self) -> str:
        """The report's date as its folder is called."""
        return self.day.isoformat()

    @property
    def runs_folder(self) -> Path:
        """The folder of what the run keeps beside its pages."""
        return self.out.parent / "runs" / self.run

    @property
    def history_file(self) -> Path:
        """The file of what earlier runs saw."""
        return self.out.parent / "runs" / FILE

    @property
    def own_folders(self) -> list[Path]:
        """Folders of this machine whose path no page may tell."""
        return [self.folder, self.out, Path.home()]

    def file_name(self, name: str, lang: Lang) -> str:
        """Return the file name of a notebook's page."""
        return f"{name}.{lang}.html" if len(self.languages) > 1 else f"{name}.html"

    def values(self, notebook: Notebook, lang: Lang) -> dict[str, Value]:
        """Return every value that the run sets in a notebook."""
        own: dict[str, Value] = {"shop_folder": str(self.folder), "date": self.date, "lang": lang}
        declared = {name: value for name, value in own.items() if name in notebook.parameters}
        return {**declared, **self.given[notebook.name]}

    def told(self, notebook: Notebook) -> dict[str, Value]:
        """Return the parameters a page and ``run.json`` tell: without the shop's path."""
        defaults = {name: parameter.default for name, parameter in notebook.parameters.items()}
        values = {**defaults, **self.given[notebook.name]}
        return {name: value for name, value in values.items() if name not in RESERVED}


def make_order(
    shop_folder: str | Path,
    *,
    date: str | dt.date | None = None,
    only: Sequence[str] = (),
    lang: str | None = None,
    out: str | Path | None = None,
    parameters: Mapping[str, object] | None = None,
    now: dt.datetime | None = None,
) -> Order:
    """Check what a run is asked and return it; see `run_report` for the arguments.

    Parameters
    ----------
    now
        The instant the run starts (aware); the clock's when not given.

    Raises
    ------
    UsageError
        For a folder, date, notebook, language or parameter that cannot be.
    """
    folder = Path(shop_folder).expanduser().resolve()
    if not folder.is_dir():
        raise UsageError(
            ko=f"폴더가 없습니다: {shop_folder}. 경로를 확인하십시오.",
            en=f"There is no folder {shop_folder}. Check the path.",
        )
    settings = read_settings(folder)
    started = (now or dt.datetime.now(dt.UTC)).astimezone(dates.zone(settings.timezone))
    chosen = select(find_notebooks(folder), only)
    notebooks = tuple(load(name, path) for name, path in chosen.items())
    return Order(
        folder=folder,
        settings=settings,
        day=started.date() if date is None else dates.parse_day(date),
        languages=_languages(lang, settings.language),
        notebooks=notebooks,
        given=_given(parameters or {}, notebooks),
        out=Path(out or "reports").expanduser().absolute(),
        run=f"{started:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}",
        started=started,
    )


def _languages(lang: str | None, own: Lang) -> tuple[Lang, ...]:
    choice = check_choice("language", lang or own, (*LANGUAGES, BOTH))
    ordered = sorted(LANGUAGES, key=lambda name: name != own)
    return tuple(name for name in ordered if choice in (name, BOTH))


def _given(
    parameters: Mapping[str, object], notebooks: Sequence[Notebook]
) -> dict[str, dict[str, Value]]:
    """Convert the given values; a password never becomes a parameter."""
    held = gate.secrets()
    for name, value in parameters.items():
        if gate.holds_secret(str(value), held):
            raise UsageError(
                ko=f"매개변수 {name}에 비밀값이 들어 있습니다. 비밀값은 환경 변수에만 두십시오.",
                en=f"The parameter {name} holds a secret. Keep secrets in the environment only.",
            )
    return assign(parameters, {notebook.name: notebook.parameters for notebook in notebooks})
