"""A DataFrame as a sheet: which values are taken, and which are problems of their row."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from bulk.model.errors import SheetError
from bulk.planning.orders import order_rows
from bulk.reading.dataframe import sheet_of_frame

LINK = "https://example.com/post"


def read(values, field="quantity", dtype=None, **more):
    """Read a column of one field, beside a service and a link of each row."""
    values = values if isinstance(values, pd.Series | pd.api.extensions.ExtensionArray) else list(values)
    column = pd.Series(values, dtype=dtype) if dtype else pd.Series(values)
    return sheet_of_frame(pd.DataFrame({"service": "2", "link": LINK, field: column}), "orders", **more)


def texts(sheet, field="quantity"):
    return sheet.frame[field].tolist()


def flaw(sheet):
    (problem,) = sheet.problems
    return problem.where, problem.value, problem.message


# Values.


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (100, "int64"),
        (100, "int8"),
        (100, "uint64"),
        (100, "Int64"),
        (100, "object"),
        (np.int32(100), "object"),
        (100.0, "float64"),
        (100.0, "float32"),
        (100.0, "Float64"),
        (np.float64(100), "object"),
        (Decimal(100), "object"),
        (Decimal("100.00"), "object"),
        (Decimal("1E+2"), "object"),
        ("100", "object"),
        (" 100\u00a0", "object"),
        ("100", "string"),
        ("100", "str"),
        ("100", "category"),
        (100, "category"),
        (100, "int64[pyarrow]"),
        (100.0, "double[pyarrow]"),
        ("100", "string[pyarrow]"),
        (Decimal(100), "decimal128(5, 2)[pyarrow]"),
    ],
)
def test_a_whole_number_of_any_type_is_its_digits(value, dtype):
    if "pyarrow" in dtype:
        pytest.importorskip("pyarrow")
        if dtype.startswith("decimal"):
            import pyarrow as pa  # noqa: PLC0415

            dtype = pd.ArrowDtype(pa.decimal128(5, 2))
    sheet = read([value], dtype=dtype)
    assert (texts(sheet), sheet.problems) == (["100"], ())


@pytest.mark.parametrize("value", [12345678901234567890, "12345678901234567890", Decimal(12345678901234567890)])
def test_what_is_exact_may_be_long(value):
    assert texts(read([value], dtype="object")) == ["12345678901234567890"]


@pytest.mark.parametrize("value", [None, np.nan, pd.NA, pd.NaT, Decimal("NaN"), "", "  "])
def test_what_is_missing_is_an_empty_cell(value):
    sheet = read([value, 100], dtype="object")
    assert (texts(sheet), sheet.problems) == (["", "100"], ())


@pytest.mark.parametrize("dtype", ["Int64", "float64", "Float64", "category"])
def test_missing_values_of_columns_of_numbers_are_empty_cells(dtype):
    sheet = read([100, None], dtype=dtype)
    assert (texts(sheet), sheet.problems) == (["100", ""], ())


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (10.5, "is not a whole number"),
        (7.000000000000001, "is not a whole number"),
        (float("inf"), "is not a whole number"),
        (Decimal("10.5"), "is not a whole number"),
        (Decimal("Infinity"), "is not a whole number"),
        (Decimal("1E+1000000"), "is not a whole number"),
        (1e15, "has more digits than a float of its type keeps"),
        (-1e15, "has more digits than a float of its type keeps"),
        (True, "is True or False, not a number or text"),
        (np.True_, "is True or False, not a number or text"),
        (dt.date(2026, 12, 31), "is of type date, which quantity cannot be"),
        (pd.Timestamp("2026-12-31"), "is of type Timestamp, which quantity cannot be"),
        (pd.Timedelta("1D"), "is of type Timedelta, which quantity cannot be"),
        (["100"], "is of type list, which quantity cannot be"),
        (1 + 0j, "is of type complex, which quantity cannot be"),
        (b"100", "is of type bytes, which quantity cannot be"),
    ],
)
def test_what_is_not_beyond_doubt_is_a_problem(value, message):
    where, _, said = flaw(read([value], dtype="object"))
    assert (where, said) == ("row 0, quantity", message)


def test_a_float_of_few_digits_holds_no_long_id():
    ids = read([16_777_215.0, 16_777_216.0], "order_id", dtype="float32")
    assert [problem.value for problem in ids.problems] == ["16777216.0"]
    assert read([16_777_217.0], "order_id", dtype="float64").problems == ()


@pytest.mark.parametrize("text", ["1.000", "1,000", "1e3", "10.5", "\uff15", "1_000"])
def test_text_stays_text(text):
    assert texts(read([text])) == [text]


def test_a_locale_is_for_text_and_for_fields_to_count_with():
    sheet = read(["1.000", 1000, "100"], dtype="object", locale="id")
    assert texts(sheet) == ["1000", "1000", "100"]
    assert texts(read(["1.000"], "order_id", locale="id"), "order_id") == ["1.000"]


def test_a_locale_that_is_not_known_is_refused():
    with pytest.raises(SheetError, match="is not a known locale"):
        read([1], locale="nowhere")


def test_a_link_with_something_unseen_inside_is_a_problem():
    frame = pd.DataFrame({"service": [2], "link": ["https://example.com/a\u200bb"], "quantity": [100]})
    assert flaw(sheet_of_frame(frame, "orders"))[2] == "has an invisible character or an unusual space inside"


@pytest.mark.parametrize("made", [list, tuple, np.array, lambda items: np.array(items, dtype=object)])
def test_a_list_is_one_item_a_line(made):
    assert texts(read([made(["one", " two ", ""])], "comments", dtype="object"), "comments") == ["one\ntwo"]


@pytest.mark.parametrize("items", [["one\ntwo"], ["one", 2], [None], [["one"]]])
def test_a_list_of_anything_but_lines_is_a_problem(items):
    assert flaw(read([items], "comments", dtype="object"))[2] == "is not a list of texts of one line each"


@pytest.mark.parametrize(
    "value", [dt.date(2026, 12, 31), dt.datetime(2026, 12, 31, tzinfo=dt.UTC), pd.Timestamp("2026-12-31"), "2026-12-31"]
)
def test_a_date_is_an_expiry(value):
    sheet = read([value], "expiry")
    assert (texts(sheet, "expiry"), sheet.problems) == (["2026-12-31"], ())
    (row,) = order_rows(sheet).values()
    assert ("expiry", "31/12/2026") in row.request.fields


def test_a_time_of_the_day_is_no_expiry():
    assert flaw(read([pd.Timestamp("2026-12-31 12:00")], "expiry"))[2].startswith("has a time of day")


@pytest.mark.parametrize("value", [True, "TRUE", "yes", 1])
def test_columns_that_leave_rows_out_take_truth_values(value):
    assert read([value], "skip").problems == ()


def test_whatever_stands_in_a_result_is_good_enough():
    sheet = read([Decimal("0.10"), 0.5, pd.Timestamp("2026-12-31"), True, None], "charge", dtype="object")
    assert texts(sheet, "charge") == ["0.10", "0.5", "2026-12-31 00:00:00", "TRUE", ""]
    assert sheet.problems == ()


# Rows and columns.


def test_rows_are_numbered_from_the_top_and_called_by_their_labels():
    frame = pd.DataFrame({"service": [2, 2], "link": [LINK, LINK], "quantity": [1.5, 100]}, index=["x", "y"])
    sheet = sheet_of_frame(frame, "orders")
    assert sheet.frame.index.tolist() == [1, 2]
    assert flaw(sheet)[0] == "row x, quantity"
    assert (sheet.where(2), sheet.where(2, "link"), sheet.where(2, "runs")) == ("row y", "row y, link", "row y")


def test_doubled_labels_are_told_apart():
    frame = pd.DataFrame({"service": [2, 2], "link": [LINK, LINK], "quantity": [100, 1.5]}, index=[7, 7])
    assert flaw(sheet_of_frame(frame, "orders"))[0] == "row 7 (2 from the top), quantity"


def test_empty_rows_are_no_orders():
    frame = pd.DataFrame({"service": [2, None], "link": [LINK, ""], "quantity": [100, pd.NA], "note": ["a", "b"]})
    assert sheet_of_frame(frame, "orders").frame.index.tolist() == [1]


def test_a_frame_without_rows_is_a_sheet_without_orders():
    sheet = sheet_of_frame(pd.DataFrame({"service": [], "link": [], "quantity": []}), "orders")
    assert (len(sheet.frame), sheet.problems) == (0, ())


def test_columns_are_known_as_in_sheets_and_others_are_let_be():
    frame = pd.DataFrame([[2, LINK, 5, "mine", 1]], columns=["Layanan", "URL", "Qty", "note", 7])
    sheet = sheet_of_frame(frame, "orders")
    assert list(sheet.columns) == ["service", "link", "quantity"]
    assert sheet.ignored == ("note", "7")


def test_two_columns_for_one_field_are_refused():
    frame = pd.DataFrame([[2, LINK, LINK]], columns=["service", "link", "URL"])
    with pytest.raises(SheetError, match="the columns 'link' and 'URL' both mean link"):
        sheet_of_frame(frame, "orders")


@pytest.mark.parametrize("columns", [[], ["a"], ["service"], ["link", "quantity"], [("service", "a"), ("link", "b")]])
def test_a_frame_without_columns_to_order_by_is_refused(columns):
    with pytest.raises(SheetError, match="orders: the columns of an order are missing"):
        sheet_of_frame(pd.DataFrame([range(len(columns))], columns=columns), "orders")


@pytest.mark.parametrize("other", [None, "week.csv", {"service": [2]}])
def test_anything_but_a_frame_is_refused(other):
    with pytest.raises(TypeError, match="expected a pandas DataFrame"):
        sheet_of_frame(other, "orders")


def test_the_frame_is_not_touched():
    frame = pd.DataFrame({"service": [2], "link": [LINK], "quantity": [100.0]})
    before = frame.copy(deep=True)
    sheet_of_frame(frame, "orders")
    pd.testing.assert_frame_equal(frame, before)
