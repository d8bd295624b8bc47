"""Services as a template offers them, and rows that are examples."""

import pytest

from bulk.model.cell_values import is_example, printable_name, service_id_of, service_label, service_name_of
from bulk.planning.orders import check_rows, order_rows
from bulk.reading import read_sheet
from tests.bulk.plans import LINK, row, service, sheet_of

pytestmark = pytest.mark.usefixtures("read_here")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("  Real\u00a0 Likes\n", "Real Likes"),
        ("Followers \U0001f468\u200d\U0001f469 \u2b50\ufe0f", "Followers \U0001f468\U0001f469 \u2b50\ufe0f"),
        ("=cmd()\x07", "=cmd()"),
        ("x" * 200, "x" * 150),
    ],
)
def test_a_name_is_shown_without_what_nobody_sees(name, shown):
    assert printable_name(name) == shown


@pytest.mark.parametrize(
    ("text", "service_id", "name"),
    [
        ("12 – Likes – fast", "12", "Likes – fast"),
        (service_label("12", "Likes"), "12", "Likes"),
        (service_label("12", " "), "12", ""),
        ("12", "12", ""),
        ("12 - Likes", "12 - Likes", ""),
        ("1 2 – Likes", "1 2 – Likes", ""),
        (" – Likes", " – Likes", ""),
    ],
)
def test_a_choice_is_an_id_and_a_name(text, service_id, name):
    assert (service_id_of(text), service_name_of(text)) == (service_id, name)


def test_a_service_that_was_chosen_is_ordered_by_its_id():
    rows = order_rows(sheet_of(row(service="2 – Likes"), row(service="2")))
    assert rows[2].request == rows[3].request
    assert [each.service_name for each in rows.values()] == ["Likes", ""]


def test_a_service_that_was_chosen_by_another_name_may_be_another_by_now():
    sheet = sheet_of(row(service="2 – Followers"), row(LINK + "/2", service="2 – Likes"))
    rows = order_rows(sheet)
    for looked_at in (rows.values(), list(rows.values())):
        (problem,) = check_rows(sheet, looked_at, {"2": service(name="Likes ")})
        assert (problem.row, problem.field) == (2, "service")
        assert problem.message == "service 2 is called 'Likes ', not 'Followers'"
        assert problem.remedy == "write 2 alone if that is the one you mean"


def test_a_service_that_is_gone_is_told_by_its_id():
    sheet = sheet_of(row(service="9 – Likes"))
    (problem,) = check_rows(sheet, order_rows(sheet).values(), {"2": service()})
    assert problem.message == "service 9 does not exist or is disabled"


@pytest.mark.parametrize("mark", ["e.g. ", "contoh: "])
def test_a_row_of_examples_alone_is_no_order(tmp_path, mark):
    path = tmp_path / "a.csv"
    path.write_text(f"service,link,quantity\n{mark}2 – Likes,{mark}{LINK},\n2,{LINK},100\n", "utf-8")
    sheet = read_sheet(path)
    assert (sheet.frame.index.tolist(), sheet.problems) == ([3], ())


def test_an_example_that_is_half_filled_in_is_an_order_with_a_problem(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(f"service,link,quantity\n2,e.g. {LINK},e.g. 1000\n", "utf-8")
    sheet = read_sheet(path)
    found = check_rows(sheet, order_rows(sheet).values(), {"2": service()})
    assert {problem.field for problem in found} == {"link", "quantity"}


def test_a_row_with_an_order_id_is_no_example(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(f"service,link,quantity,order_id\ne.g. 2,e.g. {LINK},,501\n", "utf-8")
    assert len(read_sheet(path).frame) == 1


def test_a_mark_in_the_middle_is_none():
    assert not is_example("see e.g. this")
