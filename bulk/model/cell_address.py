"""Cell addresses such as "B7", and the position of a parser in a worksheet's XML."""

import re
from functools import cache

from smmplus.texts import _

LAST_ROW = 1_048_576
LAST_COLUMN = 16_384

_ADDRESS = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")


@cache
def column_letter(index: int) -> str:
    """Return the letters of a column: "A" for 0, "AB" for 27."""
    letters = ""
    number = index + 1
    while number:
        number, digit = divmod(number - 1, 26)
        letters = chr(65 + digit) + letters
    return letters


@cache
def column_index(letters: str) -> int:
    """Return the index of a column: 0 for "A", 27 for "AB"."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


# Every column: one look-up checks the letters of an address and finds their index.
_COLUMNS = {column_letter(index): index for index in range(LAST_COLUMN)}


def parse_address(address: str) -> tuple[int, int]:
    """Return row and column of an address: 7 and 1 for "B7". Raise ValueError if the text is not an address.

    Rows count from 1, columns from 0.
    """
    match = _ADDRESS.fullmatch(address)
    if match is None:
        raise ValueError(f"{address!r} is not a cell address")
    row, column = int(match[2]), column_index(match[1])
    if row > LAST_ROW or column >= LAST_COLUMN:
        raise ValueError(f"{address} is outside the grid of a spreadsheet")
    return row, column


def parse_range(text: str) -> tuple[int, int, int, int]:
    """Return first row, first column, last row and last column of "A2:B7" or "A2"."""
    first, _colon, last = text.replace("$", "").partition(":")
    top, left = parse_address(first)
    bottom, right = parse_address(last or first)
    return top, left, bottom, right


class Cursor:
    """The row and column at which a parser is.

    Rows and cells may omit their address; they then follow the one before (ECMA-376, 18.3.1.73 and 18.3.1.4).
    Addresses that go back or contradict their row raise ValueError: readers disagree about what such a file holds.
    """

    __slots__ = ("_row_text", "column", "row")

    def __init__(self) -> None:
        self.row = 0
        self.column = -1
        self._row_text = "0"

    def enter_row(self, number: str | None) -> int:
        """Go to the row with this number, or to the next one. Raise ValueError if it is not further down."""
        if number is not None and not (number.isascii() and number.isdecimal()):
            raise ValueError(_("{number!r} is not the number of a row", number=number))
        row = self.row + 1 if number is None else int(number)
        if not self.row < row <= LAST_ROW:
            raise ValueError(_("row {row} follows row {other}", row=row, other=self.row))
        self.row, self._row_text, self.column = row, str(row), -1
        return row

    def skip_to(self, row: int) -> None:
        """Go to a row that is known to be further down, and whose cells are not read."""
        self.row, self._row_text, self.column = row, str(row), -1

    def enter_cell(self, address: str | None) -> int:
        """Go to the cell with this address, or to the next one. Raise ValueError if it is not further right."""
        if address is None:
            column = self.column + 1
        else:
            column = _COLUMNS.get(address.removesuffix(self._row_text), -1)
            if column < 0:
                raise ValueError(_("the address {address!r} is in row {row}", address=address, row=self.row))
        if not self.column < column < LAST_COLUMN:
            cell, other = (f"{column_letter(at)}{self.row}" for at in (column, max(self.column, 0)))
            raise ValueError(_("{cell} follows {other}", cell=cell, other=other))
        self.column = column
        return column
