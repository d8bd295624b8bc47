"""Sheets read as a person says: numbers of a locale, headers that stand for something, switches, dates."""

from dataclasses import replace

import openpyxl
import pytest

from bulk.model.errors import SheetError
from bulk.model.options import ReadOptions
from bulk.planning.orders import order_rows
from bulk.reading import read_as
from bulk.writing import write_results
from smmplus.orders.validation import problems
from tests.bulk import workbooks as wb
from tests.smmplus.orders import service_of

pytestmark = pytest.mark.usefixtures("read_here")

LINK = "https://x.com/p"


def read_csv(tmp_path, text, how=ReadOptions(), name="a.csv"):  # noqa: B008 -- it is frozen
    path = tmp_path / name
    path.write_text(text, "utf-8")
    return read_as(path, how)


def read_xlsx(tmp_path, rows, how=ReadOptions(), **more):  # noqa: B008
    return read_as(wb.book(tmp_path / "a.xlsx", rows, **more), how)


def only_row(sheet):
    (cells,) = sheet.frame.to_dict("records")
    return cells


# Numbers.


def test_text_of_a_csv_is_read_in_its_locale(tmp_path):
    text = f"service;link;quantity;runs;interval\n7;{LINK};1.000;2;1.440\n"
    cells = only_row(read_csv(tmp_path, text, ReadOptions(locale="id")))
    assert (cells["quantity"], cells["interval"]) == ("1000", "1440")


def test_without_a_locale_it_stays_as_it_is(tmp_path):
    assert only_row(read_csv(tmp_path, f"service,link,quantity\n7,{LINK},1.000\n"))["quantity"] == "1.000"


def test_text_of_a_workbook_is_read_in_its_locale_and_numbers_are_what_they_are(tmp_path):
    rows = wb.header() + "".join(
        wb.row(at, wb.number(f"A{at}", "7"), wb.text(f"B{at}", LINK), cell)
        for at, cell in ((2, wb.text("C2", "1.000")), (3, wb.number("C3", "1.125")), (4, wb.number("C4", "1000")))
    )
    assert list(read_xlsx(tmp_path, rows, ReadOptions(locale="id")).frame["quantity"]) == ["1000", "1.125", "1000"]


def test_a_space_between_thousands_is_no_flaw_where_it_was_declared(tmp_path):
    text = f"service;link;quantity\n7;{LINK};10\u00a0000\n"
    assert [problem.field for problem in read_csv(tmp_path, text).problems] == ["quantity"]
    sheet = read_csv(tmp_path, text, ReadOptions(locale="fr"))
    assert (only_row(sheet)["quantity"], sheet.problems) == ("10000", ())


@pytest.mark.parametrize("field", ["service", "link", "comments", "order_id", "answer_number", "delay"])
def test_what_is_no_number_to_count_with_is_left_alone(tmp_path, field):
    other = "link" if field == "service" else "service"
    text = f"{other};quantity;{field}\n7;1;1.000\n" if field != "service" else "link;quantity;service\nx;1;1.000\n"
    assert only_row(read_csv(tmp_path, text, ReadOptions(locale="id")))[field] == "1.000"


@pytest.mark.parametrize("line", [f"7 | {LINK} | 1.000", f"7 | 1.000 | {LINK}"])
def test_mass_order_text_has_a_locale_too(tmp_path, line):
    sheet = read_csv(tmp_path, line, ReadOptions(locale="id"), name="a.txt")
    assert (only_row(sheet), sheet.problems) == ({"service": "7", "link": LINK, "quantity": "1000"}, ())
    assert len(read_csv(tmp_path, line, name="a.txt").problems) == 1


def test_a_locale_that_nobody_knows_is_refused(tmp_path):
    with pytest.raises(SheetError, match="is not a known locale"):
        read_csv(tmp_path, f"service,link,quantity\n7,{LINK},1\n", ReadOptions(locale="xx"))


# Headers.

THEIRS = ReadOptions(headers=(("Kode Barang", "service"), ("Alamat", "link"), ("Pcs", "quantity")))


def test_headers_stand_for_what_a_person_says(tmp_path):
    sheet = read_csv(tmp_path, f"kode_barang;ALAMAT;Pcs;Catatan\n7;{LINK};100;mine\n", THEIRS)
    assert only_row(sheet) == {"service": "7", "link": LINK, "quantity": "100"}
    assert (sheet.ignored, sheet.headers) == (("Catatan",), THEIRS.headers)


def test_in_a_workbook_too_below_a_title_on_the_one_sheet_that_has_them(tmp_path):
    rows = wb.row(1, wb.text("A1", "Kampanye")) + wb.header(3, ("Kode Barang", "Alamat", "Pcs")) + wb.order(4)
    path = wb.pack(wb.parts({"Notes": wb.worksheet(""), "Orders": wb.worksheet(rows)}), tmp_path / "a.xlsx")
    sheet = read_as(path, THEIRS)
    assert (sheet.name, only_row(sheet)) == ("Orders", {"service": "7", "link": LINK, "quantity": "100"})


def test_what_a_person_says_goes_before_the_known_names(tmp_path):
    how = ReadOptions(headers=(("Post to boost", "link"),))
    sheet = read_csv(tmp_path, f"service,link,quantity,post to boost\n7,https://own.site,100,{LINK}\n", how)
    assert (only_row(sheet)["link"], sheet.ignored) == (LINK, ("link",))


@pytest.mark.parametrize("header", ["Alamat Tujuan", "", "Pcs."])
def test_a_header_that_is_not_there_is_refused_with_those_that_are(tmp_path, header):
    how = ReadOptions(headers=(("Alamat", "link"),))
    with pytest.raises(
        SheetError, match=r"'Alamat' is mapped to link .*but row 1 has no column of that name\. Columns"
    ):
        read_csv(tmp_path, f"service,quantity,{header}\n7,100,{LINK}\n", how)


def test_two_columns_of_the_same_name_are_refused(tmp_path):
    with pytest.raises(SheetError, match=r"columns B \('Alamat'\) and D \('alamat'\) of row 1 both mean link"):
        read_csv(
            tmp_path,
            f"service,Alamat,quantity,alamat\n7,{LINK},100,{LINK}\n",
            ReadOptions(headers=(("Alamat", "link"),)),
        )


def test_a_sheet_without_them_names_them_among_what_was_looked_for(tmp_path):
    with pytest.raises(SheetError, match=r"'Alamat' for link.*--map 'Their name=link'"):
        read_csv(tmp_path, "a,b\n1,2\n", THEIRS)


def test_mass_order_text_has_no_headers(tmp_path):
    with pytest.raises(SheetError, match="mass-order text has no headers"):
        read_csv(tmp_path, f"7 | {LINK} | 1", THEIRS, name="a.txt")


def test_results_go_into_a_csv_whose_headers_are_a_person_s_own(tmp_path):
    how = replace(THEIRS, headers=(*THEIRS.headers, ("Nomor Pesanan", "order_id")))
    sheet = read_csv(tmp_path, f"Kode Barang;Alamat;Pcs;Nomor Pesanan\n7;{LINK};1.000;\n", replace(how, locale="id"))
    written = write_results(sheet, {2: {"order_id": "501", "order_status": "Pending"}}, expected_digest=sheet.digest)
    assert written.in_place
    text = f"Kode Barang;Alamat;Pcs;Nomor Pesanan;Status Pesanan\n7;{LINK};1.000;501;Pending\n"
    assert (tmp_path / "a.csv").read_text("utf-8") == text


def test_and_into_such_a_workbook_again_and_again(tmp_path):
    how = replace(THEIRS, headers=(*THEIRS.headers, ("Nomor", "order_id")))
    rows = wb.header(1, ("Kode Barang", "Alamat", "Pcs", "Nomor")) + wb.order(2)
    for status in ("Pending", "Completed"):
        sheet = read_xlsx(tmp_path, rows, how) if status == "Pending" else read_as(tmp_path / "a.xlsx", how)
        results = {2: {"order_id": "501", "order_status": status}}
        assert write_results(sheet, results, expected_digest=sheet.digest).in_place
    table = [list(row) for row in openpyxl.load_workbook(tmp_path / "a.xlsx").active.values]
    assert table[0][3:] == ["Nomor", "Status pesanan"]
    assert table[1][3:] == ["501", "Completed"]


# Switches.


@pytest.mark.parametrize(("value", "text"), [("1", "TRUE"), ("0", "FALSE")])
def test_a_tick_box_is_a_switch(tmp_path, value, text):
    box = f'<c r="D2" t="b"><v>{value}</v></c>'
    rows = wb.header(names=("service", "link", "quantity", "Lewati")) + wb.order(2).replace("</row>", f"{box}</row>")
    sheet = read_xlsx(tmp_path, rows)
    assert (only_row(sheet)["skip"], sheet.problems) == (text, ())


def test_a_truth_value_anywhere_else_is_a_problem(tmp_path):
    rows = wb.header() + wb.order(2).replace(wb.number("C2", "100"), '<c r="C2" t="b"><v>1</v></c>')
    assert [problem.where for problem in read_xlsx(tmp_path, rows).problems] == ["C2"]


@pytest.mark.parametrize(
    "cell", ['<c r="D2" t="e"><f>1/0</f><v>#DIV/0!</v></c>', '<c r="D2"><f>A1</f></c>'], ids=["error", "no value"]
)
def test_a_switch_that_cannot_be_read_is_a_problem(tmp_path, cell):
    rows = wb.header(names=("service", "link", "quantity", "skip")) + wb.order(2).replace("</row>", f"{cell}</row>")
    (problem,) = read_xlsx(tmp_path, rows).problems
    assert (problem.where, problem.field, problem.row) == ("D2", "skip", 2)


def test_a_switch_without_an_order_is_nothing(tmp_path):
    rows = wb.header(names=("service", "link", "quantity", "skip")) + wb.order(2)
    rows += wb.row(3, '<c r="D3" t="e"><v>#N/A</v></c>') + wb.row(4, wb.text("D4", "x"))
    sheet = read_xlsx(tmp_path, rows)
    assert (list(sheet.frame.index), sheet.problems) == ([2], ())


def test_merged_and_hidden_switches_are_problems(tmp_path):
    rows = wb.header(names=("service", "link", "quantity", "skip"))
    rows += wb.order(2).replace("</row>", wb.text("D2", "x") + "</row>") + wb.order(3)
    merged = read_xlsx(tmp_path, rows, after='<mergeCells count="1"><mergeCell ref="D2:D3"/></mergeCells>')
    assert [(problem.where, problem.row) for problem in merged.problems] == [("D2:D3", 2), ("D2:D3", 3)]
    hidden = read_xlsx(tmp_path, rows, before='<cols><col min="4" max="4" hidden="1" width="9"/></cols>')
    assert [problem.where for problem in hidden.problems] == ["column D"]


# Dates.

DATED = "service,username,min,max,delay,expiry\n21,anna,10,20,30,"


def test_an_iso_date_stays_in_the_sheet_and_goes_to_the_panel_as_it_wants_it(tmp_path):
    sheet = read_csv(tmp_path, f"{DATED}2026-03-04\n")
    assert (only_row(sheet)["expiry"], sheet.problems) == ("2026-03-04", ())
    assert order_rows(sheet)[2].request.values["expiry"] == "04/03/2026"


@pytest.mark.parametrize(
    "text", ["04/03/2026", "31/12/2026", "2026-02-30", "2026-3-4", "20260304", "46085", "2026-W10", "4 March 2026"]
)
def test_any_other_way_to_write_a_date_is_refused(tmp_path, text):
    (problem,) = read_csv(tmp_path, f"{DATED}{text}\n").problems
    assert (problem.where, problem.value) == ("line 2, expiry", text)
    assert "2026-12-31" in problem.remedy
    assert (problem.message == "does not exist in the calendar") == (text == "2026-02-30")


@pytest.mark.parametrize("cell", [wb.number("B2", "46085"), wb.number("B2", "46085", ' s="2"')], ids=["number", "date"])
def test_a_date_that_is_a_number_is_refused(tmp_path, cell):
    rows = wb.header(names=("service", "expiry", "username")) + wb.row(2, wb.number("A2", "21"), cell)
    styled = {"xl/styles.xml": wb.STYLES}
    (problem,) = read_xlsx(tmp_path, rows, **styled).problems
    assert (problem.where, "2026-12-31" in problem.remedy) == ("B2", True)


def test_no_date_is_none(tmp_path):
    assert read_csv(tmp_path, f"{DATED}\n").problems == ()


def test_an_example_of_a_date_is_no_flaw_and_no_date(tmp_path):
    example = f"{DATED}".replace("21,anna,10,20,30,", "e.g. 21,e.g. anna,e.g. 10,e.g. 20,e.g. 30,e.g. 2026-12-31")
    sheet = read_csv(tmp_path, f"{example}\n21,anna,10,20,30,e.g. 2026-12-31\n")
    assert (list(sheet.frame.index), sheet.problems) == ([3], ())
    request = order_rows(sheet)[3].request
    (problem,) = problems(request, service_of("Subscriptions", number="21"))
    assert (problem.field, "is not a date" in problem.message) == ("expiry", True)
