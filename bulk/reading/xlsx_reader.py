"""Reads a worksheet: calamine reads the values, `worksheet_scan` has found what calamine does not report."""

import io
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from pathlib import Path

import python_calamine as calamine

from bulk.files.atomic_write import digest_of
from bulk.files.xlsx_parts import (
    RefusedXmlError,
    Worksheet,
    external_targets,
    tables,
    without,
    without_interruptions,
    worksheets,
)
from bulk.files.zip_archive import Archive, ArchiveError, rewrite
from bulk.model.cell_values import (
    DATE_FIELD,
    NUMBER_FIELDS,
    CellError,
    date_text,
    order_text,
    plain_digits,
    result_text,
    service_id_of,
    strip_text,
    switch_text,
    value_text,
)
from bulk.model.errors import SheetError
from bulk.model.fields import HEADER_SEARCH_ROWS, SWITCH_NAMES, find_header, missing_header_error, parse_header
from bulk.model.options import ReadOptions
from bulk.model.sheet import Problem, Sheet
from bulk.model.surfaces import Surface
from bulk.reading.sheet_builder import GUARDED_FIELDS, SheetBuilder
from bulk.reading.worksheet_scan import WorksheetFacts
from smmplus.texts import _

Rows = Sequence[Sequence[object]]

_MUCH = 8 << 20
"""Bytes of rows that hold nothing but formats: more take calamine longer than to leave them out."""


def parse_xlsx(path: Path, data: bytes, options: ReadOptions, seen: Mapping[str, WorksheetFacts]) -> Sheet:
    """Read a workbook that :mod:`bulk.reading.file_checks` has checked; see :func:`bulk.reading.read_sheet`.

    :param seen: what the check found in each worksheet, by the part's name.
    """
    try:
        archive = Archive(data)
        with calamine.CalamineWorkbook.from_filelike(_plain(archive, data, seen)) as book:
            chosen, rows = _choose(path, worksheets(archive), lambda name: _rows_of(book, name), options)
    except calamine.CalamineError as error:
        raise SheetError(
            _("{path}: its cells cannot be read. Open it in Excel or LibreOffice and save it again.", path=path)
        ) from error
    except (ArchiveError, RefusedXmlError) as error:
        raise SheetError(
            _("{path}: cannot be read: {error}. Open it in Excel and save it again.", path=path, error=error)
        ) from error
    facts = seen[chosen.part]
    rows = _with_error_rows(rows, facts)
    builder = _builder(path, chosen.name, rows, options)
    add_rows(builder, rows, facts, options, _totals_rows(archive, chosen.part))
    builder.problems.extend(_merged_cells(builder, rows, facts))
    if options.hidden != "include":
        builder.problems.extend(_hidden_columns(builder, facts, options.surface))
    sheet = replace(builder.finish(digest_of(data)), targets=_targets(archive, chosen.part, builder, facts))
    return _with_targets(sheet) if options.use_hyperlinks else sheet


def _with_targets(sheet: Sheet) -> Sheet:
    """Return a sheet whose links are the addresses that their cells lead to."""
    if not sheet.targets:
        return sheet
    shown = zip(sheet.rows, sheet.texts["link"], strict=True)
    texts = {**sheet.texts, "link": [sheet.targets.get(row, text) for row, text in shown]}
    kept = (each for each in sheet.problems if each.field != "link" or each.row not in sheet.targets)
    return replace(sheet, texts=texts, targets={}, problems=tuple(kept))


def _targets(archive: Archive, part: str, builder: SheetBuilder, facts: WorksheetFacts) -> dict[int, str]:
    """Return the addresses that the cells in the column of links lead to, by row."""
    column = builder.header.columns.get("link")
    if column is None or not (facts.hyperlinks or facts.formula_links):
        return {}
    rows = builder.finish("").rows
    external = external_targets(archive, part) if facts.hyperlinks else {}
    found: dict[int, str] = {}
    for (top, left, bottom, right), reference, location in facts.hyperlinks:
        address = external.get(reference, "")
        if left <= column.index <= right:
            target = f"{address}#{location}" if location else address
            found.update((row, target) for row in rows[bisect_left(rows, top) : bisect_right(rows, bottom)])
    orders = frozenset(rows) if facts.formula_links else frozenset()
    links = facts.formula_links.items()
    found.update({row: target for (row, at), target in links if at == column.index and row in orders})
    return {row: target for row, target in found.items() if _is_address(target)}


def _is_address(target: str) -> bool:
    """Return whether a target may be ordered: an address that hides nothing."""
    return target.startswith(("http://", "https://")) and order_text("link", target) == target


def _plain(archive: Archive, data: bytes, seen: Mapping[str, WorksheetFacts]) -> io.BytesIO:
    """Return a workbook that calamine reads soon: in UTF-8, and without what readers disagree about."""
    replaced = {}
    for part, facts in seen.items():
        if sum(map(len, facts.empty_rows)) > _MUCH:
            replaced[part] = without(archive.unpack(part), facts.empty_rows)
        if facts.is_unusual or archive.is_utf16(part):
            replaced[part] = without_interruptions(replaced.get(part) or archive.unpack(part))
    if not replaced:
        return io.BytesIO(data)
    out = io.BytesIO()
    rewrite(archive, replaced, out)
    out.seek(0)
    return out


def _rows_of(book: calamine.CalamineWorkbook, name: str) -> Rows:
    """Return all rows from row 1 on, with all columns from A on."""
    return book.get_sheet_by_name(name).to_python(skip_empty_area=False)


def _with_error_rows(rows: Rows, facts: WorksheetFacts) -> Rows:
    """Add the rows at the end that hold only formulas without values, or errors: calamine omits them."""
    last = max((row for row, _column in facts.errors), default=0)
    return [*rows, *([""] * len(rows[0]) for _row in range(last - len(rows)))] if rows else rows


def _choose(
    path: Path, listed: Sequence[Worksheet], rows_of: Callable[[str], Rows], options: ReadOptions
) -> tuple[Worksheet, Rows]:
    """Return the requested worksheet, or the only visible one with a header of orders, and its rows."""
    names, wanted = ", ".join(repr(each.name) for each in listed), options.sheet
    if wanted is not None:
        for each in listed:
            if each.name == wanted:
                return each, rows_of(each.name)
        raise SheetError(
            _("{path}: it has no worksheet {sheet!r}. Worksheets: {names}.", path=path, sheet=wanted, names=names)
        )
    visible = [(each, rows_of(each.name)) for each in listed if each.visible]
    found = [(each, rows) for each, rows in visible if find_header(_first_texts(rows), options.headers) is not None]
    if len(found) == 1:
        return found[0]
    if found:
        several = ", ".join(repr(each.name) for each, _rows in found)
        raise SheetError(
            _(
                "{path}: several worksheets hold orders: {names}. Pass the one to read, for example {option}.",
                path=path,
                names=several,
                option=options.surface.phrase(sheet=found[0][0].name),
            )
        )
    if not visible:
        raise SheetError(_("{path}: it has no visible worksheet.", path=path))
    first, rows = visible[0]
    raise missing_header_error(str(path), _first_texts(rows), options.headers, options.surface, first.name)


def _first_texts(rows: Rows) -> list[list[str]]:
    return [[result_text(value) for value in row] for row in rows[:HEADER_SEARCH_ROWS]]


def _builder(path: Path, name: str, rows: Rows, options: ReadOptions) -> SheetBuilder:
    first = _first_texts(rows)
    index = find_header(first, options.headers)
    if index is None:
        raise missing_header_error(str(path), first, options.headers, options.surface, name)
    header = parse_header(first[index], index + 1, str(path), options.headers, name)
    return SheetBuilder(path, "xlsx", name, header)


def _totals_rows(archive: Archive, part: str) -> frozenset[int]:
    """Return the rows in which tables of a worksheet hold sums and the like."""
    try:
        ends = [(table.last_row, table.totals_rows) for table in tables(archive, part)]
    except (ArchiveError, ValueError):
        # With a damaged table, every row is read like any other.
        return frozenset()
    return frozenset(last for last, count in ends if count > 0)


def _only_totals(builder: SheetBuilder, rows: Rows, facts: WorksheetFacts, totals: AbstractSet[int]) -> set[int]:
    """Return those rows of totals that cannot be orders: they have no service ID."""
    service = builder.header.columns["service"].index
    below = (number for number in totals if builder.header.row < number <= len(rows))
    return {
        number
        for number in below
        if not service_id_of(result_text(rows[number - 1][service])).isdigit() and (number, service) not in facts.errors
    }


def add_rows(
    builder: SheetBuilder,
    rows: Rows,
    facts: WorksheetFacts,
    options: ReadOptions,
    totals: AbstractSet[int] = frozenset(),
) -> None:
    """Read the rows below the header. Rows of `totals` are left out unless they are orders."""
    left_out = _only_totals(builder, rows, facts, totals)
    if options.hidden == "skip":
        left_out |= facts.hidden_rows
    readers = [(column.index, _reader(name, options.locale)) for name, column in builder.header.columns.items()]
    guarded = {column.index for name, column in builder.header.columns.items() if name in GUARDED_FIELDS}
    errors = {place: error for place, error in facts.errors.items() if place[1] in guarded}
    with_errors = {row for row, _column in errors}
    for number in range(builder.header.row + 1, len(rows) + 1):
        if number in left_out:
            continue
        row = rows[number - 1]
        cells = [read(row[index]) for index, read in readers]
        if number in with_errors:
            # calamine's value of such a cell is empty or wrong.
            cells = [errors.get((number, index), cell) for (index, _read), cell in zip(readers, cells, strict=True)]
        is_order = builder.add_row(number, cells)
        if is_order and options.hidden == "refuse" and number in facts.hidden_rows:
            builder.problems.append(_hidden_row(number, options.surface))


def _reader(name: str, locale: str | None) -> Callable[[object], str | CellError]:
    """Return the function that reads a field's values."""
    if name not in GUARDED_FIELDS:
        return result_text
    if name in SWITCH_NAMES:
        return switch_text
    if name == DATE_FIELD:
        return date_text
    if locale and name in NUMBER_FIELDS:
        # A number that was typed as a number is read without the locale: 1.125 is not one thousand.
        return lambda value: plain_digits(strip_text(value), locale) if isinstance(value, str) else value_text(value)
    return value_text


def _hidden_row(number: int, surface: Surface) -> Problem:
    include, leave_out = surface.phrase(hidden="include"), surface.phrase(hidden="skip")
    remedy = _(
        "Unhide it (a filter hides rows too), delete it, or pass {include} or {leave_out}.",
        include=include,
        leave_out=leave_out,
    )
    return Problem(_("row {row}", row=number), "", "", _("is hidden and holds an order"), remedy, number)


def _hidden_columns(builder: SheetBuilder, facts: WorksheetFacts, surface: Surface) -> list[Problem]:
    hidden = [
        (name, column)
        for name, column in builder.header.columns.items()
        if name in GUARDED_FIELDS and any(column.index in columns for columns in facts.hidden_columns)
    ]
    if not hidden:
        return []
    remedy = _("Unhide it, delete it, or pass {option}.", option=surface.phrase(hidden="include"))
    return [
        Problem(_("column {column}", column=column.letter), name, column.header, _("is hidden"), remedy)
        for name, column in hidden
    ]


def _merged_cells(builder: SheetBuilder, rows: Rows, facts: WorksheetFacts) -> list[Problem]:
    """Return a problem for every row of merged cells in a column of orders.

    It is not clear which row is meant: readers report the value for the first one, and nothing for the others.
    """
    problems = []
    for top, left, bottom, right in facts.merged:
        for name, column in builder.header.columns.items():
            if name in GUARDED_FIELDS and left <= column.index <= right:
                first, last = builder.place(top, column), builder.place(bottom, column)
                where = f"{first}:{last}" if bottom > top else first
                value = result_text(rows[top - 1][column.index]) if top <= len(rows) else ""
                shared = (where, name, value, _("is merged with other cells"), _("Unmerge the cells."))
                below = range(max(top, builder.header.row + 1), min(bottom, len(rows)) + 1)
                problems += [Problem(*shared, number) for number in below]
    return problems
