"""Cell addresses, and where a parser stands in a worksheet's XML."""

import re
from functools import cache

LAST_ROW = 1_048_576
LAST_COLUMN = 16_384

_ADDRESS = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")


@cache
def letter_of(index: int) -> str:
    """Name a column as spreadsheets do: 0 is "A", 27 is "AB"."""
    letters = ""
    number = index + 1
    while number:
        number, digit = divmod(number - 1, 26)
        letters = chr(65 + digit) + letters
    return letters


@cache
def index_of(letters: str) -> int:
    """Count a column from its name: "A" is 0, "AB" is 27."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


# Every column there is: a look-up checks a cell's address and counts its column at once.
_COLUMNS = {letter_of(index): index for index in range(LAST_COLUMN)}


def parse_address(address: str) -> tuple[int, int]:
    """Split "B7" into row 7 and column 1 (rows count from 1, columns from 0); ValueError if it is no such address."""
    match = _ADDRESS.fullmatch(address)
    if match is None:
        raise ValueError(f"{address!r} is no cell address")
    row, column = int(match[2]), index_of(match[1])
    if row > LAST_ROW or column >= LAST_COLUMN:
        raise ValueError(f"{address} lies outside every spreadsheet")
    return row, column


def parse_range(text: str) -> tuple[int, int, int, int]:
    """Split "A2:B7" or "A2" into first row, first column, last row, last column."""
    first, _, last = text.replace("$", "").partition(":")
    top, left = parse_address(first)
    bottom, right = parse_address(last or first)
    return top, left, bottom, right


class Cursor:
    """The row and column that a parser has come to.

    Rows and cells may leave their address out; they then follow the one before (ECMA-376, 18.3.1.73 and 18.3.1.4).
    Addresses that go back or contradict their row are refused: readers disagree about what such a file says.
    """

    __slots__ = ("_row_text", "column", "row")

    def __init__(self) -> None:
        self.row = 0
        self.column = -1
        self._row_text = "0"

    def enter_row(self, number: str | None) -> int:
        """Go to the row with this number, or to the next one; ValueError if that is not further down."""
        row = self.row + 1 if number is None else int(number)
        if not self.row < row <= LAST_ROW:
            raise ValueError(f"row {row} follows row {self.row}")
        self.row, self._row_text, self.column = row, str(row), -1
        return row

    def skip_to(self, row: int) -> None:
        """Go to a row that is known to be further down, and whose cells nobody asks for."""
        self.row, self._row_text, self.column = row, str(row), -1

    def enter_cell(self, address: str | None) -> int:
        """Go to the cell with this address, or to the next one; ValueError if that is not further right in this row."""
        if address is None:
            column = self.column + 1
        else:
            column = _COLUMNS.get(address.removesuffix(self._row_text), -1)
            if column < 0:
                raise ValueError(f"the address {address!r} stands in row {self.row}")
        if not self.column < column < LAST_COLUMN:
            raise ValueError(f"{letter_of(column)}{self.row} follows {letter_of(max(self.column, 0))}{self.row}")
        self.column = column
        return column
