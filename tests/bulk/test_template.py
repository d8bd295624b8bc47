from dataclasses import fields, replace

import openpyxl
import pytest

from bulk.model.errors import SheetError
from bulk.model.fields import ORDER_FIELDS
from bulk.model.sheet import ORDER_RESULTS
from bulk.planning.orders import check_rows, order_rows
from bulk.reading import read_sheet
from bulk.template import usual_services, write_template
from bulk.template.words import LONGEST_PROMPT, WORDS, Language
from bulk.writing import write_results
from bulk.writing.column_style import SIGN, STATUS_COLOURS
from smmplus.orders.order_types import Units, order_type
from tests.bulk.plans import LINK, service

pytestmark = [pytest.mark.usefixtures("read_here"), pytest.mark.slow]

SERVICES = (
    service("1", "0.90", least=50, most=10_000, name="Followers \U0001f468\u200d\U0001f469"),
    service("2", "1.20", name="=cmd()\x07"),
    service("3", "5", kind="Package", name="Starter"),
)
TYPES = (
    "Default", "Package", "Custom Comments", "Custom Comments Package", "Mentions", "Mentions with Hashtags",
    "Mentions Custom List", "Mentions Hashtag", "Mentions User Followers", "Mentions Media Likers", "Comment Likes",
    "Comment Replies", "Poll", "Invites from Groups", "SEO", "Web Traffic", "Subscriptions",
)  # fmt: skip
EVERY_TYPE = tuple(service(str(number), kind=kind, name=kind) for number, kind in enumerate(TYPES, start=1))
LANGUAGES = tuple(Language)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new.xlsx"


def page_of(path, name="Orders"):
    return openpyxl.load_workbook(path)[name]


def header(page):
    return {cell.value: cell.column_letter for cell in page[1]}


def rules(page):
    """Give the rule of each column below its header."""
    return {str(rule.sqref).split("2:")[0]: rule for rule in page.data_validations.dataValidation}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("services", [(), SERVICES, EVERY_TYPE], ids=["plain", "some", "every type"])
def test_it_reads_back_as_a_sheet_of_no_orders_although_it_holds_examples(path, services, language):
    write_template(path, services, language)
    sheet = read_sheet(path)
    assert (sheet.name, len(sheet.frame), sheet.problems) == ("Orders", 0, ())
    assert sheet.ignored == ((WORDS[language].limits,) if services else ())
    first = [cell.value for cell in page_of(path)[2]][:3]
    assert all(text.startswith(WORDS[language].example) for text in first)


USUAL = ["service", "link", "quantity"]


@pytest.mark.parametrize(
    ("services", "full", "fields"),
    [
        (SERVICES, False, USUAL),
        (SERVICES, True, [*USUAL, "runs", "interval"]),
        (SERVICES[2:], False, ["service", "link"]),
        ([service("1", kind="SEO"), *SERVICES], False, [*USUAL, "keywords"]),
        ([service("1", kind="Subscriptions")], False, ["service", "username", "min", "max", "delay"]),
        (
            [service("1", kind="Web Traffic")],
            False,
            [*USUAL, "country", "device", "type_of_traffic", "google_keyword", "referring_url"],
        ),
        (EVERY_TYPE, True, [*ORDER_FIELDS]),
        ((), False, USUAL),
        ((), True, [*ORDER_FIELDS]),
    ],
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_its_columns_are_those_that_the_services_need_or_all_that_they_can_use(path, services, full, fields, language):
    write_template(path, services, language, full=full)
    assert list(read_sheet(path).columns) == [*fields, *ORDER_RESULTS]


def test_services_that_need_more_than_a_link_and_a_quantity_are_not_usual():
    assert usual_services([*EVERY_TYPE, service("9", kind="Teleport")]) == list(EVERY_TYPE[:2])
    assert usual_services(EVERY_TYPE[2:]) == list(EVERY_TYPE[2:])


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_results_are_in_view_next_to_the_usual_columns(path, language):
    write_template(path, SERVICES, language)
    page = page_of(path)
    right = {}
    for cell in page[1]:
        right[cell.column] = right.get(cell.column - 1, 40) + 7 * page.column_dimensions[cell.column_letter].width + 5
        assert len(cell.value) < page.column_dimensions[cell.column_letter].width
    assert list(right.values())[-1] < 1_900
    status = WORDS[language].headings["order_status"]
    assert right[next(cell.column for cell in page[1] if cell.value == status)] < 1_300


def test_its_headings_are_in_its_language_and_understood(path):
    write_template(path, (), Language.INDONESIAN, full=True)
    headings = [cell.value for cell in page_of(path)[1]]
    assert headings[:4] == ["Layanan", "Tautan", "Jumlah", "Pengulangan"]
    assert headings[-8:-6] == ["ID pesanan", "Status pesanan"]
    assert all(heading[0].isupper() for heading in headings)
    texts = {cell.value for row in page_of(path, "Petunjuk").iter_rows() for cell in row if cell.value}
    assert {*headings[:-8], "Status pesanan", "Tautan, Jumlah", "Pengulangan, Jeda"} <= texts
    assert not {field for field in ORDER_FIELDS for text in texts if "_" in field and field in text}


def test_a_type_that_is_not_supported_is_offered_without_columns_of_its_own(path):
    write_template(path, [*SERVICES, service("9", kind="Teleport")])
    assert page_of(path, "Services")["I5"].value == "none"


def test_results_of_an_indonesian_template_are_known_again(path):
    write_template(path, SERVICES, Language.INDONESIAN)
    book = openpyxl.load_workbook(path)
    for column, text in enumerate(("1", LINK, 100), start=1):
        book["Orders"].cell(2, column, text)
    book.save(path)
    sheet = read_sheet(path)
    assert write_results(sheet, {2: {"order_id": "501"}}, expected_digest=sheet.digest).in_place
    again = read_sheet(path)
    assert (again.columns, again.frame.loc[2, "order_id"]) == (sheet.columns, "501")


def test_the_header_is_frozen_and_ids_and_links_are_text(path):
    write_template(path)
    page = page_of(path)
    assert page.freeze_panes == "A2"
    assert [page[cell].number_format for cell in ("A2", "B1001", "C4")] == ["@", "@", "General"]
    assert [page.column_dimensions[letter].number_format for letter in "ABC"] == ["@", "@", "General"]


def test_services_are_chosen_from_a_list_of_ids_and_names(path):
    write_template(path, SERVICES)
    rule = rules(page_of(path))["A"]
    assert (rule.type, rule.formula1, str(rule.sqref)) == ("list", "Services!$A$2:$A$4", "A2:A1048576")
    rows = [[cell.value for cell in row] for row in page_of(path, "Services").iter_rows()]
    head = ["choose", "id", "name", "category", "type", "price/1000", "min", "max", "required columns", "limits"]
    assert rows[0] == head
    assert [row[0] for row in rows[1:]] == ["1 – Followers \U0001f468\U0001f469", "2 – =cmd()", "3 – Starter"]
    assert rows[1][5:] == [0.9, 50, 10_000, "link, quantity", "50 to 10000, 0.9 per 1000"]
    assert rows[3][8:] == ["link", "5 per package"]


def test_what_is_chosen_is_what_the_check_understands(path):
    write_template(path, SERVICES)
    chosen = [page_of(path, "Services").cell(row, 1).value for row in (2, 3, 4)]
    book = openpyxl.load_workbook(path)
    for at, (text, quantity) in enumerate(zip(chosen, ("100", "200", ""), strict=True), start=2):
        book["Orders"].cell(at, 1, text)
        book["Orders"].cell(at, 2, f"{LINK}/{at}")
        book["Orders"].cell(at, 3, quantity)
    book.save(path)
    sheet = read_sheet(path)
    rows = order_rows(sheet)
    assert [row.request.service for row in rows.values()] == ["1", "2", "3"]
    assert (sheet.problems, check_rows(sheet, rows.values(), {each.id: each for each in SERVICES})) == ((), [])


def test_a_service_whose_name_looks_like_a_formula_is_text(path):
    write_template(path, [replace(SERVICES[1], name="=1+1")])
    cell = page_of(path, "Services")["C2"]
    assert (cell.value, cell.data_type) == ("=1+1", "s")


def test_limits_of_the_service_in_a_row_are_asked_for_and_shown(path):
    write_template(path, SERVICES)
    page = page_of(path)
    rule = rules(page)["C"]
    assert (rule.type, rule.operator, rule.errorStyle) == ("whole", "between", "warning")
    looked_up = 'VLOOKUP(LEFT($A2,FIND(" ",$A2&" ")-1),Services!$B$2:$J$4,{},FALSE)'
    assert rule.formula1 == f"IFERROR({looked_up.format(6)},1)"
    assert rule.formula2 == f"IFERROR({looked_up.format(7)},1000000000000)"
    assert page[f"{header(page)['limits']}2"].value == f'=IFERROR({looked_up.format(9)},"")'
    assert [page_of(path, "Services").cell(1, column).value for column in (7, 8, 10)] == ["min", "max", "limits"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_column_to_fill_in_has_a_hint_that_programs_can_show(path, language):
    write_template(path, EVERY_TYPE, language, full=True)
    page = page_of(path)
    found, letters, words = rules(page), header(page), WORDS[language]
    for field in ORDER_FIELDS:
        heading, hint = words.headings[field], words.choose if field == "service" else words.hints[field]
        rule = found[letters[heading]]
        assert (rule.prompt, rule.promptTitle, rule.showInputMessage) == (hint, heading, True)
    assert all(len(text) <= LONGEST_PROMPT for text in (words.choose, *words.hints.values()))
    assert all(len(rule.formula1 or "") <= 255 and len(rule.error or "") <= 225 for rule in found.values())


def test_the_result_columns_are_protected_and_the_others_are_not(path):
    write_template(path, SERVICES)
    page = page_of(path)
    letters = header(page)
    assert page.protection.sheet
    assert page.protection.password is None
    for row in (2, 1001):
        assert all(page[f"{letters[name]}{row}"].protection.locked for name in ORDER_RESULTS)
        assert not any(page[f"{letter}{row}"].protection.locked for letter in "ABC")
    assert not any(page.column_dimensions[letter].protection.locked for letter in "ABC")


def test_statuses_have_the_colours_that_results_get_anyway(path):
    write_template(path, SERVICES)
    page = page_of(path)
    (block,) = page.conditional_formatting
    letter = header(page)["order_status"]
    assert str(block.sqref) == f"{letter}2:{letter}1048576"
    assert len(block.rules) == len(STATUS_COLOURS)
    assert any(SIGN in rule.formula[0] for rule in block.rules)


def test_the_colours_are_not_doubled_by_results(path):
    write_template(path, SERVICES)
    book = openpyxl.load_workbook(path)
    for column, text in enumerate(("1", LINK, 100), start=1):
        book["Orders"].cell(2, column, text)
    book.save(path)
    sheet = read_sheet(path)
    results = {2: {"order_id": "501", "order_status": "Completed"}}
    assert write_results(sheet, results, expected_digest=sheet.digest).in_place
    page = page_of(path)
    assert page[f"{header(page)['order_status']}2"].value == "Completed"
    assert len(page.conditional_formatting) == 1


@pytest.mark.parametrize(("language", "sheet"), [(Language.ENGLISH, "Instructions"), (Language.INDONESIAN, "Petunjuk")])
def test_there_are_instructions(path, language, sheet):
    write_template(path, SERVICES, language)
    texts = [cell.value for row in page_of(path, sheet).iter_rows() for cell in row if cell.value]
    assert texts[0] == WORDS[language].title
    words = WORDS[language]
    assert {words.hints["quantity"], words.choose, "Default", words.named(["link", "quantity"])} <= set(texts)
    assert words.hints["runs"] not in texts
    assert any(words.about_limits in text for text in texts)


def test_without_services_nothing_is_said_of_lists_and_limits(path):
    write_template(path)
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["Orders", "Instructions"]
    assert rules(book["Orders"])["A"].type is None
    texts = [cell.value for row in book["Instructions"].iter_rows() for cell in row if cell.value]
    assert not any(WORDS[Language.ENGLISH].about_limits in text for text in texts)
    hints = [rule.prompt for rule in rules(book["Orders"]).values()]
    assert [text for text in (*texts, *hints) if "from the list" in text] == []
    assert any("Write one order per row in the sheet Orders. ID of the service" in text for text in texts)


def test_both_languages_say_everything():
    english, indonesian = (WORDS[language] for language in LANGUAGES)
    assert set(english.hints) == set(indonesian.hints) == set(ORDER_FIELDS)
    assert set(english.units) == set(indonesian.units) == {each.name for each in Units}
    for field in fields(english):
        ours, theirs = getattr(english, field.name), getattr(indonesian, field.name)
        assert len(ours) == len(theirs) or isinstance(ours, str)
        assert ours != theirs


def test_every_type_is_known():
    assert all(order_type(kind) for kind in TYPES)


def test_an_existing_file_is_never_overwritten(path):
    path.write_bytes(b"mine")
    with pytest.raises(SheetError, match=r"new\.xlsx: the file exists already"):
        write_template(path)
    assert path.read_bytes() == b"mine"


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(SheetError, match=r"new\.xlsx: cannot be written"):
        write_template(tmp_path / "none" / "new.xlsx")


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(SheetError, match=r"ends in \.xlsx"):
        write_template(tmp_path / "new.csv")
