"""Two contenders taken in turns, so that whatever else the machine does disturbs both."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Line:
    """One comparison.

    Attributes
    ----------
    name, ours, peer
        What is compared, in words.
    ours_seconds, peer_seconds
        (n_rounds,) wall times.
    target
        The largest ratio of the medians that is good enough; None where no target is set.
    """

    name: str
    ours: str
    peer: str
    ours_seconds: tuple[float, ...]
    peer_seconds: tuple[float, ...]
    target: float | None = None

    @property
    def ratio(self) -> float:
        """Our median time ÷ the peer's."""
        return median(self.ours_seconds) / median(self.peer_seconds)

    @property
    def missed(self) -> bool:
        """Whether there is a target and the ratio is above it."""
        return self.target is not None and self.ratio > self.target

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, seconds to the millisecond."""
        seconds = {
            key: [round(value, 3) for value in getattr(self, key)]
            for key in ("ours_seconds", "peer_seconds")
        }
        return {**asdict(self), **seconds, "ratio": round(self.ratio, 3)}

    def __str__(self) -> str:
        target = "" if self.target is None else f" (target ≤ {self.target:.2f})"
        times = f"{median(self.ours_seconds):.2f} s ÷ {median(self.peer_seconds):.2f} s"
        return f"{self.name}: {self.ratio:.2f}×{target}\n  {self.ours} ÷ {self.peer}: {times}"


@dataclass(frozen=True)
class MemoryLine(Line):
    """A comparison of peak memory; what its parent calls seconds are megabytes."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, named for what they are."""
        return {
            key.replace("seconds", "megabytes"): value for key, value in super().to_dict().items()
        }

    def __str__(self) -> str:
        return super().__str__().replace(" s", " MB")


# Python that tells the most memory, in MB, that its process has held: what `resource` tells is at least what
# the process that started it held.
PEAK = """
def peak():
    held = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    return int(held.split()[1]) / 1024
"""


def in_turns(
    ours: Callable[[], float], peer: Callable[[], float], rounds: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return what each says it took, ours before the peer in every round."""
    pairs = [(ours(), peer()) for _ in range(rounds)]
    return tuple(a for a, _ in pairs), tuple(b for _, b in pairs)


def seconds(work: Callable[[], object]) -> float:
    """Return the wall time of ``work``."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
