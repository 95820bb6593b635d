"""Who sees which variant: the same person always the same one, and nobody has to remember it.

A unit's number is the first 53 bits of SHA-256 over the experiment's name and the unit's id, a number
evenly spread over [0, 1); the variants stand side by side on that line, each as long as its share. So
the shares are exact in expectation, an experiment's draw says nothing about another's, and a web
shop can compute the same number in any language. Adding units changes nobody's variant; changing the
shares does. That the numbers are uniform, and those of two experiments independent, is tested by
chi-square and Kolmogorov-Smirnov on ids in a row (``tests/improve/test_assign.py``).

References
----------
National Institute of Standards and Technology (2015), FIPS 180-4 (SHA-256).
"""

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from custmeasure.errors import UsageError, unwritable
from custmeasure.stats.tails import Floats

# Between the experiment's name and the unit's id; it stands in neither.
SEPARATOR = "\x1f"
_BITS = 53  # what a float holds exactly


def unit_number(experiment: str, unit: str) -> float:
    """Return the unit's place in [0, 1) in an experiment, the same on every machine.

    It is the first 53 bits of SHA-256(experiment + U+001F + unit), in UTF-8, divided by 2^53.

    Examples
    --------
    >>> round(unit_number("headline", "00123"), 6)
    0.042764
    """
    digest = hashlib.sha256(f"{experiment}{SEPARATOR}{unit}".encode()).digest()
    return float((int.from_bytes(digest[:7]) >> 3) / 2**_BITS)


def assign(experiment: str, units: Iterable[str], shares: Mapping[str, float]) -> pd.DataFrame:
    """Return the variant of each unit.

    Parameters
    ----------
    experiment
        The experiment's name: another name is another, independent draw.
    units
        Ids, as text, exactly as delivered; each once.
    shares
        Variant → share, in any unit (``{"A": 0.5, "B": 0.5}``).

    Returns
    -------
    DataFrame
        ``unit_id, variant``, in the order given.

    Raises
    ------
    UsageError
        For an empty name, a unit that is empty or no text or comes twice, or a share not above 0.

    Examples
    --------
    >>> assign("headline", ["00123", "00124"], {"A": 1, "B": 1})["variant"].tolist()
    ['A', 'A']
    """
    ids = _checked(experiment, units)
    places = np.array([unit_number(experiment, unit) for unit in ids], dtype=np.float64)
    names = np.array(list(shares), dtype=object)
    drawn = names[np.searchsorted(_edges(shares), places, side="right")]
    return pd.DataFrame({"unit_id": ids, "variant": drawn}, dtype="str")


def write_assignments(frame: pd.DataFrame, path: Path) -> Path:
    """Write an assignment as CSV (UTF-8), for the tool that shows the variants or sends the messages.

    Ids are written exactly as they are, quoted: they are data for a program, not for a spreadsheet.

    Raises
    ------
    EnvironmentProblem
        When the file is there already or cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(frame.columns)
    writer.writerows(frame.itertuples(index=False))
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text.getvalue())
    except OSError as error:
        raise unwritable(path.name, error) from None
    return path


def _edges(shares: Mapping[str, float]) -> Floats:
    """Return where each variant but the last ends on [0, 1)."""
    weights = np.array(list(shares.values()), dtype=np.float64)
    if len(weights) < 2 or not (np.isfinite(weights) & (weights > 0)).all():
        raise UsageError(
            ko=f"배분 {dict(shares)}: 안이 둘 이상이고 배분은 모두 0보다 커야 합니다.",
            en=f"Shares {dict(shares)}: at least two variants, every share above 0.",
        )
    ends: NDArray[np.float64] = np.cumsum(weights / weights.sum())
    return ends[:-1]


def _checked(experiment: str, units: Iterable[str]) -> list[str]:
    ids = list(units)
    wrong: list[object] = [unit for unit in ids if not isinstance(unit, str) or not unit]
    if not experiment or SEPARATOR in experiment or wrong:
        raise UsageError(
            ko=f"실험 이름과 모든 단위는 비어 있지 않은 글자여야 합니다: {[*wrong, experiment][0]!r}.",
            en=f"The experiment's name and every unit must be text that is not empty: "
            f"{[*wrong, experiment][0]!r}.",
        )
    if len(set(ids)) < len(ids):
        twice = Counter(ids).most_common(1)[0][0]
        raise UsageError(
            ko=f"단위 '{twice}'이(가) 두 번 있습니다. 한 사람은 한 번만 적으십시오.",
            en=f"Unit '{twice}' comes twice. Name every person once.",
        )
    return ids
