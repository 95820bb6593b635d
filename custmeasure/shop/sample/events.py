"""The events of the visits, in the order of time over the whole year, whatever the scale.

A block's visitors come back all year long, so its events cannot be written when it is made. They
wait on disk, as small numbers, in one file for each slice of the year; when all blocks are made,
each slice is sorted and written. Memory holds one block or one slice, never the year.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from custmeasure.shop.sample import clock, ids, words
from custmeasure.shop.sample.draw import Frame, n_rows, rows, stack
from custmeasure.shop.sample.files import Columns, named, only
from custmeasure.shop.sample.truths import DETAIL_PAGE_COPY

_RECORD = np.dtype([
    ("at", "<i4"), ("visitor", "<u4"), ("number", "<u2"), ("customer", "<i4"), ("guest", "?"),
    ("event", "u1"), ("page", "u1"), ("channel", "u1"), ("campaign", "u1"), ("device", "u1"),
    ("variant", "i1"),
])  # fmt: skip


class EventStore:
    """Events that wait for their slice of the year.

    Parameters
    ----------
    folder
        Where they wait.
    chances
        How first visits spread over the days: slices hold about equally many.
    n_slices
        How many slices.
    """

    def __init__(self, folder: Path, chances: NDArray[np.float64], n_slices: int) -> None:
        self._folder = folder
        share = np.concatenate([[0.0], chances.cumsum()])
        days = np.interp(np.linspace(0, 1, n_slices + 1)[1:-1], share, np.arange(len(share)))
        self._edges = (days * clock.DAY).astype(np.int64)
        self._n_slices = n_slices

    def add(self, records: NDArray[Any]) -> None:
        """Keep a block's events."""
        slice_no = np.searchsorted(self._edges, records["at"], side="right")
        order = np.argsort(slice_no, kind="stable")
        ends = np.searchsorted(slice_no[order], np.arange(1, self._n_slices))
        for number, part in enumerate(np.split(records[order], ends)):
            with self._file(number).open("ab") as file:
                part.tofile(file)

    def in_time_order(self) -> Iterator[Columns]:
        """Return the events of slice after slice as columns of the contract."""
        written = 0
        for number in range(self._n_slices):
            records = np.fromfile(self._file(number), _RECORD)
            self._file(number).unlink()
            order = np.lexsort((records["event"], records["visitor"], records["at"]))
            yield _columns(records[order], written)
            written += len(records)

    def _file(self, number: int) -> Path:
        return self._folder / f"events-{number}.records"


def event_records(visits: Frame, people: Frame, customers: Frame) -> NDArray[Any]:
    """Turn a block's visits into events, as compact records.

    Parameters
    ----------
    customers
        ``number`` and ``guest`` of each visitor of the block; number -1 is no customer.
    """
    events = stack(list(_steps(visits)))
    events = rows(events, events["at"] < clock.END)
    records = np.empty(n_rows(events), _RECORD)
    for name in ("at", "number", "event", "page", "channel", "campaign", "device", "variant"):
        records[name] = events[name]
    who = events["who"]
    records["visitor"] = people["visitor"][who]
    records["customer"] = np.where(events["named"], customers["number"][who], -1)
    records["guest"] = customers["guest"][who]
    return records


def _steps(visits: Frame) -> Iterator[Frame]:
    """Return the events of each step; somebody who looks twice looks at another product."""
    at, depth, product = visits["step_at"], visits["depth"], visits["product"]
    reading = at[:, words.CART] - at[:, words.VIEW]
    yield _step(visits, depth >= 0, words.VISIT, at[:, 0], _landing(visits))
    for nth in range(3):
        seen = (depth >= words.VIEW) & (visits["n_views"] > nth)
        page = (product + 5 * nth) % len(words.PRODUCTS)
        yield _step(visits, seen, words.VIEW, at[:, words.VIEW] + nth * reading // 4, page)
    yield _step(visits, depth >= words.CART, words.CART, at[:, words.CART], product)
    for event, place in (
        (words.CHECKOUT, words.CHECKOUT_PAGE),
        (words.PURCHASE, words.COMPLETE_PAGE),
    ):
        yield _step(visits, depth >= event, event, at[:, event], np.full(len(depth), place))


def _step(
    visits: Frame, reached: NDArray[np.bool_], event: int, at: clock.Seconds, page: NDArray[Any]
) -> Frame:
    ordering = (visits["depth"] == words.PURCHASE) & (event >= words.CHECKOUT)
    in_test = clock.between(at, *DETAIL_PAGE_COPY) & (event == words.VIEW)
    columns = {name: visits[name] for name in ("who", "number", "channel", "campaign", "device")}
    columns |= {
        "at": at,
        "event": np.full(len(at), event),
        "page": page,
        "variant": np.where(in_test, visits["copy"], -1),
        "named": visits["signed_in"] | ordering,
    }
    return rows(columns, reached)


def _landing(visits: Frame) -> NDArray[Any]:
    """Return the page on which each visit begins."""
    campaign, channel = visits["campaign"], visits["channel"]
    search, shopping = channel == words.NAVER_SEARCH, channel == words.NAVER_SHOPPING
    pages = (words.VALENTINE_PAGE, words.SUMMER_PAGE, visits["product"], words.BEANS_PAGE)
    cases = [campaign == 1, campaign == 2, shopping, search]
    return np.select(cases, [np.asarray(page) for page in pages], words.HOME)


def _columns(records: NDArray[Any], first: int) -> Columns:
    """Turn sorted records into the contract's columns; ids of events count up from ``first``."""
    visitor = ids.visitors(records["visitor"])
    visit_no = ids.digits(records["number"] + 1, 3)
    customer = ids.customers(np.maximum(records["customer"], 0), records["guest"])
    return {
        "event_id": ids.digits(first + 1 + np.arange(len(records)), 10),
        "visitor_id": visitor,
        "session_id": pc.binary_join_element_wise(visitor, visit_no, "-"),
        "customer_id": only(customer, records["customer"] >= 0),
        "at": clock.instants(records["at"].astype(np.int64)),
        "event": named(words.EVENTS, records["event"]),
        "page": named(words.PAGES, records["page"]),
        "channel": named(words.CHANNELS, records["channel"]),
        "campaign": named(words.CAMPAIGNS, records["campaign"]),
        "device": named(words.DEVICES, records["device"]),
        "variant": named(words.VARIANTS, records["variant"]),
    }
