"""Each group beside all the others: the comparison behind 'which one is worse?'."""

from collections.abc import Sequence

from custmeasure.stats.proportion import RateComparison, compare_rates


def against_rest(k: Sequence[int], n: Sequence[int], alpha: float = 0.05) -> list[RateComparison]:
    """Compare each group's rate with that of all other groups together.

    Parameters
    ----------
    k, n
        (n_groups,) successes and units of each group.
    alpha
        1 - the confidence of the intervals.

    Returns
    -------
    list of RateComparison
        One a group: the group minus the rest.
    """
    k_all, n_all = sum(k), sum(n)
    return [
        compare_rates(own, size, k_all - own, n_all - size, alpha)
        for own, size in zip(k, n, strict=True)
    ]
