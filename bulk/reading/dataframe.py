"""Reads a DataFrame as a sheet. Its cells are values of many types, and nothing is guessed about them."""

import datetime as dt
import numbers
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd

from bulk.model.cell_address import column_letter
from bulk.model.cell_values import (
    NUMBER_FIELDS,
    CellError,
    check_locale,
    plain_digits,
    result_text,
    strip_text,
    switch_text,
)
from bulk.model.errors import SheetError
from bulk.model.fields import LIST_FIELDS, SWITCH_NAMES, Header, fields_of, is_header
from bulk.model.sheet import Column, Sheet
from bulk.reading.sheet_builder import GUARDED_FIELDS, SheetBuilder
from smmplus.texts import _, marked

_MOST = 10**15
"""As in spreadsheets: beyond this, not every whole number has a float of its own."""

_LONGEST = 100
"""Digits of a Decimal, which would be written out: its exponent may be a million."""

_WHOLE = marked("make it a whole number, or text")


def sheet_of_frame(frame: object, name: str, *, locale: str | None = None) -> Sheet:
    """Read a DataFrame as a sheet. Rows are numbered from 1, and problems name them by the labels of the index.

    Text is read as in a sheet. Whole numbers of any type are accepted, also as Decimal or float (up to 15 digits), and
    None, NaN, NaT and pandas.NA are empty cells. A field with one item per line may be a list of texts, and `expiry`
    may be a date. Anything else is a problem of its row.

    :param name: the name of the DataFrame in messages.
    :param locale: the number format of text; None for plain digits.
    :raises SheetError: if the columns of an order are missing, or there are two columns of one field.
    """
    if not isinstance(frame, pd.DataFrame):
        raise TypeError(f"expected a pandas DataFrame, not {type(frame).__name__}")
    if locale:
        check_locale(locale)
    header = _header(frame, name)
    labels = _labels(frame.index)
    builder = _FrameBuilder(Path(name), "frame", "", header, labels=labels)
    columns = [_texts(frame.iloc[:, column.index], each, locale) for each, column in header.columns.items()]
    for number, cells in enumerate(zip(*columns, strict=True), start=1):
        builder.add_row(number, cells)
    return replace(builder.finish(""), labels=labels)


@dataclass(slots=True)
class _FrameBuilder(SheetBuilder):
    labels: tuple[str, ...] = field(default=())

    def place(self, row: int, column: Column) -> str:
        """Return how a user finds a cell: by its row's label."""
        return _("row {row}, {column}", row=self.labels[row - 1], column=column.header)


def _header(frame: pd.DataFrame, name: str) -> Header:
    columns: dict[str, Column] = {}
    labels = [label if isinstance(label, str) else "" for label in list[object](frame.columns)]
    fields = fields_of(labels)
    for index, (label, known) in enumerate(zip(labels, fields, strict=True)):
        if known is None:
            continue
        if known in columns:
            raise SheetError(
                _(
                    "{name}: the columns {first!r} and {second!r} both mean {field}. Rename or drop one of them.",
                    name=name,
                    first=columns[known].header,
                    second=label,
                    field=known,
                )
            )
        columns[known] = Column(index, column_letter(index), label)
    if not is_header(labels):
        held = ", ".join(map(str, frame.columns))[:500]
        raise SheetError(
            _(
                "{name}: the columns of an order are missing. It needs 'service', and 'link' or 'quantity' (or "
                "'layanan', 'tautan', 'jumlah', …). Columns: {held}. Rename the columns.",
                name=name,
                held=held or _("none"),
            )
        )
    ignored = tuple(str(label) for label, field in zip(frame.columns, fields, strict=True) if field is None)
    return Header(0, columns, ignored)


def _labels(index: pd.Index) -> tuple[str, ...]:
    """Return a label for each row, with its position if labels repeat."""
    if index.is_unique:
        return tuple(map(str, index))
    words = _("{label} ({number} from the top)")  # with its places: it is looked up once for all rows
    return tuple(words.format(label=label, number=number) for number, label in enumerate(index, start=1))


def _texts(column: pd.Series, name: str, locale: str | None) -> list[str | CellError]:
    if name in SWITCH_NAMES:
        read: Callable[[object], str | CellError] = switch_text
    elif name not in GUARDED_FIELDS:
        read = result_text
    else:
        read = _reader(name, _most_of(column), locale)
    return [read(value) for value in _values(column)]


def _values(column: pd.Series) -> Iterator[object]:
    """Yield a column's values as Python's own types, and missing ones of any kind as empty text."""
    missing = column.isna().tolist()
    return ("" if gone else _own(value) for value, gone in zip(column.astype(object), missing, strict=True))


def _own(value: object) -> object:
    return value.item() if isinstance(value, np.generic) else value


def _most_of(column: pd.Series) -> int:
    """Return the number from which on a column's floats do not represent every whole number."""
    kind = getattr(column.dtype, "numpy_dtype", column.dtype)
    is_float = isinstance(kind, np.dtype) and kind.kind == "f"
    return min(_MOST, 2 ** (np.finfo(kind).nmant + 1)) if is_float else _MOST


def _reader(name: str, most: int, locale: str | None) -> Callable[[object], str | CellError]:
    def read(value: object) -> str | CellError:
        if isinstance(value, str):
            text = strip_text(value)
            return plain_digits(text, locale) if locale and name in NUMBER_FIELDS else text
        if isinstance(value, bool):
            return CellError(str(value), _("is True or False, not a number or text"), _(_WHOLE))
        if isinstance(value, numbers.Real | Decimal):
            return _digits(value, most)
        if isinstance(value, list | tuple | np.ndarray) and name in LIST_FIELDS:
            return _lines(list(value))
        if isinstance(value, dt.date) and name == "expiry":
            return _day(value)
        message = _("is of type {type}, which {field} cannot be", type=type(value).__name__, field=name)
        return CellError(str(value)[:200], message, _("make it text"))

    return read


def _digits(value: object, most: int) -> str | CellError:
    if isinstance(value, numbers.Integral):
        return str(int(value))
    if isinstance(value, Decimal) and value.is_finite() and value.adjusted() < _LONGEST:
        whole: int | None = int(value) if value == value.to_integral_value() else None
    else:
        whole = int(value) if isinstance(value, float) and value.is_integer() else None
    if whole is None:
        return CellError(str(value), _("is not a whole number"), _(_WHOLE))
    if isinstance(value, float) and abs(whole) >= most:
        return CellError(str(value), _("has more digits than a float of its type keeps"), _(_WHOLE))
    return str(whole)


def _lines(items: Iterable[object]) -> str | CellError:
    texts = [strip_text(item) if isinstance(item, str) else None for item in map(_own, items)]
    if any(text is None or "\n" in text or "\r" in text for text in texts):
        remedy = _("make each item one line of text")
        return CellError(str(items)[:200], _("is not a list of texts of one line each"), remedy)
    return "\n".join(text for text in texts if text)


def _day(value: dt.date) -> str | CellError:
    if isinstance(value, dt.datetime) and value.time() != dt.time():
        return CellError(str(value), _("has a time of day, and the field needs a date"), _("make it a date"))
    return value.strftime("%Y-%m-%d")  # a Timestamp's own isoformat has a time in it
