"""What is written opens in LibreOffice, which shows the values that were there, the results, and their colours."""

import io
import shutil
import subprocess
import warnings

import openpyxl
import pytest

from bulk.model.sheet import Problem
from bulk.problem_copy import GROUND, write_problem_copy
from bulk.reading import read_sheet
from bulk.template import write_template
from bulk.writing import write_results
from tests.bulk import workbooks as wb
from tests.bulk.everything import ROWS, everything
from tests.bulk.plans import service

SOFFICE = shutil.which("soffice") or shutil.which("libreoffice")
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(SOFFICE is None, reason="LibreOffice is not here: install libreoffice-calc to run this"),
]
MARKED = ("link", "quantity")
RESULT = {"order_id": "23501", "order_status": "Completed", "charge": "0.45", "error": "=1+1"}

UNADDRESSED = wb.worksheet(
    "<row><c t='inlineStr'><is><t>service</t></is></c><c t='inlineStr'><is><t>link</t></is></c></row><row/>"
    "<row><c><v>7</v></c><c t='inlineStr'><is><t>https://x.com/p</t></is></c></row>"
)
PREFIXED = UNADDRESSED.replace("<", "<x:").replace("<x:/", "</x:").replace("xmlns=", "xmlns:x=")


@pytest.fixture(scope="module")
def books(tmp_path_factory):
    """Give the workbooks as LibreOffice saves them after opening: one start of it takes some seconds."""
    folder = tmp_path_factory.mktemp("books")
    everything(folder / "before.xlsx")
    write(everything(folder / "after.xlsx"), ROWS)
    write(wb.pack(wb.parts({"Orders": UNADDRESSED}), folder / "unaddressed.xlsx"), [3])
    write(wb.pack(wb.parts({"Orders": PREFIXED}), folder / "prefixed.xlsx"), [3])
    mark(everything(folder / "marked.xlsx"))
    fill_in(folder / "template.xlsx")
    made = sorted(folder.glob("*.xlsx"))
    # A profile of its own: a LibreOffice that is open elsewhere would take the job, or refuse it.
    command = [SOFFICE, f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--headless", "--norestore"]
    command += ["--convert-to", "xlsx", "--outdir", str(folder / "opened"), *map(str, made)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    saved = {path.stem: folder / "opened" / path.name for path in made}
    assert all(path.exists() for path in saved.values()), done.stdout + done.stderr
    return {name: loaded(path) for name, path in saved.items()}


def loaded(path) -> openpyxl.Workbook:
    with warnings.catch_warnings(action="ignore"):  # openpyxl tells what it does not read
        return openpyxl.load_workbook(io.BytesIO(path.read_bytes()), data_only=True)


def write(path, rows):
    sheet = read_sheet(path)
    assert write_results(sheet, dict.fromkeys(rows, RESULT), expected_digest=sheet.digest).in_place


def mark(path):
    sheet, row = read_sheet(path), ROWS[0]
    bad = [
        Problem(f"{letter}{row}", name, "", "is bad", "mend it", row) for letter, name in zip("BC", MARKED, strict=True)
    ]
    assert write_problem_copy(sheet, bad).lost.startswith("the copy does not hold everything")


def fill_in(path):
    write_template(path, [service("1", "0.9", least=50, most=10_000, name="Followers"), service("2", name="Likes")])
    book = openpyxl.load_workbook(path)
    for row, chosen in ((4, "1 – Followers"), (5, 2), (6, "9")):
        book["Orders"].cell(row, 1, chosen)
    book.save(path)


def values(book):
    """Give all values left of the results."""
    return {
        page.title: {
            cell.coordinate: cell.value for row in page.iter_rows(max_col=5) for cell in row if cell.value is not None
        }
        for page in book
    }


def test_everything_shows_the_values_that_were_there(books):
    assert values(books["after"]) == values(books["before"])
    assert values(books["after"])["Orders"]["E5"] == 200


def test_results_are_shown_and_text_is_no_formula(books):
    page = books["after"]["Orders"]
    assert [page[f"{letter}5"].value for letter in "GHIJ"] == ["23501", "Completed", 0.45, "=1+1"]


def test_what_libreoffice_keeps_of_any_workbook_it_keeps_of_this_one(books):
    def kept(book):
        page = book["Orders"]
        return {
            "pictures": len(page._images),
            "charts": len(book["Sums"]._charts),
            "panes": page.freeze_panes,
            "protection": page.protection.sheet,
            "validations": [str(each.sqref) for each in page.data_validations.dataValidation],
            "comment": page["B5"].comment.text if page["B5"].comment else None,
            "tables": list(page.tables),
            "merged": [str(each) for each in page.merged_cells.ranges],
            "names": sorted(book.defined_names),
        }

    assert kept(books["after"]) == kept(books["before"])
    assert kept(books["after"])["protection"]
    assert kept(books["after"])["charts"] == 1


def test_statuses_have_their_colours(books):
    formatting = books["after"]["Orders"].conditional_formatting
    rules = [rule for block in formatting if "H5" in str(block.sqref) for rule in block.rules]
    green = next(rule for rule in rules if '"Completed"' in rule.formula[0])
    assert green.dxf.fill.bgColor.rgb == "FFC6EFCE"


@pytest.mark.parametrize("name", ["unaddressed", "prefixed"])
def test_prefixes_and_missing_addresses_are_no_hindrance(books, name):
    page = books[name]["Orders"]
    assert [cell.value for cell in page[3]] == [7, "https://x.com/p", "23501", "Completed", 0.45, "=1+1"]


def test_a_marked_copy_shows_the_same_values_and_every_comment(books):
    copy = books["marked.problems"]
    assert values(copy) == values(books["before"])
    shown = {cell.coordinate: cell.comment.text for row in copy["Orders"].iter_rows() for cell in row if cell.comment}
    assert shown[f"C{ROWS[0]}"] == "Is bad.\nMend it."
    assert shown[f"B{ROWS[0]}"].startswith("Ask Ann")
    assert shown[f"B{ROWS[0]}"].endswith("smmplus: Is bad.\nMend it.")
    assert {copy["Orders"][f"{letter}{ROWS[0]}"].fill.fgColor.rgb for letter in "BC"} == {GROUND}


def test_a_template_shows_the_limits_of_the_service_chosen_by_name_or_by_id(books):
    page = books["template"]["Orders"]
    limits = next(cell.column for cell in page[1] if cell.value == "limits")
    shown = [page.cell(row, limits).value for row in (4, 5, 6, 7)]
    assert shown == ["50 to 10000, 0.9 per 1000", "10 to 1000000, 1.5 per 1000", None, None]
