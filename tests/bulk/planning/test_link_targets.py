"""A cell may show one thing and lead somewhere else."""

import openpyxl
import pytest
import xlsxwriter

from bulk.model.options import ReadOptions
from bulk.reading import read_as, read_sheet
from tests.bulk.plans import LINK, service

pytestmark = pytest.mark.usefixtures("read_here")


def plan_of(week, tmp_path, shown, target):
    book = openpyxl.Workbook()
    for cells in (["service", "link", "quantity"], [2, shown, 100], [2, f"{LINK}/2", 100]):
        book.active.append(cells)
    book.active["B2"].hyperlink = target
    book.active["B2"].value = shown
    book.save(tmp_path / "week.xlsx")
    return week.plan(read_sheet(tmp_path / "week.xlsx"), service(), unfinished=False)


def test_the_remedy_names_where_a_cell_leads(week, tmp_path):
    (problem,) = plan_of(week, tmp_path, "click here", LINK).problems
    assert problem.remedy == (
        f"the cell leads to {LINK}: type that address into it, or pass --use-hyperlinks to order what cells lead to"
    )
    used = read_as(tmp_path / "week.xlsx", ReadOptions(use_hyperlinks=True))
    assert list(used.texts["link"]) == [LINK, f"{LINK}/2"]
    assert week.plan(used, service(), unfinished=False).problems == ()


def test_two_addresses_that_differ_are_both_named(week, tmp_path):
    plan = plan_of(week, tmp_path, LINK, "https://other.example/x")
    assert len(plan.to_send) == 2
    (warning,) = plan.warnings
    assert warning.message == f"the cell shows {LINK}, which will be ordered, but leads to https://other.example/x"


@pytest.mark.parametrize("target", [LINK, f"{LINK}/", f"{LINK}?utm_source=x", "mailto:a@b.c"])
def test_what_leads_to_the_same_or_nowhere_is_not_warned_of(week, tmp_path, target):
    assert plan_of(week, tmp_path, LINK, target).warnings == ()


OTHER = "https://other.example/x"


def formula_sheet(tmp_path, formula, shown):
    """Write a sheet with a formula in a cell of links, with its stored value."""
    path = tmp_path / "week.xlsx"
    with xlsxwriter.Workbook(path) as book:
        page = book.add_worksheet()
        for row, cells in enumerate((["service", "link", "quantity"], [2, "", 100], [2, f"{LINK}/2", 100])):
            page.write_row(row, 0, cells)
        page.write_formula(1, 1, formula, None, shown)
    return path


@pytest.mark.parametrize(
    "formula", [f'=HYPERLINK("{LINK}","click here")', f'=hyperlink( "{LINK}" , "click ""here""" )']
)
def test_a_formula_of_a_link_leads_to_its_address(week, tmp_path, formula):
    path = formula_sheet(tmp_path, formula, "click here")
    (problem,) = week.plan(read_sheet(path), service(), unfinished=False).problems
    assert problem.remedy.startswith(f"the cell leads to {LINK}: type that address into it, or pass --use-hyperlinks")
    used = read_as(path, ReadOptions(use_hyperlinks=True))
    assert (list(used.texts["link"]), used.problems) == ([LINK, f"{LINK}/2"], ())


def test_a_formula_that_shows_another_address_is_warned_of(week, tmp_path):
    path = formula_sheet(tmp_path, f'=HYPERLINK("{OTHER}","{LINK}")', LINK)
    plan = week.plan(read_sheet(path), service(), unfinished=False)
    (warning,) = plan.warnings
    assert warning.message == f"the cell shows {LINK}, which will be ordered, but leads to {OTHER}"
    assert plan.to_send[0].row.request.values["link"] == LINK


def test_the_address_in_a_formula_without_a_stored_value_can_be_used(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["service", "link", "quantity"])
    book.active.append([2, f'=HYPERLINK("{LINK}","click here")', 100])
    book.save(tmp_path / "week.xlsx")
    assert [each.field for each in read_sheet(tmp_path / "week.xlsx").problems] == ["link"]
    used = read_as(tmp_path / "week.xlsx", ReadOptions(use_hyperlinks=True))
    assert (used.texts["link"], used.problems) == ([LINK], ())


@pytest.mark.parametrize(
    "formula",
    [
        '=HYPERLINK(D1,"click here")',
        f'=HYPERLINK("{LINK}"&A2,"click here")',
        f'=IF(A2=2,HYPERLINK("{LINK}"),"")',
        '=HYPERLINK("#Sheet1!A1","click here")',
        f'=HYPERLINK("{LINK}\u200b","click here")',
        f'="{LINK}"',
    ],
)
def test_other_formulas_lead_nowhere(tmp_path, formula):
    path = formula_sheet(tmp_path, formula, "click here")
    assert 2 not in read_sheet(path).targets
    assert read_as(path, ReadOptions(use_hyperlinks=True)).texts["link"] == ["click here", f"{LINK}/2"]
