import openpyxl
import pytest

from bulk.errors import SheetError
from bulk.reading import read_sheet
from bulk.sheet import RESULT_FIELDS
from bulk.template import TemplateService, write_template

SERVICES = (
    TemplateService("1", "Followers", "Instagram", "0.90", "50", "10000"),
    TemplateService("2", "=cmd()\x07", "TikTok", "1.20", "10", "500"),
)


@pytest.mark.parametrize("services", [(), SERVICES])
def test_it_reads_back_as_a_sheet_of_no_orders(tmp_path, services):
    path = tmp_path / "new.xlsx"
    write_template(path, services)
    sheet = read_sheet(path)
    assert list(sheet.columns) == ["service", "link", "quantity", "runs", "interval", *RESULT_FIELDS]
    assert (sheet.name, len(sheet.frame), sheet.problems, sheet.ignored) == ("Orders", 0, (), ())


def test_the_header_is_frozen_and_ids_and_links_are_text(tmp_path):
    write_template(tmp_path / "new.xlsx")
    page = openpyxl.load_workbook(tmp_path / "new.xlsx")["Orders"]
    assert page.freeze_panes == "A2"
    assert [page[cell].number_format for cell in ("A2", "B1001", "C2")] == ["@", "@", "General"]


def test_services_can_be_chosen_from_a_list(tmp_path):
    write_template(tmp_path / "new.xlsx", SERVICES)
    book = openpyxl.load_workbook(tmp_path / "new.xlsx")
    (choice,) = book["Orders"].data_validations.dataValidation
    assert (choice.formula1, str(choice.sqref)) == ("Services!$A$2:$A$3", "A2:A1001")
    rows = [[cell.value for cell in row] for row in book["Services"].iter_rows()]
    assert rows[:2] == [
        ["id", "name", "category", "rate", "min", "max"],
        ["1", "Followers", "Instagram", "0.90", "50", "10000"],
    ]


def test_a_service_whose_name_looks_like_a_formula_is_text(tmp_path):
    write_template(tmp_path / "new.xlsx", SERVICES)
    cell = openpyxl.load_workbook(tmp_path / "new.xlsx")["Services"]["B3"]
    assert (cell.value, cell.data_type) == ("=cmd()", "s")


def test_an_existing_file_is_never_overwritten(tmp_path):
    path = tmp_path / "new.xlsx"
    path.write_bytes(b"mine")
    with pytest.raises(SheetError, match=r"new\.xlsx: exists already"):
        write_template(path)
    assert path.read_bytes() == b"mine"


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(SheetError, match=r"new\.xlsx: cannot be written"):
        write_template(tmp_path / "none" / "new.xlsx")


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(SheetError, match=r"ends in \.xlsx"):
        write_template(tmp_path / "new.csv")
