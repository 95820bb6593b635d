"""The data of a run, looked at while kernels start: checked, compared with earlier runs, remembered.

What blocks ends the run before anything is published; what is only unusual becomes a banner on every page.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from custmeasure.errors import DataError
from custmeasure.history import Delivery, History
from custmeasure.measure.days import days
from custmeasure.report.order import Order
from custmeasure.shop import Shop, freeze, open_shop
from custmeasure.shop.check import Accounted, fingerprint
from custmeasure.shop.gates import Alert, blocked, check_delivery
from custmeasure.shop.reader import DataBlocked, write_rejected

_LEADING = ("events", "orders")  # the tables that grow every day
_REMEMBERED = 70  # days whose counts are kept


@dataclass(frozen=True)
class Inspected:
    """What came in: the tables as they are remembered, and what is unusual about them."""

    deliveries: tuple[Delivery, ...]
    alerts: tuple[Alert, ...]


def examine(order: Order, kept: Path) -> Inspected:
    """Open the shop's data as the report knows them and hold them against the gates.

    The shop is frozen in the folder ``kept``, where the notebooks find it.

    Raises
    ------
    DataError
        When a table cannot be used, or a gate blocks.
    """
    folder = order.runs_folder
    try:
        shop = open_shop(order.folder, as_of=order.day - dt.timedelta(days=1))
    except DataBlocked as error:
        if error.reading is not None:
            write_rejected(error.reading, folder)
        raise
    shop.write_rejected(folder)
    deliveries = tuple(_delivery(shop, each) for each in shop.accounts() if each.found.paths)
    history = History(order.history_file)
    found = [
        alert
        for each in deliveries
        for alert in check_delivery(each, history.past(each.table, order.day), order.day)
    ]
    if blocked(found):
        raise _refused([alert for alert in found if alert.level == "block"])
    freeze(shop, kept)
    return Inspected(deliveries, tuple(found))


def remember(order: Order, inspected: Inspected) -> None:
    """Keep what this run saw for the runs after it."""
    History(order.history_file).add(order.date, order.day, inspected.deliveries)


def _delivery(shop: Shop, each: Accounted) -> Delivery:
    leading = each.name in _LEADING
    counted = days(shop.table(each.name)).frame.tail(_REMEMBERED) if leading else None
    pairs = () if counted is None else zip(counted["day"], counted["n_rows"], strict=True)
    return Delivery(
        table=each.name,
        file=each.found.file,
        sha256=fingerprint(each.found),
        n_rows=int(str(each.row["n_used"])),
        columns=each.found.columns,
        last_at=each.last_at.isoformat() if leading and each.last_at else None,
        days=tuple((str(day), int(n)) for day, n in pairs),
    )


def _refused(alerts: Sequence[Alert]) -> DataError:
    return DataError(
        ko="\n".join(alert.said.in_("ko") for alert in alerts),
        en="\n".join(alert.said.in_("en") for alert in alerts),
    )
