"""From one notebook to one page that passed the gate, or to the reason why there is none."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING

from custmeasure import report
from custmeasure.report import gate
from custmeasure.report.crew import Task
from custmeasure.report.desk import Desk
from custmeasure.report.execute import execute
from custmeasure.report.executed import Executed
from custmeasure.report.failure import Failure
from custmeasure.report.inspect import Inspected
from custmeasure.report.order import Order
from custmeasure.report.signoff import SignOff

if TYPE_CHECKING:
    from custmeasure.report.render import Page


def make_page(
    order: Order,
    secrets: Mapping[str, str],
    cell_timeout: int,
    inspected: "Future[Inspected]",
    task: Task,
    desk: Desk,
) -> Executed:
    """Run a notebook, render its page and hold it against the gate.

    Parameters
    ----------
    order, secrets, cell_timeout
        The run, the secret values no page may hold, the seconds a cell may take.
    inspected
        What is unusual about the data, once they are read; the first cell waits for that.
    task, desk
        The notebook and its language, and where it is worked on.
    """
    values = order.values(task.notebook, task.lang)
    desk.begin_when(inspected)
    executed = execute(task.notebook, task.lang, values, desk, cell_timeout)
    if isinstance(executed.outcome, Failure):
        told = gate.tidied(executed.outcome, secrets, order.own_folders)
        return replace(executed, outcome=told)
    if executed.notebook is None:
        return executed
    title = report.render.title_of(executed.notebook, task.notebook.name)
    alerts = [alert.said.in_(task.lang) for alert in inspected.result().alerts]
    text = report.render.render(
        executed.notebook, _page(order, task, executed.outcome, title, alerts)
    )
    refused = gate.check(text, secrets, order.own_folders)
    return replace(executed, outcome=refused or executed.outcome, title=title, page=text)


def _page(order: Order, task: Task, sign_off: SignOff, title: str, alerts: Sequence[str]) -> "Page":
    name = task.notebook.name
    return report.render.Page(
        title=title,
        lang=task.lang,
        shop=order.settings.name,
        timezone=order.settings.timezone,
        date=order.day,
        sign_off=sign_off,
        alerts=tuple(alerts),
        parameters=order.told(task.notebook),
        others={lang: order.file_name(name, lang) for lang in order.languages if lang != task.lang},
        generated=report.render.generated_line(order.started, order.run, task.lang),
    )
