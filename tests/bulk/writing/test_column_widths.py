"""Room for result columns that are new."""

from bulk.writing.column_style import add_column_widths

NEW = {"order_id": 7, "error": 8}
MADE = b'<col min="8" max="8" width="12" customWidth="1"/><col min="9" max="9" width="40" customWidth="1"/>'


def test_widths_are_added_behind_those_of_the_sheet():
    head = b'<worksheet><cols><col min="1" max="7" width="9"/></cols><sheetData>'
    assert add_column_widths(head, NEW) == head.replace(b"</cols>", MADE + b"</cols>")


def test_a_sheet_without_widths_gets_them_before_its_rows():
    assert add_column_widths(b"<worksheet><sheetData>", NEW) == b"<worksheet><cols>" + MADE + b"</cols><sheetData>"


def test_a_prefix_is_kept():
    head = add_column_widths(b"<x:worksheet><x:sheetData>", {"order_id": 7})
    assert head.startswith(b'<x:worksheet><x:cols><x:col min="8"')
    assert head.endswith(b"</x:cols><x:sheetData>")


def test_widths_of_the_sheet_itself_are_left_alone():
    head = b'<worksheet><cols><col width="9" min="1" max="16384"/></cols><sheetData>'
    assert add_column_widths(head, NEW) == head


def test_nothing_new_changes_nothing():
    assert add_column_widths(b"<worksheet><sheetData>", {}) == b"<worksheet><sheetData>"
