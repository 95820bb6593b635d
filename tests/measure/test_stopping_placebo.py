"""The negative control of `stopping`: who stops is dealt out at random among the people of one week.

Nothing goes with stopping then, so a table that calls anything associated is a false alarm, and at most
a share alpha of the tables may be one.
"""

import functools
from pathlib import Path

import numpy as np
import pandas as pd

import custmeasure as cm
from custmeasure.measure.funnel import StoppingResult
from custmeasure.measure.funnel.cells import MIN_CELL
from custmeasure.measure.funnel.people import people
from custmeasure.stats.proportion import rates_differ

SAMPLE = Path(__file__).resolve().parents[2] / "data" / "sample"
ALPHA, DEALS = 0.05, 1250
TRAITS = {"device": 3, "channel": 5, "page": 6}
KINDS = list(np.ndindex(*TRAITS.values()))  # people who are alike in every trait
VALUES = np.array([
    [kind[place] == value for kind in KINDS]
    for place, n_values in enumerate(TRAITS.values())
    for value in range(n_values)
])  # fmt: skip
NAMES = [(trait, f"{trait} {value}") for trait, n in TRAITS.items() for value in range(n)]


def dealt(rng, n_people, stop_rates, n_deals):
    """Return (n_values,) people and (n_deals, n_values) of them who stopped, weeks together.

    ``n_people`` is (n_weeks, n_kinds). As many stop in each week as its rate says; any of its people are
    as likely to be among them.
    """
    stopped = sum(
        rng.multivariate_hypergeometric(kinds, round(rate * kinds.sum()), n_deals)
        for kinds, rate in zip(n_people, stop_rates, strict=True)
    )
    return VALUES @ n_people.sum(axis=0), stopped @ VALUES.T


def flagged(n, k, n_all, k_all):
    """Return for each deal whether Benjamini and Hochberg call any row of its table associated."""
    rest = np.maximum(n_all - n, 0)
    alarm = np.zeros(len(k), bool)
    for rank in range(1, len(n) + 1):
        alarm |= rates_differ(k, n, k_all - k, rest, ALPHA * rank / len(n)).sum(axis=1) >= rank
    return alarm


def counts(n, k):
    rows = [("cart", *name, *sizes) for name, *sizes in zip(NAMES, n, k, strict=True)]
    return pd.DataFrame(rows, columns=["step", "trait", "value", "n_with", "n_stopped"])


def shop(rng, n_people, n_weeks):
    """Return (n_weeks, n_kinds) people: traits hang together, and their mix is that of every week."""
    shares = rng.dirichlet(np.full(len(KINDS), 0.7))
    return rng.multinomial(n_people // n_weeks, shares, n_weeks)


def test_tables_of_people_who_stop_at_random_hold_few_alarms():
    rng = np.random.default_rng(11)
    alarms = []
    for n_people in (800, 6000):
        people = shop(rng, n_people, 8)
        n, k = dealt(rng, people, np.linspace(0.2, 0.7, 8), DEALS)
        k_all = k[:, : TRAITS["device"]].sum(axis=1, keepdims=True)
        alarms.append(flagged(n, k, people.sum(), k_all))
        # The same as the library says of some of these tables.
        for deal in range(12):
            said = StoppingResult.from_counts(counts(n, k[deal]), alpha=ALPHA).frame
            assert (said["p_value_adj"] < ALPHA).any() == alarms[-1][deal]
    rate = np.concatenate(alarms).mean()
    assert rate < ALPHA + 3 * np.sqrt(ALPHA * (1 - ALPHA) / (2 * DEALS))


def test_a_week_that_brings_other_people_and_other_luck_is_no_cause_and_yet_associated():
    """Ads bring phones in a week of bad luck: phones go with stopping, whoever of that week stops."""
    rng = np.random.default_rng(12)
    phones = np.where([kind[0] == 0 for kind in KINDS], 4.0, 1.0)
    mixes = (np.full(len(KINDS), 1 / len(KINDS)), phones / phones.sum())
    people = np.stack([rng.multinomial(2000, mix) for mix in mixes])
    n, k = dealt(rng, people, [0.3, 0.6], 250)
    k_all = k[:, : TRAITS["device"]].sum(axis=1, keepdims=True)
    assert flagged(n, k, people.sum(), k_all).mean() > 0.9
    seen = StoppingResult.from_counts(counts(n, k[0]))
    assert "device 0" in seen.headline()
    assert "such as the week they came, so it does not follow" in seen.notes[0]


def test_the_sample_shop_s_own_people_dealt_out_at_random_hold_few_alarms():
    """Dealt within weeks a little more is flagged: weeks differ in who comes and in how many stop."""
    rng = np.random.default_rng(13)
    alarms = {}
    for by_week in (False, True):
        tables = [own_table(rng, *rows, by_week=by_week) for rows in own_people()]
        n, n_all = (np.concatenate([table[k] for table in tables]) for k in (0, 2))
        k, k_all = (np.concatenate([table[k] for table in tables], axis=1) for k in (1, 3))
        alarms[by_week] = flagged(n, k, n_all, k_all).mean()
    assert alarms[False] < ALPHA + 3 * np.sqrt(ALPHA * (1 - ALPHA) / DEALS)
    assert alarms[True] < 2 * ALPHA


@functools.cache
def own_people():
    """Return, for each step, the traits of those who took it, their weeks and whether they stopped."""
    shop = cm.open_shop(SAMPLE)
    rules = dict.fromkeys(("start", "end", "as_of", "session"))
    rules |= {"unit": "visitor_id", "order": "ordered", "ties": "together", "attempts": "best"}
    seen = people(shop.events, shop.steps, window="7d", exclusions=(), **rules)
    taken = seen.taken.source.to_pandas()
    entered = taken[taken["step"] == 0].set_index("who")["moment"]
    taken["week"] = taken["who"].map(entered.dt.floor("D").astype("int64") // (7 * 86_400_000_000))
    events = pd.read_parquet(
        SAMPLE / "events.parquet", columns=["visitor_id", "at", "event", *TRAITS]
    )
    events["at"] = pd.to_datetime(events["at"], utc=True)
    steps = []
    for step, name in enumerate(seen.labels[:-1]):
        mine = events[events["event"] == name]
        rows = taken[taken["step"] == step].merge(
            mine, left_on=["unit", "moment"], right_on=["visitor_id", "at"]
        )
        rows = rows.drop_duplicates("who")
        steps.append((rows[list(TRAITS)].fillna("(none)"), rows["week"], rows["stopped"]))
    return steps


def own_table(rng, traits, week, stopped, *, by_week):
    """Return n, k (n_deals, n_values), and those of all people, of one step's table of dealt stops."""
    week = week if by_week else 0 * week
    kinds = traits.groupby(list(TRAITS)).ngroup()
    n_people = pd.crosstab(week, kinds).to_numpy()
    n_stopped = stopped.groupby(week).sum()
    k = sum(
        rng.multivariate_hypergeometric(own, stops, DEALS)
        for own, stops in zip(n_people, n_stopped, strict=True)
    )
    first = traits.assign(kind=kinds).drop_duplicates("kind").sort_values("kind")
    values = np.stack([first[t] == value for t in TRAITS for value in sorted(set(first[t]))])
    n = values @ n_people.sum(axis=0)
    shown = (n >= MIN_CELL) & (n < len(traits))
    n_all, k_all = np.full(shown.sum(), len(traits)), np.full((DEALS, shown.sum()), stopped.sum())
    return n[shown], (k @ values.T)[:, shown], n_all, k_all
