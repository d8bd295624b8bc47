"""Columns of text: what is to be done with every cell is done once for all that are equal."""

import re
from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

Cell = TypeVar("Cell", bound=Hashable)
Done = TypeVar("Done")

_SAMPLE = 1000

_ALIKE = frozenset({bool, int, float})
"""Values of these types may be equal and yet not the same: 1, 1.0 and True."""


def repeats(column: Sequence[Hashable]) -> bool:
    """Tell from a column's first cells whether most of them occur more than once."""
    sample = column[:_SAMPLE]
    return len(set(sample)) * 2 < len(sample)


def consists_of(untouched: re.Pattern[str], column: Sequence[str]) -> bool:
    """Tell whether a pattern of one character, repeated, matches all cells of a column, one behind the other."""
    return untouched.fullmatch("".join(column)) is not None


def map_column(do: Callable[[Cell], Done], column: Sequence[Cell]) -> list[Done]:
    """Do the same with every cell; with equal ones once, so that what becomes of them is one object."""
    if len(_ALIKE.intersection(map(type, column))) > 1:
        return list(map(do, column))
    done = {cell: do(cell) for cell in dict.fromkeys(column)}
    return list(map(done.__getitem__, column))
