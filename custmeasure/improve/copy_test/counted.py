"""A test from counts or moments that a marketer types in: no shop, no engine."""

from collections.abc import Mapping

from custmeasure.errors import UsageError
from custmeasure.improve.copy_test.asked import Plan, Question
from custmeasure.improve.copy_test.concluding import conclude
from custmeasure.improve.copy_test.effects import Rate
from custmeasure.improve.copy_test.result import CopyTestResult
from custmeasure.improve.copy_test.watching import Watch
from custmeasure.show.words import Text
from custmeasure.stats.mean import Moments


def copy_test_from_counts(
    counts: Mapping[str, tuple[int, int]],
    *,
    control: str | None = None,
    shares: Mapping[str, float] | None = None,
    min_effect: float = 0.05,
    alpha: float = 0.05,
    metric: str = "conversion",
    method: str = "one_look",
    prior: float | None = None,
) -> CopyTestResult:
    """Compare variants from counts: ``{"A": (n_units, n_conversions), …}``.

    Parameters
    ----------
    counts
        Variant → units and how many of them converted, each unit once.
    control
        The variant that the others are compared with; the first one when not given.
    shares
        Variant → planned share of the units, in any unit; equal when not given.
    min_effect, alpha, prior
        As `copy_test`.
    metric
        What a conversion is, for the reader.
    method
        ``"one_look"``, or ``"open_end"`` for counts that are looked at again and again.

    Raises
    ------
    UnknownName
        When ``control`` is not one of the variants.
    UsageError
        When counts are no counts, or there are more conversions than units.
    """
    samples = {str(name): _rate(name, pair) for name, pair in counts.items()}
    plan = Plan(control, shares, min_effect, alpha, prior)
    question = Question(samples, metric, watch=_watch(method, alpha))
    return conclude([question], plan, definition={"metric": metric})


def copy_test_from_moments(
    moments: Mapping[str, Moments],
    *,
    control: str | None = None,
    shares: Mapping[str, float] | None = None,
    min_effect: float = 0.05,
    alpha: float = 0.05,
    metric: str = "revenue",
    currency: str = "KRW",
    method: str = "one_look",
    prior: float | None = None,
) -> CopyTestResult:
    """Compare variants by the mean of an amount a unit: ``{"A": Moments(n, mean, var), …}``.

    Parameters
    ----------
    moments
        Variant → units, mean amount a unit (0 for who bought nothing) and unbiased variance.
    currency
        In which the amounts are.
    control, shares, min_effect, alpha, metric, method, prior
        As `copy_test_from_counts`.
    """
    samples = {str(name): _moments(name, sample) for name, sample in moments.items()}
    plan = Plan(control, shares, min_effect, alpha, prior)
    title = Text("1인당 순매출", "Net revenue a person")
    question = Question(
        samples, metric, title, "revenue_amount", watch=_watch(method, alpha), is_money=True
    )
    return conclude([question], plan, definition={"metric": metric, "currency": currency})


def _watch(method: str, alpha: float) -> Watch:
    if method in ("one_look", "open_end"):
        return Watch(method, alpha)
    raise UsageError(
        ko=f"method {method!r}: 수만 줄 때는 'one_look'이나 'open_end'를 쓸 수 있습니다.",
        en=f"method {method!r}: with counts alone, 'one_look' or 'open_end' can be used.",
    )


def _rate(name: object, pair: object) -> Rate:
    if isinstance(pair, tuple | list) and len(pair) == 2:
        n, k = pair
        return Rate(n, k)
    raise UsageError(
        ko=f"{name}안의 {pair!r}: (인원, 전환) 두 수를 주십시오. 예: {{'A': (1000, 30)}}.",
        en=f"{name}: {pair!r} is not (units, conversions), such as {{'A': (1000, 30)}}.",
    )


def _moments(name: object, sample: object) -> Moments:
    if isinstance(sample, Moments):
        return sample
    raise UsageError(
        ko=f"{name}안의 {sample!r}: Moments(인원, 평균, 분산)를 주십시오.",
        en=f"{name}: {sample!r} is not Moments(n, mean, var).",
    )
