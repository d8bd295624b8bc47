"""Reads a file, whatever kind it is. Runs in a process of its own: it must start fast, without pandas."""

from pathlib import Path

from bulk.formats.numerals import check_locale
from bulk.reading.from_csv import parse_csv
from bulk.reading.from_mass_order import parse_mass_order
from bulk.reading.from_xlsx import parse_xlsx
from bulk.reading.guard import check_text, check_workbook, load
from bulk.reading.how import How
from bulk.sheet import Sheet


def parse(path: Path, how: How) -> Sheet:
    """Read what :func:`bulk.reading.read_sheet` promises, here and now; raises what it raises."""
    if how.locale:
        check_locale(how.locale)
    data = load(path)
    ending = path.suffix.casefold()
    if ending == ".xlsx":
        return parse_xlsx(path, data, how, check_workbook(path, data))
    check_text(path, data)
    if ending == ".txt":
        return parse_mass_order(path, data, how)
    return parse_csv(path, data, how)
