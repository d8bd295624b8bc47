"""When a run is killed: moments drawn from a seed, and how to see that one has come."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Kind(StrEnum):
    """In what a run is interrupted."""

    STARTING = "seconds after its start"
    PLACING = "orders in the ledger"
    WRITING = "while the sheet is written"


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment of a run."""

    kind: Kind
    at: float = 0.0

    def __str__(self) -> str:
        return self.kind.value if self.kind is Kind.WRITING else f"{self.at:.10g} {self.kind.value}"


@dataclass(frozen=True, slots=True)
class Situation:
    """What tells how far a run has come."""

    sheet: Path
    placed: Callable[[], int]
    """How many orders the ledger holds."""
    began: float

    def has_come_to(self, moment: Moment) -> bool:
        """Tell whether a moment has come; one that was passed before has."""
        match moment.kind:
            case Kind.STARTING:
                return time.monotonic() - self.began >= moment.at
            case Kind.PLACING:
                return self.placed() >= moment.at
            case Kind.WRITING:
                return any(self.sheet.parent.glob(f".{self.sheet.name}.*.tmp"))


def draw(count: int, orders: int, dice: random.Random, *, writing: bool) -> list[Moment]:
    """Draw moments in the order in which they come; with `writing` the last one is in the writing of the sheet."""
    of_ledger = sorted(dice.sample(range(1, orders * 9 // 10), count - writing))
    moments = [
        Moment(Kind.PLACING, at) if dice.random() < 0.7 else Moment(Kind.STARTING, _seconds(orders, dice))
        for at in of_ledger
    ]
    return moments + [Moment(Kind.WRITING)] * writing


def _seconds(orders: int, dice: random.Random) -> float:
    # A run of 100,000 rows reads, checks and plans for some 15 seconds before it sends anything.
    return round(dice.uniform(0.1, 0.6 + orders / 7000), 2)
