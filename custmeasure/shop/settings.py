"""shop.toml: the shop's name, time zone and currency, where its tables come from, what it aims at.

Every key is known by name; an unknown one is an error with the nearest, so that a typing mistake
never changes a number silently.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from babel.numbers import is_currency

from custmeasure import dates
from custmeasure.engine.section import SECTION_KEYS
from custmeasure.errors import DataError, UnknownName, UsageError, check_choice
from custmeasure.language import LANGUAGES, Lang
from custmeasure.shop.contract import TABLES

FILE = "shop.toml"
FROZEN = (
    "CUSTMEASURE_FROZEN"  # the environment variable by which a run says where it keeps its data
)

_KEYS = (
    "name", "timezone", "currency", "language", "funnel", "targets", "metrics", "experiments",
    "customer", "share", "tables", "sources",
)  # fmt: skip
_TABLE_KEYS = (
    "file", "from", "columns", "timezone", "encoding", "delimiter", "sheet", "dates", "numbers",
    "aliases", "constants", "database", "relation", "query",
)  # fmt: skip
_METRIC_KEYS = (
    "kind", "event", "per", "table", "column", "per_column", "window", "cap", "direction",
    "covariate", "quantile", "margin", "title",
)  # fmt: skip
_EXPERIMENT_KEYS = (
    "control", "shares", "unit", "title", "start", "end", "window", "metrics", "guardrails", "tags",
    "strata", "prior",
)  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """What shop.toml says.

    Attributes
    ----------
    name, timezone, currency, language
        Of the shop.
    steps, window
        The funnel's events in order, and how long a visitor may take.
    targets
        Metric → the value aimed at.
    metrics
        Metric → ``kind`` (conversion, mean, ratio, quantile), what it counts (``event``, ``table``,
        ``column``, ``per``), ``window`` and the rest of `improve.copy_test.metrics`.
    experiments
        Experiment → ``control``, ``shares`` (variant → planned share), ``unit``, its first and last
        day, its ``metrics`` and ``guardrails``, the ``strata`` inside which variants are compared,
        the ``prior`` of its Bayesian view, the ``tags`` of its copies.
    customer, share
        The declared target customer; what a shared report may show.
    tables
        Table → where it comes from (``file``, or ``database`` with ``relation`` or ``query``) and how it
        is read (``from``, ``columns``, ``timezone``, ``dates``, ``numbers``, …).
    sources
        Database → ``uri_env`` or ``file``, and its limits.
    """

    name: str
    timezone: str = "Asia/Seoul"
    currency: str = "KRW"
    language: Lang = "ko"
    steps: tuple[str, ...] = ()
    window: str = "7d"
    targets: Mapping[str, float] = field(default_factory=dict)
    metrics: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    experiments: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    customer: Mapping[str, Any] = field(default_factory=dict)
    share: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    sources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def read_settings(folder: Path) -> Settings:
    """Read ``shop.toml`` of ``folder``.

    Raises
    ------
    UsageError
        When the file is missing, is not TOML, or says something that cannot be.
    UnknownName
        For a key, table, currency or time zone that does not exist.
    """
    path = folder / FILE
    if not path.is_file():
        raise UsageError(
            ko=f"{folder}에 {FILE}이 없습니다. 'custmeasure init 폴더'로 새로 만들 수 있습니다.",
            en=f"There is no {FILE} in {folder}. 'custmeasure init FOLDER' makes one.",
        )
    return _settings(_parse(path), folder.name)


def _parse(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(
            ko=f"{path.name}을(를) 읽을 수 없습니다: {error}. 그 줄을 고치십시오.",
            en=f"{path.name} cannot be read: {error}. Correct that line.",
        ) from None


def _settings(raw: dict[str, Any], default_name: str) -> Settings:
    _known(raw, _KEYS, FILE)
    funnel = _section(raw, "funnel")
    _known(funnel, ("steps", "window"), "[funnel]")
    settings = Settings(
        name=str(raw.get("name", default_name)),
        timezone=str(raw.get("timezone", "Asia/Seoul")),
        currency=str(raw.get("currency", "KRW")),
        language=check_choice("language", raw.get("language", "ko"), LANGUAGES),  # type: ignore[arg-type]
        steps=_steps(funnel.get("steps", [])),
        window=str(funnel.get("window", "7d")),
        targets=_targets(_section(raw, "targets")),
        metrics=_sections(raw, "metrics", _METRIC_KEYS),
        experiments=_sections(raw, "experiments", _EXPERIMENT_KEYS),
        customer=_section(raw, "customer"),
        share=_section(raw, "share"),
        tables=_sections(raw, "tables", _TABLE_KEYS),
        sources=_sections(raw, "sources", SECTION_KEYS),
    )
    _check(settings)
    return settings


def _check(settings: Settings) -> None:
    dates.zone(settings.timezone)
    dates.parse_window(settings.window, "shop.toml [funnel] window")
    if not is_currency(settings.currency):
        raise UnknownName("currency", settings.currency, ("KRW", "USD", "EUR", "JPY"), FILE)
    for name, section in settings.tables.items():
        if name not in TABLES:
            raise UnknownName("table", name, TABLES, FILE)
        dates.zone(section.get("timezone", settings.timezone))


def _known(section: Mapping[str, object], keys: tuple[str, ...], where: str) -> None:
    for key in section:
        if key not in keys:
            raise UnknownName("setting", key, keys, where)


def _section(raw: Mapping[str, Any], key: str) -> dict[str, Any]:
    section = raw.get(key, {})
    if isinstance(section, dict):
        return section
    raise UsageError(
        ko=f"{FILE}의 {key}는 [{key}] 아래에 적어야 합니다.",
        en=f"In {FILE}, {key} must be a section: write its settings under [{key}].",
    )


def _sections(raw: Mapping[str, Any], key: str, keys: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    outer = _section(raw, key)
    inner = {name: _section(outer, name) for name in outer}
    for name, section in inner.items():
        _known(section, keys, f"[{key}.{name}]")
    return inner


def _steps(steps: object) -> tuple[str, ...]:
    if isinstance(steps, list) and all(isinstance(step, str) for step in steps):
        return tuple(steps)
    raise UsageError(
        ko=f"{FILE}의 [funnel] steps는 ['visit', 'purchase']처럼 적어야 합니다.",
        en=f"In {FILE}, [funnel] steps must be a list such as ['visit', 'purchase'].",
    )


def _targets(targets: Mapping[str, Any]) -> dict[str, float]:
    for name, value in targets.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise UsageError(
                ko=f"{FILE}의 [targets] {name}은(는) 숫자여야 합니다.",
                en=f"In {FILE}, [targets] {name} must be a number.",
            )
    return {name: float(value) for name, value in targets.items()}
