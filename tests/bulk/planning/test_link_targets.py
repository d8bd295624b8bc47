"""A cell may show one thing and lead somewhere else."""

import openpyxl
import pytest

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
