"""The worksheet Orders of a template: header, hints, drop-down lists, colours and protection."""

from collections.abc import Mapping, Sequence

from openpyxl.formatting.rule import Rule
from openpyxl.styles import Alignment, Font, PatternFill, Protection
from openpyxl.styles.differential import DifferentialStyle
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from bulk.model.cell_address import LAST_ROW
from bulk.model.cell_values import NUMBER_FIELDS, service_label
from bulk.model.fields import LIST_FIELDS
from bulk.model.sheet import ORDER_RESULTS
from bulk.template.other_pages import FONT, TEXT, choices, look_up, write_header, write_text
from bulk.template.words import Words
from bulk.writing.column_style import STATUS_COLOURS, condition
from smmplus.orders.models import Service

NAME = "Orders"

PREPARED_ROWS = 1_000
"""This many rows below the header are prepared cell by cell, and show limits. Columns are formatted to the end."""

_WIDTHS = {
    "service": 34, "link": 36, "comments": 40, "quantity": 10, "order_id": 11, "order_status": 14, "charge": 9,
    "start_count": 12, "remains": 9, "currency": 10, "error": 30, "updated_at": 20,
}  # fmt: skip
"""In characters: with the usual columns, all results are in view on a screen of 1,920 pixels."""

_USUAL_WIDTH = 14
_LIMITS_WIDTH = 28
_EXAMPLE = Font(name=FONT, size=11, italic=True, color="FF7F7F7F")
_OPEN = Protection(locked=False)
_RESULT_HEAD = PatternFill("solid", fgColor="FFEDEDED")
_LISTS: Mapping[str, str] = {
    "device": "1,2,3,4,5",
    "type_of_traffic": "1,2,3",
    "delay": ",".join(["0", "5", "10", "15", *(str(minutes) for minutes in range(30, 601, 30))]),
}
_MAY_BE_ZERO = frozenset({"posts", "old_posts"})
_NO_LIMIT = 1_000_000_000_000


def fill_orders(page: Worksheet, fields: Sequence[str], services: Sequence[Service], words: Words) -> None:
    """Write an empty sheet of orders with these fields.

    :param services: the panel's services; without any, there is no list of them, and no limits are shown.
    """
    names = (*fields, *([words.limits] if services else []), *ORDER_RESULTS)
    widths = [_width(name, words) for name in names]
    write_header(page, [words.headings.get(name, name) for name in names], widths)
    for column in range(len(names) - len(ORDER_RESULTS) + 1, len(names) + 1):
        page.cell(1, column).fill = _RESULT_HEAD
    for column, field in enumerate(fields, start=1):
        _open_column(page, column, field)
        _hint(page, column, field, services, words)
    if services:
        _show_limits(page, len(fields) + 1, len(services))
    _write_examples(page, fields, services, words)
    _colour_statuses(page, names.index("order_status") + 1)
    _protect(page)


def _width(name: str, words: Words) -> int:
    if name == words.limits:
        return _LIMITS_WIDTH
    return max(_WIDTHS.get(name, _USUAL_WIDTH), len(words.headings[name]) + 1)


def _open_column(page: Worksheet, column: int, field: str) -> None:
    """Unlock and format a column. As text, IDs and links stay as they are typed: no rounding, no dates, no formulas."""
    kept = "General" if field in NUMBER_FIELDS else TEXT
    look = Alignment(wrap_text=field in LIST_FIELDS, vertical="top")
    whole = page.column_dimensions[get_column_letter(column)]
    for place in (whole, *(page.cell(row, column) for row in range(2, PREPARED_ROWS + 2))):
        place.number_format, place.protection, place.alignment = kept, _OPEN, look


def _hint(page: Worksheet, column: int, field: str, services: Sequence[Service], words: Words) -> None:
    rule = _rule(field, services, words)
    rule.promptTitle, rule.prompt = words.headings[field], words.hint(field, with_services=bool(services))
    rule.showInputMessage = True
    letter = get_column_letter(column)
    rule.add(f"{letter}2:{letter}{LAST_ROW}")
    page.add_data_validation(rule)


def _rule(field: str, services: Sequence[Service], words: Words) -> DataValidation:
    """Return the validation of a column. It forbids nothing: `smmplus check` has newer data than a template."""
    if field == "service" and services:
        rule = DataValidation(type="list", formula1=choices(len(services)), allow_blank=True)
        # An ID alone is valid too, and a warning at each would be a nuisance.
        rule.showErrorMessage, rule.error = False, words.not_in_list
        return rule
    if field in _LISTS:
        return DataValidation(type="list", formula1=f'"{_LISTS[field]}"', allow_blank=True, showErrorMessage=True)
    if field not in NUMBER_FIELDS:
        return DataValidation(allow_blank=True)
    rule = DataValidation(type="whole", operator="between", allow_blank=True, errorStyle="warning")
    limited = field == "quantity" and services
    rule.formula1 = _limit("min", len(services), 1) if limited else str(int(field not in _MAY_BE_ZERO))
    rule.formula2 = _limit("max", len(services), _NO_LIMIT) if limited else str(_NO_LIMIT)
    rule.showErrorMessage, rule.error = True, words.beyond if limited else words.no_number
    return rule


def _limit(what: str, count: int, otherwise: int) -> str:
    return f"IFERROR({look_up('$A2', what, count)},{otherwise})"


def _show_limits(page: Worksheet, column: int, count: int) -> None:
    for row in range(2, PREPARED_ROWS + 2):
        page.cell(row, column, f'=IFERROR({look_up(f"$A{row}", "limits", count)},"")')


def _write_examples(page: Worksheet, fields: Sequence[str], services: Sequence[Service], words: Words) -> None:
    """Write example rows, which are not read as orders.

    They fill only the usual columns: an order that overwrites them leaves nothing behind.
    """
    usual = [service_label(service.id, service.name) for service in services if service.type.casefold() == "default"]
    named = (usual + [service_label(service.id, service.name) for service in services] + ["123", "456"])[:2]
    links = ("https://www.instagram.com/p/Cxample1", "https://www.tiktok.com/@example/video/1")
    for row, (service, link, quantity) in enumerate(zip(named, links, ("1000", "500"), strict=True), start=2):
        for field, text in (("service", service), ("link", link), ("quantity", quantity)):
            if field not in fields:
                continue
            cell = write_text(page, row, fields.index(field) + 1, f"{words.example}{text}")
            cell.font, cell.number_format = _EXAMPLE, page.column_dimensions[cell.column_letter].number_format


def _colour_statuses(page: Worksheet, column: int) -> None:
    letter = get_column_letter(column)
    for colour in STATUS_COLOURS:
        ground, font = PatternFill(bgColor=f"FF{colour.ground}"), Font(color=f"FF{colour.text}")
        look = DifferentialStyle(font=font, fill=ground)
        rule = Rule(type="expression", dxf=look, formula=[condition(f"{letter}2", colour)])
        page.conditional_formatting.add(f"{letter}2:{letter}{LAST_ROW}", rule)


def _protect(page: Worksheet) -> None:
    """Protect the result columns against typing, without a password: it is not a secret."""
    page.protection.enable()
    allowed = ("formatCells", "formatColumns", "formatRows", "insertRows", "deleteRows", "sort", "autoFilter")
    for what in allowed:
        setattr(page.protection, what, False)
