"""The sample shop: a year of a Korean speciality-coffee shop, made up, with known truths.

No person, order or message in it is real. Everything follows from a scale and a seed: the same two
give the same tables. How it is made, one module a part, in the order in which data flow:

- `truths`: every planted number.
- `clock`, `draw`, `words`: the year and its rhythm; drawing by the thousand; names and sentences.
- `people` → `visits` (with `aftersale`): who comes; what they do, visit after visit.
- `events`, `experiments`, `sales`, `care`, `gestures`, `money`: the tables of the contract.
- `ids`, `files`, `settings`, `plans`: ids as text; Parquet; the shop.toml; the stored plans.

Visitors are made in blocks of `BLOCK`, so memory does not grow with the scale.
"""

import math
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from custmeasure.errors import UsageError
from custmeasure.shop.sample import care, events, experiments, gestures, ids, money, sales
from custmeasure.shop.sample.draw import Frame, Rng, rows
from custmeasure.shop.sample.files import Files
from custmeasure.shop.sample.people import day_chances, draw_people
from custmeasure.shop.sample.plans import PLANS
from custmeasure.shop.sample.settings import SHOP_TOML
from custmeasure.shop.sample.truths import Truths
from custmeasure.shop.sample.visits import Year, live

__all__ = ["BLOCK", "VISITORS", "Truths", "write_sample"]

VISITORS = 20_000
BLOCK = 50_000
_EDITION = 0  # raised when the same seed shall mean another year


def write_sample(
    out: Path, *, scale: float = 1.0, seed: int = 20261101, truths: Truths | None = None
) -> dict[str, Any]:
    """Write the sample shop into the folder ``out``: a Parquet file a table, shop.toml, and plans.

    Parameters
    ----------
    out
        The folder; made when it is not there. Files of the same names are replaced, after all are
        complete.
    scale
        1 is 20,000 visitors, about 3,000 customers and 6,000 orders; 1,000 is 20 million visitors.
    seed
        A whole number from 0. The same scale and seed give the same rows.
    truths
        The planted numbers, to make a world that differs in one of them.

    Returns
    -------
    dict
        ``scale``, ``seed``, ``rows`` (a count for each table) and ``truths`` (the planted numbers).

    Raises
    ------
    UsageError
        When scale or seed is not usable.
    """
    _check(scale, seed)
    truths = truths or Truths()
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix=".making-") as name:
        folder = Path(name)
        n_rows = _write_tables(folder, max(1, round(VISITORS * scale)), scale, seed, truths)
        (folder / "shop.toml").write_text(SHOP_TOML, "utf-8")
        (folder / "plans").mkdir()
        for experiment, text in PLANS.items():
            (folder / "plans" / f"{experiment}.toml").write_text(text, "utf-8")
        (out / "plans").mkdir(exist_ok=True)
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            file.replace(out / file.relative_to(folder))
    return {"scale": scale, "seed": seed, "rows": n_rows, "truths": asdict(truths)}


def _check(scale: float, seed: int) -> None:
    if not (math.isfinite(scale) and scale > 0):
        raise UsageError(
            ko=f"scale {scale!r}: 0보다 큰 수로 적어 주세요. 1이면 방문자 2만 명입니다.",
            en=f"scale {scale!r}: write a number above 0; 1 means 20,000 visitors.",
        )
    if seed < 0:
        raise UsageError(
            ko=f"seed {seed!r}: 0 이상의 정수로 적어 주세요.",
            en=f"seed {seed!r}: write a whole number from 0.",
        )


def _write_tables(
    folder: Path, n_visitors: int, scale: float, seed: int, truths: Truths
) -> dict[str, int]:
    whole = _rng(seed, 0)
    chances = day_chances(whole)
    with Files(folder) as files:
        store = events.EventStore(folder, chances, n_blocks(n_visitors))
        for number, (people, year) in enumerate(blocks(n_visitors, chances, seed, truths)):
            rng = _rng(seed, 2, number)
            _Block(rng, people, year, truths, files).write(store)
        for slice_of_year in store.in_time_order():
            files.add("events", slice_of_year)
        files.add("spend", money.spend(whole, scale))
        files.add("copy_days", experiments.copy_days(whole, scale, truths))
        files.add("copy_tests", experiments.copy_tests(whole, scale, truths))
    return files.n_rows


def _rng(seed: int, part: int, block: int = 0) -> Rng:
    """Return the generator of the whole year (part 0), of a block's visits (1), of its tables (2)."""
    return np.random.default_rng([seed, _EDITION, part, block])


def n_blocks(n_visitors: int) -> int:
    """Return how many blocks make so many visitors, none larger than `BLOCK`."""
    return math.ceil(n_visitors / BLOCK)


def blocks(
    n_visitors: int, chances: NDArray[np.float64], seed: int, truths: Truths
) -> Iterator[tuple[Frame, Year]]:
    """Make the visitors, block by block, and let each block live through the whole year."""
    ends = np.linspace(0, n_visitors, n_blocks(n_visitors) + 1).astype(np.int64)
    for number, (first, last) in enumerate(pairwise(ends.tolist())):
        rng = _rng(seed, 1, number)
        people = draw_people(rng, first, last, chances, truths)
        yield people, live(rng, people, truths)


class _Block:
    """One block on its way into the files."""

    def __init__(self, rng: Rng, people: Frame, year: Year, truths: Truths, files: Files) -> None:
        self._rng, self._people, self._year = rng, people, year
        self._truths, self._files = truths, files
        self._n = dict(files.n_rows)
        self._customer = sales.number_customers(people, year.ends, self._n["customers"] + 1)
        self._order = rows(year.orders, np.argsort(year.orders["at"], kind="stable"))
        self._customer_id = ids.customers(
            np.maximum(self._customer["number"], 0), self._customer["guest"]
        )
        n_orders = len(self._order["at"])
        numbers = self._n["orders"] + 1 + np.arange(n_orders)
        self._order_id = ids.orders(numbers, self._order["at"])

    def write(self, store: events.EventStore) -> None:
        """Add the block to every table; its events wait in the store."""
        store.add(events.event_records(self._year.visits, self._people, self._customer))
        self._files.add(
            "exposures",
            experiments.exposures(self._rng, self._year.visits, self._people, self._truths),
        )
        self._files.add("customers", sales.customers(self._rng, self._people, self._customer))
        back = self._sell()
        self._care(back)

    def _sell(self) -> Frame:
        rng, order, order_id, files = self._rng, self._order, self._order_id, self._files
        lines, amounts = sales.price(rng, order)
        back = sales.refund(rng, order, amounts, self._truths)
        buyer = self._customer_id.take(order["who"])
        files.add("orders", sales.orders(order, amounts, back, order_id, buyer))
        files.add("order_items", sales.order_items(lines, order_id))
        files.add("returns", sales.returns(order, back, order_id, self._n["returns"] + 1))
        return back

    def _care(self, back: Frame) -> None:
        rng, order, n, files = self._rng, self._order, self._n, self._files
        who, order_id = self._customer_id, self._order_id
        said = care.contacts(rng, self._year.questions, order, back)
        files.add("contacts", care.contact_columns(rng, said, who, order_id, n["contacts"] + 1))
        promised = care.promises(rng, said, order, back, who, order_id, n["promises"] + 1)
        files.add("promises", promised)
        written = care.reviews(rng, order, who, order_id, n["reviews"] + 1, self._truths)
        files.add("reviews", written)
        files.add("touches", gestures.touches(rng, order, who, order_id, n["touches"] + 1))
        files.add("referrals", care.referrals(rng, self._people, order, who))
