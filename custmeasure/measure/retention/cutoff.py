"""After how long a silence is a customer lost? The shop's own cut-off, not 90 days for everybody.

For each number of days g: of the customers who have been silent for g days, which share orders within the
next ``within`` days? The cut-off is the first g from which on that share stays below ``back_rate``. Both
come from the Kaplan–Meier curve of all gaps between purchases, 1 − S(g + within) ÷ S(g), so that customers
whose silence is not over count as far as it is known. The interval is the bootstrap's, over customers: a
customer's gaps stay together.

Frame, one row a segment: ``segment, n_customers, n_gaps`` (silences watched), ``n_again`` (silences that
ended with an order), ``median_gap_days`` of those, ``cutoff_days`` with its interval, and
``lost_back_rate``: the share that still orders after a silence of the cut-off.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
import pandas as pd

from custmeasure import dates
from custmeasure.engine import Readable
from custmeasure.errors import UsageError
from custmeasure.language import LANGUAGES, Lang
from custmeasure.measure.retention.judge import no_customers, segment_name
from custmeasure.measure.retention.orders import LETTERS, named_by_example, purchases
from custmeasure.measure.retention.purchases import Purchases, whole_days
from custmeasure.show.result import Result
from custmeasure.show.words import Text, Verdict
from custmeasure.stats.bootstrap import SEED, resamples
from custmeasure.stats.tails import Floats, check_level

REPEATS = 1000
GROUPS = 500  # of customers that are resampled together, at most
FEWEST_AGAIN = 30  # orders after a silence, below which nothing is said
FEWEST_LEFT = 20  # silences that must have been watched to the end of what is asked
TOLD = 0.95  # of the resamples that must have a cut-off at all


@dataclass(frozen=True, eq=False, repr=False)
class ChurnCutoff(Result):
    """After how long a silence a customer is lost; see the module for the columns.

    Attributes
    ----------
    curve
        One row a day (and segment): ``segment, silent_days, n_at_risk, back_rate`` with its interval: of
        those silent for so long, the share that orders within the window.
    """

    curve: pd.DataFrame = field(kw_only=True)

    name: ClassVar[str] = "churn_cutoff"
    COLUMNS: ClassVar[tuple[str, ...]] = (
        "segment", "n_customers", "n_gaps", "n_again", "median_gap_days",
        "cutoff_days", "cutoff_days_ci_lower", "cutoff_days_ci_upper", "lost_back_rate",
    )  # fmt: skip

    def headline(self, lang: Lang | None = None) -> str:
        """Return the cut-off, and whether the rule in use fits it."""
        return self.reason.in_(lang)

    def shown_frame(self) -> pd.DataFrame:
        """Return the rows; without the name of the segment where there is only one."""
        return self.frame if self.definition.get("by") else self.frame.drop(columns="segment")


def churn_cutoff(
    orders: Readable,
    *,
    back_rate: float = 0.1,
    within: str | dt.timedelta = "90d",
    rule: str | dt.timedelta = "90d",
    by: str | None = None,
    items: Readable | None = None,
    letters: int = LETTERS,
    as_of: str | dt.date | dt.datetime | None = None,
    timezone: str | None = None,
    seed: int = SEED,
    alpha: float = 0.05,
) -> ChurnCutoff:
    """Find the silence after which few customers come back.

    Parameters
    ----------
    orders
        A shop's table, a pandas frame, an Arrow table or a path, with the contract's columns. Orders of a
        customer on one day are one purchase.
    back_rate
        A customer is lost when fewer than this share of those silent as long order again …
    within
        … within this time.
    rule
        The cut-off in use, to compare with.
    by, items, letters
        A column of the orders, or of ``items``, the orders' lines: then a silence belongs to the value (or
        its first ``letters``) of the largest lines of the order before it. A category, say; of first
        letters the name of the most sold product is said too.
    as_of
        The last instant that is known; the shop's own when not given.
    timezone
        Where days begin; the table's own when not given.
    seed
        What the resamples are drawn from.
    alpha
        1 - the confidence of the intervals.

    Returns
    -------
    ChurnCutoff
        A segment with too few orders, or watched too short, has no cut-off: the cells are blank.

    Raises
    ------
    UnknownName
        For a column or time zone that does not exist.
    UsageError
        For a length of time that is no whole days, a share outside 0 to 1, or letters below 1.
    """
    ahead, usual = whole_days(within, "within"), whole_days(rule, "rule")
    _check(back_rate, letters)
    check_level(alpha)
    if timezone is not None:
        dates.zone(timezone)
    bought = purchases(orders, as_of=as_of, timezone=timezone, by=by, items=items, letters=letters)
    if isinstance(bought, Verdict):
        return _empty(bought)
    if by is not None and items is not None:
        bought = replace(bought, segments=named_by_example(bought.segments, items, by, letters))
    definition = bought.definition(
        alpha, seed=seed, back_rate=back_rate, within=f"{ahead}d", rule=f"{usual}d", by=by
    )
    parts = [
        _Silences.of(bought, place).measured(name, back_rate, ahead, seed, alpha)
        for place, name in enumerate(bought.segments)
        if (bought.segment == place).any()
    ]
    if not parts:
        return _empty(no_customers(), definition)
    frame = pd.DataFrame([row for row, _ in parts])[list(ChurnCutoff.COLUMNS)]
    frame = frame.sort_values("n_gaps", ascending=False, ignore_index=True)
    curve = pd.concat([curve for _, curve in parts], ignore_index=True)
    verdict = _judged(frame, by, back_rate, ahead, usual)
    return ChurnCutoff(frame, definition, tuple(bought.notes()), verdict=verdict, curve=curve)


@dataclass(frozen=True)
class _Silences:
    """The silences of one segment, added up by groups of customers.

    Attributes
    ----------
    ended, watched
        (n_groups, n_days) silences that ended with an order on day 0, 1, …, and that were watched to it.
    n_customers
        How many customers they are of.
    """

    ended: Floats
    watched: Floats
    n_customers: int

    @classmethod
    def of(cls, bought: Purchases, place: int) -> "_Silences":
        """Add up the silences after purchases of one segment."""
        own = bought.segment == place
        _, customer = np.unique(bought.customer[own], return_inverse=True)
        gap, again = bought.gap[own], bought.came_back[own]
        shape = (min(GROUPS, int(customer.max()) + 1), int(gap.max()) + 1)
        ended, left = np.zeros(shape), np.zeros(shape)
        np.add.at(ended, (customer[again] % GROUPS, gap[again]), 1.0)
        np.add.at(left, (customer % GROUPS, gap), 1.0)
        return cls(ended, left[:, ::-1].cumsum(axis=1)[:, ::-1], int(customer.max()) + 1)

    def measured(
        self, name: str, back_rate: float, ahead: int, seed: int, alpha: float
    ) -> tuple[dict[str, object], pd.DataFrame]:
        """Return the segment's row, and its curve."""
        ended, watched = self.ended.sum(axis=0), self.watched.sum(axis=0)
        asked = _asked(watched, ahead)
        back = _back(ended[None], watched[None], ahead)[0, :asked]
        cutoff = _cutoffs(back[None], back_rate)[0]
        again = np.vstack([
            _back(w @ self.ended, w @ self.watched, ahead)[:, :asked]
            for w in resamples(len(self.ended), REPEATS, seed)
        ])  # fmt: skip
        lower, upper = _interval(_cutoffs(again, back_rate), alpha)
        enough = ended.sum() >= FEWEST_AGAIN and np.isfinite(cutoff)
        row = {
            "segment": name, "n_customers": self.n_customers, "n_gaps": int(watched[0]),
            "n_again": int(ended.sum()), "median_gap_days": _median(ended),
            "cutoff_days": cutoff if enough else np.nan,
            "cutoff_days_ci_lower": lower if enough else np.nan,
            "cutoff_days_ci_upper": upper if enough else np.nan,
            "lost_back_rate": back[int(cutoff)] if enough else np.nan,
        }  # fmt: skip
        return row, _curve(name, watched[:asked], back, again, alpha)


def _asked(watched: Floats, ahead: int) -> int:
    """Return how many days of silence have enough watched to the end of the window."""
    return max(0, int((watched >= FEWEST_LEFT).sum()) - ahead)


def _back(ended: Floats, watched: Floats, ahead: int) -> Floats:
    """Return (n, n_days) 1 - S(g + ahead) / S(g): of those silent for g days, who orders soon."""
    left = np.divide(ended, watched, out=np.zeros_like(ended), where=watched > 0)
    # ln S, Klein and Moeschberger (2003), eq. 4.2.1; nobody is left where everybody came back.
    log = np.cumsum(np.log1p(-np.minimum(left, 1 - 1e-12)), axis=1)
    later = np.concatenate([log, np.repeat(log[:, -1:], ahead, axis=1)], axis=1)[:, ahead:]
    return np.asarray(np.maximum(-np.expm1(later - log), 0.0))


def _cutoffs(back: Floats, back_rate: float) -> Floats:
    """Return for each row the first day from which on the share stays below; NaN where it does not."""
    n, n_days = back.shape
    if not n_days:
        return np.full(n, np.nan)
    above = back >= back_rate
    last = np.where(above.any(axis=1), n_days - 1 - np.argmax(above[:, ::-1], axis=1), -1)
    return np.where(last + 1 < n_days, last + 1.0, np.nan)


def _interval(cutoffs: Floats, alpha: float) -> tuple[float, float]:
    """Return percentiles of the resampled cut-offs; NaN where too few resamples have one.

    A resample without a cut-off has a later one than the data can show.
    """
    if not len(cutoffs) or np.isfinite(cutoffs).mean() < TOLD:
        return np.nan, np.nan
    ranked = np.sort(np.where(np.isfinite(cutoffs), cutoffs, np.inf))
    tail = max(1, int(alpha / 2 * (len(ranked) + 1)))
    return float(ranked[tail - 1]), float(ranked[-tail])


def _median(ended: Floats) -> float:
    return float(np.searchsorted(ended.cumsum(), ended.sum() / 2)) if ended.sum() else np.nan


def _curve(name: str, watched: Floats, back: Floats, again: Floats, alpha: float) -> pd.DataFrame:
    lower, upper = np.full((2, len(back)), np.nan)
    if len(back):
        lower, upper = np.quantile(again, [alpha / 2, 1 - alpha / 2], axis=0)
    return pd.DataFrame({
        "segment": name, "silent_days": np.arange(len(back)), "n_at_risk": watched.astype(np.int64),
        "back_rate": back, "back_rate_ci_lower": lower, "back_rate_ci_upper": upper,
    })  # fmt: skip


def _judged(
    frame: pd.DataFrame, by: str | None, back_rate: float, ahead: int, usual: int
) -> Verdict:
    """Say the cut-off of the whole, or of each segment, and whether the rule in use fits."""
    known = frame[
        frame["cutoff_days_ci_upper"].notna() & np.isfinite(frame["cutoff_days_ci_upper"])
    ]
    if not len(known):
        reason = Text(
            "떠난 때를 말하기에는 주문이 적거나 지켜본 기간이 짧습니다. 주문이 더 쌓이면 답합니다.",
            "There are too few orders, or they were watched too short, to say when a customer is lost.",
        )
        return Verdict("cannot_tell", reason, code="TOO_FEW_UNITS")
    ko, en = (
        ", ".join(_said(row, by, lang) for row in known.to_dict("records")) for lang in LANGUAGES
    )
    if by is not None:
        ko, en = f"떠났다고 볼 때: {ko}", f"Lost after: {en}"
    share = f"{100 * back_rate:g}%"
    rule_ko = f"이만큼 조용하면 그 뒤 {ahead}일 안에 다시 사는 고객이 {share}도 되지 않습니다."
    rule_en = f"After that silence fewer than {share} order within the next {ahead} days."
    early = known["cutoff_days_ci_lower"] > usual
    late = known["cutoff_days_ci_upper"] < usual
    word, ko_end, en_end = ("worse", "맞지 않습니다", "does not fit")
    if not (early | late).any():
        word, ko_end, en_end = ("no_difference", "맞습니다", "fits")
    elif early.all():
        ko_end, en_end = (
            "이릅니다. 돌아올 고객까지 떠났다고 봅니다",
            "is too early: it gives up those who still come",
        )
    elif late.all():
        ko_end, en_end = "늦습니다. 그때는 이미 떠났습니다", "is too late: by then they are gone"
    return Verdict(word, Text(
        f"{ko}. {rule_ko} {usual}일이라는 기준은 {ko_end}.",
        f"{en}. {rule_en} The rule of {usual} days {en_end}.",
    ))  # fmt: skip


def _said(row: Mapping[str, object], by: str | None, lang: Lang) -> str:
    days = [round(float(str(row[name]))) for name in ChurnCutoff.COLUMNS[5:8]]
    unit = "일" if lang == "ko" else " days"
    between = " ~ " if lang == "ko" else " to "
    said = f"{days[0]}{unit} ({days[1]}{between}{days[2]})"
    if by is not None:
        return f"{segment_name(by, row['segment'], lang)} {said}"
    return f"떠났다고 볼 때는 {said}입니다" if lang == "ko" else f"A customer is lost after {said}"


def _check(back_rate: float, letters: int) -> None:
    if not isinstance(back_rate, float) or not 0 < back_rate < 1:
        raise UsageError(
            ko=f"back_rate {back_rate!r}: 0과 1 사이의 비율이어야 합니다. 10%는 0.1입니다.",
            en=f"back_rate {back_rate!r} must be a share between 0 and 1: 10% is 0.1.",
        )
    if not isinstance(letters, int) or isinstance(letters, bool) or letters < 1:
        raise UsageError(
            ko=f"letters {letters!r}: 1 이상의 정수여야 합니다.",
            en=f"letters {letters!r} must be a whole number, 1 or more.",
        )


def _empty(verdict: Verdict, definition: Mapping[str, object] | None = None) -> ChurnCutoff:
    curve = ["segment", "silent_days", "n_at_risk", "back_rate"]
    frame = pd.DataFrame(columns=list(ChurnCutoff.COLUMNS))
    return ChurnCutoff(frame, definition or {}, verdict=verdict, curve=pd.DataFrame(columns=curve))
