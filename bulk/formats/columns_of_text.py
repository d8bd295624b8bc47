"""Columns of text: what is to be done with every cell is done once for all that are equal."""

import string
from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

Cell = TypeVar("Cell", bound=Hashable)
Done = TypeVar("Done")

VISIBLE = (string.ascii_letters + string.digits + string.punctuation).encode()
"""All of ASCII but white space and control characters."""

_SAMPLE = 250
_KNOWN_AT_MOST = 100_000


def repeats(column: Sequence[Hashable]) -> bool:
    """Tell from a column's first cells whether most of them occur more than once."""
    sample = column[:_SAMPLE]
    return len(set(sample)) * 2 < len(sample)


def consists_of(characters: bytes, column: Sequence[str]) -> bool:
    """Tell whether all cells of a column have no other characters than these, of ASCII."""
    text = "".join(column)
    # Several times as fast as a regular expression.
    return text.isascii() and not text.encode().translate(None, characters)


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
