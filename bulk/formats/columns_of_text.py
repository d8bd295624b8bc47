"""Columns of text: what is to be done with every cell is done once for all that are equal."""

import re
from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

Cell = TypeVar("Cell", bound=Hashable)
Done = TypeVar("Done")

_SAMPLE = 250
_KNOWN_AT_MOST = 100_000


def repeats(column: Sequence[Hashable]) -> bool:
    """Tell from a column's first cells whether most of them occur more than once."""
    sample = column[:_SAMPLE]
    return len(set(sample)) * 2 < len(sample)


def consists_of(untouched: re.Pattern[str], column: Sequence[str]) -> bool:
    """Tell whether a pattern of one character, repeated, matches all cells of a column, one behind the other."""
    return untouched.fullmatch("".join(column)) is not None


def map_column(do: Callable[[Cell], Done], column: Sequence[Cell], done: dict[Cell, Done] | None = None) -> list[Done]:
    """Do the same with every cell; with equal ones once, so that what becomes of them is one object.

    :param done: what became of cells before; it grows, within bounds. Cells that are equal must be the same: not 1 and
        True.
    """
    done = {} if done is None else done
    if len(done) > _KNOWN_AT_MOST:
        done.clear()
    for cell in set(column).difference(done):
        done[cell] = do(cell)
    return list(map(done.__getitem__, column))
